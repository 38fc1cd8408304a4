//! What is rendered passes its own checks.

use infraflux::admission::{Object, Objects, flux};

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
