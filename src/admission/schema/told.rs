//! What messages say: what is there, what is allowed, and the next step.

use serde_json::{Map, Value};

use super::{
    at::{At, Step},
    node::{Node, Tree, Type},
};
use crate::finding::suggest;

/// A message and its next step.
pub(super) type Told = (String, Option<String>);

/// The last name on a path, for messages.
pub(super) fn name(at: &At<'_>) -> String {
    match (at.step, at.up) {
        (Step::Key(key), _) => cut(key, 80),
        (Step::Index(index), Some(up)) => format!("{}[{index}]", name(up)),
        _ => "the object".to_owned(),
    }
}

/// A text of at most so many characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value in a message.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind_of(value).to_owned(),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) => format!("`{}`", cut(text, 80)),
        other => format!("`{other}`"),
    }
}

/// The word for a value's type.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

pub(super) fn wrong_type(node: &Node, value: &Value, at: &At<'_>) -> Told {
    let wanted = match node.kind {
        Some(kind) => kind.words(),
        None if node.quantity => "a number, or a string with a unit such as `500m` or `2Gi`",
        None => "an integer or a string",
    };
    let shown = match value {
        Value::String(_) | Value::Bool(_) | Value::Number(_) => {
            format!("{} ({})", kind_of(value), shown(value))
        }
        _ => kind_of(value).to_owned(),
    };
    let hint = match (node.kind, value) {
        (Some(Type::Integer | Type::Number), Value::String(text)) if text.trim().parse::<f64>().is_ok() => {
            Some("remove the quotes".to_owned())
        }
        (Some(Type::Boolean), Value::String(text)) if matches!(&**text, "true" | "false") => {
            Some("remove the quotes".to_owned())
        }
        (Some(Type::String), Value::Bool(_) | Value::Number(_)) => {
            Some("put it in quotes; without them YAML reads something else".to_owned())
        }
        (Some(Type::Array), _) if !value.is_null() => {
            Some("write it as a list, with `- ` before each entry".to_owned())
        }
        (_, Value::Null) => Some("remove the key, or give it a value".to_owned()),
        _ => None,
    };
    (format!("`{}` is {shown}, it must be {wanted}", name(at)), hint)
}

pub(super) fn unknown(node: &Node, key: &str, at: &At<'_>) -> Told {
    let owner = match at.step {
        Step::Root => "the object".to_owned(),
        _ => format!("`{}`", name(at)),
    };
    // Names that nobody would type by mistake are not worth the comparison.
    let known = node.properties.iter().map(|(name, _)| &**name);
    let hint = (key.len() <= 64).then(|| suggest::hint(key, known)).flatten();
    (format!("{owner} has no field `{}`", cut(key, 80)), hint)
}

pub(super) fn missing(tree: &Tree, node: &Node, name: &str, map: &Map<String, Value>) -> Told {
    let near = suggest::nearest(
        name,
        map.keys().map(String::as_str).filter(|key| key.len() <= 64 && node.property(key).is_none()),
    );
    let hint = match near.first() {
        Some(near) => Some(format!("`{near}` is there; was `{name}` meant?")),
        None => node
            .property(name)
            .and_then(|id| tree.node(id).kind)
            .map(|kind| format!("add `{name}`, {}", kind.words())),
    };
    (format!("`{name}` is missing"), hint)
}

pub(super) fn not_allowed(allowed: &[Value], value: &Value, at: &At<'_>) -> Told {
    let words: Vec<String> = allowed
        .iter()
        .map(|value| match value {
            Value::String(text) if text.is_empty() => "\"\"".to_owned(),
            Value::String(text) => cut(text, 60),
            other => cut(&other.to_string(), 60),
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let list = if words.len() > 20 {
        format!("{} and {} more", suggest::list(&words[..20], ","), words.len() - 20)
    } else {
        suggest::list(&words, "or")
    };
    let near = match value {
        Value::String(text) if text.len() <= 64 => suggest::nearest(text, words.iter().copied()),
        _ => Vec::new(),
    };
    let hint = near.first().map(|near| format!("did you mean `{near}`?"));
    (format!("`{}` is {}, it must be {list}", name(at), shown(value)), hint)
}

pub(super) fn twice(keys: &[Box<str>], item: &Value) -> Told {
    let pairs: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(
                "`{key}: {}`",
                item.get(&**key).map_or_else(|| "nothing".to_owned(), |value| shown(value).replace('`', ""))
            )
        })
        .collect();
    (format!("an entry with {} is there twice", pairs.join(" and ")), Some("keep one of them".to_owned()))
}
