//! Somebody follows BOOTSTRAP.md to the letter, with the real git, sops, age, kustomize and this program. What would need a hub, a
//! cloud or Talos is played by small scripts.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use infraflux::{
    admission::secrets::{self, File},
    yaml::{Source, Sources},
};
use tempfile::TempDir;

use crate::{
    common::{
        clients,
        infraflux::{run, texts, tree},
    },
    documents,
};

/// What the absent tools do, and what a person does with an editor.
const PLAYERS: [(&str, &str); 6] = [
    // A secrets bundle is a file; nothing else leaves a trace.
    ("talosctl", "case \"$1 $2\" in 'gen secrets') printf 'cluster:\\n  id: not-a-key\\n' > \"$4\";; esac"),
    (
        "flux",
        r#"case "$1" in install) for name in kustomize-controller helm-controller; do printf '%s\n' --- \
          'apiVersion: apps/v1' 'kind: Deployment' "metadata: {name: $name, namespace: flux-system}" 'spec:' '  template:' \
          '    spec:' '      containers: [{name: manager, args: [--log-level=info], resources: {limits: {memory: 1Gi}}}]'; done;; esac"#,
    ),
    ("clusterawsadm", "exit 0"),
    ("helm", "exit 0"),
    // Applying builds at least; everything else is taken for done.
    (
        "kubectl",
        r#"case "$1" in kustomize) exec "$REAL_KUBECTL" "$@";; apply) for word; do last=$word; done
          case "$*" in *--kustomize*) "$REAL_KUBECTL" kustomize "$last" > /dev/null;; *) test -e "$last";; esac;; esac"#,
    ),
    (
        "editor",
        r#"case "$1" in
          .sops.yaml) for name in platform hub recovery; do key=$(age-keygen -y $name.agekey)
            sed -i "s/age1-replace-with-.*$name.*/$key/" "$1"; done;;
          */kustomization.yaml) for file in sops/management/*.sops.yaml; do echo "  - $(basename $file)" >> "$1"; done;;
          *.sops.yaml) sed -i 's/: ""$/: "something"/' "$1";;
        esac"#,
    ),
];

fn player(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\nset -e\n{text}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The code blocks of a document: those that do something, and those under "Check:".
fn blocks(document: &str) -> (String, Vec<String>) {
    let mut script = String::new();
    let mut checks = Vec::new();
    // The closing part is about later.
    let document = document.split("\n## Later").next().unwrap();
    // The first block says how the hub was rendered, and is a step of its own further down.
    for (position, part) in document.split("```sh\n").enumerate().skip(2) {
        let before = document.split("```sh\n").nth(position - 1).unwrap();
        let block = part.split("```").next().unwrap();
        if before.trim_end().ends_with("Check:") {
            checks.push(block.to_owned());
        } else {
            script.push_str(block);
        }
    }
    (script, checks)
}

struct Stage {
    folder: TempDir,
    path: String,
    kubectl: PathBuf,
}

impl Stage {
    fn shell(&self, folder: &Path, script: &str) -> std::process::Output {
        let remote = format!("file://{}/", self.folder.path().join("remotes").display());
        Command::new("sh")
            .args(["-c", script])
            .current_dir(folder)
            .env("PATH", &self.path)
            .env("REAL_KUBECTL", &self.kubectl)
            .env("EDITOR", "editor")
            .env("HOME", self.folder.path())
            .env_remove("INFRAFLUX_CATALOG")
            .envs([("GIT_AUTHOR_NAME", "a"), ("GIT_AUTHOR_EMAIL", "a@example.org")])
            .envs([("GIT_COMMITTER_NAME", "a"), ("GIT_COMMITTER_EMAIL", "a@example.org")])
            // Pushing goes to a folder.
            .envs([("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", &format!("url.{remote}.insteadOf"))])
            .env("GIT_CONFIG_VALUE_0", "ssh://git@git.example.org/")
            .output()
            .unwrap()
    }
}

fn stage() -> Option<Stage> {
    let test = "following BOOTSTRAP.md";
    let kubectl = clients::client("kubectl", test)?;
    for tool in ["git", "sops", "age-keygen"] {
        clients::client(tool, test)?;
    }
    let folder = TempDir::new().unwrap();
    let players = folder.path().join("players");
    fs::create_dir(&players).unwrap();
    for (name, text) in PLAYERS {
        player(&players, name, text);
    }
    player(&players, "infraflux", &format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_infraflux")));
    let path = format!("{}:{}", players.display(), std::env::var("PATH").unwrap());
    Some(Stage { folder, path, kubectl })
}

#[test]
fn somebody_follows_the_document() {
    for (profile, more) in
        [("stable", &[][..]), ("current", &["--shards", "2", "--multitenant", "--crossplane"][..])]
    {
        let Some(stage) = stage() else { return };
        let root = stage.folder.path();
        let arguments = [
            &[
                "init",
                "--providers",
                "aws,azure,gcp,proxmox",
                "--profile",
                profile,
                "--repo-url",
                "ssh://git@git.example.org/platform.git",
                "--repo-secret",
                "infraflux-git",
                "--set",
                "AZURE_TENANT_ID=11111111-2222-3333-4444-555555555555",
                "--set",
                "AZURE_CLIENT_ID=11111111-2222-3333-4444-666666666666",
                "--strict",
            ][..],
            more,
        ]
        .concat();
        let first = root.join("first");
        fs::create_dir_all(root.join("remotes/platform.git")).unwrap();
        fs::create_dir(&first).unwrap();
        assert!(run(&first, &arguments).status.success());
        let bare =
            stage.shell(&root.join("remotes/platform.git"), "git init --bare --quiet --initial-branch=main");
        assert!(bare.status.success(), "{}", texts(&bare).1);

        let document = fs::read_to_string(first.join("out/management/BOOTSTRAP.md")).unwrap();
        let (script, checks) = blocks(&document);
        for word in ["infraflux eject", "age-keygen", "sops encrypt", "git push", "infraflux up"] {
            assert!(script.contains(word), "{profile}: the script has no `{word}`");
        }
        let rendered = tree(&first.join("out/management"));
        // The folder of the first run becomes the repository.
        let platform = first;
        let output = stage.shell(&platform, &format!("set -e\n{script}"));
        let (stdout, stderr) = texts(&output);
        assert!(output.status.success(), "{profile}: {script}\n{stdout}\n{stderr}");

        // The hub is the same as the first time, though the catalogue is a copy now.
        assert!(
            rendered == tree(&platform.join("out/management")),
            "{profile}: the second run wrote another hub"
        );
        let check = |wanted: &str| -> String {
            let line = checks.iter().find(|line| line.contains(wanted)).unwrap();
            texts(&stage.shell(&platform, line)).0
        };
        assert_eq!(check("age1-replace-with").trim(), "0", "{profile}");
        assert_eq!(check("00000000-0000").trim(), "0", "{profile}");
        let encrypted = check("filestatus");
        assert!(encrypted.lines().count() >= 4, "{profile}: {encrypted}");
        assert!(encrypted.lines().all(|line| line == "{\"encrypted\":true}"), "{profile}: {encrypted}");

        // Everything is in Git, and no key is.
        let listed = texts(&stage.shell(&platform, "git status --porcelain && git ls-files")).0;
        assert!(
            !listed.contains("?? ") && listed.contains("out/lab/kustomization.yaml"),
            "{profile}: {listed}"
        );
        for word in [".agekey", "hub-secrets.yaml", "hub-config", ".kubeconfig"] {
            assert!(!listed.contains(word), "{profile}: {word} is in Git");
        }
        keeps_the_policy(&platform, &listed);
        // What Flux would read builds, the encrypted Secrets too.
        for folder in ["out", "out/management", "sops/management", "sops/flux", "management/flux"] {
            let built = stage.shell(&platform, &format!("kubectl kustomize {folder}"));
            assert!(built.status.success(), "{profile}: {folder}: {}", texts(&built).1);
            assert!(!documents(&texts(&built).0).is_empty(), "{profile}: {folder}");
        }
    }
}

/// The policy for secrets finds nothing in what was committed.
fn keeps_the_policy(platform: &Path, listed: &str) {
    let mut sources = Sources::new();
    let mut files = Vec::new();
    let mut rules = None;
    for path in listed.lines() {
        let Ok(text) = fs::read_to_string(platform.join(path)) else { continue };
        // Encrypted to keys that were thrown away, by rules that only this project's own copy has.
        if path.starts_with("sops/examples/") {
            continue;
        }
        let source = sources.add(Source::new(path, text));
        if path == ".sops.yaml" {
            rules = Some(source);
        }
        files.push(File { path: path.to_owned(), source });
    }
    assert!(rules.is_some(), "there are no rules");
    let findings = secrets::check(&sources, &files, rules);
    assert!(findings.is_empty(), "{findings:#?}");
}
