//! What a cluster gets beside the machines: CNI, gateway, cloud provider.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::schema;

/// Add-ons.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Addons {
    /// The CNI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cilium: Option<Cilium>,
    /// The Gateway API controller and a Gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<Gateway>,
    /// The cloud controller manager and the CSI driver that the provider needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_provider: Option<CloudProvider>,
}

/// Cilium.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Cilium {
    /// Default true. `false` leaves Talos its own CNI and kube-proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Replace kube-proxy. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kube_proxy_replacement: Option<bool>,
    /// Hubble with relay and UI. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hubble: Option<bool>,
    /// Encryption between nodes. Default none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// The number of this cluster in a cluster mesh, 1 to 255 and unique in it. Left out: no mesh.
    #[serde(rename = "clusterID", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 255))]
    pub cluster_id: Option<i32>,
    /// Addresses for Services of type LoadBalancer where no cloud gives them (Proxmox).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,
    /// Helm values, merged last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_mapping")]
    pub values: Option<Map<String, Value>>,
}

/// Encryption between nodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// None.
    #[default]
    None,
    /// WireGuard; needs no key material.
    Wireguard,
}

/// Addresses for load balancer Services and how they are announced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LoadBalancer {
    /// How addresses are announced: `l2` (ARP and NDP) or `bgp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<LoadBalancerMode>,
    /// The addresses: CIDRs, or ranges `192.0.2.200-192.0.2.220`. Outside `proxmox.addresses`, and without the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<String>>,
    /// `l2`: regular expressions for the interfaces that announce. Default `["^e(th|n[a-z0-9]+)"]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interfaces: Option<Vec<String>>,
    /// `bgp`: the autonomous system of the cluster.
    #[serde(rename = "localASN", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4_294_967_295_i64))]
    pub local_asn: Option<i64>,
    /// `bgp`: the routers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<Vec<BgpPeer>>,
}

/// How addresses are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LoadBalancerMode {
    /// Answers to ARP and NDP.
    L2,
    /// Routes by BGP.
    Bgp,
}

/// A BGP router.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BgpPeer {
    /// Its address.
    #[schemars(length(min = 1))]
    pub address: String,
    /// Its autonomous system.
    #[serde(rename = "asn")]
    #[schemars(range(min = 1, max = 4_294_967_295_i64))]
    pub asn: i64,
}

/// The Gateway API controller.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Gateway {
    /// Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Which controller. Default `envoy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<GatewayController>,
    /// The DNS name under which the Gateway listens. Default: the names below the
    /// bundles' variable `cluster_domain`, which is `<cluster>.example.internal` unless a recipe says otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub hostname: Option<String>,
    /// The cert-manager ClusterIssuer that its certificate asks for; used when the bundle `base` is in. Default
    /// `internal-ca`, which comes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub issuer: Option<String>,
    /// Helm values of the controller, merged last (`envoy` only; for `cilium` use `addons.cilium.values`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_mapping")]
    pub values: Option<Map<String, Value>>,
}

/// The controllers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GatewayController {
    /// Envoy Gateway.
    #[default]
    Envoy,
    /// Cilium.
    Cilium,
}

impl GatewayController {
    /// The word of the plan.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Envoy => "envoy",
            Self::Cilium => "cilium",
        }
    }
}

/// Cloud controller manager and CSI driver.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudProvider {
    /// Default true. Without it nodes keep the `uninitialized` taint, and machines find no node, until a cloud controller
    /// manager of your own runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Helm values of the cloud controller manager, merged last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_mapping")]
    pub values: Option<Map<String, Value>>,
    /// Helm values of the CSI driver, merged last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::free_mapping")]
    pub csi_values: Option<Map<String, Value>>,
}
