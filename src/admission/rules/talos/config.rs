//! Talos machine configuration inside Cluster API objects, with its patches read.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    admission::{
        Object,
        rules::{
            field,
            set::{BOOTSTRAP, CONTROL_PLANE},
            version::{self, Minor},
        },
    },
    yaml::{self, Limits, Node, Source, Sources, scalar::Schema},
};

/// Where a TalosControlPlane has the configuration of its machines.
pub(super) const CONTROL_PLANE_CONFIG: &str = "spec.controlPlaneConfig.controlplane";
/// Where it had that of the first machine.
pub(super) const INIT: &str = "spec.controlPlaneConfig.init";

/// What a machine is in its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It runs etcd and the API server.
    ControlPlane,
    /// It runs neither.
    Worker,
}

/// A `TalosConfigSpec` wherever it stands.
pub(crate) struct MachineConfig<'set> {
    /// The path of the spec in its object.
    pub(crate) path: &'static str,
    /// The spec.
    pub(crate) spec: &'set Value,
    /// What machines it is for; unknown when `generateType` does not say.
    pub(crate) role: Option<Role>,
    /// The Talos version that it is generated for.
    pub(crate) version: Option<Minor>,
    /// The strategic patches, by position.
    pub(crate) patches: Vec<Arc<PatchText>>,
}

/// A patch, read.
pub(crate) struct PatchText {
    /// Its documents.
    pub(crate) documents: Vec<PatchDocument>,
    /// Why it cannot be read, if so, and the line in the text.
    pub(crate) problem: Option<(String, usize)>,
    /// Whether it is a JSON patch, a list of operations.
    pub(crate) is_json_patch: bool,
}

/// One document of a patch.
pub(crate) struct PatchDocument {
    /// Its content with places in the text.
    pub(crate) node: Node,
    /// Its content.
    pub(crate) value: Value,
    /// The kind; `None` for the `machine`/`cluster` document that has none.
    pub(crate) kind: Option<String>,
    /// Line numbers by byte offset: the offset at which each line starts.
    lines: Arc<[u32]>,
}

impl PatchDocument {
    /// The line of the text where a path stands; for what is missing, the line of its nearest parent.
    pub(crate) fn line(&self, path: &[&str]) -> usize {
        let place =
            self.node.key_place(path).unwrap_or_else(|| self.node.nearest(path.iter().copied()).0.place);
        self.lines.partition_point(|start| *start <= place.start)
    }

    /// Whether it takes the generated document of its kind away.
    pub(crate) fn deletes(&self) -> bool {
        field::text(&self.value, "$patch") == Some("delete")
    }
}

/// Patches by their text, so that the same patch of many clusters is read once.
#[derive(Default)]
pub(crate) struct PatchTexts<'set> {
    read: HashMap<&'set str, Arc<PatchText>>,
}

impl<'set> PatchTexts<'set> {
    fn get(&mut self, text: &'set str) -> Arc<PatchText> {
        self.read.entry(text).or_insert_with(|| Arc::new(PatchText::read(text))).clone()
    }
}

impl PatchText {
    /// Reads a patch as Talos does.
    ///
    /// Source: siderolabs/talos pkg/machinery/config/configpatcher/load.go,
    /// pkg/machinery/config/configloader/internal/decoder/decoder.go
    pub(crate) fn read(text: &str) -> Self {
        /// Machine configurations with certificates are some tens of KiB.
        const LIMITS: Limits = Limits { bytes: 1 << 20, depth: 64, nodes: 200_000 };
        let mut patch = Self { documents: Vec::new(), problem: None, is_json_patch: false };
        let mut sources = Sources::new();
        let id = sources.add(Source::new("patch", text));
        let documents = match yaml::read(&sources, id, Schema::Core, LIMITS) {
            Ok(documents) => documents,
            Err(findings) => {
                patch.problem = findings.into_iter().next().map(|finding| {
                    (finding.message, finding.location.map_or(1, |location| location.start().0))
                });
                return patch;
            }
        };
        let starts =
            text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset + 1);
        let lines: Arc<[u32]> =
            std::iter::once(0).chain(starts.filter_map(|start| u32::try_from(start).ok())).collect();
        let mut seen = HashSet::new();
        for document in documents {
            let value = document.root.to_value();
            match &value {
                Value::Null => continue,
                Value::Object(_) => {}
                Value::Array(_) => {
                    patch.is_json_patch = true;
                    continue;
                }
                _ => {
                    let line = lines.partition_point(|start| *start <= document.root.place.start);
                    patch.problem = Some(("a patch is a mapping, this is a single value".to_owned(), line));
                    return patch;
                }
            }
            let kind = field::text(&value, "kind").map(str::to_owned);
            let name = field::text(&value, "name").map(str::to_owned);
            let document =
                PatchDocument { node: document.root, value, kind: kind.clone(), lines: lines.clone() };
            let legacy = document.kind.is_none();
            let api_version = field::text(&document.value, "apiVersion");
            let first = document.line(&[]);
            let has_sections = ["machine", "cluster", "debug", "persist", "version"]
                .iter()
                .any(|key| document.value.get(key).is_some());
            if legacy && !has_sections && !document.value.as_object().is_some_and(serde_json::Map::is_empty) {
                patch.problem = Some((
                    "the document has no `kind`, and neither `machine` nor `cluster`".to_owned(),
                    first,
                ));
            } else if !legacy && api_version != Some("v1alpha1") {
                let message = format!(
                    "the document of kind `{}` needs `apiVersion: v1alpha1`",
                    document.kind.as_deref().unwrap_or_default()
                );
                patch.problem = Some((message, document.line(&["apiVersion"])));
            } else if !seen.insert((kind, name)) {
                let what = document.kind.as_deref().map_or_else(
                    || "the machine configuration (the document without a kind)".to_owned(),
                    |kind| format!("the document `{kind}`"),
                );
                patch.problem = Some((format!("{what} is there twice"), first));
            }
            if patch.problem.is_some() {
                return patch;
            }
            patch.documents.push(document);
        }
        patch
    }
}

impl<'set> MachineConfig<'set> {
    /// The machine configurations in an object, if it is of a kind that has any.
    pub(crate) fn of(object: &'set Object, texts: &mut PatchTexts<'set>) -> Vec<Self> {
        let mut found = Vec::new();
        let mut take = |path: &'static str, role: Option<Role>| {
            if let Some(spec) = object.at(path).filter(|spec| spec.is_object()) {
                let role = role.or_else(|| role_of(field::text(spec, "generateType").unwrap_or_default()));
                found.push(Self {
                    path,
                    spec,
                    role,
                    version: field::text(spec, "talosVersion").and_then(version::talos),
                    patches: field::texts(spec, "strategicPatches")
                        .map(|(_, text)| texts.get(text))
                        .collect(),
                });
            }
        };
        match (object.group(), &*object.id.kind) {
            (CONTROL_PLANE, "TalosControlPlane") => {
                take(CONTROL_PLANE_CONFIG, Some(Role::ControlPlane));
                take(INIT, Some(Role::ControlPlane));
            }
            (CONTROL_PLANE, "TalosControlPlaneTemplate") => {
                take("spec.template.spec.controlPlaneConfig.controlplane", Some(Role::ControlPlane));
            }
            (BOOTSTRAP, "TalosConfigTemplate") => take("spec.template.spec", None),
            (BOOTSTRAP, "TalosConfig") => take("spec", None),
            _ => {}
        }
        found
    }

    /// All patch documents with the position of their patch.
    pub(crate) fn documents(&self) -> impl Iterator<Item = (usize, &PatchDocument)> {
        self.patches
            .iter()
            .enumerate()
            .flat_map(|(position, patch)| patch.documents.iter().map(move |document| (position, document)))
    }

    /// The value that the patches give a path of the `machine`/`cluster` document; the last one wins.
    pub(crate) fn setting(&self, path: &str) -> Option<&Value> {
        self.documents()
            .filter(|(_, document)| document.kind.is_none())
            .filter_map(|(_, document)| field::at(&document.value, path))
            .last()
    }

    /// The patch documents of a kind.
    pub(crate) fn of_kind<'this>(
        &'this self,
        kind: &'this str,
    ) -> impl Iterator<Item = &'this PatchDocument> {
        self.documents()
            .filter(move |(_, document)| document.kind.as_deref() == Some(kind))
            .map(|(_, document)| document)
    }

    /// Whether the API server answers the health probe of a load balancer, which is anonymous; `None` if the Talos
    /// version is not known.
    ///
    /// Source: siderolabs/talos internal/app/machined/pkg/controllers/k8s/control_plane_static_pod.go (v1.13.9),
    /// pkg/machinery/config/types/k8s/authentication.go (v1.14.0-rc.1)
    pub(crate) fn answers_probes(&self) -> Option<bool> {
        let allowed =
            self.setting("cluster.apiServer.extraArgs.anonymous-auth").is_some_and(|value| match value {
                Value::Bool(allowed) => *allowed,
                Value::String(text) => text == "true",
                Value::Array(values) => values.last().and_then(Value::as_str) == Some("true"),
                _ => false,
            });
        Some(allowed || self.version? >= super::dialect::MANY_DOCUMENTS)
    }
}

/// The role behind a `generateType`, with the old names that Talos still reads.
///
/// Source: siderolabs/talos pkg/machinery/config/machine/machine.go, ParseType
fn role_of(generate_type: &str) -> Option<Role> {
    match generate_type {
        "controlplane" | "init" => Some(Role::ControlPlane),
        "worker" | "join" => Some(Role::Worker),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::PatchText;

    #[test]
    fn reads_documents_and_their_lines() {
        let patch = PatchText::read(
            "machine:\n  kubelet: {}\n---\napiVersion: v1alpha1\nkind: Layer2VIPConfig\nname: 10.0.0.1\n",
        );
        assert!(patch.problem.is_none());
        let kinds: Vec<_> = patch.documents.iter().map(|document| document.kind.as_deref()).collect();
        assert_eq!(kinds, [None, Some("Layer2VIPConfig")]);
        let lines: Vec<_> = patch.documents.iter().map(|document| document.line(&["name"])).collect();
        assert_eq!(lines, [1, 6]);
        assert_eq!(patch.documents.first().map(|document| document.line(&["machine", "kubelet"])), Some(2));
    }

    #[test]
    fn says_why_a_patch_cannot_be_read() {
        let problem = |text: &str| PatchText::read(text).problem;
        assert_eq!(problem("a: [\n").map(|(_, line)| line > 0), Some(true));
        assert_eq!(problem("--- just text").map(|(_, line)| line), Some(1));
        assert_eq!(problem("machine: {}\n---\nmachine: {}\n").map(|(_, line)| line), Some(3));
        assert_eq!(problem("kind: HostnameConfig\nauto: stable\n").map(|(_, line)| line), Some(1));
        assert_eq!(problem("nonsense: 1\n").map(|(_, line)| line), Some(1));
        assert!(problem("").is_none() && problem("---\n---\n").is_none());
        assert!(PatchText::read("- {op: add, path: /a, value: 1}").is_json_patch);
    }
}
