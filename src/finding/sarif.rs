//! Findings as SARIF 2.1.0, which code hosts turn into annotations beside the line.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Finding, Findings, Severity};
use crate::yaml::{Location, Origin};

/// A SARIF log with one run. `version` is the version of this tool.
#[must_use]
pub fn render(findings: &Findings, version: &str) -> Value {
    let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.code.id).collect();
    let rules: Vec<Value> = super::codes::ALL
        .iter()
        .filter(|code| rules.contains(code.id))
        .map(|code| {
            json!({
                "id": code.id,
                "shortDescription": {"text": code.title},
                "fullDescription": {"text": code.explanation},
                "help": {"text": code.explanation, "markdown": code.explanation},
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "infraflux",
                "semanticVersion": version,
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(one).collect::<Vec<_>>(),
        }],
    })
}

fn one(finding: &Finding) -> Value {
    let mut message = finding.message.clone();
    if let Some(object) = &finding.object {
        message = format!("{object}: {message}");
    }
    if let Some(hint) = &finding.hint {
        message = format!("{message}; {hint}");
    }
    if let Some(source) = finding.source {
        message = format!("{message} (the rule is in {source})");
    }
    let mut out = json!({
        "ruleId": finding.code.id,
        "level": match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "note",
        },
        "message": {"text": message},
    });
    if let Some(location) = &finding.location {
        let mut place = place(location);
        if let Some(field) = &finding.field {
            place["logicalLocations"] = json!([{"fullyQualifiedName": field.to_string()}]);
        }
        out["locations"] = json!([place]);
    }
    if !finding.related.is_empty() {
        let related: Vec<Value> = finding
            .related
            .iter()
            .map(|related| {
                let mut place = place(&related.location);
                place["message"] = json!({"text": related.label});
                place
            })
            .collect();
        out["relatedLocations"] = json!(related);
    }
    out
}

/// A place in a file, with its lines. A flag, a stream or a built-in text is none: code hosts refuse a log that names files
/// which are not there.
fn place(location: &Location) -> Value {
    if location.origin() != Origin::File {
        return json!({"logicalLocations": [{"fullyQualifiedName": location.file()}]});
    }
    let (line, column) = location.start();
    let (end_line, end_column) = location.end();
    json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(location.file())},
        "region": {
            "startLine": line,
            "startColumn": column,
            "endLine": end_line,
            "endColumn": end_column,
        },
    }})
}

/// A file name as a URI reference: what is not allowed in one is percent-encoded.
fn uri(name: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/!$&'()*+,;=@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}
