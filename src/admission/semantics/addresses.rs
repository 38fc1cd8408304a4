//! Every network, range and address that a plan names, with what it is for.

use std::net::IpAddr;

use crate::{
    admission::rules::address::{self, Range},
    plan::{providers::aws::DEFAULT_VPC_CIDR, resolved::ResolvedCluster},
    yaml::pointer::FieldPath,
};

use super::{form, spec};

/// What addresses are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Pods.
    Pods,
    /// Services.
    Services,
    /// The network that machines are in: a VPC, a VNet, the network behind a gateway.
    MachineNetwork,
    /// Where nodes pick their address from.
    Nodes,
    /// Addresses that machines are given.
    Pool,
    /// The API endpoint.
    Endpoint,
    /// Services of type LoadBalancer.
    LoadBalancers,
    /// The gateway of the machines' network.
    Gateway,
    /// A name server.
    NameServer,
    /// Where the hub and operators are.
    Management,
}

impl Use {
    /// In a sentence.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Pods => "the pod network",
            Self::Services => "the service network",
            Self::MachineNetwork => "the machines' network",
            Self::Nodes => "the node network",
            Self::Pool => "the machines' addresses",
            Self::Endpoint => "the API endpoint",
            Self::LoadBalancers => "the load balancers' addresses",
            Self::Gateway => "the gateway",
            Self::NameServer => "a name server",
            Self::Management => "a management network",
        }
    }
}

/// Some addresses of a plan.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    /// What for.
    pub(super) purpose: Use,
    /// Which.
    pub(super) range: Range,
    /// As written.
    pub(super) text: String,
    /// Where.
    pub(super) path: FieldPath,
}

/// All well-formed networks, ranges and addresses of a cluster; others are found elsewhere.
pub(super) fn claims(cluster: &ResolvedCluster) -> Vec<Claim> {
    let mut out = Vec::new();
    let mut add = |purpose: Use, text: &str, path: FieldPath, range: Option<Range>| {
        if let Some(range) = range {
            out.push(Claim { purpose, range, text: text.to_owned(), path });
        }
    };
    let net = &cluster.network;
    for (purpose, list, path) in [
        (Use::Pods, &net.pod_cidrs, "network.podCIDRs"),
        (Use::Services, &net.service_cidrs, "network.serviceCIDRs"),
        (Use::Nodes, &net.node_cidrs, "network.nodeCIDRs"),
        (Use::Management, &net.management_cidrs, "network.managementCIDRs"),
    ] {
        for (position, text) in list.iter().enumerate() {
            add(purpose, text, spec(path).index(position), address::cidr(text));
        }
    }
    if let Some(endpoint) = &net.endpoint
        && let Ok(host) = endpoint.host.parse::<IpAddr>()
    {
        add(Use::Endpoint, &endpoint.host, spec("network.endpoint.host"), form::single(host));
    }
    let pools = |out: &mut Vec<Claim>, purpose: Use, list: Option<&Vec<String>>, path: &str| {
        for (position, text) in list.into_iter().flatten().enumerate() {
            if let Some(range) = address::pool_entry(text) {
                out.push(Claim { purpose, range, text: text.clone(), path: spec(path).index(position) });
            }
        }
    };
    let written = &cluster.spec;
    if let Some(aws) = &written.aws
        && aws.vpc_id.is_none()
    {
        let text = aws.vpc_cidr.as_deref().unwrap_or(DEFAULT_VPC_CIDR);
        add(Use::MachineNetwork, text, spec("aws.vpcCIDR"), address::cidr(text));
    }
    if let Some(azure) = &written.azure
        && let Some(text) = &azure.vnet_cidr
        // The example says nothing about a network that exists.
        && (azure.vnet.is_none() || cluster.origins.written(&spec("azure.vnetCIDR")).is_some())
    {
        add(Use::MachineNetwork, text, spec("azure.vnetCIDR"), address::cidr(text));
    }
    if let Some(gcp) = &written.gcp
        && gcp.subnet.is_none()
        && let Some(text) = &gcp.subnet_cidr
    {
        add(Use::MachineNetwork, text, spec("gcp.subnetCIDR"), address::cidr(text));
    }
    if let Some(proxmox) = &written.proxmox {
        for (gateway, prefix, path) in [
            (&proxmox.gateway, proxmox.prefix, "proxmox.gateway"),
            (&proxmox.gateway_v6, proxmox.prefix_v6, "proxmox.gatewayV6"),
        ] {
            let Some(text) = gateway else { continue };
            let Ok(host) = text.parse::<IpAddr>() else { continue };
            add(Use::Gateway, text, spec(path), form::single(host));
            if let Some(prefix) = prefix.and_then(|prefix| u32::try_from(prefix).ok()) {
                let network = address::prefix(host, prefix);
                let shown = network.map_or_else(String::new, |range| format!("{}/{prefix}", range.first()));
                add(Use::MachineNetwork, &shown, spec(path), network);
            }
        }
        for (position, text) in proxmox.dns_servers.iter().flatten().enumerate() {
            let range = text.parse().ok().and_then(form::single);
            add(Use::NameServer, text, spec("proxmox.dnsServers").index(position), range);
        }
        pools(&mut out, Use::Pool, proxmox.addresses.as_ref(), "proxmox.addresses");
        pools(&mut out, Use::Pool, proxmox.addresses_v6.as_ref(), "proxmox.addressesV6");
    }
    let balancer = cluster.cilium.as_ref().and_then(|cilium| cilium.load_balancer.as_ref());
    let balancers = balancer.and_then(|balancer| balancer.addresses.as_ref());
    pools(&mut out, Use::LoadBalancers, balancers, "addons.cilium.loadBalancer.addresses");
    out
}
