//! Labels, annotations and taints of nodes.

use super::Check;
use crate::{
    admission::rules::label,
    finding::{Finding, codes},
    plan::{
        Provider,
        resolved::{Machines, Role},
    },
    render::nodes,
    yaml::pointer::FieldPath,
};

/// Labels below `kubernetes.io` and `k8s.io` that a kubelet may give its own node, beside everything below
/// `kubelet.kubernetes.io` and `node.kubernetes.io`.
///
/// Source: kubernetes/kubernetes staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go
const KUBELET_LABELS: [&str; 10] = [
    "kubernetes.io/hostname",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/instance-type",
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// Labels that the kubelet writes itself, whatever else is told: it would be two against one value.
///
/// Source: kubernetes/kubernetes pkg/kubelet/kubelet_node_status.go (initialNode, updateDefaultLabels)
const OWN_LABELS: [&str; 7] = [
    "kubernetes.io/hostname",
    "kubernetes.io/arch",
    "kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type",
];

/// Labels that the cloud controller manager of a cloud writes.
///
/// Source: kubernetes/cloud-provider controllers/node/node_controller.go
const CLOUD_LABELS: [&str; 4] = [
    "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// Prefixes of taints that Kubernetes and cloud controllers set and remove themselves.
///
/// Source: kubernetes/api core/v1/well_known_taints.go, kubernetes/cloud-provider api/well_known_taints.go
const CONTROLLER_TAINTS: [&str; 3] =
    ["node.kubernetes.io", "node.cloudprovider.kubernetes.io", "node.cluster.x-k8s.io"];

pub(super) fn check(check: &mut Check<'_>) {
    let cluster = check.cluster;
    for machines in std::iter::once(&cluster.control_plane).chain(&cluster.pools) {
        labels(check, machines);
        annotations(check, machines);
        taints(check, machines);
    }
}

/// Forms of labels are checked when a plan is resolved; here it is what NodeRestriction lets through. Talos
/// writes with the kubelet's rights on workers and with an administrator's on control planes, so it binds workers only.
///
/// Source: siderolabs/talos internal/app/machined/pkg/controllers/k8s/node_apply.go; kubernetes/kubernetes
/// plugin/pkg/admission/noderestriction/admission.go
fn labels(check: &mut Check<'_>, machines: &Machines) {
    // Proxmox has no zones of its own, so there they may be named.
    let cloud = check.cluster.provider != Provider::Proxmox;
    for key in machines.labels.keys() {
        let own = OWN_LABELS.contains(&key.as_str());
        if own || cloud && CLOUD_LABELS.contains(&key.as_str()) {
            let owner = if own { "the kubelet" } else { "the cloud controller manager" };
            check.error(
                &codes::RESERVED_LABEL,
                &machines.field.key("labels").key(key.clone()),
                format!("the label `{key}` is written by {owner}, with what is true of the node"),
                "remove it, and use a prefix of your own for what you want to say, such as `example.org/`",
            );
        }
    }
    if machines.role == Role::ControlPlane {
        return;
    }
    for key in machines.labels.keys() {
        // Said above.
        if OWN_LABELS.contains(&key.as_str()) {
            continue;
        }
        let Some((prefix, _)) = key.split_once('/') else { continue };
        let below = |domain: &str| prefix == domain || prefix.ends_with(&format!(".{domain}"));
        // Those that Cluster API copies from the Machine are not the node's own doing.
        let reserved = (below("kubernetes.io") || below("k8s.io"))
            && !below("kubelet.kubernetes.io")
            && !below("node.kubernetes.io")
            && !KUBELET_LABELS.contains(&key.as_str())
            && !nodes::is_synced_by_cluster_api(key);
        if reserved {
            check.error(
                &codes::RESERVED_LABEL,
                &machines.field.key("labels").key(key.clone()),
                format!("Kubernetes does not let a worker give itself the label `{key}`"),
                "use a prefix of your own, such as `example.org/`, or one that Cluster API sets: `node-role.kubernetes.io/`, \
                 `node-restriction.kubernetes.io/`, `node.cluster.x-k8s.io/`",
            );
        }
    }
}

fn annotations(check: &mut Check<'_>, machines: &Machines) {
    for key in machines.annotations.keys() {
        if let Some(problem) = label::key_problem(key) {
            check.error(
                &codes::TAINT_FORM,
                &machines.field.key("annotations").key(key.clone()),
                format!("`{key}` is not a key for an annotation: {problem}"),
                "write `name` or `prefix/name`, for instance `example.org/owner`",
            );
        }
    }
}

fn taints(check: &mut Check<'_>, machines: &Machines) {
    let base = machines.field.key("taints");
    for (position, taint) in machines.taints.iter().enumerate() {
        let path = base.index(position);
        if let Some(problem) = label::key_problem(&taint.key) {
            check.error(
                &codes::TAINT_FORM,
                &path.key("key"),
                format!("`{}` is not a key for a taint: {problem}", taint.key),
                "write `name` or `prefix/name`, for instance `example.org/dedicated`",
            );
            continue;
        }
        if let Some(problem) = taint.value.as_deref().and_then(label::value_problem) {
            let value = taint.value.clone().unwrap_or_default();
            check.error(
                &codes::TAINT_FORM,
                &path.key("value"),
                format!("`{value}` is not a value for a taint: {problem}"),
                "write a short word, for instance `gpu`",
            );
        }
        let prefix = taint.key.split_once('/').map_or("", |(prefix, _)| prefix);
        if CONTROLLER_TAINTS.contains(&prefix) {
            check.error(
                &codes::RESERVED_LABEL,
                &path.key("key"),
                format!(
                    "the taint `{}` belongs to Kubernetes' own controllers, which remove it or wait for it",
                    taint.key
                ),
                "use a key of your own, such as `example.org/dedicated`",
            );
        }
        if let Some(first) = machines.taints[..position].iter().position(|other| other.key == taint.key) {
            let finding =
                Finding::error(&codes::TAINT_FORM, format!("the taint `{}` is given twice", taint.key));
            let first: FieldPath = base.index(first);
            check.between(
                finding,
                (&path.key("key"), &first),
                "first given here",
                "keep one: Talos holds taints in a mapping, so a key has one value and one effect",
            );
        }
    }
}
