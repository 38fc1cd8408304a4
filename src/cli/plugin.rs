//! `infraflux plugin install` and `uninstall`: the legacy exec plugin of kustomize, the only door that `kubectl kustomize` has.

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

/// Install or uninstall the legacy kustomize plugin, which `kubectl kustomize` needs
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
        /// Replace files there that are neither links to InfraFlux nor copies of this program
        #[arg(long)]
        force: bool,
    },
    /// Remove the links and copies that `install` made from kustomize's plugin home
    Uninstall {
        /// The plugin home; the one that kustomize uses when left out
        #[arg(long, value_name = "DIR")]
        home: Option<PathBuf>,
        /// Remove files there that are neither links to InfraFlux nor copies of this program, too
        #[arg(long)]
        force: bool,
    },
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let outcome = match &arguments.command {
        Command::Install { home, copy, force } => install(home.as_deref(), *copy, *force),
        Command::Uninstall { home, force } => uninstall(home.as_deref(), *force),
    };
    match outcome {
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

fn chosen(home: Option<&Path>) -> Result<PathBuf, Findings> {
    home.map(Path::to_owned).or_else(kustomize_home).ok_or_else(|| {
        Finding::error(
            &codes::PLUGIN_INSTALL,
            "no plugin home is known: neither HOME nor KUSTOMIZE_PLUGIN_HOME is set",
        )
        .hint("name one with --home")
        .into()
    })
}

fn install(home: Option<&Path>, copy: bool, force: bool) -> Result<String, Findings> {
    let home = chosen(home)?;
    let program = std::env::current_exe().map_err(|error| trouble("this program", &error))?;
    // All are looked at before the first is replaced.
    for link in plugin_home::links(&home) {
        present(&program, &link.path, force)?;
    }
    let mut out = String::new();
    for link in plugin_home::links(&home) {
        place(&program, &link.path, copy)?;
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{} {}", if copy { "copied" } else { "linked" }, link.path.display());
    }
    out.push_str("`kubectl kustomize --enable-alpha-plugins` and `kustomize build --enable-alpha-plugins` find it now\n");
    Ok(out)
}

fn uninstall(home: Option<&Path>, force: bool) -> Result<String, Findings> {
    let home = chosen(home)?;
    let program = std::env::current_exe().map_err(|error| trouble("this program", &error))?;
    let mut there = Vec::new();
    for link in plugin_home::links(&home) {
        if present(&program, &link.path, force)? {
            there.push(link.path);
        }
    }
    if there.is_empty() {
        return Ok(format!("nothing is installed in {}\n", home.display()));
    }
    let mut out = String::new();
    for path in there {
        fs::remove_file(&path).map_err(|error| trouble(&path.display().to_string(), &error))?;
        // Folders that are empty now go up to the home; one that holds something else stays.
        for folder in path.ancestors().skip(1).take_while(|folder| *folder != home) {
            if fs::remove_dir(folder).is_err() {
                break;
            }
        }
        // Writing to a String cannot fail.
        let _ = writeln!(out, "removed {}", path.display());
    }
    Ok(out)
}

/// Whether something lies at a path that may be replaced; something that may not is an error.
fn present(program: &Path, target: &Path, force: bool) -> Result<bool, Findings> {
    let shown = target.display().to_string();
    let metadata = match fs::symlink_metadata(target) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(trouble(&shown, &error)),
    };
    if metadata.is_dir() {
        return Err(Finding::error(&codes::PLUGIN_INSTALL, format!("`{shown}` is a folder"))
            .hint("remove it and try again")
            .into());
    }
    let ours = if metadata.is_symlink() {
        // A link of another release leads to another path, whose last name is the same.
        fs::read_link(target).is_ok_and(|to| to.file_name() == program.file_name())
    } else {
        // The lengths first: most files of somebody else are not read at all.
        fs::metadata(program).is_ok_and(|own| own.len() == metadata.len())
            && fs::read(program).is_ok_and(|own| fs::read(target).is_ok_and(|other| own == other))
    };
    if ours || force {
        return Ok(true);
    }
    let what = if metadata.is_symlink() {
        "leads elsewhere than to InfraFlux"
    } else {
        "is a file that is no copy of this program"
    };
    Err(Finding::error(&codes::PLUGIN_FOREIGN, format!("`{shown}` {what}"))
        .hint("move it away, or use --force (a copy of another release needs it too)")
        .into())
}

/// Puts the program at a path where nothing lies but what may be replaced.
fn place(program: &Path, target: &Path, copy: bool) -> Result<(), Findings> {
    let shown = target.display().to_string();
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(|error| trouble(&parent.display().to_string(), &error))?;
    }
    match fs::remove_file(target) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(trouble(&shown, &error)),
        _ => {}
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
