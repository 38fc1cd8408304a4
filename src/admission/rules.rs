//! Rules that stand in no schema: those of admission webhooks and controllers, and references.
//!
//! Each provider is a file with a table of [`Rule`]s and the functions that check them. A rule says where it was
//! read (repository and path), so that it can be read again when the provider changes. Adding a rule is a row, a
//! function and two fixtures in `tests/fixtures/rules/<provider>/<rule>/`.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use serde_json::Value;

use crate::{
    finding::{Code, Severity, suggest},
    yaml::pointer::FieldPath,
};

use super::{Object, Objects, Violation};

pub(in crate::admission) mod address;
mod aws;
mod azure;
mod core;
mod externals;
mod field;
mod gcp;
mod identity;
mod ipam;
pub(in crate::admission) mod label;
mod machine_template;
mod proxmox;
mod references;
mod set;
mod talos;
mod version;

pub use externals::{External, Externals};
pub use references::{Form, Home, Reference, Shape, fields as reference_fields};
pub use set::Set;

/// A kind of object, whatever its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    /// The API group; empty for the core group of Kubernetes.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
}

impl Kind {
    const fn new(group: &'static str, kind: &'static str) -> Self {
        Self { group, kind }
    }

    fn matches(self, object: &Object) -> bool {
        object.is(self.group, self.kind)
    }
}

/// One rule.
pub struct Rule {
    /// Provider and rule, for instance `aws/template-fields`; also the folder of its fixtures.
    pub name: &'static str,
    /// The code of its violations. Rules that a user would see as one problem share a code.
    pub code: &'static Code,
    /// The kinds that it looks at; empty means all.
    pub kinds: &'static [Kind],
    /// What it means, in a sentence or two.
    pub meaning: &'static str,
    /// Where it was read: repository and path.
    pub source: &'static str,
    /// The check itself.
    pub check: fn(&Context<'_>) -> Vec<Violation>,
}

/// What a rule may look at.
pub struct Context<'set> {
    rule: &'static Rule,
    /// The object under check.
    pub object: &'set Object,
    /// All objects that are there, and what is declared to be elsewhere.
    pub set: &'set Set<'set>,
    /// The object of the same identity in the render before this one, if there was one.
    pub previous: Option<&'set Object>,
}

/// A place in an object, as rules write it: a [`FieldPath`] or its text.
pub(crate) trait Spot {
    /// The path.
    fn path(self) -> FieldPath;
}

impl Spot for &str {
    fn path(self) -> FieldPath {
        FieldPath::parse(self).unwrap_or_default()
    }
}

impl Spot for FieldPath {
    fn path(self) -> FieldPath {
        self
    }
}

impl Context<'_> {
    fn error(&self, spot: impl Spot, message: impl Into<String>) -> Violation {
        Violation::error(self.rule.code, self.object, spot.path(), message).source(self.rule.source)
    }

    fn warning(&self, spot: impl Spot, message: impl Into<String>) -> Violation {
        self.error(spot, message).severity(Severity::Warning)
    }
}

/// What was changed between two specs of an immutable template; the message names the first fields that differ.
fn template_changed(context: &Context<'_>, path: &str, old: &Value, new: &Value) -> Vec<Violation> {
    if old == new {
        return Vec::new();
    }
    let keys: BTreeSet<&String> =
        [old, new].into_iter().filter_map(Value::as_object).flat_map(serde_json::Map::keys).collect();
    let differ: Vec<&str> =
        keys.into_iter().filter(|key| old.get(*key) != new.get(*key)).map(String::as_str).collect();
    let what = match differ.as_slice() {
        [] => String::new(),
        [only] => format!(": `{only}` differs"),
        several => format!(": {} differ", suggest::list(&several[..several.len().min(3)], "and")),
    };
    let kind = &context.object.id.kind;
    vec![context.error(path, format!("{kind} `{}` was changed in place{what}", context.object.id.name)).hint(
        "give the changed template a new name and refer to that, so that machines are replaced one by one",
    )]
}

/// All rules, by provider.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    [
        core::RULES,
        talos::RULES,
        machine_template::RULES,
        aws::RULES,
        azure::RULES,
        gcp::RULES,
        proxmox::RULES,
        ipam::RULES,
        references::RULES,
    ]
    .into_iter()
    .flatten()
}

/// The rules of each kind, in the order of the registry, those for all kinds included.
static BY_KIND: LazyLock<HashMap<(&'static str, &'static str), Vec<&'static Rule>>> = LazyLock::new(|| {
    let kinds: BTreeSet<Kind> = all().flat_map(|rule| rule.kinds.iter().copied()).collect();
    let of = |kind: Kind| all().filter(|rule| rule.kinds.is_empty() || rule.kinds.contains(&kind)).collect();
    kinds.into_iter().map(|kind| ((kind.group, kind.kind), of(kind))).collect()
});

static FOR_ALL_KINDS: LazyLock<Vec<&'static Rule>> =
    LazyLock::new(|| all().filter(|rule| rule.kinds.is_empty()).collect());

/// What all rules have against one object of a set, with the rule that said it.
#[must_use]
pub fn check_object<'set>(object: &'set Object, set: &'set Set<'set>) -> Vec<(&'static Rule, Violation)> {
    let rules = BY_KIND.get(&(object.group(), &*object.id.kind)).unwrap_or(&FOR_ALL_KINDS);
    let previous = set.previous(object);
    rules
        .iter()
        .flat_map(|rule| {
            let context = Context { rule, object, set, previous };
            (rule.check)(&context).into_iter().map(|violation| (*rule, violation))
        })
        .collect()
}

/// What all rules have against a set of objects, in the order of the objects.
///
/// `previous` is the render before this one (or what lies in `out/`); what cannot change after creation is judged
/// against it. `externals` says what exists outside of the set.
#[must_use]
pub fn check(objects: &Objects, previous: &Objects, externals: &Externals) -> Vec<Violation> {
    let set = Set::new(objects, previous, externals);
    objects
        .iter()
        .flat_map(|object| check_object(object, &set).into_iter().map(|(_, violation)| violation))
        .collect()
}
