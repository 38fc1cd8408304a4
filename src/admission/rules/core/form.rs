//! The form of core objects: versions, references, names of fields, empty values.

use serde_json::Value;

use crate::{
    admission::{
        Object,
        rules::{
            Context, Violation, field,
            set::{BOOTSTRAP, CONTROL_PLANE, CORE, INFRASTRUCTURE},
        },
    },
    finding::suggest,
    yaml::pointer::FieldPath,
};

/// What is known about the versions of a group.
struct Versions {
    group: &'static str,
    /// The first letters of the kinds; empty for all of the group.
    kinds: &'static str,
    /// Served and fine.
    good: &'static [&'static str],
    /// Served, with a word on why not to use them.
    doubtful: &'static [(&'static str, &'static str)],
}

/// Source: the CRDs of the releases that the profiles pin (served versions), and for core the deprecation plan in
/// kubernetes-sigs/cluster-api docs/book/src/reference/versions.md at v1.14.0.
const VERSIONS: &[Versions] = &[
    Versions {
        group: CORE,
        kinds: "",
        good: &["v1beta2"],
        doubtful: &[("v1beta1", "is deprecated and no longer served from Cluster API 1.16 (April 2027)")],
    },
    Versions {
        group: "addons.cluster.x-k8s.io",
        kinds: "ClusterResourceSet",
        good: &["v1beta2"],
        doubtful: &[("v1beta1", "is deprecated and no longer served from Cluster API 1.16 (April 2027)")],
    },
    Versions {
        group: CONTROL_PLANE,
        kinds: "TalosControlPlane",
        good: &["v1alpha3"],
        doubtful: &[("v1beta1", "is served by the sidero-community line of the provider only")],
    },
    Versions {
        group: BOOTSTRAP,
        kinds: "TalosConfig",
        good: &["v1alpha3"],
        doubtful: &[(
            "v1beta1",
            "is served from 0.7 of the provider on, which is not a stable release of the original line",
        )],
    },
    Versions { group: INFRASTRUCTURE, kinds: "AWS", good: &["v1beta2"], doubtful: &[] },
    Versions { group: INFRASTRUCTURE, kinds: "Azure", good: &["v1beta1"], doubtful: &[] },
    Versions { group: INFRASTRUCTURE, kinds: "GCP", good: &["v1beta1"], doubtful: &[] },
    Versions {
        group: INFRASTRUCTURE,
        kinds: "Proxmox",
        good: &["v1alpha2"],
        doubtful: &[("v1alpha1", "is obsolete, the provider's current version is v1alpha2")],
    },
    Versions {
        group: "ipam.cluster.x-k8s.io",
        kinds: "InClusterIPPool",
        good: &["v1alpha2"],
        doubtful: &[("v1alpha1", "is deprecated")],
    },
    Versions {
        group: "ipam.cluster.x-k8s.io",
        kinds: "GlobalInClusterIPPool",
        good: &["v1alpha2"],
        doubtful: &[("v1alpha1", "is deprecated")],
    },
    Versions { group: "kustomize.toolkit.fluxcd.io", kinds: "Kustomization", good: &["v1"], doubtful: &[] },
    Versions { group: "helm.toolkit.fluxcd.io", kinds: "HelmRelease", good: &["v2"], doubtful: &[] },
    Versions { group: "source.toolkit.fluxcd.io", kinds: "", good: &["v1"], doubtful: &[] },
    Versions { group: "operator.cluster.x-k8s.io", kinds: "", good: &["v1alpha2"], doubtful: &[] },
];

pub(super) fn served_version(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let (group, version, kind) = (object.group(), object.version(), &*object.id.kind);
    let row = VERSIONS
        .iter()
        .filter(|row| row.group == group)
        .find(|row| row.kinds.is_empty() || (kind.starts_with(row.kinds) && !kind.contains("Managed")));
    let Some(row) = row.filter(|row| !row.good.contains(&version)) else { return Vec::new() };
    let good = row.good.first().copied().unwrap_or_default();
    let hint = format!("write `apiVersion: {group}/{good}`, and check the fields that differ");
    match row.doubtful.iter().find(|(doubtful, _)| *doubtful == version) {
        Some((_, why)) => {
            vec![context.warning("apiVersion", format!("version `{version}` of {kind} {why}")).hint(hint)]
        }
        None => vec![
            context
                .error(
                    "apiVersion",
                    format!("version `{version}` of {kind} is not served by current releases"),
                )
                .hint(hint),
        ],
    }
}

/// The references of core objects in the form without a version.
const REFERENCES: &[&str] = &[
    "spec.controlPlaneRef",
    "spec.infrastructureRef",
    "spec.bootstrap.configRef",
    "spec.template.spec.bootstrap.configRef",
    "spec.template.spec.infrastructureRef",
];

pub(super) fn reference_form(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    if object.version() != "v1beta2" {
        return Vec::new();
    }
    let mut found = Vec::new();
    for path in REFERENCES {
        if let Some(reference) = object.at(path).filter(|reference| reference.is_object()) {
            check_reference(context, path, reference, &["apiGroup", "kind", "name"], &mut found);
        }
    }
    let remediation = "spec.remediation.templateRef";
    if object.id.kind == "MachineHealthCheck"
        && let Some(reference) = object.at(remediation)
    {
        check_reference(context, remediation, reference, &["apiVersion", "kind", "name"], &mut found);
    }
    found
}

fn check_reference(
    context: &Context<'_>,
    path: &str,
    reference: &Value,
    wanted: &[&str],
    found: &mut Vec<Violation>,
) {
    let form = suggest::list(wanted, "and");
    let spot = |key: &str| FieldPath::of(path.split('.')).key(key);
    let given: Vec<&str> = reference.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    for key in given.iter().filter(|key| !wanted.contains(*key)) {
        let violation =
            context.error(spot(key), format!("`{key}` does not belong into the reference `{path}`"));
        found.push(match (*key, field::text(reference, "apiVersion")) {
            ("apiVersion", Some(version)) if wanted.contains(&"apiGroup") => {
                let group = version.rsplit_once('/').map_or(version, |(group, _)| group);
                violation.hint(format!(
                    "write `apiGroup: {group}`; the version is found by the contract of the kind"
                ))
            }
            ("namespace", _) => {
                violation.hint("leave it out; the object is looked for in this object's namespace")
            }
            _ => violation.hint(format!("it takes {form}")),
        });
    }
    for key in wanted.iter().filter(|key| field::text(reference, key).is_none()) {
        if *key == "apiGroup" && given.contains(&"apiVersion") {
            continue;
        }
        found.push(
            context
                .error(spot(key), format!("the reference `{path}` lacks `{key}`"))
                .hint(format!("it takes {form}")),
        );
    }
}

/// A field of `v1beta1` and what `v1beta2` calls it.
type Renamed = (&'static [&'static str], &'static str, &'static str);

const DEPLOYMENT: &[&str] = &["MachineDeployment"];
const TEMPLATED: &[&str] = &["MachineDeployment", "MachineSet", "MachinePool"];
const CHECK: &[&str] = &["MachineHealthCheck"];

const RENAMED: &[Renamed] = &[
    (DEPLOYMENT, "spec.strategy", "spec.rollout.strategy"),
    (DEPLOYMENT, "spec.rolloutAfter", "spec.rollout.after"),
    (DEPLOYMENT, "spec.machineNamingStrategy", "spec.machineNaming"),
    (DEPLOYMENT, "spec.minReadySeconds", "spec.template.spec.minReadySeconds"),
    (DEPLOYMENT, "spec.progressDeadlineSeconds", "nothing, the field is gone"),
    (DEPLOYMENT, "spec.revisionHistoryLimit", "nothing, the field is gone"),
    (&["MachineSet"], "spec.deletePolicy", "spec.deletion.order"),
    (&["MachineSet"], "spec.machineNamingStrategy", "spec.machineNaming"),
    (TEMPLATED, "spec.template.spec.nodeDrainTimeout", "spec.template.spec.deletion.nodeDrainTimeoutSeconds"),
    (
        TEMPLATED,
        "spec.template.spec.nodeVolumeDetachTimeout",
        "spec.template.spec.deletion.nodeVolumeDetachTimeoutSeconds",
    ),
    (
        TEMPLATED,
        "spec.template.spec.nodeDeletionTimeout",
        "spec.template.spec.deletion.nodeDeletionTimeoutSeconds",
    ),
    (&["Machine"], "spec.nodeDrainTimeout", "spec.deletion.nodeDrainTimeoutSeconds"),
    (&["Machine"], "spec.nodeVolumeDetachTimeout", "spec.deletion.nodeVolumeDetachTimeoutSeconds"),
    (&["Machine"], "spec.nodeDeletionTimeout", "spec.deletion.nodeDeletionTimeoutSeconds"),
    (CHECK, "spec.unhealthyConditions", "spec.checks.unhealthyNodeConditions"),
    (CHECK, "spec.nodeStartupTimeout", "spec.checks.nodeStartupTimeoutSeconds"),
    (CHECK, "spec.maxUnhealthy", "spec.remediation.triggerIf.unhealthyLessThanOrEqualTo"),
    (CHECK, "spec.unhealthyRange", "spec.remediation.triggerIf.unhealthyInRange"),
    (CHECK, "spec.remediationTemplate", "spec.remediation.templateRef"),
    (&["Cluster"], "spec.topology.class", "spec.topology.classRef.name"),
    (&["Cluster"], "spec.topology.classNamespace", "spec.topology.classRef.namespace"),
    (&["Cluster"], "spec.topology.rolloutAfter", "nothing, the field is gone"),
];

pub(super) fn renamed_field(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    if object.version() != "v1beta2" {
        return Vec::new();
    }
    RENAMED
        .iter()
        .filter(|(kinds, old, _)| kinds.contains(&&*object.id.kind) && object.at(old).is_some())
        .map(|(_, old, new)| {
            let violation =
                context.error(*old, format!("`{old}` is a field of v1beta1, this object is v1beta2"));
            if new.starts_with("spec.") {
                let seconds = if new.ends_with("Seconds") { ", as a number of seconds" } else { "" };
                violation.hint(format!("it is called `{new}` now{seconds}"))
            } else {
                violation.hint("remove it; v1beta2 has nothing in its place")
            }
        })
        .collect()
}

pub(super) fn empty_value(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    if object.version() == "v1beta2"
        && let Some(spec) = object.at("spec")
    {
        empties(object, spec, &mut FieldPath::of(["spec"]), &mut |path, what| {
            found.push(
                context
                    .error(path.clone(), format!("`{path}` is {what}, which the API refuses"))
                    .hint("leave the field out"),
            );
        });
    }
    found
}

/// Keys under which empty values are fine: selectors, labels, free values.
const MAY_BE_EMPTY: &[&str] = &[
    "selector",
    "clusterSelector",
    "namespaceSelector",
    "labels",
    "annotations",
    "matchLabels",
    "variables",
    "dataSecretName",
    "bootstrap",
];

/// Lists that may be empty in one kind.
const MAY_BE_EMPTY_LISTS: &[(&str, &str)] =
    &[("MachinePool", "failureDomains"), ("MachinePool", "providerIDList")];

fn empties(object: &Object, value: &Value, path: &mut FieldPath, report: &mut impl FnMut(&FieldPath, &str)) {
    match value {
        Value::Object(entries) if entries.is_empty() => report(path, "an empty mapping"),
        Value::Array(items) if items.is_empty() => report(path, "an empty list"),
        Value::String(text) if text.is_empty() => report(path, "an empty text"),
        Value::Object(entries) => {
            for (key, value) in entries {
                let free = MAY_BE_EMPTY.contains(&key.as_str())
                    || MAY_BE_EMPTY_LISTS.contains(&(&*object.id.kind, key.as_str()));
                // What a bootstrap holds is still looked into.
                if free && (key != "bootstrap" || value.as_object().is_some_and(serde_json::Map::is_empty)) {
                    continue;
                }
                path.push_key(key);
                empties(object, value, path, report);
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_index(index);
                empties(object, item, path, report);
                path.pop();
            }
        }
        _ => {}
    }
}
