//! The keys of the Talos machine configuration, for the parts that people patch.
//!
//! Talos refuses unknown keys. The table below holds the keys of each mapping that is checked; what has no row is not
//! looked into. `key@13` exists from Talos 1.13 on.
//! Source: struct tags in siderolabs/talos pkg/machinery/config/types at v1.11.0, v1.12.11, v1.13.9, v1.14.0-rc.1.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

use crate::{admission::rules::version::Minor, finding::suggest};

use super::{config::PatchDocument, dialect::MANY_DOCUMENTS};

/// A key that Talos does not know.
pub(super) struct Unknown {
    /// The path up to and with the key.
    pub(super) path: Vec<String>,
    /// Where a key of that name would belong, or what was probably meant.
    pub(super) hint: Option<String>,
}

/// The keys of a document that its Talos version does not know; none if the kind itself is unknown.
pub(super) fn unknown(document: &PatchDocument, version: Option<Minor>) -> Vec<Unknown> {
    let mut found = Vec::new();
    let root = document.kind.as_deref().unwrap_or_default();
    walk(&document.value, root, &mut Vec::new(), version.unwrap_or(MANY_DOCUMENTS), &mut found);
    found
}

fn walk(value: &Value, row: &str, path: &mut Vec<String>, version: Minor, found: &mut Vec<Unknown>) {
    match value {
        Value::Object(entries) => {
            let Some(known) = ROWS.get(row) else { return };
            for (key, value) in entries {
                if key == "$patch"
                    || (path.is_empty() && !row.is_empty() && matches!(&**key, "apiVersion" | "kind"))
                {
                    continue;
                }
                path.push(key.clone());
                match known.iter().find(|(name, _)| name == key) {
                    Some((_, since)) if *since <= version => {
                        let next = if row.is_empty() { key.clone() } else { format!("{row}.{key}") };
                        walk(value, &next, path, version, found);
                    }
                    Some((_, since)) => found.push(Unknown {
                        path: path.clone(),
                        hint: Some(format!(
                            "the key exists from Talos {since} on, this configuration is for {version}"
                        )),
                    }),
                    None => found.push(Unknown { path: path.clone(), hint: hint(key, known) }),
                }
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                walk(item, &format!("{row}[]"), path, version, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn hint(key: &str, known: &[(&str, Minor)]) -> Option<String> {
    let near = suggest::nearest(key, known.iter().map(|(name, _)| *name));
    if !near.is_empty() {
        return Some(format!("did you mean {}?", suggest::list(&near, "or")));
    }
    if let Some((name, _)) = known.iter().find(|(name, _)| is_cut_out_of(key, name)) {
        return Some(format!("did you mean `{name}`?"));
    }
    let mut homes: Vec<&str> = ROWS
        .iter()
        .filter(|(row, keys)| !row.is_empty() && keys.iter().any(|(name, _)| *name == key))
        .map(|(row, _)| *row)
        .collect();
    homes.sort_unstable();
    match homes.as_slice() {
        [] => suggest::hint(key, known.iter().map(|(name, _)| *name)),
        [home] => Some(format!("`{key}` belongs under `{home}`")),
        homes => Some(format!("`{key}` belongs under {}", suggest::list(&homes[..homes.len().min(4)], "or"))),
    }
}

/// Whether a key is another one without a piece from its middle, as `certSANs` is of `certExtraSANs`.
fn is_cut_out_of(key: &str, name: &str) -> bool {
    let shared = key.bytes().zip(name.bytes()).take_while(|(left, right)| left == right).count();
    let at_end = key.bytes().rev().zip(name.bytes().rev()).take_while(|(left, right)| left == right).count();
    key.len() >= 4 && key.len() < name.len() && shared > 0 && at_end > 0 && shared + at_end >= key.len()
}

/// The keys of a mapping, each with the version that brought it.
type Keys = Vec<(&'static str, Minor)>;

static ROWS: LazyLock<HashMap<&'static str, Keys>> = LazyLock::new(|| {
    let mut rows: HashMap<&'static str, Keys> = HashMap::new();
    let mut row = "";
    for line in KEYS.lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line;
        // A line that does not start with a path continues the one before.
        if let Some((path, rest)) =
            line.split_once(": ").or_else(|| line.strip_suffix(':').map(|path| (path, "")))
        {
            row = if path == "-" { "" } else { path };
            words = rest;
        }
        rows.entry(row).or_default().extend(words.split_whitespace().map(|word| {
            let (key, since) = word.split_once('@').unwrap_or((word, "0"));
            (key, Minor(1, since.parse().unwrap_or(0)))
        }));
    }
    rows
});

const KEYS: &str = "
-: version debug persist machine cluster

machine: type token ca acceptedCAs certSANs controlPlane kubelet pods network disks install files env time sysctls sysfs
    registries systemDiskEncryption features udev logging kernel seccompProfiles baseRuntimeSpecOverrides nodeLabels
    nodeAnnotations nodeTaints
machine.controlPlane: controllerManager scheduler
machine.kubelet: image clusterDNS extraArgs extraMounts extraConfig credentialProviderConfig
    defaultRuntimeSeccompProfileEnabled registerWithFQDN nodeIP skipNodeRegistration disableManifestsDirectory
machine.kubelet.nodeIP: validSubnets
machine.kubelet.extraMounts[]: destination type source options uidMappings gidMappings
machine.network: hostname interfaces nameservers searchDomains extraHostEntries kubespan disableSearchDomain
machine.network.interfaces[]: interface deviceSelector addresses cidr routes bond bridge bridgePort vlans mtu dhcp ignore
    dummy dhcpOptions wireguard vip
machine.network.interfaces[].deviceSelector: busPath hardwareAddr permanentAddr pciID driver physical
machine.network.interfaces[].routes[]: network gateway source metric mtu
machine.network.interfaces[].vlans[]: addresses cidr routes dhcp vlanId mtu vip dhcpOptions
machine.network.interfaces[].vip: ip equinixMetal hcloud
machine.network.interfaces[].dhcpOptions: routeMetric ipv4 ipv6 duidv6
machine.network.extraHostEntries[]: ip aliases
machine.network.kubespan: enabled advertiseKubernetesNetworks allowDownPeerBypass harvestExtraEndpoints mtu filters
machine.install: disk diskSelector extraKernelArgs image extensions bootloader wipe legacyBIOSSupport grubUseUKICmdline
machine.install.diskSelector: size name model serial modalias uuid wwid type busPath
machine.install.extensions[]: image
machine.disks[]: device partitions
machine.files[]: content permissions path op
machine.time: disabled servers bootTimeout
machine.registries: mirrors config
machine.systemDiskEncryption: state ephemeral
machine.features: rbac stableHostname kubernetesTalosAPIAccess apidCheckExtKeyUsage diskQuotaSupport kubePrism hostDNS
    imageCache nodeAddressSortAlgorithm
machine.features.kubernetesTalosAPIAccess: enabled allowedRoles allowedKubernetesNamespaces
machine.features.kubePrism: enabled port
machine.features.hostDNS: enabled forwardKubeDNSToHost resolveMemberNames
machine.features.imageCache: localEnabled
machine.udev: rules
machine.logging: destinations
machine.logging.destinations[]: endpoint format extraTags
machine.kernel: modules
machine.kernel.modules[]: name parameters
machine.seccompProfiles[]: name value

cluster: id secret controlPlane clusterName network token aescbcEncryptionSecret secretboxEncryptionSecret ca acceptedCAs
    aggregatorCA serviceAccount apiServer controllerManager proxy scheduler discovery etcd coreDNS externalCloudProvider
    extraManifests extraManifestHeaders inlineManifests adminKubeconfig allowSchedulingOnMasters
    allowSchedulingOnControlPlanes
cluster.controlPlane: endpoint localAPIServerPort
cluster.network: cni dnsDomain podSubnets serviceSubnets
cluster.network.cni: name urls flannel
cluster.network.cni.flannel: extraArgs kubeNetworkPoliciesEnabled
cluster.apiServer: image extraArgs extraVolumes env certSANs disablePodSecurityPolicy admissionControl auditPolicy
    resources authorizationConfig
cluster.apiServer.extraVolumes[]: hostPath mountPath readonly
cluster.apiServer.admissionControl[]: name configuration
cluster.apiServer.resources: requests limits
cluster.controllerManager: image extraArgs extraVolumes env resources
cluster.controllerManager.extraVolumes[]: hostPath mountPath readonly
cluster.proxy: disabled image mode extraArgs
cluster.scheduler: image extraArgs extraVolumes env resources config
cluster.discovery: enabled registries
cluster.discovery.registries: kubernetes service
cluster.discovery.registries.kubernetes: disabled
cluster.discovery.registries.service: disabled endpoint
cluster.etcd: image ca extraArgs subnet advertisedSubnets listenSubnets
cluster.coreDNS: disabled image
cluster.externalCloudProvider: enabled manifests
cluster.inlineManifests[]: name contents
cluster.adminKubeconfig: certLifetime

DummyLinkConfig: name hardwareAddr up mtu addresses routes multicast
DummyLinkConfig.addresses[]: address routePriority
DummyLinkConfig.routes[]: destination gateway source metric mtu table
EnvironmentConfig: variables
EthernetConfig: name features rings channels wakeOnLan@12
ExistingVolumeConfig: name discovery mount trim@14 scrub@14
ExtensionServiceConfig: name configFiles environment
ExternalVolumeConfig: name filesystemType mount
HostnameConfig: auto hostname
KmsgLogConfig: name url
KubeSpanConfig: enabled advertiseKubernetesNetworks allowDownPeerBypass harvestExtraEndpoints mtu filters
Layer2VIPConfig: name link
LinkAliasConfig: name selector
LinkAliasConfig.selector: match
LinkConfig: name up mtu addresses routes multicast
LinkConfig.addresses[]: address routePriority
LinkConfig.routes[]: destination gateway source metric mtu table
NetworkDefaultActionConfig: ingress
NetworkRuleConfig: name portSelector ingress
NetworkRuleConfig.portSelector: ports protocol
NetworkRuleConfig.ingress[]: subnet except
RawVolumeConfig: name provisioning encryption
RegistryAuthConfig: name username password auth identityToken
RegistryMirrorConfig: name endpoints skipFallback
RegistryMirrorConfig.endpoints[]: url overridePath
RegistryTLSConfig: name clientIdentity ca insecureSkipVerify
ResolverConfig: nameservers searchDomains hostDNS@14
ResolverConfig.nameservers[]: address protocol@14 tlsServerName@14
ResolverConfig.searchDomains: domains disableDefault
ResolverConfig.hostDNS: enabled forwardKubeDNSToHost resolveMemberNames
StaticHostConfig: name hostnames
SwapVolumeConfig: name provisioning encryption
TimeSyncConfig: enabled bootTimeout ntp ptp
TimeSyncConfig.ntp: servers useNTS@14
TrustedRootsConfig: name certificates
UserVolumeConfig: name volumeType@12 provisioning filesystem encryption mount@13 trim@14 scrub@14
UserVolumeConfig.provisioning: diskSelector grow minSize maxSize
UserVolumeConfig.provisioning.diskSelector: match
UserVolumeConfig.filesystem: type projectQuotaSupport xfs@14
UserVolumeConfig.mount: disableAccessTime secure
VolumeConfig: name provisioning filesystem@14 encryption mount@13 trim@14 scrub@14
VolumeConfig.provisioning: diskSelector grow minSize maxSize
VolumeConfig.provisioning.diskSelector: match
VolumeConfig.mount: secure disableAccessTime@14
VLANConfig: name vlanID vlanMode parent up mtu addresses routes multicast
WatchdogTimerConfig: device timeout
ZswapConfig: maxPoolPercent shrinkerEnabled

KernelModuleConfig: name parameters
KubeAPIServerConfig: image extraArgs env resources apiPort certExtraSANs startupProbes
KubeAdmissionControlConfig: name configuration
KubeAuditPolicyConfig: configuration
KubeAuthenticationConfig: configuration
KubeAuthorizerConfig: name type webhook
KubeClusterConfig: clusterName endpoint
KubeControllerManagerConfig: enabled image extraArgs env resources
KubeCoreDNSConfig: enabled image
KubeCredentialProviderConfig: configuration
KubeEtcdEncryptionConfig: config
KubeExternalManifestConfig: name headers url
KubeFlannelCNIConfig: backendType backendPort backendMTU backendExtraConfig resources extraArgs kubeNetworkPoliciesEnabled
KubeInlineManifestConfig: name manifest
KubeNetworkConfig: dnsDomain podSubnets serviceSubnets nodeCIDRMaskSizeIPv4 nodeCIDRMaskSizeIPv6
KubeNodeConfig: skipNodeRegistration registerWithFQDN nodeIP labels annotations taints
KubeNodeConfig.nodeIP: validSubnets
KubePrismConfig: port tlsServerName
KubeProxyConfig: enabled image mode config extraArgs resources
KubeSchedulerConfig: enabled image config extraArgs env resources
KubeStaticPodConfig: name pod
KubeTalosAPIAccessConfig: allowedRoles allowedKubernetesNamespaces
KubeletConfig: image config extraArgs clusterDNS defaultRuntimeSeccompProfileEnabled
SecurityProfileConfig: workloadIsolation
SysctlConfig: params
SysfsConfig: params
UdevRulesConfig: rules
UnattendedInstallConfig: reboot installer provisioning
UnattendedInstallConfig.installer: image
UnattendedInstallConfig.provisioning: diskSelector wipe
UnattendedInstallConfig.provisioning.diskSelector: match
";

#[cfg(test)]
mod tests {
    use super::{ROWS, unknown};
    use crate::admission::rules::{
        talos::{config::PatchText, dialect},
        version::Minor,
    };

    fn complaints(text: &str, minor: u64) -> Vec<(String, Option<String>)> {
        PatchText::read(text)
            .documents
            .iter()
            .flat_map(|document| unknown(document, Some(Minor(1, minor))))
            .map(|unknown| (unknown.path.join("."), unknown.hint))
            .collect()
    }

    #[test]
    fn every_row_is_reachable() {
        for row in ROWS.keys().filter(|row| !row.is_empty()) {
            let (parent, last) = row.rsplit_once('.').map_or(("", *row), |(parent, last)| (parent, last));
            let key = last.trim_end_matches("[]");
            let known = if parent.is_empty() && dialect::document(key).is_some() {
                true
            } else {
                ROWS.get(parent).is_some_and(|keys| keys.iter().any(|(name, _)| *name == key))
            };
            assert!(known, "{row}");
        }
    }

    #[test]
    fn finds_misspelt_keys_and_says_what_was_meant() {
        assert!(
            complaints("machine:\n  kubelet:\n    nodeIP:\n      validSubnets: [10.0.0.0/8]\n", 13)
                .is_empty()
        );
        let found = complaints("machine:\n  kubelt: {}\n", 13);
        assert_eq!(found, [("machine.kubelt".to_owned(), Some("did you mean `kubelet`?".to_owned()))]);
        let found = complaints("machine:\n  proxy:\n    disabled: true\n", 13);
        assert_eq!(found, [("machine.proxy".to_owned(), Some("`proxy` belongs under `cluster`".to_owned()))]);
        let found = complaints("apiVersion: v1alpha1\nkind: KubeAPIServerConfig\ncertSANs: [a]\n", 14);
        assert_eq!(found, [("certSANs".to_owned(), Some("did you mean `certExtraSANs`?".to_owned()))]);
        let found = complaints(
            "machine:\n  network:\n    interfaces:\n      - interface: eth0\n        vipp: {}\n",
            13,
        );
        assert_eq!(found.first().map(|(path, _)| &**path), Some("machine.network.interfaces.0.vipp"));
    }

    #[test]
    fn keys_have_a_version() {
        let volume = "apiVersion: v1alpha1\nkind: VolumeConfig\nname: EPHEMERAL\nmount: {secure: false}\n";
        assert!(complaints(volume, 14).is_empty());
        assert_eq!(complaints(volume, 12).len(), 1);
    }
}
