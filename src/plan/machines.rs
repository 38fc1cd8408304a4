//! Machines: the control plane and the worker pools.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema;

/// What a control plane and a worker pool have in common, then what only one of them has.
macro_rules! machines {
    ($(#[$meta:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        pub struct $name {
            $($own)*
            /// How many machines, over all failure domains together. Defaults: control plane 3, pool 2.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(range(min = 0, max = 5000))]
            pub replicas: Option<i32>,
            /// The provider's machine type, for instance `m7i.large`. Instead of `cpu` and `memoryGiB`; not on Proxmox.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(length(min = 1))]
            pub instance_type: Option<String>,
            /// Virtual CPUs. Default 4. On a cloud the smallest type of the provider's table with at least this much is taken.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[schemars(range(min = 1, max = 1024))]
            pub cpu: Option<i32>,
            /// Memory in GiB. Default 8. On a cloud the smallest type of the provider's table with at least this much is taken.
            #[serde(rename = "memoryGiB", skip_serializing_if = "Option::is_none")]
            #[schemars(range(min = 2, max = 32768))]
            pub memory_gib: Option<i32>,
            /// System disk in GiB. Default 40, on Proxmox 80 because Longhorn lives on the system disk there.
            #[serde(rename = "diskGiB", skip_serializing_if = "Option::is_none")]
            #[schemars(range(min = 10, max = 65536))]
            pub disk_gib: Option<i32>,
            /// Zones: AWS availability zones, Azure zones (`"1"`), GCP zones. Not on Proxmox.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub failure_domains: Option<Vec<String>>,
            /// Node labels, set through the Talos machine configuration.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub labels: Option<BTreeMap<String, String>>,
            /// Node annotations, set through the Talos machine configuration.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub annotations: Option<BTreeMap<String, String>>,
            /// Node taints, set through the Talos machine configuration.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub taints: Option<Vec<Taint>>,
            /// Strategic Talos patches for these machines only, applied after `spec.talos.patches`; mappings or strings.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            #[schemars(schema_with = "schema::patches")]
            pub patches: Option<Vec<Value>>,
            /// How changed machines are replaced.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub rollout: Option<Rollout>,
            /// The MachineHealthCheck of these machines.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub health_check: Option<HealthCheck>,
        }
    };
}

machines! {
    /// The control plane.
    ControlPlane {
        /// Whether ordinary pods may run here. Default: only when the cluster has no worker pools.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub schedulable: Option<bool>,
    }
}

machines! {
    /// A worker pool: one MachineDeployment, or one in each failure domain.
    Pool {
        /// The name, a DNS label of at most 20 characters. Layers merge pools by it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(length(min = 1, max = 20), regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
        pub name: Option<String>,
        /// Scale between two sizes instead of a fixed number of replicas.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub autoscaling: Option<Autoscaling>,
        /// Spot capacity: `true`, or `{maxPrice: "0.10"}` (AWS and Azure; in US dollars an hour).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(schema_with = "schema::spot")]
        pub spot: Option<Spot>,
        /// GPUs of this vendor: adds the driver extensions, a node label and a taint, and picks a GPU machine type.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub gpu: Option<Gpu>,
        /// How machines are chosen and drained when they go.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub deletion: Option<Deletion>,
    }
}

/// The limits between which the Cluster Autoscaler keeps a pool; totals over all failure domains.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Autoscaling {
    /// Fewest machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 5000))]
    pub min: Option<i32>,
    /// Most machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 5000))]
    pub max: Option<i32>,
    /// Options of this node group, written as `cluster.x-k8s.io/autoscaling-options-<name>` annotations, for instance
    /// `scaledownunneededtime: 10m` (kubernetes/autoscaler `cluster-autoscaler/cloudprovider/clusterapi/README.md`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<BTreeMap<String, String>>,
}

/// A node taint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Taint {
    /// The key.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// The value; may be left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What it does to pods that do not tolerate it.
    pub effect: TaintEffect,
}

/// The effect of a taint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TaintEffect {
    /// New pods stay away.
    #[default]
    NoSchedule,
    /// New pods rather stay away.
    PreferNoSchedule,
    /// Running pods are moved off as well.
    NoExecute,
}

impl TaintEffect {
    /// The word that Kubernetes uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}

/// Spot capacity: a switch, or a switch with a price.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Spot {
    /// `true` or `false`.
    Switch(bool),
    /// On, with a limit.
    Priced {
        /// The most to pay for an hour, in US dollars, as a string.
        #[serde(rename = "maxPrice")]
        max_price: String,
    },
}

impl<'de> Deserialize<'de> for Spot {
    fn deserialize<De: serde::Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Priced {
            max_price: String,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Spot;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("true, false or {maxPrice: \"0.10\"}")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Spot, E> {
                Ok(Spot::Switch(value))
            }

            fn visit_map<Map: serde::de::MapAccess<'de>>(self, map: Map) -> Result<Spot, Map::Error> {
                Priced::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map(|priced| Spot::Priced { max_price: priced.max_price })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A GPU vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gpu {
    /// NVIDIA, with the open kernel modules.
    Nvidia,
}

/// How changed machines are replaced.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rollout {
    /// `RollingUpdate` (default), or `OnDelete`: only machines that a person deletes are replaced.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<RolloutType>,
    /// Machines above the wanted number during a rollout: a number or, for pools, a percentage. Default 1.
    /// A control plane takes 0 or 1 (siderolabs/cluster-api-control-plane-provider-talos `api/v1alpha3/taloscontrolplane_webhook.go`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::integer_or_string")]
    pub max_surge: Option<Value>,
    /// Machines below the wanted number during a rollout, pools only: a number or a percentage. Default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::integer_or_string")]
    pub max_unavailable: Option<Value>,
}

/// The kinds of rollout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RolloutType {
    /// Machines are replaced one after another.
    #[default]
    RollingUpdate,
    /// Machines are replaced when a person deletes them.
    OnDelete,
}

impl RolloutType {
    /// The word that Cluster API uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RollingUpdate => "RollingUpdate",
            Self::OnDelete => "OnDelete",
        }
    }
}

/// A MachineHealthCheck.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// Whether there is one. Default true for pools; for a control plane of several machines only where the provider
    /// replaces machines (CACPPT 0.5 does not).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Seconds until a machine without a node counts as failed, and seconds that a node may be not ready (`Ready` is `False`)
    /// before it does: so is every node until the CNI is installed. Default 1200 on Proxmox (cold clones), 900 elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30, max = 86400))]
    pub node_startup_timeout_seconds: Option<i32>,
    /// Seconds that a node may be unknown (`Ready` is `Unknown`: its kubelet does not answer) before it counts as failed. Default
    /// 300. A value above `nodeStartupTimeoutSeconds` counts for nodes that are not ready, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30, max = 86400))]
    pub unhealthy_timeout_seconds: Option<i32>,
    /// Nothing is replaced while more machines than this are unhealthy: a number or a percentage, rounded down. Default
    /// 40%, and 1 where that would be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::integer_or_string")]
    pub unhealthy_less_than_or_equal_to: Option<Value>,
}

/// How the machines of a pool are chosen and drained when they go.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deletion {
    /// Which machines go first when the pool shrinks. Cluster API's default is `Random`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<DeletionOrder>,
    /// Seconds to wait for pods to leave. Default 600; 0 waits for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub node_drain_timeout_seconds: Option<i32>,
    /// Seconds to wait for volumes to detach. Default 300; 0 waits for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub node_volume_detach_timeout_seconds: Option<i32>,
    /// Seconds to try to delete the Node object. Cluster API's default is 10; 0 tries for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub node_deletion_timeout_seconds: Option<i32>,
}

/// Which machines go first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionOrder {
    /// Any.
    Random,
    /// The youngest.
    Newest,
    /// The oldest.
    Oldest,
}

impl DeletionOrder {
    /// The word that Cluster API uses.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Random => "Random",
            Self::Newest => "Newest",
            Self::Oldest => "Oldest",
        }
    }
}
