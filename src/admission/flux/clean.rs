//! Clusters that differ in their names only are checked once.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use super::{
    Delivered, Folders, Report, Repository, World, against, check_with, check_world,
    fleet::{self, Claims},
};
use crate::admission::{Object, Objects, Violation, schema::Schemas};

/// The checks of a run over many clusters: built folders, and what was found clean.
///
/// A fleet has many clusters of few classes. What the checks say of a cluster does not depend on its name, unless that is too
/// long for something, so a cluster that reads like a clean one but for a name that is no longer is clean. What is not clean is
/// checked anew, for its own lines in the plan.
#[derive(Debug)]
pub struct Checks<'run> {
    folders: &'run Folders,
    schemas: &'run Schemas,
    clean: Mutex<BTreeMap<[u8; 32], Clean>>,
    /// What schemas and CEL say of the catalogue's own objects, by their address.
    of_schemas: Mutex<HashMap<usize, Judged>>,
}

/// Clusters that read alike but for their names, and are clean.
#[derive(Debug, Clone, Default)]
struct Clean {
    /// How long each name may be as far as is known.
    lengths: Vec<usize>,
    /// The owners of DNS records, names left open.
    owners: Vec<String>,
}

impl Clean {
    fn covers(&self, names: &[&str]) -> bool {
        names.iter().zip(&self.lengths).all(|(name, length)| name.len() <= *length)
    }

    fn widen(&mut self, names: &[&str]) {
        self.lengths.resize(names.len(), 0);
        for (name, length) in names.iter().zip(&mut self.lengths) {
            *length = name.len().max(*length);
        }
    }
}

/// An object and what was found. Keeping the object keeps anything else from getting its address.
type Judged = (Arc<Delivered>, Vec<Violation>);

impl<'run> Checks<'run> {
    /// Checks over a catalogue. What the folders hold is checked against the schemas that are there; a kind without one is
    /// somebody else's to check.
    #[must_use]
    pub fn new(folders: &'run Folders, schemas: &'run Schemas) -> Self {
        Self { folders, schemas, clean: Mutex::default(), of_schemas: Mutex::default() }
    }

    /// [`super::check`] for the objects of one cluster, and what it takes for itself.
    #[must_use]
    pub fn cluster(&self, objects: &Objects, names: &[&str], repository: Repository) -> (Report, Claims) {
        let form = normal_form(objects, names, &format!("{repository:?}"));
        let claims = Claims::of(objects);
        // A thread that panicked elsewhere leaves the map whole: entries are only ever added.
        let known = self.clean.lock().unwrap_or_else(PoisonError::into_inner).get(&form).cloned();
        if let Some(clean) = known.filter(|clean| clean.covers(names)) {
            let owners = clean.owners.iter().map(|owner| name(owner, names)).collect();
            return (Report::default(), claims.with_dns_owners(owners));
        }
        let mut world = World::new(objects, self.folders, repository);
        let owners = fleet::dns_owners(&world);
        check_world(&mut world);
        check_with(&mut world, |delivered| self.against_schemas(delivered));
        let report = world.report();
        if report.violations.is_empty() && report.findings.is_empty() {
            let mut clean = self.clean.lock().unwrap_or_else(PoisonError::into_inner);
            let clean = clean.entry(form).or_default();
            clean.owners = owners.iter().map(|owner| unname(owner, names)).collect();
            clean.widen(names);
        }
        (report, claims.with_dns_owners(owners))
    }

    /// What schemas and CEL say of a delivered object; of one that clusters share, once.
    fn against_schemas(&self, delivered: &Arc<Delivered>) -> Vec<Violation> {
        if !delivered.is_shared {
            return against(self.schemas, delivered);
        }
        let address = Arc::as_ptr(delivered).addr();
        let known = || self.of_schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, violations)) = known().get(&address) {
            return violations.clone();
        }
        let violations = against(self.schemas, delivered);
        known().insert(address, (Arc::clone(delivered), violations.clone()));
        violations
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

    use super::{Clean, normal_form};
    use crate::admission::{Object, Objects};

    #[test]
    fn a_longer_name_is_checked_anew() {
        let mut clean = Clean::default();
        clean.widen(&["blue", "b"]);
        assert!(
            clean.covers(&["grey", "a"]) && !clean.covers(&["green", "a"]) && !clean.covers(&["grey", "ab"])
        );
        clean.widen(&["green", "g"]);
        assert!(clean.covers(&["green", "a"]));
    }

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
