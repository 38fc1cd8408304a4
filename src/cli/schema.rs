//! `infraflux schema`: the schema of plans.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use kube_core::CustomResourceExt as _;

use super::report;
use crate::plan::{ClusterPlan, ClusterPlanSpec, FleetPlan, FleetPlanSpec};

/// Print the schema of plans, with every field, type and default
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which kind
    #[arg(value_enum, default_value_t)]
    kind: Kind,
    /// As a CustomResourceDefinition in YAML rather than a JSON Schema
    #[arg(long)]
    crd: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// ClusterPlan
    #[default]
    ClusterPlan,
    /// FleetPlan
    FleetPlan,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let text = match (arguments.kind, arguments.crd) {
        (Kind::ClusterPlan, true) => serde_yaml::to_string(&ClusterPlan::crd())?,
        (Kind::FleetPlan, true) => serde_yaml::to_string(&FleetPlan::crd())?,
        (Kind::ClusterPlan, false) => format!("{:#}\n", schemars::schema_for!(ClusterPlanSpec).as_value()),
        (Kind::FleetPlan, false) => format!("{:#}\n", schemars::schema_for!(FleetPlanSpec).as_value()),
    };
    report::stdout(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
