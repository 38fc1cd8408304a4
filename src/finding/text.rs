//! Findings for people: the message, the line it is about, and the next step.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::{Finding, Findings, Severity};
use crate::yaml::Location;

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// With terminal colours.
    pub colour: bool,
    /// Width of the terminal in columns; 0 means 140.
    pub width: usize,
}

/// All findings, each followed by an empty line.
#[must_use]
pub fn render(findings: &Findings, style: Style) -> String {
    let mut out = String::new();
    for finding in findings {
        out.push_str(&one(finding, style));
        out.push_str("\n\n");
    }
    out
}

/// One finding with its snippet.
#[must_use]
pub fn one(finding: &Finding, style: Style) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let message = clean(&finding.message);
    let context = context(finding);
    let hint = finding.hint.as_deref().map(clean);
    let source = finding.source.map(|source| format!("the rule is in {source}"));

    let mut group = Group::with_title(level.primary_title(message.as_str()).id(finding.code.id));
    if let Some(location) = &finding.location {
        group = group.element(snippet(location, AnnotationKind::Primary, None));
    }
    for related in &finding.related {
        group = group.element(snippet(&related.location, AnnotationKind::Context, Some(&related.label)));
    }
    if let Some(context) = &context {
        group = group.element(Level::NOTE.message(context.as_str()));
    }
    if let Some(source) = &source {
        group = group.element(Level::NOTE.message(source.as_str()));
    }
    if let Some(hint) = &hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let renderer = if style.colour { Renderer::styled() } else { Renderer::plain() };
    let width = if style.width == 0 { 140 } else { style.width };
    renderer.term_width(width).render(&[group])
}

/// One line for places where a snippet has no room: `file:line:col: error IF0101: message`.
#[must_use]
pub fn short(finding: &Finding) -> String {
    let place = finding.location.as_ref().map_or_else(String::new, |location| {
        let (line, column) = location.start();
        format!("{}:{line}:{column}: ", location.file())
    });
    let hint = finding.hint.as_deref().map_or_else(String::new, |hint| format!(" ({hint})"));
    format!("{place}{} {}: {}{hint}", finding.severity, finding.code.id, finding.message)
}

/// `2 errors, 1 warning`; empty when there is nothing but remarks.
#[must_use]
pub fn count(findings: &Findings) -> String {
    let part = |severity, one: &str, many: &str| match findings.count(severity) {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {many}")),
    };
    [part(Severity::Error, "error", "errors"), part(Severity::Warning, "warning", "warnings")]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(", ")
}

fn context(finding: &Finding) -> Option<String> {
    let field = finding.field.as_ref().filter(|field| !field.is_root());
    match (&finding.object, field) {
        (Some(object), Some(field)) => Some(format!("in {object}, field {field}")),
        (Some(object), None) => Some(format!("in {object}")),
        (None, Some(field)) => Some(format!("field {field}")),
        (None, None) => None,
    }
}

fn snippet<'location>(
    location: &'location Location,
    kind: AnnotationKind,
    label: Option<&'location str>,
) -> Snippet<'location, annotate_snippets::Annotation<'location>> {
    let text = location.source().text();
    let range = location.range();
    // A finding about a whole block marks its first line, not a page of text.
    let end = text[range.clone()].find('\n').map_or(range.end, |newline| range.start + newline);
    // Only the lines around it are handed over: the renderer's cost grows with the text.
    let first = text[..range.start].rmatch_indices('\n').nth(1).map_or(0, |(newline, _)| newline + 1);
    let last = text[end..].match_indices('\n').nth(1).map_or(text.len(), |(newline, _)| end + newline);
    let (line, _) = location.source().line_column(first);
    let mut annotation = kind.span(range.start - first..end.max(range.start) - first);
    if let Some(label) = label {
        annotation = annotation.label(label);
    }
    Snippet::source(&text[first..last]).line_start(line).path(location.file()).annotation(annotation)
}

/// Control characters would let an input draw on the reader's terminal.
fn clean(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() && character != '\n' { '\u{fffd}' } else { character })
        .collect()
}
