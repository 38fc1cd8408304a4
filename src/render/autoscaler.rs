//! What the Cluster Autoscaler reads from a MachineDeployment.
//!
//! Source: kubernetes/autoscaler `cluster-autoscaler/cloudprovider/clusterapi/README.md`.

use std::collections::BTreeMap;

use super::{nodes, scope::Context};
use crate::plan::{
    Provider,
    resolved::{Machines, ResolvedCluster},
};

/// The annotations for one zone of an autoscaled pool; none for a zone that gets no machines at all.
#[must_use]
pub fn annotations(context: &Context<'_>) -> Option<BTreeMap<String, String>> {
    let machines = context.machines?;
    let autoscaling = machines.autoscaling.as_ref()?;
    let zone = context.zone?;
    let min = *machines.spread(autoscaling.min).get(zone.position)?;
    let max = *machines.spread(autoscaling.max).get(zone.position)?;
    if max == 0 {
        return None;
    }
    let mut out = BTreeMap::new();
    let size = |limit: &str| format!("cluster.x-k8s.io/cluster-api-autoscaler-node-group-{limit}-size");
    out.insert(size("min"), min.to_string());
    out.insert(size("max"), max.to_string());
    if min == 0 {
        // Without machines the autoscaler learns a node's shape from here.
        let shape = shape(context.cluster, machines, zone.failure_domain);
        out.extend(
            shape
                .into_iter()
                .map(|(key, value)| (format!("capacity.cluster-autoscaler.kubernetes.io/{key}"), value)),
        );
    }
    for (option, value) in &autoscaling.options {
        out.insert(format!("cluster.x-k8s.io/autoscaling-options-{option}"), value.clone());
    }
    Some(out)
}

/// What a node of these machines will be like.
fn shape(cluster: &ResolvedCluster, machines: &Machines, zone: Option<&str>) -> Vec<(&'static str, String)> {
    let mut shape = Vec::new();
    shape.extend(machines.cpu.map(|cpu| ("cpu", cpu.to_string())));
    shape.extend(machines.memory_gib.map(|memory| ("memory", format!("{memory}Gi"))));
    shape.push(("ephemeral-disk", format!("{}Gi", machines.disk_gib)));
    if machines.gpu.is_some() && machines.gpu_count > 0 {
        shape.push(("gpu-type", "nvidia.com/gpu".to_owned()));
        shape.push(("gpu-count", machines.gpu_count.to_string()));
    }
    let mut labels = nodes::labels(machines);
    // Set by the cloud controller manager once a node is there; pods may already ask for them.
    if let Some(zone) = zone {
        labels.insert("topology.kubernetes.io/region".to_owned(), cluster.region.clone());
        labels.insert("topology.kubernetes.io/zone".to_owned(), zone_label(cluster, zone));
    }
    if let Some(kind) = &machines.instance_type {
        labels.insert("node.kubernetes.io/instance-type".to_owned(), kind.clone());
    }
    let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    shape.push(("labels", labels.join(",")));
    let taints: Vec<String> = nodes::taint_list(machines)
        .into_iter()
        .map(|(key, value, effect)| format!("{key}={value}:{effect}"))
        .collect();
    if !taints.is_empty() {
        shape.push(("taints", taints.join(",")));
    }
    shape
}

/// The name of a zone in node labels. Azure's zones are numbers, and the label holds the region too.
///
/// Source: kubernetes-sigs/cloud-provider-azure pkg/provider/azure_zones.go
fn zone_label(cluster: &ResolvedCluster, zone: &str) -> String {
    match cluster.provider {
        Provider::Azure => format!("{}-{zone}", cluster.region.to_lowercase()),
        Provider::Aws | Provider::Gcp | Provider::Proxmox => zone.to_owned(),
    }
}
