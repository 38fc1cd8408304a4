//! `infraflux talos-gen`: what a plan says about Talos, as patches, and how to make a secrets bundle.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    cluster::Choice,
    report::{self, Format},
};
use crate::{
    finding::{Finding, Findings, codes},
    management::machine_config,
    output::{Outcome, RelativePath, Tree, Writer},
};

/// Render the Talos patches of a plan to talos/<cluster>/
///
/// For the control plane and each pool, in both shapes of machine configurations (up to Talos 1.13, and from 1.14), with the commands
/// that make a secrets bundle and configurations from them. No key is written, and none is made.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  infraflux talos-gen --file plan.yaml
  infraflux talos-gen --name lab --provider proxmox")]
pub struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// The provider, when there is no plan: aws, azure, gcp or proxmox
    #[arg(long, conflicts_with = "file")]
    provider: Option<String>,
    /// The set of versions: stable or current
    #[arg(long)]
    profile: Option<String>,
    /// The parent of the folder with the patches
    #[arg(long, value_name = "DIR", default_value = "talos")]
    to: PathBuf,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// How findings and the summary are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let format = arguments.format;
    match write(arguments) {
        Ok((outcome, mut findings)) => {
            findings.extend(outcome.findings);
            if format == Format::Text {
                report::stdout(outcome.summary.text().as_bytes())?;
            }
            report::all(&findings, format, Some(("output", outcome.summary.json())))
        }
        Err(findings) => report::all(&findings, format, None),
    }
}

fn write(arguments: &Arguments) -> Result<(Outcome, Findings), Findings> {
    let flags: Vec<(String, String)> = [("provider", &arguments.provider), ("profile", &arguments.profile)]
        .into_iter()
        .filter_map(|(name, value)| value.clone().map(|value| (name.to_owned(), value)))
        .collect();
    let chosen = arguments.choice.load(&flags)?;
    let name = chosen.name.as_str();
    let Some(rendered) = &chosen.rendered else {
        return Err(Finding::error(&codes::USAGE, format!("there is no plan for `{name}`"))
            .hint("give its plan with `--file`, or a provider with `--provider`")
            .into());
    };
    let folder = format!("{}/{name}", arguments.to.display());
    let mut tree = Tree::new(name)?;
    for (path, text) in machine_config::files(&rendered.cluster, &chosen.library, &folder)? {
        tree.insert(RelativePath::new(&path).map_err(Findings::from)?, text)?;
    }
    let writer = Writer::new(&arguments.to).unlisted();
    let trees = [tree];
    let outcome = if arguments.dry_run { writer.plan(&trees)? } else { writer.write(&trees)? };
    Ok((outcome, chosen.findings))
}
