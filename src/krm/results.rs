//! Findings as a client shows them: `results` in the ResourceList, and short lines on stderr.
//!
//! kustomize throws results away and passes stderr on; kpt shows results without hints and the first four lines of
//! stderr. So both say everything, and the most important line comes first.

use std::{ops::Range, sync::Arc};

use serde_json::{Map, Value, json};

use super::item::Item;
use crate::{
    finding::{Finding, Findings, ObjectRef, Severity},
    yaml::{Location, Source},
};

/// The configuration, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct ConfigPlace {
    pub(super) source: Arc<Source>,
    pub(super) range: Range<usize>,
    pub(super) id: Option<ObjectRef>,
    pub(super) path: Option<String>,
}

/// Which item or configuration a place belongs to.
#[derive(Debug)]
pub(super) struct Whereabouts<'run> {
    pub(super) input: Option<&'run Arc<Source>>,
    pub(super) items: &'run [Item],
    pub(super) config: Option<ConfigPlace>,
}

struct Spot<'run> {
    id: Option<&'run ObjectRef>,
    path: Option<&'run str>,
    index: Option<u32>,
    /// How a line on stderr calls it.
    label: Option<&'run str>,
}

impl Whereabouts<'_> {
    /// For input that could not be read.
    pub(super) const UNKNOWN: Self = Self { input: None, items: &[], config: None };

    fn find(&self, location: &Location) -> Option<Spot<'_>> {
        let at = location.range().start;
        if let Some(config) = &self.config
            && Arc::ptr_eq(location.source(), &config.source)
            && config.range.contains(&at)
        {
            let path = config.path.as_deref();
            return Some(Spot {
                id: config.id.as_ref(),
                path,
                index: None,
                label: path.or(Some("functionConfig")),
            });
        }
        if !self.input.is_some_and(|input| Arc::ptr_eq(location.source(), input)) {
            return None;
        }
        let after = self.items.partition_point(|item| item.range.start <= at);
        let item = self.items.get(after.checked_sub(1)?)?;
        item.range.contains(&at).then(|| Spot {
            id: Some(&item.id),
            path: item.path(),
            index: item.index(),
            label: item.path(),
        })
    }

    fn is_input(&self, location: &Location) -> bool {
        self.input.is_some_and(|input| Arc::ptr_eq(location.source(), input))
    }
}

/// The entries of `results`, in the order of discovery.
///
/// They name files and fields but no line of standard input: lines move when items are added, and the answer to an
/// answer has to be the same.
pub(super) fn results(findings: &Findings, whereabouts: &Whereabouts<'_>) -> Vec<Value> {
    findings.iter().map(|finding| result(finding, whereabouts)).collect()
}

/// The tag that holds the code of a finding.
pub(super) const CODE_TAG: &str = "code";

fn result(finding: &Finding, whereabouts: &Whereabouts<'_>) -> Value {
    let spot = finding.location.as_ref().and_then(|location| whereabouts.find(location));
    let mut out = Map::new();
    let mut tags = Map::new();
    let message = if finding.message.trim().is_empty() { finding.code.title } else { &finding.message };
    out.insert("message".into(), json!(message));
    out.insert("severity".into(), json!(finding.severity.to_string()));

    let object = finding
        .object
        .as_ref()
        .or_else(|| spot.as_ref().and_then(|spot| spot.id))
        .filter(|id| !id.api_version.is_empty() && !id.kind.is_empty() && !id.name.is_empty());
    if let Some(id) = object {
        let mut reference = json!({"apiVersion": id.api_version, "kind": id.kind, "name": id.name});
        if let Some(namespace) = &id.namespace {
            reference["namespace"] = json!(namespace);
        }
        out.insert("resourceRef".into(), reference);
    }
    if let Some(field) = finding.field.as_ref().filter(|field| !field.is_root()) {
        // The specification wants a resourceRef beside it.
        if object.is_some() {
            out.insert("field".into(), json!({"path": field.to_string()}));
        } else {
            tags.insert("field".into(), json!(field.to_string()));
        }
    }
    if let Some(spot) = &spot
        && let Some(path) = spot.path.filter(|path| is_relative(path))
    {
        let mut file = json!({"path": path});
        if let Some(index) = spot.index {
            file["index"] = json!(index);
        }
        out.insert("file".into(), file);
    }
    tags.insert(CODE_TAG.into(), json!(finding.code.id));
    if let Some(hint) = &finding.hint {
        tags.insert("hint".into(), json!(hint));
    }
    if let Some(source) = finding.source {
        tags.insert("source".into(), json!(source));
    }
    if let Some(location) = &finding.location
        && spot.is_none()
        && !whereabouts.is_input(location)
    {
        tags.insert("at".into(), json!(position(location)));
    }
    out.insert("tags".into(), Value::Object(tags));
    Value::Object(out)
}

fn is_relative(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('/')
        && !path.contains('\\')
        && !path.split('/').any(|part| part == "..")
}

fn position(location: &Location) -> String {
    let (line, column) = location.start();
    format!("{}:{line}:{column}", location.file())
}

/// Errors and warnings, one line each, the worst first.
pub(super) fn lines(findings: &Findings, whereabouts: &Whereabouts<'_>) -> String {
    let mut sorted: Vec<&Finding> =
        findings.iter().filter(|finding| finding.severity > Severity::Info).collect();
    sorted.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut out = String::new();
    for finding in sorted {
        out.push_str(&line(finding, whereabouts));
        out.push('\n');
    }
    out
}

fn line(finding: &Finding, whereabouts: &Whereabouts<'_>) -> String {
    let spot = finding.location.as_ref().and_then(|location| whereabouts.find(location));
    let mut subject = Vec::new();
    match (&spot, &finding.location) {
        (Some(Spot { label: Some(label), .. }), _) => subject.push((*label).to_owned()),
        (None, Some(location)) => subject.push(position(location)),
        _ => {}
    }
    match (&finding.object, spot.as_ref().and_then(|spot| spot.id)) {
        (Some(id), _) | (None, Some(id)) if !id.kind.is_empty() => subject.push(id.to_string()),
        _ => {}
    }
    if let Some(field) = finding.field.as_ref().filter(|field| !field.is_root()) {
        subject.push(field.to_string());
    }
    let mut out = format!("{} {}", finding.severity, finding.code.id);
    if !subject.is_empty() {
        out.push_str(" in ");
        out.push_str(&subject.join(", "));
    }
    out.push_str(": ");
    out.push_str(if finding.message.trim().is_empty() { finding.code.title } else { &finding.message });
    if let Some(location) = finding.location.as_ref().filter(|_| spot.is_some()) {
        out.push_str(" (");
        out.push_str(&position(location));
        out.push(')');
    }
    if let Some(hint) = &finding.hint {
        out.push_str("; ");
        out.push_str(hint);
    }
    // One finding is one line, and no input draws on the reader's terminal.
    out.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}
