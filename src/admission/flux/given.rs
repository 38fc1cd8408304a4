//! Flux's checks on objects that somebody else wrote: one world for each cluster whose Kustomizations are among them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    artifact, check_world,
    coverage::Coverage,
    expand::{Built, Expanded, Given, Origin, expand},
    find::source_of,
    load::Load,
    place::SourceName,
    twins::Twins,
    world::{
        ANY, HELM, KUSTOMIZE, Kustomization, Report, Surroundings, Whose, World, depends_on, is_own, list,
    },
};
use crate::{
    admission::{Object, Objects, Violation},
    finding::{Finding, Findings, ObjectRef, codes},
    yaml::{self, Node, Sources},
};

/// Objects with everything that Flux would add to them.
#[derive(Debug)]
pub struct Repositories<'run> {
    given: &'run Given<'run>,
    twins: Twins,
    expanded: Expanded<'run>,
}

/// What came of Flux's checks.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is wrong.
    pub findings: Findings,
    /// What was looked at, and what was not.
    pub coverage: Coverage,
}

/// Turns a violation into a finding at its line.
pub type Locate<'call> = &'call dyn Fn(&Sources, &Node, Violation) -> Finding;

impl<'run> Repositories<'run> {
    /// Loads the Kustomizations among the objects; `None` when there is nothing of Flux.
    #[must_use]
    pub fn load(given: &'run Given<'run>) -> Option<Self> {
        let is_flux = |object: &Object| object.group() == KUSTOMIZE || object.group() == HELM;
        given.objects.iter().any(is_flux).then(|| {
            let twins = Twins::of(given);
            let expanded = expand(given, &twins.skipped);
            if expanded.is_uneven {
                return Self::of_all(given);
            }
            Self { given, twins, expanded }
        })
    }

    /// Whether what Flux makes of a given object takes its place.
    #[must_use]
    pub fn delivers(&self, position: usize) -> bool {
        self.expanded.delivered.contains(&position)
    }

    /// What the Kustomizations deliver.
    #[must_use]
    pub fn built(&self) -> Vec<Built<'_>> {
        self.expanded.built()
    }

    /// Runs Flux's checks.
    #[must_use]
    pub fn check(&self, locate: Locate<'_>) -> Outcome {
        let outcome = self.check_these(locate);
        let is_of_twins = |finding: &Finding| {
            let home = finding.object.as_ref().and_then(|object| object.namespace.as_deref());
            home.is_some_and(|home| self.twins.is_one(home))
                || finding
                    .location
                    .as_ref()
                    .is_some_and(|location| location.origin() == yaml::Origin::BuiltIn)
        };
        if self.twins.skipped.is_empty() || !outcome.findings.iter().any(is_of_twins) {
            return outcome;
        }
        // Each cluster is told of its own lines.
        Self::of_all(self.given).check_these(locate)
    }

    /// Every cluster by itself.
    fn of_all(given: &'run Given<'run>) -> Self {
        let twins = Twins::default();
        let expanded = expand(given, &twins.skipped);
        Self { given, twins, expanded }
    }

    fn check_these(&self, locate: Locate<'_>) -> Outcome {
        let given = self.given;
        let surroundings = self.surroundings();
        let mut findings = Findings::new();
        for hub in self.hubs() {
            let objects: Objects = hub.entries.iter().map(|(object, _)| (*object).clone()).collect();
            let mut world =
                World::with(&objects, given.catalog, Whose::Given(&surroundings), hub.loads(&self.expanded));
            check_world(&mut world);
            let report = world.report();
            findings.extend(hub.findings(given, report, locate));
        }
        if self.expanded.is_cut {
            findings.push(
                Finding::warning(
                    &codes::FLUX_NOT_CHECKED,
                    "too many Kustomizations deliver further ones".to_owned(),
                )
                .hint("give the objects of fewer clusters at a time"),
            );
        }
        findings.extend(self.unused_names());
        Outcome {
            findings: findings.distinct(),
            coverage: Coverage::of(&self.expanded.trees, &self.twins, self.releases(), self.generators()),
        }
    }

    /// What there is beside the objects of one cluster.
    fn surroundings(&self) -> Surroundings<'_> {
        let mut all: HashMap<(String, String, String), Vec<Option<String>>> = HashMap::new();
        let built = self.expanded.built();
        let given = self.given.objects.iter().enumerate();
        let given = given.filter(|(position, _)| !self.delivers(*position)).map(|(_, object)| object);
        let every = given.chain(built.iter().map(|built| built.object));
        for object in every.filter(|object| is_relevant(object)) {
            let id = &object.id;
            let name = if id.name.contains("${") { ANY } else { &*id.name };
            let key = (object.group().to_owned(), id.kind.clone(), name.to_owned());
            all.entry(key).or_default().push(id.namespace.clone());
        }
        Surroundings { externals: self.given.externals, all, are_made: self.generators() > 0 }
    }

    /// HelmReleases of all clusters.
    fn releases(&self) -> usize {
        let is_release = |object: &Object| object.is(HELM, "HelmRelease");
        let given = self.given.objects.iter().enumerate();
        let given =
            given.filter(|(position, object)| !self.delivers(*position) && is_release(object)).count();
        let beside = self.expanded.beside.iter().filter(|beside| is_release(&beside.object)).count();
        let delivered: usize = self
            .expanded
            .trees
            .iter()
            .flat_map(|tree| &tree.branches)
            .map(|branch| {
                let all = branch.load.objects().iter();
                self.twins.weight(&branch.object)
                    * all.filter(|delivered| is_release(&delivered.object)).count()
            })
            .sum();
        given + beside + delivered
    }

    /// ResourceSets, which make objects that nobody sees here.
    fn generators(&self) -> usize {
        let is_set = |object: &Object| object.is("fluxcd.controlplane.io", "ResourceSet");
        self.loose().filter(|(_, object)| is_set(object)).count()
            + self.expanded.built().iter().filter(|built| is_set(built.object)).count()
    }

    /// Given objects that no Kustomization delivers, and that are none.
    fn loose(&self) -> impl Iterator<Item = (usize, &'run Object)> {
        self.given.objects.iter().enumerate().filter(|(position, object)| {
            !self.expanded.delivered.contains(position)
                && !self.twins.skipped.contains(position)
                && !object.is(KUSTOMIZE, "Kustomization")
        })
    }

    /// The clusters. What two Kustomizations of one name deliver belongs to two of them; everything else is one, because
    /// nothing says that it is not.
    fn hubs(&self) -> Vec<Hub<'_>> {
        let trees = &self.expanded.trees;
        let mut hubs: Vec<Hub<'_>> = Vec::new();
        for (number, tree) in trees.iter().enumerate() {
            let ids: Vec<&ObjectRef> = tree.branches.iter().map(|branch| &branch.object.id).collect();
            let hub = first_without(&mut hubs, &ids);
            hub.known.extend(ids);
            hub.trees.push(number);
            for (place, branch) in tree.branches.iter().enumerate() {
                hub.entries.push((&branch.object, branch.origin.clone()));
                hub.branches.push((number, place));
                let Some(folder) = branch.load.folder.as_ref().filter(|_| !is_remote(&branch.object)) else {
                    continue;
                };
                for delivered in
                    branch.load.objects().iter().filter(|delivered| is_of_a_cluster(&delivered.object))
                {
                    let (folder, node) = (folder.clone(), Arc::new(delivered.node.clone()));
                    hub.entries.push((&delivered.object, Origin::Built { folder, node }));
                }
            }
        }
        let beside =
            self.expanded.beside.iter().filter(|beside| !beside.object.is(KUSTOMIZE, "Kustomization"));
        let beside = beside.map(|beside| {
            let (folder, node) = (beside.folder.clone(), beside.node.clone());
            (Origin::Built { folder, node }, &beside.object)
        });
        let loose = self.loose().map(|(position, object)| (Origin::Given(position), object)).chain(beside);
        for (origin, object) in
            loose.filter(|(_, object)| is_relevant(object) || (is_own(object) && has_variable(&object.value)))
        {
            let hub = first_without(&mut hubs, &[&object.id]);
            hub.known.insert(&object.id);
            hub.entries.push((object, origin));
        }
        hubs
    }

    /// Sources that somebody named and that no Kustomization reads: mostly misspelt.
    fn unused_names(&self) -> Vec<Finding> {
        let branches = || self.expanded.trees.iter().flat_map(|tree| &tree.branches);
        let read: HashSet<_> = branches().filter_map(|branch| source_of(&branch.object)).collect();
        let copied = |name: &SourceName| {
            let all = self.given.objects.of(artifact::GROUP, "ArtifactGenerator");
            all.flat_map(|generator| list(generator, "spec.sources"))
                .any(|source| source.get("name").and_then(Value::as_str) == Some(&name.name))
        };
        self.given
            .places
            .named
            .iter()
            .map(|(name, _)| name)
            .filter(|name| {
                let fits = |source: &SourceName| {
                    source.kind == name.kind
                        && source.name == name.name
                        && (source.namespace == name.namespace || source.namespace.is_empty())
                };
                !read.iter().any(fits) && !copied(name)
            })
            .map(|name| {
                let text = name.to_string();
                let known: Vec<String> = read.iter().map(ToString::to_string).collect();
                let hint = crate::finding::suggest::hint(&text, known.iter().map(String::as_str));
                Finding::warning(&codes::FLUX_SOURCE, format!("no Kustomization reads the source `{text}`"))
                    .hint(hint.unwrap_or_else(|| "take it from `--local-sources`".to_owned()))
            })
            .collect()
    }
}

/// Whether Flux's checks ask for an object.
fn is_relevant(object: &Object) -> bool {
    let group = object.group();
    group.ends_with(".fluxcd.io")
        || group == "fluxcd.controlplane.io"
        || (group.is_empty() && matches!(&*object.id.kind, "ConfigMap" | "Secret"))
        || is_of_a_cluster(object)
}

/// Whether an object says that a workload cluster lives in its namespace, and how it runs.
fn is_of_a_cluster(object: &Object) -> bool {
    object.is("cluster.x-k8s.io", "Cluster") || object.id.kind == "TalosControlPlane"
}

fn is_remote(object: &Object) -> bool {
    Kustomization { object }.is_remote()
}

/// Whether a text of an object has a `${`.
fn has_variable(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains("${"),
        Value::Array(items) => items.iter().any(has_variable),
        Value::Object(entries) => entries.values().any(has_variable),
        _ => false,
    }
}

/// The objects of one cluster.
#[derive(Default)]
struct Hub<'run> {
    /// Its objects in the order in which its world has them.
    entries: Vec<(&'run Object, Origin)>,
    /// For each of its Kustomizations the tree and the place in it.
    branches: Vec<(usize, usize)>,
    trees: Vec<usize>,
    known: HashSet<&'run ObjectRef>,
}

impl<'run> Hub<'run> {
    /// What its Kustomizations deliver, with the number of those that belong together: one tree, and trees of which one
    /// waits for another.
    fn loads(&self, expanded: &Expanded<'run>) -> Vec<(Arc<Load<'run>>, usize)> {
        let mut group: HashMap<usize, usize> = self.trees.iter().map(|tree| (*tree, *tree)).collect();
        let mut owner: HashMap<(&str, &str), usize> = HashMap::new();
        let branch = |(tree, place): (usize, usize)| expanded.trees.get(tree)?.branches.get(place);
        for at in &self.branches {
            let Some(branch) = branch(*at) else { continue };
            let id = &branch.object.id;
            owner.insert((id.namespace.as_deref().unwrap_or_default(), &id.name), at.0);
        }
        for at in &self.branches {
            let Some(branch) = branch(*at) else { continue };
            for (_, namespace, name) in depends_on(&branch.object) {
                let Some(other) = owner.get(&(namespace, name)) else { continue };
                let (one, other) = (root(&group, at.0), root(&group, *other));
                group.insert(one.max(other), one.min(other));
            }
        }
        self.branches.iter().filter_map(|at| Some((branch(*at)?.load.clone(), root(&group, at.0)))).collect()
    }

    /// What was found, at its lines.
    fn findings(&self, given: &Given<'_>, report: Report, locate: Locate<'_>) -> Findings {
        let mut by_id: HashMap<&ObjectRef, &Origin> = HashMap::new();
        for (object, origin) in &self.entries {
            by_id.entry(&object.id).or_insert(origin);
        }
        let mut findings = Findings::new();
        for violation in report.violations {
            let written = by_id.get(&violation.object).and_then(|origin| origin.node(given));
            if let Some((node, sources)) = written {
                findings.push(locate(sources, node, violation));
                continue;
            }
            let mut finding = Finding::new(violation.code, violation.severity, violation.message)
                .object(violation.object)
                .field(violation.path);
            finding.hint = violation.hint;
            findings.push(finding);
        }
        findings.extend(report.findings);
        findings
    }
}

/// The first hub that has no object of these names; a new one if there is none.
fn first_without<'hubs, 'run>(hubs: &'hubs mut Vec<Hub<'run>>, ids: &[&ObjectRef]) -> &'hubs mut Hub<'run> {
    let is_free = |hub: &Hub<'_>| !ids.iter().any(|id| hub.known.contains(*id));
    let position = hubs.iter().position(is_free).unwrap_or_else(|| {
        hubs.push(Hub::default());
        hubs.len() - 1
    });
    &mut hubs[position]
}

fn root(group: &HashMap<usize, usize>, mut tree: usize) -> usize {
    while let Some(next) = group.get(&tree).filter(|next| **next != tree) {
        tree = *next;
    }
    tree
}

/// Whether Flux's checks say of a reference what the rules on references would say: that the target is not there.
#[must_use]
pub fn judges(violation: &Violation) -> bool {
    let group = violation.object.api_version.split_once('/').map_or("", |(group, _)| group);
    let words = violation.path.words();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    *violation.code == codes::DANGLING
        && matches!(
            (group, words.as_slice()),
            (KUSTOMIZE, ["spec", "sourceRef" | "dependsOn" | "healthChecks", ..])
                | (HELM, ["spec", "chartRef" | "chart" | "dependsOn", ..])
        )
}
