//! `spec.aws`.

use super::{Check, network, spec};
use crate::{
    finding::{Finding, codes},
    plan::providers::{Aws, aws::AwsVolumeType},
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(aws) = check.cluster.spec.aws.clone() else { return };
    region(check);
    vpc(check, &aws);
    volume(check, &aws);
    for (position, cidr) in aws.node_port_cidrs.iter().flatten().enumerate() {
        network::one(check, cidr, &spec("aws.nodePortCIDRs").index(position));
    }
    zones(check, &aws);
}

/// `eu-central-1`, `us-gov-west-1`.
fn region(check: &mut Check<'_>) {
    let region = &check.cluster.region;
    let parts: Vec<&str> = region.split('-').collect();
    let fits = parts.len() >= 3
        && parts[0].len() == 2
        && parts.last().is_some_and(|last| last.len() == 1 && last.bytes().all(|byte| byte.is_ascii_digit()))
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()));
    if !fits && !region.is_empty() {
        let hint = match region.strip_suffix(|c: char| c.is_ascii_lowercase()) {
            Some(rest) if rest.ends_with(|c: char| c.is_ascii_digit()) => {
                format!("`{region}` looks like a zone; its region is `{rest}`")
            }
            _ => "write it like `eu-central-1`".to_owned(),
        };
        check.error(&codes::PLACE_FORM, &spec("region"), format!("`{region}` is not a region of AWS"), hint);
    }
}

fn vpc(check: &mut Check<'_>, aws: &Aws) {
    let (cidr, id, subnets) = (spec("aws.vpcCIDR"), spec("aws.vpcID"), spec("aws.subnetIDs"));
    if let Some(text) = &aws.vpc_cidr
        && let Some(net) = network::one(check, text, &cidr)
        && (!net.addr().is_ipv4() || !(16..=28).contains(&net.prefix_len()))
    {
        check.error(
            &codes::NETWORK_SIZE,
            &cidr,
            format!("`{net}` cannot be a VPC: AWS takes IPv4 networks from /16 to /28"),
            "use a /16, for instance `10.0.0.0/16`",
        );
    }
    if aws.vpc_id.is_some() && check.is_written(&cidr) {
        let finding = Finding::error(
            &codes::BLOCK_FIELDS,
            "the plan names a VPC that exists and the network of a new one",
        );
        check.between(
            finding,
            (&cidr, &id),
            "the VPC that exists",
            "remove `vpcCIDR` to use the VPC, or `vpcID` and `subnetIDs` to make a new one",
        );
    }
    let by_id = aws.subnet_ids.as_ref().is_some_and(|list| !list.is_empty());
    let by_description = aws.subnets.as_ref().is_some_and(|list| !list.is_empty());
    if aws.vpc_id.is_some() && !by_id && !by_description {
        check.error(
            &codes::BLOCK_FIELDS,
            &id,
            "a VPC that exists needs its subnets named",
            "give `subnetIDs` (or `subnets` with their zones): public and private ones of every zone in use",
        );
    }
    if aws.vpc_id.is_none() && by_id {
        check.error(
            &codes::BLOCK_FIELDS,
            &subnets,
            "subnets are named without their VPC",
            "add `vpcID`, or remove `subnetIDs` to get a new VPC",
        );
    }
    for (position, subnet) in aws.subnet_ids.iter().flatten().enumerate() {
        let path = subnets.index(position);
        let hex = subnet.strip_prefix("subnet-").unwrap_or_default();
        if !(8..=17).contains(&hex.len()) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            check.error(
                &codes::PLAN_FORM,
                &path,
                format!("`{subnet}` is not the id of a subnet"),
                "write it like `subnet-0123456789abcdef0`",
            );
        }
        let earlier = aws.subnet_ids.iter().flatten().take(position).position(|other| other == subnet);
        if let Some(first) = earlier {
            let finding = Finding::error(&codes::PLAN_VALUE, format!("`{subnet}` is given twice"));
            check.between(
                finding,
                (&path, &subnets.index(first)),
                "first given here",
                "name each subnet once",
            );
        }
    }
    let limit = spec("aws.availabilityZoneUsageLimit");
    if aws.vpc_id.is_some() && check.is_written(&limit) {
        check.warning(
            &codes::NOT_IN_USE,
            &limit,
            "the subnets of a VPC that exists decide the zones, not this limit",
            "remove it",
        );
    }
}

/// Subnets of a new VPC are made in so many zones; a pool in another one gets no machine.
///
/// Source: kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/network/subnets.go, availabilityZoneUsageLimit
fn zones(check: &mut Check<'_>, aws: &Aws) {
    if aws.vpc_id.is_some() {
        return;
    }
    let limit = aws.availability_zone_usage_limit.unwrap_or(3);
    let mut zones: Vec<&str> = check
        .cluster
        .pools
        .iter()
        .chain(std::iter::once(&check.cluster.control_plane))
        .flat_map(|machines| machines.failure_domains.iter().map(String::as_str))
        .collect();
    zones.sort_unstable();
    zones.dedup();
    let count = i32::try_from(zones.len()).unwrap_or(i32::MAX);
    if count > limit {
        check.error(
            &codes::BLOCK_FIELDS,
            &spec("aws.availabilityZoneUsageLimit"),
            format!("machines are wanted in {count} zones, and the new VPC gets subnets in {limit}"),
            format!("set `spec.aws.availabilityZoneUsageLimit: {count}`, or name fewer zones"),
        );
    }
}

/// Source: kubernetes-sigs/cluster-api-provider-aws internal/webhooks/awsmachine.go, validateRootVolume; AWS EBS volume types
fn volume(check: &mut Check<'_>, aws: &Aws) {
    let Some(volume) = &aws.root_volume else { return };
    let base = spec("aws.rootVolume");
    let kind = volume.kind.unwrap_or(AwsVolumeType::Gp3);
    let provisioned = matches!(kind, AwsVolumeType::Io1 | AwsVolumeType::Io2);
    if provisioned && volume.iops.is_none() {
        check.error(
            &codes::BLOCK_FIELDS,
            &base.key("type"),
            "this volume type needs `iops`",
            "set `iops`, for instance 3000, or use `type: gp3`",
        );
    }
    if kind == AwsVolumeType::Gp2 && volume.iops.is_some() {
        check.error(
            &codes::BLOCK_FIELDS,
            &base.key("iops"),
            "`gp2` takes no `iops`: they follow from its size",
            "remove it, or use `type: gp3`",
        );
    }
    if kind != AwsVolumeType::Gp3 && volume.throughput.is_some() {
        check.error(
            &codes::BLOCK_FIELDS,
            &base.key("throughput"),
            "only `gp3` takes `throughput`",
            "remove it, or use `type: gp3`",
        );
    }
    if volume.encrypted == Some(false) && volume.encryption_key.is_some() {
        let finding =
            Finding::error(&codes::BLOCK_FIELDS, "a key is given for a volume that is not encrypted");
        check.between(
            finding,
            (&base.key("encryptionKey"), &base.key("encrypted")),
            "encryption is off",
            "set `encrypted: true`, or remove the key",
        );
    }
}
