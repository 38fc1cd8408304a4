//! Where expansion starts: Kustomizations that no other one delivers, and kustomizations that no Flux Kustomization reads.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::{Beside, Expander, Origin, Seed, Spot, spot};
use crate::{
    admission::{
        Object,
        flux::{
            files::Files as _,
            folder::{Folder, KUSTOMIZATION, Outline},
            place::Home,
            world::{KUSTOMIZE, list},
        },
    },
    finding::Severity,
};

/// A given Kustomization, with what its folder delivers.
struct Candidate<'run> {
    position: usize,
    home: Home<'run>,
    folder: Option<Arc<Folder>>,
}

impl<'run> Expander<'run> {
    /// The seeds of all trees.
    pub(super) fn roots(&mut self) -> Vec<Vec<Seed>> {
        let given = self.given;
        let is_kustomization = |object: &Object| object.is(KUSTOMIZE, "Kustomization");
        let all: Vec<Candidate<'run>> = given
            .objects
            .iter()
            .enumerate()
            .filter(|(position, object)| is_kustomization(object) && !self.skipped.contains(position))
            .map(|(position, object)| {
                let location = given.nodes.get(position).and_then(|node| given.sources.locate(node.place));
                let file = location.as_ref().map_or("", |location| location.file());
                let home = self.finder.home(object, file, &[]);
                let components: Vec<String> = list(object, "spec.components")
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect();
                let folder = home.get(&components);
                Candidate { position, home, folder }
            })
            .collect();
        let mut trees = self.beside(&all);
        let told: HashSet<Spot> =
            trees.iter().flatten().flat_map(|seed| seed.above.iter().copied()).collect();
        let number: HashMap<Spot, usize> = all
            .iter()
            .enumerate()
            .filter_map(|(number, own)| {
                Some((spot(&given.sources.locate(given.nodes.get(own.position)?.place)?), number))
            })
            .collect();
        let edges: Vec<Vec<usize>> = all
            .iter()
            .enumerate()
            .map(|(own, candidate)| {
                let built = candidate.folder.iter().flat_map(|folder| kustomizations(folder));
                built
                    .filter_map(|(place, _)| number.get(&place).copied())
                    .filter(|other| *other != own)
                    .collect()
            })
            .collect();
        let mut delivered = vec![false; all.len()];
        for target in edges.iter().flatten() {
            delivered[*target] = true;
        }
        let mut reached = vec![false; all.len()];
        let reach = |own: usize, reached: &mut Vec<bool>| {
            let mut open = vec![own];
            while let Some(node) = open.pop() {
                if !std::mem::replace(&mut reached[node], true) {
                    open.extend(&edges[node]);
                }
            }
        };
        for own in told.iter().filter_map(|place| number.get(place)) {
            reach(*own, &mut reached);
        }
        let mut roots = Vec::new();
        let free = (0..all.len()).filter(|own| !delivered[*own]);
        for own in free.chain(0..all.len()) {
            if !reached[own] {
                roots.push(own);
                reach(own, &mut reached);
            }
        }
        roots.sort_unstable();
        trees.extend(
            roots.into_iter().filter_map(|own| all.get(own)).map(|own| vec![self.seed(own.position)]),
        );
        trees
    }

    /// A given Kustomization as a seed.
    pub(super) fn seed(&self, position: usize) -> Seed {
        let given = self.given;
        let node = given.nodes.get(position);
        let above = node.and_then(|node| given.sources.locate(node.place)).iter().map(spot).collect();
        let object = given.objects.get(position).cloned().unwrap_or_else(|| Object::new(Value::Null));
        Seed { object, origin: Origin::Given(position), above }
    }

    /// Kustomizations of kustomize that nothing includes and no Flux Kustomization reads. Something else builds them: a
    /// Kustomization that an operator makes, a script. What they become is checked in place of what is written, when they
    /// build; when they do not, nobody can say that they should.
    fn beside(&mut self, all: &[Candidate<'run>]) -> Vec<Vec<Seed>> {
        let mut trees = Vec::new();
        for checkout in &self.given.places.checkouts {
            let files = checkout.local.tree.files();
            let mut folders: BTreeMap<String, Outline> = BTreeMap::new();
            for file in files.below("") {
                let (folder, name) = file.rsplit_once('/').unwrap_or(("", &file));
                if KUSTOMIZATION.contains(&name) {
                    folders.insert(folder.to_owned(), Outline::read(&**files, folder, &file));
                }
            }
            let included: BTreeSet<&String> =
                folders.values().flat_map(|outline| &outline.includes).collect();
            // Who reads a folder without a kustomization reads all below.
            let read: Vec<(&str, bool)> = all
                .iter()
                .filter_map(|own| match &own.home {
                    Home::Local { local, path, .. } if Arc::ptr_eq(local, &checkout.local) => {
                        Some((&**path, folders.contains_key(path)))
                    }
                    _ => None,
                })
                .collect();
            let is_read = |folder: &str| {
                read.iter().any(|(path, whole)| {
                    folder == *path
                        || (!whole
                            && (path.is_empty()
                                || folder.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))))
                })
            };
            for (folder, outline) in &folders {
                if outline.is_component
                    || included.contains(folder)
                    || is_read(folder)
                    || changes_nothing(folder, &folders)
                {
                    continue;
                }
                let Some(built) = checkout.local.tree.get(folder, &[]) else { continue };
                if built.findings.iter().any(|finding| finding.severity == Severity::Error) {
                    continue;
                }
                trees.extend(self.take(&built));
            }
        }
        trees
    }

    /// Takes what a kustomization becomes in place of what is written; its Kustomizations are a tree.
    fn take(&mut self, folder: &Arc<Folder>) -> Option<Vec<Seed>> {
        let positions: Vec<usize> = folder
            .objects
            .iter()
            .filter_map(|built| self.out.spots.get(&spot(&folder.locate(built.node.place)?)).copied())
            .collect();
        if positions.is_empty() {
            return None;
        }
        self.out.delivered.extend(positions);
        let mut seeds = Vec::new();
        for built in &folder.objects {
            let object = Object::new(built.node.to_value());
            let node = Arc::new(built.node.clone());
            let written = folder.locate(built.node.place).map(|location| spot(&location));
            let written = written.and_then(|place| self.out.spots.get(&place)).copied();
            let twin = written.filter(|position| self.skipped.contains(position));
            if let Some(position) = twin {
                self.out.is_uneven |= self.given.objects.get(position) != Some(&object);
            } else if object.is(KUSTOMIZE, "Kustomization") {
                let above = folder.locate(built.node.place).iter().map(spot).collect();
                let origin = Origin::Built { folder: Arc::clone(folder), node: Arc::clone(&node) };
                seeds.push(Seed { object: object.clone(), origin, above });
            }
            self.out.beside.push(Beside { object, node, folder: Arc::clone(folder) });
        }
        (!seeds.is_empty()).then_some(seeds)
    }
}

/// Whether a kustomization and all that it includes only list resources: what is written is what they become.
fn changes_nothing(folder: &str, folders: &BTreeMap<String, Outline>) -> bool {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut open = vec![folder];
    while let Some(folder) = open.pop() {
        let Some(outline) = folders.get(folder).filter(|_| seen.insert(folder)) else { continue };
        if !outline.is_plain {
            return false;
        }
        open.extend(outline.includes.iter().map(String::as_str));
    }
    true
}

/// The Kustomizations of a folder with where they are written.
fn kustomizations(folder: &Folder) -> impl Iterator<Item = (Spot, &crate::yaml::Node)> {
    folder
        .objects
        .iter()
        .filter(|built| built.id().kind == "Kustomization")
        .filter_map(|built| Some((spot(&folder.locate(built.node.place)?), &built.node)))
}
