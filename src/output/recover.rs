//! What an earlier run left behind when it was stopped.
//!
//! The output folder is left as the user sees it, apart from what must be finished so that no folder is missing and
//! no file of the user's is lost. A run that was stopped is not carried out after the fact: by now somebody may have
//! changed the plan, or checked out another branch.

use std::{collections::BTreeMap, path::Path};

use super::{
    disk::{Disk, Identity, Kind},
    journal::Journal,
    path::check_folder_name,
    settle::settle,
    stage::{STAGE, Stage, remove_all},
    trouble::{During as _, Step},
};
use crate::finding::{Finding, Findings, codes};

/// Clears the stage inside an existing output folder, which must be locked. Gives a remark if there was one.
pub(crate) fn recover(disk: &dyn Disk, out: &Path) -> Result<Findings, Findings> {
    let Some(stage) = left_behind(disk, &out.join(STAGE))? else { return Ok(Findings::new()) };
    let stopped = match finish(disk, &stage, out) {
        Ok(stopped) => stopped,
        Err(trouble) => {
            return Err(trouble
                .finding(&codes::LEFT_OVER)
                .hint(format!(
                    "an earlier run was stopped; look at what it left in `{}`, then remove that folder",
                    out.join(STAGE).display()
                ))
                .into());
        }
    };
    let message = match stopped {
        None => "an earlier run was stopped before it changed anything; what it left behind was removed"
            .to_owned(),
        Some(Stopped { replaced, kept }) => format!(
            "an earlier run was stopped: of its folders {replaced} had been written and {kept} had not; what it left \
             behind was removed"
        ),
    };
    Ok(Finding::info(&codes::INTERRUPTED, message)
        .hint("run it again if its plan is still the one you want")
        .into())
}

/// The stage that lies at `root`, if there is one.
pub(crate) fn left_behind(disk: &dyn Disk, root: &Path) -> Result<Option<Stage>, Findings> {
    let foreign = || {
        Finding::error(
            &codes::FILE_IN_THE_WAY,
            format!("`{}` is not a folder of InfraFlux's, which stages its output there", root.display()),
        )
        .hint("move it away and run again")
    };
    match disk.look(root).during("read", root).map_err(|trouble| trouble.unreadable())?.map(|look| look.kind)
    {
        None => Ok(None),
        Some(Kind::Folder) => match Stage::left_behind(disk, root) {
            Ok(Some(stage)) => Ok(Some(stage)),
            Ok(None) => Err(foreign().into()),
            Err(trouble) => Err(trouble.unreadable().into()),
        },
        Some(_) => Err(foreign().into()),
    }
}

struct Stopped {
    replaced: usize,
    kept: usize,
}

fn finish(disk: &dyn Disk, stage: &Stage, out: &Path) -> Step<Option<Stopped>> {
    let path = stage.journal();
    if kind(disk, &path)? != Some(Kind::File) {
        stage.discard(disk)?;
        return Ok(None);
    }
    let journal = Journal::parse(&disk.read(&path).during("read", &path)?).unwrap_or_default();
    // The trees themselves count as well, in case the journal did not survive a power cut.
    let mut folders: BTreeMap<String, Option<Identity>> = journal.folders;
    for trees in [stage.new_trees(), stage.old_trees()] {
        if kind(disk, &trees)? == Some(Kind::Folder) {
            for (name, _) in disk.list(&trees).during("read", &trees)? {
                if let Some(name) = name.to_str() {
                    folders.entry(name.to_owned()).or_default();
                }
            }
        }
    }
    let mut stopped = Stopped { replaced: 0, kept: 0 };
    for (name, identity) in folders.into_iter().filter(|(name, _)| check_folder_name(name).is_ok()) {
        if finish_folder(disk, stage, out, &name, identity)? {
            stopped.replaced += 1;
        } else {
            stopped.kept += 1;
        }
    }
    stage.discard(disk)?;
    Ok(Some(stopped))
}

/// Whether the folder had been replaced.
fn finish_folder(
    disk: &dyn Disk,
    stage: &Stage,
    out: &Path,
    name: &str,
    tree: Option<Identity>,
) -> Step<bool> {
    let (new, old, live) = (stage.new_trees().join(name), stage.old_trees().join(name), out.join(name));
    let is_tree = |path: &Path| -> Step<bool> {
        let look = disk.look(path).during("read", path)?;
        Ok(tree.is_some() && look.and_then(|look| look.identity) == tree)
    };
    let moved = kind(disk, &old)? == Some(Kind::Folder);
    if moved {
        // Stopped between the two renames that stand in for an exchange.
        if kind(disk, &live)?.is_none() && kind(disk, &new)? == Some(Kind::Folder) {
            disk.rename_new(&new, &live).during("finish", &live)?;
        }
        settle(disk, &old, &live)?;
    }
    if kind(disk, &new)? == Some(Kind::Folder) {
        if is_tree(&new)? || kind(disk, &live)?.is_none() {
            remove_all(disk, &new)?;
            return Ok(false);
        }
        settle(disk, &new, &live)?;
    }
    Ok(moved || is_tree(&live)? || kind(disk, &live)?.is_none())
}

fn kind(disk: &dyn Disk, path: &Path) -> Step<Option<Kind>> {
    Ok(disk.look(path).during("read", path)?.map(|look| look.kind))
}
