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

/// The default recipes with a zone of their own.
const ZONE: &str = "  recipes: [{name: base, variables: {cluster_domain: eu.example.org}}]\n";

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
    let backup = "  recipes: [{name: base, variables: {cluster_domain: eu.example.org}}, {name: backup, variables: {backup_bucket: vault, backup_azure_storage_account: vaults}}]\n";
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
    let gcp = rendered(GCP, ZONE);
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
    let bucket = "  recipes: [{name: base, variables: {cluster_domain: eu.example.org}}, {name: backup, variables: {backup_bucket: vault}}]\n";
    let told = |head: &str| -> Vec<String> {
        let warnings = rendered(head, bucket).told(Severity::Warning);
        warnings.into_iter().filter(|warning| warning.starts_with("IF0251")).collect()
    };
    let works_nowhere = |name: &str, text: &str| {
        vec![format!(
            "IF0251 `{name}` of recipe `backup` is still the placeholder `{text}`, which works nowhere (spec.recipes[1])"
        )]
    };
    assert_eq!(told(PROXMOX), works_nowhere("backup_s3_url", "https://s3.example.org"));
    assert_eq!(told(AZURE), works_nowhere("backup_azure_storage_account", "examplebackups"));
    assert_eq!(told(AWS), Vec::<String>::new());
    assert_eq!(told(GCP), Vec::<String>::new());
}

#[test]
fn the_zone_of_the_names_is_asked_for_once_and_where_there_are_names() {
    let told = |head: &str, rest: &str| -> Vec<String> {
        let warnings = rendered(head, rest).told(Severity::Warning);
        warnings.into_iter().filter(|warning| warning.contains("cluster_domain")).collect()
    };
    let zone = |cluster: &str, place: &str| {
        vec![format!(
            "IF0251 `cluster_domain` of recipe `base` is still the placeholder `{cluster}.example.internal`, which works nowhere ({place})"
        )]
    };
    let none = Vec::<String>::new();
    assert_eq!(told(AWS, "  recipes: [base]\n"), zone("prod-eu", "spec.recipes[0]"));
    // `base` comes with the others, and all of them take one value.
    assert_eq!(told(AWS, "  recipes: [media, observability]\n"), zone("prod-eu", "spec.recipes"));
    assert_eq!(told(AWS, "  recipes: [{name: media, variables: {cluster_domain: eu.example.org}}]\n"), none);
    assert_eq!(told(AWS, "  recipes: []\n"), none);
    let no_gateway = "  addons: {gateway: {enabled: false}}\n";
    assert_eq!(told(AWS, no_gateway), zone("prod-eu", "spec.recipes[0]"), "external-dns looks for the zone");
    assert_eq!(told(PROXMOX, no_gateway), none, "no Gateway, no routes, and no records");
    assert_eq!(told(PROXMOX, &format!("{no_gateway}  recipes: [media]\n")), zone("lab", "spec.recipes"));
    let records = "  recipes: [{name: base, variables: {dns_provider: cloudflare}}]\n";
    assert_eq!(told(PROXMOX, &format!("{no_gateway}{records}")), zone("lab", "spec.recipes[0]"));
    let own = "  addons: {gateway: {hostname: \"*.eu.example.org\"}}\n";
    assert_eq!(told(PROXMOX, own), none, "the Gateway has a name of its own");
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
    let clouds = [AWS, AZURE, GCP].map(|head| rendered(head, ZONE).told(Severity::Warning));
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

#[test]
fn pods_without_rights_in_route_53_are_told() {
    let told =
        |rest: &str| rendered(AWS, rest).told(Severity::Info).iter().any(|info| info.starts_with("IF0254"));
    assert!(told(""));
    assert!(told("  workers: [{name: default, autoscaling: {min: 0, max: 3}}]\n"));
    assert!(!told("  recipes: []\n"));
    // Control planes take pods here, and their limit is 2.
    assert!(!told("  workers: []\n  controlPlane: {replicas: 1}\n"));
    let two = AWS.replace("ami: ", "metadataHopLimit: 2, ami: ");
    assert!(!rendered(&two, "").findings.iter().any(|finding| finding.code.id == "IF0254"));
    assert!(!rendered(AZURE, "").findings.iter().any(|finding| finding.code.id == "IF0254"));
}

/// The patch that recipes/base/README.md shows for the issuer's key.
#[test]
fn the_issuer_takes_the_key_that_the_readme_shows() {
    let page = std::fs::read_to_string(common::rendering::root().join("recipes/base/README.md")).unwrap();
    let example = page.split("```yaml\n").find(|block| block.contains("accessKeyIDSecretRef")).unwrap();
    let example = example.split("```").next().unwrap().trim_end().replace('\n', "\n  ");
    let rendered = rendered(AWS, &format!("  {example}\n"));
    assert_eq!(rendered.told(Severity::Error), Vec::<String>::new());
    assert!(!rendered.findings.iter().any(|finding| finding.code.id == "IF0254"));
    let configs =
        rendered.objects.iter().find(|(_, object)| object["metadata"]["name"] == "base-configs").unwrap();
    assert!(configs.1["spec"]["patches"].to_string().contains("acme-aws"));
}

#[test]
fn a_pool_that_nothing_scales_is_told() {
    let fixed = rendered(AWS, "");
    assert!(!fixed.findings.iter().any(|finding| finding.code.id == "IF0255"));
    let scaled =
        rendered(AWS, "  workers: [{name: default}, {name: burst, autoscaling: {min: 0, max: 3}}]\n");
    let told = scaled.findings.iter().find(|finding| finding.code.id == "IF0255").unwrap();
    assert_eq!(told.severity, Severity::Info);
    assert_eq!(told.location.as_ref().unwrap().start().0, 9, "the line of the pool");
    assert!(told.hint.as_ref().unwrap().contains("docs/gitops.md, \"Cluster Autoscaler\""));
}

/// The HelmRelease of docs/gitops.md speaks of one cluster, by the names that are rendered for it.
#[test]
fn the_autoscaler_of_the_page_fits_what_is_rendered() {
    let page = std::fs::read_to_string(common::rendering::root().join("docs/gitops.md")).unwrap();
    let section = page.split("## Cluster Autoscaler\n").nth(1).unwrap();
    let example = section.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let release: serde_json::Value = serde_yaml::from_str(example.split("\n---\n").nth(1).unwrap()).unwrap();
    let rendered = rendered(AWS, "  workers: [{name: burst, autoscaling: {min: 0, max: 3}}]\n");
    let object = |kind: &str| &rendered.objects.iter().find(|(_, object)| object["kind"] == kind).unwrap().1;
    let values = &release["spec"]["values"];
    assert_eq!(release["metadata"]["namespace"], object("MachineDeployment")["metadata"]["namespace"]);
    assert_eq!(values["autoDiscovery"]["namespace"], release["metadata"]["namespace"]);
    assert_eq!(values["autoDiscovery"]["clusterName"], object("MachineDeployment")["spec"]["clusterName"]);
    let cilium = rendered.objects.iter().find(|(_, object)| object["metadata"]["name"] == "cilium").unwrap();
    assert_eq!(values["clusterAPIKubeconfigSecret"], cilium.1["spec"]["kubeConfig"]["secretRef"]["name"]);
    let template = object("AWSMachineTemplate")["apiVersion"].as_str().unwrap().split('/').next().unwrap();
    assert_eq!(values["rbac"]["additionalRules"][0]["apiGroups"][0], template);
    // The image is of the minor that the profile picks.
    let minor = rendered.cluster.as_ref().unwrap().cluster.kubernetes.minor;
    assert!(
        values["image"]["tag"].as_str().unwrap().starts_with(&format!("v1.{minor}.")),
        "{}",
        values["image"]
    );
}
