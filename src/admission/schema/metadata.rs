//! `metadata`, which is the same for all kinds.
//!
//! Source: kubernetes/kubernetes `staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go` and `name.go`.

use serde_json::Value;

use super::{
    at::At,
    builtin::{self, NameForm},
    store::Check,
    told::cut,
    walk,
};
use crate::{
    admission::{
        Object, Violation,
        rules::label::{is_dns_label, is_subdomain, key_problem, value_problem},
    },
    finding::{Severity, codes},
    yaml::pointer::FieldPath,
};

/// The bytes that all annotations of an object may have together.
const ANNOTATIONS: usize = 256 << 10;

/// Checks the metadata of an object whose kind is known.
pub(super) fn check(object: &Object, namespaced: bool, check: Check) -> Vec<Violation> {
    let mut out = structure(object);
    names(object, builtin::name_form(object.group(), &object.id.kind), &mut out);
    let path = || FieldPath::of(["metadata", "namespace"]);
    match (&object.id.namespace, namespaced) {
        (None, true) => out.extend(check.no_namespace.map(|severity| {
            Violation::error(
                &codes::SCHEMA_SCOPE,
                object,
                path(),
                format!("the {} has no namespace", object.id.kind),
            )
            .severity(severity)
            .hint("name one; without it the object lands in whatever namespace the client is set to")
        })),
        (Some(namespace), false) => out.push(
            Violation::error(
                &codes::SCHEMA_SCOPE,
                object,
                path(),
                format!(
                    "a {} belongs to the whole cluster, yet it names the namespace `{}`",
                    object.id.kind,
                    cut(namespace, 80)
                ),
            )
            .severity(Severity::Warning)
            .hint("remove `metadata.namespace`; the API server ignores it, and other tools do not"),
        ),
        _ => {}
    }
    out
}

/// Checks what can be checked of the metadata of an object whose kind is not known.
pub(super) fn check_unknown(object: &Object) -> Vec<Violation> {
    let mut out = structure(object);
    names(object, NameForm::PathSegment, &mut out);
    out
}

fn structure(object: &Object) -> Vec<Violation> {
    let Some(metadata) = object.value.get("metadata") else {
        return vec![
            Violation::error(
                &codes::SCHEMA_MISSING,
                object,
                FieldPath::of(["metadata"]),
                "`metadata` is missing",
            )
            .hint("add `metadata` with a `name`"),
        ];
    };
    let tree = builtin::metadata();
    let whole = super::default::completed(tree, super::node::Tree::ROOT, metadata);
    let at = At::ROOT;
    let mut out = walk::check_part(tree, object, whole.as_ref().unwrap_or(metadata), &at.key("metadata"));
    let mut bad = |place: &str, key: &str, message: String| {
        let path = FieldPath::of(["metadata", place]).key(key);
        out.push(Violation::error(&codes::SCHEMA_NAME, object, path, message));
    };
    let entries = |place: &str| metadata.get(place).and_then(Value::as_object).into_iter().flatten();
    for (key, value) in entries("labels") {
        if let Some(problem) = key_problem(key) {
            bad("labels", key, format!("`{}` cannot be the key of a label: {problem}", cut(key, 80)));
        }
        if let Some(problem) = value.as_str().and_then(value_problem) {
            bad(
                "labels",
                key,
                format!("the value of the label `{}` is not allowed: {problem}", cut(key, 80)),
            );
        }
    }
    let mut size = 0;
    for (key, value) in entries("annotations") {
        // Annotation keys may have capital letters, in contrast to label keys.
        if let Some(problem) = key_problem(&key.to_lowercase()) {
            bad(
                "annotations",
                key,
                format!("`{}` cannot be the key of an annotation: {problem}", cut(key, 80)),
            );
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS {
        let message =
            format!("the annotations have {size} bytes together, at most {ANNOTATIONS} are allowed");
        out.push(Violation::error(
            &codes::SCHEMA_BOUNDS,
            object,
            FieldPath::of(["metadata", "annotations"]),
            message,
        ));
    }
    out
}

fn names(object: &Object, form: NameForm, out: &mut Vec<Violation>) {
    let metadata = object.value.get("metadata");
    let text = |key: &str| metadata.and_then(|metadata| metadata.get(key)).filter(|value| !value.is_null());
    let mut say = |code, key: &str, message: String, hint: Option<&str>| {
        let violation = Violation::error(code, object, FieldPath::of(["metadata", key]), message);
        out.push(match hint {
            Some(hint) => violation.hint(hint),
            None => violation,
        });
    };
    match (text("name").and_then(Value::as_str), text("generateName").and_then(Value::as_str)) {
        // Without any metadata that is told already.
        (None, None) if metadata.is_none() => {}
        (None | Some(""), None | Some("")) => {
            let hint = "give the object a name";
            say(&codes::SCHEMA_MISSING, "name", "`metadata.name` is missing".to_owned(), Some(hint));
        }
        (Some(name), _) if !name.is_empty() => {
            let fits = form.takes(name);
            if !fits {
                let message = format!(
                    "`{}` cannot be the name of a {}: {}",
                    cut(name, 80),
                    object.id.kind,
                    form.words()
                );
                say(&codes::SCHEMA_NAME, "name", message, None);
            }
        }
        (_, Some(prefix)) => {
            // What is appended begins with a letter or digit, so a dash may end it.
            let fits = form.takes(&format!("{prefix}x"));
            if !fits {
                let message = format!(
                    "`{}` cannot begin the name of a {}: {}",
                    cut(prefix, 80),
                    object.id.kind,
                    form.words()
                );
                say(&codes::SCHEMA_NAME, "generateName", message, None);
            }
        }
        _ => {}
    }
    if let Some(namespace) = text("namespace").and_then(Value::as_str)
        && !(namespace.len() <= 63 && is_dns_label(namespace))
    {
        let message = format!("`{}` cannot be a namespace: {}", cut(namespace, 80), NameForm::Label.words());
        say(&codes::SCHEMA_NAME, "namespace", message, None);
    }
}

impl NameForm {
    fn takes(self, name: &str) -> bool {
        match self {
            Self::Subdomain => is_subdomain(name),
            Self::Label => name.len() <= 63 && is_dns_label(name),
            Self::PathSegment => !matches!(name, "." | "..") && !name.contains(['/', '%']),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Subdomain => {
                "it may have lower-case letters, digits, `-` and `.`, must start and end with a letter or digit, and \
                 have at most 253 characters"
            }
            Self::Label => {
                "it may have lower-case letters, digits and `-`, must start and end with a letter or digit, and have at \
                 most 63 characters"
            }
            Self::PathSegment => "it may not be `.` or `..`, nor contain `/` or `%`",
        }
    }
}
