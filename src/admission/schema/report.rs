//! What was checked, and what was not.

use std::collections::BTreeMap;

use super::Schemas;
use crate::{
    admission::{Violation, cel::Unchecked},
    finding::{Finding, Findings, ObjectRef, codes, suggest},
};

/// What came of checking objects.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// How many objects were looked at.
    pub objects: u64,
    /// How many of them have a schema.
    pub by_schema: u64,
    /// How many CEL rules were evaluated.
    pub rules: u64,
    /// Kinds without a schema, by `apiVersion` and kind.
    pub kinds: BTreeMap<(String, String), UncheckedKind>,
    /// Rules that were not evaluated, by kind and rule.
    pub unchecked_rules: BTreeMap<(String, String), UncheckedRule>,
    /// Parts of schemas that cannot be checked, by kind and problem, with the first object of that kind.
    pub partly: BTreeMap<(String, String), ObjectRef>,
    /// Values that are known only later: variables that Flux fills, and what SOPS encrypts.
    pub filled_later: u64,
    /// Objects whose rules were not evaluated because their fields are wrong already.
    pub held_back: u64,
}

/// A kind without a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UncheckedKind {
    /// The first object of it.
    pub first: ObjectRef,
    /// How many objects there are.
    pub objects: u64,
    /// Which schema is missing.
    pub why: String,
}

/// A rule that was not evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UncheckedRule {
    /// The first object that it was not evaluated for.
    pub first: ObjectRef,
    /// For how many objects.
    pub objects: u64,
    /// Why.
    pub why: Unchecked,
}

impl Report {
    /// Joins what came of other objects.
    pub fn merge(&mut self, other: Self) {
        self.violations.extend(other.violations);
        self.objects += other.objects;
        self.by_schema += other.by_schema;
        self.rules += other.rules;
        self.held_back += other.held_back;
        self.filled_later += other.filled_later;
        for (key, first) in other.partly {
            self.partly.entry(key).or_insert(first);
        }
        for (key, kind) in other.kinds {
            self.kinds.entry(key).and_modify(|known| known.objects += kind.objects).or_insert(kind);
        }
        for (key, rule) in other.unchecked_rules {
            self.unchecked_rules.entry(key).and_modify(|known| known.objects += rule.objects).or_insert(rule);
        }
    }

    pub(super) fn without_schema(&mut self, object: &ObjectRef, why: impl FnOnce() -> String) {
        self.kinds
            .entry((object.api_version.clone(), object.kind.clone()))
            .and_modify(|known| known.objects += 1)
            .or_insert_with(|| UncheckedKind { first: object.clone(), objects: 1, why: why() });
    }

    pub(super) fn without_rule(&mut self, object: &ObjectRef, rule: String, why: Unchecked) {
        let kind = format!("{} {}", object.api_version, object.kind);
        self.unchecked_rules
            .entry((kind, rule))
            .and_modify(|known| known.objects += 1)
            .or_insert_with(|| UncheckedRule { first: object.clone(), objects: 1, why });
    }

    pub(super) fn partly(&mut self, object: &ObjectRef, problems: &[String]) {
        for problem in problems {
            let kind = format!("{} {}", object.api_version, object.kind);
            self.partly.entry((kind, problem.clone())).or_insert_with(|| object.clone());
        }
    }

    /// What was not checked, as warnings about the first object of each kind; nothing about kinds without a schema when no
    /// CRDs are there at all, because then one line says so.
    #[must_use]
    pub fn findings(&self, schemas: &Schemas) -> Findings {
        let objects =
            |count: u64| if count == 1 { "1 object".to_owned() } else { format!("{count} objects") };
        let mut findings = Findings::new();
        for ((api_version, kind), unchecked) in &self.kinds {
            if schemas.is_empty() {
                continue;
            }
            let message =
                format!("no schema for {api_version} {kind}: {} not checked", objects(unchecked.objects));
            findings.push(
                Finding::warning(&codes::SCHEMA_NONE, message)
                    .object(unchecked.first.clone())
                    .hint(unchecked.why.clone()),
            );
        }
        for ((kind, rule), unchecked) in &self.unchecked_rules {
            let message = format!(
                "the rule `{rule}` of {kind} was not checked for {}: {}",
                objects(unchecked.objects),
                unchecked.why
            );
            findings
                .push(Finding::warning(&codes::CEL_UNCHECKED, message).object(unchecked.first.clone()).hint(
                "the API server may still refuse the object; try it with `kubectl apply --dry-run=server`",
            ));
        }
        for ((kind, problem), first) in &self.partly {
            let message = format!("a part of the schema of {kind} is not checked, {problem}");
            findings.push(Finding::warning(&codes::SCHEMA_PARTLY, message).object(first.clone()));
        }
        findings
    }

    /// One line that says what was checked and what was not.
    #[must_use]
    pub fn summary(&self) -> String {
        let count =
            |count: u64, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let mut line = format!(
            "{}: {} by schema, {}",
            count(self.objects, "object", "objects"),
            self.by_schema,
            count(self.rules, "CEL rule", "CEL rules")
        );
        let mut not = Vec::new();
        if !self.kinds.is_empty() {
            let objects = self.kinds.values().map(|kind| kind.objects).sum();
            let names: Vec<&str> = self.kinds.keys().map(|(_, kind)| &**kind).collect();
            let listed = suggest::list(&names[..names.len().min(4)], "and").replace('`', "");
            let more = if names.len() > 4 { format!(" and {} more", names.len() - 4) } else { String::new() };
            not.push(format!(
                "{} of {} without a schema ({listed}{more})",
                count(objects, "object", "objects"),
                count(self.kinds.len() as u64, "kind", "kinds")
            ));
        }
        if !self.unchecked_rules.is_empty() {
            not.push(count(
                self.unchecked_rules.len() as u64,
                "CEL rule that cannot be run here",
                "CEL rules that cannot be run here",
            ));
        }
        if self.filled_later > 0 {
            not.push(count(
                self.filled_later,
                "value that Flux or SOPS fills in later",
                "values that Flux or SOPS fill in later",
            ));
        }
        if self.held_back > 0 {
            not.push(format!(
                "the CEL rules of {} whose fields are wrong or filled in later",
                count(self.held_back, "object", "objects")
            ));
        }
        if !not.is_empty() {
            line.push_str("; not checked: ");
            line.push_str(&not.join(", "));
        }
        line
    }
}
