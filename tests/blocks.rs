//! The blocks of providers: every field is shown in `values.example.yaml`, explained in the README, and lands where it belongs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{
    plans,
    rendering::{self, render},
};
use infraflux::{
    catalog::Catalog, engine::Engine, finding::Severity, plan::Provider, render::variables::block_variables,
};
use serde::Deserialize;
use serde_json::Value;

/// Whether a text has a word, not only as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|sign: char| !sign.is_ascii_alphanumeric()).any(|found| found == word)
}

/// Every field of the block has its last word in the example and in the README.
fn check(provider: Provider) {
    let catalog = Catalog::embedded();
    let example = catalog.get(&format!("clusters/{provider}/values.example.yaml")).unwrap();
    let readme = std::fs::read_to_string(format!("clusters/{provider}/README.md")).unwrap();
    let mut missing = Vec::new();
    for (_, field) in block_variables(provider) {
        let words = field.words();
        let key = words.last().unwrap();
        for (place, text) in [("values.example.yaml", example.text()), ("README.md", &readme)] {
            if !has_word(text, key) {
                missing.push(format!("clusters/{provider}/{place} does not show `{field}`"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn aws_is_shown_and_explained() {
    check(Provider::Aws);
}

#[test]
fn azure_is_shown_and_explained() {
    check(Provider::Azure);
}

#[test]
fn gcp_is_shown_and_explained() {
    check(Provider::Gcp);
}

#[test]
fn proxmox_is_shown_and_explained() {
    check(Provider::Proxmox);
}

/// A field, and where its value is found.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// Its path below the block.
    field: String,
    /// What else is in the plan, with and without it.
    #[serde(default)]
    with: BTreeMap<String, Value>,
    value: Value,
    lands: Vec<Place>,
    /// Kinds of objects that follow from it, and are looked at elsewhere.
    #[serde(default)]
    also: BTreeSet<String>,
}

/// A place in all objects of a kind, or of a role's machine templates.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    kind: String,
    role: Option<String>,
    /// The path of the place.
    at: Option<String>,
    /// What stands there, if not the value itself; `null` for nothing.
    #[serde(default, deserialize_with = "given")]
    gets: Option<Value>,
    /// Instead of `at`, for what is text or lies deep: a part of an object's JSON.
    text: Option<String>,
}

/// A value that is there even when it is `null`.
fn given<'de, De: serde::Deserializer<'de>>(deserializer: De) -> Result<Option<Value>, De::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Place {
    fn is_of(&self, object: &Value) -> bool {
        let is_control_plane = object["metadata"]["name"].as_str().unwrap().contains("-control-plane-");
        object["kind"] == *self.kind
            && self.role.as_deref().is_none_or(|role| (role == "control-plane") == is_control_plane)
    }
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// The paths at which two values differ.
fn differences(before: &Value, after: &Value, path: &str, out: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            for key in keys {
                let side =
                    |object: &serde_json::Map<String, Value>| object.get(key).cloned().unwrap_or_default();
                differences(&side(before), &side(after), &format!("{path}/{key}"), out);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (position, (before, after)) in before.iter().zip(after).enumerate() {
                differences(before, after, &format!("{path}/{position}"), out);
            }
        }
        _ if before != after => out.push(path.to_owned()),
        _ => {}
    }
}

/// Names of templates hold a hash of their content, so they follow every change.
fn follows(path: &str) -> bool {
    ["/metadata/name", "/infrastructureTemplate/name", "/infrastructureRef/name", "/configRef/name"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// What is wrong with where a field lands.
fn problems(engine: &Engine, provider: Provider, row: &Row) -> Vec<String> {
    let mut base = plans::base(provider);
    for (path, value) in &row.with {
        base = plans::set(&base, path, value.clone());
    }
    let edited = plans::set(&base, &format!("spec.{provider}.{}", row.field), row.value.clone());
    let [before, after] = [base, edited].map(|plan| render(engine, "plan", &plans::as_json(&plan), None));
    for rendered in [&before, &after] {
        if rendered.cluster.is_none() {
            return rendered.told(Severity::Error);
        }
    }
    let mut out = Vec::new();
    for place in &row.lands {
        let objects = |rendered: &rendering::Rendered| -> Vec<Value> {
            let objects = rendered.objects.iter().map(|(_, object)| object);
            objects.filter(|object| place.is_of(object)).cloned().collect()
        };
        let (old, new) = (objects(&before), objects(&after));
        if let Some(text) = &place.text {
            let count =
                |objects: &[Value]| objects.iter().filter(|object| plain(object).contains(text)).count();
            if count(&new) <= count(&old) {
                out.push(format!("no {} says `{text}`", place.kind));
            }
            continue;
        }
        let path = pointer(place.at.as_ref().expect("`at` or `text`"));
        let wanted = place.gets.clone().unwrap_or_else(|| row.value.clone());
        if new.is_empty() {
            out.push(format!("there is no {}", place.kind));
        }
        for (object, was) in new.iter().zip(&old) {
            let [found, was] = [object, was].map(|object| object.pointer(&path).cloned().unwrap_or_default());
            if found != wanted || was == wanted {
                out.push(format!("{}{path}: {was} becomes {found}, not {wanted}", place.kind));
            }
        }
    }
    out.extend(elsewhere(&before, &after, row));
    out
}

/// An object's JSON with the texts in it as they read.
fn plain(object: &Value) -> String {
    object.to_string().replace("\\\"", "\"")
}

/// Changes in places that the field's row does not name.
fn elsewhere(before: &rendering::Rendered, after: &rendering::Rendered, row: &Row) -> Vec<String> {
    let by_kind = |rendered: &rendering::Rendered| {
        let mut out: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for (_, object) in &rendered.objects {
            out.entry(object["kind"].as_str().unwrap().to_owned()).or_default().push(object.clone());
        }
        out
    };
    let (before, mut after) = (by_kind(before), by_kind(after));
    let mut out = Vec::new();
    for (kind, old) in before {
        let new = after.remove(&kind).unwrap_or_default();
        if row.also.contains(&kind) {
            if old == new {
                out.push(format!("{kind} does not follow"));
            }
            continue;
        }
        if old.len() != new.len() {
            out.push(format!("{} objects of {kind} become {}", old.len(), new.len()));
        }
        for (old, new) in old.iter().zip(&new) {
            let mut paths = Vec::new();
            differences(old, new, "", &mut paths);
            let named = |path: &str| {
                row.lands.iter().any(|place| {
                    place.is_of(new)
                        && place.at.as_ref().is_none_or(|at| {
                            let at = pointer(at);
                            // A mapping that was not there is one difference with all that is in it.
                            path.starts_with(&at) || at.starts_with(&format!("{path}/"))
                        })
                })
            };
            let strange = paths.iter().filter(|path| !follows(path) && !named(path));
            out.extend(strange.map(|path| format!("{kind}{path} changes as well")));
        }
    }
    out.extend(after.keys().filter(|kind| !row.also.contains(*kind)).map(|kind| format!("{kind} is new")));
    out
}

fn lands(provider: Provider) {
    let path = format!("tests/fixtures/blocks/{provider}.yaml");
    let text = std::fs::read_to_string(rendering::root().join(&path)).unwrap();
    let table: Vec<Row> = serde_yaml::from_str(&text).unwrap();
    // Of a mapping its fields are named.
    let fields: Vec<String> =
        block_variables(provider).iter().map(|(_, field)| field.words()[2..].join(".")).collect();
    let is_leaf = |field: &&String| !fields.iter().any(|other| other.starts_with(&format!("{field}.")));
    let missing: Vec<&String> =
        fields.iter().filter(is_leaf).filter(|field| !table.iter().any(|row| row.field == **field)).collect();
    assert!(missing.is_empty(), "{path} lacks {missing:?}");
    let engine = rendering::engine();
    let wrong: Vec<String> = table
        .iter()
        .flat_map(|row| {
            let problems = problems(&engine, provider, row);
            problems.into_iter().map(|problem| format!("{provider}.{}: {problem}", row.field))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn gcp_lands_where_it_belongs() {
    lands(Provider::Gcp);
}

#[test]
fn proxmox_lands_where_it_belongs() {
    lands(Provider::Proxmox);
}
