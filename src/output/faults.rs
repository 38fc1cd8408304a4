//! Every operation fails in turn, and the run is stopped at every operation in turn.
//!
//! A run is repeated with a disk whose k-th operation fails (a full disk; half of the bytes are written), then with one
//! that is dead from its k-th operation on, which is what `kill -9` leaves: nothing after it happens, cleaning up
//! included. This goes through every k, on disks with and without hard links and with and without exchanging folders.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File, Permissions},
    io::{self, ErrorKind},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    Outcome, RelativePath, State, Tree, Writer,
    disk::{Disk, Kind, Look, Real},
    inventory::INVENTORY,
    stage::STAGE,
};
use crate::finding::{Findings, codes};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    /// This one fails.
    Once(usize),
    /// This one and all after it fail.
    Dead(usize),
}

#[derive(Debug, Clone, Copy)]
struct Abilities {
    exchange: bool,
    link: bool,
}

struct Faulty {
    fault: Fault,
    abilities: Abilities,
    count: AtomicUsize,
    before_exchange: Box<dyn Fn() + Send + Sync>,
}

impl Faulty {
    fn new(fault: Fault, abilities: Abilities) -> Self {
        Self { fault, abilities, count: AtomicUsize::new(0), before_exchange: Box::new(|| {}) }
    }

    fn step(&self) -> io::Result<()> {
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::Once(fatal) if count == fatal => Err(ErrorKind::StorageFull.into()),
            Fault::Dead(fatal) if count >= fatal => Err(ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }

    /// Whether the last operation of a dead disk, which was not finished.
    fn is_last(&self) -> bool {
        let count = self.count.load(Ordering::SeqCst);
        matches!(self.fault, Fault::Once(fatal) | Fault::Dead(fatal) if count == fatal + 1)
    }
}

impl Disk for Faulty {
    fn look(&self, path: &Path) -> io::Result<Option<Look>> {
        self.step()?;
        Real.look(path)
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<(OsString, Kind)>> {
        self.step()?;
        Real.list(folder)
    }
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        self.step()?;
        Real.read(file)
    }
    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        Real.make_folder(folder)
    }
    fn write_new(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let result = self.step();
        if result.is_err() && self.is_last() {
            Real.write_new(file, &bytes[..bytes.len() / 2])?;
        }
        result?;
        Real.write_new(file, bytes)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        if !self.abilities.link {
            return Err(ErrorKind::PermissionDenied.into());
        }
        Real.link(from, to)
    }
    fn copy(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        Real.copy(from, to)
    }
    fn set_permissions(&self, path: &Path, permissions: Permissions) -> io::Result<()> {
        self.step()?;
        Real.set_permissions(path, permissions)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        Real.rename_new(from, to)
    }
    fn rename_over(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        Real.rename_over(from, to)
    }
    fn exchange(&self, one: &Path, other: &Path) -> io::Result<()> {
        self.step()?;
        if !self.abilities.exchange {
            return Err(ErrorKind::Unsupported.into());
        }
        (self.before_exchange)();
        Real.exchange(one, other)
    }
    fn remove_file(&self, file: &Path) -> io::Result<()> {
        self.step()?;
        Real.remove_file(file)
    }
    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.step()?;
        Real.remove_folder(folder)
    }
    fn flush(&self, anchor: Option<&File>) -> io::Result<()> {
        self.step()?;
        Real.flush(anchor)
    }
}

/// One after the other, so that the k-th operation is the same in every run.
fn write(out: &Path, disk: Arc<dyn Disk>, trees: &[Tree]) -> Result<std::result::Result<Outcome, Findings>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let writer = Writer { disk, ..Writer::new(out) };
    Ok(pool.install(|| writer.write(trees)))
}

/// In memory where that is possible: this writes a lot, and a flush waits for whatever else the machine is writing.
fn workspace() -> io::Result<tempfile::TempDir> {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir())
}

fn tree(name: &str, files: &[(&str, &str)]) -> Result<Tree> {
    let mut tree = Tree::new(name).map_err(|findings| format!("{findings:?}"))?;
    for (path, text) in files {
        tree.insert(RelativePath::new(path)?, *text).map_err(|findings| format!("{findings:?}"))?;
    }
    Ok(tree)
}

/// Everything below a folder: path to content, link target or `/` for a folder.
fn snapshot(root: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    let mut pending = vec![root.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let kind = fs::symlink_metadata(&path)?.file_type();
            let text = if kind.is_symlink() {
                format!("-> {}", fs::read_link(&path)?.display())
            } else if kind.is_dir() {
                pending.push(path.clone());
                "/".to_owned()
            } else {
                String::from_utf8(fs::read(&path)?)?
            };
            files.insert(path.strip_prefix(root)?.display().to_string(), text);
        }
    }
    Ok(files)
}

fn of_cluster(files: &BTreeMap<String, String>, name: &str) -> BTreeMap<String, String> {
    let prefix = format!("{name}/");
    files
        .iter()
        .filter(|(path, _)| path.starts_with(&prefix))
        .map(|(path, text)| (path.clone(), text.clone()))
        .collect()
}

/// An output folder with everything in it that can happen at once: the old trees, and files of the user's.
fn prepare(out: &Path) -> Result<Vec<Tree>> {
    let old = [
        tree(
            "changed",
            &[("kustomization.yaml", "old"), ("cluster/a.yaml", "same"), ("cluster/gone.yaml", "gone")],
        )?,
        tree("removed", &[("kustomization.yaml", "old"), ("sub/x.yaml", "x")])?,
        tree("emptied", &[("kustomization.yaml", "old")])?,
        tree("same", &[("kustomization.yaml", "same")])?,
    ];
    write(out, Arc::new(Real), &old)?.map_err(|findings| format!("{findings:?}"))?;
    fs::write(out.join("changed/notes.md"), "mine")?;
    fs::create_dir_all(out.join("changed/mine/deep"))?;
    fs::create_dir(out.join("changed/mine/empty"))?;
    fs::write(out.join("changed/mine/deep/file"), "mine too")?;
    std::os::unix::fs::symlink("notes.md", out.join("changed/mine/link"))?;
    fs::write(out.join("emptied/notes.md"), "mine")?;
    fs::write(out.join("README.md"), "mine")?;
    Ok(vec![
        tree(
            "changed",
            &[("kustomization.yaml", "new"), ("cluster/a.yaml", "same"), ("addons/b/c.yaml", "c")],
        )?,
        tree("created", &[("kustomization.yaml", "new"), ("cluster/a.yaml", "a")])?,
        tree("removed", &[])?,
        tree("emptied", &[])?,
        tree("same", &[("kustomization.yaml", "same")])?,
    ])
}

const CLUSTERS: [&str; 5] = ["changed", "created", "removed", "emptied", "same"];

/// How many operations the run of [`prepare`] takes, and what it leads to.
fn healthy(abilities: Abilities) -> Result<(usize, BTreeMap<String, String>)> {
    let folder = workspace()?;
    let out = folder.path().join("out");
    let trees = prepare(&out)?;
    let disk = Arc::new(Faulty::new(Fault::None, abilities));
    let outcome = write(&out, disk.clone(), &trees)?.map_err(|findings| format!("{findings:?}"))?;
    assert_eq!(outcome.findings, Findings::new());
    let states: Vec<State> = outcome.summary.folders.iter().map(|folder| folder.state).collect();
    assert_eq!(states, [State::Changed, State::Created, State::Removed, State::Changed, State::Unchanged]);
    Ok((disk.count.load(Ordering::SeqCst), snapshot(&out)?))
}

const ALL: [Abilities; 3] = [
    Abilities { exchange: true, link: true },
    Abilities { exchange: false, link: true },
    Abilities { exchange: false, link: false },
];

#[test]
fn the_result_is_the_same_whatever_the_file_system_can_do() -> Result {
    let (_, first) = healthy(ALL[0])?;
    for abilities in ALL {
        assert_eq!(healthy(abilities)?.1, first, "{abilities:?}");
    }
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "README.md",
            "changed",
            "changed/.infraflux.sha256",
            "changed/addons",
            "changed/addons/b",
            "changed/addons/b/c.yaml",
            "changed/cluster",
            "changed/cluster/a.yaml",
            "changed/kustomization.yaml",
            "changed/mine",
            "changed/mine/deep",
            "changed/mine/deep/file",
            "changed/mine/empty",
            "changed/mine/link",
            "changed/notes.md",
            "created",
            "created/.infraflux.sha256",
            "created/cluster",
            "created/cluster/a.yaml",
            "created/kustomization.yaml",
            "emptied",
            "emptied/notes.md",
            "kustomization.yaml",
            "same",
            "same/.infraflux.sha256",
            "same/kustomization.yaml",
        ]
    );
    assert!(first["kustomization.yaml"].ends_with("resources:\n  - ./changed\n  - ./created\n  - ./same\n"));
    Ok(())
}

#[test]
fn an_error_at_any_operation_leaves_everything_as_it_was() -> Result {
    for abilities in ALL {
        let (operations, new) = healthy(abilities)?;
        let mut refused = 0;
        for fatal in 0..operations {
            let folder = workspace()?;
            let out = folder.path().join("out");
            let trees = prepare(&out)?;
            let old = snapshot(&out)?;
            let inode = fs::metadata(out.join("changed/notes.md"))?.ino();
            let result = write(&out, Arc::new(Faulty::new(Fault::Once(fatal), abilities)), &trees)?;
            let mut now = snapshot(&out)?;
            let case = format!("{abilities:?}, operation {fatal}: {result:?}");
            match result {
                Err(findings) => {
                    refused += 1;
                    assert_eq!(findings.exit_code(), 3, "{case}");
                    assert_eq!(now, old, "{case}");
                }
                // Linking may fail and be replaced by a copy; clearing up may fail and is the next run's.
                Ok(outcome) => {
                    if outcome.findings.iter().any(|finding| finding.code == &codes::LEFT_OVER) {
                        now.retain(|path, _| !path.starts_with(STAGE));
                    }
                    assert_eq!(now, new, "{case}");
                }
            }
            if abilities.link {
                assert_eq!(fs::metadata(out.join("changed/notes.md"))?.ino(), inode, "{case}");
            }
            write(&out, Arc::new(Real), &trees)?.map_err(|findings| format!("{case}: {findings:?}"))?;
            assert_eq!(snapshot(&out)?, new, "{case}");
        }
        assert!(refused > 50, "only {refused} of {operations} operations were refused");
    }
    Ok(())
}

#[test]
fn a_run_stopped_at_any_operation_leaves_each_cluster_old_or_new() -> Result {
    for abilities in ALL {
        let (operations, new) = healthy(abilities)?;
        let (mut seen_old, mut seen_new, mut seen_gap) = (0, 0, 0);
        for fatal in 0..operations {
            let folder = workspace()?;
            let out = folder.path().join("out");
            let trees = prepare(&out)?;
            let old = snapshot(&out)?;
            let _ = write(&out, Arc::new(Faulty::new(Fault::Dead(fatal), abilities)), &trees)?;
            let now = snapshot(&out)?;
            let case = format!("{abilities:?}, operation {fatal}");
            for name in CLUSTERS {
                let tree = of_cluster(&now, name);
                if tree == of_cluster(&old, name) {
                    seen_old += 1;
                } else if tree == of_cluster(&new, name) {
                    seen_new += 1;
                } else {
                    // Without an exchange there is a moment at which the folder has no name.
                    assert!(!abilities.exchange && tree.is_empty(), "{case}: {name} is mixed: {tree:?}");
                    seen_gap += 1;
                }
            }
            // The list of clusters never names one that is not there.
            let index = now.get("kustomization.yaml").cloned().unwrap_or_default();
            for name in index.lines().filter_map(|line| line.strip_prefix("  - ./")) {
                let complete = now.contains_key(&format!("{name}/kustomization.yaml"));
                assert!(complete || !abilities.exchange, "{case}: {name}");
            }
            let repaired =
                write(&out, Arc::new(Real), &trees)?.map_err(|findings| format!("{case}: {findings:?}"))?;
            assert!(!repaired.findings.has_errors());
            assert_eq!(snapshot(&out)?, new, "{case}");
        }
        assert!(seen_old > 0 && seen_new > 0, "{abilities:?}");
        assert_eq!(seen_gap > 0, !abilities.exchange, "{abilities:?}");
    }
    Ok(())
}

#[test]
fn a_first_run_stopped_at_any_operation_leaves_nothing_or_all() -> Result {
    let trees = [
        tree("lab", &[("kustomization.yaml", "x"), ("cluster/a.yaml", "a")])?,
        tree("management", &[("b", "b")])?,
    ];
    let folder = workspace()?;
    let disk = Arc::new(Faulty::new(Fault::None, ALL[0]));
    let out = folder.path().join("deep/er/out");
    write(&out, disk.clone(), &trees)?.map_err(|findings| format!("{findings:?}"))?;
    let new = snapshot(folder.path())?;
    assert!(new["deep/er/out/kustomization.yaml"].ends_with("  - ./lab\n"));
    for fatal in 0..disk.count.load(Ordering::SeqCst) {
        for fault in [Fault::Once(fatal), Fault::Dead(fatal)] {
            let folder = workspace()?;
            let out = folder.path().join("deep/er/out");
            let result = write(&out, Arc::new(Faulty::new(fault, ALL[0])), &trees)?;
            let now = snapshot(folder.path())?;
            if out.exists() {
                assert_eq!(of_cluster(&now, "deep/er/out"), of_cluster(&new, "deep/er/out"), "{fault:?}");
            } else {
                assert!(result.is_err(), "{fault:?}");
                if let Fault::Once(_) = fault {
                    assert_eq!(now, BTreeMap::new(), "{fault:?}: {result:?}");
                }
            }
            write(&out, Arc::new(Real), &trees)?.map_err(|findings| format!("{fault:?}: {findings:?}"))?;
            assert_eq!(snapshot(folder.path())?, new, "{fault:?}");
        }
    }
    Ok(())
}

#[test]
fn what_is_saved_during_the_run_is_not_lost() -> Result {
    for editor_renames in [true, false] {
        let folder = workspace()?;
        let out = folder.path().join("out");
        let trees = prepare(&out)?;
        let live = out.join("changed");
        let mut disk = Faulty::new(Fault::None, ALL[0]);
        disk.before_exchange = Box::new(move || {
            if !live.join("cluster/gone.yaml").exists() {
                return;
            }
            let save = || -> io::Result<()> {
                if editor_renames {
                    fs::write(live.join("notes.tmp"), "saved meanwhile")?;
                    fs::rename(live.join("notes.tmp"), live.join("notes.md"))?;
                } else {
                    fs::write(live.join("notes.md"), "saved meanwhile")?;
                }
                fs::create_dir_all(live.join("fresh/folder"))?;
                fs::write(live.join("fresh/folder/file"), "made meanwhile")
            };
            assert!(save().is_ok());
        });
        let outcome = write(&out, Arc::new(disk), &trees)?.map_err(|findings| format!("{findings:?}"))?;
        assert_eq!(outcome.findings, Findings::new());
        assert_eq!(fs::read_to_string(out.join("changed/notes.md"))?, "saved meanwhile");
        assert_eq!(fs::read_to_string(out.join("changed/fresh/folder/file"))?, "made meanwhile");
        assert_eq!(fs::read_to_string(out.join("changed/kustomization.yaml"))?, "new");
        assert!(!out.join("changed/cluster/gone.yaml").exists() && !out.join(STAGE).exists());
        assert!(out.join("changed").join(INVENTORY).exists());
    }
    Ok(())
}
