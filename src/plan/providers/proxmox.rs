//! `spec.proxmox`: Cluster API Provider Proxmox, `infrastructure.cluster.x-k8s.io/v1alpha2`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Overrides;

/// Proxmox Virtual Environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Proxmox {
    /// IPv4 addresses for machines: addresses, ranges `192.0.2.20-192.0.2.60` or CIDRs. Not the endpoint. A rollout needs
    /// one address more than there are machines, for the control plane and for each pool.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub addresses: Option<Vec<String>>,
    /// The prefix length of the IPv4 network.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 32))]
    pub prefix: Option<i32>,
    /// The IPv4 gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    pub gateway: Option<String>,
    /// IPv6 addresses for machines.
    #[serde(rename = "addressesV6", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub addresses_v6: Option<Vec<String>>,
    /// The prefix length of the IPv6 network.
    #[serde(rename = "prefixV6", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 128))]
    pub prefix_v6: Option<i32>,
    /// The IPv6 gateway.
    #[serde(rename = "gatewayV6", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    pub gateway_v6: Option<String>,
    /// Name servers of the machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub dns_servers: Option<Vec<String>>,
    /// Tags that the VM template carries; machines are cloned from the template that has exactly these. Default
    /// `[talos]`. Either this, or `templateID` with `sourceNode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub template_tags: Option<Vec<String>>,
    /// The id of the VM template, a Talos nocloud image with a free `ide0`.
    #[serde(rename = "templateID", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 999_999_999))]
    pub template_id: Option<i32>,
    /// The Proxmox node that holds the template.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub source_node: Option<String>,
    /// The network bridge. Default `vmbr0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 15))]
    pub bridge: Option<String>,
    /// The VLAN tag. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4094))]
    pub vlan: Option<i32>,
    /// The MTU of the network device; 1 means the bridge's. Default: the provider's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65520))]
    pub mtu: Option<i32>,
    /// The Proxmox nodes that machines may run on. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub allowed_nodes: Option<Vec<String>>,
    /// The storage for disks of full clones. Default: the template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub storage: Option<String>,
    /// The format of disks of full clones. Default: the storage's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<ProxmoxDiskFormat>,
    /// Full clones (default) or linked ones. `storage` and `format` need full clones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full: Option<bool>,
    /// The disk of the VM template that becomes the system disk. Default `scsi0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub boot_disk: Option<String>,
    /// CPU sockets; the cores of a machine (`cpu`) are spread over them, rounded up. Default 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4))]
    pub sockets: Option<i32>,
    /// The Proxmox pool for the machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub pool: Option<String>,
    /// Tags on the machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The range of ids for the machines. Default: the next free id. Clusters need ranges of their own.
    #[serde(rename = "vmIDRange", skip_serializing_if = "Option::is_none")]
    pub vm_id_range: Option<ProxmoxIdRange>,
    /// How much of a node's memory may be given out, in percent: 100 (default) is all, 0 does not look at memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1000))]
    pub memory_adjustment: Option<i64>,
    /// The Secret with `url`, `token` and `secret` of the Proxmox API, in the cluster's hub namespace. Left out: the
    /// controller's own credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub credentials_secret: Option<String>,
    /// Which cloud controller manager gives nodes their provider id: `talos` (default; reads the machine's metadata), or
    /// `proxmox` (asks the Proxmox API and sets zone labels, which the Proxmox CSI driver needs).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_controller_manager: Option<ProxmoxCcm>,
    /// Which link of a control plane carries the endpoint when that is an address, as a CEL expression over `link`
    /// (Talos `LinkAliasConfig`); it must match one link. Default `link.driver == "virtio_net"`, the one network device that
    /// InfraFlux renders. `null`: something else answers for the endpoint, a load balancer for instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub endpoint_link: Option<String>,
    /// The Proxmox API with its path, `https://pve.example.org:8006/api2/json`, as machines of the cluster reach it; with the
    /// `proxmox` cloud controller manager.
    #[serde(rename = "apiURL", skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^https?://.+/api2/json$"))]
    pub api_url: Option<String>,
    /// Whether the `proxmox` cloud controller manager and the CSI driver take any certificate of that API. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_insecure: Option<bool>,
    /// The storage of which the CSI driver makes volumes, for a StorageClass `proxmox`; with the `proxmox` cloud controller
    /// manager. Left out: no StorageClass, unless `addons.cloudProvider.csiValues` brings some.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub csi_storage: Option<String>,
    /// Name of the Proxmox region in node labels; with the `proxmox` cloud controller manager. Default: `spec.region`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub region_label: Option<String>,
    /// Raw fields.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Overrides>,
}

/// Formats of disks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProxmoxDiskFormat {
    /// Raw.
    Raw,
    /// QEMU copy-on-write.
    Qcow2,
    /// VMware.
    Vmdk,
}

/// A range of VM ids.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProxmoxIdRange {
    /// The first id.
    #[schemars(range(min = 100, max = 999_999_999))]
    pub start: i64,
    /// The last id.
    #[schemars(range(min = 100, max = 999_999_999))]
    pub end: i64,
}

/// Cloud controller managers for Proxmox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProxmoxCcm {
    /// Talos CCM.
    #[default]
    Talos,
    /// Proxmox CCM in `capmox` mode.
    Proxmox,
}
