//! What was written, or would be.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{index::INDEX, inventory::INVENTORY, path::RelativePath};

/// How many lines of changes the text form shows before it only counts.
const LINES: usize = 40;

/// What became of a folder or a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It was not there.
    Created,
    /// It was there and is different now.
    Changed,
    /// It is gone.
    Removed,
    /// It was not touched.
    Unchanged,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// What became of one folder. All lists are sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderChanges {
    /// The cluster, or `management`.
    pub name: String,
    /// The folder as a whole.
    pub state: State,
    /// Files that were not there.
    pub created: Vec<RelativePath>,
    /// Files with other bytes than before.
    pub changed: Vec<RelativePath>,
    /// Files that are no longer rendered.
    pub removed: Vec<RelativePath>,
    /// Files that were not touched.
    pub unchanged: Vec<RelativePath>,
}

impl FolderChanges {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            state: State::Unchanged,
            created: Vec::new(),
            changed: Vec::new(),
            removed: Vec::new(),
            unchanged: Vec::new(),
        }
    }

    pub(crate) fn files_changed(&self) -> usize {
        self.created.len() + self.changed.len() + self.removed.len()
    }

    /// Whether no file of InfraFlux's is there afterwards.
    pub(crate) fn is_empty(&self) -> bool {
        self.created.is_empty() && self.changed.is_empty() && self.unchanged.is_empty()
    }

    /// The files are right and only the record of them was not, as after a merge.
    fn inventory_only(&self) -> bool {
        self.state != State::Unchanged && self.files_changed() == 0
    }
}

/// Numbers of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counts {
    /// Files that were not there.
    pub created: usize,
    /// Files with other bytes than before.
    pub changed: usize,
    /// Files that are no longer rendered.
    pub removed: usize,
    /// Files that were not touched.
    pub unchanged: usize,
}

impl Counts {
    /// How many are not as they were.
    #[must_use]
    pub fn changes(self) -> usize {
        self.created + self.changed + self.removed
    }

    fn add(&mut self, state: State) {
        match state {
            State::Created => self.created += 1,
            State::Changed => self.changed += 1,
            State::Removed => self.removed += 1,
            State::Unchanged => self.unchanged += 1,
        }
    }
}

/// What a run wrote, or what a dry run would have written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The output folder as it was given.
    pub out: PathBuf,
    /// Whether nothing was written because nothing should be.
    pub dry_run: bool,
    /// Every folder of the run, in the order in which the trees came.
    pub folders: Vec<FolderChanges>,
    /// `kustomization.yaml` of the output folder; `None` when there is none and none is needed.
    pub index: Option<State>,
}

fn names(paths: &[RelativePath]) -> Vec<&str> {
    paths.iter().map(RelativePath::as_str).collect()
}

impl Summary {
    /// All files of the run, `kustomization.yaml` of the output folder included.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for folder in &self.folders {
            counts.created += folder.created.len();
            counts.changed += folder.changed.len();
            counts.removed += folder.removed.len();
            counts.unchanged += folder.unchanged.len();
            if folder.inventory_only() {
                counts.changed += 1;
            }
        }
        if let Some(index) = self.index {
            counts.add(index);
        }
        counts
    }

    /// For people: a line for each change, at most 40 of them, and the counts. Ends with a line break.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = self.lines();
        let hidden = lines.len().saturating_sub(LINES);
        // One line more says no less than "and 1 more".
        if hidden > 1 {
            lines.truncate(LINES);
            lines.push(format!("           and {hidden} more"));
        }
        let mut text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
        let counts = self.counts();
        let mut parts = Vec::new();
        for (count, state) in [
            (counts.created, State::Created),
            (counts.changed, State::Changed),
            (counts.removed, State::Removed),
        ] {
            if count > 0 {
                parts.push(format!("{count} {}", state.word()));
            }
        }
        if parts.is_empty() {
            parts.push("0 changes".to_owned());
        }
        if counts.unchanged > 0 {
            parts.push(format!("{} unchanged", counts.unchanged));
        }
        let folders = match self.folders.len() {
            1 => "1 folder".to_owned(),
            count => format!("{count} folders"),
        };
        let dry = if self.dry_run { "dry run, nothing was written: " } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{dry}{} (files in {folders})", parts.join(", "));
        text
    }

    /// For programs:
    ///
    /// ```json
    /// {"out": "out", "dryRun": false,
    ///  "files": {"created": 13, "changed": 0, "removed": 0, "unchanged": 0},
    ///  "index": "created",
    ///  "folders": [{"name": "lab", "state": "created", "created": ["..."], "changed": [], "removed": [], "unchanged": 0}]}
    /// ```
    #[must_use]
    pub fn json(&self) -> Value {
        let folders: Vec<Value> = self
            .folders
            .iter()
            .map(|folder| {
                json!({
                    "name": folder.name,
                    "state": folder.state,
                    "created": names(&folder.created),
                    "changed": names(&folder.changed),
                    "removed": names(&folder.removed),
                    "unchanged": folder.unchanged.len(),
                })
            })
            .collect();
        json!({
            "out": self.out.display().to_string(),
            "dryRun": self.dry_run,
            "files": self.counts(),
            "index": self.index,
            "folders": folders,
        })
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = |state: State, path: &Path, note: &str| {
            lines.push(format!("{:<9}  {}{note}", state.word(), path.display()));
        };
        for folder in &self.folders {
            let path = self.out.join(&folder.name);
            match folder.state {
                State::Unchanged => {}
                State::Created | State::Removed => {
                    let note = match folder.files_changed() {
                        1 => "/ (1 file)".to_owned(),
                        count => format!("/ ({count} files)"),
                    };
                    line(folder.state, &path, &note);
                }
                State::Changed => {
                    for file in &folder.created {
                        line(State::Created, &file.under(&path), "");
                    }
                    for file in &folder.changed {
                        line(State::Changed, &file.under(&path), "");
                    }
                    for file in &folder.removed {
                        line(State::Removed, &file.under(&path), "");
                    }
                    if folder.inventory_only() {
                        line(State::Changed, &path.join(INVENTORY), "");
                    }
                }
            }
        }
        if let Some(index) = self.index.filter(|index| *index != State::Unchanged) {
            line(index, &self.out.join(INDEX), "");
        }
        lines
    }
}
