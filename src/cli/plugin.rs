//! `infraflux plugin install`: the legacy exec plugin of kustomize, the only door that `kubectl kustomize` has.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};

use super::report;
use crate::{
    finding::{Finding, Findings, codes},
    krm::plugin_home::{self, Environment},
};

/// Install the legacy kustomize plugin, which `kubectl kustomize` needs
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Link this program for every kind into kustomize's plugin home
    Install {
        /// The plugin home; the one that kustomize uses when left out
        #[arg(long, value_name = "DIR")]
        home: Option<PathBuf>,
        /// Copy the program instead of linking it
        #[arg(long)]
        copy: bool,
    },
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Command::Install { home, copy } = &arguments.command;
    match install(home.as_deref(), *copy) {
        Ok(text) => {
            report::stdout(text.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(findings) => report::findings(&findings),
    }
}

/// The plugin home that kustomize uses.
pub fn kustomize_home() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let (plugin_home, config_home) = (variable("KUSTOMIZE_PLUGIN_HOME"), variable("XDG_CONFIG_HOME"));
    let home = variable("HOME").or_else(|| variable("USERPROFILE"));
    let homes = plugin_home::homes(Environment {
        kustomize_plugin_home: plugin_home.as_deref(),
        xdg_config_home: config_home.as_deref(),
        home: home.as_deref(),
    });
    plugin_home::choose(&homes, Path::exists).map(|home| home.path)
}

fn install(home: Option<&Path>, copy: bool) -> Result<String, Findings> {
    let Some(home) = home.map(Path::to_owned).or_else(kustomize_home) else {
        return Err(Finding::error(
            &codes::PLUGIN_INSTALL,
            "no plugin home is known: neither HOME nor KUSTOMIZE_PLUGIN_HOME is set",
        )
        .hint("name one with --home")
        .into());
    };
    let program = std::env::current_exe().map_err(|error| trouble("this program", &error))?;
    let mut out = String::new();
    for link in plugin_home::links(&home) {
        place(&program, &link.path, copy)?;
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{} {}", if copy { "copied" } else { "linked" }, link.path.display());
    }
    out.push_str("`kubectl kustomize --enable-alpha-plugins` and `kustomize build --enable-alpha-plugins` find it now\n");
    Ok(out)
}

/// Puts the program at a path; what lies there and is ours is replaced, anything else is refused.
fn place(program: &Path, target: &Path, copy: bool) -> Result<(), Findings> {
    let shown = target.display().to_string();
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(|error| trouble(&parent.display().to_string(), &error))?;
    }
    match fs::symlink_metadata(target) {
        Ok(metadata) if metadata.is_dir() => {
            return Err(Finding::error(&codes::PLUGIN_INSTALL, format!("`{shown}` is a folder"))
                .hint("remove it and try again")
                .into());
        }
        Ok(_) => fs::remove_file(target).map_err(|error| trouble(&shown, &error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(trouble(&shown, &error)),
    }
    #[cfg(unix)]
    if !copy {
        return std::os::unix::fs::symlink(program, target).map_err(|error| trouble(&shown, &error));
    }
    let _ = copy;
    fs::copy(program, target).map(|_| ()).map_err(|error| trouble(&shown, &error))
}

fn trouble(what: &str, error: &io::Error) -> Findings {
    Finding::error(&codes::PLUGIN_INSTALL_IO, format!("`{what}`: {error}"))
        .hint("check the permissions of the plugin home, or name another with --home")
        .into()
}
