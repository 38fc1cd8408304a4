//! What is rendered passes its own checks.

use infraflux::admission::flux;

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
