//! Helm values: every key that we set is in the table of keys that were looked up in the pinned charts, and the table has no
//! other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use infraflux::plan::Provider;
use infraflux::{
    admission::{Object, flux::World},
    catalog::Catalog,
    yaml::pointer::FieldPath,
};
use serde_json::Value;

use crate::world::{folders, objects, plan, providers, render, repository};

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

/// Chart, version, keys of a table.
fn table(name: &str) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let table: Value = serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
    table["charts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|chart| {
            let text =
                |key: &str| chart[key].as_str().unwrap_or_else(|| panic!("{chart}: no {key}")).to_owned();
            for key in ["repository", "path"] {
                text(key);
            }
            let keys = chart["keys"].as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned());
            (text("chart"), (text("version"), keys.collect()))
        })
        .collect()
}

/// The version of a release's chart: its own, or its source's tag.
fn version(release: &Object) -> String {
    if let Some(version) = release.text("spec.chart.spec.version") {
        return version.to_owned();
    }
    let name = release.text("spec.chartRef.name").unwrap();
    let sources = folders().get("management/flux", &[]).unwrap();
    let source = sources
        .objects
        .iter()
        .map(|built| built.node.to_value())
        .find(|object| object["kind"] == "OCIRepository" && object["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("no OCIRepository {name}"));
    source["spec"]["ref"]["tag"].as_str().unwrap().to_owned()
}

#[test]
fn keys_are_those_that_were_looked_up() {
    let mut used: BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for provider in providers() {
        let mut shapes = vec![
            "  addons: {cilium: {encryption: wireguard, clusterID: 1}, gateway: {controller: cilium}}\n",
            "  addons: {cilium: {loadBalancer: {mode: bgp, addresses: [192.0.2.192/26], localASN: 64512, peers: [{address: 192.0.2.1, asn: 64513}]}}}\n",
            "  addons: {cilium: {loadBalancer: {mode: l2, addresses: [192.0.2.192/26]}}}\n",
            "  workers: []\n  controlPlane: {replicas: 1}\n",
        ];
        match provider {
            Provider::Aws => {
                shapes.push("  kubernetesVersion: \"1.34\"\n  aws: {tags: {team: web}}\n");
            }
            Provider::Proxmox => shapes.push("  proxmox: {cloudControllerManager: proxmox}\n"),
            Provider::Azure | Provider::Gcp => {}
        }
        for more in shapes {
            for cluster in render(&plan(provider, "lab", more)) {
                let objects = objects(&cluster);
                let world = World::new(&objects, folders(), repository(&cluster));
                for (release, _) in world.releases() {
                    let chart = release
                        .text("spec.chart.spec.chart")
                        .or_else(|| release.text("spec.chartRef.name"))
                        .unwrap();
                    let entry = used.entry(chart.to_owned()).or_default();
                    entry.0.insert(version(release));
                    if let Some(values) = release.at("spec.values") {
                        leaves(values, &FieldPath::root(), &mut entry.1);
                    }
                }
            }
        }
    }
    let table = table("helm-values.yaml");
    // Those of tests/addons.rs, which looks at more plans.
    let more = self::table("addon-values.yaml");
    let mut wrong = Vec::new();
    for (chart, (versions, keys)) in &used {
        let Some((version, known)) = table.get(chart).or_else(|| more.get(chart)) else {
            wrong.push(format!("{chart} {versions:?}: not in the table; keys {keys:#?}"));
            continue;
        };
        if versions.iter().any(|used| used.trim_start_matches('v') != version.trim_start_matches('v')) {
            wrong.push(format!("{chart}: used at {versions:?}, looked up at {version}"));
        }
        let open = |key: &String| {
            known
                .iter()
                .find(|known| known.strip_suffix('*').is_some_and(|start| key.starts_with(start)))
                .cloned()
        };
        let keys: BTreeSet<String> =
            keys.iter().map(|key| open(key).unwrap_or_else(|| key.clone())).collect();
        for key in keys.difference(known) {
            wrong.push(format!("{chart}: `{key}` is set and was not looked up"));
        }
        for key in known.difference(&keys).filter(|_| table.contains_key(chart)) {
            wrong.push(format!("{chart}: `{key}` was looked up and is not set"));
        }
    }
    for chart in table.keys().filter(|chart| !used.contains_key(*chart)) {
        wrong.push(format!("{chart}: nobody uses it"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Sources are pinned to what the profiles say: CRDs and the controllers that read them move together.
#[test]
fn sources_of_manifests_have_the_versions_of_the_profiles() {
    let catalog = Catalog::embedded();
    let sources = folders().get("management/flux", &[]).unwrap();
    let tag = |name: &str| {
        let source = sources
            .objects
            .iter()
            .map(|built| built.node.to_value())
            .find(|object| object["kind"] == "GitRepository" && object["metadata"]["name"] == name)
            .unwrap();
        source["spec"]["ref"]["tag"].as_str().unwrap().to_owned()
    };
    for name in catalog.profile_names() {
        let components = catalog.profile(name).unwrap().spec.components;
        for (source, component) in [("gateway-api", "gatewayAPI"), ("envoy-gateway-crds", "envoyGateway")] {
            assert_eq!(tag(source), components[component].version, "profile {name}: {source}");
        }
    }
}
