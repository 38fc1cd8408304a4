//! Who an item is, read from the parser's events in passing.
//!
//! Thousands of foreign items pass through a function that looks at none of them. Building a tree for each would cost
//! more than parsing, so that only identity and bookkeeping annotations are picked up here.

use granit_parser::{Event, ScalarStyle};

use crate::{
    finding::ObjectRef,
    yaml::{Data, Node},
};

/// What is picked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: ObjectRef,
    pub(super) marks: Vec<(Box<str>, Box<str>)>,
    /// An alias or a merge key stands where identity is looked for: the tree has to be read after all.
    pub(super) indirect: bool,
}

impl Default for Header {
    fn default() -> Self {
        Self {
            id: ObjectRef {
                api_version: String::new(),
                kind: String::new(),
                namespace: None,
                name: String::new(),
            },
            marks: Vec::new(),
            indirect: false,
        }
    }
}

/// The groups of annotations by which clients and we keep books.
const BOOKS: [&str; 5] = [
    "config.kubernetes.io/",
    "internal.config.kubernetes.io/",
    "config.k8s.io/",
    "kustomize.config.k8s.io/",
    "infraflux.io/",
];

fn is_mark(key: &str) -> bool {
    BOOKS.iter().any(|group| key.starts_with(group))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Object,
    Metadata,
    Annotations,
}

#[derive(Debug)]
struct Level {
    room: Room,
    /// The key whose value comes next.
    key: Option<Box<str>>,
}

/// Picks a [`Header`] out of the events of one node.
#[derive(Debug, Default)]
pub(super) struct HeaderScan {
    header: Header,
    levels: Vec<Level>,
    /// Open collections that are of no interest.
    skipped: usize,
}

impl HeaderScan {
    /// Takes one event of the node, from its first to its last.
    pub(super) fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Scalar(text, style, ..) => self.scalar(text, *style),
            Event::Alias(_) => self.alias(),
            Event::MappingStart(..) => self.open(true),
            Event::SequenceStart(..) => self.open(false),
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            _ => {}
        }
    }

    /// What was found.
    pub(super) fn finish(self) -> Header {
        self.header
    }

    /// The header of a tree.
    pub(super) fn of_node(node: &Node) -> Header {
        let text = |path: &[&str]| node.at(path.iter().copied()).and_then(scalar_text);
        let annotations = node.at(["metadata", "annotations"]).and_then(Node::as_mapping);
        Header {
            id: ObjectRef {
                api_version: text(&["apiVersion"]).unwrap_or_default(),
                kind: text(&["kind"]).unwrap_or_default(),
                namespace: text(&["metadata", "namespace"]),
                name: text(&["metadata", "name"]).unwrap_or_default(),
            },
            marks: annotations
                .map(|mapping| {
                    mapping
                        .entries
                        .iter()
                        .filter(|entry| is_mark(&entry.key))
                        .filter_map(|entry| Some((entry.key.clone(), scalar_text(&entry.value)?.into())))
                        .collect()
                })
                .unwrap_or_default(),
            indirect: false,
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle) {
        if self.skipped > 0 {
            return;
        }
        let Some(level) = self.levels.last_mut() else { return };
        let Some(key) = level.key.take() else {
            if text == "<<" && style == ScalarStyle::Plain {
                self.header.indirect = true;
            }
            level.key = Some(text.into());
            return;
        };
        if style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            return;
        }
        let id = &mut self.header.id;
        match (level.room, &*key) {
            (Room::Object, "apiVersion") => text.clone_into(&mut id.api_version),
            (Room::Object, "kind") => text.clone_into(&mut id.kind),
            (Room::Metadata, "name") => text.clone_into(&mut id.name),
            (Room::Metadata, "namespace") => id.namespace = Some(text.to_owned()),
            (Room::Annotations, key) if is_mark(key) => {
                self.header.marks.push((key.into(), text.into()));
            }
            _ => {}
        }
    }

    fn alias(&mut self) {
        if self.skipped > 0 {
            return;
        }
        let Some(level) = self.levels.last_mut() else { return };
        match level.key.take() {
            None => {
                self.header.indirect = true;
                level.key = Some("".into());
            }
            Some(key) => {
                self.header.indirect |= match level.room {
                    Room::Object => matches!(&*key, "apiVersion" | "kind" | "metadata" | "<<"),
                    Room::Metadata => matches!(&*key, "name" | "namespace" | "annotations" | "<<"),
                    Room::Annotations => is_mark(&key) || &*key == "<<",
                };
            }
        }
    }

    fn open(&mut self, is_mapping: bool) {
        if self.skipped > 0 {
            self.skipped += 1;
            return;
        }
        let room = match self.levels.last() {
            _ if !is_mapping => None,
            None => Some(Room::Object),
            Some(level) => match (level.room, level.key.as_deref()) {
                (Room::Object, Some("metadata")) => Some(Room::Metadata),
                (Room::Metadata, Some("annotations")) => Some(Room::Annotations),
                _ => None,
            },
        };
        match room {
            Some(room) => self.levels.push(Level { room, key: None }),
            None => self.skipped = 1,
        }
    }

    fn close(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
        } else {
            self.levels.pop();
        }
        if self.skipped == 0
            && let Some(level) = self.levels.last_mut()
        {
            // A collection that just ended was a key or a value.
            level.key = if level.key.is_none() { Some("".into()) } else { None };
        }
    }
}

fn scalar_text(node: &Node) -> Option<String> {
    match &node.data {
        Data::String(text) => Some(text.to_string()),
        Data::Bool(value) => Some(value.to_string()),
        Data::Number(number) => Some(number.to_string()),
        Data::Null | Data::Sequence(_) | Data::Mapping(_) => None,
    }
}
