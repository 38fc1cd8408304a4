//! Mistakes that people make in plans: each is told at the right line, with a useful next step.
//!
//! A case is a file in `tests/fixtures/mistakes/`. Its head says which code is expected at which line, with which words in
//! the hint. All messages together are a snapshot, to be read aloud when one changes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{fmt::Write as _, fs, path::Path};

use infraflux::{
    catalog::Catalog,
    engine::{Engine, Options},
    finding::{Findings, Severity, text},
    plan::read::Request,
    render::Library,
    yaml::Source,
};

struct Case {
    name: String,
    text: String,
    code: String,
    line: usize,
    hint: String,
    severity: Severity,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mistakes");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let head = |key: &str| {
                text.lines()
                    .take_while(|line| line.starts_with('#'))
                    .find_map(|line| line.strip_prefix(&format!("# {key}: ")))
                    .map(str::to_owned)
            };
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let need = |key: &str| head(key).unwrap_or_else(|| panic!("{name} has no `# {key}:`"));
            Case {
                code: need("code"),
                line: need("line").parse().unwrap(),
                hint: need("hint"),
                severity: match head("severity").as_deref() {
                    None => Severity::Error,
                    Some("warning") => Severity::Warning,
                    Some(other) => panic!("{name}: {other}"),
                },
                name,
                text,
            }
        })
        .collect()
}

fn run(engine: &Engine, case: &Case) -> Findings {
    let mut request = Request::default();
    match request.add_plans(Source::new("plan.yaml", case.text.as_str())) {
        Ok(()) => engine.run(request).findings,
        Err(findings) => findings,
    }
}

#[test]
fn each_mistake_is_told_at_its_line_with_a_next_step() {
    let engine = Engine::new(Library::new(Catalog::embedded()), Options::default());
    let cases = cases();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut wrong = String::new();
    let mut aloud = String::new();
    for case in &cases {
        let findings = run(&engine, case);
        let told = findings.iter().any(|finding| {
            finding.code.id == case.code
                && finding.severity == case.severity
                && finding
                    .location
                    .as_ref()
                    .is_some_and(|location| location.file() == "plan.yaml" && location.start().0 == case.line)
                && finding.hint.as_deref().is_some_and(|hint| hint.contains(&case.hint))
        });
        let told_text = text::render(&findings, text::Style::default());
        if !told {
            writeln!(
                wrong,
                "== {}: no {} {} at line {} with `{}` in its hint, but\n{told_text}",
                case.name, case.severity, case.code, case.line, case.hint
            )
            .unwrap();
        }
        // One mistake, one error: a second message about the same thing sends people to the wrong place.
        let errors = findings.count(Severity::Error);
        let wanted = usize::from(case.severity == Severity::Error);
        if errors != wanted {
            writeln!(wrong, "== {}: {errors} errors for one mistake\n{told_text}", case.name).unwrap();
        }
        // The same is true of warnings at one place; a placeholder beside it is a mistake of its own.
        let place = findings.iter().filter(|finding| {
            finding.severity == Severity::Warning
                && (finding.code.id != "IF0251" || case.code == "IF0251")
                && finding
                    .location
                    .as_ref()
                    .is_some_and(|location| location.file() == "plan.yaml" && location.start().0 == case.line)
        });
        let warnings = place.count();
        if case.severity == Severity::Warning && warnings != 1 {
            writeln!(wrong, "== {}: {warnings} warnings for one mistake\n{told_text}", case.name).unwrap();
        }
        // Remarks and warnings about other things would only make the page longer.
        let kept: Findings = findings
            .into_iter()
            .filter(|finding| finding.code.id == case.code || finding.severity == Severity::Error)
            .collect();
        writeln!(aloud, "{}\n\n{}", case.name, text::render(&kept, text::Style::default())).unwrap();
    }
    assert!(wrong.is_empty(), "{wrong}");
    insta::assert_snapshot!("messages", aloud);
}
