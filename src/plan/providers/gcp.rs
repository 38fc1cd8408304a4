//! `spec.gcp`: Cluster API Provider GCP, `infrastructure.cluster.x-k8s.io/v1beta1`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByRole, Overrides};

/// Google Cloud.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gcp {
    /// The project. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([a-z0-9.]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$"))]
    pub project: Option<String>,
    /// The Talos image, a full reference (`projects/<project>/global/images/<name>`): from the release's
    /// `cloud-images.json`, or imported from the Image Factory's `gcp-amd64.raw.tar.gz`
    /// (siderolabs/docs `cloud-platforms/gcp.mdx`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub image: Option<String>,
    /// The VPC network. Default `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub network: Option<String>,
    /// The CIDR of a subnet that is made for the cluster in its region. Left out: the network makes its own subnets.
    #[serde(rename = "subnetCIDR", skip_serializing_if = "Option::is_none")]
    pub subnet_cidr: Option<String>,
    /// The service account of the machines, an e-mail address or `default`: what the cloud controller manager and the CSI
    /// driver may do. Default `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub service_account: Option<String>,
    /// The Secret with the controller's service account key, in the cluster's hub namespace. Left out: the controller's
    /// own credentials. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub credentials_secret: Option<String>,
    /// `External` (default), `Internal` or `InternalExternal`. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_type: Option<GcpLoadBalancer>,
    /// The root disk; its size is `diskGiB`. Defaults `pd-balanced` for both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_device_type: Option<ByRole>,
    /// Give every machine a public address; needed without Cloud NAT. Default false.
    #[serde(rename = "publicIP", skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<bool>,
    /// Labels on every cloud resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Raw fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
}

/// Who reaches the API load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GcpLoadBalancer {
    /// A global TCP proxy.
    External,
    /// An address in the network.
    Internal,
    /// Both.
    InternalExternal,
}
