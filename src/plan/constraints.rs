//! Limits and forms of a plan's values: what the schema says beside types.
//!
//! serde reads types; that a port is at most 65535 or an AMI looks like `ami-…` stands in the schema of the same types. It
//! is checked here, on the merged tree, so that every door refuses what an API server or an editor would.

use std::{collections::HashMap, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use super::json_schema;
use crate::{
    finding::{Code, Finding, Findings, codes},
    yaml::{Data, Node, Sources, pointer::FieldPath},
};

/// What a value has to keep to.
#[derive(Debug, Default)]
struct Limits {
    minimum: Option<f64>,
    maximum: Option<f64>,
    min_length: Option<usize>,
    max_length: Option<usize>,
    min_items: Option<usize>,
    max_items: Option<usize>,
    form: Option<Form>,
    properties: HashMap<String, Limits>,
    items: Option<Box<Limits>>,
    any_key: Option<Box<Limits>>,
}

#[derive(Debug)]
struct Form {
    pattern: Regex,
    /// A value of this form, for messages.
    example: &'static str,
}

/// A value for each pattern of the plan's types; a test holds the table complete.
const EXAMPLES: &[(&str, &str)] = &[
    (r"^v?1\.[0-9]+(\.[0-9]+)?$", "\"1.36\" or \"1.36.4\""),
    (r"^v?1\.[0-9]+(\.[0-9]+)?(-[a-z]+\.[0-9]+)?$", "v1.13.10"),
    (r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$", "10m or 1h30m"),
    (r"^[a-z]([-a-z0-9]*[a-z0-9])?$", "web-1: lower-case letters, digits and `-`, beginning with a letter"),
    (r"^ami-[0-9a-f]{8,17}$", "ami-0123456789abcdef0"),
    (r"^vpc-[0-9a-f]{8,17}$", "vpc-0123456789abcdef0"),
    (r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$", "11111111-2222-3333-4444-555555555555"),
    (
        r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        "nodes-1: lower-case letters, digits and `-`, beginning with a letter",
    ),
    (r"^https?://.+/api2/json$", "https://pve.example.org:8006/api2/json"),
    (r"^[0-9]+\.[0-9]+\.[0-9]+$", "\"1.13.10\""),
    (
        r"^[A-Za-z0-9_().-]*[A-Za-z0-9_()-]$",
        "prod-eu: letters, digits, `_`, `-`, `.` and parentheses, without a `.` at the end",
    ),
    (r"^([a-z0-9.]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$", "my-project"),
];

static SPEC: LazyLock<Limits> = LazyLock::new(|| compile(json_schema::cluster_spec()));

fn compile(schema: &Value) -> Limits {
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let count =
        |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|count| usize::try_from(count).ok());
    let form = schema.get("pattern").and_then(Value::as_str).and_then(|pattern| {
        let example = EXAMPLES.iter().find(|(known, _)| *known == pattern).map_or("", |(_, example)| example);
        Some(Form { pattern: Regex::new(pattern).ok()?, example })
    });
    let nested =
        |key: &str| schema.get(key).filter(|value| value.is_object()).map(|value| Box::new(compile(value)));
    Limits {
        minimum: number("minimum"),
        maximum: number("maximum"),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        form,
        properties: json_schema::properties(schema)
            .into_iter()
            .flatten()
            .map(|(key, schema)| (key.clone(), compile(schema)))
            .collect(),
        items: nested("items"),
        any_key: nested("additionalProperties"),
    }
}

/// Everything in a merged `spec` that is of the right type and outside of its limits.
#[must_use]
pub(super) fn check(spec: &Node, path: &FieldPath, sources: &Sources) -> Findings {
    let mut check = Check { sources, findings: Findings::new(), path: path.clone() };
    check.node(spec, &SPEC);
    check.findings
}

struct Check<'sources> {
    sources: &'sources Sources,
    findings: Findings,
    path: FieldPath,
}

impl Check<'_> {
    fn node(&mut self, node: &Node, limits: &Limits) {
        match &node.data {
            Data::Number(number) => self.number(node, number.as_f64().unwrap_or(0.0), limits),
            Data::String(text) => self.text(node, text, limits),
            Data::Sequence(items) => {
                self.length(node, items.len(), (limits.min_items, limits.max_items), "entries");
                if let Some(limits) = &limits.items {
                    for (position, item) in items.iter().enumerate() {
                        self.path.push_index(position);
                        self.node(item, limits);
                        self.path.pop();
                    }
                }
            }
            Data::Mapping(mapping) => {
                for entry in &mapping.entries {
                    let limits = limits.properties.get(&*entry.key).or(limits.any_key.as_deref());
                    if let Some(limits) = limits {
                        self.path.push_key(&*entry.key);
                        self.node(&entry.value, limits);
                        self.path.pop();
                    }
                }
            }
            Data::Null | Data::Bool(_) => {}
        }
    }

    fn report(&mut self, node: &Node, code: &'static Code, message: String, hint: impl Into<String>) {
        self.findings.push(
            Finding::error(code, message)
                .field(self.path.clone())
                .at(self.sources.locate(node.place))
                .hint(hint),
        );
    }

    fn number(&mut self, node: &Node, number: f64, limits: &Limits) {
        let name = self.name();
        let below = limits.minimum.is_some_and(|minimum| number < minimum);
        let above = limits.maximum.is_some_and(|maximum| number > maximum);
        if below || above {
            let hint = match (limits.minimum, limits.maximum) {
                (Some(minimum), Some(maximum)) => format!("it takes {minimum} to {maximum}"),
                (Some(minimum), None) => format!("it takes {minimum} or more"),
                (_, maximum) => format!("it takes at most {}", maximum.unwrap_or_default()),
            };
            let word = if below { "too small" } else { "too large" };
            self.report(node, &codes::PLAN_RANGE, format!("{number} is {word} for `{name}`"), hint);
        }
    }

    fn text(&mut self, node: &Node, text: &str, limits: &Limits) {
        let name = self.name();
        if self.length(node, text.chars().count(), (limits.min_length, limits.max_length), "characters") {
            return;
        }
        if let Some(form) = limits.form.as_ref().filter(|form| !form.pattern.is_match(text)) {
            let shown: String = text.chars().take(60).collect();
            self.report(
                node,
                &codes::PLAN_FORM,
                format!("`{shown}` does not have the form of `{name}`"),
                format!("write it like {}", form.example),
            );
        }
    }

    fn length(
        &mut self,
        node: &Node,
        has: usize,
        limits: (Option<usize>, Option<usize>),
        what: &str,
    ) -> bool {
        let name = self.name();
        let (least, most) = (limits.0.unwrap_or(0), limits.1.unwrap_or(usize::MAX));
        if (least..=most).contains(&has) {
            return false;
        }
        if has < least {
            let message = if has == 0 {
                format!("`{name}` is empty")
            } else {
                format!("`{name}` has only {has} {what}")
            };
            let wanted = match (least, what) {
                (1, "entries") => "one entry or more".to_owned(),
                (1, _) => "a value".to_owned(),
                (least, what) => format!("at least {least} {what}"),
            };
            let hint = format!("give it {wanted}, or leave the field out to get its default");
            self.report(node, &codes::PLAN_LENGTH, message, hint);
        } else {
            self.report(
                node,
                &codes::PLAN_LENGTH,
                format!("`{name}` has {has} {what}, at most {most} are possible"),
                "shorten it",
            );
        }
        true
    }

    /// The last key of the path, which is how people call a field.
    fn name(&self) -> String {
        let key = self.path.steps().iter().rev().find_map(|step| match step {
            crate::yaml::pointer::Step::Key(key) => Some(key.clone()),
            crate::yaml::pointer::Step::Index(_) => None,
        });
        key.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::{EXAMPLES, json_schema};

    fn patterns(schema: &Value, out: &mut Vec<String>) {
        match schema {
            Value::Object(object) => {
                if let Some(Value::String(pattern)) = object.get("pattern") {
                    out.push(pattern.clone());
                }
                object.values().for_each(|value| patterns(value, out));
            }
            Value::Array(items) => items.iter().for_each(|value| patterns(value, out)),
            _ => {}
        }
    }

    #[test]
    fn every_pattern_has_an_example_that_fits() {
        let mut all = Vec::new();
        patterns(json_schema::cluster_spec(), &mut all);
        assert!(all.len() > 5, "the schema has no patterns any more");
        for pattern in all {
            let example = EXAMPLES.iter().find(|(known, _)| *known == pattern).map(|(_, example)| *example);
            let first =
                example.and_then(|text| text.split(' ').next()).map(|text| text.trim_matches([':', '"']));
            let fits =
                first.is_some_and(|text| regex::Regex::new(&pattern).is_ok_and(|regex| regex.is_match(text)));
            assert!(fits, "`{pattern}` has no example, or one that does not fit: {example:?}");
        }
    }
}
