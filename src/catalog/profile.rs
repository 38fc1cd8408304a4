//! `management/profiles/<name>.yaml`: a named, tested set of versions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Catalog;
use crate::finding::{Findings, codes};

/// A profile.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// `infraflux.io/v1alpha1`.
    pub api_version: String,
    /// `Profile`.
    pub kind: String,
    /// Its name.
    pub metadata: super::bundle::BundleMetadata,
    /// Everything else.
    pub spec: ProfileSpec,
}

/// The content of a profile.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProfileSpec {
    /// What it is for, in a few sentences.
    pub description: String,
    /// Not every part has been checked together.
    #[serde(default)]
    pub experimental: bool,
    /// Kinds whose schemas could not be had, so that nothing checks them.
    #[serde(default)]
    pub unchecked_schemas: Vec<String>,
    /// Kubernetes.
    pub kubernetes: Releases,
    /// Talos.
    pub talos: Releases,
    /// Everything that is installed, by short name (`clusterAPI`, `bootstrapTalos`, `aws`, `cilium`, ...).
    pub components: BTreeMap<String, Component>,
    /// API versions by short name (`core`, `controlPlane`, `bootstrap`, `aws`, ...).
    pub api_versions: BTreeMap<String, String>,
}

/// The releases of Kubernetes or Talos that a profile knows.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Releases {
    /// The minor that a plan gets when it says nothing, for instance `1.36`.
    pub default: String,
    /// The newest known patch of each minor.
    pub newest: BTreeMap<String, Component>,
}

/// A pinned version and how it was established.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Component {
    /// The version, as its project writes it.
    pub version: String,
    /// When it was released or seen.
    pub date: String,
    /// Where it was seen: repository and path, or a document.
    pub source: String,
    /// The project's own repository or registry, where `init` fetches it from.
    pub url: Option<String>,
    /// The Cluster API contract that it declares.
    pub contract: Option<String>,
}

impl Catalog {
    /// The names of all profiles.
    #[must_use]
    pub fn profile_names(&self) -> Vec<&str> {
        self.yaml_in("management/profiles")
            .filter_map(|(path, _)| path.strip_prefix("management/profiles/")?.strip_suffix(".yaml"))
            .filter(|name| *name != "compatibility")
            .collect()
    }

    /// Reads a profile.
    pub fn profile(&self, name: &str) -> Result<Profile, Findings> {
        self.read(&format!("management/profiles/{name}.yaml"), &codes::PROFILE)
    }
}

impl ProfileSpec {
    /// The version of a component.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.get(name)
    }
}
