//! The Helm values of providers' add-ons, against the table of what was looked up in the charts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{collections::BTreeMap, fs};

use common::infraflux::{cluster_objects, run, texts};
use infraflux::yaml::pointer::FieldPath;
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

/// A chart in the table.
#[derive(Deserialize)]
struct Chart {
    #[serde(rename = "chart")]
    name: String,
    version: String,
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Table {
    charts: Vec<Chart>,
}

/// The paths of the leaves; a list is a leaf.
fn leaves(value: &Value, path: &FieldPath, out: &mut Vec<String>) {
    match value.as_object() {
        Some(entries) => {
            for (key, value) in entries {
                leaves(value, &path.key(key.clone()), out);
            }
        }
        None => out.push(path.to_string()),
    }
}

#[test]
fn add_ons_set_values_that_their_charts_have() {
    let table: Table =
        serde_yaml::from_str(&fs::read_to_string("tests/fixtures/helm-values.yaml").unwrap()).unwrap();
    let folder = TempDir::new().unwrap();
    let output = run(folder.path(), &["up", "--provider", "azure", "--name", "lab"]);
    assert!(output.status.success(), "{}", texts(&output).1);
    let mut found = BTreeMap::new();
    for object in cluster_objects(&folder.path().join("out/lab")).values() {
        let chart = &object["spec"]["chart"]["spec"];
        let Some(name) = chart["chart"].as_str().filter(|_| object["kind"] == "HelmRelease") else {
            continue;
        };
        let mut keys = Vec::new();
        leaves(&object["spec"]["values"], &FieldPath::root(), &mut keys);
        keys.sort();
        found.insert(name.to_owned(), (chart["version"].as_str().unwrap().to_owned(), keys));
    }
    for name in ["cloud-provider-azure", "azuredisk-csi-driver"] {
        let (version, keys) = found.get(name).unwrap_or_else(|| panic!("no release of {name}"));
        let known = table
            .charts
            .iter()
            .find(|entry| entry.name == name)
            .unwrap_or_else(|| panic!("{name} is not in the table"));
        assert_eq!(&known.version, version, "{name}: look the values up in the version that the profile has");
        assert_eq!(&known.keys, keys, "{name}");
    }
}
