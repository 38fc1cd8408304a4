//! Putting staged trees in place: renames only, each of which can be taken back.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    disk::Disk,
    index::INDEX,
    settle::settle_all,
    stage::Stage,
    summary::State,
    trouble::{During as _, Step, Trouble},
};
use crate::finding::{Finding, Findings, codes};

/// A folder that changes.
#[derive(Debug)]
pub(crate) struct Move {
    pub(crate) name: String,
    pub(crate) state: State,
    /// Whether nothing of InfraFlux's is left in it, so that the list of clusters no longer names it.
    pub(crate) leaves: bool,
}

/// A step that was taken.
enum Done {
    Exchanged { new: PathBuf, target: PathBuf },
    PutInPlace { from: PathBuf, target: PathBuf },
    MovedAway { target: PathBuf, to: PathBuf },
    Replaced { old: PathBuf, target: PathBuf },
}

/// Puts every folder in place, or none. The list of clusters changes after the folders that it newly names are there
/// and before those that it no longer names go, so that it never names one that is not there.
///
/// The findings of a success are warnings.
pub(crate) fn commit(
    disk: &dyn Disk,
    stage: &Stage,
    out: &Path,
    moves: &[Move],
    index: Option<State>,
) -> Result<Findings, Findings> {
    let mut done = Vec::new();
    match run(disk, stage, out, moves, index, &mut done) {
        Ok(()) => Ok(tidy_up(disk, stage, out)),
        Err(trouble) => Err(take_back(disk, stage, out, &done, &trouble)),
    }
}

fn run(
    disk: &dyn Disk,
    stage: &Stage,
    out: &Path,
    moves: &[Move],
    index: Option<State>,
    done: &mut Vec<Done>,
) -> Step<()> {
    for step in moves.iter().filter(|step| !step.leaves) {
        replace(disk, stage, out, step, done)?;
    }
    let target = out.join(INDEX);
    match index {
        Some(State::Created) => place(disk, stage.index(), target, done)?,
        Some(State::Changed) => {
            disk.rename_over(&stage.index(), &target).during("replace", &target)?;
            done.push(Done::Replaced { old: stage.old_index(), target });
        }
        Some(State::Unchanged | State::Removed) | None => {}
    }
    for step in moves.iter().filter(|step| step.leaves) {
        replace(disk, stage, out, step, done)?;
    }
    Ok(())
}

fn replace(disk: &dyn Disk, stage: &Stage, out: &Path, step: &Move, done: &mut Vec<Done>) -> Step<()> {
    let Move { name, state, .. } = step;
    let (new, old, target) = (stage.new_trees().join(name), stage.old_trees().join(name), out.join(name));
    match state {
        State::Unchanged => Ok(()),
        State::Created => place(disk, new, target, done),
        State::Removed => move_away(disk, target, old, done),
        State::Changed => match disk.exchange(&new, &target) {
            Ok(()) => {
                done.push(Done::Exchanged { new, target });
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                // For a moment the folder is not there; the journal lets the next run close that gap.
                move_away(disk, target.clone(), old, done)?;
                place(disk, new, target, done)
            }
            Err(error) => Err(error).during("replace", &target),
        },
    }
}

fn place(disk: &dyn Disk, from: PathBuf, target: PathBuf, done: &mut Vec<Done>) -> Step<()> {
    disk.rename_new(&from, &target).during("replace", &target)?;
    done.push(Done::PutInPlace { from, target });
    Ok(())
}

fn move_away(disk: &dyn Disk, target: PathBuf, to: PathBuf, done: &mut Vec<Done>) -> Step<()> {
    disk.rename_new(&target, &to).during("replace", &target)?;
    done.push(Done::MovedAway { target, to });
    Ok(())
}

/// Undoes every step, last first.
fn take_back(disk: &dyn Disk, stage: &Stage, out: &Path, done: &[Done], trouble: &Trouble) -> Findings {
    let mut stuck = Vec::new();
    for step in done.iter().rev() {
        let (result, target) = match step {
            Done::Exchanged { new, target } => (disk.exchange(new, target), target),
            Done::PutInPlace { from, target } => (disk.rename_new(target, from), target),
            Done::MovedAway { target, to } => (disk.rename_new(to, target), target),
            Done::Replaced { old, target } => (disk.rename_over(old, target), target),
        };
        if let Err(error) = result {
            stuck.push(format!("`{}` ({error})", target.display()));
        }
    }
    if stuck.is_empty() {
        let mut findings = Findings::from(trouble.nothing_written(out));
        findings.extend(tidy_up(disk, stage, out));
        return findings;
    }
    trouble
        .finding(&codes::WRITE_FAILED)
        .hint(format!(
            "What was replaced before could not all be put back: {}; every folder is as it was or as it should be, \
             and the next run finishes",
            stuck.join(", ")
        ))
        .into()
}

/// Clears the stage. What cannot be cleared is the next run's to settle, so it is only a warning.
pub(crate) fn tidy_up(disk: &dyn Disk, stage: &Stage, out: &Path) -> Findings {
    let tidied = settle_all(disk, stage, out).and_then(|()| stage.discard(disk));
    match tidied {
        Ok(()) => Findings::new(),
        Err(trouble) => Finding::warning(&codes::LEFT_OVER, trouble.to_string())
            .hint("the output is complete; the next run tries again to remove what is left of this one")
            .into(),
    }
}
