//! Every object against the CRDs of its project.

use serde_json::Value;

use crate::{
    common::crds::{Crds, Verdict},
    hubs, objects, render,
};

/// Kinds that no CRD describes.
const BUILT_IN: [&str; 3] = ["Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"];

#[test]
fn every_object_passes_the_crds() {
    for profile in ["stable", "current"] {
        let Some(crds) = Crds::of_profile(profile, "the hub against the CRDs") else { return };
        let mut checked = 0;
        for (name, settings) in hubs().into_iter().filter(|(name, _)| name.starts_with(profile)) {
            for (path, object) in objects(&render(&settings)) {
                let kind = object["kind"].as_str().unwrap();
                match crds.check(&object) {
                    Verdict::Fine => checked += 1,
                    Verdict::Unknown => {
                        assert!(BUILT_IN.contains(&kind), "{name}: no CRD for {kind} in {path}");
                    }
                    Verdict::Wrong(errors) => panic!("{name}: {path}: {kind}: {errors:#?}"),
                }
            }
        }
        assert!(checked > 100, "{checked}");
    }
}

#[test]
fn what_only_webhooks_and_rules_know() {
    for (name, settings) in hubs() {
        let objects = objects(&render(&settings));
        let of = |kind: &str| -> Vec<&Value> {
            objects.iter().map(|(_, object)| object).filter(|object| object["kind"] == kind).collect()
        };
        // The operator refuses a core provider of any other name, and a second one (internal/controller/preflight_checks.go).
        let core = of("CoreProvider");
        assert_eq!(core.len(), 1, "{name}");
        assert_eq!(core[0]["metadata"]["name"], "cluster-api");
        for (_, object) in &objects {
            let kind = object["kind"].as_str().unwrap();
            if kind.ends_with("Provider") {
                assert!(object["spec"]["version"].as_str().unwrap().starts_with('v'), "{name}: {kind}");
                // Without a namespace the operator looks for the Secret in none.
                let secret = &object["spec"]["configSecret"];
                assert!(
                    secret.is_null() || secret["namespace"] == object["metadata"]["namespace"],
                    "{name}: {kind}"
                );
            }
            if kind == "HelmRelease" {
                assert_ne!(object["spec"]["chart"].is_null(), object["spec"]["chartRef"].is_null(), "{name}");
                for field in ["releaseName", "targetNamespace", "storageNamespace"] {
                    assert!(object["spec"][field].is_string(), "{name}: {field}");
                }
            }
            if kind.contains("Identity") {
                // Absent it would mean that no namespace may use it; empty that all may.
                assert!(
                    object["spec"]["allowedNamespaces"]["selector"]["matchExpressions"].is_array(),
                    "{name}: {kind}"
                );
            }
        }
        // The webhook takes this one name only (kubernetes-sigs/cluster-api-provider-aws
        // api/v1beta2/awsclustercontrolleridentity_webhook.go), and no update of its spec.
        for identity in of("AWSClusterControllerIdentity") {
            assert_eq!(identity["metadata"]["name"], "default");
            assert_eq!(
                identity["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/ssa"], "IfNotPresent",
                "{name}"
            );
        }
    }
}

#[test]
fn what_clusters_need_to_be_deleted_is_not_pruned() {
    for (name, settings) in hubs() {
        for (path, object) in objects(&render(&settings)) {
            let kind = object["kind"].as_str().unwrap();
            let needed = kind == "Namespace"
                || kind == "GitRepository"
                || kind == "HelmRelease"
                || kind.ends_with("Provider")
                || kind.contains("Identity");
            let prune = &object["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/prune"];
            assert_eq!(needed, prune == "disabled", "{name}: {path}: {kind}");
        }
    }
}

#[test]
fn plans_refer_to_identities_that_are_there() {
    let objects = objects(&render(&crate::full("stable")));
    let is_there = |kind: &str, namespace: Option<&str>, name: &str| {
        objects.iter().any(|(_, object)| {
            object["kind"] == kind
                && object["metadata"]["name"] == name
                && object["metadata"]["namespace"].as_str() == namespace
        })
    };
    // What the providers' templates say when a plan says nothing.
    let folder = tempfile::TempDir::new().unwrap();
    for provider in ["aws", "azure"] {
        let name = format!("lab-{provider}");
        let output =
            crate::common::infraflux::run(folder.path(), &["up", "--provider", provider, "--name", &name]);
        assert!(output.status.success());
        let cluster = crate::common::infraflux::cluster_objects(&folder.path().join("out").join(&name));
        let identity = cluster
            .values()
            .find_map(|object| object.pointer("/spec/identityRef"))
            .unwrap_or_else(|| panic!("{provider}: no identity"));
        assert!(
            is_there(
                identity["kind"].as_str().unwrap(),
                identity["namespace"].as_str(),
                identity["name"].as_str().unwrap()
            ),
            "{provider}: {identity}"
        );
        // The selector of each identity chooses by a label, which the namespace of the cluster must carry.
        let namespace = cluster.values().find(|object| object["kind"] == "Namespace").expect("a namespace");
        assert!(namespace["metadata"]["labels"]["cluster.x-k8s.io/cluster-name"].is_string(), "{provider}");
    }
}

/// The validator that users have, with the CEL rules of the CRDs, over everything that is written.
#[test]
fn our_own_validator_agrees() {
    let Some(crds) = crate::common::crds::folder("the validator over the hub") else { return };
    let of = |project: &str| crds.join(project).display().to_string();
    let projects = ["cluster-api-operator", "capa", "capz", "flux", "flux-operator"].map(of);
    for profile in ["stable", "current"] {
        let folder = tempfile::TempDir::new().unwrap();
        let hub = render(&crate::full(profile));
        for (path, text) in &hub.files {
            let path = folder.path().join("out/management").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let mut arguments = vec!["validate", "out/management", "--strict", "--external-everything"];
        for project in &projects {
            arguments.extend(["--crds", project]);
        }
        let output = crate::common::infraflux::run(folder.path(), &arguments);
        let (stdout, stderr) = crate::common::infraflux::texts(&output);
        assert!(output.status.success(), "{profile}: {stdout}\n{stderr}");
        let said = stdout + &stderr;
        let objects = said.lines().find(|line| line.contains("CEL rules")).expect("the summary");
        assert!(!objects.contains("not checked"), "{profile}: {said}");
        // The folders lie in the user's repository, which is not here; that is told, not passed over.
        assert!(
            said.contains("not checked: source elsewhere (GitRepository/flux-system/infraflux)"),
            "{profile}: {said}"
        );
    }
}
