//! The program as a user calls it.

use std::{fs, process::Output};

use tempfile::TempDir;

use crate::common::infraflux::{run, texts, tree};

fn assert_code(output: &Output, code: i32) {
    let (stdout, stderr) = texts(output);
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
}

#[test]
fn a_second_run_changes_nothing_and_a_users_file_stays() {
    let folder = TempDir::new().unwrap();
    let arguments =
        ["init", "--providers", "aws,proxmox", "--repo-url", "https://git.example.org/f.git", "--strict"];
    assert_code(&run(folder.path(), &arguments), 0);
    let mine = folder.path().join("out/management/notes.md");
    fs::write(&mine, "mine").unwrap();
    let first = tree(folder.path());
    let again = run(folder.path(), &arguments);
    assert_code(&again, 0);
    assert!(texts(&again).0.starts_with("0 changes"), "{}", texts(&again).0);
    assert_eq!(tree(folder.path()), first);
    // The list of clusters does not name the hub.
    let list = fs::read_to_string(folder.path().join("out/kustomization.yaml")).unwrap();
    assert!(list.contains("resources: []"), "{list}");

    // Another choice of providers takes files away and brings others, and nothing else of the user's.
    let other =
        run(folder.path(), &["init", "--provider", "azure", "--repo-url", "https://git.example.org/f.git"]);
    assert_code(&other, 0);
    let exists = |path: &str| folder.path().join("out/management").join(path).exists();
    assert!(
        !exists("providers/aws.yaml") && !exists("providers/proxmox.yaml") && exists("providers/azure.yaml")
    );
    assert_eq!(fs::read_to_string(mine).unwrap(), "mine");
}

/// What init was given is there for the next run; what stands in the project's file is not copied.
#[test]
fn a_run_starts_from_the_flags_of_earlier_ones() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let read = |name: &str| fs::read_to_string(path.join("out/management").join(name)).unwrap();
    let flags = [
        "init",
        "--providers",
        "aws,proxmox",
        "--profile",
        "current",
        "--repo-url",
        "https://git.example.org/f.git",
        "--branch",
        "fleet",
        "--repo-secret",
        "infraflux-git",
        "--shards",
        "2",
        "--multitenant",
        "--crossplane",
        "--no-cert-manager",
        "--set",
        "AWS_STATIC_SECRET=aws-static-identity",
    ];
    assert_code(&run(path, &flags), 0);
    let before = tree(path);
    // None of them, and all of them, is the same.
    for arguments in [&["init"][..], &flags] {
        let output = run(path, arguments);
        assert_code(&output, 0);
        assert!(texts(&output).0.starts_with("0 changes"), "{}", texts(&output).0);
        assert_eq!(tree(path), before);
    }
    let (_, stderr) = texts(&run(path, &["init"]));
    for word in [
        "info[IF1347]",
        "--profile current",
        "--branch fleet",
        "--shards 2",
        "--no-cert-manager",
        "AWS_STATIC_SECRET=",
    ] {
        assert!(stderr.contains(word), "{word}: {stderr}");
    }
    // One flag changes what it says, and the rest stays.
    let output = run(
        path,
        &["init", "--shards", "0", "--set", "AWS_ROLE_ARN=arn:aws:iam::000000000000:role/clusters"],
    );
    assert_code(&output, 0);
    assert!(!texts(&output).1.contains("--shards"), "it is not kept: {}", texts(&output).1);
    let command = "infraflux init --providers aws,proxmox --profile current --repo-url https://git.example.org/f.git --branch fleet \
                   --repo-secret infraflux-git --set AWS_ROLE_ARN=arn:aws:iam::000000000000:role/clusters --set \
                   AWS_STATIC_SECRET=aws-static-identity --multitenant --crossplane --no-cert-manager";
    assert!(read("BOOTSTRAP.md").contains(command), "{}", read("BOOTSTRAP.md"));
    // A dry run says it, too, and forgets nothing.
    let before = tree(path);
    assert_code(&run(path, &["init", "--profile", "stable", "--dry-run"]), 0);
    assert_eq!(tree(path), before);

    // The project's file decides over flags of the past, under those of now; and takes its word back with its line.
    let file = path.join("infraflux.yaml");
    fs::write(&file, "management: {profile: stable, branch: trunk}\n").unwrap();
    assert_code(&run(path, &["init"]), 0);
    assert!(read("sync/source.yaml").contains("trunk") && !read("settings.yaml").contains("current"));
    assert_code(&run(path, &["init", "--branch", "now"]), 0);
    assert!(read("sync/source.yaml").contains("now"));
    fs::write(&file, "management: {profile: stable}\n").unwrap();
    assert_code(&run(path, &["init"]), 0);
    assert!(read("sync/source.yaml").contains("now"), "it was a flag");
    fs::remove_file(&file).unwrap();
    assert!(!read("settings.yaml").contains("profile"), "the file decided it: {}", read("settings.yaml"));

    // To start anew is a choice, with all that has no default.
    assert_code(&run(path, &["init", "--reset"]), 2);
    let anew = ["init", "--reset", "--providers", "aws", "--repo-url", "https://git.example.org/f.git"];
    let output = run(path, &anew);
    assert_code(&output, 0);
    assert!(!texts(&output).1.contains("IF1347"), "{}", texts(&output).1);
    assert!(!path.join("out/management/tenancy").exists());
    let elsewhere = TempDir::new().unwrap();
    assert_code(
        &run(
            elsewhere.path(),
            &["init", "--providers", "aws", "--repo-url", "https://git.example.org/f.git"],
        ),
        0,
    );
    assert_eq!(tree(path), tree(elsewhere.path()), "nothing is left of before");
}

#[test]
fn a_catalogue_that_was_named_is_named_again() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    fs::create_dir_all(path.join("mine/management/identities")).unwrap();
    fs::write(
        path.join("mine/management/identities/second.yaml"),
        "apiVersion: ${AWS_API_VERSION}\nkind: AWSClusterRoleIdentity\nmetadata:\n  name: second\nspec:\n  roleARN: arn:aws:iam::000000000000:role/second\n",
    )
    .unwrap();
    assert_code(&run(path, &["init", "--providers", "aws", "--catalog", "mine"]), 0);
    let before = tree(path);
    assert_code(&run(path, &["init"]), 0);
    assert_eq!(tree(path), before);
    assert!(before.keys().any(|file| file.ends_with("identities/second.yaml")));
}

#[test]
fn settings_that_cannot_be_read_are_told_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let flags = ["init", "--providers", "proxmox", "--repo-url", "https://git.example.org/f.git"];
    assert_code(&run(path, &flags), 0);
    fs::write(path.join("out/management/settings.yaml"), "management:\n  provider: [aws]\n").unwrap();
    let before = tree(path);
    let output = run(path, &["init"]);
    assert_code(&output, 1);
    let stderr = texts(&output).1;
    for word in ["IF1348", "out/management/settings.yaml:2:", "`providers`"] {
        assert!(stderr.contains(word), "{word}: {stderr}");
    }
    assert_eq!(tree(path), before);
    let output = run(path, &[&flags[..], &["--reset"]].concat());
    assert_code(&output, 0);
}

/// Where the settings are gone, or were never kept, the address of the repository is still no default.
#[test]
fn the_example_never_replaces_a_repository() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let url = "https://git.example.org/f.git";
    assert_code(&run(path, &["init", "--providers", "proxmox"]), 0);
    assert_code(&run(path, &["init", "--providers", "proxmox"]), 0);
    assert_code(&run(path, &["init", "--providers", "proxmox", "--repo-url", url]), 0);
    let before = tree(path);
    let output = run(path, &["init", "--providers", "proxmox", "--reset"]);
    assert_code(&output, 1);
    let (_, stderr) = texts(&output);
    for word in
        ["IF1329", "out/management/sync/source.yaml", "--repo-url https://git.example.org/f.git", "repoURL"]
    {
        assert!(stderr.contains(word), "{word}: {stderr}");
    }
    assert_eq!(tree(path), before);
    // Another address is a choice, and the project's file gives one to every run.
    assert_code(
        &run(path, &["init", "--providers", "proxmox", "--repo-url", "https://git.example.org/g.git"]),
        0,
    );
    fs::write(path.join("infraflux.yaml"), format!("management: {{repoURL: \"{url}\"}}\n")).unwrap();
    assert_code(&run(path, &["init", "--providers", "proxmox"]), 0);
    assert!(fs::read_to_string(path.join("out/management/sync/source.yaml")).unwrap().contains(url));
}

#[test]
fn settings_may_stand_in_the_projects_file_and_flags_win() {
    let by_flags = TempDir::new().unwrap();
    let flags = [
        "init",
        "--providers",
        "azure",
        "--profile",
        "current",
        "--repo-url",
        "ssh://git@git.example.org/f.git",
        "--shards",
        "3",
        "--multitenant",
        "--set",
        "AZURE_TENANT_ID=11111111-2222-3333-4444-555555555555",
        "--set",
        "AZURE_CLIENT_ID=11111111-2222-3333-4444-666666666666",
        "--strict",
    ];
    assert_code(&run(by_flags.path(), &flags), 0);
    let by_file = TempDir::new().unwrap();
    fs::write(
        by_file.path().join("infraflux.yaml"),
        "management:\n  providers: [azure]\n  profile: stable\n  repoURL: ssh://git@git.example.org/f.git\n  shards: 3\n  \
         multitenant: true\n  variables:\n    AZURE_TENANT_ID: 11111111-2222-3333-4444-555555555555\n    \
         AZURE_CLIENT_ID: 11111111-2222-3333-4444-666666666666\n",
    )
    .unwrap();
    assert_code(&run(by_file.path(), &["init", "--profile", "current", "--strict"]), 0);
    // Only flags are kept for the next run.
    let without_record = |folder: &TempDir| {
        let mut files = tree(&folder.path().join("out"));
        files.retain(|path, _| !path.ends_with("settings.yaml") && !path.ends_with(".infraflux.sha256"));
        files
    };
    assert_eq!(without_record(&by_flags), without_record(&by_file));
}

#[test]
fn what_cannot_be_meant_is_refused_and_nothing_is_written() {
    let table: [(&[&str], i32, &str); 12] = [
        (&["init"], 2, "which providers"),
        (&["init", "--providers", "aws,asure"], 2, "`azure`"),
        (&["init", "--providers", "aws", "--profile", "stabel"], 2, "`stable`"),
        (
            &["init", "--providers", "aws", "--repo-url", "git@git.example.org:f.git"],
            2,
            "ssh://git@host/path",
        ),
        (
            &["init", "--providers", "aws", "--repo-url", "https://me:word@git.example.org/f.git"],
            2,
            "--repo-secret",
        ),
        (&["init", "--providers", "aws", "--set", "AZURE_TENANT=x"], 2, "`AZURE_TENANT_ID`"),
        (&["init", "--providers", "aws", "--set", "REPO_URL=x"], 2, "--repo-url"),
        (&["init", "--providers", "aws", "--set", "nothing"], 2, "`=`"),
        (&["init", "--providers", "aws", "--shards", "65"], 2, "64"),
        (&["init", "--providers", "aws", "--out-path", "../x"], 2, "repository"),
        (&["init", "--providers", "aws", "--strict"], 1, "REPO_URL"),
        (&["init", "--providers", "aws", "--catalog", "nowhere"], 3, "nowhere"),
    ];
    for (arguments, code, message) in table {
        let folder = TempDir::new().unwrap();
        let output = run(folder.path(), arguments);
        assert_code(&output, code);
        let stderr = texts(&output).1;
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
        assert!(tree(folder.path()).is_empty(), "{arguments:?}");
    }
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("infraflux.yaml"), "management: {provider: [aws]}\n").unwrap();
    let output = run(folder.path(), &["init"]);
    assert_code(&output, 1);
    let stderr = texts(&output).1;
    assert!(stderr.contains("infraflux.yaml:1:") && stderr.contains("providers"), "{stderr}");
}

#[test]
fn a_dry_run_writes_nothing_and_says_what_it_would() {
    let folder = TempDir::new().unwrap();
    let output = run(folder.path(), &["init", "--providers", "gcp", "--dry-run", "--format", "json"]);
    assert_code(&output, 0);
    let report: serde_json::Value = serde_json::from_str(&texts(&output).0).unwrap();
    assert_eq!(report["output"]["dryRun"], true);
    assert!(report["output"]["files"]["created"].as_u64().unwrap() > 15);
    assert!(report.to_string().contains("IF1340"), "{report}");
    assert!(tree(folder.path()).is_empty());
}

#[test]
fn a_folder_elsewhere_is_followed_by_the_paths() {
    let folder = TempDir::new().unwrap();
    assert_code(&run(folder.path(), &["init", "--providers", "gcp", "--out", "fleet/out"]), 0);
    let sync =
        fs::read_to_string(folder.path().join("fleet/out/management/sync/kustomizations.yaml")).unwrap();
    assert!(
        sync.contains("path: \"./fleet/out/management/providers\"") && sync.contains("path: \"./fleet/out\""),
        "{sync}"
    );
    let source = fs::read_to_string(folder.path().join("fleet/out/management/sync/source.yaml")).unwrap();
    assert!(source.contains("!/fleet\n"), "{source}");
    // An absolute path says nothing about the repository; the flag does.
    let absolute = folder.path().join("elsewhere");
    let absolute = absolute.to_str().unwrap();
    assert_code(
        &run(folder.path(), &["init", "--providers", "gcp", "--out", absolute, "--out-path", "hub/out"]),
        0,
    );
    let sync =
        fs::read_to_string(folder.path().join("elsewhere/management/sync/kustomizations.yaml")).unwrap();
    assert!(sync.contains("path: \"./hub/out\""), "{sync}");
}

#[test]
fn an_own_template_is_filled_and_listed() {
    let folder = TempDir::new().unwrap();
    let identities = folder.path().join("mine/management/identities");
    fs::create_dir_all(&identities).unwrap();
    fs::write(
        identities.join("second.yaml"),
        "apiVersion: ${AWS_API_VERSION}\nkind: AWSClusterRoleIdentity\nmetadata:\n  name: second\nspec:\n  roleARN: arn:aws:iam::000000000000:role/second\n",
    )
    .unwrap();
    let output = run(folder.path(), &["init", "--providers", "aws", "--catalog", "mine"]);
    assert_code(&output, 0);
    let kustomization =
        fs::read_to_string(folder.path().join("out/management/identities/kustomization.yaml")).unwrap();
    assert!(
        kustomization.contains("- aws.yaml") && kustomization.contains("- second.yaml"),
        "{kustomization}"
    );

    // The same object twice is refused, with both files; an unknown variable with its place.
    fs::write(
        identities.join("third.yaml"),
        "apiVersion: ${AWS_API_VERSION}\nkind: AWSClusterRoleIdentity\nmetadata:\n  name: second\nspec:\n  roleARN: ${ROLE}\n",
    )
    .unwrap();
    let output = run(folder.path(), &["init", "--providers", "aws", "--catalog", "mine"]);
    assert_code(&output, 1);
    assert!(texts(&output).1.contains("third.yaml:6:"), "{}", texts(&output).1);
}

#[test]
fn help_says_where_to_start() {
    let folder = TempDir::new().unwrap();
    for (arguments, words) in [
        (&["help"][..], &["Start here:", "infraflux init --providers", "BOOTSTRAP.md", "Exit codes"][..]),
        (&["help", "init"], &["--repo-url", "--shards", "Example:"]),
        (&["help", "destroy"], &["--remove", "DECOMMISSION.md", "Example:"]),
        (&["help", "talos-gen"], &["none is made", "Example:"]),
        (&["help", "apply"], &["applies nothing"]),
    ] {
        let output = run(folder.path(), arguments);
        assert_code(&output, 0);
        for word in words {
            assert!(texts(&output).0.contains(word), "{arguments:?}: {word}\n{}", texts(&output).0);
        }
    }
}

#[test]
fn apply_says_how_and_fails() {
    let folder = TempDir::new().unwrap();
    assert_code(&run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab"]), 0);
    let before = tree(folder.path());
    let output = run(folder.path(), &["apply", "--name", "lab"]);
    assert_code(&output, 1);
    let (stdout, stderr) = texts(&output);
    assert!(stderr.contains("IF1345"), "{stderr}");
    insta::assert_snapshot!("apply", stdout);
    assert_eq!(tree(folder.path()), before);
    assert_code(&run(folder.path(), &["apply", "--name", "nowhere"]), 1);
}

#[test]
fn talos_patches_are_those_of_the_cluster() {
    let folder = TempDir::new().unwrap();
    for provider in ["aws", "azure", "gcp", "proxmox"] {
        for (profile, dialect, other) in
            [("stable", "talos-1.13", "talos-1.14"), ("current", "talos-1.14", "talos-1.13")]
        {
            let name = format!("{provider}-{profile}");
            let flags = ["--provider", provider, "--name", &name, "--profile", profile];
            assert_code(&run(folder.path(), &[&["up"], &flags[..]].concat()), 0);
            assert_code(&run(folder.path(), &[&["talos-gen"], &flags[..]].concat()), 0);
            let read =
                |path: &str| fs::read_to_string(folder.path().join("talos").join(&name).join(path)).unwrap();
            let cluster = crate::common::infraflux::cluster_objects(&folder.path().join("out").join(&name));
            let control_plane =
                cluster.values().find(|object| object["kind"] == "TalosControlPlane").unwrap();
            let patches =
                control_plane.pointer("/spec/controlPlaneConfig/controlplane/strategicPatches").unwrap();
            let rendered: Vec<serde_json::Value> = patches
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|patch| crate::documents(patch.as_str().unwrap()))
                .collect();
            assert_eq!(crate::documents(&read(&format!("{dialect}/control-plane.yaml"))), rendered, "{name}");
            // The other shape has the other documents.
            assert_eq!(
                read("talos-1.14/control-plane.yaml").contains("kind: KubeProxyConfig"),
                !read("talos-1.13/control-plane.yaml").contains("kind: KubeProxyConfig"),
                "{name}: {other}"
            );
            for path in ["worker-default.yaml", "control-plane.yaml"] {
                let text = read(&format!("{other}/{path}"));
                assert!(!text.contains("key:") && !text.contains("token:"), "{name}: {path}");
            }
            assert!(read("README.md").contains("talosctl gen secrets"), "{name}");
            assert!(
                !folder.path().join("talos/kustomization.yaml").exists(),
                "it is nothing that Flux reads"
            );
        }
    }
    let output = run(folder.path(), &["talos-gen", "--name", "lab"]);
    assert_code(&output, 2);
}
