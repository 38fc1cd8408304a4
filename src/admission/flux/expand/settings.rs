//! The variables of a Kustomization: those of the ConfigMaps and Secrets that it names, as far as they are here, and its own.

use std::collections::HashMap;

use serde_json::Value;

use crate::admission::{
    Object,
    flux::{load::inline, substitute::Variables, world::list},
};

/// ConfigMaps and Secrets by kind and name.
#[derive(Debug, Default)]
pub(super) struct Settings {
    by_name: HashMap<(String, String), Vec<Data>>,
}

/// What one of them holds, and its namespace.
type Data = (Option<String>, Variables);

impl Settings {
    /// Takes an object in, if it is one.
    pub(super) fn add(&mut self, object: &Object) {
        if object.is("", "ConfigMap") || object.is("", "Secret") {
            let key = (object.id.kind.clone(), object.id.name.clone());
            self.by_name.entry(key).or_default().push((object.id.namespace.clone(), values(object)));
        }
    }

    /// What those of a name hold that a Kustomization of a namespace may mean.
    fn find(&self, kind: &str, home: Option<&str>, name: &str) -> Vec<&Variables> {
        let fits = |namespace: &Option<String>| {
            home.is_none() || namespace.is_none() || namespace.as_deref() == home
        };
        let found = self.by_name.get(&(kind.to_owned(), name.to_owned()));
        found.into_iter().flatten().filter(|(home, _)| fits(home)).map(|(_, data)| data).collect()
    }
}

/// The variables of a Kustomization: from what is delivered with it, else from all that was given.
pub(super) fn variables(object: &Object, delivered: &Settings, given: &Settings) -> Variables {
    let mut out = Variables::default();
    let home = object.id.namespace.as_deref();
    for from in list(object, "spec.postBuild.substituteFrom") {
        let text = |key: &str| from.get(key).and_then(Value::as_str).unwrap_or_default();
        let mut found = delivered.find(text("kind"), home, text("name"));
        found.truncate(1);
        if found.is_empty() {
            found = given.find(text("kind"), home, text("name"));
        }
        out.is_open |= found.is_empty();
        for (position, data) in found.iter().enumerate() {
            for (key, value) in &data.known {
                // Several of one name belong to several clusters.
                if position > 0 && out.known.get(key).is_some_and(|other| other != value) {
                    out.hidden.insert(key.clone());
                }
                out.known.insert(key.clone(), value.clone());
            }
            out.hidden.extend(data.hidden.iter().cloned());
        }
    }
    for (name, value) in inline(object) {
        // A value with a variable that is not known is not known.
        if value.contains("${") {
            out.hidden.insert(name);
        } else {
            out.hidden.remove(&name);
            out.known.insert(name, value.replace('\n', ""));
        }
    }
    out
}

/// The variables of a ConfigMap or Secret. What is encrypted or encoded is known by its name only.
fn values(object: &Object) -> Variables {
    let mut out = Variables::default();
    for part in ["data", "stringData"] {
        for (key, value) in object.at(part).and_then(Value::as_object).into_iter().flatten() {
            match value.as_str() {
                Some(text)
                    if !text.starts_with("ENC[")
                        && !text.contains("${")
                        && (part == "stringData" || object.id.kind != "Secret") =>
                {
                    out.known.insert(key.clone(), text.replace('\n', ""));
                }
                _ => {
                    out.hidden.insert(key.clone());
                }
            }
        }
    }
    out
}
