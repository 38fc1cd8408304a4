//! One object of an input: its identity, its marks and its exact bytes.

use std::ops::Range;

use granit_parser::{Event, ScalarStyle};

use super::header::{Header, HeaderScan};
use crate::{
    finding::{Findings, ObjectRef},
    yaml::{self, Limits, Node, Place, SourceId, Sources, scalar::Schema},
};

/// The annotation that tells which plan an object was rendered from, `<namespace>/<name>`.
pub const PLAN: &str = "infraflux.io/plan";
/// The annotation that keeps an object out of what kustomize builds and kpt applies.
pub const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";
/// By this annotation kustomize finds the origin of an object again; only kustomize sets it.
pub const KUSTOMIZE_ID: &str = "kustomize.config.k8s.io/id";
/// The file an item comes from, in the spelling of the clients' own bookkeeping.
pub const PATH: &str = "internal.config.kubernetes.io/path";
/// The file an item comes from, in the old spelling that both clients still read and write.
pub const PATH_LEGACY: &str = "config.kubernetes.io/path";
/// The position in that file.
pub const INDEX: &str = "internal.config.kubernetes.io/index";
/// The position in that file, in the old spelling.
pub const INDEX_LEGACY: &str = "config.kubernetes.io/index";

/// One object of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its identity; parts that are missing are empty.
    pub id: ObjectRef,
    /// Its annotations of the groups that clients and we keep books with, in the order of the text.
    pub marks: Vec<(Box<str>, Box<str>)>,
    /// The bytes that belong to it alone: from its dash to its last line in a block list, the bare node in a flow list,
    /// everything between two `---` in a stream.
    pub range: Range<usize>,
    /// The bytes of its node with comments and properties in front, without a dash or `---`.
    pub(super) body: Range<usize>,
    pub(super) source: SourceId,
}

impl Item {
    pub(super) fn new(header: Header, source: SourceId, range: Range<usize>, body: Range<usize>) -> Self {
        Self { id: header.id, marks: header.marks, range, body, source }
    }

    /// The value of an annotation of [`Item::marks`].
    #[must_use]
    pub fn mark(&self, key: &str) -> Option<&str> {
        self.marks.iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value)
    }

    /// The file it comes from, in either spelling of the annotation.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.mark(PATH).or_else(|| self.mark(PATH_LEGACY))
    }

    /// Its position in that file, in either spelling of the annotation.
    #[must_use]
    pub fn index(&self) -> Option<u32> {
        self.mark(INDEX).or_else(|| self.mark(INDEX_LEGACY))?.parse().ok()
    }

    /// Where it stands.
    #[must_use]
    pub fn place(&self) -> Place {
        Place::new(self.source, self.range.clone())
    }

    /// Whether it is marked as input for tools rather than for a cluster.
    #[must_use]
    pub fn is_local_config(&self) -> bool {
        self.mark(LOCAL_CONFIG).is_some_and(|value| value != "false")
    }

    /// Whether two identities name the same object of a cluster, whatever their API version.
    #[must_use]
    pub fn is_same_object(left: &ObjectRef, right: &ObjectRef) -> bool {
        object_key(left) == object_key(right)
    }

    /// Its content with places in the whole input.
    ///
    /// Only those who need the content pay for it, and only they meet what the YAML reader refuses: duplicate keys and
    /// foreign tags pass through an item that nobody looks into.
    pub fn node(&self, sources: &Sources, limits: Limits) -> Result<Node, Findings> {
        read_node(sources, self.source, self.body.clone(), limits)
    }
}

/// What makes two objects of a cluster the same: group, kind, namespace and name.
pub(super) fn object_key(id: &ObjectRef) -> (&str, &str, &str, &str) {
    let group = id.api_version.rsplit_once('/').map_or("", |(group, _)| group);
    (group, &id.kind, id.namespace.as_deref().unwrap_or_default(), &id.name)
}

/// The node in a byte range of a source. What stands before it on its first line (a dash, a key) is blanked, so that
/// the columns of a block stay what they are.
pub(super) fn read_node(
    sources: &Sources,
    id: SourceId,
    body: Range<usize>,
    limits: Limits,
) -> Result<Node, Findings> {
    let Some(source) = sources.get(id) else {
        return Ok(Node { place: Place::new(id, body), data: yaml::Data::Null });
    };
    let text = source.text();
    let inner = text.get(body.clone()).unwrap_or_default();
    let flow = inner.trim_start_matches([' ', '\t']);
    let documents = if flow.starts_with('{') {
        // A flow mapping needs no column, and a whole list in JSON may be one line.
        let start = body.end - flow.len();
        yaml::read::read_part(sources, id, flow, start, Schema::Core, limits)?
    } else {
        let line = line_start(text, body.start);
        let mut part = String::with_capacity(body.end - line);
        part.extend(std::iter::repeat_n(' ', body.start - line));
        part.push_str(inner);
        yaml::read::read_part(sources, id, &part, line, Schema::Core, limits)?
    };
    Ok(documents.into_iter().next().map_or_else(
        || Node { place: Place::new(id, body), data: yaml::Data::Null },
        |document| document.root,
    ))
}

/// The start of the line that holds `offset`.
pub(super) fn line_start(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).map_or(0, |at| at + 1)
}

/// The start of the line after the one that holds `offset`.
pub(super) fn next_line(text: &str, offset: usize) -> usize {
    let bytes = text.as_bytes();
    match bytes[offset..].iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        None => bytes.len(),
        Some(at) => {
            let at = offset + at;
            if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') { at + 2 } else { at + 1 }
        }
    }
}

/// Where the last token of a node ends; fed with the events of the node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tail {
    end: usize,
    kind: Token,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Token {
    #[default]
    Plain,
    BlockScalar,
    /// A null that is only implied.
    Nothing,
}

impl Tail {
    pub(super) fn take(&mut self, event: &Event<'_>, range: &Range<usize>) {
        // The ends of block collections are where the next token begins: they would take in foreign comments.
        let is_token = match event {
            Event::Scalar(..) | Event::Alias(_) => true,
            Event::SequenceStart(..) | Event::MappingStart(..) | Event::SequenceEnd | Event::MappingEnd => {
                range.start < range.end
            }
            _ => false,
        };
        if is_token {
            self.end = range.end;
            self.kind = match event {
                Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => Token::BlockScalar,
                Event::Scalar(..) if range.is_empty() => Token::Nothing,
                _ => Token::Plain,
            };
        }
    }

    /// The end of the last token; a block scalar ends with its last line break.
    pub(super) fn end(self, text: &str) -> usize {
        match self.kind {
            Token::Plain => self.end,
            Token::BlockScalar => {
                // Its span reaches to the column of the next token.
                let line = line_start(text, self.end);
                if text[line..self.end].bytes().all(|byte| byte == b' ') { line } else { self.end }
            }
            // The parser places it in front of its colon.
            Token::Nothing => colon_after(text, self.end).unwrap_or(self.end),
        }
    }
}

/// The end of the colon that is the next token after `end`, if it is.
pub(super) fn colon_after(text: &str, end: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = end;
    loop {
        match bytes.get(at)? {
            b':' => return Some(at + 1),
            b' ' | b'\t' | b'\n' | b'\r' => at += 1,
            b'#' => at = next_line(text, at),
            _ => return None,
        }
    }
}

/// Reads the identity again where an alias or a merge hides it from [`HeaderScan`].
pub(super) fn resolve_header(
    header: Header,
    sources: &Sources,
    id: SourceId,
    body: Range<usize>,
    limits: Limits,
) -> Header {
    if !header.indirect {
        return header;
    }
    match read_node(sources, id, body, limits) {
        Ok(node) => HeaderScan::of_node(&node),
        // Whoever needs the content will say what is wrong with it.
        Err(_) => header,
    }
}
