//! All schemas of a run.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use super::{
    builtin,
    compile::{Compiled, Dialect, compile},
    crd::Crd,
    default::completed,
    metadata,
    node::Tree,
    report::Report,
    walk,
};
use crate::{
    admission::{Object, Objects, Violation, cel},
    finding::{Severity, codes, suggest},
    yaml::pointer::FieldPath,
};

/// The schemas of CRDs and of Kubernetes' own kinds, compiled at first use.
#[derive(Debug, Default, Clone)]
pub struct Schemas {
    kinds: HashMap<String, BTreeMap<String, Arc<Custom>>>,
    count: usize,
}

#[derive(Debug)]
struct Custom {
    crd: Crd,
    compiled: Vec<OnceLock<Compiled>>,
}

/// A schema that was found for an object.
struct Found<'schemas> {
    compiled: &'schemas Compiled,
    namespaced: bool,
}

/// How strictly objects are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// What an object without a namespace is, if its kind has one; `None` says nothing. Rendered objects name theirs; in
    /// foreign manifests it is often given to the client.
    pub no_namespace: Option<Severity>,
}

impl Default for Check {
    fn default() -> Self {
        Self { no_namespace: Some(Severity::Error) }
    }
}

impl Schemas {
    /// The schemas of Kubernetes' own kinds only.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a CRD in. Of two for one kind the later one counts: a project's own comes after its defaults.
    pub fn add(&mut self, crd: Crd) {
        let compiled = crd.versions.iter().map(|_| OnceLock::new()).collect();
        let (group, kind) = (crd.group.clone(), crd.kind.clone());
        let old = self.kinds.entry(group).or_default().insert(kind, Arc::new(Custom { crd, compiled }));
        if old.is_none() {
            self.count += 1;
        }
    }

    /// How many CRDs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no CRDs, so that only Kubernetes' own kinds can be checked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All CRDs, by group and kind.
    #[must_use]
    pub fn crds(&self) -> Vec<&Crd> {
        let groups: BTreeMap<&String, _> = self.kinds.iter().collect();
        groups.into_values().flat_map(|kinds| kinds.values().map(|custom| &custom.crd)).collect()
    }

    /// The CRD of a group and kind.
    #[must_use]
    pub fn crd(&self, group: &str, kind: &str) -> Option<&Crd> {
        self.kinds.get(group)?.get(kind).map(|custom| &custom.crd)
    }

    /// Whether there is a schema for this group and kind in any version.
    #[must_use]
    pub fn knows(&self, group: &str, kind: &str) -> bool {
        self.crd(group, kind).is_some() || builtin::has(group, kind)
    }

    /// What could not be compiled of the schema of an API version and kind: each with its place in the schema.
    #[must_use]
    pub fn problems(&self, api_version: &str, kind: &str) -> Vec<String> {
        let mut out = Vec::new();
        if let Some(compiled) = self.compiled(api_version, kind) {
            out.extend(compiled.problems.iter().cloned());
            let rules = compiled.tree.nodes().iter().flat_map(|node| &node.rules);
            out.extend(rules.filter_map(|rule| {
                rule.unchecked().map(|why| format!("the rule `{}` is not checked: {why}", rule.short()))
            }));
        }
        out
    }

    /// How many CEL rules the schema of an API version and kind has.
    #[must_use]
    pub fn rules(&self, api_version: &str, kind: &str) -> usize {
        self.compiled(api_version, kind)
            .map_or(0, |compiled| compiled.tree.nodes().iter().map(|node| node.rules.len()).sum())
    }

    fn compiled(&self, api_version: &str, kind: &str) -> Option<&Compiled> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        if let Some(custom) = self.kinds.get(group).and_then(|kinds| kinds.get(kind)) {
            let index = custom.crd.versions.iter().position(|known| known.name == version)?;
            return custom.version(index);
        }
        builtin::find(group, version, kind).map(builtin::Builtin::compiled)
    }

    /// Checks objects; `previous` is what is there already, for rules about changes.
    #[must_use]
    pub fn check(&self, objects: &Objects, previous: &Objects, check: Check) -> Report {
        let before: HashMap<_, &Object> = previous.iter().map(|object| (identity(object), object)).collect();
        let mut report = Report::default();
        for object in objects {
            let before = before.get(&identity(object)).copied();
            self.check_object(object, before, check, &mut report);
        }
        report
    }

    /// Checks one object against the schema and the CEL rules of its kind.
    pub fn check_object(
        &self,
        object: &Object,
        previous: Option<&Object>,
        check: Check,
        report: &mut Report,
    ) {
        report.objects += 1;
        let mut violations = Vec::new();
        let found = self.find(object, &mut violations, report);
        if let Some(found) = found {
            report.by_schema += 1;
            let tree = &found.compiled.tree;
            report.partly(&object.id, &found.compiled.problems);
            let whole = completed(tree, Tree::ROOT, &object.value);
            let value = whole.as_ref().unwrap_or(&object.value);
            violations.extend(metadata::check(object, found.namespaced, check));
            violations.extend(walk::check(tree, object, value));
            if violations.iter().any(|violation| violation.severity == Severity::Error) {
                if tree.node(Tree::ROOT).has_rules {
                    report.held_back += 1;
                }
            } else {
                let old =
                    previous.filter(|old| old.id.api_version == object.id.api_version).map(|old| &old.value);
                let whole_old = old.and_then(|old| completed(tree, Tree::ROOT, old));
                let judged = cel::judge(tree, object, value, whole_old.as_ref().or(old));
                violations.extend(judged.violations);
                report.rules += judged.rules;
                for (rule, why) in judged.unchecked {
                    report.without_rule(&object.id, rule, why);
                }
            }
        } else if violations.is_empty() {
            // Names and labels are the same for all kinds.
            violations.extend(metadata::check_unknown(object));
        }
        report.violations.extend(violations);
    }

    fn find(
        &self,
        object: &Object,
        violations: &mut Vec<Violation>,
        report: &mut Report,
    ) -> Option<Found<'_>> {
        let (group, version, kind) = (object.group(), object.version(), &*object.id.kind);
        if let Some(custom) = self.kinds.get(group).and_then(|kinds| kinds.get(kind)) {
            return custom.find(object, violations, report);
        }
        if let Some(kind) = builtin::find(group, version, kind) {
            return Some(Found { compiled: kind.compiled(), namespaced: kind.namespaced });
        }
        let others = builtin::versions(group, kind);
        if !others.is_empty() {
            let message =
                format!("Kubernetes {} has no {kind} in `{}`", builtin::KUBERNETES, object.id.api_version);
            violations.push(
                Violation::error(&codes::SCHEMA_VERSION, object, FieldPath::of(["apiVersion"]), message)
                    .hint(format!("it has {}", suggest::list(&others, "and"))),
            );
            return None;
        }
        report.without_schema(&object.id, || self.missing(group, kind));
        None
    }

    /// Which schema would be needed.
    fn missing(&self, group: &str, kind: &str) -> String {
        let known: Vec<&str> = match self.kinds.get(group) {
            Some(kinds) => kinds.keys().map(String::as_str).collect(),
            None => builtin::kinds(group),
        };
        let near = suggest::nearest(kind, known.iter().copied());
        if !near.is_empty() && !known.is_empty() {
            return format!(
                "the known kinds of the group `{group}` do not include it; did you mean {}?",
                suggest::list(&near, "or")
            );
        }
        if self.kinds.contains_key(group) {
            return format!("the CRD of {kind} is missing among those of `{group}`; give it with `--crds`");
        }
        if group.is_empty() || !group.contains('.') {
            return format!("Kubernetes' own kinds that are checked here do not include {kind}");
        }
        format!("no CRD of the group `{group}` is there; give the one of {kind} with `--crds`")
    }
}

impl Custom {
    fn version(&self, index: usize) -> Option<&Compiled> {
        let schema = self.crd.versions.get(index)?.schema.as_ref()?;
        self.compiled.get(index).map(|slot| slot.get_or_init(|| compile(schema, Dialect::Structural)))
    }

    fn find(
        &self,
        object: &Object,
        violations: &mut Vec<Violation>,
        report: &mut Report,
    ) -> Option<Found<'_>> {
        let (version, kind) = (object.version(), &object.id.kind);
        let served = self.crd.served();
        let list = suggest::list(&served, "and");
        let path = FieldPath::of(["apiVersion"]);
        let index = self.crd.versions.iter().position(|known| known.name == version);
        let Some((index, known)) = index.and_then(|index| Some((index, self.crd.versions.get(index)?)))
        else {
            let message = format!("{kind} has no version `{version}`");
            violations.push(
                Violation::error(&codes::SCHEMA_VERSION, object, path, message)
                    .hint(format!("served are {list}, by the CRD `{}`", self.crd.name)),
            );
            return None;
        };
        if !known.served {
            let message = format!("the version `{version}` of {kind} is not served");
            violations.push(
                Violation::error(&codes::SCHEMA_VERSION, object, path.clone(), message)
                    .hint(format!("served are {list}, by the CRD `{}`; fields may differ", self.crd.name)),
            );
        }
        if let Some(warning) = known.deprecated.as_ref().filter(|_| known.served) {
            let message = format!("the version `{version}` of {kind} is deprecated");
            let newest = self.crd.versions.iter().find(|version| version.storage && version.served);
            let hint = match newest {
                _ if !warning.is_empty() => warning.clone(),
                Some(newest) => format!("the version that is stored is `{}`", newest.name),
                None => format!("served are {list}"),
            };
            violations.push(
                Violation::error(&codes::SCHEMA_DEPRECATED, object, path, message)
                    .severity(Severity::Warning)
                    .hint(hint),
            );
        }
        let Some(compiled) = self.version(index) else {
            report.without_schema(&object.id, || format!("the CRD `{}` has no schema for it", self.crd.name));
            return None;
        };
        Some(Found { compiled, namespaced: self.crd.namespaced })
    }
}

fn identity(object: &Object) -> (&str, &str, Option<&str>, &str) {
    (object.group(), &object.id.kind, object.id.namespace.as_deref(), &object.id.name)
}

/// Compiled schemas are shared by the threads of a fleet.
const _: () = {
    const fn shared<Type: Send + Sync>() {}
    shared::<Schemas>();
};
