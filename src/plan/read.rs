//! From what a user gave (plans, values files, flags) to one merged plan for each cluster.

mod fleet;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    cluster_plan::Provider,
    flags::{self, Given},
    layers,
    origin::Origins,
    resolve::MergedPlan,
};
use crate::{
    catalog::Index,
    finding::{Finding, Findings, codes, suggest},
    yaml::{
        Data, Entry, Limits, Mapping, Node, Origin, Place, Source, SourceId, Sources, pointer::FieldPath,
        read, scalar::Schema,
    },
};

/// The API version of plans.
pub const API_VERSION: &str = "infraflux.io/v1alpha1";

/// What somebody may write in a plan's metadata.
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// What API servers add there, when a plan is kept as an object and printed.
const FROM_SERVERS: [&str; 11] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// The built-in defaults, the lowest layer.
pub(super) const DEFAULTS: &str = include_str!("defaults.yaml");

/// What a door was given.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The texts that all places point into.
    pub sources: Sources,
    /// Plan documents: ClusterPlan, FleetPlan or ConfigMap.
    pub documents: Vec<Node>,
    /// Values files: ClusterPlans that may leave out everything, in order.
    pub values: Vec<Node>,
    /// Layers from flags, in order, above everything else.
    pub flags: Vec<Node>,
}

impl Request {
    /// Takes in the plan documents of a text. Empty documents are skipped.
    pub fn add_plans(&mut self, source: Source) -> Result<(), Findings> {
        let name = source.name().to_owned();
        let id = self.sources.add(source);
        let documents = read(&self.sources, id, Schema::Core, Limits::PLAN)?;
        let before = self.documents.len();
        self.documents.extend(
            documents.into_iter().map(|document| document.root).filter(|root| root.data != Data::Null),
        );
        if self.documents.len() == before {
            return Err(Finding::error(
                &codes::EMPTY_INPUT,
                format!("`{name}` holds no plan, only comments or nothing"),
            )
            .hint(format!("a plan begins with `apiVersion: {API_VERSION}` and `kind: ClusterPlan`"))
            .into());
        }
        Ok(())
    }

    /// Takes in a values file.
    pub fn add_values(&mut self, source: Source) -> Result<(), Findings> {
        let id = self.sources.add(source);
        let documents = read(&self.sources, id, Schema::Core, Limits::PLAN)?;
        self.values.extend(
            documents.into_iter().map(|document| document.root).filter(|root| root.data != Data::Null),
        );
        Ok(())
    }

    /// Takes in values given under their short names on the command line.
    pub fn add_flags(&mut self, given: &[(String, String)]) -> Result<(), Findings> {
        let given: Vec<Given> = given
            .iter()
            .map(|(name, value)| {
                let id = self.sources.add(Source::new(format!("--{name}"), value.clone()).of(Origin::Flag));
                let place = Place::new(id, 0..value.len());
                Given { name: name.clone(), value: value.clone(), name_place: place, place }
            })
            .collect();
        if let Some(layer) = flags::layer(&given, &self.sources, &codes::USAGE)? {
            self.flags.push(layer);
        }
        Ok(())
    }

    /// Takes in one `--set path=value`.
    pub fn add_set(&mut self, text: &str) -> Result<(), Findings> {
        let layer = flags::set_layer(text, &mut self.sources)?;
        self.flags.push(layer);
        Ok(())
    }

    /// Merges the layers of every cluster. Warnings come with the plans, errors instead of them.
    pub fn merge(self, index: &Index) -> Result<(Vec<MergedPlan>, Findings), Findings> {
        Merger::new(self, index)?.run()
    }
}

/// A cluster before its layers are merged.
struct Stack {
    name: String,
    name_place: Option<Place>,
    plan: String,
    /// Whether the plan is a ConfigMap, in which everything has a short name.
    short: bool,
    /// Trees with `spec` at the root, lowest first.
    layers: Vec<Arc<Node>>,
}

struct Merger<'index> {
    index: &'index Index,
    request: Request,
    builtin: Node,
    examples: BTreeMap<Provider, (SourceId, Node)>,
    findings: Findings,
}

impl<'index> Merger<'index> {
    fn new(mut request: Request, index: &'index Index) -> Result<Self, Findings> {
        let id = request.sources.add(Source::new("built-in defaults", DEFAULTS).of(Origin::BuiltIn));
        let mut documents = read(&request.sources, id, Schema::Core, Limits::PLAN)?;
        let place = Place::new(id, 0..0);
        let builtin = documents
            .pop()
            .map_or(Node { place, data: Data::Mapping(Mapping::default()) }, |document| document.root);
        Ok(Self { index, request, builtin, examples: BTreeMap::new(), findings: Findings::new() })
    }

    fn run(mut self) -> Result<(Vec<MergedPlan>, Findings), Findings> {
        let documents = std::mem::take(&mut self.request.documents);
        let mut stacks = Vec::new();
        for document in &documents {
            self.document(document, &mut stacks);
        }
        let has_flags = !self.request.flags.is_empty();
        if documents.is_empty() {
            // No file is needed: the flags alone are the plan.
            stacks.push(Stack {
                name: String::new(),
                name_place: None,
                plan: String::new(),
                short: false,
                layers: Vec::new(),
            });
        } else if has_flags && stacks.len() != 1 && !self.findings.has_errors() {
            self.findings.push(
                Finding::error(
                    &codes::USAGE,
                    format!("flags set values of one plan, and there are {} clusters here", stacks.len()),
                )
                .hint("leave the flags out, or put the values into the plans"),
            );
        }
        let values = self.values(stacks.len());
        self.one_name();
        if self.findings.has_errors() {
            return Err(self.findings);
        }
        let flags: Vec<Arc<Node>> =
            std::mem::take(&mut self.request.flags).into_iter().map(Arc::new).collect();
        for stack in &mut stacks {
            stack.layers.extend(values.iter().cloned());
            stack.layers.extend(flags.iter().cloned());
            self.name_from_layers(stack);
            self.flags_fit_pools(stack, &flags);
        }
        let merged = self.merge_all(&stacks);
        if self.findings.has_errors() {
            return Err(self.findings);
        }
        let sources = Arc::new(self.request.sources);
        let plans = stacks
            .into_iter()
            .zip(merged)
            .map(|(stack, (root, builtin, example))| MergedPlan {
                name: stack.name,
                name_location: stack.name_place.and_then(|place| sources.locate(place)),
                plan: stack.plan,
                origins: Origins::new(sources.clone(), Arc::new(root), builtin, example),
            })
            .collect();
        Ok((plans, self.findings))
    }

    fn error(
        &mut self,
        code: &'static crate::finding::Code,
        place: Place,
        message: String,
        hint: impl Into<String>,
    ) {
        let location = self.request.sources.locate(place);
        self.findings.push(Finding::error(code, message).at(location).hint(hint));
    }

    /// Sorts one document into the clusters that it describes.
    fn document(&mut self, document: &Node, stacks: &mut Vec<Stack>) {
        let text = |key: &str| document.get(key).and_then(Node::as_str).unwrap_or_default().to_owned();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        match (&*api_version, &*kind) {
            (API_VERSION, "ClusterPlan") => self.cluster_plan(document, stacks),
            (API_VERSION, "FleetPlan") => self.fleet_plan(document, stacks),
            ("v1", "ConfigMap") => self.config_map(document, stacks),
            _ => {
                let shown = if kind.is_empty() {
                    "a document without a kind".to_owned()
                } else {
                    format!("`{api_version}` `{kind}`")
                };
                let kind_hint = suggest::nearest(&kind, ["ClusterPlan", "FleetPlan"]);
                let hint = if kind_hint.is_empty()
                    || api_version == API_VERSION && kind_hint.contains(&&*kind)
                {
                    format!(
                        "a plan begins with `apiVersion: {API_VERSION}` and `kind: ClusterPlan` (or FleetPlan)"
                    )
                } else {
                    format!("did you mean {} of `{API_VERSION}`?", suggest::list(&kind_hint, "or"))
                };
                // A known kind under another version is wrong where the version stands.
                let wrong = if kind_hint.contains(&&*kind) && api_version != API_VERSION {
                    "apiVersion"
                } else {
                    "kind"
                };
                let place = document.get(wrong).map_or(document.place, |node| node.place);
                self.error(&codes::PLAN_KIND, place, format!("{shown} is not a plan"), hint);
            }
        }
    }

    /// Refuses keys beside `apiVersion`, `kind`, `metadata` and `spec`, and what is no metadata: the CRD would let them pass.
    fn envelope(&mut self, document: &Node, allowed: &[&str]) {
        for entry in
            document.get("metadata").and_then(Node::as_mapping).into_iter().flat_map(|all| &all.entries)
        {
            if !METADATA.contains(&&*entry.key) && !FROM_SERVERS.contains(&&*entry.key) {
                let message = format!("there is no field `{}` here", entry.key);
                let hint = suggest::hint(&entry.key, METADATA).unwrap_or_default();
                self.error(&codes::PLAN_SCHEMA, entry.key_place, message, hint);
            }
        }
        let Some(mapping) = document.as_mapping() else { return };
        for entry in &mapping.entries {
            if !allowed.contains(&&*entry.key) {
                let hint = if super::flags::names().contains(&&*entry.key) || entry.key.len() > 2 {
                    suggest::hint(&entry.key, allowed.iter().copied())
                        .map(|hint| format!("{hint}; the fields of a plan stand under `spec`"))
                } else {
                    None
                };
                self.error(
                    &codes::PLAN_SCHEMA,
                    entry.key_place,
                    format!("there is no field `{}` here", entry.key),
                    hint.unwrap_or_else(|| "the fields of a plan stand under `spec`".to_owned()),
                );
            }
        }
    }

    fn cluster_plan(&mut self, document: &Node, stacks: &mut Vec<Stack>) {
        self.envelope(document, &["apiVersion", "kind", "metadata", "spec"]);
        let name = document.at(["metadata", "name"]);
        stacks.push(Stack {
            name: name.and_then(Node::as_str).unwrap_or_default().to_owned(),
            name_place: Some(name.or_else(|| document.get("metadata")).unwrap_or(document).place),
            plan: String::new(),
            short: false,
            layers: self.spec_layer(document).into_iter().collect(),
        });
    }

    /// A tree with only the `spec` of a document.
    fn spec_layer(&mut self, document: &Node) -> Option<Arc<Node>> {
        let entry = document.as_mapping()?.entry("spec")?;
        match entry.value.data {
            Data::Mapping(_) => Some(Arc::new(under_spec(entry.key_place, entry.value.clone()))),
            Data::Null => None,
            _ => {
                let message = format!("`spec` must be a mapping, this is {}", entry.value.data.kind());
                self.error(
                    &codes::PLAN_SCHEMA,
                    entry.value.place,
                    message,
                    "write the plan's fields below `spec:`",
                );
                None
            }
        }
    }

    /// A ConfigMap with the short names of the flags.
    fn config_map(&mut self, document: &Node, stacks: &mut Vec<Stack>) {
        let given: Vec<Given> = document
            .get("data")
            .and_then(Node::as_mapping)
            .map(|mapping| {
                let mut given: Vec<Given> = mapping
                    .entries
                    .iter()
                    .map(|entry| Given {
                        name: entry.key.to_string(),
                        value: match &entry.value.data {
                            Data::String(text) => text.to_string(),
                            _ => self.request.sources.slice(entry.value.place).to_owned(),
                        },
                        name_place: entry.key_place,
                        place: entry.value.place,
                    })
                    .collect();
                // kpt hands the entries over in random order.
                given.sort_by(|left, right| left.name.cmp(&right.name));
                given
            })
            .unwrap_or_default();
        match flags::layer(&given, &self.request.sources, &codes::CONFIG_MAP_VALUE) {
            Ok(Some(layer)) => {
                let place = document.get("data").unwrap_or(document).place;
                stacks.push(Stack {
                    name: String::new(),
                    name_place: Some(place),
                    plan: String::new(),
                    short: true,
                    layers: vec![Arc::new(layer)],
                });
            }
            Ok(None) => self.error(
                &codes::PLAN_MISSING,
                document.place,
                "the ConfigMap has no values".to_owned(),
                "give at least `provider` and `name`, for instance `kpt fn eval ... -- provider=aws name=lab`",
            ),
            Err(findings) => self.findings.extend(findings),
        }
    }

    /// The values files as layers.
    fn values(&mut self, clusters: usize) -> Vec<Arc<Node>> {
        let values = std::mem::take(&mut self.request.values);
        let mut layers = Vec::new();
        for document in values {
            // A values file is a ClusterPlan; its envelope may be left out.
            self.envelope(&document, &["apiVersion", "kind", "metadata", "spec"]);
            let kind = document.get("kind").and_then(Node::as_str);
            if kind.is_some_and(|kind| kind != "ClusterPlan") {
                self.error(
                    &codes::PLAN_KIND,
                    document.get("kind").map_or(document.place, |node| node.place),
                    format!("a values file is a ClusterPlan, this is `{}`", kind.unwrap_or_default()),
                    "write `kind: ClusterPlan`, or leave `apiVersion` and `kind` out",
                );
            }
            let name = document.at(["metadata", "name"]);
            if let Some(name) = name.filter(|_| clusters > 1) {
                self.error(
                    &codes::PLAN_SCHEMA,
                    name.place,
                    format!("a values file gives one name, and there are {clusters} clusters here"),
                    "leave `metadata.name` out: the values are laid over every cluster",
                );
                continue;
            }
            layers.extend(name.map(|name| Arc::new(under_metadata(name.clone()))));
            layers.extend(self.spec_layer(&document));
        }
        layers
    }

    /// `--name` and `--set metadata.name=` are two ways to say one thing: that they differ is a slip, not a layer.
    fn one_name(&mut self) {
        let names: Vec<&Node> =
            self.request.flags.iter().filter_map(|layer| layer.at(["metadata", "name"])).collect();
        let Some((first, rest)) = names.split_first() else { return };
        if let Some(other) = rest.iter().find(|other| other.data != first.data) {
            let finding = Finding::error(&codes::USAGE, "the command line gives the cluster two names")
                .at(self.request.sources.locate(other.place))
                .related("the other one", self.request.sources.locate(first.place))
                .hint("keep one of `--name` and `--set metadata.name=...`");
            self.findings.push(finding);
        }
    }

    /// A name in a values file, `--name` and a ConfigMap's `name` stand in layers of their own; the last one counts.
    fn name_from_layers(&mut self, stack: &mut Stack) {
        for layer in &stack.layers {
            if let Some(name) = layer.at(["metadata", "name"]) {
                stack.name = name.as_str().unwrap_or_default().to_owned();
                stack.name_place = Some(name.place);
            }
        }
        if stack.name.is_empty() {
            let way = if stack.short {
                "add `name` to the ConfigMap's `data`"
            } else {
                "set `metadata.name` (or `--name`)"
            };
            self.findings.push(
                Finding::error(&codes::PLAN_MISSING, "the cluster has no name")
                    .field(FieldPath::of(["metadata", "name"]))
                    .at(stack.name_place.and_then(|place| self.request.sources.locate(place)))
                    .hint(format!("{way}: a DNS label of at most 32 characters")),
            );
        }
        // Who gave no name mostly gave nothing at all, and should be told once. Else the merged plan is asked.
        if stack.short || stack.name.is_empty() {
            self.provider_from_layers(stack);
        }
        if stack.plan.is_empty() {
            stack.plan = format!("ClusterPlan/{}", stack.name);
        }
    }

    fn provider_from_layers(&mut self, stack: &Stack) {
        let given = stack.layers.iter().rev().find_map(|layer| layer.at(["spec", "provider"]));
        if given.is_some_and(|given| given.data != Data::Null) {
            return;
        }
        let way = if stack.short {
            "add `provider` to the ConfigMap's `data`"
        } else {
            "set `spec.provider` (or `--provider`)"
        };
        let place = stack.name_place.and_then(|place| self.request.sources.locate(place));
        self.findings.push(
            Finding::error(&codes::PLAN_MISSING, "the plan names no provider")
                .field(FieldPath::of(["spec", "provider"]))
                .at(place.filter(|place| place.origin() != Origin::Flag))
                .hint(format!("{way}: `aws`, `azure`, `gcp` or `proxmox`")),
        );
    }

    /// `--workers`, `--cpu` and `--memory` mean the pool `default`; a plan with other pools only must not grow one.
    fn flags_fit_pools(&mut self, stack: &Stack, flags: &[Arc<Node>]) {
        let Some(flag) = flags.iter().find_map(|layer| {
            layer
                .at(["spec", "workers", "0"])
                .filter(|pool| pool.get("name").and_then(Node::as_str) == Some("default"))
        }) else {
            return;
        };
        let below = stack.layers.len() - flags.len();
        let pools: Vec<&str> = stack.layers[..below]
            .iter()
            .filter_map(|layer| layer.at(["spec", "workers"]).and_then(Node::as_sequence))
            .flatten()
            .filter_map(|pool| pool.get("name").and_then(Node::as_str))
            .collect();
        if !pools.is_empty() && !pools.contains(&"default") {
            let names = suggest::list(&pools, "and");
            self.error(
                &codes::USAGE,
                flag.place,
                "`--workers`, `--cpu` and `--memory` set the pool `default`, and the plan has none"
                    .to_owned(),
                format!("the plan's pools are {names}; use `--set workers=...` or change the plan"),
            );
        }
    }

    /// The example values of a provider, read once.
    fn example(&mut self, provider: Provider) -> Option<(SourceId, Node)> {
        if let Some(found) = self.examples.get(&provider) {
            return Some(found.clone());
        }
        let path = format!("clusters/{provider}/values.example.yaml");
        let source = self.index.catalog().get(&path)?.clone();
        let id = self.request.sources.add(source);
        match read(&self.request.sources, id, Schema::Core, Limits::PLAN) {
            Ok(mut documents) => {
                let document = documents.pop()?.root;
                let entry = document.as_mapping()?.entry("spec")?;
                let layer = under_spec(entry.key_place, entry.value.clone());
                self.examples.insert(provider, (id, layer.clone()));
                Some((id, layer))
            }
            Err(findings) => {
                self.findings.extend(findings);
                None
            }
        }
    }

    fn merge_all(&mut self, stacks: &[Stack]) -> Vec<(Node, SourceId, Option<SourceId>)> {
        // What clusters share (defaults, classes) is merged once for each combination.
        let mut shared: BTreeMap<Vec<usize>, Node> = BTreeMap::new();
        let mut out = Vec::with_capacity(stacks.len());
        for stack in stacks {
            let provider = stack
                .layers
                .iter()
                .rev()
                .find_map(|layer| layer.at(["spec", "provider"]).and_then(Node::as_str))
                .and_then(Provider::parse);
            let example = provider.and_then(|provider| self.example(provider));
            let (common, own) = stack.layers.split_at(stack.layers.len().saturating_sub(1));
            let key: Vec<usize> = std::iter::once(provider.map_or(0, |provider| provider as usize + 1))
                .chain(common.iter().map(|layer| Arc::as_ptr(layer) as usize))
                .collect();
            let base = shared.entry(key).or_insert_with(|| {
                let mut base = self.builtin.clone();
                for layer in example.iter().map(|(_, layer)| layer).chain(common.iter().map(|layer| &**layer))
                {
                    layers::merge(&mut base, layer);
                }
                base
            });
            let mut root = base.clone();
            for layer in own {
                layers::merge(&mut root, layer);
            }
            out.push((root, self.builtin.place.source, example.map(|(id, _)| id)));
        }
        out
    }
}

/// `{metadata: {name: node}}`.
fn under_metadata(name: Node) -> Node {
    let place = name.place;
    let under = |key: &str, value: Node| Node {
        place,
        data: Data::Mapping(Mapping { entries: vec![Entry { key: key.into(), key_place: place, value }] }),
    };
    under("metadata", under("name", name))
}

/// `{spec: node}`.
fn under_spec(place: Place, node: Node) -> Node {
    Node {
        place: node.place,
        data: Data::Mapping(Mapping {
            entries: vec![Entry { key: "spec".into(), key_place: place, value: node }],
        }),
    }
}
