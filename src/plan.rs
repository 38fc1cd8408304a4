//! The plan: what a user writes, the layers below it, and the cluster that comes out with every default decided.

pub mod addons;
pub mod cluster_plan;
mod constraints;
pub mod crd;
pub mod flags;
pub mod fleet_plan;
pub mod function_definition;
pub mod gitops;
pub mod json_schema;
pub mod layers;
pub mod machines;
pub mod network;
pub mod origin;
pub mod providers;
pub mod read;
pub mod recipe;
pub mod reference;
pub mod resolve;
pub mod resolved;
mod schema;
pub mod schematic;
pub mod talos;

pub use cluster_plan::{ClusterPlan, ClusterPlanSpec, Provider};
pub use fleet_plan::{FleetPlan, FleetPlanSpec};
