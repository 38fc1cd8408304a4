//! One object against one compiled schema.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    format::whole_number,
    node::{Bounds, Id, Junctors, Limit, List, Node, Others, Tree},
};
use crate::{
    admission::{Object, Violation},
    finding::{Code, codes, suggest},
    yaml::pointer::FieldPath,
};

/// So many problems of one object are told; more help nobody.
pub(super) const MOST: usize = 100;

/// A place in the object under check, kept on the stack: most objects have no problem to build a path for.
#[derive(Clone, Copy)]
pub(crate) struct At<'up> {
    up: Option<&'up At<'up>>,
    step: Step<'up>,
}

#[derive(Clone, Copy)]
enum Step<'up> {
    Root,
    Key(&'up str),
    Index(usize),
}

impl<'up> At<'up> {
    pub(crate) const ROOT: Self = Self { up: None, step: Step::Root };

    pub(crate) fn key(&'up self, key: &'up str) -> Self {
        Self { up: Some(self), step: Step::Key(key) }
    }

    pub(crate) fn index(&'up self, index: usize) -> Self {
        Self { up: Some(self), step: Step::Index(index) }
    }

    pub(crate) fn path(&self) -> FieldPath {
        let mut path = self.up.map(Self::path).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(key) => path.push_key(key),
            Step::Index(index) => path.push_index(index),
        }
        path
    }
}

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

/// A message and its next step.
type Told = (String, Option<String>);

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
            node.nullable || (node.kind.is_none() && !node.int_or_string)
        } else if node.int_or_string {
            value.is_string() || super::node::Type::Integer.takes(value)
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
            if !map.contains_key(&**name) {
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

/// The last name on a path, for messages.
fn name(at: &At<'_>) -> String {
    match (at.step, at.up) {
        (Step::Key(key), _) => cut(key, 80),
        (Step::Index(index), Some(up)) => format!("{}[{index}]", name(up)),
        _ => "the object".to_owned(),
    }
}

/// A text of at most so many characters.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// A value in a message.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => kind_of(value).to_owned(),
        Value::String(text) if text.is_empty() => "an empty string".to_owned(),
        Value::String(text) => format!("`{}`", cut(text, 80)),
        other => format!("`{other}`"),
    }
}

/// The word for a value's type.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn wrong_type(node: &Node, value: &Value, at: &At<'_>) -> Told {
    use super::node::Type;
    let wanted = match node.kind {
        Some(kind) => kind.words(),
        None => "an integer or a string",
    };
    let shown = match value {
        Value::String(_) | Value::Bool(_) | Value::Number(_) => {
            format!("{} ({})", kind_of(value), shown(value))
        }
        _ => kind_of(value).to_owned(),
    };
    let hint = match (node.kind, value) {
        (Some(Type::Integer | Type::Number), Value::String(text)) if text.trim().parse::<f64>().is_ok() => {
            Some("remove the quotes".to_owned())
        }
        (Some(Type::Boolean), Value::String(text)) if matches!(&**text, "true" | "false") => {
            Some("remove the quotes".to_owned())
        }
        (Some(Type::String), Value::Bool(_) | Value::Number(_)) => {
            Some("put it in quotes; without them YAML reads something else".to_owned())
        }
        (Some(Type::Array), _) if !value.is_null() => {
            Some("write it as a list, with `- ` before each entry".to_owned())
        }
        (_, Value::Null) => Some("remove the key, or give it a value".to_owned()),
        _ => None,
    };
    (format!("`{}` is {shown}, it must be {wanted}", name(at)), hint)
}

fn unknown(node: &Node, key: &str, at: &At<'_>) -> Told {
    let owner = match at.step {
        Step::Root => "the object".to_owned(),
        _ => format!("`{}`", name(at)),
    };
    // Names that nobody would type by mistake are not worth the comparison.
    let known = node.properties.iter().map(|(name, _)| &**name);
    let hint = (key.len() <= 64).then(|| suggest::hint(key, known)).flatten();
    (format!("{owner} has no field `{}`", cut(key, 80)), hint)
}

fn missing(tree: &Tree, node: &Node, name: &str, map: &Map<String, Value>) -> Told {
    let near = suggest::nearest(
        name,
        map.keys().map(String::as_str).filter(|key| key.len() <= 64 && node.property(key).is_none()),
    );
    let hint = match near.first() {
        Some(near) => Some(format!("`{near}` is there; was `{name}` meant?")),
        None => node
            .property(name)
            .and_then(|id| tree.node(id).kind)
            .map(|kind| format!("add `{name}`, {}", kind.words())),
    };
    (format!("`{name}` is missing"), hint)
}

fn not_allowed(allowed: &[Value], value: &Value, at: &At<'_>) -> Told {
    let words: Vec<String> = allowed
        .iter()
        .map(|value| match value {
            Value::String(text) if text.is_empty() => "\"\"".to_owned(),
            Value::String(text) => cut(text, 60),
            other => cut(&other.to_string(), 60),
        })
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let list = if words.len() > 20 {
        format!("{} and {} more", suggest::list(&words[..20], ","), words.len() - 20)
    } else {
        suggest::list(&words, "or")
    };
    let near = match value {
        Value::String(text) if text.len() <= 64 => suggest::nearest(text, words.iter().copied()),
        _ => Vec::new(),
    };
    let hint = near.first().map(|near| format!("did you mean `{near}`?"));
    (format!("`{}` is {}, it must be {list}", name(at), shown(value)), hint)
}

fn twice(keys: &[Box<str>], item: &Value) -> Told {
    let pairs: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(
                "`{key}: {}`",
                item.get(&**key).map_or_else(|| "nothing".to_owned(), |value| shown(value).replace('`', ""))
            )
        })
        .collect();
    (format!("an entry with {} is there twice", pairs.join(" and ")), Some("keep one of them".to_owned()))
}

/// Equality as the API server sees it: `1` is `1.0`.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}

fn whole(number: &serde_json::Number) -> Option<i128> {
    number
        .as_i64()
        .map(i128::from)
        .or_else(|| number.as_u64().map(i128::from))
        .or_else(|| number.as_f64().and_then(whole_number))
}

fn compare(number: &serde_json::Number, limit: Limit) -> std::cmp::Ordering {
    if let (Some(number), Some(limit)) = (whole(number), whole_number(limit.value)) {
        return number.cmp(&limit);
    }
    number.as_f64().unwrap_or_default().total_cmp(&limit.value)
}

fn is_multiple(number: &serde_json::Number, factor: f64) -> bool {
    if let (Some(number), Some(factor)) = (whole(number), whole_number(factor)) {
        return number % factor == 0;
    }
    let quotient = number.as_f64().unwrap_or_default() / factor;
    (quotient - quotient.round()).abs() < 1e-9
}
