//! The reference of plans: every field with its type, default and meaning, made from the types and the layers.

use std::{fmt::Write as _, sync::LazyLock};

use serde_json::Value;

use super::{
    json_schema::{self, Kind},
    read::DEFAULTS,
};
use crate::yaml::{Limits, Source, Sources, read, scalar::Schema};

/// A field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its path; `[]` stands for each entry of a list, `<name>` for each key of a mapping.
    pub path: String,
    /// What it holds, in words, with its limits.
    pub kind: String,
    /// Its value when nobody gives one; empty when there is none.
    pub default: String,
    /// What it means.
    pub description: String,
}

/// Defaults that are decided when a plan is resolved, because they depend on the provider, the profile or other fields. A
/// test (tests/fields.rs) resolves plans and compares.
pub const DECIDED: &[(&str, &str)] = &[
    ("spec.namespace", "the cluster's name"),
    ("spec.kubernetesVersion", "the profile's"),
    ("spec.region", "an example, to be replaced"),
    ("spec.talos.version", "the profile's newest"),
    ("spec.talos.secureBoot", "false"),
    ("spec.network.endpoint.port", "6443"),
    ("spec.workers", "[{name: default}]"),
    ("spec.workers[].replicas", "2"),
    ("spec.controlPlane.cpu", "4"),
    ("spec.controlPlane.memoryGiB", "8"),
    ("spec.controlPlane.diskGiB", "40, on Proxmox 80"),
    ("spec.controlPlane.rollout.type", "RollingUpdate"),
    ("spec.controlPlane.rollout.maxSurge", "1"),
    ("spec.controlPlane.healthCheck.nodeStartupTimeoutSeconds", "900, on Proxmox 1200"),
    ("spec.controlPlane.healthCheck.unhealthyTimeoutSeconds", "300"),
    ("spec.controlPlane.healthCheck.unhealthyLessThanOrEqualTo", "40%, below 3 machines 1"),
    ("spec.workers[].cpu", "4"),
    ("spec.workers[].memoryGiB", "8"),
    ("spec.workers[].diskGiB", "40, on Proxmox 80"),
    ("spec.workers[].rollout.type", "RollingUpdate"),
    ("spec.workers[].rollout.maxSurge", "1"),
    ("spec.workers[].rollout.maxUnavailable", "0"),
    ("spec.workers[].healthCheck.enabled", "true"),
    ("spec.workers[].healthCheck.nodeStartupTimeoutSeconds", "900, on Proxmox 1200"),
    ("spec.workers[].healthCheck.unhealthyTimeoutSeconds", "300"),
    ("spec.workers[].healthCheck.unhealthyLessThanOrEqualTo", "40%, below 3 machines 1"),
];

/// The built-in defaults as a tree.
static BUILT_IN: LazyLock<Value> = LazyLock::new(|| {
    let mut sources = Sources::new();
    let id = sources.add(Source::new("built-in defaults", DEFAULTS));
    read(&sources, id, Schema::Core, Limits::PLAN)
        .ok()
        .and_then(|mut documents| documents.pop())
        .map_or(Value::Null, |document| document.root.to_value())
});

/// Every field of a kind, in the order of the types. A fleet's fields that are those of a cluster stand there once.
#[must_use]
pub fn fields(kind: Kind) -> Vec<Field> {
    let mut out = Vec::new();
    match kind {
        Kind::ClusterPlan => walk(json_schema::cluster_spec(), "spec", &mut out),
        Kind::Admission => walk(&json_schema::admission_spec(), "spec", &mut out),
        Kind::FleetPlan => {
            let row = |path: &str, kind: &str, description: &str| Field {
                path: path.to_owned(),
                kind: kind.to_owned(),
                default: String::new(),
                description: description.to_owned(),
            };
            out.push(row(
                "spec.defaults",
                "mapping",
                "What all clusters share: any fields of a ClusterPlan's `spec`.",
            ));
            out.push(row(
                "spec.classes.<name>",
                "mapping",
                "A named set of fields that clusters choose: any fields of a ClusterPlan's `spec`.",
            ));
            out.push(row("spec.clusters", "list of mappings, required", "The clusters."));
            out.push(row(
                "spec.clusters[].name",
                "text, 1 to 32 characters, required",
                "The cluster's name: a DNS label of at most 32 characters.",
            ));
            out.push(row("spec.clusters[].class", "text", "One class; the same as `classes` with one name."));
            out.push(row(
                "spec.clusters[].classes",
                "list of texts",
                "Names of classes in order, later wins.",
            ));
            out.push(row(
                "spec.clusters[].<field>",
                "any",
                "Any field of a ClusterPlan's `spec`, for this cluster alone. `null` deletes what a lower layer says.",
            ));
        }
    }
    out
}

fn walk(schema: &Value, path: &str, out: &mut Vec<Field>) {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (key, property) in json_schema::properties(schema).into_iter().flatten() {
        let path = format!("{path}.{key}");
        let mut kind = words(property);
        if required.contains(&key.as_str()) {
            kind.push_str(", required");
        }
        out.push(Field {
            default: default(&path),
            kind,
            description: property.get("description").and_then(Value::as_str).unwrap_or_default().to_owned(),
            path: path.clone(),
        });
        walk(property, &path, out);
        if let Some(items) = property.get("items") {
            walk(items, &format!("{path}[]"), out);
        }
    }
}

fn default(path: &str) -> String {
    if let Some((_, text)) = DECIDED.iter().find(|(known, _)| *known == path) {
        return (*text).to_owned();
    }
    match path.split('.').try_fold(&*BUILT_IN, |value, key| value.get(key)) {
        None | Some(Value::Object(_) | Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect();
            format!("[{}]", items.join(", "))
        }
        Some(other) => other.to_string(),
    }
}

/// What a schema holds, in words.
fn words(schema: &Value) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> =
            values.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
        return values.join(", ");
    }
    if let Some(editor) = schema.get("x-editor") {
        return either(editor);
    }
    if schema.get("x-kubernetes-int-or-string").is_some() {
        return "number or percentage".to_owned();
    }
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let limits = |least: Option<f64>, most: Option<f64>, unit: &str| match (least, most) {
        (Some(least), Some(most)) => format!(", {least} to {most}{unit}"),
        (Some(least), None) if least > 0.0 => format!(", at least {least}{unit}"),
        (None, Some(most)) => format!(", at most {most}{unit}"),
        _ => String::new(),
    };
    let name = schema.get("type").map(|kind| match kind {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
        other => other.as_str().unwrap_or_default().to_owned(),
    });
    match name.as_deref() {
        Some("string") => {
            // That a text is not empty goes without saying.
            let least = number("minLength").filter(|least| *least > 1.0);
            format!("text{}", limits(least, number("maxLength"), " characters"))
        }
        Some("integer") => format!("integer{}", limits(number("minimum"), number("maximum"), "")),
        Some("boolean") => "true or false".to_owned(),
        Some("array") => {
            let items =
                schema.get("items").map_or_else(|| "values".to_owned(), |items| plural(&words(items)));
            format!("list of {items}{}", limits(number("minItems"), number("maxItems"), " entries"))
        }
        Some("object") => match schema.get("additionalProperties").filter(|extra| extra.is_object()) {
            Some(extra) => format!("mapping of {}", plural(&words(extra))),
            None => "mapping".to_owned(),
        },
        _ => "any".to_owned(),
    }
}

fn either(editor: &Value) -> String {
    if editor.get("type").and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&"number".into())) {
        return "scalar".to_owned();
    }
    let kinds: Vec<String> = match editor.get("anyOf").and_then(Value::as_array) {
        Some(choices) => choices.iter().map(words).collect(),
        None => match editor.get("type") {
            Some(Value::Array(kinds)) => kinds
                .iter()
                .filter_map(Value::as_str)
                .filter(|kind| *kind != "null")
                .map(|kind| words(&serde_json::json!({"type": kind})))
                .collect(),
            _ => vec![words(editor)],
        },
    };
    let kinds: Vec<&str> = kinds.iter().filter_map(|kind| kind.split(',').next()).collect();
    kinds.join(" or ")
}

fn plural(words: &str) -> String {
    match words.split_once(',') {
        _ if words.starts_with('`') => words.replace(", ", " or "),
        Some((first, _)) => format!("{first}s"),
        None if words.contains(" or ") => words.replace(" or ", "s or ") + "s",
        None => format!("{words}s"),
    }
}

/// The fields as text for a terminal of some width.
#[must_use]
pub fn text(fields: &[Field], width: usize) -> String {
    let mut out = String::new();
    for field in fields {
        // Writing to a String cannot fail.
        let _ = write!(out, "{}  ({})", field.path, field.kind);
        if !field.default.is_empty() {
            let _ = write!(out, "  default: {}", field.default);
        }
        out.push('\n');
        let mut line = String::new();
        for word in field.description.split(' ') {
            if line.len() + word.len() + 5 > width && !line.is_empty() {
                let _ = writeln!(out, "    {line}");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            let _ = writeln!(out, "    {line}");
        }
    }
    out
}

/// The page `docs/plan.md`.
#[must_use]
pub fn page() -> String {
    let mut out = String::from(PAGE_HEAD);
    let fields = fields(Kind::ClusterPlan);
    let depth = |field: &Field| field.path.matches('.').count();
    let top: Vec<Field> = fields.iter().filter(|field| depth(field) == 1).cloned().collect();
    out.push_str("\n## spec\n\n");
    table(&top, &mut out);
    for section in &top {
        let prefixes = [format!("{}.", section.path), format!("{}[]", section.path)];
        let inside: Vec<Field> = fields
            .iter()
            .filter(|field| prefixes.iter().any(|prefix| field.path.starts_with(prefix.as_str())))
            .cloned()
            .collect();
        if !inside.is_empty() {
            let _ = write!(out, "\n## {}\n\n{}\n\n", section.path, section.description);
            table(&inside, &mut out);
        }
    }
    out.push_str("\n## FleetPlan\n\nThe layers and an example are on the page [Fleets](fleets.md).\n\n");
    table(&self::fields(Kind::FleetPlan), &mut out);
    out.push_str("\n## Admission\n\n");
    table(&self::fields(Kind::Admission), &mut out);
    out
}

const PAGE_HEAD: &str = "\
<!-- Generated from the types by tests/fn_config.rs; change those and run it with INFRAFLUX_UPDATE=1. -->
# Plan reference

A `ClusterPlan` describes one cluster, a `FleetPlan` many. Every field may be left out unless it says `required`: layers below
give it. Later layers win: built-in defaults, `clusters/<provider>/values.example.yaml`, the plan (in a fleet: defaults,
classes in order, the cluster), `--values` files in order, flags. Mappings merge, lists replace, `null` deletes, and
`spec.workers` merges by `name`.

`infraflux schema` prints this page in a terminal, `--format json-schema` a schema for editors, `--format crd` a
CustomResourceDefinition. All of them are in `fn-config/`.
";

fn table(fields: &[Field], out: &mut String) {
    out.push_str("| field | type | default | meaning |\n|---|---|---|---|\n");
    for field in fields {
        // In code `<` stands for itself; a `|` would end the cell even there.
        let cell = |text: &str| {
            let parts = text.split('`').enumerate().map(|(position, part)| {
                let part = part.replace('|', "\\|");
                if position % 2 == 0 { part.replace('<', "&lt;") } else { part }
            });
            parts.collect::<Vec<_>>().join("`")
        };
        // Words are words, values are code.
        let is_value = field.default.starts_with('[') || !field.default.contains([' ', '\'']);
        let default = match field.default.as_str() {
            text if text.is_empty() || !is_value => text.to_owned(),
            text => format!("`{text}`"),
        };
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            field.path,
            cell(&field.kind),
            default,
            cell(&field.description)
        );
    }
}
