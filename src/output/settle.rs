//! What happens to a tree that has been replaced.
//!
//! It is not simply deleted: between the moment when the new tree was put together and the moment when it took the
//! place of the old one, somebody may have saved a file there. A file goes only when it is known to be InfraFlux's or
//! to be in the live tree as well; anything else is moved there.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{
    disk::{Disk, Kind, inside},
    inventory::{INVENTORY, Inventory},
    stage::{Stage, open_up},
    trouble::{During as _, Step, Trouble},
};

/// Settles every tree that a stage holds.
pub(crate) fn settle_all(disk: &dyn Disk, stage: &Stage, out: &Path) -> Step<()> {
    for trees in [stage.new_trees(), stage.old_trees()] {
        if disk.look(&trees).during("read", &trees)?.is_none_or(|look| look.kind != Kind::Folder) {
            continue;
        }
        let names = disk.list(&trees).during("read", &trees)?;
        names
            .par_iter()
            .filter(|(_, kind)| *kind == Kind::Folder)
            .try_for_each(|(name, _)| settle(disk, &trees.join(name), &out.join(name)))?;
    }
    Ok(())
}

/// Removes `doomed` after bringing to `live` what only it has.
pub(crate) fn settle(disk: &dyn Disk, doomed: &Path, live: &Path) -> Step<()> {
    let path = doomed.join(INVENTORY);
    let recorded = match disk.look(&path).during("read", &path)? {
        Some(look) if look.kind == Kind::File => Some(disk.read(&path).during("read", &path)?),
        _ => None,
    };
    let inventory = recorded
        .as_ref()
        .and_then(|bytes| Inventory::parse(&path.display().to_string(), bytes).ok())
        .unwrap_or_default();

    let mut pending = vec![(PathBuf::new(), false)];
    while let Some((folder, emptied)) = pending.pop() {
        let here = inside(doomed, &folder);
        if emptied {
            // The inventory stays to the last: without it a second attempt would take our files for the user's.
            if folder.as_os_str().is_empty() && recorded.is_some() {
                disk.remove_file(&path).during("remove", &path)?;
            }
            disk.remove_folder(&here).during("remove", &here)?;
            continue;
        }
        pending.push((folder.clone(), true));
        open_up(disk, &here)?;
        for (name, kind) in disk.list(&here).during("read", &here)? {
            let path = folder.join(name);
            if kind == Kind::Folder {
                pending.push((path, false));
                continue;
            }
            if path == Path::new(INVENTORY) && recorded.is_some() {
                continue;
            }
            let ours = kind == Kind::File && path.to_str().is_some_and(|path| inventory.find(path).is_some());
            let from = doomed.join(&path);
            if ours || !is_needed(disk, &from, live, &path)? {
                disk.remove_file(&from).during("remove", &from)?;
            }
        }
    }
    Ok(())
}

/// Whether the file still has to be there when the tree goes; it has been moved to the live tree if that was possible.
/// `false` means that it may be removed.
fn is_needed(disk: &dyn Disk, from: &Path, live: &Path, path: &Path) -> Step<bool> {
    let to = live.join(path);
    let Some(doomed) = disk.look(from).during("read", from)? else { return Ok(true) };
    let Some(kept) = disk.look(&to).during("read", &to)? else {
        make_parents(disk, live, path)?;
        disk.rename_new(from, &to).during("bring back", &to)?;
        return Ok(true);
    };
    if kept.identity.is_some() && kept.identity == doomed.identity {
        return Ok(false);
    }
    match (doomed.kind, kept.kind) {
        (Kind::File, Kind::File) => {
            let same = disk.read(from).during("read", from)? == disk.read(&to).during("read", &to)?;
            // An editor that saves by renaming leaves the newer file on whichever side it wrote.
            if same || doomed.modified <= kept.modified {
                return Ok(false);
            }
            disk.rename_over(from, &to).during("bring back", &to)?;
            Ok(true)
        }
        // A name for something elsewhere holds nothing that could be lost.
        (Kind::Link | Kind::Other, _) => Ok(false),
        (Kind::File | Kind::Folder, _) => Err(Trouble::in_the_way(from, &to)),
    }
}

/// Makes the folders above a path, never through a link.
fn make_parents(disk: &dyn Disk, live: &Path, path: &Path) -> Step<()> {
    let mut parents: Vec<PathBuf> = path.ancestors().skip(1).map(|parent| inside(live, parent)).collect();
    parents.reverse();
    for parent in parents {
        match disk.look(&parent).during("read", &parent)?.map(|look| look.kind) {
            Some(Kind::Folder) => {}
            None => disk.make_folder(&parent).during("bring back", &parent)?,
            Some(_) => return Err(Trouble::in_the_way(&live.join(path), &parent)),
        }
    }
    Ok(())
}
