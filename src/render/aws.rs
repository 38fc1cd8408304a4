//! Values for templates of AWS that are worked out from several fields of `spec.aws`.

use serde_json::{Value, json};

use crate::plan::{
    Provider,
    providers::aws::DEFAULT_VPC_CIDR,
    resolved::{ResolvedCluster, Role},
};

/// Where an existing VPC can be: RFC 1918, and RFC 6598 for secondary ranges.
const PRIVATE_CIDRS: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"];

fn block<'cluster>(cluster: &'cluster ResolvedCluster, field: &str) -> Option<&'cluster Value> {
    (cluster.provider == Provider::Aws)
        .then(|| cluster.block.get(field))
        .flatten()
        .filter(|value| !value.is_null())
}

/// The CIDR of a VPC that is made for the cluster; `None` in an existing one.
pub(super) fn vpc_cidr(cluster: &ResolvedCluster) -> Option<&str> {
    if cluster.provider != Provider::Aws || block(cluster, "vpcID").is_some() {
        return None;
    }
    Some(block(cluster, "vpcCIDR").and_then(Value::as_str).unwrap_or(DEFAULT_VPC_CIDR))
}

/// The subnets as an AWSCluster lists them.
pub(super) fn subnets(cluster: &ResolvedCluster) -> Option<Value> {
    if let Some(subnets) = block(cluster, "subnets") {
        return Some(subnets.clone());
    }
    let ids = block(cluster, "subnetIDs")?.as_array()?;
    Some(ids.iter().map(|id| json!({"id": id})).collect())
}

/// From where NodePorts are reached.
pub(super) fn node_port_cidrs(cluster: &ResolvedCluster) -> Option<Vec<&str>> {
    if cluster.provider != Provider::Aws {
        return None;
    }
    let given: Vec<&str> = block(cluster, "nodePortCIDRs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !given.is_empty() {
        return Some(given);
    }
    Some(vpc_cidr(cluster).map_or_else(|| PRIVATE_CIDRS.to_vec(), |cidr| vec![cidr]))
}

/// The AMI of the control plane (`control-plane`) or of a pool.
pub(super) fn ami<'cluster>(cluster: &'cluster ResolvedCluster, machines: &str) -> Option<&'cluster Value> {
    block(cluster, "poolAMIs").and_then(|amis| amis.get(machines)).or_else(|| block(cluster, "ami"))
}

/// Hops that answers of the metadata service may take. By default two on control planes, where the EBS CSI controller runs
/// in a pod and needs the machine's rights, and one on workers, whose pods have no business there. None on other providers.
#[must_use]
pub fn metadata_hop_limit(cluster: &ResolvedCluster, role: Role) -> Option<i32> {
    if cluster.provider != Provider::Aws {
        return None;
    }
    let given = cluster.spec.aws.as_ref().and_then(|aws| aws.metadata_hop_limit);
    Some(given.unwrap_or(match role {
        Role::ControlPlane => 2,
        Role::Worker => 1,
    }))
}
