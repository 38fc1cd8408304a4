//! What templates of the management side see.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    catalog::Catalog,
    finding::{Finding, Findings, codes},
    template::{Language, Scope, Template, Value},
};

/// A feature that conditions under `management/` may name.
pub struct Feature {
    /// The name; one that ends in `.*` stands for a family.
    pub name: &'static str,
    /// What it means.
    pub description: &'static str,
}

/// All features of the management side.
pub static FEATURES: &[Feature] = &[
    Feature {
        name: "provider.*",
        description: "a provider of the hub, or the cluster's, for instance `provider.aws`",
    },
    Feature { name: "profile.*", description: "the profile, for instance `profile.current`" },
    Feature { name: "set.*", description: "a variable is set, for instance `set.REPO_SECRET`" },
    Feature { name: "cert-manager", description: "the hub gets its cert-manager from here" },
    Feature { name: "crossplane", description: "the hub runs Crossplane" },
    Feature { name: "identities", description: "one of the providers has objects for identities" },
    Feature {
        name: "multitenant",
        description: "others than the platform team write Flux objects on the hub",
    },
    Feature { name: "sharding", description: "Flux runs in shards" },
    Feature { name: "ssh", description: "the repository is read over SSH" },
    Feature { name: "talos-before-1.14", description: "machine configurations of one document" },
    Feature { name: "talos-1.14", description: "machine configurations of many documents" },
];

struct KnownFeatures;

impl Language for KnownFeatures {
    fn features(&self) -> Vec<&str> {
        FEATURES.iter().map(|feature| feature.name).collect()
    }
}

/// Variables and features, as templates see them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    variables: BTreeMap<String, Value>,
    features: BTreeSet<String>,
    remedies: BTreeMap<String, String>,
}

impl Values {
    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<String>, value: Value) {
        self.variables.insert(name.into(), value);
    }

    /// Sets a variable to text.
    pub fn text(&mut self, name: &str, text: impl Into<Arc<str>>) {
        self.set(name, Value::text(text));
    }

    /// Turns a feature on.
    pub fn turn_on(&mut self, feature: impl Into<String>) {
        self.features.insert(feature.into());
    }

    /// What would set a variable, for the message when it is missing.
    pub fn remedy_for(&mut self, name: impl Into<String>, remedy: impl Into<String>) {
        self.remedies.insert(name.into(), remedy.into());
    }

    /// A variable as text; empty when it is unset or no scalar.
    #[must_use]
    pub fn get(&self, name: &str) -> String {
        self.variables.get(name).and_then(Value::as_text).unwrap_or_default().into_owned()
    }
}

impl Scope for Values {
    fn variable(&self, name: &str) -> Option<Value> {
        self.variables.get(name).cloned()
    }

    fn feature(&self, name: &str) -> bool {
        match name.strip_prefix("set.") {
            Some(variable) => self.variables.get(variable).is_some_and(|value| !value.is_empty_collection()),
            None => self.features.contains(name),
        }
    }

    fn names(&self) -> Vec<String> {
        self.variables.keys().cloned().collect()
    }

    fn remedy(&self, name: &str) -> Option<String> {
        self.remedies.get(name).cloned()
    }
}

/// Compiles a template of the management side.
pub(super) fn template(catalog: &Catalog, path: &str) -> Result<Template, Findings> {
    let Some(source) = catalog.get(path) else {
        return Err(Finding::error(&codes::CATALOG_FILE, format!("the catalogue has no file `{path}`"))
            .hint("`infraflux eject` writes the original")
            .into());
    };
    Template::compile(source, &KnownFeatures)
}

/// Fills a file of exactly one document and gives what it says.
pub(super) fn data(catalog: &Catalog, path: &str, values: &Values) -> Result<serde_json::Value, Findings> {
    let template = template(catalog, path)?;
    match template.documents() {
        [document] => document.fill_value(values),
        documents => Err(Finding::error(
            &codes::CATALOG_FILE,
            format!("`{path}` must hold one document, it has {}", documents.len()),
        )
        .into()),
    }
}
