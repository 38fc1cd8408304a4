//! Cluster API Provider GCP (CAPG).

use serde_json::Value;

use crate::{
    admission::Object,
    finding::{codes, suggest},
    yaml::pointer::FieldPath,
};

use super::{
    Context, Kind, Rule, Violation, core, field, label, machine_template,
    set::{CORE, INFRASTRUCTURE, Machines},
    talos::config::{MachineConfig, Role},
    template_changed,
};

const CLUSTER: Kind = Kind::new(INFRASTRUCTURE, "GCPCluster");
const TEMPLATE: Kind = machine_template::GCP;

const CLUSTER_WEBHOOK: &str = "kubernetes-sigs/cluster-api-provider-gcp webhooks/gcpcluster_webhook.go";

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "gcp/cluster-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "Project, region, credentials and the whole load balancer of a GCPCluster do not change.",
        source: CLUSTER_WEBHOOK,
        check: cluster_changed,
    },
    Rule {
        name: "gcp/cluster-name",
        code: &codes::NAME_FORM,
        kinds: &[CLUSTER],
        meaning: "Names of GCP resources begin with the cluster's name, so it starts with a letter.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/scope/firewall.go (names derive from it)",
        check: cluster_name,
    },
    Rule {
        name: "gcp/mtu",
        code: &codes::REFUSED_VALUE,
        kinds: &[CLUSTER],
        meaning: "The MTU of the network lies between 1300 and 8896.",
        source: CLUSTER_WEBHOOK,
        check: mtu,
    },
    Rule {
        name: "gcp/firewall-ports",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[CLUSTER],
        meaning: "Only firewall rules for TCP and UDP have ports. The webhook looks only at updates: the object is created, \
                  and then can never be changed.",
        source: CLUSTER_WEBHOOK,
        check: firewall_ports,
    },
    Rule {
        name: "gcp/firewall-names",
        code: &codes::NAME_FORM,
        kinds: &[CLUSTER],
        meaning: "Firewall rules get the cluster's name in front and are cut at 63 characters; they must \
                  still differ.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/scope/firewall.go",
        check: firewall_names,
    },
    Rule {
        name: "gcp/made-once",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "Subnets and firewall rules are made once: the provider neither changes nor removes one that exists.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/services/compute/firewalls/reconcile.go, \
                 cloud/services/compute/subnets/reconcile.go",
        check: made_once,
    },
    Rule {
        name: "gcp/shared-network",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[CLUSTER],
        meaning: "In a network of another project (`hostProject`) the provider makes no firewall rules.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/scope/cluster.go \
                 (SkipFirewallRulesManagement), cloud/services/compute/firewalls/reconcile.go",
        check: shared_network,
    },
    Rule {
        name: "gcp/load-balancer-type",
        code: &codes::REFUSED_VALUE,
        kinds: &[CLUSTER],
        meaning: "The load balancer is `External`, `Internal` or `InternalExternal`; anything else makes \
                  none, in silence.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/services/compute/loadbalancers/reconcile.go",
        check: load_balancer_type,
    },
    Rule {
        name: "gcp/template-changed",
        code: &codes::TEMPLATE_CHANGED,
        kinds: &[TEMPLATE],
        meaning: "The spec of a GCPMachineTemplate does not change.",
        source: "kubernetes-sigs/cluster-api-provider-gcp webhooks/gcpmachinetemplate_webhook.go",
        check: changed,
    },
    Rule {
        name: "gcp/confidential",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE],
        meaning: "Confidential machines stop for host maintenance and are of a series that has the technology.",
        source: "kubernetes-sigs/cluster-api-provider-gcp webhooks/gcpmachine_webhook.go",
        check: confidential,
    },
    Rule {
        name: "gcp/zone",
        code: &codes::ZONE,
        kinds: &[core::MACHINE_DEPLOYMENT],
        meaning: "A pool names a zone of the cluster's region; without one all its machines go to the \
                  first zone. The failure domains of a GCPCluster bind control planes alone.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/scope/machine.go (Zone)",
        check: zone,
    },
    Rule {
        name: "gcp/talos-image",
        code: &codes::NO_TALOS_IMAGE,
        kinds: &[TEMPLATE],
        meaning: "For Talos `image` or `imageFamily` is given: the fallback is an old Ubuntu.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/scope/machine.go",
        check: image,
    },
    Rule {
        name: "gcp/talos-ports",
        code: &codes::TALOS_PORTS,
        kinds: &[CLUSTER],
        meaning: "The provider's own firewall rules open the Talos API (50000) to machines of the cluster alone; a \
                  network that the provider makes refuses the rest, from inside too.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/scope/firewall.go",
        check: ports,
    },
    Rule {
        name: "gcp/instance-group-name",
        code: &codes::NAME_FORM,
        kinds: &[CLUSTER],
        meaning: "The provider makes an instance group `<cluster>-apiserver-<zone>`, of at most 63 characters.",
        source: "kubernetes-sigs/cluster-api-provider-gcp cloud/scope/cluster.go (InstanceGroupSpec)",
        check: instance_group,
    },
    Rule {
        name: "gcp/talos-internal",
        code: &codes::NO_HEALTHY_ENDPOINT,
        kinds: &[CLUSTER],
        meaning: "An internal load balancer passes packets on as they are: control planes carry its address, and listen on \
                  its port.",
        source: "siderolabs/talos issue 4109, kubernetes-sigs/cluster-api-provider-gcp \
                 cloud/services/compute/loadbalancers/reconcile.go (createInternalLoadBalancer)",
        check: internal,
    },
];

/// How many characters a zone has more than its region: `-a`.
const ZONE_SUFFIX: usize = 2;

fn instance_group(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let tag = object.text("spec.loadBalancer.apiServerInstanceGroupTagOverride").unwrap_or("apiserver");
    let region = object.text("spec.region").unwrap_or_default();
    let length = object.id.name.len() + 1 + tag.len() + 1 + region.len() + ZONE_SUFFIX;
    if length <= 63 {
        return Vec::new();
    }
    vec![
        context
            .error(
                "metadata.name",
                format!(
                    "the instance group `{}-{tag}-{region}-a` would have {length} characters, at most 63 are possible",
                    object.id.name
                ),
            )
            .hint(format!("use a name that is at least {} characters shorter", length - 63)),
    ]
}

/// The addresses that a control plane's own links carry.
fn carried<'config>(config: &'config MachineConfig<'_>) -> Vec<&'config str> {
    ["DummyLinkConfig", "LinkConfig"]
        .into_iter()
        .flat_map(|kind| config.of_kind(kind))
        .flat_map(|document| field::list(&document.value, "addresses"))
        .filter_map(|entry| field::text(entry, "address"))
        .map(|address| address.split_once('/').map_or(address, |(address, _)| address))
        .collect()
}

fn internal(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    // Beside an external one it is only half a loss.
    let (internal, alone) = match object.text("spec.loadBalancer.loadBalancerType") {
        Some("Internal") => (true, true),
        Some("InternalExternal") => (true, false),
        _ => (false, false),
    };
    if !internal {
        return Vec::new();
    }
    let report = |path: &str, message: String| {
        if alone { context.error(path, message) } else { context.warning(path, message) }
    };
    let path = "spec.loadBalancer.internalLoadBalancer.ipAddress";
    let address = object.text(path);
    let mut found = Vec::new();
    for (cluster, _) in context.set.talos_clusters_of(object) {
        let port = field::integer(&cluster.value, "spec.clusterNetwork.apiServerPort").unwrap_or(443);
        if port != 6443 {
            found.push(
                report(
                    "spec.loadBalancer.loadBalancerType",
                    format!("the internal load balancer listens on {port}, the machines on 6443"),
                )
                .hint("set `clusterNetwork.apiServerPort: 6443` on the Cluster"),
            );
        }
        let Some(address) = address else {
            found.push(
                report(
                    path,
                    "Talos cannot take packets for an address that it does not know beforehand".to_owned(),
                )
                .hint("give a free address of the subnet, in the plan as `spec.network.endpoint.host`"),
            );
            continue;
        };
        let config = context
            .set
            .machines_in(cluster)
            .into_iter()
            .filter(|machines| machines.role == Role::ControlPlane)
            .find_map(|machines| context.set.config(machines));
        if config.is_some_and(|config| !carried(config).contains(&address)) {
            found.push(
                report(path, format!("no link of the control planes carries `{address}`"))
                    .hint(format!("add a Talos patch: a `DummyLinkConfig` with the address `{address}/32`")),
            );
        }
    }
    found
}

fn cluster_changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    ["spec.project", "spec.region", "spec.credentialsRef", "spec.loadBalancer"]
        .into_iter()
        .filter(|path| previous.at(path) != context.object.at(path))
        .map(|path| {
            context
                .error(path, field::change(&format!("`{path}`"), previous.at(path), context.object.at(path)))
                .hint("keep the old value; for the new one, make a new cluster")
        })
        .collect()
}

fn cluster_name(context: &Context<'_>) -> Vec<Violation> {
    let name = &context.object.id.name;
    if name.starts_with(|letter: char| letter.is_ascii_lowercase()) && label::is_dns_label(name) {
        return Vec::new();
    }
    vec![
        context
            .error("metadata.name", format!("`{name}` cannot begin the names of GCP resources"))
            .hint("use lower-case letters, digits and `-`, and start with a letter"),
    ]
}

fn mtu(context: &Context<'_>) -> Vec<Violation> {
    let path = "spec.network.mtu";
    match field::integer(&context.object.value, path) {
        Some(mtu) if !(1300..=8896).contains(&mtu) => vec![
            context
                .error(path, format!("an MTU of {mtu} is not possible"))
                .hint("use 1300 to 8896; 1460 is the default"),
        ],
        _ => Vec::new(),
    }
}

const FIREWALL_RULES: &str = "spec.network.firewall.firewallRules";

fn firewall_ports(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (index, rule) in field::list(&context.object.value, FIREWALL_RULES).iter().enumerate() {
        for list in ["allowed", "denied"] {
            for (position, entry) in field::list(rule, list).iter().enumerate() {
                let protocol = field::text(entry, "IPProtocol").unwrap_or_default();
                if field::given(entry, "ports") && !["TCP", "UDP"].contains(&protocol) {
                    let path = FieldPath::of(FIREWALL_RULES.split('.'))
                        .index(index)
                        .key(list)
                        .index(position)
                        .key("ports");
                    found.push(
                        context
                            .error(
                                path,
                                format!(
                                    "{protocol} has no ports, and the GCPCluster could not \
                                be changed any more once it is created"
                                ),
                            )
                            .hint("remove `ports`, or use `TCP` or `UDP` in capitals"),
                    );
                }
            }
        }
    }
    found
}

/// The name that a firewall rule gets in GCP.
fn firewall_name(cluster: &str, rule: &Value) -> String {
    let full = match field::text(rule, "name") {
        Some(name) if name.starts_with(cluster) => name.to_owned(),
        Some(name) => format!("{cluster}-{name}"),
        None => {
            format!("{cluster}-{}", field::text(rule, "direction").unwrap_or("Ingress").to_lowercase())
        }
    };
    let cut: String = full.chars().take(63).collect();
    cut.trim_end_matches('-').to_owned()
}

fn firewall_names(context: &Context<'_>) -> Vec<Violation> {
    let cluster = &context.object.id.name;
    let mut taken: Vec<(String, usize)> = Vec::new();
    let mut found = Vec::new();
    for (index, rule) in field::list(&context.object.value, FIREWALL_RULES).iter().enumerate() {
        let cut = firewall_name(cluster, rule);
        if let Some((_, first)) = taken.iter().find(|(name, _)| *name == cut) {
            found.push(
                context
                    .error(
                        FieldPath::of(FIREWALL_RULES.split('.')).index(index).key("name"),
                        format!(
                            "the firewall rules {} and {} would both be called `{cut}`",
                            first + 1,
                            index + 1
                        ),
                    )
                    .hint("give each rule a short name of its own"),
            );
        }
        taken.push((cut, index));
    }
    found
}

/// What the provider makes once, from a list in the object.
struct MadeOnce {
    path: &'static str,
    noun: &'static str,
    /// The command that deletes one.
    delete: &'static str,
    name: fn(cluster: &str, entry: &Value) -> String,
}

const MADE_ONCE: [MadeOnce; 2] = [
    MadeOnce {
        path: FIREWALL_RULES,
        noun: "firewall rule",
        delete: "gcloud compute firewall-rules delete",
        name: firewall_name,
    },
    MadeOnce {
        path: "spec.network.subnets",
        noun: "subnet",
        delete: "gcloud compute networks subnets delete",
        name: |_, subnet| field::text(subnet, "name").unwrap_or_default().to_owned(),
    },
];

fn made_once(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous.filter(|_| !is_shared(&context.object.value)) else {
        return Vec::new();
    };
    let cluster = &context.object.id.name;
    let mut found = Vec::new();
    for MadeOnce { path, noun, delete, name } in MADE_ONCE {
        let now = field::list(&context.object.value, path);
        for old in field::list(&previous.value, path) {
            let old_name = name(cluster, old);
            match now.iter().position(|entry| name(cluster, entry) == old_name) {
                None => found.push(
                    context
                        .warning(path, format!("the {noun} `{old_name}` was removed here, but stays in GCP"))
                        .hint(format!("delete it there too: `{delete} {old_name}`")),
                ),
                Some(index) if now[index] != *old => found.push(
                    context
                        .warning(
                            FieldPath::of(path.split('.')).index(index),
                            format!("the {noun} `{old_name}` exists already and will not be changed"),
                        )
                        .hint(format!("give the changed {noun} a new name, and delete the old one in GCP")),
                ),
                Some(_) => {}
            }
        }
    }
    found
}

/// Whether the network belongs to another project.
fn is_shared(cluster: &Value) -> bool {
    field::text(cluster, "spec.network.hostProject")
        .is_some_and(|host| Some(host) != field::text(cluster, "spec.project"))
}

fn shared_network(context: &Context<'_>) -> Vec<Violation> {
    let value = &context.object.value;
    if !is_shared(value) || !field::given(value, FIREWALL_RULES) {
        return Vec::new();
    }
    vec![
        context
            .warning(FIREWALL_RULES, "firewall rules have no effect in a network of another project")
            .hint("make them in the host project, and remove them here"),
    ]
}

fn load_balancer_type(context: &Context<'_>) -> Vec<Violation> {
    const TYPES: [&str; 3] = ["External", "Internal", "InternalExternal"];
    let path = "spec.loadBalancer.loadBalancerType";
    let Some(kind) = context.object.text(path).filter(|kind| !TYPES.contains(kind)) else {
        return Vec::new();
    };
    let violation =
        context.error(path, format!("`{kind}` is not a type of load balancer, so none would be made"));
    vec![match suggest::hint(kind, TYPES) {
        Some(hint) => violation.hint(hint),
        None => violation,
    }]
}

fn changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let path = "spec.template.spec";
    match (previous.at(path), context.object.at(path)) {
        (Some(old), Some(new)) => template_changed(context, path, old, new),
        _ => Vec::new(),
    }
}

fn confidential(context: &Context<'_>) -> Vec<Violation> {
    let base = "spec.template.spec";
    let Some(spec) = context.object.at(base) else { return Vec::new() };
    let Some(policy) = field::text(spec, "confidentialCompute").filter(|policy| *policy != "Disabled") else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if field::text(spec, "onHostMaintenance") != Some("Terminate") {
        found.push(
            context
                .error(
                    format!("{base}.onHostMaintenance").as_str(),
                    "confidential machines cannot move while they run",
                )
                .hint("set `onHostMaintenance: Terminate`"),
        );
    }
    let series: &[&str] = match policy {
        "Enabled" | "AMDEncryptedVirtualization" => &["n2d", "c2d", "c3d"],
        "AMDEncryptedVirtualizationNestedPaging" => &["n2d"],
        "IntelTrustedDomainExtensions" => &["c3"],
        _ => return found,
    };
    let kind = field::text(spec, "instanceType").unwrap_or_default();
    if !series.contains(&kind.split('-').next().unwrap_or_default()) {
        found.push(
            context
                .error(format!("{base}.instanceType").as_str(), format!("`{kind}` has no `{policy}`"))
                .hint(format!("use a machine type of the series {}", suggest::list(series, "or"))),
        );
    }
    found
}

/// How many machines a pool of a cluster may have.
fn most_machines(context: &Context<'_>, cluster: &Object) -> u64 {
    context
        .set
        .machines_in(cluster)
        .into_iter()
        .find(|machines| std::ptr::eq(machines.owner, context.object))
        .map_or(1, Machines::most)
}

fn zone(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = "spec.template.spec.failureDomain";
    let Some(cluster) = object
        .text("spec.clusterName")
        .and_then(|name| context.set.find(CORE, "Cluster", object.id.namespace.as_deref(), name))
    else {
        return Vec::new();
    };
    let Some(infrastructure) =
        context.set.infrastructure(cluster).filter(|infrastructure| CLUSTER.matches(infrastructure))
    else {
        return Vec::new();
    };
    let region = infrastructure.text("spec.region").unwrap_or_default();
    match object.text(path) {
        None if most_machines(context, cluster) < 2 => Vec::new(),
        None => vec![
            context
                .warning(
                    path,
                    "without a zone all machines of the pool are made in the first zone of the cluster",
                )
                .hint(format!(
                    "set `failureDomain`, for instance `{region}-b`; one pool for each zone spreads them"
                )),
        ],
        Some(zone) if !zone.starts_with(&format!("{region}-")) => vec![
            context
                .error(path, format!("zone `{zone}` is not in region `{region}` of the cluster"))
                .hint(format!("zones there are called `{region}-a`, `{region}-b` and so on")),
        ],
        Some(_) => Vec::new(),
    }
}

fn image(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let base = "spec.template.spec";
    let given = ["image", "imageFamily"]
        .iter()
        .any(|key| field::text(&object.value, &format!("{base}.{key}")).is_some());
    if given || context.set.talos_machines_of(object).next().is_none() {
        return Vec::new();
    }
    vec![
        context
            .error(
                format!("{base}.image").as_str(),
                format!(
                    "GCPMachineTemplate `{}` has no image, so the machines would boot Ubuntu",
                    object.id.name
                ),
            )
            .hint("import the GCP image of the Image Factory and give its full reference in `image`"),
    ]
}

/// Whether a list of ports, as GCP writes them, holds a port.
fn holds(ports: &[Value], port: u32) -> bool {
    ports.is_empty()
        || ports.iter().filter_map(Value::as_str).any(|text| match text.split_once('-') {
            Some((low, high)) => {
                low.parse::<u32>().is_ok_and(|low| low <= port)
                    && high.parse::<u32>().is_ok_and(|high| port <= high)
            }
            None => text.parse() == Ok(port),
        })
}

fn ports(context: &Context<'_>) -> Vec<Violation> {
    let value = &context.object.value;
    if context.set.talos_clusters_of(context.object).next().is_none() || is_shared(value) {
        return Vec::new();
    }
    let open = field::list(value, FIREWALL_RULES).iter().any(|rule| {
        field::list(rule, "allowed").iter().any(|entry| {
            field::text(entry, "IPProtocol") == Some("TCP") && holds(field::list(entry, "ports"), 50000)
        })
    });
    if open {
        return Vec::new();
    }
    vec![
        context
            .warning(
                FIREWALL_RULES,
                "no firewall rule lets the management cluster reach port 50000 (Talos API)",
            )
            .hint(format!(
                "add a rule: allowed TCP 50000, its source ranges, `targetTags: [{}-control-plane]`; not \
                 needed if another rule of the network lets it in",
                context.object.id.name
            )),
    ]
}
