//! Rules about pools and machines.

use serde_json::Value;

use crate::{
    admission::{
        Object,
        rules::{Context, Violation, field, label, label::Selector, talos},
    },
    finding::suggest,
    yaml::pointer::FieldPath,
};

use super::{CLUSTER_NAME_LABEL, MAX_SIZE, MIN_SIZE};

/// The path of the machine spec in an object.
fn machine_spec(object: &Object) -> &'static str {
    if object.id.kind == "Machine" { "spec" } else { "spec.template.spec" }
}

fn annotation<'set>(object: &'set Object, key: &str) -> Option<&'set str> {
    object.at("metadata.annotations")?.get(key)?.as_str()
}

fn annotation_path(key: &str) -> FieldPath {
    FieldPath::of(["metadata", "annotations", key])
}

pub(super) fn cluster_name(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let (own, inner) = (object.text("spec.clusterName"), object.text("spec.template.spec.clusterName"));
    match (own, inner) {
        (Some(own), Some(inner)) if own != inner => vec![
            context
                .error(
                    "spec.template.spec.clusterName",
                    format!("the pool belongs to cluster `{own}`, its machines to `{inner}`"),
                )
                .hint(format!("write `{own}` in both places")),
        ],
        _ => Vec::new(),
    }
}

pub(super) fn cluster_name_changed(context: &Context<'_>) -> Vec<Violation> {
    let (Some(before), Some(now)) = (
        context.previous.and_then(|previous| previous.text("spec.clusterName")),
        context.object.text("spec.clusterName"),
    ) else {
        return Vec::new();
    };
    if before == now {
        return Vec::new();
    }
    vec![
        context
            .error("spec.clusterName", format!("`clusterName` was `{before}` and cannot become `{now}`"))
            .hint("give the object for the other cluster another name"),
    ]
}

pub(super) fn selector_changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    if previous.at("spec.selector") == context.object.at("spec.selector") {
        return Vec::new();
    }
    vec![
        context
            .warning(
                "spec.selector",
                "the selector was changed: machines that exist carry the old labels, so the pool no longer counts them",
            )
            .hint("give the pool with the new selector a new name, and delete the old one after it"),
    ]
}

pub(super) fn bootstrap(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let spec = machine_spec(object);
    let Some(machine) = object.at(spec) else { return Vec::new() };
    let of_pool = object.id.kind == "Machine"
        && object
            .at("metadata.labels")
            .is_some_and(|labels| labels.get("cluster.x-k8s.io/pool-name").is_some());
    let given = field::given(machine, "bootstrap.configRef")
        || field::at(machine, "bootstrap.dataSecretName").is_some();
    if given || of_pool {
        return Vec::new();
    }
    vec![
        context
            .error(
                format!("{spec}.bootstrap").as_str(),
                format!(
                    "the machines of {} `{}` have no bootstrap configuration",
                    object.id.kind, object.id.name
                ),
            )
            .hint("refer to a TalosConfigTemplate in `bootstrap.configRef`"),
    ]
}

pub(super) fn selector(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let selector =
        match Selector::read(object.at("spec.selector")) {
            Ok(selector) => selector,
            Err((path, problem)) => {
                return vec![context.error(format!("spec.selector.{path}").as_str(), problem).hint(
                    "selectors are `matchLabels`, or `matchExpressions` with key, operator and values",
                )];
            }
        };
    // The webhook gives an empty selector the pool's own label, and template and selector the cluster's.
    let labels = object.at("spec.template.metadata.labels");
    let cluster = object.text("spec.clusterName");
    let label = |key: &str| {
        if key == CLUSTER_NAME_LABEL {
            return cluster;
        }
        labels?.get(key)?.as_str()
    };
    match selector.unmet(label) {
        Some(unmet) => vec![
            context
                .error(
                    "spec.template.metadata.labels",
                    format!(
                        "the pool's selector asks for {unmet}, which its own machine template does not have"
                    ),
                )
                .hint("give the template the labels that `spec.selector` names"),
        ],
        None => Vec::new(),
    }
}

pub(super) fn version(context: &Context<'_>) -> Vec<Violation> {
    talos::version_form(context, &format!("{}.version", machine_spec(context.object)))
}

pub(super) fn autoscaler(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let given = |key: &'static str| annotation(object, key).map(|text| (key, text));
    let (low, high) = match (given(MIN_SIZE), given(MAX_SIZE)) {
        (None, None) => return Vec::new(),
        (Some(low), Some(high)) => (low, high),
        (Some((there, _)), None) | (None, Some((there, _))) => {
            let missing = if there == MIN_SIZE { MAX_SIZE } else { MIN_SIZE };
            return vec![
                context
                    .error(annotation_path(missing), format!("the pool has `{there}` but not `{missing}`"))
                    .hint("the autoscaler needs both, as quoted numbers"),
            ];
        }
    };
    let mut found = Vec::new();
    let mut number = |(key, text): (&'static str, &str)| {
        let number = text.parse::<i32>().ok().filter(|number| *number >= 0);
        if number.is_none() {
            found.push(
                context
                    .error(
                        annotation_path(key),
                        format!("the size of a pool is a whole number, not `{text}`"),
                    )
                    .hint("write it like `\"3\"`"),
            );
        }
        number
    };
    let (Some(least), Some(most)) = (number(low), number(high)) else { return found };
    if least > most {
        found.push(
            context
                .error(
                    annotation_path(MIN_SIZE),
                    format!("the least size of the pool ({least}) is above the largest ({most})"),
                )
                .hint("swap the two"),
        );
        return found;
    }
    match field::integer(&object.value, "spec.replicas") {
        Some(replicas) if replicas < i64::from(least) || replicas > i64::from(most) => found.push(
            context
                .error(
                    "spec.replicas",
                    format!(
                        "`replicas: {replicas}` lies outside {least} to {most}, so the autoscaler \
                             never takes over"
                    ),
                )
                .hint("remove `replicas`; a new pool then starts with the least size"),
        ),
        Some(replicas) => found.push(
            context
                .warning(
                    "spec.replicas",
                    format!(
                        "every apply sets the pool back to {replicas} machines, \
                    whatever the autoscaler chose"
                    ),
                )
                .hint("remove `replicas` from autoscaled pools"),
        ),
        None => {}
    }
    found
}

pub(super) fn rollout(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let strategy = "spec.rollout.strategy.rollingUpdate";
    for path in [
        format!("{strategy}.maxSurge"),
        format!("{strategy}.maxUnavailable"),
        "spec.remediation.maxInFlight".to_owned(),
    ] {
        if let Some(value) = object.at(&path).filter(|value| !field::is_count_or_percent(value)) {
            found.push(
                context
                    .error(
                        path.as_str(),
                        format!("{} is neither a number nor a percentage", field::show(Some(value))),
                    )
                    .hint("write `1` without quotes, or `\"25%\"`"),
            );
        }
    }
    let zero = |key: &str| field::integer(&object.value, &format!("{strategy}.{key}")) == Some(0);
    if zero("maxSurge")
        && (zero("maxUnavailable") || object.at(&format!("{strategy}.maxUnavailable")).is_none())
    {
        found.push(
            context
                .error(strategy, "with `maxSurge` and `maxUnavailable` both 0 a rollout can never move")
                .hint(
                    "use `maxSurge: 1`, or `maxUnavailable: 1` where there is no room for one more machine",
                ),
        );
    }
    found
}

pub(super) fn naming(context: &Context<'_>) -> Vec<Violation> {
    let path = "spec.machineNaming.template";
    let Some(template) = context.object.text(path) else { return Vec::new() };
    if template.contains("{{ .random }}") {
        return Vec::new();
    }
    vec![
        context.error(path, format!("`{template}` would give all machines of the pool the same name")).hint(
            "add `{{ .random }}`, with the spaces; `{{ .machineSet.name }}-{{ .random }}` is the default",
        ),
    ]
}

pub(super) fn taints(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = format!("{}.taints", machine_spec(object));
    let taints = field::list(&object.value, &path);
    if taints.is_empty() {
        return Vec::new();
    }
    if object.id.kind == "MachinePool" {
        return vec![
            context
                .error(path.as_str(), "MachinePools take no taints")
                .hint("set them in the Talos configuration of the pool, or use a MachineDeployment"),
        ];
    }
    let of_control_plane = object.id.kind == "Machine"
        && object
            .at("metadata.labels")
            .is_some_and(|labels| labels.get(super::CONTROL_PLANE_LABEL).is_some());
    let mut found = Vec::new();
    for (index, taint) in taints.iter().enumerate() {
        let Some(key) = field::text(taint, "key") else { continue };
        let problem = match key {
            "node.cluster.x-k8s.io/uninitialized" | "node.cluster.x-k8s.io/outdated-revision" => {
                Some("is set by Cluster API itself".to_owned())
            }
            "node-role.kubernetes.io/master" => Some("is deprecated since Kubernetes 1.24".to_owned()),
            "node-role.kubernetes.io/control-plane" if !of_control_plane => {
                Some("is not for workers".to_owned())
            }
            "node.kubernetes.io/out-of-service" => None,
            _ if key.starts_with("node.kubernetes.io/") => Some("is reserved for the kubelet".to_owned()),
            _ if key.starts_with("node.cloudprovider.kubernetes.io/") => {
                Some("is reserved for cloud controllers".to_owned())
            }
            _ => label::key_problem(key).map(|problem| format!("is not a taint key: {problem}")),
        };
        if field::text(taint, "propagation").is_none() {
            found.push(
                context
                    .error(
                        format!("{path}[{index}].propagation").as_str(),
                        format!("the taint `{key}` does not say when it is put on nodes"),
                    )
                    .hint("add `propagation: Always`, or `OnInitialization` for the first time only"),
            );
        }
        if let Some(problem) = problem {
            found.push(
                context
                    .error(
                        format!("{path}[{index}].key").as_str(),
                        format!("the taint key `{key}` {problem}"),
                    )
                    .hint("use a key of your own, such as `dedicated`"),
            );
        }
    }
    found
}

pub(super) fn taints_gate(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = format!("{}.taints", machine_spec(object));
    if field::list(&object.value, &path).is_empty() || object.id.kind == "MachinePool" {
        return Vec::new();
    }
    let hint = "set `manager.featureGates.MachineTaintPropagation: true` on the CoreProvider, or give the taints in the \
                Talos configuration";
    let providers = context.set.of("operator.cluster.x-k8s.io", "CoreProvider");
    if providers.is_empty() {
        let message =
            "taints of machines are refused unless the feature gate `MachineTaintPropagation` is on";
        return vec![context.warning(path.as_str(), message).hint(hint)];
    }
    let on = providers.iter().any(|provider| {
        provider.at("spec.manager.featureGates.MachineTaintPropagation") == Some(&Value::Bool(true))
    });
    if on {
        return Vec::new();
    }
    let message =
        "taints of machines are refused: the CoreProvider does not switch `MachineTaintPropagation` on";
    vec![context.error(path.as_str(), message).hint(hint)]
}

pub(super) fn metadata(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let base = FieldPath::of(["spec", "template", "metadata"]);
    for (key, value) in field::entries(&object.value, "spec.template.metadata.labels") {
        let problem = label::key_problem(key)
            .map(|problem| format!("`{key}` is not a label key: {problem}"))
            .or_else(|| {
                let value = value.as_str()?;
                label::value_problem(value)
                    .map(|problem| format!("`{value}` is not a value for label `{key}`: {problem}"))
            });
        if let Some(problem) = problem {
            found.push(
                context
                    .error(base.key("labels").key(key), problem)
                    .hint("shorten it, or use an annotation, which takes any text"),
            );
        }
    }
    let mut size = 0;
    for (key, value) in field::entries(&object.value, "spec.template.metadata.annotations") {
        size += key.len() + value.as_str().map_or(0, str::len);
        if let Some(problem) = label::key_problem(&key.to_lowercase()) {
            found.push(
                context
                    .error(
                        base.key("annotations").key(key),
                        format!("`{key}` is not an annotation key: {problem}"),
                    )
                    .hint("use a DNS name of yours, a `/`, and a short name"),
            );
        }
    }
    if size > 256 << 10 {
        found.push(
            context
                .error(
                    base.key("annotations"),
                    format!("the annotations have {} KiB, at most 256 are allowed", size >> 10),
                )
                .hint("keep large texts in a ConfigMap"),
        );
    }
    found
}

pub(super) fn skipped_checks(context: &Context<'_>) -> Vec<Violation> {
    const KEY: &str = "machineset.cluster.x-k8s.io/skip-preflight-checks";
    const CHECKS: [&str; 5] = [
        "All",
        "KubeadmVersionSkew",
        "KubernetesVersionSkew",
        "ControlPlaneIsStable",
        "ControlPlaneVersionSkew",
    ];
    let Some(text) = annotation(context.object, KEY).filter(|text| !text.is_empty()) else {
        return Vec::new();
    };
    text.split(',')
        .map(str::trim)
        .filter(|check| !CHECKS.contains(check))
        .map(|check| {
            let violation =
                context.error(annotation_path(KEY), format!("there is no preflight check `{check}`"));
            match suggest::hint(check, CHECKS) {
                Some(hint) => violation.hint(hint),
                None => violation,
            }
        })
        .collect()
}
