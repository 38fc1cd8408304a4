//! What has to happen to one folder of the output: the rendered tree, compared with what lies there.

use std::{
    collections::HashSet,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{
    Edited,
    disk::{Disk, Identity, Kind, inside},
    inventory::{INVENTORY, Inventory},
    path::RelativePath,
    summary::{FolderChanges, State},
    tree::Tree,
    trouble::During as _,
};
use crate::finding::{Finding, Findings, Severity, codes};

/// How many files one message names.
const NAMED: usize = 10;

/// The names that kustomize looks for; it refuses a folder that has two of them.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The result of the comparison.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) changes: FolderChanges,
    /// What is not InfraFlux's and has to be there afterwards too. Folders are named but not entered, unless
    /// InfraFlux has or had a file below them.
    pub(crate) foreign: Vec<Foreign>,
    /// The new inventory; `None` when there is nothing left to record.
    pub(crate) inventory: Option<Vec<u8>>,
    /// Worth telling, but no reason to stop.
    pub(crate) findings: Findings,
}

/// A file or folder of the user's.
#[derive(Debug)]
pub(crate) struct Foreign {
    /// Relative to the folder.
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
}

/// Compares without touching anything. `out` is the output folder, `home` its identity if it exists.
pub(crate) fn examine(
    disk: &dyn Disk,
    out: &Path,
    home: Option<Identity>,
    tree: &Tree,
    edited: Edited,
) -> Result<Folder, Findings> {
    let root = out.join(tree.name());
    let look = disk.look(&root).during("read", &root).map_err(|trouble| trouble.unreadable())?;
    let exists = match look.as_ref().map(|look| look.kind) {
        None => false,
        Some(Kind::Folder) => true,
        Some(Kind::Link) => {
            return Err(link_in_the_way(&root).into());
        }
        Some(Kind::File | Kind::Other) => {
            return Err(Finding::error(
                &codes::FILE_IN_THE_WAY,
                format!("`{}` is not a folder, and the rendered files belong into one", root.display()),
            )
            .hint("move it away, or name the cluster differently")
            .into());
        }
    };
    let mut survey = Survey::new(disk, root, tree);
    if exists {
        survey.read_inventory()?;
        survey.walk()?;
    }
    let device = |identity: Option<Identity>| identity.map(|identity| identity.device);
    let moved = exists && device(home) != device(look.and_then(|look| look.identity));
    survey.conclude(exists, moved, edited)
}

struct Survey<'tree> {
    disk: &'tree dyn Disk,
    root: PathBuf,
    tree: &'tree Tree,
    inventory: Inventory,
    inventory_bytes: Option<Vec<u8>>,
    changes: FolderChanges,
    foreign: Vec<Foreign>,
    /// Paths where something of the user's is in the way of something rendered.
    in_the_way: Vec<String>,
    links: Vec<PathBuf>,
    edited: Vec<RelativePath>,
}

impl<'tree> Survey<'tree> {
    fn new(disk: &'tree dyn Disk, root: PathBuf, tree: &'tree Tree) -> Self {
        Self {
            disk,
            root,
            tree,
            inventory: Inventory::default(),
            inventory_bytes: None,
            changes: FolderChanges::new(tree.name()),
            foreign: Vec::new(),
            in_the_way: Vec::new(),
            links: Vec::new(),
            edited: Vec::new(),
        }
    }

    fn read_inventory(&mut self) -> Result<(), Findings> {
        let path = self.root.join(INVENTORY);
        let look = self.disk.look(&path).during("read", &path).map_err(|trouble| trouble.unreadable())?;
        match look.map(|look| look.kind) {
            None => return Ok(()),
            Some(Kind::File) => {}
            Some(Kind::Link) => return Err(link_in_the_way(&path).into()),
            Some(Kind::Folder | Kind::Other) => {
                let message = format!("`{}` is not a file", path.display());
                let hint = "move it away; InfraFlux keeps its list of written files under this name";
                return Err(Finding::error(&codes::FILE_IN_THE_WAY, message).hint(hint).into());
            }
        }
        let bytes = self.disk.read(&path).during("read", &path).map_err(|trouble| trouble.unreadable())?;
        self.inventory = Inventory::parse(&path.display().to_string(), &bytes)?;
        self.inventory_bytes = Some(bytes);
        Ok(())
    }

    /// Looks at every folder that holds, held or is to hold a file of ours.
    fn walk(&mut self) -> Result<(), Findings> {
        let rendered: HashSet<&str> = self.tree.files().flat_map(|(path, _)| path.folders()).collect();
        let inventory = self.inventory.clone();
        let written: HashSet<&str> = inventory.paths().flat_map(RelativePath::folders).collect();
        let mut pending = vec![String::new()];
        while let Some(folder) = pending.pop() {
            let path = inside(&self.root, Path::new(&folder));
            let names =
                self.disk.list(&path).during("read", &path).map_err(|trouble| trouble.unreadable())?;
            for (name, kind) in names {
                let Some(path) = name.to_str().map(|name| join(&folder, name)) else {
                    self.foreign.push(Foreign { path: Path::new(&folder).join(&name), kind });
                    continue;
                };
                if path == INVENTORY {
                    continue;
                }
                let needed = rendered.contains(path.as_str());
                if kind == Kind::Folder && (needed || written.contains(path.as_str())) {
                    pending.push(path);
                } else if needed && !(kind == Kind::File && self.inventory.find(&path).is_some()) {
                    self.obstruct(path, kind);
                } else {
                    self.entry(path, &name, kind)?;
                }
            }
        }
        Ok(())
    }

    /// One name that is no folder of ours.
    fn entry(&mut self, path: String, name: &OsStr, kind: Kind) -> Result<(), Findings> {
        let rendered = self.tree.find(&path);
        if let Some((path, bytes)) = rendered {
            if kind != Kind::File {
                self.obstruct(path.as_str().to_owned(), kind);
                return Ok(());
            }
            let path = path.clone();
            let found = self.read(&path)?;
            if found == bytes {
                self.changes.unchanged.push(path);
            } else if self.inventory.has(&path) {
                if !self.inventory.wrote(&path, &found) {
                    self.edited.push(path.clone());
                }
                self.changes.changed.push(path);
            } else {
                self.in_the_way.push(path.as_str().to_owned());
            }
            return Ok(());
        }
        // What was a file of ours and is something else now has become the user's.
        if kind == Kind::File
            && let Some(path) = self.inventory.find(&path)
        {
            let path = path.clone();
            let found = self.read(&path)?;
            if !self.inventory.wrote(&path, &found) {
                self.edited.push(path.clone());
            }
            self.changes.removed.push(path);
            return Ok(());
        }
        if kind != Kind::Folder && KUSTOMIZATIONS.iter().any(|known| name == *known) {
            let folder = path.strip_suffix(name.to_str().unwrap_or_default()).unwrap_or_default();
            if KUSTOMIZATIONS.iter().any(|known| self.tree.find(&format!("{folder}{known}")).is_some()) {
                self.in_the_way.push(path.clone());
            }
        }
        self.foreign.push(Foreign { path: path.into(), kind });
        Ok(())
    }

    fn read(&self, path: &RelativePath) -> Result<Vec<u8>, Findings> {
        let path = path.under(&self.root);
        self.disk.read(&path).during("read", &path).map_err(|trouble| trouble.unreadable().into())
    }

    fn obstruct(&mut self, path: String, kind: Kind) {
        if kind == Kind::Link {
            self.links.push(self.root.join(path));
        } else {
            self.in_the_way.push(path);
        }
    }

    fn conclude(mut self, exists: bool, moved: bool, edited: Edited) -> Result<Folder, Findings> {
        // A rendered file takes the place of a folder: fine when only files of ours were in it.
        for foreign in &self.foreign {
            let taken =
                foreign.path.ancestors().filter_map(Path::to_str).any(|path| self.tree.find(path).is_some());
            if taken {
                self.in_the_way.push(foreign.path.display().to_string());
            }
        }
        let known: HashSet<RelativePath> =
            self.changes.unchanged.iter().chain(&self.changes.changed).cloned().collect();
        self.changes.created =
            self.tree.files().map(|(path, _)| path).filter(|path| !known.contains(*path)).cloned().collect();
        for list in [&mut self.changes.changed, &mut self.changes.removed, &mut self.changes.unchanged] {
            list.sort_unstable();
        }
        self.in_the_way.sort_unstable();
        self.in_the_way.dedup();
        self.edited.sort_unstable();

        let inventory = (!self.tree.is_empty()).then(|| Inventory::of(self.tree.files()).render());
        self.changes.state = if self.changes.files_changed() == 0 && inventory == self.inventory_bytes {
            State::Unchanged
        } else if !exists {
            State::Created
        } else if self.tree.is_empty() && self.foreign.is_empty() {
            State::Removed
        } else {
            State::Changed
        };

        let mut findings: Findings = self.links.iter().map(|path| link_in_the_way(path)).collect();
        findings.extend(self.obstacles());
        findings.extend(self.edits(edited));
        if moved && self.changes.state != State::Unchanged {
            findings.push(
                Finding::error(
                    &codes::OTHER_FILE_SYSTEM,
                    format!("`{}` lies on another file system than the output folder", self.root.display()),
                )
                .hint("mount the output folder as a whole"),
            );
        }
        if findings.has_errors() {
            return Err(findings);
        }
        Ok(Folder { changes: self.changes, foreign: self.foreign, inventory, findings })
    }

    fn obstacles(&self) -> Option<Finding> {
        let first = self.in_the_way.first()?;
        let root = self.root.display();
        let (message, them) = if self.in_the_way.len() == 1 {
            (format!("`{root}/{first}` is not InfraFlux's and is in the way of what is rendered"), "it")
        } else {
            let names = named(self.in_the_way.iter().map(String::as_str));
            let count = self.in_the_way.len();
            (
                format!(
                    "{count} files in `{root}` are not InfraFlux's and are in the way of what is rendered: {names}"
                ),
                "them",
            )
        };
        let hint = if self.inventory_bytes.is_some() {
            format!("move {them} away, or rename the templates that render the same names")
        } else {
            format!(
                "move {them} away; or, if InfraFlux wrote {them} and only the inventory `{root}/{INVENTORY}` was lost (it \
                 belongs into Git), delete {them} and run again"
            )
        };
        Some(Finding::error(&codes::FILE_IN_THE_WAY, message).hint(hint))
    }

    fn edits(&self, edited: Edited) -> Option<Finding> {
        let first = self.edited.first()?;
        let root = self.root.display();
        let what = if self.edited.len() == 1 {
            format!("`{root}/{first}` was edited after InfraFlux had written it")
        } else {
            format!(
                "{} files in `{root}` were edited after InfraFlux had written them: {}",
                self.edited.len(),
                named(self.edited.iter().map(RelativePath::as_str))
            )
        };
        let (severity, message) = match edited {
            Edited::Overwrite => {
                (Severity::Warning, format!("{what}; the edit is lost when it is written again"))
            }
            Edited::Refuse => (Severity::Error, what),
        };
        Some(
            Finding::new(&codes::EDITED, severity, message).hint(
                "put the change into the plan, its overrides or patches, or into a template (`--catalog`)",
            ),
        )
    }
}

fn link_in_the_way(path: &Path) -> Finding {
    Finding::error(
        &codes::LINK_IN_THE_WAY,
        format!("`{}` is a symbolic link where a rendered file or folder belongs", path.display()),
    )
    .hint("remove the link; InfraFlux never writes through one, so that nothing outside the output folder changes")
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn named<'name>(names: impl ExactSizeIterator<Item = &'name str>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let text = names.take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}
