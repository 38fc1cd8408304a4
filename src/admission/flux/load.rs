//! What a Kustomization delivers: its folder built, patched, moved and filled, as kustomize-controller would do it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

use serde_json::{Value, json};

use super::{
    folder::{self, Applied, Built, Folder},
    merge::Refused,
    place::Home,
    substitute::{self, Trouble, Variables},
    world::{Kustomization, Report, field, list},
};
use crate::{
    admission::{Object, Objects, Violation, secrets},
    finding::{Code, Finding, Severity, codes, suggest},
    yaml::{Data, Location, Node, Place, Source, pointer::FieldPath},
};

/// The objects of a Kustomization, and what was found on the way to them.
#[derive(Debug)]
pub struct Load<'run> {
    /// Its objects.
    pub content: Content,
    /// Where its folder is.
    pub(super) home: Home<'run>,
    /// The variables that its folder uses.
    pub(super) used: BTreeSet<String>,
    /// Whether variables may have values that are not known here.
    pub(super) is_open: bool,
    /// Whether something of the folder was not followed.
    pub(super) is_partial: bool,
    pub(super) folder: Option<Arc<Folder>>,
    pub(super) report: Report,
}

/// The objects of a Kustomization.
#[derive(Debug)]
pub enum Content {
    /// Built from the folder. Clusters share what does not differ between them.
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
    /// Whether it is the folder's, the same for every cluster.
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

/// How a Kustomization is to be taken.
pub(super) struct Manner<'run> {
    /// InfraFlux's own: what its catalogue and its render do without is reported too.
    pub(super) own: bool,
    /// What its variables are.
    pub(super) variables: Variables,
    /// Where a field of the Kustomization is written.
    pub(super) written: &'run dyn Fn(&[&str]) -> Option<Location>,
}

/// Loads one Kustomization.
pub(super) fn load<'run>(
    kustomization: Kustomization<'_>,
    home: Home<'run>,
    manner: &Manner<'_>,
) -> Load<'run> {
    let load = Load {
        content: Content::Foreign,
        used: BTreeSet::new(),
        is_open: false,
        is_partial: false,
        folder: None,
        report: Report::default(),
        home,
    };
    if load.home.path().is_none() {
        return load;
    }
    let mut loader = Loader { kustomization, manner, load };
    let components = loader.components();
    match loader.load.home.get(&components) {
        Some(folder) => loader.fill(&folder),
        None => loader.missing(),
    }
    loader.load
}

struct Loader<'call, 'run> {
    kustomization: Kustomization<'call>,
    manner: &'call Manner<'call>,
    load: Load<'run>,
}

impl Loader<'_, '_> {
    fn violation(&mut self, code: &'static Code, path: FieldPath, message: String, hint: impl Into<String>) {
        let violation = Violation::error(code, self.kustomization.object, path, message).hint(hint);
        self.load.report.violations.push(violation);
    }

    /// The components that are there.
    fn components(&mut self) -> Vec<String> {
        let object = self.kustomization.object;
        let may_miss = object.at("spec.ignoreMissingComponents") == Some(&Value::Bool(true));
        let mut out = Vec::new();
        for (position, component) in list(object, "spec.components").iter().enumerate() {
            let Some(component) = component.as_str() else { continue };
            if self.load.home.has_folder(component) {
                out.push(component.to_owned());
            } else if !may_miss {
                let path = folder::normal(self.load.home.path().unwrap_or_default(), component);
                let field = FieldPath::of(["spec", "components"]).index(position);
                let message = format!("{} has no folder `{path}`", self.load.home.title());
                let hint = "the path of a component is seen from `spec.path`; correct it or add the folder";
                self.violation(&codes::FLUX_PATH, field, message, hint);
            }
        }
        out
    }

    fn missing(&mut self) {
        self.load.content = Content::Missing;
        let home = &self.load.home;
        let path = home.path().unwrap_or_default();
        let message = format!("{} has no folder `{path}`", home.title());
        let all = home.near();
        let near = suggest::nearest(path, all.iter().map(String::as_str));
        let said = "Flux would report `kustomization path not found`";
        let guess = home.guess().cloned();
        let hint = match (near.as_slice(), &guess) {
            ([], Some(source)) => {
                format!("{said}; if the source is another repository, say `--local-sources {source}=DIR`")
            }
            ([], None) => format!("{said}; correct the path or add the folder"),
            (near, _) => format!("{said}; did you mean {}?", suggest::list(near, "or")),
        };
        self.violation(&codes::FLUX_PATH, FieldPath::of(["spec", "path"]), message, hint);
        if guess.is_some()
            && let Some(last) = self.load.report.violations.last_mut()
        {
            last.severity = Severity::Warning;
        }
    }

    fn fill(&mut self, built: &Arc<Folder>) {
        let object = self.kustomization.object;
        self.load.report.findings.extend(built.findings.iter().cloned());
        if self.manner.own {
            self.load.report.findings.extend(built.manners.iter().cloned());
        }
        self.load.is_partial |= !built.remote.is_empty()
            || built.findings.iter().any(|finding| *finding.code == codes::FLUX_NOT_CHECKED);
        let changed = ["patches", "images", "targetNamespace", "namePrefix", "nameSuffix"]
            .iter()
            .any(|key| object.at(&format!("spec.{key}")).is_some());
        if changed {
            let mut folder = Folder::clone(built);
            self.change(&mut folder);
            self.load.content = self.deliver(&folder);
            // What they became is kept; the texts are for places.
            folder.clear();
            self.load.folder = Some(Arc::new(folder));
        } else {
            self.load.content = self.deliver(built);
            self.load.folder = Some(Arc::clone(built));
        }
    }

    /// What a Kustomization does to the objects of its folder before it fills in variables.
    fn change(&mut self, folder: &mut Folder) {
        let object = self.kustomization.object;
        self.patch(folder);
        if let Some(namespace) = object.text("spec.targetNamespace") {
            self.target(folder, namespace);
        }
        let text = |key: &str| object.text(&format!("spec.{key}")).unwrap_or_default();
        let (prefix, suffix) = (text("namePrefix"), text("nameSuffix"));
        if !prefix.is_empty() || !suffix.is_empty() {
            for built in &mut folder.objects {
                let place = built.node.place;
                folder::rename(std::slice::from_mut(built), prefix, suffix, place);
            }
        }
        for image in list(object, "spec.images") {
            for built in &mut folder.objects {
                let image = Node::from_value(image, built.node.place);
                folder::set_image(&mut built.node, &image);
            }
        }
        folder.changed();
    }

    /// The objects of a folder with the variables of the Kustomization, and what came of filling them in.
    fn deliver(&mut self, folder: &Folder) -> Content {
        if !self.manner.own {
            self.load.report.findings.extend(plain_secrets(folder));
        }
        let substitutes = self.kustomization.substitutes();
        let labels = self.kustomization.object.at("spec.commonMetadata");
        let mut objects = Vec::with_capacity(folder.objects.len());
        for (built, ready) in folder.objects.iter().zip(folder.ready()) {
            let mut delivered = Arc::clone(&ready.delivered);
            if ready.has_variables && substitutes {
                let filled = substitute::object(&built.node, &self.manner.variables);
                self.trouble(folder, built, &filled.trouble);
                self.load.used.extend(filled.used);
                self.load.is_open |= filled.is_open;
                delivered = Arc::new(Delivered::new(filled.node, false));
            } else if ready.has_variables && self.manner.own {
                self.never_filled(folder, built);
            }
            if let Some(labels) = labels {
                let mut own = Delivered::new(delivered.node.clone(), false);
                crate::yaml::overlay::merge_value(&mut own.object.value, &json!({"metadata": labels}));
                delivered = Arc::new(own);
            }
            objects.push(delivered);
        }
        Content::Objects(objects)
    }

    /// `targetNamespace`, which comes to Namespaces as well.
    fn target(&mut self, folder: &mut Folder, namespace: &str) {
        for built in folder.objects.iter().filter(|built| built.id().kind == "Namespace") {
            let id = built.id();
            if !self.manner.own && id.name == namespace {
                continue;
            }
            let mut finding = Finding::error(
                &codes::FLUX_NAMESPACE,
                format!(
                    "the Namespace `{}` would be renamed to `{namespace}`, because the Kustomization `{}` has a \
                     `targetNamespace`",
                    id.name,
                    self.kustomization.name()
                ),
            )
            .object(id)
            .at(folder.locate(built.node.place));
            if self.manner.own {
                finding =
                    finding.hint("move the Namespace to the stage `prereqs`, which goes to the cluster");
            } else {
                finding = finding.hint("deliver it with another Kustomization, or give it that name");
                finding.severity = Severity::Warning;
            }
            self.load.report.findings.push(finding);
        }
        folder::set_namespace(&mut folder.objects, namespace);
    }

    /// The Kustomization's own patches, which come after those of the folder.
    fn patch(&mut self, folder: &mut Folder) {
        let object = self.kustomization.object;
        for (position, entry) in list(object, "spec.patches").iter().enumerate() {
            let words = ["spec", "patches", &position.to_string(), "patch"];
            let path = field(&words);
            let text = entry.get("patch").and_then(Value::as_str).unwrap_or_default();
            let place = if let Some(location) = (self.manner.written)(&words) {
                Place::new(folder.sources.add(location.source().clone()), location.range())
            } else {
                let name = format!("spec.patches[{position}] of {}", object.id);
                Place::new(folder.sources.add(Source::new(name, text)), 0..text.len())
            };
            let target = entry.get("target").map(|target| Node::from_value(target, place));
            let trees = match folder::trees_of(text, place) {
                Ok(trees) => trees,
                Err(message) => {
                    self.violation(&codes::FLUX_PATCH, path, message, "a patch is YAML or JSON");
                    continue;
                }
            };
            for tree in trees {
                let result = folder::apply(&mut folder.objects, &tree, target.as_ref());
                let (code, message, hint) = match result {
                    // A target may match nothing; a patch that names its object itself may not.
                    Ok(Applied { count: 0, .. })
                        if !self.manner.own && (target.is_some() || !folder.remote.is_empty()) =>
                    {
                        continue;
                    }
                    Ok(Applied { count: 0, .. }) => (
                        &codes::FLUX_PATCH,
                        "the patch is for an object that is not in the folder".to_owned(),
                        if self.manner.own {
                            "correct the kind and name that it is for, or its stage; Flux says nothing about a target that \
                             matches nothing"
                        } else {
                            "correct the kind and name that it is for"
                        },
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
                self.violation(code, path.clone(), message, hint);
                if *code == codes::FLUX_NOT_CHECKED
                    && let Some(last) = self.load.report.violations.last_mut()
                {
                    last.severity = Severity::Warning;
                    self.load.is_partial = true;
                }
            }
        }
    }

    fn trouble(&mut self, folder: &Folder, built: &Built, trouble: &[(Place, Trouble)]) {
        let own = self.manner.own;
        for (place, trouble) in trouble {
            let (code, message, hint) = match trouble {
                Trouble::Unset(name) => (
                    &codes::FLUX_VARIABLE,
                    format!(
                        "the variable `{name}` has no value in the Kustomization `{}`",
                        self.kustomization.name()
                    ),
                    if own {
                        "declare it in the bundle's `bundle.yaml` (or the folder's `hub-variables.yaml`) and supply it; a literal \
                         `${` is written `$${`"
                    } else {
                        "supply it in `postBuild`, or write a default: `${name:=value}`; where the text itself is meant, write \
                         `$${`, or annotate the object with `kustomize.toolkit.fluxcd.io/substitute: disabled`"
                    },
                ),
                Trouble::Unsupported(_) if !own => {
                    self.load.is_partial = true;
                    continue;
                }
                Trouble::Unsupported(text) => (
                    &codes::FLUX_NOT_CHECKED,
                    format!("`{text}` is not followed here"),
                    "write `${name}` or `${name:=default}`, and `$${` where the text itself is meant",
                ),
                Trouble::Broken(text) => (
                    &codes::FLUX_VARIABLE,
                    format!("with its variables filled in, `{text}` is not one YAML value"),
                    if own {
                        "put `${quote}` at both ends where the value must stay a string, and let the variable's pattern keep \
                         quotes and `: ` out"
                    } else {
                        "Flux writes the object as text and fills that in; keep quotes and `: ` out of the value"
                    },
                ),
            };
            let mut finding =
                Finding::error(code, message).object(built.id()).at(folder.locate(*place)).hint(hint);
            if *code == codes::FLUX_NOT_CHECKED {
                finding.severity = Severity::Warning;
            }
            self.load.report.findings.push(finding);
        }
    }

    /// Without a single variable Flux substitutes nothing, so a `${` reaches the cluster as it stands.
    fn never_filled(&mut self, folder: &Folder, built: &Built) {
        if substitute::is_disabled(&built.node) {
            return;
        }
        let mut open = vec![&built.node];
        while let Some(node) = open.pop() {
            match &node.data {
                Data::Mapping(mapping) => open.extend(mapping.entries.iter().map(|entry| &entry.value)),
                Data::Sequence(items) => open.extend(items),
                Data::String(text) if text.contains("${") => {
                    self.load.report.findings.push(
                        Finding::error(
                            &codes::FLUX_VARIABLE,
                            format!(
                                "`${{` stays as it is: the Kustomization `{}` substitutes nothing",
                                self.kustomization.name()
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

impl Load<'_> {
    /// The objects that were built, none when they are elsewhere.
    #[must_use]
    pub fn objects(&self) -> &[Arc<Delivered>] {
        match &self.content {
            Content::Objects(objects) => objects,
            Content::Foreign | Content::Missing => &[],
        }
    }

    /// A place in the folder's files.
    pub(super) fn locate(&self, place: Place) -> Option<Location> {
        self.folder.as_ref().and_then(|folder| folder.locate(place))
    }
}

/// The inline values of a Kustomization's variables.
pub(super) fn inline(object: &Object) -> BTreeMap<String, String> {
    object
        .at("spec.postBuild.substitute")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

/// Secrets that are in plain text in the folder's files, before variables are filled in.
fn plain_secrets(folder: &Folder) -> Vec<Finding> {
    let mut findings = Vec::new();
    for built in folder.objects.iter().filter(|built| built.id().kind == "Secret") {
        let objects: Objects = std::iter::once(Object::new(built.node.to_value())).collect();
        let (plain, keys): (Vec<_>, Vec<_>) = secrets::violations(&objects)
            .into_iter()
            .partition(|violation| *violation.code == codes::SECRET_PLAIN);
        let at = |path: &FieldPath| {
            let words = path.words();
            let (node, _) = built.node.nearest(words.iter().map(String::as_str));
            folder.locate(node.place)
        };
        // A text with variables is filled with something that is kept elsewhere.
        let is_filled = |violation: &&Violation| {
            let value = violation.path.get(&objects.get(0)?.value)?.as_str()?;
            value.contains("${").then_some(())
        };
        let plain: Vec<&Violation> = plain.iter().filter(|found| is_filled(found).is_none()).collect();
        if let Some(first) = plain.first() {
            let names: Vec<String> =
                plain.iter().filter_map(|violation| violation.path.words().pop()).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let listed = suggest::list(&names[..names.len().min(4)], "and");
            let stand = if names.len() == 1 { "stands" } else { "stand" };
            findings.push(
                Finding::warning(&codes::SECRET_PLAIN, format!("{listed} of a Secret {stand} in plain text"))
                    .object(built.id())
                    .field(first.path.clone())
                    .at(at(&first.path))
                    .hint("encrypt the file with SOPS, or let something else write the Secret; if it is secret at all"),
            );
        }
        findings.extend(keys.into_iter().map(|violation| {
            Finding::error(violation.code, violation.message)
                .object(built.id())
                .field(violation.path.clone())
                .at(at(&violation.path))
                .hint("take it for known and replace it at its owner")
        }));
    }
    findings
}
