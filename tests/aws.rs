//! Plans for AWS that are wrong, each for one reason, and what is said about them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::rendering::{engine, render};
use infraflux::finding::Severity;

const HEAD: &str = "apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata: {name: lab}
spec:
  provider: aws
  region: eu-central-1
  network: {managementCIDRs: [198.51.100.0/24]}
  recipes: [{name: base, variables: {cluster_domain: eu.example.org}}]
";

/// Subnets of a new VPC in the zones a and b.
const SUBNETS: &str = "
      - {id: public-a, availabilityZone: eu-central-1a, cidrBlock: 10.0.0.0/20, isPublic: true}
      - {id: private-a, availabilityZone: eu-central-1a, cidrBlock: 10.0.64.0/18}
      - {id: public-b, availabilityZone: eu-central-1b, cidrBlock: 10.0.16.0/20, isPublic: true}
      - {id: private-b, availabilityZone: eu-central-1b, cidrBlock: 10.0.128.0/18}";

const AMI: &str = "  aws:\n    ami: ami-0123456789abcdef0\n";

/// The errors and warnings of a plan whose head is [`HEAD`].
fn told(rest: &str) -> Vec<String> {
    let rendered = render(&engine(), "plan.yaml", &format!("{HEAD}{rest}"), None);
    [Severity::Error, Severity::Warning].into_iter().flat_map(|severity| rendered.told(severity)).collect()
}

#[test]
fn good_plans_are_silent() {
    let table = [
        AMI.to_owned(),
        format!("{AMI}    subnets:{SUBNETS}\n"),
        format!(
            "  controlPlane: {{failureDomains: [eu-central-1a, eu-central-1b]}}\n{AMI}    subnets:{SUBNETS}\n"
        ),
        format!("  controlPlane: {{failureDomains: [eu-central-1b, eu-central-1a, eu-central-1c]}}\n{AMI}"),
        format!(
            "{AMI}    poolAMIs: {{default: ami-0fedcba9876543210, control-plane: ami-0fedcba9876543210}}\n"
        ),
        format!("{AMI}    vpcID: vpc-0123456789abcdef0\n    subnetIDs: [subnet-0123456789abcdef0]\n"),
    ];
    for plan in table {
        let told = told(&plan);
        assert!(told.is_empty(), "{plan}\n{told:#?}");
    }
}

#[test]
fn wrong_plans_say_why() {
    let zone_c = "  workers: [{name: default, failureDomains: [eu-central-1c]}]\n";
    let table = [
        (
            format!("{AMI}    vpcID: vpc-0123456789abcdef0\n"),
            "a VPC that exists needs its subnets named (spec.aws.vpcID)",
        ),
        (
            format!("{AMI}    subnetIDs: [subnet-0123456789abcdef0]\n"),
            "subnets are named without their VPC (spec.aws.subnetIDs)",
        ),
        (
            format!(
                "{AMI}    vpcID: vpc-0123456789abcdef0\n    subnetIDs: [subnet-0123456789abcdef0]\n    subnets: [{{id: subnet-0123456789abcdef0}}]\n"
            ),
            "the subnets are listed twice (spec.aws.subnetIDs)",
        ),
        (
            format!(
                "{AMI}    vpcID: vpc-0123456789abcdef0\n    vpcCIDR: 10.1.0.0/16\n    subnetIDs: [subnet-0123456789abcdef0]\n"
            ),
            "the plan names a VPC that exists and the network of a new one (spec.aws.vpcCIDR)",
        ),
        (
            format!("{AMI}    vpcID: vpc-0123456789abcdef0\n    subnets: [{{id: private-a}}]\n"),
            "`private-a` is not the id of a subnet (spec.aws.subnets[0].id)",
        ),
        (
            format!("{AMI}    subnets:{}\n", SUBNETS.replace("private-a", "subnet-0123456789abcdef0")),
            "`subnet-0123456789abcdef0` is a subnet that exists, and the VPC is a new one (spec.aws.subnets[1].id)",
        ),
        (
            format!("{AMI}    subnets:{}\n", SUBNETS.replace("private-b", "private-a")),
            "`private-a` is given twice (spec.aws.subnets[3].id)",
        ),
        (
            format!(
                "{AMI}    subnets:{}\n",
                SUBNETS.replace("id: private-a, availabilityZone: eu-central-1a", "id: private-a")
            ),
            "subnet `private-a` of a new VPC has no `availabilityZone` (spec.aws.subnets[1])",
        ),
        (
            format!("{AMI}    subnets:{}\n", SUBNETS.replace(", cidrBlock: 10.0.64.0/18", "")),
            "subnet `private-a` of a new VPC has no `cidrBlock` (spec.aws.subnets[1])",
        ),
        (
            format!("{AMI}    subnets:{}\n", SUBNETS.replace("10.0.64.0/18", "10.1.64.0/18")),
            "`10.1.64.0/18` is no part of the VPC's network `10.0.0.0/16` (spec.aws.subnets[1].cidrBlock)",
        ),
        (
            format!("{AMI}    subnets:{}\n", SUBNETS.replace("10.0.16.0/20", "10.0.8.0/21")),
            "the subnets `10.0.0.0/20` and `10.0.8.0/21` overlap (spec.aws.subnets[2].cidrBlock)",
        ),
        (
            format!("{AMI}    subnets:{}\n", SUBNETS.replace(", isPublic: true", "")),
            "a new VPC needs a public subnet (spec.aws.subnets)",
        ),
        (
            format!(
                "{AMI}    subnets:{}\n",
                SUBNETS.replace(
                    "id: public-b, availabilityZone: eu-central-1b",
                    "id: public-b, availabilityZone: eu-central-1a"
                )
            ),
            "zone `eu-central-1b` has no public subnet, so its machines have no way out (spec.aws.subnets[3].availabilityZone)",
        ),
        (
            format!("{AMI}    subnets:{}\n", SUBNETS.replace("eu-central-1b", "eu-west-1b")),
            "`eu-west-1b` is not a zone of `eu-central-1` (spec.aws.subnets[2].availabilityZone)",
        ),
        (
            format!("{zone_c}{AMI}    subnets:{SUBNETS}\n"),
            "no subnet for machines of pool `default` is in zone `eu-central-1c` (spec.workers[0].failureDomains[0])",
        ),
        (
            format!("  controlPlane: {{failureDomains: [eu-central-1a]}}\n{AMI}    subnets:{SUBNETS}\n"),
            "AWS has no field for this: control planes go to `eu-central-1a` and `eu-central-1b` (spec.controlPlane.failureDomains)",
        ),
        (
            format!("{AMI}    availabilityZoneUsageLimit: 2\n    subnets:{SUBNETS}\n"),
            "the subnets given decide the zones, not this limit (spec.aws.availabilityZoneUsageLimit)",
        ),
        (
            format!("{AMI}    poolAMIs: {{defualt: ami-0123456789abcdef0}}\n"),
            "there is no pool `defualt` (spec.aws.poolAMIs.defualt)",
        ),
        (
            format!("{AMI}    poolAMIs: {{default: talos}}\n"),
            "`talos` is not the id of an AMI (spec.aws.poolAMIs.default)",
        ),
    ];
    let mut problems = Vec::new();
    for (plan, wanted) in &table {
        let told = told(plan);
        if !told.iter().any(|text| text.contains(wanted)) {
            problems.push(format!("{plan}: `{wanted}` is not in {told:#?}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_pool_in_a_zone_with_public_subnets_only_needs_a_public_address() {
    let subnets = SUBNETS.replace(
        "id: private-b, availabilityZone: eu-central-1b",
        "id: private-b, availabilityZone: eu-central-1a",
    );
    let pool = "  workers: [{name: default, failureDomains: [eu-central-1b]}]\n";
    let private = told(&format!("{pool}{AMI}    subnets:{subnets}\n"));
    assert!(
        private.iter().any(|text| text.contains("no subnet for machines of pool `default`")),
        "{private:#?}"
    );
    let public = told(&format!("{pool}{AMI}    publicIP: {{workers: true}}\n    subnets:{subnets}\n"));
    assert!(public.iter().all(|text| text.starts_with("IF0256")), "{public:#?}");
}

#[test]
fn kubelets_with_public_names_are_told() {
    let kubelets = |who: &str, field: &str| {
        format!(
            "IF0256 kubelets of {who} ask for certificates with their public name first, and nobody approves those \
             (spec.aws.publicIP.{field})"
        )
    };
    let block = |public: &str| format!("{AMI}    publicIP: {public}\n");
    let of = |plan: &str| -> Vec<String> {
        told(plan).into_iter().filter(|text| text.starts_with("IF0256")).collect()
    };
    assert_eq!(of(AMI), Vec::<String>::new());
    assert_eq!(of(&block("{controlPlane: false, workers: false}")), Vec::<String>::new());
    assert_eq!(of(&block("{controlPlane: true}")), [kubelets("control planes", "controlPlane")]);
    assert_eq!(of(&block("{workers: true}")), [kubelets("workers", "workers")]);
    let both = block("{workers: true, controlPlane: true}");
    assert_eq!(of(&both), [kubelets("control planes and workers", "controlPlane")]);
    // Kubelets that sign for themselves ask nobody.
    assert_eq!(of(&format!("  talos: {{rotateServerCertificates: false}}\n{both}")), Vec::<String>::new());
}

#[test]
fn the_load_balancer_has_one_port() {
    let plan = |port: u16| {
        format!("{HEAD}{AMI}")
            .replace("network: {", &format!("network: {{endpoint: {{host: api.example.org, port: {port}}}, "))
    };
    let told = |port| render(&engine(), "plan.yaml", &plan(port), None).told(Severity::Error);
    assert!(told(6443).is_empty(), "{:#?}", told(6443));
    assert!(
        told(443).iter().any(|text| text.contains("listens on 6443 (spec.network.endpoint.port)")),
        "{:#?}",
        told(443)
    );
}

#[test]
fn pods_in_the_network_of_a_vpc_that_nobody_wrote_down_are_found() {
    let plan = format!("{HEAD}{AMI}").replace("network: {", "network: {podCIDRs: [10.0.128.0/17], ");
    let told = render(&engine(), "plan.yaml", &plan, None).told(Severity::Error);
    assert!(
        told.iter().any(|text| text.contains("10.0.0.0/16") && text.contains("10.0.128.0/17")),
        "{told:#?}"
    );
}
