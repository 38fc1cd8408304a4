//! References between objects: each one leads somewhere, and to the right thing.

use crate::finding::{Severity, codes, suggest};

use super::{
    Context, Kind, Rule, Violation, field,
    set::{CONTROL_PLANE, CORE, INFRASTRUCTURE, Set, identity},
};

mod resolve;
mod table;
mod writers;

pub use table::{Form, Home, Reference, Shape, fields};

use resolve::{Found, all, describe, exists_elsewhere, other_kind, other_namespace, resolve};

const TABLE: &str = "the CRDs of the referring kinds; kubernetes-sigs/cluster-api internal/contract/version.go and \
                     fluxcd/kustomize-controller, fluxcd/helm-controller api";

/// What a Cluster owns, so that it does nothing without one.
const OWNED: &[Kind] = &[
    Kind::new(CONTROL_PLANE, "TalosControlPlane"),
    Kind::new(INFRASTRUCTURE, "AWSCluster"),
    Kind::new(INFRASTRUCTURE, "AzureCluster"),
    Kind::new(INFRASTRUCTURE, "GCPCluster"),
    Kind::new(INFRASTRUCTURE, "ProxmoxCluster"),
];

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "references/target",
        code: &codes::DANGLING,
        kinds: &[],
        meaning: "Every reference leads to an object of the set, or to one that is declared to exist \
                  elsewhere.",
        source: TABLE,
        check: target,
    },
    Rule {
        name: "references/kind",
        code: &codes::WRONG_TARGET,
        kinds: &[],
        meaning: "A reference names the kind and version of its target, and a kind that its field can have.",
        source: TABLE,
        check: kind,
    },
    Rule {
        name: "references/namespace",
        code: &codes::OTHER_NAMESPACE,
        kinds: &[],
        meaning: "References that cannot leave their namespace do not have to.",
        source: TABLE,
        check: namespace,
    },
    Rule {
        name: "references/key",
        code: &codes::MISSING_KEY,
        kinds: &[],
        meaning: "A Secret or ConfigMap that is read has the key that is asked for.",
        source: "fluxcd/helm-controller api/v2, fluxcd/kustomize-controller api/v1",
        check: key,
    },
    Rule {
        name: "references/duplicate",
        code: &codes::DUPLICATE_OBJECT,
        kinds: &[],
        meaning: "Each group, kind, namespace and name is there once.",
        source: "kubernetes-sigs/kustomize api/resmap/reswrangler.go (refuses); kubectl apply takes the last",
        check: duplicate,
    },
    Rule {
        name: "references/shared",
        code: &codes::SHARED_PART,
        kinds: &[super::core::CLUSTER],
        meaning: "A control plane and an infrastructure belong to one Cluster.",
        source: "kubernetes-sigs/cluster-api core/reconcilers/cluster/cluster_controller_phases.go \
                 (sets the owner)",
        check: shared,
    },
    Rule {
        name: "references/unused",
        code: &codes::UNUSED_PART,
        kinds: OWNED,
        meaning: "A control plane or infrastructure is named by a Cluster; without an owner its \
                  controller waits.",
        source: "kubernetes-sigs/cluster-api docs/book/src/developer/providers/contracts",
        check: unused,
    },
];

fn target(context: &Context<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let (object, set) = (context.object, context.set);
    for found in all(object) {
        if resolve(&found, object, set).is_some()
            || exists_elsewhere(&found, set)
            || other_kind(&found, set).is_some()
            || (matches!(found.row.home, Home::Own) && other_namespace(&found, set).is_some())
            || !fits(&found)
            // Nobody knows yet what a variable becomes.
            || found.name.contains("${")
        {
            continue;
        }
        let message = format!("there is no {}", describe(found.kind, found.namespace, found.name));
        let violation = context.error(found.path.clone(), message).severity(set.externals.missing());
        violations.push(violation.hint(advice(&found, set)));
    }
    violations
}

fn advice(found: &Found<'_>, set: &Set<'_>) -> String {
    if let Some(namespace) = other_namespace(found, set) {
        return format!("there is one in namespace `{namespace}`; say so with `namespace: {namespace}`");
    }
    let here: Vec<&str> = set
        .of(found.group, found.kind)
        .iter()
        .filter(|target| target.id.namespace.as_deref() == found.namespace || target.id.namespace.is_none())
        .map(|target| &*target.id.name)
        .chain(set.externals.names(found.group, found.kind, found.namespace))
        .collect();
    let near = suggest::nearest(found.name, here.iter().copied());
    if !near.is_empty() {
        return format!("did you mean {}?", suggest::list(&near, "or"));
    }
    if (found.group, found.kind) == ("", "Secret") {
        if let Some(cluster) = found.name.strip_suffix("-kubeconfig") {
            return format!(
                "a kubeconfig is written for each Cluster into its own namespace; is there a Cluster \
                 `{cluster}`?"
            );
        }
        return "declare the Secret as one that a person provides, or correct the name".to_owned();
    }
    let mut here = here;
    here.sort_unstable();
    here.dedup();
    match here.len() {
        0 => format!("add {} of that name, or declare that it exists elsewhere", field::a(found.kind)),
        1..=8 => format!("there is {}", suggest::list(&here, "and")),
        count => format!("there are {count} others of that kind, none with a similar name"),
    }
}

/// Whether the kind of a reference is one that its field can have.
fn fits(found: &Found<'_>) -> bool {
    match found.row.form {
        Form::Typed { shape, .. } => shape.fits(found.kind),
        Form::Named { .. } | Form::Name { .. } => true,
    }
}

fn kind(context: &Context<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let (object, set) = (context.object, context.set);
    for found in all(object) {
        let place = found.path.key("kind");
        if !fits(&found) {
            let Form::Typed { shape, .. } = found.row.form else { continue };
            violations.push(
                context
                    .error(
                        place,
                        format!(
                            "`{}` cannot refer to {}",
                            found.row.path.trim_end_matches("[]"),
                            field::a(found.kind)
                        ),
                    )
                    .hint(shape.advice(found.kind)),
            );
            continue;
        }
        let Some(target) = resolve(&found, object, set) else {
            if exists_elsewhere(&found, set) {
                continue;
            }
            if let Some(other) = other_kind(&found, set) {
                violations.push(
                    context
                        .error(
                            place,
                            format!(
                                "`{}` is {}, not {}",
                                found.name,
                                field::a(&other.id.kind),
                                field::a(found.kind)
                            ),
                        )
                        .hint(format!("write `kind: {}`, or correct the name", other.id.kind)),
                );
            }
            continue;
        };
        if let Some(version) = field::text(found.value, "apiVersion")
            && version != target.id.api_version
        {
            violations.push(
                context
                    .error(
                        found.path.key("apiVersion"),
                        format!(
                            "the reference asks for `{version}`, {} `{}` is `{}`",
                            found.kind, found.name, target.id.api_version
                        ),
                    )
                    .hint(format!("write `apiVersion: {}`", target.id.api_version)),
            );
        }
    }
    violations
}

fn namespace(context: &Context<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let (object, set) = (context.object, context.set);
    for found in all(object).filter(|found| matches!(found.row.home, Home::Own)) {
        if resolve(&found, object, set).is_some()
            || exists_elsewhere(&found, set)
            || other_kind(&found, set).is_some()
        {
            continue;
        }
        let Some(other) = other_namespace(&found, set) else { continue };
        let own = object.id.namespace.as_deref().unwrap_or_default();
        // One of each may be kept in both namespaces: there are controllers that do nothing else.
        let is_copied = found.group.is_empty() && matches!(found.kind, "Secret" | "ConfigMap");
        let severity = if is_copied { set.externals.missing() } else { Severity::Error };
        violations.push(
            context
                .error(
                    found.path.clone(),
                    format!(
                        "{} `{}` is in namespace `{other}`, and this reference does not leave `{own}`",
                        found.kind, found.name
                    ),
                )
                .severity(severity)
                .hint(format!("move it to `{own}`, or this object to `{other}`")),
        );
    }
    violations
}

fn key(context: &Context<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for found in all(context.object) {
        let Some((key_field, defaults)) = found.row.key else { continue };
        let Some(target) = resolve(&found, context.object, context.set) else { continue };
        // A Secret that SOPS encrypts keeps its keys readable; one without any data is a stub.
        let keys: Vec<&str> = ["data", "stringData", "binaryData"]
            .iter()
            .flat_map(|part| field::entries(&target.value, part).map(|(key, _)| key))
            .collect();
        let asked = field::text(found.value, key_field);
        let there = match asked {
            Some(asked) => keys.contains(&asked),
            None => defaults.iter().any(|default| keys.contains(default)),
        };
        if there || keys.is_empty() || field::flag(found.value, "optional") {
            continue;
        }
        let wanted = asked.map_or_else(|| suggest::list(defaults, "or"), |asked| format!("`{asked}`"));
        let path = if asked.is_some() { found.path.key(key_field) } else { found.path.clone() };
        violations.push(
            context
                .error(path, format!("{} `{}` has no key {wanted}", found.kind, found.name))
                .hint(format!("it has {}; name one with `{key_field}`", suggest::list(&keys, "and"))),
        );
    }
    violations
}

fn duplicate(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let same = context.set.with_identity(identity(object));
    let first = same.first().is_none_or(|first| std::ptr::eq(*first, object));
    if first || object.id.name.is_empty() {
        return Vec::new();
    }
    let name = describe(&object.id.kind, object.id.namespace.as_deref(), &object.id.name);
    vec![
        context
            .error("metadata.name", format!("{name} is there {} times", same.len()))
            .hint("keep one of them"),
    ]
}

fn shared(context: &Context<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    for path in ["spec.controlPlaneRef", "spec.infrastructureRef"] {
        let Some(reference) = context.object.at(path) else { continue };
        let Some(part) = super::set::target(reference, context.object.id.namespace.as_deref()) else {
            continue;
        };
        let (_, kind, _, name) = part;
        let others = context.set.clusters_sharing(part);
        if let Some(first) = others.first().filter(|first| first.id != context.object.id) {
            violations.push(
                context
                    .error(path, format!("{kind} `{name}` already belongs to Cluster `{}`", first.id.name))
                    .hint("give each Cluster its own"),
            );
        }
    }
    violations
}

fn unused(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    // A set without any Cluster is a part of something.
    if context.set.of(CORE, "Cluster").is_empty() || !context.set.clusters_of(object).is_empty() {
        return Vec::new();
    }
    let field = if object.group() == CONTROL_PLANE { "controlPlaneRef" } else { "infrastructureRef" };
    vec![
        context
            .warning(
                "metadata.name",
                format!(
                    "no Cluster refers to {} `{}`, so nothing happens with it",
                    object.id.kind, object.id.name
                ),
            )
            .hint(format!("name it in `spec.{field}` of its Cluster, in the same namespace, or remove it")),
    ]
}
