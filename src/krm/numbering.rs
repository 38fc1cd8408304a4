//! Positions in files for new items.

use std::collections::HashMap;

use super::item::Item;

/// The next free position in each file. kpt refuses two items of one path and index, and two of one path without any.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    next: HashMap<String, u32>,
}

impl Numbering {
    /// Takes note of an item that stays.
    pub(super) fn occupy(&mut self, item: &Item) {
        if let Some(path) = item.path() {
            let next = self.next.entry(clean(path).to_owned()).or_default();
            *next = (*next).max(item.index().unwrap_or(0).saturating_add(1));
        }
    }

    /// The position for one more item in a file.
    pub(super) fn next(&mut self, path: &str) -> u32 {
        let next = self.next.entry(clean(path).to_owned()).or_default();
        let index = *next;
        *next = index.saturating_add(1);
        index
    }
}

fn clean(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}
