//! `recipes/<bundle>/bundle.yaml`: what a bundle is and needs.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Catalog;
use crate::{
    finding::{Findings, codes},
    plan::{Provider, recipe::Stage},
    template::Condition,
};

/// A bundle's description.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bundle {
    /// `infraflux.io/v1alpha1`.
    pub api_version: String,
    /// `Bundle`.
    pub kind: String,
    /// Its name.
    pub metadata: BundleMetadata,
    /// Everything else.
    pub spec: BundleSpec,
}

/// A bundle's name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleMetadata {
    /// The name; the same as the folder's.
    pub name: String,
}

/// What a bundle is and needs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleSpec {
    /// What it is, in one line.
    pub description: String,
    /// Bundles that have to be ready first.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// The providers that it fits; all when left out.
    pub providers: Option<Vec<Provider>>,
    /// Talos system extensions that its pods need on the nodes; they join the Image Factory schematic.
    #[serde(default)]
    pub talos_extensions: Vec<BundleExtension>,
    /// How long Flux waits for each stage, as Go durations.
    #[serde(default)]
    pub timeouts: BTreeMap<Stage, String>,
    /// The variables of its files.
    #[serde(default)]
    pub variables: Vec<BundleVariable>,
    /// Secrets that a person must provide.
    #[serde(default)]
    pub secrets: Vec<BundleSecret>,
}

/// A Talos extension that a bundle needs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleExtension {
    /// Its name, for instance `siderolabs/iscsi-tools`.
    pub name: String,
    /// The providers on which it is needed; all when left out.
    pub providers: Option<Vec<Provider>>,
}

/// A variable of a bundle (Flux `postBuild.substitute`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleVariable {
    /// `lower_snake`.
    pub name: String,
    /// What its value must be.
    #[serde(rename = "type")]
    pub kind: VariableType,
    /// What it is for.
    pub description: String,
    /// The value when a plan gives none; may hold `${common_variables}`.
    pub default: Option<serde_json::Value>,
    /// A plan must give it.
    #[serde(default)]
    pub required: bool,
    /// A sample, for tests and documentation.
    pub example: Option<serde_json::Value>,
    /// A regular expression that the whole value must match.
    pub pattern: Option<Pattern>,
    /// The providers whose clusters have it; all when left out. On others it needs no value.
    pub providers: Option<Vec<Provider>>,
    /// The default works nowhere and is there only so that a first render needs no file.
    #[serde(default)]
    pub placeholder: bool,
}

impl BundleVariable {
    /// Whether clusters of a provider have it.
    #[must_use]
    pub fn is_for(&self, provider: Provider) -> bool {
        self.providers.as_ref().is_none_or(|providers| providers.contains(&provider))
    }
}

/// A regular expression over a whole value, compiled when its file is read.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    regex: regex::Regex,
}

impl Pattern {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole value fits.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        self.regex.is_match(value)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<De: serde::Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        let text = String::deserialize(deserializer)?;
        let regex = regex::Regex::new(&format!("^(?:{text})$")).map_err(serde::de::Error::custom)?;
        Ok(Self { text, regex })
    }
}

/// The types of variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableType {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
}

/// A Secret that a person must provide.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BundleSecret {
    /// Its name.
    pub name: String,
    /// Where it must exist.
    pub cluster: SecretCluster,
    /// Its namespace; on the hub `${cluster_namespace}` stands for the cluster's.
    pub namespace: String,
    /// Its keys.
    pub keys: Vec<String>,
    /// What reads it.
    pub reader: String,
    /// What it holds.
    pub description: String,
    /// Whether the bundle fails without it.
    #[serde(default)]
    pub required: bool,
    /// The providers on which it is needed; all when left out.
    pub providers: Option<Vec<Provider>>,
    /// It is needed only with these features, written like a template's condition.
    #[serde(default, deserialize_with = "condition")]
    pub when: Option<Condition>,
}

fn condition<'de, De: serde::Deserializer<'de>>(deserializer: De) -> Result<Option<Condition>, De::Error> {
    let text = String::deserialize(deserializer)?;
    Condition::parse(&text).map(Some).ok_or_else(|| {
        serde::de::Error::custom(format!("`{text}` is not a condition: write `feature, !other`"))
    })
}

/// Where a Secret must exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretCluster {
    /// On the management cluster.
    Hub,
    /// On the cluster that the plan describes.
    Workload,
}

impl Catalog {
    /// The names of all bundles.
    #[must_use]
    pub fn bundle_names(&self) -> Vec<&str> {
        self.folders_in("recipes")
            .into_iter()
            .filter(|name| self.get(&format!("recipes/{name}/bundle.yaml")).is_some())
            .collect()
    }

    /// Reads a bundle.
    pub fn bundle(&self, name: &str) -> Result<Bundle, Findings> {
        self.read(&format!("recipes/{name}/bundle.yaml"), &codes::CATALOG_FILE)
    }
}
