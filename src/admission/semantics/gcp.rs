//! `spec.gcp`.

use std::net::IpAddr;

use super::{Check, network, spec};
use crate::{
    finding::{Finding, codes},
    plan::providers::{Gcp, gcp::GcpLoadBalancer},
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(gcp) = check.cluster.spec.gcp.clone() else { return };
    region(check);
    if let Some(text) = &gcp.subnet_cidr {
        let path = spec("gcp.subnetCIDR");
        if let Some(net) = network::one(check, text, &path)
            && (!net.addr().is_ipv4() || net.prefix_len() > 29)
        {
            check.error(
                &codes::NETWORK_SIZE,
                &path,
                format!("`{net}` cannot be a subnet: GCP takes IPv4 networks up to /29"),
                "use for instance `10.0.0.0/20`",
            );
        }
    }
    networks(check, &gcp);
    no_charts(check);
    if let Some(image) = &gcp.image {
        let bare = image
            .trim_start_matches("https://www.googleapis.com/compute/v1/")
            .trim_start_matches("https://compute.googleapis.com/compute/v1/");
        let parts: Vec<&str> = bare.split('/').collect();
        let full = matches!(&*parts, ["projects", project, "global", "images", name] if !project.is_empty() && !name.is_empty())
            || matches!(&*parts, ["projects", _, "global", "images", "family", name] if !name.is_empty());
        if !full {
            check.error(
                &codes::PLAN_FORM,
                &spec("gcp.image"),
                format!("`{image}` is not the full reference of an image"),
                "write it like `projects/my-project/global/images/talos-v1-13-10`",
            );
        }
    }
    if let Some(account) =
        gcp.service_account.as_ref().filter(|account| *account != "default" && !account.contains('@'))
    {
        check.error(
            &codes::PLAN_FORM,
            &spec("gcp.serviceAccount"),
            format!("`{account}` is not a service account"),
            "write its e-mail address, or `default`",
        );
    }
}

/// What exists and what is made; the internal address of the API.
fn networks(check: &mut Check<'_>, gcp: &Gcp) {
    let [network, subnet, cidr] = ["gcp.network", "gcp.subnet", "gcp.subnetCIDR"].map(spec);
    if gcp.subnet.is_some() && gcp.network.is_none() {
        check.error(
            &codes::BLOCK_FIELDS,
            &subnet,
            "a subnet that exists is found in its network",
            "add `network`, or remove `subnet` to get a new network",
        );
    }
    if gcp.subnet.is_some() && check.is_written(&cidr) {
        let finding = Finding::warning(&codes::NOT_IN_USE, "`subnetCIDR` has no effect: no subnet is made");
        check.between(finding, (&cidr, &subnet), "the subnet that exists", "remove one of the two");
    }
    if gcp.host_project.is_some() && (gcp.network.is_none() || gcp.subnet.is_none()) {
        check.error(
            &codes::BLOCK_FIELDS,
            &spec("gcp.hostProject"),
            "a shared VPC is used by its network and subnet, which are not named",
            "add `network` and `subnet`",
        );
    }
    let mtu = spec("gcp.mtu");
    if gcp.mtu.is_some() && gcp.network.is_some() {
        let finding = Finding::warning(&codes::NOT_IN_USE, "`mtu` has no effect: no network is made");
        check.between(finding, (&mtu, &network), "the network that exists", "remove one of the two");
    }
    let internal =
        matches!(gcp.load_balancer_type, Some(GcpLoadBalancer::Internal | GcpLoadBalancer::InternalExternal));
    if gcp.internal_access.is_some() && !internal {
        check.warning(
            &codes::NOT_IN_USE,
            &spec("gcp.internalAccess"),
            "`internalAccess` has no effect: the load balancer is external".to_owned(),
            "remove it, or set `loadBalancerType`",
        );
    }
    if internal && gcp.subnet.is_some() && check.cluster.network.node_cidrs.is_empty() {
        let path = spec("network.nodeCIDRs");
        check.error(
            &codes::ENDPOINT,
            &path,
            "control planes carry the load balancer's address beside their own, and which one is theirs is not said",
            "set `spec.network.nodeCIDRs` to the addresses of the subnet",
        );
    }
    let host = spec("network.endpoint.host");
    let address =
        check.cluster.network.endpoint.as_ref().and_then(|endpoint| endpoint.host.parse::<IpAddr>().ok());
    if internal
        && gcp.subnet.is_none()
        && let (Some(address), Some(net)) =
            (address, gcp.subnet_cidr.as_ref().and_then(|text| text.parse::<ipnet::IpNet>().ok()))
        && !net.contains(&address)
    {
        let finding = Finding::error(
            &codes::ENDPOINT,
            format!("the internal address `{address}` is not in the subnet `{net}`"),
        );
        check.between(finding, (&host, &cidr), "the subnet", "choose a free address of the subnet");
    }
}

/// Neither Google's cloud controller manager nor its disk driver has a chart.
fn no_charts(check: &mut Check<'_>) {
    for field in ["addons.cloudProvider.values", "addons.cloudProvider.csiValues"] {
        let path = spec(field);
        if check.is_written(&path) {
            check.error(
                &codes::PLAN_NOT_OFFERED,
                &path,
                "Google publishes no Helm chart for this, so there is nothing that takes values",
                "remove it; the manifests are in `clusters/gcp/cloud-provider/` and can be replaced with `--catalog`",
            );
        }
    }
}

/// `europe-west3`.
fn region(check: &mut Check<'_>) {
    let region = &check.cluster.region;
    let fits = region.split_once('-').is_some_and(|(area, place)| {
        let name = place.trim_end_matches(|c: char| c.is_ascii_digit());
        !area.is_empty()
            && area.bytes().all(|byte| byte.is_ascii_lowercase())
            && !name.is_empty()
            && name.len() < place.len()
            && name.bytes().all(|byte| byte.is_ascii_lowercase())
    });
    if fits || region.is_empty() {
        return;
    }
    let hint = match region.rsplit_once('-') {
        Some((rest, zone)) if zone.len() == 1 && rest.ends_with(|c: char| c.is_ascii_digit()) => {
            format!("`{region}` looks like a zone; its region is `{rest}`")
        }
        _ => "write it like `europe-west3`".to_owned(),
    };
    check.error(&codes::PLACE_FORM, &spec("region"), format!("`{region}` is not a region of GCP"), hint);
}
