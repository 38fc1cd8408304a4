//! Networks of one cluster: form, families, size, overlap.

use ipnet::IpNet;

use super::{
    Check,
    addresses::{self, Claim, Use},
    form, spec,
};
use crate::{
    admission::rules::{
        address::{self, Range},
        label,
    },
    finding::{Finding, codes},
    plan::{Provider, resolved::Machines},
    yaml::pointer::FieldPath,
};

/// Prefix of a node's part of the pod network: kubernetes/kubernetes
/// `cmd/kube-controller-manager/app/options/nodeipamcontroller.go`, `--node-cidr-mask-size-ipv4`.
const NODE_PREFIX_V4: u8 = 24;
/// The same for IPv6.
const NODE_PREFIX_V6: u8 = 64;
/// How many bits of services there may be before Kubernetes 1.34, where `DisableAllocatorDualWrite` takes the limit away:
/// kubernetes/kubernetes `cmd/kube-apiserver/app/options/validation.go`, `maxCIDRBits`.
const SERVICE_BITS: u8 = 20;
/// How many bits of nodes there may be in an IPv6 pod network: kubernetes/kubernetes
/// `pkg/controller/nodeipam/ipam/cidrset/cidr_set.go`, `clusterSubnetMaxDiff`.
const NODE_BITS_V6: u8 = 16;

pub(super) fn check(check: &mut Check<'_>) {
    let net = &check.cluster.network;
    let pods = list(check, &net.pod_cidrs, &spec("network.podCIDRs"));
    let services = list(check, &net.service_cidrs, &spec("network.serviceCIDRs"));
    list(check, &net.node_cidrs, &spec("network.nodeCIDRs"));
    list(check, &net.management_cidrs, &spec("network.managementCIDRs"));
    families(check, &pods, &services);
    pod_size(check, &pods);
    service_size(check, &services);
    overlaps(check);
    node_networks(check);
    unreachable(check);
    let domain = &net.service_domain;
    if !label::is_subdomain(domain) {
        check.error(
            &codes::HOST_FORM,
            &spec("network.serviceDomain"),
            format!("`{domain}` is not a DNS domain"),
            "write a domain in lower case, for instance `cluster.local`",
        );
    }
}

/// The well-formed networks of a list; the others are reported.
fn list(check: &mut Check<'_>, texts: &[String], path: &FieldPath) -> Vec<(IpNet, FieldPath)> {
    let mut out: Vec<(IpNet, FieldPath)> = Vec::new();
    for (position, text) in texts.iter().enumerate() {
        let path = path.index(position);
        let Some(net) = one(check, text, &path) else { continue };
        if let Some((_, first)) = out.iter().find(|(other, _)| *other == net) {
            let finding = Finding::error(&codes::NETWORK_FORM, format!("`{net}` is given twice"));
            let first = first.clone();
            check.between(finding, (&path, &first), "first given here", "remove one of the two");
            continue;
        }
        out.push((net, path));
    }
    out
}

/// A network, if it is well-formed; else it is reported.
pub(super) fn one(check: &mut Check<'_>, text: &str, path: &FieldPath) -> Option<IpNet> {
    match form::network(text) {
        Ok(net) => Some(net),
        Err((message, hint)) => {
            check.error(&codes::NETWORK_FORM, path, message, hint);
            None
        }
    }
}

fn family(net: IpNet) -> &'static str {
    if net.addr().is_ipv4() { "IPv4" } else { "IPv6" }
}

fn families(check: &mut Check<'_>, pods: &[(IpNet, FieldPath)], services: &[(IpNet, FieldPath)]) {
    let before = check.findings.len();
    for list in [pods, services] {
        if let [(first, first_path), (second, path), ..] = list
            && family(*first) == family(*second)
        {
            let finding = Finding::error(
                &codes::DUAL_STACK,
                format!("`{first}` and `{second}` are both {}", family(*first)),
            );
            check.between(
                finding,
                (path, first_path),
                "the first of this family",
                "give one network of each family; for more room make the first one larger",
            );
        }
        if let [_, _, (third, path), ..] = list {
            check.error(
                &codes::DUAL_STACK,
                path,
                format!("`{third}` is the third network, at most two are possible"),
                "give one IPv4 and one IPv6 network",
            );
        }
        let descriptor = &check.cluster.descriptor;
        if !descriptor.supports.ipv6
            && let Some((net, path)) = list.iter().find(|(net, _)| family(*net) == "IPv6")
        {
            check.error(
                &codes::PLAN_NOT_OFFERED,
                path,
                format!("InfraFlux offers no IPv6 on {}, and `{net}` is IPv6", descriptor.title),
                "use an IPv4 network",
            );
        }
    }
    if check.findings.len() > before {
        // What is wrong in one list makes comparing the two a guess.
        return;
    }
    if let (Some((pod, path)), Some((service, service_path))) = (pods.first(), services.first()) {
        if family(*pod) != family(*service) {
            let finding = Finding::error(
                &codes::DUAL_STACK,
                format!("pods begin with {} and services with {}", family(*pod), family(*service)),
            );
            check.between(
                finding,
                (service_path, path),
                "the pods' first network",
                "put the same family first in both lists: it becomes the primary one",
            );
        } else if pods.len() != services.len() {
            let (more, fewer) =
                if pods.len() > services.len() { ("pods", "services") } else { ("services", "pods") };
            check.warning(
                &codes::DUAL_STACK,
                if more == "pods" { service_path } else { path },
                format!("{more} have two address families and {fewer} one"),
                format!("give {fewer} a network of the other family too, or take it from {more}"),
            );
        }
    }
    needs_v6(check, pods);
}

/// Cilium does not start with IPv6 on where a node has no IPv6 address.
fn needs_v6(check: &mut Check<'_>, pods: &[(IpNet, FieldPath)]) {
    let Some(proxmox) = &check.cluster.spec.proxmox else { return };
    for (wanted, has, field) in [
        ("IPv6", proxmox.addresses_v6.is_some(), "addressesV6"),
        ("IPv4", proxmox.addresses.is_some(), "addresses"),
    ] {
        if let Some((net, path)) = pods.iter().find(|(net, _)| family(*net) == wanted && !has) {
            check.error(
                &codes::DUAL_STACK,
                path,
                format!("pods have the {wanted} network `{net}` and machines have no {wanted} addresses"),
                format!("give machines addresses in `spec.proxmox.{field}` (with prefix and gateway), or remove the network"),
            );
        }
    }
}

fn pod_size(check: &mut Check<'_>, pods: &[(IpNet, FieldPath)]) {
    let now: i64 = machines(check, |machines| {
        machines.autoscaling.as_ref().map_or(machines.replicas, |autoscaling| autoscaling.min)
    });
    let most: i64 = machines(check, Machines::most);
    for (net, path) in pods {
        let (node, widest) = if net.addr().is_ipv4() {
            (NODE_PREFIX_V4, 0)
        } else {
            (NODE_PREFIX_V6, NODE_PREFIX_V6 - NODE_BITS_V6)
        };
        let prefix = net.prefix_len();
        if prefix > node || prefix < widest {
            check.error(
                &codes::NETWORK_SIZE,
                path,
                format!("`{net}` cannot be a pod network: each node gets a /{node} of it"),
                format!("use a prefix from /{} to /{node}", widest.max(8)),
            );
            continue;
        }
        let nodes = 1_i64 << (node - prefix).min(62);
        let hint = format!(
            "a /{} holds twice as many; the network cannot be changed later",
            prefix.saturating_sub(1)
        );
        if nodes < now {
            let message = format!("`{net}` has room for {nodes} nodes, and the plan has {now} machines");
            check.error(&codes::NETWORK_SIZE, path, message, hint);
        } else if nodes <= most {
            let message = format!(
                "`{net}` has room for {nodes} nodes, and there may be {most} machines, one more during a rollout"
            );
            check.warning(&codes::NETWORK_SIZE, path, message, hint);
        }
    }
}

/// A number of all machines together.
pub(super) fn machines(check: &Check<'_>, count: impl Fn(&Machines) -> i32) -> i64 {
    std::iter::once(&check.cluster.control_plane)
        .chain(&check.cluster.pools)
        .map(|machines| i64::from(count(machines)))
        .sum()
}

fn service_size(check: &mut Check<'_>, services: &[(IpNet, FieldPath)]) {
    let version = &check.cluster.kubernetes;
    let limited = (version.major, version.minor) < (1, 34);
    for (net, path) in services {
        let widest = net.max_prefix_len() - SERVICE_BITS;
        if limited && net.prefix_len() < widest {
            check.error(
                &codes::NETWORK_SIZE,
                path,
                format!("`{net}` is too large for services: before Kubernetes 1.34 a /{widest} is the limit"),
                format!("use /{widest} or smaller, for instance the default `10.96.0.0/12`"),
            );
        }
        // Ten addresses below it and the broadcast address: siderolabs/talos
        // pkg/machinery/config/types/v1alpha1/v1alpha1_cluster_network.go, DNSServiceIPs.
        let smallest = net.max_prefix_len() - 4;
        if net.prefix_len() > smallest {
            check.error(
                &codes::NETWORK_SIZE,
                path,
                format!("`{net}` is too small for services: DNS gets its tenth address"),
                format!("use /{smallest} or larger, for instance the default `10.96.0.0/12`"),
            );
        }
    }
}

/// A kubelet that finds none of its machine's addresses in these networks does not start.
///
/// Source: siderolabs/talos internal/app/machined/pkg/controllers/k8s/nodeip.go
fn node_networks(check: &mut Check<'_>) {
    let claims = addresses::claims(check.cluster);
    let of = |purpose: Use| claims.iter().filter(move |claim| claim.purpose == purpose);
    let networks: Vec<&Claim> = of(Use::MachineNetwork).collect();
    let Some(first) = of(Use::Nodes).next() else { return };
    if let [network, ..] = &*networks
        && !of(Use::Nodes).any(|nodes| networks.iter().any(|network| network.range.overlaps(nodes.range)))
    {
        let finding = Finding::warning(
            &codes::NETWORK_FORM,
            format!("machines have addresses of {}, and nodes pick theirs from {}", network.text, first.text),
        );
        check.between(
            finding,
            (&first.path, &network.path),
            "the machines' network",
            "correct one of the two: a node that finds no address in `nodeCIDRs` does not come up",
        );
    }
}

/// Azure and Google Cloud take one family in a rule, and the machines there have IPv4 addresses only. On AWS the families
/// stand apart, and `overrides` can give the VPC a second one.
///
/// Source: Google, VPC firewall rules (IPv4 or IPv6, not both); Microsoft, augmented security rules
fn unreachable(check: &mut Check<'_>) {
    let cluster = check.cluster;
    if !matches!(cluster.provider, Provider::Azure | Provider::Gcp) {
        return;
    }
    for (position, text) in cluster.network.management_cidrs.iter().enumerate() {
        if address::cidr(text).is_some_and(|range| !range.is_ipv4()) {
            check.error(
                &codes::PLAN_NOT_OFFERED,
                &spec("network.managementCIDRs").index(position),
                format!("InfraFlux offers no IPv6 on {}, and `{text}` is IPv6", cluster.descriptor.title),
                "give the IPv4 network from which the hub and operators come",
            );
        }
    }
}

fn overlaps(check: &mut Check<'_>) {
    let claims = addresses::claims(check.cluster);
    let cloud = check.cluster.provider != Provider::Proxmox;
    let own = |claim: &&Claim| {
        matches!(claim.purpose, Use::Pods | Use::Services) || cloud && claim.purpose == Use::MachineNetwork
    };
    for claim in claims.iter().filter(own) {
        if let Some(what) = special(claim) {
            check.error(
                &codes::NETWORK_FORM,
                &claim.path,
                format!("`{}` is {what}", claim.text),
                "use a private network, for instance out of 10.0.0.0/8",
            );
        } else if !is_private(claim.range) && !is_example(claim.range) {
            check.warning(
                &codes::NETWORK_FORM,
                &claim.path,
                format!(
                    "`{}` belongs to somebody on the internet, whom nothing in the cluster can reach then",
                    claim.text
                ),
                "use a private network, for instance out of 10.0.0.0/8, unless these addresses are yours",
            );
        }
    }
    // Everybody's network overlaps all of them, and is told where it stands.
    let everybody = |claim: &Claim| claim.purpose == Use::Management && claim.text.ends_with("/0");
    let claims: Vec<Claim> = claims.into_iter().filter(|claim| !everybody(claim)).collect();
    for (position, one) in claims.iter().enumerate() {
        for two in &claims[position + 1..] {
            if one.range.overlaps(two.range)
                && let Some(hint) = forbidden(one, two)
            {
                overlap(check, one, two, hint);
            }
        }
    }
}

/// Why two kinds of addresses must be apart, as the next step; nothing when they may overlap.
fn forbidden(one: &Claim, two: &Claim) -> Option<&'static str> {
    use Use::{
        Endpoint, Gateway, LoadBalancers, MachineNetwork, Management, NameServer, Nodes, Pods, Pool, Services,
    };
    match (one.purpose, two.purpose) {
        (Pods, Pods) | (Services, Services) => None,
        (Pods | Services, Management) => {
            Some("answers to these addresses go into the cluster; use other pod and service networks")
        }
        (
            Pods | Services,
            Pods | Services | Nodes | MachineNetwork | Endpoint | LoadBalancers | Gateway | NameServer | Pool,
        ) => Some("move one of them; pod and service networks are free to choose before the cluster is made"),
        (Endpoint, Gateway | NameServer) => Some("give the API a free address of its own"),
        (Endpoint | Gateway | NameServer, LoadBalancers) => {
            Some("take the address out of the load balancers' range")
        }
        (Pool, LoadBalancers) => Some("give load balancers a range that no machine gets an address from"),
        // The provider refuses the endpoint in the pool: that and the gateway have findings of their own.
        _ => None,
    }
}

fn overlap(check: &mut Check<'_>, one: &Claim, two: &Claim, hint: &str) {
    // Pods in the machines' network are in its gateway and endpoint too; once is enough.
    let is_shadow = |claim: &Claim| {
        matches!(
            claim.purpose,
            Use::Gateway | Use::Pool | Use::NameServer | Use::Endpoint | Use::LoadBalancers
        )
    };
    if matches!(one.purpose, Use::Pods | Use::Services)
        && is_shadow(two)
        && inside_machine_network(check, two)
    {
        return;
    }
    // Of two that the user wrote, the one that is freer to choose comes first.
    let freedom = |claim: &Claim| match claim.purpose {
        Use::Pods | Use::Services => 0,
        Use::LoadBalancers => 1,
        _ => 2,
    };
    let swap = match (check.is_written(&one.path), check.is_written(&two.path)) {
        (false, true) => true,
        (true, false) => false,
        _ => freedom(two) < freedom(one),
    };
    let (first, second) = if swap { (two, one) } else { (one, two) };
    let message = format!(
        "{} {} and {} {} overlap",
        first.purpose.words(),
        first.text,
        second.purpose.words(),
        second.text
    );
    let finding = if two.purpose == Use::Management {
        Finding::warning(&codes::NETWORK_OVERLAP, message)
    } else {
        Finding::error(&codes::NETWORK_OVERLAP, message)
    };
    check.between(finding, (&first.path, &second.path), second.purpose.words(), hint);
}

fn inside_machine_network(check: &Check<'_>, claim: &Claim) -> bool {
    addresses::claims(check.cluster)
        .iter()
        .any(|other| other.purpose == Use::MachineNetwork && other.range.covers(claim.range))
}

/// Whether a network is one that anybody may use for himself: RFC 1918, RFC 6598, RFC 4193 and RFC 2544.
pub(super) fn is_private(range: Range) -> bool {
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7"]
        .into_iter()
        .any(|net| address::cidr(net).is_some_and(|private| private.covers(range)))
}

/// Whether a network is one for documentation: RFC 5737, RFC 3849.
fn is_example(range: Range) -> bool {
    address::is_documentation(&range.first().to_string())
        && address::is_documentation(&range.last().to_string())
}

/// Networks that no cluster can use (IANA special-purpose registries).
pub(super) fn special(claim: &Claim) -> Option<&'static str> {
    [
        ("0.0.0.0/8", "a network of no addresses"),
        ("127.0.0.0/8", "a loopback network"),
        ("169.254.0.0/16", "a link-local network, where the clouds have their metadata service"),
        ("224.0.0.0/3", "a multicast or reserved network"),
        ("::/127", "a loopback network"),
        ("fe80::/10", "a link-local network"),
        ("ff00::/8", "a multicast network"),
    ]
    .into_iter()
    .find(|(net, _)| address::cidr(net).is_some_and(|range| range.overlaps(claim.range)))
    .map(|(_, what)| what)
}
