//! `infraflux explain`: what a code means.

use std::process::ExitCode;

use clap::Args;

use super::report;
use crate::finding::{Code, Finding, codes, suggest};

/// Explain a finding's code
#[derive(Debug, Args)]
pub struct Arguments {
    /// The code, for instance IF0301; without one all codes are listed
    code: Option<String>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some(wanted) = &arguments.code else {
        let list: Vec<String> =
            codes::ALL.iter().map(|code| format!("{}  {}\n", code.id, code.title)).collect();
        report::stdout(list.concat().as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    };
    let upper = wanted.to_uppercase();
    let full = if upper.starts_with("IF") { upper } else { format!("IF{upper}") };
    if let Some(code) = codes::ALL.iter().find(|code| code.id == full) {
        report::stdout(text(code).as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let ids: Vec<&str> = codes::ALL.iter().map(|code| code.id).collect();
    let near = suggest::nearest(&full, ids);
    let finding = Finding::error(&codes::USAGE, format!("there is no code `{wanted}`"));
    let finding = if near.is_empty() {
        finding.hint("`infraflux explain` lists all codes")
    } else {
        finding.hint(format!("did you mean {}?", suggest::list(&near, "or")))
    };
    report::findings(&finding.into())
}

fn text(code: &Code) -> String {
    let kind = match code.class.exit_code() {
        1 => "the content is wrong",
        2 => "the command line is wrong",
        _ => "the operating system said no",
    };
    format!(
        "{}: {}\n\n{}\n\nExit code {} as an error: {kind}.\n",
        code.id,
        code.title,
        code.explanation,
        code.class.exit_code()
    )
}
