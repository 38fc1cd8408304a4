//! What a template says, hole by hole: the tree beside the text.
//!
//! The text tells how a document looks, the shape what it means. From the shape come the value that checks look at,
//! without reading the output again, and the way back from a field of the output to the place that made it.

use std::ops::Range;

use super::{
    condition::Condition,
    hole::{Hole, Part},
};
use crate::yaml::pointer::{FieldPath, Step};

/// A node of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Where it stands in the template.
    pub range: Range<usize>,
    /// What it is.
    pub kind: ShapeKind,
}

/// The kinds of node.
#[derive(Debug, Clone, PartialEq)]
pub enum ShapeKind {
    /// A scalar, or an empty collection, without holes.
    Literal(serde_json::Value),
    /// A scalar with holes.
    Scalar(Scalar),
    /// A list.
    Sequence(Vec<Item>),
    /// A mapping.
    Mapping(Vec<Entry>),
}

/// A scalar with holes.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// Its pieces.
    pub parts: Vec<Part>,
    /// A plain scalar that is one hole: the value keeps its type.
    pub typed: bool,
}

/// An item of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Whether it is there.
    pub presence: Presence,
    /// What it is.
    pub shape: Shape,
}

/// An entry of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Whether it is there.
    pub presence: Presence,
    /// Its key.
    pub key: Key,
    /// Where the key stands.
    pub key_range: Range<usize>,
    /// Its value.
    pub shape: Shape,
}

/// The key of an entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Key {
    /// As written.
    Literal(String),
    /// With holes.
    Scalar(Scalar),
}

/// When a part of a template is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Presence {
    /// In every document.
    Always,
    /// When the features are as the condition wants.
    When(Condition),
    /// When the variable of a `${?NAME}` is set and not an empty collection.
    Set(Hole),
    /// When all of these hold.
    All(Vec<Presence>),
    /// When one of these holds: a collection whose entries are all conditional.
    Any(Vec<Presence>),
}

impl Presence {
    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, presence) | (presence, Self::Always) => presence,
            (first, second) => Self::All(vec![first, second]),
        }
    }

    /// Whether it holds, given which features are on and which variables are set.
    pub fn holds(&self, feature: &dyn Fn(&str) -> bool, set: &dyn Fn(&Hole) -> bool) -> bool {
        match self {
            Self::Always => true,
            Self::When(condition) => condition.holds(feature),
            Self::Set(hole) => set(hole),
            Self::All(list) => list.iter().all(|presence| presence.holds(feature, set)),
            Self::Any(list) => list.iter().any(|presence| presence.holds(feature, set)),
        }
    }
}

impl Shape {
    /// When this node is there for reasons that lie in it: an optional hole, or a collection of nothing but
    /// conditional entries.
    #[must_use]
    pub fn presence(&self) -> Presence {
        fn any<'shape>(entries: impl Iterator<Item = &'shape Presence>) -> Presence {
            let mut conditional = Vec::new();
            for presence in entries {
                match presence {
                    Presence::Always => return Presence::Always,
                    presence => conditional.push(presence.clone()),
                }
            }
            if conditional.is_empty() { Presence::Always } else { Presence::Any(conditional) }
        }
        match &self.kind {
            ShapeKind::Scalar(Scalar { parts, .. }) => match &**parts {
                [Part::Hole(hole)] if hole.optional => Presence::Set(hole.clone()),
                _ => Presence::Always,
            },
            ShapeKind::Sequence(items) => any(items.iter().map(|item| &item.presence)),
            ShapeKind::Mapping(entries) => any(entries.iter().map(|entry| &entry.presence)),
            ShapeKind::Literal(_) => Presence::Always,
        }
    }

    /// The node at a path of literal keys.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |shape, wanted| match &shape.kind {
            ShapeKind::Mapping(entries) => entries
                .iter()
                .find(|entry| matches!(&entry.key, Key::Literal(key) if key == wanted))
                .map(|entry| &entry.shape),
            _ => None,
        })
    }

    /// Whether a key below has a hole.
    #[must_use]
    pub fn has_key_holes(&self) -> bool {
        match &self.kind {
            ShapeKind::Mapping(entries) => {
                entries.iter().any(|entry| matches!(entry.key, Key::Scalar(_)) || entry.shape.has_key_holes())
            }
            ShapeKind::Sequence(items) => items.iter().any(|item| item.shape.has_key_holes()),
            _ => false,
        }
    }

    /// Calls `visit` for every hole below, keys included.
    pub fn holes<'shape>(&'shape self, visit: &mut dyn FnMut(&'shape Hole, &'shape Range<usize>)) {
        fn scalar<'shape>(
            scalar: &'shape Scalar,
            range: &'shape Range<usize>,
            visit: &mut dyn FnMut(&'shape Hole, &'shape Range<usize>),
        ) {
            for part in &scalar.parts {
                if let Part::Hole(hole) = part {
                    visit(hole, range);
                }
            }
        }
        match &self.kind {
            ShapeKind::Literal(_) => {}
            ShapeKind::Scalar(inner) => scalar(inner, &self.range, visit),
            ShapeKind::Sequence(items) => items.iter().for_each(|item| item.shape.holes(visit)),
            ShapeKind::Mapping(entries) => {
                for entry in entries {
                    if let Key::Scalar(key) = &entry.key {
                        scalar(key, &entry.key_range, visit);
                    }
                    entry.shape.holes(visit);
                }
            }
        }
    }
}

/// The place in a template that made a field of the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The bytes of the template.
    pub range: Range<usize>,
    /// The variables that stand there.
    pub variables: Vec<String>,
    /// What is left of the path inside the value of the (only) variable.
    pub rest: FieldPath,
}

impl Shape {
    /// Where a field of the filled document comes from; for a field that is not there, its nearest parent.
    ///
    /// `present` tells which conditional entries were kept, `key` the text of a key with holes.
    pub fn origin(
        &self,
        path: &FieldPath,
        present: &dyn Fn(&Presence) -> bool,
        key: &dyn Fn(&Scalar) -> Option<String>,
    ) -> Origin {
        let mut shape = self;
        let mut range = self.range.clone();
        for (position, step) in path.steps().iter().enumerate() {
            let next = match (&shape.kind, step) {
                (ShapeKind::Mapping(entries), Step::Key(wanted)) => entries
                    .iter()
                    .find(|entry| {
                        present(&entry.presence)
                            && match &entry.key {
                                Key::Literal(text) => text == wanted,
                                Key::Scalar(scalar) => key(scalar).as_deref() == Some(wanted),
                            }
                    })
                    .map(|entry| (&entry.shape, entry.key_range.start..entry.shape.range.end)),
                (ShapeKind::Sequence(items), Step::Index(index)) => items
                    .iter()
                    .filter(|item| present(&item.presence))
                    .nth(*index)
                    .map(|item| (&item.shape, item.shape.range.clone())),
                (ShapeKind::Scalar(_), _) => {
                    let mut rest = FieldPath::root();
                    for step in &path.steps()[position..] {
                        match step {
                            Step::Key(key) => rest.push_key(key.clone()),
                            Step::Index(index) => rest.push_index(*index),
                        }
                    }
                    return Origin { range, variables: variables(shape), rest };
                }
                _ => None,
            };
            let Some((found, found_range)) = next else { break };
            shape = found;
            range = found_range;
        }
        Origin { range, variables: variables(shape), rest: FieldPath::root() }
    }
}

fn variables(shape: &Shape) -> Vec<String> {
    match &shape.kind {
        ShapeKind::Scalar(scalar) => scalar
            .parts
            .iter()
            .filter_map(|part| match part {
                Part::Hole(hole) => Some(hole.name.clone()),
                Part::Text(_) => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
