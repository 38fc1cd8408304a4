//! `spec.azure`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Check, network, spec};
use crate::{
    finding::{Finding, codes},
    plan::providers::{
        Azure,
        azure::{AzureApiServerLb, AzureImage, AzureOutbound},
    },
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(azure) = check.cluster.spec.azure.clone() else { return };
    region(check);
    if let Some(image) = &azure.image {
        self::image(check, image);
    }
    networks(check, &azure);
    for (position, text) in azure.api_server_cidrs.iter().flatten().enumerate() {
        network::one(check, text, &spec("azure.apiServerCIDRs").index(position));
    }
    without_effect(check, &azure);
    ways_out(check, &azure);
}

/// Ways out that the provider makes in any case, whatever a plan says: workers of a new network have a NAT gateway, and
/// control planes behind a public load balancer leave through that one.
///
/// Source: kubernetes-sigs/cluster-api-provider-azure `internal/api/v1beta1/azurecluster_default.go`
/// (setDefaultSubnetSpecNodeSubnet), `internal/webhooks/azurecluster_validation.go` (validateControlPlaneOutboundLB)
fn ways_out(check: &mut Check<'_>, azure: &Azure) {
    let nodes = spec("azure.nodeOutbound");
    if azure.vnet.is_none() && azure.node_outbound.is_some() && check.is_written(&nodes) {
        check.error(
            &codes::BLOCK_FIELDS,
            &nodes,
            "workers in a virtual network that is made have a NAT gateway, and no other way out can be chosen",
            "remove it; for another way out bring a network of your own: `vnet: {name: ...}` with `subnetNames`",
        );
    }
    let control_plane = spec("azure.controlPlaneOutbound");
    if azure.api_server_lb != Some(AzureApiServerLb::Internal)
        && azure.control_plane_outbound == Some(AzureOutbound::None)
        && check.is_written(&control_plane)
    {
        check.error(
            &codes::BLOCK_FIELDS,
            &control_plane,
            "control planes behind a public API load balancer leave through it, and that cannot be switched off",
            "remove it, or set `apiServerLB: Internal`",
        );
    }
}

/// Fields that belong to the other kind of network or load balancer.
fn without_effect(check: &mut Check<'_>, azure: &Azure) {
    let internal = azure.api_server_lb == Some(AzureApiServerLb::Internal);
    let existing = azure.vnet.is_some();
    for (field, given, works, why) in [
        ("loadBalancerZones", azure.load_balancer_zones.is_some(), internal, "an internal API load balancer"),
        ("privateDNSZone", azure.private_dns_zone.is_some(), internal, "an internal API load balancer"),
        // That the machines have no way out is not what comes of it, and an error below.
        (
            "controlPlaneOutbound",
            azure.control_plane_outbound == Some(AzureOutbound::LoadBalancer),
            internal,
            "an internal API load balancer",
        ),
        ("peerings", azure.peerings.is_some(), !existing, "a virtual network that is made"),
    ] {
        let path = spec("azure").key(field);
        if given && !works && check.is_written(&path) {
            check.warning(
                &codes::NOT_IN_USE,
                &path,
                format!("`{field}` has no effect here: it is for {why}"),
                if internal || existing { "remove it" } else { "remove it, or set what it belongs to" },
            );
        }
    }
    if let Some(zone) =
        azure.private_dns_zone.as_ref().filter(|zone| zone.name.is_none() && zone.resource_group.is_some())
    {
        let group = zone.resource_group.clone().unwrap_or_default();
        check.error(
            &codes::BLOCK_FIELDS,
            &spec("azure.privateDNSZone.resourceGroup"),
            format!("the resource group `{group}` is given without the zone's name"),
            "add `name`, or remove `resourceGroup`",
        );
    }
}

/// `westeurope`: the name, not the display name.
fn region(check: &mut Check<'_>) {
    let region = &check.cluster.region;
    if !region.is_empty() && !region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        let name: String =
            region.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        check.error(
            &codes::PLACE_FORM,
            &spec("region"),
            format!("`{region}` is not the name of an Azure location"),
            format!("write it in lower case without blanks, for instance `{name}`"),
        );
    }
}

fn image(check: &mut Check<'_>, image: &AzureImage) {
    let base = spec("azure.image");
    let gallery = [
        ("gallery", image.gallery.is_some()),
        ("name", image.name.is_some()),
        ("version", image.version.is_some()),
    ];
    let written = gallery.into_iter().find(|(key, given)| *given && check.is_written(&base.key(*key)));
    if image.id.is_some()
        && check.is_written(&base.key("id"))
        && let Some((key, _)) = written
    {
        let finding =
            Finding::error(&codes::BLOCK_FIELDS, "the image is named twice, by `id` and in a gallery");
        check.between(
            finding,
            (&base.key("id"), &base.key(key)),
            "the gallery image",
            "remove `id`, or `gallery`, `name` and `version`",
        );
        return;
    }
    let missing: Vec<&str> = gallery.into_iter().filter(|(_, given)| !given).map(|(key, _)| key).collect();
    let some = missing.len() < gallery.len();
    if !missing.is_empty() && (some || image.id.is_none()) {
        check.error(
            &codes::BLOCK_FIELDS,
            &base,
            format!("the image lacks {}", crate::finding::suggest::list(&missing, "and")),
            "give `id`, or `gallery`, `name` and `version` together",
        );
    }
}

fn networks(check: &mut Check<'_>, azure: &Azure) {
    let vnet_path = spec("azure.vnetCIDR");
    let vnet = azure.vnet_cidr.as_ref().and_then(|text| network::one(check, text, &vnet_path));
    let subnets = azure.subnet_cidrs.clone().unwrap_or_default();
    let paths = [spec("azure.subnetCIDRs.controlPlane"), spec("azure.subnetCIDRs.nodes")];
    let control_plane = subnets.control_plane.as_ref().and_then(|text| network::one(check, text, &paths[0]));
    let nodes = subnets.nodes.as_ref().and_then(|text| network::one(check, text, &paths[1]));
    if let Some(existing) = &azure.vnet {
        let path = spec("azure.vnet");
        if existing.name.is_none() {
            check.error(
                &codes::BLOCK_FIELDS,
                &path,
                "a virtual network that exists is found by its name",
                "add `name`; `resourceGroup` is the cluster's unless you say another one",
            );
        }
        let names = azure.subnet_names.clone().unwrap_or_default();
        if names.control_plane.is_none() || names.nodes.is_none() {
            check.error(
                &codes::BLOCK_FIELDS,
                &path,
                "a virtual network that exists has subnets that exist",
                "name them: `subnetNames: {controlPlane: ..., nodes: ...}`",
            );
        }
    }
    // The network of one that exists is not in the plan; what is left of the example values says nothing about it.
    if let Some(vnet) = vnet.filter(|_| azure.vnet.is_none()) {
        for (net, path) in [(control_plane, &paths[0]), (nodes, &paths[1])] {
            if let Some(net) = net.filter(|net| !vnet.contains(net)) {
                let finding = Finding::error(
                    &codes::BLOCK_FIELDS,
                    format!("the subnet `{net}` is not in the VNet `{vnet}`"),
                );
                check.between(finding, (path, &vnet_path), "the VNet", "choose subnets inside of the VNet");
            }
        }
    }
    if let (Some(one), Some(two)) = (control_plane, nodes)
        && (one.contains(&two) || two.contains(&one))
    {
        let finding =
            Finding::error(&codes::NETWORK_OVERLAP, format!("the subnets `{one}` and `{two}` overlap"));
        check.between(
            finding,
            (&paths[1], &paths[0]),
            "the control plane's subnet",
            "give each subnet a part of the VNet of its own",
        );
    }
    size(check, nodes, &paths[1]);
    load_balancer(check, azure, control_plane);
}

/// Azure keeps the first four addresses of a subnet and the last one.
fn size(check: &mut Check<'_>, nodes: Option<IpNet>, path: &crate::yaml::pointer::FieldPath) {
    let Some(net) = nodes.filter(|net| net.addr().is_ipv4()) else { return };
    let room = (1_i64 << (32 - net.prefix_len())) - 5;
    let most = check.cluster.pools.iter().map(|pool| i64::from(pool.most())).sum::<i64>();
    if room < most {
        check.error(
            &codes::POOL_SIZE,
            path,
            format!("`{net}` has {} addresses for machines, and there may be {most} workers", room.max(0)),
            "use a larger subnet; it cannot be changed later",
        );
    }
}

fn load_balancer(check: &mut Check<'_>, azure: &Azure, control_plane: Option<IpNet>) {
    let (kind, path) = (azure.api_server_lb.unwrap_or(AzureApiServerLb::Public), spec("azure.apiServerIP"));
    match (&azure.api_server_ip, kind) {
        (Some(_), AzureApiServerLb::Public) => {
            check.error(
                &codes::BLOCK_FIELDS,
                &path,
                "a public load balancer has no private address",
                "set `apiServerLB: Internal`, or remove `apiServerIP`",
            );
        }
        (None, AzureApiServerLb::Internal) => {
            check.error(
                &codes::BLOCK_FIELDS,
                &spec("azure.apiServerLB"),
                "an internal load balancer needs its private address",
                "set `apiServerIP` to a free address of the control plane's subnet",
            );
        }
        (Some(text), AzureApiServerLb::Internal) => {
            let Ok(address) = text.parse::<IpAddr>() else {
                check.error(
                    &codes::NETWORK_FORM,
                    &path,
                    format!("`{text}` is not an address"),
                    "write an address of the control plane's subnet, for instance `10.0.0.100`",
                );
                return;
            };
            let Some(net) = control_plane else { return };
            let subnet = spec("azure.subnetCIDRs.controlPlane");
            let kept = net.hosts().take(3).any(|host| host == address)
                || address == net.network()
                || address == net.broadcast();
            if !net.contains(&address) || kept {
                let message = if kept {
                    format!("Azure keeps `{address}` of the subnet `{net}` for itself")
                } else {
                    format!("`{address}` is not in the control plane's subnet `{net}`")
                };
                let finding = Finding::error(&codes::BLOCK_FIELDS, message);
                check.between(
                    finding,
                    (&path, &subnet),
                    "the control plane's subnet",
                    "choose an address of it that is neither among the first four nor the last one",
                );
            }
        }
        (None, AzureApiServerLb::Public) => {}
    }
}
