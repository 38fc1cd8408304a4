//! Schemas as CRDs and Kubernetes write them, compiled to a [`Tree`].

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{
    format::Format,
    node::{Bounds, Id, Junctors, Limit, List, Node, Others, Tree, Type},
    pattern::Pattern,
};
use crate::admission::cel::Rule;

/// The format of amounts in schemas of Kubernetes' own types. In a CRD it means nothing.
pub(super) const QUANTITY: &str = "quantity";

/// Schemas inside schemas; the API server takes CRDs that are deeper only in theory.
const DEPTH: usize = 100;

/// A schema and what could not be compiled of it.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) tree: Tree,
    /// What is wrong or not supported, each with its path in the schema.
    pub(crate) problems: Vec<String>,
}

/// How a schema is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A structural schema of a CRD: what is not listed is pruned.
    Structural,
    /// A schema of Kubernetes' own types, with `$ref`: a mapping without listed fields takes anything.
    Kubernetes,
}

/// Compiles the schema of a kind.
pub(super) fn compile(schema: &Value, dialect: Dialect) -> Compiled {
    let mut compiler = Compiler {
        tree: Tree::new(),
        problems: Vec::new(),
        dialect,
        definitions: schema.get("$defs").or_else(|| schema.get("definitions")).and_then(Value::as_object),
        references: HashMap::new(),
        path: Vec::new(),
    };
    let root = compiler.node(schema, Role::Root);
    debug_assert_eq!(root, Tree::ROOT);
    Compiled { tree: compiler.tree, problems: compiler.problems }
}

/// What a schema is for the one around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Root,
    /// A field, an entry of a list or of a mapping.
    Part,
    /// A condition beside the schema of the same place: it closes nothing.
    Condition,
}

struct Compiler<'schema> {
    tree: Tree,
    problems: Vec<String>,
    dialect: Dialect,
    definitions: Option<&'schema Map<String, Value>>,
    references: HashMap<&'schema str, Id>,
    path: Vec<&'schema str>,
}

impl<'schema> Compiler<'schema> {
    fn problem(&mut self, what: impl std::fmt::Display) {
        const MOST: usize = 50;
        if self.problems.len() < MOST {
            let path = if self.path.is_empty() { "the root".to_owned() } else { self.path.join(".") };
            self.problems.push(format!("{path}: {what}"));
        }
    }

    /// A node for something that cannot be compiled: it takes anything, and the problem is on record.
    fn anything(&mut self) -> Id {
        self.tree.push(Node { others: Others::Any, ..Node::default() })
    }

    fn node(&mut self, schema: &'schema Value, role: Role) -> Id {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return self.reference(name);
        }
        let Some(map) = schema.as_object() else {
            self.problem("the schema is not a mapping");
            return self.anything();
        };
        if self.path.len() > DEPTH {
            self.problem("the schema is nested too deeply");
            return self.anything();
        }
        // The place is taken first, so that the root is the first node.
        let id = self.tree.push(Node::default());
        let node = self.fill(map, role);
        *self.tree.node_mut(id) = node;
        id
    }

    fn reference(&mut self, reference: &'schema str) -> Id {
        let name = reference.rsplit('/').next().unwrap_or_default();
        if let Some(id) = self.references.get(name) {
            return *id;
        }
        let definition = self.definitions.and_then(|definitions| definitions.get(name));
        let Some(Value::Object(map)) = definition else {
            self.problem(format_args!("`{reference}` is not defined"));
            return self.anything();
        };
        let id = self.tree.push(Node::default());
        self.references.insert(name, id);
        let path = std::mem::take(&mut self.path);
        let node = self.fill(map, Role::Part);
        self.path = path;
        *self.tree.node_mut(id) = node;
        id
    }

    fn below(&mut self, step: &'schema str, schema: &'schema Value, role: Role) -> Id {
        self.path.push(step);
        let id = self.node(schema, role);
        self.path.pop();
        id
    }

    fn fill(&mut self, map: &'schema Map<String, Value>, role: Role) -> Node {
        let flag = |key: &str| map.get(key) == Some(&Value::Bool(true));
        let condition = role == Role::Condition;
        let mut node = Node {
            kind: self.kind(map),
            nullable: flag("nullable"),
            int_or_string: flag("x-kubernetes-int-or-string"),
            quantity: self.format(map) == Some(Format::Quantity),
            embedded: role == Role::Root || flag("x-kubernetes-embedded-resource"),
            root: role == Role::Root,
            default: map.get("default").cloned(),
            required: strings(map.get("required")),
            ..Node::default()
        };
        if node.int_or_string || node.quantity {
            node.kind = None;
        }
        if let Some(properties) = map.get("properties").and_then(Value::as_object) {
            for (name, schema) in properties {
                // What the metadata of a whole object may be is a condition beside what metadata is anyway.
                let role = if condition || (node.embedded && name == "metadata") {
                    Role::Condition
                } else {
                    Role::Part
                };
                let id = self.below(name, schema, role);
                node.properties.push((name.as_str().into(), id));
            }
            node.properties.sort_by(|left, right| left.0.cmp(&right.0));
        }
        node.others = match map.get("additionalProperties") {
            Some(Value::Bool(true)) => Others::Any,
            Some(schema @ Value::Object(_)) => Others::Schema(self.below("*", schema, role.inner())),
            _ if condition || flag("x-kubernetes-preserve-unknown-fields") => Others::Any,
            _ if self.dialect == Dialect::Kubernetes && node.properties.is_empty() => Others::Any,
            _ => Others::None,
        };
        // Preserving also keeps what the schema of other keys would not take: they are not checked at all.
        if flag("x-kubernetes-preserve-unknown-fields") && node.others == Others::None {
            node.others = Others::Any;
        }
        node.items = map.get("items").map(|schema| self.below("[]", schema, role.inner()));
        node.list = match map.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => List::Set,
            Some("map") => List::Map(strings(map.get("x-kubernetes-list-map-keys"))),
            _ => List::Atomic,
        };
        node.bounds = self.bounds(map);
        node.junctors = self.junctors(map, node.int_or_string);
        node.rules = self.rules(map, role);
        self.note_below(&mut node);
        node
    }

    fn note_below(&self, node: &mut Node) {
        let mut children: Vec<Id> = node.properties.iter().map(|(_, id)| *id).collect();
        children.extend(node.items);
        if let Others::Schema(id) = node.others {
            children.push(id);
        }
        let child = |id: &Id| self.tree.node(*id);
        let conditions = node.junctors.iter().flat_map(|junctors| &junctors.all_of);
        node.has_rules =
            !node.rules.is_empty() || children.iter().chain(conditions).any(|id| child(id).has_rules);
        node.has_defaults = children.iter().any(|id| child(id).has_defaults || child(id).default.is_some());
    }

    fn kind(&mut self, map: &Map<String, Value>) -> Option<Type> {
        let word = map.get("type")?;
        let kind = match word.as_str() {
            Some("object") => Type::Object,
            Some("array") => Type::Array,
            Some("string") => Type::String,
            Some("integer") => Type::Integer,
            Some("number") => Type::Number,
            Some("boolean") => Type::Boolean,
            // Structural schemas write it for "no type".
            Some("") => return None,
            _ => {
                self.problem(format_args!("`{word}` is not a type"));
                return None;
            }
        };
        Some(kind)
    }

    fn format(&self, map: &Map<String, Value>) -> Option<Format> {
        match map.get("format")?.as_str()? {
            QUANTITY if self.dialect == Dialect::Kubernetes => Some(Format::Quantity),
            word => Format::of(word),
        }
    }

    fn bounds(&mut self, map: &Map<String, Value>) -> Option<Box<Bounds>> {
        let count = |key: &str| map.get(key).and_then(Value::as_u64);
        let number = |key: &str| map.get(key).and_then(Value::as_f64);
        let limit = |key: &str, exclusive: &str| {
            let exclusive = map.get(exclusive) == Some(&Value::Bool(true));
            number(key).map(|value| Limit { value, exclusive })
        };
        let pattern = map.get("pattern").and_then(Value::as_str).filter(|text| !text.is_empty());
        let bounds = Bounds {
            allowed: map.get("enum").and_then(Value::as_array).cloned().unwrap_or_default(),
            pattern: pattern.and_then(|text| {
                Pattern::new(text)
                    .map_err(|why| self.problem(format_args!("the pattern `{text}` is not checked: {why}")))
                    .ok()
            }),
            format: self.format(map),
            min_length: count("minLength"),
            max_length: count("maxLength"),
            minimum: limit("minimum", "exclusiveMinimum"),
            maximum: limit("maximum", "exclusiveMaximum"),
            multiple_of: number("multipleOf").filter(|factor| *factor > 0.0),
            min_items: count("minItems"),
            max_items: count("maxItems"),
            unique_items: map.get("uniqueItems") == Some(&Value::Bool(true)),
            min_properties: count("minProperties"),
            max_properties: count("maxProperties"),
        };
        (!bounds.is_empty()).then(|| Box::new(bounds))
    }

    fn junctors(&mut self, map: &'schema Map<String, Value>, int_or_string: bool) -> Option<Box<Junctors>> {
        let role = if self.dialect == Dialect::Kubernetes { Role::Part } else { Role::Condition };
        let mut branches = |key: &'schema str| -> Vec<Id> {
            let list = map.get(key).and_then(Value::as_array);
            list.into_iter().flatten().map(|schema| self.below(key, schema, role)).collect()
        };
        let mut junctors = Junctors {
            all_of: branches("allOf"),
            any_of: branches("anyOf"),
            one_of: branches("oneOf"),
            not: None,
        };
        junctors.not = map.get("not").map(|schema| self.below("not", schema, role));
        if int_or_string {
            // The generated `anyOf` of the two types says nothing more.
            junctors.any_of.clear();
        }
        (!junctors.is_empty()).then(|| Box::new(junctors))
    }

    fn rules(&mut self, map: &Map<String, Value>, role: Role) -> Vec<Rule> {
        let Some(list) = map.get("x-kubernetes-validations").and_then(Value::as_array) else {
            return Vec::new();
        };
        // An API server refuses such a CRD (kubernetes/kubernetes staging/src/k8s.io/apiextensions-apiserver
        // pkg/apiserver/schema/validation.go, AllowNestedXValidations), so none of a hub has one.
        if role == Role::Condition && self.path.iter().any(|step| matches!(*step, "anyOf" | "oneOf" | "not"))
        {
            self.problem(
                "CEL rules inside of `anyOf`, `oneOf` and `not` are not checked, and no API server takes a CRD with them",
            );
            return Vec::new();
        }
        list.iter().map(Rule::new).collect()
    }
}

impl Role {
    /// The role of what is inside.
    fn inner(self) -> Self {
        if self == Self::Condition { self } else { Self::Part }
    }
}

fn strings(list: Option<&Value>) -> Vec<Box<str>> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}
