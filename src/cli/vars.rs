//! `infraflux vars`: what templates may use.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args;

use super::report;
use crate::{
    catalog::Catalog,
    finding::Findings,
    management::{hub, values},
    plan::Provider,
    render::{features::FEATURES, variables},
};

/// List the variables and features that templates may use
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only names that contain this
    filter: Option<String>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let filter = arguments.filter.clone().unwrap_or_default().to_lowercase();
    let shown = |name: &str| name.to_lowercase().contains(&filter);
    let mut out = String::from(
        "Variables, ${NAME} in templates; `machines` are those of the control plane and of pools\n\n",
    );
    for variable in variables::VARIABLES.iter().filter(|variable| shown(variable.name)) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:36} {:16} {}", variable.name, variable.level.as_str(), variable.description);
    }
    out.push_str("\nFields of the provider's block, set when the plan sets them\n\n");
    for provider in Provider::ALL {
        for (name, field) in variables::block_variables(provider) {
            if shown(&name) {
                let _ = writeln!(out, "{name:36} {:16} {field}", "cluster");
            }
        }
    }
    out.push_str(
        "\nVERSION_<COMPONENT> is the version of a component of the profile (`infraflux versions`).\n",
    );
    out.push_str("\nFeatures, for `# infraflux.io/when: a, !b`\n\n");
    for feature in FEATURES.iter().filter(|feature| shown(feature.name)) {
        let _ = writeln!(out, "{:36} {}", feature.name, feature.description);
    }
    match hub_variables(&shown) {
        Ok(text) => out.push_str(&text),
        Err(findings) => return report::findings(&findings),
    }
    report::stdout(out.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Those of `management/`, which `infraflux init` fills.
fn hub_variables(shown: &dyn Fn(&str) -> bool) -> Result<String, Findings> {
    let mut out = String::from("\nVariables and features of the hub's templates, under `management/`\n\n");
    for variable in hub::variables(&Catalog::embedded())?.iter().filter(|variable| shown(&variable.name)) {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{:36} {:16} {}", variable.name, "hub", variable.description);
    }
    for feature in values::FEATURES.iter().filter(|feature| shown(feature.name)) {
        let _ = writeln!(out, "{:36} {:16} {}", feature.name, "feature", feature.description);
    }
    Ok(out)
}
