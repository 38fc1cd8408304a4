//! `ClusterPlan`: one cluster as its owner writes it.

use std::collections::BTreeMap;

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    addons::Addons,
    gitops::GitOps,
    machines::{ControlPlane, Pool},
    network::Network,
    providers::{Aws, Azure, Gcp, Proxmox},
    recipe::Recipe,
    schema,
    talos::Talos,
};

/// What a cluster shall be. Every field may be left out: layers below give it, see `infraflux schema`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "infraflux.io",
    version = "v1alpha1",
    kind = "ClusterPlan",
    plural = "clusterplans",
    shortname = "cplan",
    category = "infraflux",
    namespaced,
    derive = "PartialEq",
    crates(kube_core = "::kube_core"),
    doc = "A cluster as its owner writes it; InfraFlux renders everything that it needs."
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterPlanSpec {
    /// Where the machines are: `aws`, `azure`, `gcp` or `proxmox`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
    /// The provider's region. On Proxmox a name of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub region: Option<String>,
    /// The set of versions: `stable` (default) or `current`, or one of your own in `management/profiles/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub profile: Option<String>,
    /// The hub namespace of the cluster's objects, one for each cluster. Default: the cluster's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
    /// Kubernetes, as a minor (`"1.36"`: the newest patch that the profile knows) or in full (`"1.36.4"`); in quotes,
    /// because 1.30 is the number 1.3. Default: the profile's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^v?1\.[0-9]+(\.[0-9]+)?$"))]
    pub kubernetes_version: Option<String>,
    /// The operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub talos: Option<Talos>,
    /// Networks and the API endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// The control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<ControlPlane>,
    /// Worker pools. Left out: one pool `default`. `[]`: none, control planes take pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workers: Option<Vec<Pool>>,
    /// CNI, gateway, cloud provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addons: Option<Addons>,
    /// Recipe bundles: names, or `{name, variables, patches}`. Default `[base]`; `base` is implied in a list that is not
    /// empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::recipes")]
    pub recipes: Option<Vec<Recipe>>,
    /// Where Flux finds the catalogue, and how it reconciles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gitops: Option<GitOps>,
    /// Variables for templates of your own: `${NAME}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::scalars")]
    pub variables: Option<BTreeMap<String, Value>>,
    /// Amazon Web Services; only with `provider: aws`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws: Option<Aws>,
    /// Microsoft Azure; only with `provider: azure`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure: Option<Azure>,
    /// Google Cloud; only with `provider: gcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gcp: Option<Gcp>,
    /// Proxmox Virtual Environment; only with `provider: proxmox`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxmox: Option<Proxmox>,
}

/// The providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Amazon Web Services.
    Aws,
    /// Microsoft Azure.
    Azure,
    /// Google Cloud.
    Gcp,
    /// Proxmox Virtual Environment.
    Proxmox,
}

impl Provider {
    /// All providers: the registry. A new one is a row here, a block in `plan::providers`, and files under
    /// `clusters/<name>/`.
    pub const ALL: [Self; 4] = [Self::Aws, Self::Azure, Self::Gcp, Self::Proxmox];

    /// The word of the plan, and the folder under `clusters/`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Gcp => "gcp",
            Self::Proxmox => "proxmox",
        }
    }

    /// The provider of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str() == word)
    }
}

impl std::fmt::Display for Provider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
