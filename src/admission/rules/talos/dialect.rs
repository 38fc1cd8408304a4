//! The two dialects of the Talos machine configuration, and the documents of each.
//!
//! Up to Talos 1.13 nearly everything stands in one document with `machine` and `cluster`. In 1.14 the Kubernetes
//! part moved into documents of their own: they are generated, and each refuses the old field beside it.
//! The keys are facts about siderolabs/talos: pkg/machinery/config/types (struct tags and registered kinds at v1.9.6,
//! v1.10.9, v1.11.0, v1.12.11, v1.13.9 and v1.14.0-rc.1).

use std::{collections::HashMap, sync::LazyLock};

use crate::admission::rules::version::Minor;

/// The first version whose generated configuration has more than one document, so that JSON patches fail.
///
/// Source: siderolabs/cluster-api-bootstrap-provider-talos README.md
pub(crate) const SEVERAL_DOCUMENTS: Minor = Minor(1, 12);

/// The first version of the new dialect.
pub(crate) const MANY_DOCUMENTS: Minor = Minor(1, 14);

/// A kind of document.
pub(crate) struct Document {
    /// The first Talos version that has it; 1.9 stands for that and older.
    pub(crate) since: Minor,
    /// Whether a worker with it refuses its configuration.
    pub(crate) control_plane_only: bool,
}

/// A field of the old document that has a document of its own in 1.14.
pub(crate) struct Moved {
    /// The path of the old field.
    pub(crate) old: &'static str,
    /// The new document.
    pub(crate) new: &'static str,
    /// Whether 1.14 generates the new document for workers too, so that the old field is refused there as well.
    pub(crate) on_workers: bool,
}

const fn moved(old: &'static str, new: &'static str, on_workers: bool) -> Moved {
    Moved { old, new, on_workers }
}

/// Old fields that 1.14 refuses, because it generates the document that replaces them.
///
/// Source: siderolabs/talos pkg/machinery/config/types (each V1Alpha1ConflictValidate), and which documents are
/// generated: pkg/machinery/config/types/v1alpha1/testdata/stability/v1.14, all at v1.14.0-rc.1
pub(crate) static MOVED: &[Moved] = &[
    moved("cluster.network", "KubeNetworkConfig", true),
    moved("cluster.proxy", "KubeProxyConfig", false),
    moved("cluster.apiServer", "KubeAPIServerConfig", false),
    moved("cluster.controlPlane.localAPIServerPort", "KubeAPIServerConfig", false),
    moved("cluster.controllerManager", "KubeControllerManagerConfig", false),
    moved("cluster.scheduler", "KubeSchedulerConfig", false),
    moved("cluster.coreDNS", "KubeCoreDNSConfig", false),
    moved("cluster.aggregatorCA", "KubeAggregatorCAConfig", false),
    moved("cluster.serviceAccount", "KubeServiceAccountConfig", false),
    moved("cluster.ca", "KubeAPIServerCAConfig", true),
    moved("cluster.clusterName", "KubeClusterConfig", true),
    moved("cluster.controlPlane.endpoint", "KubeClusterConfig", true),
    moved("cluster.discovery", "DiscoveryServiceConfig", true),
    moved("cluster.allowSchedulingOnControlPlanes", "KubeNodeConfig", true),
    moved("cluster.allowSchedulingOnMasters", "KubeNodeConfig", true),
    moved("machine.nodeLabels", "KubeNodeConfig", true),
    moved("machine.nodeAnnotations", "KubeNodeConfig", true),
    moved("machine.nodeTaints", "KubeNodeConfig", true),
    moved("machine.kubelet", "KubeletConfig", true),
    moved("machine.features.kubePrism", "KubePrismConfig", true),
    moved("machine.features.hostDNS", "ResolverConfig", true),
    moved("machine.network.nameservers", "ResolverConfig", true),
    moved("machine.network.searchDomains", "ResolverConfig", true),
    moved("machine.network.disableSearchDomain", "ResolverConfig", true),
];

/// What replaces an old field in particular, where the document alone does not say it.
pub(crate) fn advice(old: &str) -> Option<&'static str> {
    Some(match old {
        "cluster.network.cni" => {
            "take the generated `KubeFlannelCNIConfig` away: a document with that kind and `$patch: delete`"
        }
        "cluster.proxy.disabled" => "write a document `KubeProxyConfig` with `enabled: false`",
        "machine.kubelet.nodeIP" => "write `nodeIP` into a document `KubeNodeConfig`",
        "machine.kubelet.registerWithFQDN" => "write `registerWithFQDN` into a document `KubeNodeConfig`",
        "machine.kubelet.skipNodeRegistration" => {
            "write `skipNodeRegistration` into a document `KubeNodeConfig`"
        }
        "machine.nodeLabels" => "write `labels` into a document `KubeNodeConfig`",
        "machine.nodeTaints" => "write `taints` into a document `KubeNodeConfig`",
        "cluster.apiServer.certSANs" => "write `certExtraSANs` into a document `KubeAPIServerConfig`",
        "cluster.apiServer.admissionControl" => "write a document `KubeAdmissionControlConfig`",
        "cluster.apiServer.auditPolicy" => "write a document `KubeAuditPolicyConfig`",
        "cluster.allowSchedulingOnControlPlanes" => {
            "write a document `KubeNodeConfig` that takes the control-plane taint away"
        }
        _ => return None,
    })
}

/// Where older versions have what a new document holds.
pub(crate) fn older_form(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "HostnameConfig" => "machine.network.hostname",
        "Layer2VIPConfig" => "machine.network.interfaces[].vip",
        "RegistryMirrorConfig" => "machine.registries.mirrors",
        "RegistryAuthConfig" | "RegistryTLSConfig" => "machine.registries.config",
        "ResolverConfig" => "machine.network.nameservers",
        "StaticHostConfig" => "machine.network.extraHostEntries",
        "TimeSyncConfig" => "machine.time",
        "KubeSpanConfig" => "machine.network.kubespan",
        "EnvironmentConfig" => "machine.env",
        "KernelModuleConfig" => "machine.kernel.modules",
        "SysctlConfig" => "machine.sysctls",
        "SysfsConfig" => "machine.sysfs",
        "UdevRulesConfig" => "machine.udev.rules",
        "UnattendedInstallConfig" => "machine.install",
        "ImageCacheConfig" => "machine.features.imageCache",
        "DiscoveryServiceConfig" => "cluster.discovery",
        "KubeAPIServerConfig" => "cluster.apiServer",
        "KubeAdmissionControlConfig" => "cluster.apiServer.admissionControl",
        "KubeAuditPolicyConfig" => "cluster.apiServer.auditPolicy",
        "KubeAuthenticationConfig" => "cluster.apiServer.extraArgs",
        "KubeAuthorizerConfig" => "cluster.apiServer.authorizationConfig",
        "KubeControllerManagerConfig" => "cluster.controllerManager",
        "KubeCoreDNSConfig" => "cluster.coreDNS",
        "KubeCredentialProviderConfig" => "machine.kubelet.credentialProviderConfig",
        "KubeExternalManifestConfig" => "cluster.extraManifests",
        "KubeFlannelCNIConfig" => "cluster.network.cni",
        "KubeInlineManifestConfig" => "cluster.inlineManifests",
        "KubeNetworkConfig" => "cluster.network",
        "KubeNodeConfig" => "machine.nodeLabels, machine.nodeTaints and machine.kubelet",
        "KubePrismConfig" => "machine.features.kubePrism",
        "KubeProxyConfig" => "cluster.proxy",
        "KubeSchedulerConfig" => "cluster.scheduler",
        "KubeStaticPodConfig" => "machine.pods",
        "KubeTalosAPIAccessConfig" => "machine.features.kubernetesTalosAPIAccess",
        "KubeletConfig" => "machine.kubelet",
        _ => return None,
    })
}

/// A kind of document by its name.
pub(crate) fn document(kind: &str) -> Option<&'static Document> {
    DOCUMENTS.get(kind)
}

/// The names of all kinds that a version has.
pub(crate) fn kinds(version: Minor) -> impl Iterator<Item = &'static str> + Clone {
    DOCUMENTS.iter().filter(move |(_, document)| document.since <= version).map(|(kind, _)| *kind)
}

static DOCUMENTS: LazyLock<HashMap<&'static str, Document>> = LazyLock::new(|| {
    let mut documents = HashMap::new();
    for line in KINDS.lines() {
        let mut words = line.split_whitespace();
        let Some((since, only)) = words.next().map(|word| match word.strip_suffix('!') {
            Some(since) => (since, true),
            None => (word, false),
        }) else {
            continue;
        };
        let since = Minor(1, since.parse().unwrap_or(u64::MAX));
        documents.extend(words.map(|kind| (kind, Document { since, control_plane_only: only })));
    }
    documents
});

/// The minor version of Talos 1 that brought some kinds; `!` marks kinds for control planes only.
const KINDS: &str = "
9   EventSinkConfig ExtensionServiceConfig KmsgLogConfig KubeSpanEndpointsConfig NetworkDefaultActionConfig
9   NetworkRuleConfig SideroLinkConfig TrustedRootsConfig VolumeConfig WatchdogTimerConfig
10  EthernetConfig PCIDriverRebindConfig UserVolumeConfig
11  ExistingVolumeConfig RawVolumeConfig SwapVolumeConfig ZswapConfig
12  BondConfig BridgeConfig DHCPv4Config DHCPv6Config DummyLinkConfig HCloudVIPConfig HostnameConfig LinkAliasConfig
12  LinkConfig OOMConfig RegistryAuthConfig RegistryMirrorConfig RegistryTLSConfig ResolverConfig StaticHostConfig
12  TimeSyncConfig VLANConfig WireguardConfig
12! Layer2VIPConfig
13  BlackholeRouteConfig EnvironmentConfig ExternalVolumeConfig ImageVerificationConfig KubeSpanConfig
13  RoutingRuleConfig TCPProbeConfig VRFConfig
14  BGPInstanceConfig CRIBaseRuntimeSpecConfig CRICustomizationConfig ContainerConfig DiscoveryIdentityConfig
14  DiscoveryServiceConfig EtcFileConfig FilesystemScrubConfig FilesystemTrimConfig HTTPProbeConfig ImageCacheConfig
14  KernelModuleConfig KubeAPIServerCAConfig KubeClusterConfig KubeCredentialProviderConfig KubeExternalManifestConfig
14  KubeInlineManifestConfig KubeNetworkConfig KubeNodeConfig KubePrismConfig KubeStaticPodConfig KubeletConfig
14  LVMLogicalVolumeConfig LVMVolumeGroupConfig RAIDArrayConfig SecurityProfileConfig SysctlConfig SysfsConfig
14  UdevRulesConfig UnattendedInstallConfig VethConfig
14! KubeAPIServerConfig KubeAdmissionControlConfig KubeAggregatorCAConfig KubeAuditPolicyConfig
14! KubeAuthenticationConfig KubeAuthorizerConfig KubeControllerManagerConfig KubeCoreDNSConfig
14! KubeEtcdEncryptionConfig KubeFlannelCNIConfig KubeProxyConfig KubeSchedulerConfig KubeServiceAccountConfig
14! KubeTalosAPIAccessConfig
";

#[cfg(test)]
mod tests {
    use super::{MOVED, document, kinds};
    use crate::admission::rules::version::Minor;

    #[test]
    fn knows_when_a_kind_appeared() {
        assert_eq!(document("UserVolumeConfig").map(|document| document.since), Some(Minor(1, 10)));
        assert_eq!(document("KubeProxyConfig").map(|document| document.control_plane_only), Some(true));
        assert!(kinds(Minor(1, 13)).all(|kind| !kind.starts_with("KubeProxy")));
        assert!(kinds(Minor(1, 14)).count() > kinds(Minor(1, 13)).count());
    }

    #[test]
    fn every_moved_field_has_a_document_of_the_new_dialect() {
        for moved in MOVED.iter().filter(|moved| moved.new != "ResolverConfig") {
            assert_eq!(
                document(moved.new).map(|document| document.since),
                Some(Minor(1, 14)),
                "{}",
                moved.old
            );
        }
    }
}
