//! The command line: one file for each command, arguments with their help on top, what they do below.

use std::process::ExitCode;

use clap::{
    Parser, Subcommand,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};

mod apply;
mod catalog;
mod cluster;
mod count;
mod crds;
mod destroy;
mod doctor;
mod eject;
mod explain;
mod files;
mod graph;
mod init;
mod local_sources;
mod neighbours;
mod plans;
mod plugin;
mod previous;
mod project;
mod report;
mod schema;
mod schemas;
mod talos_gen;
mod up;
mod validate;
mod vars;
mod versions;

pub mod door;

/// From one small typed file, everything that a Kubernetes cluster needs, as data.
///
/// InfraFlux renders and checks; it applies nothing. Without a command and with a ResourceList on standard input it is a KRM
/// function for kustomize and kpt.
#[derive(Debug, Parser)]
#[command(name = "infraflux", version, propagate_version = true, max_term_width = 110, after_help = START)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What somebody does who sees this for the first time.
const START: &str = "\
Start here:
  infraflux up --provider proxmox --name lab   one cluster to look at, in out/lab/
  infraflux init --providers proxmox           the hub, once: read out/management/BOOTSTRAP.md
  infraflux up -f plan.yaml                    a cluster from its plan: commit out/, Flux does the rest
  infraflux destroy --name lab                 the safe order in which a cluster goes

`infraflux help COMMAND` tells more, `infraflux explain CODE` what a finding means.
Exit codes: 0 done, 1 the content is wrong, 2 the command line is wrong,
3 the operating system said no.";

#[derive(Debug, Subcommand)]
enum Command {
    Init(Box<init::Arguments>),
    Up(Box<up::Arguments>),
    Graph(Box<graph::Arguments>),
    Apply(Box<apply::Arguments>),
    Destroy(Box<destroy::Arguments>),
    TalosGen(Box<talos_gen::Arguments>),
    Validate(validate::Arguments),
    Crds(crds::Arguments),
    Versions(versions::Arguments),
    Vars(vars::Arguments),
    Schema(schema::Arguments),
    Explain(explain::Arguments),
    Eject(eject::Arguments),
    Plugin(plugin::Arguments),
    Doctor(doctor::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    #[command(hide = true)]
    Man,
}

/// Runs the command that the arguments name.
///
/// An `Err` is trouble with the program's own streams; everything else is a finding and an exit code.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> anyhow::Result<ExitCode> {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(mut error) => {
            suggest_file(&mut error);
            // Help and version go to stdout with 0, mistakes to stderr with 2.
            report::quiet(error.print())?;
            return Ok(ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2)));
        }
    };
    match cli.command {
        Command::Init(arguments) => init::run(&arguments),
        Command::Up(arguments) => up::run(&arguments),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Apply(arguments) => apply::run(&arguments),
        Command::Destroy(arguments) => destroy::run(&arguments),
        Command::TalosGen(arguments) => talos_gen::run(&arguments),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Crds(arguments) => crds::run(&arguments),
        Command::Versions(arguments) => versions::run(&arguments),
        Command::Vars(arguments) => vars::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Eject(arguments) => eject::run(&arguments),
        Command::Plugin(arguments) => plugin::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command(), "infraflux", &mut script);
            report::stdout(&script)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command()).render(&mut page)?;
            report::stdout(&page)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Who gives a plan without its flag learns about the flag. Commands that take files as they are never come here.
fn suggest_file(error: &mut clap::Error) {
    let Some(ContextValue::String(given)) = error.get(ContextKind::InvalidArg) else { return };
    let is_yaml = [".yaml", ".yml"].iter().any(|end| given.ends_with(end));
    if error.kind() == ErrorKind::UnknownArgument && is_yaml && !given.starts_with('-') {
        let tip = StyledStr::from(format!("a plan is given with `--file {given}`"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
}

/// The whole command line, for completions, the manual page and the reference.
#[must_use]
pub fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}
