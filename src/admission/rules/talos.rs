//! The Talos providers: control plane, bootstrap configuration, and the machine configuration in its patches.

use serde_json::Value;

use crate::finding::{codes, suggest};

use super::{
    Context, Kind, Rule, Violation, field,
    set::{BOOTSTRAP, CONTROL_PLANE, INFRASTRUCTURE},
    version::{self, Minor},
};

pub(super) mod config;
pub(super) mod dialect;
mod keys;
mod patches;

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
        check: control_plane_config,
    },
    Rule {
        name: "talos/infrastructure-template",
        code: &codes::REFERENCE_FORM,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "`infrastructureTemplate` is an object reference with `apiVersion`, to a kind that ends in `Template`, in \
                  the same namespace; the `v1beta1` version has `machineTemplate.spec.infrastructureRef` instead.",
        source: "siderolabs/cluster-api-control-plane-provider-talos controllers/taloscontrolplane_controller.go",
        check: infrastructure_template,
    },
    Rule {
        name: "talos/control-plane-replicas",
        code: &codes::TALOS_CONTROL_PLANE,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "A control plane has at least one machine, and an odd number of them: etcd with an even number survives \
                  no more failures than with one less.",
        source: "siderolabs/cluster-api-control-plane-provider-talos controllers/scale.go",
        check: control_plane_replicas,
    },
    Rule {
        name: "talos/rollout-strategy",
        code: &codes::ROLLOUT,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "The strategy is `RollingUpdate` or `OnDelete`; `maxSurge` is 0 or 1, and with a single machine it must \
                  be 1, because the last machine is never deleted first.",
        source: "siderolabs/cluster-api-control-plane-provider-talos api/v1alpha3/taloscontrolplane_webhook.go, \
                 controllers/upgrade.go, controllers/scale.go",
        check: rollout_strategy,
    },
    Rule {
        name: "talos/control-plane-version",
        code: &codes::VERSION_FORM,
        kinds: &[TALOS_CONTROL_PLANE],
        meaning: "`spec.version` is the full Kubernetes version with a leading `v`; the webhook adds a missing `v`.",
        source: "siderolabs/cluster-api-control-plane-provider-talos api/v1alpha3/taloscontrolplane_webhook.go, \
                 api/v1alpha3/taloscontrolplane_types.go",
        check: control_plane_version,
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
        check: health_probe,
    },
    Rule {
        name: "talos/config-changed",
        code: &codes::TEMPLATE_CHANGED,
        kinds: &[TALOS_CONFIG, TALOS_CONFIG_TEMPLATE],
        meaning: "The spec of a TalosConfig or TalosConfigTemplate is immutable from `v1beta1` on; before, a change is \
                  taken but reaches only machines that are made later.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos api/v1beta1/talosconfigtemplate_webhook.go",
        check: config_changed,
    },
    Rule {
        name: "talos/generate-type",
        code: &codes::TALOS_TYPE,
        kinds: WITH_CONFIG,
        meaning: "`generateType` is `controlplane`, `worker` or `none`, and fits the machines that use the configuration.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos controllers/talosconfig_controller.go; \
                 siderolabs/talos pkg/machinery/config/machine/machine.go",
        check: generate_type,
    },
    Rule {
        name: "talos/talos-version",
        code: &codes::TALOS_VERSION,
        kinds: WITH_CONFIG,
        meaning: "`talosVersion` names at least major and minor; without it an upgrade of the provider changes what is generated.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos controllers/talosconfig_controller.go; \
                 siderolabs/talos pkg/machinery/config/contract.go",
        check: talos_version,
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
        meaning: "`data` is the whole configuration for `generateType: none`, and is ignored with any other type.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos controllers/talosconfig_controller.go",
        check: config_data,
    },
    Rule {
        name: "talos/hostname-source",
        code: &codes::REFUSED_VALUE,
        kinds: WITH_CONFIG,
        meaning: "`hostname.source` is `MachineName` or `InfrastructureName`.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos api/v1beta1/talosconfig_webhook.go",
        check: hostname_source,
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
        source: "siderolabs/talos pkg/machinery/config/types (registered kinds, and each V1Alpha1ConflictValidate)",
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
        check: patches::values,
    },
    Rule {
        name: "talos/patch-owned",
        code: &codes::TALOS_PATCH_OWNED,
        kinds: WITH_CONFIG,
        meaning: "Pod and service networks, DNS domain, cluster name and endpoint come from the Cluster object and are not patched.",
        source: "siderolabs/cluster-api-bootstrap-provider-talos controllers/talosconfig_controller.go",
        check: patches::owned,
    },
];

fn control_plane_config(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = "spec.controlPlaneConfig.controlplane";
    let mut found = Vec::new();
    if object.at(path).is_none() {
        found.push(
            context.error(path, format!("TalosControlPlane `{}` has no configuration for its machines", object.id.name)).hint(
                "add `controlPlaneConfig: {controlplane: {generateType: controlplane, talosVersion: ...}}`; every \
                 version of the kind asks for it",
            ),
        );
    }
    if object.at("spec.controlPlaneConfig.init").is_some() {
        found.push(
            context
                .warning(
                    "spec.controlPlaneConfig.init",
                    "`init` is deprecated and no longer there in newer providers",
                )
                .hint("remove it; `controlplane` alone bootstraps a cluster"),
        );
    }
    found
}

fn infrastructure_template(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let (path, wanted): (&str, &[&str]) = if object.version() == "v1beta1" {
        ("spec.machineTemplate.spec.infrastructureRef", &["apiGroup", "kind", "name"])
    } else {
        ("spec.infrastructureTemplate", &["apiVersion", "kind", "name"])
    };
    let Some(reference) = object.at(path) else {
        return vec![
            context
                .error(
                    path,
                    format!(
                        "TalosControlPlane `{}` does not say what its machines are made from",
                        object.id.name
                    ),
                )
                .hint(format!("give the machine template there, as {}", suggest::list(wanted, "and"))),
        ];
    };
    for key in wanted {
        if field::text(reference, key).is_none() {
            found.push(
                context
                    .error(
                        format!("{path}.{key}").as_str(),
                        format!("the reference to the machine template lacks `{key}`"),
                    )
                    .hint(format!("this field takes {}", suggest::list(wanted, "and"))),
            );
        }
    }
    if let Some(kind) = field::text(reference, "kind")
        && !kind.ends_with("Template")
    {
        found.push(
            context
                .error(format!("{path}.kind").as_str(), format!("`{kind}` is not a kind of machine template"))
                .hint(format!(
                    "machines are cloned from a template, such as `{}Template`",
                    kind.trim_end_matches("Template")
                )),
        );
    }
    if let (Some(namespace), Some(own)) =
        (field::text(reference, "namespace"), object.id.namespace.as_deref())
        && namespace != own
    {
        found.push(
            context
                .error(
                    format!("{path}.namespace").as_str(),
                    format!("the machine template is looked for in namespace `{namespace}`, the control plane is in `{own}`"),
                )
                .hint("leave `namespace` out; the template must be in the control plane's namespace"),
        );
    }
    found
}

fn control_plane_replicas(context: &Context<'_>) -> Vec<Violation> {
    match field::integer(&context.object.value, "spec.replicas") {
        Some(replicas) if replicas < 1 => vec![
            context
                .error("spec.replicas", format!("a control plane with {replicas} machines cannot exist"))
                .hint("use 1, 3 or 5; a cluster is switched off by deleting it"),
        ],
        Some(replicas) if replicas % 2 == 0 => vec![
            context
                .warning(
                    "spec.replicas",
                    format!("{replicas} control planes survive no more failures than {}", replicas - 1),
                )
                .hint(format!("use {} or {}", replicas - 1, replicas + 1)),
        ],
        _ => Vec::new(),
    }
}

fn rollout_strategy(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let kind = object.text("spec.rolloutStrategy.type").unwrap_or_default();
    if !["", "RollingUpdate", "OnDelete"].contains(&kind) {
        let near = suggest::hint(kind, ["RollingUpdate", "OnDelete"]);
        let violation =
            context.error("spec.rolloutStrategy.type", format!("`{kind}` is not a rollout strategy"));
        found.push(match near {
            Some(near) => violation.hint(near),
            None => violation,
        });
    }
    let path = "spec.rolloutStrategy.rollingUpdate.maxSurge";
    let Some(surge) = object.at(path) else { return found };
    let number = surge.as_i64().or_else(|| surge.as_str()?.parse().ok());
    if !matches!(number, Some(0 | 1)) {
        found.push(
            context
                .error(
                    path,
                    format!("`maxSurge` of a control plane is 0 or 1, not {}", field::show(Some(surge))),
                )
                .hint("use 1: a new machine joins before an old one leaves"),
        );
    } else if number == Some(0) && object.at("spec.replicas").and_then(Value::as_i64).unwrap_or(1) == 1 {
        found.push(
            context
                .error(path, "with one control plane and `maxSurge: 0` a rollout never starts, the last machine is not deleted")
                .hint("use `maxSurge: 1`"),
        );
    }
    found
}

fn control_plane_version(context: &Context<'_>) -> Vec<Violation> {
    version_form(context, "spec.version")
}

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

fn health_probe(context: &Context<'_>) -> Vec<Violation> {
    let set = context.set;
    let Some(config) = set.configs(context.object).find(|config| config.path.ends_with(".controlplane"))
    else {
        return Vec::new();
    };
    if config.answers_probes() != Some(false) {
        return Vec::new();
    }
    let probed =
        set.clusters_of(context.object).iter().filter_map(|cluster| set.infrastructure(cluster)).find(
            |object| {
                object.group() == INFRASTRUCTURE
                    && match &*object.id.kind {
                        "AzureCluster" => object.at("spec.controlPlaneEnabled") != Some(&Value::Bool(false)),
                        "GCPCluster" => true,
                        "AWSCluster" => object
                            .text("spec.controlPlaneLoadBalancer.healthCheckProtocol")
                            .is_some_and(|protocol| ["HTTPS", "HTTP"].contains(&protocol)),
                        _ => false,
                    }
            },
        );
    let Some(probed) = probed else { return Vec::new() };
    vec![
        context
            .error(
                format!("{}.strategicPatches", config.path).as_str(),
                format!("the load balancer of {} `{}` asks for `/readyz` without credentials, and Talos answers 401", probed.id.kind, probed.id.name),
            )
            .hint("add a Talos patch: `cluster: {apiServer: {extraArgs: {anonymous-auth: \"true\"}}}`; from Talos 1.14 on it is not needed"),
    ]
}

fn config_changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    if previous.value.get("spec") == context.object.value.get("spec") {
        return Vec::new();
    }
    let hint = "give the changed configuration a new name and refer to that, so that machines are replaced";
    let kind = &context.object.id.kind;
    if context.object.version() == "v1beta1" {
        return vec![context.error("spec", format!("the spec of a {kind} cannot be changed")).hint(hint)];
    }
    vec![
        context
            .warning(
                "spec",
                format!("this {kind} was changed in place: only machines that are made later get the change"),
            )
            .hint(hint),
    ]
}

fn generate_type(context: &Context<'_>) -> Vec<Violation> {
    let is_template = context.object.is(BOOTSTRAP, "TalosConfigTemplate");
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        let path = format!("{}.generateType", config.path);
        let of_control_plane = context.object.group() == CONTROL_PLANE;
        let given = field::text(config.spec, "generateType").unwrap_or_default();
        let wanted = if of_control_plane { "controlplane" } else { "worker" };
        match given {
            "none" => {}
            "controlplane" if of_control_plane || !is_template => {}
            "controlplane" => {
                if let Some(user) = worker_of(context) {
                    found.push(
                        context
                            .error(path.as_str(), format!("`controlplane` for the workers of `{user}` would make them etcd members"))
                            .hint("use `worker`; control planes get their configuration from the TalosControlPlane"),
                    );
                }
            }
            "worker" if !of_control_plane => {}
            "init" if of_control_plane && config.path.ends_with(".init") => {}
            "init" => found.push(
                context
                    .warning(
                        path.as_str(),
                        "`init` is deprecated: it starts a new etcd cluster on every machine that has it",
                    )
                    .hint(format!("use `{wanted}`")),
            ),
            "join" if !of_control_plane && context.object.version() != "v1beta1" => found.push(
                context
                    .warning(
                        path.as_str(),
                        "`join` is the old name of `worker`, which newer providers refuse",
                    )
                    .hint("use `worker`"),
            ),
            "" => found.push(
                context.error(path.as_str(), "`generateType` is missing").hint(format!("use `{wanted}`")),
            ),
            other => {
                let violation = if of_control_plane {
                    context
                        .error(path.as_str(), format!("`{other}` is not a configuration for control planes"))
                } else {
                    context.error(path.as_str(), format!("Talos has no machine type `{other}`"))
                };
                found.push(
                    violation
                        .hint(format!("use `{wanted}`, or `none` with the whole configuration in `data`")),
                );
            }
        }
    }
    found
}

/// A pool of workers that uses a TalosConfigTemplate.
fn worker_of<'set>(context: &Context<'set>) -> Option<&'set str> {
    let name = &context.object.id.name;
    context
        .set
        .objects()
        .iter()
        .filter(|object| object.id.namespace == context.object.id.namespace)
        .find(|object| {
            object.text("spec.template.spec.bootstrap.configRef.name") == Some(name)
                && object.text("spec.template.spec.bootstrap.configRef.kind") == Some("TalosConfigTemplate")
        })
        .map(|object| &*object.id.name)
}

fn talos_version(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        let path = format!("{}.talosVersion", config.path);
        let given = field::text(config.spec, "talosVersion");
        match given {
            None if field::text(config.spec, "generateType") == Some("none") => {}
            None => found.push(
                context
                    .warning(path.as_str(), "no `talosVersion`: the shape of the configuration changes when the provider is upgraded")
                    .hint("give the Talos version of the machine image, such as `v1.13`"),
            ),
            Some(text) if config.version.is_none() => found.push(
                context.error(path.as_str(), format!("`{text}` is not a Talos version")).hint("write it like `v1.13` or `v1.13.9`"),
            ),
            Some(_) if config.version < Some(Minor(1, 0)) => found.push(
                context
                    .error(path.as_str(), format!("Talos {} is older than anything the providers generate for", field::show(config.spec.get("talosVersion"))))
                    .hint("give the Talos version of the machine image, such as `v1.13`"),
            ),
            Some(_) => {}
        }
    }
    found
}

fn config_data(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        let path = format!("{}.data", config.path);
        let generate_type = field::text(config.spec, "generateType").unwrap_or_default();
        match field::text(config.spec, "data") {
            None if generate_type == "none" => found.push(
                context
                    .error(path.as_str(), "`generateType: none` needs the machine configuration in `data`")
                    .hint("put it there, or let it be generated with `controlplane` or `worker`"),
            ),
            Some(_) if generate_type != "none" => found.push(
                context
                    .error(path.as_str(), format!("`data` is ignored with `generateType: {generate_type}`"))
                    .hint("write changes to the generated configuration as `strategicPatches`, or use `generateType: none`"),
            ),
            Some(text) => {
                if let Some((problem, line)) = config::PatchText::read(text).problem {
                    found.push(
                        context
                            .error(path.as_str(), format!("the machine configuration in `data` cannot be read, line {line}: {problem}"))
                            .hint("it is the text that `talosctl gen config` writes"),
                    );
                }
            }
            None => {}
        }
    }
    found
}

fn hostname_source(context: &Context<'_>) -> Vec<Violation> {
    const SOURCES: [&str; 2] = ["MachineName", "InfrastructureName"];
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        let Some(source) = field::text(config.spec, "hostname.source") else { continue };
        let path = format!("{}.hostname.source", config.path);
        if !SOURCES.contains(&source) {
            let violation = context.error(path.as_str(), format!("`{source}` is not a source of host names"));
            found.push(match suggest::hint(source, SOURCES) {
                Some(hint) => violation.hint(hint),
                None => violation,
            });
        }
    }
    found
}
