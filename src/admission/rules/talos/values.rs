//! Values in patches that Talos refuses when it validates its configuration.

use std::net::IpAddr;

use serde_json::Value;

use crate::admission::rules::{Context, Violation, address, field, label};

use super::{
    dialect::SEVERAL_DOCUMENTS,
    patches::{Place, each},
};

pub(super) fn check(context: &Context<'_>) -> Vec<Violation> {
    each(context, |place, found| {
        if place.document.deletes() {
            return;
        }
        match place.document.kind.as_deref() {
            None => machine_values(context, place, found),
            Some("HostnameConfig") => hostname(context, place, found),
            Some("Layer2VIPConfig") => shared_address(context, place, found),
            Some("KubeAPIServerConfig") => api_server(context, place, found),
            Some("KubeNodeConfig") => {
                subnets(context, place, "nodeIP.validSubnets", found);
                node_labels(context, place, "labels", found);
                node_taints(context, place, "taints", found);
            }
            Some(_) => {}
        }
    })
}

fn machine_values(context: &Context<'_>, place: &Place<'_>, found: &mut Vec<Violation>) {
    let value = &place.document.value;
    let arguments = "machine.install.extraKernelArgs";
    let from_image = place.config.setting("machine.install.grubUseUKICmdline") != Some(&Value::Bool(false))
        && place.config.version.is_none_or(|version| version >= SEVERAL_DOCUMENTS);
    if from_image && !field::list(value, arguments).is_empty() {
        let message = "`machine.install.extraKernelArgs` is refused, kernel arguments come from the image \
                       from Talos 1.12 on";
        found.push(place.error(context, arguments, message).hint(
            "put them into the Image Factory schematic (`customization.extraKernelArgs`) and use its image",
        ));
    }
    if value.get("persist") == Some(&Value::Bool(false)) {
        found.push(
            place
                .error(
                    context,
                    "persist",
                    "`persist: false` is refused, Talos always keeps its configuration",
                )
                .hint("leave the key out"),
        );
    }
    if let Some(name) = field::text(value, "cluster.network.cni.name") {
        if !["flannel", "custom", "none"].contains(&name) {
            found.push(
                place
                    .error(
                        context,
                        "cluster.network.cni.name",
                        &format!("Talos has no built-in CNI `{name}`"),
                    )
                    .hint("use `none` when something else installs the CNI (Cilium), or `flannel`"),
            );
        } else if name != "custom" && !field::list(value, "cluster.network.cni.urls").is_empty() {
            found.push(
                place
                    .error(context, "cluster.network.cni.urls", &format!("CNI `{name}` takes no `urls`"))
                    .hint("use `name: custom` for manifests of your own"),
            );
        }
    }
    if field::at(value, "cluster.externalCloudProvider.enabled") == Some(&Value::Bool(false))
        && !field::list(value, "cluster.externalCloudProvider.manifests").is_empty()
    {
        let path = "cluster.externalCloudProvider.manifests";
        found.push(
            place
                .error(context, path, "manifests of an external cloud provider that is switched off")
                .hint("set `enabled: true`, or remove the manifests"),
        );
    }
    for path in [
        "machine.kubelet.nodeIP.validSubnets",
        "cluster.etcd.advertisedSubnets",
        "cluster.etcd.listenSubnets",
    ] {
        subnets(context, place, path, found);
    }
    if field::at(value, "cluster.etcd.subnet").is_some()
        && field::at(value, "cluster.etcd.advertisedSubnets").is_some()
    {
        found.push(
            place
                .error(
                    context,
                    "cluster.etcd.subnet",
                    "`cluster.etcd.subnet` and `advertisedSubnets` exclude each other",
                )
                .hint("keep `advertisedSubnets`"),
        );
    }
    node_labels(context, place, "machine.nodeLabels", found);
    node_taints(context, place, "machine.nodeTaints", found);
}

fn subnets(context: &Context<'_>, place: &Place<'_>, path: &str, found: &mut Vec<Violation>) {
    for (index, text) in field::texts(&place.document.value, path) {
        let bare = text.strip_prefix('!').unwrap_or(text);
        if address::cidr(bare).is_none() && bare.parse::<IpAddr>().is_err() {
            found.push(
                place
                    .error(context, &format!("{path}.{index}"), &format!("`{text}` is not a subnet"))
                    .hint("write a CIDR block such as `192.0.2.0/24`; a leading `!` excludes it"),
            );
        }
    }
}

fn node_labels(context: &Context<'_>, place: &Place<'_>, path: &str, found: &mut Vec<Violation>) {
    for (key, value) in field::entries(&place.document.value, path) {
        if field::text(value, "$patch") == Some("delete") {
            continue;
        }
        let problem = label::key_problem(key)
            .map(|problem| format!("`{key}` is not a label key: {problem}"))
            .or_else(|| {
                let value = value.as_str()?;
                label::value_problem(value)
                    .map(|problem| format!("`{value}` is not a label value: {problem}"))
            })
            .or_else(|| {
                (!value.is_string() && !value.is_null()).then(|| {
                    format!("the value of label `{key}` is {value}, which YAML does not read as text")
                })
            });
        if let Some(problem) = problem {
            let hint = if value.is_string() {
                "Talos refuses the whole configuration for it"
            } else {
                "quote the value"
            };
            found.push(place.error(context, path, &problem).hint(hint));
        }
    }
}

fn node_taints(context: &Context<'_>, place: &Place<'_>, path: &str, found: &mut Vec<Violation>) {
    const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
    for (key, value) in field::entries(&place.document.value, path) {
        if let Some(problem) = label::key_problem(key) {
            found.push(
                place
                    .error(context, path, &format!("`{key}` is not a taint key: {problem}"))
                    .hint("Talos refuses the whole configuration for it"),
            );
        }
        let Some(text) = value.as_str() else { continue };
        let effect = text.split_once(':').map_or(text, |(_, effect)| effect);
        if !EFFECTS.contains(&effect) {
            found.push(
                place
                    .error(
                        context,
                        path,
                        &format!("`{effect}` is not the effect of a taint (`{key}: {text}`)"),
                    )
                    .hint(
                        "write `key: value:Effect` or `key: Effect`, with NoSchedule, PreferNoSchedule \
                           or NoExecute",
                    ),
            );
        }
    }
}

fn hostname(context: &Context<'_>, place: &Place<'_>, found: &mut Vec<Violation>) {
    let off = match place.at("auto") {
        Some(Value::Bool(value)) => !value,
        Some(Value::String(text)) => text == "off",
        _ => false,
    };
    if let Some(Value::String(text)) = place.at("auto")
        && !["off", "stable"].contains(&text.as_str())
    {
        found.push(
            place
                .error(
                    context,
                    "auto",
                    &format!("`auto` of a HostnameConfig is `stable` or `off`, not `{text}`"),
                )
                .hint("use `stable`, or `\"off\"` with a `hostname`"),
        );
    }
    if field::text(&place.document.value, "hostname").is_some() && !off {
        found.push(
            place
                .error(
                    context,
                    "hostname",
                    "a static `hostname` is refused while `auto` is on, and it is generated as `stable`",
                )
                .hint("add `auto: \"off\"`, or use `hostname.source` beside the patches"),
        );
    }
}

fn shared_address(context: &Context<'_>, place: &Place<'_>, found: &mut Vec<Violation>) {
    let name = field::text(&place.document.value, "name").unwrap_or_default();
    if name.parse::<IpAddr>().is_err() {
        found.push(
            place
                .error(
                    context,
                    "name",
                    &format!("the `name` of a Layer2VIPConfig is the shared IP, `{name}` is none"),
                )
                .hint("give the host of the control-plane endpoint, such as `192.0.2.10`"),
        );
    }
    if field::text(&place.document.value, "link").is_none() {
        found.push(
            place
                .error(context, "link", "a Layer2VIPConfig needs the `link` that carries the shared IP")
                .hint("name the interface, or an alias that a LinkAliasConfig gives it"),
        );
    }
}

/// Source: siderolabs/talos pkg/machinery/config/types/k8s/apiserver.go, validateArgs
fn api_server(context: &Context<'_>, place: &Place<'_>, found: &mut Vec<Violation>) {
    for (argument, _) in field::entries(&place.document.value, "extraArgs") {
        let document = if ["anonymous-auth", "oidc-", "authentication-config"]
            .iter()
            .any(|prefix| argument.starts_with(prefix))
        {
            "KubeAuthenticationConfig"
        } else if ["authorization-config", "authorization-mode", "authorization-webhook-"]
            .iter()
            .any(|prefix| argument.starts_with(prefix))
        {
            "KubeAuthorizerConfig"
        } else {
            continue;
        };
        let message = format!("the API server argument `{argument}` is refused from Talos 1.14 on");
        found.push(
            place
                .error(context, &format!("extraArgs.{argument}"), &message)
                .hint(format!("write a document `{document}`")),
        );
    }
}
