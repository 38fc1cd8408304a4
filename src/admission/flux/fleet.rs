//! What clusters of one hub must not share.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::world::{HELM, World};
use crate::{
    admission::{Object, Objects, Violation},
    finding::{ObjectRef, Severity, codes},
    yaml::pointer::FieldPath,
};

/// What a cluster takes for itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claims {
    /// Its Cluster object.
    cluster: Option<Object>,
    /// `cluster.id` of Cilium, with the HelmRelease.
    cilium: Option<(Object, i64)>,
    /// Names under which external-dns marks its records.
    dns_owners: Vec<String>,
    /// Ranges of VM ids on Proxmox, with the machine template.
    vm_ids: Vec<(Object, i64, i64)>,
}

impl Claims {
    /// What stands in a cluster's own objects.
    #[must_use]
    pub fn of(objects: &Objects) -> Self {
        // Only what is compared is kept: a fleet's objects need not stay in memory.
        let small = |object: &Object| Object { value: Value::Null, id: object.id.clone() };
        let mut claims =
            Self { cluster: objects.of("cluster.x-k8s.io", "Cluster").next().map(small), ..Self::default() };
        for object in objects {
            if object.is(HELM, "HelmRelease") && object.id.name == "cilium" {
                let id = object.at("spec.values.cluster.id").and_then(Value::as_i64).filter(|id| *id != 0);
                claims.cilium = id.map(|id| (small(object), id));
            }
            if object.id.kind == "ProxmoxMachineTemplate"
                && let Some(range) = object.at("spec.template.spec.vmIDRange")
                && let (Some(start), Some(end)) =
                    (range.get("start").and_then(Value::as_i64), range.get("end").and_then(Value::as_i64))
            {
                claims.vm_ids.push((small(object), start, end));
            }
        }
        claims
    }

    /// With the owner ids of its external-dns releases, wherever they come from.
    #[must_use]
    pub fn with_dns_owners(mut self, owners: Vec<String>) -> Self {
        self.dns_owners = owners;
        self
    }
}

/// The owner ids of the external-dns releases of a world.
#[must_use]
pub fn dns_owners(world: &World<'_>) -> Vec<String> {
    world
        .releases()
        .iter()
        .filter_map(|(release, _)| release.text("spec.values.txtOwnerId").map(str::to_owned))
        .collect()
}

/// What two clusters claim both. Each violation comes with the position of the cluster that it is about: the second one.
#[must_use]
pub fn check(claims: &[Claims]) -> Vec<(usize, Violation)> {
    let mut out = Vec::new();
    let mut namespaces: BTreeMap<&str, &ObjectRef> = BTreeMap::new();
    let mut ids: BTreeMap<i64, &ObjectRef> = BTreeMap::new();
    let mut owners: BTreeMap<&str, &ObjectRef> = BTreeMap::new();
    let mut ranges: Vec<(usize, i64, i64)> = Vec::new();
    let mut told: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (position, own) in claims.iter().enumerate() {
        let Some(cluster) = &own.cluster else { continue };
        if let Some(first) =
            cluster.id.namespace.as_deref().and_then(|name| namespaces.insert(name, &cluster.id))
        {
            out.push((
                position,
                Violation::error(
                    &codes::FLUX_SHARED_NAMESPACE,
                    cluster,
                    FieldPath::of(["metadata", "namespace"]),
                    format!(
                        "the clusters `{}` and `{}` live in one hub namespace",
                        first.name, cluster.id.name
                    ),
                )
                .hint("give each a `spec.namespace` of its own; the default is the cluster's name"),
            ));
        }
        if let Some((release, id)) = &own.cilium
            && let Some(first) = ids.insert(*id, &cluster.id)
        {
            out.push((
                position,
                Violation::error(
                    &codes::FLUX_SHARED,
                    release,
                    FieldPath::of(["spec", "values", "cluster", "id"]),
                    format!("the clusters `{}` and `{}` have the same number {id} in a mesh", first.name, cluster.id.name),
                )
                .severity(Severity::Warning)
                .hint("in one mesh each needs its own `addons.cilium.clusterID`; in different meshes this is fine"),
            ));
        }
        for owner in &own.dns_owners {
            if let Some(first) = owners.insert(owner, &cluster.id).filter(|first| **first != cluster.id) {
                out.push((
                    position,
                    Violation::error(
                        &codes::FLUX_SHARED,
                        cluster,
                        FieldPath::of(["metadata", "name"]),
                        format!(
                            "the clusters `{}` and `{}` mark their DNS records with the same owner `{owner}`",
                            first.name, cluster.id.name
                        ),
                    )
                    .hint(
                        "each would delete the other's records; make `txtOwnerId` contain the cluster's name",
                    ),
                ));
            }
        }
        for (template, start, end) in &own.vm_ids {
            let overlapping =
                ranges.iter().find(|(other, from, to)| *other != position && start <= to && from <= end);
            if let Some((other, ..)) = overlapping.filter(|(other, ..)| told.insert((*other, position))) {
                let first = claims[*other].cluster.as_ref().map_or("", |cluster| &*cluster.id.name);
                out.push((
                    position,
                    Violation::error(
                        &codes::FLUX_SHARED,
                        template,
                        FieldPath::of(["spec", "template", "spec", "vmIDRange"]),
                        format!(
                            "the clusters `{first}` and `{}` take VM ids from overlapping ranges",
                            cluster.id.name
                        ),
                    )
                    .severity(Severity::Warning)
                    .hint("on one Proxmox give each a range of its own; on different ones this is fine"),
                ));
            }
            ranges.push((position, *start, *end));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Claims, check};
    use crate::admission::{Object, Objects};

    fn claims(name: &str, namespace: &str, owner: &str) -> Claims {
        let object = json!({"apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster",
            "metadata": {"name": name, "namespace": namespace}});
        let objects: Objects = std::iter::once(Object::new(object)).collect();
        Claims::of(&objects).with_dns_owners(vec![owner.to_owned()])
    }

    #[test]
    fn what_two_clusters_share_is_found_at_the_second() {
        assert_eq!(check(&[claims("a", "a", "a"), claims("b", "b", "b")]), []);
        let found = check(&[claims("a", "x", "o"), claims("b", "x", "o"), claims("c", "c", "c")]);
        let codes: Vec<_> =
            found.iter().map(|(position, violation)| (*position, violation.code.id)).collect();
        assert_eq!(codes, [(1, "IF0919"), (1, "IF0925")]);
    }
}
