//! Annotations put into the text of a rendered item, which keeps its comments and layout.

use std::{ops::Range, sync::Arc};

use serde_json::Value;

use crate::{
    finding::{Finding, Findings, codes},
    yaml::{self, Location, Source, Sources, emit, scalar, scalar::Schema},
};

/// The text of a rendered item with these annotations; one that it has already stays as it is.
///
/// Rendered items are block mappings with `metadata:` at column 0, and for those a look at the lines is enough: in a
/// block mapping nothing but keys and comments can begin at the column of its keys. Anything else (a flow mapping from
/// somebody's own template) is read and written anew.
pub(super) fn annotate(text: &str, annotations: &[(&str, &str)]) -> Result<String, Findings> {
    let text = strip_marker(text);
    match insert(text, annotations) {
        Some(text) => Ok(text),
        None => rebuild(text, annotations),
    }
}

/// The text of a rendered item as one line of JSON.
pub(super) fn to_json(text: &str) -> Result<String, Findings> {
    Ok(value(text)?.to_string())
}

fn strip_marker(text: &str) -> &str {
    text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")).unwrap_or(text)
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_content(line: &str) -> bool {
    !matches!(line.trim_start_matches([' ', '\t', '\r', '\n']).as_bytes().first(), None | Some(b'#'))
}

/// Whether nothing but a comment follows a key's colon.
fn opens_block(rest: &str) -> bool {
    let rest = rest.trim();
    rest.is_empty() || rest.starts_with('#')
}

fn insert(text: &str, annotations: &[(&str, &str)]) -> Option<String> {
    let metadata = if text.starts_with("metadata:") { 0 } else { text.find("\nmetadata:")? + 1 };
    // The line of the key, then the lines below it with their offsets.
    let mut lines = lines(text, metadata);
    let (_, line) = lines.next()?;
    if !opens_block(&line["metadata:".len()..]) {
        return None;
    }
    let below_metadata = metadata + line.len();
    let inside: Vec<(usize, &str)> =
        lines.take_while(|(_, line)| !is_content(line) || indent(line) > 0).collect();
    let column = inside.iter().find(|(_, line)| is_content(line)).map(|(_, line)| indent(line))?;
    let key = inside
        .iter()
        .position(|(_, line)| indent(line) == column && line[column..].starts_with("annotations:"));
    let Some(key) = key else {
        return Some(with_block(text, below_metadata..below_metadata, column, annotations));
    };
    let (offset, line) = inside[key];
    let rest = &line[column + "annotations:".len()..];
    if rest.trim() == "{}" {
        return Some(with_block(text, offset..offset + line.len(), column, annotations));
    }
    if !opens_block(rest) {
        return None;
    }
    let below =
        || inside[key + 1..].iter().take_while(|(_, line)| !is_content(line) || indent(line) > column);
    let inner = below().find(|(_, line)| is_content(line)).map(|(_, line)| indent(line))?;
    let has = |name: &str| {
        below().any(|(_, line)| {
            indent(line) == inner && {
                let line = line[inner..].trim_start_matches(['"', '\'']);
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
            }
        })
    };
    let missing: Vec<(&str, &str)> = annotations.iter().copied().filter(|(name, _)| !has(name)).collect();
    let at = offset + line.len();
    let mut out = String::with_capacity(text.len() + 512);
    out.push_str(&text[..at]);
    write_all(&missing, inner, &mut out);
    out.push_str(&text[at..]);
    Some(out)
}

/// The lines of a text from the one that begins at `offset`, each with its offset and line break.
fn lines(text: &str, mut offset: usize) -> impl Iterator<Item = (usize, &str)> {
    text[offset..].split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        (start, line)
    })
}

/// The text with a block of annotations in the place of `range`.
fn with_block(text: &str, range: Range<usize>, column: usize, annotations: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len() + 512);
    out.push_str(&text[..range.start]);
    out.extend(std::iter::repeat_n(' ', column));
    out.push_str("annotations:\n");
    write_all(annotations, column + 2, &mut out);
    out.push_str(&text[range.end..]);
    out
}

fn write_all(annotations: &[(&str, &str)], column: usize, out: &mut String) {
    for (key, value) in annotations {
        out.extend(std::iter::repeat_n(' ', column));
        scalar::write_string(key, out);
        out.push_str(": ");
        scalar::write_string(value, out);
        out.push('\n');
    }
}

fn value(text: &str) -> Result<Value, Findings> {
    let mut sources = Sources::new();
    let source = Arc::new(Source::new("<rendered item>", text));
    let id = sources.add(source.clone());
    let documents = yaml::read(&sources, id, Schema::Core, yaml::Limits::PLAN)?;
    match documents.as_slice() {
        [document] if document.root.as_mapping().is_some() => Ok(document.root.to_value()),
        _ => Err(Finding::error(&codes::BAD_RENDERED_ITEM, "a rendered item is not one YAML mapping")
            .at(Location::new(source, 0..0))
            .hint("look at the template that it comes from")
            .into()),
    }
}

fn rebuild(text: &str, annotations: &[(&str, &str)]) -> Result<String, Findings> {
    let mut value = value(text)?;
    let not_an_object = || {
        Findings::from(
            Finding::error(&codes::BAD_RENDERED_ITEM, "the metadata of a rendered item are not a mapping")
                .at(Location::new(Source::new("<rendered item>", text).into(), 0..0))
                .hint("look at the template that it comes from"),
        )
    };
    let mut at = &mut value;
    for key in ["metadata", "annotations"] {
        let entries = at.as_object_mut().ok_or_else(not_an_object)?;
        at = entries.entry(key).or_insert(Value::Null);
        if at.is_null() {
            *at = Value::Object(serde_json::Map::new());
        }
    }
    let entries = at.as_object_mut().ok_or_else(not_an_object)?;
    for (key, text) in annotations {
        entries.entry(*key).or_insert_with(|| Value::String((*text).to_owned()));
    }
    Ok(emit::document(&value))
}

#[cfg(test)]
mod tests {
    use super::{annotate, rebuild, value};
    use crate::finding::Findings;

    const ANNOTATIONS: [(&str, &str); 2] =
        [("config.kubernetes.io/index", "0"), ("infraflux.io/plan", "lab/lab")];

    #[test]
    fn keeps_comments_and_says_the_same_as_a_rebuilt_item() -> Result<(), Findings> {
        let texts = [
            "# head\napiVersion: v1\nkind: A\nmetadata: # here\n  # why\n  name: a # end\nspec: {}\n",
            "---\napiVersion: v1\nmetadata:\n    name: a\n    annotations:\n        # first\n        x: y\n        z: |\n          infraflux.io/plan: no\nkind: A\n",
            "metadata:\n  name: a\n  annotations: {}\n",
            "metadata:\n  name: a\n  annotations:\n    'infraflux.io/plan': mine\n    \"b\": c\ndata:\n  annotations: x\n",
            "metadata: {name: a}\n",
            "{metadata: {name: a, annotations: {infraflux.io/plan: mine}}}\n",
            "apiVersion: v1\n",
            "metadata:\n  annotations: {a: b}\n  name: a",
            "metadata:\n  name: a\n  annotations:\n",
            "metadata:\n",
        ];
        for text in texts {
            let annotated = annotate(text, &ANNOTATIONS)?;
            assert_eq!(value(&annotated)?, value(&rebuild(text, &ANNOTATIONS)?)?, "{text}\n{annotated}");
            for comment in text.lines().filter(|line| line.contains('#')) {
                assert!(annotated.contains(comment), "{annotated} lost {comment}");
            }
        }
        Ok(())
    }
}
