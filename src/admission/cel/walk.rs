//! All rules of a schema on one object.

use std::collections::HashMap;

use kube_core::cel::cel::{Context, Value as Cel, objects::OptionalValue};
use serde_json::Value;

use super::{
    Rule, Unchecked, environment,
    rule::Verdict,
    value::{convert, measure},
};
use crate::{
    admission::{
        Object, Violation,
        schema::{At, Id, List, Node, Others, Tree},
    },
    finding::codes,
};

/// What came of the rules of one object.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) violations: Vec<Violation>,
    /// How many rules were evaluated.
    pub(crate) rules: u64,
    /// Rules that were not, in one line, and why.
    pub(crate) unchecked: Vec<(String, Unchecked)>,
}

/// Judges an object by the rules of its schema. `value` and `old` have their defaults.
pub(crate) fn judge(tree: &Tree, object: &Object, value: &Value, old: Option<&Value>) -> Judged {
    let mut walk = Walk { tree, object, judged: Judged::default() };
    if tree.node(Tree::ROOT).has_rules {
        environment::with(|context| walk.value(context, Tree::ROOT, value, old, &At::ROOT));
    }
    walk.judged
}

struct Walk<'run> {
    tree: &'run Tree,
    object: &'run Object,
    judged: Judged,
}

impl Walk<'_> {
    fn value(&mut self, context: &Context<'_>, id: Id, value: &Value, old: Option<&Value>, at: &At<'_>) {
        let tree = self.tree;
        let node = tree.node(id);
        if !node.has_rules || value.is_null() {
            return;
        }
        if !node.rules.is_empty() {
            self.rules(context, id, node, value, old, at);
        }
        match value {
            Value::Object(entries) => {
                for (name, inner) in &node.properties {
                    if tree.node(*inner).has_rules
                        && let Some(value) = entries.get(&**name)
                    {
                        let old = old.and_then(|old| old.get(&**name));
                        self.value(context, *inner, value, old, &at.key(name));
                    }
                }
                if let Others::Schema(inner) = node.others
                    && tree.node(inner).has_rules
                {
                    for (key, value) in entries.iter().filter(|(key, _)| node.property(key).is_none()) {
                        self.value(context, inner, value, old.and_then(|old| old.get(key)), &at.key(key));
                    }
                }
            }
            Value::Array(items) => {
                let Some(inner) = node.items.filter(|inner| tree.node(*inner).has_rules) else { return };
                let before = counterparts(&node.list, old);
                for (index, item) in items.iter().enumerate() {
                    let old = before.get(&key_of(&node.list, item)).copied();
                    self.value(context, inner, item, old, &at.index(index));
                }
            }
            _ => {}
        }
        for inner in node.all_of() {
            self.value(context, *inner, value, old, at);
        }
    }

    fn rules(
        &mut self,
        context: &Context<'_>,
        id: Id,
        node: &Node,
        value: &Value,
        old: Option<&Value>,
        at: &At<'_>,
    ) {
        let old = old.filter(|old| !old.is_null());
        let applies = |rule: &Rule| !rule.is_transition || old.is_some() || rule.optional_old;
        // What all rules of this place look at together is converted once.
        let mut fields = Some(Vec::new());
        for rule in node.rules.iter().filter(|rule| applies(rule)) {
            match (&mut fields, &rule.looks_at) {
                (Some(all), Some(some)) => {
                    for field in some {
                        if !all.contains(field) {
                            all.push(field.clone());
                        }
                    }
                }
                _ => fields = None,
            }
        }
        let (longest, size) = measure(value);
        let mut scope = context.new_inner_scope();
        scope.add_variable_from_value("self", convert(self.tree, Some(id), value, fields.as_deref()));
        let old = old.map(|old| convert(self.tree, Some(id), old, fields.as_deref()));
        if let Some(old) = &old {
            scope.add_variable_from_value("oldSelf", old.clone());
        }
        for rule in &node.rules {
            if rule.is_transition && old.is_none() && !rule.optional_old {
                continue;
            }
            let verdict = if rule.optional_old {
                let optional = old.clone().map_or_else(OptionalValue::none, OptionalValue::of);
                let mut inner = scope.new_inner_scope();
                inner.add_variable_from_value("oldSelf", Cel::Opaque(std::sync::Arc::new(optional)));
                rule.judge(&inner, longest, size)
            } else {
                rule.judge(&scope, longest, size)
            };
            self.note(rule, verdict, at);
        }
    }

    fn note(&mut self, rule: &Rule, verdict: Verdict, at: &At<'_>) {
        let path = || at.path().join(&rule.field);
        match verdict {
            Verdict::Unchecked(why) => {
                self.judged.unchecked.push((rule.short(), why));
                return;
            }
            Verdict::Holds => {}
            Verdict::Fails(message) => {
                let violation =
                    Violation::error(&codes::CEL_RULE, self.object, path(), message.trim_end_matches('.'));
                self.judged.violations.push(violation.hint(format!("the CRD's rule is `{}`", rule.short())));
            }
            Verdict::Errs(why) => {
                let message =
                    format!("the CRD's rule `{}` cannot be decided for this value: {why}", rule.short());
                self.judged.violations.push(
                    Violation::error(&codes::CEL_ERROR, self.object, path(), message).hint(
                        "the API server refuses the object for this; give the fields that the rule reads",
                    ),
                );
            }
        }
        self.judged.rules += 1;
    }
}

/// The entries of the old list by their keys. Only lists that are maps tell their entries apart.
fn counterparts<'old>(
    list: &List,
    old: Option<&'old Value>,
) -> HashMap<Vec<Option<&'old Value>>, &'old Value> {
    match (list, old.and_then(Value::as_array)) {
        (List::Map(_), Some(items)) => items.iter().map(|item| (key_of(list, item), item)).collect(),
        _ => HashMap::new(),
    }
}

fn key_of<'item>(list: &List, item: &'item Value) -> Vec<Option<&'item Value>> {
    match list {
        List::Map(keys) => keys.iter().map(|key| item.get(&**key)).collect(),
        _ => Vec::new(),
    }
}
