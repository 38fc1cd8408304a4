//! Objects under check, and what a check says about them.

use serde_json::Value;

use crate::{
    finding::{Code, ObjectRef, Severity},
    yaml::pointer::FieldPath,
};

/// One Kubernetes object.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its whole content.
    pub value: Value,
    /// Its identity, taken from the content.
    pub id: ObjectRef,
}

impl Object {
    /// An object from its content.
    #[must_use]
    pub fn new(value: Value) -> Self {
        Self { id: ObjectRef::of(&value), value }
    }

    /// The API group, empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.id.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// The API version without its group.
    #[must_use]
    pub fn version(&self) -> &str {
        self.id.api_version.rsplit_once('/').map_or(&*self.id.api_version, |(_, version)| version)
    }

    /// Whether it is of this group and kind.
    #[must_use]
    pub fn is(&self, group: &str, kind: &str) -> bool {
        self.group() == group && self.id.kind == kind
    }

    /// The value at a dotted path of keys, for instance `spec.template.spec`; `None` if absent or `null`.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.value, |value, key| value.get(key)).filter(|value| !value.is_null())
    }

    /// The string at a dotted path of keys.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.at(path)?.as_str()
    }
}

/// A set of objects, with the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Objects {
    list: Vec<Object>,
}

impl Objects {
    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Object> {
        self.list.iter()
    }

    /// The one at a position.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&Object> {
        self.list.get(position)
    }

    /// Those of a group and kind, whatever their version.
    pub fn of<'set>(&'set self, group: &'set str, kind: &'set str) -> impl Iterator<Item = &'set Object> {
        self.list.iter().filter(move |object| object.is(group, kind))
    }

    /// The one with this group, kind, namespace and name.
    #[must_use]
    pub fn find(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Option<&Object> {
        self.list.iter().find(|object| {
            object.is(group, kind) && object.id.name == name && object.id.namespace.as_deref() == namespace
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl FromIterator<Object> for Objects {
    fn from_iter<Iter: IntoIterator<Item = Object>>(objects: Iter) -> Self {
        Self { list: objects.into_iter().collect() }
    }
}

impl<'set> IntoIterator for &'set Objects {
    type Item = &'set Object;
    type IntoIter = std::slice::Iter<'set, Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What a check has against a field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The stable code.
    pub code: &'static Code,
    /// How bad it is.
    pub severity: Severity,
    /// The object.
    pub object: ObjectRef,
    /// The field; for something that is missing, the field that should be there.
    pub path: FieldPath,
    /// What is wrong, in one sentence without a final stop.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Where the rule comes from when it is not in a schema: repository and path.
    pub source: Option<&'static str>,
}

impl Violation {
    /// An error about a field of an object.
    #[must_use]
    pub fn error(code: &'static Code, object: &Object, path: FieldPath, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            object: object.id.clone(),
            path,
            message: message.into(),
            hint: None,
            source: None,
        }
    }

    /// With another severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// With the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the origin of the rule.
    #[must_use]
    pub fn source(mut self, source: &'static str) -> Self {
        self.source = Some(source);
        self
    }
}
