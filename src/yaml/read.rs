//! Text to [`Node`] trees, within limits.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, Tag};

use super::{
    node::{Data, Entry, Mapping, Node},
    scalar::{self, Schema},
    source::{Place, SourceId, Sources},
};
use crate::finding::{Finding, Findings, codes};

/// How much of an untrusted text a reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of text.
    pub bytes: usize,
    /// Collections inside collections. Below the parser's own limit of 255 and small enough for recursion over the tree.
    pub depth: usize,
    /// Nodes after aliases are expanded.
    pub nodes: usize,
}

impl Limits {
    /// For plans and values files: 16 MiB holds a fleet of tens of thousands of clusters.
    pub const PLAN: Self = Self { bytes: 16 << 20, depth: 96, nodes: 8_000_000 };
    /// For streams of manifests: a ResourceList, CRDs, a folder to validate.
    pub const STREAM: Self = Self { bytes: 256 << 20, depth: 96, nodes: 16_000_000 };
}

/// One document of a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its root; `null` for an empty document.
    pub root: Node,
}

/// Reads all documents of a source.
///
/// Refuses what Kubernetes clients do not agree on: duplicate keys, keys that are collections, foreign tags. A plain
/// `<<` key merges mappings, as go-yaml does.
pub fn read(
    sources: &Sources,
    id: SourceId,
    schema: Schema,
    limits: Limits,
) -> Result<Vec<Document>, Findings> {
    let Some(source) = sources.get(id) else {
        return Ok(Vec::new());
    };
    read_part(sources, id, source.text(), 0, schema, limits)
}

/// Reads the documents of a text that was cut out of a source at byte `base`, with places in that source.
///
/// The text may differ from the source in single bytes, for instance where a list's dash was blanked to make an entry
/// a document of its own; lengths must agree, or places would be off.
pub fn read_part(
    sources: &Sources,
    id: SourceId,
    text: &str,
    base: usize,
    schema: Schema,
    limits: Limits,
) -> Result<Vec<Document>, Findings> {
    if text.len() > limits.bytes {
        return Err(too_large(text.len(), limits.bytes)
            .at(sources.locate(Place::new(id, base..base)))
            .into());
    }
    let mut builder = Builder {
        sources,
        id,
        base,
        schema,
        limits,
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        documents: Vec::new(),
    };
    let options = granit_parser::options! { emit_comments: false };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax_in_part(sources, id, base, &error))?;
        builder.take(event, &span)?;
    }
    Ok(builder.documents)
}

/// The finding for a text over its limit.
#[must_use]
pub fn too_large(bytes: usize, limit: usize) -> Finding {
    Finding::error(
        &codes::TOO_LARGE,
        format!(
            "the input has {} MiB, more than the {} MiB that are read here",
            bytes.div_ceil(1 << 20),
            limit >> 20
        ),
    )
    .hint("check that this is the right file; a large fleet can be split into several plans")
}

/// The finding for an error of the YAML parser.
#[must_use]
pub fn syntax(sources: &Sources, id: SourceId, error: &ScanError) -> Finding {
    syntax_in_part(sources, id, 0, error)
}

fn syntax_in_part(sources: &Sources, id: SourceId, base: usize, error: &ScanError) -> Finding {
    let offset = base + error.marker().byte_offset().unwrap_or(0);
    let location = sources.locate(Place::new(id, offset..offset + 1));
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep().at(location),
        _ => Finding::error(&codes::YAML_SYNTAX, format!("not valid YAML: {}", error.info()))
            .at(location)
            .hint(if error.info().contains("tab") {
                "indent with spaces, YAML does not allow tabs there"
            } else {
                "look at the indentation, quotes and brackets of this line and the one above"
            }),
    }
}

fn too_deep() -> Finding {
    Finding::error(&codes::TOO_DEEP, "the input is nested too deeply")
        .hint("no Kubernetes object needs this; check what produced the file")
}

enum Frame {
    Sequence {
        anchor: usize,
        start: usize,
        items: Vec<Node>,
    },
    Mapping {
        anchor: usize,
        start: usize,
        mapping: Mapping,
        /// Merged mappings, applied after the explicit keys are known.
        merges: Vec<Node>,
        key: Option<Key>,
    },
}

struct Key {
    text: Box<str>,
    place: Place,
    merge: bool,
}

struct Builder<'sources> {
    sources: &'sources Sources,
    id: SourceId,
    /// Where the text that is read begins in the source.
    base: usize,
    schema: Schema,
    limits: Limits,
    stack: Vec<Frame>,
    /// Completed anchored nodes, with their size.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    documents: Vec<Document>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Findings> {
        let range = span.byte_range().unwrap_or(0..0);
        let range = range.start + self.base..range.end + self.base;
        let place = Place::new(self.id, range.clone());
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, place)?;
                let data = self.scalar(&text, style, tag.as_deref(), place)?;
                let merge = style == ScalarStyle::Plain && text == "<<";
                self.finish(Node { place, data }, anchor, merge)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.open(tag.as_deref(), "seq", place)?;
                self.stack.push(Frame::Sequence { anchor, start: range.start, items: Vec::new() });
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                self.open(tag.as_deref(), "map", place)?;
                self.stack.push(Frame::Mapping {
                    anchor,
                    start: range.start,
                    mapping: Mapping::default(),
                    merges: Vec::new(),
                    key: None,
                });
                Ok(())
            }
            Event::SequenceEnd => match self.stack.pop() {
                Some(Frame::Sequence { anchor, start, items }) => {
                    let node = Node {
                        place: self.closed(start, range.end, items.last()),
                        data: Data::Sequence(items),
                    };
                    self.finish(node, anchor, false)
                }
                _ => Ok(()),
            },
            Event::MappingEnd => match self.stack.pop() {
                Some(Frame::Mapping { anchor, start, mut mapping, merges, .. }) => {
                    for merge in &merges {
                        self.merge(&mut mapping, merge)?;
                    }
                    let last = mapping.entries.last().map(|entry| &entry.value);
                    let node =
                        Node { place: self.closed(start, range.end, last), data: Data::Mapping(mapping) };
                    self.finish(node, anchor, false)
                }
                _ => Ok(()),
            },
            Event::Alias(target) => {
                let Some((node, size)) = self.anchors.get(&target) else {
                    return Err(self.unsupported(place, "an alias inside the value that it names").into());
                };
                let size = *size;
                let node = Node { place, ..node.clone() };
                self.count(size, place)?;
                self.finish(node, 0, false)
            }
            _ => Ok(()),
        }
    }

    /// Block collections end where the next token starts; their place should end with their last value.
    fn closed(&self, start: usize, end: usize, last: Option<&Node>) -> Place {
        let end = last.map_or(end, |node| {
            let last_end = node.place.end as usize;
            // An alias' copy may lie elsewhere in the text, and a flow collection ends with its bracket.
            let text = self.sources.get(self.id).map_or("", |source| source.text());
            let closes = text.get(end.saturating_sub(1)..end).is_some_and(|byte| byte == "]" || byte == "}");
            if closes || last_end < start || last_end > end { end } else { last_end }
        });
        Place::new(self.id, start..end)
    }

    fn count(&mut self, more: usize, place: Place) -> Result<(), Findings> {
        self.nodes += more;
        if self.nodes > self.limits.nodes {
            return Err(Finding::error(
                &codes::ALIAS_BOMB,
                format!("the input has more than {} values once its aliases are followed", self.limits.nodes),
            )
            .at(self.sources.locate(place))
            .hint("write the values out, or use fewer aliases")
            .into());
        }
        Ok(())
    }

    fn open(&mut self, tag: Option<&Tag>, expected: &str, place: Place) -> Result<(), Findings> {
        self.count(1, place)?;
        if self.stack.len() >= self.limits.depth {
            return Err(too_deep().at(self.sources.locate(place)).into());
        }
        match tag {
            Some(tag) if !is_core(tag, expected) && tag.suffix() != "" => {
                Err(self.unsupported(place, format!("the tag `{tag}`")).into())
            }
            _ => Ok(()),
        }
    }

    fn scalar(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        place: Place,
    ) -> Result<Data, Findings> {
        let Some(tag) = tag else {
            return Ok(if style == ScalarStyle::Plain {
                scalar::resolve(text, self.schema)
            } else {
                Data::String(text.into())
            });
        };
        for word in ["str", "merge", "value", "timestamp", "binary"] {
            if is_core(tag, word) {
                return Ok(Data::String(text.into()));
            }
        }
        if tag.suffix().is_empty() {
            // The non-specific tag `!` makes a string of a scalar.
            return Ok(Data::String(text.into()));
        }
        let resolved = scalar::resolve(text, self.schema);
        let fits = match &resolved {
            Data::Null => is_core(tag, "null"),
            Data::Bool(_) => is_core(tag, "bool"),
            Data::Number(_) => is_core(tag, "int") || is_core(tag, "float"),
            // `!!float 1e400` is how kustomize hands some strings over: keep the text.
            _ => is_core(tag, "float") || is_core(tag, "int"),
        };
        if fits { Ok(resolved) } else { Err(self.unsupported(place, format!("the tag `{tag}`")).into()) }
    }

    fn finish(&mut self, node: Node, anchor: usize, merge: bool) -> Result<(), Findings> {
        if anchor != 0 {
            let size = size(&node);
            self.count(size, node.place)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.stack.last_mut() {
            None => {
                self.anchors.clear();
                self.documents.push(Document { root: node });
                Ok(())
            }
            Some(Frame::Sequence { items, .. }) => {
                items.push(node);
                Ok(())
            }
            Some(Frame::Mapping { key: slot @ None, .. }) => {
                let text = match &node.data {
                    Data::Sequence(_) | Data::Mapping(_) => None,
                    Data::Null => Some("".into()),
                    Data::String(text) => Some(text.clone()),
                    Data::Bool(value) => Some(value.to_string().into()),
                    Data::Number(number) => Some(number.to_string().into()),
                };
                let Some(text) = text else {
                    return Err(self
                        .unsupported(node.place, "a mapping key that is a list or a mapping")
                        .into());
                };
                *slot = Some(Key { text, place: node.place, merge });
                Ok(())
            }
            Some(Frame::Mapping { mapping, merges, key, .. }) => {
                let Some(key) = key.take() else { return Ok(()) };
                if key.merge && is_mergeable(&node) {
                    merges.push(node);
                    return Ok(());
                }
                if let Some(first) = mapping.entry(&key.text) {
                    return Err(Finding::error(
                        &codes::DUPLICATE_KEY,
                        format!("the key `{}` is given twice in this mapping", key.text),
                    )
                    .at(self.sources.locate(key.place))
                    .related("first given here", self.sources.locate(first.key_place))
                    .hint("keep one of them; readers disagree on which one counts")
                    .into());
                }
                mapping.entries.push(Entry { key: key.text, key_place: key.place, value: node });
                Ok(())
            }
        }
    }

    fn merge(&mut self, into: &mut Mapping, from: &Node) -> Result<(), Findings> {
        match &from.data {
            Data::Sequence(items) => items.iter().try_for_each(|item| self.merge(into, item)),
            Data::Mapping(mapping) => {
                self.count(mapping.entries.len(), from.place)?;
                for entry in &mapping.entries {
                    if into.entry(&entry.key).is_none() {
                        into.entries.push(entry.clone());
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn unsupported(&self, place: Place, what: impl std::fmt::Display) -> Finding {
        Finding::error(&codes::UNSUPPORTED_YAML, format!("{what} is not supported"))
            .at(self.sources.locate(place))
            .hint("Kubernetes clients do not agree on this YAML feature; write plain mappings, lists and scalars")
    }
}

fn is_core(tag: &Tag, suffix: &str) -> bool {
    tag.handle() == "tag:yaml.org,2002:" && tag.suffix() == suffix
}

fn is_mergeable(node: &Node) -> bool {
    match &node.data {
        Data::Mapping(_) => true,
        Data::Sequence(items) => {
            !items.is_empty() && items.iter().all(|item| matches!(item.data, Data::Mapping(_)))
        }
        _ => false,
    }
}

fn size(node: &Node) -> usize {
    match &node.data {
        Data::Sequence(items) => 1 + items.iter().map(size).sum::<usize>(),
        Data::Mapping(mapping) => {
            1 + mapping.entries.iter().map(|entry| 1 + size(&entry.value)).sum::<usize>()
        }
        _ => 1,
    }
}
