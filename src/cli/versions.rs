//! `infraflux versions`: what profiles pin, what goes with what, and what ends.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode};

use clap::Args;

use super::{catalog, report};
use crate::{
    catalog::{
        Catalog,
        compatibility::{Compatibility, Range},
        profile::Profile,
    },
    finding::{Finding, Findings, codes, suggest},
};

/// Print the versions of the profiles and the tables of what goes with what, with sources and dates
#[derive(Debug, Args)]
pub struct Arguments {
    /// One profile; all of them and the tables when left out
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
    let mut out = String::new();
    if let Some(name) = &arguments.profile {
        let known = catalog.profile_names();
        if !known.contains(&name.as_str()) {
            let finding = Finding::error(&codes::USAGE, format!("there is no profile `{name}`"));
            return Err(match suggest::hint(name, known) {
                Some(hint) => finding.hint(hint),
                None => finding,
            }
            .into());
        }
        profile(&catalog.profile(name)?, &mut out);
        return Ok(out);
    }
    for name in catalog.profile_names() {
        profile(&catalog.profile(name)?, &mut out);
    }
    tables(&catalog.compatibility()?, &mut out);
    Ok(out)
}

/// A table's row; writing to a String cannot fail.
fn row(out: &mut String, name: &str, version: &str, date: &str, source: &str) {
    let _ = writeln!(out, "  {name:32} {version:16} {date:12} {source}");
}

fn profile(profile: &Profile, out: &mut String) {
    let spec = &profile.spec;
    let experimental = if spec.experimental { " (experimental)" } else { "" };
    let _ = writeln!(out, "profile {}{experimental}: {}\n", profile.metadata.name, spec.description);
    for unchecked in &spec.unchecked_schemas {
        let _ = writeln!(out, "  not checked, no schema: {unchecked}");
    }
    for (what, releases) in [("Kubernetes", &spec.kubernetes), ("Talos", &spec.talos)] {
        for (minor, newest) in &releases.newest {
            let default = if *minor == releases.default { " (default)" } else { "" };
            row(out, what, &newest.version, &newest.date, &format!("{}{default}", newest.source));
        }
    }
    for (name, component) in &spec.components {
        let contract =
            component.contract.as_ref().map(|contract| format!(", contract {contract}")).unwrap_or_default();
        row(out, name, &component.version, &component.date, &format!("{}{contract}", component.source));
    }
    for (name, version) in &spec.api_versions {
        let _ = writeln!(out, "  {:32} {version}", format!("apiVersion {name}"));
    }
    out.push('\n');
}

fn tables(tables: &Compatibility, out: &mut String) {
    let shown = |name: &str, range: Option<Range>| range.map(|range| format!("{name} {range}"));
    for (name, table) in [("Talos", &tables.talos), ("Cluster API", &tables.cluster_api)] {
        let _ = writeln!(out, "{name} and Kubernetes ({}, {})\n", table.source, table.date);
        for (minor, support) in &table.kubernetes {
            let ranges = [shown("declared", support.declared), shown("accepted", support.accepted)];
            let mut parts: Vec<String> = ranges.into_iter().flatten().collect();
            parts.extend(support.from.iter().map(|(minor, first)| format!("{minor} from {first}")));
            let _ = writeln!(out, "  {:32} {}", format!("{name} {minor}"), parts.join(", "));
        }
        out.push('\n');
    }
    for (name, component) in &tables.components {
        let _ = writeln!(out, "{name} ({}, {})\n", component.source, component.date);
        for (minor, line) in &component.lines {
            let said = [
                shown("Talos", line.talos),
                shown("Kubernetes", line.kubernetes),
                shown("Cluster API", line.cluster_api),
                line.contract.as_ref().map(|contract| format!("contract {contract}")),
            ];
            let mut parts: Vec<String> = said.into_iter().flatten().collect();
            for (what, from) in &line.from {
                parts.extend(from.iter().map(|(minor, first)| format!("{what} {minor} from {first}")));
            }
            let _ = writeln!(out, "  {:32} {}", format!("{name} {minor}"), parts.join(", "));
        }
        out.push('\n');
    }
    out.push_str("known not to work\n\n");
    for pair in &tables.known_bad {
        let lines = pair.line.iter().map(ToString::to_string);
        let versions: Vec<String> = pair.versions.iter().map(ToString::to_string).chain(lines).collect();
        let (one, other) = (&pair.component, &pair.with);
        let _ = writeln!(
            out,
            "  {one} {} with {} {}: {} ({})",
            versions.join(", "),
            other.component,
            other.line,
            pair.reason,
            pair.source
        );
    }
    out.push_str("\nwhat ends (`infraflux up --as-of DATE` warns of it)\n\n");
    for end in &tables.end_of_service {
        let _ = writeln!(out, "  {:12} {}: {} ({})", end.date, end.what, end.reason, end.source);
    }
}
