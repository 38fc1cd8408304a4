//! Rules about the patches of a Talos machine configuration.

use serde_json::Value;

use crate::{
    admission::rules::{Context, Violation, field, version::Minor},
    finding::suggest,
};

use super::{
    config::{MachineConfig, PatchDocument, Role},
    dialect::{self, MANY_DOCUMENTS, MOVED, SEVERAL_DOCUMENTS},
    keys,
};

/// Where in an object a patch document stands, and where in its text a field of it.
pub(super) struct Place<'patch> {
    pub(super) config: &'patch MachineConfig<'patch>,
    position: usize,
    pub(super) document: &'patch PatchDocument,
}

impl Place<'_> {
    fn path(&self) -> String {
        format!("{}.strategicPatches[{}]", self.config.path, self.position)
    }

    /// `patch 2, line 5`, as people count.
    fn words(&self, path: &str) -> String {
        let steps: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
        format!("patch {}, line {}", self.position + 1, self.document.line(&steps))
    }

    pub(super) fn error(&self, context: &Context<'_>, path: &str, message: &str) -> Violation {
        context.error(self.path().as_str(), format!("{}: {message}", self.words(path)))
    }

    fn warning(&self, context: &Context<'_>, path: &str, message: &str) -> Violation {
        context.warning(self.path().as_str(), format!("{}: {message}", self.words(path)))
    }

    pub(super) fn at(&self, path: &str) -> Option<&Value> {
        field::at(&self.document.value, path)
    }
}

/// Calls a check with every document of every patch in the object.
pub(super) fn each(
    context: &Context<'_>,
    mut check: impl FnMut(&Place<'_>, &mut Vec<Violation>),
) -> Vec<Violation> {
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        for (position, document) in config.documents() {
            check(&Place { config, position, document }, &mut found);
        }
    }
    found
}

pub(super) fn json_patches(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        if config.version.is_some_and(|version| version < SEVERAL_DOCUMENTS) {
            continue;
        }
        let why = match config.version {
            Some(version) => format!(
                "Talos {version} has a configuration of several documents, which \
                                      JSON patches cannot change"
            ),
            None => "without a `talosVersion` the configuration has several documents, which JSON patches \
                     cannot change"
                .to_owned(),
        };
        if !field::list(config.spec, "configPatches").is_empty() {
            found.push(
                context
                    .error(format!("{}.configPatches", config.path).as_str(), why.clone())
                    .hint("write the same change as a text in `strategicPatches`"),
            );
        }
        for (position, _) in config.patches.iter().enumerate().filter(|(_, patch)| patch.is_json_patch) {
            found.push(
                context
                    .error(format!("{}.strategicPatches[{position}]", config.path).as_str(), why.clone())
                    .hint("write the change as a piece of configuration instead of a list of operations"),
            );
        }
    }
    found
}

pub(super) fn syntax(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        for (position, patch) in config.patches.iter().enumerate() {
            if let Some((problem, line)) = &patch.problem {
                let message = format!("patch {}, line {line}: {problem}", position + 1);
                found.push(
                    context
                        .error(format!("{}.strategicPatches[{position}]", config.path).as_str(), message)
                        .hint(
                            "a patch is YAML: a piece of the machine configuration, or documents with \
                               `apiVersion` and `kind`",
                        ),
                );
            }
        }
    }
    found
}

pub(super) fn in_dialect(context: &Context<'_>) -> Vec<Violation> {
    each(context, |place, found| {
        let Some(version) = place.config.version else { return };
        match place.document.kind.as_deref() {
            Some(kind) => found.extend(kind_of_version(context, place, kind, version)),
            None => old_fields(context, place, version, found),
        }
    })
}

fn kind_of_version(
    context: &Context<'_>,
    place: &Place<'_>,
    kind: &str,
    version: Minor,
) -> Option<Violation> {
    match dialect::document(kind) {
        None => {
            let message = format!("Talos {version} has no document `{kind}`");
            let violation = place.error(context, "kind", &message);
            let near = suggest::nearest(kind, dialect::kinds(version));
            Some(if near.is_empty() {
                violation.hint("look the kind up in the configuration reference of that Talos version")
            } else {
                violation.hint(format!("did you mean {}?", suggest::list(&near, "or")))
            })
        }
        Some(document) if document.since > version => {
            let message = format!(
                "`{kind}` exists from Talos {} on, this configuration is for {version}",
                document.since
            );
            let violation = place.error(context, "kind", &message);
            Some(match dialect::older_form(kind) {
                Some(old) => {
                    violation.hint(format!("before Talos {} this stands under `{old}`", document.since))
                }
                None => violation.hint(format!(
                    "leave it out, or give `talosVersion: v{}` and boot that version",
                    document.since
                )),
            })
        }
        Some(_) => None,
    }
}

fn old_fields(context: &Context<'_>, place: &Place<'_>, version: Minor, found: &mut Vec<Violation>) {
    let deleted = |kind: &str| place.config.of_kind(kind).any(PatchDocument::deletes);
    if version >= MANY_DOCUMENTS {
        for moved in MOVED {
            let Some(value) = place.at(moved.old) else { continue };
            let refused = moved.on_workers || place.config.role != Some(Role::Worker);
            if !refused || deleted(moved.new) || field::text(value, "$patch") == Some("delete") {
                continue;
            }
            let (path, advice) = details(moved.old, value).unwrap_or_else(|| (moved.old.to_owned(), None));
            let message = format!(
                "`{path}` is the form up to Talos 1.13; {version} has `{}` and refuses the old field beside it",
                moved.new
            );
            let hint = advice
                .map_or_else(|| format!("write it into a document of kind `{}`", moved.new), str::to_owned);
            found.push(place.error(context, &path, &message).hint(hint));
        }
    }
    if version >= SEVERAL_DOCUMENTS && !deleted("HostnameConfig") {
        let static_name = place.at("machine.network.hostname").map(|_| "machine.network.hostname");
        let stable = place.at("machine.features.stableHostname").filter(|value| **value == Value::Bool(true));
        for path in static_name.into_iter().chain(stable.map(|_| "machine.features.stableHostname")) {
            let message = format!(
                "`{path}` is the form up to Talos 1.11; {version} has `HostnameConfig` and refuses the \
                 old field beside it"
            );
            found.push(
                place
                    .error(context, path, &message)
                    .hint("use `hostname.source`, or a document `HostnameConfig`"),
            );
        }
    }
}

/// The part of an old field that there is particular advice for.
fn details(old: &str, value: &Value) -> Option<(String, Option<&'static str>)> {
    if let Some(advice) = dialect::advice(old) {
        return Some((old.to_owned(), Some(advice)));
    }
    value.as_object()?.keys().find_map(|key| {
        let path = format!("{old}.{key}");
        dialect::advice(&path).map(|advice| (path, Some(advice)))
    })
}

pub(super) fn known_keys(context: &Context<'_>) -> Vec<Violation> {
    each(context, |place, found| {
        for unknown in keys::unknown(place.document, place.config.version) {
            let words: Vec<&str> = unknown.path.iter().map(String::as_str).collect();
            let line = place.document.line(&words);
            let whose = place
                .document
                .kind
                .as_deref()
                .map_or_else(|| "The machine configuration".to_owned(), |kind| format!("`{kind}`"));
            let message = format!(
                "patch {}, line {line}: {} has no key `{}`",
                place.position + 1,
                field::sentence(&whose).replacen("The", "the", 1),
                dotted(&words)
            );
            let violation = context.error(place.path().as_str(), message);
            found.push(match unknown.hint {
                Some(hint) => violation.hint(hint),
                None => violation,
            });
        }
    })
}

/// `machine.network.interfaces[0].vip` from its steps.
fn dotted(steps: &[&str]) -> String {
    steps.iter().fold(String::new(), |mut text, step| {
        if step.bytes().all(|byte| byte.is_ascii_digit()) {
            text.extend(["[", step, "]"]);
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(step);
        }
        text
    })
}

pub(super) fn role(context: &Context<'_>) -> Vec<Violation> {
    each(context, |place, found| {
        if place.config.role != Some(Role::Worker) {
            return;
        }
        if let Some(kind) = place.document.kind.as_deref() {
            let known = dialect::document(kind)
                .is_some_and(|document| place.config.version.is_none_or(|version| document.since <= version));
            if known && dialect::document(kind).is_some_and(|document| document.control_plane_only) {
                let message = format!("`{kind}` is for control planes only, these machines are workers");
                found.push(
                    place.error(context, "kind", &message).hint("move the patch to the TalosControlPlane"),
                );
            }
            return;
        }
        if place.at("cluster.etcd").is_some() {
            let message =
                "`cluster.etcd` is for control planes only, a worker with it refuses its configuration";
            found.push(
                place.error(context, "cluster.etcd", message).hint("move the patch to the TalosControlPlane"),
            );
        }
        let access = "machine.features.kubernetesTalosAPIAccess.enabled";
        if place.at(access) == Some(&Value::Bool(true)) {
            let message = "Talos API access from Kubernetes is for control planes only";
            found.push(place.error(context, access, message).hint("move the patch to the TalosControlPlane"));
        }
        for (index, interface) in
            field::list(&place.document.value, "machine.network.interfaces").iter().enumerate()
        {
            let vip = |value: &Value| value.get("vip").is_some();
            if vip(interface) || field::list(interface, "vlans").iter().any(vip) {
                let path = format!("machine.network.interfaces.{index}");
                found.push(
                    place
                        .error(context, &path, "a shared IP (`vip`) is for control planes only")
                        .hint("move the patch to the TalosControlPlane"),
                );
            }
        }
    })
}

pub(super) fn owned(context: &Context<'_>) -> Vec<Violation> {
    const OLD: [(&str, &str); 5] = [
        ("cluster.network.podSubnets", "spec.clusterNetwork.pods.cidrBlocks"),
        ("cluster.network.serviceSubnets", "spec.clusterNetwork.services.cidrBlocks"),
        ("cluster.network.dnsDomain", "spec.clusterNetwork.serviceDomain"),
        ("cluster.clusterName", "metadata.name"),
        ("cluster.controlPlane.endpoint", "spec.controlPlaneEndpoint"),
    ];
    const NEW: [(&str, &str, &str); 5] = [
        ("KubeNetworkConfig", "podSubnets", "spec.clusterNetwork.pods.cidrBlocks"),
        ("KubeNetworkConfig", "serviceSubnets", "spec.clusterNetwork.services.cidrBlocks"),
        ("KubeNetworkConfig", "dnsDomain", "spec.clusterNetwork.serviceDomain"),
        ("KubeClusterConfig", "clusterName", "metadata.name"),
        ("KubeClusterConfig", "endpoint", "spec.controlPlaneEndpoint"),
    ];
    each(context, |place, found| {
        if field::text(place.config.spec, "generateType") == Some("none") {
            return;
        }
        let old = place.config.version.is_none_or(|version| version < MANY_DOCUMENTS)
            && place.document.kind.is_none();
        let kind = place.document.kind.as_deref();
        let olds = OLD.into_iter().filter(|_| old);
        let news =
            NEW.into_iter().filter(|(of, ..)| kind == Some(*of)).map(|(_, path, source)| (path, source));
        for (path, source) in olds.chain(news) {
            if place.at(path).is_some() {
                let message =
                    format!("`{path}` comes from `{source}` of the Cluster, and the patch would hide that");
                found.push(
                    place
                        .warning(context, path, &message)
                        .hint("set it in the Cluster and remove it from the patch"),
                );
            }
        }
    })
}
