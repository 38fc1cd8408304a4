//! A scope of a few values, for templates under test.

use std::collections::{BTreeMap, BTreeSet};

use infraflux::template::{Language, Scope, Value};

/// Values and features by name.
#[derive(Default)]
pub struct TestScope {
    pub values: BTreeMap<String, serde_json::Value>,
    pub features: BTreeSet<String>,
}

impl Scope for TestScope {
    fn variable(&self, name: &str) -> Option<Value> {
        self.values.get(name).and_then(|value| Value::from_json(value.clone()))
    }

    fn feature(&self, name: &str) -> bool {
        self.features.contains(name)
    }

    fn names(&self) -> Vec<String> {
        self.values.keys().cloned().collect()
    }
}

/// The features that templates under test may name.
pub struct TestLanguage;

impl Language for TestLanguage {
    fn features(&self) -> Vec<&str> {
        vec!["gpu", "spot", "recipe.*"]
    }
}
