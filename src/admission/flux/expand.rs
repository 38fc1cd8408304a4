//! What a hub has once Flux did its work: the objects that were given, and what their Kustomizations bring, and theirs.
//!
//! A repository holds the Kustomizations of its applications in folders that another Kustomization reads. They get their
//! namespace, patches and variables on the way, so what is written is not what Flux sees. Here each is loaded by the one that
//! delivers it, from those that nobody delivers: the roots.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::{
    artifact,
    find::Finder,
    folder::{Folder, Folders},
    load::{Load, Manner, load},
    place::{Home, Places},
    world::{KUSTOMIZE, Kustomization, is_own},
};
use crate::{
    admission::{Object, Objects, rules::Externals},
    yaml::{Location, Node, Source, Sources},
};

mod roots;
mod settings;

use settings::Settings;

/// What was given, and where folders are found.
#[derive(Debug)]
pub struct Given<'run> {
    /// The objects.
    pub objects: &'run Objects,
    /// The same with places, in the same order.
    pub nodes: &'run [Node],
    /// The texts of the places.
    pub sources: &'run Sources,
    /// InfraFlux's catalogue.
    pub catalog: &'run Folders,
    /// What stands for sources.
    pub places: &'run Places,
    /// What exists beside the objects.
    pub externals: &'run Externals,
}

/// No run loads more Kustomizations than this; who delivers more delivers them in a circle of ever new names.
const MOST: usize = 50_000;

/// Where an object starts in a text: two objects of one place are one.
pub(super) type Spot = (*const Source, usize);

fn spot(location: &Location) -> Spot {
    (Arc::as_ptr(location.source()), location.range().start)
}

/// Where an object of a hub comes from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// From what was given, at this position.
    Given(usize),
    /// From a folder.
    Built { folder: Arc<Folder>, node: Arc<Node> },
}

impl Origin {
    /// The node and the texts that its places are in.
    pub(super) fn node<'this>(&'this self, given: &'this Given<'_>) -> Option<(&'this Node, &'this Sources)> {
        match self {
            Self::Given(position) => Some((given.nodes.get(*position)?, given.sources)),
            Self::Built { folder, node } => Some((node, &folder.sources)),
        }
    }
}

/// A Kustomization that Flux would have, and what it delivers.
#[derive(Debug)]
pub(super) struct Branch<'run> {
    pub(super) object: Object,
    pub(super) origin: Origin,
    pub(super) load: Arc<Load<'run>>,
}

/// A root and everything that is delivered because of it, on one cluster.
#[derive(Debug, Default)]
pub(super) struct Growth<'run> {
    pub(super) branches: Vec<Branch<'run>>,
    /// ConfigMaps and Secrets that are delivered.
    settings: Settings,
    /// ArtifactGenerators that are delivered.
    generators: Vec<Object>,
}

/// An object of a kustomization that no Flux Kustomization reads.
#[derive(Debug)]
pub(super) struct Beside {
    pub(super) object: Object,
    pub(super) node: Arc<Node>,
    pub(super) folder: Arc<Folder>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Expanded<'run> {
    pub(super) trees: Vec<Growth<'run>>,
    /// What kustomizations become that no Flux Kustomization reads.
    pub(super) beside: Vec<Beside>,
    /// Positions of given objects that a Kustomization or kustomization brings: what Flux makes of them takes their place.
    pub(super) delivered: HashSet<usize>,
    /// Whether there were too many.
    pub(super) is_cut: bool,
    /// Whether something that is left alone becomes something else than what is written.
    pub(super) is_uneven: bool,
    /// The given objects by where they are written.
    spots: HashMap<Spot, usize>,
}

/// A Kustomization that is still to be loaded.
struct Seed {
    object: Object,
    origin: Origin,
    /// Where it and those that deliver it are written.
    above: Vec<Spot>,
}

/// Loads all Kustomizations but those at some positions.
pub(super) fn expand<'run>(given: &'run Given<'run>, skipped: &HashSet<usize>) -> Expanded<'run> {
    let mut expander = Expander {
        given,
        skipped: skipped.clone(),
        finder: Finder::new(given),
        settings: Settings::default(),
        out: Expanded::default(),
        count: 0,
    };
    for object in given.objects {
        expander.settings.add(object);
    }
    expander.out.spots = given
        .nodes
        .iter()
        .enumerate()
        .filter_map(|(position, node)| Some((spot(&given.sources.locate(node.place)?), position)))
        .collect();
    let mut open: VecDeque<Vec<Seed>> = expander.roots().into();
    let mut planted = skipped.clone();
    while let Some(seeds) = open.pop_front() {
        planted.extend(seeds.iter().filter_map(|seed| match seed.origin {
            Origin::Given(position) => Some(position),
            Origin::Built { .. } => None,
        }));
        let elsewhere = expander.grow(seeds);
        open.extend((!elsewhere.is_empty()).then_some(elsewhere));
        if open.is_empty() {
            // A patch or a variable may have kept one out that its folder has.
            let left = given.objects.iter().enumerate().find(|(position, object)| {
                object.is(KUSTOMIZE, "Kustomization")
                    && !planted.contains(position)
                    && !expander.out.delivered.contains(position)
            });
            open.extend(left.map(|(position, _)| vec![expander.seed(position)]));
        }
    }
    expander.out
}

struct Expander<'run> {
    given: &'run Given<'run>,
    finder: Finder<'run>,
    /// Positions that are left alone.
    skipped: HashSet<usize>,
    /// ConfigMaps and Secrets that were given.
    settings: Settings,
    out: Expanded<'run>,
    count: usize,
}

impl<'run> Expander<'run> {
    /// Grows a tree, and gives the seeds of those on other clusters.
    fn grow(&mut self, seeds: Vec<Seed>) -> Vec<Seed> {
        let mut tree = Growth::default();
        let mut elsewhere = Vec::new();
        let mut seen: HashSet<(Spot, Option<String>, String)> = HashSet::new();
        for seed in &seeds {
            seen.extend(
                seed.above
                    .last()
                    .map(|place| (*place, seed.object.id.namespace.clone(), seed.object.id.name.clone())),
            );
        }
        let mut open = VecDeque::from(seeds);
        while let Some(seed) = open.pop_front() {
            self.count += 1;
            if self.count > MOST {
                self.out.is_cut = true;
                break;
            }
            let branch = self.branch(seed.object, seed.origin, &tree);
            let kustomization = Kustomization { object: &branch.object };
            let Some(folder) = branch.load.folder.clone() else {
                tree.branches.push(branch);
                continue;
            };
            for delivered in branch.load.objects() {
                let Some(location) = folder.locate(delivered.node.place) else { continue };
                let place = spot(&location);
                let written = self.out.spots.get(&place).copied();
                self.out.delivered.extend(written);
                if let Some(position) = written.filter(|position| self.skipped.contains(position)) {
                    // What is delivered as it is written is like the one that it is a twin of.
                    self.out.is_uneven |= self.given.objects.get(position) != Some(&delivered.object);
                    continue;
                }
                if !kustomization.is_remote() {
                    tree.settings.add(&delivered.object);
                    if delivered.object.group() == artifact::GROUP {
                        tree.generators.push(delivered.object.clone());
                    }
                }
                let id = &delivered.object.id;
                // What delivers itself is loaded already.
                if !delivered.object.is(KUSTOMIZE, "Kustomization")
                    || seed.above.contains(&place)
                    || !seen.insert((place, id.namespace.clone(), id.name.clone()))
                {
                    continue;
                }
                let mut above = seed.above.clone();
                above.push(place);
                let node = Arc::new(delivered.node.clone());
                let origin = Origin::Built { folder: Arc::clone(&folder), node };
                let next = Seed { object: delivered.object.clone(), origin, above };
                if kustomization.is_remote() { elsewhere.push(next) } else { open.push_back(next) }
            }
            tree.branches.push(branch);
        }
        self.out.trees.push(tree);
        elsewhere
    }

    fn branch(&self, object: Object, origin: Origin, tree: &Growth<'run>) -> Branch<'run> {
        let file = origin.node(self.given).and_then(|(node, sources)| sources.locate(node.place));
        let file = file.as_ref().map_or("", |location| location.file());
        let home = self.finder.home(&object, file, &tree.generators);
        let variables = settings::variables(&object, &tree.settings, &self.settings);
        let written = |words: &[&str]| -> Option<Location> {
            let (node, sources) = origin.node(self.given)?;
            sources.locate(node.at(words.iter().copied())?.place)
        };
        let manner = Manner { own: is_own(&object), variables, written: &written };
        let load = Arc::new(load(Kustomization { object: &object }, home, &manner));
        Branch { object, origin, load }
    }
}

/// An object that a Kustomization delivers, with the texts that its places are in.
#[derive(Debug, Clone, Copy)]
pub struct Built<'this> {
    /// Its content.
    pub object: &'this Object,
    /// The same with places.
    pub node: &'this Node,
    /// The texts.
    pub sources: &'this Sources,
    /// The position of the given object that it is made of, if it was given.
    pub written: Option<usize>,
}

impl Expanded<'_> {
    /// All objects that are delivered, each once however many deliver the same. Those of InfraFlux's own catalogue are not
    /// what somebody wants to have checked.
    pub(super) fn built(&self) -> Vec<Built<'_>> {
        let mut seen: HashMap<Spot, Vec<&Object>> = HashMap::new();
        let mut out = Vec::new();
        for load in self.trees.iter().flat_map(|tree| &tree.branches).map(|branch| &branch.load) {
            let Some(folder) = load.folder.as_ref().filter(|_| !matches!(load.home, Home::Catalog { .. }))
            else {
                continue;
            };
            for delivered in load.objects() {
                let Some(location) = folder.locate(delivered.node.place) else { continue };
                let place = spot(&location);
                let same = seen.entry(place).or_default();
                if same.contains(&&delivered.object) {
                    continue;
                }
                same.push(&delivered.object);
                out.push(Built {
                    object: &delivered.object,
                    node: &delivered.node,
                    sources: &folder.sources,
                    written: self.spots.get(&place).copied(),
                });
            }
        }
        for Beside { object, node, folder } in &self.beside {
            let Some(location) = folder.locate(node.place) else { continue };
            let place = spot(&location);
            let same = seen.entry(place).or_default();
            if !same.contains(&object) {
                same.push(object);
                let written = self.spots.get(&place).copied();
                out.push(Built { object, node, sources: &folder.sources, written });
            }
        }
        out
    }
}
