//! Labels and taints of nodes, and who sets them.

use std::collections::BTreeMap;

use crate::plan::{
    machines::Taint,
    resolved::{Machines, Role},
};

/// The label by which the Cluster Autoscaler knows that a new node will have GPUs, before their driver says so: it does not
/// add one more machine meanwhile.
///
/// Source: kubernetes/autoscaler cluster-autoscaler/cloudprovider/clusterapi/README.md
const ACCELERATOR: &str = "cluster-api/accelerator";

/// All labels that the nodes of these machines get.
#[must_use]
pub fn labels(machines: &Machines) -> BTreeMap<String, String> {
    let mut labels = machines.labels.clone();
    let mut own = |key: &str, value: &str| {
        labels.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    };
    if machines.gpu.is_some() {
        own("infraflux.io/gpu", "nvidia");
        own(ACCELERATOR, "nvidia");
    }
    if machines.role == Role::Worker {
        own("infraflux.io/pool", &machines.name);
    }
    labels
}

/// Those that Cluster API copies from machines to nodes, which needs no rollout. A worker could not give itself most of
/// them: the API server refuses them from a kubelet.
///
/// The control-plane provider gives machines no labels of a user, and control planes have the rights themselves.
/// Source: kubernetes-sigs/cluster-api docs/book/src/reference/api/metadata-propagation.md
#[must_use]
pub fn labels_by_cluster_api(machines: &Machines) -> BTreeMap<String, String> {
    let mut labels = labels(machines);
    labels.retain(|key, _| machines.role == Role::Worker && is_synced_by_cluster_api(key));
    labels
}

/// Those that Talos sets, which stand in its configuration: another one is another configuration.
#[must_use]
pub fn labels_by_talos(machines: &Machines) -> BTreeMap<String, String> {
    let mut labels = labels(machines);
    labels.retain(|key, _| machines.role == Role::ControlPlane || !is_synced_by_cluster_api(key));
    labels
}

/// Whether Cluster API copies a label from a Machine to its Node.
///
/// Source: kubernetes-sigs/cluster-api api/core/v1beta2/machine_types.go
#[must_use]
pub fn is_synced_by_cluster_api(key: &str) -> bool {
    let Some((prefix, _)) = key.split_once('/') else { return false };
    prefix == "node-role.kubernetes.io"
        || ["node-restriction.kubernetes.io", "node.cluster.x-k8s.io"].into_iter().any(|domain| {
            prefix.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
}

/// The taint that keeps pods without need of a GPU away.
const GPU: &str = "nvidia.com/gpu";

/// All taints of these machines: key, value, effect.
#[must_use]
pub fn taint_list(machines: &Machines) -> Vec<(String, String, &'static str)> {
    let part =
        |taint: &Taint| (taint.key.clone(), taint.value.clone().unwrap_or_default(), taint.effect.as_str());
    let mut taints: Vec<_> = machines.taints.iter().map(part).collect();
    if machines.gpu.is_some() && !taints.iter().any(|(key, ..)| key == GPU) {
        taints.push((GPU.to_owned(), "present".to_owned(), "NoSchedule"));
    }
    taints.sort();
    taints
}

/// The taints as Talos writes them: `value:Effect` by key, or the effect alone.
#[must_use]
pub fn taints(machines: &Machines) -> BTreeMap<String, String> {
    taint_list(machines)
        .into_iter()
        .map(|(key, value, effect)| {
            (key, if value.is_empty() { effect.to_owned() } else { format!("{value}:{effect}") })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_synced_by_cluster_api;

    #[test]
    fn knows_what_cluster_api_copies() {
        for key in [
            "node-role.kubernetes.io/web",
            "node-restriction.kubernetes.io/tier",
            "a.node-restriction.kubernetes.io/tier",
            "node.cluster.x-k8s.io/tier",
            "x.node.cluster.x-k8s.io/tier",
        ] {
            assert!(is_synced_by_cluster_api(key), "{key}");
        }
        for key in
            ["tier", "example.org/tier", "a.node-role.kubernetes.io/web", "xnode.cluster.x-k8s.io/tier"]
        {
            assert!(!is_synced_by_cluster_api(key), "{key}");
        }
    }
}
