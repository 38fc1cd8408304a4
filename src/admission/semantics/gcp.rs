//! `spec.gcp`.

use std::net::IpAddr;

use super::{Check, machines, network, spec};
use crate::{
    finding::{Finding, codes, suggest},
    plan::providers::{Gcp, gcp::GcpLoadBalancer},
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(gcp) = check.cluster.spec.gcp.clone() else { return };
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
    address(check, &gcp);
    no_charts(check);
    labels(check, &gcp);
    disks(check, &gcp);
    check.object_name(&spec("gcp.credentialsSecret"), gcp.credentials_secret.as_deref());
    for (position, scope) in gcp.service_account_scopes.iter().flatten().enumerate() {
        if !scope.starts_with("https://www.googleapis.com/auth/") {
            check.error(
                &codes::PLAN_FORM,
                &spec("gcp.serviceAccountScopes").index(position),
                format!("`{scope}` is not an access scope"),
                format!(
                    "write it in full, `https://www.googleapis.com/auth/{}`",
                    scope.rsplit('/').next().unwrap_or_default()
                ),
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
}

/// The subnet that is made: room for all machines, and the internal address of the API in it. Google keeps the first two
/// addresses of a subnet and the last two.
///
/// Source: Google, VPC subnets (unusable addresses)
fn address(check: &mut Check<'_>, gcp: &Gcp) {
    let internal =
        matches!(gcp.load_balancer_type, Some(GcpLoadBalancer::Internal | GcpLoadBalancer::InternalExternal));
    let (host, cidr) = (spec("network.endpoint.host"), spec("gcp.subnetCIDR"));
    let endpoint = check.cluster.network.endpoint.clone();
    let address = endpoint.as_ref().and_then(|endpoint| endpoint.host.parse::<IpAddr>().ok());
    if internal && address.is_none() {
        let path = if endpoint.is_some() { host.clone() } else { spec("gcp.loadBalancerType") };
        check.error(
            &codes::ENDPOINT,
            &path,
            "an internal load balancer needs its address beforehand, because control planes carry it too",
            "set `spec.network.endpoint.host` to a free address of the subnet",
        );
    }
    let net = gcp.subnet_cidr.as_ref().and_then(|text| text.parse::<ipnet::Ipv4Net>().ok());
    let Some(net) = net.filter(|net| gcp.subnet.is_none() && net.prefix_len() <= 29) else { return };
    let room = (1_i64 << (32 - net.prefix_len())) - 4 - i64::from(internal);
    let cluster = check.cluster;
    let most = network::machines(check, crate::plan::resolved::Machines::most)
        + std::iter::once(&cluster.control_plane).chain(&cluster.pools).map(machines::surge).sum::<i64>();
    if room < most {
        check.error(
            &codes::POOL_SIZE,
            &cidr,
            format!(
                "`{net}` has {room} addresses for machines, and there may be {most} of them in a rollout"
            ),
            "use a larger subnet, for instance `10.0.0.0/20`",
        );
    }
    let Some(IpAddr::V4(address)) = address.filter(|_| internal) else { return };
    let from_end = u32::from(net.broadcast()).saturating_sub(u32::from(address));
    let from_start = u32::from(address).saturating_sub(u32::from(net.network()));
    let message = if !net.contains(&address) {
        format!("the internal address `{address}` is not in the subnet `{net}`")
    } else if from_start < 2 || from_end < 2 {
        format!("Google keeps `{address}` of the subnet `{net}` for itself")
    } else {
        return;
    };
    let finding = Finding::error(&codes::ENDPOINT, message);
    let hint = "choose a free address of the subnet that is neither among its first two nor its last two";
    check.between(finding, (&host, &cidr), "the subnet", hint);
}

/// Source: Google, Compute Engine, requirements for labels; VPC network tags
fn labels(check: &mut Check<'_>, gcp: &Gcp) {
    let word = |text: &str| {
        text.chars().count() <= 63
            && text.chars().all(|sign| {
                sign.is_lowercase()
                    || sign.is_ascii_digit()
                    || "_-".contains(sign)
                    || !sign.is_ascii() && sign.is_alphabetic()
            })
    };
    for (key, value) in gcp.labels.iter().flatten() {
        let path = spec("gcp.labels").key(key.clone());
        if !word(key) || !key.starts_with(char::is_lowercase) {
            check.error(
                &codes::PLAN_FORM,
                &path,
                format!("`{key}` is not the key of a label on GCP"),
                "use lower-case letters, digits, `_` and `-`, at most 63, beginning with a letter",
            );
        } else if !word(value) {
            check.error(
                &codes::PLAN_FORM,
                &path,
                format!("`{value}` is not the value of a label on GCP"),
                "use lower-case letters, digits, `_` and `-`, at most 63",
            );
        }
    }
    for (position, tag) in gcp.network_tags.iter().flatten().enumerate() {
        let fits =
            crate::plan::resolve::is_dns_label(tag) && tag.starts_with(|c: char| c.is_ascii_lowercase());
        if !fits {
            check.error(
                &codes::PLAN_FORM,
                &spec("gcp.networkTags").index(position),
                format!("`{tag}` is not a network tag"),
                "use lower-case letters, digits and `-`, at most 63, beginning with a letter",
            );
        }
    }
}

/// Kinds of disks, `pd-balanced` or `hyperdisk-balanced`; `local-ssd` beside the system disk.
///
/// Source: Google, Compute Engine disk types; kubernetes-sigs/cluster-api-provider-gcp cloud/scope/machine.go, which puts the
/// word into the disk's URL
fn disks(check: &mut Check<'_>, gcp: &Gcp) {
    let of_machines = gcp.root_device_type.clone().unwrap_or_default();
    let base = spec("gcp.rootDeviceType");
    let mut all = vec![
        (base.key("controlPlane"), of_machines.control_plane, false),
        (base.key("workers"), of_machines.workers, false),
    ];
    let more = gcp.additional_disks.clone().unwrap_or_default();
    let base = spec("gcp.additionalDisks");
    for (role, list) in [("controlPlane", more.control_plane), ("workers", more.workers)] {
        for (position, disk) in list.into_iter().flatten().enumerate() {
            all.push((base.key(role).index(position).key("deviceType"), Some(disk.device_type), true));
        }
    }
    for (path, kind, beside) in all {
        let Some(kind) = kind else { continue };
        if kind.starts_with("pd-") || kind.starts_with("hyperdisk-") || beside && kind == "local-ssd" {
            continue;
        }
        let hint = suggest::nearest(
            &kind,
            ["pd-standard", "pd-balanced", "pd-ssd", "hyperdisk-balanced", "local-ssd"],
        );
        let hint = hint.first().filter(|near| beside || **near != "local-ssd");
        check.error(
            &codes::PLAN_FORM,
            &path,
            format!("`{kind}` is not a type of disks on GCP"),
            hint.map_or_else(
                || "write it like `pd-balanced`, `pd-ssd` or `hyperdisk-balanced`".to_owned(),
                |near| format!("did you mean `{near}`?"),
            ),
        );
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
