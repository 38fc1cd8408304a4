//! The features that conditions in templates may name.

use super::scope::Context;
use crate::plan::{Provider, addons, resolved::Role};

/// A feature: its name, what it means, and when it is on.
pub struct Feature {
    /// The name; one that ends in `.*` stands for a family.
    pub name: &'static str,
    /// What it means.
    pub description: &'static str,
    on: fn(&Context<'_>, &str) -> bool,
}

/// All features.
pub static FEATURES: &[Feature] = &[
    Feature {
        name: "provider.*",
        description: "the plan's provider, for instance `provider.aws`",
        on: |context, rest| context.cluster.provider.as_str() == rest,
    },
    Feature {
        name: "profile.*",
        description: "the plan's profile, for instance `profile.current`",
        on: |context, rest| context.cluster.profile.metadata.name == rest,
    },
    Feature {
        name: "kubernetes.*",
        description: "the minor of Kubernetes, for instance `kubernetes.1.36`",
        on: |context, rest| {
            let version = &context.cluster.kubernetes;
            rest.split_once('.').is_some_and(|(major, minor)| {
                major.parse() == Ok(version.major) && minor.parse() == Ok(version.minor)
            })
        },
    },
    Feature {
        name: "recipe.*",
        description: "the cluster takes this recipe bundle, for instance `recipe.base`",
        on: |context, rest| context.cluster.bundles.iter().any(|bundle| bundle.name == rest),
    },
    Feature {
        name: "set.*",
        description: "a variable is set, for instance `set.AWS_VPC_ID`",
        on: |context, rest| context.is_set(rest),
    },
    Feature {
        name: "control-plane",
        description: "these machines are the control plane",
        on: |context, _| context.machines.is_some_and(|machines| machines.role == Role::ControlPlane),
    },
    Feature {
        name: "worker",
        description: "these machines are workers",
        on: |context, _| context.machines.is_some_and(|machines| machines.role == Role::Worker),
    },
    Feature {
        name: "spot",
        description: "these machines are spot capacity",
        on: |context, _| context.machines.is_some_and(|machines| machines.spot.is_some()),
    },
    Feature {
        name: "gpu",
        description: "these machines have GPUs",
        on: |context, _| context.machines.is_some_and(|machines| machines.gpu.is_some()),
    },
    Feature {
        name: "gpu-pool",
        description: "a pool of the cluster has GPUs",
        on: |context, _| context.cluster.pools.iter().any(|pool| pool.gpu.is_some()),
    },
    Feature {
        name: "autoscaling",
        description: "these machines are scaled by the Cluster Autoscaler",
        on: |context, _| context.machines.is_some_and(|machines| machines.autoscaling.is_some()),
    },
    Feature {
        name: "health-check",
        description: "these machines have a MachineHealthCheck",
        on: |context, _| context.machines.is_some_and(|machines| machines.health_check.is_some()),
    },
    Feature {
        name: "failure-domain",
        description: "these machines are bound to a zone",
        on: |context, _| context.zone.is_some_and(|zone| zone.failure_domain.is_some()),
    },
    Feature {
        name: "rolling-update",
        description: "changed machines are replaced one after another",
        on: |context, _| {
            context.machines.is_some_and(|machines| {
                machines.rollout.kind == crate::plan::machines::RolloutType::RollingUpdate
            })
        },
    },
    Feature {
        name: "schedulable-control-plane",
        description: "control planes take ordinary pods",
        on: |context, _| context.cluster.schedulable_control_plane,
    },
    Feature {
        name: "longhorn-on-system-disk",
        description: "Longhorn keeps its data on the system disk of these machines",
        on: |context, _| longhorn_on_system_disk(context),
    },
    Feature {
        name: "single-node",
        description: "one machine can take pods in the whole cluster",
        on: |context, _| super::variables::schedulable_machines(context.cluster) <= 1,
    },
    Feature {
        name: "schedulable-nodes",
        description: "some machine takes ordinary pods",
        on: |context, _| super::variables::schedulable_machines(context.cluster) > 0,
    },
    Feature {
        name: "cilium",
        description: "Cilium is the CNI",
        on: |context, _| context.cluster.cilium.is_some(),
    },
    Feature {
        name: "kube-proxy-replacement",
        description: "Cilium replaces kube-proxy",
        on: |context, _| {
            context.cluster.cilium.as_ref().is_some_and(|cilium| cilium.kube_proxy_replacement != Some(false))
        },
    },
    Feature {
        name: "hubble",
        description: "Hubble is on",
        on: |context, _| context.cluster.cilium.as_ref().is_some_and(|cilium| cilium.hubble != Some(false)),
    },
    Feature {
        name: "wireguard",
        description: "Cilium encrypts between nodes",
        on: |context, _| {
            context
                .cluster
                .cilium
                .as_ref()
                .is_some_and(|cilium| cilium.encryption == Some(addons::Encryption::Wireguard))
        },
    },
    Feature {
        name: "load-balancer.*",
        description: "Cilium announces load balancer addresses: `load-balancer.l2`, `load-balancer.bgp`",
        on: |context, rest| {
            let mode = context
                .cluster
                .cilium
                .as_ref()
                .and_then(|cilium| cilium.load_balancer.as_ref())
                .and_then(|balancer| balancer.mode);
            match mode {
                Some(addons::LoadBalancerMode::L2) => rest == "l2",
                Some(addons::LoadBalancerMode::Bgp) => rest == "bgp",
                None => false,
            }
        },
    },
    Feature {
        name: "gateway",
        description: "the cluster has a Gateway",
        on: |context, _| context.cluster.gateway.is_some(),
    },
    Feature {
        name: "gateway.*",
        description: "the Gateway's controller: `gateway.envoy`, `gateway.cilium`",
        on: |context, rest| {
            context
                .cluster
                .gateway
                .as_ref()
                .is_some_and(|gateway| gateway.controller.unwrap_or_default().as_str() == rest)
        },
    },
    Feature {
        name: "gateway-api",
        description: "Gateway API's CRDs are needed: there is a Gateway, or the bundle `base`",
        on: |context, _| {
            context.cluster.gateway.is_some()
                || context.cluster.bundles.iter().any(|bundle| bundle.name == "base")
        },
    },
    Feature {
        name: "cloud-provider",
        description: "InfraFlux brings the cloud controller manager and the CSI driver",
        on: |context, _| context.cluster.cloud_provider.is_some(),
    },
    Feature {
        name: "proxmox-ccm.*",
        description: "the cloud controller manager on Proxmox: `proxmox-ccm.talos`, `proxmox-ccm.proxmox`",
        on: |context, rest| {
            let chosen = context
                .cluster
                .spec
                .proxmox
                .as_ref()
                .map(|proxmox| proxmox.cloud_controller_manager.unwrap_or_default());
            match chosen {
                Some(crate::plan::providers::ProxmoxCcm::Talos) => rest == "talos",
                Some(crate::plan::providers::ProxmoxCcm::Proxmox) => rest == "proxmox",
                None => false,
            }
        },
    },
    Feature {
        name: "talos-ccm",
        description: "the Talos cloud controller manager sets up nodes (Proxmox, unless the other one is chosen)",
        on: |context, _| sets_up_nodes(context),
    },
    Feature {
        name: "talos-api-access",
        description: "pods in `kube-system` may read the Talos API: the Talos cloud controller manager runs",
        on: |context, _| sets_up_nodes(context) || rotates_server_certificates(context),
    },
    Feature {
        name: "azure.*",
        description: "choices of the Azure block: `azure.internal-api`, `azure.existing-network`, `azure.control-plane-outbound`, `azure.node-outbound`",
        on: |context, rest| super::azure::chose(context.cluster, rest),
    },
    Feature {
        name: "secure-boot",
        description: "machines boot signed images only",
        on: |context, _| context.cluster.talos.secure_boot,
    },
    Feature {
        name: "gcp-load-balancer.*",
        description: "the API load balancers on Google Cloud: `gcp-load-balancer.internal`, `gcp-load-balancer.external`",
        on: |context, rest| {
            use crate::plan::providers::GcpLoadBalancer::{External, Internal, InternalExternal};
            let Some(gcp) = &context.cluster.spec.gcp else { return false };
            match gcp.load_balancer_type.unwrap_or(External) {
                External => rest == "external",
                Internal => rest == "internal",
                InternalExternal => rest == "external" || rest == "internal",
            }
        },
    },
    Feature {
        name: "rotate-server-certificates",
        description: "kubelets rotate their serving certificates",
        on: |context, _| rotates_server_certificates(context),
    },
    Feature {
        name: "install-disk",
        description: "machines boot from metal or an ISO and install to a disk",
        on: |context, _| {
            context.cluster.spec.talos.as_ref().is_some_and(|talos| talos.install_disk.is_some())
        },
    },
    Feature {
        name: "endpoint-is-address",
        description: "the plan's API endpoint is an IP address",
        on: |context, _| {
            context
                .cluster
                .network
                .endpoint
                .as_ref()
                .is_some_and(|endpoint| endpoint.host.parse::<std::net::IpAddr>().is_ok())
        },
    },
    Feature {
        name: "ipv6",
        description: "the cluster has IPv6 pod networks",
        on: |context, _| context.cluster.network.pod_cidrs.iter().any(|cidr| cidr.contains(':')),
    },
    Feature {
        name: "talos-before-1.14",
        description: "the Talos machine configuration is one document (up to 1.13)",
        on: |context, _| !context.cluster.talos.has_kube_documents(),
    },
    Feature {
        name: "talos-1.14",
        description: "the Talos machine configuration has the Kube documents of 1.14",
        on: |context, _| context.cluster.talos.has_kube_documents(),
    },
    Feature {
        name: "suspend",
        description: "this bundle is suspended on this cluster",
        on: |context, _| context.stage.is_some_and(|(bundle, _)| bundle.suspend),
    },
];

fn rotates_server_certificates(context: &Context<'_>) -> bool {
    let talos = context.cluster.spec.talos.as_ref();
    talos.is_some_and(|talos| talos.rotate_server_certificates != Some(false))
}

/// Whether the Talos cloud controller manager is more than an approver of certificates.
fn sets_up_nodes(context: &Context<'_>) -> bool {
    use crate::plan::providers::ProxmoxCcm;
    let proxmox = context.cluster.spec.proxmox.as_ref().filter(|_| context.cluster.cloud_provider.is_some());
    proxmox.is_some_and(|proxmox| proxmox.cloud_controller_manager.unwrap_or_default() == ProxmoxCcm::Talos)
}

/// The bundle `base` brings Longhorn on Proxmox. Its default data path is that of a Talos user volume, which these machines
/// need as a directory when the plan gives them none of that name.
fn longhorn_on_system_disk(context: &Context<'_>) -> bool {
    let cluster = context.cluster;
    let Some(machines) = context.machines else { return false };
    let takes_pods = machines.role == Role::Worker || cluster.schedulable_control_plane;
    let path = cluster
        .bundles
        .iter()
        .filter(|bundle| bundle.name == "base" && cluster.provider == Provider::Proxmox)
        .flat_map(|bundle| &bundle.stages)
        .find_map(|stage| stage.substitute.get("longhorn_data_path"));
    let volumes = cluster.spec.talos.iter().flat_map(|talos| talos.user_volumes.iter().flatten());
    takes_pods
        && path.is_some_and(|path| path == "/var/mnt/longhorn")
        && !volumes
            .filter(|volume| volume.name == "longhorn")
            .any(|volume| cluster.has_volume(machines, volume))
}

/// Whether a feature is on.
#[must_use]
pub fn is_on(context: &Context<'_>, name: &str) -> bool {
    FEATURES
        .iter()
        .find_map(|feature| match feature.name.strip_suffix(".*") {
            Some(family) => name
                .strip_prefix(family)
                .and_then(|rest| rest.strip_prefix('.'))
                .map(|rest| (feature.on)(context, rest)),
            None => (feature.name == name).then(|| (feature.on)(context, "")),
        })
        .unwrap_or(false)
}
