//! The kinds of Kubernetes itself.
//!
//! Their schemas come from k8s-openapi, whose types accept unknown fields and any word. Two things are added by hand,
//! because the published schemas lack them: the words that some fields take, and keys of lists.

use std::{
    collections::HashMap,
    sync::{LazyLock, OnceLock},
};

use k8s_openapi::{
    ClusterResourceScope, NamespaceResourceScope, Resource,
    api::{
        admissionregistration, apps, autoscaling, batch, coordination, core, discovery, networking, node,
        policy, rbac, scheduling, storage,
    },
    apiextensions_apiserver::pkg::apis::apiextensions,
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
    kube_aggregator::pkg::apis::apiregistration,
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

use super::{
    compile::{Compiled, Dialect, QUANTITY, compile},
    node::Tree,
};

/// The Kubernetes minor whose kinds these are.
pub(super) const KUBERNETES: &str = "1.37";

/// One kind.
pub(super) struct Builtin {
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    /// Whether its objects live in namespaces.
    pub(super) namespaced: bool,
    schema: fn() -> Schema,
    compiled: OnceLock<Compiled>,
}

impl Builtin {
    pub(super) fn compiled(&self) -> &Compiled {
        self.compiled.get_or_init(|| {
            let mut schema = (self.schema)().to_value();
            refine(self.group, self.kind, &mut schema);
            compile(&schema, Dialect::Kubernetes)
        })
    }
}

/// What a name may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameForm {
    /// A DNS name.
    Subdomain,
    /// One label of a DNS name.
    Label,
    /// Anything that can be a part of a URL's path.
    PathSegment,
}

/// The form of the names of a kind.
///
/// Source: kubernetes/kubernetes `pkg/apis/*/validation/validation.go`; custom resources take DNS names
/// (`staging/src/k8s.io/apiextensions-apiserver/pkg/registry/customresource/validator.go`).
pub(super) fn name_form(group: &str, kind: &str) -> NameForm {
    match (group, kind) {
        ("", "Namespace" | "Service") => NameForm::Label,
        ("rbac.authorization.k8s.io" | "apiregistration.k8s.io", _) => NameForm::PathSegment,
        _ => NameForm::Subdomain,
    }
}

trait Scope {
    const NAMESPACED: bool;
}

impl Scope for NamespaceResourceScope {
    const NAMESPACED: bool = true;
}

impl Scope for ClusterResourceScope {
    const NAMESPACED: bool = false;
}

fn builtin<Kind>() -> Builtin
where
    Kind: Resource + JsonSchema,
    Kind::Scope: Scope,
{
    Builtin {
        group: Kind::GROUP,
        version: Kind::VERSION,
        kind: Kind::KIND,
        namespaced: <Kind::Scope as Scope>::NAMESPACED,
        schema: || SchemaGenerator::default().into_root_schema_for::<Kind>(),
        compiled: OnceLock::new(),
    }
}

static KINDS: LazyLock<Vec<Builtin>> = LazyLock::new(|| {
    vec![
        builtin::<core::v1::ConfigMap>(),
        builtin::<core::v1::Endpoints>(),
        builtin::<core::v1::LimitRange>(),
        builtin::<core::v1::Namespace>(),
        builtin::<core::v1::Node>(),
        builtin::<core::v1::PersistentVolume>(),
        builtin::<core::v1::PersistentVolumeClaim>(),
        builtin::<core::v1::Pod>(),
        builtin::<core::v1::PodTemplate>(),
        builtin::<core::v1::ReplicationController>(),
        builtin::<core::v1::ResourceQuota>(),
        builtin::<core::v1::Secret>(),
        builtin::<core::v1::Service>(),
        builtin::<core::v1::ServiceAccount>(),
        builtin::<admissionregistration::v1::MutatingWebhookConfiguration>(),
        builtin::<admissionregistration::v1::ValidatingAdmissionPolicy>(),
        builtin::<admissionregistration::v1::ValidatingAdmissionPolicyBinding>(),
        builtin::<admissionregistration::v1::ValidatingWebhookConfiguration>(),
        builtin::<apiextensions::v1::CustomResourceDefinition>(),
        builtin::<apiregistration::v1::APIService>(),
        builtin::<apps::v1::ControllerRevision>(),
        builtin::<apps::v1::DaemonSet>(),
        builtin::<apps::v1::Deployment>(),
        builtin::<apps::v1::ReplicaSet>(),
        builtin::<apps::v1::StatefulSet>(),
        builtin::<autoscaling::v1::HorizontalPodAutoscaler>(),
        builtin::<autoscaling::v2::HorizontalPodAutoscaler>(),
        builtin::<batch::v1::CronJob>(),
        builtin::<batch::v1::Job>(),
        builtin::<coordination::v1::Lease>(),
        builtin::<discovery::v1::EndpointSlice>(),
        builtin::<networking::v1::Ingress>(),
        builtin::<networking::v1::IngressClass>(),
        builtin::<networking::v1::NetworkPolicy>(),
        builtin::<node::v1::RuntimeClass>(),
        builtin::<policy::v1::PodDisruptionBudget>(),
        builtin::<rbac::v1::ClusterRole>(),
        builtin::<rbac::v1::ClusterRoleBinding>(),
        builtin::<rbac::v1::Role>(),
        builtin::<rbac::v1::RoleBinding>(),
        builtin::<scheduling::v1::PriorityClass>(),
        builtin::<storage::v1::CSIDriver>(),
        builtin::<storage::v1::CSINode>(),
        builtin::<storage::v1::StorageClass>(),
        builtin::<storage::v1::VolumeAttachment>(),
    ]
});

type Key = (&'static str, &'static str, &'static str);

static BY_KEY: LazyLock<HashMap<Key, &'static Builtin>> =
    LazyLock::new(|| KINDS.iter().map(|kind| ((kind.group, kind.version, kind.kind), kind)).collect());

/// The kind of a group and version.
pub(super) fn find(group: &str, version: &str, kind: &str) -> Option<&'static Builtin> {
    BY_KEY.get(&(group, version, kind)).copied()
}

/// Whether there is a kind in any version.
pub(super) fn has(group: &str, kind: &str) -> bool {
    KINDS.iter().any(|known| known.group == group && known.kind == kind)
}

/// The versions of a kind.
pub(super) fn versions(group: &str, kind: &str) -> Vec<&'static str> {
    KINDS
        .iter()
        .filter(|known| known.group == group && known.kind == kind)
        .map(|known| known.version)
        .collect()
}

/// The kinds of a group.
pub(super) fn kinds(group: &str) -> Vec<&'static str> {
    KINDS.iter().filter(|known| known.group == group).map(|known| known.kind).collect()
}

/// The schema of `metadata`.
pub(super) fn metadata() -> &'static Tree {
    static METADATA: LazyLock<Compiled> = LazyLock::new(|| {
        let schema = SchemaGenerator::default().into_root_schema_for::<ObjectMeta>().to_value();
        let mut compiled = compile(&schema, Dialect::Kubernetes);
        // It is a part of an object, not one itself.
        let root = compiled.tree.node_mut(Tree::ROOT);
        root.embedded = false;
        root.root = false;
        compiled
    });
    &METADATA.tree
}

/// The words that fields take, which the published schemas leave out.
///
/// Source: kubernetes/kubernetes `pkg/apis/{core,apps,batch,rbac,storage,networking,policy}/validation/validation.go`.
const WORDS: &[(&str, &str, &[&str])] = &[
    ("io.k8s.api.core.v1.Container", "imagePullPolicy", &["Always", "IfNotPresent", "Never"]),
    ("io.k8s.api.core.v1.ContainerPort", "protocol", &["TCP", "UDP", "SCTP"]),
    ("io.k8s.api.core.v1.PersistentVolumeClaimSpec", "volumeMode", &["Block", "Filesystem"]),
    (
        "io.k8s.api.core.v1.PersistentVolumeSpec",
        "persistentVolumeReclaimPolicy",
        &["Delete", "Recycle", "Retain"],
    ),
    (
        "io.k8s.api.core.v1.PodSpec",
        "dnsPolicy",
        &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
    ),
    ("io.k8s.api.core.v1.PodSpec", "restartPolicy", &["Always", "OnFailure", "Never"]),
    ("io.k8s.api.core.v1.PodSpec", "preemptionPolicy", &["Never", "PreemptLowerPriority"]),
    ("io.k8s.api.core.v1.ServicePort", "protocol", &["TCP", "UDP", "SCTP"]),
    ("io.k8s.api.core.v1.ServiceSpec", "externalTrafficPolicy", &["Cluster", "Local"]),
    ("io.k8s.api.core.v1.ServiceSpec", "internalTrafficPolicy", &["Cluster", "Local"]),
    (
        "io.k8s.api.core.v1.ServiceSpec",
        "ipFamilyPolicy",
        &["PreferDualStack", "RequireDualStack", "SingleStack"],
    ),
    ("io.k8s.api.core.v1.ServiceSpec", "sessionAffinity", &["ClientIP", "None"]),
    ("io.k8s.api.core.v1.ServiceSpec", "type", &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]),
    ("io.k8s.api.core.v1.Taint", "effect", &["NoExecute", "NoSchedule", "PreferNoSchedule"]),
    ("io.k8s.api.core.v1.Toleration", "effect", &["", "NoExecute", "NoSchedule", "PreferNoSchedule"]),
    ("io.k8s.api.core.v1.Toleration", "operator", &["", "Equal", "Exists", "Gt", "Lt"]),
    (
        "io.k8s.api.core.v1.TopologySpreadConstraint",
        "whenUnsatisfiable",
        &["DoNotSchedule", "ScheduleAnyway"],
    ),
    ("io.k8s.api.apps.v1.DaemonSetUpdateStrategy", "type", &["OnDelete", "RollingUpdate"]),
    ("io.k8s.api.apps.v1.DeploymentStrategy", "type", &["Recreate", "RollingUpdate"]),
    ("io.k8s.api.apps.v1.StatefulSetSpec", "podManagementPolicy", &["OrderedReady", "Parallel"]),
    ("io.k8s.api.apps.v1.StatefulSetUpdateStrategy", "type", &["OnDelete", "RollingUpdate"]),
    ("io.k8s.api.batch.v1.CronJobSpec", "concurrencyPolicy", &["Allow", "Forbid", "Replace"]),
    ("io.k8s.api.batch.v1.JobSpec", "completionMode", &["Indexed", "NonIndexed"]),
    ("io.k8s.api.networking.v1.HTTPIngressPath", "pathType", &["Exact", "ImplementationSpecific", "Prefix"]),
    ("io.k8s.api.networking.v1.NetworkPolicyPort", "protocol", &["TCP", "UDP", "SCTP"]),
    ("io.k8s.api.rbac.v1.RoleRef", "apiGroup", &["rbac.authorization.k8s.io"]),
    ("io.k8s.api.rbac.v1.RoleRef", "kind", &["ClusterRole", "Role"]),
    ("io.k8s.api.rbac.v1.Subject", "kind", &["Group", "ServiceAccount", "User"]),
    ("io.k8s.api.rbac.v1.Subject", "apiGroup", &["", "rbac.authorization.k8s.io"]),
    (
        "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement",
        "operator",
        &["DoesNotExist", "Exists", "In", "NotIn"],
    ),
    ("StorageClass", "reclaimPolicy", &["Delete", "Recycle", "Retain"]),
    ("StorageClass", "volumeBindingMode", &["Immediate", "WaitForFirstConsumer"]),
    ("PriorityClass", "preemptionPolicy", &["Never", "PreemptLowerPriority"]),
];

/// Lists of words, in the entries.
const LIST_WORDS: &[(&str, &str, &[&str])] = &[
    (
        "io.k8s.api.core.v1.PersistentVolumeClaimSpec",
        "accessModes",
        &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"],
    ),
    ("io.k8s.api.networking.v1.NetworkPolicySpec", "policyTypes", &["Egress", "Ingress"]),
    ("io.k8s.api.core.v1.ServiceSpec", "ipFamilies", &["IPv4", "IPv6"]),
];

/// Lists whose entries are told apart by a key, and mappings whose keys have one form.
const LIST_KEYS: &[(&str, &str, &[&str])] = &[
    ("io.k8s.api.core.v1.PodSpec", "containers", &["name"]),
    ("io.k8s.api.core.v1.PodSpec", "initContainers", &["name"]),
    ("io.k8s.api.core.v1.PodSpec", "volumes", &["name"]),
    ("io.k8s.api.core.v1.Container", "volumeMounts", &["mountPath"]),
    ("io.k8s.api.core.v1.ServiceSpec", "ports", &["port", "protocol"]),
];

/// Adds what the published schema of a kind lacks.
fn refine(group: &str, kind: &str, schema: &mut Value) {
    for (owner, field, words) in WORDS {
        if let Some(field) = property(schema, kind, owner, field) {
            field["enum"] = json!(words);
        }
    }
    for (owner, field, words) in LIST_WORDS {
        if let Some(items) = property(schema, kind, owner, field).and_then(|field| field.get_mut("items")) {
            items["enum"] = json!(words);
        }
    }
    for (owner, field, keys) in LIST_KEYS {
        if let Some(field) = property(schema, kind, owner, field) {
            field["x-kubernetes-list-type"] = json!("map");
            field["x-kubernetes-list-map-keys"] = json!(keys);
        }
    }
    if let Some(quantity) = schema.pointer_mut("/$defs/io.k8s.apimachinery.pkg.api.resource.Quantity") {
        *quantity = json!({"format": QUANTITY});
    }
    // Raw extensions of any type are what they say; `JSON` of CRDs takes more than mappings.
    if let Some(json) =
        schema.pointer_mut("/$defs/io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON")
        && let Some(json) = json.as_object_mut()
    {
        json.remove("type");
    }
    if group == "storage.k8s.io" && kind == "StorageClass" {
        schema["properties"]["provisioner"]["minLength"] = json!(1);
    }
}

fn property<'schema>(
    schema: &'schema mut Value,
    kind: &str,
    owner: &str,
    field: &str,
) -> Option<&'schema mut Value> {
    let owner = if owner == kind { schema } else { schema.get_mut("$defs")?.get_mut(owner)? };
    owner.get_mut("properties")?.get_mut(field)
}
