//! A FleetPlan: what its clusters share, its classes, and its clusters.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{Merger, Stack, under_spec};
use crate::{
    finding::{Finding, codes, suggest},
    plan::{cluster_plan::ClusterPlanSpec, constraints, layers},
    yaml::{Data, Mapping, Node, Place, pointer::FieldPath, typed},
};

/// The classes of a fleet, by name.
type Classes = BTreeMap<String, Class>;

/// A named set of fields.
struct Class {
    /// Where its name stands.
    place: Place,
    /// A tree with `spec` at the root.
    layer: Arc<Node>,
}

impl Merger<'_> {
    pub(super) fn fleet_plan(&mut self, document: &Node, stacks: &mut Vec<Stack>) {
        self.envelope(document, &["apiVersion", "kind", "metadata", "spec"]);
        let Some(spec) = document.get("spec") else {
            self.error(
                &codes::PLAN_MISSING,
                document.place,
                "the fleet has no `spec`".to_owned(),
                "give it `spec.clusters`",
            );
            return;
        };
        let fleet = document.at(["metadata", "name"]).and_then(Node::as_str).unwrap_or("fleet").to_owned();
        if let Some(mapping) = spec.as_mapping() {
            for entry in &mapping.entries {
                if !["defaults", "classes", "clusters"].contains(&&*entry.key) {
                    let hint =
                        suggest::hint(&entry.key, ["defaults", "classes", "clusters"]).unwrap_or_default();
                    let message = format!("there is no field `{}` here", entry.key);
                    self.error(&codes::PLAN_SCHEMA, entry.key_place, message, hint);
                }
            }
        }
        let defaults = spec.get("defaults").and_then(|node| self.part(node, "`spec.defaults`", node.place));
        let mut classes = Classes::new();
        match spec.get("classes").map(|node| (node, &node.data)) {
            Some((_, Data::Mapping(mapping))) => {
                for entry in &mapping.entries {
                    let what = format!("the class `{}`", entry.key);
                    // An empty class changes nothing, and may be chosen.
                    let empty = Node { place: entry.key_place, data: Data::Mapping(Mapping::default()) };
                    let node = if entry.value.data == Data::Null { &empty } else { &entry.value };
                    if let Some(layer) = self.part(node, &what, entry.key_place) {
                        classes.insert(entry.key.to_string(), Class { place: entry.key_place, layer });
                    }
                }
            }
            None | Some((_, Data::Null)) => {}
            Some((node, data)) => {
                let message = format!("`spec.classes` must be a mapping, this is {}", data.kind());
                self.error(
                    &codes::PLAN_SCHEMA,
                    node.place,
                    message,
                    "write `<name>: {...}` for each class below it",
                );
            }
        }
        let clusters = spec.get("clusters").and_then(Node::as_sequence).unwrap_or_default();
        if clusters.is_empty() {
            self.error(
                &codes::PLAN_MISSING,
                spec.get("clusters").unwrap_or(spec).place,
                "the fleet lists no clusters".to_owned(),
                "give it `spec.clusters: [{name: ...}]`",
            );
            return;
        }
        let mut used = BTreeSet::new();
        for cluster in clusters {
            self.fleet_cluster(cluster, &fleet, defaults.as_ref(), (&classes, &mut used), stacks);
        }
        for (name, class) in classes.iter().filter(|(name, _)| !used.contains(*name)) {
            self.unused_class(name, class);
        }
    }

    /// A class that no cluster has is part of no merged plan, so what is wrong with it would wait for its first cluster.
    fn unused_class(&mut self, name: &str, class: &Class) {
        let place = class.layer.place;
        let mut root = Node { place, data: Data::Mapping(Mapping::default()) };
        layers::merge(&mut root, &class.layer);
        let Some(spec) = root.get("spec") else { return };
        let path = FieldPath::of(["spec", "classes", name]);
        let sources = &self.request.sources;
        let mut wrong = constraints::check(spec, &path, sources);
        wrong.extend(typed::partial::<ClusterPlanSpec>(spec, &path, sources, &codes::PLAN_SCHEMA));
        wrong.push(
            Finding::warning(&codes::NOT_IN_USE, format!("no cluster of the fleet is of the class `{name}`"))
                .field(path)
                .at(sources.locate(class.place))
                .hint(format!("choose it with `class: {name}`, or remove it")),
        );
        self.findings.extend(wrong);
    }

    /// A part of a fleet that holds fields of a cluster's `spec`; `null` holds none.
    fn part(&mut self, node: &Node, what: &str, place: Place) -> Option<Arc<Node>> {
        match &node.data {
            Data::Mapping(_) => Some(Arc::new(under_spec(place, node.clone()))),
            Data::Null => None,
            data => {
                let message = format!("{what} must be a mapping, this is {}", data.kind());
                self.error(
                    &codes::PLAN_SCHEMA,
                    node.place,
                    message,
                    "write fields of a ClusterPlan's `spec` below it",
                );
                None
            }
        }
    }

    fn fleet_cluster(
        &mut self,
        cluster: &Node,
        fleet: &str,
        defaults: Option<&Arc<Node>>,
        (classes, used): (&Classes, &mut BTreeSet<String>),
        stacks: &mut Vec<Stack>,
    ) {
        let Some(mapping) = cluster.as_mapping() else {
            let message = format!("a cluster of a fleet is a mapping, this is {}", cluster.data.kind());
            self.error(&codes::PLAN_SCHEMA, cluster.place, message, "write `- name: ...`");
            return;
        };
        let mut layers: Vec<Arc<Node>> = defaults.cloned().into_iter().collect();
        let mut own = Mapping::default();
        let mut wanted: Vec<&Node> = Vec::new();
        for entry in &mapping.entries {
            match &*entry.key {
                "name" => {}
                "class" => wanted.insert(0, &entry.value),
                "classes" => match &entry.value.data {
                    Data::Sequence(items) => wanted.extend(items),
                    Data::Null => {}
                    data => {
                        let message = format!("`classes` must be a list, this is {}", data.kind());
                        let hint = "write `classes: [a, b]`, or `class: a` for a single one";
                        self.error(&codes::PLAN_SCHEMA, entry.value.place, message, hint);
                    }
                },
                _ => own.entries.push(entry.clone()),
            }
        }
        for choice in wanted.into_iter().filter(|choice| choice.data != Data::Null) {
            let Some(name) = choice.as_str() else {
                let message = format!("a class is chosen by its name, this is {}", choice.data.kind());
                self.error(
                    &codes::PLAN_SCHEMA,
                    choice.place,
                    message,
                    "write the name of one of `spec.classes`",
                );
                continue;
            };
            let Some(class) = classes.get(name) else {
                let hint = suggest::hint(name, classes.keys().map(String::as_str))
                    .unwrap_or_else(|| "the fleet has no `spec.classes`".to_owned());
                let message = format!("there is no class `{name}`");
                self.error(&codes::PLAN_UNKNOWN_NAME, choice.place, message, hint);
                continue;
            };
            used.insert(name.to_owned());
            layers.push(class.layer.clone());
        }
        layers.push(Arc::new(under_spec(
            cluster.place,
            Node { place: cluster.place, data: Data::Mapping(own) },
        )));
        let name = mapping.get("name");
        stacks.push(Stack {
            name: name.and_then(Node::as_str).unwrap_or_default().to_owned(),
            name_place: Some(name.unwrap_or(cluster).place),
            plan: format!("FleetPlan/{fleet}"),
            short: false,
            layers,
        });
    }
}
