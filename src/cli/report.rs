//! Findings to stderr, data to stdout, one exit code.

use std::{
    io::{self, IsTerminal, Write as _},
    process::ExitCode,
};

use clap::ValueEnum;

use crate::finding::{Findings, json, sarif, text};

/// How findings and summaries are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: findings on stderr
    #[default]
    Text,
    /// One JSON document on stdout
    Json,
    /// SARIF 2.1.0 on stdout, for code hosts
    Sarif,
}

/// Prints findings as text to stderr and gives their exit code.
pub fn findings(findings: &Findings) -> anyhow::Result<ExitCode> {
    print_text(findings)?;
    Ok(ExitCode::from(findings.exit_code()))
}

/// Prints findings in a format; `data` is what JSON output carries beside them.
pub fn all(
    findings: &Findings,
    format: Format,
    data: Option<(&str, serde_json::Value)>,
) -> anyhow::Result<ExitCode> {
    match format {
        Format::Text => print_text(findings)?,
        Format::Json => {
            let mut out = json::render(findings);
            if let Some((key, value)) = data {
                out[key] = value;
            }
            stdout(format!("{out:#}\n").as_bytes())?;
        }
        Format::Sarif => {
            let log = sarif::render(findings, env!("CARGO_PKG_VERSION"));
            stdout(format!("{log:#}\n").as_bytes())?;
        }
    }
    Ok(ExitCode::from(findings.exit_code()))
}

fn print_text(findings: &Findings) -> anyhow::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    let stderr = io::stderr();
    let colour = stderr.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut out = text::render(findings, text::Style { colour, width: 0 });
    let count = text::count(findings);
    if !count.is_empty() {
        out.push_str(&count);
        out.push('\n');
    }
    quiet(stderr.lock().write_all(out.as_bytes()))?;
    Ok(())
}

/// Writes a remark to stderr.
pub fn note(text: &str) -> anyhow::Result<()> {
    quiet(io::stderr().lock().write_all(text.as_bytes()))?;
    Ok(())
}

/// Writes data to stdout.
pub fn stdout(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    quiet(out.write_all(bytes).and_then(|()| out.flush()))?;
    Ok(())
}

/// A reader that has seen enough (`| head`) is no error.
pub fn quiet(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
