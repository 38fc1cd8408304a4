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
    /// An existing VPC network; machines without an address of their own need Cloud NAT in it. Left out: the provider makes
    /// a network of the cluster's name, with Cloud NAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    pub network: Option<String>,
    /// An existing subnet of that network in the plan's region. Left out: the provider makes one of the cluster's name with
    /// `subnetCIDR`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"))]
    pub subnet: Option<String>,
    /// The addresses of the subnet that is made; with `subnet` it means nothing. Default `10.0.0.0/16`.
    #[serde(rename = "subnetCIDR", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 18))]
    pub subnet_cidr: Option<String>,
    /// The project of a shared VPC, with `network` and `subnet` in it. The provider makes no firewall rules there. Default:
    /// the network lies in `project`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^([a-z0-9.]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$"))]
    pub host_project: Option<String>,
    /// The MTU in bytes of a network that is made. Default: the provider's, 1460.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1300, max = 8896))]
    pub mtu: Option<i64>,
    /// The service account of the machines, an e-mail address or `default`: what the cloud controller manager and the CSI
    /// driver may do. Default `default`, the project's Compute Engine account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub service_account: Option<String>,
    /// The access scopes of the service account. Default `[https://www.googleapis.com/auth/cloud-platform]`, which leaves
    /// the limits to its roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub service_account_scopes: Option<Vec<String>>,
    /// The Secret with the controller's service account key, in the cluster's hub namespace. Left out: the controller's
    /// own credentials. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub credentials_secret: Option<String>,
    /// The load balancer of the Kubernetes API: `External` (default), `Internal` or `InternalExternal`. The internal one
    /// takes `spec.network.endpoint.host`, a free address of the subnet. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_type: Option<GcpLoadBalancer>,
    /// From where the internal address answers: `Regional` or `Global`. Default: the provider's, `Regional`. Cannot be changed
    /// later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal_access: Option<GcpInternalAccess>,
    /// The root disk; its size is `diskGiB`. Defaults `pd-balanced` for both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_device_type: Option<ByRole>,
    /// Give every machine a public address; needed without Cloud NAT. Default false.
    #[serde(rename = "publicIP", skip_serializing_if = "Option::is_none")]
    pub public_ip: Option<bool>,
    /// Whether machines may send packets with addresses that are not theirs: `Disabled` (default; Cilium's tunnels carry node
    /// addresses) or `Enabled` (native routing).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_forwarding: Option<GcpSwitch>,
    /// More network tags on the machines, for firewall rules of your own. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 62))]
    pub network_tags: Option<Vec<String>>,
    /// Disks beside the system disk, for `spec.talos.userVolumes`. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_disks: Option<GcpDisks>,
    /// Shielded VM. Needs an image with the guest OS feature `UEFI_COMPATIBLE`, as Talos' own has. Default: Google's choice for the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shielded_instance_config: Option<GcpShieldedInstanceConfig>,
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
    /// An address in the subnet.
    Internal,
    /// Both; the endpoint of the cluster is the external one.
    InternalExternal,
}

/// From where an internal address answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GcpInternalAccess {
    /// The region.
    Regional,
    /// All regions.
    Global,
}

/// On or off, as the provider writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GcpSwitch {
    /// On.
    Enabled,
    /// Off.
    Disabled,
}

/// Disks beside the system disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GcpDisks {
    /// Of control planes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub control_plane: Option<Vec<GcpDisk>>,
    /// Of workers, in every pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub workers: Option<Vec<GcpDisk>>,
}

/// A disk beside the system disk.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GcpDisk {
    /// The disk type, for instance `pd-ssd`; the provider stops without one.
    #[schemars(length(min = 1))]
    pub device_type: String,
    /// The size in GB.
    #[schemars(range(min = 10, max = 65536))]
    pub size: i64,
}

/// Shielded VM.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GcpShieldedInstanceConfig {
    /// Boot only what is signed with keys of the image. Default: the provider's, `Disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_boot: Option<GcpSwitch>,
    /// A virtual TPM. Default: the provider's, `Enabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtualized_trusted_platform_module: Option<GcpSwitch>,
    /// Compare each boot with the first. Default: the provider's, `Enabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integrity_monitoring: Option<GcpSwitch>,
}
