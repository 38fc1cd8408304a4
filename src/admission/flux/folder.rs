//! What `kustomize build` makes of a folder of the catalogue, worked out offline.
//!
//! The part of kustomize that catalogues use: resources, components, patches, namespace, labels and annotations, generated
//! ConfigMaps, prefixes. The order is kustomize's (kubernetes-sigs/kustomize `api/internal/target/kusttarget.go`): resources,
//! components, generators, patches, namespace, prefix, labels. Whatever else a kustomization asks for is reported as not
//! checked, never taken for nothing. Every value keeps the place where it was written.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use regex::Regex;

use super::{
    merge::{self, Refused},
    variables::Declarations,
    world::Delivered,
};
use crate::{
    catalog::Catalog,
    finding::{Code, Finding, ObjectRef, codes},
    yaml::{self, Data, Entry, Limits, Location, Mapping, Node, Place, Source, Sources, scalar::Schema},
};

/// The names by which kustomize knows a kustomization.
const KUSTOMIZATION: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Kinds without a namespace; of others than these and custom ones, `namespace:` sets it (kustomize asks its OpenAPI data).
const CLUSTER_SCOPED: [&str; 22] = [
    "APIService",
    "CertificateSigningRequest",
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
    "CSIDriver",
    "CustomResourceDefinition",
    "GatewayClass",
    "MutatingWebhookConfiguration",
    "Namespace",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
    "ValidatingWebhookConfiguration",
    "VolumeSnapshotClass",
];

/// Whether objects of a kind have no namespace, as far as is known here.
#[must_use]
pub fn is_cluster_scoped(kind: &str) -> bool {
    CLUSTER_SCOPED.contains(&kind)
        || kind == "ValidatingAdmissionPolicy"
        || kind == "ValidatingAdmissionPolicyBinding"
        // Kyverno's policies (kyverno/kyverno `config/crds/policies.kyverno.io`) have namespaced siblings with another name.
        || (kind.ends_with("Policy") && ["Validating", "Mutating", "Generating", "ImageValidating", "Deleting"]
            .iter()
            .any(|start| kind.strip_suffix("Policy") == Some(start)))
}

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
        ObjectRef::of(&self.node.to_value())
    }

    fn text(&self, path: &[&str]) -> Option<&str> {
        self.node.at(path.iter().copied()).and_then(Node::as_str)
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

    /// A place as a location.
    #[must_use]
    pub fn locate(&self, place: Place) -> Option<Location> {
        self.sources.locate(place)
    }
}

/// A path and the components that a Flux Kustomization adds.
type FolderKey = (String, Vec<String>);

/// Built folders of a catalogue, each made once. Shared by all threads of a run.
#[derive(Debug)]
pub struct Folders {
    catalog: Catalog,
    built: Mutex<HashMap<FolderKey, Option<Arc<Folder>>>>,
    declarations: Declarations,
}

impl Folders {
    /// Folders of a catalogue; nothing is built yet.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self { catalog, built: Mutex::default(), declarations: Declarations::default() }
    }

    /// The files.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// What its files say of variables, each read once.
    pub(super) fn declarations(&self) -> &Declarations {
        &self.declarations
    }

    /// What a folder and the components that a Flux Kustomization adds to it give; none when there is no such folder.
    #[must_use]
    pub fn get(&self, path: &str, components: &[String]) -> Option<Arc<Folder>> {
        let key = (path.to_owned(), components.to_vec());
        // A thread that panicked elsewhere leaves the map whole: entries are only ever added.
        if let Some(found) = self.built.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return found.clone();
        }
        let made = self.catalog.has_folder(path).then(|| {
            let mut builder = Builder { catalog: &self.catalog, folder: Folder::default(), open: Vec::new() };
            let mut objects = Vec::new();
            builder.root(path, components, &mut objects);
            builder.folder.objects = objects;
            Arc::new(builder.folder)
        });
        self.built.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
        made
    }
}

struct Builder<'catalog> {
    catalog: &'catalog Catalog,
    folder: Folder,
    /// The folders that are being built, to find circles.
    open: Vec<String>,
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

    /// A folder as kustomize-controller reads it: without a kustomization every YAML file below it counts.
    fn root(&mut self, path: &str, components: &[String], objects: &mut Vec<Built>) {
        if self.kustomization(path).is_some() {
            self.build(path, objects, None);
        } else {
            let below: Vec<String> = self
                .catalog
                .under(path)
                .map(|(file, _)| file.to_owned())
                .filter(|file| file.ends_with(".yaml") || file.ends_with(".yml"))
                .collect();
            for file in below {
                self.file(&file, objects, None);
            }
        }
        for component in components {
            let component = normal(path, component);
            if self.kustomization(&component).is_some() {
                self.build(&component, objects, None);
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
        KUSTOMIZATION.iter().map(|name| normal(path, name)).find(|file| self.catalog.get(file).is_some())
    }

    fn documents(&mut self, path: &str) -> Vec<Node> {
        let Some(source) = self.catalog.get(path) else { return Vec::new() };
        let id = self.folder.sources.add(source.clone());
        match yaml::read(&self.folder.sources, id, Schema::Cluster, Limits::PLAN) {
            Ok(documents) => documents.into_iter().map(|document| document.root).collect(),
            Err(findings) => {
                self.folder.findings.extend(findings);
                Vec::new()
            }
        }
    }

    /// Adds the objects of a file.
    fn file(&mut self, path: &str, objects: &mut Vec<Built>, named: Option<Place>) {
        if self.catalog.get(path).is_none() {
            self.broken(
                named,
                format!("the catalogue has no file or folder `{path}`"),
                "correct the name, or take the entry out",
            );
            return;
        }
        for node in self.documents(path) {
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
                self.add(Built { node }, objects);
            }
        }
    }

    fn add(&mut self, object: Built, objects: &mut Vec<Built>) {
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
        let group =
            |version: &str| version.rsplit_once('/').map_or(String::new(), |(group, _)| group.to_owned());
        let same = objects.iter().any(|other| {
            let other = other.id();
            (group(&other.api_version), other.kind, other.namespace, other.name)
                == (group(&id.api_version), id.kind.clone(), id.namespace.clone(), id.name.clone())
        });
        if same {
            self.broken(
                Some(place),
                format!("{id} is in this folder twice"),
                "kustomize refuses two objects of one name; keep one",
            );
            return;
        }
        objects.push(object);
    }

    /// Builds a folder into a list: a component sees and changes what is in it already.
    fn build(&mut self, path: &str, objects: &mut Vec<Built>, named: Option<Place>) {
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
        let Some(root) = self.documents(&file).into_iter().next() else { return };
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
            self.steps(path, &mapping, objects);
        } else {
            // A folder that is not a component changes only its own objects.
            let mut own = Vec::new();
            self.steps(path, &mapping, &mut own);
            for object in own {
                self.add(object, objects);
            }
        }
        self.open.pop();
    }

    fn steps(&mut self, path: &str, mapping: &Mapping, objects: &mut Vec<Built>) {
        let items = |key: &str| -> Vec<Node> {
            mapping.get(key).and_then(Node::as_sequence).unwrap_or_default().to_vec()
        };
        for entry in &mapping.entries {
            let known = [
                "apiVersion",
                "kind",
                "metadata",
                "resources",
                "components",
                "patches",
                "namespace",
                "configMapGenerator",
                "generatorOptions",
                "labels",
                "commonAnnotations",
                "namePrefix",
                "nameSuffix",
            ];
            if !known.contains(&&*entry.key) {
                self.unsupported(entry.key_place, &format!("`{}` of a kustomization", entry.key));
            }
        }
        for item in items("resources") {
            self.resource(path, &item, objects);
        }
        for item in items("components") {
            if let Some(name) = item.as_str() {
                self.build(&normal(path, name), objects, Some(item.place));
            }
        }
        for item in items("configMapGenerator") {
            self.config_map(path, &item, mapping.get("generatorOptions"), objects);
        }
        for item in items("patches") {
            self.patch(path, &item, objects);
        }
        if let Some(namespace) = mapping.get("namespace").and_then(Node::as_str) {
            set_namespace(objects, namespace);
        }
        for (key, at_start) in [("namePrefix", true), ("nameSuffix", false)] {
            if let Some(entry) = mapping.entry(key) {
                self.report(
                    &codes::FLUX_PREFIX,
                    Some(entry.key_place),
                    format!("`{key}` renames objects, but not the references inside Flux objects"),
                    "give the objects the names that they should have; clusters are kept apart by their namespaces",
                );
                let text = entry.value.as_str().unwrap_or_default().to_owned();
                for object in objects.iter_mut() {
                    let name = object.text(&["metadata", "name"]).unwrap_or_default();
                    let name = if at_start { format!("{text}{name}") } else { format!("{name}{text}") };
                    set(&mut object.node, &["metadata", "name"], &name, entry.value.place);
                }
            }
        }
        for item in items("labels") {
            if item.get("includeSelectors").is_some_and(|node| node.data == Data::Bool(true)) {
                self.unsupported(item.place, "`includeSelectors`");
            }
            set_all(objects, "labels", item.get("pairs"));
        }
        set_all(objects, "annotations", mapping.get("commonAnnotations"));
    }

    fn resource(&mut self, path: &str, item: &Node, objects: &mut Vec<Built>) {
        let Some(name) = item.as_str() else { return };
        if name.contains("://") || name.contains("?ref=") || name.starts_with("git@") {
            self.unsupported(item.place, &format!("`{name}`, which lies elsewhere,"));
            return;
        }
        let target = normal(path, name);
        if self.catalog.get(&target).is_none() && self.catalog.has_folder(&target) {
            self.build(&target, objects, Some(item.place));
        } else {
            self.file(&target, objects, Some(item.place));
        }
    }

    fn config_map(&mut self, path: &str, item: &Node, options: Option<&Node>, objects: &mut Vec<Built>) {
        let place = item.place;
        let text = |key: &str| item.get(key).and_then(Node::as_str).map(str::to_owned);
        let Some(name) = text("name") else {
            self.broken(Some(place), "a configMapGenerator has no name".to_owned(), "give it one");
            return;
        };
        let own = item.get("options");
        let option =
            |key: &str| own.and_then(|own| own.get(key)).or_else(|| options.and_then(|all| all.get(key)));
        if option("disableNameSuffixHash").is_none_or(|node| node.data != Data::Bool(true)) {
            self.unsupported(place, "the hash that kustomize adds to the name of a generated ConfigMap");
        }
        for key in ["envs", "env", "behavior"] {
            if item.get(key).is_some() {
                self.unsupported(place, &format!("`{key}` of a configMapGenerator"));
            }
        }
        let mut data = Mapping::default();
        for file in item.get("files").and_then(Node::as_sequence).unwrap_or_default() {
            let written = file.as_str().unwrap_or_default();
            let (key, from) = written
                .split_once('=')
                .unwrap_or_else(|| (written.rsplit('/').next().unwrap_or(written), written));
            match self.catalog.get(&normal(path, from)) {
                Some(source) => {
                    let content = source.text().to_owned();
                    let id = self.folder.sources.add(source.clone());
                    let node = Node { place: Place::new(id, 0..0), data: Data::String(content.into()) };
                    data.set(Entry { key: key.into(), key_place: file.place, value: node });
                }
                None => self.broken(
                    Some(file.place),
                    format!("the catalogue has no file `{}`", normal(path, from)),
                    "correct the name, or take the entry out",
                ),
            }
        }
        for literal in item.get("literals").and_then(Node::as_sequence).unwrap_or_default() {
            if let Some((key, value)) = literal.as_str().and_then(|text| text.split_once('=')) {
                let node = Node { place: literal.place, data: Data::String(value.into()) };
                data.set(Entry { key: key.into(), key_place: literal.place, value: node });
            }
        }
        let string = |text: &str| Node { place, data: Data::String(text.into()) };
        let mut metadata = Mapping::default();
        let push = |mapping: &mut Mapping, key: &str, value: Node| {
            mapping.set(Entry { key: key.into(), key_place: value.place, value });
        };
        push(&mut metadata, "name", string(&name));
        if let Some(namespace) = text("namespace") {
            push(&mut metadata, "namespace", string(&namespace));
        }
        for part in ["labels", "annotations"] {
            if let Some(node) = option(part) {
                push(&mut metadata, part, node.clone());
            }
        }
        let mut root = Mapping::default();
        push(&mut root, "apiVersion", string("v1"));
        push(&mut root, "kind", string("ConfigMap"));
        push(&mut root, "metadata", Node { place, data: Data::Mapping(metadata) });
        push(&mut root, "data", Node { place, data: Data::Mapping(data) });
        self.add(Built { node: Node { place, data: Data::Mapping(root) } }, objects);
    }

    fn patch(&mut self, path: &str, item: &Node, objects: &mut Vec<Built>) {
        let target = item.get("target");
        let trees: Vec<Node> = if let Some(file) = item.get("path").and_then(Node::as_str) {
            let file = normal(path, file);
            if self.catalog.get(&file).is_none() {
                self.broken(
                    Some(item.place),
                    format!("the catalogue has no file `{file}`"),
                    "correct the name, or take the patch out",
                );
            }
            self.documents(&file)
        } else if let Some(text) = item.get("patch").and_then(Node::as_str) {
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
                Ok(Applied { count: 0, .. }) => self.broken(
                    Some(tree.place),
                    "the patch is for an object that is not in the folder".to_owned(),
                    "correct `kind` and `metadata.name` of the patch, or its target",
                ),
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

/// What a patch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Applied {
    /// How many objects it changed.
    pub(super) count: usize,
    /// Whether its target has a selector that is not followed here.
    pub(super) unknown_selector: bool,
}

/// The trees of a patch text; all their places are the one given.
pub(super) fn trees_of(text: &str, place: Place) -> Result<Vec<Node>, String> {
    let mut sources = Sources::new();
    let id = sources.add(Source::new("patch", text));
    let documents = yaml::read(&sources, id, Schema::Cluster, Limits::PLAN).map_err(|findings| {
        findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("; ")
    })?;
    Ok(documents
        .into_iter()
        .filter(|document| document.root.data != Data::Null)
        .map(|document| Node::from_value(&document.root.to_value(), place))
        .collect())
}

/// Applies a patch to the objects that it is for.
pub(super) fn apply(
    objects: &mut Vec<Built>,
    patch: &Node,
    target: Option<&Node>,
) -> Result<Applied, Refused> {
    let target = target.map(Target::of);
    let unknown_selector = target.as_ref().is_some_and(|target| target.unknown_selector);
    let mut applied = Applied { count: 0, unknown_selector };
    let mut out = Vec::with_capacity(objects.len());
    let mut trouble = None;
    for object in objects.drain(..) {
        let selected = match &target {
            Some(target) => target.selects(&object),
            None => named_by(patch, &object),
        };
        if !selected || trouble.is_some() {
            out.push(object);
            continue;
        }
        applied.count += 1;
        if let Data::Sequence(operations) = &patch.data {
            match merge::json(object.node.clone(), operations) {
                Ok(node) => out.push(Built { node }),
                Err(refused) => {
                    trouble = Some(refused);
                    out.push(object);
                }
            }
        } else {
            let built_in = is_built_in(object.text(&["apiVersion"]).unwrap_or_default());
            out.extend(merge::strategic(object.node, patch, built_in).map(|node| Built { node }));
        }
    }
    *objects = out;
    trouble.map_or(Ok(applied), Err)
}

/// Whether an API belongs to Kubernetes itself.
pub(super) fn is_built_in(api_version: &str) -> bool {
    match api_version.split_once('/') {
        None => true,
        Some((group, _)) => !group.contains('.') || group.ends_with(".k8s.io") && BUILT_IN.contains(&group),
    }
}

const BUILT_IN: [&str; 11] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "networking.k8s.io",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
];

/// A patch without a target says in itself which object it is for.
fn named_by(patch: &Node, object: &Built) -> bool {
    let text =
        |node: &Node, path: &[&str]| node.at(path.iter().copied()).and_then(Node::as_str).map(str::to_owned);
    let group = |node: &Node| {
        text(node, &["apiVersion"])
            .map(|version| version.rsplit_once('/').map_or(String::new(), |(group, _)| group.to_owned()))
    };
    let same_namespace = match text(patch, &["metadata", "namespace"]) {
        Some(namespace) => text(&object.node, &["metadata", "namespace"]).is_none_or(|own| own == namespace),
        None => true,
    };
    group(patch) == group(&object.node)
        && text(patch, &["kind"]) == text(&object.node, &["kind"])
        && text(patch, &["metadata", "name"]) == text(&object.node, &["metadata", "name"])
        && same_namespace
}

/// A patch's target, ready to be asked: each field is a regular expression over the whole.
struct Target<'patch> {
    /// Field and expression; an expression that does not compile selects nothing.
    fields: Vec<(&'static str, Option<Regex>)>,
    /// Labels and annotations with their values.
    terms: Vec<(&'static str, &'patch str, &'patch str)>,
    /// Whether a selector is more than equality, which is not followed here.
    unknown_selector: bool,
}

impl<'patch> Target<'patch> {
    fn of(target: &'patch Node) -> Self {
        let text = |key: &str| target.get(key).and_then(Node::as_str);
        let fields = ["group", "version", "kind", "name", "namespace"]
            .into_iter()
            .filter_map(|key| Some((key, Regex::new(&format!("^(?:{})$", text(key)?)).ok())))
            .collect();
        let mut out = Self { fields, terms: Vec::new(), unknown_selector: false };
        for (key, part) in [("labelSelector", "labels"), ("annotationSelector", "annotations")] {
            for term in text(key).into_iter().flat_map(|selector| selector.split(',')) {
                match term
                    .split_once('=')
                    .map(|(label, value)| (label.trim(), value.trim_start_matches('=').trim()))
                {
                    Some((label, value)) if !label.ends_with('!') => out.terms.push((part, label, value)),
                    _ => out.unknown_selector = true,
                }
            }
        }
        out
    }

    fn selects(&self, object: &Built) -> bool {
        let version = object.text(&["apiVersion"]).unwrap_or_default();
        let (group, version) = version.rsplit_once('/').unwrap_or(("", version));
        let value = |field: &str| match field {
            "group" => group,
            "version" => version,
            "kind" => object.text(&["kind"]).unwrap_or_default(),
            field => object.text(&["metadata", field]).unwrap_or_default(),
        };
        self.fields
            .iter()
            .all(|(field, pattern)| pattern.as_ref().is_some_and(|pattern| pattern.is_match(value(field))))
            && self
                .terms
                .iter()
                .all(|(part, label, value)| object.text(&["metadata", part, label]) == Some(*value))
    }
}

/// Sets the namespace of everything that has one; a Namespace is renamed, as kustomize does.
pub(super) fn set_namespace(objects: &mut [Built], namespace: &str) {
    for object in objects {
        let kind = object.text(&["kind"]).unwrap_or_default().to_owned();
        let place = object.node.place;
        if kind == "Namespace" {
            set(&mut object.node, &["metadata", "name"], namespace, place);
        } else if !is_cluster_scoped(&kind) {
            set(&mut object.node, &["metadata", "namespace"], namespace, place);
        }
    }
}

/// Sets labels or annotations on all objects.
pub(super) fn set_all(objects: &mut [Built], part: &str, pairs: Option<&Node>) {
    let Some(pairs) = pairs.and_then(Node::as_mapping) else { return };
    for object in objects {
        for pair in &pairs.entries {
            if let Some(value) = pair.value.as_str() {
                set(&mut object.node, &["metadata", part, &pair.key], value, pair.value.place);
            }
        }
    }
}

/// Sets a string deep in a tree, with the mappings on the way.
fn set(node: &mut Node, path: &[&str], value: &str, place: Place) {
    let Some((key, rest)) = path.split_first() else {
        node.data = Data::String(value.into());
        return;
    };
    if let Data::Mapping(mapping) = &mut node.data {
        if mapping.get(key).is_none() {
            let value = Node { place, data: Data::Mapping(Mapping::default()) };
            mapping.set(Entry { key: (*key).into(), key_place: place, value });
        }
        if let Some(inner) = mapping.get_mut(key) {
            set(inner, rest, value, place);
        }
    }
}

/// A path relative to a folder, without `.` and `..`; what leads out of the repository ends at its root.
pub(in crate::admission) fn normal(folder: &str, path: &str) -> String {
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
