//! Rules about the TalosControlPlane.

use serde_json::Value;

use crate::{
    admission::rules::{Context, Violation, field, set::INFRASTRUCTURE},
    finding::suggest,
};

use super::{config::CONTROL_PLANE_CONFIG, version_form};

pub(super) fn config(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = "spec.controlPlaneConfig.controlplane";
    let mut found = Vec::new();
    if object.at(path).is_none() {
        found.push(
            context.error(path, format!("TalosControlPlane `{}` has no configuration for \
                its machines", object.id.name)).hint(
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

pub(super) fn infrastructure_template(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let (path, wanted): (&str, &[&str]) = if object.version() == "v1beta1" {
        ("spec.machineTemplate.spec.infrastructureRef", &["apiGroup", "kind", "name"])
    } else {
        ("spec.infrastructureTemplate", &["apiVersion", "kind", "name"])
    };
    let other =
        if object.version() == "v1beta1" { "spec.infrastructureTemplate" } else { "spec.machineTemplate" };
    if object.at(other).is_some() {
        found.push(
            context
                .error(other, format!("`{other}` is not a field of `{}`", object.version()))
                .hint(format!("this version has `{path}`, with {}", suggest::list(wanted, "and"))),
        );
        if object.at(path).is_none() {
            return found;
        }
    }
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
                    format!(
                        "the machine template is looked for in namespace `{namespace}`, the control \
                             plane is in `{own}`"
                    ),
                )
                .hint("leave `namespace` out; the template must be in the control plane's namespace"),
        );
    }
    found
}

pub(super) fn replicas(context: &Context<'_>) -> Vec<Violation> {
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

pub(super) fn rollout_strategy(context: &Context<'_>) -> Vec<Violation> {
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
                .error(
                    path,
                    "with one control plane and `maxSurge: 0` a rollout never starts, the last \
                              machine is not deleted",
                )
                .hint("use `maxSurge: 1`"),
        );
    }
    found
}

pub(super) fn version(context: &Context<'_>) -> Vec<Violation> {
    version_form(context, "spec.version")
}

pub(super) fn health_probe(context: &Context<'_>) -> Vec<Violation> {
    let set = context.set;
    let Some(config) = set.configs(context.object).find(|config| config.path == CONTROL_PLANE_CONFIG) else {
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
                format!("the load balancer of {} `{}` asks for `/readyz` without credentials, and Talos \
                         answers 401", probed.id.kind, probed.id.name),
            )
            .hint("add a Talos patch: `cluster: \
                   {apiServer: {extraArgs: {anonymous-auth: \"true\"}}}`; from Talos 1.14 on it is not needed"),
    ]
}
