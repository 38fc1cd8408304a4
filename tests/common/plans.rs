//! Random valid plans, and the same plan written in other ways.

use std::fmt::Write as _;

use infraflux::plan::Provider;
use proptest::{
    collection::btree_map,
    option,
    prelude::*,
    sample::{select, subsequence},
};
use serde_json::{Map, Value, json};

/// What a provider can do and how it calls things.
struct Shape {
    zones: &'static [&'static str],
    region: &'static str,
    instance_types: &'static [&'static str],
    spot: bool,
    max_price: bool,
    gpu: bool,
    block: BoxedStrategy<Value>,
}

fn shape(provider: Provider) -> Shape {
    match provider {
        Provider::Aws => Shape {
            zones: &["eu-central-1a", "eu-central-1b", "eu-central-1c"],
            region: "eu-central-1",
            instance_types: &["m7i.xlarge", "c7i.2xlarge", "r7i.large"],
            spot: true,
            max_price: true,
            gpu: true,
            block: object([
                ("ami", always("ami-0a1b2c3d4e5f60718")),
                ("vpcCIDR", maybe(&["10.40.0.0/16", "10.41.0.0/16"])),
                ("loadBalancerScheme", maybe(&["internet-facing", "internal"])),
                (
                    "rootVolume",
                    one_of(vec![
                        json!({"type": "gp3"}),
                        json!({"type": "io2", "iops": 3000}),
                        json!({"encrypted": true, "encryptionKey": "alias/cluster"}),
                    ]),
                ),
                ("nodePortCIDRs", one_of(vec![json!(["10.40.0.0/16"])])),
                ("metadataHopLimit", one_of(vec![json!(2), json!(3)])),
                ("tags", one_of(vec![json!({"team": "web"})])),
                ("overrides", one_of(vec![json!({"workers": {"tenancy": "default"}})])),
            ]),
        },
        Provider::Azure => Shape {
            zones: &["1", "2", "3"],
            region: "westeurope",
            instance_types: &["Standard_D4s_v5", "Standard_E4s_v5"],
            spot: true,
            max_price: true,
            gpu: true,
            block: object([
                ("subscriptionID", always("9f1c2d3e-4a5b-4c6d-8e7f-0123456789ab")),
                ("resourceGroup", maybe(&["clusters", "lab-rg"])),
                (
                    "image",
                    always_value(
                        json!({"gallery": "talos", "name": "talos", "version": "1.13.10", "resourceGroup": "images"}),
                    ),
                ),
                (
                    "osDisk",
                    one_of(vec![
                        json!({"storageAccountType": "StandardSSD_LRS"}),
                        json!({"cachingType": "ReadOnly"}),
                    ]),
                ),
                ("allocatePublicIP", one_of(vec![json!(true), json!(false)])),
                ("acceleratedNetworking", one_of(vec![json!(true), json!(false)])),
                ("encryptionAtHost", one_of(vec![json!(true)])),
                (
                    "peerings",
                    one_of(vec![
                        json!([{"remoteVnetName": "hub-vnet", "resourceGroup": "hub"}]),
                        json!([{"remoteVnetName": "a"}, {"remoteVnetName": "b"}]),
                    ]),
                ),
                ("apiServerCIDRs", one_of(vec![json!(["198.51.100.0/24"])])),
                ("additionalAPIServerLBPorts", one_of(vec![json!([{"name": "talos-api", "port": 50000}])])),
                (
                    "subnetNames",
                    one_of(vec![json!({"nodes": "machines"}), json!({"controlPlane": "a", "nodes": "b"})]),
                ),
                (
                    "userAssignedIdentities",
                    one_of(vec![
                        json!({"workers": "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/w"}),
                    ]),
                ),
                ("tags", one_of(vec![json!({"team": "web"})])),
            ]),
        },
        Provider::Gcp => Shape {
            zones: &["europe-west3-a", "europe-west3-b", "europe-west3-c"],
            region: "europe-west3",
            instance_types: &["n2-standard-4", "e2-standard-8"],
            spot: true,
            max_price: false,
            gpu: true,
            block: object([
                ("project", always("clusters-4711")),
                ("image", always("projects/clusters-4711/global/images/talos-v1-13")),
                ("network", maybe(&["default", "clusters"])),
                ("loadBalancerType", maybe(&["External", "Internal"])),
                (
                    "rootDeviceType",
                    one_of(vec![json!({"controlPlane": "pd-ssd"}), json!({"workers": "pd-balanced"})]),
                ),
                ("publicIP", one_of(vec![json!(true), json!(false)])),
                ("labels", one_of(vec![json!({"team": "web"})])),
            ]),
        },
        Provider::Proxmox => Shape {
            zones: &[],
            region: "home",
            instance_types: &[],
            spot: false,
            max_price: false,
            gpu: false,
            block: object([
                ("addresses", always_value(json!(["10.20.0.10-10.20.250.250"]))),
                ("prefix", always_value(json!(16))),
                ("gateway", always("10.20.0.1")),
                (
                    "dnsServers",
                    one_of(vec![json!(["10.20.255.53"]), json!(["10.20.255.53", "10.20.255.54"])]),
                ),
                ("templateTags", one_of(vec![json!(["talos"]), json!(["talos", "v1.13"])])),
                ("vlan", one_of(vec![json!(100)])),
                ("allowedNodes", one_of(vec![json!(["pve1", "pve2"])])),
                ("storage", maybe(&["local-lvm", "ceph"])),
                ("sockets", one_of(vec![json!(1), json!(2)])),
                ("memoryAdjustment", one_of(vec![json!(0), json!(150)])),
                ("vmIDRange", one_of(vec![json!({"start": 1000, "end": 1999})])),
                ("credentialsSecret", maybe(&["proxmox-credentials"])),
            ]),
        },
    }
}

fn always(text: &'static str) -> BoxedStrategy<Option<Value>> {
    always_value(json!(text))
}

fn always_value(value: Value) -> BoxedStrategy<Option<Value>> {
    Just(Some(value)).boxed()
}

fn maybe(texts: &[&'static str]) -> BoxedStrategy<Option<Value>> {
    one_of(texts.iter().map(|text| json!(text)).collect())
}

/// One of the values, or the field is left out.
fn one_of(values: Vec<Value>) -> BoxedStrategy<Option<Value>> {
    option::of(select(values)).boxed()
}

/// A mapping of fields that may be left out.
fn object<const COUNT: usize>(
    fields: [(&'static str, BoxedStrategy<Option<Value>>); COUNT],
) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    values
        .prop_map(move |values| {
            let fields = names.iter().zip(values);
            Value::Object(fields.filter_map(|(name, value)| Some(((*name).to_owned(), value?))).collect())
        })
        .boxed()
}

fn some(strategy: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Option<Value>> {
    option::of(strategy).boxed()
}

fn labels() -> impl Strategy<Value = Value> {
    btree_map(
        "(example\\.org/)?[a-z][a-z0-9-]{0,10}[a-z0-9]",
        "([A-Za-z0-9][A-Za-z0-9._-]{0,10}[A-Za-z0-9])?",
        0..4,
    )
    .prop_map(|labels| json!(labels))
}

fn taints() -> impl Strategy<Value = Value> {
    btree_map(
        "(example\\.org/)?[a-z][a-z0-9-]{0,10}[a-z0-9]",
        (option::of("[a-z0-9]{1,8}"), select(vec!["NoSchedule", "PreferNoSchedule", "NoExecute"])),
        0..3,
    )
    .prop_map(|taints| {
        let taints = taints.into_iter().map(|(key, (value, effect))| match value {
            Some(value) => json!({"key": key, "value": value, "effect": effect}),
            None => json!({"key": key, "effect": effect}),
        });
        Value::Array(taints.collect())
    })
}

/// Patches that both dialects take: the documents that they are about did not move in Talos 1.14.
fn patches() -> impl Strategy<Value = Value> {
    let known = vec![
        json!({"machine": {"sysctls": {"vm.max_map_count": "262144"}}}),
        json!({"machine": {"sysfs": {"kernel.mm.hugepages": "1024"}}}),
        json!("machine:\n  # a comment\n  sysctls: {\"net.core.somaxconn\": \"1024\"}\n"),
        json!({"apiVersion": "v1alpha1", "kind": "ExtensionServiceConfig", "name": "agent", "environment": ["A=b"]}),
    ];
    subsequence(known, 0..=2).prop_map(Value::Array)
}

/// How many, or between which limits.
fn size() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    prop_oneof![
        3 => (0_i32..8).prop_map(|count| vec![("replicas", json!(count))]),
        1 => (0_i32..4, 1_i32..9).prop_map(|(min, more)| vec![("autoscaling", json!({"min": min, "max": min + more}))]),
        1 => (0_i32..4, 1_i32..9).prop_map(|(min, more)| vec![(
            "autoscaling",
            json!({"min": min, "max": min + more, "options": {"scaledownunneededtime": "10m"}})
        )]),
        1 => Just(Vec::new()),
    ]
}

/// A machine type, or what it must have.
fn hardware(types: &'static [&'static str]) -> BoxedStrategy<Vec<(&'static str, Value)>> {
    let wanted =
        (option::of(select(vec![2, 4, 8])), option::of(select(vec![4, 8, 16]))).prop_map(|(cpu, memory)| {
            let mut fields = Vec::new();
            fields.extend(cpu.map(|cpu| ("cpu", json!(cpu))));
            fields.extend(memory.map(|memory| ("memoryGiB", json!(memory))));
            fields
        });
    if types.is_empty() {
        return wanted.boxed();
    }
    let named = select(types.to_vec()).prop_map(|name| vec![("instanceType", json!(name))]);
    prop_oneof![wanted, named].boxed()
}

fn zones(names: &'static [&'static str]) -> BoxedStrategy<Option<Value>> {
    if names.is_empty() {
        return Just(None).boxed();
    }
    option::of(subsequence(names.to_vec(), 1..=names.len()).prop_map(|zones| json!(zones))).boxed()
}

/// The fields that control planes and pools share.
fn machines(shape: &Shape) -> BoxedStrategy<Value> {
    let common = object([
        ("diskGiB", one_of(vec![json!(40), json!(100)])),
        ("failureDomains", zones(shape.zones)),
        ("labels", some(labels())),
        ("annotations", one_of(vec![json!({"example.org/owner": "web"})])),
        ("taints", some(taints())),
        ("patches", some(patches())),
        ("healthCheck", one_of(vec![json!({"enabled": false}), json!({"nodeStartupTimeoutSeconds": 1800})])),
    ]);
    (common, hardware(shape.instance_types))
        .prop_map(|(mut common, hardware)| {
            extend(&mut common, hardware);
            common
        })
        .boxed()
}

fn extend(object: &mut Value, fields: Vec<(&'static str, Value)>) {
    let object = object.as_object_mut().expect("a mapping");
    object.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
}

fn control_plane(shape: &Shape) -> impl Strategy<Value = Value> + use<> {
    let own = object([
        ("replicas", one_of(vec![json!(1), json!(3), json!(5)])),
        ("schedulable", one_of(vec![json!(true)])),
        ("rollout", one_of(vec![json!({"type": "OnDelete"}), json!({"maxSurge": 1})])),
    ]);
    (machines(shape), own).prop_map(|(mut machines, own)| {
        machines.as_object_mut().expect("a mapping").extend(own.as_object().expect("a mapping").clone());
        machines
    })
}

fn pools(shape: &Shape) -> impl Strategy<Value = Value> + use<> {
    let spot = match (shape.spot, shape.max_price) {
        (true, true) => one_of(vec![json!(true), json!(false), json!({"maxPrice": "0.10"})]),
        (true, false) => one_of(vec![json!(true)]),
        _ => Just(None).boxed(),
    };
    let own = object([
        ("spot", spot),
        (
            "rollout",
            one_of(vec![json!({"type": "OnDelete"}), json!({"maxSurge": "25%", "maxUnavailable": 1})]),
        ),
        (
            "deletion",
            one_of(vec![
                json!({"order": "Oldest", "nodeDrainTimeoutSeconds": 0}),
                json!({"nodeDeletionTimeoutSeconds": 60}),
            ]),
        ),
    ]);
    let gpu =
        if shape.gpu { prop_oneof![4 => Just(false), 1 => Just(true)].boxed() } else { Just(false).boxed() };
    let pool = (machines(shape), own, size(), gpu).prop_map(|(mut pool, own, size, gpu)| {
        let fields = pool.as_object_mut().expect("a mapping");
        fields.extend(own.as_object().expect("a mapping").clone());
        if gpu {
            // The table picks a machine type with GPUs.
            fields.remove("instanceType");
            fields.insert("gpu".to_owned(), json!("nvidia"));
        }
        extend(&mut pool, size);
        pool
    });
    btree_map("[a-z]([a-z0-9-]{0,8}[a-z0-9])?", pool, 0..4).prop_map(|pools| {
        let named = pools.into_iter().map(|(name, mut pool)| {
            extend(&mut pool, vec![("name", json!(name))]);
            pool
        });
        Value::Array(named.collect())
    })
}

fn talos() -> BoxedStrategy<Value> {
    let extensions =
        vec!["siderolabs/gvisor", "siderolabs/intel-ucode", "siderolabs/amd-ucode", "siderolabs/zfs"];
    object([
        ("extensions", some(subsequence(extensions, 0..=4).prop_shuffle().prop_map(|list| json!(list)))),
        ("extraKernelArgs", one_of(vec![json!(["console=ttyS0,115200"]), json!([])])),
        ("certSANs", one_of(vec![json!(["api.example.org"]), json!(["10.9.9.9", "api.example.org"])])),
        ("timeServers", one_of(vec![json!(["10.0.0.123"])])),
        (
            "registryMirrors",
            one_of(vec![
                json!([{"registry": "docker.io", "endpoints": ["https://mirror.example.org"]}]),
                json!([{"registry": "*", "endpoints": ["https://mirror.example.org/v2/all"], "overridePath": true, "skipFallback": true}]),
            ]),
        ),
        (
            "userVolumes",
            one_of(vec![
                json!([{"name": "data"}]),
                json!([{"name": "data", "minSize": "20GiB", "maxSize": "100GiB"}]),
            ]),
        ),
        ("rotateServerCertificates", one_of(vec![json!(false)])),
        (
            "patches",
            some((patches(), patches()).prop_map(|(all, workers)| json!({"all": all, "workers": workers}))),
        ),
    ])
}

fn network(provider: Provider) -> BoxedStrategy<Value> {
    let endpoint = if provider == Provider::Proxmox {
        always_value(json!({"host": "10.20.255.10"}))
    } else {
        Just(None).boxed()
    };
    object([
        ("podCIDRs", one_of(vec![json!(["10.244.0.0/16"]), json!(["172.20.0.0/16"])])),
        ("serviceCIDRs", one_of(vec![json!(["10.96.0.0/12"]), json!(["172.21.0.0/16"])])),
        ("serviceDomain", maybe(&["cluster.local", "lab.example.org"])),
        ("managementCIDRs", one_of(vec![json!(["10.0.0.0/24"]), json!(["10.0.0.0/24", "10.0.8.0/24"])])),
        ("endpoint", endpoint),
    ])
}

fn addons() -> BoxedStrategy<Value> {
    object([
        (
            "cilium",
            one_of(vec![
                json!({"enabled": false}),
                json!({"encryption": "wireguard"}),
                json!({"hubble": false, "values": {"debug": {"enabled": true}}}),
                json!({"clusterID": 7}),
            ]),
        ),
        ("gateway", one_of(vec![json!({"enabled": false}), json!({"hostname": "*.lab.example.org"})])),
        (
            "cloudProvider",
            one_of(vec![json!({"enabled": false}), json!({"values": {"podAnnotations": {"a": "b"}}})]),
        ),
    ])
}

/// A random plan that a provider takes, in either profile.
pub fn plan(provider: Provider) -> BoxedStrategy<Value> {
    let shape = shape(provider);
    let spec = object([
        ("profile", maybe(&["stable", "current"])),
        ("namespace", maybe(&["clusters", "team-a"])),
        ("controlPlane", some(control_plane(&shape))),
        ("workers", some(pools(&shape))),
        ("talos", some(talos())),
        ("network", network(provider).prop_map(Some).boxed()),
        ("addons", some(addons())),
        ("recipes", one_of(vec![json!([]), json!(["base"]), json!(["observability"])])),
        (provider.as_str(), shape.block.prop_map(Some).boxed()),
    ]);
    let region = shape.region;
    ("[a-z][a-z0-9-]{0,18}[a-z0-9]", spec)
        .prop_map(move |(name, mut spec)| {
            // GCP's network tags have no two hyphens in a row.
            let name = if provider == Provider::Gcp { name.replace("--", "-a") } else { name };
            extend(&mut spec, vec![("provider", json!(provider.as_str())), ("region", json!(region))]);
            plain_talos_network(&mut spec);
            if spec.pointer("/gcp/loadBalancerType") == Some(&json!("Internal")) {
                // Talos has to know the address of an internal load balancer beforehand.
                spec["network"]["endpoint"] = json!({"host": "10.0.0.10"});
            }
            if provider == Provider::Gcp && spec.pointer("/addons/cloudProvider/values").is_some() {
                // Google's controller has no chart.
                spec["addons"]["cloudProvider"] = json!({"enabled": true});
            }
            json!({"apiVersion": "infraflux.io/v1alpha1", "kind": "ClusterPlan", "metadata": {"name": name}, "spec": spec})
        })
        .boxed()
}

/// Cilium as the gateway needs Cilium, and a cluster without it has nothing that could be encrypted.
fn plain_talos_network(spec: &mut Value) {
    if spec.pointer("/addons/cilium/enabled") == Some(&json!(false)) {
        spec["addons"]["gateway"] = json!({"enabled": false});
        spec["recipes"] = json!([]);
    }
}

/// The same plan as JSON in one line.
pub fn as_json(plan: &Value) -> String {
    plan.to_string()
}

/// The same plan as YAML in blocks, with the keys of every mapping in the order that `seed` gives, comments, blank lines and
/// strings in double quotes.
pub fn reformatted(plan: &Value, seed: u64) -> String {
    let mut out = "# written in another way\n---\n".to_owned();
    block(plan, 0, &mut { seed | 1 }, &mut out);
    out
}

fn block(value: &Value, indent: usize, seed: &mut u64, out: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
            shuffle(&mut entries, seed);
            for (key, value) in entries {
                if seed.is_multiple_of(5) {
                    write!(out, "\n{pad}# about {}\n", key.len()).expect("a String");
                }
                write!(out, "{pad}{}:", Value::from(key.clone())).expect("a String");
                nested(value, indent, seed, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                write!(out, "{pad}-").expect("a String");
                nested(item, indent, seed, out);
            }
        }
        other => writeln!(out, "{pad}{other}").expect("a String"),
    }
}

fn nested(value: &Value, indent: usize, seed: &mut u64, out: &mut String) {
    let is_block = match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if is_block {
        out.push('\n');
        block(value, indent + 4, seed, out);
    } else {
        writeln!(out, "   {value}   # so").expect("a String");
    }
}

fn shuffle<Item>(items: &mut [Item], seed: &mut u64) {
    for position in (1..items.len()).rev() {
        // xorshift64
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        let other = usize::try_from(*seed % (position as u64 + 1)).expect("small");
        items.swap(position, other);
    }
}

/// A copy of a plan with one field set; mappings on the way are made, and lists of one entry.
pub fn set(plan: &Value, path: &str, value: Value) -> Value {
    let mut copy = plan.clone();
    let mut place = &mut copy;
    for step in path.split('.') {
        if let Ok(position) = step.parse::<usize>() {
            if place.is_null() {
                *place = json!([{}]);
            }
            place = &mut place[position];
        } else {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[step];
        }
    }
    *place = value;
    copy
}

/// The lists of a plan in which order means nothing are left alone; this one turns `extensions` around.
pub fn with_extensions_turned(plan: &Value) -> Value {
    let mut copy = plan.clone();
    if let Some(list) = copy.pointer_mut("/spec/talos/extensions").and_then(Value::as_array_mut) {
        list.reverse();
    }
    copy
}

/// A plan with two pools, complete on its provider.
pub fn base(provider: Provider) -> Value {
    let block = match provider {
        Provider::Aws => json!({"ami": "ami-0a1b2c3d4e5f60718"}),
        Provider::Azure => json!({
            "subscriptionID": "9f1c2d3e-4a5b-4c6d-8e7f-0123456789ab",
            "image": {"gallery": "talos", "name": "talos", "version": "1.13.10", "resourceGroup": "images"},
        }),
        Provider::Gcp => {
            json!({"project": "clusters-4711", "image": "projects/clusters-4711/global/images/talos-v1-13"})
        }
        Provider::Proxmox => json!({
            "addresses": ["10.20.0.20-10.20.0.250"], "gateway": "10.20.0.1", "dnsServers": ["10.20.1.53"],
            "templateTags": ["talos"],
        }),
    };
    let network =
        if provider == Provider::Proxmox { json!({"endpoint": {"host": "10.20.0.10"}}) } else { json!({}) };
    json!({
        "apiVersion": "infraflux.io/v1alpha1",
        "kind": "ClusterPlan",
        "metadata": {"name": "lab"},
        "spec": {
            "provider": provider.as_str(),
            "region": match provider {
                Provider::Aws => "eu-central-1",
                Provider::Azure => "westeurope",
                Provider::Gcp => "europe-west3",
                Provider::Proxmox => "home",
            },
            "network": network,
            "workers": [{"name": "web", "replicas": 3}, {"name": "batch", "replicas": 2}],
            (provider.as_str()): block,
        },
    })
}
