//! What the API server does to an object before it looks at it: fields that are `null` go, defaults come.
//!
//! Source: kubernetes/apiextensions-apiserver `pkg/apiserver/schema/defaulting/prune.go` and `algorithm.go`.

use serde_json::{Map, Value};

use super::node::{Id, Node, Tree};

/// The value with defaults and without needless `null`s; `None` if that changes nothing.
pub(crate) fn completed(tree: &Tree, id: Id, value: &Value) -> Option<Value> {
    let node = tree.node(id);
    match value {
        Value::Object(map) => mapping(tree, node, map).map(Value::Object),
        Value::Array(items) => {
            let schema = node.items?;
            let mut changed: Option<Vec<Value>> = None;
            for (index, item) in items.iter().enumerate() {
                if let Some(new) = completed(tree, schema, item) {
                    let changed = changed.get_or_insert_with(|| items.clone());
                    if let Some(slot) = changed.get_mut(index) {
                        *slot = new;
                    }
                }
            }
            changed.map(Value::Array)
        }
        _ => None,
    }
}

fn mapping(tree: &Tree, node: &Node, map: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut changed: Option<Map<String, Value>> = None;
    for (key, value) in map {
        let Some(id) = node.entry(key) else { continue };
        if value.is_null() {
            let schema = tree.node(id);
            if !schema.nullable && schema.default.is_none() {
                changed.get_or_insert_with(|| map.clone()).remove(key);
            }
            continue;
        }
        if let Some(new) = completed(tree, id, value) {
            changed.get_or_insert_with(|| map.clone()).insert(key.clone(), new);
        }
    }
    if !node.has_defaults {
        return changed;
    }
    for (name, id) in &node.properties {
        let schema = tree.node(*id);
        let Some(default) = &schema.default else { continue };
        let absent = match map.get(&**name) {
            None => true,
            Some(value) => value.is_null() && !schema.nullable,
        };
        if absent {
            let value = completed(tree, *id, default).unwrap_or_else(|| default.clone());
            changed.get_or_insert_with(|| map.clone()).insert(name.to_string(), value);
        }
    }
    changed
}
