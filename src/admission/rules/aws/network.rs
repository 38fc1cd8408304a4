//! Rules about the network of an AWSCluster.

use serde_json::Value;

use crate::{
    admission::rules::{Context, Violation, address, field},
    yaml::pointer::FieldPath,
};

/// The path of an entry of a list, or of a key in it.
fn entry(list: &str, index: usize, key: &str) -> FieldPath {
    let path = FieldPath::of(list.split('.')).index(index);
    if key.is_empty() { path } else { path.key(key) }
}

pub(super) fn addresses(context: &Context<'_>) -> Vec<Violation> {
    let value = &context.object.value;
    let mut blocks: Vec<(FieldPath, &str)> = Vec::new();
    let mut found = Vec::new();
    for path in ["spec.network.vpc.cidrBlock", "spec.network.vpc.ipv6.cidrBlock"] {
        blocks.extend(field::text(value, path).map(|text| (FieldPath::of(path.split('.')), text)));
    }
    let subnets = "spec.network.subnets";
    for (index, subnet) in field::list(value, subnets).iter().enumerate() {
        for key in ["cidrBlock", "ipv6CidrBlock"] {
            blocks.extend(field::text(subnet, key).map(|text| (entry(subnets, index, key), text)));
        }
    }
    for list in ["spec.network.nodePortIngressRuleCidrBlocks", "spec.bastion.allowedCIDRBlocks"] {
        blocks.extend(field::texts(value, list).map(|(index, text)| (entry(list, index, ""), text)));
    }
    let second = "spec.network.vpc.secondaryCidrBlocks";
    let first = field::text(value, "spec.network.vpc.cidrBlock");
    for (index, item) in field::list(value, second).iter().enumerate() {
        let Some(text) = field::text(item, "ipv4CidrBlock") else { continue };
        let path = entry(second, index, "ipv4CidrBlock");
        if Some(text) == first {
            found.push(
                context
                    .error(path.clone(), format!("the second block `{text}` of the VPC is its first one"))
                    .hint("remove it, or give another block"),
            );
        }
        blocks.push((path, text));
    }
    found.extend(blocks.into_iter().filter(|(_, text)| address::cidr(text).is_none()).map(|(path, text)| {
        context.error(path, format!("`{text}` is not a CIDR block")).hint("write it like `10.0.0.0/16`")
    }));
    found
}

pub(super) fn fields(context: &Context<'_>) -> Vec<Violation> {
    let value = &context.object.value;
    let mut found = Vec::new();
    let vpc = "spec.network.vpc";
    if let Some(pool) = field::at(value, "spec.network.vpc.ipamPool") {
        if field::given(value, "spec.network.vpc.cidrBlock") {
            found.push(
                context
                    .error(
                        format!("{vpc}.cidrBlock").as_str(),
                        "a VPC takes its block from `cidrBlock` or from `ipamPool`, not both",
                    )
                    .hint("remove one of them"),
            );
        }
        if field::text(pool, "id").is_none() && field::text(pool, "name").is_none() {
            found.push(
                context
                    .error(format!("{vpc}.ipamPool").as_str(), "the IPAM pool has neither id nor name")
                    .hint("give one of them"),
            );
        }
    }
    if let Some(pool) = field::at(value, "spec.network.vpc.elasticIpPool") {
        let path = format!("{vpc}.elasticIpPool");
        let (name, order) =
            (field::at(pool, "publicIpv4Pool"), field::at(pool, "publicIpv4PoolFallbackOrder"));
        if name.is_some() != order.is_some() {
            found.push(
                context
                    .error(path.as_str(), "`publicIpv4Pool` and `publicIpv4PoolFallbackOrder` come together")
                    .hint("give both, or none"),
            );
        } else if let Some(name) =
            name.and_then(Value::as_str).filter(|name| !name.starts_with("ipv4pool-ec2-"))
        {
            found.push(
                context
                    .error(
                        format!("{path}.publicIpv4Pool").as_str(),
                        format!("`{name}` is not the id of a pool of public addresses"),
                    )
                    .hint("such an id starts with `ipv4pool-ec2-`"),
            );
        }
    }
    let subnets = "spec.network.subnets";
    for (index, subnet) in field::list(value, subnets).iter().enumerate() {
        let edge =
            ["local-zone", "wavelength-zone"].contains(&field::text(subnet, "zoneType").unwrap_or_default());
        if edge && field::at(subnet, "parentZoneName").is_none() {
            found.push(
                context
                    .error(
                        entry(subnets, index, "parentZoneName"),
                        "a subnet in a local or wavelength zone names its parent zone",
                    )
                    .hint("set `parentZoneName`, for instance `us-east-1a`"),
            );
        }
    }
    if field::flag(value, "spec.bastion.disableIngressRules")
        && field::given(value, "spec.bastion.allowedCIDRBlocks")
    {
        found.push(
            context
                .error(
                    "spec.bastion.allowedCIDRBlocks",
                    "a bastion without ingress rules has no allowed blocks",
                )
                .hint("remove one of the two; Talos has no SSH, so a bastion is of no use to it"),
        );
    }
    found
}

pub(super) fn ingress_rules(context: &Context<'_>) -> Vec<Violation> {
    let value = &context.object.value;
    let lists = [
        "spec.network.additionalControlPlaneIngressRules",
        "spec.network.additionalNodeIngressRules",
        "spec.controlPlaneLoadBalancer.ingressRules",
        "spec.secondaryControlPlaneLoadBalancer.ingressRules",
    ];
    let mut found = Vec::new();
    for list in lists {
        for (index, rule) in field::list(value, list).iter().enumerate() {
            let any = |keys: &[&str]| keys.iter().any(|key| field::at(rule, key).is_some());
            let blocks = any(&["cidrBlocks", "ipv6CidrBlocks"]);
            let groups = any(&["sourceSecurityGroupIds", "sourceSecurityGroupRoles"]);
            let gateways = field::flag(rule, "natGatewaysIPsSource");
            if [blocks, groups, gateways].into_iter().filter(|given| *given).count() > 1 {
                let name = field::show(rule.get("description"));
                found.push(
                    context
                        .error(
                            entry(list, index, ""),
                            format!(
                                "the ingress rule {name} has more than one \
                            kind of source"
                            ),
                        )
                        .hint(
                            "split it: one rule for CIDR blocks, one for security groups, one for \
                               NAT gateways",
                        ),
                );
            }
        }
    }
    found
}
