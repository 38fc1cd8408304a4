//! What is rendered passes its own checks.

use infraflux::admission::{
    Object, Objects,
    flux::{self, world::Delivery},
};

use crate::world::{folders, objects, plan, providers, render, repository, text};

#[test]
fn every_provider_with_every_bundle_passes() {
    for provider in providers() {
        for more in [
            "",
            "  addons: {gateway: {controller: cilium}}\n",
            "  addons: {cilium: {enabled: false}}\n",
            "  addons: {gateway: {enabled: false}}\n",
            "  workers: []\n  controlPlane: {replicas: 1}\n",
            "  gitops: {sourceRef: {kind: OCIRepository, name: platform, namespace: sources}, path: ./catalog/v1, shard: s1, decryptionSecret: age}\n",
        ] {
            for cluster in render(&plan(provider, "lab", more)) {
                let report = flux::check(&objects(&cluster), folders(), repository(&cluster));
                assert!(report.findings.is_empty(), "{provider} {more}: {}", text(&report.findings));
                assert_eq!(report.violations, [], "{provider} {more}");
            }
        }
    }
}

/// The bundles for the hub itself: the same folders without a cluster.
#[test]
fn the_hubs_own_kustomizations_pass() {
    let folder = folders().get("management/flux", &[]).unwrap();
    let objects: Objects = folder.objects.iter().map(|built| Object::new(built.node.to_value())).collect();
    let repository = flux::Repository {
        kind: "GitRepository".to_owned(),
        namespace: "flux-system".to_owned(),
        name: "infraflux".to_owned(),
        path: "./".to_owned(),
    };
    assert!(objects.of("kustomize.toolkit.fluxcd.io", "Kustomization").count() > 9);
    let report = flux::check(&objects, folders(), repository);
    assert!(report.findings.is_empty(), "{}", text(&report.findings));
    assert_eq!(report.violations, []);
}

/// A literal `${` in a rendered object is kept from Flux; one in an object that somebody else wrote is found.
#[test]
fn a_literal_variable_is_left_alone() {
    let plan = "apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata:
  name: lab
spec:
  provider: proxmox
  recipes:
    - name: base
      patches:
        - target: {kind: HelmRelease, name: cert-manager}
          patch: |
            - op: add
              path: /spec/values/extraEnv
              value: [{name: HOME, value: '$${HOME}'}]
";
    let cluster = render(plan).remove(0);
    let all = objects(&cluster);
    let annotation = "kustomize.toolkit.fluxcd.io/substitute";
    let marked: Vec<&Object> = all
        .iter()
        .filter(|object| object.at("metadata.annotations").is_some_and(|all| all.get(annotation).is_some()))
        .collect();
    assert_eq!(marked.iter().map(|object| &*object.id.name).collect::<Vec<_>>(), ["base-releases"]);
    for (_, document) in cluster.documents() {
        let read: serde_json::Value = serde_yaml::from_str(&document.text).unwrap();
        assert_eq!(&read, cluster.value(document), "{}", document.id);
    }
    // The same object without the annotation.
    let bare: Objects = all
        .iter()
        .cloned()
        .map(|mut object| {
            if let Some(annotations) = object.value.pointer_mut("/metadata/annotations") {
                annotations.as_object_mut().unwrap().remove(annotation);
            }
            object
        })
        .collect();
    let report = flux::check(&bare, folders(), repository(&cluster));
    let found: Vec<_> =
        report.violations.iter().map(|violation| (violation.code.id, violation.path.to_string())).collect();
    assert_eq!(found, [("IF0917", "spec.patches[1].patch".to_owned())]);
}

/// The example of docs/gitops.md: variables and patches do what they say.
#[test]
fn the_example_in_the_docs_renders() {
    let page = include_str!("../../docs/gitops.md");
    let example = page
        .split("```")
        .find(|block| block.contains("stage: configs"))
        .and_then(|block| block.strip_prefix("yaml\n"))
        .expect("the example");
    let spec = format!("  {}", example.trim_end().replace('\n', "\n  "));
    let head = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec:\n  provider: proxmox\n";
    let cluster = render(&format!("{head}{spec}\n")).remove(0);
    let all = objects(&cluster);
    let report = flux::check(&all, folders(), repository(&cluster));
    assert!(report.findings.is_empty(), "{}", text(&report.findings));
    assert_eq!(report.violations, []);
    let world = flux::World::new(&all, folders(), repository(&cluster));
    let releases = world.releases();
    let (stack, _) = releases.iter().find(|(release, _)| release.id.name == "kube-prometheus-stack").unwrap();
    assert_eq!(stack.at("spec.values.grafana.replicas"), Some(&serde_json::json!(2)));
    assert!(stack.value.to_string().contains("30d"));
    let rules = world.deliveries.iter().flat_map(Delivery::objects);
    assert!(
        !rules
            .map(|delivered| &delivered.object.id)
            .any(|id| id.kind == "PrometheusRule" && id.name == "platform")
    );
    let suspended = world.deliveries.iter().filter(|delivery| delivery.kustomization.is_suspended()).count();
    assert_eq!(suspended, 3, "the stages of media");
}
