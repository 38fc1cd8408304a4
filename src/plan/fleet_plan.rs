//! `FleetPlan`: many clusters from defaults and classes.

use std::collections::BTreeMap;

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cluster_plan::ClusterPlanSpec;

/// Clusters that share defaults and classes. Layers, later wins: defaults, classes in order, the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema, CustomResource)]
#[kube(
    group = "infraflux.io",
    version = "v1alpha1",
    kind = "FleetPlan",
    plural = "fleetplans",
    shortname = "fplan",
    category = "infraflux",
    namespaced,
    derive = "PartialEq",
    crates(kube_core = "::kube_core"),
    doc = "A fleet of clusters; InfraFlux renders each of them."
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FleetPlanSpec {
    /// What all clusters share: any fields of a ClusterPlan's `spec`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<ClusterPlanSpec>,
    /// Named sets of fields that clusters choose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<BTreeMap<String, ClusterPlanSpec>>,
    /// The clusters.
    #[serde(default)]
    pub clusters: Vec<FleetCluster>,
}

/// A cluster of a fleet: a name, classes, and any fields of a ClusterPlan's `spec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FleetCluster {
    /// The cluster's name.
    #[schemars(length(min = 1, max = 32))]
    pub name: String,
    /// One class; the same as `classes` with one name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Classes in order, later wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<String>>,
    /// Fields of this cluster alone.
    #[serde(flatten)]
    pub spec: ClusterPlanSpec,
}
