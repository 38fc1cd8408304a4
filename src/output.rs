//! Writing rendered trees into the output folder, all or nothing.
//!
//! The output folder has one folder for each cluster. A run compares each with what was rendered ([`folder`]); one in
//! which nothing changes is not touched. The others are put together in a stage on the same file system ([`stage`]):
//! changed files are written, everything else is linked from the old tree, the user's own files included. Only when
//! all of that has succeeded the new trees take the place of the old ones by renames ([`commit`]), and
//! `kustomization.yaml` of the output folder, which lists the clusters, changes with them ([`index`]).
//!
//! What InfraFlux wrote is recorded beside it ([`inventory`]), so that the next run can remove what is no longer
//! rendered and never takes a user's file for its own. A run that was stopped leaves every folder as it was or as it
//! should be; the next one clears up ([`recover`]).
//!
//! `docs/decisions/0011-writing.md` has the reasons.

use std::{path::PathBuf, sync::Arc};

use crate::finding::Findings;

mod commit;
mod disk;
#[cfg(all(test, unix))]
mod faults;
mod folder;
mod index;
mod inventory;
mod journal;
mod lock;
mod path;
mod recover;
mod session;
mod settle;
mod stage;
mod summary;
mod tree;
mod trouble;

pub use index::INDEX;
pub use inventory::{INVENTORY, listed};
pub use path::{BadPath, RelativePath};
pub use session::Session;
pub use summary::{Counts, FolderChanges, State, Summary};
pub use tree::{MANAGEMENT, Tree};

/// What to do with a generated file that somebody edited, where the edit would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edited {
    /// Write it again, with a warning that names it: the output is a function of the plan.
    #[default]
    Overwrite,
    /// Refuse the whole run, as `--strict` does.
    Refuse,
}

/// A run that has ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was written, or would be.
    pub summary: Summary,
    /// Warnings and remarks.
    pub findings: Findings,
}

/// Writes into one output folder.
///
/// ```no_run
/// use infraflux::output::{RelativePath, Tree, Writer};
///
/// let mut tree = Tree::new("lab")?;
/// tree.insert(RelativePath::new("kustomization.yaml")?, "resources: []\n")?;
/// let outcome = Writer::new("out").write(&[tree])?;
/// assert_eq!(outcome.summary.counts().created, 2);
/// # Ok::<(), infraflux::finding::Findings>(())
/// ```
#[derive(Clone)]
pub struct Writer {
    out: PathBuf,
    edited: Edited,
    listed: bool,
    disk: Arc<dyn disk::Disk>,
}

impl Writer {
    /// A writer for this output folder, which need not exist. It may not be a symbolic link.
    #[must_use]
    pub fn new(out: impl Into<PathBuf>) -> Self {
        Self { out: out.into(), edited: Edited::default(), listed: true, disk: Arc::new(disk::Real) }
    }

    /// What to do with generated files that were edited.
    #[must_use]
    pub fn edited(mut self, edited: Edited) -> Self {
        self.edited = edited;
        self
    }

    /// Writes no list of clusters: the folder is not one that Flux reads.
    #[must_use]
    pub fn unlisted(mut self) -> Self {
        self.listed = false;
        self
    }

    /// Says what [`write`](Self::write) would do, reading only. Refuses what `write` would refuse.
    pub fn plan(&self, trees: &[Tree]) -> Result<Outcome, Findings> {
        let mut session = self.begin_dry_run()?;
        session.add(trees);
        session.finish()
    }

    /// Writes these trees, or nothing if anything is wrong. Folders of other clusters stay as they are.
    pub fn write(&self, trees: &[Tree]) -> Result<Outcome, Findings> {
        let mut session = self.begin()?;
        session.add(trees);
        session.finish()
    }

    /// Begins a run to which trees are added in portions. Holds a lock on the output folder until it ends.
    pub fn begin(&self) -> Result<Session, Findings> {
        Session::begin(self.disk.clone(), &self.out, self.edited, self.listed, false)
    }

    /// Begins a run that only reads and takes no lock.
    pub fn begin_dry_run(&self) -> Result<Session, Findings> {
        Session::begin(self.disk.clone(), &self.out, self.edited, self.listed, true)
    }
}
