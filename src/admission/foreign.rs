//! Checks of objects that somebody else wrote: files, streams, the items of a function call.
//!
//! Everything that looks at objects runs here too: schemas, CEL, the rules of webhooks, references. Findings point at the
//! line that the object stands on.

use std::collections::{BTreeMap, HashMap, HashSet};

use rayon::prelude::*;

use super::{
    Object, Objects, Violation,
    flux::{self, Folders, coverage::Coverage, expand::Given, given::Repositories, place::Places},
    rules::{self, Externals, Set},
    schema::{self, Check, Crd, Report, Schemas},
};
use crate::{
    finding::{Finding, Findings, ObjectRef, Severity, codes},
    yaml::{Location, Node, Sources, pointer::FieldPath},
};

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

/// How documents that are no objects at all are counted.
const NO_KIND: &str = "without a kind (a values file?)";

/// How documents are counted of which SOPS encrypted everything.
const ENCRYPTED: &str = "encrypted as a whole";

/// Groups whose objects are for tools and never reach an API server.
const FOR_TOOLS: &[&str] =
    &["kustomize.config.k8s.io", "config.kubernetes.io", "kpt.dev", "infraflux.io", "fn.kpt.dev"];

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
                && api_version == "v1"
                && let Some(items) = node.get("items").and_then(Node::as_sequence)
            {
                let items = items.to_vec();
                open.extend(items.into_iter().rev());
            } else if FOR_TOOLS.contains(&group) {
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
        let set = Set::of_all(&all, against.previous, against.externals);
        let before: HashMap<Identity<'_>, &Object> =
            against.previous.iter().map(|object| (identity(&object.id), object)).collect();
        let parts: Vec<(Vec<Finding>, Report)> = items
            .par_chunks(CHUNK)
            .map(|items| {
                let mut report = Report::default();
                let mut findings = Vec::new();
                for item in items {
                    let object = item.object;
                    let previous =
                        before.get(&identity(&object.id)).or_else(|| before.get(&identity(item.written)));
                    against.schemas.check_object(object, previous.copied(), against.check, &mut report);
                    let mut violations = std::mem::take(&mut report.violations);
                    let by_rules =
                        rules::check_object(object, &set).into_iter().map(|(_, violation)| violation);
                    add(&mut violations, by_rules);
                    violations.retain(|violation| {
                        let later = is_filled_later(object, violation);
                        report.filled_later += u64::from(later);
                        // Several clusters have objects of one name, and Flux's checks know about references to theirs.
                        let twice = item.is_built && *violation.code == codes::DUPLICATE_OBJECT;
                        !later && !twice && !flux::given::judges(violation)
                    });
                    findings.extend(
                        violations.into_iter().map(|violation| finding(item.sources, item.node, violation)),
                    );
                }
                (findings, report)
            })
            .collect();
        let mut report = Report::default();
        let mut findings = Findings::new();
        for (part, counts) in parts {
            findings.extend(part);
            report.merge(counts);
        }
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
            checked.findings = apart(checked.findings, &items);
            let outcome = flux.check(&finding);
            checked.findings.extend(outcome.findings);
            checked.flux = outcome.coverage;
            // One line of a base is wrong once, however many overlays and clusters have it.
            checked.findings = once(flux::distinct(checked.findings));
        }
        checked
    }
}

/// Without the remarks that an object is there several times when each lies in another folder: those of two clusters.
fn apart(findings: Findings, items: &[Item<'_>]) -> Findings {
    let folder = |location: &Location| location.file().rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let mut folders: HashMap<&ObjectRef, Vec<Option<String>>> = HashMap::new();
    if findings.iter().any(|finding| *finding.code == codes::DUPLICATE_OBJECT) {
        for item in items {
            let location = item.sources.locate(item.node.place);
            folders.entry(&item.object.id).or_default().push(location.as_ref().and_then(folder));
        }
    }
    let is_apart = |finding: &Finding| {
        let Some((id, location)) = finding.object.as_ref().zip(finding.location.as_ref()) else {
            return false;
        };
        let own = folder(location);
        folders.get(id).is_some_and(|all| all.iter().filter(|other| **other == own).count() < 2)
    };
    let is_told = |finding: &Finding| *finding.code != codes::DUPLICATE_OBJECT || !is_apart(finding);
    findings.into_iter().filter(is_told).collect()
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

/// Chunks keep the order and let each thread gather its own counts.
const CHUNK: usize = 64;

type Identity<'set> = (&'set str, &'set str, Option<&'set str>, &'set str);

fn identity(id: &ObjectRef) -> Identity<'_> {
    let group = id.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    (group, &id.kind, id.namespace.as_deref(), &id.name)
}

/// Adds what the rules say, without what the schema said already: both know which versions are served.
pub(super) fn add(violations: &mut Vec<Violation>, by_rules: impl Iterator<Item = Violation>) {
    let versions = |code: &str| [codes::SCHEMA_VERSION.id, codes::SCHEMA_DEPRECATED.id].contains(&code);
    let told: HashSet<ObjectRef> = violations
        .iter()
        .filter(|violation| versions(violation.code.id))
        .map(|violation| violation.object.clone())
        .collect();
    let is_new = |violation: &Violation| {
        violation.code.id != codes::NOT_SERVED.id || !told.contains(&violation.object)
    };
    violations.extend(by_rules.filter(is_new));
}

/// Whether a violation is about text that is something else by the time an API server sees it: a variable that Flux
/// fills, a value that SOPS encrypts, and the block that SOPS adds.
fn is_filled_later(object: &Object, violation: &Violation) -> bool {
    let of_value = [
        codes::SCHEMA_TYPE.id,
        codes::SCHEMA_CHOICE.id,
        codes::SCHEMA_FORM.id,
        codes::SCHEMA_BOUNDS.id,
        codes::SCHEMA_NAME.id,
    ];
    // A version, and what a reference names.
    let of_names =
        [codes::NOT_SERVED.id, codes::DANGLING.id, codes::OTHER_NAMESPACE.id, codes::WRONG_TARGET.id];
    if of_names.contains(&violation.code.id) {
        return violation.message.contains("${");
    }
    if of_value.contains(&violation.code.id) {
        let value = violation.path.get(&object.value).and_then(serde_json::Value::as_str).unwrap_or_default();
        return value.contains("${") || value.starts_with("ENC[");
    }
    violation.code.id == codes::SCHEMA_UNKNOWN_FIELD.id
        && violation.path == FieldPath::of(["sops"])
        && object.at("sops.mac").is_some()
}

/// A violation at its line.
fn finding(sources: &Sources, node: &Node, violation: Violation) -> Finding {
    // Overlays of one object may well lie side by side in what is checked; they are never applied together.
    let severity =
        if violation.code.id == codes::DUPLICATE_OBJECT.id { Severity::Warning } else { violation.severity };
    let mut finding = Finding::new(violation.code, severity, violation.message)
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
