//! Every CEL rule of the kinds that we render, on an object that it lets pass and one that it refuses:
//! `tests/fixtures/cel/*.yaml`.
//!
//! A fixture has a `base` object, and for each rule what is merged into it: `holds`, `fails`, and `was` for the object
//! before. `unreachable` gives the reason why no object can get as far as to fail the rule, `error` why it ends in an
//! error rather than in `false`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "counts are a part of what these tests are for")]

mod common;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use common::schemas as crds;
use infraflux::admission::{
    Object, Objects,
    schema::{Check, Report, Schemas},
};
use serde_json::{Value, json};

fn fixtures() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cel");
    let mut out: Vec<(String, Value)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    out.sort_by(|left, right| left.0.cmp(&right.0));
    out
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rules of a schema with their places, as fixtures write them.
fn rules(schema: &Value, path: &str, out: &mut BTreeSet<(String, String)>) {
    let below = |step: &str| {
        if step == "[]" || path.is_empty() { format!("{path}{step}") } else { format!("{path}.{step}") }
    };
    for rule in schema["x-kubernetes-validations"].as_array().into_iter().flatten() {
        out.insert((path.to_owned(), one_line(rule["rule"].as_str().unwrap())));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        rules(field, &below(name), out);
    }
    if schema["items"].is_object() {
        rules(&schema["items"], &below("[]"), out);
    }
    if schema["additionalProperties"].is_object() {
        rules(&schema["additionalProperties"], &below("*"), out);
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                if value.is_null() {
                    into.remove(key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

fn check(schemas: &Schemas, object: &Value, before: Option<&Value>) -> Report {
    let objects: Objects = [Object::new(object.clone())].into_iter().collect();
    let before: Objects = before.into_iter().map(|value| Object::new(value.clone())).collect();
    schemas.check(&objects, &before, Check::default())
}

fn said(report: &Report) -> String {
    let line = |violation: &infraflux::admission::Violation| {
        format!("{} {}: {}", violation.code.id, violation.path, violation.message)
    };
    report.violations.iter().map(line).collect::<Vec<_>>().join("; ")
}

#[test]
fn every_rule_of_what_we_render_holds_and_fails() {
    let Some(crds) = crds::load() else { return };
    let mut problems = String::new();
    let mut count = 0;
    for (name, fixture) in fixtures() {
        for kind in fixture["kinds"].as_array().unwrap() {
            let (api_version, kind) = (kind["apiVersion"].as_str().unwrap(), kind["kind"].as_str().unwrap());
            let schema = crds.schema(api_version, kind).unwrap_or_else(|| panic!("{name}: no CRD of {kind}"));
            let mut there = BTreeSet::new();
            rules(schema, "", &mut there);
            let mut covered = BTreeSet::new();
            for case in fixture["rules"].as_array().unwrap() {
                let rule = one_line(case["rule"].as_str().unwrap());
                let path = case["path"].as_str().unwrap().to_owned();
                covered.insert((path, rule.clone()));
                let build = |change: &str| {
                    let mut object = json!({"apiVersion": api_version, "kind": kind});
                    merge(&mut object, &fixture["base"]);
                    merge(&mut object, &case[change]);
                    object
                };
                let was = case.get("was").map(|_| build("was"));
                let report = check(&crds.schemas, &build("holds"), was.as_ref());
                if !report.violations.is_empty() || !report.unchecked_rules.is_empty() || report.rules == 0 {
                    writeln!(
                        problems,
                        "{name} {kind}: {rule} does not hold: {}, {} rules, {:?}",
                        said(&report),
                        report.rules,
                        report.unchecked_rules
                    )
                    .unwrap();
                }
                count += 1;
                if case.get("unreachable").is_some() {
                    continue;
                }
                let report = check(&crds.schemas, &build("fails"), was.as_ref());
                let code = if case.get("error").is_some() { "IF0603" } else { "IF0601" };
                let start: String = rule.chars().take(150).collect();
                let found: Vec<_> = report
                    .violations
                    .iter()
                    .filter(|violation| violation.code.id == code)
                    .filter(|violation| {
                        violation.hint.as_ref().is_some_and(|hint| hint.contains(&start))
                            || violation.message.contains(&start)
                    })
                    .collect();
                if found.len() != 1 || report.violations.len() != 1 {
                    writeln!(problems, "{name} {kind}: {rule} does not fail alone: {}", said(&report))
                        .unwrap();
                }
            }
            for missing in there.difference(&covered) {
                writeln!(problems, "{name} {kind}: no fixture for {missing:?}").unwrap();
            }
            for gone in covered.difference(&there) {
                writeln!(problems, "{name} {kind}: the CRD has no rule {gone:?}").unwrap();
            }
        }
    }
    println!("{count} rules with a passing object, and a failing one where there can be one");
    assert!(problems.is_empty(), "{problems}");
    assert!(count >= 40, "{count}");
}
