//! Values of the Azure block whose defaults depend on other fields.

use serde_json::{Map, Value, json};

use crate::{
    plan::{
        Provider,
        providers::{Azure, AzureApiServerLb, AzureOutbound},
        resolved::{ResolvedCluster, Role},
    },
    yaml::pointer::FieldPath,
};

/// The availability zones of a region that has any (Azure names them so in every subscription, but maps them differently).
const ZONES: [&str; 3] = ["1", "2", "3"];

fn block(cluster: &ResolvedCluster) -> Option<&Azure> {
    cluster.spec.azure.as_ref()
}

/// Whether the block says this: the features `azure.*`.
pub(super) fn chose(cluster: &ResolvedCluster, choice: &str) -> bool {
    let Some(azure) = block(cluster) else { return false };
    let internal = azure.api_server_lb == Some(AzureApiServerLb::Internal);
    match choice {
        "internal-api" => internal,
        "existing-network" => existing_network(azure).is_some(),
        "control-plane-outbound" => internal && azure.control_plane_outbound != Some(AzureOutbound::None),
        "node-outbound" => {
            existing_network(azure).is_some() && azure.node_outbound == Some(AzureOutbound::LoadBalancer)
        }
        _ => false,
    }
}

fn existing_network(azure: &Azure) -> Option<&str> {
    azure.vnet.as_ref()?.name.as_deref()
}

/// The cluster's resource group. None on other providers.
pub fn resource_group(cluster: &ResolvedCluster) -> Option<&str> {
    Some(block(cluster)?.resource_group.as_deref().unwrap_or(&cluster.name))
}

/// The virtual network's name.
pub fn network_name(cluster: &ResolvedCluster) -> Option<String> {
    Some(existing_network(block(cluster)?).map_or_else(|| format!("{}-vnet", cluster.name), str::to_owned))
}

/// The virtual network's resource group.
pub fn network_group(cluster: &ResolvedCluster) -> Option<&str> {
    let given = block(cluster)?.vnet.as_ref().and_then(|vnet| vnet.resource_group.as_deref());
    given.or_else(|| resource_group(cluster))
}

/// The virtual network's CIDRs. Of an existing one the provider learns them by itself, but its webhook wants to see the
/// subnets inside: what the plan says about them will do.
pub(super) fn network_cidrs(cluster: &ResolvedCluster) -> Option<Vec<String>> {
    let azure = block(cluster)?;
    let own = azure.vnet_cidr.as_ref().map(|cidr| vec![cidr.clone()]);
    let written = || cluster.origins.written(&FieldPath::of(["spec", "azure", "vnetCIDR"])).is_some();
    if existing_network(azure).is_none() || written() {
        return own;
    }
    let subnets = azure.subnet_cidrs.as_ref()?;
    Some([&subnets.control_plane, &subnets.nodes].into_iter().flatten().cloned().collect())
}

/// The subnet's name. In an existing network there is no default: a wrong one would only be found by the provider.
pub(super) fn subnet_name(cluster: &ResolvedCluster, role: Role) -> Option<String> {
    let azure = block(cluster)?;
    let names = azure.subnet_names.as_ref();
    let (given, default) = match role {
        Role::ControlPlane => (names.and_then(|names| names.control_plane.clone()), "controlplane-subnet"),
        Role::Worker => (names.and_then(|names| names.nodes.clone()), "node-subnet"),
    };
    match (given, existing_network(azure)) {
        (None, None) => Some(format!("{}-{default}", cluster.name)),
        (given, _) => given,
    }
}

/// The subscription of the image's gallery. A community gallery has neither subscription nor resource group.
pub(super) fn gallery_subscription(cluster: &ResolvedCluster) -> Option<&str> {
    let azure = block(cluster)?;
    let image = azure.image.as_ref()?;
    let own = || image.resource_group.as_ref().and(azure.subscription_id.as_deref());
    image.subscription_id.as_deref().or_else(own)
}

/// The zones that the plan does not name for control planes, as `AzureCluster.spec.failureDomains` closes them. None when the
/// plan names no zones.
pub(super) fn closed_zones(cluster: &ResolvedCluster) -> Option<Value> {
    let open = &cluster.control_plane.failure_domains;
    if cluster.provider != Provider::Azure || open.is_empty() {
        return None;
    }
    let closed: Map<String, Value> = ZONES
        .iter()
        .filter(|zone| !open.iter().any(|open| open == *zone))
        .map(|zone| ((*zone).to_owned(), json!({"controlPlane": false})))
        .collect();
    (!closed.is_empty()).then_some(Value::Object(closed))
}
