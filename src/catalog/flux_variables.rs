//! The variables that Flux substitutes in shared folders: `${lower_snake}`.
//!
//! Flux runs envsubst over the text of every object (fluxcd/pkg `kustomize`, drone/envsubst): `${v}`, `${v:=d}`, `${v:-d}`,
//! `${v=d}`, `${v-d}`, `${#v}`, `${v^^}`, `${v:n:m}`, `${v/a/b}`, `${v#p}`, `${v%p}`; `$${` is a literal `${`. Objects with the
//! annotation or label `kustomize.toolkit.fluxcd.io/substitute: disabled` are left alone.

use std::collections::BTreeSet;

/// The annotation that keeps Flux away from an object's `${`.
pub const DISABLED: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// A use of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use<'text> {
    /// Its name, empty when what stands there is no name.
    pub name: &'text str,
    /// The byte of its `$`.
    pub offset: usize,
    /// Whether the expression gives a default.
    pub has_default: bool,
}

/// Every `${` of a text that Flux would substitute; comment lines count, because Flux does not parse before it substitutes
/// (they are gone by then, kustomize drops them: so they are skipped here).
#[must_use]
pub fn uses(text: &str) -> Vec<Use<'_>> {
    let mut found = Vec::new();
    let mut offset = 0;
    for document in text.split_inclusive("\n---") {
        if !is_disabled(document) {
            for line in Lines::new(document, offset) {
                in_line(text, line, &mut found);
            }
        }
        offset += document.len();
    }
    found
}

/// The names that a text uses.
#[must_use]
pub fn names(text: &str) -> BTreeSet<&str> {
    uses(text).into_iter().map(|found| found.name).filter(|name| !name.is_empty()).collect()
}

/// Whether a document asks Flux not to substitute in it.
fn is_disabled(document: &str) -> bool {
    document.lines().any(|line| {
        line.trim().strip_prefix(DISABLED).and_then(|rest| rest.trim_start().strip_prefix(':')).is_some_and(
            |value| {
                value.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']) == "disabled"
            },
        )
    })
}

/// The byte ranges of a document's lines that are not comments.
struct Lines<'text> {
    rest: &'text str,
    offset: usize,
}

impl<'text> Lines<'text> {
    fn new(document: &'text str, offset: usize) -> Self {
        Self { rest: document, offset }
    }
}

impl Iterator for Lines<'_> {
    type Item = std::ops::Range<usize>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            let length = self.rest.find('\n').map_or(self.rest.len(), |newline| newline + 1);
            let line = &self.rest[..length];
            let range = self.offset..self.offset + length;
            self.rest = &self.rest[length..];
            self.offset += length;
            if !line.trim_start().starts_with('#') {
                return Some(range);
            }
        }
    }
}

fn in_line<'text>(text: &'text str, range: std::ops::Range<usize>, found: &mut Vec<Use<'text>>) {
    let mut at = range.start;
    while let Some(dollar) = text[at..range.end].find('$') {
        let start = at + dollar;
        let rest = &text[start..range.end];
        if rest.starts_with("$$") {
            at = start + 2;
            continue;
        }
        let Some(inside) = rest.strip_prefix("${") else {
            at = start + 1;
            continue;
        };
        let body = inside.strip_prefix('#').unwrap_or(inside);
        let end = body
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
            .unwrap_or(body.len());
        let name = &body[..end];
        let operator = &body[end..];
        let has_default = [":=", ":-", "=", "-"].iter().any(|sign| operator.starts_with(sign));
        found.push(Use { name, offset: start, has_default });
        at = start + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::{names, uses};

    #[test]
    fn finds_what_flux_would_substitute() {
        let text = "# ${comment}\na: ${one} x ${two:=d}\nb: $${no} $three $(four)\nc: \"${#five}${six/a/b}\"\n---\nmetadata:\n  annotations:\n    kustomize.toolkit.fluxcd.io/substitute: disabled\nd: ${gone}\n---\ne: ${seven}\n";
        assert_eq!(names(text).into_iter().collect::<Vec<_>>(), ["five", "one", "seven", "six", "two"]);
        let all = uses(text);
        assert!(all[1].has_default && !all[0].has_default);
        assert_eq!(&text[all[0].offset..all[0].offset + 6], "${one}");
    }
}
