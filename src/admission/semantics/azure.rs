//! `spec.azure`.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Check, machines, network, spec};
use crate::{
    admission::rules::address,
    finding::{Finding, codes},
    plan::providers::{
        Azure,
        azure::{AzureApiServerLb, AzureImage, AzureOutbound},
    },
    render::azure,
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(azure) = check.cluster.spec.azure.clone() else { return };
    if let Some(image) = &azure.image {
        self::image(check, image);
    }
    networks(check, &azure);
    for (position, text) in azure.api_server_cidrs.iter().flatten().enumerate() {
        network::one(check, text, &spec("azure.apiServerCIDRs").index(position));
    }
    without_effect(check, &azure);
    ways_out(check, &azure);
    resources(check, &azure);
    reach(check, &azure);
    ports(check, &azure);
    zones(check, &azure);
    tags(check, &azure);
}

/// The parts of a resource id behind `/subscriptions/<id>/resourceGroups/<group>/providers/`, in lower case: Azure compares
/// ids without regard to case.
fn provider_path(id: &str) -> Option<Vec<String>> {
    let lower = id.to_ascii_lowercase();
    let parts: Vec<&str> = lower.strip_prefix('/')?.split('/').collect();
    match &*parts {
        ["subscriptions", _, "resourcegroups", _, "providers", rest @ ..]
            if rest.len() >= 3 && !parts.iter().any(|part| part.is_empty()) =>
        {
            Some(rest.iter().map(|part| (*part).to_owned()).collect())
        }
        _ => None,
    }
}

/// Ids of other resources, and peerings with oneself.
fn resources(check: &mut Check<'_>, azure: &Azure) {
    let identity = azure.identity.clone().unwrap_or_default();
    check.object_name(&spec("azure.identity.name"), identity.name.as_deref());
    check.object_name(&spec("azure.identity.namespace"), identity.namespace.as_deref());
    if let Some(id) = azure.os_disk.as_ref().and_then(|disk| disk.disk_encryption_set_id.as_ref()) {
        let parts = provider_path(id).unwrap_or_default();
        let fits =
            parts.len() == 3 && parts.starts_with(&["microsoft.compute".into(), "diskencryptionsets".into()]);
        if !fits {
            check.error(
                &codes::PLAN_FORM,
                &spec("azure.osDisk.diskEncryptionSetID"),
                format!("`{id}` is not the id of a disk encryption set"),
                "write `/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Compute/diskEncryptionSets/<name>`",
            );
        }
    }
    let (own, group) = (azure::network_name(check.cluster), azure::network_group(check.cluster));
    for (position, peering) in azure.peerings.iter().flatten().enumerate() {
        let other_group = peering.resource_group.as_deref().or_else(|| azure::resource_group(check.cluster));
        let same = |one: Option<&str>, two: Option<&str>| {
            one.zip(two).is_some_and(|(one, two)| one.eq_ignore_ascii_case(two))
        };
        if azure.vnet.is_none()
            && same(own.as_deref(), Some(&peering.remote_vnet_name))
            && same(group, other_group)
        {
            check.error(
                &codes::BLOCK_FIELDS,
                &spec("azure.peerings").index(position).key("remoteVnetName"),
                format!("`{}` is the cluster's own network", peering.remote_vnet_name),
                "name the other one, the hub's for instance, with its `resourceGroup`",
            );
        }
    }
}

/// The hub comes to a public API by the internet, so it has to be among those who may.
fn reach(check: &mut Check<'_>, azure: &Azure) {
    let Some(sources) = azure.api_server_cidrs.as_ref() else { return };
    if azure.api_server_lb == Some(AzureApiServerLb::Internal) {
        return;
    }
    let open: Vec<_> = sources.iter().filter_map(|text| address::cidr(text)).collect();
    for (position, text) in check.cluster.network.management_cidrs.iter().enumerate() {
        // Private addresses come by a peering or a VPN, and to the API by an address that nobody here knows.
        let Some(range) = address::cidr(text).filter(|range| !network::is_private(*range)) else { continue };
        if !open.iter().any(|open| open.covers(range)) {
            let finding = Finding::warning(
                &codes::BLOCK_FIELDS,
                format!("the management network {text} may not reach the Kubernetes API"),
            );
            check.between(
                finding,
                (&spec("azure.apiServerCIDRs"), &spec("network.managementCIDRs").index(position)),
                "the hub and operators come from here",
                format!("add `{text}`: Flux and Cluster API on the hub need port 6443"),
            );
        }
    }
}

/// One frontend listens on each port once.
///
/// Source: kubernetes-sigs/cluster-api-provider-azure `azure/services/loadbalancers/spec.go`
fn ports(check: &mut Check<'_>, azure: &Azure) {
    let base = spec("azure.additionalAPIServerLBPorts");
    let ports: Vec<_> = azure.additional_api_server_lb_ports.iter().flatten().collect();
    for (position, port) in ports.iter().enumerate() {
        let path = base.index(position).key("port");
        if port.port == 6443 {
            check.error(
                &codes::BLOCK_FIELDS,
                &path,
                "port 6443 is the Kubernetes API's own, and the load balancer listens on it already",
                "remove it; these are ports beside that one",
            );
        }
        for (key, same) in [
            ("port", ports[..position].iter().position(|other| other.port == port.port)),
            ("name", ports[..position].iter().position(|other| other.name == port.name)),
        ] {
            let Some(first) = same else { continue };
            let finding = Finding::error(&codes::PLAN_VALUE, format!("this {key} is given twice"));
            check.between(
                finding,
                (&base.index(position).key(key), &base.index(first).key(key)),
                "first given here",
                format!("give each entry a {key} of its own"),
            );
        }
    }
}

fn zones(check: &mut Check<'_>, azure: &Azure) {
    let zones: Vec<&String> = azure.load_balancer_zones.iter().flatten().collect();
    for (position, zone) in zones.iter().enumerate() {
        let path = spec("azure.loadBalancerZones").index(position);
        if !matches!(zone.as_str(), "1" | "2" | "3") {
            check.error(
                &codes::PLACE_FORM,
                &path,
                format!("`{zone}` is not a zone of Azure"),
                "Azure's zones are \"1\", \"2\" and \"3\", in quotes",
            );
        } else if zones[..position].contains(zone) {
            check.error(
                &codes::PLAN_VALUE,
                &path,
                format!("the zone `{zone}` is given twice"),
                "name each zone once",
            );
        }
    }
}

/// Source: Microsoft, Use tags to organize your Azure resources (limitations)
fn tags(check: &mut Check<'_>, azure: &Azure) {
    let base = spec("azure.tags");
    let Some(tags) = &azure.tags else { return };
    // The provider and the cloud controller manager add their own.
    if tags.len() > 40 {
        check.error(
            &codes::PLAN_LENGTH,
            &base,
            format!(
                "{} tags are too many: a resource on Azure has at most 50, some of which the provider sets",
                tags.len()
            ),
            "give at most 40",
        );
    }
    for (key, value) in tags {
        let bad = key.chars().find(|sign| "<>%&\\?/".contains(*sign));
        let problem = match bad {
            Some(sign) => Some(format!("the tag `{key}` has a `{sign}` in its name")),
            None if key.is_empty() => Some("a tag has no name".to_owned()),
            None if key.chars().count() > 512 || value.chars().count() > 256 => {
                Some(format!("the tag `{key}` is too long"))
            }
            None => None,
        };
        if let Some(problem) = problem {
            check.error(
                &codes::PLAN_FORM,
                &base.key(key.clone()),
                problem,
                "names have up to 512 characters, without `<`, `>`, `%`, `&`, `\\`, `?` and `/`; values up to 256",
            );
        }
    }
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
    if let Some(id) = image.id.as_ref().filter(|_| check.is_written(&base.key("id"))) {
        image_id(check, id);
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

/// A managed image, or an image of a gallery with its version.
fn image_id(check: &mut Check<'_>, id: &str) {
    let path = spec("azure.image.id");
    let parts = provider_path(id).unwrap_or_default();
    match &*parts.iter().map(String::as_str).collect::<Vec<_>>() {
        ["microsoft.compute", "images", _]
        | ["microsoft.compute", "galleries", _, "images", _, "versions", _] => {}
        ["microsoft.compute", "galleries", _, "images", _] => {
            check.warning(
                &codes::BLOCK_FIELDS,
                &path,
                "this image has no version, so each machine gets the one that is newest on its day",
                "add `/versions/1.13.10`, the version that you uploaded",
            );
        }
        _ => check.error(
            &codes::PLAN_FORM,
            &path,
            format!("`{id}` is not the id of an image"),
            "write `/subscriptions/<id>/resourceGroups/<group>/providers/Microsoft.Compute/galleries/<gallery>/images/<name>/versions/<version>`, \
             `.../Microsoft.Compute/images/<name>`, or give `gallery`, `name` and `version`",
        ),
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
    let workers = check.cluster.pools.iter().map(|pool| i64::from(pool.most())).sum();
    size(check, nodes, &paths[1], workers, "workers");
    let internal = azure.api_server_lb == Some(AzureApiServerLb::Internal);
    let control_planes = i64::from(check.cluster.control_plane.most())
        + machines::surge(&check.cluster.control_plane)
        + i64::from(internal);
    let who = if internal {
        "control planes with one more in a rollout and the API's address"
    } else {
        "control planes with one more in a rollout"
    };
    size(check, control_plane, &paths[0], control_planes, who);
    load_balancer(check, azure, control_plane);
}

/// Azure keeps the first four addresses of a subnet and the last one, and takes no subnet below /29.
fn size(
    check: &mut Check<'_>,
    net: Option<IpNet>,
    path: &crate::yaml::pointer::FieldPath,
    most: i64,
    who: &str,
) {
    let Some(net) = net.filter(|net| net.addr().is_ipv4()) else { return };
    if net.prefix_len() > 29 {
        check.error(
            &codes::NETWORK_SIZE,
            path,
            format!("`{net}` cannot be a subnet: Azure takes /29 and larger"),
            "use a /24, for instance; it cannot be changed later",
        );
        return;
    }
    let room = (1_i64 << (32 - net.prefix_len())) - 5;
    if room < most {
        check.error(
            &codes::POOL_SIZE,
            path,
            format!("`{net}` has {room} addresses for machines, and there may be {most} {who}"),
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
