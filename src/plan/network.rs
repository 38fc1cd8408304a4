//! Networks and the API endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The networks of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Network {
    /// Pod networks, one for each address family. Default `[10.244.0.0/16]`.
    #[serde(rename = "podCIDRs", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2))]
    pub pod_cidrs: Option<Vec<String>>,
    /// Service networks, one for each address family. Default `[10.96.0.0/12]`.
    #[serde(rename = "serviceCIDRs", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2))]
    pub service_cidrs: Option<Vec<String>>,
    /// The DNS domain of services. Default `cluster.local`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub service_domain: Option<String>,
    /// Where the Kubernetes API is reached. Needed on Proxmox; on the clouds the load balancer decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Networks from which the hub and operators reach the Talos API (50000) and, where the provider can restrict it,
    /// the Kubernetes API (6443). Default none: 50000 is then not opened from outside, on AWS and Google Cloud not even from the
    /// same network.
    #[serde(rename = "managementCIDRs", skip_serializing_if = "Option::is_none")]
    pub management_cidrs: Option<Vec<String>>,
    /// Networks from which nodes pick their address (kubelet node IP, etcd). Default: Talos decides, which is right for
    /// machines with one address.
    #[serde(rename = "nodeCIDRs", skip_serializing_if = "Option::is_none")]
    pub node_cidrs: Option<Vec<String>>,
}

/// A host and a port.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Endpoint {
    /// An IP address or a DNS name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub host: Option<String>,
    /// The port. Default 6443.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
}
