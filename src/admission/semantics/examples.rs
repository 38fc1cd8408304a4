//! Example values that only the user can replace.

use super::{Check, spec};
use crate::{
    finding::codes,
    plan::Provider,
    render::scope::Context,
    template::{Scope as _, condition::Condition},
    yaml::pointer::FieldPath,
};

pub(super) fn check(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let context = Context::cluster(cluster);
    for example in &cluster.descriptor.examples {
        let matters = example
            .when
            .as_deref()
            .and_then(Condition::parse)
            .is_none_or(|condition| condition.holds(|name| context.feature(name)));
        let Some(path) = FieldPath::parse(&example.field).filter(|_| matters) else { continue };
        let Some(node) = cluster.origins.node(&path) else { continue };
        let in_force = match node.as_sequence() {
            Some(items) => items.iter().any(|item| cluster.origins.is_example(item)),
            None => cluster.origins.is_example(node),
        };
        if in_force {
            check.warning(
                &codes::EXAMPLE_VALUE,
                &path,
                format!("`{path}` of `{}` is still an example that works nowhere", cluster.name),
                format!("set it to {}; see clusters/{}/README.md", example.what, cluster.provider),
            );
        }
    }
    management(check);
}

/// Who reaches the Talos API is a decision that nobody can take for the user.
fn management(check: &mut Check<'_>) {
    let path = spec("network.managementCIDRs");
    let cidrs = &check.cluster.network.management_cidrs;
    if cidrs.is_empty() && !is_peered(check) {
        check.warning(
            &codes::MANAGEMENT_CIDRS,
            &path,
            format!("`{}` names no network from which it is managed", check.cluster.name),
            format!(
                "set `spec.network.managementCIDRs` to the hub's and operators' networks; {}",
                without_management(check)
            ),
        );
    }
    for (position, cidr) in cidrs.iter().enumerate() {
        if cidr.ends_with("/0") {
            check.warning(
                &codes::MANAGEMENT_CIDRS,
                &path.index(position),
                format!("`{cidr}` lets everybody reach the Talos API"),
                "name the networks of the hub and of operators only",
            );
        }
    }
}

/// Azure's default rules let peers in, so a peering is an answer too.
fn is_peered(check: &Check<'_>) -> bool {
    let azure = check.cluster.spec.azure.as_ref().filter(|azure| azure.vnet.is_none());
    azure.is_some_and(|azure| azure.peerings.is_some())
}

/// Who reaches port 50000 of the machines when the plan names nobody.
///
/// Source: the rules of the templates and those that providers add: kubernetes-sigs/cluster-api-provider-aws
/// `pkg/cloud/services/securitygroup/securitygroups.go`, kubernetes-sigs/cluster-api-provider-gcp `cloud/scope/firewall.go`,
/// kubernetes-sigs/cluster-api-provider-azure `azure/services/securitygroups/securitygroups.go`
fn without_management(check: &Check<'_>) -> &'static str {
    let spec = &check.cluster.spec;
    match check.cluster.provider {
        Provider::Gcp if spec.gcp.as_ref().is_some_and(|gcp| gcp.host_project.is_some()) => {
            "firewall rules of a shared VPC are its owner's work, and must let the hub reach port 50000 of control planes"
        }
        Provider::Aws | Provider::Gcp => {
            "without it only the cluster's own machines reach port 50000, and a hub in the same network does not"
        }
        Provider::Azure if spec.azure.as_ref().is_some_and(|azure| azure.vnet.is_some()) => {
            "security groups of a network that exists are its owner's work, and must let the hub reach port 50000 of machines"
        }
        Provider::Azure => {
            "without it only this virtual network and its peers (`spec.azure.peerings`) reach port 50000"
        }
        Provider::Proxmox => {
            "no firewall rule comes of it here, but pods and services are kept apart from them; the hub must reach port 50000 of \
             every machine"
        }
    }
}
