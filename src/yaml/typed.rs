//! Trees to types, with errors at the line that is wrong.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    node::{Data, Node},
    pointer::FieldPath,
    source::Sources,
};
use crate::{
    finding::{Code, Finding, Findings, suggest},
    yaml::source::Origin,
};

/// After this many mistakes somebody has the wrong file.
const MOST: usize = 20;

/// What serde's words for a value that should have been text lead to.
const QUOTES: &str = "put it in quotes";

/// Reads a tree into a type. `prefix` is the path of `node` in its document, for the message. Mistakes are told together,
/// in the order of the text: serde stops at the first one, so each is taken out and the rest read again.
pub fn from_node<Type: DeserializeOwned>(
    node: &Node,
    prefix: &FieldPath,
    sources: &Sources,
    code: &'static Code,
) -> Result<Type, Findings> {
    let (mut path, mut message) = match deserialize(node.to_value()) {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let mut value = node.to_value();
    let mut found = Findings::new();
    let mut removed: Vec<Vec<String>> = Vec::new();
    loop {
        let words = path.words();
        // A field that is missing because it was taken out, wrong as it was, is no second mistake.
        let own =
            message.starts_with("missing field ") && removed.iter().any(|gone| gone.starts_with(&words));
        if !own {
            found.push(explain(node, &path, prefix, &message, sources, code));
        }
        if found.len() == MOST || !remove(&mut value, &words, Items::Rest) {
            break;
        }
        removed.push(words);
        match deserialize::<Type>(value.clone()) {
            Ok(_) => break,
            Err(error) => (path, message) = error,
        }
    }
    Err(found.by_place())
}

/// What keeps a part of a tree from becoming part of a type: as [`from_node`], but a layer may leave out what another one
/// gives.
#[must_use]
pub fn partial<Type: DeserializeOwned>(
    node: &Node,
    prefix: &FieldPath,
    sources: &Sources,
    code: &'static Code,
) -> Option<Finding> {
    let mut value = node.to_value();
    loop {
        let (path, message) = deserialize::<Type>(value.clone()).err()?;
        // What lacks a field is whole as far as it goes; the rest is looked at without it.
        if !message.starts_with("missing field ") || !remove(&mut value, &path.words(), Items::One) {
            return Some(explain(node, &path, prefix, &message, sources, code));
        }
    }
}

fn deserialize<Type: DeserializeOwned>(value: Value) -> Result<Type, (FieldPath, String)> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let mut path = FieldPath::root();
        for segment in error.path() {
            match segment {
                serde_path_to_error::Segment::Seq { index } => path.push_index(*index),
                serde_path_to_error::Segment::Map { key } => path.push_key(key.clone()),
                serde_path_to_error::Segment::Enum { variant } => path.push_key(variant.clone()),
                serde_path_to_error::Segment::Unknown => {}
            }
        }
        (path, error.inner().to_string())
    })
}

/// What goes with an item that is taken out of a list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Items {
    /// Nothing: the items behind it move up.
    One,
    /// The items behind it, so that no position changes its meaning.
    Rest,
}

/// Takes a value out of a tree; false when it is not there.
fn remove(value: &mut Value, words: &[String], with: Items) -> bool {
    let Some((last, above)) = words.split_last() else { return false };
    let parent = above.iter().try_fold(value, |value, word| match value {
        Value::Object(object) => object.get_mut(word),
        Value::Array(items) => items.get_mut(word.parse::<usize>().ok()?),
        _ => None,
    });
    match parent {
        Some(Value::Object(object)) => object.remove(last).is_some(),
        Some(Value::Array(items)) => match last.parse::<usize>() {
            Ok(index) if index < items.len() => {
                match with {
                    Items::One => drop(items.remove(index)),
                    Items::Rest => items.truncate(index),
                }
                true
            }
            _ => false,
        },
        _ => false,
    }
}

fn explain(
    node: &Node,
    path: &FieldPath,
    prefix: &FieldPath,
    message: &str,
    sources: &Sources,
    code: &'static Code,
) -> Finding {
    let words = path.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (nearest, steps) = node.nearest(words.iter().copied());
    let mut place = nearest.place;
    if message.starts_with("unknown field") || steps < words.len() {
        place = node.key_place(&words).unwrap_or(place);
    }
    let location = sources.locate(place);
    let on_command_line = location.as_ref().is_some_and(|location| location.origin() == Origin::Flag);
    let field = prefix.join(path);
    let hint = match hint(message) {
        // The quotes that a person would write there are the shell's.
        Some(hint) if hint == QUOTES && on_command_line => {
            let (field, text) = (field.to_string(), sources.slice(place));
            let field = field.strip_prefix("spec.").unwrap_or(&field);
            Some(format!("put it in quotes inside of those of the shell: `--set '{field}=\"{text}\"'`"))
        }
        hint => hint,
    };
    let finding = Finding::error(code, sentence(message, nearest)).field(field).at(location);
    match hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

/// serde's words, in ours.
fn sentence(message: &str, node: &Node) -> String {
    if let Some((found, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        let expected = match expected {
            "a string" | "a borrowed string" => "a string",
            "a boolean" => "true or false",
            "i32" | "i64" | "u16" | "u32" | "u64" | "usize" => "an integer",
            "a sequence" => "a list",
            other if other.starts_with("struct ") || other == "a map" => "a mapping",
            other => other,
        };
        let shown = match &node.data {
            Data::Bool(value) => format!("`{value}` is a boolean"),
            Data::Number(number) => format!("`{number}` is {}", node.data.kind()),
            Data::String(text) if text.chars().count() <= 40 => format!("`{text}` is a string"),
            Data::Null => "this is empty".to_owned(),
            _ => {
                format!("this is {}", found.split(' ').next().map_or("something else", |_| node.data.kind()))
            }
        };
        return format!("this must be {expected}, {shown}");
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        let name = rest.split('`').nth(1).unwrap_or_default();
        return format!("there is no field `{name}` here");
    }
    if let Some(rest) = message.strip_prefix("unknown variant ") {
        let name = rest.split('`').nth(1).unwrap_or_default();
        return format!("`{name}` is not one of the values that this field takes");
    }
    if let Some(rest) = message.strip_prefix("missing field ") {
        let name = rest.split('`').nth(1).unwrap_or_default();
        return format!("the field `{name}` is missing here");
    }
    message.to_owned()
}

fn hint(message: &str) -> Option<String> {
    let mut names = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field ") || message.starts_with("unknown variant ") {
        let wrong = names.next()?;
        let known: Vec<&str> = names.collect();
        return suggest::hint(wrong, known);
    }
    if message.contains("expected a string")
        && (message.contains("floating point") || message.contains("integer") || message.contains("boolean"))
    {
        return Some(QUOTES.to_owned());
    }
    if let Some((_, expected)) =
        message.strip_prefix("invalid type: ").and_then(|rest| rest.split_once(", expected "))
    {
        let hint = match expected {
            "a sequence" => "write a list: `[...]`, or one entry a line behind `- `",
            "a boolean" => "write `true` or `false`, without quotes",
            "i32" | "i64" | "u16" | "u32" | "u64" | "usize" => "write a whole number, without quotes",
            "a string" | "a borrowed string" => "write one value, without brackets or keys",
            other if other.starts_with("struct ") || other == "a map" => {
                "write `key: value` lines indented below it, or `{key: value}`"
            }
            _ => return None,
        };
        return Some(hint.to_owned());
    }
    message
        .strip_prefix("missing field ")
        .and_then(|rest| rest.split('`').nth(1))
        .map(|name| format!("add `{name}`; `infraflux schema` shows what it takes"))
}
