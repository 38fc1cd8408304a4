//! The Crossplane folder: every object against its CRD, and what the Compositions make out of the examples.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skipped"
)]

#[path = "../common/mod.rs"]
mod common;

mod compositions;
mod go_template;
mod packages;
mod schema;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use schema::Crds;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All YAML files below a folder of the repository, sorted.
fn yaml_below(folder: &str) -> Vec<PathBuf> {
    fn visit(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    visit(&root().join(folder), &mut found);
    found.sort();
    found
}

/// The documents of a text.
fn documents(text: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap())
        .filter(|value| !value.is_null())
        .collect()
}

/// All objects below a folder, kustomizations left out.
fn objects(folder: &str) -> Vec<Value> {
    yaml_below(folder)
        .iter()
        .filter(|path| path.file_name().unwrap() != "kustomization.yaml")
        .flat_map(|path| documents(&fs::read_to_string(path).unwrap()))
        .collect()
}

fn of_kind(folder: &str, kind: &str) -> Vec<Value> {
    objects(folder).into_iter().filter(|object| object["kind"] == kind).collect()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn text<'value>(object: &'value Value, pointer: &str) -> &'value str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {object}"))
}

const PRUNE: &str = "/metadata/annotations/kustomize.toolkit.fluxcd.io~1prune";
const SUBSTITUTE: &str = "/metadata/annotations/kustomize.toolkit.fluxcd.io~1substitute";

#[test]
fn every_object_passes_its_crd() {
    let Some(crds) = Crds::load() else { return };
    // Built into Kubernetes, made by our own definition, or (the runtime config) a copy of Deployment too large to ship.
    let unchecked = ["Namespace", "ClusterRole", "PostgresDatabase", "DeploymentRuntimeConfig"];
    let mut checked = 0;
    let source =
        documents(&fs::read_to_string(root().join("management/flux/sources/crossplane.yaml")).unwrap());
    for object in objects("crossplane").iter().chain(&source) {
        match crds.check(object) {
            Some(errors) => {
                assert!(errors.is_empty(), "{} {}: {errors:#?}", object["kind"], name(object));
                checked += 1;
            }
            None => assert!(unchecked.contains(&text(object, "/kind")), "no CRD for {}", object["kind"]),
        }
    }
    assert!(checked > 25, "{checked}");
}

/// The check itself can fail.
#[test]
fn the_check_finds_planted_faults() {
    let Some(crds) = Crds::load() else { return };
    let good = serde_json::json!({
        "apiVersion": "rds.aws.m.upbound.io/v1beta1", "kind": "Instance", "metadata": {"name": "x"},
        "spec": {"forProvider": {"region": "eu-central-1", "instanceClass": "db.t4g.medium"}},
    });
    assert_eq!(crds.check(&good), Some(Vec::new()));
    for (pointer, key, value) in [
        ("/spec/forProvider", "instanceKlass", Some("x".into())),
        ("/spec/forProvider", "multiAz", Some("yes".into())),
        ("/spec/forProvider", "region", None),
        ("/spec/forProvider", "instanceClass", None),
        ("/spec", "providerConfigRef", Some(serde_json::json!({"name": "default"}))),
        ("/spec", "deletionPolicy", Some("Orphan".into())),
        ("/spec", "writeConnectionSecretToRef", Some(serde_json::json!({"name": "x", "namespace": "y"}))),
    ] {
        let mut bad = good.clone();
        let place = bad.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        match value {
            Some(value) => place.insert(key.to_owned(), value),
            None => place.remove(key),
        };
        assert_eq!(crds.check(&bad).unwrap().len(), 1, "{pointer}/{key}");
    }
}

/// What must not be pruned, and what Flux must not fill in.
#[test]
fn annotations_stand_where_they_must() {
    for object in objects("crossplane") {
        let kind = text(&object, "/kind");
        let kept = ["CompositeResourceDefinition", "Provider", "Function", "Namespace", "HelmRelease"];
        if kept.contains(&kind) {
            assert_eq!(object.pointer(PRUNE), Some(&"disabled".into()), "{kind} {}", name(&object));
        }
        if ["CompositeResourceDefinition", "Composition"].contains(&kind) {
            assert_eq!(object.pointer(SUBSTITUTE), Some(&"disabled".into()), "{kind} {}", name(&object));
        }
        // A database that is protected in itself is protected from a change of Git as well.
        if kind == "PostgresDatabase" {
            let protected = object.pointer("/spec/deletionProtection") != Some(&false.into());
            assert_eq!(object.pointer(PRUNE).is_some(), protected, "{}", name(&object));
        }
    }
}

/// The four Kustomizations: paths that are there, in a chain, each waiting for what it applies.
#[test]
fn flux_brings_it_up_in_order() {
    let steps: BTreeMap<String, Value> = of_kind("crossplane/flux", "Kustomization")
        .into_iter()
        .map(|step| (name(&step).to_owned(), step))
        .collect();
    let mut last = None;
    for wanted in
        ["crossplane-install", "crossplane-providers", "crossplane-provider-configs", "crossplane-apis"]
    {
        let step = &steps[wanted];
        let path = text(step, "/spec/path");
        assert!(root().join(path).join("kustomization.yaml").is_file(), "{path}");
        assert_eq!(step["spec"]["wait"], true, "{wanted}");
        assert_eq!(step["spec"]["deletionPolicy"], "Orphan", "{wanted}");
        let before: Vec<_> = step["spec"]["dependsOn"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|step| text(step, "/name"))
            .collect();
        assert_eq!(before, last.into_iter().collect::<Vec<_>>(), "{wanted}");
        last = Some(wanted);
        // kstatus would call these ready as soon as they exist.
        let path = path.trim_start_matches("./");
        let checked: BTreeSet<_> = step["spec"]["healthCheckExprs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|check| (text(check, "/apiVersion").to_owned(), text(check, "/kind").to_owned()))
            .collect();
        let needed: BTreeSet<_> = objects(path)
            .iter()
            .filter(|object| {
                ["Provider", "Function", "CompositeResourceDefinition"].contains(&text(object, "/kind"))
            })
            .map(|object| (text(object, "/apiVersion").to_owned(), text(object, "/kind").to_owned()))
            .collect();
        assert_eq!(checked, needed, "{wanted}");
    }
    assert_eq!(steps.len(), 4);
    // The chart's source is listed for the hub, in the namespace that the release names.
    let release = &of_kind("crossplane/install", "HelmRelease")[0];
    let source =
        &documents(&fs::read_to_string(root().join("management/flux/sources/crossplane.yaml")).unwrap())[0];
    let wanted = &release["spec"]["chart"]["spec"]["sourceRef"];
    assert_eq!((&source["kind"], &source["metadata"]["name"]), (&wanted["kind"], &wanted["name"]));
    assert_eq!(source["metadata"]["namespace"], wanted["namespace"]);
}

/// Accounts name Secrets, and hold none.
#[test]
fn accounts_are_references() {
    for object in objects("crossplane/provider-configs") {
        assert_eq!(object["kind"], "ClusterProviderConfig");
        let credentials = object["spec"]["credentials"].as_object().unwrap();
        let known: BTreeSet<_> = ["source", "secretRef"].into();
        assert!(credentials.keys().all(|key| known.contains(&**key)), "{credentials:?}");
        assert_eq!(credentials["source"] == "Secret", credentials.contains_key("secretRef"));
    }
    assert_eq!(of_kind("crossplane", "Secret"), Vec::<Value>::new());
}

#[test]
fn kubectl_builds_every_folder() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        let message = "kubectl not found: its builds of crossplane/ and sops/ DID NOT RUN";
        assert!(std::env::var("INFRAFLUX_REQUIRE_CLIENTS").as_deref() != Ok("1"), "{message}");
        eprintln!("\n*** {message} ***\n");
        return;
    }
    let mut built = 0;
    for folder in ["crossplane", "sops"] {
        for path in yaml_below(folder).iter().filter(|path| path.file_name().unwrap() == "kustomization.yaml")
        {
            let output =
                Command::new("kubectl").arg("kustomize").arg(path.parent().unwrap()).output().unwrap();
            assert!(
                output.status.success(),
                "{}: {}",
                path.display(),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(!documents(&String::from_utf8(output.stdout).unwrap()).is_empty(), "{}", path.display());
            built += 1;
        }
    }
    assert!(built >= 20, "{built}");
}

/// Each folder's kustomization names every file beside it: nothing lies there unread.
#[test]
fn kustomizations_name_all_their_files() {
    for folder in ["crossplane", "sops/examples", "sops/flux", "sops/management"] {
        for path in yaml_below(folder) {
            let (parent, file) = (path.parent().unwrap(), path.file_name().unwrap().to_str().unwrap());
            let kustomization = parent.join("kustomization.yaml");
            if file == "kustomization.yaml" || !kustomization.is_file() {
                continue;
            }
            let names = &documents(&fs::read_to_string(kustomization).unwrap())[0]["resources"];
            assert!(names.as_array().unwrap().iter().any(|name| name == file), "{}", path.display());
        }
    }
}
