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

const AZURE: &str = "apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata: {name: prod-eu}
spec:
  provider: azure
  region: westeurope
  network: {managementCIDRs: [10.200.0.0/24]}
  azure:
    subscriptionID: 11111111-2222-3333-4444-555555555555
    resourceGroup: platform
    image: {gallery: talos, name: talos, version: 1.13.10, resourceGroup: images}
    peerings: [{remoteVnetName: hub-vnet, resourceGroup: hub}]
";

const GCP: &str = "apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata: {name: prod-eu}
spec:
  provider: gcp
  region: europe-west3
  network: {managementCIDRs: [198.51.100.0/24]}
  workers: [{name: default, failureDomains: [europe-west3-a, europe-west3-b], replicas: 2}]
  gcp: {project: platform-1234, image: projects/platform-1234/global/images/talos-factory}
";

const PROXMOX: &str = "apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata: {name: lab}
spec:
  provider: proxmox
  region: cellar
  network: {endpoint: {host: 10.20.0.10}, managementCIDRs: [10.20.1.0/24]}
  proxmox: {addresses: [10.20.0.20-10.20.0.60], gateway: 10.20.0.1, dnsServers: [10.20.0.1]}
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

#[test]
fn the_account_of_the_plan_reaches_the_bundles() {
    let backup = "  recipes: [base, {name: backup, variables: {backup_bucket: vault, backup_azure_storage_account: vaults}}]\n";
    let azure = rendered(AZURE, backup);
    let subscription = "11111111-2222-3333-4444-555555555555";
    for (variable, stage, value) in [
        ("azure_subscription_id", "base-configs", subscription),
        ("azure_dns_resource_group", "base-configs", "platform"),
        ("backup_azure_subscription_id", "backup-configs", subscription),
        ("backup_azure_resource_group", "backup-configs", "platform"),
    ] {
        assert_eq!(substituted(&azure, variable), [(stage.to_owned(), value.to_owned())]);
    }
    assert_eq!(azure.told(Severity::Warning), Vec::<String>::new());
    let gcp = rendered(GCP, "");
    assert_eq!(substituted(&gcp, "gcp_project"), [("base-configs".to_owned(), "platform-1234".to_owned())]);
    assert_eq!(gcp.told(Severity::Warning), Vec::<String>::new());
}

#[test]
fn a_zone_in_another_account_is_given_to_base() {
    let other = "  recipes: [{name: base, variables: {gcp_project: dns-of-all}}]\n";
    let gcp = rendered(GCP, other);
    assert_eq!(substituted(&gcp, "gcp_project"), [("base-configs".to_owned(), "dns-of-all".to_owned())]);
    // A fleet may say it to all: where there is no such thing, it goes nowhere.
    assert_eq!(substituted(&rendered(AWS, other), "gcp_project"), []);
}

#[test]
fn a_placeholder_in_force_is_a_warning_where_it_matters() {
    let bucket = "  recipes: [base, {name: backup, variables: {backup_bucket: vault}}]\n";
    let told = |head: &str| -> Vec<String> {
        let warnings = rendered(head, bucket).told(Severity::Warning);
        warnings.into_iter().filter(|warning| warning.starts_with("IF0251")).collect()
    };
    let works_nowhere = |name: &str| {
        vec![format!(
            "IF0251 the variable `{name}` of recipe `backup` is still a placeholder that works nowhere (spec.recipes[1])"
        )]
    };
    assert_eq!(told(PROXMOX), works_nowhere("backup_s3_url"));
    assert_eq!(told(AZURE), works_nowhere("backup_azure_storage_account"));
    assert_eq!(told(AWS), Vec::<String>::new());
    assert_eq!(told(GCP), Vec::<String>::new());
}

/// The codes that are said of a plan for Proxmox.
fn codes_told(rest: &str) -> Vec<&'static str> {
    let rendered = rendered(PROXMOX, rest);
    rendered.findings.iter().map(|finding| finding.code.id).collect()
}

#[test]
fn a_gateway_without_an_address_is_told() {
    assert!(codes_told("").contains(&"IF0252"));
    for addons in [
        "{cilium: {loadBalancer: {mode: l2, addresses: [10.20.0.192/27]}}}",
        "{gateway: {enabled: false}}",
        // Something else gives the addresses.
        "{cilium: {values: {defaultLBServiceIPAM: none}}}",
    ] {
        assert!(!codes_told(&format!("  addons: {addons}\n")).contains(&"IF0252"), "{addons}");
    }
    assert!(codes_told("  addons: {cilium: {values: {defaultLBServiceIPAM: lbipam}}}\n").contains(&"IF0252"));
    let clouds = [AWS, AZURE, GCP].map(|head| rendered(head, "").told(Severity::Warning));
    assert_eq!(clouds.concat(), Vec::<String>::new());
}

#[test]
fn records_that_are_written_nowhere_are_told() {
    let told = rendered(PROXMOX, "").told(Severity::Info);
    assert!(
        told.iter().any(|info| info.starts_with("IF0253 external-dns writes nowhere")
            && info.ends_with("(spec.recipes[0])")),
        "{told:#?}"
    );
    let given = "  recipes: [{name: base, variables: {dns_provider: cloudflare}}]\n";
    assert!(!codes_told(given).contains(&"IF0253"));
    assert!(!codes_told("  recipes: []\n").contains(&"IF0253"));
}

/// The examples that a reader copies first are complete.
#[test]
fn the_examples_say_all_that_a_cluster_needs() {
    let read = |path: &str| std::fs::read_to_string(common::rendering::root().join(path)).unwrap();
    let from = |path: &str| {
        let text = read(path);
        let block = text.split("```yaml\n").find(|block| block.contains("kind: ClusterPlan")).unwrap();
        block.split("```").next().unwrap().to_owned()
    };
    for plan in [
        read("examples/standalone/plan.yaml"),
        read("examples/kpt-package/plan.yaml"),
        from("README.md"),
        from("docs/getting-started.md"),
        from("docs/providers/proxmox.md"),
    ] {
        let lines = plan.lines().filter(|line| !line.trim_start().starts_with('#')).count();
        assert!(lines <= 12, "{lines} lines:\n{plan}");
        let warned = rendered(&plan, "").told(Severity::Warning);
        let about_examples: Vec<&String> = warned.iter().filter(|text| !text.starts_with("IF0212")).collect();
        assert!(about_examples.is_empty(), "{plan}\n{warned:#?}");
    }
}
