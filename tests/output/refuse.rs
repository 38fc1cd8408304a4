//! What is refused, with nothing written, inside the output folder or outside.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Output},
};

use infraflux::{
    finding::{Findings, codes},
    output::{RelativePath, Tree, Writer},
};

use super::{cluster, contents, look, put, shown, tree, write};

/// A run that must be refused without a trace.
fn refused(folder: &Path, out: &Path, trees: &[Tree]) -> Findings {
    let before = look(folder);
    let planned = Writer::new(out).plan(trees).unwrap_err();
    assert_eq!(look(folder), before, "a dry run");
    let written = Writer::new(out).write(trees).unwrap_err();
    assert_eq!(contents(folder), before.into_iter().map(|(path, seen)| (path, seen.content)).collect());
    assert_eq!(planned, written);
    written
}

struct Scene {
    folder: tempfile::TempDir,
    out: PathBuf,
}

impl Scene {
    /// `out/lab` as an earlier run wrote it, and `outside` beside it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        write(&out, &[tree("lab", &[("a", "1"), ("sub/b", "1")])]);
        put(folder.path(), "outside/a", "outside");
        put(folder.path(), "outside/b", "outside");
        Self { folder, out }
    }

    fn refused(&self) -> String {
        let findings =
            refused(self.folder.path(), &self.out, &[tree("lab", &[("a", "2"), ("sub/b", "2"), ("c", "2")])]);
        format!("exit {}\n{}", findings.exit_code(), shown(&findings, self.folder.path()).trim_end())
    }

    fn outside(&self) -> PathBuf {
        self.folder.path().join("outside")
    }
}

#[test]
fn the_output_folder_is_a_link() {
    let scene = Scene::new();
    let link = scene.folder.path().join("link");
    symlink(&scene.out, &link).unwrap();
    for name in ["link", "link/", "link/.", "./link/./"] {
        let out = scene.folder.path().join(name);
        let findings = refused(scene.folder.path(), &out, &[cluster("lab", "2")]);
        assert_eq!(findings.exit_code(), 3);
        assert!(findings.iter().all(|finding| finding.code == &codes::OUT_IS_A_LINK), "{name}");
    }
    fs::remove_file(&link).unwrap();
    symlink("nowhere", &link).unwrap();
    let findings = refused(scene.folder.path(), &link, &[cluster("lab", "2")]);
    insta::assert_snapshot!(shown(&findings, scene.folder.path()), @r"
    error[IF1104]: the output folder `link` is a symbolic link
     |
     = help: name the folder that it points to with `--out`, or remove the link
    ");
}

#[test]
fn the_output_folder_is_a_file() {
    let scene = Scene::new();
    let file = put(scene.folder.path(), "file", "mine");
    let findings = refused(scene.folder.path(), &file, &[cluster("lab", "2")]);
    assert_eq!(findings.exit_code(), 3);
    insta::assert_snapshot!(shown(&findings, scene.folder.path()), @r"
    error[IF1103]: the output folder `file` is not a folder
     |
     = help: move the file away, or choose another folder with `--out`
    ");
    let findings = Writer::new(file.join("deep/er")).write(&[cluster("lab", "2")]).unwrap_err();
    assert_eq!(findings.exit_code(), 3);
    insta::assert_snapshot!(shown(&findings, scene.folder.path()), @r"
    error[IF1109]: cannot create `file/deep`: Not a directory (os error 20)
     |
     = help: see why the system refuses this for `file/deep`, and run again; nothing in `file/deep/er` was changed
    ");
    assert_eq!(Writer::new("").write(&[]).unwrap_err().exit_code(), 3);
}

#[test]
fn a_cluster_is_a_link() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.out.join("lab")).unwrap();
    symlink(scene.outside(), scene.out.join("lab")).unwrap();
    insta::assert_snapshot!(scene.refused(), @r"
    exit 1
    error[IF1105]: `out/lab` is a symbolic link where a rendered file or folder belongs
     |
     = help: remove the link; InfraFlux never writes through one, so that nothing outside the output folder changes
    ");
}

#[test]
fn links_inside_a_cluster() {
    let scene = Scene::new();
    fs::remove_dir_all(scene.out.join("lab/sub")).unwrap();
    symlink(scene.outside(), scene.out.join("lab/sub")).unwrap();
    fs::remove_file(scene.out.join("lab/a")).unwrap();
    symlink(scene.outside().join("a"), scene.out.join("lab/a")).unwrap();
    symlink("nowhere", scene.out.join("lab/c")).unwrap();
    insta::assert_snapshot!(scene.refused(), @r"
    exit 1
    error[IF1105]: `out/lab/a` is a symbolic link where a rendered file or folder belongs
     |
     = help: remove the link; InfraFlux never writes through one, so that nothing outside the output folder changes

    error[IF1105]: `out/lab/c` is a symbolic link where a rendered file or folder belongs
     |
     = help: remove the link; InfraFlux never writes through one, so that nothing outside the output folder changes

    error[IF1105]: `out/lab/sub` is a symbolic link where a rendered file or folder belongs
     |
     = help: remove the link; InfraFlux never writes through one, so that nothing outside the output folder changes
    ");
}

#[test]
fn links_where_infraflux_keeps_its_own_files() {
    for name in ["lab/.infraflux.sha256", "kustomization.yaml", ".infraflux-stage"] {
        let scene = Scene::new();
        let path = scene.out.join(name);
        let _ = fs::remove_file(&path);
        symlink(scene.outside(), &path).unwrap();
        let before = contents(scene.folder.path());
        let findings = Writer::new(&scene.out).write(&[tree("lab", &[("a", "2")])]).unwrap_err();
        assert!(findings.has_errors(), "{name}");
        assert_eq!(contents(scene.folder.path()), before, "{name}");
    }
}

#[test]
fn a_link_in_the_place_of_a_file_that_is_no_longer_rendered_is_the_users() {
    let scene = Scene::new();
    fs::remove_file(scene.out.join("lab/a")).unwrap();
    symlink(scene.outside().join("a"), scene.out.join("lab/a")).unwrap();
    fs::remove_dir_all(scene.out.join("lab/sub")).unwrap();
    symlink(scene.outside(), scene.out.join("lab/sub")).unwrap();
    write(&scene.out, &[tree("lab", &[("c", "1")])]);
    assert!(scene.out.join("lab/a").is_symlink() && scene.out.join("lab/sub").is_symlink());
    assert_eq!(contents(&scene.outside())["b"], "outside");
}

#[test]
fn files_of_the_user_in_the_way() {
    let scene = Scene::new();
    put(&scene.out, "lab/c", "mine");
    insta::assert_snapshot!(scene.refused(), @r"
    exit 1
    error[IF1106]: `out/lab/c` is not InfraFlux's and is in the way of what is rendered
     |
     = help: move it away, or rename the templates that render the same names
    ");

    let scene = Scene::new();
    fs::create_dir(scene.out.join("lab/c")).unwrap();
    fs::remove_dir_all(scene.out.join("lab/sub")).unwrap();
    put(&scene.out, "lab/sub", "mine");
    fs::remove_file(scene.out.join("lab/a")).unwrap();
    put(&scene.out, "lab/a/mine", "mine");
    insta::assert_snapshot!(scene.refused(), @r"
    exit 1
    error[IF1106]: 3 files in `out/lab` are not InfraFlux's and are in the way of what is rendered: `a`, `c`, `sub`
     |
     = help: move them away, or rename the templates that render the same names
    ");

    let scene = Scene::new();
    fs::remove_file(scene.out.join("lab/.infraflux.sha256")).unwrap();
    insta::assert_snapshot!(scene.refused());

    let scene = Scene::new();
    fs::remove_dir_all(scene.out.join("lab")).unwrap();
    put(&scene.out, "lab", "mine");
    insta::assert_snapshot!(scene.refused(), @r"
    exit 1
    error[IF1106]: `out/lab` is not a folder, and the rendered files belong into one
     |
     = help: move it away, or name the cluster differently
    ");
}

#[test]
fn a_kustomization_of_the_user() {
    for name in ["kustomization.yaml", "kustomization.yml", "Kustomization"] {
        let scene = Scene::new();
        put(&scene.out, name, "resources: [mine.yaml]\n");
        let message = scene.refused();
        assert!(message.contains("exit 1\nerror[IF1106]"), "{message}");
    }
    let scene = Scene::new();
    put(&scene.out, "lab/kustomization.yml", "resources: [mine.yaml]\n");
    let findings = refused(scene.folder.path(), &scene.out, &[tree("lab", &[("kustomization.yaml", "1")])]);
    assert!(shown(&findings, scene.folder.path()).contains("`out/lab/kustomization.yml` is not InfraFlux's"));
    // Where nothing of that name is rendered it is no business of ours.
    write(&scene.out, &[tree("lab", &[("a", "1")])]);
}

#[test]
fn a_damaged_inventory() {
    let scene = Scene::new();
    let digest = "0".repeat(64);
    put(&scene.out, "lab/.infraflux.sha256", &format!("# comment\n{digest}  ../../outside/a\n"));
    insta::assert_snapshot!(scene.refused());
}

#[test]
fn a_stage_that_is_not_ours() {
    let scene = Scene::new();
    put(&scene.out, ".infraflux-stage/mine", "mine");
    let before = contents(scene.folder.path());
    let findings = Writer::new(&scene.out).write(&[tree("lab", &[("a", "2")])]).unwrap_err();
    assert_eq!(contents(scene.folder.path()), before);
    insta::assert_snapshot!(shown(&findings, scene.folder.path()), @r"
    error[IF1106]: `out/.infraflux-stage` is not a folder of InfraFlux's, which stages its output there
     |
     = help: move it away and run again
    ");
}

/// A repository may come with a stage in it, made up to lead outside.
#[test]
fn a_hostile_stage() {
    let marker =
        "# A run of infraflux is under way, or was stopped: the next run tidies this folder up.\n*\n";
    for trees in ["new", "old"] {
        let scene = Scene::new();
        let stage = scene.out.join(".infraflux-stage");
        put(&stage, ".gitignore", marker);
        put(&stage, "journal", r#"{"folders":{"lab":null,"../outside":null,"..":null,"/etc":null}}"#);
        // Would be brought to `lab/sub/...` in the live tree, which leads outside.
        fs::remove_dir_all(scene.out.join("lab/sub")).unwrap();
        symlink(scene.outside(), scene.out.join("lab/sub")).unwrap();
        put(&stage, &format!("{trees}/lab/sub/planted"), "planted");
        symlink(scene.outside(), stage.join(trees).join("prod")).unwrap();
        symlink(scene.outside(), stage.join("link")).unwrap();
        let before = contents(&scene.outside());
        let _ = Writer::new(&scene.out).write(&[tree("lab", &[("a", "2")])]);
        assert_eq!(contents(&scene.outside()), before);

        let scene = Scene::new();
        let stage = scene.out.join(".infraflux-stage");
        put(&stage, ".gitignore", marker);
        put(&stage, "journal", r#"{"folders":{"lab":null}}"#);
        symlink(scene.outside(), stage.join(trees)).unwrap();
        let before = contents(&scene.outside());
        let _ = Writer::new(&scene.out).write(&[tree("lab", &[("a", "2")])]);
        assert_eq!(contents(&scene.outside()), before);
    }
}

#[test]
fn names_that_are_no_names() {
    for name in ["../../x", "..", "", "/etc", "a/b", "Lab", "con"] {
        let findings = Tree::new(name).unwrap_err();
        assert_eq!(findings.exit_code(), 1, "{name}");
    }
    insta::assert_snapshot!(shown(&Tree::new("../../x").unwrap_err(), Path::new("-")), @r"
    error[IF1101]: `../../x` cannot be a path in the output folder: a folder for a cluster has only lowercase letters, digits and `-` in its name
     |
     = help: rename the cluster or the template file: lowercase letters, digits, `-` and `.` always fit
    ");
    let mut lab = Tree::new("lab").unwrap();
    lab.insert(RelativePath::new("docs/README.md").unwrap(), "x").unwrap();
    let findings = lab.insert(RelativePath::new("docs/Readme.md").unwrap(), "x").unwrap_err();
    insta::assert_snapshot!(shown(&findings, Path::new("-")), @r"
    error[IF1102]: `lab/docs/README.md` and `lab/docs/Readme.md` differ only by upper and lower case
     |
     = help: rename one of the two templates: macOS and Windows take both for the same file
    ");
}

#[test]
fn two_plans_of_one_name() {
    let scene = Scene::new();
    let findings = refused(scene.folder.path(), &scene.out, &[cluster("prod", "1"), cluster("prod", "2")]);
    insta::assert_snapshot!(shown(&findings, scene.folder.path()), @r"
    error[IF1102]: two plans render a cluster named `prod`
     |
     = help: give one of them another name
    ");
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let scene = Scene::new();
    put(&scene.out, "prod/a", "mine");
    put(&scene.out, "test/a", "mine");
    let trees = [tree("prod", &[("a", "1")]), tree("test", &[("a", "1")]), tree("lab", &[("a", "2")])];
    assert_eq!(refused(scene.folder.path(), &scene.out, &trees).len(), 2);
}

#[test]
fn one_run_at_a_time() {
    let scene = Scene::new();
    for out in [scene.out.clone(), scene.folder.path().join("new")] {
        let mut first = Writer::new(&out).begin().unwrap();
        first.add(&[tree("lab", &[("a", "first")])]);
        let findings = Writer::new(&out).write(&[tree("lab", &[("a", "second")])]).unwrap_err();
        assert_eq!(findings.exit_code(), 3);
        let message = shown(&findings, scene.folder.path());
        assert!(message.contains("another run of infraflux is writing to"), "{message}");
        first.finish().unwrap();
        assert_eq!(fs::read_to_string(out.join("lab/a")).unwrap(), "first");
        write(&out, &[tree("lab", &[("a", "second")])]);
    }
}

/// Set for the process that a test starts to write where it cannot: the output folder.
const CHILD: &str = "INFRAFLUX_TEST_REFUSED";

/// Not a test: what a child process of the tests below runs. It says on stdout what it was told.
#[test]
#[ignore = "run by other tests"]
fn child_that_is_refused() {
    let Some(out) = std::env::var_os(CHILD) else { return };
    let trees = [tree("lab", &[("a", "2"), ("big", &"x".repeat(200_000))]), cluster("prod", "2")];
    match Writer::new(PathBuf::from(out)).write(&trees) {
        Ok(_) => println!("WRITTEN"),
        Err(findings) => println!("EXIT {}\n{}", findings.exit_code(), shown(&findings, Path::new("-"))),
    }
}

fn child(program: &mut Command, scene: &Scene) -> String {
    let Output { status, stdout, stderr } = program.env(CHILD, &scene.out).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().replace(&format!("{}/", scene.folder.path().display()), "")
}

const CHILD_ARGUMENTS: [&str; 4] = ["--exact", "refuse::child_that_is_refused", "--ignored", "--nocapture"];

/// A limit on the size of files stops a write in the middle, as a full disk does, and needs no privileges. It proves
/// that an error of a real `write` is seen, told and leaves nothing; that it also holds for every other operation is
/// shown by the injected faults in `src/output/faults.rs`.
#[test]
fn a_write_that_the_system_stops() {
    let scene = Scene::new();
    let before = look(&scene.out);
    // The signal is ignored, so that the write fails instead.
    let script = r#"trap "" XFSZ; ulimit -f 100; exec "$0" "$@""#;
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(std::env::current_exe().unwrap()).args(CHILD_ARGUMENTS);
    let told = child(&mut command, &scene);
    assert!(told.contains("EXIT 3"), "{told}");
    assert!(told.contains("cannot write `out/lab/big`: File too large"), "{told}");
    assert!(told.contains("nothing in `out` was changed"), "{told}");
    let mut after = look(&scene.out);
    // A stage came and went.
    after.get_mut("").unwrap().modified = before[""].modified;
    assert_eq!(after, before);
}

/// The real thing, where a small file system can be mounted.
#[test]
fn a_full_disk() {
    let scene = Scene::new();
    let script = r#"mount -t tmpfs -o size=128k tmpfs "$1" && cp -a "$2" "$1/out" && export INFRAFLUX_TEST_REFUSED="$1/out" && shift 2 && "$@" && diff -r "$INFRAFLUX_TEST_REFUSED" "$SAVED" && echo SAME"#;
    let mount = scene.folder.path().join("disk");
    fs::create_dir(&mount).unwrap();
    let possible = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(&mount)
        .output()
        .is_ok_and(|output| output.status.success());
    if !possible {
        eprintln!(
            "SKIPPED: no file system can be mounted here; `a_write_that_the_system_stops` covers the same path"
        );
        return;
    }
    let mut command = Command::new("unshare");
    command
        .args(["-rm", "sh", "-c", script, "sh"])
        .arg(&mount)
        .arg(&scene.out)
        .arg(std::env::current_exe().unwrap());
    command.args(CHILD_ARGUMENTS).env("SAVED", &scene.out);
    let told = child(&mut command, &scene);
    assert!(told.contains("EXIT 3") && told.contains("No space left on device"), "{told}");
    assert!(told.contains("free some space and run again; nothing in `disk/out` was changed"), "{told}");
    assert!(told.contains("SAME"), "{told}");
}

#[test]
fn folders_that_may_not_be_written() {
    for closed in ["out", "out/lab"] {
        let scene = Scene::new();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(CHILD_ARGUMENTS);
        // Root may write everywhere.
        if Command::new("id").arg("-u").output().unwrap().stdout == b"0\n" {
            let nobody = 65534;
            fs::set_permissions(scene.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
            for path in look(scene.folder.path()).keys() {
                std::os::unix::fs::chown(scene.folder.path().join(path), Some(nobody), Some(nobody)).unwrap();
            }
            command.uid(nobody).gid(nobody);
        }
        let path = scene.folder.path().join(closed);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o555)).unwrap();
        let before = look(&scene.out);
        let told = child(&mut command, &scene);
        let after = look(&scene.out);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(told.contains("EXIT 3"), "{told}");
        assert!(told.contains("Permission denied"), "{told}");
        assert!(told.contains(&format!("look at the owner and the mode of `{closed}`")), "{told}");
        assert_eq!(contents(&scene.out).len(), before.len(), "{closed}");
        assert_eq!(after["lab/a"], before["lab/a"]);
    }
}
