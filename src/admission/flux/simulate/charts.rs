//! What charts bring and need, as far as it decides whether a cluster comes up.
//!
//! Read from the charts named in `tests/fixtures/helm-values.yaml` at their pinned versions. A chart that is not here may
//! bring anything: its release is taken to need pods, and kinds that nobody else brings are credited to it.

/// A chart.
#[expect(clippy::struct_excessive_bools, reason = "a row of a table")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Chart {
    /// Its name.
    pub(super) name: &'static str,
    /// API groups of CRDs that are there once it is installed.
    pub(super) brings: &'static [&'static str],
    /// API groups that must be there before.
    pub(super) needs: &'static [&'static str],
    /// Its pods run in the host's network and tolerate nodes that are not ready.
    pub(super) host_network: bool,
    /// It answers admission requests for its kinds, so that they can be applied only when it is ready.
    pub(super) webhook: bool,
    /// It takes the taint `node.cloudprovider.kubernetes.io/uninitialized` off the nodes.
    pub(super) initializes_nodes: bool,
    /// It brings a default StorageClass.
    pub(super) storage_class: bool,
    /// Its pods wait for a volume.
    pub(super) needs_volume: bool,
}

const NONE: Chart = Chart {
    name: "",
    brings: &[],
    needs: &[],
    host_network: false,
    webhook: false,
    initializes_nodes: false,
    storage_class: false,
    needs_volume: false,
};

const CCM: Chart = Chart { host_network: true, initializes_nodes: true, ..NONE };

const CHARTS: [Chart; 34] = [
    // The operator registers the kinds when it starts.
    Chart { name: "cilium", brings: &["cilium.io"], host_network: true, ..NONE },
    Chart { name: "gateway-helm", needs: &["gateway.networking.k8s.io", "gateway.envoyproxy.io"], ..NONE },
    Chart {
        name: "cert-manager",
        brings: &["cert-manager.io", "acme.cert-manager.io"],
        webhook: true,
        ..NONE
    },
    Chart { name: "external-dns", brings: &["externaldns.k8s.io"], ..NONE },
    Chart {
        name: "external-secrets",
        brings: &["external-secrets.io", "generators.external-secrets.io"],
        webhook: true,
        ..NONE
    },
    Chart { name: "metrics-server", ..NONE },
    Chart {
        name: "prometheus-operator-crds",
        brings: &["monitoring.coreos.com"],
        host_network: true,
        ..NONE
    },
    Chart { name: "snapshot-controller", brings: &["snapshot.storage.k8s.io"], ..NONE },
    Chart { name: "longhorn", brings: &["longhorn.io"], webhook: true, storage_class: true, ..NONE },
    Chart { name: "kube-prometheus-stack", needs: &["monitoring.coreos.com"], needs_volume: true, ..NONE },
    Chart { name: "loki", needs_volume: true, ..NONE },
    Chart { name: "tempo", needs_volume: true, ..NONE },
    Chart { name: "alloy", ..NONE },
    Chart { name: "argo-cd", brings: &["argoproj.io"], ..NONE },
    Chart { name: "zot", needs_volume: true, ..NONE },
    Chart { name: "gha-runner-scale-set-controller", brings: &["actions.github.com"], ..NONE },
    Chart { name: "gha-runner-scale-set", needs: &["actions.github.com"], ..NONE },
    Chart { name: "jellyfin", needs_volume: true, ..NONE },
    Chart { name: "app-template", needs_volume: true, ..NONE },
    Chart {
        name: "kyverno",
        brings: &["kyverno.io", "policies.kyverno.io", "reports.kyverno.io", "wgpolicyk8s.io"],
        webhook: true,
        ..NONE
    },
    Chart { name: "velero", brings: &["velero.io"], ..NONE },
    Chart { name: "cloudnative-pg", brings: &["postgresql.cnpg.io"], webhook: true, ..NONE },
    Chart {
        name: "plugin-barman-cloud",
        brings: &["barmancloud.cnpg.io"],
        needs: &["cert-manager.io"],
        ..NONE
    },
    Chart { name: "gpu-operator", brings: &["nvidia.com", "nfd.k8s-sigs.io"], ..NONE },
    Chart { name: "aws-cloud-controller-manager", ..CCM },
    Chart { name: "aws-ebs-csi-driver", ..NONE },
    Chart { name: "cloud-provider-azure", ..CCM },
    Chart { name: "azuredisk-csi-driver", ..NONE },
    Chart { name: "proxmox-cloud-controller-manager", ..CCM },
    Chart { name: "proxmox-csi-plugin", ..NONE },
    Chart { name: "talos-cloud-controller-manager", ..CCM },
    Chart { name: "ingress-nginx", ..NONE },
    Chart { name: "vault", ..NONE },
    Chart {
        name: "crossplane",
        brings: &["apiextensions.crossplane.io", "pkg.crossplane.io"],
        webhook: true,
        ..NONE
    },
];

/// What is known of a chart.
pub(super) fn find(name: &str) -> Option<Chart> {
    CHARTS.into_iter().find(|chart| chart.name == name)
}

/// API groups that a source of manifests brings, for those sources that are not read: source, path, groups.
pub(super) const FOREIGN: [(&str, &str, &[&str]); 2] = [
    ("gateway-api", "config/crd", &["gateway.networking.k8s.io"]),
    ("envoy-gateway-crds", "charts/gateway-helm/charts/crds/crds/generated", &["gateway.envoyproxy.io"]),
];

/// Sources of manifests with pods: source, namespace of the pods.
pub(super) const FOREIGN_PODS: [(&str, &str); 1] = [("gcp-pd-csi-driver", "gce-pd-csi-driver")];
