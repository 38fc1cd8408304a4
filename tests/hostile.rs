//! Bad and hostile input through the program: the right exit code, a clear message, and what was written before stays.
//!
//! `tests/up.rs` has the mistakes of a command line, `tests/mistakes.rs` those in plans; this is the rest of the list.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    fmt::Write as _,
    fs,
    time::{Duration, Instant},
};

use common::infraflux::{feed, infraflux, run, texts, tree};
use tempfile::TempDir;

/// A folder in which a cluster was rendered before.
fn rendered() -> TempDir {
    let folder = TempDir::new().unwrap();
    let output = run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab"]);
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).1);
    folder
}

fn alias_bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    text
}

/// What comes in, the exit code, and what the message says.
fn inputs() -> Vec<(&'static str, Vec<u8>, i32, &'static str)> {
    let large = format!("a: \"{}\"\n", "x".repeat(50 << 20));
    let many_lines = "- {a: 1}\n".repeat(6 << 20);
    vec![
        ("empty", Vec::new(), 1, "empty"),
        ("blanks", b" \n\n  \n".to_vec(), 1, "empty"),
        ("only comments", b"# nothing\n---\n# here\n".to_vec(), 1, "plan"),
        ("binary", (0..=255).cycle().take(4096).collect(), 1, "UTF-8"),
        ("zero bytes", vec![0; 4096], 1, ""),
        ("UTF-16", "kind: ClusterPlan".encode_utf16().flat_map(u16::to_le_bytes).collect(), 1, ""),
        ("alias bomb", alias_bomb().into_bytes(), 1, "aliases"),
        ("deep lists", "[".repeat(100_000).into_bytes(), 1, "nested too deeply"),
        ("deep mappings", "{a: ".repeat(100_000).into_bytes(), 1, "nested too deeply"),
        ("deep blocks", "- ".repeat(100_000).into_bytes(), 1, "nested too deeply"),
        ("deep keys", "? ".repeat(100_000).into_bytes(), 1, "nested too deeply"),
        ("50 MiB in one scalar", large.into_bytes(), 1, "MiB"),
        ("50 MiB in many entries", many_lines.into_bytes(), 1, "MiB"),
        ("a long key", format!("{}: 1\n", "k".repeat(1 << 20)).into_bytes(), 1, "not valid YAML"),
        ("a list", b"- a\n- b\n".to_vec(), 1, "not a plan"),
        ("a word", b"hello\n".to_vec(), 1, "not a plan"),
        ("a number", b"42\n".to_vec(), 1, "not a plan"),
        ("an open quote", b"kind: \"ClusterPlan\n".to_vec(), 1, "not valid YAML"),
        ("a tag of a language", b"!!python/object/apply:os.system [ls]\n".to_vec(), 1, "not supported"),
        ("a merge key bomb", b"a: &a {b: 1}\nc: {<<: [*a, *a, *a, *a]}\n".to_vec(), 1, "not a plan"),
    ]
}

#[test]
fn bad_bytes_end_in_a_message_from_a_file_and_from_a_pipe() {
    let folder = rendered();
    let before = tree(&folder.path().join("out"));
    for (name, bytes, code, says) in inputs() {
        fs::write(folder.path().join("p.yaml"), &bytes).unwrap();
        for arguments in [["up", "-f", "-"], ["up", "-f", "p.yaml"], ["up", "--values", "p.yaml"]] {
            let start = Instant::now();
            let arguments: Vec<&str> = match arguments[1] {
                "--values" => [&arguments[..], &["--provider", "proxmox", "--name", "lab"]].concat(),
                _ => arguments.to_vec(),
            };
            let output = feed(folder.path(), &arguments, &bytes);
            let (_, stderr) = texts(&output);
            let is_values = arguments[1] == "--values";
            if is_values && (says == "plan" || says == "not a plan") {
                // As values such texts are refused in other words, or hold no value at all.
                assert!(matches!(output.status.code(), Some(0 | 1)), "{name}: {stderr}");
            } else {
                assert_eq!(output.status.code(), Some(code), "{name} {arguments:?}: {stderr}");
                assert!(stderr.contains(says), "{name} {arguments:?}: `{says}` is not in\n{stderr}");
            }
            assert!(stderr.len() < 8192, "{name}: the message has {} bytes", stderr.len());
            assert!(!stderr.contains("panicked"), "{name}: {stderr}");
            assert!(start.elapsed() < Duration::from_secs(20), "{name} took {:?}", start.elapsed());
            if !is_values {
                assert_eq!(tree(&folder.path().join("out")), before, "{name}: out/ was changed");
            }
        }
    }
}

#[test]
fn a_folder_and_a_missing_file_are_the_systems_no() {
    let folder = rendered();
    let before = tree(folder.path());
    fs::create_dir(folder.path().join("plans")).unwrap();
    for (path, says) in [("plans", "name a file in it"), ("absent/plan.yaml", "check the path")] {
        for flag in ["-f", "--values"] {
            let output = run(folder.path(), &["up", flag, path, "--provider", "proxmox", "--name", "lab"]);
            let (_, stderr) = texts(&output);
            assert_eq!(output.status.code(), Some(3), "{flag} {path}: {stderr}");
            assert!(stderr.contains(says), "{flag} {path}: {stderr}");
        }
    }
    assert_eq!(tree(folder.path()), before);
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_the_systems_no() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = rendered();
    let path = folder.path().join("p.yaml");
    fs::write(&path, "kind: ClusterPlan\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        // Root reads everything; then a file that no one can read stands in for it.
        let output = run(folder.path(), &["up", "-f", "/proc/self/mem"]);
        assert_eq!(output.status.code(), Some(3), "{}", texts(&output).1);
        return;
    }
    let output = run(folder.path(), &["up", "-f", "p.yaml"]);
    assert_eq!(output.status.code(), Some(3), "{}", texts(&output).1);
    assert!(texts(&output).1.contains("permissions"), "{}", texts(&output).1);
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_output_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let elsewhere = TempDir::new().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("out")).unwrap();
    let output = run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab"]);
    assert_eq!(output.status.code(), Some(3), "{}", texts(&output).1);
    assert!(texts(&output).1.contains("symbolic link"), "{}", texts(&output).1);
    assert!(tree(elsewhere.path()).is_empty(), "something was written through the link");

    // And in place of the cluster's own folder.
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("out")).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("out/lab")).unwrap();
    let output = run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab"]);
    assert!(matches!(output.status.code(), Some(1 | 3)), "{}", texts(&output).1);
    assert!(tree(elsewhere.path()).is_empty(), "something was written through the link");
}

/// A limit on the size of files is what a full disk looks like to a program: a write fails.
#[cfg(unix)]
#[test]
fn a_write_that_fails_leaves_the_old_tree() {
    let folder = rendered();
    let before = tree(&folder.path().join("out"));
    let binary = infraflux(folder.path()).get_program().to_owned();
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""])
        .arg(&binary)
        .args([
            "up",
            "--provider",
            "proxmox",
            "--name",
            "lab",
            "--workers",
            "5",
            "--recipes",
            "base,observability",
        ])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("IF11"), "{stderr}");
    assert_eq!(tree(&folder.path().join("out")), before, "the old tree is not what it was");
}

#[test]
fn names_cannot_leave_the_output_folder() {
    for name in [
        "../../x",
        "/etc/x",
        "..",
        ".",
        "a/b",
        "a\\b",
        "lab\n",
        "-lab",
        "lab-",
        "",
        "lab\u{202e}x",
        "con.",
        "*",
    ] {
        let folder = TempDir::new().unwrap();
        let output = run(folder.path(), &["up", "--provider", "proxmox", &format!("--name={name}")]);
        let (_, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(2), "{name:?}: {stderr}");
        assert!(tree(folder.path()).is_empty(), "{name:?}: something was written");
        assert!(!stderr.contains('\u{1b}') && !stderr.contains("panicked"), "{name:?}: {stderr}");
    }
    let plan = "apiVersion: infraflux.io/v1alpha1\nkind: FleetPlan\nmetadata: {name: f}\nspec:\n  defaults: {provider: proxmox}\n  clusters: [{name: ../../x}]\n";
    let folder = TempDir::new().unwrap();
    let output = feed(folder.path(), &["up", "-f", "-"], plan.as_bytes());
    assert_eq!(output.status.code(), Some(1), "{}", texts(&output).1);
    assert!(texts(&output).1.contains("<stdin>:6"), "{}", texts(&output).1);
    assert!(tree(folder.path()).is_empty());
}

#[test]
fn wrong_numbers_on_the_command_line_are_usage_errors() {
    let folder = TempDir::new().unwrap();
    for (flag, value) in [
        ("--workers", "-1"),
        ("--workers", "5001"),
        ("--workers", "1e3"),
        ("--workers", "99999999999999999999"),
        ("--cpu", "0"),
        ("--cpu", "x"),
        ("--memory", "-8"),
        ("--format", "xml"),
        ("--provider", "AWS!"),
    ] {
        let output = run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab", flag, value]);
        let (_, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(2), "{flag} {value}: {stderr}");
    }
    assert!(tree(folder.path()).is_empty());
}
