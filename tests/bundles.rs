//! What bundles are told about their cluster, and what is said when that cannot work.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::rendering::{Rendered, engine, render};
use infraflux::finding::Severity;

const AWS: &str = "apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata: {name: prod-eu}
spec:
  provider: aws
  region: eu-central-1
  network: {managementCIDRs: [198.51.100.0/24]}
  aws: {ami: ami-0123456789abcdef0}
";

fn rendered(head: &str, rest: &str) -> Rendered {
    render(&engine(), "plan.yaml", &format!("{head}{rest}"), None)
}

/// The values of a variable in all Flux Kustomizations, with the names of those.
fn substituted(rendered: &Rendered, variable: &str) -> Vec<(String, String)> {
    assert_eq!(rendered.told(Severity::Error), Vec::<String>::new());
    let values = rendered.objects.iter().filter_map(|(_, object)| {
        let value = object["spec"]["postBuild"]["substitute"][variable].as_str()?;
        Some((object["metadata"]["name"].as_str()?.to_owned(), value.to_owned()))
    });
    values.collect()
}

#[test]
fn a_zone_that_one_bundle_is_given_is_the_zone_of_all() {
    let table = [
        "  recipes: [base, {name: observability, variables: {cluster_domain: eu.example.org}}, media]\n",
        "  recipes: [{name: base, variables: {cluster_domain: eu.example.org}}, observability, media]\n",
        "  recipes: [{name: media, variables: {cluster_domain: eu.example.org}}, observability]\n",
        "  recipes: [{name: base, variables: {cluster_domain: eu.example.org}}, observability, {name: media, variables: {cluster_domain: eu.example.org}}]\n",
    ];
    for recipes in table {
        let rendered = rendered(AWS, recipes);
        let zones = substituted(&rendered, "cluster_domain");
        for stage in ["base-releases", "observability-releases", "observability-configs", "media-configs"] {
            assert!(zones.iter().any(|(name, _)| name == stage), "{recipes}: {stage} in {zones:?}");
        }
        assert!(zones.iter().all(|(_, zone)| zone == "eu.example.org"), "{recipes}: {zones:?}");
        let gateway = substituted(&rendered, "gateway_hostname");
        assert_eq!(gateway, [("gateway-configs".to_owned(), "*.eu.example.org".to_owned())], "{recipes}");
    }
}

#[test]
fn without_a_value_every_bundle_has_the_same_default() {
    let rendered = rendered(AWS, "  recipes: [observability, media]\n");
    let zones = substituted(&rendered, "cluster_domain");
    assert!(
        zones.len() >= 4 && zones.iter().all(|(_, zone)| zone == "prod-eu.example.internal"),
        "{zones:?}"
    );
    let gateway = substituted(&rendered, "gateway_hostname");
    assert_eq!(gateway, [("gateway-configs".to_owned(), "*.prod-eu.example.internal".to_owned())]);
}

#[test]
fn a_wrong_value_for_a_shared_variable_is_told_once() {
    let rendered =
        rendered(AWS, "  recipes: [{name: base, variables: {cluster_domain: EU}}, observability, media]\n");
    let told = rendered.told(Severity::Error);
    assert_eq!(
        told,
        [
            "IF0210 `EU` is not a value for the variable `cluster_domain` (spec.recipes[0].variables.cluster_domain)"
        ]
    );
}
