//! SARIF output, judged by the validator of the format's own tools (microsoft/sarif-sdk).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{fs, path::Path, process::Command};

use common::{
    clients::client,
    infraflux::{run, texts},
};

const WRONG: &str = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec:\n  provider: proxmox\n  \
                     contolPlane: {replicas: 1}\n";
const IN_A_POOL: &str = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec:\n  provider: proxmox\n  \
                         network: {endpoint: {host: 192.0.2.30}}\n  proxmox: {addresses: [192.0.2.20-192.0.2.60]}\n";

/// What the validator calls an error: a violation of the schema (`JSON...`) or of the format's rules.
fn errors(validator: &Path, folder: &Path, file: &str) -> Vec<String> {
    let output = Command::new(validator)
        .args(["validate", file])
        // The program asks for a library of locales that a small machine lacks.
        .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    let (stdout, stderr) = texts(&output);
    assert!(stdout.contains("1 files scanned"), "{stdout}{stderr}");
    stdout.lines().filter(|line| line.contains(": error ")).map(str::to_owned).collect()
}

#[test]
fn the_validator_of_the_format_finds_nothing() {
    let Some(validator) = client("Sarif.Multitool", "SARIF against its schema") else { return };
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("wrong.yaml"), WRONG).unwrap();
    fs::write(folder.path().join("in-a-pool.yaml"), IN_A_POOL).unwrap();
    for (name, arguments) in [
        ("wrong", &["up", "-f", "wrong.yaml"][..]),
        ("in-a-pool", &["up", "-f", "in-a-pool.yaml"][..]),
        ("flags", &["up", "--provider", "proxmox", "--name", "lab", "--strict"][..]),
        ("written", &["up", "--provider", "aws", "--name", "lab"][..]),
        ("validate", &["validate", "out"][..]),
    ] {
        let output = run(folder.path(), &[arguments, &["--format", "sarif"]].concat());
        let (log, stderr) = texts(&output);
        assert!(log.contains("\"ruleId\""), "{name}: no result to judge: {stderr}");
        let file = format!("{name}.sarif");
        fs::write(folder.path().join(&file), &log).unwrap();
        assert_eq!(errors(&validator, folder.path(), &file), Vec::<String>::new(), "{name}: {log}");
    }
    // The validator sees what it is for.
    let log = fs::read_to_string(folder.path().join("wrong.sarif")).unwrap();
    let mut broken: serde_json::Value = serde_json::from_str(&log).unwrap();
    broken["runs"][0]["results"][0].as_object_mut().unwrap().remove("message");
    fs::write(folder.path().join("broken.sarif"), broken.to_string()).unwrap();
    assert!(!errors(&validator, folder.path(), "broken.sarif").is_empty());
}
