//! Objects that were rendered: no secret may come out, whatever went in.

use serde_json::Value;

use super::{keys, plain::is_plain};
use crate::{
    admission::{Object, Objects, Violation},
    finding::codes,
    yaml::pointer::FieldPath,
};

/// Checks rendered objects: no Secret with values in plain text, no private key or credential in any string.
///
/// Values come from plans and values files; a message names the field and never repeats the value.
#[must_use]
pub fn violations(objects: &Objects) -> Vec<Violation> {
    let mut found = Vec::new();
    for object in objects {
        visit(object, &object.value, &mut FieldPath::root(), false, &mut found);
    }
    found
}

/// `secret`: whether the value lies in `data` or `stringData` of a Secret.
fn visit(object: &Object, value: &Value, path: &mut FieldPath, secret: bool, found: &mut Vec<Violation>) {
    match value {
        Value::Object(map) => {
            let is_secret = map.get("kind").is_some_and(|kind| kind == "Secret")
                && map.get("apiVersion").is_some_and(|version| version == "v1");
            for (key, value) in map {
                path.push_key(key.as_str());
                let secret = secret || (is_secret && (key == "data" || key == "stringData"));
                visit(object, value, path, secret, found);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_index(index);
                visit(object, item, path, secret, found);
                path.pop();
            }
        }
        Value::Null => {}
        Value::String(text) if !secret || !is_plain(text) => {
            found.extend(keys::find(text).into_iter().map(|form| {
                let message = format!("{} stands in the text", form.what);
                Violation::error(form.code, object, path.clone(), message).hint(
                    "take it for known and replace it at its owner; a plan refers to Secrets, it holds none",
                )
            }));
        }
        _ if secret => found.push(
            Violation::error(&codes::SECRET_PLAIN, object, path.clone(), "a secret value is in plain text")
                .hint("render no Secret: refer to one that a person writes and encrypts (`sops/README.md`)"),
        ),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(value: Value) -> Vec<(&'static str, String)> {
        let objects = Objects::from_iter([Object::new(value)]);
        violations(&objects).into_iter().map(|found| (found.code.id, found.path.to_string())).collect()
    }

    #[test]
    fn secrets_are_found_at_any_depth() {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"},
            "stringData": {"password": "hunter2", "empty": "", "variable": "${password}", "port": 5432},
        });
        let paths = ["stringData.password", "stringData.port"];
        assert_eq!(found(secret.clone()), paths.map(|path| ("IF1001", path.to_owned())));
        assert_eq!(
            found(json!({"items": [secret]})),
            paths.map(|path| ("IF1001", format!("items[0].{path}")))
        );
        assert_eq!(found(json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"colour": "blue"}})), []);
    }

    #[test]
    fn keys_are_found_in_any_string() {
        let key = format!("AGE-SECRET-{}{}", "KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L");
        let patch =
            json!({"spec": {"strategicPatches": [format!("machine:\n  files:\n    - content: {key}\n")]}});
        assert_eq!(found(patch), [("IF1008", "spec.strategicPatches[0]".to_owned())]);
    }
}
