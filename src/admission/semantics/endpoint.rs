//! The API endpoint.

use std::net::IpAddr;

use super::{
    Check,
    addresses::{self, Use},
    form, spec,
};
use crate::{
    finding::{Finding, codes},
    plan::{Provider, providers::GcpLoadBalancer, resolved::ResolvedEndpoint},
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(endpoint) = check.cluster.network.endpoint.clone() else {
        if !check.cluster.descriptor.supports.managed_endpoint {
            check.error(
                &codes::PLAN_MISSING,
                &spec("network.endpoint"),
                format!("the API of `{}` has no endpoint", check.cluster.name),
                "set `spec.network.endpoint.host` to a free address of the machines' network",
            );
        }
        return;
    };
    let path = spec("network.endpoint.host");
    if let Some(hint) = form::host_problem(&endpoint.host) {
        check.error(&codes::ENDPOINT, &path, format!("`{}` is not a host", endpoint.host), hint);
        return;
    }
    if let Ok(address) = endpoint.host.parse::<IpAddr>() {
        if address.is_loopback() || address.is_unspecified() || address.is_multicast() {
            check.error(
                &codes::ENDPOINT,
                &path,
                format!("`{address}` reaches no API server from another machine"),
                "give the API an address of the machines' network",
            );
            return;
        }
        in_a_pool(check, address);
        chosen_by_the_cloud(check, address);
        if is_announced(check) {
            outside_the_network(check, address);
        }
    }
    port(check, &endpoint);
}

/// The load balancer's address is the cloud's choice; what the plan says becomes a name in the API's certificate.
fn chosen_by_the_cloud(check: &mut Check<'_>, address: IpAddr) {
    let spec_of = &check.cluster.spec;
    let external = match check.cluster.provider {
        Provider::Aws => true,
        Provider::Gcp => spec_of
            .gcp
            .as_ref()
            .is_none_or(|gcp| matches!(gcp.load_balancer_type, None | Some(GcpLoadBalancer::External))),
        Provider::Azure | Provider::Proxmox => false,
    };
    if external {
        let title = check.cluster.descriptor.title.clone();
        check.warning(
            &codes::NOT_IN_USE,
            &spec("network.endpoint.host"),
            format!("the API will not have the address `{address}`: on {title} the load balancer gets one of its own"),
            "remove it; a DNS name here becomes a name in the API's certificate, for a record of your own",
        );
    }
}

/// CAPMOX refuses it, because a machine could be given the address.
///
/// Source: ionos-cloud/cluster-api-provider-proxmox internal/webhook/proxmoxcluster_webhook.go
fn in_a_pool(check: &mut Check<'_>, address: IpAddr) {
    let path = spec("network.endpoint.host");
    let claims = addresses::claims(check.cluster);
    for claim in claims.iter().filter(|claim| claim.purpose == Use::Pool && claim.range.contains(address)) {
        let finding = Finding::error(
            &codes::ENDPOINT,
            format!("the endpoint `{address}` is one of the machines' addresses `{}`", claim.text),
        );
        check.between(
            finding,
            (&path, &claim.path),
            "machines get addresses from here",
            "take it out of `spec.proxmox.addresses`, or choose an endpoint outside of them",
        );
    }
}

/// Whether control planes announce an address themselves; otherwise a load balancer is in front.
fn is_announced(check: &Check<'_>) -> bool {
    check.cluster.spec.proxmox.as_ref().is_some_and(|proxmox| proxmox.endpoint_link.is_some())
}

fn outside_the_network(check: &mut Check<'_>, address: IpAddr) {
    let path = spec("network.endpoint.host");
    let claims = addresses::claims(check.cluster);
    let networks: Vec<_> = claims
        .iter()
        .filter(|claim| claim.purpose == Use::MachineNetwork && claim.range.is_ipv4() == address.is_ipv4())
        .collect();
    for network in networks.iter().filter(|network| network.range.is_ipv4() && network.range.len() > 2) {
        if [network.range.first(), network.range.last()].contains(&address) {
            let finding = Finding::error(
                &codes::ENDPOINT,
                format!(
                    "`{address}` is the first or last address of the machines' network {}, which no machine can have",
                    network.text
                ),
            );
            check.between(
                finding,
                (&path, &network.path),
                "the machines' network is that of this gateway",
                "choose a free address between the two",
            );
            return;
        }
    }
    // In the pods' network or the services' it is told as an overlap.
    let inside = |claim: &addresses::Claim| {
        matches!(claim.purpose, Use::Pods | Use::Services) && claim.range.contains(address)
    };
    if claims.iter().any(inside) {
        return;
    }
    if let [network, ..] = &*networks
        && !networks.iter().any(|network| network.range.contains(address))
    {
        let finding = Finding::warning(
            &codes::ENDPOINT,
            format!("the endpoint `{address}` is not in the machines' network {}", network.text),
        );
        check.between(
            finding,
            (&path, &network.path),
            "the machines' network is that of this gateway",
            "use an address of that network: Talos announces it there by ARP; elsewhere only a load balancer of your own \
             can answer",
        );
    }
}

fn port(check: &mut Check<'_>, endpoint: &ResolvedEndpoint) {
    let path = spec("network.endpoint.port");
    match endpoint.port {
        50_000 | 50_001 => check.error(
            &codes::ENDPOINT,
            &path,
            format!("port {} belongs to Talos", endpoint.port),
            "use 6443",
        ),
        6443 => {}
        // The listener of the load balancer has a fixed port, while the endpoint that the provider announces has this one
        // (kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/elb/loadbalancer.go, controllers/awscluster_controller.go).
        port if check.cluster.provider == Provider::Aws => {
            check.error(
                &codes::ENDPOINT,
                &path,
                format!("the endpoint has port {port}, and the load balancer on AWS listens on 6443 only"),
                "use 6443",
            );
        }
        port if is_announced(check) && endpoint.host.parse::<IpAddr>().is_ok() => {
            check.warning(
                &codes::ENDPOINT,
                &path,
                format!("the endpoint has port {port}, and the API server on the machines listens on 6443"),
                "use 6443: the virtual address only moves, it does not translate ports",
            );
        }
        _ => {}
    }
}
