//! The answer: the input's bytes with the pieces that change put in their place.

use std::ops::Range;

use serde_json::Value;

use super::{
    resource_list::{List, ResourceList, Style},
    slice::{Entry, line_start, next_line},
};
use crate::yaml::emit;

/// What becomes of an entry that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// It stays, byte for byte.
    Keep,
    /// Another text stands in its place.
    Replace(String),
    /// It goes.
    Drop,
}

/// What becomes of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Changes {
    /// For each entry that came in.
    pub(super) fates: Vec<Fate>,
    /// New ones, after the rest.
    pub(super) append: Vec<String>,
}

impl Changes {
    /// Everything stays.
    pub(super) fn none(count: usize) -> Self {
        Self { fates: vec![Fate::Keep; count], append: Vec::new() }
    }

    /// Everything goes.
    pub(super) fn clear(count: usize) -> Self {
        Self { fates: vec![Fate::Drop; count], append: Vec::new() }
    }
}

/// Replacements of byte ranges in a text.
#[derive(Debug, Default)]
pub(super) struct Edits {
    list: Vec<(Range<usize>, String)>,
}

impl Edits {
    /// Puts `new` in the place of `range`. Where several begin at one byte, their order is that of the calls.
    pub(super) fn replace(&mut self, range: Range<usize>, new: impl Into<String>) {
        self.list.push((range, new.into()));
    }

    /// Puts `new` before the byte `at`.
    pub(super) fn insert(&mut self, at: usize, new: impl Into<String>) {
        self.replace(at..at, new);
    }

    /// The text with all replacements made.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.list.sort_by_key(|(range, _)| range.start);
        let more: usize = self.list.iter().map(|(_, new)| new.len()).sum();
        let mut out = String::with_capacity(text.len() + more);
        let mut done = 0;
        for (range, new) in self.list {
            out.push_str(text.get(done..range.start).unwrap_or_default());
            out.push_str(&new);
            done = done.max(range.end);
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}

impl ResourceList {
    /// Whether new items have to be written as JSON: the input is JSON, or its list is in flow style.
    pub(super) fn takes_json(&self) -> bool {
        self.is_flow
            || self
                .item_list
                .as_ref()
                .is_some_and(|list| list.style == Style::Flow && !list.entries.is_empty())
    }

    /// The ResourceList with changed items and with `results`. New items are YAML texts, or JSON where
    /// [`Self::takes_json`] says so. `is_own` tells earlier results of ours, which go, from those of others, which stay.
    pub(super) fn with(
        &self,
        items: &Changes,
        results: &[Value],
        is_own: impl Fn(&Range<usize>) -> bool,
    ) -> String {
        let mut edits = Edits::default();
        let old = self.result_list.as_ref();
        let fates = old.map_or(Vec::new(), |list| {
            let fate = |entry: &Entry| if is_own(&entry.body) { Fate::Drop } else { Fate::Keep };
            list.entries.iter().map(fate).collect()
        });
        let in_json =
            self.is_flow || old.is_some_and(|list| list.style == Style::Flow && !list.entries.is_empty());
        let append = results
            .iter()
            .map(|result| if in_json { result.to_string() } else { emit_result(result) })
            .collect::<Vec<_>>();
        // New entries of a list at the end of the text come before a new key there, whichever list it is.
        let results_first = old.is_some() && self.item_list.is_none();
        let has_results = old.is_some() || !append.is_empty();
        let changes = Changes { fates, append };
        if results_first {
            self.edit(&mut edits, "results", old, &changes);
        }
        self.edit(&mut edits, "items", self.item_list.as_ref(), items);
        if has_results && !results_first {
            self.edit(&mut edits, "results", old, &changes);
        }
        edits.apply(self.text())
    }

    fn edit(&self, edits: &mut Edits, key: &str, list: Option<&List>, changes: &Changes) {
        match list {
            None => self.add_list(edits, key, &changes.append),
            Some(list) if list.style == Style::Block => self.edit_block(edits, list, changes),
            Some(list) if list.style == Style::Flow && !list.entries.is_empty() => {
                self.edit_flow(edits, list, changes);
            }
            Some(list) => self.fill_empty(edits, list, &changes.append),
        }
    }

    /// A key that is not there yet.
    fn add_list(&self, edits: &mut Edits, key: &str, append: &[String]) {
        if self.is_flow {
            let gap = self.gap_before(self.last_key);
            let space = if gap.is_empty() { "" } else { " " };
            let list = self.flow_list(append);
            edits.insert(self.end, format!(",{gap}\"{key}\":{space}{list}"));
            return;
        }
        let mut new = " ".repeat(self.column);
        new.push_str(key);
        new.push(':');
        if append.is_empty() {
            new.push_str(" []\n");
        } else {
            new.push('\n');
            for entry in append {
                push_entry(entry, self.column, &mut new);
            }
        }
        edits.insert(self.end, new);
    }

    /// A list that holds nothing: `[]`, `null` or no value.
    fn fill_empty(&self, edits: &mut Edits, list: &List, append: &[String]) {
        let text = self.text();
        let space = if list.range.start == list.colon { " " } else { "" };
        if self.is_flow {
            if list.style == Style::Null || !append.is_empty() {
                edits.replace(list.range.clone(), format!("{space}{}", self.flow_list(append)));
            }
            return;
        }
        if append.is_empty() {
            if list.style == Style::Null {
                edits.replace(list.range.clone(), format!("{space}[]"));
            }
            return;
        }
        // What stands between the colon and the value (an anchor, a tag) stays; the entries go below the line.
        let before = text[..list.range.start].trim_end_matches([' ', '\t']).len().max(list.colon);
        edits.replace(before..list.range.end, "");
        let below = next_line(text, list.range.end);
        let mut new = String::new();
        for entry in append {
            push_entry(entry, self.column, &mut new);
        }
        edits.insert(below, new);
    }

    fn edit_block(&self, edits: &mut Edits, list: &List, changes: &Changes) {
        let text = self.text();
        let mut column = self.column;
        for (entry, fate) in list.entries.iter().zip(&changes.fates) {
            let line = line_start(text, entry.range.start);
            column = entry.range.start - line;
            match fate {
                Fate::Keep => {}
                Fate::Replace(new) => {
                    let mut out = String::new();
                    push_entry(new, column, &mut out);
                    edits.replace(entry.range.clone(), &out[column..]);
                }
                Fate::Drop if text[line..entry.range.start].trim().is_empty() => {
                    edits.replace(line..entry.range.end, "");
                }
                // An explicit `: ` in front of the first dash.
                Fate::Drop => edits.replace(entry.range.clone(), "\n"),
            }
        }
        if changes.append.is_empty() {
            if changes.fates.iter().all(|fate| *fate == Fate::Drop) {
                let first = line_start(text, list.range.start);
                let between = text.get(list.colon..first).unwrap_or_default().trim();
                if first > list.colon && (between.is_empty() || between.starts_with('#')) {
                    edits.insert(list.colon, " []");
                } else {
                    edits.insert(list.range.end, format!("{}[]\n", " ".repeat(self.column + 2)));
                }
            }
            return;
        }
        let mut new = String::new();
        for entry in &changes.append {
            push_entry(entry, column, &mut new);
        }
        edits.insert(list.range.end, new);
    }

    fn edit_flow(&self, edits: &mut Edits, list: &List, changes: &Changes) {
        let entries = &list.entries;
        let (Some(first), Some(final_entry)) = (entries.first(), entries.last()) else { return };
        let gap = self.gap_before(final_entry.range.start);
        if changes.fates.iter().all(|fate| *fate == Fate::Drop) {
            // Whatever stood around the entries keeps its place.
            let separator = format!(",{gap}");
            edits.replace(first.range.start..final_entry.range.end, changes.append.join(&separator));
            return;
        }
        let mut survivors = false;
        for (position, (entry, fate)) in entries.iter().zip(&changes.fates).enumerate() {
            match fate {
                Fate::Keep => survivors = true,
                Fate::Replace(new) => {
                    survivors = true;
                    edits.replace(entry.range.clone(), new.as_str());
                }
                // With the separator on the side where a survivor is.
                Fate::Drop if survivors => {
                    edits.replace(entries[position - 1].range.end..entry.range.end, "");
                }
                Fate::Drop => {
                    let next = entries.get(position + 1).map_or(entry.range.end, |next| next.range.start);
                    edits.replace(entry.range.start..next, "");
                }
            }
        }
        for new in &changes.append {
            edits.insert(final_entry.range.end, format!(",{gap}{new}"));
        }
    }

    fn flow_list(&self, entries: &[String]) -> String {
        if entries.is_empty() {
            return "[]".to_owned();
        }
        let gap = self.gap_before(self.last_key);
        if gap.contains('\n') {
            let inner = format!(",{gap}  ");
            format!("[{gap}  {}{gap}]", entries.join(&inner))
        } else {
            format!("[{}]", entries.join(&format!(",{gap}")))
        }
    }

    /// The blanks in front of a key or entry of a flow collection.
    fn gap_before(&self, at: usize) -> &str {
        let text = self.text();
        let start = text[..at].trim_end_matches([' ', '\t', '\n', '\r']).len();
        &text[start..at]
    }
}

/// Appends a list entry: `- ` and the text, its lines moved to the right.
///
/// Blank lines at the end are not taken: they would belong to nobody when the answer is read again.
pub(super) fn push_entry(entry: &str, column: usize, out: &mut String) {
    let entry = without_blank_end(entry);
    let lines = entry.bytes().filter(|byte| *byte == b'\n').count() + 1;
    out.reserve(entry.len() + lines * (column + 2) + 1);
    let indent = " ".repeat(column);
    for (position, line) in entry.split('\n').enumerate() {
        if position == 0 {
            out.push_str(&indent);
            out.push_str("- ");
        } else if !line.is_empty() && line != "\r" {
            out.push_str(&indent);
            out.push_str("  ");
        }
        out.push_str(line);
        out.push('\n');
    }
}

/// A text without its last line break and without blank lines before that.
pub(super) fn without_blank_end(text: &str) -> &str {
    let mut text = text;
    loop {
        let (rest, line) = text.rsplit_once('\n').unwrap_or(("", text));
        if rest.is_empty() || !line.trim().is_empty() {
            return text;
        }
        text = rest;
    }
}

/// One result as YAML, message first: people read this too.
fn emit_result(result: &Value) -> String {
    const ORDER: [&str; 6] = ["message", "severity", "resourceRef", "field", "file", "tags"];
    let mut out = String::new();
    for key in ORDER {
        if let Some(value) = result.get(key) {
            out.push_str(key);
            out.push(':');
            emit::after_key(value, 0, &mut out);
        }
    }
    out
}
