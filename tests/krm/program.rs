//! A program with the fake engine behind its doors, for tests with real clients.

#![allow(clippy::print_stderr, reason = "stderr is where clients look")]

use std::{
    io::{Read as _, Write as _},
    process::ExitCode,
};

use infraflux::krm::{
    Reply,
    door::{self, Call, Door},
    function, legacy_plugin,
};

mod fake;
use fake::Fake;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<_> = arguments.collect();
    let call = Call {
        program: &program,
        arguments: &arguments,
        has_plugin_root: std::env::var_os(door::PLUGIN_ROOT).is_some(),
        stdin_is_terminal: false,
    };
    let Ok(limits) = door::limits(None) else { return ExitCode::FAILURE };
    let mut input = Vec::new();
    if std::io::stdin().read_to_end(&mut input).is_err() {
        return ExitCode::FAILURE;
    }
    let reply = match door::decide(call) {
        Door::Function => function::run(&input, limits, &Fake),
        Door::LegacyPlugin { config, .. } => match std::fs::read(config) {
            Ok(bytes) => legacy_plugin::run(&config.to_string_lossy(), &bytes, &input, limits, &Fake),
            Err(_) => return ExitCode::FAILURE,
        },
        Door::Commands => return ExitCode::FAILURE,
    };
    let Reply { stdout, stderr, exit } = reply;
    eprint!("{stderr}");
    // A closed pipe is the reader's choice.
    let _ = std::io::stdout().write_all(&stdout);
    ExitCode::from(exit)
}
