//! The ResourceList as it came: where its parts and items lie, byte for byte.
//!
//! Nothing is rebuilt from a tree. A reply is the input with pieces replaced (`krm::reply`), so comments, quoting,
//! anchors, line ends and key order of everything foreign stay as they are, in YAML and in JSON alike.

use std::{ops::Range, sync::Arc};

use super::{
    header::HeaderScan,
    item::{Item, read_node, resolve_header},
    slice::Entry,
    stream,
};
use crate::{
    finding::{Finding, Findings, ObjectRef, codes},
    yaml::{Data, Limits, Node, Source, SourceId, Sources},
};

mod scan;
use scan::Scan;

/// The name by which messages call standard input.
pub const STDIN: &str = "<stdin>";

/// What a client gave as configuration. The first three are ordinary: `kpt fn render` leaves it out, `kpt fn eval`
/// without arguments writes an empty ConfigMap.
#[derive(Debug, Clone, PartialEq)]
pub enum FunctionConfig {
    /// There is no such key.
    Missing,
    /// The key is there without a value.
    Null,
    /// A `v1` ConfigMap without data.
    EmptyConfigMap,
    /// An object.
    Object {
        /// Its identity.
        id: ObjectRef,
        /// Its content.
        node: Node,
    },
    /// Something that is no object, or cannot be read. The items are there all the same.
    Unreadable(Findings),
}

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Entries with dashes.
    Block,
    /// `[` entries `]`.
    Flow,
    /// `null`, or nothing.
    Null,
}

/// A list of the ResourceList and the bytes of its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    pub(super) style: Style,
    /// The end of the key's colon.
    pub(super) colon: usize,
    /// From the first dash or bracket to the end of the last entry or bracket.
    pub(super) range: Range<usize>,
    /// For each entry: the bytes that are its own, and its node.
    pub(super) entries: Vec<Entry>,
}

/// A ResourceList that was read.
#[derive(Debug, Clone)]
pub struct ResourceList {
    /// The number of its text in the [`Sources`] that it was read into.
    pub source: SourceId,
    /// The items in order.
    pub items: Vec<Item>,
    /// The configuration.
    pub function_config: FunctionConfig,
    /// The bookkeeping annotations of the configuration.
    pub(super) config_marks: Vec<(Box<str>, Box<str>)>,
    pub(super) config_range: Option<Range<usize>>,
    pub(super) text: Arc<Source>,
    pub(super) item_list: Option<List>,
    pub(super) result_list: Option<List>,
    /// Whether the whole document is one flow mapping, as JSON is.
    pub(super) is_flow: bool,
    /// The column of the keys at the top.
    pub(super) column: usize,
    /// The start of the last key at the top, and the end of what belongs to its value.
    pub(super) last_key: usize,
    pub(super) end: usize,
}

impl ResourceList {
    /// Reads a ResourceList from the bytes of standard input and adds its text to `sources`.
    ///
    /// Any apiVersion is taken, as the clients do; `config.kubernetes.io/v1`, `v1beta1` and `v1alpha1` are those that
    /// exist (kubernetes-sigs/kustomize `cmd/config/docs/api-conventions/functions-spec.md`).
    pub fn read(sources: &mut Sources, input: &[u8], limits: Limits) -> Result<Self, Findings> {
        let mut text = stream::text(input, STDIN, limits)?.to_owned();
        if !text.ends_with(['\n', '\r']) {
            text.push('\n');
        }
        let source = Arc::new(Source::new(STDIN, text));
        let id = sources.add(source.clone());
        let text = source.text();
        let mut scan = Scan::new(sources, id, text, limits);
        for event in stream::events(sources, id, text) {
            let (event, range) = event?;
            scan.take(&event, &range)?;
        }
        let parts = scan.finish()?;

        let items = parts
            .items
            .into_iter()
            .zip(parts.item_list.iter().flat_map(|list| &list.entries))
            .map(|(header, entry)| {
                let header = resolve_header(header, sources, id, entry.body.clone(), limits);
                Item::new(header, id, entry.range.clone(), entry.body.clone())
            })
            .collect();
        let (function_config, config_marks) = match &parts.config {
            None => (FunctionConfig::Missing, Vec::new()),
            Some((range, header)) => {
                (function_config(sources, id, range.clone(), limits), header.marks.clone())
            }
        };
        Ok(Self {
            source: id,
            items,
            function_config,
            config_marks,
            config_range: parts.config.map(|(range, _)| range),
            item_list: parts.item_list,
            result_list: parts.result_list,
            is_flow: parts.is_flow,
            column: parts.column,
            last_key: parts.last_key,
            end: parts.end,
            text: source,
        })
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.text.text()
    }

    /// The exact bytes of an item, comments included.
    #[must_use]
    pub fn slice(&self, item: &Item) -> &str {
        self.text.text().get(item.range.clone()).unwrap_or_default()
    }
}

pub(super) fn function_config(
    sources: &Sources,
    id: SourceId,
    range: Range<usize>,
    limits: Limits,
) -> FunctionConfig {
    let node = match read_node(sources, id, range, limits) {
        Ok(node) => node,
        Err(findings) => return FunctionConfig::Unreadable(findings),
    };
    match &node.data {
        Data::Null => FunctionConfig::Null,
        Data::Mapping(mapping) => {
            let id = HeaderScan::of_node(&node).id;
            let is_empty = |key| match mapping.get(key).map(|value: &Node| &value.data) {
                None | Some(Data::Null) => true,
                Some(Data::Mapping(data)) => data.entries.is_empty(),
                Some(_) => false,
            };
            if id.api_version == "v1" && id.kind == "ConfigMap" && is_empty("data") && is_empty("binaryData")
            {
                return FunctionConfig::EmptyConfigMap;
            }
            FunctionConfig::Object { id, node }
        }
        other => FunctionConfig::Unreadable(
            Finding::error(
                &codes::BAD_RESOURCE_LIST,
                format!("the function configuration is {}, not an object", other.kind()),
            )
            .at(sources.locate(node.place))
            .hint("give a ClusterPlan, FleetPlan, Admission or ConfigMap, or leave it out")
            .into(),
        ),
    }
}
