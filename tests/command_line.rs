//! What is common to commands: flags that contradict each other, folders that are not there, places that are no files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{fs, path::Path, process::Stdio};

use common::infraflux::{infraflux, run, texts, tree};
use serde_json::Value;
use tempfile::TempDir;

/// A call, its exit code, and what stderr must say.
type Case = (&'static [&'static str], i32, &'static [&'static str]);

const LAB: [&str; 5] = ["up", "--provider", "proxmox", "--name", "lab"];

/// A cluster `lab` in `out/`.
fn rendered() -> TempDir {
    let folder = TempDir::new().unwrap();
    assert_eq!(run(folder.path(), &LAB).status.code(), Some(0));
    folder
}

/// Runs each case in the folder and compares; nothing may be written.
fn refused(folder: &Path, cases: &[Case]) {
    let before = tree(folder);
    for (arguments, code, says) in cases {
        let output = run(folder, arguments);
        let (_, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(*code), "{arguments:?}: {stderr}");
        for words in *says {
            assert!(stderr.contains(words), "{arguments:?}: `{words}` is not in\n{stderr}");
        }
        assert_eq!(tree(folder), before, "{arguments:?}: something was written");
    }
}

#[test]
fn help_into_a_closed_pipe_ends_quietly() {
    let folder = TempDir::new().unwrap();
    for arguments in [&["up", "--help"][..], &["--version"], &["help"]] {
        let mut child = infraflux(folder.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The reader is gone before anything is written, or while it is: both are its choice.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), texts(&output).1), (Some(0), String::new()), "{arguments:?}");
    }
}

#[test]
fn the_folder_to_compare_with_must_be_there() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    refused(
        folder.path(),
        &[
            (
                &["up", "--provider", "proxmox", "--name", "lab", "--against", "nope"],
                3,
                &["`nope`", "IF0001"],
            ),
            (&["up", "--provider", "proxmox", "--name", "lab", "--against", "file"], 3, &["not a folder"]),
        ],
    );
    fs::create_dir(folder.path().join("empty")).unwrap();
    let output = run(folder.path(), &[&LAB[..], &["--against", "empty"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).1);
}

#[test]
fn a_date_is_looked_at_before_anything_else() {
    let folder = TempDir::new().unwrap();
    let output = run(folder.path(), &[&LAB[..], &["--as-of", "tomorrow"]].concat());
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.starts_with("error[IF1301]: `tomorrow` is not a date") && !stderr.contains("warning"),
        "{stderr}"
    );
}

#[test]
fn a_name_comes_from_the_highest_layer_and_two_flags_must_agree() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::write(path.join("plan.yaml"), "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: plan}\nspec: {provider: proxmox}\n").unwrap();
    fs::write(path.join("v.yaml"), "metadata: {name: values}\n").unwrap();
    fs::write(path.join("w.yaml"), "metadata: {name: later}\nspec: {region: cellar}\n").unwrap();
    for (more, name) in [
        (&[][..], "plan"),
        (&["--values", "v.yaml"], "values"),
        (&["--values", "v.yaml", "--values", "w.yaml"], "later"),
        (&["--values", "v.yaml", "--name", "flag"], "flag"),
        (&["--values", "v.yaml", "--set", "metadata.name=set"], "set"),
        (&["--name", "both", "--set", "metadata.name=both"], "both"),
    ] {
        let output = run(path, &[&["up", "-f", "plan.yaml", "--dry-run"][..], more].concat());
        let (stdout, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{more:?}: {stderr}");
        assert!(stdout.contains(&format!("out/{name}/ (")), "{more:?}: {stdout}");
    }
    fs::write(
        path.join("fleet.yaml"),
        "apiVersion: infraflux.io/v1alpha1\nkind: FleetPlan\nmetadata: {name: f}\nspec:\n  defaults: {provider: proxmox}\n  clusters: [{name: a}, {name: b}]\n",
    )
    .unwrap();
    refused(
        path,
        &[
            (
                &["up", "--provider", "proxmox", "--name", "lab", "--set", "metadata.name=foo"],
                2,
                &["two names", "--set metadata.name=foo:1:1", "lab"],
            ),
            (&["up", "-f", "fleet.yaml", "--values", "v.yaml"], 1, &["v.yaml:1:18", "2 clusters"]),
        ],
    );
}

#[test]
fn a_wrong_value_of_a_flag_is_a_wrong_command_line() {
    let folder = TempDir::new().unwrap();
    let plan = |field: &str| {
        format!(
            "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {{name: lab}}\nspec: {{provider: proxmox, {field}}}\n"
        )
    };
    // In a file the same value is wrong content.
    for (name, field) in
        [("k8s", "kubernetesVersion: latest"), ("profile", "profile: curent"), ("recipes", "recipes: [bse]")]
    {
        fs::write(folder.path().join(format!("{name}.yaml")), plan(field)).unwrap();
    }
    refused(
        folder.path(),
        &[
            (&["up", "--provider", "proxmox", "--name", "lab", "--k8s", "latest"], 2, &["--k8s:1:1"]),
            (&["up", "-f", "k8s.yaml"], 1, &["k8s.yaml:4:"]),
            (&["up", "--provider", "proxmox", "--name", "lab", "--profile", "curent"], 2, &["`current`"]),
            (&["up", "-f", "profile.yaml"], 1, &["`current`"]),
            (&["up", "--provider", "proxmox", "--name", "lab", "--recipes", "bse"], 2, &["`base`"]),
            (&["up", "-f", "recipes.yaml"], 1, &["`base`"]),
            (
                &["up", "--provider", "proxmox", "--name", "lab", "--set", "controlPlane.replicas=x"],
                2,
                &["--set"],
            ),
            (
                &["up", "--provider", "proxmox", "--name", "lab", "--recipes", "base,,gpu"],
                2,
                &["one is empty"],
            ),
            (&["up", "--provider", "proxmox", "--name", "lab", "--memory", "1"], 2, &["2 to 32768"]),
            (&["up", "--provider", "proxmox", "--name", "lab", "--cpu", "1025"], 2, &["1 to 1024"]),
            (&["up", "--provider", "proxmox", "--name", "management"], 2, &["reserved", "another name"]),
        ],
    );
}

#[test]
fn what_a_plan_lacks_is_not_shown_in_a_text_that_nobody_wrote() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::write(
        path.join("p.yaml"),
        "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\n",
    )
    .unwrap();
    let output = run(path, &["up", "--name", "lab", "--cpu", "8"]);
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("names no provider") && !stderr.contains("-->"), "{stderr}");
    let output = run(path, &["up", "-f", "p.yaml"]);
    assert!(texts(&output).1.contains("p.yaml:3:18"), "{}", texts(&output).1);
}

#[test]
fn sarif_names_no_file_that_is_none() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::write(path.join("p.yaml"), "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec: {provider: proxmox, recipes: [bse]}\n").unwrap();
    let mut with_file = 0;
    for arguments in [
        &["up", "--provider", "proxmox", "--name", "lab"][..],
        &["up", "--provider", "proxmox", "--name", "Lab", "--set", "metadata.name=lab"],
        &["up", "--provider", "proxmox", "--name", "lab", "--set", "foo=1"],
        &["up", "-f", "p.yaml"],
    ] {
        let output = run(path, &[arguments, &["--format", "sarif"]].concat());
        let log: Value = serde_json::from_slice(&output.stdout).unwrap();
        let results = log["runs"][0]["results"].as_array().unwrap();
        assert!(!results.is_empty(), "{arguments:?}");
        for result in results {
            for key in ["locations", "relatedLocations"] {
                for place in result[key].as_array().into_iter().flatten() {
                    if let Some(uri) = place.pointer("/physicalLocation/artifactLocation/uri") {
                        assert!(path.join(uri.as_str().unwrap()).is_file(), "{arguments:?}: {result}");
                        with_file += 1;
                    } else {
                        let name = place.pointer("/logicalLocations/0/fullyQualifiedName");
                        assert!(
                            name.and_then(Value::as_str).is_some_and(|name| !name.is_empty()),
                            "{result}"
                        );
                    }
                }
            }
        }
    }
    assert!(with_file > 0, "a plan's file is one");
}

#[test]
fn a_plan_of_one_cluster_needs_no_name() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::write(path.join("p.yaml"), "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec: {provider: proxmox}\n").unwrap();
    fs::write(
        path.join("fleet.yaml"),
        "apiVersion: infraflux.io/v1alpha1\nkind: FleetPlan\nmetadata: {name: f}\nspec:\n  defaults: {provider: proxmox}\n  clusters:\n    - {name: a, network: {endpoint: {host: 192.0.2.11}}, proxmox: {addresses: [192.0.2.20-192.0.2.29]}}\n    - {name: b, network: {endpoint: {host: 192.0.2.12}}, proxmox: {addresses: [192.0.2.30-192.0.2.39]}}\n",
    )
    .unwrap();
    refused(
        path,
        &[
            (&["destroy", "-f", "fleet.yaml"], 2, &["2 clusters", "`a` or `b`"]),
            (&["talos-gen"], 2, &["which cluster?", "--file"]),
            (&["talos-gen", "--name", "lab"], 2, &["no plan for `lab`"]),
            (&["apply"], 2, &["which cluster?"]),
            (&["apply", "-f", "p.yaml"], 1, &["`lab` is yours to apply"]),
        ],
    );
    for (command, file) in
        [("destroy", "decommission/lab/DECOMMISSION.md"), ("talos-gen", "talos/lab/README.md")]
    {
        let output = run(path, &[command, "-f", "p.yaml"]);
        assert_eq!(output.status.code(), Some(0), "{}", texts(&output).1);
        assert!(path.join(file).is_file(), "{command}: {:?}", tree(path).keys());
    }
}

#[test]
fn a_damaged_inventory_is_told_as_such() {
    let folder = rendered();
    fs::write(folder.path().join("out/lab/.infraflux.sha256"), "not one\n").unwrap();
    refused(
        folder.path(),
        &[(&["destroy", "--name", "lab"], 1, &["IF1108", "out/lab/.infraflux.sha256:1:1"])],
    );
}

#[test]
fn names_that_are_not_there_and_folders_without_what_is_looked_for() {
    let folder = TempDir::new().unwrap();
    refused(
        folder.path(),
        &[
            (&["versions", "nope"], 2, &["no profile `nope`", "`current` and `stable`"]),
            (&["versions", "stabel"], 2, &["did you mean `stable`?"]),
            (&["doctor", "."], 1, &["IF1327", "no kustomization"]),
        ],
    );
}

#[cfg(unix)]
#[test]
fn eject_writes_through_no_link_and_tells_once() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::create_dir_all(path.join("real/there")).unwrap();
    std::os::unix::fs::symlink("real", path.join("link")).unwrap();
    fs::write(path.join("file"), "mine").unwrap();
    fs::create_dir(path.join("own")).unwrap();
    std::os::unix::fs::symlink("../real", path.join("own/clusters")).unwrap();
    fs::write(path.join("own/recipes"), "mine").unwrap();
    fs::create_dir(path.join("own/sops")).unwrap();
    std::os::unix::fs::symlink("../../file", path.join("own/sops/README.md")).unwrap();
    refused(
        path,
        &[
            (&["eject", "--out", "link"], 3, &["IF1104", "\n1 error\n"]),
            (&["eject", "--out", "link/"], 3, &["IF1104", "\n1 error\n"]),
            (&["eject", "--out", "file"], 3, &["IF1103", "\n1 error\n"]),
            (&["eject", "--out", "own", "clusters/aws"], 1, &["`own/clusters` is a symbolic link"]),
            (&["eject", "--out", "own", "--force", "sops"], 1, &["`own/sops/README.md` is a symbolic link"]),
            (&["eject", "--out", "own", "recipes/base"], 1, &["`own/recipes` is not a folder"]),
        ],
    );
    let output = run(path, &["eject", "--out", "link/there", "sops"]);
    assert_eq!(output.status.code(), Some(0), "links above the folder may be there: {}", texts(&output).1);
}

#[cfg(unix)]
#[test]
fn the_plugin_replaces_and_removes_only_what_it_installed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let file = path.join("home/infraflux.io/v1alpha1/clusterplan/ClusterPlan");
    let call = |arguments: &[&str], code| {
        let output = run(path, &[&["plugin"], arguments, &["--home", "home"]].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {:?}", texts(&output));
        texts(&output).0
    };
    assert!(call(&["uninstall"], 0).starts_with("nothing is installed"));
    for mode in [&["install"][..], &["install", "--copy"], &["install"]] {
        call(mode, 0);
        assert_eq!(file.is_symlink(), mode.len() == 1, "{mode:?}");
    }
    call(&["uninstall"], 0);
    assert!(tree(&path.join("home")).is_empty() && !path.join("home/infraflux.io").exists());
    // Somebody's own script, and a link of theirs.
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "#!/bin/sh\n").unwrap();
    let before = tree(path);
    for command in ["install", "uninstall"] {
        call(&[command], 1);
        assert_eq!(tree(path), before, "{command}");
    }
    call(&["install", "--force"], 0);
    assert!(file.is_symlink());
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/bin/true", &file).unwrap();
    call(&["install"], 1);
    assert_eq!(fs::read_link(&file).unwrap(), Path::new("/bin/true"));
    call(&["uninstall", "--force"], 0);
    assert!(!path.join("home/infraflux.io").exists());
}

const PLAN: &str = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec: {provider: proxmox}\n";

#[test]
fn slips_of_a_first_day_are_told_with_the_way_out() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::write(path.join("plan.yaml"), PLAN).unwrap();
    fs::write(path.join("empty.yaml"), "\n").unwrap();
    let with_set = |value: &'static str| -> [&'static str; 5] { ["up", "-f", "plan.yaml", "--set", value] };
    let sets = [
        (with_set("spec=null"), "`spec` is a mapping, this is null"),
        (with_set("name=a"), "use `--name`"),
        (with_set("metadata.labels.a=b"), "only the name counts"),
        (with_set("workers.default.replicas=5"), "set the whole list"),
        (with_set("kubernetesVersion=1.36"), "`--set 'kubernetesVersion=\"1.36\"'`"),
        (with_set("proxmox.gateway="), "give it a value"),
    ];
    for (arguments, says) in &sets {
        let output = run(path, arguments);
        let (stdout, stderr) = texts(&output);
        assert_eq!((output.status.code(), &*stdout), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains(says), "{arguments:?}: `{says}` is not in\n{stderr}");
    }
    refused(
        path,
        &[
            (&["up", "plan.yaml"], 2, &["tip: a plan is given with `--file plan.yaml`"]),
            (&["up", "--memory", "8GiB"], 2, &["it takes a whole number, 2 to 32768, without a unit"]),
            (&["up", "--workers", "-1"], 2, &["it takes a whole number, 0 to 5000"]),
            (&["init", "--shards", "x"], 2, &["it takes a whole number, 0 to 65535"]),
            (&["init", "--providers", "aws,"], 2, &["an empty name"]),
            (&["up"], 1, &["the cluster has no name", "the plan names no provider", "2 errors"]),
            (&["up", "-f", "empty.yaml"], 1, &["`empty.yaml` is empty", "the right file"]),
            (&["up", "--catalog", "plan.yaml"], 3, &["`plan.yaml` is not a folder", "infraflux eject"]),
            (&["validate", "plan.yaml"], 1, &["infraflux up -f PLAN --dry-run"]),
            (&["vars", "K8S_VERSON"], 2, &["did you mean `K8S_VERSION`?"]),
            (&["schema", "--field", "netwrk"], 2, &["did you mean `network`?"]),
            (&["eject", "--out", "own", "./clusters/aw/"], 2, &["did you mean `clusters/aws`?"]),
        ],
    );
}

#[test]
fn a_stream_that_is_empty_points_at_the_command_before_it() {
    let folder = TempDir::new().unwrap();
    let output = infraflux(folder.path()).args(["up", "-f", "-"]).stdin(Stdio::null()).output().unwrap();
    let (_, stderr) = texts(&output);
    assert!(stderr.contains("`<stdin>` is empty") && stderr.contains("in a pipe"), "{stderr}");
}

#[test]
fn names_are_taken_as_shells_and_documents_write_them() {
    let folder = TempDir::new().unwrap();
    for arguments in
        [&["eject", "--out", "own", "./clusters/aws/"][..], &["schema", "FleetPlan"], &["explain", "0212"]]
    {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", texts(&output).1);
    }
    assert!(folder.path().join("own/clusters/aws/README.md").is_file());
    // What a filter leaves nothing of has no heading.
    let (stdout, _) = texts(&run(folder.path(), &["vars", "pod_cidr"]));
    assert!(stdout.contains("POD_CIDRS") && !stdout.contains("Features"), "{stdout}");
}

#[test]
fn a_config_map_says_where_its_values_stand() {
    let folder = TempDir::new().unwrap();
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: not-the-cluster}\ndata: {workers: \"3\"}\n";
    fs::write(folder.path().join("map.yaml"), text).unwrap();
    refused(
        folder.path(),
        &[(
            &["up", "-f", "map.yaml"],
            1,
            &["add `name` to the ConfigMap's `data`", "add `provider` to the", "map.yaml:4"],
        )],
    );
}

#[test]
fn a_cluster_does_not_move_to_another_provider() {
    let folder = rendered();
    refused(
        folder.path(),
        &[
            (
                &["up", "--provider", "aws", "--name", "lab"],
                1,
                &["IF0702", "was `ProxmoxCluster` and would become `AWSCluster`", "--provider:1:1"],
            ),
            (
                &["destroy", "--name", "lba"],
                1,
                &["there is no cluster `lba` in `out`", "did you mean `lab`?"],
            ),
        ],
    );
}

#[test]
fn all_slips_of_a_plan_are_told_at_once_in_its_order() {
    let folder = TempDir::new().unwrap();
    let plan = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec:\n  provider: aws\n  provder: aws\n  controlPlane: {replicas: two, instancetype: a}\n  workers:\n    - name: Default\n      taints: [{key: a, effect: no}, {key: b}]\n  aws: {ami: ami-x}\n";
    fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    let (_, stderr) = texts(&run(folder.path(), &["up", "-f", "plan.yaml"]));
    let places: Vec<&str> =
        stderr.lines().filter_map(|line| line.trim_start().strip_prefix("--> plan.yaml:")).collect();
    // A taint whose effect is no effect lacks none, and the list behind it waits.
    assert_eq!(places, ["6:3", "7:28", "7:33", "9:13", "10:33", "11:14"], "{stderr}");
}

#[test]
fn doctor_names_files_from_where_it_runs() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("deep");
    fs::create_dir(&deep).unwrap();
    for name in ["kustomization.yaml", "cluster.yaml"] {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kustomize-function").join(name);
        fs::copy(example, deep.join(name)).unwrap();
    }
    let (_, stderr) = texts(&run(folder.path(), &["doctor", "deep"]));
    assert!(stderr.contains("--> deep/cluster.yaml:"), "{stderr}");
    assert!(stderr.contains("::: deep/kustomization.yaml:"), "{stderr}");
}
