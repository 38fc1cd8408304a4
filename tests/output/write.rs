//! What changes and what stays.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use infraflux::{
    finding::{Severity, codes},
    output::{Counts, Edited, State, Writer},
};

use super::{cluster, contents, look, ok, put, shown, tree, write};

#[test]
fn first_write() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let lab = tree("lab", &[("kustomization.yaml", "resources: []\n"), ("cluster/cluster.yaml", "a: 1\n")]);
    let mut outcome = write(&out, &[lab, tree("management", &[("flux/sources.yaml", "b: 1\n")])]);
    assert!(outcome.findings.is_empty());
    let listing: Vec<String> =
        contents(&out).iter().map(|(path, text)| format!("{path}: {text:?}")).collect();
    insta::assert_snapshot!(listing.join("\n"));
    outcome.summary.out = "out".into();
    insta::assert_snapshot!(outcome.summary.text());
    insta::assert_json_snapshot!(outcome.summary.json());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_second_run_touches_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let trees = [cluster("lab", "x"), cluster("prod", "x"), cluster("management", "x")];
    write(&out, &trees);
    let before = look(&out);
    let outcome = write(&out, &trees);
    assert_eq!(look(&out), before, "inodes and times included, those of folders too");
    assert_eq!(outcome.summary.counts(), Counts { unchanged: 37, ..Counts::default() });
    assert_eq!(outcome.summary.text(), "0 changes, 37 unchanged (files in 3 folders)\n");
}

/// A folder that is not one of clusters: nothing lists what is in it, and somebody's own list stays.
#[test]
fn an_unlisted_folder_has_no_list() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let writer = || Writer::new(&out).unlisted();
    let first = writer().write(&[tree("lab", &[("a", "1")])]).unwrap();
    assert_eq!((first.summary.counts().created, first.summary.index), (1, None));
    assert!(!out.join("kustomization.yaml").exists());
    let before = look(&out);
    let second = writer().write(&[tree("lab", &[("a", "1")])]).unwrap();
    assert_eq!((second.summary.counts().changes(), look(&out)), (0, before));
    fs::write(out.join("kustomization.yaml"), "mine").unwrap();
    let third = writer().write(&[tree("lab", &[("a", "2")]), tree("prod", &[("a", "1")])]).unwrap();
    assert_eq!(third.summary.counts(), Counts { created: 1, changed: 1, ..Counts::default() });
    assert_eq!(fs::read_to_string(out.join("kustomization.yaml")).unwrap(), "mine");
    let gone = writer().write(&[tree("lab", &[])]).unwrap();
    assert_eq!(gone.summary.counts(), Counts { removed: 1, ..Counts::default() });
    assert!(!out.join("lab").exists() && out.join("prod/a").exists());
}

#[test]
fn one_change_touches_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[tree("lab", &[("a", "1"), ("b/c", "1"), ("b/d", "1")]), cluster("prod", "x")]);
    let before = look(&out);
    let outcome =
        write(&out, &[tree("lab", &[("a", "1"), ("b/c", "2"), ("b/d", "1")]), cluster("prod", "x")]);
    assert_eq!(outcome.summary.counts(), Counts { changed: 1, unchanged: 15, ..Counts::default() });
    let after = look(&out);
    for (path, seen) in &after {
        let same = before.get(path) == Some(seen);
        // The folder itself is another one; so is its inventory.
        let replaced = ["", "lab", "lab/b", "lab/b/c", "lab/.infraflux.sha256"].contains(&path.as_str());
        assert_eq!(same, !replaced, "{path}");
    }
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    assert_eq!(after["lab/b/c"].content, "2");
}

#[test]
fn what_is_no_longer_rendered_goes_with_its_folders() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[tree("lab", &[("a", "1"), ("b/c/d", "1"), ("e/f", "1")])]);
    let mut outcome = write(&out, &[tree("lab", &[("a", "1")])]);
    outcome.summary.out = "out".into();
    insta::assert_snapshot!(outcome.summary.text(), @r"
    removed    out/lab/b/c/d
    removed    out/lab/e/f
    2 removed, 2 unchanged (files in 1 folder)
    ");
    let left: Vec<String> = contents(&out).into_keys().collect();
    assert_eq!(left, ["", "kustomization.yaml", "lab", "lab/.infraflux.sha256", "lab/a"]);
}

#[test]
fn files_of_the_user_stay_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[tree("lab", &[("a", "1"), ("gone/b", "1")])]);
    put(&out, "README.md", "mine");
    put(&out, "lab/notes.md", "mine");
    put(&out, "lab/gone/mine.yaml", "mine");
    let script = put(&out, "lab/tools/deep/er/run.sh", "mine");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o750)).unwrap();
    fs::create_dir_all(out.join("lab/tools/empty")).unwrap();
    fs::set_permissions(out.join("lab/tools"), fs::Permissions::from_mode(0o2775)).unwrap();
    std::os::unix::fs::symlink("/nowhere", out.join("lab/tools/link")).unwrap();
    fs::set_permissions(out.join("lab"), fs::Permissions::from_mode(0o755)).unwrap();
    let before = look(&out);
    write(&out, &[tree("lab", &[("a", "2"), ("new/b", "1")])]);
    let after = look(&out);
    for path in
        ["README.md", "lab/notes.md", "lab/gone/mine.yaml", "lab/tools/deep/er/run.sh", "lab/tools/link"]
    {
        assert_eq!(before[path], after[path], "{path}: not even the inode changes");
    }
    for path in ["lab", "lab/tools", "lab/tools/empty", "lab/gone"] {
        assert_eq!(before[path].mode, after[path].mode, "{path}");
    }
    assert!(!after.contains_key("lab/gone/b"));
}

#[test]
fn a_replaced_file_keeps_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[tree("lab", &[("a", "1")])]);
    fs::set_permissions(out.join("lab/a"), fs::Permissions::from_mode(0o604)).unwrap();
    write(&out, &[tree("lab", &[("a", "2")])]);
    assert_eq!(look(&out)["lab/a"].mode & 0o777, 0o604);
}

#[test]
fn a_file_becomes_a_folder_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let file = tree("lab", &[("a", "1"), ("b/c", "1")]);
    let turned = tree("lab", &[("a/x", "1"), ("b", "1")]);
    for (round, trees) in [&file, &turned, &file].into_iter().enumerate() {
        let outcome = write(&out, std::slice::from_ref(trees));
        assert_eq!(outcome.summary.counts().created, if round == 0 { 3 } else { 2 });
    }
    assert_eq!(contents(&out.join("lab")).len(), 5);
}

#[test]
fn an_edit_is_told_before_it_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[tree("lab", &[("a", "1"), ("b/c", "1"), ("gone", "1")])]);
    put(&out, "lab/b/c", "edited");
    put(&out, "lab/gone", "edited");
    let new = [tree("lab", &[("a", "1"), ("b/c", "1")])];

    let before = look(&out);
    let refused = Writer::new(&out).edited(Edited::Refuse).write(&new).unwrap_err();
    insta::assert_snapshot!(shown(&refused, folder.path()), @r"
    error[IF1107]: 2 files in `out/lab` were edited after InfraFlux had written them: `b/c`, `gone`
     |
     = help: put the change into the plan, its overrides or patches, or into a template (`--catalog`)
    ");
    assert_eq!(refused.exit_code(), 1);
    assert_eq!(look(&out), before);

    let outcome = write(&out, &new);
    assert_eq!(
        outcome.findings.iter().map(|finding| finding.severity).collect::<Vec<_>>(),
        [Severity::Warning]
    );
    assert_eq!(fs::read_to_string(out.join("lab/b/c")).unwrap(), "1");
    assert!(!out.join("lab/gone").exists());
}

#[test]
fn an_edit_that_is_what_is_rendered_now_is_no_edit() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[tree("lab", &[("a", "1")])]);
    put(&out, "lab/a", "2");
    let inode = look(&out)["lab/a"].inode;
    let mut outcome = write(&out, &[tree("lab", &[("a", "2")])]);
    assert!(outcome.findings.is_empty());
    assert_eq!(look(&out)["lab/a"].inode, inode);
    outcome.summary.out = "out".into();
    insta::assert_snapshot!(outcome.summary.text(), @r"
    changed    out/lab/.infraflux.sha256
    1 changed, 2 unchanged (files in 1 folder)
    ");
}

#[test]
fn a_deleted_file_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[tree("lab", &[("a/b", "1")])]);
    fs::remove_dir_all(out.join("lab/a")).unwrap();
    let outcome = write(&out, &[tree("lab", &[("a/b", "1")])]);
    assert_eq!(outcome.summary.counts(), Counts { created: 1, unchanged: 1, ..Counts::default() });
}

#[test]
fn without_an_inventory_equal_files_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let trees = [cluster("lab", "x")];
    write(&out, &trees);
    fs::remove_file(out.join("lab/.infraflux.sha256")).unwrap();
    let before = look(&out);
    write(&out, &trees);
    let after = look(&out);
    assert_eq!(before["lab/cluster/cluster.yaml"], after["lab/cluster/cluster.yaml"]);
    assert!(after.contains_key("lab/.infraflux.sha256"));
}

#[test]
fn the_list_names_every_cluster_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let list = || {
        let text = fs::read_to_string(out.join("kustomization.yaml")).unwrap();
        text.lines().skip_while(|line| !line.starts_with("resources")).map(str::to_owned).collect::<Vec<_>>()
    };
    write(&out, &[tree("management", &[("a", "1")])]);
    assert_eq!(list(), ["resources: []"], "else Flux would make up a list with everything in it");
    write(&out, &[tree("prod", &[("a", "1")])]);
    write(&out, &[tree("lab", &[("a", "1")])]);
    put(&out, "mine/kustomization.yaml", "mine");
    assert_eq!(list(), ["resources:", "  - ./lab", "  - ./prod"]);

    fs::remove_dir_all(out.join("prod")).unwrap();
    let outcome = write(&out, &[tree("lab", &[("a", "1")])]);
    assert_eq!(outcome.summary.index, Some(State::Changed));
    assert_eq!(list(), ["resources:", "  - ./lab"]);

    put(&out, "lab/notes.md", "mine");
    let outcome = write(&out, &[tree("lab", &[])]);
    assert_eq!(outcome.summary.folders[0].state, State::Changed);
    assert_eq!(list(), ["resources: []"]);
    assert_eq!(contents(&out.join("lab")).into_keys().collect::<Vec<_>>(), ["", "notes.md"]);
    assert_eq!(write(&out, &[tree("lab", &[])]).summary.counts().changes(), 0);
}

#[test]
fn an_edited_list_is_written_again_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[tree("lab", &[("a", "1")])]);
    let text = fs::read_to_string(out.join("kustomization.yaml")).unwrap();
    put(&out, "kustomization.yaml", &format!("{text}  - mine.yaml\n"));
    let refused = Writer::new(&out).edited(Edited::Refuse).write(&[tree("lab", &[("a", "1")])]).unwrap_err();
    assert!(refused.iter().all(|finding| finding.code == &codes::EDITED));
    let outcome = write(&out, &[tree("lab", &[("a", "1")])]);
    insta::assert_snapshot!(shown(&outcome.findings, folder.path()), @r"
    warning[IF1107]: `out/kustomization.yaml` was edited after InfraFlux had written it; the edit is lost when it is written again
     |
     = help: keep resources of your own in a kustomization elsewhere that lists this folder
    ");
    assert_eq!(fs::read_to_string(out.join("kustomization.yaml")).unwrap(), text);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/out");
    let trees = [cluster("lab", "1"), tree("gone", &[("a", "1")])];
    let planned = ok(Writer::new(&out).plan(&trees)).summary;
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(planned.text().ends_with("dry run, nothing was written: 14 created (files in 2 folders)\n"));
    assert_eq!(planned.folders, write(&out, &trees).summary.folders);

    let trees = [cluster("lab", "2"), tree("gone", &[])];
    let before = look(folder.path());
    let planned = ok(Writer::new(&out).plan(&trees)).summary;
    assert_eq!(look(folder.path()), before);
    let written = write(&out, &trees).summary;
    assert_eq!((planned.folders, planned.index), (written.folders, written.index));
}

#[test]
fn a_fleet_comes_in_portions() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut session = Writer::new(&out).begin().unwrap();
    for portion in 0..10 {
        let trees: Vec<_> =
            (0..10).map(|cluster| tree(&format!("c{portion}{cluster}"), &[("a", "1")])).collect();
        session.add(&trees);
        assert!(!out.exists(), "nothing shows before the end");
    }
    let mut summary = session.finish().unwrap().summary;
    summary.out = "out".into();
    insta::assert_snapshot!(summary.text());
    assert_eq!(contents(&out).len(), 1 + 1 + 100 * 3);
}

#[test]
fn a_run_that_is_given_up_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("deep/out");
    let mut session = Writer::new(&out).begin().unwrap();
    session.add(&[cluster("lab", "1")]);
    assert!(folder.path().join("deep/.out.infraflux-stage").exists());
    drop(session);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    write(&out, &[cluster("lab", "1")]);
    let before = contents(folder.path());
    let mut session = Writer::new(&out).begin().unwrap();
    session.add(&[cluster("lab", "2"), cluster("new", "1")]);
    drop(session);
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_run_without_trees_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    assert_eq!(write(&out, &[]).summary.index, None);
    assert_eq!(write(&out, &[tree("lab", &[])]).summary.index, None);
    assert!(!out.exists());
}

#[test]
fn the_current_folder_can_be_the_output_folder() {
    // `.` and `..` exist, so the stage lies inside them whatever lies around.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("inner")).unwrap();
    write(&folder.path().join("inner/.."), &[tree("lab", &[("a", "1")])]);
    assert!(folder.path().join("lab/a").exists());
}

/// Whether a program is there; with `INFRAFLUX_REQUIRE_CLIENTS=1` it must be.
fn client(name: &str, version: &[&str]) -> bool {
    let found = Command::new(name).args(version).output().is_ok_and(|output| output.status.success());
    let required = std::env::var_os("INFRAFLUX_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    assert!(found || !required, "`{name}` is required");
    if !found {
        eprintln!("SKIPPED: `{name}` is not installed");
    }
    found
}

#[test]
fn kustomize_builds_the_list_and_does_not_see_the_inventory() {
    if !client("kubectl", &["version", "--client"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let build = || {
        let output = Command::new("kubectl").arg("kustomize").arg(&out).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let object = |name: &str| format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name:?}\n");
    let cluster = |name: &str| {
        tree(name, &[("kustomization.yaml", "resources:\n  - object.yaml\n"), ("object.yaml", &object(name))])
    };
    write(&out, &[tree("management", &[("kustomization.yaml", "resources: []\n")])]);
    assert_eq!(build(), "");
    write(&out, &[cluster("on"), cluster("lab")]);
    assert_eq!(build(), format!("{}---\n{}", object("lab").replace('"', ""), object("on")));
}

#[test]
fn the_inventory_can_be_checked_by_sha256sum() {
    if !client("sha256sum", &["--version"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    write(&out, &[cluster("lab", "1")]);
    let check = || {
        let mut command = Command::new("sha256sum");
        command.args(["--check", "--strict", "--quiet", ".infraflux.sha256"]).current_dir(out.join("lab"));
        command.output().unwrap().status.success()
    };
    assert!(check());
    put(&out, "lab/SECRETS.md", "edited");
    assert!(!check());
}
