//! Rules about the virtual network of an AzureCluster.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    admission::{
        Object,
        rules::{Context, Violation, address, address::Range, field},
    },
    yaml::pointer::FieldPath,
};

pub(super) const SUBNETS: &str = "spec.networkSpec.subnets";
/// The block of a virtual network for which none is given.
const DEFAULT_NETWORK: &str = "10.0.0.0/8";

/// Whether Cluster API keeps the control plane; some managed ones do not.
pub(super) fn has_control_plane(object: &Object) -> bool {
    object.at("spec.controlPlaneEnabled") != Some(&Value::Bool(false))
}

fn subnets(object: &Object) -> impl Iterator<Item = (FieldPath, &Value)> {
    field::list(&object.value, SUBNETS)
        .iter()
        .enumerate()
        .map(|(index, subnet)| (FieldPath::of(SUBNETS.split('.')).index(index), subnet))
}

/// The blocks of the virtual network, with the provider's default.
fn network_blocks(object: &Object) -> Vec<&str> {
    let given: Vec<&str> =
        field::texts(&object.value, "spec.networkSpec.vnet.cidrBlocks").map(|(_, text)| text).collect();
    if given.is_empty() { vec![DEFAULT_NETWORK] } else { given }
}

/// The blocks of a subnet, with the provider's default for its role and its number among the node subnets.
pub(super) fn subnet_blocks(subnet: &Value, number: usize) -> Vec<String> {
    let given: Vec<String> = field::texts(subnet, "cidrBlocks").map(|(_, text)| text.to_owned()).collect();
    if !given.is_empty() {
        return given;
    }
    match field::text(subnet, "role") {
        Some("node") => vec![format!("10.{number}.0.0/16")],
        Some("control-plane" | "cluster") => vec!["10.0.0.0/16".to_owned()],
        _ => Vec::new(),
    }
}

pub(super) fn roles(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let given: BTreeSet<&str> =
        subnets(object).filter_map(|(_, subnet)| field::text(subnet, "role")).collect();
    // Without any subnet, and for a role that is missing, the webhook makes one; but only where none of that kind is named.
    if given.is_empty() || given.contains("cluster") {
        return Vec::new();
    }
    let mut found = Vec::new();
    for role in ["control-plane", "node"] {
        if given.contains(role) || (role == "control-plane" && !has_control_plane(object)) {
            continue;
        }
        // The subnet that the webhook adds has a default block, which must lie in the network.
        let block = if role == "node" { "10.1.0.0/16" } else { "10.0.0.0/16" };
        let fits = address::cidr(block).is_some_and(|block| {
            network_blocks(object).into_iter().filter_map(address::cidr).any(|network| network.covers(block))
        });
        if !fits {
            found.push(
                context
                    .error(
                        FieldPath::of(SUBNETS.split('.')),
                        format!(
                            "no subnet has the role `{role}`, and the one that is made by default \
                                 ({block}) lies outside the network"
                        ),
                    )
                    .hint(format!("add a subnet with `role: {role}` and a block of the network")),
            );
        }
    }
    found
}

/// Names of Azure resources: letters, digits, `-`, `_` and `.`.
pub(super) fn is_resource_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.".contains(letter))
}

pub(super) fn names(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let mut bad = |path: FieldPath, name: &str, what: &str| {
        found.push(
            context
                .error(path, format!("`{name}` is not the name of {what}"))
                .hint("use letters, digits, `-`, `_` and `.`"),
        );
    };
    for path in ["spec.networkSpec.vnet.resourceGroup", "spec.networkSpec.privateDNSZoneResourceGroup"] {
        let group = |name: &&str| {
            !name.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_.()".contains(letter))
        };
        if let Some(name) = field::text(&object.value, path).filter(group) {
            bad(FieldPath::of(path.split('.')), name, "a resource group");
        }
    }
    if let Some(name) =
        field::text(&object.value, "spec.networkSpec.apiServerLB.name").filter(|name| !is_resource_name(name))
    {
        bad(FieldPath::of(["spec", "networkSpec", "apiServerLB", "name"]), name, "a load balancer");
    }
    let mut seen = BTreeSet::new();
    let mut twice = Vec::new();
    for (path, subnet) in subnets(object) {
        let Some(name) = field::text(subnet, "name") else { continue };
        if !is_resource_name(name) {
            bad(path.key("name"), name, "a subnet");
        }
        if !seen.insert(name) {
            twice.push((path.key("name"), format!("two subnets are called `{name}`")));
        }
        for (index, endpoint) in field::list(subnet, "privateEndpoints").iter().enumerate() {
            if let Some(name) = field::text(endpoint, "name").filter(|name| !is_resource_name(name)) {
                bad(path.key("privateEndpoints").index(index).key("name"), name, "a private endpoint");
            }
        }
    }
    let peerings = "spec.networkSpec.vnet.peerings";
    let own_group = object.text("spec.resourceGroup").unwrap_or(&object.id.name);
    let mut peers = BTreeSet::new();
    for (index, peering) in field::list(&object.value, peerings).iter().enumerate() {
        let group = field::text(peering, "resourceGroup").unwrap_or(own_group);
        let name = field::text(peering, "remoteVnetName").unwrap_or_default();
        if !peers.insert((group, name)) {
            let path = FieldPath::of(peerings.split('.')).index(index);
            twice.push((path, format!("the network `{name}` is peered twice")));
        }
    }
    found.extend(
        twice.into_iter().map(|(path, message)| context.error(path, message).hint("keep one of them")),
    );
    found
}

pub(super) fn blocks(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let network = "spec.networkSpec.vnet.cidrBlocks";
    for (index, text) in field::texts(&object.value, network) {
        if address::cidr(text).is_none() {
            found.push(
                context
                    .error(
                        FieldPath::of(network.split('.')).index(index),
                        format!("`{text}` is not a CIDR block"),
                    )
                    .hint("write it like `10.224.0.0/16`"),
            );
        }
    }
    let networks: Vec<Range> = network_blocks(object).into_iter().filter_map(address::cidr).collect();
    let mut number = 0;
    for (path, subnet) in subnets(object) {
        if field::text(subnet, "role") == Some("node") {
            number += 1;
        }
        let given = !field::list(subnet, "cidrBlocks").is_empty();
        let texts = subnet_blocks(subnet, number);
        for (index, text) in texts.iter().enumerate() {
            let place = if given { path.key("cidrBlocks").index(index) } else { path.key("cidrBlocks") };
            match address::cidr(text) {
                None => found.push(
                    context
                        .error(place, format!("`{text}` is not a CIDR block"))
                        .hint("write it like `10.224.0.0/24`"),
                ),
                Some(block)
                    if !networks.is_empty()
                        && !networks.iter().any(|network| network.contains(block.first())) =>
                {
                    let origin = if given { "" } else { ", which the provider takes by default," };
                    found.push(
                        context
                            .error(
                                place,
                                format!(
                                    "the block `{text}`{origin} of subnet {} lies outside the network",
                                    field::show(subnet.get("name"))
                                ),
                            )
                            .hint(format!(
                                "give it a block inside `{}`",
                                network_blocks(object).join("`, `")
                            )),
                    );
                }
                Some(_) => {}
            }
        }
        let own: Vec<Range> = texts.iter().filter_map(|text| address::cidr(text)).collect();
        for (index, endpoint) in field::list(subnet, "privateEndpoints").iter().enumerate() {
            for (position, text) in field::texts(endpoint, "privateIPAddresses") {
                let inside =
                    text.parse().is_ok_and(|address| own.iter().any(|block| block.contains(address)));
                if !inside {
                    found.push(
                        context
                            .error(
                                path.key("privateEndpoints")
                                    .index(index)
                                    .key("privateIPAddresses")
                                    .index(position),
                                format!("`{text}` is not an address of the subnet"),
                            )
                            .hint("take an address out of the subnet's block"),
                    );
                }
            }
        }
    }
    found
}

pub(super) fn overlap(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let given = field::given(&object.value, "spec.networkSpec.vnet.cidrBlocks");
    let path = FieldPath::of(["spec", "networkSpec", "vnet", "cidrBlocks"]);
    let origin = if given { "" } else { " that it gets by default" };
    let subnets: Vec<String> = own_blocks(object);
    let mut found = Vec::new();
    for cluster in context.set.clusters_of(object) {
        for (what, list) in [
            ("pods", "spec.clusterNetwork.pods.cidrBlocks"),
            ("services", "spec.clusterNetwork.services.cidrBlocks"),
        ] {
            for (_, text) in field::texts(&cluster.value, list) {
                let Some(block) = address::cidr(text) else { continue };
                let clashes = |other: &str| address::cidr(other).is_some_and(|other| other.overlaps(block));
                let hint = "give the network, its subnets, pods and services blocks of their own";
                if let Some(subnet) = subnets.iter().find(|subnet| clashes(subnet)) {
                    let message = format!("the subnet `{subnet}` overlaps the {what} ({text})");
                    // Nodes whose addresses no Service has are reached all the same.
                    let violation = if what == "pods" {
                        context.error(path.clone(), message)
                    } else {
                        context.warning(path.clone(), message)
                    };
                    found.push(violation.hint(hint));
                } else if let Some(network) =
                    network_blocks(object).into_iter().find(|network| clashes(network))
                {
                    // Pods that Azure itself routes lie in the network on purpose.
                    let message = format!(
                        "the virtual network's block `{network}`{origin} overlaps the {what} ({text})"
                    );
                    found.push(context.warning(path.clone(), message).hint(hint));
                }
            }
        }
    }
    found
}

/// The blocks of all subnets, those that the webhook adds included.
fn own_blocks(object: &Object) -> Vec<String> {
    let given = field::list(&object.value, SUBNETS);
    if given.is_empty() {
        return vec!["10.0.0.0/16".to_owned(), "10.1.0.0/16".to_owned()];
    }
    let mut number = 0;
    given
        .iter()
        .flat_map(|subnet| {
            number += usize::from(field::text(subnet, "role") == Some("node"));
            subnet_blocks(subnet, number)
        })
        .collect()
}

pub(super) fn security_rules(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, subnet) in subnets(context.object) {
        let mut taken: BTreeMap<(String, i64), String> = BTreeMap::new();
        for (index, rule) in field::list(subnet, "securityGroup.securityRules").iter().enumerate() {
            let place = path.key("securityGroup").key("securityRules").index(index);
            let name = field::text(rule, "name").unwrap_or_default();
            let priority = field::integer(rule, "priority").unwrap_or(0);
            if !(100..=4096).contains(&priority) {
                found.push(
                    context
                        .error(
                            place.key("priority"),
                            format!("the security rule `{name}` has priority {priority}"),
                        )
                        .hint("priorities go from 100 to 4096, the lower number comes first"),
                );
            }
            let direction = field::text(rule, "direction").unwrap_or("Inbound").to_owned();
            if let Some(other) = taken.insert((direction, priority), name.to_owned()) {
                found.push(
                    context
                        .error(
                            place.key("priority"),
                            format!(
                                "the security rules `{other}` and `{name}` have the same priority {priority}"
                            ),
                        )
                        .hint("give each rule of a direction its own number"),
                );
            }
            if field::at(rule, "source").is_some() && field::at(rule, "sources").is_some() {
                found.push(
                    context
                        .error(
                            place.key("sources"),
                            format!("the security rule `{name}` has `source` and `sources`"),
                        )
                        .hint("keep `sources`"),
                );
            }
        }
    }
    found
}

pub(super) fn endpoints(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, subnet) in subnets(context.object) {
        let mut services = BTreeSet::new();
        for (index, endpoint) in field::list(subnet, "serviceEndpoints").iter().enumerate() {
            let place = path.key("serviceEndpoints").index(index);
            let service = field::text(endpoint, "service").unwrap_or_default();
            if !is_service(service) {
                found.push(
                    context
                        .error(
                            place.key("service"),
                            format!("`{service}` is not the name of an Azure service"),
                        )
                        .hint("write it like `Microsoft.Storage`"),
                );
            }
            if !services.insert(service) {
                found.push(
                    context
                        .error(place.key("service"), format!("the service `{service}` is there twice"))
                        .hint("put its locations into one entry"),
                );
            }
            let mut locations = BTreeSet::new();
            if field::list(endpoint, "locations").is_empty() {
                found.push(
                    context
                        .error(
                            place.key("locations"),
                            format!("the service endpoint `{service}` has no locations"),
                        )
                        .hint("list them, or write `[\"*\"]`"),
                );
            }
            for (position, location) in field::texts(endpoint, "locations") {
                let bad = if is_location(location) { "is there twice" } else { "is not a location" };
                if !is_location(location) || !locations.insert(location) {
                    found.push(
                        context
                            .error(place.key("locations").index(position), format!("`{location}` {bad}"))
                            .hint("write locations like `westeurope`, or `*` for all"),
                    );
                }
            }
        }
        for (index, endpoint) in field::list(subnet, "privateEndpoints").iter().enumerate() {
            let place = path.key("privateEndpoints").index(index).key("privateLinkServiceConnections");
            let connections = field::list(endpoint, "privateLinkServiceConnections");
            if connections.is_empty() {
                found.push(
                    context
                        .error(
                            place.clone(),
                            format!(
                                "the private endpoint {} connects to nothing",
                                field::show(endpoint.get("name"))
                            ),
                        )
                        .hint("give the `privateLinkServiceID` of what it connects to"),
                );
            }
            for (position, connection) in connections.iter().enumerate() {
                let id = field::text(connection, "privateLinkServiceID").unwrap_or_default();
                if !is_resource_id(id) {
                    found.push(
                        context
                            .error(
                                place.index(position).key("privateLinkServiceID"),
                                format!("`{id}` is not an Azure resource id"),
                            )
                            .hint("it starts with `/subscriptions/`"),
                    );
                }
            }
        }
    }
    found
}

fn is_service(name: &str) -> bool {
    name.strip_prefix("Microsoft.").is_some_and(|rest| {
        rest.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && rest.chars().all(|letter| letter.is_ascii_alphanumeric())
    })
}

fn is_location(name: &str) -> bool {
    let letters = name.trim_end_matches(|letter: char| letter.is_ascii_digit());
    name == "*" || (!letters.is_empty() && letters.chars().all(|letter| letter.is_ascii_lowercase()))
}

/// A full Azure resource id, with or without the leading slash.
pub(super) fn is_resource_id(id: &str) -> bool {
    let lower = id.to_ascii_lowercase();
    let parts: Vec<&str> = lower.trim_start_matches('/').split('/').collect();
    matches!(parts.as_slice(), ["subscriptions", subscription, "resourcegroups", group, "providers", provider, kind, name, ..]
        if [subscription, group, provider, kind, name].iter().all(|part| !part.is_empty()))
}
