//! Flux's objects of one hub namespace or more, with what each Kustomization delivers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use serde_json::{Value, json};

use super::{
    folder::{self, Applied, Folder, Folders, normal},
    merge::Refused,
    substitute::{self, Trouble},
};
use crate::{
    admission::{Object, Objects, Violation, secrets},
    finding::{Code, Finding, Findings, Severity, codes},
    plan::resolved::ResolvedCluster,
    yaml::{Data, Location, Node, Place, Source, pointer::FieldPath},
};

pub(super) const KUSTOMIZE: &str = "kustomize.toolkit.fluxcd.io";
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

/// Everything that the checks look at.
pub struct World<'set> {
    /// The objects of the hub.
    pub objects: &'set Objects,
    /// The catalogue.
    pub folders: &'set Folders,
    /// Where Flux finds the catalogue.
    pub repository: Repository,
    /// What each Kustomization delivers, in the order of the objects.
    pub deliveries: Vec<Delivery<'set>>,
    /// Flux's sources: those of `management/flux`, and those among the objects.
    pub(super) sources: Vec<Object>,
    pub(super) report: Report,
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
pub struct Delivery<'set> {
    /// The Kustomization.
    pub kustomization: Kustomization<'set>,
    /// Its objects.
    pub content: Content,
    /// The variables that its folder uses.
    pub(super) used: BTreeSet<String>,
    folder: Option<Arc<Folder>>,
}

/// The objects of a Kustomization.
#[derive(Debug)]
pub enum Content {
    /// Built from the catalogue. Clusters share what does not differ between them.
    Objects(Vec<Arc<Delivered>>),
    /// They lie in another source, which is not read.
    Foreign,
    /// The folder is not there.
    Missing,
}

/// An object as Flux applies it.
#[derive(Debug)]
pub struct Delivered {
    /// Its content.
    pub object: Object,
    /// The same with places.
    pub(super) node: Node,
    /// Whether it is the catalogue's, the same for every cluster.
    pub(super) is_shared: bool,
    secrets: OnceLock<Vec<Violation>>,
}

impl Delivered {
    pub(super) fn new(node: Node, is_shared: bool) -> Self {
        Self { object: Object::new(node.to_value()), node, is_shared, secrets: OnceLock::new() }
    }

    /// What is plain in it and should not be.
    pub(super) fn secrets(&self) -> &[Violation] {
        self.secrets.get_or_init(|| secrets::violations(&std::iter::once(self.object.clone()).collect()))
    }
}

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
        self.object
            .at("spec.postBuild.substitute")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            })
            .collect()
    }

    /// Whether Flux runs the substitution at all.
    pub(super) fn substitutes(self) -> bool {
        !self.substitute().is_empty()
            || self.object.text("spec.postBuild.substituteStrategy") == Some("Always")
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

impl Delivery<'_> {
    /// The objects that were built, none when they are elsewhere.
    #[must_use]
    pub fn objects(&self) -> &[Arc<Delivered>] {
        match &self.content {
            Content::Objects(objects) => objects,
            Content::Foreign | Content::Missing => &[],
        }
    }

    /// One of its objects.
    pub(super) fn delivered(&self, object: &Object) -> Option<&Delivered> {
        self.objects().iter().map(Arc::as_ref).find(|delivered| delivered.object.id == object.id)
    }

    /// A place in the folder's files.
    pub(super) fn locate(&self, place: Place) -> Option<Location> {
        self.folder.as_ref().and_then(|folder| folder.locate(place))
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
    /// Resolves what every Kustomization delivers.
    #[must_use]
    pub fn new(objects: &'set Objects, folders: &'set Folders, repository: Repository) -> Self {
        let mut world = Self {
            objects,
            folders,
            repository,
            deliveries: Vec::new(),
            sources: Vec::new(),
            report: Report::default(),
        };
        world.sources = objects.iter().filter(|object| object.group() == SOURCE).cloned().collect();
        if let Some(folder) = folders.get("management/flux", &[]) {
            world.report.findings.extend(folder.findings.iter().cloned());
            world.sources.extend(
                folder
                    .ready()
                    .iter()
                    .map(|ready| &ready.delivered.object)
                    .filter(|object| object.group() == SOURCE)
                    .cloned(),
            );
        }
        for object in objects.of(KUSTOMIZE, "Kustomization") {
            let delivery = world.deliver(Kustomization { object });
            world.deliveries.push(delivery);
        }
        world
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
        self.objects
            .of("cluster.x-k8s.io", "Cluster")
            .find(|cluster| cluster.id.namespace.as_deref() == Some(namespace))
            .map(|cluster| &*cluster.id.name)
    }

    /// Everything that was found, each thing once.
    #[must_use]
    pub fn report(self) -> Report {
        Report {
            violations: super::unique(self.report.violations),
            findings: self.report.findings.distinct(),
        }
    }

    pub(super) fn violation(
        &mut self,
        code: &'static Code,
        object: &Object,
        path: FieldPath,
        message: String,
        hint: impl Into<String>,
    ) {
        self.report.violations.push(Violation::error(code, object, path, message).hint(hint));
    }

    fn deliver(&mut self, kustomization: Kustomization<'set>) -> Delivery<'set> {
        let mut delivery =
            Delivery { kustomization, content: Content::Foreign, used: BTreeSet::new(), folder: None };
        let Some(path) = self.catalog_path(kustomization) else { return delivery };
        let object = kustomization.object;
        let components: Vec<String> = list(object, "spec.components")
            .iter()
            .filter_map(|component| component.as_str().map(str::to_owned))
            .collect();
        let Some(folder) = self.folders.get(&path, &components) else {
            delivery.content = Content::Missing;
            self.violation(
                &codes::FLUX_PATH,
                object,
                FieldPath::of(["spec", "path"]),
                format!("the catalogue has no folder `{path}`"),
                "Flux would report `kustomization path not found`; correct the path or add the folder",
            );
            return delivery;
        };
        self.report.findings.extend(folder.findings.iter().cloned());
        let changed = ["patches", "images", "targetNamespace", "commonMetadata"]
            .iter()
            .any(|key| object.at(&format!("spec.{key}")).is_some());
        delivery.content = if changed {
            let mut folder = Folder::clone(&folder);
            self.change(kustomization, &mut folder);
            let objects = self.fill(&mut delivery, &folder);
            delivery.folder = Some(Arc::new(folder));
            objects
        } else {
            let objects = self.fill(&mut delivery, &folder);
            delivery.folder = Some(folder);
            objects
        };
        delivery
    }

    /// What a Kustomization does to the objects of its folder before it fills in variables.
    fn change(&mut self, kustomization: Kustomization<'set>, folder: &mut Folder) {
        let object = kustomization.object;
        self.patch(kustomization, folder);
        if let Some(namespace) = object.text("spec.targetNamespace") {
            for built in folder.objects.iter().filter(|built| built.id().kind == "Namespace") {
                let id = built.id();
                self.report.findings.push(
                    Finding::error(
                        &codes::FLUX_NAMESPACE,
                        format!(
                            "the Namespace `{}` would be renamed to `{namespace}`, because the Kustomization `{}` has a `targetNamespace`",
                            id.name, object.id.name
                        ),
                    )
                    .object(id)
                    .at(folder.locate(built.node.place))
                    .hint("move the Namespace to the stage `prereqs`, which goes to the cluster"),
                );
            }
            folder::set_namespace(&mut folder.objects, namespace);
        }
        for image in list(object, "spec.images") {
            for built in &mut folder.objects {
                set_image(&mut built.node, image);
            }
        }
        folder.changed();
    }

    /// The objects of a folder with the variables of a Kustomization, and what came of filling them in.
    fn fill(&mut self, delivery: &mut Delivery<'set>, folder: &Folder) -> Content {
        let kustomization = delivery.kustomization;
        let values = kustomization.substitute();
        let substitutes = kustomization.substitutes();
        let labels = kustomization.object.at("spec.commonMetadata");
        let mut objects = Vec::with_capacity(folder.objects.len());
        for (built, ready) in folder.objects.iter().zip(folder.ready()) {
            let mut delivered = Arc::clone(&ready.delivered);
            if ready.has_variables && substitutes {
                let filled = substitute::object(&built.node, &values);
                self.trouble(kustomization, folder, built, &filled.trouble);
                delivery.used.extend(filled.used);
                delivered = Arc::new(Delivered::new(filled.node, false));
            } else if ready.has_variables {
                self.never_filled(kustomization, folder, built);
            }
            if let Some(labels) = labels {
                let mut own = Delivered::new(delivered.node.clone(), false);
                yaml_merge(&mut own.object.value, &json!({"metadata": labels}));
                delivered = Arc::new(own);
            }
            objects.push(delivered);
        }
        Content::Objects(objects)
    }

    /// The folder of the catalogue that a Kustomization reads; none when it reads another source.
    pub(super) fn catalog_path(&self, kustomization: Kustomization<'_>) -> Option<String> {
        let object = kustomization.object;
        let repository = &self.repository;
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

    /// The Kustomization's own patches, which come after those of the folder.
    fn patch(&mut self, kustomization: Kustomization<'set>, folder: &mut Folder) {
        let object = kustomization.object;
        for (position, entry) in list(object, "spec.patches").iter().enumerate() {
            let path = FieldPath::of(["spec", "patches"]).index(position).key("patch");
            let text = entry.get("patch").and_then(Value::as_str).unwrap_or_default();
            let name = format!("spec.patches[{position}] of {}", object.id);
            let id = folder.sources.add(Source::new(name, text));
            let place = Place::new(id, 0..text.len());
            let target = entry.get("target").map(|target| Node::from_value(target, place));
            let trees = match folder::trees_of(text, place) {
                Ok(trees) => trees,
                Err(message) => {
                    self.violation(&codes::FLUX_PATCH, object, path, message, "a patch is YAML or JSON");
                    continue;
                }
            };
            for tree in trees {
                let result = folder::apply(&mut folder.objects, &tree, target.as_ref());
                let (code, message, hint) = match result {
                    Ok(Applied { count: 0, .. }) => (
                        &codes::FLUX_PATCH,
                        "the patch is for an object that is not in the folder".to_owned(),
                        "correct the kind and name that it is for, or its stage; Flux says nothing about a target that \
                         matches nothing",
                    ),
                    Ok(Applied { unknown_selector: false, .. }) => continue,
                    Err(Refused::Wrong(message)) => (&codes::FLUX_PATCH, message, "correct the patch"),
                    Ok(_) => (
                        &codes::FLUX_NOT_CHECKED,
                        "the label selector of the patch is not followed here".to_owned(),
                        "`kubectl kustomize` shows what it does",
                    ),
                    Err(Refused::Unsupported(what)) => (
                        &codes::FLUX_NOT_CHECKED,
                        format!("{what} of the patch is not followed here"),
                        "`kubectl kustomize` shows what it does",
                    ),
                };
                self.violation(code, object, path.clone(), message, hint);
                if *code == codes::FLUX_NOT_CHECKED
                    && let Some(last) = self.report.violations.last_mut()
                {
                    last.severity = Severity::Warning;
                }
            }
        }
    }

    fn trouble(
        &mut self,
        kustomization: Kustomization<'_>,
        folder: &Folder,
        built: &folder::Built,
        trouble: &[(Place, Trouble)],
    ) {
        for (place, trouble) in trouble {
            let (code, message, hint) = match trouble {
                Trouble::Unset(name) => (
                    &codes::FLUX_VARIABLE,
                    format!(
                        "the variable `{name}` has no value in the Kustomization `{}`",
                        kustomization.name()
                    ),
                    "declare it in the bundle's `bundle.yaml` (or the folder's `hub-variables.yaml`) and supply it; a literal \
                     `${` is written `$${`",
                ),
                Trouble::Unsupported(text) => (
                    &codes::FLUX_NOT_CHECKED,
                    format!("`{text}` is not followed here"),
                    "write `${name}` or `${name:=default}`, and `$${` where the text itself is meant",
                ),
                Trouble::Broken(text) => (
                    &codes::FLUX_VARIABLE,
                    format!("with its variables filled in, `{text}` is not one YAML value"),
                    "put `${quote}` at both ends where the value must stay a string, and let the variable's pattern keep \
                     quotes and `: ` out",
                ),
            };
            let mut finding =
                Finding::error(code, message).object(built.id()).at(folder.locate(*place)).hint(hint);
            if *code == codes::FLUX_NOT_CHECKED {
                finding.severity = Severity::Warning;
            }
            self.report.findings.push(finding);
        }
    }

    /// Without a single variable Flux substitutes nothing, so a `${` reaches the cluster as it stands.
    fn never_filled(&mut self, kustomization: Kustomization<'_>, folder: &Folder, built: &folder::Built) {
        if substitute::is_disabled(&built.node) {
            return;
        }
        let mut open = vec![&built.node];
        while let Some(node) = open.pop() {
            match &node.data {
                Data::Mapping(mapping) => open.extend(mapping.entries.iter().map(|entry| &entry.value)),
                Data::Sequence(items) => open.extend(items),
                Data::String(text) if text.contains("${") => {
                    self.report.findings.push(
                        Finding::error(
                            &codes::FLUX_VARIABLE,
                            format!(
                                "`${{` stays as it is: the Kustomization `{}` substitutes nothing",
                                kustomization.name()
                            ),
                        )
                        .object(built.id())
                        .at(folder.locate(node.place))
                        .hint(
                            "supply the variable under `postBuild.substitute`; where the text itself is meant, annotate the \
                             object with `kustomize.toolkit.fluxcd.io/substitute: disabled`",
                        ),
                    );
                }
                _ => {}
            }
        }
    }
}

/// `images:` of a Kustomization: another name, tag or digest wherever the image is named.
fn set_image(node: &mut Node, image: &Value) {
    let text = |key: &str| image.get(key).and_then(Value::as_str);
    let Some(name) = text("name") else { return };
    match &mut node.data {
        Data::Mapping(mapping) => {
            for entry in &mut mapping.entries {
                let rest = match &entry.value.data {
                    Data::String(old) if *entry.key == *"image" => old.strip_prefix(name).map(str::to_owned),
                    _ => None,
                };
                match rest.filter(|rest| rest.is_empty() || rest.starts_with([':', '@'])) {
                    Some(rest) => {
                        let tail = match (text("newTag"), text("digest")) {
                            (_, Some(digest)) => format!("@{digest}"),
                            (Some(tag), None) => format!(":{tag}"),
                            (None, None) => rest,
                        };
                        let new = format!("{}{tail}", text("newName").unwrap_or(name));
                        entry.value.data = Data::String(new.into());
                    }
                    None => set_image(&mut entry.value, image),
                }
            }
        }
        Data::Sequence(items) => items.iter_mut().for_each(|item| set_image(item, image)),
        _ => {}
    }
}

fn yaml_merge(base: &mut Value, over: &Value) {
    crate::yaml::overlay::merge_value(base, over);
}
