//! The fields that refer to other objects. Adding a kind is adding rows.

use std::{collections::HashMap, sync::LazyLock};

use crate::admission::{
    Object,
    rules::{
        Kind,
        set::{BOOTSTRAP, CONTROL_PLANE, CORE, INFRASTRUCTURE},
    },
};

/// A field of a kind that refers to another object.
#[derive(Debug, Clone, Copy)]
pub struct Reference {
    /// The kind that refers.
    pub kind: Kind,
    /// The field; `[]` stands for each entry of a list.
    pub path: &'static str,
    /// How the reference is written.
    pub form: Form,
    /// In which namespace it looks.
    pub home: Home,
    /// A field that switches this one off when it is set.
    pub unless: Option<&'static str>,
    /// For Secrets and ConfigMaps: the field that names a key, and the keys without it.
    pub key: Option<(&'static str, &'static [&'static str])>,
}

/// How a reference is written.
#[derive(Debug, Clone, Copy)]
pub enum Form {
    /// With `kind` and `name`, and `apiGroup` or `apiVersion`.
    Typed {
        /// The group if the reference does not say it.
        group: &'static str,
        /// What kinds fit.
        shape: Shape,
        /// Only references to these kinds are looked at; empty means all.
        only: &'static [&'static str],
    },
    /// With `name` and perhaps `namespace`.
    Named {
        /// The group.
        group: &'static str,
        /// The kind.
        kind: &'static str,
    },
    /// The name alone.
    Name {
        /// The group.
        group: &'static str,
        /// The kind.
        kind: &'static str,
    },
}

/// What kinds fit a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Any.
    Any,
    /// Kinds from which others are cloned.
    Template,
    /// Kinds that are not templates.
    Plain,
    /// One of these.
    OneOf(&'static [&'static str]),
}

impl Shape {
    /// Whether a kind fits.
    #[must_use]
    pub fn fits(self, kind: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Template => kind.ends_with("Template"),
            Self::Plain => !kind.ends_with("Template"),
            Self::OneOf(kinds) => kinds.contains(&kind),
        }
    }

    pub(super) fn advice(self, kind: &str) -> String {
        match self {
            Self::Any => "correct the kind".to_owned(),
            Self::Template => format!("machines are cloned from a template, such as {kind}Template"),
            Self::Plain => format!("`{kind}` is a template; refer to what stands for one cluster or machine"),
            Self::OneOf(kinds) => format!("it takes {}", crate::finding::suggest::list(kinds, "or")),
        }
    }
}

/// In which namespace a reference looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Only in that of the referring object.
    Own,
    /// In that of its field `namespace`, else in its own.
    Given,
    /// In that of the controller, which is usually this one.
    Controller(&'static str),
}

/// Kinds without a namespace.
pub(super) const CLUSTER_SCOPED: &[&str] = &[
    "AWSClusterControllerIdentity",
    "AWSClusterRoleIdentity",
    "AWSClusterStaticIdentity",
    "GlobalInClusterIPPool",
    "ClusterIssuer",
    "ClusterSecretStore",
    "GatewayClass",
    "StorageClass",
];

/// All fields that refer to other objects.
#[must_use]
pub fn fields() -> &'static [Reference] {
    FIELDS
}

/// The fields of an object's kind.
pub(super) fn of(object: &Object) -> impl Iterator<Item = &'static Reference> {
    BY_KIND.get(&(object.group(), &*object.id.kind)).into_iter().flatten().copied()
}

static BY_KIND: LazyLock<HashMap<(&'static str, &'static str), Vec<&'static Reference>>> =
    LazyLock::new(|| {
        let mut table: HashMap<_, Vec<_>> = HashMap::new();
        for row in FIELDS {
            table.entry((row.kind.group, row.kind.kind)).or_default().push(row);
        }
        table
    });

const FLUX_KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
const FLUX_HELM: &str = "helm.toolkit.fluxcd.io";
const FLUX_SOURCE: &str = "source.toolkit.fluxcd.io";
const IPAM: &str = "ipam.cluster.x-k8s.io";
const OPERATOR: &str = "operator.cluster.x-k8s.io";
const ISSUERS: &[&str] = &["Issuer", "ClusterIssuer"];

const fn row(
    group: &'static str,
    kind: &'static str,
    path: &'static str,
    form: Form,
    home: Home,
) -> Reference {
    Reference { kind: Kind { group, kind }, path, form, home, unless: None, key: None }
}

const fn typed(group: &'static str, shape: Shape) -> Form {
    Form::Typed { group, shape, only: &[] }
}

const fn named(group: &'static str, kind: &'static str) -> Form {
    Form::Named { group, kind }
}

const fn secret() -> Form {
    named("", "Secret")
}

impl Reference {
    const fn with_key(mut self, field: &'static str, defaults: &'static [&'static str]) -> Self {
        self.key = Some((field, defaults));
        self
    }

    const fn unless(mut self, path: &'static str) -> Self {
        self.unless = Some(path);
        self
    }
}

const DATA: Form = typed("", Shape::OneOf(&["Secret", "ConfigMap"]));
const KUBECONFIG_KEYS: &[&str] = &["value", "value.yaml"];
const VALUES_KEYS: &[&str] = &["values.yaml"];

use Home::{Controller, Given, Own};

static FIELDS: &[Reference] = &[
    // Cluster API core
    row(CORE, "Cluster", "spec.controlPlaneRef", typed(CONTROL_PLANE, Shape::Plain), Own),
    row(CORE, "Cluster", "spec.infrastructureRef", typed(INFRASTRUCTURE, Shape::Plain), Own),
    row(CORE, "Cluster", "spec.topology.classRef", named(CORE, "ClusterClass"), Given),
    row(CORE, "MachineDeployment", "spec.clusterName", Form::Name { group: CORE, kind: "Cluster" }, Own),
    row(
        CORE,
        "MachineDeployment",
        "spec.template.spec.bootstrap.configRef",
        typed(BOOTSTRAP, Shape::Template),
        Own,
    ),
    row(
        CORE,
        "MachineDeployment",
        "spec.template.spec.infrastructureRef",
        typed(INFRASTRUCTURE, Shape::Template),
        Own,
    ),
    row(
        CORE,
        "MachineDeployment",
        "spec.template.spec.bootstrap.dataSecretName",
        Form::Name { group: "", kind: "Secret" },
        Own,
    ),
    row(CORE, "MachineSet", "spec.clusterName", Form::Name { group: CORE, kind: "Cluster" }, Own),
    row(CORE, "MachineSet", "spec.template.spec.bootstrap.configRef", typed(BOOTSTRAP, Shape::Template), Own),
    row(
        CORE,
        "MachineSet",
        "spec.template.spec.infrastructureRef",
        typed(INFRASTRUCTURE, Shape::Template),
        Own,
    ),
    row(CORE, "MachinePool", "spec.clusterName", Form::Name { group: CORE, kind: "Cluster" }, Own),
    row(CORE, "MachinePool", "spec.template.spec.bootstrap.configRef", typed(BOOTSTRAP, Shape::Plain), Own),
    row(
        CORE,
        "MachinePool",
        "spec.template.spec.infrastructureRef",
        typed(INFRASTRUCTURE, Shape::Plain),
        Own,
    ),
    row(CORE, "Machine", "spec.clusterName", Form::Name { group: CORE, kind: "Cluster" }, Own),
    row(CORE, "Machine", "spec.bootstrap.configRef", typed(BOOTSTRAP, Shape::Plain), Own),
    row(CORE, "Machine", "spec.infrastructureRef", typed(INFRASTRUCTURE, Shape::Plain), Own),
    row(CORE, "MachineHealthCheck", "spec.clusterName", Form::Name { group: CORE, kind: "Cluster" }, Own),
    row(
        CORE,
        "MachineHealthCheck",
        "spec.remediation.templateRef",
        typed(INFRASTRUCTURE, Shape::Template),
        Own,
    ),
    row("addons.cluster.x-k8s.io", "ClusterResourceSet", "spec.resources[]", DATA, Own),
    row(IPAM, "IPAddressClaim", "spec.poolRef", typed(IPAM, Shape::Any), Own),
    row(IPAM, "IPAddressClaim", "spec.clusterName", Form::Name { group: CORE, kind: "Cluster" }, Own),
    // Talos
    row(
        CONTROL_PLANE,
        "TalosControlPlane",
        "spec.infrastructureTemplate",
        typed(INFRASTRUCTURE, Shape::Any),
        Own,
    ),
    row(
        CONTROL_PLANE,
        "TalosControlPlane",
        "spec.machineTemplate.spec.infrastructureRef",
        typed(INFRASTRUCTURE, Shape::Template),
        Own,
    ),
    // Infrastructure
    row(INFRASTRUCTURE, "AWSCluster", "spec.identityRef", typed(INFRASTRUCTURE, Shape::Any), Own),
    row(
        INFRASTRUCTURE,
        "AWSClusterRoleIdentity",
        "spec.sourceIdentityRef",
        typed(INFRASTRUCTURE, Shape::Any),
        Own,
    ),
    row(
        INFRASTRUCTURE,
        "AWSClusterStaticIdentity",
        "spec.secretRef",
        Form::Name { group: "", kind: "Secret" },
        Controller("capa-system"),
    ),
    row(INFRASTRUCTURE, "AzureCluster", "spec.identityRef", typed(INFRASTRUCTURE, Shape::Any), Given),
    row(INFRASTRUCTURE, "AzureClusterIdentity", "spec.clientSecret", secret(), Given),
    row(INFRASTRUCTURE, "GCPCluster", "spec.credentialsRef", secret(), Given),
    row(INFRASTRUCTURE, "ProxmoxCluster", "spec.credentialsRef", secret(), Given),
    row(
        INFRASTRUCTURE,
        "ProxmoxMachineTemplate",
        "spec.template.spec.network.networkDevices[].ipPoolRef[]",
        typed(IPAM, Shape::OneOf(&["InClusterIPPool", "GlobalInClusterIPPool"])),
        Own,
    ),
    row(
        INFRASTRUCTURE,
        "ProxmoxMachine",
        "spec.network.networkDevices[].ipPoolRef[]",
        typed(IPAM, Shape::OneOf(&["InClusterIPPool", "GlobalInClusterIPPool"])),
        Own,
    ),
    // Flux: Kustomization
    row(FLUX_KUSTOMIZE, "Kustomization", "spec.sourceRef", typed(FLUX_SOURCE, Shape::Any), Given),
    row(FLUX_KUSTOMIZE, "Kustomization", "spec.dependsOn[]", named(FLUX_KUSTOMIZE, "Kustomization"), Given),
    row(FLUX_KUSTOMIZE, "Kustomization", "spec.kubeConfig.secretRef", secret(), Own)
        .with_key("key", KUBECONFIG_KEYS),
    row(FLUX_KUSTOMIZE, "Kustomization", "spec.kubeConfig.configMapRef", named("", "ConfigMap"), Own),
    row(FLUX_KUSTOMIZE, "Kustomization", "spec.decryption.secretRef", secret(), Own),
    row(FLUX_KUSTOMIZE, "Kustomization", "spec.postBuild.substituteFrom[]", DATA, Own),
    // Other kinds may be made by what the Kustomization applies.
    row(
        FLUX_KUSTOMIZE,
        "Kustomization",
        "spec.healthChecks[]",
        Form::Typed { group: FLUX_HELM, shape: Shape::Any, only: &["HelmRelease"] },
        Given,
    )
    .unless("spec.kubeConfig"),
    row(
        FLUX_KUSTOMIZE,
        "Kustomization",
        "spec.healthChecks[]",
        Form::Typed { group: FLUX_KUSTOMIZE, shape: Shape::Any, only: &["Kustomization"] },
        Given,
    )
    .unless("spec.kubeConfig"),
    // Flux: HelmRelease
    row(FLUX_HELM, "HelmRelease", "spec.chartRef", typed(FLUX_SOURCE, Shape::Any), Given),
    row(FLUX_HELM, "HelmRelease", "spec.chart.spec.sourceRef", typed(FLUX_SOURCE, Shape::Any), Given),
    row(FLUX_HELM, "HelmRelease", "spec.dependsOn[]", named(FLUX_HELM, "HelmRelease"), Given),
    row(FLUX_HELM, "HelmRelease", "spec.kubeConfig.secretRef", secret(), Own)
        .with_key("key", KUBECONFIG_KEYS),
    row(FLUX_HELM, "HelmRelease", "spec.kubeConfig.configMapRef", named("", "ConfigMap"), Own),
    row(FLUX_HELM, "HelmRelease", "spec.valuesFrom[]", DATA, Own).with_key("valuesKey", VALUES_KEYS),
    // Flux: sources
    row(FLUX_SOURCE, "GitRepository", "spec.secretRef", secret(), Own),
    row(FLUX_SOURCE, "GitRepository", "spec.proxySecretRef", secret(), Own),
    row(FLUX_SOURCE, "GitRepository", "spec.verify.secretRef", secret(), Own),
    row(FLUX_SOURCE, "OCIRepository", "spec.secretRef", secret(), Own),
    row(FLUX_SOURCE, "OCIRepository", "spec.certSecretRef", secret(), Own),
    row(FLUX_SOURCE, "OCIRepository", "spec.proxySecretRef", secret(), Own),
    row(FLUX_SOURCE, "OCIRepository", "spec.verify.secretRef", secret(), Own),
    row(FLUX_SOURCE, "HelmRepository", "spec.secretRef", secret(), Own),
    row(FLUX_SOURCE, "HelmRepository", "spec.certSecretRef", secret(), Own),
    row(FLUX_SOURCE, "Bucket", "spec.secretRef", secret(), Own),
    row(FLUX_SOURCE, "Bucket", "spec.certSecretRef", secret(), Own),
    row(FLUX_SOURCE, "Bucket", "spec.proxySecretRef", secret(), Own),
    row(FLUX_SOURCE, "HelmChart", "spec.sourceRef", typed(FLUX_SOURCE, Shape::Any), Own),
    // The Cluster API operator
    row(OPERATOR, "CoreProvider", "spec.configSecret", secret(), Given),
    row(OPERATOR, "BootstrapProvider", "spec.configSecret", secret(), Given),
    row(OPERATOR, "ControlPlaneProvider", "spec.configSecret", secret(), Given),
    row(OPERATOR, "InfrastructureProvider", "spec.configSecret", secret(), Given),
    row(OPERATOR, "IPAMProvider", "spec.configSecret", secret(), Given),
    row(OPERATOR, "AddonProvider", "spec.configSecret", secret(), Given),
    // cert-manager
    row(
        "cert-manager.io",
        "Certificate",
        "spec.issuerRef",
        typed("cert-manager.io", Shape::OneOf(ISSUERS)),
        Own,
    ),
];
