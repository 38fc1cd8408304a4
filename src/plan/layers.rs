//! Layers of a plan, merged on trees so that every value keeps the place where it was written.

use crate::yaml::{Data, Entry, Mapping, Node};

/// Merges `over` into `base`: mappings merge, lists replace, `null` deletes. The list at `spec.workers` merges by `name`.
pub fn merge(base: &mut Node, over: &Node) {
    merge_at(base, over, &mut Vec::new());
}

fn merge_at<'over>(base: &mut Node, over: &'over Node, path: &mut Vec<&'over str>) {
    match (&mut base.data, &over.data) {
        (Data::Mapping(into), Data::Mapping(from)) => {
            // A finding about the whole mapping belongs to who wrote of it last, not to the defaults.
            if into.entries.is_empty() || !from.entries.is_empty() {
                base.place = over.place;
            }
            for entry in &from.entries {
                if matches!(entry.value.data, Data::Null) {
                    into.remove(&entry.key);
                    continue;
                }
                path.push(&entry.key);
                match into.get_mut(&entry.key) {
                    Some(old) => merge_at(old, &entry.value, path),
                    None => into.entries.push(without_nulls(entry)),
                }
                path.pop();
            }
        }
        (Data::Sequence(into), Data::Sequence(from)) if path == &["spec", "workers"] && !from.is_empty() => {
            base.place = over.place;
            for pool in from {
                let name = pool.get("name").and_then(Node::as_str);
                let same = |old: &&mut Node| name.is_some() && old.get("name").and_then(Node::as_str) == name;
                match into.iter_mut().find(same) {
                    Some(old) => merge_at(old, pool, path),
                    None => into.push(pool.clone()),
                }
            }
        }
        _ => *base = over.clone(),
    }
}

/// A `null` in a mapping that no layer below has deletes nothing and is not a value either.
fn without_nulls(entry: &Entry) -> Entry {
    let value = match &entry.value.data {
        Data::Mapping(mapping) => Node {
            place: entry.value.place,
            data: Data::Mapping(Mapping {
                entries: mapping
                    .entries
                    .iter()
                    .filter(|entry| !matches!(entry.value.data, Data::Null))
                    .map(without_nulls)
                    .collect(),
            }),
        },
        _ => entry.value.clone(),
    };
    Entry { key: entry.key.clone(), key_place: entry.key_place, value }
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::yaml::{Limits, Node, Source, Sources, read, scalar::Schema};

    fn node(sources: &mut Sources, name: &str, text: &str) -> Node {
        let id = sources.add(Source::new(name, text));
        read(sources, id, Schema::Core, Limits::PLAN)
            .ok()
            .and_then(|mut documents| documents.pop())
            .map_or_else(
                || Node::from_value(&serde_json::Value::Null, crate::yaml::Place::new(id, 0..0)),
                |d| d.root,
            )
    }

    #[test]
    fn mappings_merge_lists_replace_null_deletes_and_pools_merge_by_name() {
        let mut sources = Sources::new();
        let mut base = node(
            &mut sources,
            "a.yaml",
            "spec: {a: 1, list: [1, 2], gone: {x: 1}, workers: [{name: w, cpu: 2, replicas: 1}, {name: v}]}",
        );
        let over = node(
            &mut sources,
            "b.yaml",
            "spec:\n  a: 2\n  list: [3]\n  gone: null\n  new: {y: null, z: 1}\n  workers:\n    - name: w\n      replicas: 5\n    - name: u\n",
        );
        merge(&mut base, &over);
        assert_eq!(
            base.to_value(),
            serde_json::json!({"spec": {"a": 2, "list": [3], "new": {"z": 1},
                "workers": [{"name": "w", "cpu": 2, "replicas": 5}, {"name": "v"}, {"name": "u"}]}})
        );
        let place = |path: &[&str]| {
            base.at(path.iter().copied())
                .and_then(|node| sources.locate(node.place))
                .map(|location| (location.file().to_owned(), location.start()))
        };
        assert_eq!(place(&["spec", "workers", "0", "replicas"]), Some(("b.yaml".to_owned(), (8, 17))));
        assert_eq!(place(&["spec", "workers", "0", "cpu"]).map(|(file, _)| file).as_deref(), Some("a.yaml"));
    }
}
