//! Addresses of load balancers that Cilium gives out: which ones, and how they are announced.

use std::net::{IpAddr, Ipv4Addr};

use super::{
    Check,
    addresses::{self, Claim, Use},
    network, spec,
};
use crate::{
    admission::rules::address,
    finding::{Finding, codes},
    plan::{
        Provider,
        addons::{Cilium, LoadBalancer, LoadBalancerMode},
    },
};

pub(super) fn check(check: &mut Check<'_>) {
    if let Some(cilium) = &check.cluster.cilium
        && let Some(balancer) = &cilium.load_balancer
    {
        load_balancer(check, cilium, balancer);
    }
    missing(check);
}

fn load_balancer(check: &mut Check<'_>, cilium: &Cilium, balancer: &LoadBalancer) {
    let base = spec("addons.cilium.loadBalancer");
    if check.cluster.provider != Provider::Proxmox {
        check.warning(
            &codes::NOT_IN_USE,
            &base,
            format!("on {} the cloud gives load balancers their addresses", check.cluster.descriptor.title),
            "remove `loadBalancer`",
        );
    }
    let addresses = balancer.addresses.as_deref().unwrap_or_default();
    let Some(mode) = balancer.mode else {
        check.error(
            &codes::CILIUM_OPTIONS,
            &base,
            "nothing says how these addresses are announced",
            "set `mode: l2` where machines and clients share a network, or `mode: bgp` with routers",
        );
        return;
    };
    if addresses.is_empty() {
        check.error(
            &codes::CILIUM_OPTIONS,
            &base,
            "there are no addresses to announce",
            "give `addresses`, for instance `[192.0.2.200-192.0.2.220]`",
        );
    }
    blocks(check, addresses);
    match mode {
        LoadBalancerMode::L2 => {
            if cilium.kube_proxy_replacement == Some(false) {
                let finding = Finding::error(
                    &codes::CILIUM_OPTIONS,
                    "Cilium announces addresses by L2 only where it replaces kube-proxy",
                );
                check.between(
                    finding,
                    (&base.key("mode"), &spec("addons.cilium.kubeProxyReplacement")),
                    "switched off here",
                    "set `addons.cilium.kubeProxyReplacement: true`, or use `mode: bgp`",
                );
            }
            for (key, given) in
                [("localASN", balancer.local_asn.is_some()), ("peers", balancer.peers.is_some())]
            {
                if given {
                    check.warning(
                        &codes::NOT_IN_USE,
                        &base.key(key),
                        format!("`{key}` has no effect with `mode: l2`"),
                        "remove it, or use `mode: bgp`",
                    );
                }
            }
            for (position, pattern) in balancer.interfaces.iter().flatten().enumerate() {
                if regex::Regex::new(pattern).is_err() {
                    check.error(
                        &codes::PLAN_VALUE,
                        &base.key("interfaces").index(position),
                        format!("`{pattern}` is not a regular expression"),
                        "write one that matches interface names, for instance `^eth[0-9]+`",
                    );
                }
            }
        }
        LoadBalancerMode::Bgp => bgp(check, balancer),
    }
}

/// What the list itself says, and what a machine's network leaves of it.
fn blocks(check: &mut Check<'_>, texts: &[String]) {
    let base = spec("addons.cilium.loadBalancer.addresses");
    for (position, text) in texts.iter().enumerate() {
        let path = base.index(position);
        if text.contains('/') {
            network::one(check, text, &path);
        } else if address::pool_entry(text).is_none() {
            check.error(
                &codes::NETWORK_FORM,
                &path,
                format!("`{text}` is not a range of addresses"),
                "write a network such as `192.0.2.192/27`, or a range `192.0.2.200-192.0.2.220`",
            );
        }
    }
    let claims = addresses::claims(check.cluster);
    let of = |purpose: Use| claims.iter().filter(move |claim| claim.purpose == purpose);
    let balancers: Vec<&Claim> = of(Use::LoadBalancers).collect();
    for (position, block) in balancers.iter().enumerate() {
        if let Some(what) = network::special(block) {
            check.error(
                &codes::NETWORK_FORM,
                &block.path,
                format!("`{}` is {what}", block.text),
                "give free addresses of a network that clients reach",
            );
            continue;
        }
        if let Some(first) = balancers[..position].iter().find(|other| other.range.overlaps(block.range)) {
            twice(check, block, first);
        }
        family(check, block);
        let same = |network: &&Claim| network.range.is_ipv4() == block.range.is_ipv4();
        // A gateway that is still an example says so itself.
        if let Some(lan) = of(Use::MachineNetwork).find(same).filter(|lan| check.is_written(&lan.path)) {
            // Nor are pods and services, which is told where networks overlap.
            let elsewhere = |claim: &Claim| matches!(claim.purpose, Use::Pods | Use::Services);
            if !claims.iter().any(|claim| elsewhere(claim) && claim.range.overlaps(block.range)) {
                in_the_network(check, block, lan);
            }
        }
    }
}

/// One pool is made of the list, and Cilium gives out nothing of a pool that holds an address twice.
///
/// Source: cilium/cilium `operator/pkg/lbipam/lbipam.go`, settleConflicts
fn twice(check: &mut Check<'_>, block: &Claim, first: &Claim) {
    let finding = Finding::error(
        &codes::NETWORK_OVERLAP,
        format!(
            "`{}` repeats addresses of this list, and Cilium gives out nothing of a pool that does",
            block.text
        ),
    );
    check.between(finding, (&block.path, &first.path), "they are here already", "remove what is there twice");
}

/// Cilium gives out addresses of the families that pods have.
///
/// Source: cilium/cilium `operator/pkg/lbipam/lbipam.go` (`ipv4Enabled`, `ipv6Enabled`)
fn family(check: &mut Check<'_>, block: &Claim) {
    let v4 = block.range.is_ipv4();
    let word = if v4 { "IPv4" } else { "IPv6" };
    let pods = &check.cluster.network.pod_cidrs;
    if !pods.iter().any(|cidr| cidr.contains(':') != v4) {
        check.error(
            &codes::DUAL_STACK,
            &block.path,
            format!("`{}` is {word}, and pods have no {word} network", block.text),
            format!("remove it, or give `spec.network.podCIDRs` and `serviceCIDRs` an {word} network too"),
        );
        return;
    }
    let balancer = check.cluster.cilium.as_ref().and_then(|cilium| cilium.load_balancer.as_ref());
    if !v4 && balancer.and_then(|balancer| balancer.mode) == Some(LoadBalancerMode::Bgp) {
        check.warning(
            &codes::NOT_IN_USE,
            &block.path,
            format!("no router hears of `{}`: the sessions with them carry IPv4 only", block.text),
            "add the family `ipv6` to `clusters/cilium/configs/bgp/peering.yaml` in a catalogue of your own, or remove the block",
        );
    }
}

/// Nodes answer for an address where they are, and nobody can have the first and the last address of an IPv4 network.
///
/// Source: cilium/cilium `Documentation/network/lb-ipam.rst` (`allowFirstLastIPs` is on since 1.16)
fn in_the_network(check: &mut Check<'_>, block: &Claim, lan: &Claim) {
    let balancer = check.cluster.cilium.as_ref().and_then(|cilium| cilium.load_balancer.as_ref());
    if !lan.range.overlaps(block.range) {
        if balancer.and_then(|balancer| balancer.mode) == Some(LoadBalancerMode::L2) {
            let finding = Finding::warning(
                &codes::NETWORK_FORM,
                format!("`{}` is not in the machines' network {}", block.text, lan.text),
            );
            check.between(
                finding,
                (&block.path, &lan.path),
                "the machines' network is that of this gateway",
                "use free addresses of that network: nodes answer for them there by ARP, and clients elsewhere ask a router, which \
                 looks for them only in networks of its own; `mode: bgp` tells it",
            );
        }
        return;
    }
    let (IpAddr::V4(first), IpAddr::V4(last)) = (lan.range.first(), lan.range.last()) else { return };
    let (IpAddr::V4(from), IpAddr::V4(to)) = (block.range.first(), block.range.last()) else { return };
    let has_ends = lan.range.len() > 2;
    let (end, what) = if has_ends && from <= first && first <= to {
        (first, "first address, which names the network")
    } else if has_ends && from <= last && last <= to {
        (last, "last address, to which everybody listens")
    } else {
        return;
    };
    let step = |address: Ipv4Addr, by: i32| Ipv4Addr::from_bits(address.to_bits().saturating_add_signed(by));
    let (free_from, free_to) = (from.max(step(first, 1)), to.min(step(last, -1)));
    let finding = Finding::error(
        &codes::NETWORK_OVERLAP,
        format!("`{}` holds {end}, the machines' network's {what}: no Service can have it", block.text),
    );
    check.between(
        finding,
        (&block.path, &lan.path),
        "the machines' network is that of this gateway",
        if free_from <= free_to {
            format!("write `{free_from}-{free_to}`; Cilium gives out every address of a block, its ends too")
        } else {
            "give free addresses of that network".to_owned()
        },
    );
}

fn bgp(check: &mut Check<'_>, balancer: &LoadBalancer) {
    let base = spec("addons.cilium.loadBalancer");
    if balancer.local_asn.is_none() || balancer.peers.as_ref().is_none_or(Vec::is_empty) {
        check.error(
            &codes::CILIUM_OPTIONS,
            &base,
            "BGP needs the cluster's number and its routers",
            "give `localASN` and `peers: [{address: ..., asn: ...}]`",
        );
    }
    if balancer.interfaces.is_some() {
        check.warning(
            &codes::NOT_IN_USE,
            &base.key("interfaces"),
            "`interfaces` has no effect with `mode: bgp`",
            "remove it, or use `mode: l2`",
        );
    }
    for (position, peer) in balancer.peers.iter().flatten().enumerate() {
        if peer.address.parse::<std::net::IpAddr>().is_err() {
            check.error(
                &codes::NETWORK_FORM,
                &base.key("peers").index(position).key("address"),
                format!("`{}` is not the address of a router", peer.address),
                "write an IP address; BGP sessions are not opened by name",
            );
        }
    }
}

/// On machines of one's own nobody gives the Gateway's Service an address, unless Cilium is told which it may give.
///
/// Source: cilium/cilium `Documentation/network/lb-ipam.rst`; `defaultLBServiceIPAM` of its chart names another giver
fn missing(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let (Some(cilium), Some(_)) = (&cluster.cilium, &cluster.gateway) else { return };
    let somebody_else = cilium
        .values
        .as_ref()
        .and_then(|values| values.get("defaultLBServiceIPAM"))
        .is_some_and(|giver| giver != "lbipam");
    if cluster.provider != Provider::Proxmox || cilium.load_balancer.is_some() || somebody_else {
        return;
    }
    check.warning(
        &codes::NO_LOAD_BALANCER,
        &spec("addons.cilium.loadBalancer"),
        format!("nothing gives the Gateway of `{}` an address: its Service stays pending for ever", cluster.name),
        "write `addons: {cilium: {loadBalancer: {mode: l2, addresses: [192.0.2.192/27]}}}` with free addresses of your network, or \
         switch the Gateway off (`addons.gateway.enabled: false`)",
    );
}
