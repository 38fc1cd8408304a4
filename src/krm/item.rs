//! One object of an input: its identity, its marks and its exact bytes.

use std::ops::Range;

use super::{
    header::{Header, HeaderScan},
    slice::line_start,
};
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
