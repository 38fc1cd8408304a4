//! Values of objects as rules see them.

use std::{collections::HashMap, sync::Arc};

use kube_core::cel::cel::{
    Program, Value as Cel,
    objects::{Key, Map},
};
use serde_json::Value;

use super::environment;
use crate::admission::schema::{Format, Id, Node, Others, Tree, Type};

/// Words that cannot be names in CEL.
///
/// Source: kubernetes/kubernetes `staging/src/k8s.io/apiserver/pkg/cel/escaping.go`.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// The name of a field in CEL.
fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    if !name.contains(['_', '.', '-', '/']) {
        return name.to_owned();
    }
    // A single underscore is itself; two in a row are the escape.
    let doubled = name.replace("__", "__underscores__");
    doubled.replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}

/// The field behind a name in CEL.
pub(super) fn unescape(name: &str) -> String {
    if let Some(word) = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"))
        && RESERVED.contains(&word)
    {
        return word.to_owned();
    }
    name.replace("__dot__", ".")
        .replace("__dash__", "-")
        .replace("__slash__", "/")
        .replace("__underscores__", "__")
}

/// A value of an object; `fields` limits a mapping to what is looked at.
pub(super) fn convert(tree: &Tree, id: Option<Id>, value: &Value, fields: Option<&[String]>) -> Cel {
    let node = id.map(|id| tree.node(id));
    match value {
        Value::Null => Cel::Null,
        Value::Bool(value) => Cel::Bool(*value),
        Value::Number(number) => convert_number(node, number),
        Value::String(text) => convert_text(node, text),
        Value::Array(items) => {
            let inner = node.and_then(|node| node.items);
            Cel::List(Arc::new(items.iter().map(|item| convert(tree, inner, item, None)).collect()))
        }
        Value::Object(entries) => {
            // The keys of a map are data, those of an object are names.
            let is_map = node.is_some_and(|node| {
                node.properties.is_empty() && matches!(node.others, Others::Schema(_) | Others::Any)
            });
            let one = |(key, value): (&String, &Value)| {
                let inner = node.and_then(|node| node.entry(key));
                let name = if is_map { key.clone() } else { escape(key) };
                (Key::String(Arc::new(name)), convert(tree, inner, value, None))
            };
            let map: HashMap<Key, Cel> = match fields {
                Some(fields) if !is_map => {
                    fields.iter().filter_map(|field| entries.get_key_value(field)).map(one).collect()
                }
                _ => entries.iter().map(one).collect(),
            };
            Cel::Map(Map { map: Arc::new(map) })
        }
    }
}

fn convert_number(node: Option<&Node>, number: &serde_json::Number) -> Cel {
    let kind = node.and_then(|node| node.kind);
    let float = || Cel::Float(number.as_f64().unwrap_or(f64::NAN));
    if kind == Some(Type::Number) {
        return float();
    }
    if let Some(value) = number.as_i64() {
        return Cel::Int(value);
    }
    if let Some(value) = number.as_u64() {
        return Cel::UInt(value);
    }
    match number.as_f64() {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and far below the limits of 64 bits")]
        Some(value) if kind == Some(Type::Integer) && value.fract() == 0.0 && value.abs() < 9e18 => {
            Cel::Int(value as i64)
        }
        _ => float(),
    }
}

/// Source: kubernetes/kubernetes `staging/src/k8s.io/apiserver/pkg/cel/common/values.go`, `UnstructuredToVal`.
fn convert_text(node: Option<&Node>, text: &str) -> Cel {
    let plain = Cel::String(Arc::new(text.to_owned()));
    let format = node.filter(|node| !node.int_or_string).and_then(|node| node.bounds.as_ref()?.format);
    let function = match format {
        Some(Format::DateTime) => "timestamp(self)",
        Some(Format::Date) => "timestamp(self + 'T00:00:00Z')",
        Some(Format::Duration) => "duration(self)",
        Some(Format::Byte) => "base64.decode(self)",
        _ => return plain,
    };
    // Few fields have such a format, and the functions are there already.
    let Ok(program) = Program::compile(function) else { return plain };
    environment::with(|context| {
        let mut scope = context.new_inner_scope();
        scope.add_variable_from_value("self", plain.clone());
        program.execute(&scope).unwrap_or(plain)
    })
}

/// The longest list or mapping in a value, and how many values there are in it.
pub(super) fn measure(value: &Value) -> (u64, u64) {
    let join = |parts: &mut dyn Iterator<Item = &Value>, length: usize| {
        parts.map(measure).fold((length as u64, 1), |(longest, size): (u64, u64), (inner, more)| {
            (longest.max(inner), size.saturating_add(more))
        })
    };
    match value {
        Value::Array(items) => join(&mut items.iter(), items.len()),
        Value::Object(entries) => join(&mut entries.values(), entries.len()),
        _ => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::{escape, unescape};

    #[test]
    fn names_are_escaped_as_the_api_server_does() {
        let table = [
            ("namespace", "__namespace__"),
            ("a-b", "a__dash__b"),
            ("a.b/c", "a__dot__b__slash__c"),
            ("a_b", "a_b"),
            ("a__b", "a__underscores__b"),
            ("plain", "plain"),
        ];
        for (name, escaped) in table {
            assert_eq!(escape(name), escaped);
            assert_eq!(unescape(escaped), name);
        }
    }
}
