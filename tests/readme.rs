//! What README.md shows is what the program prints.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::infraflux::{run, texts};
use tempfile::TempDir;

fn readme() -> String {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

/// The blocks of a language, without their fences.
fn blocks<'page>(page: &'page str, language: &str) -> Vec<&'page str> {
    let open = format!("```{language}\n");
    page.split(&open).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

/// The errors of a plan, as they stand on the screen.
fn errors(plan: &str) -> String {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    let output = run(folder.path(), &["up", "--file", "plan.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{}", texts(&output).1);
    texts(&output).1
}

#[test]
fn the_errors_are_those_of_the_plan_above_them() {
    let page = readme();
    let plan = blocks(&page, "yaml")[0];
    let shown: Vec<&str> =
        blocks(&page, "text").into_iter().filter(|block| block.starts_with("error[")).collect();
    let [field, rendered] = shown[..] else { panic!("{} errors are shown", shown.len()) };
    let misspelt =
        plan.replace("  provider: proxmox\n", "  contolPlane: {replicas: 1}\n  provider: proxmox\n");
    let told = errors(&misspelt);
    assert!(told.contains(field), "the README shows\n{field}\n\nthe program says\n{told}");
    let small = plan.replace("gateway: 192.0.2.1,", "gateway: 192.0.2.1, mtu: 700,");
    let told = errors(&small);
    assert!(told.contains(rendered), "the README shows\n{rendered}\n\nthe program says\n{told}");
}

#[test]
fn the_plan_is_the_one_of_the_example() {
    let page = readme();
    let example =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/standalone/plan.yaml")).unwrap();
    let example: Vec<&str> = example.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(blocks(&page, "yaml")[0].lines().collect::<Vec<_>>(), example);
}
