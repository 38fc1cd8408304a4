//! Cilium's values and the Talos machine configuration, which share the work between them.
//!
//! Sources: siderolabs/docs `kubernetes-guides/cni/deploying-cilium.mdx`, cilium/cilium `install/kubernetes/cilium/values.yaml`
//! and `templates/validate.yaml`, siderolabs/talos `pkg/machinery/constants/constants.go` (KubePrism's port).

use serde_json::{Value, json};

use super::world::{HELM, World};
use crate::{
    admission::{Object, Violation},
    finding::codes,
    yaml::{Limits, Source, Sources, pointer::FieldPath, read, scalar::Schema},
};

/// KubePrism's port unless the machine configuration says otherwise.
const KUBE_PRISM_PORT: i64 = 7445;

pub(super) fn check(world: &mut World<'_>) {
    let mut violations = Vec::new();
    for release in world.objects.of(HELM, "HelmRelease").filter(|object| object.id.name == "cilium") {
        let namespace = release.id.namespace.as_deref();
        let control_planes: Vec<&Object> = world
            .objects
            .iter()
            .filter(|object| {
                object.id.kind == "TalosControlPlane" && object.id.namespace.as_deref() == namespace
            })
            .collect();
        if control_planes.is_empty() {
            continue;
        }
        // Somebody else's may be for the hub, or be configured by patches that are not read here.
        let json_patches = "spec.controlPlaneConfig.controlplane.configPatches";
        if !world.owns(release)
            && (release.at("spec.kubeConfig").is_none()
                || control_planes.iter().any(|object| object.at(json_patches).is_some()))
        {
            continue;
        }
        let configuration = Configuration::of(&control_planes);
        violations.extend(disagreements(release, &configuration));
    }
    world.report.violations.extend(violations);
}

/// What matters of the control planes' configuration, all patches together.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the machine configuration")]
#[derive(Debug, Default)]
struct Configuration {
    no_cni: bool,
    no_proxy: bool,
    kube_prism_off: bool,
    kube_prism_port: Option<i64>,
    dns_not_forwarded: bool,
}

impl Configuration {
    fn of(control_planes: &[&Object]) -> Self {
        let mut out = Self::default();
        for object in control_planes {
            let patches = object.at("spec.controlPlaneConfig.controlplane.strategicPatches");
            for patch in patches.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
                let mut sources = Sources::new();
                let id = sources.add(Source::new("patch", patch));
                for document in read(&sources, id, Schema::Core, Limits::PLAN).unwrap_or_default() {
                    out.take(&document.root.to_value());
                }
            }
        }
        out
    }

    fn take(&mut self, patch: &Value) {
        let at = |pointer: &str| patch.pointer(pointer).filter(|value| !value.is_null());
        let is = |pointer: &str, value: Value| at(pointer) == Some(&value);
        match patch.get("kind").and_then(Value::as_str) {
            Some("KubeFlannelCNIConfig") => self.no_cni |= is("/$patch", json!("delete")),
            Some("KubeProxyConfig") => self.no_proxy |= is("/enabled", json!(false)),
            _ => {
                self.no_cni |= is("/cluster/network/cni/name", json!("none"));
                self.no_proxy |= is("/cluster/proxy/disabled", json!(true));
                self.kube_prism_off |= is("/machine/features/kubePrism/enabled", json!(false));
                self.dns_not_forwarded |= is("/machine/features/hostDNS/forwardKubeDNSToHost", json!(false))
                    || is("/machine/features/hostDNS/enabled", json!(false));
                if let Some(port) = at("/machine/features/kubePrism/port").and_then(Value::as_i64) {
                    self.kube_prism_port = Some(port);
                }
            }
        }
    }
}

fn disagreements(release: &Object, talos: &Configuration) -> Vec<Violation> {
    let value = |path: &str| release.at(&format!("spec.values.{path}"));
    let is = |path: &str, wanted: Value| value(path) == Some(&wanted);
    let mut out = Vec::new();
    let mut wrong = |path: &str, message: &str, hint: &str| {
        let mut field = FieldPath::of(["spec", "values"]);
        for key in path.split('.') {
            field.push_key(key);
        }
        out.push(Violation::error(&codes::FLUX_CILIUM, release, field, message.to_owned()).hint(hint));
    };
    if !talos.no_cni {
        wrong(
            "cni",
            "Talos installs a CNI of its own beside Cilium",
            "patch the control planes with `cni: {name: none}`",
        );
    }
    let replaces = is("kubeProxyReplacement", json!(true)) || is("kubeProxyReplacement", json!("true"));
    if replaces && !talos.no_proxy {
        wrong(
            "kubeProxyReplacement",
            "Cilium replaces kube-proxy, and Talos runs it as well",
            "disable kube-proxy in the machine configuration, or set `addons.cilium.kubeProxyReplacement: false`",
        );
    }
    if !replaces && talos.no_proxy {
        wrong(
            "kubeProxyReplacement",
            "nobody serves Services: Talos runs no kube-proxy, and Cilium does not replace it",
            "leave `kubeProxyReplacement` to `addons.cilium.kubeProxyReplacement`, which sets both",
        );
    }
    if is("gatewayAPI.enabled", json!(true)) && !replaces {
        wrong(
            "gatewayAPI.enabled",
            "Cilium's Gateway API needs its kube-proxy replacement",
            "set `addons.cilium.kubeProxyReplacement: true`, or `addons.gateway.controller: envoy`",
        );
    }
    let local = ["localhost", "127.0.0.1"].iter().any(|host| is("k8sServiceHost", json!(host)));
    let port = talos.kube_prism_port.unwrap_or(KUBE_PRISM_PORT);
    if replaces && value("k8sServiceHost").is_none() {
        wrong(
            "k8sServiceHost",
            "without kube-proxy Cilium cannot reach the API through its Service",
            "set `k8sServiceHost: localhost` and KubePrism's port",
        );
    }
    if local && talos.kube_prism_off {
        wrong(
            "k8sServiceHost",
            "Cilium asks for the API on the node itself, where KubePrism is switched off",
            "leave KubePrism on (`machine.features.kubePrism`)",
        );
    }
    let given =
        value("k8sServicePort").and_then(|port| port.as_i64().or_else(|| port.as_str()?.parse().ok()));
    if local && !talos.kube_prism_off && given != Some(port) {
        wrong(
            "k8sServicePort",
            &format!("KubePrism listens on port {port} of each node"),
            "set `k8sServicePort` to that port",
        );
    }
    if !is("cgroup.autoMount.enabled", json!(false)) || !is("cgroup.hostRoot", json!("/sys/fs/cgroup")) {
        wrong(
            "cgroup",
            "Talos mounts cgroups itself, and Cilium would try to",
            "set `cgroup: {autoMount: {enabled: false}, hostRoot: /sys/fs/cgroup}`",
        );
    }
    let capabilities = value("securityContext.capabilities.ciliumAgent").and_then(Value::as_array);
    if capabilities.is_none_or(|list| list.contains(&json!("SYS_MODULE"))) {
        wrong(
            "securityContext.capabilities.ciliumAgent",
            "Talos gives no container the right to load kernel modules, and the agent does not start with it",
            "list the capabilities without SYS_MODULE",
        );
    }
    let legacy = is("bpf.hostLegacyRouting", json!(true));
    if is("bpf.masquerade", json!(true)) && !legacy && !talos.dns_not_forwarded {
        wrong(
            "bpf.masquerade",
            "with Cilium's own masquerading CoreDNS cannot reach Talos' host DNS",
            "set `bpf.hostLegacyRouting: true`, or `machine.features.hostDNS.forwardKubeDNSToHost: false`",
        );
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Configuration, disagreements};
    use crate::admission::Object;

    fn release(over: &Value) -> Object {
        let mut values = json!({
            "kubeProxyReplacement": true, "k8sServiceHost": "localhost", "k8sServicePort": 7445,
            "cgroup": {"autoMount": {"enabled": false}, "hostRoot": "/sys/fs/cgroup"},
            "securityContext": {"capabilities": {"ciliumAgent": ["NET_ADMIN"]}},
        });
        crate::yaml::overlay::merge_value(&mut values, over);
        Object::new(json!({"apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
            "metadata": {"name": "cilium"}, "spec": {"values": values}}))
    }

    fn talos(patches: &[Value]) -> Configuration {
        let mut configuration = Configuration::default();
        for patch in patches {
            configuration.take(patch);
        }
        configuration
    }

    #[test]
    fn each_disagreement_is_found() {
        let cni = json!({"cluster": {"network": {"cni": {"name": "none"}}}});
        let proxy = json!({"cluster": {"proxy": {"disabled": true}}});
        let good = || talos(&[cni.clone(), proxy.clone()]);
        assert_eq!(disagreements(&release(&json!({})), &good()), []);
        let documents = talos(&[
            json!({"kind": "KubeFlannelCNIConfig", "$patch": "delete"}),
            json!({"kind": "KubeProxyConfig", "enabled": false}),
        ]);
        assert_eq!(disagreements(&release(&json!({})), &documents), []);
        let prism = json!({"machine": {"features": {"kubePrism": {"port": 7446}}}});
        let off = json!({"machine": {"features": {"kubePrism": {"enabled": false}}}});
        let table = [
            (json!({}), talos(std::slice::from_ref(&proxy)), "spec.values.cni"),
            (json!({}), talos(std::slice::from_ref(&cni)), "spec.values.kubeProxyReplacement"),
            (json!({"kubeProxyReplacement": false}), good(), "spec.values.kubeProxyReplacement"),
            (json!({"k8sServicePort": 6443}), good(), "spec.values.k8sServicePort"),
            (json!({"k8sServiceHost": null}), good(), "spec.values.k8sServiceHost"),
            (json!({}), talos(&[cni.clone(), proxy.clone(), prism]), "spec.values.k8sServicePort"),
            (json!({}), talos(&[cni.clone(), proxy.clone(), off]), "spec.values.k8sServiceHost"),
            (json!({"cgroup": {"hostRoot": null}}), good(), "spec.values.cgroup"),
            (
                json!({"securityContext": {"capabilities": {"ciliumAgent": ["SYS_MODULE"]}}}),
                good(),
                "spec.values.securityContext.capabilities.ciliumAgent",
            ),
            (json!({"bpf": {"masquerade": true}}), good(), "spec.values.bpf.masquerade"),
            (
                json!({"gatewayAPI": {"enabled": true}, "kubeProxyReplacement": false}),
                talos(std::slice::from_ref(&cni)),
                "spec.values.gatewayAPI.enabled",
            ),
        ];
        for (values, configuration, path) in table {
            let found = disagreements(&release(&values), &configuration);
            let paths: Vec<String> = found.iter().map(|violation| violation.path.to_string()).collect();
            assert!(paths.iter().any(|found| found == path), "{values}: {paths:?}");
        }
    }
}
