//! The block of the chosen provider.

pub mod aws;
pub mod azure;
pub mod gcp;
pub mod proxmox;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use aws::Aws;
pub use azure::{Azure, AzureApiServerLb, AzureOutbound};
pub use gcp::{Gcp, GcpLoadBalancer};
pub use proxmox::{Proxmox, ProxmoxCcm};

use super::schema;

/// Raw fields for what InfraFlux does not model: merged into the infrastructure objects and checked like the rest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Overrides {
    /// Fields of the infrastructure cluster's `spec` (AWSCluster, ...).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_mapping")]
    pub cluster: Option<Map<String, Value>>,
    /// Fields of the control plane's machine template, `spec.template.spec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_mapping")]
    pub control_plane: Option<Map<String, Value>>,
    /// Fields of every worker pool's machine template, `spec.template.spec`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_mapping")]
    pub workers: Option<Map<String, Value>>,
}

/// A value for the control plane and one for workers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ByRole {
    /// For control planes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub control_plane: Option<String>,
    /// For workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub workers: Option<String>,
}
