//! A compiled schema: what may stand at each place of an object.

use serde_json::Value;

use super::{format::Format, pattern::Pattern};
use crate::admission::cel::Rule;

/// The position of a node in its [`Tree`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Id(u32);

/// A schema as a table of nodes that name each other by position, the root first: schemas of Kubernetes refer to
/// themselves.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    /// The root of every tree.
    pub(crate) const ROOT: Id = Id(0);

    pub(super) fn new() -> Self {
        Self { nodes: Vec::new() }
    }

    pub(super) fn push(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        Id(u32::try_from(self.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    /// Ids come from [`Tree::push`] of the same tree only; another one would be a bug.
    pub(crate) fn node(&self, id: Id) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn node_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id.0 as usize]
    }

    /// All nodes, in no order that means something.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }
}

/// The JSON type that a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Object,
    Array,
    String,
    Integer,
    Number,
    Boolean,
}

impl Type {
    /// As messages say it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Object => "a mapping",
            Self::Array => "a list",
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Boolean => "true or false",
        }
    }

    pub(super) fn takes(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            // `1.0` is an integer for the API server.
            Self::Integer => {
                value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
            }
        }
    }
}

/// What may stand under keys that are not among the properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Others {
    /// Nothing: such a field is unknown.
    #[default]
    None,
    /// Anything.
    Any,
    /// Values of a schema.
    Schema(Id),
}

/// How the entries of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum List {
    /// They are not: the list is one value.
    #[default]
    Atomic,
    /// By value; none may be there twice.
    Set,
    /// By these keys of theirs; no combination may be there twice.
    Map(Vec<Box<str>>),
}

/// One place of a schema.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "a schema has that many independent switches")]
pub(crate) struct Node {
    /// The type; `None` takes any.
    pub(crate) kind: Option<Type>,
    /// `null` stays `null` instead of meaning that the field is absent.
    pub(crate) nullable: bool,
    /// Takes an integer or a string.
    pub(crate) int_or_string: bool,
    /// An amount of Kubernetes' own kinds: any number, or a text with a unit.
    pub(crate) quantity: bool,
    /// A whole object with `apiVersion`, `kind` and `metadata`; also the root.
    pub(crate) embedded: bool,
    /// The root of a schema: `metadata` is checked beside the schema.
    pub(crate) root: bool,
    /// The fields, ordered by name.
    pub(crate) properties: Vec<(Box<str>, Id)>,
    /// Other keys.
    pub(crate) others: Others,
    /// The entries of a list.
    pub(crate) items: Option<Id>,
    /// Fields that must be there.
    pub(crate) required: Vec<Box<str>>,
    /// What values must be like.
    pub(crate) bounds: Option<Box<Bounds>>,
    /// Conditions that combine schemas.
    pub(crate) junctors: Option<Box<Junctors>>,
    /// How entries of a list are told apart.
    pub(crate) list: List,
    /// The value of an absent field.
    pub(crate) default: Option<Value>,
    /// CEL rules with this place as `self`.
    pub(crate) rules: Vec<Rule>,
    /// Whether it or a node below has rules.
    pub(crate) has_rules: bool,
    /// Whether a node below has a default.
    pub(crate) has_defaults: bool,
}

impl Node {
    /// The schema of a field.
    pub(crate) fn property(&self, name: &str) -> Option<Id> {
        let found = self.properties.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        self.properties.get(found).map(|(_, id)| *id)
    }

    /// The schema of an entry of a mapping, whether it is a field or another key.
    pub(crate) fn entry(&self, name: &str) -> Option<Id> {
        self.property(name).or(match self.others {
            Others::Schema(id) => Some(id),
            _ => None,
        })
    }

    /// Conditions that hold beside this schema.
    pub(crate) fn all_of(&self) -> &[Id] {
        self.junctors.as_ref().map_or(&[], |junctors| &junctors.all_of)
    }

    /// Whether fields that are not listed are errors.
    pub(super) fn is_closed(&self) -> bool {
        self.kind == Some(Type::Object) && self.others == Others::None
    }
}

/// What values must be like beside their type. Bounds that are absent hold.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    pub(super) allowed: Vec<Value>,
    pub(super) pattern: Option<Pattern>,
    pub(crate) format: Option<Format>,
    pub(super) min_length: Option<u64>,
    pub(super) max_length: Option<u64>,
    pub(super) minimum: Option<Limit>,
    pub(super) maximum: Option<Limit>,
    pub(super) multiple_of: Option<f64>,
    pub(super) min_items: Option<u64>,
    pub(super) max_items: Option<u64>,
    pub(super) unique_items: bool,
    pub(super) min_properties: Option<u64>,
    pub(super) max_properties: Option<u64>,
}

impl Bounds {
    pub(super) fn is_empty(&self) -> bool {
        self.allowed.is_empty()
            && self.pattern.is_none()
            && self.format.is_none()
            && self.minimum.is_none()
            && self.maximum.is_none()
            && self.multiple_of.is_none()
            && !self.unique_items
            && [
                self.min_length,
                self.max_length,
                self.min_items,
                self.max_items,
                self.min_properties,
                self.max_properties,
            ]
            .iter()
            .all(Option::is_none)
    }
}

/// A bound of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limit {
    pub(super) value: f64,
    pub(super) exclusive: bool,
}

/// Conditions that combine schemas.
#[derive(Debug, Default)]
pub(crate) struct Junctors {
    pub(super) all_of: Vec<Id>,
    pub(super) any_of: Vec<Id>,
    pub(super) one_of: Vec<Id>,
    pub(super) not: Option<Id>,
}

impl Junctors {
    pub(super) fn is_empty(&self) -> bool {
        self.all_of.is_empty() && self.any_of.is_empty() && self.one_of.is_empty() && self.not.is_none()
    }
}
