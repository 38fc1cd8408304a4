//! `spec.azure`: Cluster API Provider Azure, `infrastructure.cluster.x-k8s.io/v1beta1`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ByRole, Overrides};

/// Microsoft Azure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Azure {
    /// The subscription. Cannot be changed later.
    #[serde(rename = "subscriptionID", skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"))]
    pub subscription_id: Option<String>,
    /// The resource group; made when absent. Default: the cluster's name. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    pub resource_group: Option<String>,
    /// The AzureClusterIdentity. Its `allowedNamespaces` must allow the cluster's hub namespace. Default
    /// `{name: cluster-identity, namespace: capz-system}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<AzureIdentity>,
    /// The Talos image: there is no official one in a gallery, so upload the Image Factory's Azure VHD
    /// (siderolabs/docs `cloud-platforms/azure.mdx`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<AzureImage>,
    /// The virtual network. Default `10.0.0.0/16`.
    #[serde(rename = "vnetCIDR", skip_serializing_if = "Option::is_none")]
    pub vnet_cidr: Option<String>,
    /// An existing virtual network, instead of a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vnet: Option<AzureVnet>,
    /// The subnets; inside the virtual network, apart from each other. Defaults `10.0.0.0/24` and `10.0.16.0/20`.
    #[serde(rename = "subnetCIDRs", skip_serializing_if = "Option::is_none")]
    pub subnet_cidrs: Option<AzureSubnets>,
    /// `Public` (default) or `Internal`. Cannot be changed later.
    #[serde(rename = "apiServerLB", skip_serializing_if = "Option::is_none")]
    pub api_server_lb: Option<AzureApiServerLb>,
    /// The private address of an internal API load balancer; inside the control plane's subnet.
    #[serde(rename = "apiServerIP", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    pub api_server_ip: Option<String>,
    /// The system disk; its size is `diskGiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_disk: Option<AzureOsDisk>,
    /// User-assigned managed identities for the cloud controller manager and the CSI drivers: full resource ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_assigned_identities: Option<ByRole>,
    /// Give every machine a public address, so that a hub outside the network reaches port 50000. Default false.
    #[serde(rename = "allocatePublicIP", skip_serializing_if = "Option::is_none")]
    pub allocate_public_ip: Option<bool>,
    /// Tags on every cloud resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// Raw fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
}

/// A reference to an AzureClusterIdentity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzureIdentity {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
    /// The namespace on the hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,
}

/// An image: either `id`, or `gallery` with `name` and `version`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzureImage {
    /// The full resource id of a managed image.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub id: Option<String>,
    /// The compute gallery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 80))]
    pub gallery: Option<String>,
    /// The image definition in the gallery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 80))]
    pub name: Option<String>,
    /// The image version, `Major.Minor.Build`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+$"))]
    pub version: Option<String>,
    /// The gallery's resource group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    pub resource_group: Option<String>,
    /// The gallery's subscription. Default: the cluster's.
    #[serde(rename = "subscriptionID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub subscription_id: Option<String>,
}

/// An existing virtual network.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzureVnet {
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub name: Option<String>,
    /// Its resource group.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    pub resource_group: Option<String>,
}

/// The subnets' CIDRs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzureSubnets {
    /// Of control planes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<String>,
    /// Of workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<String>,
}

/// Who reaches the API load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AzureApiServerLb {
    /// It has a public address.
    Public,
    /// It has an address in the control plane's subnet.
    Internal,
}

/// The system disk of Azure machines.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzureOsDisk {
    /// The storage class of the disk. Default `Premium_LRS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_account_type: Option<AzureDiskType>,
    /// Caching. Default `ReadWrite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caching_type: Option<AzureCaching>,
}

/// The storage classes of Azure disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AzureDiskType {
    /// Premium SSD.
    #[serde(rename = "Premium_LRS")]
    PremiumLrs,
    /// Premium SSD, zone-redundant.
    #[serde(rename = "Premium_ZRS")]
    PremiumZrs,
    /// Standard SSD.
    #[serde(rename = "StandardSSD_LRS")]
    StandardSsdLrs,
    /// Standard SSD, zone-redundant.
    #[serde(rename = "StandardSSD_ZRS")]
    StandardSsdZrs,
    /// Standard HDD.
    #[serde(rename = "Standard_LRS")]
    StandardLrs,
}

/// Caching of Azure disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AzureCaching {
    /// None.
    None,
    /// Reads.
    ReadOnly,
    /// Reads and writes.
    ReadWrite,
}
