//! What is wrong with a kustomization before kustomize says nothing about it.
//!
//! `kubectl kustomize` skips exec functions in silence, old versions refuse `exec.args`, validators may not echo, and a
//! mistyped annotation just does nothing. All of that can be seen in the files; nothing is run.

use std::collections::HashSet;

use super::{
    engine::ConfigKind,
    header::HeaderScan,
    item::LOCAL_CONFIG,
    plugin_home::{KINDS, plugin_path},
    stream::LIMITS,
};
use crate::{
    finding::{Finding, Findings, ObjectRef, codes, suggest},
    yaml::{self, Data, Location, Node, Source, SourceId, Sources, scalar::Schema},
};

mod annotation;

/// What is found at a path of a plugin home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plugin {
    /// Nothing.
    Missing,
    /// A file without the execute bit.
    NotExecutable,
    /// A program.
    Present,
}

/// How the doctor looks around. It reads and runs nothing by itself.
#[derive(Clone, Copy)]
pub struct Surroundings<'run> {
    /// The text of a file, by its path from the folder of the kustomization; for what cannot be read the words of the
    /// operating system.
    pub read: &'run dyn Fn(&str) -> Result<String, String>,
    /// What lies at a path below the plugin home, for instance `infraflux.io/v1alpha1/clusterplan/ClusterPlan`.
    pub plugin: &'run dyn Fn(&str) -> Plugin,
}

/// Which list of a kustomization names a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Generator,
    Transformer,
    Validator,
}

impl Role {
    const ALL: [Self; 3] = [Self::Generator, Self::Transformer, Self::Validator];

    fn field(self) -> &'static str {
        match self {
            Self::Generator => "generators",
            Self::Transformer => "transformers",
            Self::Validator => "validators",
        }
    }
}

/// The names under which kustomize finds a kustomization in a folder.
const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Looks at a kustomization and at the files that its `generators`, `transformers`, `validators` and `resources` name.
/// `name` is the path of the kustomization, as messages call it; other files are called by their path beside it.
#[must_use]
pub fn diagnose(name: &str, text: &str, surroundings: Surroundings<'_>) -> Findings {
    let mut visit = Visit {
        sources: Sources::new(),
        surroundings,
        beside: name.rfind('/').map_or("", |slash| &name[..=slash]).to_owned(),
        findings: Findings::new(),
        folders: HashSet::new(),
    };
    visit.kustomization(name, text);
    visit.findings
}

struct Visit<'run> {
    sources: Sources,
    surroundings: Surroundings<'run>,
    /// The folder of the kustomization, with a slash at its end; nothing where it is the working directory.
    beside: String,
    findings: Findings,
    /// Folders that were followed, so that a circle ends.
    folders: HashSet<String>,
}

/// One configuration, and who names it.
struct Listed<'listed> {
    role: Role,
    entry: &'listed Option<Location>,
}

impl Visit<'_> {
    fn kustomization(&mut self, name: &str, text: &str) {
        let Some((_, root)) = self.parse(name, text).and_then(|(id, mut documents)| {
            (documents.len() == 1).then(|| documents.remove(0)).map(|root| (id, root))
        }) else {
            self.bad_kustomization(name, text);
            return;
        };
        if root.as_mapping().is_none() {
            self.bad_kustomization(name, text);
            return;
        }
        for role in Role::ALL {
            for entry in root.get(role.field()).and_then(Node::as_sequence).unwrap_or_default() {
                let Some(text) = entry.as_str() else { continue };
                let location = self.sources.locate(entry.place);
                let listed = Listed { role, entry: &location };
                if is_inline(text) {
                    let name = format!("{name}, inline under {}", role.field());
                    self.configurations(&name, text, &listed);
                } else {
                    self.path("", text, &listed);
                }
            }
        }
        for entry in root.get("resources").and_then(Node::as_sequence).unwrap_or_default() {
            if let Some(path) = entry.as_str().filter(|path| !is_remote(path))
                && let Ok(text) = (self.surroundings.read)(path)
            {
                self.resources(&self.shown(path), &text);
            }
        }
    }

    /// A path of the kustomization as messages have it.
    fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.beside)
    }

    fn bad_kustomization(&mut self, name: &str, text: &str) {
        if self.findings.is_empty() {
            self.findings.push(
                Finding::error(&codes::BAD_KUSTOMIZATION, "the kustomization is not one mapping")
                    .at(Location::new(Source::new(name, text).into(), 0..0))
                    .hint("give the path of a `kustomization.yaml`"),
            );
        }
    }

    /// The documents of a text; errors of reading become findings.
    fn parse(&mut self, name: &str, text: &str) -> Option<(SourceId, Vec<Node>)> {
        let id = self.sources.add(Source::new(name, text));
        match yaml::read(&self.sources, id, Schema::Core, LIMITS) {
            Ok(documents) => Some((id, documents.into_iter().map(|document| document.root).collect())),
            Err(findings) => {
                self.findings.extend(findings);
                None
            }
        }
    }

    fn path(&mut self, folder: &str, path: &str, listed: &Listed<'_>) {
        if is_remote(path) {
            return;
        }
        let (full, is_outside) = join(folder, path);
        let file = (self.surroundings.read)(&full);
        if !is_outside && let Ok(text) = &file {
            self.configurations(&self.shown(&full), text, listed);
            return;
        }
        // A folder may lie anywhere.
        for name in FILE_NAMES {
            let inner = format!("{full}/{name}");
            if let Ok(text) = (self.surroundings.read)(&inner) {
                self.folder(&full, &self.shown(&inner), &text, listed);
                return;
            }
        }
        let finding = match file {
            Err(problem) if !is_outside => {
                Finding::error(&codes::UNREADABLE, format!("`{full}` cannot be read: {problem}"))
                    .hint("list a file, or a folder with a kustomization.yaml")
            }
            _ => Finding::error(
                &codes::OUTSIDE_ROOT,
                format!("`{path}` does not lie in or below the folder of this kustomization"),
            )
            .hint("copy the file beside the kustomization, kustomize refuses this path"),
        };
        self.findings.push(finding.at(listed.entry.clone()));
    }

    /// A folder with a kustomization of its own that builds configurations.
    fn folder(&mut self, folder: &str, name: &str, text: &str, listed: &Listed<'_>) {
        if !self.folders.insert(folder.to_owned()) {
            return;
        }
        let Some((_, documents)) = self.parse(name, text) else { return };
        let resources = documents.first().and_then(|root| root.get("resources")).and_then(Node::as_sequence);
        for entry in resources.unwrap_or_default() {
            if let Some(path) = entry.as_str() {
                let location = self.sources.locate(entry.place);
                self.path(folder, path, &Listed { role: listed.role, entry: &location });
            }
        }
    }

    fn configurations(&mut self, name: &str, text: &str, listed: &Listed<'_>) {
        let Some((_, documents)) = self.parse(name, text) else { return };
        for node in documents.iter().filter(|node| node.data != Data::Null) {
            self.configuration(name, node, listed);
        }
    }

    fn report(&mut self, finding: Finding, node: &Node, id: &ObjectRef, listed: &Listed<'_>) {
        let at = self.sources.locate(node.place);
        let is_named = !id.kind.is_empty() && !id.name.is_empty();
        let finding = if is_named { finding.object(id.clone()) } else { finding };
        self.findings.push(finding.at(at).related("listed here", listed.entry.clone()));
    }

    fn configuration(&mut self, name: &str, node: &Node, listed: &Listed<'_>) {
        let header = HeaderScan::of_node(node);
        let id = header.id;
        if id.name.is_empty() {
            let finding =
                Finding::error(&codes::CONFIG_WITHOUT_NAME, "this configuration has no `metadata.name`")
                    .hint("give it a name, kustomize refuses it without");
            self.report(finding, node, &id, listed);
        }
        if let Some((key, function)) = annotation::of(node) {
            let report = annotation::check(&mut self.sources, name, key, function, ConfigKind::of(&id));
            for finding in report {
                self.findings.push(finding.object(id.clone()).related("listed here", listed.entry.clone()));
            }
        } else {
            self.legacy_plugin(node, &id, listed);
        }
        self.role(node, &id, listed);
    }

    /// Without a function annotation kustomize looks for a legacy plugin.
    fn legacy_plugin(&mut self, node: &Node, id: &ObjectRef, listed: &Listed<'_>) {
        if let Some((key, known)) = annotation::misspelt(node) {
            let finding = Finding::warning(
                &codes::MISSPELT_ANNOTATION,
                format!("the annotation `{}` is not the function annotation", key.key),
            )
            .hint(format!("did you mean `{known}`?"));
            let at = Node { place: key.key_place, data: Data::Null };
            self.report(finding, &at, id, listed);
        }
        if !id.api_version.starts_with("infraflux.io/") {
            return;
        }
        let place = |key| node.get(key).unwrap_or(node);
        if id.api_version != ConfigKind::API_VERSION {
            let finding = Finding::error(
                &codes::UNKNOWN_CONFIG_KIND,
                format!("the apiVersion `{}` is not known", id.api_version),
            )
            .hint(format!("write `apiVersion: {}`", ConfigKind::API_VERSION));
            self.report(finding, place("apiVersion"), id, listed);
        } else if !KINDS.contains(&id.kind.as_str()) {
            let finding =
                Finding::error(&codes::UNKNOWN_CONFIG_KIND, format!("the kind `{}` is not known", id.kind))
                    .hint(suggest::hint(&id.kind, KINDS).unwrap_or_default());
            self.report(finding, place("kind"), id, listed);
        } else {
            let path = plugin_path(&id.api_version, &id.kind);
            let (message, hint) = match (self.surroundings.plugin)(&path) {
                Plugin::Present => return,
                Plugin::Missing => ("is not installed", "run `infraflux plugin install`"),
                Plugin::NotExecutable => {
                    ("is not executable", "run `infraflux plugin install`, or `chmod +x` it")
                }
            };
            let finding = Finding::error(
                &codes::PLUGIN_MISSING,
                format!("the plugin for `{}` {message}", id.kind),
            )
            .hint(format!(
                "{hint}; kustomize looks for `<plugin home>/{path}` and needs `--enable-alpha-plugins`"
            ));
            self.report(finding, place("kind"), id, listed);
        }
    }

    /// What a kind may not do in a list.
    fn role(&mut self, node: &Node, id: &ObjectRef, listed: &Listed<'_>) {
        let Some(kind) = ConfigKind::of(id).filter(|kind| *kind != ConfigKind::ConfigMap) else { return };
        let emits_none = node.at(["spec", "emit"]).and_then(Node::as_str) == Some("none");
        let place = node.get("kind").unwrap_or(node);
        match (listed.role, kind, emits_none) {
            (Role::Validator, ConfigKind::Admission, true) => {}
            (Role::Validator, ConfigKind::Admission, false) => {
                let finding = Finding::error(
                    &codes::ECHO_UNDER_VALIDATORS,
                    "this Admission gives the items back, and kustomize lets no validator do so",
                )
                .hint("add `spec.emit: none`, or list it under `transformers`");
                self.report(finding, place, id, listed);
            }
            (Role::Validator, ..) => {
                let finding = Finding::error(
                    &codes::ECHO_UNDER_VALIDATORS,
                    format!("a {} renders objects, and kustomize lets no validator do so", id.kind),
                )
                .hint("list it under `generators`");
                self.report(finding, place, id, listed);
            }
            (_, ConfigKind::Admission, true) => {
                let finding = Finding::error(
                    &codes::EMPTY_UNDER_TRANSFORMERS,
                    format!("with `spec.emit: none` under `{}` everything is dropped", listed.role.field()),
                )
                .hint("take `spec.emit` out, or list it under `validators`");
                self.report(finding, node.at(["spec", "emit"]).unwrap_or(place), id, listed);
            }
            _ => {}
        }
    }

    /// Plans that would be built and applied.
    fn resources(&mut self, name: &str, text: &str) {
        // What cannot be read here is for kustomize to say.
        let id = self.sources.add(Source::new(name, text));
        let Ok(documents) = yaml::read(&self.sources, id, Schema::Core, LIMITS) else { return };
        for document in documents {
            let node = document.root;
            let id = HeaderScan::of_node(&node).id;
            let is_local =
                node.at(["metadata", "annotations", LOCAL_CONFIG]).and_then(Node::as_str) == Some("true");
            if ConfigKind::of(&id).is_some_and(ConfigKind::is_plan) && !is_local {
                self.findings.push(
                    Finding::warning(
                        &codes::PLAN_NOT_LOCAL,
                        format!("the plan `{}` lies among the resources and would be applied", id.name),
                    )
                    .at(self.sources.locate(node.get("kind").unwrap_or(&node).place))
                    .object(id)
                    .hint("list it under `generators`, or add the annotation `config.kubernetes.io/local-config: \"true\"`"),
                );
            }
        }
    }
}

/// kustomize takes an entry for a configuration when it reads as one, and for a path otherwise.
fn is_inline(text: &str) -> bool {
    text.contains('\n') || text.trim_start().starts_with('{')
}

fn is_remote(path: &str) -> bool {
    path.contains("://") || path.starts_with("git@") || path.contains("?ref=")
}

/// A path as seen from the first kustomization, and whether it leads out of `folder`.
fn join(folder: &str, path: &str) -> (String, bool) {
    if path.starts_with('/') {
        return (path.to_owned(), true);
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let floor = parts.len();
    let mut is_outside = false;
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_none_or(|last| *last == "..") => parts.push(".."),
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
        is_outside |= parts.len() < floor || (part == ".." && parts.last() == Some(&".."));
    }
    (parts.join("/"), is_outside)
}
