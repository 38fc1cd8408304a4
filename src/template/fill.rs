//! Segments and values to text, and shape and values to data.

use std::borrow::Cow;

use super::{
    compile::{Position, Segment, Style, TemplateDocument, Written},
    condition::Merge,
    hole::{Hole, Part},
    shape::{Entry, Key, Origin, Presence, Scalar, Shape, ShapeKind},
    value::Value,
};
use crate::{
    finding::{Finding, Findings, ObjectRef, codes, suggest},
    yaml::{Location, emit, node::Data, overlay, pointer::FieldPath, scalar},
};

/// The values and features that a document is filled with.
pub trait Scope {
    /// The value of a variable; `None` when it is unset.
    fn variable(&self, name: &str) -> Option<Value>;
    /// The value of a hole's variable.
    fn value(&self, hole: &Hole) -> Option<Value> {
        self.variable(&hole.name)
    }
    /// Whether a feature is on.
    fn feature(&self, name: &str) -> bool;
    /// The names of all variables that could be set here, for suggestions.
    fn names(&self) -> Vec<String>;
    /// What would set a variable, for instance the field of the plan; only asked for when it is missing.
    fn remedy(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }
}

/// A filled document.
#[derive(Debug, Clone, PartialEq)]
pub struct Filled {
    /// The text, ending in a newline, without a `---`.
    pub text: String,
    /// What the text says.
    pub value: serde_json::Value,
}

impl TemplateDocument {
    /// Whether the document applies.
    #[must_use]
    pub fn applies(&self, scope: &dyn Scope) -> bool {
        self.condition.holds(|name| scope.feature(name))
    }

    /// Fills the text and the data.
    pub fn fill(&self, scope: &dyn Scope) -> Result<Filled, Findings> {
        Ok(Filled { text: self.fill_text(scope)?, value: self.fill_value(scope)? })
    }

    /// Fills the text: ends in a newline, without a `---`.
    pub fn fill_text(&self, scope: &dyn Scope) -> Result<String, Findings> {
        let mut text = String::with_capacity(self.source.text().len() + 256);
        let mut filling = Filling { document: self, scope, findings: Findings::new() };
        filling.write(&self.segments, &mut text);
        if !filling.findings.is_empty() {
            return Err(filling.findings);
        }
        if self.has_key_holes {
            // Only the data can tell whether two keys came out equal.
            self.fill_value(scope)?;
        }
        trim(&mut text);
        for merge in &self.merges {
            if let Some(over) = self.merge_value(merge, scope)? {
                let path: Vec<&str> = merge.path.iter().map(String::as_str).collect();
                text = overlay::merge_text(&text, &path, &over).ok_or_else(|| self.not_mergeable(merge))?;
            }
        }
        Ok(text)
    }

    /// Fills the data: what the text says, without reading it.
    pub fn fill_value(&self, scope: &dyn Scope) -> Result<serde_json::Value, Findings> {
        let mut filling = Filling { document: self, scope, findings: Findings::new() };
        let value = filling.value(&self.shape);
        if !filling.findings.is_empty() {
            return Err(filling.findings);
        }
        let mut value = value.unwrap_or(serde_json::Value::Null);
        for merge in &self.merges {
            if let Some(over) = self.merge_value(merge, scope)? {
                let nested = merge.path.iter().rev().fold(over, |inner, key| {
                    serde_json::Value::Object([(key.clone(), inner)].into_iter().collect())
                });
                overlay::merge_value(&mut value, &nested);
            }
        }
        Ok(value)
    }

    /// The identity of the object that the document is: four scalars, without filling the rest.
    #[must_use]
    pub fn identity(&self, scope: &dyn Scope) -> ObjectRef {
        let text = |path: &[&str]| -> Option<String> {
            match &self.shape.at(path)?.kind {
                ShapeKind::Literal(serde_json::Value::String(text)) => Some(text.clone()),
                ShapeKind::Scalar(scalar) => text_of(scalar, scope).ok().map(Cow::into_owned),
                _ => None,
            }
        };
        ObjectRef {
            api_version: text(&["apiVersion"]).unwrap_or_default(),
            kind: text(&["kind"]).unwrap_or_default(),
            namespace: text(&["metadata", "namespace"]),
            name: text(&["metadata", "name"]).unwrap_or_default(),
        }
    }

    /// What a merge brings; none while its variable is unset or empty.
    fn merge_value(&self, merge: &Merge, scope: &dyn Scope) -> Result<Option<serde_json::Value>, Findings> {
        match scope.variable(&merge.variable).filter(|value| !value.is_empty_collection()) {
            None => Ok(None),
            Some(value) => match value.to_json() {
                over @ serde_json::Value::Object(_) => Ok(Some(over)),
                _ => Err(self.not_mergeable(merge)),
            },
        }
    }

    fn not_mergeable(&self, merge: &Merge) -> Findings {
        Finding::error(
            &codes::TEMPLATE_COLLECTION,
            format!("`{}` cannot be merged here: both must be mappings", merge.variable),
        )
        .at(Location::new(self.source.clone(), self.shape.range.clone()))
        .into()
    }

    /// Where a field of the filled document comes from.
    #[must_use]
    pub fn origin(&self, scope: &dyn Scope, path: &FieldPath) -> Origin {
        for merge in self.merges.iter().rev() {
            let Some(rest) = path.strip_prefix(&merge.path) else { continue };
            let Some(value) = scope.variable(&merge.variable) else { continue };
            if !rest.is_root() && rest.get(&value.to_json()).is_some() {
                return Origin {
                    range: self.shape.range.clone(),
                    variables: vec![merge.variable.clone()],
                    rest,
                };
            }
        }
        self.shape.origin(path, &|presence| holds(presence, scope), &|scalar| {
            text_of(scalar, scope).ok().map(Cow::into_owned)
        })
    }

    /// The location of an [`Origin`] in the template file.
    #[must_use]
    pub fn location(&self, origin: &Origin) -> Location {
        Location::new(self.source.clone(), origin.range.clone())
    }
}

enum Problem<'part> {
    Unset(&'part str),
    Collection(&'part str),
}

/// The text of a scalar; the name of the hole that stands in the way otherwise.
fn text_of<'part>(scalar: &'part Scalar, scope: &dyn Scope) -> Result<Cow<'part, str>, Problem<'part>> {
    if let [Part::Text(text)] = &*scalar.parts {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = String::new();
    for part in &scalar.parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Hole(hole) => match (scope.value(hole), &hole.default) {
                (Some(value), _) => match value.as_text() {
                    Some(text) => out.push_str(&text),
                    None => return Err(Problem::Collection(&hole.name)),
                },
                (None, Some(default)) => out.push_str(default),
                (None, None) => return Err(Problem::Unset(&hole.name)),
            },
        }
    }
    Ok(Cow::Owned(out))
}

fn set(hole: &Hole, scope: &dyn Scope) -> bool {
    scope.value(hole).is_some_and(|value| !value.is_empty_collection())
}

fn holds(presence: &Presence, scope: &dyn Scope) -> bool {
    presence.holds(&|name| scope.feature(name), &|hole| set(hole, scope))
}

/// One newline at the end, and no blank lines at the start.
fn trim(text: &mut String) {
    let end = text.trim_end().len();
    text.truncate(end);
    text.push('\n');
    let start = text.len() - text.trim_start_matches('\n').len();
    text.drain(..start);
}

struct Filling<'fill> {
    document: &'fill TemplateDocument,
    scope: &'fill dyn Scope,
    findings: Findings,
}

impl Filling<'_> {
    fn write(&mut self, segments: &[Segment], out: &mut String) {
        for segment in segments {
            match segment {
                Segment::Literal(range) => out.push_str(&self.document.source.text()[range.clone()]),
                Segment::Scalar(written) => self.write_scalar(written, out),
                Segment::If(presence, inner) => {
                    if holds(presence, self.scope) {
                        self.write(inner, out);
                    }
                }
            }
        }
    }

    fn write_scalar(&mut self, written: &Written, out: &mut String) {
        if written.scalar.typed {
            let Some(value) = self.typed(&written.scalar, &written.range) else { return };
            self.write_typed(written, &value, out);
            return;
        }
        let text = match text_of(&written.scalar, self.scope) {
            Ok(text) => text,
            Err(problem) => {
                self.report(&problem, written.range.clone());
                return;
            }
        };
        if let Position::Value { .. } | Position::Item { .. } = written.position {
            out.push(' ');
        }
        let (indent, comment) = match &written.position {
            Position::Value { indent, comment } | Position::Item { indent, comment } => {
                (*indent, comment.clone())
            }
            Position::Inline | Position::Root => (0, None),
        };
        let block_allowed = !matches!(written.position, Position::Inline);
        match written.style {
            Style::Literal if block_allowed && emit::literal_safe(&text) => {
                emit::literal(&text, indent, comment.map(|range| &self.document.source.text()[range]), out);
                return;
            }
            Style::Plain => scalar::write_string(&text, out),
            Style::Single if single_safe(&text) => {
                out.push('\'');
                out.push_str(&text.replace('\'', "''"));
                out.push('\'');
            }
            _ => scalar::write_double_quoted(&text, out),
        }
        self.write_comment(comment, out);
    }

    /// A typed value: behind its key or dash when it is a scalar, on lines of its own when it is a collection.
    fn write_typed(&mut self, written: &Written, value: &Value, out: &mut String) {
        let (indent, comment, after_key) = match &written.position {
            Position::Value { indent, comment } => (*indent, comment.clone(), true),
            Position::Item { indent, comment } => (*indent, comment.clone(), false),
            Position::Root => {
                value.write_block(0, out);
                return;
            }
            Position::Inline => {
                match value.as_text() {
                    Some(text) => scalar::write_string(&text, out),
                    None => {
                        self.report(&Problem::Collection(name_of(&written.scalar)), written.range.clone());
                    }
                }
                return;
            }
        };
        if let Value::Text(text) = value
            && emit::wants_literal(text)
        {
            out.push(' ');
            emit::literal(text, indent, comment.map(|range| &self.document.source.text()[range]), out);
            return;
        }
        let block = value.is_block() && !value.is_empty_collection();
        if block && after_key {
            self.write_comment(comment, out);
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2));
            value.write_block(indent + 2, out);
        } else {
            out.push(' ');
            value.write_block(indent + 2, out);
            if !block {
                self.write_comment(comment, out);
            }
        }
        // The line break is the template's own.
        let end = out.trim_end_matches('\n').len();
        out.truncate(end);
    }

    fn write_comment(&self, comment: Option<std::ops::Range<usize>>, out: &mut String) {
        if let Some(comment) = comment {
            out.push(' ');
            out.push_str(&self.document.source.text()[comment]);
        }
    }

    fn typed(&mut self, scalar: &Scalar, range: &std::ops::Range<usize>) -> Option<Value> {
        let [Part::Hole(hole)] = &*scalar.parts else { return None };
        if let Some(value) = self.scope.value(hole) {
            return Some(value);
        }
        let Some(default) = &hole.default else {
            self.report(&Problem::Unset(&hole.name), range.clone());
            return None;
        };
        Some(match scalar::resolve(default, scalar::Schema::Core) {
            Data::Bool(value) => Value::Bool(value),
            Data::Number(number) => {
                Value::from_json(serde_json::Value::Number(number)).unwrap_or(Value::Integer(0))
            }
            _ => Value::text(&**default),
        })
    }

    fn value(&mut self, shape: &Shape) -> Option<serde_json::Value> {
        Some(match &shape.kind {
            ShapeKind::Literal(value) => value.clone(),
            ShapeKind::Scalar(scalar) if scalar.typed => self.typed(scalar, &shape.range)?.to_json(),
            ShapeKind::Scalar(scalar) => match text_of(scalar, self.scope) {
                Ok(text) => serde_json::Value::String(text.into_owned()),
                Err(problem) => {
                    self.report(&problem, shape.range.clone());
                    return None;
                }
            },
            ShapeKind::Sequence(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items {
                    if holds(&item.presence, self.scope) {
                        out.push(self.value(&item.shape)?);
                    }
                }
                serde_json::Value::Array(out)
            }
            ShapeKind::Mapping(entries) => self.mapping(entries)?,
        })
    }

    fn mapping(&mut self, entries: &[Entry]) -> Option<serde_json::Value> {
        let mut out = serde_json::Map::new();
        for entry in entries {
            if !holds(&entry.presence, self.scope) {
                continue;
            }
            let key = match &entry.key {
                Key::Literal(text) => text.clone(),
                Key::Scalar(scalar) => match text_of(scalar, self.scope) {
                    Ok(text) => text.into_owned(),
                    Err(problem) => {
                        self.report(&problem, entry.key_range.clone());
                        return None;
                    }
                },
            };
            let value = self.value(&entry.shape)?;
            if out.insert(key.clone(), value).is_some() {
                self.findings.push(
                    Finding::error(
                        &codes::TEMPLATE_DUPLICATE_KEY,
                        format!("the key `{key}` is given twice once the template is filled"),
                    )
                    .at(Location::new(self.document.source.clone(), entry.key_range.clone()))
                    .hint("give the variable another value, or change the key in the template"),
                );
            }
        }
        Some(serde_json::Value::Object(out))
    }

    fn report(&mut self, problem: &Problem<'_>, range: std::ops::Range<usize>) {
        let location = Location::new(self.document.source.clone(), range);
        let finding = match problem {
            Problem::Collection(name) => Finding::error(
                &codes::TEMPLATE_COLLECTION,
                format!("`{name}` is a list or a mapping and cannot stand inside text"),
            )
            .hint(format!("let it be the whole value: `key: ${{{name}}}`")),
            Problem::Unset(name) => {
                let names = self.scope.names();
                let known = names.iter().any(|known| known == name);
                let finding = Finding::error(
                    &codes::TEMPLATE_UNSET,
                    if known {
                        format!("the variable `{name}` has no value here")
                    } else {
                        format!("there is no variable `{name}`")
                    },
                );
                let hint = if known { self.scope.remedy(name) } else { None }
                    .or_else(|| {
                        let near = suggest::nearest(name, names.iter().map(String::as_str));
                        (!known && !near.is_empty())
                            .then(|| format!("did you mean {}?", suggest::list(&near, "or")))
                    })
                    .unwrap_or_else(|| {
                        format!(
                            "`infraflux vars` lists all; a plan sets its own under `spec.variables`, and \
                                 `${{{name}:-default}}` gives a default"
                        )
                    });
                finding.hint(hint)
            }
        };
        self.findings.push(finding.at(location));
    }
}

fn name_of(scalar: &Scalar) -> &str {
    scalar
        .parts
        .iter()
        .find_map(|part| match part {
            Part::Hole(hole) => Some(&*hole.name),
            Part::Text(_) => None,
        })
        .unwrap_or_default()
}

/// Whether single quotes keep the text for every reader: one line of printable ASCII or letters.
fn single_safe(text: &str) -> bool {
    text.chars().all(|character| matches!(character, ' '..='~') || character.is_alphanumeric())
}
