//! A YAML tree in which every node knows its place.

use super::source::Place;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it was written. After layers are merged this tells which layer a value came from.
    pub place: Place,
    /// What it is.
    pub data: Data,
}

/// The value of a [`Node`].
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number. Its spelling can be had from the place.
    Number(serde_json::Number),
    /// Any other scalar.
    String(Box<str>),
    /// A list.
    Sequence(Vec<Node>),
    /// A mapping.
    Mapping(Mapping),
}

impl Data {
    /// The word a message uses for this kind of value.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(number) if number.is_f64() => "a number",
            Self::Number(_) => "an integer",
            Self::String(_) => "a string",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// A mapping in the order of the text; keys are unique.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Mapping {
    /// The entries in order.
    pub entries: Vec<Entry>,
}

/// One `key: value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key; scalar keys of other types keep their spelling.
    pub key: Box<str>,
    /// Where the key stands.
    pub key_place: Place,
    /// The value.
    pub value: Node,
}

impl Mapping {
    /// The value under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| *entry.key == *key)
    }

    /// The value under a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries.iter_mut().find(|entry| *entry.key == *key).map(|entry| &mut entry.value)
    }

    /// Sets a key: in place when present, else at the end.
    pub fn set(&mut self, entry: Entry) {
        match self.entries.iter_mut().find(|old| old.key == entry.key) {
            Some(old) => *old = entry,
            None => self.entries.push(entry),
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let index = self.entries.iter().position(|entry| *entry.key == *key)?;
        Some(self.entries.remove(index))
    }
}

impl Node {
    /// The mapping, if it is one.
    #[must_use]
    pub fn as_mapping(&self) -> Option<&Mapping> {
        match &self.data {
            Data::Mapping(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The list, if it is one.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.data {
            Data::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The string, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value under a key, if this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_mapping()?.get(key)
    }

    /// The node at a path of keys and list positions, for instance `["spec", "workers", "0"]`.
    #[must_use]
    pub fn at<'path>(&self, path: impl IntoIterator<Item = &'path str>) -> Option<&Node> {
        path.into_iter().try_fold(self, |node, step| match &node.data {
            Data::Mapping(mapping) => mapping.get(step),
            Data::Sequence(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The deepest node on a path that exists, and how many steps of the path led to it.
    ///
    /// A message about something that is missing points at its parent.
    #[must_use]
    pub fn nearest<'path>(&self, path: impl IntoIterator<Item = &'path str>) -> (&Node, usize) {
        let mut node = self;
        let mut steps = 0;
        for step in path {
            let Some(next) = node.at([step]) else { break };
            node = next;
            steps += 1;
        }
        (node, steps)
    }

    /// The place of the key that holds the node at `path`, or of the node itself inside a list.
    #[must_use]
    pub fn key_place(&self, path: &[&str]) -> Option<Place> {
        let (last, parents) = path.split_last()?;
        let parent = self.at(parents.iter().copied())?;
        match &parent.data {
            Data::Mapping(mapping) => mapping.entry(last).map(|entry| entry.key_place),
            _ => parent.at([*last]).map(|node| node.place),
        }
    }

    /// The same value without places.
    #[must_use]
    pub fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.data {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(number) => Value::Number(number.clone()),
            Data::String(text) => Value::String(text.to_string()),
            Data::Sequence(items) => Value::Array(items.iter().map(Node::to_value).collect()),
            Data::Mapping(mapping) => Value::Object(
                mapping.entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_value())).collect(),
            ),
        }
    }

    /// A node for a value that was not read from text; every node in it gets the one place.
    #[must_use]
    pub fn from_value(value: &serde_json::Value, place: Place) -> Self {
        use serde_json::Value;
        let data = match value {
            Value::Null => Data::Null,
            Value::Bool(value) => Data::Bool(*value),
            Value::Number(number) => Data::Number(number.clone()),
            Value::String(text) => Data::String(text.as_str().into()),
            Value::Array(items) => {
                Data::Sequence(items.iter().map(|item| Self::from_value(item, place)).collect())
            }
            Value::Object(entries) => Data::Mapping(Mapping {
                entries: entries
                    .iter()
                    .map(|(key, value)| Entry {
                        key: key.as_str().into(),
                        key_place: place,
                        value: Self::from_value(value, place),
                    })
                    .collect(),
            }),
        };
        Self { place, data }
    }
}
