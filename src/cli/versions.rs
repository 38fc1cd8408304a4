//! `infraflux versions`: what a profile pins.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use clap::Args;

use super::{catalog, report};
use crate::{
    catalog::{Catalog, profile::Profile},
    finding::Findings,
};

/// Print the versions of the profiles, with their sources
#[derive(Debug, Args)]
pub struct Arguments {
    /// One profile; all when left out
    profile: Option<String>,
    /// A folder whose files replace those of the built-in catalogue
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match print(arguments) {
        Ok(text) => {
            report::stdout(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(findings) => report::findings(&findings),
    }
}

fn print(arguments: &Arguments) -> Result<String, Findings> {
    let catalog: Catalog = catalog::load(arguments.catalog.as_deref())?;
    let names: Vec<String> = match &arguments.profile {
        Some(name) => vec![name.clone()],
        None => catalog.profile_names().into_iter().map(str::to_owned).collect(),
    };
    let mut out = String::new();
    for name in names {
        show(&catalog.profile(&name)?, &mut out);
    }
    Ok(out)
}

fn show(profile: &Profile, out: &mut String) {
    let spec = &profile.spec;
    let experimental = if spec.experimental { " (experimental)" } else { "" };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}{experimental}: {}\n", profile.metadata.name, spec.description);
    for (what, releases) in [("Kubernetes", &spec.kubernetes), ("Talos", &spec.talos)] {
        for (minor, newest) in &releases.newest {
            let default = if *minor == releases.default { " (default)" } else { "" };
            let _ = writeln!(
                out,
                "  {:32} {:12} {:12} {}{default}",
                what, newest.version, newest.date, newest.source
            );
        }
    }
    for (name, component) in &spec.components {
        let _ =
            writeln!(out, "  {name:32} {:12} {:12} {}", component.version, component.date, component.source);
    }
    out.push('\n');
}
