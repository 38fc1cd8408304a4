//! The plan's Talos patches against what the plan itself decides.

use serde_json::Value;

use super::{Check, spec};
use crate::{
    finding::{Finding, codes, suggest},
    plan::resolved::ResolvedCluster,
    yaml::{Limits, Source, Sources, pointer::FieldPath, read, scalar::Schema},
};

/// The port on which Talos offers the API to the node itself, and where Cilium's values look for it.
const KUBE_PRISM_PORT: i64 = 7445;

/// What makes kubelets wait for a cloud controller manager.
const EXTERNAL_CLOUD_PROVIDER: &str = "cluster.externalCloudProvider.enabled";

pub(super) fn check(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let base = spec("talos.patches");
    let patches = cluster.spec.talos.as_ref().and_then(|talos| talos.patches.clone()).unwrap_or_default();
    let mut all: Vec<(FieldPath, Value)> = Vec::new();
    for (key, list) in
        [("all", patches.all), ("controlPlane", patches.control_plane), ("workers", patches.workers)]
    {
        let path = base.key(key);
        all.extend(
            list.into_iter().flatten().enumerate().map(|(position, patch)| (path.index(position), patch)),
        );
    }
    for machines in std::iter::once(&cluster.control_plane).chain(&cluster.pools) {
        let path = machines.field.key("patches");
        all.extend(
            machines
                .patches
                .iter()
                .cloned()
                .enumerate()
                .map(|(position, patch)| (path.index(position), patch)),
        );
    }
    for (path, patch) in all {
        for document in documents(&patch) {
            sections(check, &path, &document);
            against_cilium(check, &path, &document);
            against_cloud_provider(check, &path, &document);
        }
    }
}

/// What a machine configuration has at its top, where it is no document with a kind.
///
/// Source: siderolabs/talos pkg/machinery/config/types/v1alpha1/v1alpha1_types.go (Config)
const SECTIONS: [&str; 5] = ["machine", "cluster", "debug", "persist", "version"];

/// A mapping that Talos would not know what to do with.
fn sections(check: &mut Check<'_>, whole: &FieldPath, document: &Value) {
    let Some(fields) = document.as_object().filter(|fields| !fields.is_empty()) else { return };
    if fields.contains_key("kind") || SECTIONS.iter().any(|section| fields.contains_key(*section)) {
        return;
    }
    if fields.contains_key("op") && fields.contains_key("path") {
        check.error(
            &codes::PLAN_PATCH,
            whole,
            "this is an operation of a JSON patch, and those do not work with Talos from 1.12 on",
            "write a strategic patch, a mapping of what shall be different: `machine: {...}` or `cluster: {...}`",
        );
        return;
    }
    let key = fields.keys().next().cloned().unwrap_or_default();
    let near = suggest::nearest(&key, SECTIONS).first().map_or_else(
        || "begin with `machine:` or `cluster:`, or give `apiVersion` and `kind` of a document".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    let path = inside(check, whole, &key);
    let message = format!("`{key}` is no part of a machine configuration, and the patch has no `kind`");
    check.error(&codes::PLAN_PATCH, &path, message, near);
}

/// The documents of a patch. One that is no YAML is found when it is rendered.
fn documents(patch: &Value) -> Vec<Value> {
    let Value::String(text) = patch else { return vec![patch.clone()] };
    let mut sources = Sources::new();
    let id = sources.add(Source::new("patch", text.as_str()));
    read(&sources, id, Schema::Core, Limits::PLAN)
        .map(|documents| documents.into_iter().map(|document| document.root.to_value()).collect())
        .unwrap_or_default()
}

fn at<'value>(value: &'value Value, path: &str) -> Option<&'value Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// Where a field of a patch stands: inside a mapping the field itself, inside a text the patch.
fn inside(check: &Check<'_>, whole: &FieldPath, field: &str) -> FieldPath {
    let path = field.split('.').fold(whole.clone(), |path, key| path.key(key));
    if check.cluster.origins.node(&path).is_some() { path } else { whole.clone() }
}

fn against_cilium(check: &mut Check<'_>, whole: &FieldPath, document: &Value) {
    let cluster = check.cluster;
    let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default();
    let Some(cilium) = &cluster.cilium else {
        return;
    };
    let replaces = cilium.kube_proxy_replacement != Some(false);
    let mut conflict = |field: &str, message: String, other: &str, hint: &str| {
        let path = inside(check, whole, field);
        let finding = Finding::error(&codes::CILIUM_AND_TALOS, message);
        check.between(finding, (&path, &spec(other)), "this is what the plan says", hint);
    };
    if let Some(cni) =
        at(document, "cluster.network.cni.name").and_then(Value::as_str).filter(|cni| *cni != "none")
    {
        conflict(
            "cluster.network.cni.name",
            format!("the patch turns on the CNI `{cni}` beside Cilium"),
            "addons.cilium.enabled",
            "remove the patch, or set `addons.cilium.enabled: false`",
        );
    }
    if kind == "KubeFlannelCNIConfig" && document.get("$patch").is_none() {
        conflict(
            "kind",
            "the patch turns on Flannel beside Cilium".to_owned(),
            "addons.cilium.enabled",
            "remove the patch, or set `addons.cilium.enabled: false`",
        );
    }
    if !replaces {
        return;
    }
    let proxy_on = at(document, "cluster.proxy.disabled") == Some(&Value::Bool(false))
        || kind == "KubeProxyConfig" && document.get("enabled") == Some(&Value::Bool(true));
    if proxy_on {
        let field = if kind.is_empty() { "cluster.proxy.disabled" } else { "enabled" };
        conflict(
            field,
            "the patch turns kube-proxy on, and Cilium replaces it".to_owned(),
            "addons.cilium.kubeProxyReplacement",
            "remove the patch, or set `addons.cilium.kubeProxyReplacement: false`",
        );
    }
    let prism =
        if kind == "KubePrismConfig" { Some(document) } else { at(document, "machine.features.kubePrism") };
    if let Some(prism) = prism {
        let base = if kind.is_empty() { "machine.features.kubePrism." } else { "" };
        if prism.get("enabled") == Some(&Value::Bool(false)) {
            conflict(
                &format!("{base}enabled"),
                "the patch turns KubePrism off, through which Cilium reaches the API".to_owned(),
                "addons.cilium.kubeProxyReplacement",
                "remove the patch: without kube-proxy nothing else leads to the API",
            );
        }
        if let Some(port) = prism.get("port").and_then(Value::as_i64).filter(|port| *port != KUBE_PRISM_PORT)
        {
            conflict(
                &format!("{base}port"),
                format!(
                    "the patch moves KubePrism to port {port}, and Cilium looks for the API on {KUBE_PRISM_PORT}"
                ),
                "addons.cilium.kubeProxyReplacement",
                "remove the patch; 7445 is Talos' default",
            );
        }
    }
}

/// Whether a patch for all machines says that there is no cloud controller manager to wait for.
pub(super) fn without_cloud_provider(cluster: &ResolvedCluster) -> bool {
    let patches = cluster.spec.talos.as_ref().and_then(|talos| talos.patches.as_ref());
    patches
        .and_then(|patches| patches.all.as_ref())
        .into_iter()
        .flatten()
        .flat_map(documents)
        .any(|document| at(&document, EXTERNAL_CLOUD_PROVIDER) == Some(&Value::Bool(false)))
}

fn against_cloud_provider(check: &mut Check<'_>, whole: &FieldPath, document: &Value) {
    if check.cluster.cloud_provider.is_some()
        && at(document, EXTERNAL_CLOUD_PROVIDER) == Some(&Value::Bool(false))
    {
        let path = inside(check, whole, EXTERNAL_CLOUD_PROVIDER);
        let finding = Finding::error(
            &codes::CILIUM_AND_TALOS,
            "the patch turns the external cloud provider off, and the plan brings one",
        );
        check.between(
            finding,
            (&path, &spec("addons.cloudProvider.enabled")),
            "this is what the plan says",
            "remove the patch, or set `addons.cloudProvider.enabled: false`; machines are matched to nodes by what it sets",
        );
    }
}
