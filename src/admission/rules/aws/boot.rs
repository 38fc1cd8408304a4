//! What keeps Talos from booting and joining on AWS.

use serde_json::Value;

use crate::{
    admission::{
        Object,
        rules::{
            Context, Violation, field,
            set::{CORE, INFRASTRUCTURE},
            talos::{config::Role, dialect::MANY_DOCUMENTS},
        },
    },
    finding::suggest,
    yaml::pointer::FieldPath,
};

pub(super) fn user_data(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let Some(machines) = context.set.talos_machines_of(object).next() else { return Vec::new() };
    let spec = "spec.template.spec";
    if object.at(&format!("{spec}.ignition")).is_some() {
        return vec![
            context
                .error(
                    format!("{spec}.ignition").as_str(),
                    "Talos does not read Ignition, so the machines would stay without configuration",
                )
                .hint("remove `ignition` and set `cloudInit.insecureSkipSecretsManager: true`"),
        ];
    }
    let path = format!("{spec}.cloudInit.insecureSkipSecretsManager");
    if object.at(&path) == Some(&Value::Bool(true)) {
        return Vec::new();
    }
    vec![
        context
            .error(
                path.as_str(),
                format!(
                    "the machines of `{}` would get a script for cloud-init instead of their Talos \
                         configuration",
                    machines.owner.id.name
                ),
            )
            .hint(
                "set `cloudInit: {insecureSkipSecretsManager: true}`; the user data then stands \
                   readable in the instance metadata",
            ),
    ]
}

pub(super) fn image(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let (path, talos) = if object.id.kind == "AWSMachinePool" {
        ("spec.awsLaunchTemplate.ami.id", context.set.talos_machines_of(object).next().is_some())
    } else {
        ("spec.template.spec.ami.id", context.set.talos_machines_of(object).next().is_some())
    };
    if !talos || object.text(path).is_some_and(|id| !id.is_empty()) {
        return Vec::new();
    }
    vec![
        context
            .error(
                path,
                format!(
                    "{} `{}` has no `ami.id`, so the machines would boot an image made \
                                  for kubeadm",
                    object.id.kind, object.id.name
                ),
            )
            .hint(
                "take the AMI of your region from `cloud-images.json` of the Talos release, or import \
                   one from the Image Factory",
            ),
    ]
}

/// Whether a rule opens a port for a protocol.
fn opens(rule: &Value, protocol: &str, port: i64) -> bool {
    match field::text(rule, "protocol").unwrap_or_default() {
        "-1" => true,
        own if own == protocol => {
            field::integer(rule, "fromPort").is_some_and(|from| from <= port)
                && field::integer(rule, "toPort").is_some_and(|to| port <= to)
        }
        _ => false,
    }
}

/// Whether security groups come from somewhere else, so that their rules cannot be seen.
fn own_groups(context: &Context<'_>) -> bool {
    field::given(&context.object.value, "spec.network.securityGroupOverrides")
}

pub(super) fn ports(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let Some((cluster, _)) = context.set.talos_clusters_of(object).next() else { return Vec::new() };
    let other_groups = context
        .set
        .machines_in(cluster)
        .into_iter()
        .filter(|machines| machines.role == Role::ControlPlane)
        .filter_map(|machines| context.set.template(machines))
        .any(|template| field::given(&template.value, "spec.template.spec.additionalSecurityGroups"));
    if own_groups(context) || other_groups {
        return Vec::new();
    }
    // Control-plane machines carry the node group too.
    let lists = [
        "spec.network.additionalControlPlaneIngressRules",
        "spec.network.additionalNodeIngressRules",
        "spec.network.cni.cniIngressRules",
    ];
    let open = |port| {
        lists.iter().flat_map(|list| field::list(&object.value, list)).any(|rule| opens(rule, "tcp", port))
    };
    let workers = context.set.machines_in(cluster).iter().any(|machines| machines.role == Role::Worker);
    let first = FieldPath::of(lists.first().copied().unwrap_or_default().split('.'));
    let mut found = Vec::new();
    if !open(50000) {
        found.push(
            context
                .error(
                    first.clone(),
                    "nothing lets port 50000 (Talos API) reach the control planes, so \
                                       they are never bootstrapped",
                )
                .hint(
                    "add a rule: protocol tcp, 50000 to 50000, with the CIDR blocks of the \
                       management cluster",
                ),
        );
    }
    if workers && !open(50001) {
        found.push(
            context
                .error(
                    first,
                    "nothing lets port 50001 (Talos trustd) reach the control planes, so \
                               workers never join",
                )
                .hint(
                    "add a rule: protocol tcp, 50001 to 50001, `sourceSecurityGroupRoles: [node, \
                       controlplane]`",
                ),
        );
    }
    found
}

pub(super) fn cni_ports(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let Some((cluster, _)) = context.set.talos_clusters_of(object).next() else { return Vec::new() };
    let path = "spec.network.cni";
    if own_groups(context) {
        return Vec::new();
    }
    if object.at(path).is_none() {
        return vec![
            context
                .warning(path, "without `network.cni` only the ports of Calico are open between nodes")
                .hint("give `cni.cniIngressRules`; Cilium needs udp 8472, tcp 4240 and icmp"),
        ];
    }
    if !installs_cilium(context, cluster) {
        return Vec::new();
    }
    let lists = ["spec.network.cni.cniIngressRules", "spec.network.additionalNodeIngressRules"];
    if lists.iter().flat_map(|list| field::list(&object.value, list)).any(|rule| opens(rule, "udp", 8472)) {
        return Vec::new();
    }
    vec![
        context
            .warning(
                "spec.network.cni.cniIngressRules",
                "udp 8472 is closed between nodes, which Cilium's VXLAN needs",
            )
            .hint("add a rule: protocol udp, 8472 to 8472; with native routing this does not matter"),
    ]
}

/// Whether the set has a HelmRelease of Cilium in the cluster's namespace.
fn installs_cilium(context: &Context<'_>, cluster: &Object) -> bool {
    context
        .set
        .of_in("helm.toolkit.fluxcd.io", "HelmRelease", cluster.id.namespace.as_deref())
        .iter()
        .any(|release| release.id.name.contains("cilium"))
}

pub(super) fn node_ports(context: &Context<'_>) -> Vec<Violation> {
    let path = "spec.network.nodePortIngressRuleCidrBlocks";
    if field::given(&context.object.value, path) || own_groups(context) {
        return Vec::new();
    }
    vec![
        context
            .warning(path, "the NodePorts 30000 to 32767 of all nodes are open to the world")
            .hint("list who may reach them; the VPC's own CIDR block is enough behind load balancers"),
    ]
}

pub(super) fn ssh_key(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = "spec.template.spec.sshKeyName";
    if object.at(path).is_some() {
        return Vec::new();
    }
    let clusters: Vec<_> = context
        .set
        .talos_machines_of(object)
        .filter_map(|machines| context.set.infrastructure(context.set.cluster(machines)?))
        .collect();
    if clusters.is_empty() || clusters.iter().all(|cluster| cluster.at("spec.sshKeyName").is_some()) {
        return Vec::new();
    }
    vec![
        context
            .warning(
                path,
                "without `sshKeyName` AWS is asked for a key pair called `default`, and \
                            refuses the machine if there is none",
            )
            .hint("write `sshKeyName: \"\"`, which means no key; Talos has no SSH"),
    ]
}

pub(super) fn node_names(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for machines in context.set.talos_machines_of(context.object) {
        let Some(config) = context.set.config(machines) else { continue };
        let external = config.setting("cluster.externalCloudProvider.enabled") == Some(&Value::Bool(true));
        let full_name = if config.version.is_some_and(|version| version >= MANY_DOCUMENTS) {
            config.of_kind("KubeNodeConfig").any(|document| field::flag(&document.value, "registerWithFQDN"))
        } else {
            config.setting("machine.kubelet.registerWithFQDN") == Some(&Value::Bool(true))
        };
        if external && !full_name {
            found.push(
                context
                    .warning(
                        "spec.template.spec",
                        format!(
                            "the nodes of `{}` register with a short name, which the AWS cloud \
                                 controller does not find",
                            machines.owner.id.name
                        ),
                    )
                    .hint(
                        "add a Talos patch with `registerWithFQDN: true` (`machine.kubelet`, or \
                           `KubeNodeConfig` from Talos 1.14)",
                    ),
            );
        }
    }
    found
}

pub(super) fn zone(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = "spec.template.spec.failureDomain";
    let (Some(zone), Some(name)) = (object.text(path), object.text("spec.clusterName")) else {
        return Vec::new();
    };
    let cluster = context.set.find(CORE, "Cluster", object.id.namespace.as_deref(), name);
    let Some(infrastructure) = cluster
        .and_then(|cluster| context.set.infrastructure(cluster))
        .filter(|infrastructure| infrastructure.is(INFRASTRUCTURE, "AWSCluster"))
    else {
        return Vec::new();
    };
    if let Some(region) = infrastructure.text("spec.region").filter(|region| !zone.starts_with(region)) {
        return vec![
            context
                .error(path, format!("zone `{zone}` is not in region `{region}` of the cluster"))
                .hint(format!("zones there are called `{region}a`, `{region}b` and so on")),
        ];
    }
    let zones: Vec<&str> = field::list(&infrastructure.value, "spec.network.subnets")
        .iter()
        .filter_map(|subnet| field::text(subnet, "availabilityZone"))
        .collect();
    if zones.is_empty() || zones.contains(&zone) {
        return Vec::new();
    }
    vec![
        context
            .error(
                path,
                format!("the cluster has no subnet in zone `{zone}`, so its machines cannot be created"),
            )
            .hint(format!("add a subnet there, or use {}", suggest::list(&zones, "or"))),
    ]
}
