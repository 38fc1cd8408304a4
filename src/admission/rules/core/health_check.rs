//! Rules about health checks, drain rules and resource sets.

use crate::{
    admission::rules::{Context, Violation, field, label::Selector, set::CONTROL_PLANE, version::Minor},
    yaml::pointer::FieldPath,
};

use super::{CLUSTER, CLUSTER_NAME_LABEL, CONTROL_PLANE_LABEL};

/// Conditions that are results of the health check, so that waiting for them goes in a circle.
const OWN_RESULTS: [&str; 5] =
    ["Ready", "Available", "HealthCheckSucceeded", "OwnerRemediated", "ExternallyRemediated"];

pub(super) fn settings(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let startup = "spec.checks.nodeStartupTimeoutSeconds";
    if let Some(seconds) =
        field::integer(&object.value, startup).filter(|seconds| *seconds != 0 && *seconds < 30)
    {
        found.push(
            context
                .error(
                    startup,
                    format!("a machine gets {seconds} seconds to become a node, at least 30 are asked for"),
                )
                .hint("use 600 for clouds and 1200 for cold clones, or 0 to switch the check off"),
        );
    }
    let (limit, range) = (
        "spec.remediation.triggerIf.unhealthyLessThanOrEqualTo",
        "spec.remediation.triggerIf.unhealthyInRange",
    );
    if let Some(value) = object.at(limit).filter(|value| !field::is_count_or_percent(value)) {
        found.push(
            context
                .error(limit, format!("{} is neither a number nor a percentage", field::show(Some(value))))
                .hint("write `1` without quotes, or `\"40%\"`"),
        );
    }
    if object.at(limit).is_some() && object.at(range).is_some() {
        found.push(
            context
                .warning(limit, "`unhealthyLessThanOrEqualTo` is ignored, `unhealthyInRange` is set too")
                .hint("keep one of the two"),
        );
    }
    if let Some(text) = object.text(range)
        && let Some((low, high)) = text.trim_matches(['[', ']']).split_once('-')
        && let (Ok(low), Ok(high)) = (low.parse::<u64>(), high.parse::<u64>())
        && low > high
    {
        found.push(
            context
                .error(range, format!("`{text}` is an empty range, so no machine is ever replaced"))
                .hint(format!("write `[{high}-{low}]`")),
        );
    }
    let conditions = "spec.checks.unhealthyMachineConditions";
    for (index, condition) in field::list(&object.value, conditions).iter().enumerate() {
        if let Some(kind) = field::text(condition, "type").filter(|kind| OWN_RESULTS.contains(kind)) {
            found.push(
                context
                    .error(
                        format!("{conditions}[{index}].type").as_str(),
                        format!("the condition `{kind}` depends on the health check itself"),
                    )
                    .hint("name a condition of the node under `unhealthyNodeConditions`, such as `Ready`"),
            );
        }
    }
    found
}

/// Reads the selector at a path, or reports why it is not one.
fn read<'set>(context: &Context<'set>, path: &str, found: &mut Vec<Violation>) -> Option<Selector<'set>> {
    match Selector::read(context.object.at(path)) {
        Ok(selector) => Some(selector),
        Err((inner, problem)) => {
            found.push(
                context
                    .error(format!("{path}.{inner}").as_str(), problem)
                    .hint("selectors are `matchLabels`, or `matchExpressions` with key, operator and values"),
            );
            None
        }
    }
}

pub(super) fn selector(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let Some(selector) = read(context, "spec.selector", &mut found) else { return found };
    if selector.is_empty() {
        found.push(
            context
                .error("spec.selector", "an empty selector would watch every machine, the webhook refuses it")
                .hint("select the pool by a label that its machine template has"),
        );
    }
    let named =
        object.at("spec.selector.matchLabels").and_then(|labels| labels.get(CLUSTER_NAME_LABEL)?.as_str());
    if let (Some(named), Some(own)) = (named, object.text("spec.clusterName"))
        && named != own
    {
        found.push(
            context
                .error(
                    FieldPath::of(["spec", "selector", "matchLabels", CLUSTER_NAME_LABEL]),
                    format!("the check belongs to cluster `{own}` but selects machines of `{named}`"),
                )
                .hint("remove the label; `clusterName` is enough"),
        );
    }
    found
}

pub(super) fn target(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let Ok(selector) = Selector::read(object.at("spec.selector")) else { return Vec::new() };
    let namespace = object.id.namespace.as_deref();
    let Some(cluster) = object
        .text("spec.clusterName")
        .and_then(|name| context.set.find(CLUSTER.group, CLUSTER.kind, namespace, name))
    else {
        return Vec::new();
    };
    if selector.is_empty() {
        return Vec::new();
    }
    if selector.asks_for(CONTROL_PLANE_LABEL) {
        // Both lines of the provider serve `v1alpha3`, but only the community's knows Talos 1.14.
        let cannot = context.set.control_plane(cluster).is_some_and(|object| {
            object.is(CONTROL_PLANE, "TalosControlPlane")
                && object.version() == "v1alpha3"
                && !context
                    .set
                    .configs(object)
                    .any(|config| config.version.is_some_and(|version| version >= Minor(1, 14)))
        });
        return if cannot {
            vec![
                context
                    .warning(
                        "spec.selector",
                        "the Talos control-plane provider 0.5 does not replace \
                        machines, this check only marks them",
                    )
                    .hint("leave health checks to worker pools, or use a provider line that remediates"),
            ]
        } else {
            Vec::new()
        };
    }
    let pools: Vec<_> = context
        .set
        .machines_in(cluster)
        .into_iter()
        .filter(|machines| machines.owner.at("spec.template.spec").is_some())
        .collect();
    let selects = |pool: &crate::admission::Object| {
        let labels = pool.at("spec.template.metadata.labels");
        selector
            .unmet(|key| match key {
                CLUSTER_NAME_LABEL => Some(&*cluster.id.name),
                // Cluster API puts these on the machines of a pool itself.
                "cluster.x-k8s.io/deployment-name"
                | "cluster.x-k8s.io/set-name"
                | "cluster.x-k8s.io/pool-name" => Some(&*pool.id.name),
                _ => labels?.get(key)?.as_str(),
            })
            .is_none()
    };
    if pools.is_empty() || pools.iter().any(|machines| selects(machines.owner)) {
        return Vec::new();
    }
    vec![
        context
            .warning(
                "spec.selector",
                format!(
                    "no pool of cluster `{}` has machines with \
                these labels",
                    cluster.id.name
                ),
            )
            .hint(
                "use a label from `spec.template.metadata.labels` of the pool, or \
                   `cluster.x-k8s.io/deployment-name`",
            ),
    ]
}

pub(super) fn drain_rule(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    let behavior = object.text("spec.drain.behavior").unwrap_or_default();
    if ["Skip", "WaitCompleted"].contains(&behavior) && object.at("spec.drain.order").is_some() {
        found.push(
            context
                .error(
                    "spec.drain.order",
                    format!("`order` means nothing with `behavior: {behavior}`, which does not drain"),
                )
                .hint("remove `order`, or use `behavior: Drain`"),
        );
    }
    for (list, selectors) in
        [("machines", ["selector", "clusterSelector"]), ("pods", ["selector", "namespaceSelector"])]
    {
        for (index, item) in field::list(&object.value, &format!("spec.{list}")).iter().enumerate() {
            for key in selectors {
                if let Err((inner, problem)) = Selector::read(item.get(key)) {
                    found.push(
                        context.error(format!("spec.{list}[{index}].{key}.{inner}").as_str(), problem).hint(
                            "selectors are `matchLabels`, or `matchExpressions` with key, operator \
                                   and values",
                        ),
                    );
                }
            }
        }
    }
    found
}

pub(super) fn resource_set(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    if read(context, "spec.clusterSelector", &mut found).is_some_and(|selector| selector.is_empty()) {
        found.push(
            context
                .error("spec.clusterSelector", "an empty selector selects no cluster, the webhook refuses it")
                .hint("select clusters by a label, such as `matchLabels: {cni: cilium}`"),
        );
    }
    found
}

pub(super) fn fixed_spec(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let paths: &[&str] = if context.object.id.kind == "IPAddressClaim" {
        &["spec"]
    } else {
        &["spec.clusterSelector", "spec.strategy"]
    };
    paths
        .iter()
        .filter(|path| {
            let before = previous.at(path);
            before.is_some() && before != context.object.at(path)
        })
        .map(|path| {
            context
                .error(*path, format!("`{path}` of {} cannot be changed", field::a(&context.object.id.kind)))
                .hint("give the changed object another name")
        })
        .collect()
}
