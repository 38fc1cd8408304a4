//! What a kustomization does to all of its objects: namespace, names, labels, images.

use super::{Built, is_cluster_scoped};
use crate::yaml::{Data, Entry, Mapping, Node, Place};

/// Sets the namespace of everything that has one; a Namespace is renamed, as kustomize does.
pub(in crate::admission::flux) fn set_namespace(objects: &mut [Built], namespace: &str) {
    for object in objects {
        let kind = object.text(&["kind"]).unwrap_or_default().to_owned();
        let place = object.node.place;
        if kind == "Namespace" {
            set(&mut object.node, &["metadata", "name"], namespace, place);
        } else if !is_cluster_scoped(&kind) {
            set(&mut object.node, &["metadata", "namespace"], namespace, place);
        }
    }
}

/// Sets labels or annotations on all objects.
pub(in crate::admission::flux) fn set_all(objects: &mut [Built], part: &str, pairs: Option<&Node>) {
    let Some(pairs) = pairs.and_then(Node::as_mapping) else { return };
    for object in objects {
        for pair in &pairs.entries {
            if let Some(value) = pair.value.as_str() {
                set(&mut object.node, &["metadata", part, &pair.key], value, pair.value.place);
            }
        }
    }
}

/// Sets a string deep in a tree, with the mappings on the way.
pub(super) fn set(node: &mut Node, path: &[&str], value: &str, place: Place) {
    let Some((key, rest)) = path.split_first() else {
        node.data = Data::String(value.into());
        return;
    };
    if let Data::Mapping(mapping) = &mut node.data {
        if mapping.get(key).is_none() {
            let value = Node { place, data: Data::Mapping(Mapping::default()) };
            mapping.set(Entry { key: (*key).into(), key_place: place, value });
        }
        if let Some(inner) = mapping.get_mut(key) {
            set(inner, rest, value, place);
        }
    }
}

/// Kinds whose names no prefix changes (kubernetes-sigs/kustomize `api/internal/builtins/PrefixTransformer.go`).
const NEVER_RENAMED: [&str; 3] = ["CustomResourceDefinition", "APIService", "Namespace"];

/// Puts texts before and behind the names of objects.
pub(in crate::admission::flux) fn rename(objects: &mut [Built], prefix: &str, suffix: &str, place: Place) {
    for object in objects {
        if NEVER_RENAMED.contains(&object.text(&["kind"]).unwrap_or_default()) {
            continue;
        }
        let name = object.text(&["metadata", "name"]).unwrap_or_default();
        let name = format!("{prefix}{name}{suffix}");
        set(&mut object.node, &["metadata", "name"], &name, place);
    }
}

/// `replicas:` of a kustomization: the count of an object of that name.
pub(super) fn set_replicas(objects: &mut [Built], item: &Node) {
    let (Some(name), Some(count)) = (item.get("name").and_then(Node::as_str), item.get("count")) else {
        return;
    };
    for object in objects {
        if object.text(&["metadata", "name"]) != Some(name) {
            continue;
        }
        if let Data::Mapping(mapping) = &mut object.node.data
            && let Some(spec) = mapping.get_mut("spec")
            && let Data::Mapping(spec) = &mut spec.data
        {
            spec.set(Entry { key: "replicas".into(), key_place: count.place, value: count.clone() });
        }
    }
}

/// `images:` of a Kustomization: another name, tag or digest wherever the image is named.
pub(in crate::admission::flux) fn set_image(node: &mut Node, image: &Node) {
    let text = |key: &str| image.get(key).and_then(Node::as_str);
    let Some(name) = text("name") else { return };
    match &mut node.data {
        Data::Mapping(mapping) => {
            for entry in &mut mapping.entries {
                let rest = match &entry.value.data {
                    Data::String(old) if *entry.key == *"image" => old.strip_prefix(name).map(str::to_owned),
                    _ => None,
                };
                match rest.filter(|rest| rest.is_empty() || rest.starts_with([':', '@'])) {
                    Some(rest) => {
                        let tail = match (text("newTag"), text("digest")) {
                            (_, Some(digest)) => format!("@{digest}"),
                            (Some(tag), None) => format!(":{tag}"),
                            (None, None) => rest,
                        };
                        let new = format!("{}{tail}", text("newName").unwrap_or(name));
                        entry.value.data = Data::String(new.into());
                    }
                    None => set_image(&mut entry.value, image),
                }
            }
        }
        Data::Sequence(items) => items.iter_mut().for_each(|item| set_image(item, image)),
        _ => {}
    }
}

/// Merges one tree into another; what is no mapping is replaced.
pub(super) fn merge_into(base: &mut Node, over: Node) {
    match (&mut base.data, over.data) {
        (Data::Mapping(fields), Data::Mapping(changes)) => {
            for change in changes.entries {
                match fields.get_mut(&change.key) {
                    Some(old) => merge_into(old, change.value),
                    None => fields.set(change),
                }
            }
        }
        (data, other) => *data = other,
    }
}
