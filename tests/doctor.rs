//! What `infraflux doctor` says about a kustomization: `tests/fixtures/doctor/<case>/kustomization.yaml` and the files
//! it lists. In these cases the plugin for ClusterPlan is installed, the one for Admission not executable, and that for
//! FleetPlan missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;

use infraflux::{
    finding::text::{Style, render},
    krm::doctor::{Plugin, Surroundings, diagnose},
};

#[test]
fn every_kustomization_gets_its_diagnosis() {
    insta::glob!("fixtures/doctor/*/kustomization.yaml", |path| {
        let folder = path.parent().unwrap();
        let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|_| "no such file".to_owned());
        let plugin = |path: &str| match path {
            "infraflux.io/v1alpha1/clusterplan/ClusterPlan" => Plugin::Present,
            "infraflux.io/v1alpha1/admission/Admission" => Plugin::NotExecutable,
            _ => Plugin::Missing,
        };
        let text = fs::read_to_string(path).unwrap();
        let findings = diagnose("kustomization.yaml", &text, Surroundings { read: &read, plugin: &plugin });
        insta::assert_snapshot!(render(&findings, Style::default()));
    });
}
