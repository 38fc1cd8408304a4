//! Values to YAML text: two-space block style, keys sorted, quoted so that every reader sees the same.
//!
//! Sorting makes the text a function of the value alone: the same plan written in another order renders the same bytes.

use serde_json::Value;

use super::scalar;

/// A whole document, ending in a newline.
#[must_use]
pub fn document(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out
}

/// Appends a value as a block whose lines start at column `indent`; the first line's indentation is the caller's.
///
/// A collection ends with a newline, a scalar without one.
pub fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (position, (key, value)) in sorted(entries).into_iter().enumerate() {
                if position > 0 {
                    spaces(indent, out);
                }
                scalar::write_string(key, out);
                out.push(':');
                after_key(value, indent, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    spaces(indent, out);
                }
                out.push_str("- ");
                if is_block(item) {
                    block(item, indent + 2, out);
                } else {
                    inline(item, indent, out);
                }
                end_line(out);
            }
        }
        _ => inline(value, indent, out),
    }
}

fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Appends a value after `key:` that stands at column `indent`: on the same line, or as a block below. Ends the line.
pub fn after_key(value: &Value, indent: usize, out: &mut String) {
    if is_block(value) {
        out.push('\n');
        spaces(indent + 2, out);
        block(value, indent + 2, out);
    } else {
        out.push(' ');
        inline(value, indent, out);
    }
    end_line(out);
}

/// Appends a scalar or an empty collection; `indent` is the column of the key or dash that it belongs to.
pub fn inline(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => string(text, indent, out),
        Value::Array(_) => out.push_str("[]"),
        Value::Object(_) => out.push_str("{}"),
    }
}

/// Appends a string: a literal block when it has several ordinary lines, else plain or double-quoted.
fn string(text: &str, indent: usize, out: &mut String) {
    if wants_literal(text) {
        literal(text, indent, None, out);
    } else {
        scalar::write_string(text, out);
    }
}

/// Appends text as a literal block scalar that belongs to a key or dash at column `indent`; without the final newline.
/// A comment (with its `#`) goes behind the block's header, the only place for it.
///
/// The text must be [`literal_safe`].
pub fn literal(text: &str, indent: usize, comment: Option<&str>, out: &mut String) {
    out.push_str(if text.ends_with('\n') { "|" } else { "|-" });
    if let Some(comment) = comment {
        out.push(' ');
        out.push_str(comment);
    }
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            spaces(indent + 2, out);
            out.push_str(line);
        }
    }
}

/// Whether a string is best written as a literal block: it has several lines and keeps them.
#[must_use]
pub fn wants_literal(text: &str) -> bool {
    text.trim_end_matches('\n').contains('\n') && literal_safe(text)
}

/// Whether a literal block keeps this text for every reader: no blanks at line ends or before the first line (which
/// decides the indentation), at most one final newline, nothing unprintable.
#[must_use]
pub fn literal_safe(text: &str) -> bool {
    let body = text.strip_suffix('\n').unwrap_or(text);
    !body.is_empty()
        && !body.ends_with('\n')
        && !body.starts_with([' ', '\n'])
        && body.split('\n').all(|line| !line.ends_with([' ', '\t']) && !line.starts_with('\t'))
        && body.chars().all(|character| {
            character == '\n'
                || !(character.is_control()
                    || matches!(
                        character,
                        '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
                    ))
        })
}

fn sorted(entries: &serde_json::Map<String, Value>) -> Vec<(&String, &Value)> {
    // Whether serde_json keeps insertion order depends on features that other crates may switch on.
    let mut list: Vec<_> = entries.iter().collect();
    list.sort_by(|left, right| left.0.cmp(right.0));
    list
}

fn end_line(out: &mut String) {
    if !out.ends_with('\n') {
        out.push('\n');
    }
}

fn spaces(count: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', count));
}

/// The canonical form that hashes are taken over: JSON without spaces, keys sorted.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    fn write(value: &Value, out: &mut String) {
        match value {
            Value::Object(entries) => {
                out.push('{');
                for (position, (key, value)) in sorted(entries).into_iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    out.push_str(&Value::String(key.clone()).to_string());
                    out.push(':');
                    write(value, out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    write(item, out);
                }
                out.push(']');
            }
            scalar => out.push_str(&scalar.to_string()),
        }
    }
    let mut out = String::new();
    write(value, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::document;

    #[test]
    fn writes_two_space_blocks_with_quotes_only_where_needed() {
        let value = json!({
            "b": [1, {"x": "no", "y": []}, ["a", "b c"], {}],
            "a": {"k": null, "t": true},
            "text": "one\ntwo\n",
            "odd": "one\n two \n",
            "10.0.0.0/8": "10.0.0.0/8",
        });
        assert_eq!(
            document(&value),
            "\"10.0.0.0/8\": \"10.0.0.0/8\"\na:\n  k: null\n  t: true\nb:\n  - 1\n  - x: \"no\"\n    \"y\": []\n  - - a\n    - \"b c\"\n  - {}\nodd: \"one\\n two \\n\"\ntext: |\n  one\n  two\n"
        );
    }
}
