//! Checks of objects that somebody else wrote: files, streams, the items of a function call.
//!
//! Everything that looks at objects runs here too: schemas, CEL, the rules of webhooks, references. Findings point at the
//! line that the object stands on.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use self::views::Views;
use super::{
    Object, Objects, Violation,
    flux::{self, Folders, coverage::Coverage, expand::Given, given::Repositories, place::Places},
    rules::{self, Externals, Set},
    schema::{self, Check, Crd, Report, Schemas},
};
use crate::{
    finding::{Finding, Findings, ObjectRef, codes},
    yaml::{Location, Node, Sources, pointer::FieldPath},
};

mod views;

/// Objects with their places.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    nodes: Vec<Node>,
    /// Documents that are no objects of a cluster, by what they are.
    skipped: BTreeMap<String, u64>,
}

/// What objects are checked against.
#[derive(Debug)]
pub struct Against<'run> {
    /// Schemas of kinds.
    pub schemas: &'run Schemas,
    /// What was there before.
    pub previous: &'run Objects,
    /// What exists beside the objects.
    pub externals: &'run Externals,
    /// How strictly.
    pub check: Check,
    /// InfraFlux's catalogue.
    pub catalog: &'run Folders,
    /// Where the folders of Kustomizations are found.
    pub places: &'run Places,
}

/// What came of checking objects.
#[derive(Debug, Default)]
pub struct Checked {
    /// What is wrong, in the order of the objects; what Flux makes of them comes last.
    pub findings: Findings,
    /// What the schemas covered. Its violations are among the findings.
    pub report: Report,
    /// What Flux's checks covered.
    pub flux: Coverage,
}

/// An object to be checked.
#[derive(Debug, Clone, Copy)]
struct Item<'run> {
    object: &'run Object,
    node: &'run Node,
    sources: &'run Sources,
    /// What is compared with what was there before: the object as it was written.
    written: &'run ObjectRef,
    /// Whether Flux made it of what was written.
    is_built: bool,
}

impl<'run> Item<'run> {
    /// The file that it is written in.
    fn file(&self) -> &'run str {
        self.sources.get(self.node.place.source).map_or("", |source| source.name())
    }
}

/// How documents that are no objects at all are counted.
const NO_KIND: &str = "without a kind (a values file?)";

/// How documents are counted of which SOPS encrypted everything.
const ENCRYPTED: &str = "encrypted as a whole";

/// Groups whose objects are for tools, or are files that components of Kubernetes read, and never reach an API server.
const FOR_TOOLS: &[&str] = &[
    "apiserver.config.k8s.io",
    "apiserver.k8s.io",
    "audit.k8s.io",
    "config.kubernetes.io",
    "eksctl.io",
    "fn.kpt.dev",
    "infraflux.io",
    "kind.x-k8s.io",
    "kpt.dev",
    "kubeadm.k8s.io",
    "kubelet.config.k8s.io",
    "kubeproxy.config.k8s.io",
    "kubescheduler.config.k8s.io",
    "kustomize.config.k8s.io",
    "skaffold",
];

/// The file with the contracts of a provider's releases, which `clusterctl` reads.
const RELEASES: (&str, &str) = ("clusterctl.cluster.x-k8s.io", "Metadata");

/// What documents of a Talos machine configuration have for an apiVersion. No kind of Kubernetes' core group has it.
const TALOS: &str = "v1alpha1";

impl Documents {
    /// Takes one document in. Lists are taken apart; what is no object of a cluster is counted.
    pub fn add(&mut self, sources: &Sources, root: Node) -> Findings {
        let mut findings = Findings::new();
        let mut open = vec![root];
        while let Some(node) = open.pop() {
            let text = |key: &str| node.get(key).and_then(Node::as_str).unwrap_or_default();
            let (api_version, kind) = (text("apiVersion"), text("kind"));
            let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
            if matches!(node.data, crate::yaml::Data::Null) {
                continue;
            }
            if kind.ends_with("List")
                && let Some(items) = node.get("items").and_then(Node::as_sequence)
            {
                open.extend(items.iter().rev().map(|item| named_by_list(item, &node)));
            } else if FOR_TOOLS.contains(&group) || (group, kind) == RELEASES {
                *self.skipped.entry(format!("{kind} of {group}")).or_default() += 1;
            } else if api_version.starts_with("ENC[") {
                *self.skipped.entry(ENCRYPTED.to_owned()).or_default() += 1;
            } else if api_version == TALOS {
                *self.skipped.entry(format!("{kind} of Talos")).or_default() += 1;
            } else if api_version.is_empty() && kind.is_empty() {
                *self.skipped.entry(NO_KIND.to_owned()).or_default() += 1;
            } else if api_version.is_empty() || kind.is_empty() {
                let missing = if kind.is_empty() { "kind" } else { "apiVersion" };
                findings.push(
                    Finding::error(&codes::SCHEMA_MISSING, format!("the document has no `{missing}`"))
                        .at(sources.locate(node.place))
                        .hint("every Kubernetes object has `apiVersion`, `kind` and `metadata`"),
                );
            } else {
                self.nodes.push(node);
            }
        }
        findings
    }

    /// How many objects there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are objects of a group and kind.
    #[must_use]
    pub fn have(&self, group: &str, kind: &str) -> bool {
        let is = |node: &Node, key: &str, wanted: &dyn Fn(&str) -> bool| {
            node.get(key).and_then(Node::as_str).is_some_and(wanted)
        };
        let of_group = |version: &str| version.rsplit_once('/').map_or("", |(group, _)| group) == group;
        self.nodes
            .iter()
            .any(|node| is(node, "kind", &|found| found == kind) && is(node, "apiVersion", &of_group))
    }

    /// Whether there is no object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// What was skipped, in one line; `None` when nothing was.
    #[must_use]
    pub fn skipped(&self) -> Option<String> {
        let one = |(what, count): (&String, &u64)| match count {
            _ if what != NO_KIND && what != ENCRYPTED => format!("{count} {what}"),
            1 => format!("1 document {what}"),
            count => format!("{count} documents {what}"),
        };
        let parts: Vec<String> = self.skipped.iter().map(one).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The objects without places.
    #[must_use]
    pub fn objects(&self) -> Objects {
        self.nodes
            .par_iter()
            .map(|node| Object::new(node.to_value()))
            .collect::<Vec<_>>()
            .into_iter()
            .collect()
    }

    /// Puts the CRDs among the objects to the schemas.
    pub fn add_crds(&self, sources: &Sources, schemas: &mut Schemas) -> Findings {
        let mut findings = Findings::new();
        for node in &self.nodes {
            if node.get("kind").and_then(Node::as_str) != Some("CustomResourceDefinition") {
                continue;
            }
            for value in schema::documents(&node.to_value()) {
                match Crd::read(value) {
                    Ok(crd) => schemas.add(crd),
                    Err(finding) => findings.push((*finding).at(sources.locate(node.place))),
                }
            }
        }
        findings
    }

    /// Checks all objects. What a Kustomization delivers is checked as Flux would apply it, and not as it is written.
    #[must_use]
    pub fn check(&self, sources: &Sources, against: &Against<'_>) -> Checked {
        let objects = self.objects();
        let given = Given {
            objects: &objects,
            nodes: &self.nodes,
            sources,
            catalog: against.catalog,
            places: against.places,
            externals: against.externals,
        };
        let flux = Repositories::load(&given);
        let mut items: Vec<Item<'_>> = objects
            .iter()
            .zip(&self.nodes)
            .enumerate()
            .filter(|(position, _)| !flux.as_ref().is_some_and(|flux| flux.delivers(*position)))
            .map(|(_, (object, node))| Item { object, node, sources, written: &object.id, is_built: false })
            .collect();
        let built = flux.as_ref().map(Repositories::built).unwrap_or_default();
        items.extend(built.iter().map(|built| {
            Item {
                object: built.object,
                node: built.node,
                sources: built.sources,
                written: built
                    .written
                    .and_then(|position| objects.get(position))
                    .map_or(&built.object.id, |object| &object.id),
                is_built: true,
            }
        }));
        let all: Vec<&Object> = items.iter().map(|item| item.object).collect();
        let files: Vec<&str> = items.iter().map(Item::file).collect();
        let views = Views::new(&all, &files);
        let mut seen_in = vec![Vec::new(); views.count()];
        for ((position, item), view) in items.iter().enumerate().zip(&views.of) {
            if let Some(places) = seen_in.get_mut(*view) {
                places.push((position, item));
            }
        }
        let before: HashMap<Identity<'_>, &Object> =
            against.previous.iter().map(|object| (identity(&object.id), object)).collect();
        let mut report = Report::default();
        let mut found: BTreeMap<usize, Vec<Finding>> = BTreeMap::new();
        for (set, places) in Set::of_views(views.sets(), against.previous, against.externals).zip(seen_in) {
            let parts: Vec<(Found, Report)> = places
                .par_chunks(CHUNK)
                .map(|places| {
                    let mut report = Report::default();
                    let mut found = Vec::new();
                    for (position, item) in places {
                        let object = item.object;
                        let previous =
                            before.get(&identity(&object.id)).or_else(|| before.get(&identity(item.written)));
                        against.schemas.check_object(object, previous.copied(), against.check, &mut report);
                        let mut violations = std::mem::take(&mut report.violations);
                        // Told below, for all files together.
                        let by_rules = rules::check_object(object, &set)
                            .into_iter()
                            .map(|(_, violation)| violation)
                            .filter(|violation| violation.code.id != codes::DUPLICATE_OBJECT.id);
                        add(&mut violations, by_rules);
                        violations.retain(|violation| {
                            let later = is_filled_later(object, violation);
                            report.filled_later += u64::from(later);
                            // Flux's checks know more about references of Flux's objects.
                            !later && !flux::given::judges(violation)
                        });
                        if !violations.is_empty() {
                            let findings = violations
                                .into_iter()
                                .map(|violation| finding(item.sources, item.node, violation));
                            found.push((*position, findings.collect()));
                        }
                    }
                    (found, report)
                })
                .collect();
            for (part, counts) in parts {
                found.extend(part);
                report.merge(counts);
            }
        }
        let mut findings: Findings = found.into_values().flatten().collect();
        findings.extend(duplicates(&items, flux.is_some()));
        let place = |id: &ObjectRef| {
            let item = items.iter().find(|item| item.object.id == *id)?;
            item.sources.locate(item.node.get("kind").unwrap_or(item.node).place)
        };
        findings.extend(report.findings(against.schemas).into_iter().map(|finding| {
            let location = finding.object.as_ref().and_then(place);
            finding.at(location)
        }));
        let mut checked = Checked { findings, report, flux: Coverage::default() };
        if let Some(flux) = &flux {
            let outcome = flux.check(&finding);
            checked.findings.extend(outcome.findings);
            checked.flux = outcome.coverage;
            // One line of a base is wrong once, however many overlays and clusters have it.
            checked.findings = once(checked.findings.distinct());
        }
        checked
    }
}

/// An entry of a list. In a list of one kind it need not say what it is.
///
/// Source: kubernetes/kubernetes `staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/unstructured/helpers.go`, decodeToList.
fn named_by_list(item: &Node, list: &Node) -> Node {
    let mut item = item.clone();
    let of = |key: &str| list.as_mapping()?.entry(key).cloned();
    let kind = list.get("kind").and_then(Node::as_str).and_then(|kind| kind.strip_suffix("List"));
    if let (Some(kind), crate::yaml::Data::Mapping(mapping)) =
        (kind.filter(|kind| !kind.is_empty()), &mut item.data)
        && mapping.get("kind").is_none()
        && mapping.get("apiVersion").is_none()
        && let (Some(version), Some(mut entry)) = (of("apiVersion"), of("kind"))
    {
        entry.value.data = crate::yaml::Data::String(kind.into());
        mapping.set(version);
        mapping.set(entry);
    }
    item
}

/// Objects that are there more than once. That is a warning: variants of one object may well lie side by side in what is
/// checked, and are never applied together. Of those that Flux delivers its own checks tell; where it does, a folder for each
/// cluster is the rule, and only what lies in one folder is told.
fn duplicates(items: &[Item<'_>], by_folder: bool) -> Findings {
    let folder = |item: &Item<'_>| {
        let file = item.file().to_owned();
        if by_folder {
            file.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned())
        } else {
            String::new()
        }
    };
    let mut known: BTreeMap<(Identity<'_>, String), Vec<&Item<'_>>> = BTreeMap::new();
    // A name with a variable is another one in the end.
    let is_named = |item: &&Item<'_>| {
        let name = &item.object.id.name;
        !item.is_built && !name.is_empty() && !name.contains("${")
    };
    let mut order = Vec::new();
    for item in items.iter().filter(is_named) {
        let key = (identity(&item.object.id), folder(item));
        let same = known.entry(key.clone()).or_default();
        same.push(item);
        if same.len() == 2 {
            order.push(key);
        }
    }
    let path = FieldPath::of(["metadata", "name"]);
    let place = |item: &Item<'_>| location(item.sources, item.node, &path, false);
    let mut findings = Findings::new();
    for key in order {
        let Some([first, second, rest @ ..]) = known.get(&key).map(Vec::as_slice) else { continue };
        let id = &second.object.id;
        findings.push(
            Finding::warning(&codes::DUPLICATE_OBJECT, format!("{id} is there {} times", rest.len() + 2))
                .object(id.clone())
                .field(path.clone())
                .at(place(second))
                .related("the first one", place(first))
                .hint("keep one of them; variants that are never applied together are better checked one by one"),
        );
    }
    findings
}

/// One line whose references lead nowhere in many namespaces, because a patch brings it to many objects, is told once.
fn once(findings: Findings) -> Findings {
    let mut seen = HashSet::new();
    let is_new = |finding: &Finding| {
        let references = [codes::DANGLING.id, codes::OTHER_NAMESPACE.id];
        let place =
            finding.location.as_ref().map(|location| (location.file().to_owned(), location.range().start));
        !references.contains(&finding.code.id) || place.is_none() || seen.insert((finding.code.id, place))
    };
    let mut is_new = is_new;
    findings.into_iter().filter(|finding| is_new(finding)).collect()
}

/// What was found, with the position of the object.
type Found = Vec<(usize, Vec<Finding>)>;

/// Chunks keep the order and let each thread gather its own counts.
const CHUNK: usize = 64;

type Identity<'set> = (&'set str, &'set str, Option<&'set str>, &'set str);

fn identity(id: &ObjectRef) -> Identity<'_> {
    let group = id.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    (group, &id.kind, id.namespace.as_deref(), &id.name)
}

/// Adds what the rules say, without what the schema said already: both know which versions are served and what is missing.
pub(super) fn add(violations: &mut Vec<Violation>, by_rules: impl Iterator<Item = Violation>) {
    let versions = |code: &str| [codes::SCHEMA_VERSION.id, codes::SCHEMA_DEPRECATED.id].contains(&code);
    let told: HashSet<ObjectRef> = violations
        .iter()
        .filter(|violation| versions(violation.code.id))
        .map(|violation| violation.object.clone())
        .collect();
    let missing: HashSet<(ObjectRef, FieldPath)> = violations
        .iter()
        .filter(|violation| violation.code.id == codes::SCHEMA_MISSING.id)
        .map(|violation| (violation.object.clone(), violation.path.clone()))
        .collect();
    let is_new = |violation: &Violation| {
        (violation.code.id != codes::NOT_SERVED.id || !told.contains(&violation.object))
            && (missing.is_empty() || !missing.contains(&(violation.object.clone(), violation.path.clone())))
    };
    violations.extend(by_rules.filter(is_new));
}

/// Whether a violation is about text that is something else by the time an API server sees it: a variable that Flux
/// fills, a value that SOPS encrypts, and the block that SOPS adds.
fn is_filled_later(object: &Object, violation: &Violation) -> bool {
    let code = violation.code.id;
    if [codes::DANGLING.id, codes::OTHER_NAMESPACE.id].contains(&code) && violation.message.contains("${") {
        return true;
    }
    if code == codes::SCHEMA_UNKNOWN_FIELD.id {
        return violation.path == FieldPath::of(["sops"]) && object.at("sops.mac").is_some();
    }
    // What is missing or not served is so whatever a text becomes.
    let of_another_kind = [codes::SCHEMA_MISSING.id, codes::SCHEMA_VERSION.id, codes::SCHEMA_DEPRECATED.id];
    let open = |value: &serde_json::Value| {
        value.as_str().is_some_and(|text| text.contains("${") || text.starts_with("ENC["))
    };
    !of_another_kind.contains(&code)
        && violation.path.get(&object.value).is_some_and(|value| match value {
            serde_json::Value::Array(items) => items.iter().any(open),
            serde_json::Value::Object(labels) if violation.path.to_string().ends_with(".matchLabels") => {
                labels.values().any(open)
            }
            value => open(value),
        })
}

/// A violation at its line.
fn finding(sources: &Sources, node: &Node, violation: Violation) -> Finding {
    let mut finding = Finding::new(violation.code, violation.severity, violation.message)
        .at(location(sources, node, &violation.path, violation.code.id == codes::SCHEMA_UNKNOWN_FIELD.id))
        .object(violation.object)
        .field(violation.path);
    finding.hint = violation.hint;
    finding.source = violation.source;
    finding
}

/// The place of a field; of what should hold it when it is missing, and of its key when that is what is wrong.
fn location(sources: &Sources, node: &Node, path: &FieldPath, is_key: bool) -> Option<Location> {
    let words = path.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (nearest, steps) = node.nearest(words.iter().copied());
    let there = words.get(..steps).unwrap_or_default();
    let place = if steps == words.len() && steps > 0 && !is_key {
        nearest.place
    } else if steps > 0 {
        node.key_place(there).unwrap_or(nearest.place)
    } else {
        node.get("kind").unwrap_or(node).place
    };
    sources.locate(place)
}
