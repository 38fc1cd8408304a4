//! The Talos providers: control plane, bootstrap configuration, and the machine configuration in its patches.

use crate::finding::codes;

use super::{
    Context, Kind, Rule, Violation,
    set::{BOOTSTRAP, CONTROL_PLANE},
    version,
};

pub(super) mod config;
mod control_plane;
pub(super) mod dialect;
mod keys;
mod patches;
mod spec;
mod upgrade;
mod values;

const TALOS_CONTROL_PLANE: Kind = Kind::new(CONTROL_PLANE, "TalosControlPlane");
const TALOS_CONFIG: Kind = Kind::new(BOOTSTRAP, "TalosConfig");
const TALOS_CONFIG_TEMPLATE: Kind = Kind::new(BOOTSTRAP, "TalosConfigTemplate");

/// Everything with a machine configuration in it.
const WITH_CONFIG: &[Kind] = &[
    TALOS_CONTROL_PLANE,
    TALOS_CONFIG,
    TALOS_CONFIG_TEMPLATE,
    Kind::new(CONTROL_PLANE, "TalosControlPlaneTemplate"),
];

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "talos/control-plane-config",
        code: &codes::TALOS_CONTROL_PLANE,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "A TalosControlPlane carries the configuration of its machines in `controlPlaneConfig.controlplane`; \
                  `init` beside it is deprecated and gone in the community line.",
        source: "siderolabs/cluster-api-control-plane-provider-talos api/v1alpha3/taloscontrolplane_types.go",
        check: control_plane::config,
    },
    Rule {
        name: "talos/infrastructure-template",
        code: &codes::REFERENCE_FORM,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "`infrastructureTemplate` is an object reference with `apiVersion`, to a kind that ends in `Template`, in \
                  the same namespace; the `v1beta1` version has `machineTemplate.spec.infrastructureRef` instead.",
        source: "siderolabs/cluster-api-control-plane-provider-talos \
                 controllers/taloscontrolplane_controller.go",
        check: control_plane::infrastructure_template,
    },
    Rule {
        name: "talos/control-plane-replicas",
        code: &codes::TALOS_CONTROL_PLANE,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "A control plane has at least one machine, and an odd number of them: etcd with an even number survives \
                  no more failures than with one less.",
        source: "siderolabs/cluster-api-control-plane-provider-talos controllers/scale.go",
        check: control_plane::replicas,
    },
    Rule {
        name: "talos/rollout-strategy",
        code: &codes::ROLLOUT,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "The strategy is `RollingUpdate` or `OnDelete`; `maxSurge` is 0 or 1, and with a single machine it must \
                  be 1, because the last machine is never deleted first.",
        source: "siderolabs/cluster-api-control-plane-provider-talos api/v1alpha3/taloscontrolplane_webhook.go, \
                 controllers/upgrade.go, controllers/scale.go",
        check: control_plane::rollout_strategy,
    },
    Rule {
        name: "talos/control-plane-version",
        code: &codes::VERSION_FORM,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "`spec.version` is the full Kubernetes version with a leading `v`; the webhook adds a \
                  missing `v`.",
        source: "siderolabs/cluster-api-control-plane-provider-talos api/v1alpha3/taloscontrolplane_webhook.go, \
                 api/v1alpha3/taloscontrolplane_types.go",
        check: control_plane::version,
    },
    Rule {
        name: "talos/kubernetes-step",
        code: &codes::KUBERNETES_STEP,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "The Kubernetes version of a control plane goes up by one minor version at most, and never down. The webhook \
                  of TalosControlPlane lets everything through; those of topologies and of kubeadm's control plane do not.",
        source: "kubernetes-sigs/cluster-api core/webhooks/admission/cluster.go (validateTopologyVersionUpdate); \
                 kubernetes/website content/en/releases/version-skew-policy.md",
        check: upgrade::kubernetes,
    },
    Rule {
        name: "talos/talos-step",
        code: &codes::TALOS_STEP,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "Talos goes up one minor version at a time and does not go down.",
        source: "siderolabs/docs public/talos/v1.13/configure-your-talos-cluster/lifecycle-management/upgrading-talos.mdx",
        check: upgrade::talos,
    },
    Rule {
        name: "talos/health-probe",
        code: &codes::NO_HEALTHY_ENDPOINT,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "Behind a load balancer that asks `/readyz` over HTTPS (always on Azure and GCP), Talos up to 1.13 must \
                  allow anonymous requests.",
        source: "kubernetes-sigs/cluster-api-provider-azure azure/services/loadbalancers/spec.go; \
                 kubernetes-sigs/cluster-api-provider-gcp cloud/scope/cluster.go; \
                 siderolabs/talos internal/app/machined/pkg/controllers/k8s/control_plane_static_pod.go (v1.13.9)",
        check: control_plane::health_probe,
    },
    Rule {
        name: "talos/config-changed",
        code: &codes::TEMPLATE_CHANGED,
        kinds: &[TALOS_CONFIG, TALOS_CONFIG_TEMPLATE],
        meaning: "The spec of a TalosConfig or TalosConfigTemplate is immutable from `v1beta1` on; before, a change is \
                  taken but reaches only machines that are made later.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos api/v1beta1/talosconfigtemplate_webhook.go",
        check: spec::changed,
    },
    Rule {
        name: "talos/generate-type",
        code: &codes::TALOS_TYPE,
        kinds: WITH_CONFIG,
        meaning: "`generateType` is `controlplane`, `worker` or `none`, and fits the machines that use \
                  the configuration.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos controllers/talosconfig_controller.go; \
                 siderolabs/talos pkg/machinery/config/machine/machine.go",
        check: spec::generate_type,
    },
    Rule {
        name: "talos/talos-version",
        code: &codes::TALOS_VERSION,
        kinds: WITH_CONFIG,
        meaning: "`talosVersion` names at least major and minor; without it an upgrade of the provider \
                  changes what is generated.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos controllers/talosconfig_controller.go; \
                 siderolabs/talos pkg/machinery/config/contract.go",
        check: spec::version,
    },
    Rule {
        name: "talos/json-patches",
        code: &codes::TALOS_JSON_PATCH,
        kinds: WITH_CONFIG,
        meaning: "JSON patches only work on a configuration of one document, so not from Talos 1.12 on.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos README.md",
        check: patches::json_patches,
    },
    Rule {
        name: "talos/config-data",
        code: &codes::DO_NOT_COMBINE,
        kinds: WITH_CONFIG,
        meaning: "`data` is the whole configuration for `generateType: none`, and is ignored with any \
                  other type.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos controllers/talosconfig_controller.go",
        check: spec::data,
    },
    Rule {
        name: "talos/hostname-source",
        code: &codes::REFUSED_VALUE,
        kinds: WITH_CONFIG,
        meaning: "`hostname.source` is `MachineName` or `InfrastructureName`.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos api/v1beta1/talosconfig_webhook.go",
        check: spec::hostname_source,
    },
    Rule {
        name: "talos/patch-syntax",
        code: &codes::TALOS_PATCH_SYNTAX,
        kinds: WITH_CONFIG,
        meaning: "Each strategic patch is YAML that Talos can load: mappings, each kind and name once.",
        source: "siderolabs/talos pkg/machinery/config/configloader/internal/decoder/decoder.go",
        check: patches::syntax,
    },
    Rule {
        name: "talos/patch-dialect",
        code: &codes::TALOS_PATCH_DIALECT,
        kinds: WITH_CONFIG,
        meaning: "The documents and fields of a patch are those of the `talosVersion` that it is for.",
        source: "siderolabs/talos pkg/machinery/config/types (registered kinds, and each \
                 V1Alpha1ConflictValidate)",
        check: patches::in_dialect,
    },
    Rule {
        name: "talos/patch-key",
        code: &codes::TALOS_PATCH_KEY,
        kinds: WITH_CONFIG,
        meaning: "A patch has no key that Talos does not know at that place.",
        source: "siderolabs/talos pkg/machinery/config/configloader/internal/decoder/decoder.go (unknown keys), \
                 pkg/machinery/config/types (the keys)",
        check: patches::known_keys,
    },
    Rule {
        name: "talos/patch-role",
        code: &codes::TALOS_PATCH_ROLE,
        kinds: WITH_CONFIG,
        meaning: "What only control planes may have is not given to workers: etcd, a shared IP, the documents of \
                  control-plane components, Talos API access from Kubernetes.",
        source: "siderolabs/talos pkg/machinery/config/container/validate.go, \
                 pkg/machinery/config/types/v1alpha1/v1alpha1_validation.go",
        check: patches::role,
    },
    Rule {
        name: "talos/patch-value",
        code: &codes::TALOS_PATCH_VALUE,
        kinds: WITH_CONFIG,
        meaning: "The values of a patch are ones that Talos accepts when it validates its configuration.",
        source: "siderolabs/talos pkg/machinery/config/types/v1alpha1/v1alpha1_validation.go, \
                 pkg/machinery/config/types/network/{hostname,layer2_vip}.go, pkg/machinery/config/types/k8s/apiserver.go",
        check: values::check,
    },
    Rule {
        name: "talos/patch-owned",
        code: &codes::TALOS_PATCH_OWNED,
        kinds: WITH_CONFIG,
        meaning: "Pod and service networks, DNS domain, cluster name and endpoint come from the Cluster \
                  object and are not patched.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos controllers/talosconfig_controller.go",
        check: patches::owned,
    },
];

/// A Kubernetes version at a path: semantic, with a leading `v`.
pub(super) fn version_form(context: &Context<'_>, path: &str) -> Vec<Violation> {
    let Some(text) = context.object.text(path) else { return Vec::new() };
    if !version::is_semantic(text.strip_prefix('v').unwrap_or(text)) {
        return vec![
            context
                .error(path, format!("`{text}` is not a full Kubernetes version"))
                .hint("give major, minor and patch, such as `v1.36.2`"),
        ];
    }
    if text.starts_with('v') {
        return Vec::new();
    }
    vec![
        context
            .warning(
                path,
                format!(
                    "`{text}` has no leading `v`, which the webhook adds, so that the live object differs"
                ),
            )
            .hint(format!("write `v{text}`")),
    ]
}
