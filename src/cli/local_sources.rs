//! `--local-sources`, and the Git work trees that given files lie in: where the folders of Kustomizations are read.

use std::{
    collections::HashMap,
    fs,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::files;
use crate::{
    admission::flux::{
        files::Files,
        ignore::{self, Ignore},
        place::{Checkout, Local, Places, SourceName},
    },
    finding::Findings,
    yaml::{Limits, Source},
};

/// A value of `--local-sources`: a source, and the folder that stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalSource {
    source: SourceName,
    /// None: it is not to be looked for.
    folder: Option<PathBuf>,
}

/// Reads one value of the flag.
pub fn parse(text: &str) -> Result<LocalSource, String> {
    let form = "the form is KIND/NAMESPACE/NAME=DIR, for instance GitRepository/flux-system/fleet=.";
    let (source, folder) = text.split_once('=').ok_or(form)?;
    let source = source.parse().map_err(|()| form)?;
    Ok(LocalSource { source, folder: (!folder.is_empty()).then(|| PathBuf::from(folder)) })
}

/// Where folders are found: those that are named, and the work trees around the paths that are checked.
pub fn places(
    named: &[LocalSource],
    paths: &[PathBuf],
    read: &HashMap<PathBuf, Arc<Source>>,
) -> Result<Places, Findings> {
    let mut places = Places::default();
    let read = Arc::new(read.clone());
    for local in named {
        let found = match &local.folder {
            Some(folder) => {
                files::folder(folder)?;
                Some(Arc::new(Local::new(shown(folder), Arc::new(Disk::new(folder, Arc::clone(&read))?))))
            }
            None => None,
        };
        places.named.push((local.source.clone(), found));
    }
    let mut roots: Vec<PathBuf> = Vec::new();
    for path in paths.iter().filter(|path| *path != Path::new("-")) {
        if let Some(root) = work_tree(path)
            && !roots.contains(&root)
        {
            roots.push(root);
        }
    }
    for root in roots {
        let folder = from_here(&root);
        // What cannot be read is not looked at: nobody asked for it.
        let Ok(disk) = Disk::new(&folder, Arc::clone(&read)) else { continue };
        let local = Arc::new(Local::new(shown(&folder), Arc::new(disk)));
        places.checkouts.push(Checkout { local, remotes: remotes(&root) });
    }
    Ok(places)
}

fn shown(folder: &Path) -> String {
    if folder.as_os_str().is_empty() { ".".to_owned() } else { folder.display().to_string() }
}

/// The root of the Git work tree that a file or folder lies in.
fn work_tree(path: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(path).ok()?;
    path.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_owned)
}

/// A folder as it is reached from the working directory, as long as that is not further than the absolute path.
fn from_here(root: &Path) -> PathBuf {
    let Ok(here) = std::env::current_dir().and_then(fs::canonicalize) else { return root.to_owned() };
    if let Ok(below) = root.strip_prefix(&here) {
        return below.to_owned();
    }
    match here.strip_prefix(root) {
        Ok(inside) => inside.components().map(|_| Component::ParentDir).collect(),
        Err(_) => root.to_owned(),
    }
}

/// The URLs of the remotes in a work tree's configuration (git-config(1)); none when it cannot be read.
fn remotes(root: &Path) -> Vec<String> {
    let git = root.join(".git");
    let folder = if git.is_file() {
        // A linked work tree or a submodule names its folder, which names the common one.
        let text = fs::read_to_string(&git).unwrap_or_default();
        let Some(named) = text.trim().strip_prefix("gitdir: ").map(|named| root.join(named)) else {
            return Vec::new();
        };
        let common = fs::read_to_string(named.join("commondir")).unwrap_or_default();
        if common.trim().is_empty() { named } else { named.join(common.trim()) }
    } else {
        git
    };
    let text = fs::read_to_string(folder.join("config")).unwrap_or_default();
    let mut in_remote = false;
    let mut urls = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_remote = line.starts_with("[remote ");
        } else if in_remote
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "url"
        {
            urls.push(value.trim().to_owned());
        }
    }
    urls
}

/// The files of a folder, read when they are asked for. Nothing outside of the folder is read, through a link or not, and
/// nothing that source-controller would leave out of an artifact.
#[derive(Debug)]
struct Disk {
    /// As it was named, for messages.
    folder: PathBuf,
    /// The same without links.
    root: PathBuf,
    ignore: Ignore,
    /// Files that are read already, without links in their paths.
    known: Arc<HashMap<PathBuf, Arc<Source>>>,
    read: Mutex<HashMap<String, Option<Arc<Source>>>>,
}

impl Disk {
    fn new(folder: &Path, known: Arc<HashMap<PathBuf, Arc<Source>>>) -> Result<Self, Findings> {
        let named = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let root = fs::canonicalize(named)
            .map_err(|error| files::unreadable(&named.display().to_string(), &error))?;
        let ignore = Ignore::new(&fs::read_to_string(root.join(ignore::FILE)).unwrap_or_default());
        Ok(Self { folder: folder.to_owned(), root, ignore, known, read: Mutex::default() })
    }

    fn open(&self, path: &str) -> Option<Arc<Source>> {
        let real = fs::canonicalize(self.root.join(path)).ok().filter(|real| real.starts_with(&self.root))?;
        if let Some(known) = self.known.get(&real) {
            return Some(Arc::clone(known));
        }
        // A name without `./` in front, as those of given files mostly are.
        let name = self.folder.strip_prefix(".").unwrap_or(&self.folder).join(path);
        let bytes = fs::read(real).ok().filter(|bytes| bytes.len() <= Limits::STREAM.bytes)?;
        let text = String::from_utf8(bytes).ok()?;
        Some(Arc::new(Source::new(name.display().to_string(), text)))
    }
}

impl Files for Disk {
    fn get(&self, path: &str) -> Option<Arc<Source>> {
        if !self.has_file(path) {
            return None;
        }
        // A thread that panicked elsewhere leaves the map whole: entries are only ever added.
        if let Some(known) = self.read.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return known.clone();
        }
        let found = self.open(path);
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned(), found.clone());
        found
    }

    fn has_file(&self, path: &str) -> bool {
        self.root.join(path).is_file() && !self.ignore.leaves_out(path)
    }

    fn has_folder(&self, path: &str) -> bool {
        // What is left out as a folder may hold something that stays.
        self.root.join(path).is_dir()
            && (!self.ignore.leaves_out_folder(path) || !self.below(path).is_empty())
    }

    fn below(&self, folder: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut open = vec![folder.to_owned()];
        while let Some(folder) = open.pop() {
            let Ok(entries) = fs::read_dir(self.root.join(&folder)) else { continue };
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                // The type of the link itself: archives hold no links to folders.
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    if path != ".git" {
                        open.push(path);
                    }
                } else if !self.ignore.leaves_out(&path) {
                    out.push(path);
                }
            }
        }
        out.sort();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn the_flag_takes_what_flux_takes() {
        let local = parse("GitRepository/flux-system/fleet=./a=b");
        assert_eq!(
            local.map(|local| (local.source.to_string(), local.folder)),
            Ok(("GitRepository/flux-system/fleet".to_owned(), Some("./a=b".into())))
        );
        assert_eq!(parse("GitRepository/flux-system/fleet=").map(|local| local.folder), Ok(None));
        for wrong in ["", "fleet=.", "GitRepository/flux-system/fleet", "GitRepository/fleet=."] {
            assert!(
                parse(wrong).is_err_and(|message| message.contains("KIND/NAMESPACE/NAME=DIR")),
                "{wrong}"
            );
        }
    }
}
