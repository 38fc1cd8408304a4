//! Patches as kustomize applies them: strategic merge patches and JSON patches, on trees that keep their places.
//!
//! Lists of built-in kinds merge by their keys (kubernetes/api, the `patchMergeKey` tags of `core/v1/types.go`); lists of
//! custom resources are replaced, because nobody knows their keys.

use crate::yaml::{Data, Entry, Node};

/// Why a patch could not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// kustomize would refuse it, too.
    Wrong(String),
    /// It is beyond what is done offline.
    Unsupported(String),
}

/// The lists of built-in kinds that merge, with the key by which their entries are known.
const MERGE_KEYS: [(&str, &str); 9] = [
    ("containers", "name"),
    ("initContainers", "name"),
    ("ephemeralContainers", "name"),
    ("volumes", "name"),
    ("env", "name"),
    ("imagePullSecrets", "name"),
    ("volumeMounts", "mountPath"),
    ("volumeDevices", "devicePath"),
    ("ports", "containerPort"),
];

/// Merges a patch into an object. `None` when the patch deletes the whole object.
pub(super) fn strategic(base: Node, patch: &Node, built_in: bool) -> Option<Node> {
    if directive(patch) == Some("delete") {
        return None;
    }
    Some(merged(base, patch, built_in))
}

fn directive(node: &Node) -> Option<&str> {
    node.get("$patch").and_then(Node::as_str)
}

fn merged(mut base: Node, patch: &Node, built_in: bool) -> Node {
    let (Data::Mapping(fields), Data::Mapping(changes)) = (&mut base.data, &patch.data) else {
        return clean(patch);
    };
    if directive(patch) == Some("replace") {
        return clean(patch);
    }
    for change in &changes.entries {
        if change.key.starts_with('$') {
            continue;
        }
        let old = fields.remove_at(&change.key);
        let value = match (old, &change.value.data) {
            (_, Data::Null) => None,
            (Some((position, old)), Data::Mapping(_)) if directive(&change.value) != Some("delete") => {
                Some((Some(position), merged(old.value, &change.value, built_in)))
            }
            (_, Data::Mapping(_)) if directive(&change.value) == Some("delete") => None,
            (Some((position, old)), Data::Sequence(items)) => {
                let key = MERGE_KEYS.iter().find(|(list, _)| built_in && *list == &*change.key);
                Some((
                    Some(position),
                    match key {
                        Some((_, key)) => merged_list(old.value, items, key, change.value.place, built_in),
                        None => clean(&change.value),
                    },
                ))
            }
            (old, _) => Some((old.map(|(position, _)| position), clean(&change.value))),
        };
        if let Some((position, value)) = value {
            let entry = Entry { key: change.key.clone(), key_place: change.key_place, value };
            match position {
                Some(position) => fields.entries.insert(position, entry),
                None => fields.entries.push(entry),
            }
        }
    }
    base
}

fn merged_list(base: Node, changes: &[Node], key: &str, place: crate::yaml::Place, built_in: bool) -> Node {
    let mut items = match base.data {
        Data::Sequence(items) => items,
        _ => Vec::new(),
    };
    for change in changes {
        let wanted = change.get(key).map(|node| node.data.clone());
        let found = items
            .iter()
            .position(|item| wanted.is_some() && item.get(key).map(|node| &node.data) == wanted.as_ref());
        match (found, directive(change) == Some("delete")) {
            (Some(position), true) => {
                items.remove(position);
            }
            (Some(position), false) => items[position] = merged(items[position].clone(), change, built_in),
            (None, true) => {}
            (None, false) => items.push(clean(change)),
        }
    }
    Node { place, data: Data::Sequence(items) }
}

/// A patch's own content, without directives and without what it deletes.
fn clean(node: &Node) -> Node {
    let data = match &node.data {
        Data::Mapping(mapping) => {
            let mut mapping = mapping.clone();
            mapping.entries.retain(|entry| !entry.key.starts_with('$') && entry.value.data != Data::Null);
            for entry in &mut mapping.entries {
                entry.value = clean(&entry.value);
            }
            Data::Mapping(mapping)
        }
        Data::Sequence(items) => Data::Sequence(items.iter().map(clean).collect()),
        other => other.clone(),
    };
    Node { place: node.place, data }
}

trait RemoveAt {
    /// Takes an entry out and says where it stood.
    fn remove_at(&mut self, key: &str) -> Option<(usize, Entry)>;
}

impl RemoveAt for crate::yaml::Mapping {
    fn remove_at(&mut self, key: &str) -> Option<(usize, Entry)> {
        let position = self.entries.iter().position(|entry| *entry.key == *key)?;
        Some((position, self.entries.remove(position)))
    }
}

/// Applies a JSON patch (RFC 6902).
pub(super) fn json(mut base: Node, operations: &[Node]) -> Result<Node, Refused> {
    for operation in operations {
        let text = |key: &str| operation.get(key).and_then(Node::as_str);
        let wrong = |what: &str| Refused::Wrong(what.to_owned());
        let name = text("op").ok_or_else(|| wrong("an operation has no `op`"))?;
        let pointer = text("path").ok_or_else(|| wrong("an operation has no `path`"))?;
        let steps: Vec<String> = match pointer.strip_prefix('/') {
            Some(rest) => rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
            None if pointer.is_empty() => Vec::new(),
            None => return Err(Refused::Wrong(format!("`{pointer}` is not a JSON pointer"))),
        };
        let value = || operation.get("value").cloned().ok_or_else(|| wrong("an operation has no `value`"));
        let missing = || Refused::Wrong(format!("there is nothing at `{pointer}`"));
        match name {
            "add" => add(&mut base, &steps, value()?).ok_or_else(missing)?,
            "replace" => {
                // Where only the last key is missing, kustomize's library refuses as well.
                let found = base.at(steps.iter().map(String::as_str)).is_some();
                if !found {
                    return Err(missing());
                }
                remove(&mut base, &steps);
                add(&mut base, &steps, value()?).ok_or_else(missing)?;
            }
            "remove" => remove(&mut base, &steps).ok_or_else(missing)?,
            "test" => {
                let found = base.at(steps.iter().map(String::as_str)).map(Node::to_value);
                if found != Some(value()?.to_value()) {
                    return Err(Refused::Wrong(format!("the test of `{pointer}` fails")));
                }
            }
            "copy" | "move" => return Err(Refused::Unsupported(format!("the operation `{name}`"))),
            other => return Err(Refused::Wrong(format!("there is no operation `{other}`"))),
        }
    }
    Ok(base)
}

fn parent<'node>(node: &'node mut Node, steps: &[String]) -> Option<&'node mut Node> {
    steps.iter().try_fold(node, |node, step| match &mut node.data {
        Data::Mapping(mapping) => mapping.get_mut(step),
        Data::Sequence(items) => items.get_mut(step.parse::<usize>().ok()?),
        _ => None,
    })
}

fn add(node: &mut Node, steps: &[String], value: Node) -> Option<()> {
    let Some((last, parents)) = steps.split_last() else {
        *node = value;
        return Some(());
    };
    match &mut parent(node, parents)?.data {
        Data::Mapping(mapping) => {
            mapping.set(Entry { key: last.as_str().into(), key_place: value.place, value });
        }
        Data::Sequence(items) if last == "-" => items.push(value),
        Data::Sequence(items) => {
            let position = last.parse::<usize>().ok().filter(|position| *position <= items.len())?;
            items.insert(position, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(node: &mut Node, steps: &[String]) -> Option<()> {
    let (last, parents) = steps.split_last()?;
    match &mut parent(node, parents)?.data {
        Data::Mapping(mapping) => mapping.remove(last).map(|_| ()),
        Data::Sequence(items) => {
            let position = last.parse::<usize>().ok().filter(|position| *position < items.len())?;
            items.remove(position);
            Some(())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Refused, json as apply, strategic};
    use crate::yaml::{Limits, Node, Source, Sources, read, scalar::Schema};

    fn node(text: &str) -> Node {
        let mut sources = Sources::new();
        let id = sources.add(Source::new("test", text));
        let mut documents = read(&sources, id, Schema::Cluster, Limits::PLAN).unwrap_or_default();
        documents.pop().map_or_else(|| unreachable!("one document"), |document| document.root)
    }

    fn merge(base: &str, patch: &str, built_in: bool) -> Value {
        strategic(node(base), &node(patch), built_in).map_or(Value::Null, |node| node.to_value())
    }

    #[test]
    fn mappings_merge_and_lists_of_custom_resources_are_replaced() {
        let base = "spec: {values: {a: 1, b: {c: 2}}, list: [{name: x, v: 1}]}";
        let patch = "spec: {values: {b: {d: 3}, a: null}, list: [{name: w}]}";
        assert_eq!(
            merge(base, patch, false),
            json!({"spec": {"values": {"b": {"c": 2, "d": 3}}, "list": [{"name": "w"}]}})
        );
    }

    #[test]
    fn lists_of_built_in_kinds_merge_by_their_keys() {
        let base = "containers: [{name: a, image: one, env: [{name: K, value: v}]}, {name: b}]";
        let patch =
            "containers: [{name: a, env: [{name: K, $patch: delete}]}, {name: b, $patch: delete}, {name: c}]";
        assert_eq!(
            merge(base, patch, true),
            json!({"containers": [{"name": "a", "image": "one", "env": []}, {"name": "c"}]})
        );
        assert_eq!(merge("{kind: X}", "{$patch: delete}", true), Value::Null);
    }

    #[test]
    fn json_patches_change_what_is_there() {
        let list = node(
            "[{op: add, path: /spec/kubeConfig, value: {a: b}}, {op: replace, path: /spec/list/0, value: z}, \
             {op: add, path: /spec/list/-, value: w}, {op: remove, path: /spec/gone}, {op: test, path: /spec/n~1o, value: 1}]",
        );
        let base = || node("spec: {list: [x], gone: 1, n/o: 1}");
        let operations = list.as_sequence().unwrap_or_default();
        assert_eq!(
            apply(base(), operations).map(|node| node.to_value()),
            Ok(json!({"spec": {"list": ["z", "w"], "n/o": 1, "kubeConfig": {"a": "b"}}}))
        );
        for (wrong, says) in [
            ("[{op: replace, path: /spec/x, value: 1}]", "there is nothing at `/spec/x`"),
            ("[{op: add, path: /a/b, value: 1}]", "there is nothing at `/a/b`"),
            ("[{op: remove, path: spec}]", "`spec` is not a JSON pointer"),
        ] {
            let list = node(wrong);
            let result = apply(base(), list.as_sequence().unwrap_or_default());
            assert_eq!(result.map(|node| node.to_value()), Err(Refused::Wrong(says.to_owned())));
        }
    }
}
