//! Cilium, the Gateway and the cloud provider.

use serde_json::Value;

use super::{Check, form, patches, spec};
use crate::{
    finding::{Finding, codes, suggest},
    plan::{
        Provider,
        addons::{Cilium, GatewayController},
    },
};

pub(super) fn check(check: &mut Check<'_>) {
    switched_off(check);
    let cluster = check.cluster;
    if let Some(cilium) = &cluster.cilium {
        values(check, cilium);
        if let Some(id) = cilium.cluster_id.filter(|id| !(1..=255).contains(id)) {
            check.error(
                &codes::CILIUM_OPTIONS,
                &spec("addons.cilium.clusterID"),
                format!("{id} is not a number for a cluster in a mesh"),
                "use 1 to 255, or leave it out where there is no mesh",
            );
        }
    }
    gateway(check);
    cloud_provider(check);
}

/// Kubelets start with `--cloud-provider=external` in any case: only then may a cloud controller manager of the user's own
/// set them up. Cluster API finds a machine's node by the provider id that it writes.
///
/// Source: kubernetes/cloud-provider controllers/node/node_controller.go; kubernetes-sigs/cluster-api
/// internal/controllers/machine/machine_controller_noderef.go
fn cloud_provider(check: &mut Check<'_>) {
    if check.cluster.cloud_provider.is_some() || patches::without_cloud_provider(check.cluster) {
        return;
    }
    check.warning(
        &codes::OWN_CLOUD_CONTROLLER,
        &spec("addons.cloudProvider.enabled"),
        format!(
            "nothing that is rendered sets up the nodes of `{}`: they stay tainted and without a provider id until a cloud \
             controller manager of your own runs",
            check.cluster.name
        ),
        "install it before `healthCheck.nodeStartupTimeoutSeconds` runs out, or machines are replaced again and again; to have \
         one rendered, leave `addons.cloudProvider` on; where there is none at all, patch `cluster.externalCloudProvider` off",
    );
}

/// Options of something that is off are a misunderstanding.
fn switched_off(check: &mut Check<'_>) {
    for (addon, on) in [
        ("cilium", check.cluster.cilium.is_some()),
        ("gateway", check.cluster.gateway.is_some()),
        ("cloudProvider", check.cluster.cloud_provider.is_some()),
    ] {
        let path = spec("addons").key(addon);
        let Some(node) = check.cluster.origins.node(&path).filter(|_| !on) else { continue };
        let options: Vec<String> = node
            .as_mapping()
            .map(|mapping| mapping.entries.iter().map(|entry| entry.key.to_string()).collect())
            .unwrap_or_default();
        for key in options.into_iter().filter(|key| key != "enabled") {
            let option = path.key(key.clone());
            if check.is_written(&option) {
                let finding = Finding::warning(
                    &codes::NOT_IN_USE,
                    format!("`{key}` has no effect: {addon} is switched off"),
                );
                check.between(
                    finding,
                    (&option, &path.key("enabled")),
                    "switched off here",
                    "remove one of the two",
                );
            }
        }
    }
}

/// Helm values come last, so they can say the opposite of what the plan says and of what Talos is told.
fn values(check: &mut Check<'_>, cilium: &Cilium) {
    let Some(values) = &cilium.values else { return };
    let base = spec("addons.cilium.values");
    let replaces = cilium.kube_proxy_replacement != Some(false);
    if let Some(value) = values.get("kubeProxyReplacement")
        && (value == &Value::Bool(!replaces) || value == if replaces { "false" } else { "true" })
    {
        let finding = Finding::error(
            &codes::CILIUM_AND_TALOS,
            format!("the values set `kubeProxyReplacement: {value}` and the plan says {replaces}"),
        );
        check.between(
            finding,
            (&base.key("kubeProxyReplacement"), &spec("addons.cilium.kubeProxyReplacement")),
            "this is what the plan says",
            "set `addons.cilium.kubeProxyReplacement` instead: Talos is told to start kube-proxy, or not, by that field",
        );
    }
    if values.get("cgroup").and_then(|cgroup| cgroup.get("autoMount")).and_then(|mount| mount.get("enabled"))
        == Some(&Value::Bool(true))
    {
        check.error(
            &codes::CILIUM_AND_TALOS,
            &base.key("cgroup").key("autoMount").key("enabled"),
            "Cilium cannot mount cgroups on Talos",
            "remove it; Talos has them mounted at /sys/fs/cgroup (siderolabs/docs kubernetes-guides/cni/deploying-cilium)",
        );
    }
    for (key, wanted) in
        [("name", check.cluster.name.clone()), ("id", cilium.cluster_id.unwrap_or(0).to_string())]
    {
        let Some(value) = values.get("cluster").and_then(|cluster| cluster.get(key)) else { continue };
        let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if shown != wanted {
            check.error(
                &codes::CILIUM_OPTIONS,
                &base.key("cluster").key(key),
                format!("the values call this cluster's mesh {key} `{shown}`, the plan `{wanted}`"),
                if key == "id" {
                    "set `addons.cilium.clusterID` instead: InfraFlux keeps it unique in a fleet"
                } else {
                    "remove it; the mesh name is the cluster's name"
                },
            );
        }
    }
}

fn gateway(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let Some(gateway) = &cluster.gateway else { return };
    let controller = spec("addons.gateway.controller");
    if gateway.controller == Some(GatewayController::Cilium) {
        match &cluster.cilium {
            None => {
                let finding = Finding::error(
                    &codes::CILIUM_OPTIONS,
                    "Cilium is the Gateway's controller and is switched off as the CNI",
                );
                check.between(
                    finding,
                    (&controller, &spec("addons.cilium.enabled")),
                    "switched off here",
                    "use `controller: envoy`, or switch Cilium on",
                );
            }
            Some(cilium) if cilium.kube_proxy_replacement == Some(false) => {
                let finding = Finding::error(
                    &codes::CILIUM_OPTIONS,
                    "Cilium's Gateway needs Cilium to replace kube-proxy",
                );
                check.between(
                    finding,
                    (&controller, &spec("addons.cilium.kubeProxyReplacement")),
                    "switched off here",
                    "set `addons.cilium.kubeProxyReplacement: true`, or use `controller: envoy`",
                );
            }
            Some(_) => {}
        }
        if gateway.values.as_ref().is_some_and(|values| !values.is_empty()) {
            check.error(
                &codes::NOT_IN_USE,
                &spec("addons.gateway.values"),
                "these are Helm values of Envoy Gateway, and Cilium is the controller",
                "put Cilium's values below `addons.cilium.values`",
            );
        }
    }
    if let Some(host) = &gateway.hostname {
        let bare = host.strip_prefix("*.").unwrap_or(host);
        if !form::is_host_name(bare) || bare.chars().any(|c| c.is_ascii_uppercase()) {
            check.error(
                &codes::HOST_FORM,
                &spec("addons.gateway.hostname"),
                format!("`{host}` is not a DNS name for a Gateway"),
                "write a name in lower case such as `*.lab.example.org`; addresses and ports do not belong here",
            );
        }
    }
    let base = cluster.bundles.iter().any(|bundle| bundle.name == "base");
    let brought: &[&str] =
        if cluster.provider == Provider::Proxmox { &["internal-ca"] } else { &["internal-ca", "acme"] };
    if let Some(issuer) = gateway.issuer.as_ref().filter(|issuer| base && !brought.contains(&&***issuer)) {
        check.info(
            &codes::GATEWAY_ISSUER,
            &spec("addons.gateway.issuer"),
            format!("the bundle `base` brings no ClusterIssuer `{issuer}`, so the Gateway's certificate waits for yours"),
            format!("make it in a bundle of your own, or use {}", suggest::list(brought, "or")),
        );
    }
    if let Some(issuer) = gateway.issuer.as_ref().filter(|_| !base) {
        check.warning(
            &codes::NOT_IN_USE,
            &spec("addons.gateway.issuer"),
            format!(
                "the issuer `{issuer}` is not used: the bundle `base`, which brings cert-manager, is not in"
            ),
            "add `base` to `spec.recipes`, or remove `issuer`",
        );
    }
}
