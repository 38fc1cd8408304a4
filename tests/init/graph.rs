//! The order in which the hub comes up: every reference resolves, nothing waits for itself, and what others wait for is ready for a
//! reason.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use infraflux::{catalog::Catalog, management::RenderedHub};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{common, documents, file, hubs, objects, render};

const FLUX: &str = "flux-system";

/// The Flux objects below a folder of the catalogue, as a Kustomization over it would bring them.
fn in_catalog(folder: &str) -> Vec<Value> {
    let catalog = Catalog::embedded();
    let kustomization = catalog.get(&format!("{folder}/kustomization.yaml")).expect("a kustomization");
    let kustomization = documents(kustomization.text()).remove(0);
    let mut out = Vec::new();
    for resource in kustomization["resources"].as_array().unwrap() {
        let path = format!("{folder}/{}", resource.as_str().unwrap());
        match catalog.get(&path) {
            Some(source) => out.extend(documents(source.text())),
            None => out.extend(in_catalog(&path)),
        }
    }
    out
}

/// Every object that exists on the hub once all Kustomizations of the sync have run, without what is on clouds.
fn everything(hub: &RenderedHub) -> Vec<Value> {
    let mut out: Vec<Value> = objects(hub)
        .into_iter()
        .filter(|(path, _)| !path.starts_with("controllers/"))
        .map(|(_, object)| object)
        .collect();
    out.extend(in_catalog("management/flux").into_iter().filter(|object| {
        // Taken out by a patch of the Kustomization `sources`.
        !(object["kind"] == "GitRepository" && object["metadata"]["name"] == "infraflux")
    }));
    patch_as_sources_does(hub, &mut out);
    out.extend(in_catalog("sops/flux"));
    if hub.files.iter().any(|(path, _)| path == "sync/crossplane.yaml") {
        out.extend(in_catalog("crossplane/flux"));
    }
    out
}

/// What the Kustomization `sources` adds to those of the hub's own bundles.
fn patch_as_sources_does(hub: &RenderedHub, objects: &mut [Value]) {
    let sync = documents(file(hub, "sync/kustomizations.yaml"));
    let sources = sync.iter().find(|object| object["metadata"]["name"] == "sources").unwrap();
    for patch in sources["spec"]["patches"].as_array().unwrap() {
        let operations: Value = serde_yaml::from_str(patch["patch"].as_str().unwrap()).unwrap();
        let Some(operation) = operations.get(0) else { continue };
        assert_eq!((&operation["op"], &operation["path"]), (&json!("add"), &json!("/spec/patches")));
        let target = objects
            .iter_mut()
            .find(|object| {
                object["metadata"]["name"] == patch["target"]["name"]
                    && object["kind"] == patch["target"]["kind"]
            })
            .expect("a target");
        target["spec"]["patches"] = operation["value"].clone();
    }
}

fn is(object: &Value, kind: &str, namespace: &str, name: &str) -> bool {
    object["kind"] == kind
        && object["metadata"]["namespace"].as_str().unwrap_or_default() == namespace
        && object["metadata"]["name"] == name
}

#[test]
fn every_object_has_one_owner() {
    for (name, settings) in hubs() {
        let mut seen = BTreeSet::new();
        for object in everything(&render(&settings)) {
            let key = format!("{} {}", object["kind"], object["metadata"]);
            let identity = (
                object["apiVersion"].to_string(),
                object["kind"].to_string(),
                object["metadata"]["namespace"].to_string(),
                object["metadata"]["name"].to_string(),
            );
            assert!(seen.insert(identity), "{name}: twice: {key}");
        }
    }
}

#[test]
fn every_reference_resolves() {
    for (name, settings) in hubs() {
        let hub = render(&settings);
        let all = everything(&hub);
        let exists = |kind: &str, namespace: &str, wanted: &str| {
            assert!(
                all.iter().any(|object| is(object, kind, namespace, wanted)),
                "{name}: nothing brings {kind} {namespace}/{wanted}"
            );
        };
        for object in &all {
            let own = object["metadata"]["namespace"].as_str().unwrap_or_default();
            for pointer in ["/spec/sourceRef", "/spec/chartRef", "/spec/chart/spec/sourceRef"] {
                if let Some(reference) = object.pointer(pointer) {
                    let text = |key: &str| reference[key].as_str();
                    exists(text("kind").unwrap(), text("namespace").unwrap_or(own), text("name").unwrap());
                }
            }
            for check in object["spec"]["healthChecks"].as_array().into_iter().flatten() {
                exists(
                    check["kind"].as_str().unwrap(),
                    check["namespace"].as_str().unwrap_or(own),
                    check["name"].as_str().unwrap(),
                );
            }
            if object["kind"] == "Kustomization" {
                for dependency in object["spec"]["dependsOn"].as_array().into_iter().flatten() {
                    exists("Kustomization", own, dependency["name"].as_str().unwrap());
                }
                path_exists(&name, &hub, object);
            }
        }
    }
}

/// A path is a folder of what was rendered, or of the catalogue, with a kustomization in it.
fn path_exists(name: &str, hub: &RenderedHub, kustomization: &Value) {
    let path = kustomization["spec"]["path"].as_str().unwrap();
    if kustomization["spec"]["sourceRef"]["name"] != "infraflux" || path == "./out" {
        return;
    }
    let path = path.strip_prefix("./").unwrap_or_else(|| panic!("{name}: {path}"));
    let found = match path.strip_prefix("out/management") {
        Some(rest) => {
            let wanted = format!("{rest}/kustomization.yaml");
            hub.files.iter().any(|(known, _)| *known == wanted.trim_start_matches('/'))
        }
        None => Catalog::embedded().get(&format!("{path}/kustomization.yaml")).is_some(),
    };
    assert!(found, "{name}: `{path}` has no kustomization");
}

#[test]
fn nothing_waits_for_itself_and_waiting_means_something() {
    for (name, settings) in hubs() {
        let all = everything(&render(&settings));
        let kustomizations: BTreeMap<&str, &Value> = all
            .iter()
            .filter(|object| object["kind"] == "Kustomization")
            .map(|object| (object["metadata"]["name"].as_str().unwrap(), object))
            .collect();
        let needs = |wanted: &str| -> Vec<&str> {
            let list = kustomizations[wanted]["spec"]["dependsOn"].as_array().into_iter().flatten();
            list.map(|dependency| dependency["name"].as_str().unwrap()).collect()
        };
        for start in kustomizations.keys().copied() {
            let mut open = needs(start);
            let mut seen = BTreeSet::new();
            while let Some(next) = open.pop() {
                assert_ne!(next, start, "{name}: {start} waits for itself");
                if seen.insert(next) {
                    open.extend(needs(next));
                }
                let spec = &kustomizations[next]["spec"];
                let has_reason = spec["wait"] == true || spec["healthChecks"].is_array();
                assert!(
                    has_reason,
                    "{name}: {start} waits for {next}, which is ready as soon as it is applied"
                );
            }
        }
        // Clusters come last, after the providers, their Secrets and their namespaces.
        let mut before = BTreeSet::new();
        let mut open = vec!["clusters"];
        while let Some(next) = open.pop() {
            for need in needs(next) {
                if before.insert(need) {
                    open.push(need);
                }
            }
        }
        for wanted in ["providers", "operator", "sources", "namespaces", "secrets-management"] {
            assert!(before.contains(wanted), "{name}: clusters do not wait for {wanted}: {before:?}");
        }
        // A sync that waits for clusters would wait for ever.
        for free in ["clusters", "management", "secrets"] {
            assert_eq!(kustomizations[free]["spec"]["wait"], false, "{name}: {free}");
        }
        for (which, object) in &kustomizations {
            let of_sync =
                !which.contains("crossplane-") && !object["spec"]["suspend"].as_bool().unwrap_or_default();
            if of_sync && *which != "gateway-api-crds" {
                assert_eq!(object["spec"]["deletionPolicy"], "Orphan", "{name}: {which}");
                assert!(object["spec"]["retryInterval"].is_string(), "{name}: {which}");
            }
        }
    }
}

#[test]
fn a_kustomization_waits_longer_than_its_releases() {
    let minutes = |text: &Value| -> u32 { text.as_str().unwrap().trim_end_matches('m').parse().unwrap() };
    for (name, settings) in hubs() {
        let hub = render(&settings);
        for (path, object) in objects(&hub) {
            if object["kind"] != "HelmRelease" {
                continue;
            }
            let folder = path.split('/').next().unwrap();
            let kustomization = documents(file(&hub, "sync/kustomizations.yaml"))
                .into_iter()
                .find(|candidate| candidate["metadata"]["name"] == folder)
                .unwrap();
            assert!(
                minutes(&kustomization["spec"]["timeout"]) > minutes(&object["spec"]["timeout"]),
                "{name}: {folder}"
            );
        }
    }
}

#[test]
fn namespaces_are_there_before_what_stands_in_them() {
    for (name, settings) in hubs() {
        let objects = objects(&render(&settings));
        let namespaces: BTreeSet<&str> = objects
            .iter()
            .filter(|(_, object)| object["kind"] == "Namespace")
            .map(|(_, object)| object["metadata"]["name"].as_str().unwrap())
            .collect();
        for (path, object) in &objects {
            for pointer in ["/metadata/namespace", "/spec/targetNamespace", "/spec/clientSecret/namespace"] {
                if let Some(namespace) = object.pointer(pointer).and_then(Value::as_str) {
                    assert!(
                        namespace == FLUX || namespaces.contains(namespace),
                        "{name}: {path}: {namespace}"
                    );
                }
            }
        }
    }
}

fn build(kubectl: &Path, root: &Path, folder: &str) -> Vec<Value> {
    let output = Command::new(kubectl).args(["kustomize", folder]).current_dir(root).output().unwrap();
    let (stdout, stderr) = common::infraflux::texts(&output);
    assert!(output.status.success(), "{folder}: {stderr}");
    documents(&stdout)
}

/// A repository as BOOTSTRAP.md makes it: the catalogue at the root, and the hub in out/.
fn repository(hub: &RenderedHub) -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |path: String, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    for (path, source) in Catalog::embedded().files() {
        write(path.to_owned(), source.text());
    }
    for (path, text) in &hub.files {
        write(format!("out/management/{path}"), text);
    }
    folder
}

#[test]
fn kustomize_builds_what_each_kustomization_points_at_with_its_patches() {
    for kubectl in common::clients::kubectls("building the hub") {
        for (name, settings) in hubs() {
            let hub = render(&settings);
            let repository = repository(&hub);
            let root = repository.path();
            let applied = build(&kubectl, root, "out/management");
            let synced = documents(file(&hub, "sync/kustomizations.yaml"));
            assert!(applied.len() > synced.len(), "{name}: the source is missing");
            for kustomization in &synced {
                let path = kustomization["spec"]["path"].as_str().unwrap();
                if path == "./out" {
                    continue;
                }
                // Flux adds spec.patches to the folder's own (fluxcd/pkg kustomize/kustomize_generator.go).
                let overlay = json!({
                    "apiVersion": "kustomize.config.k8s.io/v1beta1",
                    "kind": "Kustomization",
                    "resources": [format!("../{}", path.trim_start_matches("./"))],
                    "patches": kustomization["spec"]["patches"].as_array().cloned().unwrap_or_default(),
                });
                fs::create_dir_all(root.join("overlay")).unwrap();
                fs::write(root.join("overlay/kustomization.yaml"), overlay.to_string()).unwrap();
                let built = build(&kubectl, root, "overlay");
                assert!(!built.is_empty(), "{name}: {path}");
                if path == "./management/flux" {
                    sources_have_their_owner(
                        &name,
                        &kubectl,
                        root,
                        &built,
                        settings.cert_manager != Some(false),
                    );
                }
            }
        }
    }
}

/// The placeholder is out, and the hub's own `base` comes without a second cert-manager.
fn sources_have_their_owner(
    name: &str,
    kubectl: &Path,
    root: &Path,
    built: &[Value],
    own_cert_manager: bool,
) {
    assert!(!built.iter().any(|object| is(object, "GitRepository", FLUX, "infraflux")), "{name}");
    assert!(built.iter().any(|object| is(object, "HelmRepository", FLUX, "cluster-api-operator")), "{name}");
    for stage in ["prereqs", "releases"] {
        let which = format!("base-{stage}");
        let base = built.iter().find(|object| is(object, "Kustomization", FLUX, &which)).unwrap();
        assert_eq!(base["spec"]["patches"].is_array(), own_cert_manager, "{name}: {which}");
        let overlay = json!({
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": [format!("../recipes/base/{stage}")],
            "patches": base["spec"]["patches"].as_array().cloned().unwrap_or_default(),
        });
        fs::create_dir_all(root.join("base")).unwrap();
        fs::write(root.join("base/kustomization.yaml"), overlay.to_string()).unwrap();
        let built = build(kubectl, root, "base");
        let has = |wanted: &str| built.iter().any(|object| object["metadata"]["name"] == wanted);
        assert_eq!(has("cert-manager"), !own_cert_manager, "{name}: {which}");
        assert!(has("external-dns"), "{name}: {which}");
    }
}

#[test]
fn the_component_adds_its_arguments_to_flux() {
    let controller = |name: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "namespace": FLUX},
            "spec": {"template": {"spec": {"containers": [{
                "name": "manager", "args": ["--log-level=info"], "resources": {"limits": {"memory": "1Gi"}},
            }]}}},
        })
    };
    for kubectl in common::clients::kubectls("the component for Flux") {
        let hub = render(&crate::plain("stable", &[infraflux::plan::Provider::Proxmox]));
        let repository = repository(&hub);
        let flux = repository.path().join("flux-system");
        fs::create_dir_all(&flux).unwrap();
        let names = ["kustomize-controller", "helm-controller", "source-controller"];
        let components: Vec<String> = names.iter().map(|name| controller(name).to_string()).collect();
        fs::write(flux.join("gotk-components.yaml"), components.join("\n---\n")).unwrap();
        // As BOOTSTRAP.md writes it.
        let bootstrap = file(&hub, "BOOTSTRAP.md");
        let commands = infraflux::management::runbook::commands_of(bootstrap);
        let line = commands.iter().find(|line| line.contains("> flux-system/kustomization.yaml")).unwrap();
        let status = Command::new("sh").args(["-c", line]).current_dir(repository.path()).status().unwrap();
        assert!(status.success());
        let built = build(&kubectl, repository.path(), "flux-system");
        let arguments = |name: &str| -> Vec<String> {
            let object = built.iter().find(|object| object["metadata"]["name"] == name).unwrap();
            let list = object.pointer("/spec/template/spec/containers/0/args").unwrap().as_array().unwrap();
            list.iter().map(|argument| argument.as_str().unwrap().to_owned()).collect()
        };
        for name in ["kustomize-controller", "helm-controller"] {
            assert!(
                arguments(name).contains(&"--watch-configs-label-selector=owner!=helm".to_owned()),
                "{name}"
            );
        }
        assert!(arguments("kustomize-controller").contains(&"--sops-age-secret=sops-age".to_owned()));
        assert_eq!(arguments("source-controller"), ["--log-level=info"]);
    }
}

/// The checks of InfraFlux itself, over everything that the hub's sync brings.
#[test]
fn our_own_checks_find_nothing_in_a_hub() {
    use infraflux::{
        admission::{
            Object, Objects,
            flux::{self, Folders, Repository},
        },
        yaml::Source,
    };
    for (name, settings) in hubs() {
        let hub = render(&settings);
        // The repository as Flux reads it: the catalogue, and out/ without a cluster.
        let empty = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n";
        let rendered = hub.files.iter().map(|(path, text)| {
            let path = format!("out/management/{path}");
            (path.clone(), Source::new(path, text.as_str()))
        });
        let index = ("out/kustomization.yaml".to_owned(), Source::new("out/kustomization.yaml", empty));
        let folders = Folders::new(Catalog::embedded().overlay(rendered.chain([index])));
        let objects: Objects = everything(&hub).into_iter().map(Object::new).collect();
        let repository = Repository {
            kind: "GitRepository".to_owned(),
            namespace: FLUX.to_owned(),
            name: "infraflux".to_owned(),
            path: ".".to_owned(),
        };
        let report = flux::check(&objects, &folders, repository);
        assert!(report.violations.is_empty(), "{name}: {:#?}", report.violations);
        assert!(report.findings.is_empty(), "{name}: {:#?}", report.findings);
    }
}
