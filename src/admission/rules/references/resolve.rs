//! Where the references of an object lead.

use serde_json::Value;

use crate::{
    admission::{
        Object,
        rules::{
            field,
            set::{CORE, INFRASTRUCTURE, Set},
        },
    },
    yaml::pointer::FieldPath,
};

use super::{
    table::{self, Form, Home, Reference},
    writers,
};

/// One reference of an object.
pub(super) struct Found<'set> {
    pub(super) row: &'static Reference,
    pub(super) path: FieldPath,
    pub(super) value: &'set Value,
    pub(super) group: &'set str,
    pub(super) kind: &'set str,
    pub(super) name: &'set str,
    /// Where it looks; `None` for kinds without a namespace, and if the referring object does not say its own.
    pub(super) namespace: Option<&'set str>,
}

/// All references of an object, in the order of the table.
pub(super) fn all(object: &Object) -> impl Iterator<Item = Found<'_>> {
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
pub(super) fn resolve<'set>(found: &Found<'set>, object: &Object, set: &Set<'set>) -> Option<&'set Object> {
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
pub(super) fn exists_elsewhere(found: &Found<'_>, set: &Set<'_>) -> bool {
    set.externals.has(found.group, found.kind, found.namespace, found.name)
        || field::flag(found.value, "optional")
        || is_written_by_controllers(found, set)
        || writers::have(found, set)
}

/// Objects that controllers make from others of the set.
///
/// Source: siderolabs/cluster-api-bootstrap-provider-talos controllers/secrets.go (Secrets of a cluster),
/// ionos-cloud/cluster-api-provider-proxmox pkg/kubernetes/ipam/ipam.go (pools)
fn is_written_by_controllers(found: &Found<'_>, set: &Set<'_>) -> bool {
    let owned_by = |group: &str, kind: &str, name: &str| match found.namespace {
        Some(_) => set.find(group, kind, found.namespace, name).is_some(),
        None => set.of(group, kind).iter().any(|owner| owner.id.name == name),
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
pub(super) fn describe(kind: &str, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{kind} `{namespace}/{name}`"),
        None => format!("{kind} `{name}`"),
    }
}

/// Objects of the right name and a related kind, where the right kind is missing.
pub(super) fn other_kind<'set>(found: &Found<'set>, set: &Set<'set>) -> Option<&'set Object> {
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
pub(super) fn other_namespace<'set>(found: &Found<'set>, set: &Set<'set>) -> Option<&'set str> {
    found.namespace?;
    set.named(found.name)
        .iter()
        .find(|target| target.is(found.group, found.kind))
        .and_then(|target| target.id.namespace.as_deref())
}
