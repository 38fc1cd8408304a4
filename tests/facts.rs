//! The facts about providers on which rendered clusters stand, each with the template line that carries it.
//!
//! `tests/fixtures/facts/<file>.yaml` is a list of facts ([`Fact`]). For each one its assertion must hold for what is
//! rendered, and must fail when the line is taken out of the template (or, for what must not be there, put in). The pages
//! `docs/providers/*.md` and `docs/talos.md` have a row for every fact, and name no fact or test that does not exist.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use common::rendering::{self, Rendered, engine_over, render};
use infraflux::{
    admission::rules,
    catalog::Catalog,
    finding::Severity,
    plan::Provider,
    yaml::{Source, pointer::FieldPath},
};
use rayon::prelude::*;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

/// A fact that InfraFlux acts on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fact {
    /// `<file>/<slug>`.
    name: String,
    /// What is so.
    #[serde(rename = "fact")]
    text: String,
    /// Where it was read: repository and path.
    source: String,
    /// The provider of the plan; by default the file's, and Proxmox for files that are not a provider's.
    provider: Option<String>,
    /// `tests/fixtures/providers/<provider>/<plan>.yaml`.
    #[serde(default = "ha")]
    plan: String,
    /// The profile.
    #[serde(default = "stable")]
    profile: String,
    /// The kind of the objects to look at; with `patch`, the kind of the Talos document, none for the one without.
    object: Option<String>,
    /// A regular expression for their names.
    #[serde(rename = "objectName", alias = "objName", alias = "nameRegex")]
    object_name: Option<String>,
    /// `controlPlane` or `worker`: look at the Talos documents of these machines.
    patch: Option<String>,
    /// A regular expression for the names of TalosConfigTemplates, when only some pools are meant.
    pool: Option<String>,
    /// The field.
    path: String,
    /// It has exactly this value.
    equals: Option<Value>,
    /// The list has this item, the mapping these entries, the text this part.
    contains: Option<Value>,
    /// Its text matches this regular expression.
    matches: Option<String>,
    /// It is not there.
    #[serde(default)]
    absent: bool,
    /// The template with the line.
    template: String,
    /// The line without which the assertion fails.
    remove: Option<Line>,
    /// The line with which it fails.
    insert: Option<Insert>,
    /// Without the line nothing is rendered at all.
    #[serde(default)]
    refused: bool,
}

/// A line of a template, trimmed; it goes with everything nested below it.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Line {
    /// One that is there once.
    Unique(String),
    /// The first one of its text behind another line that is there once.
    Below {
        /// The line.
        line: String,
        /// The other.
        below: String,
    },
}

/// A line that is added.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Insert {
    /// The line behind which it comes, trimmed and there once.
    after: String,
    /// The text with its indentation.
    line: String,
}

fn ha() -> String {
    "ha".to_owned()
}

fn stable() -> String {
    "stable".to_owned()
}

/// All facts with the stem of their file.
fn facts() -> Vec<(String, Fact)> {
    let folder = rendering::root().join("tests/fixtures/facts");
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "yaml"))
        .flat_map(|file| {
            let stem = file.file_stem().unwrap().to_string_lossy().into_owned();
            let facts: Vec<Fact> = serde_yaml::from_str(&fs::read_to_string(file).unwrap())
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            facts.into_iter().map(move |fact| (stem.clone(), fact)).collect::<Vec<_>>()
        })
        .collect()
}

fn provider(stem: &str, fact: &Fact) -> Provider {
    let word = fact.provider.as_deref().unwrap_or(stem);
    Provider::parse(word).unwrap_or(Provider::Proxmox)
}

/// The path and text of a fact's plan.
fn plan(stem: &str, fact: &Fact) -> Result<(String, String), String> {
    let path = format!("tests/fixtures/providers/{}/{}.yaml", provider(stem, fact), fact.plan);
    let text =
        fs::read_to_string(rendering::root().join(&path)).map_err(|error| format!("{path}: {error}"))?;
    Ok((path, text))
}

/// What became of a plan, or the errors.
fn whole(rendered: Rendered) -> Result<Rendered, String> {
    if rendered.cluster.is_none() { Err(rendered.told(Severity::Error).join("; ")) } else { Ok(rendered) }
}

/// A plan with the catalogue as it is; many facts are about the same few plans.
fn before(catalog: &Catalog, path: &str, text: &str, profile: &str) -> Arc<Result<Rendered, String>> {
    type Made = BTreeMap<(String, String), Arc<Result<Rendered, String>>>;
    static MADE: Mutex<Made> = Mutex::new(BTreeMap::new());
    let key = (path.to_owned(), profile.to_owned());
    if let Some(made) = MADE.lock().unwrap().get(&key) {
        return made.clone();
    }
    let made = Arc::new(whole(render(&engine_over(catalog.clone()), path, text, Some(profile))));
    MADE.lock().unwrap().insert(key, made.clone());
    made
}

/// What a fact looks at, with names for messages.
fn targets(fact: &Fact, rendered: &Rendered) -> Vec<(String, Value)> {
    let named = |pattern: &Option<String>, name: &str| {
        pattern
            .as_ref()
            .is_none_or(|pattern| Regex::new(pattern).expect("a regular expression").is_match(name))
    };
    let Some(role) = &fact.patch else {
        let kind = fact.object.as_deref().unwrap_or_else(|| panic!("{}: `object` or `patch`", fact.name));
        let fits = |object: &&Value| {
            object["kind"] == kind
                && named(&fact.object_name, object["metadata"]["name"].as_str().unwrap_or_default())
        };
        return rendered
            .objects
            .iter()
            .map(|(_, object)| object)
            .filter(fits)
            .map(|object| {
                (
                    format!("{kind} {}", object["metadata"]["name"].as_str().unwrap_or_default()),
                    object.clone(),
                )
            })
            .collect();
    };
    let holder = match &**role {
        "controlPlane" => "TalosControlPlane",
        "worker" => "TalosConfigTemplate",
        other => panic!("{}: `patch` is `controlPlane` or `worker`, not `{other}`", fact.name),
    };
    let mut out = Vec::new();
    for (_, object) in rendered.objects.iter().filter(|(_, object)| object["kind"] == holder) {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        if !named(&fact.pool, name) {
            continue;
        }
        let pointer = if holder == "TalosControlPlane" {
            "/spec/controlPlaneConfig/controlplane/strategicPatches"
        } else {
            "/spec/template/spec/strategicPatches"
        };
        // Documents of one kind and name are merged, as Talos does.
        let mut documents: BTreeMap<(String, String), Value> = BTreeMap::new();
        for text in object.pointer(pointer).and_then(Value::as_array).into_iter().flatten() {
            let patch: Value = serde_yaml::from_str(text.as_str().unwrap()).expect("one document");
            let key = |key: &str| patch[key].as_str().unwrap_or_default().to_owned();
            merge(documents.entry((key("kind"), key("name"))).or_insert(Value::Null), &patch);
        }
        let wanted = fact.object.as_deref().unwrap_or_default();
        let found: Vec<_> = documents
            .into_iter()
            .filter(|((kind, document), _)| kind == wanted && named(&fact.object_name, document))
            .map(|((kind, document), value)| (format!("{holder} {name}: {kind} {document}"), value))
            .collect();
        if found.is_empty() {
            out.push((format!("{holder} {name}: no document {wanted}"), Value::Null));
        }
        out.extend(found);
    }
    out
}

/// Merges a patch into a document: mappings merge, lists grow, everything else is replaced.
fn merge(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(patch)) => into.extend(patch.iter().cloned()),
        (into, patch) => *into = patch.clone(),
    }
}

/// Whether a value has another one in it.
fn contains(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::Object(actual), Value::Object(wanted)) => wanted.iter().all(|(key, wanted)| {
            actual.get(key).is_some_and(|actual| actual == wanted || contains(actual, wanted))
        }),
        (Value::Array(actual), Value::Array(wanted)) => wanted
            .iter()
            .all(|wanted| actual.iter().any(|actual| actual == wanted || contains(actual, wanted))),
        (Value::Array(actual), wanted) => {
            actual.iter().any(|actual| actual == wanted || (wanted.is_object() && contains(actual, wanted)))
        }
        (Value::String(actual), Value::String(wanted)) => actual.contains(wanted.as_str()),
        (actual, wanted) => actual == wanted,
    }
}

/// Why the assertion does not hold, if so.
fn failure(fact: &Fact, rendered: &Rendered) -> Option<String> {
    let targets = targets(fact, rendered);
    if targets.is_empty() {
        return Some(format!(
            "there is no {}",
            fact.object.as_deref().or(fact.patch.as_deref()).unwrap_or_default()
        ));
    }
    let path =
        FieldPath::parse(&fact.path).unwrap_or_else(|| panic!("{}: `{}` is no path", fact.name, fact.path));
    targets.iter().find_map(|(name, value)| {
        let actual = path.get(value).filter(|actual| !actual.is_null());
        let holds = if fact.absent {
            actual.is_none()
        } else {
            actual.is_some_and(|actual| {
                let text = actual.as_str().map_or_else(|| actual.to_string(), str::to_owned);
                fact.equals.as_ref().is_none_or(|wanted| actual == wanted)
                    && fact.contains.as_ref().is_none_or(|wanted| contains(actual, wanted))
                    && fact
                        .matches
                        .as_ref()
                        .is_none_or(|pattern| Regex::new(pattern).unwrap().is_match(&text))
            })
        };
        (!holds).then(|| format!("{name}: {} is {}", fact.path, actual.unwrap_or(&Value::Null)))
    })
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The one line of a text that is this one without its indentation.
fn unique(lines: &[&str], wanted: &str) -> Result<usize, String> {
    let found: Vec<usize> = (0..lines.len()).filter(|&number| lines[number].trim() == wanted).collect();
    match found[..] {
        [only] => Ok(only),
        [] => Err(format!("no line is `{wanted}`")),
        _ => Err(format!("`{wanted}` is there {} times; use `remove: {{line, below}}`", found.len())),
    }
}

/// A text without a line and what is nested below it. Conditions above the line go with it, and so do parents that have
/// nothing left.
fn without(text: &str, line: &Line) -> Result<String, String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let mut number = match line {
        Line::Unique(line) => unique(&lines, line)?,
        Line::Below { line, below } => {
            let start = unique(&lines, below)?;
            (start + 1..lines.len())
                .find(|&number| lines[number].trim() == line)
                .ok_or_else(|| format!("no line behind `{below}` is `{line}`"))?
        }
    };
    loop {
        let depth = indentation(lines[number]);
        let nested = |line: &&&str| line.trim().is_empty() || indentation(line) > depth;
        let mut end = number + 1 + lines[number + 1..].iter().take_while(nested).count();
        // Blank lines and comments before the next entry belong to that one.
        while end > number + 1 && (lines[end - 1].trim().is_empty()) {
            end -= 1;
        }
        let mut start = number;
        while start > 0 && lines[start - 1].trim().starts_with('#') && indentation(lines[start - 1]) == depth
        {
            start -= 1;
        }
        lines.drain(start..end);
        let Some(parent) = (0..start).rev().find(|&line| {
            let text = lines[line].trim();
            !text.is_empty() && !text.starts_with('#')
        }) else {
            break;
        };
        let empty = lines[parent].trim_end().ends_with(':')
            && indentation(lines[parent]) < depth
            && lines[parent + 1..]
                .iter()
                .find(|line| !line.trim().is_empty() && !line.trim().starts_with('#'))
                .is_none_or(|next| indentation(next) <= indentation(lines[parent]));
        if !empty {
            break;
        }
        number = parent;
    }
    Ok(lines.join("\n") + "\n")
}

fn with(text: &str, insert: &Insert) -> Result<String, String> {
    let mut lines: Vec<&str> = text.lines().collect();
    let number = unique(&lines, &insert.after)?;
    lines.insert(number + 1, &insert.line);
    Ok(lines.join("\n") + "\n")
}

/// What is wrong with a fact.
fn problem(catalog: &Catalog, stem: &str, fact: &Fact) -> Option<String> {
    let given = [fact.equals.is_some(), fact.contains.is_some(), fact.matches.is_some(), fact.absent];
    if given.iter().filter(|given| **given).count() != 1 {
        return Some("needs one of `equals`, `contains`, `matches` and `absent: true`".to_owned());
    }
    if fact.text.len() < 20 || !fact.source.contains('/') {
        return Some("needs a sentence in `fact`, and a repository and path in `source`".to_owned());
    }
    let (path, text) = match plan(stem, fact) {
        Ok(plan) => plan,
        Err(error) => return Some(error),
    };
    let profile = Some(&*fact.profile);
    let before = before(catalog, &path, &text, &fact.profile);
    let before = match &*before {
        Ok(rendered) => rendered,
        Err(error) => return Some(format!("does not render: {error}")),
    };
    if let Some(failure) = failure(fact, before) {
        return Some(format!("does not hold: {failure}"));
    }
    let Some(template) = catalog.get(&fact.template) else {
        return Some(format!("there is no template `{}`", fact.template));
    };
    let changed = match (&fact.remove, &fact.insert) {
        (Some(line), None) => without(template.text(), line),
        (None, Some(insert)) => with(template.text(), insert),
        _ => Err("needs one of `remove` and `insert`".to_owned()),
    };
    let changed = match changed {
        Ok(changed) => changed,
        Err(error) => return Some(format!("{}: {error}", fact.template)),
    };
    let source = Source::new(fact.template.clone(), changed);
    let changed = catalog.clone().overlay([(fact.template.clone(), source)]);
    if fact.refused {
        let rendered = render(&engine_over(changed), &path, &text, profile);
        return rendered
            .cluster
            .is_some()
            .then(|| "renders without the line, so it is not `refused`".to_owned());
    }
    // Unchecked: what the checks say of an object without the line is not what the fact says.
    match whole(rendering::render_unchecked(changed, &path, &text, profile)) {
        Ok(after) => failure(fact, &after).is_none().then(|| "still holds without the line".to_owned()),
        Err(error) => {
            Some(format!("does not render without the line (`refused: true`, if that is meant): {error}"))
        }
    }
}

#[test]
fn every_fact_holds_and_fails_without_its_line() {
    let catalog = rendering::catalog();
    let problems: Vec<String> = facts()
        .par_iter()
        .filter_map(|(stem, fact)| {
            problem(&catalog, stem, fact).map(|problem| format!("{}: {problem}", fact.name))
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn facts_are_told_apart() {
    let mut names = BTreeSet::new();
    for (stem, fact) in facts() {
        assert!(fact.name.starts_with(&format!("{stem}/")), "{} stands in {stem}.yaml", fact.name);
        assert!(names.insert(fact.name.clone()), "{} is there twice", fact.name);
    }
}

// --- the pages -----------------------------------------------------------------------------------------------------------

/// The names in backticks in the cells of the column `Test`, with file and line.
fn named_in_pages() -> Vec<(String, Vec<String>)> {
    let docs = rendering::root().join("docs");
    let mut pages: Vec<PathBuf> = fs::read_dir(docs.join("providers"))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|page| page.extension().is_some_and(|end| end == "md"))
        .collect();
    pages.extend([docs.join("talos.md")].into_iter().filter(|page| page.is_file()));
    pages.sort();
    let tick = Regex::new("`([^`]+)`").unwrap();
    let mut out = Vec::new();
    for page in pages {
        let mut column = None;
        for (number, line) in fs::read_to_string(&page).unwrap().lines().enumerate() {
            let Some(row) = line.trim().strip_prefix('|') else {
                column = None;
                continue;
            };
            // A `|` in code is written `\|`.
            let row = row.replace("\\|", "\u{1}");
            let cells: Vec<&str> = row.trim_end().trim_end_matches('|').split('|').map(str::trim).collect();
            let Some(position) = column else {
                column = Some(cells.iter().position(|cell| cell.eq_ignore_ascii_case("test")));
                continue;
            };
            let Some(position) = position else { continue };
            if cells.iter().all(|cell| cell.chars().all(|sign| "-: ".contains(sign))) {
                continue;
            }
            let names = tick.captures_iter(cells.get(position).copied().unwrap_or_default());
            let names = names.map(|found| found[1].to_owned()).collect();
            out.push((format!("{}:{}", page.file_name().unwrap().to_string_lossy(), number + 1), names));
        }
    }
    out
}

/// Every test function as `<file or folder of tests/>::<function>`, and the unit tests as `<path below src/>::<function>`.
fn tests() -> BTreeSet<String> {
    fn visit(folder: &std::path::Path, prefix: &str, out: &mut BTreeSet<String>) {
        let declared = Regex::new(r"(?m)^\s*(?:pub )?fn ([a-z0-9_]+)\(").unwrap();
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
            if path.is_dir() {
                visit(&path, &name, out);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                out.extend(declared.captures_iter(&text).map(|found| format!("{name}::{}", &found[1])));
            }
        }
    }
    let mut out = BTreeSet::new();
    visit(&rendering::root().join("tests"), "", &mut out);
    visit(&rendering::root().join("src"), "src", &mut out);
    out
}

#[test]
fn pages_name_what_there_is() {
    let facts: BTreeSet<String> = facts().into_iter().map(|(_, fact)| fact.name).collect();
    let rules: BTreeSet<&str> = rules::all().map(|rule| rule.name).collect();
    let tests = tests();
    let mut problems = Vec::new();
    for (place, names) in named_in_pages() {
        if names.is_empty() {
            problems.push(format!("{place}: the row names no test"));
        }
        for name in names {
            if !facts.contains(&name) && !rules.contains(&*name) && !tests.contains(&name) {
                problems.push(format!(
                    "{place}: `{name}` is no fact of tests/fixtures/facts, no rule, and no test (`up::name`)"
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_fact_has_a_row() {
    let named: BTreeSet<String> = named_in_pages().into_iter().flat_map(|(_, names)| names).collect();
    let missing: Vec<String> =
        facts().into_iter().map(|(_, fact)| fact.name).filter(|name| !named.contains(name)).collect();
    assert!(
        missing.is_empty(),
        "docs/providers/*.md and docs/talos.md have no row for {}",
        missing.join(", ")
    );
}

#[test]
fn lines_go_with_what_is_nested_below_them() {
    let text =
        "a:\n  # infraflux.io/when: x\n  b:\n    c: 1\n    d: 2\n\n  # about e\n  e: 3\nf:\n  g: 4\nh: 5\n";
    let remove = |line: &str| without(text, &Line::Unique(line.to_owned())).unwrap();
    assert_eq!(remove("b:"), "a:\n\n  # about e\n  e: 3\nf:\n  g: 4\nh: 5\n");
    assert_eq!(
        remove("g: 4"),
        "a:\n  # infraflux.io/when: x\n  b:\n    c: 1\n    d: 2\n\n  # about e\n  e: 3\nh: 5\n"
    );
    assert!(without("a: 1\nb:\n  a: 1\n", &Line::Unique("a: 1".to_owned())).is_err());
    let below = Line::Below { line: "a: 1".to_owned(), below: "b:".to_owned() };
    assert_eq!(without("a: 1\nb:\n  a: 1\n", &below).unwrap(), "a: 1\n");
}
