//! The one diagnostic type.
//!
//! A finding says what is wrong, where the person who reads it can change that, and what to do next. Every room
//! makes findings and no room prints them: [`text`], [`json`] and [`sarif`] do, and `krm::results` for functions.

use crate::yaml::{Location, Origin, pointer::FieldPath};

pub mod code;
pub mod codes;
pub mod json;
pub mod sarif;
pub mod suggest;
pub mod text;

pub use code::{Class, Code};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing has to be done.
    Info,
    /// Probably not what was meant. `--strict` makes it an error.
    Warning,
    /// Nothing is written.
    Error,
}

impl std::fmt::Display for Severity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// The Kubernetes object that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectRef {
    /// `group/version`, or `version` for the core group.
    pub api_version: String,
    /// The kind.
    pub kind: String,
    /// The namespace, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectRef {
    /// The identity of an object as it stands in `apiVersion`, `kind` and `metadata`; missing parts are empty.
    #[must_use]
    pub fn of(object: &serde_json::Value) -> Self {
        let text = |value: Option<&serde_json::Value>| {
            value.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
        };
        let metadata = object.get("metadata");
        let meta = |key| metadata.and_then(|metadata| metadata.get(key));
        Self {
            api_version: text(object.get("apiVersion")),
            kind: text(object.get("kind")),
            namespace: meta("namespace").map(|namespace| text(Some(namespace))),
            name: text(meta("name")),
        }
    }
}

impl std::fmt::Display for ObjectRef {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.name.is_empty() {
            return write!(formatter, "{} without a name", self.kind);
        }
        write!(formatter, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(formatter, "{namespace}/")?;
        }
        formatter.write_str(&self.name)
    }
}

/// A second place that explains a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// What is there, for instance `first given here`.
    pub label: String,
    /// Where.
    pub location: Location,
}

/// Something that a person should know about the input or the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The stable code; `infraflux explain CODE` tells more.
    pub code: &'static Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence without a final stop.
    pub message: String,
    /// The object that it is about.
    pub object: Option<ObjectRef>,
    /// The field of that object, or of the plan.
    pub field: Option<FieldPath>,
    /// Where in the input the cause stands.
    pub location: Option<Location>,
    /// Other places that explain it.
    pub related: Vec<Related>,
    /// What to do next, in one sentence.
    pub hint: Option<String>,
    /// Where the rule behind it was read: repository and path.
    pub source: Option<&'static str>,
    /// Whether it is an error only because `--strict` made the warning one.
    pub was_warning: bool,
}

impl Finding {
    /// A finding of any severity.
    #[must_use]
    pub fn new(code: &'static Code, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            code,
            severity,
            message: message.into(),
            object: None,
            field: None,
            location: None,
            related: Vec::new(),
            hint: None,
            source: None,
            was_warning: false,
        }
    }

    /// An error.
    #[must_use]
    pub fn error(code: &'static Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    /// A warning.
    #[must_use]
    pub fn warning(code: &'static Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    /// A remark.
    #[must_use]
    pub fn info(code: &'static Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Info, message)
    }

    /// With the place of its cause.
    #[must_use]
    pub fn at(mut self, location: impl Into<Option<Location>>) -> Self {
        self.location = location.into();
        self
    }

    /// With the next step.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the field.
    #[must_use]
    pub fn field(mut self, field: FieldPath) -> Self {
        self.field = Some(field);
        self
    }

    /// What kind of trouble it is: its code's, but a wrong value of the plan that stands on the command line is a wrong command
    /// line. What later checks find about the cluster that comes of it (versions, rules, references) stays content, and so does
    /// what is an error with `--strict` only.
    #[must_use]
    pub fn class(&self) -> Class {
        match self.code.class {
            Class::Content
                if !self.was_warning
                    && ["IF00", "IF01", "IF02"].iter().any(|group| self.code.id.starts_with(group))
                    && self.location.as_ref().is_some_and(|place| place.origin() == Origin::Flag) =>
            {
                Class::Usage
            }
            class => class,
        }
    }

    /// With the object.
    #[must_use]
    pub fn object(mut self, object: ObjectRef) -> Self {
        self.object = Some(object);
        self
    }

    /// With another place that explains it; nothing happens without a place.
    #[must_use]
    pub fn related(mut self, label: impl Into<String>, location: Option<Location>) -> Self {
        if let Some(location) = location {
            self.related.push(Related { label: label.into(), location });
        }
        self
    }
}

/// What a run found. Order is the order of discovery, which is stable for equal input.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// Nothing found.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many of one severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.list.iter().filter(|finding| finding.severity == severity).count()
    }

    /// The first of those that say the same of the same place: what many share is wrong once.
    #[must_use]
    pub fn distinct(self) -> Self {
        let mut seen = std::collections::HashSet::new();
        let mut list = self.list;
        list.retain(|finding| {
            let place = finding.location.as_ref();
            let place = place.map(|location| (location.file().to_owned(), location.range().start));
            seen.insert((finding.code.id, place, finding.message.clone()))
        });
        Self { list }
    }

    /// The same in the order of the texts that they are about; those without a place come first.
    #[must_use]
    pub fn by_place(self) -> Self {
        let mut list = self.list;
        list.sort_by_key(|finding| {
            finding.location.as_ref().map(|place| (place.file().to_owned(), place.range().start))
        });
        Self { list }
    }

    /// `--strict`: warnings become errors.
    pub fn make_strict(&mut self) {
        for finding in &mut self.list {
            if finding.severity == Severity::Warning {
                finding.severity = Severity::Error;
                finding.was_warning = true;
            }
        }
    }

    /// The exit code that these findings mean: 0 without errors, else the worst of
    /// 1 (the content is wrong), 2 (the command line is wrong), 3 (the operating system said no).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        self.list
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .map(|finding| finding.class().exit_code())
            .max()
            .unwrap_or(0)
    }
}

impl From<Finding> for Findings {
    fn from(finding: Finding) -> Self {
        Self { list: vec![finding] }
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<Iter: IntoIterator<Item = Finding>>(findings: Iter) -> Self {
        Self { list: findings.into_iter().collect() }
    }
}

impl Extend<Finding> for Findings {
    fn extend<Iter: IntoIterator<Item = Finding>>(&mut self, findings: Iter) {
        self.list.extend(findings);
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'findings> IntoIterator for &'findings Findings {
    type Item = &'findings Finding;
    type IntoIter = std::slice::Iter<'findings, Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}
