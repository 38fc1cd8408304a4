//! `spec.gcp`.

use std::net::IpAddr;

use super::{Check, network, spec};
use crate::{
    finding::{Finding, codes},
    plan::providers::{Gcp, GcpLoadBalancer},
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(gcp) = check.cluster.spec.gcp.clone() else { return };
    region(check);
    networks(check, &gcp);
    internal(check, &gcp);
    no_charts(check);
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

/// What exists is named, what is named exists.
fn networks(check: &mut Check<'_>, gcp: &Gcp) {
    if gcp.network.is_none() && gcp.subnet.is_some() {
        check.error(
            &codes::BLOCK_FIELDS,
            &spec("gcp.subnet"),
            "an existing subnet lies in an existing network",
            "name that network too, as `network`; or leave `subnet` out, and the provider makes one",
        );
    }
    if gcp.host_project.is_some() && (gcp.network.is_none() || gcp.subnet.is_none()) {
        check.error(
            &codes::BLOCK_FIELDS,
            &spec("gcp.hostProject"),
            "in another project's network the provider makes nothing",
            "name the shared `network` and its `subnet`",
        );
    }
    if let (Some(_), true) = (&gcp.subnet, check.is_written(&spec("gcp.subnetCIDR"))) {
        let finding = Finding::warning(
            &codes::NOT_IN_USE,
            "`subnetCIDR` has no effect: the subnet exists already, with addresses of its own",
        );
        let paths = (&spec("gcp.subnetCIDR"), &spec("gcp.subnet"));
        check.between(finding, paths, "the existing subnet", "remove one of the two");
    }
}

/// The address of an internal load balancer.
fn internal(check: &mut Check<'_>, gcp: &Gcp) {
    let kind = gcp.load_balancer_type.unwrap_or(GcpLoadBalancer::External);
    if kind == GcpLoadBalancer::External {
        if gcp.internal_access.is_some() {
            check.warning(
                &codes::NOT_IN_USE,
                &spec("gcp.internalAccess"),
                "`internalAccess` has no effect: the load balancer is external".to_owned(),
                "remove it, or set `loadBalancerType`",
            );
        }
        return;
    }
    let endpoint = check.cluster.network.endpoint.clone();
    let Some(address) = endpoint.and_then(|endpoint| endpoint.host.parse::<IpAddr>().ok()) else { return };
    let path = spec("network.endpoint.host");
    let made = gcp.subnet.is_none().then_some(gcp.subnet_cidr.as_ref()).flatten();
    if let Some(net) = made.and_then(|text| text.parse::<ipnet::IpNet>().ok())
        && !net.contains(&address)
    {
        let finding = Finding::error(
            &codes::ENDPOINT,
            format!("the internal load balancer cannot take `{address}`, it is not in the subnet {net}"),
        );
        let subnet = spec("gcp.subnetCIDR");
        check.between(finding, (&path, &subnet), "the subnet", "choose a free address of the subnet");
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
