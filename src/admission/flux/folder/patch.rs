//! Patches of a kustomization: which objects they are for, and what they do to them.

use regex::Regex;

use super::{Built, transform::set};
use crate::{
    admission::flux::merge::{self, Refused},
    finding::ObjectRef,
    yaml::{self, Data, Limits, Node, Place, Source, Sources, scalar::Schema},
};

/// What a patch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::admission::flux) struct Applied {
    /// How many objects it changed.
    pub(in crate::admission::flux) count: usize,
    /// Whether its target has a selector that is not followed here.
    pub(in crate::admission::flux) unknown_selector: bool,
}

/// The trees of a patch text; all their places are the one given.
pub(in crate::admission::flux) fn trees_of(text: &str, place: Place) -> Result<Vec<Node>, String> {
    let mut sources = Sources::new();
    let id = sources.add(Source::new("patch", text));
    let documents = yaml::read(&sources, id, Schema::Cluster, Limits::PLAN).map_err(|findings| {
        findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("; ")
    })?;
    Ok(documents
        .into_iter()
        .filter(|document| document.root.data != Data::Null)
        .map(|document| Node::from_value(&document.root.to_value(), place))
        .collect())
}

/// Applies a patch to the objects that it is for.
pub(in crate::admission::flux) fn apply(
    objects: &mut Vec<Built>,
    patch: &Node,
    target: Option<&Node>,
) -> Result<Applied, Refused> {
    let target = target.map(Target::of);
    let mut applied = Applied { count: 0, unknown_selector: false };
    let mut out = Vec::with_capacity(objects.len());
    let mut trouble = None;
    for object in objects.drain(..) {
        let selected = match &target {
            Some(target) => target.selects(&object, &mut applied.unknown_selector),
            None => named_by(patch, &object),
        };
        if !selected || trouble.is_some() {
            out.push(object);
            continue;
        }
        applied.count += 1;
        if let Data::Sequence(operations) = &patch.data {
            match merge::json(object.node.clone(), operations) {
                Ok(node) => out.push(Built { node }),
                Err(refused) => {
                    trouble = Some(refused);
                    out.push(object);
                }
            }
        } else {
            let built_in = is_built_in(object.text(&["apiVersion"]).unwrap_or_default());
            let id = object.id();
            out.extend(merge::strategic(object.node, patch, built_in).map(|node| named(node, &id)));
        }
    }
    *objects = out;
    trouble.map_or(Ok(applied), Err)
}

/// A patch for several objects has a name that means nothing; each of them keeps its own (kubernetes-sigs/kustomize
/// `api/resource/resource.go`, `ApplySmPatch`).
fn named(mut node: Node, id: &ObjectRef) -> Built {
    let place = node.place;
    set(&mut node, &["kind"], &id.kind, place);
    set(&mut node, &["metadata", "name"], &id.name, place);
    match &id.namespace {
        Some(namespace) => set(&mut node, &["metadata", "namespace"], namespace, place),
        None => {
            if let Data::Mapping(root) = &mut node.data
                && let Some(metadata) = root.get_mut("metadata")
                && let Data::Mapping(metadata) = &mut metadata.data
            {
                metadata.remove("namespace");
            }
        }
    }
    Built { node }
}

/// Whether an API belongs to Kubernetes itself.
pub(in crate::admission::flux) fn is_built_in(api_version: &str) -> bool {
    match api_version.split_once('/') {
        None => true,
        Some((group, _)) => !group.contains('.') || group.ends_with(".k8s.io") && BUILT_IN.contains(&group),
    }
}

const BUILT_IN: [&str; 11] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// A patch without a target says in itself which object it is for.
fn named_by(patch: &Node, object: &Built) -> bool {
    let text =
        |node: &Node, path: &[&str]| node.at(path.iter().copied()).and_then(Node::as_str).map(str::to_owned);
    let group = |node: &Node| {
        text(node, &["apiVersion"])
            .map(|version| version.rsplit_once('/').map_or(String::new(), |(group, _)| group.to_owned()))
    };
    let same_namespace = match text(patch, &["metadata", "namespace"]) {
        Some(namespace) => text(&object.node, &["metadata", "namespace"]).is_none_or(|own| own == namespace),
        None => true,
    };
    group(patch) == group(&object.node)
        && text(patch, &["kind"]) == text(&object.node, &["kind"])
        && text(patch, &["metadata", "name"]) == text(&object.node, &["metadata", "name"])
        && same_namespace
}

/// A patch's target, ready to be asked: each field is a regular expression over the whole.
struct Target<'patch> {
    /// Field and expression; an expression that does not compile selects nothing.
    fields: Vec<(&'static str, Option<Regex>)>,
    /// The terms of its selectors, for labels and for annotations.
    terms: Vec<(&'static str, &'patch str)>,
}

impl<'patch> Target<'patch> {
    fn of(target: &'patch Node) -> Self {
        let text = |key: &str| target.get(key).and_then(Node::as_str);
        let fields = ["group", "version", "kind", "name", "namespace"]
            .into_iter()
            .filter_map(|key| Some((key, Regex::new(&format!("^(?:{})$", text(key)?)).ok())))
            .collect();
        let terms = [("labelSelector", "labels"), ("annotationSelector", "annotations")]
            .into_iter()
            .filter_map(|(key, part)| Some((part, text(key)?)))
            .flat_map(|(part, selector)| terms(selector).into_iter().map(move |term| (part, term)))
            .collect();
        Self { fields, terms }
    }

    fn selects(&self, object: &Built, unknown: &mut bool) -> bool {
        let version = object.text(&["apiVersion"]).unwrap_or_default();
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        let value = |field: &str| match field {
            "group" => group,
            "version" => version,
            "kind" => object.text(&["kind"]).unwrap_or_default(),
            field => object.text(&["metadata", field]).unwrap_or_default(),
        };
        self.fields
            .iter()
            .all(|(field, pattern)| pattern.as_ref().is_some_and(|pattern| pattern.is_match(value(field))))
            && self.terms.iter().all(|(part, term)| {
                meets(term, |key| object.text(&["metadata", part, key])).unwrap_or_else(|| {
                    *unknown = true;
                    true
                })
            })
    }
}

/// The terms of a selector: parts between commas that are not in parentheses.
fn terms(selector: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let comma = |character: char| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    };
    selector.split(comma).map(str::trim).filter(|term| !term.is_empty()).collect()
}

/// Whether a term of a selector holds (kubernetes/apimachinery `pkg/labels/selector.go`); `None` when it is none.
fn meets<'object>(term: &str, value: impl Fn(&str) -> Option<&'object str>) -> Option<bool> {
    let is_key = |key: &str| !key.is_empty() && !key.contains([' ', '(', ')', '=', '!', '<', '>']);
    let words = |list: &str| -> Option<Vec<String>> {
        let inside = list.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some(inside.split(',').map(|word| word.trim().to_owned()).collect())
    };
    for (sign, wanted) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((key, other)) = term.split_once(sign) {
            let (key, other) = (key.trim(), other.trim());
            return is_key(key).then(|| (value(key) == Some(other)) == wanted);
        }
    }
    for (word, wanted) in [(" notin ", false), (" in ", true)] {
        if let Some((key, list)) = term.split_once(word) {
            let (key, list) = (key.trim(), words(list)?);
            let is_in = value(key).is_some_and(|value| list.iter().any(|word| word == value));
            return is_key(key).then_some(is_in == wanted);
        }
    }
    match term.strip_prefix('!') {
        Some(key) => is_key(key.trim()).then(|| value(key.trim()).is_none()),
        None => is_key(term).then(|| value(term).is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::{meets, terms};

    #[test]
    fn selectors_select() {
        let value = |key: &str| (key == "app").then_some("web");
        let table = [
            ("app=web", Some(true)),
            ("app == web", Some(true)),
            ("app!=web", Some(false)),
            ("tier!=db", Some(true)),
            ("app in (db, web)", Some(true)),
            ("app notin (db, web)", Some(false)),
            ("tier notin (db)", Some(true)),
            ("app", Some(true)),
            ("!app", Some(false)),
            ("!tier", Some(true)),
            ("app > 3", None),
            ("app in db", None),
        ];
        for (term, expected) in table {
            assert_eq!(meets(term, value), expected, "{term}");
        }
        assert_eq!(terms("a in (b, c), !d,e=f"), ["a in (b, c)", "!d", "e=f"]);
    }
}
