//! References between objects: each one leads somewhere, and to the right thing.

use serde_json::Value;

use crate::{
    admission::Object,
    finding::{codes, suggest},
    yaml::pointer::FieldPath,
};

use super::{
    Context, Kind, Rule, Violation, field,
    set::{CONTROL_PLANE, CORE, INFRASTRUCTURE, Set, identity},
};

mod table;

pub use table::{Form, Home, Reference, Shape, fields};

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
        meaning: "Every reference leads to an object of the set, or to one that is declared to exist elsewhere.",
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
        source: "kubernetes-sigs/cluster-api internal/controllers/cluster/cluster_controller_phases.go (sets the owner)",
        check: shared,
    },
    Rule {
        name: "references/unused",
        code: &codes::UNUSED_PART,
        kinds: OWNED,
        meaning: "A control plane or infrastructure is named by a Cluster; without an owner its controller waits.",
        source: "kubernetes-sigs/cluster-api docs/book/src/developer/providers/contracts",
        check: unused,
    },
];

/// One reference of an object.
struct Found<'set> {
    row: &'static Reference,
    path: FieldPath,
    value: &'set Value,
    group: &'set str,
    kind: &'set str,
    name: &'set str,
    /// Where it looks; `None` for kinds without a namespace, and if the referring object does not say its own.
    namespace: Option<&'set str>,
}

/// All references of an object, in the order of the table.
fn all<'set>(object: &'set Object) -> impl Iterator<Item = Found<'set>> {
    table::of(object).flat_map(move |row| {
        let off = row.unless.is_some_and(|path| object.at(path).is_some());
        let places = if off { Vec::new() } else { places(&object.value, row.path) };
        places.into_iter().filter_map(move |(path, value)| read(object, row, path, value))
    })
}

/// The values at a path in which `[]` stands for each entry of a list.
fn places<'value>(value: &'value Value, path: &str) -> Vec<(FieldPath, &'value Value)> {
    let mut places = vec![(FieldPath::root(), value)];
    for step in path.split('.') {
        let (key, each) = step.strip_suffix("[]").map_or((step, false), |key| (key, true));
        places = places
            .into_iter()
            .filter_map(|(path, value)| {
                Some((path.key(key), value.get(key).filter(|value| !value.is_null())?))
            })
            .flat_map(|(path, value)| -> Vec<_> {
                if each {
                    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
                    items.iter().enumerate().map(|(index, item)| (path.index(index), item)).collect()
                } else {
                    vec![(path, value)]
                }
            })
            .collect();
    }
    places
}

fn read<'set>(
    object: &'set Object,
    row: &'static Reference,
    path: FieldPath,
    value: &'set Value,
) -> Option<Found<'set>> {
    let own = object.id.namespace.as_deref();
    let (group, kind, name) = match row.form {
        Form::Typed { group, .. } => {
            let given = field::text(value, "apiGroup").or_else(|| {
                field::text(value, "apiVersion")
                    .map(|version| version.rsplit_once('/').map_or("", |(group, _)| group))
            });
            (given.unwrap_or(group), field::text(value, "kind")?, field::text(value, "name")?)
        }
        Form::Named { group, kind } => (group, kind, field::text(value, "name")?),
        Form::Name { group, kind } => (group, kind, value.as_str().filter(|name| !name.is_empty())?),
    };
    if let Form::Typed { only, .. } = row.form
        && !only.is_empty()
        && !only.contains(&kind)
    {
        return None;
    }
    let namespace = if table::CLUSTER_SCOPED.contains(&kind) {
        None
    } else {
        match row.home {
            Home::Own => own,
            Home::Given => field::text(value, "namespace").or(own),
            Home::Controller(namespace) => Some(namespace),
        }
    };
    Some(Found { row, path, value, group, kind, name, namespace })
}

/// The object that a reference leads to, if the set has it.
fn resolve<'set>(found: &Found<'set>, object: &Object, set: &Set<'set>) -> Option<&'set Object> {
    let exact = set.find(found.group, found.kind, found.namespace, found.name);
    if exact.is_some() {
        return exact;
    }
    // Objects that say no namespace get one when they are applied: the same for all.
    let open = object.id.namespace.is_none() || matches!(found.row.home, Home::Controller(_));
    set.named(found.name)
        .iter()
        .find(|target| target.is(found.group, found.kind) && (open || target.id.namespace.is_none()))
        .copied()
}

/// Whether a reference leads to something that exists although the set does not have it.
fn exists_elsewhere(found: &Found<'_>, set: &Set<'_>) -> bool {
    set.externals.has(found.group, found.kind, found.namespace, found.name)
        || field::flag(found.value, "optional")
        || is_written_by_controllers(found, set)
}

/// Objects that controllers make from others of the set.
///
/// Source: siderolabs/cluster-api-bootstrap-provider-talos controllers/secrets.go (Secrets of a cluster),
/// ionos-cloud/cluster-api-provider-proxmox pkg/kubernetes/ipam/ipam.go (pools)
fn is_written_by_controllers(found: &Found<'_>, set: &Set<'_>) -> bool {
    let owned_by = |group: &str, kind: &str, name: &str| {
        set.of(group, kind).iter().any(|owner| {
            owner.id.name == name
                && (found.namespace.is_none() || owner.id.namespace.as_deref() == found.namespace)
        })
    };
    match (found.group, found.kind) {
        ("", "Secret") => ["-kubeconfig", "-talosconfig", "-ca", "-talos"]
            .iter()
            .filter_map(|suffix| found.name.strip_suffix(suffix))
            .any(|cluster| owned_by(CORE, "Cluster", cluster)),
        ("ipam.cluster.x-k8s.io", "InClusterIPPool") => {
            ["-v4-icip", "-v6-icip"].iter().filter_map(|suffix| found.name.strip_suffix(suffix)).any(|rest| {
                owned_by(INFRASTRUCTURE, "ProxmoxCluster", rest)
                    || rest
                        .rsplit_once('-')
                        .is_some_and(|(cluster, _)| owned_by(INFRASTRUCTURE, "ProxmoxCluster", cluster))
            })
        }
        _ => false,
    }
}

/// `AWSMachineTemplate a/b`, as messages name a target.
fn describe(kind: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{kind} `{namespace}/{name}`"),
        None => format!("{kind} `{name}`"),
    }
}

/// Objects of the right name and a related kind, where the right kind is missing.
fn other_kind<'set>(found: &Found<'set>, set: &Set<'set>) -> Option<&'set Object> {
    set.named(found.name)
        .iter()
        .find(|target| {
            target.id.namespace.as_deref() == found.namespace
                && target.id.kind != found.kind
                && target.group() == found.group
                && matches!(found.row.form, Form::Typed { shape, .. } if shape.fits(&target.id.kind))
        })
        .copied()
}

/// Objects of the right kind and name in another namespace.
fn other_namespace<'set>(found: &Found<'set>, set: &Set<'set>) -> Option<&'set str> {
    found.namespace?;
    set.named(found.name)
        .iter()
        .find(|target| target.is(found.group, found.kind))
        .and_then(|target| target.id.namespace.as_deref())
}

fn target(context: &Context<'_>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let (object, set) = (context.object, context.set);
    for found in all(object) {
        if resolve(&found, object, set).is_some()
            || exists_elsewhere(&found, set)
            || other_kind(&found, set).is_some()
            || (matches!(found.row.home, Home::Own) && other_namespace(&found, set).is_some())
            || !fits(&found)
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
        .chain(set.externals.names(found.group, found.kind))
        .collect();
    let near = suggest::nearest(found.name, here.iter().copied());
    if !near.is_empty() {
        return format!("did you mean {}?", suggest::list(&near, "or"));
    }
    if (found.group, found.kind) == ("", "Secret") {
        if let Some(cluster) = found.name.strip_suffix("-kubeconfig") {
            return format!(
                "a kubeconfig is written for each Cluster into its own namespace; is there a Cluster `{cluster}`?"
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
        violations.push(
            context
                .error(
                    found.path.clone(),
                    format!(
                        "{} `{}` is in namespace `{other}`, and this reference does not leave `{own}`",
                        found.kind, found.name
                    ),
                )
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
