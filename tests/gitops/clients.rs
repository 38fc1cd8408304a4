//! Every folder builds with the real client, and what comes out is what the offline build says.

use std::{collections::BTreeMap, path::Path, process::Command};

use infraflux::catalog::Catalog;
use serde_json::Value;

use crate::{
    common::{clients::kubectls, infraflux as program},
    world::{folders, plan, providers},
};

/// The folders of the catalogue that have a kustomization of their own, components left out.
fn built_folders() -> Vec<String> {
    let catalog = Catalog::embedded();
    catalog
        .files()
        .filter(|(path, source)| {
            path.ends_with("/kustomization.yaml") && !source.text().contains("kind: Component")
        })
        .map(|(path, _)| path.trim_end_matches("/kustomization.yaml").to_owned())
        .collect()
}

fn kustomize(kubectl: &Path, folder: &Path) -> BTreeMap<String, Value> {
    let built = Command::new(kubectl).arg("kustomize").arg(folder).output().unwrap();
    let (stdout, stderr) = program::texts(&built);
    assert!(built.status.success(), "{}: {stderr}", folder.display());
    program::objects(&stdout)
}

fn key(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    format!(
        "{} {} {}/{}",
        text("/apiVersion"),
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name")
    )
}

#[test]
fn kubectl_builds_every_folder_and_the_offline_build_agrees() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for kubectl in kubectls("building the folders of the catalogue") {
        let list = built_folders();
        assert!(list.len() > 40, "{} folders only", list.len());
        for path in list {
            let real = kustomize(&kubectl, &root.join(&path));
            let folder = folders().get(&path, &[]).unwrap();
            assert!(folder.findings.is_empty(), "{path}: {:?}", folder.findings);
            let ours: BTreeMap<String, Value> = folder
                .objects
                .iter()
                .map(|built| built.node.to_value())
                .map(|object| (key(&object), object))
                .collect();
            assert_eq!(ours.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>(), "{path}");
            for (key, object) in &real {
                assert_eq!(&ours[key], object, "{path}: {key}");
            }
        }
    }
}

/// A provider's component over a stage, as Flux's `spec.components` adds it.
#[test]
fn components_agree_with_kubectl() {
    let catalog = Catalog::embedded();
    let components: Vec<(String, String)> = catalog
        .files()
        .filter(|(path, source)| {
            path.ends_with("/kustomization.yaml") && source.text().contains("kind: Component")
        })
        .filter_map(|(path, _)| {
            // recipes/<bundle>/providers/<provider>/<stage>/kustomization.yaml
            let parts: Vec<&str> = path.split('/').collect();
            let [recipes, bundle, "providers", provider, stage, _] = parts.as_slice() else { return None };
            Some((format!("{recipes}/{bundle}/{stage}"), format!("../providers/{provider}/{stage}")))
        })
        .collect();
    assert!(components.len() > 10);
    for kubectl in kubectls("building the components of the catalogue") {
        let copy = tempfile::TempDir::new().unwrap();
        for (path, source) in catalog.files().filter(|(path, _)| path.starts_with("recipes/")) {
            let file = copy.path().join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, source.text()).unwrap();
        }
        for (path, component) in &components {
            let file = copy.path().join(path).join("kustomization.yaml");
            let original = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, format!("{original}components:\n  - {component}\n")).unwrap();
            let real = kustomize(&kubectl, &copy.path().join(path));
            std::fs::write(&file, original).unwrap();
            let folder = folders().get(path, std::slice::from_ref(component)).unwrap();
            assert!(folder.findings.is_empty(), "{path}: {:?}", folder.findings);
            let ours: BTreeMap<String, Value> = folder
                .objects
                .iter()
                .map(|built| built.node.to_value())
                .map(|object| (key(&object), object))
                .collect();
            assert_eq!(ours, real, "{path} with {component}");
        }
    }
}

#[test]
fn kubectl_builds_a_whole_hub() {
    for kubectl in kubectls("building out/<cluster> with every bundle") {
        for provider in providers() {
            let folder = tempfile::TempDir::new().unwrap();
            std::fs::write(folder.path().join("plan.yaml"), plan(provider, "lab", "")).unwrap();
            let output = program::run(folder.path(), &["up", "-f", "plan.yaml"]);
            assert!(output.status.success(), "{}", program::texts(&output).1);
            let built = kustomize(&kubectl, &folder.path().join("out/lab"));
            assert!(built.len() > 30, "{provider}: {} objects", built.len());
        }
    }
}
