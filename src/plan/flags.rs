//! The short names by which the command line and a ConfigMap set a plan's values.

use serde_json::{Value, json};

use super::cluster_plan::Provider;
use crate::{
    finding::{Code, Finding, Findings, codes, suggest},
    yaml::{
        Data, Entry, Limits, Location, Mapping, Node, Origin, Place, Source, Sources,
        pointer::{FieldPath, Step},
        read,
        scalar::Schema,
    },
};

/// A short name, what it sets and what it takes.
struct Name {
    name: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A string field of the plan.
    Text(&'static str),
    /// A field of the pool `default`.
    Pool(&'static str),
    /// The number of workers; 0 means no pools.
    Workers,
    /// A list of recipes, separated by commas.
    Recipes,
    /// The cluster's name.
    ClusterName,
}

/// Every short name: those of `infraflux up` and of a ConfigMap are the same.
const NAMES: [Name; 10] = [
    Name { name: "provider", kind: Kind::Text("provider") },
    Name { name: "name", kind: Kind::ClusterName },
    Name { name: "region", kind: Kind::Text("region") },
    Name { name: "workers", kind: Kind::Workers },
    Name { name: "cpu", kind: Kind::Pool("cpu") },
    Name { name: "memory", kind: Kind::Pool("memoryGiB") },
    Name { name: "k8s", kind: Kind::Text("kubernetesVersion") },
    Name { name: "recipes", kind: Kind::Recipes },
    Name { name: "namespace", kind: Kind::Text("namespace") },
    Name { name: "profile", kind: Kind::Text("profile") },
];

/// All short names.
#[must_use]
pub fn names() -> Vec<&'static str> {
    NAMES.iter().map(|entry| entry.name).collect()
}

/// A value under a short name, and where it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The short name.
    pub name: String,
    /// The value as text.
    pub value: String,
    /// Where the name stands.
    pub name_place: Place,
    /// Where the value stands.
    pub place: Place,
}

/// A layer made of short names: a tree with `spec`, and `metadata.name` when a name was given.
///
/// `code` is what a wrong value is reported under: a usage error on the command line, a content error in a ConfigMap.
pub fn layer(given: &[Given], sources: &Sources, code: &'static Code) -> Result<Option<Node>, Findings> {
    let mut findings = Findings::new();
    let mut root: Option<Node> = None;
    let mut workers = None;
    for one in given {
        let Some(name) = NAMES.iter().find(|entry| entry.name == one.name) else {
            let finding = Finding::error(code, format!("there is no value `{}`", one.name))
                .at(sources.locate(one.name_place));
            let finding = match suggest::hint(&one.name, names()) {
                Some(hint) => finding.hint(hint),
                None => finding,
            };
            findings.push(finding);
            continue;
        };
        let wrong = |expected: &str| {
            Finding::error(code, format!("`{}` is not a value for `{}`", one.value, one.name))
                .at(sources.locate(one.place))
                .hint(format!("it takes {expected}"))
        };
        let number = || one.value.trim().parse::<i32>().ok().filter(|number| *number >= 0);
        match name.kind {
            Kind::ClusterName => set(&mut root, &["metadata", "name"], &json!(one.value), one),
            Kind::Text("provider") if Provider::parse(&one.value).is_none() => {
                let known = Provider::ALL.map(Provider::as_str);
                let finding = Finding::error(code, format!("there is no provider `{}`", one.value))
                    .at(sources.locate(one.place));
                findings.push(match suggest::hint(&one.value, known) {
                    Some(hint) => finding.hint(hint),
                    None => finding,
                });
            }
            Kind::Text(field) => set(&mut root, &["spec", field], &json!(one.value), one),
            Kind::Recipes => {
                // An empty list is one that was meant; an empty name in a list is a name that got lost.
                let list: Vec<&str> = match one.value.trim() {
                    "" => Vec::new(),
                    text => text.split(',').map(str::trim).collect(),
                };
                if list.contains(&"") {
                    findings.push(wrong("names separated by single commas; one is empty here"));
                } else {
                    set(&mut root, &["spec", "recipes"], &json!(list), one);
                }
            }
            Kind::Workers => match number() {
                Some(number) => workers = Some((number, one)),
                None => findings.push(wrong("a whole number, 0 or more")),
            },
            Kind::Pool(field) => match number() {
                Some(number) if number > 0 => {
                    set_pool(&mut root, field, &json!(number), one);
                }
                _ => findings.push(wrong("a whole number, 1 or more")),
            },
        }
    }
    match workers {
        Some((0, one)) => set(&mut root, &["spec", "workers"], &json!([]), one),
        Some((number, one)) => set_pool(&mut root, "replicas", &json!(number), one),
        None => {}
    }
    if findings.is_empty() { Ok(root) } else { Err(findings) }
}

fn set(root: &mut Option<Node>, path: &[&str], value: &Value, given: &Given) {
    let path = FieldPath::of(path.iter().copied());
    set_at(root, &path, Node::from_value(value, given.place), given.place);
}

/// Sets a field of the pool `default`.
fn set_pool(root: &mut Option<Node>, field: &str, value: &Value, given: &Given) {
    let has_pool = root.as_ref().is_some_and(|root| root.at(["spec", "workers", "0"]).is_some());
    if !has_pool {
        set(root, &["spec", "workers"], &json!([{"name": "default"}]), given);
    }
    let path = FieldPath::of(["spec", "workers"]).index(0).key(field);
    set_at(root, &path, Node::from_value(value, given.place), given.place);
}

/// Sets a value in a tree; mappings on the way are made. List positions must exist.
fn set_at(root: &mut Option<Node>, path: &FieldPath, value: Node, place: Place) {
    let root = root.get_or_insert_with(|| Node { place, data: Data::Mapping(Mapping::default()) });
    let mut node = root;
    for step in path.steps() {
        let next = match step {
            Step::Index(index) => match &mut node.data {
                Data::Sequence(items) => items.get_mut(*index),
                _ => None,
            },
            Step::Key(key) => {
                if !matches!(node.data, Data::Mapping(_)) {
                    node.data = Data::Mapping(Mapping::default());
                }
                match &mut node.data {
                    Data::Mapping(mapping) => {
                        if mapping.entry(key).is_none() {
                            let value = Node { place, data: Data::Null };
                            mapping.entries.push(Entry { key: key.as_str().into(), key_place: place, value });
                        }
                        mapping.get_mut(key)
                    }
                    _ => None,
                }
            }
        };
        let Some(next) = next else { return };
        node = next;
    }
    *node = value;
}

/// A layer from one `--set path=value`. The path is one of the plan's fields, with or without `spec.`; the value is read as
/// YAML, so `3` is a number, `"3"` a string and `[a, b]` a list.
pub fn set_layer(text: &str, sources: &mut Sources) -> Result<Node, Findings> {
    let name = format!("--set {text}");
    let wrong = |message: String, hint: &str| -> Findings {
        Finding::error(&codes::USAGE, message)
            .at(Location::new(
                std::sync::Arc::new(Source::new("--set", text).of(Origin::Flag)),
                0..text.len(),
            ))
            .hint(hint)
            .into()
    };
    let Some((path, value)) = text.split_once('=') else {
        return Err(wrong(
            format!("`--set {text}` has no `=`"),
            "write `--set path=value`, for instance `--set controlPlane.replicas=1`",
        ));
    };
    let full = if path == "spec" || path.starts_with("spec.") || path.starts_with("metadata.") {
        path.to_owned()
    } else {
        format!("spec.{path}")
    };
    let Some(path) = FieldPath::parse(&full) else {
        return Err(wrong(format!("`{path}` is not a path"), "write a path such as `controlPlane.replicas`"));
    };
    if let Some(Step::Index(_)) = path.steps().iter().find(|step| matches!(step, Step::Index(_))) {
        return Err(wrong(
            format!("`{path}` names a list position"),
            "set the whole list, for instance `--set workers=[{name: default, replicas: 3}]`",
        ));
    }
    let keys = path.words();
    match keys.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["spec", "name"] => {
            return Err(wrong(
                "`name` is no field of `spec`".to_owned(),
                "use `--name`, or `--set metadata.name=...`",
            ));
        }
        ["metadata", key, ..] if key != "name" => {
            return Err(wrong(
                format!("`metadata.{key}` means nothing to a cluster"),
                "of a plan's metadata only the name counts; `--set namespace=...` sets the hub namespace",
            ));
        }
        ["spec", list @ ("workers" | "recipes"), key, ..] => {
            return Err(wrong(
                format!("`{list}` is a list, and `{key}` is not a field of it"),
                "set the whole list, for instance `--set workers=[{name: default, replicas: 3}]`",
            ));
        }
        _ => {}
    }
    let id = sources.add(Source::new(name, value).of(Origin::Flag));
    let documents = read(sources, id, Schema::Core, Limits::PLAN)?;
    let place = Place::new(id, 0..value.len());
    let node = match documents.into_iter().next() {
        Some(document) => document.root,
        None => Node { place, data: Data::String("".into()) },
    };
    if keys == ["spec"] && !matches!(node.data, Data::Mapping(_)) {
        return Err(wrong(
            format!("`spec` is a mapping, this is {}", node.data.kind()),
            "set one of its fields, for instance `--set controlPlane.replicas=1`",
        ));
    }
    let mut root = None;
    set_at(&mut root, &path, node, place);
    root.ok_or_else(|| wrong(format!("`--set {text}` sets nothing"), "write `--set path=value`"))
}
