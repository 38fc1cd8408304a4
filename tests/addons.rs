//! What the add-ons of Google Cloud and Proxmox bring: chart values that exist, and manifests that run before there is a network.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use common::rendering;
use infraflux::{plan::Provider, yaml::pointer::FieldPath};
use serde::Deserialize;
use serde_json::Value;

/// `tests/fixtures/addon-values.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    charts: Vec<Chart>,
}

/// What is known about a chart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Chart {
    #[serde(rename = "chart")]
    name: String,
    version: String,
    repository: String,
    path: String,
    keys: BTreeSet<String>,
}

fn leaves(value: &Value, path: &FieldPath, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                leaves(value, &path.key(key.clone()), out);
            }
        }
        _ => {
            out.insert(path.to_string());
        }
    }
}

#[test]
fn values_are_keys_of_the_charts() {
    let text = fs::read_to_string(rendering::root().join("tests/fixtures/addon-values.yaml")).unwrap();
    let table: Table = serde_yaml::from_str(&text).unwrap();
    let mut found: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    let engine = rendering::engine();
    for provider in [Provider::Gcp, Provider::Proxmox] {
        for case in rendering::cases(provider) {
            let rendered = rendering::render(&engine, &case.path, &case.text, None);
            for (path, object) in &rendered.objects {
                if !path.starts_with("addons/cloud-provider/") || object["kind"] != "HelmRelease" {
                    continue;
                }
                let chart = &object["spec"]["chart"]["spec"];
                let text = |key: &str| chart[key].as_str().unwrap().to_owned();
                let keys = found.entry((text("chart"), text("version"))).or_default();
                leaves(&object["spec"]["values"], &FieldPath::default(), keys);
            }
        }
    }
    let known: BTreeMap<(String, String), BTreeSet<String>> = table
        .charts
        .into_iter()
        .map(|chart| {
            assert!(chart.repository.contains('/') && !chart.path.is_empty(), "{} has no source", chart.name);
            ((chart.name, chart.version), chart.keys)
        })
        .collect();
    assert_eq!(found, known, "left: what is rendered; right: tests/fixtures/addon-values.yaml");
}

/// The objects of the folder that a Kustomization puts on the workload cluster.
fn manifests(folder: &str) -> Vec<Value> {
    let folder = rendering::root().join(folder);
    let list: Value =
        serde_yaml::from_str(&fs::read_to_string(folder.join("kustomization.yaml")).unwrap()).unwrap();
    let mut out = Vec::new();
    for file in list["resources"].as_array().unwrap() {
        let text = fs::read_to_string(folder.join(file.as_str().unwrap())).unwrap();
        out.extend(
            serde_yaml::Deserializer::from_str(&text)
                .map(|document| Value::deserialize(document).unwrap())
                .filter(|value| !value.is_null()),
        );
    }
    out
}

#[test]
fn the_manifests_of_gcp_run_before_the_network() {
    let objects = manifests("clusters/gcp/cloud-provider");
    let daemon = objects.iter().find(|object| object["kind"] == "DaemonSet").expect("the controller");
    let pod = &daemon["spec"]["template"]["spec"];
    assert_eq!(pod["hostNetwork"], true);
    let tolerated: BTreeSet<&str> = pod["tolerations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|toleration| toleration["key"].as_str().unwrap())
        .collect();
    for taint in ["node.cloudprovider.kubernetes.io/uninitialized", "node.kubernetes.io/not-ready"] {
        assert!(tolerated.contains(taint), "{taint} is not tolerated");
    }
    let environment: BTreeMap<&str, &str> = pod["containers"][0]["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["name"].as_str().unwrap(), entry["value"].as_str().unwrap()))
        .collect();
    assert_eq!(environment.get("KUBERNETES_SERVICE_HOST"), Some(&"localhost"));
    assert_eq!(environment.get("KUBERNETES_SERVICE_PORT"), Some(&"7445"));
}

#[test]
fn the_images_of_gcp_are_those_of_the_profiles() {
    let objects = manifests("clusters/gcp/cloud-provider");
    let daemon = objects.iter().find(|object| object["kind"] == "DaemonSet").expect("the controller");
    let image = daemon["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
    let source =
        fs::read_to_string(rendering::root().join("management/flux/sources/gcp-pd-csi-driver.yaml")).unwrap();
    let source: Value = serde_yaml::from_str(&source).unwrap();
    let catalog = rendering::catalog();
    for name in catalog.profile_names() {
        let profile = catalog.profile(name).unwrap();
        let version = |component: &str| profile.spec.component(component).unwrap().version.clone();
        assert!(
            image.ends_with(&format!(":{}", version("gcpCloudProvider"))),
            "{name}: the manifests have {image}"
        );
        assert_eq!(
            source["spec"]["ref"]["tag"],
            version("gcpPdCsiDriver"),
            "{name}: manifests and image differ"
        );
    }
}
