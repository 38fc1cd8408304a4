//! Template text to segments and shape.

use std::{ops::Range, sync::Arc};

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::{
    condition::{Condition, HEADER, MERGE, Merge},
    hole::{self, Part},
    shape::{Entry, Item, Key, Presence, Scalar, Shape, ShapeKind},
};
use crate::{
    finding::{Finding, Findings, codes, suggest},
    yaml::{Location, Source, node::Data, scalar},
};

/// The names that templates may use.
pub trait Language {
    /// All features that a condition may name. A name that ends in `.*` allows everything with that prefix.
    fn features(&self) -> Vec<&str>;

    /// The number of a variable that is known by one, see [`Hole::slot`](super::hole::Hole::slot).
    fn slot(&self, name: &str) -> Option<u16> {
        let _ = name;
        None
    }
}

/// A parsed template file.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    source: Arc<Source>,
    documents: Vec<TemplateDocument>,
}

/// One document of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateDocument {
    pub(super) source: Arc<Source>,
    pub(super) condition: Condition,
    pub(super) merges: Vec<Merge>,
    pub(super) has_key_holes: bool,
    pub(super) segments: Vec<Segment>,
    pub(super) shape: Shape,
}

/// A piece of a document's text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Segment {
    /// Bytes of the template.
    Literal(Range<usize>),
    /// A scalar that is written anew.
    Scalar(Written),
    /// A part that is left out unless its presence holds.
    If(Presence, Vec<Segment>),
}

/// How a scalar with holes is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub scalar: Scalar,
    pub style: Style,
    pub position: Position,
    /// The bytes of the scalar, for messages.
    pub range: Range<usize>,
}

/// The quoting that the template asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// Where a scalar stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    /// After `key:`, whose key stands at column `indent`; a comment of the same line is kept.
    Value { indent: usize, comment: Option<Range<usize>> },
    /// After `- `, whose dash stands at column `indent`.
    Item { indent: usize, comment: Option<Range<usize>> },
    /// A key, or in a flow collection.
    Inline,
    /// The whole document.
    Root,
}

impl Template {
    /// Parses a template and checks its holes and conditions.
    pub fn compile(source: &Arc<Source>, language: &dyn Language) -> Result<Self, Findings> {
        let raw = parse(source)?;
        let mut compiler =
            Compiler { source, language, findings: Findings::new(), comments: raw.comments, floor: 0 };
        let documents =
            raw.documents.into_iter().filter_map(|document| compiler.document(document)).collect();
        if compiler.findings.is_empty() {
            Ok(Self { source: source.clone(), documents })
        } else {
            Err(compiler.findings)
        }
    }

    /// The file.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Its documents, empty ones left out.
    #[must_use]
    pub fn documents(&self) -> &[TemplateDocument] {
        &self.documents
    }
}

impl TemplateDocument {
    /// When the document applies.
    #[must_use]
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// What it says.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The template file that it stands in.
    #[must_use]
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The names of all variables in it.
    #[must_use]
    pub fn variables(&self) -> std::collections::BTreeSet<&str> {
        let mut names = std::collections::BTreeSet::new();
        self.shape.holes(&mut |hole, _| {
            names.insert(&*hole.name);
        });
        names.extend(self.merges.iter().map(|merge| &*merge.variable));
        names
    }
}

// --- parsing -------------------------------------------------------------------------------------------------------

struct RawTemplate {
    documents: Vec<RawDocument>,
    comments: Vec<Comment>,
}

struct RawDocument {
    /// The text of the document, without its `---` line.
    range: Range<usize>,
    root: Raw,
}

struct Comment {
    range: Range<usize>,
    text: String,
}

struct Raw {
    range: Range<usize>,
    kind: RawKind,
}

enum RawKind {
    Scalar { text: String, style: ScalarStyle },
    Sequence { flow: bool, items: Vec<Raw> },
    Mapping { flow: bool, entries: Vec<(Raw, Raw)> },
}

impl Raw {
    /// One past the last byte that belongs to the value; block scalars without their trailing line breaks.
    fn end(&self, text: &str) -> usize {
        match &self.kind {
            RawKind::Sequence { flow: false, items } => {
                items.last().map_or(self.range.end, |item| item.end(text))
            }
            RawKind::Mapping { flow: false, entries } => {
                entries.last().map_or(self.range.end, |(key, value)| {
                    if value.range.is_empty() { colon(text, key) + 1 } else { value.end(text) }
                })
            }
            _ => self.range.start + text[self.range.clone()].trim_end().len(),
        }
    }
}

fn parse(source: &Arc<Source>) -> Result<RawTemplate, Findings> {
    enum Frame {
        Sequence { flow: bool, start: usize, items: Vec<Raw> },
        Mapping { flow: bool, start: usize, entries: Vec<(Raw, Raw)>, key: Option<Raw> },
    }
    let text = source.text();
    let at = |range: Range<usize>| Location::new(source.clone(), range);
    let mut documents = Vec::new();
    let mut comments = Vec::new();
    let mut stack: Vec<Frame> = Vec::new();
    let mut start = 0;
    let mut root = None;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let offset = error.marker().byte_offset().unwrap_or(0);
            let line = line_start(text, offset);
            let hint = if text[line..].lines().next().is_some_and(hole::has_hole) {
                "a `${...}` inside `[ ]` or `{ }` must be quoted; or write the collection in block style"
            } else {
                "look at the indentation, quotes and brackets of this line and the one above"
            };
            Finding::error(&codes::TEMPLATE_SYNTAX, format!("not valid YAML: {}", error.info()))
                .at(at(offset..offset + 1))
                .hint(hint)
        })?;
        let range = span.byte_range().unwrap_or(0..0);
        let refuse = |what: &str| {
            Findings::from(
                Finding::error(&codes::TEMPLATE_SYNTAX, format!("{what} cannot be used in a template"))
                    .at(at(range.clone()))
                    .hint("write the value out"),
            )
        };
        let mut done = None;
        match event {
            Event::Comment(comment, _) => comments.push(Comment { range, text: comment.trim().to_owned() }),
            Event::DocumentStart(true, _) => {
                let rest = &text[range.end..];
                let line = rest.find('\n').unwrap_or(rest.len());
                if !rest[..line].trim().is_empty() && !rest[..line].trim_start().starts_with('#') {
                    return Err(refuse("content on the line of `---`"));
                }
                start = (range.end + line + 1).min(text.len());
            }
            Event::DocumentEnd => {
                if let Some(root) = root.take() {
                    documents.push(RawDocument { range: start..range.start, root });
                }
                start = range.start;
            }
            Event::Scalar(value, style, anchor, tag) => {
                if anchor != 0 {
                    return Err(refuse("an anchor"));
                }
                if tag.is_some() {
                    return Err(refuse("a tag"));
                }
                done = Some(Raw { range, kind: RawKind::Scalar { text: value.into_owned(), style } });
            }
            Event::SequenceStart(style, anchor, _) => {
                if anchor != 0 {
                    return Err(refuse("an anchor"));
                }
                let flow = style == StructureStyle::Flow;
                stack.push(Frame::Sequence { flow, start: range.start, items: Vec::new() });
            }
            Event::MappingStart(style, anchor, _) => {
                if anchor != 0 {
                    return Err(refuse("an anchor"));
                }
                let flow = style == StructureStyle::Flow;
                stack.push(Frame::Mapping { flow, start: range.start, entries: Vec::new(), key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                done = stack.pop().map(|frame| match frame {
                    Frame::Sequence { flow, start, items } => {
                        Raw { range: start..range.end, kind: RawKind::Sequence { flow, items } }
                    }
                    Frame::Mapping { flow, start, entries, .. } => {
                        Raw { range: start..range.end, kind: RawKind::Mapping { flow, entries } }
                    }
                });
            }
            Event::Alias(_) => return Err(refuse("an alias")),
            _ => {}
        }
        if let Some(node) = done {
            match stack.last_mut() {
                None => root = Some(node),
                Some(Frame::Sequence { items, .. }) => items.push(node),
                Some(Frame::Mapping { entries, key, .. }) => match key.take() {
                    None => *key = Some(node),
                    Some(first) => entries.push((first, node)),
                },
            }
        }
    }
    Ok(RawTemplate { documents, comments })
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].rfind('\n').map_or(0, |newline| newline + 1)
}

fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |newline| offset + newline + 1)
}

fn column(text: &str, offset: usize) -> usize {
    text[line_start(text, offset)..offset].chars().count()
}

/// The byte of the `:` that follows a key.
fn colon(text: &str, key: &Raw) -> usize {
    let end = key.range.end;
    end + text[end..].find(':').unwrap_or(0)
}

/// The byte of the dash that starts an item of the block sequence whose first dash is at `first`.
fn dash(text: &str, first: usize, item: &Raw) -> Option<usize> {
    let wanted = first - line_start(text, first);
    let mut line = line_start(text, item.range.start);
    loop {
        let candidate = line + wanted;
        let follows = text.as_bytes().get(candidate + 1).copied().unwrap_or(b'\n');
        if text.as_bytes().get(candidate) == Some(&b'-')
            && matches!(follows, b' ' | b'\n')
            && candidate <= item.range.start
        {
            return Some(candidate);
        }
        if line <= first {
            return None;
        }
        line = line_start(text, line - 1);
    }
}

// --- compiling -----------------------------------------------------------------------------------------------------

struct Compiler<'language> {
    source: &'language Arc<Source>,
    language: &'language dyn Language,
    findings: Findings,
    comments: Vec<Comment>,
    /// Where the content of the current document starts: comments above belong to the document, not to its first entry.
    floor: usize,
}

/// A change to the copied text.
enum Edit {
    Drop(Range<usize>),
    Write(Range<usize>, Written),
    If(Range<usize>, Presence, Vec<Edit>),
}

impl Edit {
    fn range(&self) -> &Range<usize> {
        match self {
            Self::Drop(range) | Self::Write(range, _) | Self::If(range, ..) => range,
        }
    }
}

impl Compiler<'_> {
    fn report(&mut self, range: Range<usize>, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.push(
            Finding::error(&codes::TEMPLATE_SYNTAX, message)
                .at(Location::new(self.source.clone(), range))
                .hint(hint),
        );
    }

    fn document(&mut self, document: RawDocument) -> Option<TemplateDocument> {
        let source = self.source.clone();
        let text = source.text();
        let content = content_start(text, &document.root);
        self.floor = content;
        let (condition, mut edits) = self.header(document.range.start..content);
        let merges = self.merges(document.range.start..content, &mut edits);
        let shape = self.node(&document.root, None, &mut edits)?;
        let segments = segments(document.range, edits);
        let has_key_holes = has_key_holes(&shape);
        Some(TemplateDocument { source, condition, merges, has_key_holes, segments, shape })
    }

    /// The conditions of the comment lines in a range, and the edits that take these lines out.
    fn header(&mut self, range: Range<usize>) -> (Condition, Vec<Edit>) {
        let source = self.source.clone();
        let text = source.text();
        let mut condition = Condition::always();
        let mut edits = Vec::new();
        let found: Vec<(Range<usize>, String)> = self
            .comments
            .iter()
            .filter(|comment| comment.range.start >= range.start && comment.range.end <= range.end)
            .filter_map(|comment| {
                comment.text.strip_prefix(HEADER).map(|rest| (comment.range.clone(), rest.to_owned()))
            })
            .collect();
        for (place, rest) in found {
            match Condition::parse(rest.trim()) {
                Some(parsed) => {
                    for term in parsed.terms() {
                        let known = self.language.features();
                        let fits = known.iter().any(|name| {
                            *name == term.feature
                                || name
                                    .strip_suffix('*')
                                    .is_some_and(|prefix| term.feature.starts_with(prefix))
                        });
                        if !fits {
                            let hint =
                                suggest::hint(&term.feature, known.iter().copied()).unwrap_or_default();
                            self.report(
                                place.clone(),
                                format!("there is no feature `{}`", term.feature),
                                format!("{hint} (`infraflux vars` lists all)").trim_start().to_owned(),
                            );
                        }
                    }
                    condition = condition.and(parsed);
                }
                None => self.report(
                    place.clone(),
                    "this condition cannot be read",
                    "write features separated by commas, `!` before one that must be off",
                ),
            }
            edits.push(Edit::Drop(line_start(text, place.start)..line_end(text, place.end)));
        }
        (condition, edits)
    }

    /// The merges of the comment lines in a range, which are taken out.
    fn merges(&mut self, range: Range<usize>, edits: &mut Vec<Edit>) -> Vec<Merge> {
        let source = self.source.clone();
        let text = source.text();
        let found: Vec<(Range<usize>, Option<Merge>)> = self
            .comments
            .iter()
            .filter(|comment| comment.range.start >= range.start && comment.range.end <= range.end)
            .filter_map(|comment| {
                comment.text.strip_prefix(MERGE).map(|rest| (comment.range.clone(), Merge::parse(rest)))
            })
            .collect();
        let mut merges = Vec::new();
        for (place, merge) in found {
            edits.push(Edit::Drop(line_start(text, place.start)..line_end(text, place.end)));
            match merge {
                Some(merge) => merges.push(merge),
                None => self.report(
                    place,
                    "this merge cannot be read",
                    "write `infraflux.io/merge: path.of.field <- VARIABLE`",
                ),
            }
        }
        merges
    }

    /// The shape of a node; edits of its text are added to `edits`.
    fn node(&mut self, raw: &Raw, owner: Option<&Position>, edits: &mut Vec<Edit>) -> Option<Shape> {
        let range = raw.range.start..raw.end(self.source.text()).max(raw.range.start);
        let kind = match &raw.kind {
            RawKind::Scalar { text, style } => {
                self.scalar(raw, text, *style, owner.unwrap_or(&Position::Root), edits)?
            }
            RawKind::Sequence { items, .. } if items.is_empty() => {
                ShapeKind::Literal(serde_json::Value::Array(Vec::new()))
            }
            RawKind::Mapping { entries, .. } if entries.is_empty() => {
                ShapeKind::Literal(serde_json::Value::Object(serde_json::Map::new()))
            }
            RawKind::Sequence { flow, items } => {
                let items: Vec<Option<Item>> =
                    items.iter().map(|item| self.item(raw, *flow, item, edits)).collect();
                ShapeKind::Sequence(items.into_iter().collect::<Option<_>>()?)
            }
            RawKind::Mapping { flow, entries } => {
                let shapes: Vec<Option<Entry>> =
                    entries.iter().map(|(key, value)| self.entry(*flow, key, value, edits)).collect();
                let shapes: Vec<Entry> = shapes.into_iter().collect::<Option<_>>()?;
                self.duplicates(&shapes);
                ShapeKind::Mapping(shapes)
            }
        };
        Some(Shape { range, kind })
    }

    fn duplicates(&mut self, entries: &[Entry]) {
        for (position, entry) in entries.iter().enumerate() {
            let Key::Literal(key) = &entry.key else { continue };
            // Two entries of one key are fine when conditions keep them apart; filling checks that.
            let twice = entries[..position].iter().any(|earlier| {
                earlier.key == entry.key
                    && (earlier.presence == Presence::Always || entry.presence == Presence::Always)
            });
            if twice {
                self.report(
                    entry.key_range.clone(),
                    format!("the key `{key}` is given twice in this mapping"),
                    "keep one of them",
                );
            }
        }
    }

    fn item(&mut self, sequence: &Raw, flow: bool, item: &Raw, edits: &mut Vec<Edit>) -> Option<Item> {
        let source = self.source.clone();
        let text = source.text();
        let dash = if flow { None } else { dash(text, sequence.range.start, item) };
        let Some(dash) = dash else {
            let shape = self.node(item, Some(&Position::Inline), edits)?;
            self.refuse_conditional(&shape);
            return Some(Item { presence: Presence::Always, shape });
        };
        let position = Position::Item { indent: column(text, dash), comment: self.comment_after(item) };
        let mut inner = Vec::new();
        let shape = self.node(item, Some(&position), &mut inner)?;
        let end = item.end(text).max(dash + 1);
        let presence = self.conditional(dash, end, &shape, inner, edits)?;
        Some(Item { presence, shape })
    }

    fn entry(&mut self, flow: bool, key: &Raw, value: &Raw, edits: &mut Vec<Edit>) -> Option<Entry> {
        let source = self.source.clone();
        let text = source.text();
        let mut inner = Vec::new();
        if key.range.is_empty() {
            // YAML 1.2 has it, the readers of clusters do not.
            self.report(key.range.clone(), "there is no key in front of this `:`", "write `key: value`");
            return None;
        }
        let key_shape = self.node(key, Some(&Position::Inline), &mut inner)?;
        let key_name = match key_shape.kind {
            ShapeKind::Scalar(scalar) => {
                if let [Part::Hole(hole)] = &*scalar.parts
                    && hole.optional
                {
                    self.report(
                        key.range.clone(),
                        "a key cannot be optional",
                        "make the value optional: `key: ${?NAME}`",
                    );
                }
                Key::Scalar(Scalar { typed: false, ..scalar })
            }
            ShapeKind::Literal(serde_json::Value::String(text)) => Key::Literal(text),
            ShapeKind::Literal(scalar) if !scalar.is_array() && !scalar.is_object() => {
                Key::Literal(text[key.range.clone()].to_owned())
            }
            _ => {
                self.report(key.range.clone(), "a key must be a scalar", "write a plain key");
                return None;
            }
        };
        if flow {
            let shape = self.node(value, Some(&Position::Inline), &mut inner)?;
            self.refuse_conditional(&shape);
            edits.append(&mut inner);
            return Some(Entry {
                presence: Presence::Always,
                key: key_name,
                key_range: key.range.clone(),
                shape,
            });
        }
        let position =
            Position::Value { indent: column(text, key.range.start), comment: self.comment_after(value) };
        if let RawKind::Scalar { .. } = value.kind {
            // The scalar's edit starts right behind the colon, wherever its first byte stands.
            let value = Raw { range: value.range.clone(), kind: clone_scalar(&value.kind) };
            let before = inner.len();
            let shape = self.node(&value, Some(&position), &mut inner)?;
            if let Some(Edit::Write(range, _)) = inner.get_mut(before) {
                range.start = colon(text, key) + 1;
            }
            return self.close_entry(key, key_name, &value, shape, inner, edits);
        }
        let shape = self.node(value, Some(&position), &mut inner)?;
        self.close_entry(key, key_name, value, shape, inner, edits)
    }

    fn close_entry(
        &mut self,
        key: &Raw,
        key_name: Key,
        value: &Raw,
        shape: Shape,
        inner: Vec<Edit>,
        edits: &mut Vec<Edit>,
    ) -> Option<Entry> {
        let source = self.source.clone();
        let text = source.text();
        let end = value.end(text).max(colon(text, key) + 1);
        let presence = self.conditional(key.range.start, end, &shape, inner, edits)?;
        Some(Entry { presence, key: key_name, key_range: key.range.clone(), shape })
    }

    /// Wraps the edits of an entry or item that may be left out. `start` is its key or dash, `end` the end of its value.
    fn conditional(
        &mut self,
        start: usize,
        end: usize,
        shape: &Shape,
        mut inner: Vec<Edit>,
        edits: &mut Vec<Edit>,
    ) -> Option<Presence> {
        let source = self.source.clone();
        let text = source.text();
        let line = line_start(text, start);
        let first_on_line = text[line..start].trim().is_empty();
        let comments = if first_on_line { self.comments_above(line, column(text, start)) } else { line };
        let (condition, header) = self.header(comments..line);
        let presence = if condition.is_always() {
            shape.presence()
        } else {
            Presence::When(condition).and(shape.presence())
        };
        if presence == Presence::Always {
            edits.append(&mut inner);
            return Some(presence);
        }
        if !first_on_line {
            self.report(
                start..end,
                "the first key of a list item cannot be optional",
                "put a key that is always there first",
            );
            return None;
        }
        let mut all = header;
        all.append(&mut inner);
        edits.push(Edit::If(comments..line_end(text, end), presence.clone(), all));
        Some(presence)
    }

    fn refuse_conditional(&mut self, shape: &Shape) {
        if shape.presence() != Presence::Always {
            self.report(
                shape.range.clone(),
                "an optional value cannot stand in `[ ]` or `{ }`",
                "write the collection in block style, one entry a line",
            );
        }
    }

    /// The start of the comment lines directly above a line, at the same column.
    fn comments_above(&self, line: usize, column_wanted: usize) -> usize {
        let text = self.source.text();
        let mut first = line;
        while first > self.floor {
            let above = line_start(text, first - 1);
            let content = &text[above..first];
            let is_comment = content.trim_start().starts_with('#')
                && content.len() - content.trim_start().len() == column_wanted
                && self.comments.iter().any(|comment| comment.range.start == above + column_wanted);
            if !is_comment {
                break;
            }
            first = above;
        }
        first
    }

    /// The comment behind a scalar on its line.
    fn comment_after(&self, raw: &Raw) -> Option<Range<usize>> {
        let text = self.source.text();
        let end = raw.range.end;
        self.comments
            .iter()
            .find(|comment| {
                comment.range.start >= end && text[end..comment.range.start].bytes().all(|byte| byte == b' ')
            })
            .map(|comment| comment.range.clone())
    }

    /// The comment behind the `|` of a literal block.
    fn comment_in_header(&self, raw: &Raw) -> Option<Range<usize>> {
        let text = self.source.text();
        let header = line_start(text, line_start(text, raw.range.start).saturating_sub(1));
        self.comments
            .iter()
            .find(|comment| {
                comment.range.start > header
                    && comment.range.end < raw.range.start
                    && text[header..comment.range.start].contains('|')
            })
            .map(|comment| comment.range.clone())
    }

    fn scalar(
        &mut self,
        raw: &Raw,
        text: &str,
        style: ScalarStyle,
        position: &Position,
        edits: &mut Vec<Edit>,
    ) -> Option<ShapeKind> {
        if !hole::has_hole(text) {
            let value = match style {
                ScalarStyle::Plain => match scalar::resolve(text, scalar::Schema::Core) {
                    Data::Null => serde_json::Value::Null,
                    Data::Bool(value) => serde_json::Value::Bool(value),
                    Data::Number(number) => serde_json::Value::Number(number),
                    _ => serde_json::Value::String(text.to_owned()),
                },
                _ => serde_json::Value::String(text.to_owned()),
            };
            return Some(ShapeKind::Literal(value));
        }
        let mut parts = match hole::parse(text) {
            Ok(parts) => parts,
            Err(error) => {
                let raw_text = &self.source.text()[raw.range.clone()];
                let start = raw.range.start + raw_text.find(&error.text).unwrap_or(0);
                let end =
                    start + if raw_text.contains(&error.text) { error.text.len() } else { raw_text.len() };
                self.report(start..end, error.message, error.hint);
                return None;
            }
        };
        for part in &mut parts {
            if let Part::Hole(hole) = part {
                hole.slot = self.language.slot(&hole.name);
            }
        }
        let written_style = match style {
            ScalarStyle::Plain if self.source.text()[raw.range.clone()].contains('\n') => None,
            ScalarStyle::Plain => Some(Style::Plain),
            ScalarStyle::SingleQuoted => Some(Style::Single),
            ScalarStyle::DoubleQuoted => Some(Style::Double),
            ScalarStyle::Literal => Some(Style::Literal),
            ScalarStyle::Folded => None,
        };
        let Some(written_style) = written_style else {
            self.report(
                raw.range.clone(),
                "a variable cannot stand in a folded or multi-line plain scalar",
                "use a literal block (`|`) or quotes",
            );
            return None;
        };
        let whole = matches!(&*parts, [Part::Hole(_)]);
        let typed = whole && written_style == Style::Plain;
        let optional = parts.iter().any(|part| matches!(part, Part::Hole(hole) if hole.optional));
        if optional && (!whole || matches!(written_style, Style::Literal)) {
            self.report(
                raw.range.clone(),
                "an optional variable must be the whole value",
                "write `key: ${?NAME}`, or give the variable a default",
            );
            return None;
        }
        let scalar = Scalar { parts, typed };
        let mut position = position.clone();
        if let (Style::Literal, Position::Value { comment, .. } | Position::Item { comment, .. }) =
            (written_style, &mut position)
        {
            *comment = self.comment_in_header(raw);
        }
        let end = self.source.text()[..raw.range.end].trim_end().len().max(raw.range.start);
        let mut range = raw.range.start..end;
        match &position {
            Position::Value { comment, .. } | Position::Item { comment, .. } => {
                if let Some(comment) = comment {
                    range.end = range.end.max(comment.end);
                }
                if let Position::Item { indent, .. } = &position {
                    // Back to right behind the dash: a literal block begins on a later line.
                    let text = self.source.text();
                    let mut line = line_start(text, range.start);
                    while text.as_bytes().get(line + indent) != Some(&b'-') && line > 0 {
                        line = line_start(text, line - 1);
                    }
                    range.start = range.start.min(line + indent + 1);
                }
            }
            Position::Inline | Position::Root => {}
        }
        edits.push(Edit::Write(
            range,
            Written { scalar: scalar.clone(), style: written_style, position, range: raw.range.clone() },
        ));
        Some(ShapeKind::Scalar(scalar))
    }
}

/// Keys with holes, and keys that two entries of different conditions share, may come out equal.
fn has_key_holes(shape: &Shape) -> bool {
    fn shares_keys(shape: &Shape) -> bool {
        match &shape.kind {
            ShapeKind::Mapping(entries) => entries.iter().enumerate().any(|(position, entry)| {
                entries[..position].iter().any(|earlier| earlier.key == entry.key)
                    || shares_keys(&entry.shape)
            }),
            ShapeKind::Sequence(items) => items.iter().any(|item| shares_keys(&item.shape)),
            _ => false,
        }
    }
    shape.has_key_holes() || shares_keys(shape)
}

fn clone_scalar(kind: &RawKind) -> RawKind {
    match kind {
        RawKind::Scalar { text, style } => RawKind::Scalar { text: text.clone(), style: *style },
        _ => RawKind::Scalar { text: String::new(), style: ScalarStyle::Plain },
    }
}

/// The start of the line on which a document's content begins.
fn content_start(text: &str, root: &Raw) -> usize {
    let first = match &root.kind {
        RawKind::Mapping { flow: false, entries } => {
            entries.first().map_or(root.range.start, |(key, _)| key.range.start)
        }
        _ => root.range.start,
    };
    line_start(text, first)
}

fn segments(range: Range<usize>, mut edits: Vec<Edit>) -> Vec<Segment> {
    edits.sort_by_key(|edit| edit.range().start);
    let mut out = Vec::new();
    let mut at = range.start;
    for edit in edits {
        let edit_range = edit.range().clone();
        if edit_range.start < at {
            continue;
        }
        if edit_range.start > at {
            out.push(Segment::Literal(at..edit_range.start));
        }
        at = edit_range.end;
        match edit {
            Edit::Drop(_) => {}
            Edit::Write(_, written) => out.push(Segment::Scalar(written)),
            Edit::If(range, presence, inner) => out.push(Segment::If(presence, segments(range, inner))),
        }
    }
    if at < range.end {
        out.push(Segment::Literal(at..range.end));
    }
    out
}
