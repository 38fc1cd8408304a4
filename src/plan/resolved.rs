//! A cluster with every default decided.

use std::{collections::BTreeMap, sync::Arc};

use semver::Version;
use serde_json::{Map, Value};

use super::{
    addons,
    cluster_plan::{ClusterPlanSpec, Provider},
    gitops::SourceKind,
    machines::{Deletion, Gpu, RolloutType, Taint},
    origin::Origins,
    recipe::{RecipePatch, Stage},
    schematic::Schematic,
    talos::UserVolume,
};
use crate::{
    catalog::{bundle::Bundle, descriptor::Descriptor, profile::Profile},
    yaml::{Location, pointer::FieldPath},
};

/// A cluster as it will be rendered.
#[derive(Debug, Clone)]
pub struct ResolvedCluster {
    /// Its name.
    pub name: String,
    /// Where the name was written: `metadata.name`, or a fleet's `spec.clusters[3].name`.
    pub name_location: Option<Location>,
    /// The plan that it comes from, as `Kind/name`; rendered objects carry it, so that a later run knows its own.
    pub plan: String,
    /// The hub namespace of its objects.
    pub namespace: String,
    /// Where it runs.
    pub provider: Provider,
    /// What the renderer knows about the provider.
    pub descriptor: Arc<Descriptor>,
    /// The versions.
    pub profile: Arc<Profile>,
    /// The provider's region.
    pub region: String,
    /// Kubernetes.
    pub kubernetes: Version,
    /// The operating system.
    pub talos: ResolvedTalos,
    /// Networks.
    pub network: ResolvedNetwork,
    /// The control plane.
    pub control_plane: Machines,
    /// Whether control planes take ordinary pods.
    pub schedulable_control_plane: bool,
    /// Worker pools.
    pub pools: Vec<Machines>,
    /// The CNI, unless Talos' own is used.
    pub cilium: Option<addons::Cilium>,
    /// The gateway, if there is one.
    pub gateway: Option<addons::Gateway>,
    /// Cloud controller manager and CSI, if InfraFlux brings them.
    pub cloud_provider: Option<addons::CloudProvider>,
    /// Recipe bundles in the order of their dependencies.
    pub bundles: Vec<ResolvedBundle>,
    /// Flux settings.
    pub gitops: ResolvedGitOps,
    /// Variables of the user's own templates.
    pub variables: BTreeMap<String, Value>,
    /// The merged plan, typed.
    pub spec: ClusterPlanSpec,
    /// The merged block of the provider.
    pub block: Value,
    /// Where all this was written.
    pub origins: Origins,
}

impl ResolvedCluster {
    /// Whether machines have a data volume of the plan: those of the pools that it names, or all that take pods.
    #[must_use]
    pub fn has_volume(&self, machines: &Machines, volume: &UserVolume) -> bool {
        match &volume.pools {
            Some(pools) => machines.role == Role::Worker && pools.contains(&machines.name),
            None => machines.role == Role::Worker || self.schedulable_control_plane,
        }
    }
}

/// The operating system.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedTalos {
    /// The release.
    pub version: Version,
    /// The image: extensions and kernel arguments.
    pub schematic: Schematic,
    /// The Image Factory's host.
    pub image_factory: String,
    /// SecureBoot variants.
    pub secure_boot: bool,
}

impl ResolvedTalos {
    /// Whether the machine configuration has the many documents of 1.14.
    #[must_use]
    pub fn has_kube_documents(&self) -> bool {
        (self.version.major, self.version.minor) >= (1, 14)
    }
}

/// Networks.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedNetwork {
    /// Pod networks.
    pub pod_cidrs: Vec<String>,
    /// Service networks.
    pub service_cidrs: Vec<String>,
    /// The DNS domain of services.
    pub service_domain: String,
    /// The API endpoint, if the plan gives one.
    pub endpoint: Option<ResolvedEndpoint>,
    /// From where the hub and operators come.
    pub management_cidrs: Vec<String>,
    /// From which networks nodes pick their address.
    pub node_cidrs: Vec<String>,
}

/// The API endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedEndpoint {
    /// An address or a DNS name.
    pub host: String,
    /// The port.
    pub port: i32,
}

/// What machines do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Control plane.
    ControlPlane,
    /// Worker.
    Worker,
}

/// The control plane or a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct Machines {
    /// `control-plane`, or the pool's name.
    pub name: String,
    /// What they do.
    pub role: Role,
    /// Where in the plan they stand: `spec.controlPlane`, `spec.workers[0]`.
    pub field: FieldPath,
    /// How many, over all zones.
    pub replicas: i32,
    /// Limits of the autoscaler, over all zones.
    pub autoscaling: Option<ResolvedAutoscaling>,
    /// The provider's machine type; none on Proxmox.
    pub instance_type: Option<String>,
    /// Whether the type was picked by InfraFlux.
    pub picked: bool,
    /// Virtual CPUs, if known.
    pub cpu: Option<i32>,
    /// Memory in GiB, if known.
    pub memory_gib: Option<i32>,
    /// System disk in GiB.
    pub disk_gib: i32,
    /// Zones.
    pub failure_domains: Vec<String>,
    /// Node labels.
    pub labels: BTreeMap<String, String>,
    /// Node annotations.
    pub annotations: BTreeMap<String, String>,
    /// Node taints.
    pub taints: Vec<Taint>,
    /// Talos patches of these machines only.
    pub patches: Vec<Value>,
    /// Spot capacity.
    pub spot: Option<ResolvedSpot>,
    /// GPUs.
    pub gpu: Option<Gpu>,
    /// How many GPUs a machine has, if known.
    pub gpu_count: i32,
    /// How changed machines are replaced.
    pub rollout: ResolvedRollout,
    /// The health check, if there is one.
    pub health_check: Option<ResolvedHealthCheck>,
    /// How machines go.
    pub deletion: Deletion,
}

impl Machines {
    /// How many of `total` machines belong to each zone: as even as possible, earlier zones first. Without zones there is
    /// one group.
    #[must_use]
    pub fn spread(&self, total: i32) -> Vec<i32> {
        let zones = i32::try_from(self.failure_domains.len().max(1)).unwrap_or(1);
        (0..zones).map(|zone| total / zones + i32::from(zone < total % zones)).collect()
    }

    /// The most machines that there can be.
    #[must_use]
    pub fn most(&self) -> i32 {
        self.autoscaling.as_ref().map_or(self.replicas, |autoscaling| autoscaling.max)
    }
}

/// Limits of the autoscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedAutoscaling {
    /// Fewest machines.
    pub min: i32,
    /// Most machines.
    pub max: i32,
    /// Options of the node group.
    pub options: BTreeMap<String, String>,
}

/// Spot capacity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedSpot {
    /// The most to pay for an hour.
    pub max_price: Option<String>,
}

/// How changed machines are replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedRollout {
    /// The kind.
    pub kind: RolloutType,
    /// Machines above the wanted number.
    pub max_surge: Value,
    /// Machines below the wanted number; pools only.
    pub max_unavailable: Value,
}

/// A health check.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedHealthCheck {
    /// Seconds until a machine without a node counts as failed.
    pub node_startup_timeout_seconds: i32,
    /// Seconds that a node may be unknown.
    pub unhealthy_timeout_seconds: i32,
    /// More unhealthy machines than this stop remediation.
    pub unhealthy_less_than_or_equal_to: Value,
}

impl ResolvedHealthCheck {
    /// Seconds that a node may be not ready. The startup timeout ends when there is a Node, and a Node without a CNI is not
    /// ready: where machines are slow to come, so is the first installation of the CNI on them.
    #[must_use]
    pub fn not_ready_timeout_seconds(&self) -> i32 {
        self.node_startup_timeout_seconds.max(self.unhealthy_timeout_seconds)
    }
}

/// A bundle on a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedBundle {
    /// Its name.
    pub name: String,
    /// Its description.
    pub bundle: Arc<Bundle>,
    /// Where in the plan it stands; none when it came as a dependency.
    pub field: Option<FieldPath>,
    /// Its stages that exist.
    pub stages: Vec<ResolvedStage>,
    /// Variables whose placeholder is in force, with its text.
    pub placeholders: BTreeMap<String, String>,
    /// Bundles of this cluster that it waits for.
    pub depends_on: Vec<String>,
    /// Stop reconciling.
    pub suspend: bool,
}

/// A stage of a bundle on a cluster.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedStage {
    /// Which one.
    pub stage: Stage,
    /// Its provider component, relative to the stage's folder.
    pub component: Option<String>,
    /// Values for the variables that its files use.
    pub substitute: BTreeMap<String, String>,
    /// Patches of the plan.
    pub patches: Vec<RecipePatch>,
    /// How long Flux waits.
    pub timeout: String,
    /// The digest of the bundle's folder.
    pub digest: String,
}

/// Flux settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedGitOps {
    /// The kind of the source.
    pub source_kind: SourceKind,
    /// Its name.
    pub source_name: String,
    /// Its namespace.
    pub source_namespace: String,
    /// The catalogue's directory in it, without a final slash: `.` or `./path`.
    pub path: String,
    /// How often.
    pub interval: String,
    /// How soon after a failure.
    pub retry_interval: String,
    /// The Secret with age keys.
    pub decryption_secret: Option<String>,
    /// The shard.
    pub shard: Option<String>,
}

/// Free-form mappings of a plan that are merged into rendered objects.
pub type FreeMapping = Map<String, Value>;
