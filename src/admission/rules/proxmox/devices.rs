//! Rules about the network devices of Proxmox machines.

use serde_json::Value;

use crate::{
    admission::rules::{Context, Violation, field},
    yaml::pointer::FieldPath,
};

use super::MACHINE;

pub(super) fn network_devices(context: &Context<'_>) -> Vec<Violation> {
    let base = if MACHINE.matches(context.object) { "spec.network" } else { "spec.template.spec.network" };
    let Some(network) = context.object.at(base) else { return Vec::new() };
    let mut found = Vec::new();
    let path = |index: usize, key: &str| {
        let path = FieldPath::of(base.split('.')).key("networkDevices").index(index);
        if key.is_empty() { path } else { path.key(key) }
    };
    let mut devices: Vec<(usize, &str, &Value)> = field::list(network, "networkDevices")
        .iter()
        .enumerate()
        .map(|(index, device)| (index, field::text(device, "name").unwrap_or("net0"), device))
        .collect();
    // The webhook sorts the names as texts.
    devices.sort_by_key(|(_, name, _)| *name);
    let mut defaults = [0, 0];
    for (position, (index, name, device)) in devices.iter().enumerate() {
        if *name != format!("net{position}") {
            found.push(
                context
                    .error(
                        path(*index, "name"),
                        format!("the network device `{name}` stands where `net{position}` is expected"),
                    )
                    .hint("call them net0, net1 and so on, without a gap; more than ten are refused"),
            );
            break;
        }
        for (family, key) in ["defaultIPv4", "defaultIPv6"].into_iter().enumerate() {
            if field::flag(device, key) {
                let count = defaults.get_mut(family);
                if let Some(count) = count {
                    *count += 1;
                    if *count > 1 {
                        found.push(
                            context
                                .error(path(*index, key), format!("two network devices have `{key}`"))
                                .hint("only one device gets its address from the cluster's pool"),
                        );
                    }
                }
            }
        }
        for (key, inherit) in [("mtu", true), ("linkMtu", false)] {
            if let Some(mtu) =
                field::integer(device, key).filter(|mtu| *mtu < 1280 && !(inherit && *mtu == 1))
            {
                let hint = if inherit {
                    "use 1280 or more, or 1 for the MTU of the bridge"
                } else {
                    "use 1280 or more"
                };
                found.push(
                    context
                        .error(path(*index, key), format!("an MTU of {mtu} is too small for IPv6"))
                        .hint(hint),
                );
            }
        }
        for (number, policy) in field::list(device, "routingPolicy").iter().enumerate() {
            let place = path(*index, "routingPolicy").index(number);
            if field::at(policy, "table").is_none() {
                found.push(
                    context
                        .error(place.key("table"), "a routing policy without a table")
                        .hint("give the number of the routing table"),
                );
            }
            found.extend(family_of_policy(context, &place, policy));
        }
        for (number, route) in field::list(device, "routes").iter().enumerate() {
            found.extend(family_of_route(context, &path(*index, "routes").index(number), route));
        }
    }
    for (index, vrf) in field::list(network, "vrfs").iter().enumerate() {
        let place = FieldPath::of(base.split('.')).key("vrfs").index(index);
        for (number, policy) in field::list(vrf, "routingPolicy").iter().enumerate() {
            let place = place.key("routingPolicy").index(number);
            if let Some(table) =
                field::integer(policy, "table").filter(|table| Some(*table) != field::integer(vrf, "table"))
            {
                found.push(
                    context
                        .error(
                            place.key("table"),
                            format!(
                                "the policy is for table {table}, its VRF {} for another",
                                field::show(vrf.get("name"))
                            ),
                        )
                        .hint("leave `table` out of the policy"),
                );
            }
            found.extend(family_of_policy(context, &place, policy));
        }
        for (number, route) in field::list(vrf, "routes").iter().enumerate() {
            found.extend(family_of_route(context, &place.key("routes").index(number), route));
        }
    }
    found
}

/// Whether a target is a word that does not say of which IP family it is.
fn is_placeholder(value: &Value, key: &str) -> bool {
    field::text(value, key).is_some_and(|target| ["default", "all"].contains(&target))
}

fn is_concrete(value: &Value, key: &str) -> bool {
    field::text(value, key).is_some() && !is_placeholder(value, key)
}

fn family_of_policy(context: &Context<'_>, place: &FieldPath, policy: &Value) -> Option<Violation> {
    let vague = (is_placeholder(policy, "to") || is_placeholder(policy, "from"))
        && !is_concrete(policy, "to")
        && !is_concrete(policy, "from")
        && field::at(policy, "is6").is_none();
    vague.then(|| {
        context
            .error(place.key("is6"), "nothing says for which IP family the routing policy is")
            .hint("add `is6: false` or `is6: true`")
    })
}

fn family_of_route(context: &Context<'_>, place: &FieldPath, route: &Value) -> Option<Violation> {
    let vague =
        is_placeholder(route, "to") && !is_concrete(route, "via") && field::at(route, "is6").is_none();
    vague.then(|| {
        context
            .error(place.key("is6"), "nothing says for which IP family the route is")
            .hint("add `via`, or `is6: false` or `is6: true`")
    })
}
