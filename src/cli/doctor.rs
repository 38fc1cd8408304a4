//! `infraflux doctor`: a configuration that would be skipped in silence.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;

use super::{
    files, plugin,
    report::{self, Format},
};
use crate::{
    finding::{Finding, Findings, codes},
    krm::doctor::{self, Plugin, Surroundings},
    yaml::Limits,
};

/// Find kustomize configuration that would be skipped in silence, and a missing plugin
#[derive(Debug, Args)]
pub struct Arguments {
    /// A kustomization, or the folder that holds it
    #[arg(default_value = ".")]
    path: PathBuf,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// The names under which kustomize finds a kustomization.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let findings = diagnose(&arguments.path).unwrap_or_else(|findings| findings);
    if findings.is_empty() && arguments.format == Format::Text {
        report::stdout(b"nothing found: every function here is run by the client that builds it\n")?;
    }
    report::all(&findings, arguments.format, None)
}

fn diagnose(path: &Path) -> Result<Findings, Findings> {
    let file = if path.is_dir() {
        NAMES.iter().map(|name| path.join(name)).find(|file| file.is_file()).ok_or_else(|| {
            Findings::from(
                Finding::error(
                    &codes::NO_KUSTOMIZATION,
                    format!("`{}` holds no kustomization", path.display()),
                )
                .hint("name the folder that kustomize builds"),
            )
        })?
    } else {
        path.to_owned()
    };
    let folder = file.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    let source = files::source(&file, Limits::PLAN)?;
    let home = plugin::kustomize_home();
    let surroundings = Surroundings {
        read: &|name| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string()),
        plugin: &|name| home.as_deref().map_or(Plugin::Missing, |home| look(&home.join(name))),
    };
    Ok(doctor::diagnose(source.name(), source.text(), surroundings))
}

fn look(path: &Path) -> Plugin {
    let Ok(metadata) = fs::metadata(path) else { return Plugin::Missing };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if metadata.permissions().mode() & 0o111 == 0 {
            return Plugin::NotExecutable;
        }
    }
    if metadata.is_file() { Plugin::Present } else { Plugin::Missing }
}
