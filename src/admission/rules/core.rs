//! Cluster API core: clusters, pools and health checks.

use crate::finding::codes;

use super::{Kind, Rule, set::CORE};

mod cluster;
mod form;
mod health_check;
mod machines;

/// The annotations by which the cluster autoscaler knows a pool.
///
/// Source: kubernetes/autoscaler cluster-autoscaler/cloudprovider/clusterapi/README.md
pub(super) const MIN_SIZE: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size";
/// See [`MIN_SIZE`].
pub(super) const MAX_SIZE: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size";
/// The label that Cluster API puts on everything of a cluster.
pub(super) const CLUSTER_NAME_LABEL: &str = "cluster.x-k8s.io/cluster-name";
/// The label of control-plane machines.
pub(super) const CONTROL_PLANE_LABEL: &str = "cluster.x-k8s.io/control-plane";

pub(super) const CLUSTER: Kind = Kind::new(CORE, "Cluster");
pub(super) const MACHINE_DEPLOYMENT: Kind = Kind::new(CORE, "MachineDeployment");
const MACHINE_SET: Kind = Kind::new(CORE, "MachineSet");
const MACHINE_POOL: Kind = Kind::new(CORE, "MachinePool");
const MACHINE: Kind = Kind::new(CORE, "Machine");
const MACHINE_HEALTH_CHECK: Kind = Kind::new(CORE, "MachineHealthCheck");
const MACHINE_DRAIN_RULE: Kind = Kind::new(CORE, "MachineDrainRule");
const CLUSTER_RESOURCE_SET: Kind = Kind::new("addons.cluster.x-k8s.io", "ClusterResourceSet");
const IP_ADDRESS_CLAIM: Kind = Kind::new("ipam.cluster.x-k8s.io", "IPAddressClaim");

const POOLS: &[Kind] = &[MACHINE_DEPLOYMENT, MACHINE_SET, MACHINE_POOL];
const MACHINES: &[Kind] = &[MACHINE_DEPLOYMENT, MACHINE_SET, MACHINE_POOL, MACHINE];
const ALL: &[Kind] = &[
    CLUSTER,
    MACHINE_DEPLOYMENT,
    MACHINE_SET,
    MACHINE_POOL,
    MACHINE,
    MACHINE_HEALTH_CHECK,
    MACHINE_DRAIN_RULE,
    CLUSTER_RESOURCE_SET,
];

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "core/served-version",
        code: &codes::NOT_SERVED,
        kinds: &[],
        meaning: "Objects have an API version that the providers serve. A deprecated one is worth a warning.",
        source: "the CRDs and release notes of each provider; kubernetes-sigs/cluster-api \
                 docs/book/src/reference/versions.md",
        check: form::served_version,
    },
    Rule {
        name: "core/reference-form",
        code: &codes::REFERENCE_FORM,
        kinds: MACHINES_AND_CLUSTER,
        meaning: "References of core `v1beta2` objects are `{apiGroup, kind, name}`: all three, and \
                  nothing else.",
        source: "kubernetes-sigs/cluster-api api/core/v1beta2/common_types.go",
        check: form::reference_form,
    },
    Rule {
        name: "core/renamed-field",
        code: &codes::OLD_FIELD,
        kinds: &[CLUSTER, MACHINE_DEPLOYMENT, MACHINE_SET, MACHINE_POOL, MACHINE, MACHINE_HEALTH_CHECK],
        meaning: "`v1beta2` objects do not use field names of `v1beta1`.",
        source: "kubernetes-sigs/cluster-api \
                 docs/book/src/developer/providers/migrations/v1.10-to-v1.11.md (tag v1.11.0)",
        check: form::renamed_field,
    },
    Rule {
        name: "core/empty-value",
        code: &codes::EMPTY_VALUE,
        kinds: ALL,
        meaning: "`v1beta2` objects leave out what is empty.",
        source: "kubernetes-sigs/cluster-api \
                 docs/book/src/developer/providers/migrations/v1.10-to-v1.11.md (tag v1.11.0), \
                 core/config/crd/bases",
        check: form::empty_value,
    },
    Rule {
        name: "core/cluster-parts",
        code: &codes::MISSING_PART,
        kinds: &[CLUSTER],
        meaning: "A Cluster has a control plane, an infrastructure or a topology.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/cluster.go",
        check: cluster::parts,
    },
    Rule {
        name: "core/cluster-part-removed",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "The references and the topology of a Cluster are never taken away again.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/cluster.go",
        check: cluster::part_removed,
    },
    Rule {
        name: "core/cluster-infrastructure-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "A Cluster stays with the provider that it was made for. The controller would follow the new reference, keep \
                  the old endpoint, and leave the old infrastructure and its machines to nobody.",
        source: "kubernetes-sigs/cluster-api internal/controllers/cluster/cluster_controller_phases.go \
                 (reconcileInfrastructure)",
        check: cluster::infrastructure_changed,
    },
    Rule {
        name: "core/cluster-network",
        code: &codes::ADDRESS_FORM,
        kinds: &[CLUSTER],
        meaning: "Pod and service networks are CIDR blocks.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/cluster.go",
        check: cluster::network,
    },
    Rule {
        name: "core/cluster-network-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "The pod and service networks of a running cluster stay what they are; the webhook lets a change through, \
                  and only new machines get it.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/cluster.go (no check); that old and new machines \
                 do not work together is our judgement",
        check: cluster::network_changed,
    },
    Rule {
        name: "core/cluster-moved",
        code: &codes::CLUSTER_MOVED,
        kinds: &[CLUSTER],
        meaning: "A Cluster stays in its namespace; in another one it is a second cluster with the same endpoint and addresses.",
        source: "kubernetes-sigs/cluster-api docs/book/src/clusterctl/commands/move.md (objects keep their namespace); that \
                 two Clusters of one endpoint do not work is our judgement",
        check: cluster::moved,
    },
    Rule {
        name: "core/topology",
        code: &codes::REPLICAS,
        kinds: &[CLUSTER],
        meaning: "A pool of a topology has replicas or autoscaler annotations, not both.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/cluster.go",
        check: cluster::topology,
    },
    Rule {
        name: "core/topology-version",
        code: &codes::VERSION_FORM,
        kinds: &[CLUSTER],
        meaning: "The version of a topology is semantic, with a leading `v`.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/cluster.go",
        check: cluster::topology_version,
    },
    Rule {
        name: "core/label-name",
        code: &codes::NAME_FORM,
        kinds: &[CLUSTER, MACHINE_DEPLOYMENT],
        meaning: "The names of Clusters and MachineDeployments become label values, so they have at most \
                  63 characters.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/{cluster,machinedeployment}.go",
        check: cluster::label_name,
    },
    Rule {
        name: "core/cluster-name",
        code: &codes::CLUSTER_MISMATCH,
        kinds: POOLS,
        meaning: "`spec.clusterName` and `spec.template.spec.clusterName` are the same.",
        source: "kubernetes-sigs/cluster-api \
                 core/webhooks/admission/{machinedeployment,machineset,machinepool}.go",
        check: machines::cluster_name,
    },
    Rule {
        name: "core/cluster-name-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[MACHINE_DEPLOYMENT, MACHINE_SET, MACHINE_POOL, MACHINE, MACHINE_HEALTH_CHECK],
        meaning: "`spec.clusterName` never changes.",
        source: "kubernetes-sigs/cluster-api \
                 core/webhooks/admission/{machinedeployment,machineset,machinepool,machine,machinehealthcheck}.go",
        check: machines::cluster_name_changed,
    },
    Rule {
        name: "core/selector-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[MACHINE_DEPLOYMENT],
        meaning: "The new selector of a MachineDeployment goes to its MachineSet, which then looks past the \
                  machines with the old labels; the webhook lets it through.",
        source: "kubernetes-sigs/cluster-api \
                 core/reconcilers/machinedeployment/machinedeployment_rollout_planner.go, \
                 core/reconcilers/machineset/machineset_controller.go",
        check: machines::selector_changed,
    },
    Rule {
        name: "core/bootstrap",
        code: &codes::MISSING_PART,
        kinds: MACHINES,
        meaning: "Machines have a bootstrap configuration: a reference, or the name of a Secret with the data.",
        source: "kubernetes-sigs/cluster-api \
                 core/webhooks/admission/{machinedeployment,machineset,machinepool,machine}.go",
        check: machines::bootstrap,
    },
    Rule {
        name: "core/selector",
        code: &codes::SELECTOR,
        kinds: &[MACHINE_DEPLOYMENT, MACHINE_SET],
        meaning: "The selector of a pool is valid and matches the labels of its own template.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/{machinedeployment,machineset}.go",
        check: machines::selector,
    },
    Rule {
        name: "core/version",
        code: &codes::VERSION_FORM,
        kinds: MACHINES,
        meaning: "The Kubernetes version of machines is semantic, with a leading `v`; the webhook adds a \
                  missing `v`.",
        source: "kubernetes-sigs/cluster-api \
                 core/webhooks/admission/{machinedeployment,machineset,machinepool,machine}.go",
        check: machines::version,
    },
    Rule {
        name: "core/autoscaler",
        code: &codes::REPLICAS,
        kinds: POOLS,
        meaning: "The autoscaler annotations come in pairs, are numbers, and `replicas` beside them is \
                  left out.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/machinedeployment.go, \
                 docs/book/src/tasks/automated-machine-management/autoscaling.md",
        check: machines::autoscaler,
    },
    Rule {
        name: "core/rollout",
        code: &codes::ROLLOUT,
        kinds: &[MACHINE_DEPLOYMENT],
        meaning: "`maxSurge`, `maxUnavailable` and `maxInFlight` are numbers or percentages, and a \
                  rollout has room to move.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/machinedeployment.go",
        check: machines::rollout,
    },
    Rule {
        name: "core/machine-naming",
        code: &codes::NAME_FORM,
        kinds: &[MACHINE_DEPLOYMENT, MACHINE_SET],
        meaning: "A template for machine names contains `{{ .random }}`.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/{machinedeployment,machineset}.go",
        check: machines::naming,
    },
    Rule {
        name: "core/taints",
        code: &codes::TAINT,
        kinds: MACHINES,
        meaning: "Taints of machines do not use reserved keys and say when they are put on nodes; MachinePools take none.",
        source: "kubernetes-sigs/cluster-api internal/util/taints/validation.go, \
                 core/webhooks/admission/{machine,machinepool}.go",
        check: machines::taints,
    },
    Rule {
        name: "core/taints-gate",
        code: &codes::FEATURE_GATE,
        kinds: MACHINES,
        meaning: "Taints of machines need the feature gate `MachineTaintPropagation`.",
        source: "kubernetes-sigs/cluster-api internal/util/taints/validation.go, feature/feature.go",
        check: machines::taints_gate,
    },
    Rule {
        name: "core/metadata",
        code: &codes::METADATA_FORM,
        kinds: POOLS,
        meaning: "Labels and annotations of the machine template are valid.",
        source: "kubernetes-sigs/cluster-api api/core/v1beta2/common_types.go",
        check: machines::metadata,
    },
    Rule {
        name: "core/skipped-checks",
        code: &codes::REFUSED_VALUE,
        kinds: &[MACHINE_DEPLOYMENT, MACHINE_SET],
        meaning: "The annotation that skips preflight checks names checks that exist.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/machineset.go",
        check: machines::skipped_checks,
    },
    Rule {
        name: "core/health-check",
        code: &codes::HEALTH_CHECK,
        kinds: &[MACHINE_HEALTH_CHECK],
        meaning: "A health check has a start-up time of at least 30 seconds (or 0), a limit that is a number or percentage, \
                  one kind of limit, and conditions that are not its own result.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/machinehealthcheck.go, \
                 api/core/v1beta2/machinehealthcheck_types.go",
        check: health_check::settings,
    },
    Rule {
        name: "core/health-check-selector",
        code: &codes::SELECTOR,
        kinds: &[MACHINE_HEALTH_CHECK],
        meaning: "A health check selects something, of its own cluster.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/machinehealthcheck.go",
        check: health_check::selector,
    },
    Rule {
        name: "core/health-check-target",
        code: &codes::HEALTH_CHECK,
        kinds: &[MACHINE_HEALTH_CHECK],
        meaning: "A health check watches machines that exist and that their owner replaces.",
        source: "siderolabs/cluster-api-control-plane-provider-talos controllers (no remediation in 0.5)",
        check: health_check::target,
    },
    Rule {
        name: "core/drain-rule",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[MACHINE_DRAIN_RULE],
        meaning: "A drain rule that skips or waits has no order, and its selectors are valid.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/machinedrainrules.go",
        check: health_check::drain_rule,
    },
    Rule {
        name: "core/resource-set",
        code: &codes::SELECTOR,
        kinds: &[CLUSTER_RESOURCE_SET],
        meaning: "A ClusterResourceSet selects clusters by something.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/clusterresourceset.go",
        check: health_check::resource_set,
    },
    Rule {
        name: "core/fixed-spec",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER_RESOURCE_SET, IP_ADDRESS_CLAIM],
        meaning: "Selector and strategy of a ClusterResourceSet and the spec of an IPAddressClaim \
                  never change.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/{clusterresourceset,ipaddressclaim}.go",
        check: health_check::fixed_spec,
    },
];

const MACHINES_AND_CLUSTER: &[Kind] =
    &[CLUSTER, MACHINE_DEPLOYMENT, MACHINE_SET, MACHINE_POOL, MACHINE, MACHINE_HEALTH_CHECK];
