//! The variables that templates may use.

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::{Map, Value as Json, json};

use super::{autoscaler, aws, name, nodes, scope::Context};
use crate::{
    catalog::profile::ProfileSpec,
    plan::{
        Provider,
        addons::{BgpPeer, LoadBalancer, LoadBalancerMode},
        recipe::PatchTarget,
        resolved::{ResolvedCluster, Role},
    },
    template::Value,
    yaml::pointer::FieldPath,
};

/// Which templates may use a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All.
    Cluster,
    /// Those of the control plane and of pools.
    Machines,
    /// Those of zones, once per pool and zone.
    Zone,
    /// Those of bundles, once per bundle and stage.
    Stage,
    /// The patch for a registry mirror.
    Mirror,
    /// The patch for a user volume.
    Volume,
}

impl Level {
    /// How the documentation names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Machines => "machines",
            Self::Zone => "zone",
            Self::Stage => "stage",
            Self::Mirror => "registry mirror",
            Self::Volume => "user volume",
        }
    }
}

/// A variable.
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Where it may be used.
    pub level: Level,
    /// The field of the plan that sets it; `@` stands for the machines' own path.
    pub field: &'static str,
    /// What it is.
    pub description: &'static str,
    value: fn(&Context<'_>) -> Option<Value>,
}

macro_rules! variables {
    ($($level:ident { $($name:literal, $field:literal, $description:literal => $value:expr;)* })*) => {
        /// All variables with a name of their own. Each field of the provider's block is one more, for instance
        /// `AWS_VPC_CIDR` for `spec.aws.vpcCIDR`, and so is each version of the profile: `VERSION_CILIUM`.
        pub static VARIABLES: &[Variable] = &[
            $($(Variable { name: $name, level: Level::$level, field: $field, description: $description, value: $value },)*)*
        ];
    };
}

#[expect(clippy::unnecessary_wraps, reason = "the values of the table are optional")]
fn text(text: impl AsRef<str>) -> Option<Value> {
    Some(Value::text(text.as_ref()))
}

fn data(value: Json) -> Option<Value> {
    Value::from_json(value)
}

#[expect(clippy::unnecessary_wraps, reason = "the values of the table are optional")]
fn integer(value: i32) -> Option<Value> {
    Some(Value::Integer(i64::from(value)))
}

variables! {
    Cluster {
        "PLAN", "", "the plan that an object comes from, `Kind/name`; every object carries it in `infraflux.io/plan`"
            => |context| text(&context.cluster.plan);
        "CLUSTER_NAME", "metadata.name", "the cluster's name" => |context| text(&context.cluster.name);
        "NAMESPACE", "spec.namespace", "the hub namespace of the cluster's objects" => |context| text(&context.cluster.namespace);
        "PROVIDER", "spec.provider", "`aws`, `azure`, `gcp` or `proxmox`" => |context| text(context.cluster.provider.as_str());
        "REGION", "spec.region", "the provider's region" => |context| text(&context.cluster.region);
        "PROFILE", "spec.profile", "the set of versions" => |context| text(&context.cluster.profile.metadata.name);
        "K8S_VERSION", "spec.kubernetesVersion", "Kubernetes in full, with a leading `v`"
            => |context| text(format!("v{}", context.cluster.kubernetes));
        "K8S_MINOR", "spec.kubernetesVersion", "Kubernetes as a minor, for instance `1.36`"
            => |context| text(format!("{}.{}", context.cluster.kubernetes.major, context.cluster.kubernetes.minor));
        "TALOS_VERSION", "spec.talos.version", "Talos in full, with a leading `v`"
            => |context| text(format!("v{}", context.cluster.talos.version));
        "TALOS_MINOR", "spec.talos.version", "Talos as a minor, with a leading `v`: what decides the shape of the machine configuration"
            => |context| text(format!("v{}.{}", context.cluster.talos.version.major, context.cluster.talos.version.minor));
        "SCHEMATIC_ID", "spec.talos.extensions", "the id of the Image Factory schematic"
            => |context| text(context.cluster.talos.schematic.id());
        "INSTALLER_IMAGE", "spec.talos.extensions", "the installer image with the schematic's extensions"
            => |context| text(super::images::installer(context.cluster));
        "DISK_IMAGE", "spec.talos.extensions", "where the disk image with the schematic's extensions lies"
            => |context| text(super::images::disk(context.cluster));
        "INSTALL_DISK", "spec.talos.installDisk", "the disk that a metal or ISO boot installs to"
            => |context| text(context.cluster.spec.talos.as_ref()?.install_disk.as_ref()?);
        "CERT_SANS", "spec.talos.certSANs", "more names and addresses for the certificates of both APIs: the plan's endpoint and its own; unset without any"
            => |context| list(&cert_sans(context.cluster));
        "TIME_SERVERS", "spec.talos.timeServers", "time servers"
            => |context| data(json!(context.cluster.spec.talos.as_ref()?.time_servers.as_ref()?));
        "CP_COUNT", "spec.controlPlane.replicas", "machines of the control plane" => |context| integer(context.cluster.control_plane.replicas);
        "WORKER_COUNT", "spec.workers", "machines of all pools together, with autoscaling the fewest"
            => |context| integer(workers(context.cluster));
        "CONTROL_PLANE_NAME", "metadata.name", "the name of the TalosControlPlane"
            => |context| text(name::join(&[&context.cluster.name, "control-plane"]));
        "CP_MACHINE_TEMPLATE_NAME", "spec.controlPlane", "the name of the control plane's machine template, with the hash of its content"
            => |context| text(&context.control_plane?.machine_template_name);
        "PROVIDER_SPEC_CP", "spec.controlPlane", "the `spec.template.spec` of the control plane's machine template, from `clusters/<provider>/machine.yaml`"
            => |context| Some(Value::Yaml(context.control_plane?.provider_spec.clone()));
        "CP_TALOS_CONFIG", "spec.talos", "the Talos configuration of control planes, from `clusters/templates/fragments/talos-config.yaml`"
            => |context| Some(Value::Yaml(context.control_plane?.talos_config.clone()));
        "CORE_API_VERSION", "spec.profile", "apiVersion of Cluster API's core kinds" => |context| api_version(context, "core");
        "CONTROL_PLANE_API_VERSION", "spec.profile", "apiVersion of TalosControlPlane" => |context| api_version(context, "controlPlane");
        "CONTROL_PLANE_API_GROUP", "spec.profile", "API group of TalosControlPlane" => |context| api_group(context, "controlPlane");
        "BOOTSTRAP_API_VERSION", "spec.profile", "apiVersion of TalosConfigTemplate" => |context| api_version(context, "bootstrap");
        "BOOTSTRAP_API_GROUP", "spec.profile", "API group of TalosConfigTemplate" => |context| api_group(context, "bootstrap");
        "INFRA_API_VERSION", "spec.profile", "apiVersion of the provider's kinds"
            => |context| api_version(context, context.cluster.provider.as_str());
        "INFRA_API_GROUP", "spec.profile", "API group of the provider's kinds"
            => |context| api_group(context, context.cluster.provider.as_str());
        "IPAM_API_VERSION", "spec.profile", "apiVersion of InClusterIPPool" => |context| api_version(context, "ipamInCluster");
        "KUSTOMIZATION_API_VERSION", "spec.profile", "apiVersion of Flux Kustomizations" => |context| api_version(context, "kustomization");
        "HELM_RELEASE_API_VERSION", "spec.profile", "apiVersion of Flux HelmReleases" => |context| api_version(context, "helmRelease");
        "SOURCE_API_VERSION", "spec.profile", "apiVersion of Flux sources" => |context| api_version(context, "source");
        "INFRA_CLUSTER_KIND", "spec.provider", "the kind of the infrastructure cluster" => |context| text(&context.cluster.descriptor.cluster_kind);
        "INFRA_MACHINE_TEMPLATE_KIND", "spec.provider", "the kind of the machine templates"
            => |context| text(&context.cluster.descriptor.machine_template_kind);
        "POD_CIDRS", "spec.network.podCIDRs", "pod networks" => |context| data(json!(context.cluster.network.pod_cidrs));
        "SERVICE_CIDRS", "spec.network.serviceCIDRs", "service networks" => |context| data(json!(context.cluster.network.service_cidrs));
        "POD_CIDR", "spec.network.podCIDRs", "the first pod network" => |context| text(context.cluster.network.pod_cidrs.first()?);
        "SERVICE_CIDR", "spec.network.serviceCIDRs", "the first service network" => |context| text(context.cluster.network.service_cidrs.first()?);
        "SERVICE_DOMAIN", "spec.network.serviceDomain", "the DNS domain of services" => |context| text(&context.cluster.network.service_domain);
        "CONTROL_PLANE_ENDPOINT_HOST", "spec.network.endpoint.host", "the host of the API endpoint, when the plan gives one"
            => |context| text(&context.cluster.network.endpoint.as_ref()?.host);
        "CONTROL_PLANE_ENDPOINT_PORT", "spec.network.endpoint.port", "the port of the API endpoint, when the plan gives one"
            => |context| integer(context.cluster.network.endpoint.as_ref()?.port);
        "API_SERVER_PORT", "spec.network.endpoint.port", "the port of the API endpoint; 6443 unless the plan says otherwise"
            => |context| integer(context.cluster.spec.network.as_ref().and_then(|network| network.endpoint.as_ref()?.port).unwrap_or(6443));
        "MANAGEMENT_CIDRS", "spec.network.managementCIDRs", "from where the hub and operators come; unset when the list is empty"
            => |context| list(&context.cluster.network.management_cidrs);
        "MANAGEMENT_CIDRS_V4", "spec.network.managementCIDRs", "the IPv4 ones of `MANAGEMENT_CIDRS`, for providers that list the families apart"
            => |context| list(&of_family(&context.cluster.network.management_cidrs, false));
        "MANAGEMENT_CIDRS_V6", "spec.network.managementCIDRs", "the IPv6 ones of `MANAGEMENT_CIDRS`"
            => |context| list(&of_family(&context.cluster.network.management_cidrs, true));
        "NODE_CIDRS", "spec.network.nodeCIDRs", "from which networks nodes pick their address"
            => |context| list(&context.cluster.network.node_cidrs);
        "KUBECONFIG_SECRET", "metadata.name", "the Secret with the cluster's kubeconfig, which the control-plane provider writes"
            => |context| text(format!("{}-kubeconfig", context.cluster.name));
        "SOURCE_KIND", "spec.gitops.sourceRef.kind", "the kind of the Flux source with the catalogue" => |context| text(context.cluster.gitops.source_kind.as_str());
        "SOURCE_NAME", "spec.gitops.sourceRef.name", "its name" => |context| text(&context.cluster.gitops.source_name);
        "SOURCE_NAMESPACE", "spec.gitops.sourceRef.namespace", "its namespace" => |context| text(&context.cluster.gitops.source_namespace);
        "CATALOG_PATH", "spec.gitops.path", "the catalogue's directory in that source, `.` or `./path`" => |context| text(&context.cluster.gitops.path);
        "INTERVAL", "spec.gitops.interval", "how often Flux reconciles" => |context| text(&context.cluster.gitops.interval);
        "RETRY_INTERVAL", "spec.gitops.retryInterval", "how soon Flux tries again" => |context| text(&context.cluster.gitops.retry_interval);
        "DECRYPTION", "spec.gitops.decryptionSecret", "the `decryption` of Flux Kustomizations"
            => |context| decryption(context.cluster);
        "SHARD", "spec.gitops.shard", "the Flux shard" => |context| text(context.cluster.gitops.shard.as_ref()?);
        "CILIUM_CLUSTER_ID", "spec.addons.cilium.clusterID", "the number of the cluster in a mesh"
            => |context| integer(context.cluster.cilium.as_ref()?.cluster_id?);
        "CILIUM_OPERATOR_REPLICAS", "spec.workers", "1 when only one machine takes pods, else 2"
            => |context| integer(schedulable_machines(context.cluster).clamp(1, 2));
        "HUBBLE_ENABLED", "spec.addons.cilium.hubble", "whether Hubble is on"
            => |context| Some(Value::Bool(context.cluster.cilium.as_ref()?.hubble != Some(false)));
        "CILIUM_VALUES", "spec.addons.cilium.values", "the plan's Helm values for Cilium"
            => |context| map(context.cluster.cilium.as_ref()?.values.as_ref());
        "GATEWAY_VALUES", "spec.addons.gateway.values", "the plan's Helm values for the gateway controller"
            => |context| map(context.cluster.gateway.as_ref()?.values.as_ref());
        "GATEWAY_CONTROLLER", "spec.addons.gateway.controller", "`envoy` or `cilium`"
            => |context| text(context.cluster.gateway.as_ref()?.controller.unwrap_or_default().as_str());
        "GATEWAY_HOSTNAME", "spec.addons.gateway.hostname", "what the Gateway's HTTPS listener answers for; by default the names below the bundles' `cluster_domain`"
            => |context| text(gateway_hostname(context.cluster)?);
        "GATEWAY_ISSUER", "spec.addons.gateway.issuer", "the ClusterIssuer of the Gateway's certificate"
            => |context| text(context.cluster.gateway.as_ref()?.issuer.as_deref().unwrap_or("internal-ca"));
        "GATEWAY_REPLICAS", "spec.workers", "Envoy proxies: 1 when only one machine takes pods, else 2"
            => |context| integer(schedulable_machines(context.cluster).clamp(1, 2));
        "CCM_VALUES", "spec.addons.cloudProvider.values", "the plan's Helm values for the cloud controller manager"
            => |context| map(context.cluster.cloud_provider.as_ref()?.values.as_ref());
        "CSI_VALUES", "spec.addons.cloudProvider.csiValues", "the plan's Helm values for the CSI driver"
            => |context| map(context.cluster.cloud_provider.as_ref()?.csi_values.as_ref());
        "LB_MODE", "spec.addons.cilium.loadBalancer.mode", "the folder under `clusters/cilium/configs`: `l2`, `bgp`, or `pool` without an announcement"
            => |context| text(load_balancer_folder(context.cluster)?);
        "LB_ADDRESSES", "spec.addons.cilium.loadBalancer.addresses", "addresses for load balancers: blocks of a CiliumLoadBalancerIPPool as JSON text, for a Flux variable"
            => |context| text(load_balancer_blocks(context.cluster)?.to_string());
        "LB_INTERFACES", "spec.addons.cilium.loadBalancer.interfaces", "the interfaces that announce them, as JSON text"
            => |context| text(json!(load_balancer(context.cluster)?.interfaces.as_deref().unwrap_or(&[r"^e(th|n[a-z0-9]+)".to_owned()])).to_string());
        "LB_LOCAL_ASN", "spec.addons.cilium.loadBalancer.localASN", "the cluster's autonomous system; 64512 unless the plan says otherwise"
            => |context| Some(Value::Integer(load_balancer(context.cluster)?.local_asn.unwrap_or(64512)));
        "LB_PEERS", "spec.addons.cilium.loadBalancer.peers", "the BGP routers: peers of a CiliumBGPClusterConfig as JSON text"
            => |context| text(load_balancer_peers(context.cluster)?.to_string());
        "VPC_CIDR", "spec.aws.vpcCIDR", "the CIDR of the VPC that is made for a cluster on AWS; unset in an existing VPC"
            => |context| text(aws::vpc_cidr(context.cluster)?);
        "SUBNETS", "spec.aws.subnets", "the subnets of a cluster on AWS: `spec.aws.subnets`, or `spec.aws.subnetIDs` in the same form"
            => |context| data(aws::subnets(context.cluster)?);
        "NODE_PORT_CIDRS", "spec.aws.nodePortCIDRs", "from where NodePorts are reached on AWS; never empty, because that would be the whole world"
            => |context| data(json!(aws::node_port_cidrs(context.cluster)?));
        "AZURE_RESOURCE_GROUP", "spec.azure.resourceGroup", "the resource group; the cluster's name unless the plan says otherwise"
            => |context| text(super::azure::resource_group(context.cluster)?);
        "AZURE_VNET_NAME", "spec.azure.vnet.name", "the virtual network: an existing one, or `<cluster>-vnet`"
            => |context| text(super::azure::network_name(context.cluster)?);
        "AZURE_VNET_CIDRS", "spec.azure.vnetCIDR", "the virtual network's CIDRs; of an existing one the subnets' unless the plan says otherwise"
            => |context| data(json!(super::azure::network_cidrs(context.cluster)?));
        "AZURE_VNET_RESOURCE_GROUP", "spec.azure.vnet.resourceGroup", "the virtual network's resource group; the cluster's unless the plan says otherwise"
            => |context| text(super::azure::network_group(context.cluster)?);
        "AZURE_SUBNET_NAMES_CONTROL_PLANE", "spec.azure.subnetNames.controlPlane", "the subnet of control planes; unset in an existing network that the plan does not describe"
            => |context| text(super::azure::subnet_name(context.cluster, Role::ControlPlane)?);
        "AZURE_SUBNET_NAMES_NODES", "spec.azure.subnetNames.nodes", "the subnet of workers; unset in an existing network that the plan does not describe"
            => |context| text(super::azure::subnet_name(context.cluster, Role::Worker)?);
        "AZURE_IMAGE_SUBSCRIPTION_ID", "spec.azure.image.subscriptionID", "the subscription of a gallery of one's own; the cluster's unless the plan says otherwise"
            => |context| text(super::azure::gallery_subscription(context.cluster)?);
        "AZURE_CLOSED_ZONES", "spec.controlPlane.failureDomains", "Azure's zones that control planes shall not use, as AzureCluster writes them"
            => |context| data(super::azure::closed_zones(context.cluster)?);
        "NETWORK_NAME", "spec.gcp.network", "the VPC network on Google Cloud; the cluster's name unless the plan gives one"
            => |context| named_or_cluster(context, "network");
        "SUBNET_NAME", "spec.gcp.subnet", "the subnet on Google Cloud; the cluster's name unless the plan gives one"
            => |context| named_or_cluster(context, "subnet");
        "NODE_NETWORK_TAG", "metadata.name", "the network tag on Google Cloud of the machines that take pods"
            => |context| text(node_network_tag(context.cluster));
        "PROXMOX_REGION", "spec.proxmox.regionLabel", "the name of the Proxmox cluster in node labels; `spec.region` unless the plan says otherwise"
            => |context| text(context.cluster.block.get("regionLabel").and_then(Json::as_str).unwrap_or(&context.cluster.region));
        "OVERRIDES_CLUSTER", "", "the plan's raw fields for the infrastructure cluster's `spec`"
            => |context| overrides(context.cluster, "cluster");
    }
    Machines {
        "ROLE", "@", "`control-plane` or `worker`" => |context| text(match context.machines?.role { Role::ControlPlane => "control-plane", Role::Worker => "worker" });
        "TALOS_GENERATE_TYPE", "@", "`controlplane` or `worker`, as the bootstrap provider says it" => |context| text(match context.machines?.role { Role::ControlPlane => "controlplane", Role::Worker => "worker" });
        "POOL_NAME", "@.name", "the pool's name; `control-plane` for the control plane" => |context| text(&context.machines?.name);
        "POOL_FULL_NAME", "@.name", "`<cluster>-<pool>`" => |context| text(name::join(&[&context.cluster.name, &context.machines?.name]));
        "REPLICAS", "@.replicas", "how many machines, over all zones" => |context| integer(context.machines?.replicas);
        "INSTANCE_TYPE", "@.instanceType", "the provider's machine type" => |context| text(context.machines?.instance_type.as_ref()?);
        "CPU", "@.cpu", "virtual CPUs, if known" => |context| integer(context.machines?.cpu?);
        "CORES_PER_SOCKET", "@.cpu", "virtual CPUs divided by `spec.proxmox.sockets`, rounded up"
            => |context| cores_per_socket(context);
        "MEMORY_GIB", "@.memoryGiB", "memory in GiB, if known" => |context| integer(context.machines?.memory_gib?);
        "MEMORY_MIB", "@.memoryGiB", "memory in MiB, if known" => |context| integer(context.machines?.memory_gib?.saturating_mul(1024));
        "DISK_GIB", "@.diskGiB", "system disk in GiB" => |context| integer(context.machines?.disk_gib);
        "FAILURE_DOMAINS", "@.failureDomains", "zones" => |context| list(&context.machines?.failure_domains);
        "NODE_LABELS", "@.labels", "node labels that Talos sets" => |context| data(json!(some_map(&nodes::labels_by_talos(context.machines?))?));
        "MACHINE_LABELS", "@.labels", "node labels of a pool that Cluster API sets, without a rollout" => |context| data(json!(some_map(&nodes::labels_by_cluster_api(context.machines?))?));
        "NODE_ANNOTATIONS", "@.annotations", "node annotations" => |context| data(json!(some_map(&context.machines?.annotations)?));
        "NODE_TAINTS", "@.taints", "node taints as Talos writes them, `key: value:Effect`" => |context| data(json!(some_map(&nodes::taints(context.machines?))?));
        "SPOT_MAX_PRICE", "@.spot", "the most to pay for an hour" => |context| text(context.machines?.spot.as_ref()?.max_price.as_ref()?);
        "ROLLOUT_TYPE", "@.rollout.type", "`RollingUpdate` or `OnDelete`" => |context| text(context.machines?.rollout.kind.as_str());
        "MAX_SURGE", "@.rollout.maxSurge", "machines above the wanted number" => |context| data(context.machines?.rollout.max_surge.clone());
        "MAX_UNAVAILABLE", "@.rollout.maxUnavailable", "machines below the wanted number" => |context| data(context.machines?.rollout.max_unavailable.clone());
        "NODE_STARTUP_TIMEOUT_SECONDS", "@.healthCheck.nodeStartupTimeoutSeconds", "seconds until a machine without a node has failed"
            => |context| integer(context.machines?.health_check.as_ref()?.node_startup_timeout_seconds);
        "UNHEALTHY_TIMEOUT_SECONDS", "@.healthCheck.unhealthyTimeoutSeconds", "seconds that a node may be not ready"
            => |context| integer(context.machines?.health_check.as_ref()?.unhealthy_timeout_seconds);
        "UNHEALTHY_LIMIT", "@.healthCheck.unhealthyLessThanOrEqualTo", "more unhealthy machines than this stop remediation"
            => |context| data(context.machines?.health_check.as_ref()?.unhealthy_less_than_or_equal_to.clone());
        "DELETION_ORDER", "@.deletion.order", "which machines go first" => |context| text(context.machines?.deletion.order?.as_str());
        "NODE_DRAIN_TIMEOUT_SECONDS", "@.deletion.nodeDrainTimeoutSeconds", "seconds to wait for pods to leave"
            => |context| integer(context.machines?.deletion.node_drain_timeout_seconds.unwrap_or(600));
        "NODE_VOLUME_DETACH_TIMEOUT_SECONDS", "@.deletion.nodeVolumeDetachTimeoutSeconds", "seconds to wait for volumes to detach"
            => |context| integer(context.machines?.deletion.node_volume_detach_timeout_seconds.unwrap_or(300));
        "NODE_DELETION_TIMEOUT_SECONDS", "@.deletion.nodeDeletionTimeoutSeconds", "seconds to try to delete the Node"
            => |context| integer(context.machines?.deletion.node_deletion_timeout_seconds?);
        "MACHINE_TEMPLATE_NAME", "@", "the name of the machine template, with the hash of its content"
            => |context| text(&context.prepared?.machine_template_name);
        "PROVIDER_SPEC_WORKER", "@", "the `spec.template.spec` of the pool's machine template, from `clusters/<provider>/machine.yaml`"
            => |context| Some(Value::Yaml(context.prepared?.provider_spec.clone()));
        "TALOS_CONFIG_NAME", "@", "the name of the TalosConfigTemplate, with the hash of its content"
            => |context| text(&context.prepared?.talos_config_name);
        "TALOS_CONFIG", "spec.talos", "the Talos configuration, from `clusters/templates/fragments/talos-config.yaml`"
            => |context| Some(Value::Yaml(context.prepared?.talos_config.clone()));
        "TALOS_PATCHES", "spec.talos.patches", "the strategic patches, from the `talos/` folders and the plan"
            => |context| list(&context.prepared?.patches.iter().map(|patch| patch.text.clone()).collect::<Vec<_>>());
        "OVERRIDES_MACHINE", "", "the plan's raw fields for the machine template's `spec.template.spec`"
            => |context| overrides(context.cluster, match context.machines?.role { Role::ControlPlane => "controlPlane", Role::Worker => "workers" });
        "AMI", "spec.aws.ami", "the AMI of these machines: their pool's own from `spec.aws.poolAMIs`, or `spec.aws.ami`"
            => |context| data(aws::ami(context.cluster, &context.machines?.name)?.clone());
        "INSTANCE_PROFILE", "spec.aws.instanceProfiles", "the IAM instance profile of these machines" => |context| by_role(context, "instanceProfiles");
        "PUBLIC_IP", "spec.aws.publicIP", "whether these machines have public addresses on AWS" => |context| by_role(context, "publicIP");
        "METADATA_HOP_LIMIT", "spec.aws.metadataHopLimit", "hops that answers of the instance metadata service may take on these machines" => |context| integer(aws::metadata_hop_limit(context.cluster, context.machines?.role)?);
        "USER_ASSIGNED_IDENTITY", "spec.azure.userAssignedIdentities", "the managed identity of these machines" => |context| by_role(context, "userAssignedIdentities");
        "ADDITIONAL_DISKS", "spec.gcp.additionalDisks", "the disks beside the system disk of these machines" => |context| by_role(context, "additionalDisks");
        "ROOT_DEVICE_TYPE", "spec.gcp.rootDeviceType", "the root disk's type of these machines" => |context| by_role(context, "rootDeviceType");
    }
    Zone {
        "FAILURE_DOMAIN", "@.failureDomains", "the zone" => |context| text(context.zone?.failure_domain?);
        "MACHINE_DEPLOYMENT_NAME", "@.name", "`<cluster>-<pool>`, with zones `<cluster>-<pool>-<zone>`" => |context| text(machine_deployment_name(context)?);
        "ZONE_REPLICAS", "@.replicas", "how many machines in this zone; unset with autoscaling" => zone_replicas;
        "AUTOSCALER_ANNOTATIONS", "@.autoscaling", "what the Cluster Autoscaler reads from a MachineDeployment" => |context| data(json!(some_map(&autoscaler::annotations(context)?)?));
    }
    Stage {
        "BUNDLE", "spec.recipes", "the bundle's name" => |context| text(&context.stage?.0.name);
        "STAGE", "spec.recipes", "`prereqs`, `releases` or `configs`" => |context| text(context.stage?.1.stage.as_str());
        "STAGE_NAME", "spec.recipes", "the name of the Flux Kustomization, `<bundle>-<stage>`"
            => |context| text(format!("{}-{}", context.stage?.0.name, context.stage?.1.stage.as_str()));
        "STAGE_PATH", "spec.gitops.path", "the stage's directory in the source"
            => |context| text(format!("{}/recipes/{}/{}", context.cluster.gitops.path, context.stage?.0.name, context.stage?.1.stage.as_str()));
        "STAGE_COMPONENTS", "spec.provider", "the provider's component, relative to the stage's directory" => |context| data(json!([context.stage?.1.component.as_ref()?]));
        "STAGE_DEPENDS_ON", "spec.recipes", "the Kustomizations that have to be ready first" => stage_depends_on;
        "STAGE_SUBSTITUTE", "spec.recipes", "values for the variables that the stage's files use"
            => |context| data(json!(some_map(&context.stage?.1.substitute)?));
        "STAGE_PATCHES", "spec.recipes", "the plan's patches for this stage" => stage_patches;
        "STAGE_TIMEOUT", "spec.recipes", "how long Flux waits for the stage" => |context| text(&context.stage?.1.timeout);
        "STAGE_DIGEST", "", "the digest of the bundle's folder in the catalogue that rendered this" => |context| text(&context.stage?.1.digest);
    }
    Mirror {
        "MIRROR_REGISTRY", "spec.talos.registryMirrors", "the registry that is mirrored" => |context| text(&context.mirror?.registry);
        "MIRROR_ENDPOINTS", "spec.talos.registryMirrors", "the mirrors, as Talos lists them" => mirror_endpoints;
        "MIRROR_SKIP_FALLBACK", "spec.talos.registryMirrors", "whether the registry itself is left out" => |context| context.mirror?.skip_fallback.map(Value::Bool);
    }
    Volume {
        "VOLUME_NAME", "spec.talos.userVolumes", "the volume's name" => |context| text(&context.volume?.name);
        "VOLUME_DISK_SELECTOR", "spec.talos.userVolumes", "the CEL expression that selects the disk"
            => |context| text(context.volume?.disk_selector.as_deref().unwrap_or("!system_disk"));
        "VOLUME_MIN_SIZE", "spec.talos.userVolumes", "the smallest size" => |context| text(context.volume?.min_size.as_deref().unwrap_or("10GiB"));
        "VOLUME_MAX_SIZE", "spec.talos.userVolumes", "the largest size" => |context| text(context.volume?.max_size.as_ref()?);
    }
}

/// The position of a variable in [`VARIABLES`].
#[must_use]
pub fn slot(name: &str) -> Option<u16> {
    static BY_NAME: OnceLock<BTreeMap<&str, u16>> = OnceLock::new();
    BY_NAME
        .get_or_init(|| (0..).zip(VARIABLES).map(|(slot, variable)| (variable.name, slot)).collect())
        .get(name)
        .copied()
}

/// The value of the variable at a position of [`VARIABLES`].
#[must_use]
pub fn value_at(context: &Context<'_>, slot: u16) -> Option<Value> {
    (VARIABLES.get(usize::from(slot))?.value)(context)
}

/// The value of a variable; `None` when it is unset or not known at this place.
#[must_use]
pub fn value(context: &Context<'_>, name: &str) -> Option<Value> {
    if let Some(slot) = slot(name) {
        return value_at(context, slot);
    }
    if let Some(component) = name.strip_prefix("VERSION_") {
        return component_version(&context.cluster.profile.spec, component);
    }
    if let Some((_, value)) = block_variable(context.cluster, name) {
        return Value::from_json(value.clone());
    }
    context.cluster.variables.get(name).cloned().and_then(Value::from_json)
}

/// The names that may be used at a level, for suggestions and `infraflux vars`.
#[must_use]
pub fn names(context: &Context<'_>, level: Level) -> Vec<String> {
    let reaches = |variable: &&Variable| {
        variable.level == Level::Cluster
            || variable.level == level
            || (variable.level == Level::Machines
                && matches!(level, Level::Zone | Level::Mirror | Level::Volume))
    };
    let mut names: Vec<String> =
        VARIABLES.iter().filter(reaches).map(|variable| variable.name.to_owned()).collect();
    names.extend(
        context.cluster.profile.spec.components.keys().map(|key| format!("VERSION_{}", upper_snake(key))),
    );
    names.extend(block_names(context.cluster.provider).iter().cloned());
    names.extend(context.cluster.variables.keys().cloned());
    names
}

/// Whether a name is one of ours, so that a plan's own variable would shadow it.
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name)
        || name.starts_with("VERSION_")
        || Provider::ALL.iter().any(|provider| block_names(*provider).iter().any(|known| known == name))
}

/// The field of the plan that a variable comes from.
#[must_use]
pub fn field(context: &Context<'_>, name: &str) -> Option<FieldPath> {
    if let Some(variable) = VARIABLES.iter().find(|variable| variable.name == name) {
        let machines = || context.machines.map(|machines| machines.field.clone());
        return match variable.field {
            "" => match (name, context.machines.map(|machines| machines.role)) {
                ("OVERRIDES_CLUSTER", _) => Some(block_field(context.cluster, &["overrides", "cluster"])),
                ("OVERRIDES_MACHINE", Some(Role::ControlPlane)) => {
                    Some(block_field(context.cluster, &["overrides", "controlPlane"]))
                }
                ("OVERRIDES_MACHINE", Some(Role::Worker)) => {
                    Some(block_field(context.cluster, &["overrides", "workers"]))
                }
                _ => None,
            },
            "@" => machines(),
            relative if relative.starts_with("@.") => {
                machines().map(|path| path.join(&FieldPath::of(relative[2..].split('.'))))
            }
            "spec.recipes" => context
                .stage
                .and_then(|(bundle, _)| bundle.field.clone())
                .or_else(|| Some(FieldPath::of(["spec", "recipes"]))),
            absolute => Some(FieldPath::of(absolute.split('.'))),
        };
    }
    if name.starts_with("VERSION_") {
        return Some(FieldPath::of(["spec", "profile"]));
    }
    if let Some((path, _)) = block_variable(context.cluster, name) {
        return Some(path);
    }
    if let Some(path) = block_path(context.cluster.provider, name) {
        return Some(path);
    }
    context.cluster.variables.contains_key(name).then(|| FieldPath::of(["spec", "variables"]).key(name))
}

// --- the provider's block ------------------------------------------------------------------------------------------

/// `vpcCIDR` as `VPC_CIDR`, `subnetIDs` as `SUBNET_IDS`, `addressesV6` as `ADDRESSES_V6`.
#[must_use]
pub fn upper_snake(camel: &str) -> String {
    let characters: Vec<char> = camel.chars().collect();
    let mut out = String::new();
    for (position, character) in characters.iter().enumerate() {
        if character.is_ascii_uppercase() && position > 0 {
            let before = characters[position - 1];
            let next = characters.get(position + 1);
            // A new word starts after a small letter, and at the last capital before a small letter (but not in `IDs`).
            let starts = !before.is_ascii_uppercase()
                || next.is_some_and(|next| {
                    next.is_ascii_lowercase()
                        && !(*next == 's'
                            && characters.get(position + 2).is_none_or(char::is_ascii_uppercase))
                });
            if starts {
                out.push('_');
            }
        }
        out.push(character.to_ascii_uppercase());
    }
    out
}

/// The names and paths of a provider's block, from its schema.
fn block_paths(provider: Provider) -> &'static BTreeMap<String, Vec<String>> {
    static PATHS: [OnceLock<BTreeMap<String, Vec<String>>>; 4] =
        [OnceLock::new(), OnceLock::new(), OnceLock::new(), OnceLock::new()];
    PATHS[provider as usize].get_or_init(|| {
        let schema = match provider {
            Provider::Aws => schemars::schema_for!(crate::plan::providers::Aws),
            Provider::Azure => schemars::schema_for!(crate::plan::providers::Azure),
            Provider::Gcp => schemars::schema_for!(crate::plan::providers::Gcp),
            Provider::Proxmox => schemars::schema_for!(crate::plan::providers::Proxmox),
        };
        let mut paths = BTreeMap::new();
        collect_paths(
            schema.as_value(),
            schema.as_value(),
            &mut vec![provider.as_str().to_owned()],
            &mut paths,
        );
        paths
    })
}

fn collect_paths(
    root: &Json,
    schema: &Json,
    path: &mut Vec<String>,
    out: &mut BTreeMap<String, Vec<String>>,
) {
    let schema = resolve_reference(root, schema);
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
    for (key, inner) in properties {
        if key == "overrides" {
            continue;
        }
        path.push(key.clone());
        let name: Vec<String> = path.iter().map(|part| upper_snake(part)).collect();
        out.insert(name.join("_"), path.clone());
        collect_paths(root, inner, path, out);
        path.pop();
    }
}

/// Follows `$ref` and the `anyOf: [{$ref}, null]` that stands for an optional field.
fn resolve_reference<'schema>(root: &'schema Json, schema: &'schema Json) -> &'schema Json {
    let target = schema
        .get("$ref")
        .or_else(|| schema.get("anyOf")?.as_array()?.iter().find_map(|option| option.get("$ref")))
        .and_then(Json::as_str)
        .and_then(|reference| root.pointer(reference.strip_prefix('#')?));
    target.unwrap_or(schema)
}

/// The variables of a provider's block, with the fields of the plan that they stand for.
#[must_use]
pub fn block_variables(provider: Provider) -> Vec<(String, FieldPath)> {
    block_paths(provider)
        .iter()
        .filter(|(name, _)| slot(name).is_none())
        .map(|(name, path)| {
            (name.clone(), FieldPath::of(std::iter::once("spec").chain(path.iter().map(String::as_str))))
        })
        .collect()
}

fn block_names(provider: Provider) -> Vec<String> {
    block_paths(provider).keys().filter(|name| slot(name).is_none()).cloned().collect()
}

fn block_path(provider: Provider, name: &str) -> Option<FieldPath> {
    let path = block_paths(provider).get(name)?;
    Some(FieldPath::of(std::iter::once("spec").chain(path.iter().map(String::as_str))))
}

/// A field of the provider's block that is set.
fn block_variable<'cluster>(
    cluster: &'cluster ResolvedCluster,
    name: &str,
) -> Option<(FieldPath, &'cluster Json)> {
    let path = block_paths(cluster.provider).get(name)?;
    let value = path[1..].iter().try_fold(&cluster.block, |value, key| value.get(key))?;
    (!value.is_null())
        .then(|| (FieldPath::of(std::iter::once("spec").chain(path.iter().map(String::as_str))), value))
}

fn block_field(cluster: &ResolvedCluster, keys: &[&str]) -> FieldPath {
    FieldPath::of(["spec", cluster.provider.as_str()].into_iter().chain(keys.iter().copied()))
}

fn overrides(cluster: &ResolvedCluster, part: &str) -> Option<Value> {
    data(cluster.block.get("overrides")?.get(part)?.clone()).filter(|value| !value.is_empty_collection())
}

/// Cluster API's Google provider tags workers `<cluster>-node`, and every machine `<cluster>`.
fn node_network_tag(cluster: &ResolvedCluster) -> String {
    if cluster.schedulable_control_plane { cluster.name.clone() } else { format!("{}-node", cluster.name) }
}

/// A name in the provider's block, or the cluster's for what the provider makes.
fn named_or_cluster(context: &Context<'_>, field: &str) -> Option<Value> {
    let given = context.cluster.block.get(field).and_then(Json::as_str);
    text(given.unwrap_or(&context.cluster.name))
}

fn cores_per_socket(context: &Context<'_>) -> Option<Value> {
    let cpu = context.machines?.cpu?;
    let sockets = context.cluster.spec.proxmox.as_ref()?.sockets.unwrap_or(1).max(1);
    integer(cpu / sockets + i32::from(cpu % sockets != 0))
}

fn by_role(context: &Context<'_>, field: &str) -> Option<Value> {
    let role = match context.machines?.role {
        Role::ControlPlane => "controlPlane",
        Role::Worker => "workers",
    };
    data(context.cluster.block.get(field)?.get(role)?.clone())
}

// --- values that are worked out ------------------------------------------------------------------------------------

fn api_version(context: &Context<'_>, key: &str) -> Option<Value> {
    text(context.cluster.profile.spec.api_versions.get(key)?)
}

fn api_group(context: &Context<'_>, key: &str) -> Option<Value> {
    let version = context.cluster.profile.spec.api_versions.get(key)?;
    text(version.split_once('/').map_or("", |(group, _)| group))
}

fn component_version(profile: &ProfileSpec, wanted: &str) -> Option<Value> {
    let (_, component) = profile.components.iter().find(|(key, _)| upper_snake(key) == wanted)?;
    text(&component.version)
}

fn list(items: &[String]) -> Option<Value> {
    if items.is_empty() { None } else { data(json!(items)) }
}

fn of_family(cidrs: &[String], ipv6: bool) -> Vec<String> {
    cidrs.iter().filter(|cidr| cidr.contains(':') == ipv6).cloned().collect()
}

fn map(values: Option<&Map<String, Json>>) -> Option<Value> {
    values.filter(|values| !values.is_empty()).and_then(|values| data(Json::Object(values.clone())))
}

fn some_map(map: &BTreeMap<String, String>) -> Option<&BTreeMap<String, String>> {
    (!map.is_empty()).then_some(map)
}

fn workers(cluster: &ResolvedCluster) -> i32 {
    cluster
        .pools
        .iter()
        .map(|pool| pool.autoscaling.as_ref().map_or(pool.replicas, |autoscaling| autoscaling.min))
        .sum()
}

/// How many machines take ordinary pods, at least.
#[must_use]
pub fn schedulable_machines(cluster: &ResolvedCluster) -> i32 {
    let control_planes = if cluster.schedulable_control_plane { cluster.control_plane.replicas } else { 0 };
    control_planes + workers(cluster)
}

fn cert_sans(cluster: &ResolvedCluster) -> Vec<String> {
    let mut names = Vec::new();
    if let Some(endpoint) = &cluster.network.endpoint {
        names.push(endpoint.host.clone());
    }
    names.extend(cluster.spec.talos.iter().filter_map(|talos| talos.cert_sans.clone()).flatten());
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

/// Without a Secret of its own a Kustomization decrypts with the controller's key (`--sops-age-secret`), but only if it says
/// that it wants to (fluxcd/kustomize-controller `internal/decryptor/decryptor.go`).
fn decryption(cluster: &ResolvedCluster) -> Option<Value> {
    match &cluster.gitops.decryption_secret {
        Some(secret) => data(json!({"provider": "sops", "secretRef": {"name": secret}})),
        None => data(json!({"provider": "sops"})),
    }
}

/// The Gateway answers for the names that the bundles' routes have, unless the plan says otherwise.
fn gateway_hostname(cluster: &ResolvedCluster) -> Option<String> {
    let given = cluster.gateway.as_ref()?.hostname.clone();
    let domain = || {
        // A variable has one value in all bundles of a cluster.
        let mut stages = cluster.bundles.iter().flat_map(|bundle| &bundle.stages);
        let domain = stages.find_map(|stage| stage.substitute.get("cluster_domain")).cloned();
        domain.unwrap_or_else(|| format!("{}.example.internal", cluster.name))
    };
    Some(given.unwrap_or_else(|| format!("*.{}", domain())))
}

fn load_balancer(cluster: &ResolvedCluster) -> Option<&LoadBalancer> {
    cluster.cilium.as_ref()?.load_balancer.as_ref()
}

fn load_balancer_folder(cluster: &ResolvedCluster) -> Option<&'static str> {
    Some(match load_balancer(cluster)?.mode {
        Some(LoadBalancerMode::L2) => "l2",
        Some(LoadBalancerMode::Bgp) => "bgp",
        None => "pool",
    })
}

fn load_balancer_blocks(cluster: &ResolvedCluster) -> Option<Json> {
    let addresses = load_balancer(cluster)?.addresses.as_ref().filter(|addresses| !addresses.is_empty())?;
    let blocks: Vec<Json> = addresses
        .iter()
        .map(|address| match address.split_once('-') {
            Some((start, stop)) => json!({"start": start.trim(), "stop": stop.trim()}),
            None if address.contains('/') => json!({"cidr": address}),
            None => json!({"start": address, "stop": address}),
        })
        .collect();
    Some(Json::Array(blocks))
}

/// A router is named by its address, so that another order in the plan is not another set of sessions.
fn load_balancer_peers(cluster: &ResolvedCluster) -> Option<Json> {
    let peers = load_balancer(cluster)?.peers.as_ref()?;
    let peer = |peer: &BgpPeer| {
        json!({
            "name": peer.address,
            "peerASN": peer.asn,
            "peerAddress": peer.address,
            "peerConfigRef": {"name": "default"},
        })
    };
    Some(peers.iter().map(peer).collect())
}

fn machine_deployment_name(context: &Context<'_>) -> Option<String> {
    let pool = &context.machines?.name;
    Some(match context.zone?.failure_domain {
        Some(zone) => name::join(&[&context.cluster.name, pool, zone]),
        None => name::join(&[&context.cluster.name, pool]),
    })
}

fn zone_replicas(context: &Context<'_>) -> Option<Value> {
    let machines = context.machines?;
    let position = context.zone?.position;
    match &machines.autoscaling {
        // A zone that gets none of the machines is not handed to the autoscaler.
        Some(autoscaling) => {
            (machines.spread(autoscaling.max).get(position) == Some(&0)).then_some(Value::Integer(0))
        }
        None => integer(*machines.spread(machines.replicas).get(position)?),
    }
}

/// Within a bundle a stage waits for the one before it; the first stage waits for the last of each bundle that it depends
/// on, and for the CNI; everything that may hold Gateway API objects waits for their CRDs.
fn stage_depends_on(context: &Context<'_>) -> Option<Value> {
    let (bundle, stage) = context.stage?;
    let cluster = context.cluster;
    let mut names: Vec<String> = Vec::new();
    let position = bundle.stages.iter().position(|other| other.stage == stage.stage)?;
    if position > 0 {
        names.push(format!("{}-{}", bundle.name, bundle.stages[position - 1].stage.as_str()));
    } else {
        if cluster.cilium.is_some() {
            names.push("cni".to_owned());
        }
        if bundle.name == "base" {
            names.push("gateway-api-crds".to_owned());
        }
        let mut before: Vec<&str> = bundle.depends_on.iter().map(String::as_str).collect();
        if bundle.name != "base"
            && !before.contains(&"base")
            && cluster.bundles.iter().any(|other| other.name == "base")
        {
            before.insert(0, "base");
        }
        for name in before {
            let other = cluster.bundles.iter().find(|other| other.name == name);
            if let Some(last) = other.and_then(|other| other.stages.last()) {
                names.push(format!("{name}-{}", last.stage.as_str()));
            }
        }
    }
    let list: Vec<Json> = names.iter().map(|name| json!({"name": name})).collect();
    (!list.is_empty()).then(|| data(Json::Array(list))).flatten()
}

fn stage_patches(context: &Context<'_>) -> Option<Value> {
    let (_, stage) = context.stage?;
    let mut out = Vec::new();
    if stage.stage == crate::plan::recipe::Stage::Releases {
        // Shared HelmReleases become this cluster's: the hub's helm-controller installs them there.
        let patch = format!(
            "- op: add\n  path: /spec/kubeConfig\n  value:\n    secretRef:\n      name: {}-kubeconfig\n",
            context.cluster.name
        );
        out.push(json!({
            "target": {"group": "helm.toolkit.fluxcd.io", "kind": "HelmRelease"},
            "patch": patch,
        }));
    }
    for patch in &stage.patches {
        let mut entry = json!({"patch": patch.patch});
        if let Some(target) = &patch.target {
            entry["target"] = patch_target(target);
        }
        out.push(entry);
    }
    (!out.is_empty()).then(|| data(Json::Array(out))).flatten()
}

fn patch_target(target: &PatchTarget) -> Json {
    serde_json::to_value(target).unwrap_or_default()
}

fn mirror_endpoints(context: &Context<'_>) -> Option<Value> {
    let mirror = context.mirror?;
    let endpoints: Vec<Json> = mirror
        .endpoints
        .iter()
        .map(|url| {
            let mut entry = json!({"url": url});
            if let Some(override_path) = mirror.override_path {
                entry["overridePath"] = json!(override_path);
            }
            entry
        })
        .collect();
    data(Json::Array(endpoints))
}

#[cfg(test)]
mod tests {
    use super::{VARIABLES, upper_snake};

    #[test]
    fn names_of_fields_become_names_of_variables() {
        let table = [
            ("vpcCIDR", "VPC_CIDR"),
            ("vpcID", "VPC_ID"),
            ("subnetIDs", "SUBNET_IDS"),
            ("subnetCIDRs", "SUBNET_CIDRS"),
            ("nodePortCIDRs", "NODE_PORT_CIDRS"),
            ("addressesV6", "ADDRESSES_V6"),
            ("vmIDRange", "VM_ID_RANGE"),
            ("apiServerLB", "API_SERVER_LB"),
            ("subscriptionID", "SUBSCRIPTION_ID"),
            ("dnsServers", "DNS_SERVERS"),
            ("clusterAPI", "CLUSTER_API"),
            ("awsEbsCsiDriver", "AWS_EBS_CSI_DRIVER"),
            ("ami", "AMI"),
            ("publicIP", "PUBLIC_IP"),
            ("gatewayAPI", "GATEWAY_API"),
            ("ipamInCluster", "IPAM_IN_CLUSTER"),
        ];
        for (camel, snake) in table {
            assert_eq!(upper_snake(camel), snake);
        }
    }

    #[test]
    fn every_variable_is_listed_once_and_described() {
        let mut names: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(VARIABLES.iter().all(|variable| !variable.description.is_empty()));
    }
}
