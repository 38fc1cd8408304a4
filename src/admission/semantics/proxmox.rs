//! `spec.proxmox`: addresses, templates, ids.

use std::net::IpAddr;

use super::{
    Check,
    addresses::{self, Claim, Use},
    form, machines, network, spec,
};
use crate::{
    admission::rules::{
        address::{self, Range},
        label,
    },
    finding::{Finding, codes},
    plan::{
        providers::{Proxmox, ProxmoxCcm},
        resolved::Machines,
    },
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(proxmox) = check.cluster.spec.proxmox.clone() else { return };
    forms(check, &proxmox);
    words(check, &proxmox);
    check.object_name(&spec("proxmox.credentialsSecret"), proxmox.credentials_secret.as_deref());
    in_the_network(check);
    capacity(check, &proxmox);
    template(check, &proxmox);
    ids(check, &proxmox);
    controller(check, &proxmox);
}

/// The Proxmox CSI driver places volumes by labels that only the Proxmox cloud controller manager sets.
fn controller(check: &mut Check<'_>, proxmox: &Proxmox) {
    if proxmox.cloud_controller_manager.unwrap_or_default() == ProxmoxCcm::Proxmox {
        return;
    }
    for field in [
        "addons.cloudProvider.csiValues",
        "proxmox.csiStorage",
        "proxmox.regionLabel",
        "proxmox.apiURL",
        "proxmox.apiInsecure",
    ] {
        let path = spec(field);
        if check.is_written(&path) {
            let name = field.rsplit('.').next().unwrap_or(field);
            check.warning(
                &codes::NOT_IN_USE,
                &path,
                format!("`{name}` has no effect with the Talos cloud controller manager"),
                "remove it, or set `cloudControllerManager: proxmox`",
            );
        }
    }
}

/// One family of addresses, as its fields are called.
struct Family<'plan> {
    v4: bool,
    addresses: Option<&'plan Vec<String>>,
    prefix: Option<i32>,
    gateway: Option<&'plan String>,
    names: [&'static str; 3],
}

fn families(proxmox: &Proxmox) -> [Family<'_>; 2] {
    [
        Family {
            v4: true,
            addresses: proxmox.addresses.as_ref(),
            prefix: proxmox.prefix,
            gateway: proxmox.gateway.as_ref(),
            names: ["addresses", "prefix", "gateway"],
        },
        Family {
            v4: false,
            addresses: proxmox.addresses_v6.as_ref(),
            prefix: proxmox.prefix_v6,
            gateway: proxmox.gateway_v6.as_ref(),
            names: ["addressesV6", "prefixV6", "gatewayV6"],
        },
    ]
}

fn forms(check: &mut Check<'_>, proxmox: &Proxmox) {
    let base = spec("proxmox");
    for family in families(proxmox) {
        let word = if family.v4 { "IPv4" } else { "IPv6" };
        let [addresses, prefix, gateway] = family.names;
        let mut seen: Vec<(Range, crate::yaml::pointer::FieldPath)> = Vec::new();
        for (position, text) in family.addresses.into_iter().flatten().enumerate() {
            let path = base.key(addresses).index(position);
            if text.contains('/') && network::one(check, text, &path).is_none() {
                continue;
            }
            match address::pool_entry(text) {
                None => {
                    let hint = range_hint(text);
                    check.error(
                        &codes::NETWORK_FORM,
                        &path,
                        format!("`{text}` is not a range of addresses"),
                        hint,
                    );
                }
                Some(range) if range.is_ipv4() != family.v4 => check.error(
                    &codes::NETWORK_FORM,
                    &path,
                    format!("`{text}` does not belong into `{addresses}`, which holds {word} addresses"),
                    if family.v4 { "put it into `addressesV6`" } else { "put it into `addresses`" },
                ),
                Some(range) => {
                    if let Some((_, first)) = seen.iter().find(|(other, _)| other.overlaps(range)) {
                        let finding = Finding::warning(
                            &codes::NETWORK_FORM,
                            format!("`{text}` repeats addresses of this list; each is given out once"),
                        );
                        let first = first.clone();
                        check.between(
                            finding,
                            (&path, &first),
                            "they are here already",
                            "remove what is there twice",
                        );
                    }
                    seen.push((range, path));
                }
            }
        }
        if let Some(text) = family.gateway
            && !text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4() == family.v4)
        {
            check.error(
                &codes::NETWORK_FORM,
                &base.key(gateway),
                format!("`{text}` is not an {word} address"),
                match text.split_once('/') {
                    Some((address, length)) => format!("write `{address}`, and {length} into `{prefix}`"),
                    None => "write the gateway's address".to_owned(),
                },
            );
        }
        if family.addresses.is_some() && (family.prefix.is_none() || family.gateway.is_none()) {
            let missing = if family.prefix.is_none() { prefix } else { gateway };
            check.error(
                &codes::BLOCK_FIELDS,
                &base.key(addresses),
                format!("addresses are given without `{missing}`"),
                format!("set `spec.proxmox.{prefix}` and `spec.proxmox.{gateway}` too"),
            );
        }
    }
    if proxmox.addresses.is_none() && proxmox.addresses_v6.is_none() {
        check.error(
            &codes::BLOCK_FIELDS,
            &base.key("addresses"),
            "machines have no addresses",
            "give `spec.proxmox.addresses` (or `addressesV6`) with prefix and gateway",
        );
    }
    for (position, text) in proxmox.dns_servers.iter().flatten().enumerate() {
        if text.parse::<IpAddr>().is_err() {
            check.error(
                &codes::NETWORK_FORM,
                &base.key("dnsServers").index(position),
                format!("`{text}` is not the address of a name server"),
                match form::without_port(text).filter(|host| host.parse::<IpAddr>().is_ok()) {
                    Some(host) => format!("write `{host}`: name servers are asked on port 53"),
                    None => "write an IP address; names cannot be looked up without a name server".to_owned(),
                },
            );
        }
    }
}

/// What was meant by something that is not quite a range.
fn range_hint(text: &str) -> String {
    let plain = "write an address, a range `192.0.2.20-192.0.2.60` or a network".to_owned();
    if text.contains(',') {
        return "write each address or range as an entry of its own: `[a, b]`".to_owned();
    }
    let Some((first, last)) = text.split_once('-').map(|(first, last)| (first.trim(), last.trim())) else {
        return plain;
    };
    let Ok(from) = first.parse::<IpAddr>() else { return plain };
    match last.parse::<IpAddr>() {
        Ok(to) if to < from => "write the lower address first".to_owned(),
        Ok(to) => format!("write `{from}-{to}`"),
        // The way that some tools shorten it.
        Err(_) => match (last.parse::<u8>(), first.rsplit_once('.')) {
            (Ok(end), Some((network, _))) => format!("write both ends in full, `{first}-{network}.{end}`"),
            _ => plain,
        },
    }
}

/// Names and words that Proxmox or its provider takes in one form only.
fn words(check: &mut Check<'_>, proxmox: &Proxmox) {
    let base = spec("proxmox");
    let name = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    // ionos-cloud/cluster-api-provider-proxmox api/v1alpha2/proxmoxmachine_types.go (`tags`, `matchTags`).
    for (key, tags) in [("templateTags", &proxmox.template_tags), ("tags", &proxmox.tags)] {
        for (position, tag) in tags.iter().flatten().enumerate() {
            if !name(tag, b"_-+.") || tag.starts_with(['-', '+', '.']) {
                let hint = if tag.contains([',', ';']) {
                    "write each tag as an entry of its own: `[a, b]`"
                } else {
                    "use letters, digits, `_`, `-`, `+` and `.`, beginning with a letter, a digit or `_`"
                };
                let path = base.key(key).index(position);
                check.error(&codes::PLAN_FORM, &path, format!("`{tag}` is not a tag of Proxmox"), hint);
            }
        }
    }
    if let Some(bridge) = proxmox.bridge.as_ref().filter(|bridge| !name(bridge, b"_-.")) {
        check.error(
            &codes::PLAN_FORM,
            &base.key("bridge"),
            format!("`{bridge}` is not the name of a bridge"),
            "write it as Proxmox lists it under Network, for instance `vmbr0`",
        );
    }
    // proxmox/qemu-server PVE/QemuServer/Drive.pm (valid_drive_names).
    let disk = |text: &str| {
        [("scsi", 31_u8), ("virtio", 16), ("sata", 6), ("ide", 4)].into_iter().any(|(bus, count)| {
            text.strip_prefix(bus)
                .is_some_and(|number| number.parse::<u8>().is_ok_and(|number| number < count))
        })
    };
    if let Some(boot) = proxmox.boot_disk.as_ref().filter(|boot| !disk(boot)) {
        check.error(
            &codes::PLAN_FORM,
            &base.key("bootDisk"),
            format!("`{boot}` is not the disk of a VM in Proxmox"),
            "write its bus and number as the VM's hardware shows it, for instance `scsi0` or `virtio0`",
        );
    }
    if let Some(pool) = proxmox.pool.as_ref().filter(|pool| !name(pool, b"_-./")) {
        check.error(
            &codes::PLAN_FORM,
            &base.key("pool"),
            format!("`{pool}` is not the name of a pool in Proxmox"),
            "use letters, digits, `_`, `-` and `.`",
        );
    }
    if let Some(mtu) = proxmox.mtu.filter(|mtu| (2..576).contains(mtu)) {
        check.error(
            &codes::PLAN_RANGE,
            &base.key("mtu"),
            format!("{mtu} is too small for `mtu`"),
            "it takes 1, which means the bridge's, or 576 to 65520",
        );
    }
    let nodes: Vec<&String> = proxmox.allowed_nodes.iter().flatten().collect();
    for (position, node) in nodes.iter().enumerate() {
        let path = base.key("allowedNodes").index(position);
        if !label::is_subdomain(&node.to_ascii_lowercase()) || node.contains('.') {
            let short = node.split('.').next().unwrap_or_default();
            check.error(
                &codes::PLAN_FORM,
                &path,
                format!("`{node}` is not the name of a node in Proxmox"),
                if node.contains('.') && !short.is_empty() {
                    format!("write `{short}`: nodes are called by their host name, without a domain")
                } else {
                    "write it as Proxmox lists it, for instance `pve1`".to_owned()
                },
            );
        } else if nodes[..position].contains(node) {
            check.warning(
                &codes::PLAN_VALUE,
                &path,
                format!("the node `{node}` is given twice"),
                "name each node once",
            );
        }
    }
    if let Some(node) = proxmox.source_node.as_ref().filter(|node| node.contains('.')) {
        let short = node.split('.').next().unwrap_or_default();
        check.error(
            &codes::PLAN_FORM,
            &base.key("sourceNode"),
            format!("`{node}` is not the name of a node in Proxmox"),
            format!("write `{short}`: nodes are called by their host name, without a domain"),
        );
    }
}

/// Machines, gateway and the addresses between them.
fn in_the_network(check: &mut Check<'_>) {
    let claims = addresses::claims(check.cluster);
    let of = |purpose: Use| claims.iter().filter(move |claim| claim.purpose == purpose);
    for pool in of(Use::Pool) {
        let same = |other: &&Claim| other.range.is_ipv4() == pool.range.is_ipv4();
        if let Some(network) = of(Use::MachineNetwork).find(same)
            && !network.range.covers(pool.range)
        {
            let finding = Finding::error(
                &codes::NETWORK_FORM,
                format!("`{}` is not in the gateway's network {}", pool.text, network.text),
            );
            check.between(
                finding,
                (&pool.path, &network.path),
                "the gateway",
                "correct the addresses, the gateway or the prefix: machines reach their gateway only inside one network",
            );
        }
        for server in of(Use::NameServer).filter(|server| pool.range.overlaps(server.range)) {
            let finding = Finding::error(
                &codes::NETWORK_OVERLAP,
                format!("the name server {} is one of the machines' addresses {}", server.text, pool.text),
            );
            check.between(
                finding,
                (&pool.path, &server.path),
                "the name server",
                "take its address out of the range, or a machine will get it",
            );
        }
    }
}

/// Addresses that machines can get: without the gateway and the ends of the network.
///
/// Source: kubernetes-sigs/cluster-api-ipam-provider-in-cluster internal/poolutil/pool.go, PoolSpecToIPSet
fn usable(ranges: &[Range], gateway: Option<IpAddr>, prefix: Option<i32>) -> u128 {
    let one = |address: IpAddr| address::prefix(address, if address.is_ipv4() { 32 } else { 128 });
    let mut taken: Vec<Range> = gateway.and_then(one).into_iter().collect();
    let lowest = ranges.iter().map(|range| range.first()).min();
    if let (Some(lowest), Some(prefix)) = (lowest, prefix.and_then(|prefix| u32::try_from(prefix).ok()))
        && let Some(network) = address::prefix(lowest, prefix)
    {
        taken.extend(one(network.first()));
        taken.extend(one(network.last()).filter(|_| network.is_ipv4()));
    }
    address::count(ranges, &taken)
}

/// Machines now (the autoscaler's fewest), at most, and what rollouts add when all groups roll at once.
struct Need {
    now: i64,
    most: i64,
    surge: i64,
}

fn need(check: &Check<'_>) -> Need {
    let now = network::machines(check, |machines| {
        machines.autoscaling.as_ref().map_or(machines.replicas, |autoscaling| autoscaling.min)
    });
    let most = network::machines(check, Machines::most);
    let surge = std::iter::once(&check.cluster.control_plane)
        .chain(&check.cluster.pools)
        .filter(|machines| machines.most() > 0)
        .map(machines::surge)
        .sum();
    Need { now, most, surge }
}

fn capacity(check: &mut Check<'_>, proxmox: &Proxmox) {
    let Need { now, most, surge } = need(check);
    for family in families(proxmox) {
        let ranges: Vec<Range> =
            family.addresses.into_iter().flatten().filter_map(|text| address::pool_entry(text)).collect();
        if ranges.is_empty() {
            continue;
        }
        let gateway = family.gateway.and_then(|text| text.parse().ok());
        let room = i64::try_from(usable(&ranges, gateway, family.prefix)).unwrap_or(i64::MAX);
        let path = spec("proxmox").key(family.names[0]);
        if room < now {
            check.error(
                &codes::POOL_SIZE,
                &path,
                format!("{room} addresses can be given out, and the plan has {now} machines"),
                format!(
                    "give at least {}: one for each machine, and {surge} to spare for rollouts",
                    most + surge
                ),
            );
        } else if room < most {
            check.warning(
                &codes::POOL_SIZE,
                &path,
                format!("{room} addresses can be given out, and the autoscaler may want {most} machines"),
                format!("give {} addresses, or lower `autoscaling.max`", most + surge),
            );
        } else if room < most + surge {
            check.warning(
                &codes::POOL_SIZE,
                &path,
                format!("{room} addresses for {most} machines leave {} to spare for rollouts", room - most),
                format!("give {}, so that the control plane and all pools can roll at once, or set `rollout.maxSurge: 0`", most + surge),
            );
        }
    }
}

fn template(check: &mut Check<'_>, proxmox: &Proxmox) {
    let base = spec("proxmox");
    let tags = base.key("templateTags");
    let id = base.key("templateID");
    let node = base.key("sourceNode");
    if proxmox.template_id.is_some() && check.is_written(&tags) {
        let finding =
            Finding::error(&codes::BLOCK_FIELDS, "the VM template is named twice, by tags and by id");
        check.between(
            finding,
            (&tags, &id),
            "the template's id",
            "remove `templateTags`, or `templateID` and `sourceNode`",
        );
    }
    if proxmox.template_id.is_some() && proxmox.source_node.is_none() {
        check.error(
            &codes::BLOCK_FIELDS,
            &id,
            "a template's id means nothing without its node",
            "add `sourceNode`, the Proxmox node that holds the template",
        );
    }
    if proxmox.template_id.is_none() && proxmox.source_node.is_some() {
        check.error(
            &codes::BLOCK_FIELDS,
            &node,
            "`sourceNode` goes with `templateID`, which is not there",
            "add `templateID`, or remove `sourceNode` and let `templateTags` find the template",
        );
    }
    if proxmox.full == Some(false) {
        for (key, given) in [("storage", proxmox.storage.is_some()), ("format", proxmox.format.is_some())] {
            if given {
                let finding = Finding::error(
                    &codes::BLOCK_FIELDS,
                    format!("a linked clone lies where its template lies, so `{key}` cannot be chosen"),
                );
                check.between(
                    finding,
                    (&base.key(key), &base.key("full")),
                    "linked clones",
                    format!("remove `{key}`, or set `full: true`"),
                );
            }
        }
    }
    if let Some(sockets) = proxmox.sockets.filter(|sockets| *sockets > 1) {
        for machines in std::iter::once(&check.cluster.control_plane).chain(&check.cluster.pools) {
            if machines.cpu.is_some_and(|cpu| cpu % sockets != 0) {
                let path = if check.is_written(&machines.field.key("cpu")) {
                    machines.field.key("cpu")
                } else {
                    base.key("sockets")
                };
                check.error(
                    &codes::BLOCK_FIELDS,
                    &path,
                    format!(
                        "{} CPUs cannot be spread evenly over {sockets} sockets",
                        machines.cpu.unwrap_or(0)
                    ),
                    format!("use a multiple of {sockets}, or `sockets: 1`"),
                );
                return;
            }
        }
    }
}

fn ids(check: &mut Check<'_>, proxmox: &Proxmox) {
    let Some(range) = &proxmox.vm_id_range else { return };
    let path = spec("proxmox.vmIDRange");
    if range.end < range.start {
        let finding = Finding::error(
            &codes::VM_IDS,
            format!("the range of ids ends at {} and starts at {}", range.end, range.start),
        );
        check.between(finding, (&path.key("end"), &path.key("start")), "it starts here", "exchange the two");
        return;
    }
    let room = range.end - range.start + 1;
    let Need { now, most, surge } = need(check);
    if room < now {
        check.error(
            &codes::VM_IDS,
            &path,
            format!("the range has {room} ids, and the plan has {now} machines"),
            format!("let it end at {} or later", range.start + most + surge - 1),
        );
    } else if room < most + surge {
        check.warning(
            &codes::VM_IDS,
            &path,
            format!("the range has {room} ids for up to {most} machines and {surge} more during rollouts"),
            format!("let it end at {} or later", range.start + most + surge - 1),
        );
    }
    if let Some(id) = proxmox.template_id.map(i64::from).filter(|id| (range.start..=range.end).contains(id)) {
        let finding =
            Finding::warning(&codes::VM_IDS, format!("the template has the id {id} of the machines' range"));
        check.between(
            finding,
            (&spec("proxmox.templateID"), &path),
            "the range of ids",
            "keep templates out of the ranges of clusters",
        );
    }
}
