//! Awkward inputs and the exact bytes of their answers.
//!
//! `tests/fixtures/krm/<case>/` holds `input.yaml` (or `.json`), for a legacy plugin also `config.yaml`, and what comes
//! out: `expected.yaml` and `expected.txt` (exit code, then stderr). A new folder is a new case;
//! `UPDATE_FIXTURES=1` writes the expected files, to be reviewed like code.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use infraflux::krm::{LIMITS, Reply, function, legacy_plugin};

#[path = "krm/fake.rs"]
mod fake;
use fake::Fake;

fn answer(config: Option<&[u8]>, input: &[u8]) -> Reply {
    match config {
        Some(config) => legacy_plugin::run("<config>", config, input, LIMITS, &Fake),
        None => function::run(input, LIMITS, &Fake),
    }
}

fn check(file: &Path, actual: &[u8], problems: &mut Vec<String>) {
    if std::env::var_os("UPDATE_FIXTURES").is_some() {
        fs::write(file, actual).unwrap();
        return;
    }
    let expected = fs::read(file).unwrap_or_default();
    if expected != actual {
        let diff = similar::TextDiff::from_lines(
            &*String::from_utf8_lossy(&expected).replace('\r', "␍"),
            &*String::from_utf8_lossy(actual).replace('\r', "␍"),
        )
        .unified_diff()
        .to_string();
        problems.push(format!("{}\n{diff}", file.display()));
    }
}

#[test]
fn every_case_is_answered_byte_for_byte_and_the_answer_is_stable() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/krm");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(cases.len() > 20, "the cases are there");
    let mut problems = Vec::new();
    for case in cases {
        let (input, extension) = ["yaml", "json"]
            .iter()
            .find_map(|extension| Some((fs::read(case.join(format!("input.{extension}"))).ok()?, extension)))
            .unwrap_or_else(|| panic!("{} has an input", case.display()));
        let config = fs::read(case.join("config.yaml")).ok();
        let reply = answer(config.as_deref(), &input);
        check(&case.join(format!("expected.{extension}")), &reply.stdout, &mut problems);
        let told = format!("exit {}\n{}", reply.exit, reply.stderr);
        check(&case.join("expected.txt"), told.as_bytes(), &mut problems);
        if reply.exit == 0 {
            let again = answer(config.as_deref(), &reply.stdout);
            if again.stdout != reply.stdout {
                problems.push(format!("{}: the answer to the answer is another", case.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
