//! Clusters of InfraFlux's that read like another one but for their names.
//!
//! A fleet has many clusters of few classes, and what Flux's checks say of a cluster does not depend on its name (`clean.rs`).
//! Of those that are alike one is looked at; only if something is wrong with it are the others. Schemas, for which the length of a
//! name matters, are asked about every object all the same.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    clean::normal_form,
    expand::Given,
    find::Finder,
    place::Home,
    world::{KUSTOMIZE, is_own},
};
use crate::admission::Object;

/// Which given objects need not be looked at.
#[derive(Debug, Default)]
pub(super) struct Twins {
    /// The positions of their objects.
    pub(super) skipped: HashSet<usize>,
    /// How many clusters each one that is looked at stands for, by namespace.
    weights: HashMap<String, usize>,
}

impl Twins {
    /// Finds them among given objects.
    pub(super) fn of(given: &Given<'_>) -> Self {
        let mut clusters: BTreeMap<&str, Vec<(usize, &Object)>> = BTreeMap::new();
        for (position, object) in given.objects.iter().enumerate().filter(|(_, object)| is_own(object)) {
            let home = object.id.namespace.as_deref().unwrap_or(&object.id.name);
            clusters.entry(home).or_default().push((position, object));
        }
        let mut twins = Self::default();
        if clusters.len() < 2 {
            return twins;
        }
        let finder = Finder::new(given);
        let mut first: HashMap<[u8; 32], &str> = HashMap::new();
        for (home, objects) in &clusters {
            // Folders that somebody keeps are looked at for every cluster that they are filled for.
            let is_local = objects.iter().any(|(_, object)| {
                object.is(KUSTOMIZE, "Kustomization")
                    && matches!(finder.home(object, "", &[]), Home::Local { .. })
            });
            if is_local {
                continue;
            }
            let own = || objects.iter().map(|(_, object)| object);
            // It stands in the infrastructure's own cluster object.
            let endpoint = own().find_map(|object| object.text("spec.controlPlaneEndpoint.host"));
            let name = own().find(|object| object.id.kind == "Cluster").map(|cluster| &*cluster.id.name);
            let names: Vec<&str> =
                [Some(*home), name, endpoint.filter(|host| host.len() > 3)].into_iter().flatten().collect();
            let form = normal_form(objects.iter().map(|(_, object)| *object), &names, "");
            match first.get(&form) {
                Some(like) => {
                    *twins.weights.entry((*like).to_owned()).or_insert(1) += 1;
                    twins.skipped.extend(objects.iter().map(|(position, _)| *position));
                }
                None => {
                    first.insert(form, home);
                }
            }
        }
        twins
    }

    /// How many clusters an object stands for.
    pub(super) fn weight(&self, object: &Object) -> usize {
        let home = object.id.namespace.as_deref().unwrap_or(&object.id.name);
        self.weights.get(home).copied().unwrap_or(1)
    }

    /// Whether an object belongs to a cluster that stands for others.
    pub(super) fn is_one(&self, namespace: &str) -> bool {
        self.weights.contains_key(namespace)
    }
}
