//! Where new trees are put together before anything of the output folder changes.
//!
//! All writes that can fail for want of space happen here. What does not change is linked into the new tree, so it is
//! the same file (inode, times) before and after; where that is impossible (no hard links, a file of somebody else)
//! it is copied with its permissions and its time.

use std::{
    collections::BTreeSet,
    fs::File,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{
    disk::{self, Disk, Kind, inside},
    folder::{Folder, Foreign},
    index::INDEX,
    inventory::INVENTORY,
    journal::Journal,
    summary::State,
    tree::Tree,
    trouble::{During as _, Step},
};

/// The name of the stage inside an output folder that exists. One that does not is staged in
/// `.<name>.infraflux-stage` beside it and renamed as a whole.
pub(crate) const STAGE: &str = ".infraflux-stage";

const MARKER: &str = ".gitignore";
const MARK: &str =
    "# A run of infraflux is under way, or was stopped: the next run tidies this folder up.\n*\n";

/// A folder of InfraFlux's own, closed to other users.
#[derive(Debug)]
pub(crate) struct Stage {
    root: PathBuf,
    /// Opened before the first write, so that a flush reports the errors of all.
    anchor: Option<File>,
}

impl Stage {
    /// Makes the stage; it must not exist. `shown` is the path for messages: the output folder.
    pub(crate) fn create(disk: &dyn Disk, root: &Path, shown: &Path) -> Step<Self> {
        disk.make_folder(root).during("write into", shown)?;
        let stage = Self { root: root.to_owned(), anchor: File::open(root).ok() };
        let fill = || {
            if let Some(private) = disk::private() {
                disk.set_permissions(root, private)?;
            }
            disk.write_new(&root.join(MARKER), MARK.as_bytes())?;
            disk.make_folder(&stage.new_trees())?;
            disk.make_folder(&stage.old_trees())
        };
        if let Err(error) = fill() {
            // What cannot be removed is found by the next run.
            let _ = stage.discard(disk);
            return Err(error).during("write into", shown);
        }
        Ok(stage)
    }

    /// A stage that an earlier run left behind; `None` if `root` is no stage. One that was stopped in its first
    /// moments may lack part of its marker.
    pub(crate) fn left_behind(disk: &dyn Disk, root: &Path) -> Step<Option<Self>> {
        let names = disk.list(root).during("read", root)?;
        let marked = match names.iter().find(|(name, _)| name == MARKER) {
            Some((_, Kind::File)) => {
                let marker = root.join(MARKER);
                MARK.as_bytes().starts_with(&disk.read(&marker).during("read", &marker)?)
            }
            Some(_) => false,
            None => names.is_empty(),
        };
        Ok(marked.then(|| Self { root: root.to_owned(), anchor: None }))
    }

    /// New trees; after an exchange, what they replaced.
    pub(crate) fn new_trees(&self) -> PathBuf {
        self.root.join("new")
    }

    /// What was moved out of the way.
    pub(crate) fn old_trees(&self) -> PathBuf {
        self.root.join("old")
    }

    /// The new list of clusters, unless the whole output folder is new.
    pub(crate) fn index(&self) -> PathBuf {
        self.root.join(INDEX)
    }

    /// The list of clusters as it was, for the case that a later step fails.
    pub(crate) fn old_index(&self) -> PathBuf {
        self.root.join("kustomization.old")
    }

    pub(crate) fn journal(&self) -> PathBuf {
        self.root.join("journal")
    }

    /// Puts together the new tree of one folder. `old` is the folder in the output, there or not.
    pub(crate) fn fill(&self, disk: &dyn Disk, tree: &Tree, folder: &Folder, old: &Path) -> Step<()> {
        if folder.changes.state == State::Removed {
            return Ok(());
        }
        let new = self.new_trees().join(tree.name());
        disk.make_folder(&new).during("write", old)?;
        let mut folders = vec![PathBuf::new()];
        let mut made = BTreeSet::new();
        for parent in tree.files().flat_map(|(path, _)| path.folders()) {
            if made.insert(PathBuf::from(parent)) {
                disk.make_folder(&new.join(parent)).during("write", &old.join(parent))?;
                folders.push(parent.into());
            }
        }
        for path in folder.changes.created.iter().chain(&folder.changes.changed) {
            let target = path.under(&new);
            disk.write_new(&target, tree.get(path).unwrap_or_default()).during("write", &path.under(old))?;
        }
        for path in &folder.changes.changed {
            keep_permissions(disk, &path.under(old), &path.under(&new))?;
        }
        for path in &folder.changes.unchanged {
            carry(disk, &path.under(old), &path.under(&new))?;
        }
        if let Some(inventory) = &folder.inventory {
            let (from, to) = (old.join(INVENTORY), new.join(INVENTORY));
            disk.write_new(&to, inventory).during("write", &from)?;
            keep_permissions(disk, &from, &to)?;
        }
        carry_foreign(disk, folder, old, &new, &mut made, &mut folders)?;
        // Last and from the inside out, because a folder may be closed to writing.
        for path in folders.iter().rev() {
            keep_permissions(disk, &inside(old, path), &inside(&new, path))?;
        }
        Ok(())
    }

    /// Writes the list of clusters; `old` is the one in the output folder.
    pub(crate) fn fill_index(&self, disk: &dyn Disk, bytes: &[u8], old: &Path, state: State) -> Step<()> {
        disk.write_new(&self.index(), bytes).during("write", old)?;
        if state == State::Changed {
            keep_permissions(disk, old, &self.index())?;
            carry(disk, old, &self.old_index())?;
        }
        Ok(())
    }

    /// The last write: from now on a later run can tell what became of each folder.
    pub(crate) fn seal(&self, disk: &dyn Disk, journal: &Journal, shown: &Path) -> Step<()> {
        let draft = self.root.join("journal.new");
        disk.write_new(&draft, &journal.render())
            .and_then(|()| disk.flush(self.anchor.as_ref()))
            .and_then(|()| disk.rename_over(&draft, &self.journal()))
            .during("write into", shown)
    }

    /// Like [`Self::seal`] for a stage that becomes the output folder in one step and needs no journal.
    pub(crate) fn flush(&self, disk: &dyn Disk, shown: &Path) -> Step<()> {
        disk.flush(self.anchor.as_ref()).during("write into", shown)
    }

    /// Removes the stage and all in it. Only for a stage of which nothing went into the output folder, or whose trees
    /// are settled.
    ///
    /// Without a journal the rest is known to be of no use, so that goes first; the marker goes last, because by it
    /// the next run knows the folder.
    pub(crate) fn discard(&self, disk: &dyn Disk) -> Step<()> {
        let mut names = disk.list(&self.root).during("read", &self.root)?;
        names.sort_by_key(|(name, _)| (name == MARKER, name != "journal"));
        for (name, kind) in names {
            let path = self.root.join(name);
            if kind == Kind::Folder {
                remove_all(disk, &path)?;
            } else {
                disk.remove_file(&path).during("remove", &path)?;
            }
        }
        disk.remove_folder(&self.root).during("remove", &self.root)
    }
}

/// Brings what is not InfraFlux's into the new tree, folders with everything below.
fn carry_foreign(
    disk: &dyn Disk,
    folder: &Folder,
    old: &Path,
    new: &Path,
    made: &mut BTreeSet<PathBuf>,
    folders: &mut Vec<PathBuf>,
) -> Step<()> {
    let mut pending: Vec<Foreign> = Vec::new();
    for foreign in &folder.foreign {
        // A folder of ours that holds nothing of ours any more lives on when something of the user's is in it.
        let parents: Vec<&Path> = foreign.path.ancestors().skip(1).collect();
        for parent in parents.into_iter().rev().filter(|parent| !parent.as_os_str().is_empty()) {
            if made.insert(parent.to_owned()) {
                disk.make_folder(&new.join(parent)).during("write", &old.join(parent))?;
                folders.push(parent.to_owned());
            }
        }
        pending.push(Foreign { path: foreign.path.clone(), kind: foreign.kind });
    }
    while let Some(Foreign { path, kind }) = pending.pop() {
        let (from, to) = (old.join(&path), new.join(&path));
        if kind != Kind::Folder {
            carry(disk, &from, &to)?;
            continue;
        }
        disk.make_folder(&to).during("write", &from)?;
        for (name, kind) in disk.list(&from).during("read", &from)? {
            pending.push(Foreign { path: path.join(name), kind });
        }
        folders.push(path);
    }
    Ok(())
}

/// Makes `to` the same file as `from`, or at least an equal one.
fn carry(disk: &dyn Disk, from: &Path, to: &Path) -> Step<()> {
    match disk.link(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::StorageFull => Err(error).during("write", from),
        Err(_) => disk.copy(from, to).during("copy", from),
    }
}

/// What takes the place of a file or folder has its permissions.
fn keep_permissions(disk: &dyn Disk, from: &Path, to: &Path) -> Step<()> {
    let Some(old) = disk.look(from).during("read", from)? else { return Ok(()) };
    let new = disk.look(to).during("write", from)?;
    if new.is_some_and(|new| new.kind == old.kind && new.permissions != old.permissions) {
        disk.set_permissions(to, old.permissions).during("write", from)?;
    }
    Ok(())
}

/// Removes a folder with everything below it, links as links. Takes no recursion: a user's folders may be deep.
pub(crate) fn remove_all(disk: &dyn Disk, root: &Path) -> Step<()> {
    let mut pending = vec![(root.to_owned(), false)];
    while let Some((folder, emptied)) = pending.pop() {
        if emptied {
            disk.remove_folder(&folder).during("remove", &folder)?;
            continue;
        }
        pending.push((folder.clone(), true));
        open_up(disk, &folder)?;
        for (name, kind) in disk.list(&folder).during("read", &folder)? {
            let path = folder.join(name);
            if kind == Kind::Folder {
                pending.push((path, false));
            } else {
                disk.remove_file(&path).during("remove", &path)?;
            }
        }
    }
    Ok(())
}

/// Lets the owner remove what is in a folder that is about to go.
pub(crate) fn open_up(disk: &dyn Disk, folder: &Path) -> Step<()> {
    let Some(look) = disk.look(folder).during("read", folder)? else { return Ok(()) };
    match disk::writable(&look.permissions) {
        Some(permissions) => disk.set_permissions(folder, permissions).during("remove", folder),
        None => Ok(()),
    }
}
