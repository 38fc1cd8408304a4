//! `management/profiles/compatibility.yaml`: which versions go with which, and when something ends.

use std::{collections::BTreeMap, fmt};

use semver::Version;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::Catalog;
use crate::finding::{Findings, codes};

/// The file, beside the profiles.
pub const PATH: &str = "management/profiles/compatibility.yaml";

/// A minor version, for instance `1.36`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(pub u64, pub u64);

impl Minor {
    /// That of a full version.
    #[must_use]
    pub fn of(version: &Version) -> Self {
        Self(version.major, version.minor)
    }

    /// Reads `1.36`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<De: Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| De::Error::custom(format!("`{text}` is not a minor version")))
    }
}

/// Minors from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Range(pub Minor, pub Minor);

impl Range {
    /// Whether a minor is one of them.
    #[must_use]
    pub fn has(&self, minor: Minor) -> bool {
        (self.0..=self.1).contains(&minor)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { self.0.fmt(formatter) } else { write!(formatter, "{} to {}", self.0, self.1) }
    }
}

/// The tables.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Compatibility {
    /// Talos and Kubernetes.
    pub talos: Table,
    /// Cluster API and Kubernetes.
    #[serde(rename = "clusterAPI")]
    pub cluster_api: Table,
    /// What components say of the versions around them, by their names in profiles.
    pub components: BTreeMap<String, Lines>,
    /// Pairs that do not work.
    pub known_bad: Vec<KnownBad>,
    /// What ends.
    pub end_of_service: Vec<EndOfService>,
}

/// Which minors of Kubernetes go with which minors of something.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Table {
    /// Where it was read.
    pub source: String,
    /// When that was written.
    pub date: String,
    /// By minor of that something.
    pub kubernetes: BTreeMap<String, Support>,
}

/// What is said about one minor.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Support {
    /// Minors of Kubernetes that the program takes at all.
    pub accepted: Option<Range>,
    /// Minors that its project declares.
    pub declared: Option<Range>,
    /// The first patch that takes a minor.
    #[serde(default)]
    pub from: BTreeMap<String, Version>,
}

/// The lines of a component.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lines {
    /// Where it was read.
    pub source: String,
    /// When that was written.
    pub date: String,
    /// By minor of the component.
    pub lines: BTreeMap<String, Line>,
}

/// What one line of a component says.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// Minors of Talos.
    pub talos: Option<Range>,
    /// Minors of Kubernetes.
    pub kubernetes: Option<Range>,
    /// Minors of Cluster API that it names or is built on.
    #[serde(rename = "clusterAPI")]
    pub cluster_api: Option<Range>,
    /// The contract of Cluster API that it speaks.
    pub contract: Option<String>,
    /// The first patch that takes a minor, by what it is a minor of (`talos`).
    #[serde(default)]
    pub from: BTreeMap<String, BTreeMap<String, Version>>,
}

/// A pair that does not work.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KnownBad {
    /// One of the two, by its name in profiles, or `talos` or `kubernetes`.
    pub component: String,
    /// All of these versions.
    #[serde(default)]
    pub versions: Vec<Version>,
    /// Or all of this minor.
    pub line: Option<Minor>,
    /// The other one.
    pub with: With,
    /// Why.
    pub reason: String,
    /// What to use instead.
    pub remedy: String,
    /// Where it was read.
    pub source: String,
}

/// The other half of a pair.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct With {
    /// Its name in profiles.
    pub component: String,
    /// Its minor.
    pub line: Minor,
}

/// Something that ends.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EndOfService {
    /// What ends.
    pub what: String,
    /// When, `YYYY-MM-DD`.
    pub date: String,
    /// The component, by its name in profiles, or `talos` or `kubernetes`.
    pub component: Option<String>,
    /// Its minor.
    pub line: Option<Minor>,
    /// Instead of a component: all that speak this contract of Cluster API.
    pub contract: Option<String>,
    /// Why, or what it means.
    pub reason: String,
    /// Where it was read.
    pub source: String,
}

impl KnownBad {
    /// Whether a version is the first half of the pair.
    #[must_use]
    pub fn is_of(&self, version: &Version) -> bool {
        self.versions.contains(version) || self.line == Some(Minor::of(version))
    }
}

impl Catalog {
    /// Reads the tables.
    pub fn compatibility(&self) -> Result<Compatibility, Findings> {
        self.read(PATH, &codes::COMPATIBILITY)
    }
}
