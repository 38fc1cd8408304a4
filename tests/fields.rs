//! No field of the plan is silent: each one changes what is rendered on some provider, or is refused with a finding at that very
//! field. The fields are those of the plan's own schema, so a new one that nothing renders fails here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{
    plans,
    rendering::{self, render},
};
use infraflux::{
    catalog::profile::Releases,
    engine::Engine,
    finding::Severity,
    plan::{ClusterPlanSpec, Provider, read::Request, reference, resolved::ResolvedCluster},
    yaml::pointer::FieldPath,
};
use rayon::prelude::*;
use serde_json::{Value, json};

/// A leaf of the schema.
struct Leaf {
    /// Its path below `spec`; pools are `workers.0`, entries of other lists `0`.
    path: String,
    schema: Value,
}

/// Fields that are shown elsewhere to mean something, and where.
const FOR_OTHERS: [(&str, &str); 2] = [
    ("variables", "they are for templates of the user's own; tests/up.rs has one"),
    ("provider", "another one is another plan: tests/providers.rs has all four"),
];

fn leaves() -> Vec<Leaf> {
    let root = schemars::schema_for!(ClusterPlanSpec);
    let mut out = Vec::new();
    walk(root.as_value(), root.as_value(), "", &mut out);
    assert!(out.len() > 120, "{}", out.len());
    out
}

fn resolve<'schema>(root: &'schema Value, schema: &'schema Value) -> &'schema Value {
    let reference = schema
        .get("$ref")
        .or_else(|| schema.get("anyOf")?.as_array()?.iter().find_map(|option| option.get("$ref")))
        .and_then(Value::as_str);
    reference.map_or(schema, |reference| root.pointer(&reference[1..]).expect("a definition"))
}

fn walk(root: &Value, schema: &Value, path: &str, out: &mut Vec<Leaf>) {
    let schema = resolve(root, schema);
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (key, inner) in properties {
            walk(root, inner, &below(key), out);
        }
        return;
    }
    if let Some(items) = schema.get("items") {
        let items = resolve(root, items);
        if items.get("properties").is_some() {
            walk(root, items, &below("0"), out);
            return;
        }
    }
    out.push(Leaf { path: path.to_owned(), schema: schema.clone() });
}

/// By path below `spec`: a value, and what else must be in the plan for it to matter.
type Samples = BTreeMap<&'static str, (Value, Vec<(&'static str, Value)>)>;

/// Values that a field takes, where its type alone does not tell; and what else must be in the plan for it to matter.
fn samples() -> Samples {
    let none = Vec::new;
    let balancer = || {
        vec![(
            "spec.addons.cilium.loadBalancer",
            json!({"mode": "l2", "addresses": ["10.20.1.200-10.20.1.220"]}),
        )]
    };
    let peers = || {
        vec![(
            "spec.addons.cilium.loadBalancer",
            json!({"mode": "bgp", "addresses": ["10.20.1.0/24"], "localASN": 64512, "peers": [{"address": "10.20.0.1", "asn": 64513}]}),
        )]
    };
    let autoscaling =
        || vec![("spec.workers.0", json!({"name": "web", "autoscaling": {"min": 0, "max": 3}}))];
    let volume = || vec![("spec.talos.userVolumes", json!([{"name": "data"}]))];
    let mirror = || {
        vec![(
            "spec.talos.registryMirrors",
            json!([{"registry": "docker.io", "endpoints": ["https://mirror.example.org"]}]),
        )]
    };
    BTreeMap::from([
        ("region", (json!("eu-west-1"), none())),
        ("profile", (json!("current"), none())),
        ("namespace", (json!("clusters"), none())),
        ("kubernetesVersion", (json!("1.35"), none())),
        ("talos.version", (json!("v1.13.9"), vec![("spec.talos.installDisk", json!("/dev/sda"))])),
        ("talos.extensions", (json!(["siderolabs/gvisor"]), none())),
        ("talos.extraKernelArgs", (json!(["console=ttyS0"]), none())),
        ("talos.imageFactory", (json!("factory.example.org"), none())),
        ("talos.installDisk", (json!("/dev/sda"), none())),
        ("talos.certSANs", (json!(["api.example.org"]), none())),
        ("talos.timeServers", (json!(["10.20.1.123"]), none())),
        ("talos.registryMirrors.0.registry", (json!("quay.io"), mirror())),
        ("talos.registryMirrors.0.endpoints", (json!(["https://other.example.org"]), mirror())),
        ("talos.registryMirrors.0.skipFallback", (json!(true), mirror())),
        ("talos.registryMirrors.0.overridePath", (json!(true), mirror())),
        ("talos.userVolumes.0.name", (json!("other"), volume())),
        ("talos.userVolumes.0.diskSelector", (json!("disk.size > 1u * GB"), volume())),
        ("talos.userVolumes.0.minSize", (json!("20GiB"), volume())),
        ("talos.userVolumes.0.maxSize", (json!("200GiB"), volume())),
        ("talos.userVolumes.0.pools", (json!(["batch"]), volume())),
        ("talos.patches.all", (json!([{"machine": {"sysctls": {"a.b": "1"}}}]), none())),
        ("talos.patches.controlPlane", (json!([{"machine": {"sysctls": {"a.b": "1"}}}]), none())),
        ("talos.patches.workers", (json!([{"machine": {"sysctls": {"a.b": "1"}}}]), none())),
        ("network.podCIDRs", (json!(["172.20.0.0/16"]), none())),
        ("network.serviceCIDRs", (json!(["172.21.0.0/16"]), none())),
        ("network.serviceDomain", (json!("lab.example.org"), none())),
        ("network.endpoint.host", (json!("10.20.0.11"), none())),
        ("network.endpoint.port", (json!(443), none())),
        ("network.managementCIDRs", (json!(["198.51.100.0/24"]), none())),
        ("network.nodeCIDRs", (json!(["10.20.0.0/16"]), none())),
        ("controlPlane.replicas", (json!(5), none())),
        ("controlPlane.cpu", (json!(8), none())),
        ("controlPlane.memoryGiB", (json!(32), none())),
        ("controlPlane.diskGiB", (json!(200), none())),
        ("controlPlane.instanceType", (json!("m7i.4xlarge"), none())),
        ("controlPlane.failureDomains", (json!(["1", "2"]), none())),
        ("controlPlane.labels", (json!({"example.org/a": "b"}), none())),
        ("controlPlane.annotations", (json!({"example.org/a": "b"}), none())),
        (
            "controlPlane.taints.0.key",
            (
                json!("example.org/b"),
                vec![("spec.controlPlane.taints", json!([{"key": "example.org/a", "effect": "NoSchedule"}]))],
            ),
        ),
        (
            "controlPlane.taints.0.value",
            (
                json!("c"),
                vec![("spec.controlPlane.taints", json!([{"key": "example.org/a", "effect": "NoSchedule"}]))],
            ),
        ),
        (
            "controlPlane.taints.0.effect",
            (
                json!("NoExecute"),
                vec![("spec.controlPlane.taints", json!([{"key": "example.org/a", "effect": "NoSchedule"}]))],
            ),
        ),
        ("controlPlane.patches", (json!([{"machine": {"sysctls": {"a.b": "1"}}}]), none())),
        ("controlPlane.rollout.type", (json!("OnDelete"), none())),
        ("controlPlane.rollout.maxSurge", (json!(0), none())),
        ("controlPlane.rollout.maxUnavailable", (json!(1), none())),
        ("controlPlane.schedulable", (json!(true), none())),
        ("controlPlane.healthCheck.enabled", (json!(true), none())),
        (
            "controlPlane.healthCheck.nodeStartupTimeoutSeconds",
            (json!(1801), vec![("spec.profile", json!("current"))]),
        ),
        (
            "controlPlane.healthCheck.unhealthyTimeoutSeconds",
            (json!(301), vec![("spec.profile", json!("current"))]),
        ),
        (
            "controlPlane.healthCheck.unhealthyLessThanOrEqualTo",
            (json!("50%"), vec![("spec.profile", json!("current"))]),
        ),
        ("workers.0.name", (json!("other"), none())),
        ("workers.0.replicas", (json!(7), none())),
        ("workers.0.cpu", (json!(8), none())),
        ("workers.0.memoryGiB", (json!(32), none())),
        ("workers.0.diskGiB", (json!(200), none())),
        ("workers.0.instanceType", (json!("m7i.4xlarge"), none())),
        ("workers.0.failureDomains", (json!(["1", "2"]), none())),
        ("workers.0.labels", (json!({"example.org/a": "b"}), none())),
        ("workers.0.annotations", (json!({"example.org/a": "b"}), none())),
        (
            "workers.0.taints.0.key",
            (
                json!("example.org/b"),
                vec![("spec.workers.0.taints", json!([{"key": "example.org/a", "effect": "NoSchedule"}]))],
            ),
        ),
        (
            "workers.0.taints.0.value",
            (
                json!("c"),
                vec![("spec.workers.0.taints", json!([{"key": "example.org/a", "effect": "NoSchedule"}]))],
            ),
        ),
        (
            "workers.0.taints.0.effect",
            (
                json!("NoExecute"),
                vec![("spec.workers.0.taints", json!([{"key": "example.org/a", "effect": "NoSchedule"}]))],
            ),
        ),
        ("workers.0.patches", (json!([{"machine": {"sysctls": {"a.b": "1"}}}]), none())),
        ("workers.0.autoscaling.min", (json!(1), autoscaling())),
        ("workers.0.autoscaling.max", (json!(9), autoscaling())),
        ("workers.0.autoscaling.options", (json!({"scaledownunneededtime": "10m"}), autoscaling())),
        ("workers.0.spot", (json!({"maxPrice": "0.10"}), none())),
        ("workers.0.rollout.maxSurge", (json!(2), none())),
        ("workers.0.rollout.maxUnavailable", (json!(1), none())),
        ("workers.0.rollout.type", (json!("OnDelete"), none())),
        ("workers.0.healthCheck.unhealthyLessThanOrEqualTo", (json!("50%"), none())),
        ("workers.0.healthCheck.nodeStartupTimeoutSeconds", (json!(1801), none())),
        ("workers.0.healthCheck.unhealthyTimeoutSeconds", (json!(301), none())),
        ("addons.cilium.values", (json!({"debug": {"enabled": true}}), none())),
        ("addons.cilium.clusterID", (json!(7), none())),
        (
            "addons.cilium.loadBalancer.mode",
            (
                json!("bgp"),
                vec![(
                    "spec.addons.cilium.loadBalancer",
                    json!({"mode": "l2", "addresses": ["10.20.1.0/24"], "localASN": 64512, "peers": [{"address": "10.20.0.1", "asn": 64513}]}),
                )],
            ),
        ),
        ("addons.cilium.loadBalancer.addresses", (json!(["10.20.1.100-10.20.1.110"]), balancer())),
        ("addons.cilium.loadBalancer.interfaces", (json!(["^ens18$"]), balancer())),
        ("addons.cilium.loadBalancer.localASN", (json!(64999), peers())),
        ("addons.cilium.loadBalancer.peers.0.address", (json!("10.20.0.2"), peers())),
        ("addons.cilium.loadBalancer.peers.0.asn", (json!(64999), peers())),
        ("addons.gateway.hostname", (json!("*.lab.example.org"), none())),
        ("addons.gateway.issuer", (json!("acme"), none())),
        ("addons.gateway.values", (json!({"deployment": {"replicas": 3}}), none())),
        ("addons.cloudProvider.values", (json!({"podAnnotations": {"a": "b"}}), none())),
        ("addons.cloudProvider.csiValues", (json!({"node": {"enableWindows": false}}), none())),
        ("recipes", (json!(["base", "observability"]), none())),
        ("gitops.sourceRef.name", (json!("other"), none())),
        ("gitops.sourceRef.namespace", (json!("other"), none())),
        ("gitops.sourceRef.kind", (json!("OCIRepository"), none())),
        ("gitops.path", (json!("./catalogue"), none())),
        ("gitops.interval", (json!("31m"), none())),
        ("gitops.retryInterval", (json!("3m"), none())),
        ("gitops.decryptionSecret", (json!("sops-age"), none())),
        ("gitops.shard", (json!("a"), none())),
    ])
}

/// Samples for the providers' blocks, which their own tests know best: here only that they do something.
fn block_samples() -> Samples {
    let none = Vec::new;
    let vpc = || {
        vec![(
            "spec.aws",
            json!({"ami": "ami-0a1b2c3d4e5f60718", "vpcID": "vpc-0a1b2c3d4e5f60718", "subnetIDs": ["subnet-0a1b2c3d4e5f60718"]}),
        )]
    };
    let io = || vec![("spec.aws.rootVolume", json!({"type": "io2", "iops": 3000}))];
    let v6 = || {
        vec![
            ("spec.proxmox.addressesV6", json!(["fd00:20::20-fd00:20::ff"])),
            ("spec.proxmox.prefixV6", json!(64)),
            ("spec.proxmox.gatewayV6", json!("fd00:20::1")),
        ]
    };
    let from_id = || {
        vec![
            ("spec.proxmox.templateTags", Value::Null),
            ("spec.proxmox.templateID", json!(9000)),
            ("spec.proxmox.sourceNode", json!("pve1")),
        ]
    };
    let ranged = || vec![("spec.proxmox.vmIDRange", json!({"start": 1000, "end": 1999}))];
    let roles = json!({"kind": "AWSClusterRoleIdentity", "name": "other"});
    BTreeMap::from([
        ("aws.ami", (json!("ami-0ffffffffffffffff"), none())),
        ("aws.vpcCIDR", (json!("10.60.0.0/16"), none())),
        ("aws.vpcID", (json!("vpc-0ffffffffffffffff"), vpc())),
        ("aws.subnetIDs", (json!(["subnet-0ffffffffffffffff"]), vpc())),
        ("aws.identity.name", (json!("third"), vec![("spec.aws.identity", roles)])),
        ("aws.nodePortCIDRs", (json!(["10.61.0.0/16"]), none())),
        ("aws.tags", (json!({"team": "web"}), none())),
        ("aws.rootVolume.type", (json!("gp2"), none())),
        ("aws.rootVolume.iops", (json!(4000), io())),
        ("aws.rootVolume.throughput", (json!(250), none())),
        ("aws.rootVolume.encryptionKey", (json!("alias/cluster"), none())),
        ("aws.metadataHopLimit", (json!(3), none())),
        ("aws.availabilityZoneUsageLimit", (json!(2), none())),
        ("aws.overrides.cluster", (json!({"partition": "aws"}), none())),
        ("aws.overrides.controlPlane", (json!({"tenancy": "dedicated"}), none())),
        ("aws.overrides.workers", (json!({"tenancy": "dedicated"}), none())),
        ("azure.subscriptionID", (json!("9f1c2d3e-4a5b-4c6d-8e7f-0123456789ff"), none())),
        (
            "azure.image.id",
            (
                json!("/subscriptions/x/resourceGroups/y/providers/Microsoft.Compute/images/z"),
                vec![("spec.azure.image", json!({}))],
            ),
        ),
        ("azure.image.version", (json!("1.13.11"), none())),
        ("azure.vnetCIDR", (json!("10.0.0.0/15"), none())),
        ("azure.subnetCIDRs.controlPlane", (json!("10.0.2.0/24"), none())),
        ("azure.subnetCIDRs.nodes", (json!("10.0.32.0/20"), none())),
        ("azure.tags", (json!({"team": "web"}), none())),
        (
            "azure.userAssignedIdentities.controlPlane",
            (
                json!(
                    "/subscriptions/x/resourceGroups/y/providers/Microsoft.ManagedIdentity/userAssignedIdentities/cp"
                ),
                none(),
            ),
        ),
        (
            "azure.userAssignedIdentities.workers",
            (
                json!(
                    "/subscriptions/x/resourceGroups/y/providers/Microsoft.ManagedIdentity/userAssignedIdentities/w"
                ),
                none(),
            ),
        ),
        (
            "azure.osDisk.diskEncryptionSetID",
            (
                json!("/subscriptions/x/resourceGroups/y/providers/Microsoft.Compute/diskEncryptionSets/z"),
                none(),
            ),
        ),
        ("azure.overrides.controlPlane", (json!({"enableIPForwarding": true}), none())),
        ("azure.overrides.workers", (json!({"enableIPForwarding": true}), none())),
        ("gcp.project", (json!("clusters-4712"), none())),
        ("gcp.image", (json!("projects/clusters-4711/global/images/talos-next"), none())),
        ("gcp.subnetCIDR", (json!("10.62.0.0/20"), none())),
        ("gcp.serviceAccount", (json!("nodes@clusters-4711.iam.gserviceaccount.com"), none())),
        ("gcp.labels", (json!({"team": "web"}), none())),
        ("gcp.rootDeviceType.controlPlane", (json!("pd-ssd"), none())),
        ("gcp.rootDeviceType.workers", (json!("pd-ssd"), none())),
        (
            "gcp.loadBalancerType",
            (json!("InternalExternal"), vec![("spec.network.endpoint", json!({"host": "10.0.0.10"}))]),
        ),
        ("gcp.serviceAccountScopes", (json!(["https://www.googleapis.com/auth/compute"]), none())),
        (
            "gcp.overrides.cluster",
            (json!({"resourceManagerTags": [{"parentID": "1", "key": "a", "value": "b"}]}), none()),
        ),
        ("proxmox.addresses", (json!(["10.20.0.20-10.20.0.249"]), none())),
        ("proxmox.prefix", (json!(23), none())),
        ("proxmox.gateway", (json!("10.20.0.2"), none())),
        ("proxmox.addressesV6", (json!(["fd00:20::20-fd00:20::fe"]), v6())),
        ("proxmox.prefixV6", (json!(63), v6())),
        ("proxmox.gatewayV6", (json!("fd00:20::2"), v6())),
        ("proxmox.dnsServers", (json!(["10.20.1.54"]), none())),
        ("proxmox.templateTags", (json!(["talos-next"]), none())),
        ("proxmox.templateID", (json!(9001), from_id())),
        ("proxmox.sourceNode", (json!("pve2"), from_id())),
        ("proxmox.bootDisk", (json!("virtio0"), none())),
        ("proxmox.mtu", (json!(9000), none())),
        ("proxmox.sockets", (json!(2), none())),
        ("proxmox.tags", (json!(["lab"]), none())),
        ("proxmox.vmIDRange.start", (json!(1001), ranged())),
        ("proxmox.vmIDRange.end", (json!(1998), ranged())),
        ("proxmox.memoryAdjustment", (json!(50), none())),
        ("proxmox.allowedNodes", (json!(["pve1"]), none())),
        ("proxmox.overrides.cluster", (json!({"cloneSpec": {}}), none())),
        ("proxmox.overrides.controlPlane", (json!({"description": "x"}), none())),
        ("proxmox.overrides.workers", (json!({"description": "x"}), none())),
    ])
}

/// Samples for fields that need others beside them.
fn in_company() -> Samples {
    let azure = |more: Value| {
        let mut block = json!({
            "subscriptionID": "9f1c2d3e-4a5b-4c6d-8e7f-0123456789ab",
            "image": {"gallery": "talos", "name": "talos", "version": "1.13.10", "resourceGroup": "images"},
            "subnetCIDRs": {"controlPlane": "10.0.0.0/24", "nodes": "10.0.16.0/20"},
            "apiServerLB": "Internal", "apiServerIP": "10.0.0.100",
        });
        block.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        vec![("spec.azure", block)]
    };
    let internal = || azure(json!({"vnetCIDR": "10.0.0.0/16"}));
    let names = json!({"controlPlane": "k8s-control-plane", "nodes": "k8s-nodes"});
    let vnet = || azure(json!({"vnet": {"name": "corp", "resourceGroup": "net"}, "subnetNames": names}));
    let zone = json!({"vnetCIDR": "10.0.0.0/16", "privateDNSZone": {"name": "private.example.internal"}});
    let peering = || vec![("spec.azure.peerings", json!([{"remoteVnetName": "hub"}]))];
    let ports = || vec![("spec.azure.additionalAPIServerLBPorts", json!([{"name": "talos", "port": 50000}]))];
    let gcp = |more: Value| {
        let mut block = json!({
            "project": "clusters-4711", "image": "projects/clusters-4711/global/images/talos-v1-13",
        });
        block.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        vec![("spec.gcp", block)]
    };
    let shared = || gcp(json!({"network": "shared", "subnet": "nodes", "hostProject": "network-4712"}));
    let disk = json!([{"deviceType": "pd-ssd", "size": 20}]);
    let disks = || gcp(json!({"additionalDisks": {"controlPlane": disk, "workers": disk}}));
    let mut inside = gcp(json!({"loadBalancerType": "Internal", "subnetCIDR": "10.70.0.0/20"}));
    inside.push(("spec.network.endpoint", json!({"host": "10.70.0.10"})));
    let ccm = || {
        vec![
            ("spec.proxmox.cloudControllerManager", json!("proxmox")),
            ("spec.proxmox.apiURL", json!("https://pve.example.net:8006/api2/json")),
            ("spec.proxmox.csiStorage", json!("local-lvm")),
        ]
    };
    let subnet = |id: &str, zone: &str, cidr: &str, public: bool| json!({"id": id, "availabilityZone": zone, "cidrBlock": cidr, "isPublic": public});
    let subnets = || {
        vec![
            ("spec.aws.vpcCIDR", json!("10.0.0.0/16")),
            (
                "spec.aws.subnets",
                json!([
                    subnet("private-a", "eu-central-1a", "10.0.64.0/20", false),
                    subnet("private-b", "eu-central-1b", "10.0.128.0/20", false),
                    subnet("public-a", "eu-central-1a", "10.0.0.0/20", true),
                    subnet("public-b", "eu-central-1b", "10.0.16.0/20", true),
                ]),
            ),
        ]
    };
    BTreeMap::from([
        (
            "aws.identity.kind",
            (
                json!("AWSClusterStaticIdentity"),
                vec![("spec.aws.identity", json!({"kind": "AWSClusterRoleIdentity", "name": "a"}))],
            ),
        ),
        ("aws.poolAMIs", (json!({"web": "ami-0ffffffffffffffff"}), Vec::new())),
        ("aws.subnets.0.id", (json!("other"), subnets())),
        ("aws.subnets.0.availabilityZone", (json!("eu-central-1b"), subnets())),
        ("aws.subnets.0.cidrBlock", (json!("10.0.32.0/20"), subnets())),
        ("aws.subnets.0.isPublic", (json!(true), subnets())),
        ("aws.subnets.0.tags", (json!({"team": "web"}), subnets())),
        ("azure.apiServerIP", (json!("10.0.0.50"), internal())),
        ("azure.apiServerLB", (json!("Public"), internal())),
        ("azure.apiServerCIDRs", (json!(["198.51.100.0/24"]), Vec::new())),
        ("azure.controlPlaneOutbound", (json!("None"), internal())),
        ("azure.nodeOutbound", (json!("LoadBalancer"), vnet())),
        ("azure.loadBalancerZones", (json!(["1", "2"]), internal())),
        ("azure.privateDNSZone.name", (json!("private.example.internal"), internal())),
        ("azure.privateDNSZone.resourceGroup", (json!("dns"), azure(zone))),
        ("azure.peerings.0.remoteVnetName", (json!("other"), peering())),
        ("azure.peerings.0.resourceGroup", (json!("other"), peering())),
        ("azure.additionalAPIServerLBPorts.0.name", (json!("other"), ports())),
        ("azure.additionalAPIServerLBPorts.0.port", (json!(50001), ports())),
        ("azure.vnet.name", (json!("other"), vnet())),
        ("azure.vnet.resourceGroup", (json!("other"), vnet())),
        ("azure.overrides.cluster", (json!({"additionalTags": {"a": "b"}}), Vec::new())),
        ("gcp.hostProject", (json!("network-4713"), shared())),
        ("gcp.subnet", (json!("other"), shared())),
        ("gcp.internalAccess", (json!("Global"), inside)),
        ("gcp.additionalDisks.controlPlane.0.deviceType", (json!("pd-standard"), disks())),
        ("gcp.additionalDisks.controlPlane.0.size", (json!(30), disks())),
        ("gcp.additionalDisks.workers.0.deviceType", (json!("pd-standard"), disks())),
        ("gcp.additionalDisks.workers.0.size", (json!(30), disks())),
        ("gcp.overrides.controlPlane", (json!({"onHostMaintenance": "Terminate"}), Vec::new())),
        ("gcp.overrides.workers", (json!({"onHostMaintenance": "Terminate"}), Vec::new())),
        ("proxmox.regionLabel", (json!("other"), ccm())),
        ("proxmox.apiURL", (json!("https://pve2.example.net:8006/api2/json"), ccm())),
        ("proxmox.apiInsecure", (json!(true), ccm())),
        ("proxmox.csiStorage", (json!("ceph"), ccm())),
    ])
}

/// Values that the type of a field allows.
fn by_type(schema: &Value) -> Vec<Value> {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        return words.clone();
    }
    if let Some(options) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        return options
            .iter()
            .filter_map(|option| option.get("const").cloned())
            .chain(options.iter().flat_map(by_type))
            .collect();
    }
    if let Some(word) = schema.get("const") {
        return vec![word.clone()];
    }
    let is = |name: &str| match &schema["type"] {
        Value::String(kind) => kind == name,
        Value::Array(kinds) => kinds.iter().any(|kind| kind == name),
        _ => false,
    };
    if is("boolean") {
        vec![json!(true), json!(false)]
    } else if is("integer") {
        let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(0);
        vec![json!(least + 3), json!(least + 1)]
    } else if is("string") {
        vec![json!("sample")]
    } else if is("array") {
        vec![json!(["sample"])]
    } else {
        vec![json!({"sample": "sample"})]
    }
}

/// Why a field is silent; `None` when it is not.
fn silence(engine: &Engine, leaf: &Leaf, samples: &Samples) -> Option<String> {
    let known = samples.get(&*leaf.path);
    let values = known.map_or_else(|| by_type(&leaf.schema), |(value, _)| vec![value.clone()]);
    let first = leaf.path.split('.').next().unwrap_or_default();
    let providers: Vec<Provider> = match Provider::parse(first) {
        Some(provider) => vec![provider],
        None => Provider::ALL.to_vec(),
    };
    let mut why = Vec::new();
    for provider in providers {
        let mut base = plans::base(provider);
        for (path, value) in known.iter().flat_map(|(_, context)| context) {
            base = plans::set(&base, path, value.clone());
        }
        let before = render(engine, "plan", &plans::as_json(&base), None);
        let Some(before) = before.cluster else {
            why.push(format!("{provider}: the plan without it: {}", before.told(Severity::Error).join("; ")));
            continue;
        };
        for value in &values {
            let path = format!("spec.{}", leaf.path);
            let edited = plans::set(&base, &path, value.clone());
            let after = render(engine, "plan", &plans::as_json(&edited), None);
            match &after.cluster {
                Some(after) if after.contents() != before.contents() => return None,
                Some(_) => why.push(format!("{provider}: {value} changes nothing")),
                None => {
                    // Refused for what it is: it is not offered, or does not go with its neighbours.
                    let codes: &[&str] = if known.is_some() { &["IF0206", "IF0221"] } else { &["IF0206"] };
                    let refused = after.findings.iter().any(|finding| {
                        codes.contains(&finding.code.id) && finding.severity == Severity::Error
                    });
                    if refused {
                        return None;
                    }
                    why.push(format!("{provider}: {value}: {}", after.told(Severity::Error).join("; ")));
                }
            }
        }
    }
    Some(format!("{}\n    {}", leaf.path, why.join("\n    ")))
}

#[test]
fn no_field_is_silent() {
    let engine = rendering::engine();
    let mut samples = samples();
    samples.extend(block_samples());
    samples.extend(in_company());
    let leaves = leaves();
    let unknown: Vec<&&str> =
        samples.keys().filter(|path| !leaves.iter().any(|leaf| leaf.path == **path)).collect();
    assert!(unknown.is_empty(), "samples for fields that are not there: {unknown:?}");
    let silent: Vec<String> = leaves
        .par_iter()
        .filter(|leaf| !FOR_OTHERS.iter().any(|(path, _)| *path == leaf.path))
        .filter_map(|leaf| silence(&engine, leaf, &samples))
        .collect();
    assert!(silent.is_empty(), "{} fields do nothing:\n{}", silent.len(), silent.join("\n"));
}

/// A default that depends on something, as it was decided; `None` for a cluster that has nothing of the kind.
fn decided(path: &str, cluster: &ResolvedCluster) -> Option<String> {
    let pool = cluster.pools.first().expect("a pool");
    let machines = if path.starts_with("spec.workers") { pool } else { &cluster.control_plane };
    let newest = |releases: &Releases, version: &semver::Version| {
        let newest = &releases.newest[&releases.default].version;
        (newest.trim_start_matches('v') == version.to_string()).then_some(())
    };
    let said = |text: &str| Some(text.to_owned());
    let words = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let profile = &cluster.profile.spec;
    let check = machines.health_check.as_ref();
    match path {
        "spec.namespace" => said(if cluster.namespace == cluster.name { "the cluster's name" } else { "?" }),
        "spec.kubernetesVersion" => {
            said(newest(&profile.kubernetes, &cluster.kubernetes).map_or("?", |()| "the profile's"))
        }
        "spec.talos.version" => {
            said(newest(&profile.talos, &cluster.talos.version).map_or("?", |()| "the profile's newest"))
        }
        "spec.region" => {
            let node = cluster.origins.node(&FieldPath::of(["spec", "region"])).expect("a region");
            said(if cluster.origins.is_example(node) { "an example, to be replaced" } else { "?" })
        }
        "spec.talos.secureBoot" => Some(cluster.talos.secure_boot.to_string()),
        "spec.network.endpoint.port" => {
            cluster.network.endpoint.as_ref().map(|endpoint| endpoint.port.to_string())
        }
        "spec.workers" => {
            let names: Vec<String> =
                cluster.pools.iter().map(|pool| format!("{{name: {}}}", pool.name)).collect();
            Some(format!("[{}]", names.join(", ")))
        }
        _ => match path.rsplit_once(['.', ']']).map(|(_, last)| last).expect("a path") {
            "replicas" => Some(machines.replicas.to_string()),
            // A type of the provider's table has at least what was asked for.
            "cpu" | "memoryGiB" if machines.picked => None,
            "cpu" => machines.cpu.map(|cpu| cpu.to_string()),
            "memoryGiB" => machines.memory_gib.map(|memory| memory.to_string()),
            "diskGiB" => Some(machines.disk_gib.to_string()),
            "type" => Some(format!("{:?}", machines.rollout.kind)),
            "maxSurge" => Some(words(&machines.rollout.max_surge)),
            "maxUnavailable" => Some(words(&machines.rollout.max_unavailable)),
            "enabled" => Some(check.is_some().to_string()),
            "nodeStartupTimeoutSeconds" => check.map(|check| check.node_startup_timeout_seconds.to_string()),
            "unhealthyTimeoutSeconds" => check.map(|check| check.unhealthy_timeout_seconds.to_string()),
            "unhealthyLessThanOrEqualTo" => check.map(|check| words(&check.unhealthy_less_than_or_equal_to)),
            _ => panic!("{path}: this test does not know where it is decided"),
        },
    }
}

#[test]
fn defaults_that_are_decided_are_those_of_the_reference() {
    let engine = rendering::engine();
    let mut seen = std::collections::BTreeSet::new();
    // As it is without any word, and with enough machines and a health check for all of them.
    let more = ["controlPlane.healthCheck.enabled=true", "workers=[{name: default, replicas: 6}]"];
    let cases = Provider::ALL.into_iter().flat_map(|provider| [(provider, &[][..]), (provider, &more[..])]);
    for (provider, sets) in cases {
        let mut request = Request::default();
        let flags = [("provider", provider.as_str()), ("name", "lab")];
        request.add_flags(&flags.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        for set in sets {
            request.add_set(set).unwrap();
        }
        let outcome = engine.run(request);
        let cluster = &outcome.clusters.first().unwrap_or_else(|| panic!("{:?}", outcome.findings)).cluster;
        for (path, text) in reference::DECIDED {
            if !sets.is_empty() && *path == "spec.workers[].replicas" {
                continue;
            }
            let few = sets.is_empty() && path.starts_with("spec.workers");
            let exception = [(", on Proxmox ", provider == Provider::Proxmox), (", below 3 machines ", few)]
                .into_iter()
                .find_map(|(words, holds)| {
                    text.split_once(words).map(|(usual, other)| (usual, other, holds))
                });
            let expected = match exception {
                Some((_, other, true)) => other,
                Some((usual, ..)) => usual,
                None => text,
            };
            if let Some(found) = decided(path, cluster) {
                assert_eq!(found, expected, "{provider}: {path}");
                seen.insert(*path);
            }
        }
    }
    assert_eq!(seen.len(), reference::DECIDED.len(), "each one was decided on some provider: {seen:?}");
}
