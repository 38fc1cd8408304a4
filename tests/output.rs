//! Writing into real folders: what changes, what stays, what is refused, and what survives `kill -9`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "skipped tests and measurements are told")]
#![cfg(unix)]

#[path = "output/kill.rs"]
mod kill;
#[path = "output/model.rs"]
mod model;
#[path = "output/refuse.rs"]
mod refuse;
#[path = "output/scale.rs"]
mod scale;
#[path = "output/write.rs"]
mod write;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use infraflux::{
    finding::{Findings, text},
    output::{Outcome, RelativePath, Tree, Writer},
};

/// A folder to work in: in memory where that is possible, because a flush of the file system, which each run ends its
/// writes with, waits for whatever else the machine is writing. `INFRAFLUX_TEST_DISK` names another place.
fn workspace() -> tempfile::TempDir {
    let place = std::env::var("INFRAFLUX_TEST_DISK").unwrap_or_else(|_| "/dev/shm".to_owned());
    tempfile::tempdir_in(place).or_else(|_| tempfile::tempdir()).unwrap()
}

/// A tree from paths and texts.
fn tree(name: &str, files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree::new(name).unwrap();
    for (path, text) in files {
        tree.insert(RelativePath::new(path).unwrap(), *text).unwrap();
    }
    tree
}

/// A tree like a cluster's, each file with this text in it.
fn cluster(name: &str, text: &str) -> Tree {
    let paths = [
        "kustomization.yaml",
        "SECRETS.md",
        "cluster/cluster.yaml",
        "cluster/control-plane.yaml",
        "cluster/workers.yaml",
        "cluster/infrastructure.yaml",
        "addons/cilium/release.yaml",
        "addons/cilium/sync.yaml",
        "addons/gateway/release.yaml",
        "addons/cloud-provider/release.yaml",
        "recipes/base.yaml",
        "recipes/observability.yaml",
    ];
    let files: Vec<(&str, String)> =
        paths.iter().map(|path| (*path, format!("# {path} of {name}\n{text}\n").repeat(20))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    tree(name, &files)
}

fn ok(result: Result<Outcome, Findings>) -> Outcome {
    result.unwrap_or_else(|findings| panic!("{}", text::render(&findings, text::Style::default())))
}

fn write(out: &Path, trees: &[Tree]) -> Outcome {
    ok(Writer::new(out).write(trees))
}

/// Findings as a person gets them, with the temporary folder cut off.
fn shown(findings: &Findings, folder: &Path) -> String {
    text::render(findings, text::Style::default()).replace(&format!("{}/", folder.display()), "")
}

/// All that can be told of a file from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    content: String,
    inode: u64,
    mode: u32,
    modified: (i64, i64),
}

/// Everything below a folder, itself included.
fn look(root: &Path) -> BTreeMap<String, Seen> {
    let mut seen = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let content = if metadata.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else if metadata.is_dir() {
            pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            "/".to_owned()
        } else {
            String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
        };
        let seen_here = Seen {
            content,
            inode: metadata.ino(),
            mode: metadata.permissions().mode(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        };
        seen.insert(path.strip_prefix(root).unwrap().display().to_string(), seen_here);
    }
    seen
}

/// Names and contents only.
fn contents(root: &Path) -> BTreeMap<String, String> {
    look(root).into_iter().map(|(path, seen)| (path, seen.content)).collect()
}

fn put(root: &Path, path: &str, text: &str) -> PathBuf {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}
