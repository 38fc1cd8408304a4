//! What a run was about to do, for the next one in case it is stopped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::disk::Identity;

/// Written as the last file of the stage. Where there is none, no folder of the output has changed yet.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Journal {
    /// Each folder that changes, with the identity of its new tree: wherever that is found tells whether the folder
    /// was replaced already. `None` for one that is removed, and on systems without such numbers.
    pub(crate) folders: BTreeMap<String, Option<Identity>>,
}

impl Journal {
    pub(crate) fn render(&self) -> Vec<u8> {
        // Strings and numbers only: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// `None` when it cannot be read, as after a power cut.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
