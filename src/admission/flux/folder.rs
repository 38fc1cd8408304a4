//! What `kustomize build` makes of a folder of a Flux source, worked out offline.
//!
//! The part of kustomize that repositories use: resources, components, patches, namespace, labels and annotations, generated
//! ConfigMaps and Secrets, images, replicas, prefixes. The order is kustomize's (kubernetes-sigs/kustomize
//! `api/internal/target/kusttarget.go` and `kusttarget_configplugin.go`): resources, components, generators, patches,
//! namespace, names, labels. Whatever else a kustomization asks for is reported as not checked, never taken for nothing.
//! Every value keeps the place where it was written.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::{files::Files, load::Delivered, merge::Refused, variables::Declarations};
use crate::{
    catalog::Catalog,
    finding::{Code, Finding, ObjectRef, codes},
    yaml::{self, Data, Limits, Location, Mapping, Node, Place, Sources, scalar::Schema},
};

mod generate;
mod patch;
mod transform;

pub(in crate::admission::flux) use patch::is_built_in;
pub(super) use patch::{Applied, apply, trees_of};
pub(super) use transform::{rename, set_all, set_image, set_namespace};

/// The names by which kustomize knows a kustomization.
pub(super) const KUSTOMIZATION: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Kinds without a namespace; of others than these and custom ones, `namespace:` sets it (kustomize asks its OpenAPI data).
const CLUSTER_SCOPED: [&str; 40] = [
    "APIService",
    "CertificateSigningRequest",
    "CSIDriver",
    "CSINode",
    "CiliumBGPAdvertisement",
    "CiliumBGPClusterConfig",
    "CiliumBGPPeerConfig",
    "CiliumL2AnnouncementPolicy",
    "CiliumLoadBalancerIPPool",
    "ClusterImageCatalog",
    "ClusterIssuer",
    "ClusterRole",
    "ClusterRoleBinding",
    "ClusterSecretStore",
    "ClusterTrustBundle",
    "CustomResourceDefinition",
    "DeviceClass",
    "FlowSchema",
    "GatewayClass",
    "IPAddress",
    "IngressClass",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ResourceSlice",
    "RuntimeClass",
    "ServiceCIDR",
    "StorageClass",
    "StorageVersionMigration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
    "VolumeAttributesClass",
    "VolumeSnapshotClass",
];

/// Whether objects of a kind have no namespace, as far as is known here.
#[must_use]
pub fn is_cluster_scoped(kind: &str) -> bool {
    CLUSTER_SCOPED.contains(&kind)
        // Kyverno's policies (kyverno/kyverno `config/crds/policies.kyverno.io`) have namespaced siblings with another name.
        || (kind.ends_with("Policy") && ["Validating", "Mutating", "Generating", "ImageValidating", "Deleting"]
            .iter()
            .any(|start| kind.strip_suffix("Policy") == Some(start)))
}

/// The fields of a kustomization that are followed.
const FOLLOWED: [&str; 20] = [
    "apiVersion",
    "bases",
    "commonAnnotations",
    "commonLabels",
    "components",
    "configMapGenerator",
    "generatorOptions",
    "images",
    "kind",
    "labels",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replicas",
    "resources",
    "secretGenerator",
];

/// Those that change nothing of what is checked: order, remarks, and which names inside of objects follow a new name.
const WITHOUT_EFFECT: [&str; 5] = ["buildMetadata", "configurations", "crds", "openapi", "sortOptions"];

/// An object of a built folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    /// Its content; places are those of [`Folder::sources`].
    pub node: Node,
}

impl Built {
    /// Its identity.
    #[must_use]
    pub fn id(&self) -> ObjectRef {
        let text = |path: &[&str]| self.text(path).unwrap_or_default().to_owned();
        ObjectRef {
            api_version: text(&["apiVersion"]),
            kind: text(&["kind"]),
            namespace: self
                .text(&["metadata", "namespace"])
                .filter(|name| !name.is_empty())
                .map(str::to_owned),
            name: text(&["metadata", "name"]),
        }
    }

    fn text(&self, path: &[&str]) -> Option<&str> {
        self.node.at(path.iter().copied()).and_then(Node::as_str)
    }
}

/// What tells objects apart: group, kind, namespace and name.
type Identity = (String, String, Option<String>, String);

/// Objects of a folder that is being built, of which no two are the same.
#[derive(Debug, Default)]
struct Pile {
    objects: Vec<Built>,
    known: HashSet<Identity>,
}

impl Pile {
    fn identity(id: &ObjectRef) -> Identity {
        let group = id.api_version.rsplit_once('/').map_or(String::new(), |(group, _)| group.to_owned());
        (group, id.kind.clone(), id.namespace.clone(), id.name.clone())
    }

    /// After objects got other names.
    fn learn(&mut self) {
        self.known = self.objects.iter().map(|object| Self::identity(&object.id())).collect();
    }
}

/// A folder, built.
#[derive(Debug, Clone, Default)]
pub struct Folder {
    /// Its objects, in order.
    pub objects: Vec<Built>,
    /// The texts that the objects come from.
    pub sources: Sources,
    /// What kustomize would refuse, and what is not followed here.
    pub findings: Vec<Finding>,
    /// What is right in kustomize, and has no place in InfraFlux's own catalogue.
    pub(super) manners: Vec<Finding>,
    /// Resources of other repositories, which are not fetched.
    pub(super) remote: Vec<String>,
    ready: OnceLock<Vec<Ready>>,
    /// Whether a Kustomization changed it, so that nobody else has the same.
    is_changed: bool,
}

/// An object as it is delivered by a Kustomization that changes nothing on it but variables.
#[derive(Debug, Clone)]
pub(super) struct Ready {
    /// The object, shared by all who deliver it.
    pub(super) delivered: Arc<Delivered>,
    /// Whether a `$` stands anywhere in it, which is what Flux looks for.
    pub(super) has_variables: bool,
}

impl Ready {
    fn of(built: &Built, is_shared: bool) -> Self {
        Self {
            has_variables: has_dollar(&built.node),
            delivered: Arc::new(Delivered::new(built.node.clone(), is_shared)),
        }
    }
}

fn has_dollar(node: &Node) -> bool {
    match &node.data {
        Data::Mapping(mapping) => {
            mapping.entries.iter().any(|entry| entry.key.contains('$') || has_dollar(&entry.value))
        }
        Data::Sequence(items) => items.iter().any(has_dollar),
        Data::String(text) => text.contains('$'),
        _ => false,
    }
}

impl Folder {
    /// Its objects for those who change nothing on them, made once.
    pub(super) fn ready(&self) -> &[Ready] {
        self.ready
            .get_or_init(|| self.objects.iter().map(|built| Ready::of(built, !self.is_changed)).collect())
    }

    /// Its objects are not those of the catalogue any more.
    pub(super) fn changed(&mut self) {
        self.ready = OnceLock::new();
        self.is_changed = true;
    }

    /// Leaves only what places need.
    pub(super) fn clear(&mut self) {
        self.objects = Vec::new();
        self.ready = OnceLock::new();
    }

    /// A place as a location.
    #[must_use]
    pub fn locate(&self, place: Place) -> Option<Location> {
        self.sources.locate(place)
    }
}

/// A path and the components that a Flux Kustomization adds.
type FolderKey = (String, Vec<String>);

/// Built folders of a source, each made once. Shared by all threads of a run.
#[derive(Debug)]
pub struct Folders<Of = Catalog> {
    files: Of,
    built: Mutex<HashMap<FolderKey, Option<Arc<Folder>>>>,
    declarations: Declarations,
}

impl Folders {
    /// The files.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.files
    }

    /// What its files say of variables, each read once.
    pub(super) fn declarations(&self) -> &Declarations {
        &self.declarations
    }
}

impl<Of: Files> Folders<Of> {
    /// Folders of a source; nothing is built yet.
    #[must_use]
    pub fn new(files: Of) -> Self {
        Self { files, built: Mutex::default(), declarations: Declarations::default() }
    }

    /// The files.
    pub(super) fn files(&self) -> &Of {
        &self.files
    }

    /// What a folder and the components that a Flux Kustomization adds to it give; none when there is no such folder.
    #[must_use]
    pub fn get(&self, path: &str, components: &[String]) -> Option<Arc<Folder>> {
        let key = (path.to_owned(), components.to_vec());
        // A thread that panicked elsewhere leaves the map whole: entries are only ever added.
        if let Some(found) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return found.clone();
        }
        let made = self.files.has_folder(path).then(|| Arc::new(build(&self.files, path, components)));
        self.built.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
        made
    }
}

/// What a kustomization says of itself, without being built. Of one that cannot be read there is nothing.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// The files and folders that it includes.
    pub(super) includes: Vec<String>,
    pub(super) is_component: bool,
    /// Whether it only lists resources, so that they become what is written.
    pub(super) is_plain: bool,
}

impl Outline {
    pub(super) fn read(files: &dyn Files, folder: &str, file: &str) -> Self {
        let Some(source) = files.get(file) else { return Self::default() };
        let mut sources = Sources::new();
        let id = sources.add(source);
        let documents = yaml::read(&sources, id, Schema::Cluster, Limits::STREAM).unwrap_or_default();
        let Some(root) = documents.first().map(|document| &document.root) else { return Self::default() };
        let includes = ["resources", "bases", "components"]
            .into_iter()
            .filter_map(|key| root.get(key)?.as_sequence())
            .flatten()
            .filter_map(Node::as_str)
            .map(|name| normal(folder, name))
            .collect();
        let plain = ["apiVersion", "kind", "metadata", "resources"];
        Self {
            includes,
            is_component: root.get("kind").and_then(Node::as_str) == Some("Component"),
            is_plain: root
                .as_mapping()
                .is_some_and(|mapping| mapping.entries.iter().all(|entry| plain.contains(&&*entry.key))),
        }
    }
}

fn build(files: &dyn Files, path: &str, components: &[String]) -> Folder {
    let mut builder = Builder { files, folder: Folder::default(), open: Vec::new(), more: Vec::new() };
    let mut pile = Pile::default();
    builder.root(path, components, &mut pile);
    builder.folder.objects = pile.objects;
    builder.folder
}

struct Builder<'files> {
    files: &'files dyn Files,
    folder: Folder,
    /// The folders that are being built, to find circles.
    open: Vec<String>,
    /// Components for the kustomization that is read next, beside its own.
    more: Vec<String>,
}

impl Builder<'_> {
    fn report(&mut self, code: &'static Code, place: Option<Place>, message: String, hint: &str) {
        let location = place.and_then(|place| self.folder.locate(place));
        let finding = if *code == codes::FLUX_NOT_CHECKED {
            Finding::warning(code, message)
        } else {
            Finding::error(code, message)
        };
        self.folder.findings.push(finding.at(location).hint(hint));
    }

    /// What InfraFlux's own catalogue does without.
    fn manner(&mut self, code: &'static Code, place: Place, message: String, hint: &str) {
        self.report(code, Some(place), message, hint);
        self.folder.manners.extend(self.folder.findings.pop());
    }

    fn broken(&mut self, place: Option<Place>, message: String, hint: &str) {
        self.report(&codes::FLUX_BUILD, place, message, hint);
    }

    fn unsupported(&mut self, place: Place, what: &str) {
        self.report(
            &codes::FLUX_NOT_CHECKED,
            Some(place),
            format!("{what} is not followed here, so what the folder becomes was not checked to the end"),
            "`kubectl kustomize` on the folder shows what it becomes",
        );
    }

    /// A folder as kustomize-controller reads it: without a kustomization every YAML file below it counts, and a folder
    /// below that has one counts as a whole (fluxcd/pkg `kustomize/kustomize_generator.go`, `scanManifests`).
    fn root(&mut self, path: &str, components: &[String], pile: &mut Pile) {
        if self.kustomization(path).is_some() {
            // Flux writes the components into the folder's kustomization, so its patches see what they bring.
            self.more = components.to_vec();
            self.build(path, pile, None);
        } else {
            let mut known = HashSet::new();
            for file in self.files.below(path) {
                let below = file.strip_prefix(path).unwrap_or(&file).trim_start_matches('/');
                let from = file.len() - below.len();
                let folder = below
                    .match_indices('/')
                    .map(|(end, _)| &file[..from + end])
                    .find(|folder| self.kustomization(folder).is_some());
                match folder {
                    Some(folder) if known.insert(folder.to_owned()) => self.build(folder, pile, None),
                    None if file.ends_with(".yaml") || file.ends_with(".yml") => {
                        self.file(&file, pile, None);
                    }
                    _ => {}
                }
            }
            self.components(path, components, pile);
        }
    }

    /// The components that a Flux Kustomization adds.
    fn components(&mut self, path: &str, components: &[String], pile: &mut Pile) {
        for component in components {
            let component = normal(path, component);
            if self.kustomization(&component).is_some() {
                self.build(&component, pile, None);
            } else {
                self.broken(
                    None,
                    format!("there is no component `{component}`"),
                    "a component is a folder with a `kustomization.yaml` of kind Component",
                );
            }
        }
    }

    fn kustomization(&self, path: &str) -> Option<String> {
        KUSTOMIZATION.iter().map(|name| normal(path, name)).find(|file| self.files.has_file(file))
    }

    fn documents(&mut self, path: &str, named: Option<Place>) -> Vec<Node> {
        let Some(source) = self.files.get(path) else {
            self.report(
                &codes::FLUX_NOT_CHECKED,
                named,
                format!("`{path}` is no text, or too large to be read"),
                "Flux would read it; list only files with Kubernetes objects",
            );
            return Vec::new();
        };
        let id = self.folder.sources.add(source);
        match yaml::read(&self.folder.sources, id, Schema::Cluster, Limits::STREAM) {
            Ok(documents) => documents.into_iter().map(|document| document.root).collect(),
            Err(findings) => {
                self.folder.findings.extend(findings);
                Vec::new()
            }
        }
    }

    /// Adds the objects of a file.
    fn file(&mut self, path: &str, pile: &mut Pile, named: Option<Place>) {
        if !self.files.has_file(path) {
            self.broken(
                named,
                format!("there is no file or folder `{path}`"),
                "correct the name, or take the entry out",
            );
            return;
        }
        for node in self.documents(path, named) {
            let items = match node.get("items") {
                Some(items)
                    if node.get("kind").and_then(Node::as_str).is_some_and(|kind| kind.ends_with("List")) =>
                {
                    items.as_sequence().unwrap_or_default().to_vec()
                }
                _ => vec![node],
            };
            for node in items {
                if node.data == Data::Null {
                    continue;
                }
                self.add(Built { node }, pile);
            }
        }
    }

    fn add(&mut self, object: Built, pile: &mut Pile) {
        let id = object.id();
        let place = object.node.place;
        if id.kind.is_empty() || id.name.is_empty() || id.api_version.is_empty() {
            self.broken(
                Some(place),
                "a document has no `apiVersion`, `kind` or `metadata.name`".to_owned(),
                "list only files with Kubernetes objects in the kustomization",
            );
            return;
        }
        if !pile.known.insert(Pile::identity(&id)) {
            self.broken(
                Some(place),
                format!("{id} is in this folder twice"),
                "kustomize refuses two objects of one name; keep one",
            );
            return;
        }
        pile.objects.push(object);
    }

    /// Builds a folder into a list: a component sees and changes what is in it already.
    fn build(&mut self, path: &str, pile: &mut Pile, named: Option<Place>) {
        let Some(file) = self.kustomization(path) else {
            self.broken(
                named,
                format!("the folder `{path}` has no `kustomization.yaml`"),
                "kustomize builds only folders that have one",
            );
            return;
        };
        if self.open.iter().any(|open| open == path) {
            self.broken(named, format!("`{path}` includes itself"), "take one of the entries out");
            return;
        }
        let Some(root) = self.documents(&file, named).into_iter().next() else { return };
        let Some(mapping) = root.as_mapping().cloned() else {
            self.broken(
                Some(root.place),
                "a kustomization is one mapping".to_owned(),
                "see kustomize's reference",
            );
            return;
        };
        let is_component = root.get("kind").and_then(Node::as_str) == Some("Component");
        self.open.push(path.to_owned());
        if is_component {
            self.steps(path, &mapping, pile);
            pile.learn();
        } else {
            // A folder that is not a component changes only its own objects.
            let mut own = Pile::default();
            self.steps(path, &mapping, &mut own);
            for object in own.objects {
                self.add(object, pile);
            }
        }
        self.open.pop();
    }

    fn steps(&mut self, path: &str, mapping: &Mapping, pile: &mut Pile) {
        let more = std::mem::take(&mut self.more);
        let items = |key: &str| -> Vec<Node> {
            mapping.get(key).and_then(Node::as_sequence).unwrap_or_default().to_vec()
        };
        for entry in &mapping.entries {
            if !FOLLOWED.contains(&&*entry.key) && !WITHOUT_EFFECT.contains(&&*entry.key) {
                self.unsupported(entry.key_place, &format!("`{}` of a kustomization", entry.key));
            }
        }
        for item in items("resources").iter().chain(&items("bases")) {
            self.resource(path, item, pile);
        }
        for item in items("components") {
            if let Some(name) = item.as_str() {
                self.build(&normal(path, name), pile, Some(item.place));
            }
        }
        self.components(path, &more, pile);
        for (key, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
            for item in items(key) {
                self.generate(kind, path, &item, mapping.get("generatorOptions"), pile);
            }
        }
        for item in items("patchesStrategicMerge").iter().chain(&items("patches")) {
            self.patch(path, item, &mut pile.objects);
        }
        let objects = &mut pile.objects;
        if let Some(namespace) = mapping.get("namespace").and_then(Node::as_str) {
            set_namespace(objects, namespace);
        }
        for (key, at_start) in [("namePrefix", true), ("nameSuffix", false)] {
            if let Some(entry) = mapping.entry(key) {
                self.manner(
                    &codes::FLUX_PREFIX,
                    entry.key_place,
                    format!("`{key}` renames objects, but not the references inside Flux objects"),
                    "give the objects the names that they should have; clusters are kept apart by their namespaces",
                );
                let text = entry.value.as_str().unwrap_or_default();
                let (prefix, suffix) = if at_start { (text, "") } else { ("", text) };
                rename(objects, prefix, suffix, entry.value.place);
            }
        }
        for item in items("labels") {
            set_all(objects, "labels", item.get("pairs"));
        }
        set_all(objects, "labels", mapping.get("commonLabels"));
        set_all(objects, "annotations", mapping.get("commonAnnotations"));
        for item in items("patchesJson6902") {
            self.patch(path, &item, objects);
        }
        for item in items("replicas") {
            transform::set_replicas(objects, &item);
        }
        for item in items("images") {
            for object in objects.iter_mut() {
                set_image(&mut object.node, &item);
            }
        }
    }

    fn resource(&mut self, path: &str, item: &Node, pile: &mut Pile) {
        let Some(name) = item.as_str() else { return };
        let target = normal(path, name);
        if is_remote(name) && !self.files.has_file(&target) {
            self.manner(
                &codes::FLUX_NOT_CHECKED,
                item.place,
                format!(
                    "`{name}`, which lies elsewhere, is not followed here, so what the folder becomes was not checked to the \
                     end"
                ),
                "`kubectl kustomize` on the folder shows what it becomes",
            );
            self.folder.remote.push(name.to_owned());
            return;
        }
        if !self.files.has_file(&target) && self.files.has_folder(&target) {
            self.build(&target, pile, Some(item.place));
        } else {
            self.file(&target, pile, Some(item.place));
        }
    }

    /// An entry of `patches`, `patchesJson6902` or `patchesStrategicMerge`; the last is a file's name or the patch itself.
    fn patch(&mut self, path: &str, item: &Node, objects: &mut Vec<Built>) {
        let target = item.get("target");
        let plain = item.as_str();
        let is_file =
            plain.is_some_and(|text| !text.contains('\n') && self.files.has_file(&normal(path, text)));
        let file =
            item.get("path").and_then(Node::as_str).or(plain.filter(|text| is_file || !text.contains(':')));
        let trees: Vec<Node> = if let Some(file) = file {
            let file = normal(path, file);
            if self.files.has_file(&file) {
                self.documents(&file, Some(item.place))
            } else {
                self.broken(
                    Some(item.place),
                    format!("there is no file `{file}`"),
                    "correct the name, or take the patch out",
                );
                Vec::new()
            }
        } else if let Some(text) = item.get("patch").and_then(Node::as_str).or(plain) {
            match trees_of(text, item.place) {
                Ok(trees) => trees,
                Err(message) => {
                    self.broken(Some(item.place), message, "a patch is YAML or JSON");
                    Vec::new()
                }
            }
        } else {
            Vec::new()
        };
        for tree in trees {
            match apply(objects, &tree, target) {
                Ok(Applied { count: 0, .. }) => {
                    let message = "the patch is for an object that is not in the folder".to_owned();
                    let hint = "correct `kind` and `metadata.name` of the patch, or its target";
                    // A target may match nothing; a patch that names its object itself may not, if all of them are here.
                    if target.is_some() || !self.folder.remote.is_empty() {
                        self.manner(&codes::FLUX_BUILD, tree.place, message, hint);
                    } else {
                        self.broken(Some(tree.place), message, hint);
                    }
                }
                Ok(applied) => {
                    if applied.unknown_selector {
                        self.unsupported(item.place, "the label selector of a patch");
                    }
                }
                Err(Refused::Wrong(message)) => self.broken(Some(tree.place), message, "correct the patch"),
                Err(Refused::Unsupported(what)) => self.unsupported(tree.place, &what),
            }
        }
    }
}

/// Whether an entry of `resources` names something of another repository (kubernetes-sigs/kustomize
/// `api/internal/git/repospec.go`).
fn is_remote(name: &str) -> bool {
    name.contains("://")
        || name.contains("?ref=")
        || ["git@", "git::", "github.com/", "github.com:"].iter().any(|start| name.starts_with(start))
}

/// A path relative to a folder, without `.` and `..`; what leads out of the repository ends at its root.
pub(crate) fn normal(folder: &str, path: &str) -> String {
    let mut steps: Vec<&str> = folder.split('/').filter(|step| !step.is_empty() && *step != ".").collect();
    for step in path.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            _ => steps.push(step),
        }
    }
    steps.join("/")
}
