//! Flux's `postBuild` substitution on a built object.
//!
//! Flux writes each object as YAML and runs envsubst over the text (fluxcd/pkg `kustomize/kustomize_varsub.go`,
//! fluxcd/pkg `envsubst`), so a value can change the type of what it stands in, and can break the YAML. The writer drops
//! quotes where it can; here every scalar is written in the style that Go's writer would choose, filled, and read again.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    catalog::flux_variables::DISABLED,
    yaml::{Data, Limits, Node, Place, Source, Sources, read, scalar::Schema},
};

/// What is wrong with a `${`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No value and no default; Flux 2.9 refuses that.
    Unset(String),
    /// An expression that is not followed here.
    Unsupported(String),
    /// What came out is not YAML any more, or not one value.
    Broken(String),
}

/// What is known of the variables of a Kustomization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables {
    /// Values.
    pub(super) known: BTreeMap<String, String>,
    /// Variables whose values nobody can read here: they are encrypted, or not the same in all of several candidates.
    pub(super) hidden: BTreeSet<String>,
    /// Whether there may be others, from a ConfigMap or Secret that is not here.
    pub(super) is_open: bool,
}

impl From<BTreeMap<String, String>> for Variables {
    fn from(known: BTreeMap<String, String>) -> Self {
        Self { known, ..Self::default() }
    }
}

/// A substituted object. What has no value here keeps its `${`.
#[derive(Debug)]
pub(super) struct Filled {
    /// The object.
    pub(super) node: Node,
    /// The variables that it uses.
    pub(super) used: BTreeSet<String>,
    /// What went wrong, and where.
    pub(super) trouble: Vec<(Place, Trouble)>,
    /// Whether something keeps its `${`, because its value is not known here.
    pub(super) is_open: bool,
}

/// Whether an object asks Flux to leave its `${` alone.
pub(super) fn is_disabled(node: &Node) -> bool {
    ["annotations", "labels"].iter().any(|part| {
        node.at(["metadata", part, DISABLED]).and_then(Node::as_str).is_some_and(|value| value == "disabled")
    })
}

/// Fills an object.
pub(super) fn object(node: &Node, variables: &Variables) -> Filled {
    let mut filler = Filler { variables, used: BTreeSet::new(), trouble: Vec::new(), is_open: false };
    let node = if is_disabled(node) { node.clone() } else { filler.node(node, false) };
    Filled { node, used: filler.used, trouble: filler.trouble, is_open: filler.is_open }
}

struct Filler<'call> {
    variables: &'call Variables,
    used: BTreeSet<String>,
    trouble: Vec<(Place, Trouble)>,
    is_open: bool,
}

impl Filler<'_> {
    fn node(&mut self, node: &Node, in_list: bool) -> Node {
        let data = match &node.data {
            Data::Mapping(mapping) => {
                let mut mapping = mapping.clone();
                for entry in &mut mapping.entries {
                    if entry.key.contains('$') {
                        entry.key = self.expand(&entry.key, entry.key_place).into();
                    }
                    entry.value = self.node(&entry.value, false);
                }
                Data::Mapping(mapping)
            }
            Data::Sequence(items) => Data::Sequence(items.iter().map(|item| self.node(item, true)).collect()),
            Data::String(text) if text.contains('$') => return self.scalar(text, node.place, in_list),
            other => other.clone(),
        };
        Node { place: node.place, data }
    }

    fn scalar(&mut self, text: &str, place: Place, in_list: bool) -> Node {
        let string = |text: String| Node { place, data: Data::String(text.into()) };
        if text.contains('\n') {
            // A literal block: whatever comes in stays text.
            return string(self.expand(text, place));
        }
        let written =
            if is_plain(text) { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) };
        let count = self.trouble.len();
        let was_open = std::mem::take(&mut self.is_open);
        let filled = self.expand(&written, place);
        let is_open = std::mem::replace(&mut self.is_open, was_open);
        self.is_open |= is_open;
        if self.trouble.len() > count {
            return string(text.to_owned());
        }
        let line = format!("{} {filled}\n", if in_list { "-" } else { "v:" });
        let mut sources = Sources::new();
        let id = sources.add(Source::new("substituted", line));
        let documents = read(&sources, id, Schema::Cluster, Limits::PLAN).unwrap_or_default();
        let value = match documents.as_slice() {
            [document] if in_list => document.root.at(["0"]).map(Node::to_value),
            [document] => document.root.get("v").map(Node::to_value),
            _ => None,
        };
        if let Some(value) = value {
            Node::from_value(&value, place)
        } else if is_open {
            // The value that is not known may be what makes it one.
            string(text.to_owned())
        } else {
            self.trouble.push((place, Trouble::Broken(filled)));
            string(text.to_owned())
        }
    }

    fn expand(&mut self, text: &str, place: Place) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            out.push_str(&rest[..dollar]);
            rest = &rest[dollar..];
            if let Some(after) = rest.strip_prefix("$$") {
                out.push('$');
                // What follows is text, `${` included.
                if let Some(brace) = after.strip_prefix('{') {
                    out.push('{');
                    rest = brace;
                } else {
                    rest = after;
                }
            } else if let Some(inside) = rest.strip_prefix("${") {
                let Some(end) = closing(inside) else {
                    self.trouble.push((place, Trouble::Unsupported(rest.to_owned())));
                    out.push_str(rest);
                    return out;
                };
                let value = self.expression(&inside[..end], place);
                out.push_str(&value);
                rest = &inside[end + 1..];
            } else {
                out.push('$');
                rest = &rest[1..];
            }
        }
        out.push_str(rest);
        out
    }

    fn expression(&mut self, inside: &str, place: Place) -> String {
        let length = inside.starts_with('#');
        let body = inside.strip_prefix('#').unwrap_or(inside);
        let end = body
            .bytes()
            .position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
            .unwrap_or(body.len());
        let (name, operator) = body.split_at(end);
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let default = [":=", ":-", "=", "-"].iter().find_map(|sign| operator.strip_prefix(sign));
        if !is_name || !(operator.is_empty() || default.is_some()) || (length && default.is_some()) {
            self.trouble.push((place, Trouble::Unsupported(format!("${{{inside}}}"))));
            return String::new();
        }
        self.used.insert(name.to_owned());
        let variables = self.variables;
        let is_hidden =
            variables.hidden.contains(name) || (variables.is_open && !variables.known.contains_key(name));
        if is_hidden {
            self.is_open = true;
            return format!("${{{inside}}}");
        }
        // `:` counts an empty value as none.
        let value =
            variables.known.get(name).filter(|value| !(operator.starts_with(':') && value.is_empty()));
        match (value, default) {
            (Some(value), _) if length => value.chars().count().to_string(),
            (Some(value), _) => value.replace('\n', ""),
            (None, Some(default)) => self.expand(default, place),
            (None, None) => {
                self.trouble.push((place, Trouble::Unset(name.to_owned())));
                String::new()
            }
        }
    }
}

/// Where the `}` of an expression stands.
fn closing(inside: &str) -> Option<usize> {
    let mut depth = 1_usize;
    let mut previous = ' ';
    for (position, character) in inside.char_indices() {
        match character {
            '{' if previous == '$' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(position);
                }
            }
            _ => {}
        }
        previous = character;
    }
    None
}

/// Whether Go's writer puts a text of one line without quotes (goyaml.v2 `emitterc.go`, analyze_scalar); a text with a
/// variable in it is never taken for a number or a boolean.
fn is_plain(text: &str) -> bool {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return false };
    let second = characters.next();
    let blank = |character: Option<char>| character.is_none_or(|character| character == ' ');
    let starts_well = match first {
        '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`'
        | ' ' => false,
        '-' | '?' | ':' => !blank(second),
        _ => !text.starts_with("---") && !text.starts_with("..."),
    };
    starts_well
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && !text.contains(" #")
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Trouble, object};
    use crate::yaml::{Limits, Source, Sources, read, scalar::Schema};

    fn fill(text: &str) -> (Value, Vec<Trouble>) {
        let mut sources = Sources::new();
        let id = sources.add(Source::new("test", text));
        let documents = read(&sources, id, Schema::Cluster, Limits::PLAN).unwrap_or_default();
        let values = [
            ("quote", "\""),
            ("name", "on"),
            ("count", "3"),
            ("list", r#"[{"start":"192.0.2.1"}]"#),
            ("bad", "a: b"),
            ("tick", "it's"),
            ("empty", ""),
        ];
        let known: std::collections::BTreeMap<_, _> =
            values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let variables =
            super::Variables { known, hidden: ["hidden".to_owned()].into(), ..super::Variables::default() };
        let filled = object(&documents[0].root, &variables);
        (filled.node.to_value(), filled.trouble.into_iter().map(|(_, trouble)| trouble).collect())
    }

    #[test]
    fn values_are_pasted_as_text_and_read_again() {
        let table = [
            // Quotes in the file do not survive, so a name can become a boolean.
            ("a: \"${name}\"", json!({"a": true})),
            ("a: ${quote}${name}${quote}", json!({"a": "on"})),
            ("a: ${count}", json!({"a": 3})),
            ("a: x-${count}", json!({"a": "x-3"})),
            ("a: ${list}", json!({"a": [{"start": "192.0.2.1"}]})),
            ("a: ['*.${name}']", json!({"a": ["*.on"]})),
            ("a: ${gone:=d}${empty:-e}${empty-f}", json!({"a": "de"})),
            ("a: ${gone:=${name}}", json!({"a": true})),
            ("a: ${#name}", json!({"a": 2})),
            ("a: $${name} $x $(y)", json!({"a": "${name} $x $(y)"})),
            ("a: $$x", json!({"a": "$x"})),
            ("a: ${hidden}-${count}", json!({"a": "${hidden}-3"})),
            ("a: ${hidden:=\'}${bad}${hidden}", json!({"a": "${hidden:='}${bad}${hidden}"})),
            ("a: ${hidden:=${gone}}", json!({"a": "${hidden:=${gone}}"})),
            ("a: |\n  ${name}: ${count}\n", json!({"a": "on: 3\n"})),
            ("a${count}: 1", json!({"a3": 1})),
            (
                "metadata: {annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\na: ${gone}",
                json!({"metadata": {"annotations": {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}}, "a": "${gone}"}),
            ),
        ];
        for (text, expected) in table {
            assert_eq!(fill(text), (expected, Vec::new()), "{text}");
        }
    }

    #[test]
    fn what_flux_would_refuse_is_found() {
        let table = [
            ("a: ${gone}", Trouble::Unset("gone".to_owned())),
            ("a: ${bad}", Trouble::Broken("a: b".to_owned())),
            ("a: '*${tick}'", Trouble::Broken("'*it's'".to_owned())),
            ("a: ${name^^}", Trouble::Unsupported("${name^^}".to_owned())),
            ("a: ${name", Trouble::Unsupported("${name".to_owned())),
            ("a: ${1x}", Trouble::Unsupported("${1x}".to_owned())),
        ];
        for (text, expected) in table {
            assert_eq!(fill(text).1, [expected], "{text}");
        }
    }
}
