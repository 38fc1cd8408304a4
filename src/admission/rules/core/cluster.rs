//! Rules about Clusters.

use crate::{
    admission::rules::{Context, Violation, address, field, label, talos},
    finding::suggest,
    yaml::pointer::FieldPath,
};

use super::{MAX_SIZE, MIN_SIZE};

const PARTS: [&str; 3] = ["spec.controlPlaneRef", "spec.infrastructureRef", "spec.topology"];

pub(super) fn parts(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    if PARTS.iter().any(|path| object.at(path).is_some()) {
        return Vec::new();
    }
    vec![
        context
            .error(
                "spec",
                format!(
                    "Cluster `{}` has neither a control plane nor an infrastructure nor a topology",
                    object.id.name
                ),
            )
            .hint(format!("set {}", suggest::list(&PARTS, "or"))),
    ]
}

pub(super) fn part_removed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    PARTS
        .iter()
        .filter(|path| previous.at(path).is_some() && context.object.at(path).is_none())
        .map(|path| {
            context
                .error(*path, format!("`{path}` was there before and cannot be taken away"))
                .hint("put it back; to get rid of the cluster, delete the Cluster object")
        })
        .collect()
}

pub(super) fn infrastructure_changed(context: &Context<'_>) -> Vec<Violation> {
    let kind = "spec.infrastructureRef.kind";
    let before = context.previous.and_then(|previous| previous.at(kind));
    let (Some(before), Some(now)) = (before, context.object.at(kind)) else { return Vec::new() };
    if before == now {
        return Vec::new();
    }
    vec![
        context
            .error(
                kind,
                format!(
                    "the infrastructure of Cluster `{}` was {} and would become {}; machines, networks and the endpoint do not move",
                    context.object.id.name,
                    field::show(Some(before)),
                    field::show(Some(now))
                ),
            )
            .hint(
                "give the new cluster another name; if the old one was never applied, remove the earlier render's folder",
            ),
    ]
}

pub(super) fn network(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for path in ["spec.clusterNetwork.pods.cidrBlocks", "spec.clusterNetwork.services.cidrBlocks"] {
        for (index, text) in field::texts(&context.object.value, path) {
            if address::cidr(text).is_none() {
                found.push(
                    context
                        .error(
                            FieldPath::of(path.split('.')).index(index),
                            format!("`{text}` is not a CIDR block"),
                        )
                        .hint("write it like `10.244.0.0/16`"),
                );
            }
        }
    }
    found
}

pub(super) fn network_changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    [
        ("spec.clusterNetwork.pods.cidrBlocks", "pod network"),
        ("spec.clusterNetwork.services.cidrBlocks", "service network"),
        ("spec.clusterNetwork.serviceDomain", "service domain"),
    ]
    .into_iter()
    .filter_map(|(path, noun)| {
        let before = previous.at(path).filter(|before| Some(*before) != context.object.at(path))?;
        Some(
            context
                .warning(
                    path,
                    format!(
                        "the {noun} was {}; machines that run keep it, and do not work with new ones that have \
                         another",
                        field::show(Some(before))
                    ),
                )
                .hint("keep the old value; for the new one, make a new cluster and move the workloads"),
        )
    })
    .collect()
}

pub(super) fn moved(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let Some(before) = context.set.only_before(object) else { return Vec::new() };
    let namespace = before.id.namespace.as_deref().unwrap_or_default();
    vec![
        context
            .error(
                "metadata.namespace",
                format!(
                    "Cluster `{}` was in the namespace `{namespace}`; here it would be a second one with the same endpoint \
                     and addresses",
                    object.id.name
                ),
            )
            .hint(format!(
                "keep the namespace `{namespace}`; if it was never applied there, remove the earlier render's folder; to move for \
                 good, make a cluster of another name and move the workloads"
            )),
    ]
}

pub(super) fn topology(context: &Context<'_>) -> Vec<Violation> {
    let pools = "spec.topology.workers.machineDeployments";
    let mut found = Vec::new();
    for (index, pool) in field::list(&context.object.value, pools).iter().enumerate() {
        let Some(replicas) = field::integer(pool, "replicas") else { continue };
        let annotations = field::at(pool, "metadata.annotations");
        if [MIN_SIZE, MAX_SIZE]
            .iter()
            .any(|key| annotations.is_some_and(|annotations| annotations.get(key).is_some()))
        {
            found.push(
                context
                    .error(
                        FieldPath::of(pools.split('.')).index(index).key("replicas"),
                        format!(
                            "pool {} has `replicas: {replicas}` and autoscaler annotations",
                            field::show(pool.get("name"))
                        ),
                    )
                    .hint("remove `replicas`; the autoscaler sets them"),
            );
        }
    }
    found
}

pub(super) fn topology_version(context: &Context<'_>) -> Vec<Violation> {
    talos::version_form(context, "spec.topology.version")
}

pub(super) fn label_name(context: &Context<'_>) -> Vec<Violation> {
    let name = &context.object.id.name;
    match label::value_problem(name) {
        Some(problem) => vec![
            context
                .error("metadata.name", format!("`{name}` cannot be the value of a label: {problem}"))
                .hint("choose a shorter name of letters, digits and `-`"),
        ],
        None => Vec::new(),
    }
}
