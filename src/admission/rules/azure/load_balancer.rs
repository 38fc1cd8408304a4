//! Rules about the load balancers of an AzureCluster.

use std::net::IpAddr;

use serde_json::Value;

use crate::{
    admission::rules::{Context, Violation, address, address::Range, field, label},
    yaml::pointer::FieldPath,
};

use super::network::{SUBNETS, has_control_plane, subnet_blocks};

const BALANCER: &str = "spec.networkSpec.apiServerLB";

fn spot(path: &str, key: &str) -> FieldPath {
    FieldPath::of(path.split('.').chain(key.split('.')))
}

/// `Public` unless it says otherwise.
fn balancer_type<'set>(context: &Context<'set>) -> &'set str {
    field::text(&context.object.value, "spec.networkSpec.apiServerLB.type").unwrap_or("Public")
}

pub(super) fn check(context: &Context<'_>) -> Vec<Violation> {
    let value = &context.object.value;
    let mut found = Vec::new();
    if has_control_plane(context.object) {
        if let Some(balancer) = field::at(value, BALANCER) {
            api_server(context, balancer, &mut found);
        }
        let outbound = "spec.networkSpec.controlPlaneOutboundLB";
        if let Some(balancer) = field::at(value, outbound) {
            if balancer_type(context) == "Public" {
                found.push(
                    context
                        .error(
                            outbound,
                            "a public cluster has no outbound load balancer for its control plane",
                        )
                        .hint(
                            "remove it; the public load balancer of the API server carries that traffic too",
                        ),
                );
            } else {
                limits(context, outbound, balancer, &mut found);
            }
        }
    }
    let outbound = "spec.networkSpec.nodeOutboundLB";
    if let Some(balancer) = field::at(value, outbound) {
        limits(context, outbound, balancer, &mut found);
    }
    found
}

/// Idle time and number of addresses.
fn limits(context: &Context<'_>, path: &str, balancer: &Value, found: &mut Vec<Violation>) {
    if let Some(minutes) =
        field::integer(balancer, "idleTimeoutInMinutes").filter(|minutes| !(4..=30).contains(minutes))
    {
        found.push(
            context
                .error(
                    spot(path, "idleTimeoutInMinutes"),
                    format!("an idle time of {minutes} minutes is not possible"),
                )
                .hint("use 4 to 30"),
        );
    }
    if let Some(count) = field::integer(balancer, "frontendIPsCount").filter(|count| *count > 16) {
        found.push(
            context
                .error(
                    spot(path, "frontendIPsCount"),
                    format!("{count} addresses, a load balancer may have 16"),
                )
                .hint("use at most 16"),
        );
    }
}

fn api_server(context: &Context<'_>, balancer: &Value, found: &mut Vec<Violation>) {
    if let Some(sku) = field::text(balancer, "sku").filter(|sku| *sku != "Standard") {
        found.push(
            context
                .error(
                    spot(BALANCER, "sku"),
                    format!("the load balancer of the API server has the SKU `Standard`, not `{sku}`"),
                )
                .hint("remove `sku`"),
        );
    }
    limits(context, BALANCER, balancer, found);
    let kind = balancer_type(context);
    let addresses = field::list(balancer, "frontendIPs");
    let public = addresses.iter().filter(|address| field::at(address, "publicIP").is_some()).count();
    let private: Vec<&str> =
        addresses.iter().filter_map(|address| field::text(address, "privateIP")).collect();
    let frontends = spot(BALANCER, "frontendIPs");
    let mut report =
        |path: FieldPath, message: String, hint: &str| found.push(context.error(path, message).hint(hint));
    match kind {
        // Left out, the webhook makes what the type needs.
        "Public" | "Internal" if addresses.is_empty() => {
            if kind == "Public"
                && field::integer(balancer, "frontendIPsCount").is_some_and(|count| count != 1)
            {
                report(
                    spot(BALANCER, "frontendIPsCount"),
                    "the API server has one public address".to_owned(),
                    "remove `frontendIPsCount`",
                );
            }
        }
        "Public" => {
            if public != 1 || field::integer(balancer, "frontendIPsCount").is_some_and(|count| count != 1) {
                report(
                    frontends.clone(),
                    format!("a public load balancer has one public IP, this has {public}"),
                    "give one entry with `publicIP`",
                );
            }
            if let Some(position) =
                addresses.iter().position(|address| field::text(address, "privateIP").is_some())
            {
                let path = frontends.index(position).key("privateIP");
                let message = "a public load balancer has a private IP only with the gate `APIServerILB`, which is off by default";
                found.push(
                    context.warning(path, message).hint(
                        "remove `privateIP`, use `type: Internal`, or switch the gate on in the provider",
                    ),
                );
            }
        }
        "Internal" => {
            if public != 0 {
                report(
                    frontends.clone(),
                    "an internal load balancer has no public IP".to_owned(),
                    "remove `publicIP`, or use `type: Public`",
                );
            }
            match private.as_slice() {
                [only] => {
                    let blocks = control_plane_blocks(context);
                    let inside = only
                        .parse::<IpAddr>()
                        .is_ok_and(|address| blocks.iter().any(|block| block.contains(address)));
                    if !inside {
                        report(
                            frontends.index(0).key("privateIP"),
                            format!("`{only}` is not an address of the control-plane subnet"),
                            "take an address out of that subnet's block",
                        );
                    }
                }
                several => report(
                    frontends,
                    format!("an internal load balancer has one private IP, this has {}", several.len()),
                    "give one entry with `privateIP`",
                ),
            }
        }
        other => report(
            spot(BALANCER, "type"),
            format!("`{other}` is not a type of load balancer"),
            "use `Public` or `Internal`",
        ),
    }
}

fn control_plane_blocks(context: &Context<'_>) -> Vec<Range> {
    let subnets = field::list(&context.object.value, SUBNETS);
    let of_role = |role: &str| subnets.iter().find(|subnet| field::text(subnet, "role") == Some(role));
    let texts = match of_role("control-plane").or_else(|| of_role("cluster")) {
        Some(subnet) => subnet_blocks(subnet, 0),
        None => vec!["10.0.0.0/16".to_owned()],
    };
    texts.iter().filter_map(|text| address::cidr(text)).collect()
}

pub(super) fn private_dns(context: &Context<'_>) -> Vec<Violation> {
    let value = &context.object.value;
    let path = "spec.networkSpec.privateDNSZoneName";
    let name = field::text(value, path);
    let mut found = Vec::new();
    if let Some(name) = name {
        if has_control_plane(context.object) && balancer_type(context) != "Internal" {
            found.push(
                context
                    .error(
                        path,
                        "a private DNS zone is for clusters whose API server has an internal load balancer",
                    )
                    .hint("set `apiServerLB: {type: Internal}`, or remove the zone"),
            );
        }
        if !label::is_subdomain(&name.to_lowercase().replace('_', "-")) {
            found.push(
                context
                    .error(path, format!("`{name}` is not a DNS name"))
                    .hint("write it like `cluster.internal`"),
            );
        }
    }
    let group = "spec.networkSpec.privateDNSZoneResourceGroup";
    if name.is_none() && field::text(value, group).is_some() {
        found.push(
            context
                .error(group, "the resource group of a private DNS zone without the zone's name")
                .hint("add `privateDNSZoneName`"),
        );
    }
    found
}
