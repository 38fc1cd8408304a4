//! What keeps Talos from booting and joining on Azure.

use serde_json::Value;

use crate::{
    admission::{
        Object,
        rules::{Context, Violation, field, talos::config::Role},
    },
    yaml::pointer::FieldPath,
};

use super::network::SUBNETS;

pub(super) fn image(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = "spec.template.spec.image";
    if context.set.talos_machines_of(object).next().is_none() || field::given(&object.value, path) {
        return Vec::new();
    }
    vec![
        context
            .error(
                path,
                format!(
                    "AzureMachineTemplate `{}` has no image, so the machines would boot one \
                                  made for kubeadm",
                    object.id.name
                ),
            )
            .hint(
                "upload the Azure image of the Image Factory to a gallery and name it in \
                   `image.computeGallery` or `image.id`",
            ),
    ]
}

pub(super) fn agent(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    if context.set.talos_machines_of(object).next().is_none() {
        return Vec::new();
    }
    let spec = "spec.template.spec";
    let bootstrap = format!("{spec}.disableVMBootstrapExtension");
    let mut found = Vec::new();
    if object.at(&bootstrap) == Some(&Value::Bool(false)) {
        found.push(
            context
                .error(
                    bootstrap.as_str(),
                    "the bootstrap extension needs a VM agent, which Talos does \
                    not have, so the machine never becomes ready",
                )
                .hint("set `disableVMBootstrapExtension: true`"),
        );
    }
    if field::given(&object.value, &format!("{spec}.vmExtensions")) {
        found.push(
            context
                .error(
                    format!("{spec}.vmExtensions").as_str(),
                    "VM extensions need a VM agent, which Talos does not have",
                )
                .hint("remove them and set `disableExtensionOperations: true`"),
        );
    } else if object.at(&format!("{spec}.disableExtensionOperations")) != Some(&Value::Bool(true)) {
        found.push(
            context
                .warning(
                    format!("{spec}.disableExtensionOperations").as_str(),
                    "Azure may try to run extensions, for which Talos has no agent",
                )
                .hint("set `disableExtensionOperations: true`"),
        );
    }
    found
}

/// The subnet of the control planes, with its path.
fn control_plane_subnet<'set>(context: &Context<'set>) -> Option<(FieldPath, &'set Value)> {
    let subnets = field::list(&context.object.value, SUBNETS);
    let of_role = |role: &str| subnets.iter().position(|subnet| field::text(subnet, "role") == Some(role));
    let index = of_role("control-plane").or_else(|| of_role("cluster"))?;
    Some((FieldPath::of(SUBNETS.split('.')).index(index), subnets.get(index)?))
}

/// Whether a security rule is about an inbound port.
fn is_about(rule: &Value, port: u32) -> bool {
    let ports = field::text(rule, "destinationPorts").unwrap_or_default();
    let within = ports.split(',').any(|part| match part.trim().split_once('-') {
        Some((low, high)) => {
            low.parse::<u32>().is_ok_and(|low| low <= port)
                && high.parse::<u32>().is_ok_and(|high| port <= high)
        }
        None => part.trim() == "*" || part.trim().parse() == Ok(port),
    });
    within && field::text(rule, "direction").unwrap_or("Inbound") == "Inbound"
}

/// Whether the Talos API is meant to be reached from outside the network: by public addresses, or by the load
/// balancer of the API server.
fn is_reached_from_outside(context: &Context<'_>, cluster: &Object) -> bool {
    let by_load_balancer = field::list(&context.object.value, "spec.networkSpec.additionalAPIServerLBPorts")
        .iter()
        .any(|port| field::integer(port, "port") == Some(50000));
    by_load_balancer
        || context.set.machines_in(cluster).into_iter().any(|machines| {
            machines.role == Role::ControlPlane
                && context
                    .set
                    .template(machines)
                    .and_then(|template| template.at("spec.template.spec.allocatePublicIP"))
                    == Some(&Value::Bool(true))
        })
}

pub(super) fn ports(context: &Context<'_>) -> Vec<Violation> {
    if !context
        .set
        .talos_clusters_of(context.object)
        .any(|(cluster, _)| is_reached_from_outside(context, cluster))
    {
        return Vec::new();
    }
    let place = FieldPath::of(SUBNETS.split('.'));
    let (path, rules) = match control_plane_subnet(context) {
        Some((path, subnet)) => (
            path.key("securityGroup").key("securityRules"),
            field::list(subnet, "securityGroup.securityRules"),
        ),
        None => (place, &[][..]),
    };
    let allowed = rules
        .iter()
        .any(|rule| is_about(rule, 50000) && field::text(rule, "action").unwrap_or("Allow") == "Allow");
    if allowed {
        return Vec::new();
    }
    vec![
        context
            .warning(
                path,
                "no security rule lets the management cluster reach port 50000 (Talos API) \
                            from outside the network",
            )
            .hint("add an inbound rule that allows 50000 from the management cluster"),
    ]
}

pub(super) fn ssh_open(context: &Context<'_>) -> Vec<Violation> {
    if !super::network::has_control_plane(context.object) {
        return Vec::new();
    }
    let rules = control_plane_subnet(context);
    let closed = rules.as_ref().is_some_and(|(_, subnet)| {
        // The provider looks for this very text.
        field::list(subnet, "securityGroup.securityRules")
            .iter()
            .any(|rule| field::text(rule, "destinationPorts") == Some("22"))
    });
    if closed {
        return Vec::new();
    }
    let path = rules.map_or_else(
        || FieldPath::of(SUBNETS.split('.')),
        |(path, _)| path.key("securityGroup").key("securityRules"),
    );
    vec![
        context
            .warning(
                path,
                "the provider opens port 22 of the control planes to the world, unless there \
                            is a rule for it",
            )
            .hint("add an inbound rule with `destinationPorts: \"22\"` and `action: Deny`; Talos has no SSH"),
    ]
}
