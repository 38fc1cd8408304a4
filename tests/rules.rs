//! Every rule of `admission::rules` on its fixtures: `tests/fixtures/rules/<provider>/<rule>/{good,bad}*.yaml`.
//!
//! A fixture is a stream of objects. A bad one says in its head what is expected, one line for each violation:
//! `# expect: IF0716 error Cluster spec.controlPlaneRef`. A `previous.yaml` beside it is the render before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use infraflux::{
    admission::{
        Object, Objects, Violation,
        rules::{self, External, Externals, Rule, Set},
    },
    catalog::Catalog,
    finding::{Severity, codes},
    plan::{Provider, read::Request, resolve::resolve},
    render::{Library, render, secrets},
    yaml::{self, Limits, Source, Sources, scalar::Schema},
};
use proptest::prelude::*;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/rules")
}

fn objects(text: &str) -> Objects {
    let mut sources = Sources::new();
    let id = sources.add(Source::new("fixture", text));
    let documents = yaml::read(&sources, id, Schema::Core, Limits::STREAM).expect("a fixture is valid YAML");
    documents
        .into_iter()
        .map(|document| Object::new(document.root.to_value()))
        .filter(|object| !object.id.kind.is_empty())
        .collect()
}

/// The fixtures of a rule: name, text and the previous render.
fn fixtures(rule: &Rule) -> Vec<(String, String, Objects)> {
    let folder = root().join(rule.name);
    let previous =
        fs::read_to_string(folder.join("previous.yaml")).map(|text| objects(&text)).unwrap_or_default();
    let mut found: Vec<_> = fs::read_dir(&folder)
        .unwrap_or_else(|_| panic!("{} has no fixtures", rule.name))
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|extension| extension == "yaml") && !path.ends_with("previous.yaml")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap(), previous.clone())
        })
        .collect();
    found.sort_by(|left, right| left.0.cmp(&right.0));
    found
}

/// Rules about references need targets that are not there; for all others everything exists.
fn externals(rule: &Rule) -> Externals {
    if rule.name.starts_with("references/") { Externals::of_a_hub() } else { Externals::everything() }
}

fn violations(text: &str, previous: &Objects, externals: &Externals) -> Vec<(&'static str, Violation)> {
    let objects = objects(text);
    let set = Set::new(&objects, previous, externals);
    objects
        .iter()
        .flat_map(|object| rules::check_object(object, &set))
        .map(|(rule, violation)| (rule.name, violation))
        .collect()
}

fn line(violation: &Violation) -> String {
    format!("{} {} {} {}", violation.code.id, violation.severity, violation.object.kind, violation.path)
}

#[test]
fn every_rule_has_a_good_and_a_bad_fixture_that_fails_only_it() {
    let mut problems = String::new();
    for rule in rules::all() {
        let fixtures = fixtures(rule);
        for kind in ["good", "bad"] {
            if !fixtures.iter().any(|(name, ..)| name.starts_with(kind)) {
                writeln!(problems, "{}: no {kind} fixture", rule.name).unwrap();
            }
        }
        for (name, text, previous) in &fixtures {
            let found = violations(text, previous, &externals(rule));
            let expected: Vec<&str> =
                text.lines().filter_map(|line| line.strip_prefix("# expect: ")).collect();
            let actual: Vec<String> = found.iter().map(|(_, violation)| line(violation)).collect();
            if actual != expected {
                writeln!(problems, "{}/{name}:\n  expected {expected:#?}\n  found {actual:#?}", rule.name)
                    .unwrap();
            }
            for (other, violation) in found.iter().filter(|(other, _)| *other != rule.name) {
                writeln!(problems, "{}/{name} also fails {other}: {}", rule.name, violation.message).unwrap();
            }
            if name.starts_with("good") != expected.is_empty() {
                writeln!(problems, "{}/{name} does not say what it is", rule.name).unwrap();
            }
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn no_fixture_is_without_a_rule() {
    let names: BTreeSet<&str> = rules::all().map(|rule| rule.name).collect();
    for provider in fs::read_dir(root()).unwrap() {
        let provider = provider.unwrap();
        for rule in fs::read_dir(provider.path()).unwrap() {
            let name = format!(
                "{}/{}",
                provider.file_name().to_string_lossy(),
                rule.unwrap().file_name().to_string_lossy()
            );
            assert!(names.contains(name.as_str()), "{name} has fixtures but is no rule");
        }
    }
}

#[test]
fn rules_are_told_apart_and_say_where_they_come_from() {
    let mut names = BTreeSet::new();
    for rule in rules::all() {
        assert!(names.insert(rule.name), "{} is there twice", rule.name);
        assert!(
            rule.name
                .split_once('/')
                .is_some_and(|(provider, rule)| !provider.is_empty() && !rule.is_empty())
        );
        assert!(rule.code.id.starts_with("IF07") || rule.code.id.starts_with("IF08"), "{}", rule.name);
        assert!(rule.source.contains('/') || rule.source.contains("CRD"), "{} names no source", rule.name);
        assert!(rule.meaning.ends_with('.'), "{}: a meaning is a sentence", rule.name);
    }
    let used: BTreeSet<&str> = rules::all().map(|rule| rule.code.id).collect();
    let unused: Vec<&str> = codes::ALL
        .iter()
        .map(|code| code.id)
        .filter(|id| (id.starts_with("IF07") || id.starts_with("IF08")) && !used.contains(id))
        .collect();
    assert!(unused.is_empty(), "codes without a rule: {unused:?}");
}

#[test]
fn messages() {
    let mut text = String::new();
    for rule in rules::all() {
        writeln!(text, "{} ({})\n  {}", rule.name, rule.code.id, rule.meaning).unwrap();
        for (name, fixture, previous) in fixtures(rule).iter().filter(|(name, ..)| name.starts_with("bad")) {
            for (_, violation) in violations(fixture, previous, &externals(rule)) {
                writeln!(
                    text,
                    "- {name}: {}: {} {}: {}",
                    violation.severity, violation.object, violation.path, violation.message
                )
                .unwrap();
                writeln!(text, "    hint: {}", violation.hint.as_deref().unwrap_or("MISSING")).unwrap();
                assert!(!violation.message.ends_with('.'), "{}: no final stop", violation.message);
                assert!(violation.hint.is_some(), "{}: no hint", violation.message);
                assert!(violation.source.is_some(), "{}: no source", violation.message);
            }
        }
        text.push('\n');
    }
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(text) });
}

/// The output of an early generator: much of it was refused by the API servers, and is refused here for the same
/// reasons. (What only a schema can see is not among them.)
#[test]
fn the_early_output_is_refused_for_the_right_reasons() {
    let folder = root().with_file_name("early");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut problems = String::new();
    let mut shown = String::new();
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let found = violations(&text, &Objects::default(), &Externals::of_a_hub());
        let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# expect: ")).collect();
        let actual: Vec<String> = found.iter().map(|(_, violation)| line(violation)).collect();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if actual != expected {
            writeln!(problems, "{name}:\n  expected {expected:#?}\n  found {actual:#?}").unwrap();
        }
        writeln!(shown, "{name}").unwrap();
        for (rule, violation) in found {
            let (object, path) = (&violation.object, &violation.path);
            writeln!(shown, "- {} {object} {path}: {} [{rule}]", violation.severity, violation.message)
                .unwrap();
            writeln!(shown, "    hint: {}", violation.hint.as_deref().unwrap_or("MISSING")).unwrap();
        }
    }
    insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(shown) });
    assert!(problems.is_empty(), "{problems}");
}

/// The objects of every fixture.
static CORPUS: LazyLock<Vec<Vec<Value>>> = LazyLock::new(|| {
    rules::all()
        .flat_map(fixtures)
        .map(|(_, text, _)| objects(&text).iter().map(|object| object.value.clone()).collect())
        .collect()
});

/// Replaces the n-th node of a tree, counted depth first.
fn replace(value: &mut Value, count: &mut usize, with: &Value) -> bool {
    if *count == 0 {
        *value = with.clone();
        return true;
    }
    *count -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, count, with)),
        Value::Object(entries) => entries.values_mut().any(|value| replace(value, count, with)),
        _ => false,
    }
}

/// The objects of a cluster that is rendered without a plan, and the Secrets that its readers are told to make.
fn rendered(library: &Library, provider: Provider, profile: &str) -> (Objects, Externals) {
    let mut request = Request::default();
    let flags = [("provider", provider.as_str()), ("name", "lab"), ("profile", profile)];
    let flags = flags.map(|(key, value)| (key.to_owned(), value.to_owned()));
    request.add_flags(&flags).expect("flags are read");
    let plan = request.merge(library.index()).expect("a plan").0.remove(0);
    let (cluster, _) = resolve(&plan, library.index()).expect("a resolved cluster");
    let mut externals = Externals::of_a_hub();
    externals.extend(
        secrets::needs(&cluster)
            .into_iter()
            .filter(|need| need.cluster == "hub")
            .map(|need| External::object("", "Secret", Some(&need.namespace), &need.name)),
    );
    let cluster = render(cluster, library).expect("a rendered cluster");
    (
        cluster.documents().map(|(_, document)| Object::new(cluster.value(document).clone())).collect(),
        externals,
    )
}

#[test]
fn what_we_render_passes() {
    let library = Library::new(Catalog::embedded());
    let mut problems = String::new();
    for provider in Provider::ALL {
        if library.catalog().get(&format!("clusters/{provider}/cluster.yaml")).is_none() {
            continue;
        }
        for profile in ["stable", "current"] {
            let (objects, externals) = rendered(&library, provider, profile);
            assert!(!objects.is_empty());
            for (previous, again) in [(&Objects::default(), ""), (&objects, " again")] {
                for violation in rules::check(&objects, previous, &externals) {
                    if violation.severity == Severity::Error {
                        writeln!(
                            problems,
                            "{provider} {profile}{again}: {} {}",
                            line(&violation),
                            violation.message
                        )
                        .unwrap();
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

fn odd_value() -> impl Strategy<Value = Value> {
    let odd = [
        "null",
        "true",
        "false",
        "-1",
        "0",
        "1",
        "9223372036854775807",
        "1e300",
        "\"\"",
        "\"-\"",
        "\"/\"",
        "\":\"",
        "\"%\"",
        "\"v\"",
        "\"10.0.0.0/99\"",
        "\"::/0\"",
        "\"a: [\"",
        "\"machine: {}\"",
        "\"\\u0000\"",
        "[]",
        "[null]",
        "[[]]",
        "{}",
        "{\"\": {}}",
        "{\"$patch\": \"delete\"}",
        "{\"name\": 1, \"kind\": []}",
    ];
    prop_oneof![
        proptest::sample::select(odd.to_vec()).prop_map(|text| serde_json::from_str(text).unwrap()),
        "\\PC{0,80}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn no_object_makes_a_rule_panic(fixture in any::<proptest::sample::Index>(), changes in proptest::collection::vec((any::<proptest::sample::Index>(), 0_usize..200, odd_value()), 1..4)) {
        let mut values = fixture.get(CORPUS.as_slice()).clone();
        let before: Objects = values.iter().cloned().map(Object::new).collect();
        for (index, node, value) in changes {
            if !values.is_empty() {
                let target = index.get_mut(values.as_mut_slice());
                replace(target, &mut node.clone(), &value);
            }
        }
        let after: Objects = values.into_iter().map(Object::new).collect();
        let first = rules::check(&after, &before, &Externals::of_a_hub());
        prop_assert_eq!(&first, &rules::check(&after, &before, &Externals::of_a_hub()));
        for violation in first {
            prop_assert!(!violation.message.is_empty() && violation.hint.is_some());
        }
    }
}
