//! Flux's objects of one hub namespace or more, with what each Kustomization delivers.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use super::{
    folder::{Folders, normal},
    load::{self, Manner, load},
    place::{Home, Why},
    substitute::Variables,
};
use crate::{
    admission::{Object, Objects, Violation, rules::Externals},
    finding::{Code, Finding, Findings, Severity},
    plan::resolved::ResolvedCluster,
    render::library::PLAN_ANNOTATION,
    yaml::{Location, Place, pointer::FieldPath},
};

pub use super::load::{Content, Delivered, Load};

/// The API group of Flux's Kustomizations.
pub const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
pub(super) const HELM: &str = "helm.toolkit.fluxcd.io";
pub(super) const SOURCE: &str = "source.toolkit.fluxcd.io";

/// The Flux source that holds the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// `GitRepository`, `OCIRepository` or `Bucket`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The catalogue's directory in it: `.` or `./path`.
    pub path: String,
}

impl Repository {
    /// The one that a plan names.
    #[must_use]
    pub fn of(cluster: &ResolvedCluster) -> Self {
        let gitops = &cluster.gitops;
        Self {
            kind: gitops.source_kind.as_str().to_owned(),
            namespace: gitops.source_namespace.clone(),
            name: gitops.source_name.clone(),
            path: gitops.path.clone(),
        }
    }
}

/// Whose objects are looked at.
#[derive(Debug, Clone)]
pub(super) enum Whose<'set> {
    /// InfraFlux's, of one cluster: its own rules hold, and nothing is outside.
    Own(Repository),
    /// Anybody's. What somebody else would call a matter of taste is not told.
    Given(&'set Surroundings<'set>),
}

/// What there is beside given objects.
#[derive(Debug)]
pub(super) struct Surroundings<'set> {
    /// What exists because somebody says so.
    pub(super) externals: &'set Externals,
    /// All objects that were given or built, by group, kind and name, each with its namespace.
    pub(super) all: HashMap<(String, String, String), Vec<Option<String>>>,
    /// Whether objects are made by something that is not followed (a ResourceSet).
    pub(super) are_made: bool,
}

impl Surroundings<'_> {
    /// Whether an object is there, somewhere: given, built for another cluster, declared, or perhaps made.
    fn have(&self, group: &str, kind: &str, namespace: &str, name: &str) -> bool {
        let is_open = |text: &str| text.contains("${");
        let find = |name: &str| {
            // What says no namespace gets one when it is applied.
            let fits = |home: &Option<String>| {
                home.as_deref().is_none_or(|home| home == namespace || namespace.is_empty() || is_open(home))
            };
            let homes = self.all.get(&(group.to_owned(), kind.to_owned(), name.to_owned()));
            homes.is_some_and(|homes| homes.iter().any(fits))
        };
        self.are_made
            || is_open(name)
            || is_open(namespace)
            || find(name)
            || find(ANY)
            || self.externals.has(group, kind, Some(namespace), name)
    }
}

/// What stands for a name with a variable that is not known.
pub(super) const ANY: &str = "*";

/// Everything that the checks look at.
pub struct World<'set> {
    /// The objects of the hub.
    pub objects: &'set Objects,
    /// The catalogue.
    pub folders: &'set Folders,
    /// What each Kustomization delivers, in the order of the objects.
    pub deliveries: Vec<Delivery<'set>>,
    pub(super) whose: Whose<'set>,
    /// Flux's sources: those of `management/flux`, and those among the objects.
    pub(super) sources: Vec<Object>,
    /// Their positions by kind, namespace and name.
    by_source: HashMap<(String, String, String), usize>,
    pub(super) report: Report,
    /// Kustomizations by namespace and name.
    by_name: HashMap<(&'set str, &'set str), usize>,
    /// HelmReleases of the hub by namespace and name.
    releases: HashSet<(String, String)>,
    /// Names of workload clusters by their namespace.
    clusters: HashMap<&'set str, &'set str>,
    /// ConfigMaps and Secrets by kind, namespace and name.
    data: HashSet<(&'set str, &'set str, &'set str)>,
}

/// What the checks found.
#[derive(Debug, Default)]
pub struct Report {
    /// About fields of the hub's objects.
    pub violations: Vec<Violation>,
    /// About files of the catalogue.
    pub findings: Findings,
}

/// What a Kustomization delivers.
#[derive(Debug)]
pub struct Delivery<'set> {
    /// The Kustomization.
    pub kustomization: Kustomization<'set>,
    /// Which ones belong together for sure, because one delivers the other or waits for it.
    pub(super) tree: usize,
    pub(super) load: Arc<Load<'set>>,
}

/// The cluster that a Kustomization delivers to: the hub, or the namespace and name of a kubeconfig.
pub(super) type Target<'set> = Option<(&'set str, &'set str)>;

/// A Flux Kustomization.
#[derive(Debug, Clone, Copy)]
pub struct Kustomization<'set> {
    /// The object.
    pub object: &'set Object,
}

impl<'set> Kustomization<'set> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'set str {
        &self.object.id.name
    }

    /// Its namespace.
    #[must_use]
    pub fn namespace(self) -> &'set str {
        self.object.id.namespace.as_deref().unwrap_or_default()
    }

    /// Whether it delivers to another cluster.
    #[must_use]
    pub fn is_remote(self) -> bool {
        self.object.at("spec.kubeConfig").is_some()
    }

    /// Whether it waits for everything that it applies.
    #[must_use]
    pub fn waits(self) -> bool {
        self.object.at("spec.wait") == Some(&Value::Bool(true))
    }

    /// Whether it is suspended.
    #[must_use]
    pub fn is_suspended(self) -> bool {
        self.object.at("spec.suspend") == Some(&Value::Bool(true))
    }

    /// The objects that its health is read from, with their positions in the list.
    #[must_use]
    pub fn health_checks(self) -> &'set [Value] {
        list(self.object, "spec.healthChecks")
    }

    /// What it depends on: position in the list, namespace and name.
    #[must_use]
    pub fn depends_on(self) -> Vec<(usize, &'set str, &'set str)> {
        depends_on(self.object)
    }

    /// The values of its variables.
    #[must_use]
    pub fn substitute(self) -> BTreeMap<String, String> {
        load::inline(self.object)
    }

    /// Whether Flux runs the substitution at all.
    pub(super) fn substitutes(self) -> bool {
        let has =
            |key: &str| self.object.at(&format!("spec.postBuild.{key}")).is_some_and(|all| !is_empty(all));
        has("substitute")
            || has("substituteFrom")
            || self.object.text("spec.postBuild.substituteStrategy") == Some("Always")
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(entries) => entries.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// The entries of a list of an object, none when it is absent.
pub(super) fn list<'set>(object: &'set Object, path: &str) -> &'set [Value] {
    object.at(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What a Kustomization or HelmRelease depends on: position in the list, namespace and name.
pub(super) fn depends_on(object: &Object) -> Vec<(usize, &str, &str)> {
    let home = object.id.namespace.as_deref().unwrap_or_default();
    list(object, "spec.dependsOn")
        .iter()
        .enumerate()
        .filter_map(|(position, entry)| {
            let namespace = entry.get("namespace").and_then(Value::as_str).unwrap_or(home);
            Some((position, namespace, entry.get("name")?.as_str()?))
        })
        .collect()
}

/// A path in which numbers are positions.
pub(super) fn field(path: &[&str]) -> FieldPath {
    path.iter().fold(FieldPath::root(), |field, step| match step.parse::<usize>() {
        Ok(position) => field.index(position),
        Err(_) => field.key(*step),
    })
}

impl<'set> Delivery<'set> {
    /// Its objects, or why there are none.
    #[must_use]
    pub fn content(&self) -> &Content {
        &self.load.content
    }

    /// The objects that were built, none when they are elsewhere.
    #[must_use]
    pub fn objects(&self) -> &[Arc<Delivered>] {
        self.load.objects()
    }

    /// Where the objects go.
    pub(super) fn target(&self) -> Target<'set> {
        let kustomization = self.kustomization;
        kustomization.is_remote().then(|| {
            let text = |path: &str| kustomization.object.text(path);
            let name =
                text("spec.kubeConfig.secretRef.name").or_else(|| text("spec.kubeConfig.configMapRef.name"));
            (kustomization.namespace(), name.unwrap_or_default())
        })
    }

    /// The folder in the catalogue; none when it reads another source.
    pub(super) fn catalog_path(&self) -> Option<&str> {
        match &self.load.home {
            Home::Catalog { path, .. } => Some(path),
            _ => None,
        }
    }

    /// One of its objects.
    pub(super) fn delivered(&self, object: &Object) -> Option<&Delivered> {
        self.objects().iter().map(Arc::as_ref).find(|delivered| delivered.object.id == object.id)
    }

    /// A place in the folder's files.
    pub(super) fn locate(&self, place: Place) -> Option<Location> {
        self.load.locate(place)
    }

    /// A finding about a delivered object, at a field of it or at the nearest thing above.
    pub(super) fn finding(
        &self,
        delivered: &Delivered,
        path: &[&str],
        code: &'static Code,
        message: String,
    ) -> Finding {
        let (node, steps) = delivered.node.nearest(path.iter().copied());
        let place = if steps == path.len() {
            delivered.node.key_place(path).unwrap_or(node.place)
        } else {
            node.place
        };
        Finding::error(code, message)
            .object(delivered.object.id.clone())
            .field(field(path))
            .at(self.locate(place))
    }
}

impl<'set> World<'set> {
    /// Resolves what every Kustomization of a rendered cluster delivers.
    #[must_use]
    pub fn new(objects: &'set Objects, folders: &'set Folders, repository: Repository) -> Self {
        let loads = objects
            .of(KUSTOMIZE, "Kustomization")
            .map(|object| {
                let kustomization = Kustomization { object };
                let path = catalog_path(kustomization, &repository);
                let home = match path {
                    Some(path) => Home::Catalog { folders, path },
                    None => Home::Elsewhere { source: None, why: Why::Elsewhere },
                };
                let variables = Variables {
                    known: kustomization.substitute(),
                    is_open: !list(object, "spec.postBuild.substituteFrom").is_empty(),
                    ..Variables::default()
                };
                let manner = Manner { own: true, variables, written: &|_| None };
                (Arc::new(load(kustomization, home, &manner)), 0)
            })
            .collect();
        Self::with(objects, folders, Whose::Own(repository), loads)
    }

    /// A world from what its Kustomizations deliver, each with the tree that it belongs to, in the order of the objects.
    pub(super) fn with(
        objects: &'set Objects,
        folders: &'set Folders,
        whose: Whose<'set>,
        loads: Vec<(Arc<Load<'set>>, usize)>,
    ) -> Self {
        let mut world = Self {
            objects,
            folders,
            whose,
            deliveries: Vec::with_capacity(loads.len()),
            sources: objects.iter().filter(|object| is_source(object)).cloned().collect(),
            by_source: HashMap::new(),
            report: Report::default(),
            by_name: HashMap::new(),
            releases: HashSet::new(),
            clusters: HashMap::new(),
            data: HashSet::new(),
        };
        for object in objects {
            let id = &object.id;
            let home = id.namespace.as_deref().unwrap_or_default();
            if object.is("cluster.x-k8s.io", "Cluster") {
                world.clusters.entry(home).or_insert(&id.name);
            } else if object.is("", "ConfigMap") || object.is("", "Secret") {
                world.data.insert((&id.kind, home, &id.name));
            }
        }
        if objects.iter().any(|object| world.owns(object))
            && let Some(folder) = folders.get("management/flux", &[])
        {
            if matches!(world.whose, Whose::Own(_)) {
                world.report.findings.extend(folder.findings.iter().chain(&folder.manners).cloned());
            }
            world.sources.extend(
                folder
                    .ready()
                    .iter()
                    .map(|ready| &ready.delivered.object)
                    .filter(|object| is_source(object))
                    .cloned(),
            );
        }
        for (object, (load, tree)) in objects.of(KUSTOMIZE, "Kustomization").zip(loads) {
            let kustomization = Kustomization { object };
            world
                .by_name
                .entry((kustomization.namespace(), kustomization.name()))
                .or_insert(world.deliveries.len());
            world.report.violations.extend(load.report.violations.iter().cloned());
            world.report.findings.extend(load.report.findings.iter().cloned());
            if !kustomization.is_remote() {
                let all = load.objects().iter().map(|delivered| &delivered.object);
                world.sources.extend(all.filter(|object| is_source(object)).cloned());
            }
            world.deliveries.push(Delivery { kustomization, tree, load });
        }
        for (position, source) in world.sources.iter().enumerate() {
            let id = &source.id;
            let key = (id.kind.clone(), id.namespace.clone().unwrap_or_default(), id.name.clone());
            world.by_source.entry(key).or_insert(position);
        }
        world.releases = world
            .releases()
            .iter()
            .map(|(release, _)| (release.id.namespace.clone().unwrap_or_default(), release.id.name.clone()))
            .collect();
        world
    }

    /// Whether an object is InfraFlux's, so that what its render promises holds for it.
    pub(super) fn owns(&self, object: &Object) -> bool {
        matches!(self.whose, Whose::Own(_)) || is_own(object)
    }

    /// How bad it is that something is not there; `None` when it is there after all, outside of what is looked at.
    pub(super) fn missing(&self, group: &str, kind: &str, namespace: &str, name: &str) -> Option<Severity> {
        match &self.whose {
            Whose::Own(_) => Some(Severity::Error),
            Whose::Given(beside) => {
                (!beside.have(group, kind, namespace, name)).then(|| beside.externals.missing())
            }
        }
    }

    /// A Kustomization of the hub.
    pub(super) fn kustomization(&self, namespace: &str, name: &str) -> Option<Kustomization<'set>> {
        let position = self.by_name.get(&(namespace, name))?;
        self.deliveries.get(*position).map(|delivery| delivery.kustomization)
    }

    /// A source by its kind, namespace and name.
    pub(super) fn source(&self, kind: &str, namespace: &str, name: &str) -> Option<&Object> {
        let key = (kind.to_owned(), namespace.to_owned(), name.to_owned());
        self.by_source.get(&key).and_then(|position| self.sources.get(*position))
    }

    /// Whether the hub has a HelmRelease.
    pub(super) fn has_release(&self, namespace: &str, name: &str) -> bool {
        self.releases.contains(&(namespace.to_owned(), name.to_owned()))
    }

    /// The HelmReleases of the hub: those among the objects, and those that a Kustomization puts there.
    #[must_use]
    pub fn releases(&self) -> Vec<(&Object, Option<&Delivery<'set>>)> {
        let own = self.objects.of(HELM, "HelmRelease").map(|object| (object, None));
        let delivered =
            self.deliveries.iter().filter(|delivery| !delivery.kustomization.is_remote()).flat_map(
                |delivery| {
                    delivery
                        .objects()
                        .iter()
                        .map(|delivered| &delivered.object)
                        .filter(|object| object.is(HELM, "HelmRelease"))
                        .map(move |object| (object, Some(delivery)))
                },
            );
        own.chain(delivered).collect()
    }

    /// The name of the workload cluster whose objects live in a hub namespace.
    #[must_use]
    pub fn cluster_in(&self, namespace: &str) -> Option<&'set str> {
        self.clusters.get(namespace).copied()
    }

    /// Whether a ConfigMap or Secret is among the hub's objects.
    pub(super) fn has_data(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.data.contains(&(kind, namespace, name))
    }

    /// Everything that was found, each thing once.
    #[must_use]
    pub fn report(self) -> Report {
        Report {
            violations: super::unique(self.report.violations),
            findings: self.report.findings.distinct(),
        }
    }
}

/// The folder of the catalogue that a Kustomization of a rendered cluster reads; none when it reads another source.
fn catalog_path(kustomization: Kustomization<'_>, repository: &Repository) -> Option<String> {
    let object = kustomization.object;
    let namespace = object.text("spec.sourceRef.namespace").unwrap_or(kustomization.namespace());
    let is_catalog = object.text("spec.sourceRef.kind") == Some(&repository.kind)
        && object.text("spec.sourceRef.name") == Some(&repository.name)
        && namespace == repository.namespace;
    let path = normal("", object.text("spec.path").unwrap_or_default());
    let root = normal("", &repository.path);
    if !is_catalog {
        return None;
    }
    if root.is_empty() {
        return Some(path);
    }
    // A path beside the catalogue is somebody's own folder in the same source.
    path.strip_prefix(&root)?.strip_prefix('/').map(str::to_owned)
}

fn is_source(object: &Object) -> bool {
    object.group() == SOURCE
}

/// Whether InfraFlux rendered an object; a template for one says so with a variable.
pub(super) fn is_own(object: &Object) -> bool {
    let plan = object.at("metadata.annotations").and_then(|all| all.get(PLAN_ANNOTATION)?.as_str());
    plan.is_some_and(|plan| !plan.contains("${"))
}
