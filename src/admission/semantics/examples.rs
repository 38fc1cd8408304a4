//! Example values that only the user can replace.

use super::{Check, spec};
use crate::{
    finding::codes,
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
    if cidrs.is_empty() {
        check.warning(
            &codes::MANAGEMENT_CIDRS,
            &path,
            format!("`{}` names no network from which it is managed", check.cluster.name),
            "set `spec.network.managementCIDRs` to the hub's and operators' networks; without it port 50000 stays closed \
             from outside, and the hub must share the machines' network",
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
