//! One object against one compiled schema.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    at::At,
    node::{Bounds, Id, Junctors, List, Node, Others, Tree, Type},
    number::{compare, equal, is_multiple},
    told::{Told, cut, missing, name, not_allowed, shown, twice, unknown, wrong_type},
};
use crate::{
    admission::{Object, Violation},
    finding::{Code, codes, suggest},
    yaml::pointer::FieldPath,
};

/// So many problems of one object are told; more help nobody.
pub(super) const MOST: usize = 100;

/// Checks one object. The value should be [`super::default::completed`].
pub(super) fn check(tree: &Tree, object: &Object, value: &Value) -> Vec<Violation> {
    let mut walk = Walk { tree, object, problems: Vec::new(), silent: false, failed: false };
    walk.value(Tree::ROOT, value, &At::ROOT);
    walk.problems
}

/// Checks a part of an object, for instance its metadata.
pub(super) fn check_part(tree: &Tree, object: &Object, value: &Value, at: &At<'_>) -> Vec<Violation> {
    let mut walk = Walk { tree, object, problems: Vec::new(), silent: false, failed: false };
    walk.value(Tree::ROOT, value, at);
    walk.problems
}

struct Walk<'run> {
    tree: &'run Tree,
    object: &'run Object,
    problems: Vec<Violation>,
    /// Only whether there is a problem is asked for.
    silent: bool,
    failed: bool,
}

impl Walk<'_> {
    fn say(&mut self, code: &'static Code, path: impl FnOnce() -> FieldPath, told: impl FnOnce() -> Told) {
        self.failed = true;
        if self.silent || self.problems.len() > MOST {
            return;
        }
        if self.problems.len() == MOST {
            let message =
                format!("more than {MOST} fields of this object are wrong, the others are not listed");
            let violation = Violation::error(&codes::SCHEMA_MANY, self.object, FieldPath::root(), message)
                .hint("check that the object is of this kind and version at all");
            self.problems.push(violation);
            return;
        }
        let (message, hint) = told();
        let mut violation = Violation::error(code, self.object, path(), message);
        violation.hint = hint;
        self.problems.push(violation);
    }

    /// Whether nothing more needs to be known.
    fn is_done(&self) -> bool {
        if self.silent { self.failed } else { self.problems.len() > MOST }
    }

    fn value(&mut self, id: Id, value: &Value, at: &At<'_>) {
        let tree = self.tree;
        let node = tree.node(id);
        if self.is_done() {
            return;
        }
        if !self.type_fits(node, value, at) {
            return;
        }
        if let Some(bounds) = &node.bounds {
            self.bounds(bounds, value, at);
        }
        match value {
            Value::Null => return,
            Value::Object(map) => self.mapping(node, map, at),
            Value::Array(items) => self.list(node, items, at),
            _ => {}
        }
        if let Some(junctors) = &node.junctors {
            self.junctors(junctors, value, at);
        }
    }

    fn type_fits(&mut self, node: &Node, value: &Value, at: &At<'_>) -> bool {
        let fits = if value.is_null() {
            node.nullable || (node.kind.is_none() && !node.int_or_string && !node.quantity)
        } else if node.quantity {
            value.is_string() || value.is_number()
        } else if node.int_or_string {
            value.is_string() || Type::Integer.takes(value)
        } else {
            node.kind.is_none_or(|kind| kind.takes(value))
        };
        if !fits {
            self.say(&codes::SCHEMA_TYPE, || at.path(), || wrong_type(node, value, at));
        }
        fits
    }

    fn mapping(&mut self, node: &Node, map: &Map<String, Value>, at: &At<'_>) {
        for (key, value) in map {
            let here = at.key(key);
            if node.embedded && key == "metadata" && node.property(key).is_none() {
                continue;
            }
            if let Some(id) = node.property(key) {
                self.value(id, value, &here);
            } else if node.embedded && matches!(&**key, "apiVersion" | "kind") {
                self.identity(key, value, &here);
            } else {
                match node.others {
                    Others::Schema(id) => self.value(id, value, &here),
                    Others::Any => {}
                    Others::None if !node.is_closed() => {}
                    Others::None => {
                        self.say(&codes::SCHEMA_UNKNOWN_FIELD, || here.path(), || unknown(node, key, at));
                    }
                }
            }
            if self.is_done() {
                return;
            }
        }
        for name in &node.required {
            // Metadata of the whole object is checked beside the schema, where it is always required.
            let beside = node.root && **name == *"metadata";
            if !beside && !map.contains_key(&**name) {
                self.say(
                    &codes::SCHEMA_MISSING,
                    || at.key(name).path(),
                    || missing(self.tree, node, name, map),
                );
            }
        }
        if node.embedded && !node.root {
            for name in ["apiVersion", "kind"] {
                if !map.contains_key(name) {
                    self.say(
                        &codes::SCHEMA_MISSING,
                        || at.key(name).path(),
                        || (format!("`{name}` is missing in the object inside of this one"), None),
                    );
                }
            }
        }
    }

    fn identity(&mut self, key: &str, value: &Value, at: &At<'_>) {
        if value.as_str().is_none_or(str::is_empty) {
            let told = || (format!("`{key}` is {}, it must be a name", shown(value)), None);
            self.say(&codes::SCHEMA_TYPE, || at.path(), told);
        }
    }

    fn list(&mut self, node: &Node, items: &[Value], at: &At<'_>) {
        if let Some(id) = node.items {
            for (index, item) in items.iter().enumerate() {
                self.value(id, item, &at.index(index));
                if self.is_done() {
                    return;
                }
            }
        }
        let unique = node.bounds.as_ref().is_some_and(|bounds| bounds.unique_items);
        match &node.list {
            List::Map(keys) => {
                let mut seen = HashSet::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    let key: Vec<&Value> =
                        keys.iter().map(|key| item.get(&**key).unwrap_or(&Value::Null)).collect();
                    if !seen.insert(key) {
                        let told = || twice(keys, item);
                        self.say(&codes::SCHEMA_DUPLICATE, || at.index(index).path(), told);
                    }
                }
            }
            List::Set => self.unique(items, at),
            List::Atomic if unique => self.unique(items, at),
            List::Atomic => {}
        }
    }

    fn unique(&mut self, items: &[Value], at: &At<'_>) {
        let mut seen = HashSet::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            if !seen.insert(item) {
                let told = || {
                    let message = format!("{} is there twice in `{}`", shown(item), name(at));
                    (message, Some("keep one of them".to_owned()))
                };
                self.say(&codes::SCHEMA_DUPLICATE, || at.index(index).path(), told);
            }
        }
    }

    fn bounds(&mut self, bounds: &Bounds, value: &Value, at: &At<'_>) {
        if !bounds.allowed.is_empty() && !bounds.allowed.iter().any(|allowed| equal(allowed, value)) {
            self.say(&codes::SCHEMA_CHOICE, || at.path(), || not_allowed(&bounds.allowed, value, at));
            return;
        }
        if let Some(format) = bounds.format
            && !format.takes(value)
        {
            let told =
                || (format!("`{}` is {}, it must be {}", name(at), shown(value), format.words()), None);
            self.say(&codes::SCHEMA_FORM, || at.path(), told);
        }
        match value {
            Value::String(text) => self.text(bounds, text, at),
            Value::Number(number) => self.number(bounds, number, at),
            Value::Array(items) => {
                self.size(items.len(), bounds.min_items, bounds.max_items, ("entry", "entries"), at);
            }
            Value::Object(map) => {
                self.size(map.len(), bounds.min_properties, bounds.max_properties, ("key", "keys"), at);
            }
            _ => {}
        }
    }

    fn text(&mut self, bounds: &Bounds, text: &str, at: &At<'_>) {
        if bounds.min_length.is_some() || bounds.max_length.is_some() {
            let length = text.chars().count();
            self.size(length, bounds.min_length, bounds.max_length, ("character", "characters"), at);
        }
        if let Some(pattern) = &bounds.pattern
            && !pattern.is_match(text)
        {
            let told = || {
                let shown = shown(&Value::String(text.to_owned()));
                let message =
                    format!("`{}` is {shown}, it must match `{}`", name(at), cut(&pattern.text, 200));
                (message, text.trim().ne(text).then(|| "there is white space around it".to_owned()))
            };
            self.say(&codes::SCHEMA_FORM, || at.path(), told);
        }
    }

    fn size(&mut self, size: usize, least: Option<u64>, most: Option<u64>, unit: (&str, &str), at: &At<'_>) {
        let size = size as u64;
        let word = |count: u64| if count == 1 { unit.0 } else { unit.1 };
        let bound = match (least, most) {
            (Some(least), _) if size < least => format!("at least {least} {}", word(least)),
            (_, Some(most)) if size > most => format!("at most {most} {}", word(most)),
            _ => return,
        };
        let told = || (format!("`{}` has {size} {}, it must have {bound}", name(at), word(size)), None);
        self.say(&codes::SCHEMA_BOUNDS, || at.path(), told);
    }

    fn number(&mut self, bounds: &Bounds, number: &serde_json::Number, at: &At<'_>) {
        let below = bounds.minimum.filter(|limit| {
            let order = compare(number, *limit);
            order == std::cmp::Ordering::Less || (limit.exclusive && order == std::cmp::Ordering::Equal)
        });
        let above = bounds.maximum.filter(|limit| {
            let order = compare(number, *limit);
            order == std::cmp::Ordering::Greater || (limit.exclusive && order == std::cmp::Ordering::Equal)
        });
        let wanted = match (below, above) {
            (Some(limit), _) if limit.exclusive => format!("more than {}", limit.value),
            (Some(limit), _) => format!("{} or more", limit.value),
            (_, Some(limit)) if limit.exclusive => format!("less than {}", limit.value),
            (_, Some(limit)) => format!("{} or less", limit.value),
            _ => match bounds.multiple_of {
                Some(factor) if !is_multiple(number, factor) => format!("a multiple of {factor}"),
                _ => return,
            },
        };
        let told = || (format!("`{}` is {number}, it must be {wanted}", name(at)), None);
        self.say(&codes::SCHEMA_BOUNDS, || at.path(), told);
    }

    fn junctors(&mut self, junctors: &Junctors, value: &Value, at: &At<'_>) {
        for id in &junctors.all_of {
            self.value(*id, value, at);
        }
        if !junctors.any_of.is_empty() && !junctors.any_of.iter().any(|id| self.holds(*id, value, at)) {
            let told = || self.none_holds(&junctors.any_of, value, at, "at least one");
            let (message, hint) = told();
            self.say(&codes::SCHEMA_ALTERNATIVES, || at.path(), || (message, hint));
        }
        if !junctors.one_of.is_empty() {
            let held: Vec<Id> =
                junctors.one_of.iter().copied().filter(|id| self.holds(*id, value, at)).collect();
            let told = match held.as_slice() {
                [_] => return self.not(junctors, value, at),
                [] => self.none_holds(&junctors.one_of, value, at, "exactly one"),
                several => self.several_hold(several, at),
            };
            self.say(&codes::SCHEMA_ALTERNATIVES, || at.path(), || told);
        }
        self.not(junctors, value, at);
    }

    fn not(&mut self, junctors: &Junctors, value: &Value, at: &At<'_>) {
        let Some(id) = junctors.not else { return };
        if self.holds(id, value, at) {
            let told = || {
                let fields = self.fields(id);
                let what = if fields.is_empty() {
                    "has a value that its schema excludes".to_owned()
                } else {
                    format!("must not have {} like this", suggest::list(&fields, "and"))
                };
                (format!("`{}` {what}", name(at)), None)
            };
            let told = told();
            self.say(&codes::SCHEMA_ALTERNATIVES, || at.path(), || told);
        }
    }

    /// Whether a condition holds.
    fn holds(&self, id: Id, value: &Value, at: &At<'_>) -> bool {
        let mut inner =
            Walk { tree: self.tree, object: self.object, problems: Vec::new(), silent: true, failed: false };
        inner.value(id, value, at);
        !inner.failed
    }

    /// The fields that a condition asks for.
    fn fields(&self, id: Id) -> Vec<&str> {
        self.tree.node(id).required.iter().map(|name| &**name).collect()
    }

    fn none_holds(&self, branches: &[Id], value: &Value, at: &At<'_>, count: &str) -> Told {
        let wanted: Vec<String> = branches
            .iter()
            .map(|id| self.fields(*id))
            .filter(|fields| !fields.is_empty())
            .map(|fields| suggest::list(&fields, "with"))
            .collect();
        if wanted.len() == branches.len() {
            let message = format!("`{}` must have {count} of {}", name(at), wanted.join(", "));
            return (message, None);
        }
        // The first branch is what the schema's author thought of first.
        let mut inner =
            Walk { tree: self.tree, object: self.object, problems: Vec::new(), silent: false, failed: false };
        if let Some(first) = branches.first() {
            inner.value(*first, value, at);
        }
        let hint = inner
            .problems
            .first()
            .map(|problem| format!("the first of them fails because {}", problem.message));
        (format!("`{}` fits none of its {} alternatives", name(at), branches.len()), hint)
    }

    fn several_hold(&self, branches: &[Id], at: &At<'_>) -> Told {
        let given: Vec<&str> = branches.iter().flat_map(|id| self.fields(*id)).collect();
        if given.is_empty() {
            return (format!("`{}` fits {} alternatives, it must fit one", name(at), branches.len()), None);
        }
        let message = format!("`{}` must have only one of {}", name(at), suggest::list(&given, "and"));
        (message, Some("remove all but one of them".to_owned()))
    }
}
