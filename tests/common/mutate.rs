//! Objects with one field changed.

use infraflux::yaml::pointer::FieldPath;
use serde_json::{Map, Value, json};

/// An object with one change.
pub struct Mutant {
    /// What was done.
    pub change: &'static str,
    /// To which field.
    pub path: FieldPath,
    /// What came out.
    pub object: Value,
}

/// All mutants of an object. `apiVersion`, `kind` and `metadata.name` stay, so that it is the same object.
pub fn mutants(object: &Value) -> Vec<Mutant> {
    let mut out = Vec::new();
    visit(object, object, &FieldPath::root(), &mut out);
    out
}

fn visit(whole: &Value, value: &Value, path: &FieldPath, out: &mut Vec<Mutant>) {
    let fixed = ["", "apiVersion", "kind", "metadata", "metadata.name", "metadata.namespace"];
    if !fixed.contains(&path.to_string().as_str()) {
        let mut push = |change, new: Value| {
            let object = with(whole, path, Some(new));
            out.push(Mutant { change, path: path.clone(), object });
        };
        match value {
            Value::String(_) => {
                push("string-to-number", json!(7));
                push("string-to-mapping", json!({"not": "a string"}));
                push("empty-text", json!(""));
                push("strange-text", json!("-\u{1f980} no such value?"));
                push("long-text", json!("x".repeat(5000)));
            }
            Value::Number(_) => {
                push("number-to-text", json!("seven"));
                push("fraction", json!(0.5));
                push("negative", json!(-7));
                push("beyond-32-bits", json!(1_u64 << 40));
            }
            Value::Bool(_) => push("boolean-to-text", json!("yes")),
            Value::Array(items) => {
                push("list-to-text", json!("not a list"));
                push("empty-list", json!([]));
                if let Some(first) = items.first() {
                    let mut twice = items.clone();
                    twice.push(first.clone());
                    push("entry-twice", Value::Array(twice));
                }
            }
            Value::Object(_) => {
                push("mapping-to-list", json!([]));
                push("empty-mapping", json!({}));
            }
            Value::Null => {}
        }
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let here = path.key(key.as_str());
                if !fixed.contains(&here.to_string().as_str()) {
                    out.push(Mutant {
                        change: "remove",
                        path: here.clone(),
                        object: with(whole, &here, None),
                    });
                    let mut renamed: Map<String, Value> = map.clone();
                    renamed.remove(key);
                    renamed.insert(format!("{key}Oops"), inner.clone());
                    let object = with(whole, path, Some(Value::Object(renamed)));
                    out.push(Mutant { change: "rename", path: here.clone(), object });
                }
                visit(whole, inner, &here, out);
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                visit(whole, inner, &path.index(index), out);
            }
        }
        _ => {}
    }
}

/// The object with another value at a path, or without it.
fn with(object: &Value, path: &FieldPath, new: Option<Value>) -> Value {
    let mut object = object.clone();
    let words = path.words();
    let Some((last, parents)) = words.split_last() else { return new.unwrap_or(Value::Null) };
    let mut target = &mut object;
    for word in parents {
        target = match target {
            Value::Array(items) => &mut items[word.parse::<usize>().unwrap()],
            other => &mut other[word.as_str()],
        };
    }
    match (target, new) {
        (Value::Array(items), Some(new)) => items[last.parse::<usize>().unwrap()] = new,
        (Value::Object(map), Some(new)) => {
            map.insert(last.clone(), new);
        }
        (Value::Object(map), None) => {
            map.remove(last);
        }
        _ => unreachable!("a path that was walked"),
    }
    object
}

/// A path as a pattern: positions become `[*]`.
pub fn pattern(path: &FieldPath) -> String {
    let mut out = FieldPath::root();
    for word in path.words() {
        out.push_key(if word.bytes().all(|byte| byte.is_ascii_digit()) { "*".to_owned() } else { word });
    }
    // Keys of labels have slashes.
    out.words().iter().map(|word| word.replace('/', "~1")).collect::<Vec<_>>().join("/")
}

/// Whether a path fits a pattern of words between slashes, where `*` is one word and `**` any number.
pub fn fits(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => {
            fits(rest, path) || path.split_first().is_some_and(|(_, tail)| fits(pattern, tail))
        }
        (Some((word, rest)), Some((step, tail))) => (*word == "*" || word == step) && fits(rest, tail),
        _ => false,
    }
}
