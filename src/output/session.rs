//! One run: trees come in, are compared and staged, and are put in place at the end.

use std::{
    collections::{BTreeSet, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    Edited, Outcome,
    commit::{self, Move},
    disk::{Disk, Identity, Kind, inside},
    folder::{self, Folder},
    index::{self, INDEX, Index},
    journal::Journal,
    lock::Lock,
    recover,
    stage::{STAGE, Stage},
    summary::{FolderChanges, State, Summary},
    tree::Tree,
    trouble::{During as _, Step, Trouble},
};
use crate::finding::{Finding, Findings, codes};

/// A run that has begun.
///
/// Trees may come in portions, so that a fleet never has to be in memory as a whole: what changes goes to the stage
/// at once. Nothing of the output folder changes before [`finish`](Self::finish); a session that is dropped without
/// it leaves everything as it was.
pub struct Session {
    disk: Arc<dyn Disk>,
    out: PathBuf,
    /// The identity of the output folder, if it was there at the beginning.
    home: Option<Identity>,
    exists: bool,
    edited: Edited,
    /// Whether the output folder lists its clusters.
    listed: bool,
    dry_run: bool,
    stage: Option<Stage>,
    /// Folders above the output folder that were made for it, outermost first.
    parents: Vec<PathBuf>,
    names: HashSet<String>,
    clusters: BTreeSet<String>,
    folders: Vec<FolderChanges>,
    findings: Findings,
    // Last, so that it outlives the clearing of the stage.
    locks: Vec<Lock>,
}

impl Session {
    pub(crate) fn begin(
        disk: Arc<dyn Disk>,
        out: &Path,
        edited: Edited,
        listed: bool,
        dry_run: bool,
    ) -> Result<Self, Findings> {
        // `out/` and `out/.` would be followed if `out` were a symbolic link.
        let plain: PathBuf = out.components().collect();
        if plain.as_os_str().is_empty() {
            let message = "the output folder has no name";
            return Err(Finding::error(&codes::OUT_NOT_A_FOLDER, message)
                .hint("name one with `--out`")
                .into());
        }
        let look = disk.look(&plain).during("read", &plain).map_err(|trouble| trouble.unreadable())?;
        let exists = match look.as_ref().map(|look| look.kind) {
            None => false,
            Some(Kind::Folder) => true,
            Some(kind) => return Err(not_a_folder(&plain, kind).into()),
        };
        let mut session = Self {
            disk,
            out: plain,
            home: look.and_then(|look| look.identity),
            exists,
            edited,
            listed,
            dry_run,
            stage: None,
            parents: Vec::new(),
            names: HashSet::new(),
            clusters: BTreeSet::new(),
            folders: Vec::new(),
            findings: Findings::new(),
            locks: Vec::new(),
        };
        if !dry_run {
            session.take_over()?;
        }
        Ok(session)
    }

    /// Compares these trees with the output folder and stages what changes. What is wrong with them is told by
    /// [`finish`](Self::finish), all of it at once.
    pub fn add(&mut self, trees: &[Tree]) {
        let before = self.findings.len();
        for tree in trees {
            if !self.names.insert(tree.name().to_owned()) {
                self.findings.push(
                    Finding::error(
                        &codes::PATH_CLASH,
                        format!("two plans render a cluster named `{}`", tree.name()),
                    )
                    .hint("give one of them another name"),
                );
            }
        }
        if self.findings.len() > before {
            return;
        }
        let (disk, out, home, edited) = (&*self.disk, self.out.as_path(), self.home, self.edited);
        let examined: Vec<Result<Folder, Findings>> =
            trees.par_iter().map(|tree| folder::examine(disk, out, home, tree, edited)).collect();
        let mut staged: Vec<(&Tree, Folder)> = Vec::new();
        for (tree, folder) in trees.iter().zip(examined) {
            match folder {
                Ok(mut folder) => {
                    self.findings.extend(std::mem::take(&mut folder.findings));
                    staged.push((tree, folder));
                }
                Err(findings) => self.findings.extend(findings),
            }
        }
        if !self.dry_run
            && !self.findings.has_errors()
            && let Err(findings) = self.fill(&staged)
        {
            self.findings.extend(findings);
        }
        for (tree, folder) in staged {
            if tree.is_cluster() && !tree.is_empty() {
                self.clusters.insert(tree.name().to_owned());
            }
            self.folders.push(folder.changes);
        }
    }

    /// Puts everything in place, or nothing if anything is wrong.
    pub fn finish(mut self) -> Result<Outcome, Findings> {
        let index = match self.index() {
            Ok(index) if !self.findings.has_errors() => index,
            Ok(_) => return Err(self.give_up()),
            Err(findings) => {
                self.findings.extend(findings);
                return Err(self.give_up());
            }
        };
        let state = index.as_ref().map(|index| index.state).filter(|_| self.listed);
        if let Some(index) = index {
            self.findings.extend(index.findings);
            if !self.dry_run
                && let Err(findings) = self.put_in_place(&index.bytes, index.state)
            {
                self.findings.extend(findings);
                return Err(self.give_up());
            }
        }
        let summary = Summary {
            out: self.out.clone(),
            dry_run: self.dry_run,
            folders: std::mem::take(&mut self.folders),
            index: state,
        };
        Ok(Outcome { summary, findings: std::mem::take(&mut self.findings) })
    }

    /// Locks the output folder and clears what an earlier run left. The stage of one that did not get as far as
    /// making the output folder lies beside it.
    fn take_over(&mut self) -> Result<(), Findings> {
        let disk = self.disk.clone();
        let beside = self.beside();
        if self.exists {
            let (lock, warnings) = Lock::acquire(&*disk, &self.out, &self.out)?;
            self.locks.push(lock);
            self.findings.extend(warnings);
            self.findings.extend(recover::recover(&*disk, &self.out)?);
            // Of a run that made the output folder and was stopped then. It holds nothing, so it may also stay.
            let _ = clear(&*disk, &beside, &self.out);
            return Ok(());
        }
        clear(&*disk, &beside, &self.out)
    }

    fn fill(&mut self, folders: &[(&Tree, Folder)]) -> Result<(), Findings> {
        let changed: Vec<&(&Tree, Folder)> =
            folders.iter().filter(|(_, folder)| folder.changes.state != State::Unchanged).collect();
        if changed.is_empty() {
            return Ok(());
        }
        self.make_stage()?;
        let Some(stage) = &self.stage else { return Ok(()) };
        let (disk, out) = (&*self.disk, self.out.as_path());
        let filled: Vec<Step<()>> = changed
            .par_iter()
            .map(|(tree, folder)| stage.fill(disk, tree, folder, &out.join(tree.name())))
            .collect();
        // A full disk fails for every folder after it; the first one says it all.
        filled
            .into_iter()
            .find_map(Result::err)
            .map_or(Ok(()), |trouble| Err(trouble.nothing_written(out).into()))
    }

    fn make_stage(&mut self) -> Result<(), Findings> {
        if self.stage.is_some() {
            return Ok(());
        }
        let disk = self.disk.clone();
        let nothing_written = |trouble: Trouble, out: &Path| Findings::from(trouble.nothing_written(out));
        if self.exists {
            let stage = Stage::create(&*disk, &self.out.join(STAGE), &self.out);
            self.stage = Some(stage.map_err(|trouble| nothing_written(trouble, &self.out))?);
            return Ok(());
        }
        self.make_parents().map_err(|trouble| nothing_written(trouble, &self.out))?;
        let beside = self.beside();
        let stage = Stage::create(&*disk, &beside, &self.out);
        self.stage = Some(stage.map_err(|trouble| nothing_written(trouble, &self.out))?);
        let (lock, warnings) =
            Lock::acquire(&*disk, &beside, &self.out).inspect_err(|_| self.stage = None)?;
        self.locks.push(lock);
        self.findings.extend(warnings);
        Ok(())
    }

    fn make_parents(&mut self) -> Step<()> {
        let mut missing = Vec::new();
        for parent in self.out.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty()) {
            // Links are followed here: where the output folder lies is the user's choice.
            if parent.exists() {
                break;
            }
            missing.push(parent.to_owned());
        }
        for parent in missing.into_iter().rev() {
            self.disk.make_folder(&parent).during("create", &parent)?;
            self.parents.push(parent);
        }
        Ok(())
    }

    /// The stage of an output folder that does not exist yet.
    fn beside(&self) -> PathBuf {
        let mut name = std::ffi::OsString::from(".");
        name.push(self.out.file_name().unwrap_or_default());
        name.push(STAGE);
        inside(self.out.parent().unwrap_or(Path::new("")), Path::new(&name))
    }

    /// What has to happen to the list of clusters; `None` when the run has nothing to say about it.
    fn index(&self) -> Result<Option<Index>, Findings> {
        let (disk, out) = (&*self.disk, self.out.as_path());
        let mut clusters = self.clusters.clone();
        if self.exists {
            if self.folders.is_empty() {
                return Ok(None);
            }
            index::discover(disk, out, |name| self.names.contains(name), &mut clusters)?;
        } else if self.folders.iter().all(|folder| folder.state == State::Unchanged) {
            return Ok(None);
        }
        if !self.listed {
            return Ok(Some(Index { state: State::Unchanged, bytes: Vec::new(), findings: Findings::new() }));
        }
        index::examine(disk, out, &clusters, self.edited).map(Some)
    }

    fn put_in_place(&mut self, index: &[u8], becomes: State) -> Result<(), Findings> {
        if self.stage.is_none() {
            if becomes == State::Unchanged {
                return Ok(());
            }
            self.make_stage()?;
        }
        let Some(stage) = &self.stage else { return Ok(()) };
        let (disk, out) = (&*self.disk, self.out.as_path());
        let target = out.join(INDEX);
        let nothing_written = |trouble: Trouble| Findings::from(trouble.nothing_written(out));
        if !self.exists {
            let new = stage.new_trees();
            if self.listed {
                disk.write_new(&new.join(INDEX), index).during("write", &target).map_err(nothing_written)?;
            }
            stage.flush(disk, out).map_err(nothing_written)?;
            disk.rename_new(&new, out).during("create", out).map_err(nothing_written)?;
            self.parents.clear();
            self.findings.extend(commit::tidy_up(disk, stage, out));
            self.stage = None;
            return Ok(());
        }
        if becomes != State::Unchanged {
            stage.fill_index(disk, index, &target, becomes).map_err(nothing_written)?;
        }
        let moves: Vec<Move> = self
            .folders
            .iter()
            .filter(|folder| folder.state != State::Unchanged)
            .map(|folder| Move { name: folder.name.clone(), state: folder.state, leaves: folder.is_empty() })
            .collect();
        let mut journal = Journal::default();
        for step in &moves {
            let tree = stage.new_trees().join(&step.name);
            let look = disk.look(&tree).during("read", &tree).map_err(nothing_written)?;
            journal.folders.insert(step.name.clone(), look.and_then(|look| look.identity));
        }
        stage.seal(disk, &journal, out).map_err(nothing_written)?;
        let result = commit::commit(disk, stage, out, &moves, Some(becomes));
        // From here on the stage is either cleared or the next run's to settle.
        self.stage = None;
        self.findings.extend(result?);
        Ok(())
    }

    fn give_up(&mut self) -> Findings {
        self.abandon();
        std::mem::take(&mut self.findings)
    }

    /// Clears the stage and the folders made for it. What cannot be removed is the next run's.
    fn abandon(&mut self) {
        if let Some(stage) = self.stage.take() {
            let _ = stage.discard(&*self.disk);
        }
        for parent in self.parents.drain(..).rev() {
            let _ = self.disk.remove_folder(&parent);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Clears what a run left that had not yet made the output folder.
fn clear(disk: &dyn Disk, beside: &Path, out: &Path) -> Result<(), Findings> {
    if recover::left_behind(disk, beside)?.is_none() {
        return Ok(());
    }
    let (_lock, _) = Lock::acquire(disk, beside, out)?;
    // Looked at again now that nobody else can change it.
    if let Some(stage) = recover::left_behind(disk, beside)? {
        stage.discard(disk).map_err(|trouble| trouble.finding(&codes::LEFT_OVER))?;
    }
    Ok(())
}

fn not_a_folder(out: &Path, kind: Kind) -> Finding {
    let out = out.display();
    if kind == Kind::Link {
        Finding::error(&codes::OUT_IS_A_LINK, format!("the output folder `{out}` is a symbolic link"))
            .hint("name the folder that it points to with `--out`, or remove the link")
    } else {
        Finding::error(&codes::OUT_NOT_A_FOLDER, format!("the output folder `{out}` is not a folder"))
            .hint("move the file away, or choose another folder with `--out`")
    }
}
