//! Cluster API Provider Proxmox (CAPMOX).

use std::net::IpAddr;

use serde_json::Value;

use crate::{finding::codes, yaml::pointer::FieldPath};

use super::{
    Context, Kind, Rule, Violation, address, field, ipam, machine_template,
    set::INFRASTRUCTURE,
    talos::config::{MachineConfig, Role},
    template_changed,
};

mod devices;

const CLUSTER: Kind = Kind::new(INFRASTRUCTURE, "ProxmoxCluster");
const MACHINE: Kind = Kind::new(INFRASTRUCTURE, "ProxmoxMachine");
const TEMPLATE: Kind = machine_template::PROXMOX;

const CLUSTER_WEBHOOK: &str =
    "ionos-cloud/cluster-api-provider-proxmox internal/webhook/proxmoxcluster_webhook.go";
/// The annotation of a cluster whose endpoint is not the control planes' to announce.
const ENDPOINT: &str = "infraflux.io/endpoint";

const MACHINE_WEBHOOK: &str =
    "ionos-cloud/cluster-api-provider-proxmox internal/webhook/proxmoxmachine_webhook.go";

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "proxmox/endpoint",
        code: &codes::MISSING_PART,
        kinds: &[CLUSTER],
        meaning: "A ProxmoxCluster has the host and port of its control plane, unless that is managed \
                  elsewhere.",
        source: CLUSTER_WEBHOOK,
        check: endpoint,
    },
    Rule {
        name: "proxmox/endpoint-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[CLUSTER],
        meaning: "The endpoint of a running cluster stays what it is. The webhook lets a change through; Cluster API has taken \
                  the endpoint over once and keeps the old one, as kubeconfigs, certificates and machines do.",
        source: "ionos-cloud/cluster-api-provider-proxmox internal/webhook/proxmoxcluster_webhook.go (no check); \
                 kubernetes-sigs/cluster-api docs/book/src/developer/providers/contracts/infra-cluster.md",
        check: endpoint_changed,
    },
    Rule {
        name: "proxmox/endpoint-in-pool",
        code: &codes::POOL_ADDRESSES,
        kinds: &[CLUSTER],
        meaning: "The address of the control plane is not one that machines may get.",
        source: CLUSTER_WEBHOOK,
        check: endpoint_in_pool,
    },
    Rule {
        name: "proxmox/pool",
        code: &codes::MISSING_PART,
        kinds: &[CLUSTER],
        meaning: "A ProxmoxCluster has an IPv4 or IPv6 configuration.",
        source: CLUSTER_WEBHOOK,
        check: pool,
    },
    Rule {
        name: "proxmox/pool-addresses",
        code: &codes::ADDRESS_FORM,
        kinds: &[CLUSTER],
        meaning: "The addresses, prefix and gateway of each IP configuration are ones that the pool made \
                  from it accepts.",
        source: "ionos-cloud/cluster-api-provider-proxmox internal/webhook/proxmoxcluster_webhook.go, \
                 pkg/kubernetes/ipam/ipam.go",
        check: pool_addresses,
    },
    Rule {
        name: "proxmox/pool-size",
        code: &codes::POOL_ADDRESSES,
        kinds: &[CLUSTER],
        meaning: "The pool has an address for every machine, as many as the autoscaler may make, and one more for rolling \
                  updates.",
        source: "kubernetes-sigs/cluster-api-ipam-provider-in-cluster internal/poolutil/pool.go; \
                 ionos-cloud/cluster-api-provider-proxmox pkg/kubernetes/ipam/ipam.go",
        check: pool_size,
    },
    Rule {
        name: "proxmox/network-devices",
        code: &codes::REFUSED_VALUE,
        kinds: &[TEMPLATE, MACHINE],
        meaning: "Network devices are called net0, net1 and so on without a gap, one is the default of a family, and MTUs, routes \
                  and routing policies are complete. The webhook looks at machines, so a template fails when it is used.",
        source: MACHINE_WEBHOOK,
        check: devices::network_devices,
    },
    Rule {
        name: "proxmox/clone",
        code: &codes::DO_NOT_COMBINE,
        kinds: &[TEMPLATE],
        meaning: "A machine is cloned from a template that tags or an id and its node name; a linked clone stays where its \
                  template is, in its format.",
        source: "ionos-cloud/cluster-api-provider-proxmox api/v1alpha2/proxmoxmachine_types.go (validation rules)",
        check: clone,
    },
    Rule {
        name: "proxmox/template-changed",
        code: &codes::TEMPLATE_CHANGED,
        kinds: &[TEMPLATE],
        meaning: "The spec of a ProxmoxMachineTemplate does not change.",
        source: "ionos-cloud/cluster-api-provider-proxmox internal/webhook/proxmoxmachinetemplate_webhook.go",
        check: changed,
    },
    Rule {
        name: "proxmox/tags-changed",
        code: &codes::FIELD_CHANGED,
        kinds: &[MACHINE],
        meaning: "The tags of a ProxmoxMachine do not change.",
        source: MACHINE_WEBHOOK,
        check: tags_changed,
    },
    Rule {
        name: "proxmox/talos-checks",
        code: &codes::NO_GUEST_TOOLS,
        kinds: &[TEMPLATE],
        meaning: "Talos has no cloud-init, so its status is not waited for.",
        source: "ionos-cloud/cluster-api-provider-proxmox internal/service/vmservice/vm.go, \
                 pkg/scope/machine.go",
        check: checks,
    },
    Rule {
        name: "proxmox/talos-endpoint",
        code: &codes::NO_HEALTHY_ENDPOINT,
        kinds: &[CLUSTER],
        meaning: "Somebody announces the address of the control plane: with Talos a shared IP on the \
                  control planes.",
        source: "siderolabs/docs public/talos/v1.13/networking/advanced/vip.mdx",
        check: shared_address,
    },
    Rule {
        name: "proxmox/talos-provider-id",
        code: &codes::NODE_IDENTITY,
        kinds: &[TEMPLATE],
        meaning: "A cloud controller gives nodes the providerID of their machines: Talos' own with the id injected, or the one for \
                  Proxmox in CAPMOX mode.",
        source: "siderolabs/talos-cloud-controller-manager pkg/talos/instances.go; \
                 sergelogvinov/proxmox-cloud-controller-manager docs/config.md",
        check: provider_id,
    },
];

fn host<'set>(context: &Context<'set>) -> Option<&'set str> {
    field::text(&context.object.value, "spec.controlPlaneEndpoint.host")
}

fn endpoint_changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    // An example's address: no cluster ever ran there.
    if previous.text("spec.controlPlaneEndpoint.host").is_some_and(address::is_documentation) {
        return Vec::new();
    }
    [("host", "the host of the API endpoint"), ("port", "the port of the API endpoint")]
        .into_iter()
        .filter_map(|(key, name)| {
            let path = format!("spec.controlPlaneEndpoint.{key}");
            let (before, now) = (previous.at(&path), context.object.at(&path));
            // What was not given before is given by now, in this object or by somebody else.
            (before.is_some() && before != now).then(|| {
                context
                    .error(path.as_str(), field::change(name, before, now))
                    .hint(
                        "keep the old one: machines that run, kubeconfigs and Cluster API use it; if it was never applied, \
                         remove the earlier render's folder; for another one, make a new cluster and move the workloads",
                    )
            })
        })
        .collect()
}

fn managed_elsewhere(context: &Context<'_>) -> bool {
    field::flag(&context.object.value, "spec.externalManagedControlPlane")
}

/// The IP configurations of the cluster and of its zones, with their paths.
fn configurations<'set>(context: &Context<'set>) -> Vec<(FieldPath, &'set Value)> {
    let value = &context.object.value;
    let zones = FieldPath::of(["spec", "zoneConfig"]);
    let zones = field::list(value, "spec.zoneConfig")
        .iter()
        .enumerate()
        .map(|(index, zone)| (zones.index(index), zone));
    value
        .get("spec")
        .map(|spec| (FieldPath::of(["spec"]), spec))
        .into_iter()
        .chain(zones)
        .flat_map(|(path, holder)| {
            ["ipv4Config", "ipv6Config"]
                .into_iter()
                .filter_map(move |key| Some((path.key(key), field::at(holder, key)?)))
        })
        .collect()
}

/// Source: internal/webhook/proxmoxcluster_webhook.go, isHostname
fn is_hostname(text: &str) -> bool {
    let part = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let single = !text.contains('.');
    text.len() <= 253
        && text.split('.').all(part)
        && (single || (last.len() >= 2 && last.bytes().all(|byte| byte.is_ascii_alphabetic())))
}

fn endpoint(context: &Context<'_>) -> Vec<Violation> {
    if managed_elsewhere(context) {
        return Vec::new();
    }
    let path = "spec.controlPlaneEndpoint.host";
    let Some(host) = host(context) else {
        return vec![
            context
                .error(
                    path,
                    format!(
                        "ProxmoxCluster `{}` has no address for its \
                                      control plane",
                        context.object.id.name
                    ),
                )
                .hint(
                    "set `controlPlaneEndpoint: {host: 192.0.2.10, port: 6443}` with an address that \
                       nobody else has",
                ),
        ];
    };
    let mut found = Vec::new();
    if host.parse::<IpAddr>().is_err() && !is_hostname(host) {
        found.push(
            context
                .error(path, format!("`{host}` is neither an IP address nor a host name"))
                .hint("give the bare address or name, without scheme and port"),
        );
    }
    if field::integer(&context.object.value, "spec.controlPlaneEndpoint.port").is_none() {
        found.push(
            context
                .error("spec.controlPlaneEndpoint.port", "the control plane has an address but no port")
                .hint("add `port: 6443`"),
        );
    }
    found
}

fn endpoint_in_pool(context: &Context<'_>) -> Vec<Violation> {
    if managed_elsewhere(context) {
        return Vec::new();
    }
    let Some(host) = host(context).and_then(|host| host.parse::<IpAddr>().ok()) else { return Vec::new() };
    let mut found = Vec::new();
    for (path, configuration) in configurations(context) {
        for (index, text) in field::texts(configuration, "addresses") {
            if address::pool_entry(text).is_some_and(|range| range.contains(host)) {
                found.push(
                    context
                        .error(
                            path.key("addresses").index(index),
                            format!("the endpoint `{host}` lies in `{text}`, so a machine could get it"),
                        )
                        .hint("take the endpoint out of the pool, or choose another address for it"),
                );
            }
        }
    }
    found
}

fn clone(context: &Context<'_>) -> Vec<Violation> {
    let base = "spec.template.spec";
    let Some(spec) = context.object.at(base) else { return Vec::new() };
    let mut found = Vec::new();
    let named = field::given(spec, "templateID") && field::given(spec, "sourceNode");
    if !field::given(spec, "templateSelector") && !named {
        let missing = if field::given(spec, "templateID") { "sourceNode" } else { "templateSelector" };
        found.push(
            context
                .error(
                    format!("{base}.{missing}").as_str(),
                    "nothing says which VM template machines are cloned from",
                )
                .hint("give `templateSelector: {matchTags: [...]}`, or `templateID` with `sourceNode`"),
        );
    }
    if spec.get("full") == Some(&Value::Bool(false)) {
        found.extend(["storage", "format"].into_iter().filter(|key| field::given(spec, key)).map(|key| {
            context
                .error(format!("{base}.{key}").as_str(), format!("a linked clone cannot choose its `{key}`"))
                .hint(format!("remove `{key}`, or set `full: true`"))
        }));
    }
    found
}

fn pool(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    if object.at("spec.ipv4Config").is_some() || object.at("spec.ipv6Config").is_some() {
        return Vec::new();
    }
    vec![
        context
            .error(
                "spec.ipv4Config",
                format!("ProxmoxCluster `{}` has no addresses for its machines", object.id.name),
            )
            .hint("add `ipv4Config: {addresses: [...], prefix: 24, gateway: ...}`"),
    ]
}

fn pool_addresses(context: &Context<'_>) -> Vec<Violation> {
    configurations(context)
        .into_iter()
        .flat_map(|(path, configuration)| ipam::pool_problems(context, &path, configuration))
        .collect()
}

fn pool_size(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let Some(cluster) = context.set.clusters_of(object).first().copied() else { return Vec::new() };
    let machines = context.set.machines_in(cluster);
    if machines.is_empty() || !field::list(&object.value, "spec.zoneConfig").is_empty() {
        return Vec::new();
    }
    let wanted: u64 = machines.iter().map(|machines| machines.most()).sum();
    let fewest: u64 = machines.iter().map(|machines| machines.fewest()).sum();
    let mut found = Vec::new();
    for key in ["ipv4Config", "ipv6Config"] {
        let path = FieldPath::of(["spec", key]);
        let Some(configuration) = object.at(&format!("spec.{key}")) else { continue };
        if !ipam::pool_problems(context, &path, configuration).is_empty() {
            continue;
        }
        let there = ipam::usable(configuration);
        let spot = path.key("addresses");
        if there < u128::from(wanted) {
            let message = format!("the pool has {there} addresses for up to {wanted} machines");
            // The autoscaler may never ask for so many.
            let violation = if there < u128::from(fewest) {
                context.error(spot, message)
            } else {
                context.warning(spot, message)
            };
            found.push(
                violation.hint(format!("give at least {}, one of them for rolling updates", wanted + 1)),
            );
        } else if there == u128::from(wanted) {
            found.push(
                context
                    .warning(
                        spot,
                        format!(
                            "the pool has {there} addresses for up to {wanted} machines, \
                        none to spare for rolling updates"
                        ),
                    )
                    .hint(format!("give at least {}", wanted + 1)),
            );
        }
    }
    found
}

fn changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let path = "spec.template.spec";
    match (previous.at(path), context.object.at(path)) {
        (Some(old), Some(new)) => template_changed(context, path, old, new),
        _ => Vec::new(),
    }
}

fn tags_changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let (before, now) = (previous.at("spec.tags"), context.object.at("spec.tags"));
    if before == now {
        return Vec::new();
    }
    vec![
        context
            .error("spec.tags", field::change("`tags` of the machine", before, now))
            .hint("change the template; new machines get the new tags"),
    ]
}

fn checks(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let base = "spec.template.spec.checks";
    let skips = ["skipCloudInitStatus", "skipQemuGuestAgent"]
        .iter()
        .any(|key| field::flag(&object.value, &format!("{base}.{key}")));
    if skips || context.set.talos_machines_of(object).next().is_none() {
        return Vec::new();
    }
    vec![
        context
            .error(
                format!("{base}.skipCloudInitStatus").as_str(),
                "the machines would wait for \
                cloud-init, which Talos does not have",
            )
            .hint(
                "set `checks: {skipCloudInitStatus: true}`; without the qemu-guest-agent extension also \
                   `skipQemuGuestAgent: true`",
            ),
    ]
}

/// The shared addresses that a control plane's patches announce.
fn announced<'config>(config: &'config MachineConfig<'_>) -> Vec<&'config str> {
    let new = config.of_kind("Layer2VIPConfig").filter_map(|document| field::text(&document.value, "name"));
    let old = config.documents().filter(|(_, document)| document.kind.is_none()).flat_map(|(_, document)| {
        field::list(&document.value, "machine.network.interfaces").iter().flat_map(|interface| {
            std::iter::once(interface)
                .chain(field::list(interface, "vlans"))
                .filter_map(|link| field::text(link, "vip.ip"))
        })
    });
    new.chain(old).collect()
}

/// The port on which the API servers listen.
fn api_port(config: &MachineConfig<'_>) -> i64 {
    let new =
        config.of_kind("KubeAPIServerConfig").find_map(|document| field::integer(&document.value, "apiPort"));
    let old = config
        .documents()
        .filter(|(_, document)| document.kind.is_none())
        .find_map(|(_, document)| field::integer(&document.value, "cluster.controlPlane.localAPIServerPort"));
    new.or(old).unwrap_or(6443)
}

fn shared_address(context: &Context<'_>) -> Vec<Violation> {
    let Some(host) = host(context).filter(|host| host.parse::<IpAddr>().is_ok()) else { return Vec::new() };
    let annotations = context.object.value.get("metadata").and_then(|metadata| metadata.get("annotations"));
    if annotations.and_then(|annotations| annotations.get(ENDPOINT)).is_some() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (cluster, _) in context.set.talos_clusters_of(context.object) {
        let config = context
            .set
            .machines_in(cluster)
            .into_iter()
            .filter(|machines| machines.role == Role::ControlPlane)
            .find_map(|machines| context.set.config(machines));
        let Some(config) = config else { continue };
        let addresses = announced(config);
        if addresses.contains(&host) {
            let port =
                field::integer(&context.object.value, "spec.controlPlaneEndpoint.port").unwrap_or(6443);
            let listens = api_port(config);
            if port != listens {
                found.push(
                    context
                        .error(
                            "spec.controlPlaneEndpoint.port",
                            format!(
                                "the API is looked for on port {port}, the control planes listen on {listens}"
                            ),
                        )
                        .hint(format!(
                            "use {listens}; another port needs a load balancer in front, with its own address"
                        )),
                );
            }
            continue;
        }
        let message = match addresses.first() {
            Some(other) => format!("the endpoint is `{host}`, but the control planes announce `{other}`"),
            None => format!("no control plane announces the endpoint `{host}`"),
        };
        found.push(context.warning("spec.controlPlaneEndpoint.host", message).hint(format!(
            "add a Talos patch: a document `Layer2VIPConfig` with `name: {host}` and \
                               the link; behind a load balancer annotate the cluster with `{ENDPOINT}: load-balancer`"
        )));
    }
    found
}

fn provider_id(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = "spec.template.spec.metadataSettings.providerIDInjection";
    if field::flag(&object.value, path) {
        return Vec::new();
    }
    let Some(machines) = context.set.talos_machines_of(object).next() else { return Vec::new() };
    let namespace = machines.owner.id.namespace.as_deref();
    let other_controller = context
        .set
        .of_in("helm.toolkit.fluxcd.io", "HelmRelease", namespace)
        .iter()
        .any(|release| release.id.name.contains("proxmox-cloud-controller-manager"));
    if other_controller {
        return Vec::new();
    }
    vec![
        context
            .warning(
                path,
                "nothing tells the nodes their providerID, so they would not be matched to \
                            their machines",
            )
            .hint(
                "set `metadataSettings: {providerIDInjection: true}` for the Talos CCM, or install \
                   proxmox-cloud-controller-manager with `features.provider: capmox`",
            ),
    ]
}
