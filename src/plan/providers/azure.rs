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
    #[schemars(length(min = 1, max = 90), regex(pattern = r"^[A-Za-z0-9_().-]*[A-Za-z0-9_()-]$"))]
    pub resource_group: Option<String>,
    /// The AzureClusterIdentity. Its `allowedNamespaces` must allow the cluster's hub namespace. Default
    /// `{name: cluster-identity, namespace: capz-system}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<AzureIdentity>,
    /// The Talos image: there is no official one in a gallery, so upload the Image Factory's Azure VHD
    /// (siderolabs/docs `cloud-platforms/azure.mdx`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<AzureImage>,
    /// The cloud. Default `AzurePublicCloud`. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub azure_environment: Option<AzureEnvironment>,
    /// The CIDR of a new virtual network. Default `10.0.0.0/16`; Cluster API Provider Azure's own default is all of
    /// `10.0.0.0/8`, in which pods and services lie.
    #[serde(rename = "vnetCIDR", skip_serializing_if = "Option::is_none")]
    pub vnet_cidr: Option<String>,
    /// An existing virtual network, instead of a new one; needs `subnetNames` and the `subnetCIDRs` that it has. Its security groups, routes and way out are
    /// then the owner's work: Cluster API Provider Azure leaves them alone
    /// (`azure/services/securitygroups/securitygroups.go`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vnet: Option<AzureVnet>,
    /// The subnets; inside the virtual network, apart from each other. Defaults `10.0.0.0/24` and `10.0.16.0/20`.
    #[serde(rename = "subnetCIDRs", skip_serializing_if = "Option::is_none")]
    pub subnet_cidrs: Option<AzureSubnets>,
    /// The subnets' names. Default `<cluster>-controlplane-subnet` and `<cluster>-node-subnet` in a new network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_names: Option<AzureSubnets>,
    /// Networks that a new virtual network is peered with, both ways; of the same subscription. A hub in one of them reaches
    /// the machines, and the private DNS zone of an internal API is linked to them
    /// (kubernetes-sigs/cluster-api-provider-azure `docs/book/src/self-managed/custom-vnet.md`, `azure/scope/cluster.go`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub peerings: Option<Vec<AzurePeering>>,
    /// `Public` (default) or `Internal`. Cannot be changed later.
    #[serde(rename = "apiServerLB", skip_serializing_if = "Option::is_none")]
    pub api_server_lb: Option<AzureApiServerLb>,
    /// The private address of an internal API load balancer; inside the control plane's subnet. Needed for `Internal`,
    /// cannot be changed later.
    #[serde(rename = "apiServerIP", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    pub api_server_ip: Option<String>,
    /// Zones of an internal API load balancer's address: all three make it zone-redundant. Default none, because not every
    /// region has zones. A public address is spread by itself. Cannot be changed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 3))]
    pub load_balancer_zones: Option<Vec<String>>,
    /// From where port 6443 is reached. Default: everywhere, as Cluster API Provider Azure has it. Machines that reach the
    /// API by its public address come from the NAT gateway's address, so that has to be among them.
    #[serde(rename = "apiServerCIDRs", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub api_server_cidrs: Option<Vec<String>>,
    /// More ports of the API load balancer, for instance 50000 for `talosctl` from outside. They share its probe, HTTPS
    /// `/readyz` of the API server (`azure/services/loadbalancers/spec.go`).
    #[serde(rename = "additionalAPIServerLBPorts", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub additional_api_server_lb_ports: Option<Vec<AzurePort>>,
    /// How control planes behind an internal API load balancer reach the internet. Default `LoadBalancer`. Cannot be changed
    /// later. Behind a public one, that one carries their traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane_outbound: Option<AzureOutbound>,
    /// How workers in an existing network reach the internet. Default `None`: as the network has it. In a new network it is
    /// refused: workers have a NAT gateway there, which Cluster API Provider Azure makes in any case
    /// (`internal/api/v1beta1/azurecluster_default.go`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_outbound: Option<AzureOutbound>,
    /// The private DNS zone of an internal API. Default: one that is made, `<cluster>.capz.io`. Cannot be changed later.
    #[serde(rename = "privateDNSZone", skip_serializing_if = "Option::is_none")]
    pub private_dns_zone: Option<AzurePrivateDnsZone>,
    /// The system disk; its size is `diskGiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_disk: Option<AzureOsDisk>,
    /// Encryption of disks and caches on the host. Needs the feature `Microsoft.Compute/EncryptionAtHost` in the
    /// subscription. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_at_host: Option<bool>,
    /// Accelerated networking. Default: on where the machine type has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerated_networking: Option<bool>,
    /// User-assigned managed identities, full resource ids: what the cloud controller manager (control planes) and the disk
    /// driver (workers) may do, when their configuration says `useManagedIdentityExtension`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_assigned_identities: Option<ByRole>,
    /// Give workers public addresses. Default false. Control planes never get one, whatever a template says
    /// (`azure/scope/machine.go`, BuildNICSpec), so this does not replace a route from the hub to port 50000.
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
    /// The full resource id of a gallery image version or a managed image.
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
    /// The resource group of a gallery of one's own; left out for a community gallery.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    pub resource_group: Option<String>,
    /// The subscription of a gallery of one's own. Default: the cluster's.
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
    /// Its resource group. Default: the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    pub resource_group: Option<String>,
}

/// A network to be peered with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzurePeering {
    /// Its name.
    #[schemars(length(min = 1, max = 64))]
    pub remote_vnet_name: String,
    /// Its resource group. Default: the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    pub resource_group: Option<String>,
}

/// A port of the API load balancer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzurePort {
    /// What it is for.
    #[schemars(length(min = 1, max = 80))]
    pub name: String,
    /// The port.
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
}

/// The private DNS zone of an internal API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AzurePrivateDnsZone {
    /// Its name; the API is `apiserver` in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub name: Option<String>,
    /// Its resource group; needs `name`. Default: the cluster's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 90))]
    pub resource_group: Option<String>,
}

/// Azure's clouds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AzureEnvironment {
    /// The public one.
    AzurePublicCloud,
    /// The one of the United States' government.
    AzureUSGovernmentCloud,
    /// The one in China.
    AzureChinaCloud,
}

/// A way out to the internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AzureOutbound {
    /// A load balancer that is made for it.
    LoadBalancer,
    /// Nothing that Cluster API makes: the network has its own, a firewall or a NAT gateway.
    None,
}

/// A value for each subnet.
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
    /// Caching. Default `ReadOnly`: with `ReadWrite` a write of etcd may lie in the host's cache only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caching_type: Option<AzureCaching>,
    /// The disk encryption set with a key of your own: its full resource id, of the cluster's subscription.
    #[serde(rename = "diskEncryptionSetID", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub disk_encryption_set_id: Option<String>,
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
