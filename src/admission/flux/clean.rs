//! Clusters that differ in their names only are checked once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use super::{
    Folders, Report, Repository, World, check_schemas, check_world,
    fleet::{self, Claims},
};
use crate::admission::{Object, Objects, schema::Schemas};

/// The checks of a run over many clusters: built folders, and what was found clean.
///
/// A fleet has many clusters of few classes. What the checks say of a cluster does not depend on its name, so a cluster that
/// reads like a clean one but for the name is clean. What is not clean is checked anew, for its own lines in the plan.
#[derive(Debug)]
pub struct Checks<'run> {
    folders: &'run Folders,
    schemas: &'run Schemas,
    /// With the owners of DNS records, their names left open.
    clean: Mutex<BTreeMap<[u8; 32], Vec<String>>>,
}

impl<'run> Checks<'run> {
    /// Checks over a catalogue. What the folders hold is checked against the schemas that are there; a kind without one is
    /// somebody else's to check.
    #[must_use]
    pub fn new(folders: &'run Folders, schemas: &'run Schemas) -> Self {
        Self { folders, schemas, clean: Mutex::default() }
    }

    /// [`super::check`] for the objects of one cluster, and what it takes for itself.
    #[must_use]
    pub fn cluster(&self, objects: &Objects, names: &[&str], repository: Repository) -> (Report, Claims) {
        let form = normal_form(objects, names, &format!("{repository:?}"));
        let claims = Claims::of(objects);
        // A thread that panicked elsewhere leaves the map whole: entries are only ever added.
        let known = self.clean.lock().unwrap_or_else(PoisonError::into_inner).get(&form).cloned();
        if let Some(owners) = known {
            let owners = owners.iter().map(|owner| name(owner, names)).collect();
            return (Report::default(), claims.with_dns_owners(owners));
        }
        let mut world = World::new(objects, self.folders, repository);
        let owners = fleet::dns_owners(&world);
        check_world(&mut world);
        check_schemas(&mut world, self.schemas);
        let report = world.report();
        if report.violations.is_empty() && report.findings.is_empty() {
            let open = owners.iter().map(|owner| unname(owner, names)).collect();
            self.clean.lock().unwrap_or_else(PoisonError::into_inner).insert(form, open);
        }
        (report, claims.with_dns_owners(owners))
    }
}

/// A text with a mark in place of each name.
fn unname(text: &str, names: &[&str]) -> String {
    let marked = |text: String, (position, name): (usize, &&str)| text.replace(name, &mark(position));
    names.iter().enumerate().fold(text.to_owned(), marked)
}

/// A text with names in place of their marks.
fn name(text: &str, names: &[&str]) -> String {
    let fill = |text: String, (position, name): (usize, &&str)| text.replace(&mark(position), name);
    names.iter().enumerate().fold(text.to_owned(), fill)
}

/// No YAML that is read here holds this character.
fn mark(position: usize) -> String {
    format!("\u{1}{position}\u{1}")
}

/// A hash over what the checks read, without the names given, and over where the catalogue is.
pub(super) fn normal_form<'set>(
    objects: impl IntoIterator<Item = &'set Object>,
    names: &[&str],
    repository: &str,
) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(repository);
    for object in objects {
        let group = object.group();
        let read = group.ends_with(".toolkit.fluxcd.io")
            || ["Cluster", "TalosControlPlane"].contains(&&*object.id.kind)
            || group.is_empty();
        // What remains is looked at for a `${` only.
        let text = if read { object.value.to_string() } else { leftover(object.value.to_string()) };
        hash.update(unname(&text, names));
        hash.update([0]);
    }
    hash.finalize().into()
}

fn leftover(text: String) -> String {
    if text.contains("${") { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::normal_form;
    use crate::admission::{Object, Objects};

    #[test]
    fn only_names_may_differ() {
        let form = |name: &str, interval: &str| {
            let object = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": "cni", "namespace": name},
                "spec": {"interval": interval, "kubeConfig": {"secretRef": {"name": format!("{name}-kubeconfig")}}}});
            let objects: Objects = std::iter::once(Object::new(object)).collect();
            normal_form(&objects, &[name], "GitRepository/flux-system/infraflux")
        };
        assert_eq!(form("blue", "1h"), form("green", "1h"));
        assert_ne!(form("blue", "1h"), form("green", "2h"));
    }
}
