//! Findings for programs: one JSON document with a promise to stay as it is.

use serde_json::{Value, json};

use super::{Finding, Findings, Severity};
use crate::yaml::Location;

/// `{"findings": [...], "summary": {"errors": n, "warnings": n, "infos": n}}`.
#[must_use]
pub fn render(findings: &Findings) -> Value {
    json!({
        "findings": findings.iter().map(one).collect::<Vec<_>>(),
        "summary": {
            "errors": findings.count(Severity::Error),
            "warnings": findings.count(Severity::Warning),
            "infos": findings.count(Severity::Info),
        },
    })
}

fn one(finding: &Finding) -> Value {
    let mut out = json!({
        "code": finding.code.id,
        "severity": finding.severity.to_string(),
        "message": finding.message,
    });
    let mut set = |key: &str, value: Value| {
        out[key] = value;
    };
    if let Some(object) = &finding.object {
        set(
            "object",
            json!({
                "apiVersion": object.api_version,
                "kind": object.kind,
                "namespace": object.namespace,
                "name": object.name,
            }),
        );
    }
    if let Some(field) = &finding.field {
        set("field", json!(field.to_string()));
    }
    if let Some(location) = &finding.location {
        set("location", place(location));
    }
    if !finding.related.is_empty() {
        let related: Vec<Value> = finding
            .related
            .iter()
            .map(|related| json!({"label": related.label, "location": place(&related.location)}))
            .collect();
        set("related", json!(related));
    }
    if let Some(hint) = &finding.hint {
        set("hint", json!(hint));
    }
    if let Some(source) = finding.source {
        set("source", json!(source));
    }
    out
}

fn place(location: &Location) -> Value {
    let (line, column) = location.start();
    let (end_line, end_column) = location.end();
    json!({
        "file": location.file(),
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
    })
}
