//! `spec.aws`.

use ipnet::IpNet;

use super::{Check, network, spec};
use crate::{
    finding::{Finding, codes, suggest},
    plan::{
        providers::{
            Aws,
            aws::{AwsIdentityKind, AwsSubnet, AwsVolumeType, DEFAULT_VPC_CIDR},
        },
        resolved::Role,
    },
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(aws) = check.cluster.spec.aws.clone() else { return };
    images(check, &aws);
    vpc(check, &aws);
    subnets(check, &aws);
    volume(check, &aws);
    for (position, cidr) in aws.node_port_cidrs.iter().flatten().enumerate() {
        network::one(check, cidr, &spec("aws.nodePortCIDRs").index(position));
    }
    zones(check, &aws);
    control_plane_zones(check, &aws);
    certificates(check, &aws);
    identities(check, &aws);
}

/// Whose rights are used, and by which names.
///
/// Source: kubernetes-sigs/cluster-api-provider-aws api/v1beta2/awsmachine_types.go (`iamInstanceProfile` is a name),
/// webhooks/awscluster_webhook.go
fn identities(check: &mut Check<'_>, aws: &Aws) {
    let profiles = aws.instance_profiles.clone().unwrap_or_default();
    for (role, name) in [("controlPlane", profiles.control_plane), ("workers", profiles.workers)] {
        let Some(name) = name.filter(|name| {
            !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte))
        }) else {
            continue;
        };
        let last = name.rsplit('/').next().unwrap_or_default();
        check.error(
            &codes::PLAN_FORM,
            &spec("aws.instanceProfiles").key(role),
            format!("`{name}` is not the name of an instance profile"),
            if name.contains(":instance-profile/") {
                format!("write its name alone, `{last}`")
            } else if name.contains(":role/") {
                "write the name of an instance profile that holds this role, without `arn:`".to_owned()
            } else {
                "write its name alone, without `arn:` and path".to_owned()
            },
        );
    }
    let Some(identity) = &aws.identity else { return };
    let base = spec("aws.identity");
    let named = check.is_written(&base.key("name"));
    check.object_name(&base.key("name"), identity.name.as_deref());
    match identity.kind.unwrap_or(AwsIdentityKind::Controller) {
        AwsIdentityKind::Controller => {
            if let Some(name) = identity.name.as_ref().filter(|name| *name != "default") {
                check.error(
                    &codes::BLOCK_FIELDS,
                    &base.key("name"),
                    format!("the controller's own identity is called `default`, there is no `{name}`"),
                    "remove `name`, or set `kind: AWSClusterRoleIdentity` (or `AWSClusterStaticIdentity`)",
                );
            }
        }
        AwsIdentityKind::Role | AwsIdentityKind::Static if !named => check.error(
            &codes::BLOCK_FIELDS,
            &base.key("kind"),
            "an identity of this kind is found by its name, which is not given",
            "add `name`, that of the object on the hub",
        ),
        AwsIdentityKind::Role | AwsIdentityKind::Static => {}
    }
}

/// Names in a kubelet's request are sorted, and the approver takes the first one for the node's: `ec2-...` stands before
/// `ip-...`, the name of the node.
///
/// Source: kubernetes/kubernetes pkg/kubelet/certificate/kubelet.go (addressesToHostnamesAndIPs);
/// siderolabs/talos-cloud-controller-manager pkg/talos/helper.go (CSRNodeChecks); kubernetes/cloud-provider-aws
/// pkg/providers/v1/aws.go (extractIPv4NodeAddresses)
fn certificates(check: &mut Check<'_>, aws: &Aws) {
    let talos = check.cluster.spec.talos.as_ref();
    if talos.is_some_and(|talos| talos.rotate_server_certificates == Some(false)) {
        return;
    }
    let Some(public) = &aws.public_ip else { return };
    let roles =
        [("controlPlane", public.control_plane, "control planes"), ("workers", public.workers, "workers")];
    let with: Vec<_> = roles.into_iter().filter(|(_, given, _)| *given == Some(true)).collect();
    let Some((first, ..)) = with.first() else { return };
    let who: Vec<&str> = with.iter().map(|(.., who)| *who).collect();
    check.warning(
        &codes::KUBELET_CERTIFICATES,
        &spec("aws.publicIP").key(*first),
        format!(
            "kubelets of {} ask for certificates with their public name first, and nobody approves those",
            who.join(" and ")
        ),
        "approve them yourself (`kubectl certificate approve`); or set `talos.rotateServerCertificates: false`, and for metrics-server \
         `metrics_server_kubelet_insecure_tls: true` of the bundle `base`; or connect the networks and do without public addresses",
    );
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
    let list = spec("aws.subnets");
    let (has_ids, has_list) =
        (aws.subnet_ids.as_ref().is_some_and(|ids| !ids.is_empty()), aws.subnets.is_some());
    if has_ids && has_list {
        let finding = Finding::error(&codes::BLOCK_FIELDS, "the subnets are listed twice");
        check.between(
            finding,
            (&subnets, &list),
            "and here",
            "remove `subnetIDs`; `subnets` says more about each",
        );
    }
    if aws.vpc_id.is_some() && !has_ids && !has_list {
        check.error(
            &codes::BLOCK_FIELDS,
            &id,
            "a VPC that exists needs its subnets named",
            "give `subnetIDs` (or `subnets` with their zones): public and private ones of every zone in use",
        );
    }
    if aws.vpc_id.is_none() && has_ids {
        check.error(
            &codes::BLOCK_FIELDS,
            &subnets,
            "subnets are named without their VPC",
            "add `vpcID`; to choose the zones of a new VPC, use `subnets`",
        );
    }
    for (position, subnet) in aws.subnet_ids.iter().flatten().enumerate() {
        let path = subnets.index(position);
        if !is_subnet_id(subnet) {
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
    } else if has_list && check.is_written(&limit) {
        check.warning(
            &codes::NOT_IN_USE,
            &limit,
            "the subnets given decide the zones, not this limit",
            "remove it",
        );
    }
}

fn is_subnet_id(text: &str) -> bool {
    text.strip_prefix("subnet-")
        .is_some_and(|hex| (8..=17).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// An image for a pool that does not exist would be silence about a typing error.
fn images(check: &mut Check<'_>, aws: &Aws) {
    let cluster = check.cluster;
    let known: Vec<&str> = std::iter::once(&cluster.control_plane)
        .chain(&cluster.pools)
        .map(|machines| machines.name.as_str())
        .collect();
    for (pool, ami) in aws.pool_amis.iter().flatten() {
        let path = spec("aws.poolAMIs").key(pool.clone());
        if !known.contains(&pool.as_str()) {
            let hint = suggest::hint(pool, known.iter().copied());
            check.error(
                &codes::BLOCK_FIELDS,
                &path,
                format!("there is no pool `{pool}`"),
                hint.unwrap_or_else(|| format!("the pools are {}", suggest::list(&known, "and"))),
            );
        }
        let hex = ami.strip_prefix("ami-").unwrap_or_default();
        if !(8..=17).contains(&hex.len()) || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            check.error(
                &codes::PLAN_FORM,
                &path,
                format!("`{ami}` is not the id of an AMI"),
                "write it like `ami-0123456789abcdef0`",
            );
        }
    }
}

/// Source: kubernetes-sigs/cluster-api-provider-aws api/v1beta2/network_types.go (SubnetSpec),
/// pkg/cloud/services/network/{subnets,natgateways}.go
fn subnets(check: &mut Check<'_>, aws: &Aws) {
    let Some(subnets) = aws.subnets.as_deref().filter(|subnets| !subnets.is_empty()) else { return };
    let base = spec("aws.subnets");
    let new = aws.vpc_id.is_none();
    for (position, subnet) in subnets.iter().enumerate() {
        let path = base.index(position);
        match (new, is_subnet_id(&subnet.id)) {
            (false, false) => check.error(
                &codes::PLAN_FORM,
                &path.key("id"),
                format!("`{}` is not the id of a subnet", subnet.id),
                "write it like `subnet-0123456789abcdef0`; without `vpcID`, names of your own are used",
            ),
            (true, true) => check.error(
                &codes::BLOCK_FIELDS,
                &path.key("id"),
                format!("`{}` is a subnet that exists, and the VPC is a new one", subnet.id),
                "add `vpcID`, or give the subnet a name that does not begin with `subnet-`",
            ),
            _ => {}
        }
        if let Some(first) = subnets[..position].iter().position(|other| other.id == subnet.id) {
            let finding = Finding::error(&codes::PLAN_VALUE, format!("`{}` is given twice", subnet.id));
            check.between(
                finding,
                (&path.key("id"), &base.index(first).key("id")),
                "first given here",
                "name each subnet once",
            );
        }
        zone_of(check, subnet, position, new);
    }
    blocks(check, aws, subnets);
    if new && !subnets.iter().any(|subnet| subnet.is_public == Some(true)) {
        check.error(
            &codes::BLOCK_FIELDS,
            &base,
            "a new VPC needs a public subnet",
            "add one to each zone with `isPublic: true`; its NAT gateway is the machines' way out",
        );
    } else if new {
        for (position, subnet) in subnets.iter().enumerate() {
            let Some(zone) = subnet.availability_zone.as_deref().filter(|_| subnet.is_public != Some(true))
            else {
                continue;
            };
            if !zones_of(subnets, true).contains(&zone) {
                check.error(
                    &codes::BLOCK_FIELDS,
                    &base.index(position).key("availabilityZone"),
                    format!("zone `{zone}` has no public subnet, so its machines have no way out"),
                    format!("add a subnet in `{zone}` with `isPublic: true`"),
                );
            }
        }
    }
}

fn zone_of(check: &mut Check<'_>, subnet: &AwsSubnet, position: usize, new: bool) {
    let path = spec("aws.subnets").index(position);
    let region = &check.cluster.region;
    match &subnet.availability_zone {
        Some(zone) if !zone.starts_with(region.as_str()) => {
            let hint = format!("zones of this region are `{region}a`, `{region}b` and so on");
            check.error(
                &codes::PLACE_FORM,
                &path.key("availabilityZone"),
                format!("`{zone}` is not a zone of `{region}`"),
                hint,
            );
        }
        None if new => check.error(
            &codes::BLOCK_FIELDS,
            &path,
            format!("subnet `{}` of a new VPC has no `availabilityZone`", subnet.id),
            format!("add one, for instance `{region}a`"),
        ),
        _ => {}
    }
    if new && subnet.cidr_block.is_none() {
        check.error(
            &codes::BLOCK_FIELDS,
            &path,
            format!("subnet `{}` of a new VPC has no `cidrBlock`", subnet.id),
            "add one, a part of `vpcCIDR`",
        );
    }
}

/// The blocks of subnets lie in the VPC and apart from each other.
fn blocks(check: &mut Check<'_>, aws: &Aws, subnets: &[AwsSubnet]) {
    let vpc = aws.vpc_id.is_none().then(|| aws.vpc_cidr.as_deref().unwrap_or(DEFAULT_VPC_CIDR));
    let vpc = vpc.and_then(|text| text.parse::<IpNet>().ok());
    let base = spec("aws.subnets");
    let mut earlier: Vec<(IpNet, usize)> = Vec::new();
    for (position, subnet) in subnets.iter().enumerate() {
        let path = base.index(position).key("cidrBlock");
        let Some(text) = &subnet.cidr_block else { continue };
        let Some(net) = network::one(check, text, &path) else { continue };
        if let Some(vpc) = vpc.filter(|vpc| !vpc.contains(&net)) {
            let finding = Finding::error(
                &codes::BLOCK_FIELDS,
                format!("`{net}` is no part of the VPC's network `{vpc}`"),
            );
            check.between(
                finding,
                (&path, &spec("aws.vpcCIDR")),
                "the VPC's network",
                "take a block of the VPC, or make `vpcCIDR` larger",
            );
        }
        if !(16..=28).contains(&net.prefix_len()) {
            check.error(
                &codes::NETWORK_SIZE,
                &path,
                format!("`{net}` cannot be a subnet: AWS takes /16 to /28"),
                "use a /20, for instance",
            );
        }
        let other = earlier.iter().find(|(other, _)| other.contains(&net) || net.contains(other));
        if let Some((other, first)) = other {
            let finding =
                Finding::error(&codes::NETWORK_OVERLAP, format!("the subnets `{other}` and `{net}` overlap"));
            check.between(
                finding,
                (&path, &base.index(*first).key("cidrBlock")),
                "the other one",
                "give each subnet a block of its own",
            );
        }
        earlier.push((net, position));
    }
}

/// The zones of public or of private subnets.
fn zones_of(subnets: &[AwsSubnet], public: bool) -> Vec<&str> {
    let mut zones: Vec<&str> = subnets
        .iter()
        .filter(|subnet| (subnet.is_public == Some(true)) == public)
        .filter_map(|subnet| subnet.availability_zone.as_deref())
        .collect();
    zones.sort_unstable();
    zones.dedup();
    zones
}

/// The subnets that machines of a role are put into, when every subnet says its zone: public ones with a public address,
/// private ones without.
///
/// Source: kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/ec2/instances.go, findSubnet
fn known_zones(aws: &Aws, role: Role) -> Option<Vec<&str>> {
    let subnets = aws.subnets.as_deref()?;
    let whole = subnets.iter().all(|subnet| subnet.availability_zone.is_some());
    let public = aws.public_ip.as_ref().and_then(|public| match role {
        Role::ControlPlane => public.control_plane,
        Role::Worker => public.workers,
    });
    whole.then(|| zones_of(subnets, public == Some(true)))
}

/// `controlPlane.failureDomains` has no field on AWS: control planes go wherever there are subnets.
fn control_plane_zones(check: &mut Check<'_>, aws: &Aws) {
    let wanted = &check.cluster.control_plane.failure_domains;
    if wanted.is_empty() {
        return;
    }
    let region = check.cluster.region.clone();
    let limit = usize::try_from(aws.availability_zone_usage_limit.unwrap_or(3)).unwrap_or(3);
    let first: Vec<String> = ('a'..='f').take(limit).map(|letter| format!("{region}{letter}")).collect();
    let actual: Option<Vec<&str>> = match (&aws.subnets, &aws.vpc_id) {
        (Some(_), _) => known_zones(aws, Role::ControlPlane),
        (None, Some(_)) => None,
        (None, None) => Some(first.iter().map(String::as_str).collect()),
    };
    let same = actual.as_ref().is_some_and(|actual| {
        actual.len() == wanted.len() && wanted.iter().all(|zone| actual.contains(&zone.as_str()))
    });
    // Zones of another region are told as such.
    let elsewhere = wanted.iter().any(|zone| !zone.starts_with(&region));
    if !same && !elsewhere {
        let where_to = actual.map_or_else(
            || "wherever there are subnets".to_owned(),
            |actual| format!("to {}", suggest::list(&actual, "and")),
        );
        check.warning(
            &codes::NOT_IN_USE,
            &spec("controlPlane.failureDomains"),
            format!("AWS has no field for this: control planes go {where_to}"),
            "give `spec.aws.subnets` in the zones that you want, and the same zones here",
        );
    }
}

/// Subnets of a new VPC are made in so many zones; a pool in another one gets no machine.
///
/// Source: kubernetes-sigs/cluster-api-provider-aws pkg/cloud/services/network/subnets.go, availabilityZoneUsageLimit
fn zones(check: &mut Check<'_>, aws: &Aws) {
    if aws.subnets.is_some() {
        let cluster = check.cluster;
        for pool in &cluster.pools {
            let Some(known) = known_zones(aws, Role::Worker) else { return };
            for (position, zone) in pool.failure_domains.iter().enumerate() {
                if !known.contains(&zone.as_str()) {
                    check.error(
                        &codes::BLOCK_FIELDS,
                        &pool.field.key("failureDomains").index(position),
                        format!("no subnet for machines of pool `{}` is in zone `{zone}`", pool.name),
                        "add one to `spec.aws.subnets`: private, or public for machines with a public address",
                    );
                }
            }
        }
        return;
    }
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

/// An id, an alias, or the ARN of either.
///
/// Source: AWS, EC2 API reference, EbsBlockDevice (`KmsKeyId`)
fn is_kms_key(text: &str) -> bool {
    let bare = match text.strip_prefix("arn:") {
        Some(arn) => match arn.split(':').collect::<Vec<_>>()[..] {
            [_, "kms", _, _, resource] => resource,
            _ => return false,
        },
        None => text,
    };
    let id = bare.strip_prefix("key/").unwrap_or(bare);
    let is_id = |text: &str| {
        let text = text.strip_prefix("mrk-").unwrap_or(text);
        text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    let name = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_-".contains(&byte))
    };
    bare.strip_prefix("alias/").is_some_and(name) || is_id(id)
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
    if let Some(key) = volume.encryption_key.as_ref().filter(|key| !is_kms_key(key)) {
        check.error(
            &codes::PLAN_FORM,
            &base.key("encryptionKey"),
            format!("`{key}` is not a KMS key"),
            "write its id, its ARN, or `alias/<name>`",
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
