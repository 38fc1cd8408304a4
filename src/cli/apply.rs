//! `infraflux apply`: says how, and does nothing.

use std::process::ExitCode;

use clap::Args;

use super::{cluster::Choice, report};
use crate::{
    finding::{Finding, Findings, codes},
    management::{Values, decommission, runbook::Runbook, settings::quoted},
};

/// Print the commands that apply a rendered cluster; InfraFlux applies nothing
///
/// The commands go to standard output, and the exit code is 1: a pipeline that expects this to apply something must not go on.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    choice: Choice,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match commands(arguments) {
        Ok((name, text)) => {
            report::stdout(text.as_bytes())?;
            let finding = Finding::error(
                &codes::APPLY_NEVER,
                format!("nothing was applied: `{name}` is yours to apply"),
            )
            .hint("the commands are on standard output; through Git and Flux is the usual way");
            report::findings(&finding.into())
        }
        Err(findings) => report::findings(&findings),
    }
}

/// The cluster's name, and the commands.
fn commands(arguments: &Arguments) -> Result<(String, String), Findings> {
    let chosen = arguments.choice.load(&[])?;
    let name = chosen.name.clone();
    let cluster = decommission::sort(&name, &chosen.objects()?)?;
    let mut values = Values::default();
    values.text("CLUSTER_NAME", name.as_str());
    values.text("NAMESPACE", cluster.namespace.as_str());
    values.text("OUT", quoted(&chosen.out.display().to_string()));
    values.turn_on(format!("provider.{}", cluster.provider));
    let script = Runbook::read(chosen.library.catalog(), "apply", &values)?.script();
    Ok((name, script))
}
