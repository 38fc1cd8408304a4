//! The doors of kustomize and kpt: standard input in, standard output out.

use std::{
    ffi::{OsStr, OsString},
    io::{self, IsTerminal, Read as _, Write as _},
    process::ExitCode,
};

use super::{catalog, files, report};
use crate::{
    engine::{Engine, Options},
    finding::{Findings, text},
    krm::{
        door::{self, Call, Door},
        function::{self, Reply},
        legacy_plugin,
    },
    render::Library,
    yaml::Limits,
};

/// Routes a call to a door; the command line is one of them.
pub fn run(arguments: Vec<OsString>) -> anyhow::Result<ExitCode> {
    let program = arguments.first().cloned().unwrap_or_default();
    let rest = arguments.get(1..).unwrap_or_default();
    let call = Call {
        program: &program,
        arguments: rest,
        has_plugin_root: std::env::var_os(door::PLUGIN_ROOT).is_some(),
        stdin_is_terminal: io::stdin().is_terminal(),
    };
    match door::decide(call) {
        Door::Commands => super::run(arguments),
        Door::Function => function(),
        Door::LegacyPlugin { config, .. } => plugin(config),
    }
}

fn limits() -> Result<Limits, Findings> {
    let value = std::env::var_os(door::MAX_INPUT).map(|value| value.to_string_lossy().into_owned());
    door::limits(value.as_deref())
}

fn engine() -> Result<Engine, Findings> {
    Ok(Engine::new(Library::new(catalog::load(None)?), Options::default()))
}

fn function() -> anyhow::Result<ExitCode> {
    let limits = match limits() {
        Ok(limits) => limits,
        Err(findings) => return Ok(refuse(&findings)),
    };
    let input = stdin(limits)?;
    match engine() {
        Ok(engine) => answer(&function::run(&input, limits, &engine)),
        Err(findings) => answer(&function::run(&input, limits, &Broken(findings))),
    }
}

fn plugin(config: &OsStr) -> anyhow::Result<ExitCode> {
    let limits = match limits() {
        Ok(limits) => limits,
        Err(findings) => return Ok(refuse(&findings)),
    };
    let name = config.to_string_lossy().into_owned();
    let text = match std::fs::read(config) {
        Ok(text) => text,
        Err(error) => return Ok(refuse(&files::unreadable(&name, &error))),
    };
    let input = stdin(limits)?;
    match engine() {
        Ok(engine) => answer(&legacy_plugin::run(&name, &text, &input, limits, &engine)),
        Err(findings) => Ok(refuse(&findings)),
    }
}

/// Standard input, one byte beyond the limit at most, so that the room behind the door can say what is too much.
fn stdin(limits: Limits) -> anyhow::Result<Vec<u8>> {
    let mut input = Vec::new();
    io::stdin().lock().take(limits.bytes as u64 + 1).read_to_end(&mut input)?;
    Ok(input)
}

fn answer(reply: &Reply) -> anyhow::Result<ExitCode> {
    report::stdout(&reply.stdout)?;
    // Whoever closed stderr does not want to read it.
    let _ = io::stderr().lock().write_all(reply.stderr.as_bytes());
    Ok(ExitCode::from(reply.exit))
}

fn refuse(findings: &Findings) -> ExitCode {
    let lines: Vec<String> = findings.iter().map(|finding| format!("{}\n", text::short(finding))).collect();
    let _ = io::stderr().lock().write_all(lines.concat().as_bytes());
    ExitCode::from(findings.exit_code())
}

/// An engine that could not be made: the reason reaches the client as results, and everything passes through.
struct Broken(Findings);

impl crate::krm::Engine for Broken {
    fn render(&self, _: crate::krm::Request<'_>) -> crate::krm::Rendered {
        crate::krm::Rendered { findings: self.0.clone(), ..crate::krm::Rendered::default() }
    }

    fn admit(&self, _: crate::krm::Request<'_>) -> Findings {
        self.0.clone()
    }
}
