//! A second opinion on structure: the `jsonschema` crate with the API server's dialect put in its words.
//!
//! It knows no keys of lists, and no CEL. What it is compared with is therefore structure alone.

use serde_json::{Map, Value, json};

/// The schema of a kind for the second opinion.
pub struct Oracle {
    validator: jsonschema::Validator,
    schema: Value,
}

impl Oracle {
    pub fn new(schema: &Value) -> Self {
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft4)
            .should_validate_formats(true)
            .with_format("byte", is_base64)
            .with_format("cidr", |text: &str| text.parse::<ipnet::IpNet>().is_ok())
            .with_format("duration", |text: &str| {
                let mut rest = text.trim_start_matches(['-', '+']);
                let mut any = text == "0";
                while let Some(end) = rest.find(|next: char| next.is_alphabetic()) {
                    let unit: String = rest[end..].chars().take_while(|next| next.is_alphabetic()).collect();
                    if rest[..end].parse::<f64>().is_err()
                        || !["h", "m", "s", "ms", "us", "ns"].contains(&&*unit)
                    {
                        return false;
                    }
                    any = true;
                    rest = &rest[end + unit.len()..];
                }
                any && (rest.is_empty() || text == "0")
            })
            .with_format("uri", |text: &str| text.starts_with('/') || text.contains(':'))
            .with_format("idn-hostname", |_: &str| true)
            .with_format("password", |_: &str| true)
            .build(&convert(schema, true))
            .expect("a CRD's schema is a schema");
        Self { validator, schema: schema.clone() }
    }

    /// Whether the object is right.
    pub fn holds(&self, object: &Value) -> bool {
        let object = complete(&self.schema, object);
        self.validator.is_valid(&object)
    }

    /// What is wrong with it.
    pub fn errors(&self, object: &Value) -> Vec<String> {
        let object = complete(&self.schema, object);
        self.validator
            .iter_errors(&object)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && (text.is_empty() || !body.is_empty())
        && body.chars().all(|next| next.is_ascii_alphanumeric() || next == '+' || next == '/')
}

/// The same schema in the words of JSON Schema, with every object closed that the API server would prune.
fn convert(schema: &Value, root: bool) -> Value {
    let Some(map) = schema.as_object() else { return schema.clone() };
    let flag = |key: &str| map.get(key) == Some(&json!(true));
    let mut out = Map::new();
    for (key, value) in map {
        match &**key {
            "properties" => {
                let properties = value.as_object().unwrap().iter();
                let properties = properties.map(|(name, schema)| (name.clone(), convert(schema, false)));
                out.insert(key.clone(), Value::Object(properties.collect()));
            }
            "items" | "additionalProperties" => {
                out.insert(key.clone(), convert(value, false));
            }
            "description" | "default" | "example" | "nullable" | "title" => {}
            "pattern" if value == "" => {}
            "pattern" => {
                out.insert(key.clone(), json!(ecma(value.as_str().unwrap())));
            }
            key if key.starts_with("x-") => {}
            // Branches add conditions; what is allowed at all stands beside them.
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    let bounds: Option<(i64, i64)> = match map.get("format").and_then(Value::as_str) {
        Some("int32") => Some((i32::MIN.into(), i32::MAX.into())),
        Some("int64") => Some((i64::MIN, i64::MAX)),
        _ => None,
    };
    if let Some((low, high)) = bounds {
        out.remove("format");
        let limits = json!({"minimum": low, "maximum": high});
        let old = out.remove("allOf").unwrap_or(json!([{}]));
        out.insert("allOf".to_owned(), json!([limits, {"allOf": old}]));
    }
    if flag("x-kubernetes-int-or-string") {
        out.remove("anyOf");
        out.insert("type".to_owned(), json!(["integer", "string"]));
    }
    if flag("nullable")
        && let Some(kind) = out.remove("type")
    {
        out.insert("type".to_owned(), json!([kind, "null"]));
    }
    if flag("x-kubernetes-embedded-resource") || root {
        let embedded = out.entry("properties").or_insert_with(|| json!({})).as_object_mut().unwrap();
        for (name, schema) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
            let schema = if schema == "string" {
                json!({"type": schema, "minLength": 1})
            } else {
                json!({"type": schema})
            };
            embedded.insert(name.to_owned(), schema);
        }
        if !root {
            let required = out.entry("required").or_insert_with(|| json!([])).as_array_mut().unwrap();
            required.extend(["apiVersion", "kind"].map(|name| json!(name)));
        }
    }
    let open = flag("x-kubernetes-preserve-unknown-fields");
    if map.get("type") == Some(&json!("object")) && !map.contains_key("additionalProperties") && !open {
        out.insert("additionalProperties".to_owned(), json!(false));
    }
    if open {
        out.remove("additionalProperties");
    }
    if map.get("x-kubernetes-list-type") == Some(&json!("set")) {
        out.insert("uniqueItems".to_owned(), json!(true));
    }
    Value::Object(out)
}

/// Go's regular expressions in those of ECMAScript, which have no `(?i)` inside and no `\\PC`.
fn ecma(pattern: &str) -> String {
    let pattern = pattern.replace("\\PC", "[^\\x00-\\x1f\\x7f]");
    if !pattern.contains("(?i)") {
        return pattern;
    }
    let (mut out, mut class, mut escaped) = (String::new(), false, false);
    for next in pattern.replace("(?i)", "").replace("a-z", "a-zA-Z").chars() {
        class = (class || (next == '[' && !escaped)) && (next != ']' || escaped);
        if next.is_ascii_alphabetic() && !class && !escaped {
            out.extend(['[', next.to_ascii_lowercase(), next.to_ascii_uppercase(), ']']);
        } else {
            out.push(next);
        }
        escaped = next == '\\' && !escaped;
    }
    out
}

/// Fields that are `null` go, and defaults come.
fn complete(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let field =
                |key: &str| schema["properties"].get(key).or_else(|| schema.get("additionalProperties"));
            let keeps = |key: &str, value: &Value| {
                !value.is_null()
                    || field(key).is_none_or(|field| !field.is_object() || field["nullable"] == true)
            };
            let mut out: Map<String, Value> = map
                .iter()
                .filter(|(key, value)| keeps(key, value))
                .map(|(key, value)| {
                    (key.clone(), field(key).map_or_else(|| value.clone(), |field| complete(field, value)))
                })
                .collect();
            for (name, field) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = field.get("default")
                    && !out.contains_key(name)
                {
                    out.insert(name.clone(), complete(field, default));
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => {
            Value::Array(items.iter().map(|item| complete(&schema["items"], item)).collect())
        }
        other => other.clone(),
    }
}
