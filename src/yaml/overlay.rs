//! Merging data into YAML text without losing its comments and layout.

use serde_json::Value;

use super::{
    emit,
    node::{Data, Mapping, Node},
    read::{Limits, read},
    scalar::Schema,
    source::{Source, Sources},
};

/// Merges `over` into the mapping at `path` of a one-document text: mappings merge, everything else replaces, `null`
/// deletes. What is not touched keeps its bytes. `None` if the text is not a mapping there.
#[must_use]
pub fn merge_text(text: &str, path: &[&str], over: &Value) -> Option<String> {
    let mut sources = Sources::new();
    let id = sources.add(Source::new("", text));
    let documents = read(&sources, id, Schema::Core, Limits::STREAM).ok()?;
    let root = &documents.first()?.root;
    let mut over = over.clone();
    let mut keys = path;
    // What is missing on the way is made by the merge itself.
    while let Some((last, before)) = keys.split_last() {
        if root.at(keys.iter().copied()).is_some_and(|node| is_block_mapping(text, node)) {
            break;
        }
        over = Value::Object([((*last).to_owned(), over)].into_iter().collect());
        keys = before;
    }
    let target = root.at(keys.iter().copied()).filter(|node| is_block_mapping(text, node))?;
    let mapping = target.as_mapping()?;
    let mut edits = Vec::new();
    let indent = column(
        text,
        mapping.entries.first().map_or(target.place.start as usize, |e| e.key_place.start as usize),
    );
    collect(text, mapping, target, indent, over.as_object()?, &mut edits);
    edits.sort_by_key(|edit: &Edit| std::cmp::Reverse(edit.start));
    let mut out = text.to_owned();
    for edit in edits {
        out.replace_range(edit.start..edit.end, &edit.text);
    }
    Some(out)
}

/// Merges `over` into `base`: mappings merge, everything else replaces, `null` deletes.
pub fn merge_value(base: &mut Value, over: &Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    base.remove(key);
                } else if let Some(old) = base.get_mut(key).filter(|old| old.is_object() && value.is_object())
                {
                    merge_value(old, value);
                } else {
                    base.insert(key.clone(), without_nulls(value));
                }
            }
        }
        (base, over) => *base = without_nulls(over),
    }
}

/// A `null` inside a mapping that is new deletes nothing and is not written either.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(entries) => Value::Object(
            entries
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key.clone(), without_nulls(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

struct Edit {
    start: usize,
    end: usize,
    text: String,
}

fn collect(
    text: &str,
    mapping: &Mapping,
    node: &Node,
    indent: usize,
    over: &serde_json::Map<String, Value>,
    edits: &mut Vec<Edit>,
) {
    let mut added = serde_json::Map::new();
    for (key, value) in over {
        let Some(entry) = mapping.entry(key) else {
            if !value.is_null() {
                added.insert(key.clone(), without_nulls(value));
            }
            continue;
        };
        let key_start = entry.key_place.start as usize;
        let value_end = (entry.value.place.end as usize).max(entry.key_place.end as usize);
        if value.is_null() {
            let start = line_start(text, key_start);
            edits.push(Edit { start, end: line_end(text, trimmed(text, value_end)), text: String::new() });
            continue;
        }
        match (&entry.value.data, value) {
            (Data::Mapping(inner), Value::Object(inner_over)) if is_block_mapping(text, &entry.value) => {
                let inner_indent = column(text, inner.entries[0].key_place.start as usize);
                collect(text, inner, &entry.value, inner_indent, inner_over, edits);
            }
            _ => {
                let mut merged = entry.value.to_value();
                merge_value(&mut merged, value);
                let mut written = String::new();
                emit::after_key(&merged, indent, &mut written);
                let colon = entry.key_place.end as usize
                    + text[entry.key_place.end as usize..].find(':').unwrap_or(0)
                    + 1;
                let end = trimmed(text, value_end).max(colon);
                edits.push(Edit { start: colon, end, text: written.trim_end_matches('\n').to_owned() });
            }
        }
    }
    if !added.is_empty() {
        let end = mapping.entries.last().map_or(node.place.end as usize, |entry| {
            trimmed(text, (entry.value.place.end as usize).max(entry.key_place.end as usize))
        });
        let at = line_end(text, end);
        let mut written = String::new();
        if at > 0 && !text[..at].ends_with('\n') {
            written.push('\n');
        }
        written.extend(std::iter::repeat_n(' ', indent));
        emit::block(&Value::Object(added), indent, &mut written);
        if !written.ends_with('\n') {
            written.push('\n');
        }
        edits.push(Edit { start: at, end: at, text: written });
    }
}

/// Flow mappings are small: the level above writes them anew.
fn is_block_mapping(text: &str, node: &Node) -> bool {
    node.as_mapping().is_some_and(|mapping| !mapping.entries.is_empty())
        && !text[node.place.range()].starts_with('{')
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |newline| offset + newline + 1)
}

fn column(text: &str, offset: usize) -> usize {
    offset - line_start(text, offset)
}

/// One past the last byte before `end` that is no blank or line break.
fn trimmed(text: &str, end: usize) -> usize {
    text[..end].trim_end().len()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{merge_text, merge_value};

    const TEXT: &str = "# head\nkind: A\nspec:\n  # why\n  a: 1 # one\n  nested:\n    x: true\n\n    # reason\n    y: |\n      text\n  flow: {p: 1}\n  list:\n    - 1\n  gone: 1\ntail: end\n";

    #[test]
    fn keeps_comments_and_layout_of_what_it_does_not_touch() {
        let over = json!({
            "a": 2, "nested": {"z": {"deep": [1]}, "y": "new"}, "flow": {"q": 2}, "list": [2, 3], "gone": null, "added": "no",
        });
        let merged = merge_text(TEXT, &["spec"], &over).unwrap_or_default();
        assert_eq!(
            merged,
            "# head\nkind: A\nspec:\n  # why\n  a: 2 # one\n  nested:\n    x: true\n\n    # reason\n    y: new\n    z:\n      deep:\n        - 1\n  flow:\n    p: 1\n    q: 2\n  list:\n    - 2\n    - 3\n  added: \"no\"\ntail: end\n"
        );
        let mut value: Value = serde_yaml::from_str(TEXT).unwrap_or_default();
        merge_value(&mut value["spec"], &over);
        assert_eq!(serde_yaml::from_str::<Value>(&merged).ok(), Some(value));
    }

    #[test]
    fn makes_the_way_to_a_missing_mapping() {
        let merged = merge_text("kind: A\nspec:\n  a: 1\n", &["spec", "values", "deep"], &json!({"x": 1}));
        assert_eq!(merged.as_deref(), Some("kind: A\nspec:\n  a: 1\n  values:\n    deep:\n      x: 1\n"));
    }
}
