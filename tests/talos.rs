//! The Talos machine configuration in both dialects: what is written, that all of it is checked, and that a user's own
//! patches are checked no less.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fmt::Write as _;

use common::{
    plans,
    rendering::{self, Rendered, render},
};
use infraflux::{
    admission::{Object, Objects, Violation, rules},
    engine::Engine,
    finding::Severity,
    yaml::Source,
};
use serde_json::{Value, json};

/// An engine whose Proxmox can do everything, and has no Talos patches of its own: those are tested with the provider.
fn engine() -> Engine {
    let catalog = rendering::catalog();
    let descriptor =
        catalog.get("clusters/proxmox/provider.yaml").unwrap().text().replace("gpu: false", "gpu: true");
    let mut files = vec![("clusters/proxmox/provider.yaml".to_owned(), descriptor)];
    let own = catalog.under("clusters/proxmox/talos").map(|(path, _)| path.to_owned());
    files.extend(own.map(|path| (path, "# nothing\n".to_owned())));
    let files = files.into_iter().map(|(path, text)| (path.clone(), Source::new(path, text)));
    rendering::engine_over(catalog.clone().overlay(files))
}

/// A plan that uses every field which ends up in the Talos configuration.
fn everything(profile: &str) -> Value {
    json!({
        "apiVersion": "infraflux.io/v1alpha1",
        "kind": "ClusterPlan",
        "metadata": {"name": "lab"},
        "spec": {
            "provider": "proxmox",
            "region": "home",
            "profile": profile,
            "network": {"endpoint": {"host": "10.20.0.10"}, "nodeCIDRs": ["10.20.0.0/16"]},
            "controlPlane": {
                "labels": {"example.org/tier": "control"},
                "annotations": {"example.org/owner": "platform"},
                "taints": [{"key": "example.org/quiet", "effect": "PreferNoSchedule"}],
            },
            "workers": [
                {
                    "name": "web",
                    "labels": {"example.org/tier": "web", "node-role.kubernetes.io/web": ""},
                    "annotations": {"example.org/owner": "web"},
                    "taints": [{"key": "example.org/web", "value": "only", "effect": "NoExecute"}],
                    "patches": [{"machine": {"sysfs": {"kernel.mm.hugepages": "1"}}}],
                },
                {"name": "gpu", "gpu": "nvidia"},
            ],
            "talos": {
                "certSANs": ["api.example.org"],
                "installDisk": "/dev/sda",
                "timeServers": ["10.20.0.123"],
                "registryMirrors": [
                    {"registry": "docker.io", "endpoints": ["https://mirror.example.org"]},
                    {"registry": "*", "endpoints": ["https://all.example.org/v2/all"], "overridePath": true, "skipFallback": true},
                ],
                "userVolumes": [{"name": "data", "diskSelector": "disk.size > 100u * GB", "minSize": "20GiB", "maxSize": "1TiB", "pools": ["web"]}],
                "patches": {
                    "all": ["# a remark\nmachine:\n  sysctls: {vm.max_map_count: \"262144\"}\n"],
                    "controlPlane": [{"cluster": {"etcd": {"extraArgs": {"listen-metrics-urls": "http://0.0.0.0:2381"}}}}],
                    "workers": [{"apiVersion": "v1alpha1", "kind": "ExtensionServiceConfig", "name": "agent", "environment": ["A=b"]}],
                },
            },
            "proxmox": {
                "addresses": ["10.20.0.20-10.20.0.60"], "prefix": 16, "gateway": "10.20.0.1", "dnsServers": ["10.20.1.53"],
            },
        },
    })
}

/// One machine that does everything.
fn single(profile: &str) -> Value {
    let plan = plans::set(&everything(profile), "spec.workers", json!([]));
    let plan = plans::set(&plan, "spec.talos", json!({}));
    plans::set(&plan, "spec.controlPlane", json!({"replicas": 1}))
}

fn rendered(engine: &Engine, plan: &Value) -> Rendered {
    let rendered = render(engine, "plan", &plans::as_json(plan), None);
    assert!(rendered.cluster.is_some(), "{}", rendered.told(Severity::Error).join("\n"));
    rendered
}

/// All patches, with whose they are.
fn shown(rendered: &Rendered) -> String {
    let mut out = String::new();
    for (owner, patches) in rendered.patches() {
        // Hashes change with every patch; what counts here is the text.
        let owner = owner.rsplit_once('-').map_or(&*owner, |(name, _)| name);
        writeln!(out, "========== {owner}").unwrap();
        for patch in patches {
            write!(out, "---\n{patch}").unwrap();
        }
    }
    out
}

fn golden(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => "snapshots/talos", prepend_module_to_snapshot => false, omit_expression => true,
    }, { insta::assert_snapshot!(name, text); });
}

#[test]
fn the_dialect_up_to_1_13() {
    let engine = engine();
    golden("everything-1.13", &shown(&rendered(&engine, &everything("stable"))));
    golden("single-node-1.13", &shown(&rendered(&engine, &single("stable"))));
}

#[test]
fn the_dialect_of_1_14() {
    let engine = engine();
    golden("everything-1.14", &shown(&rendered(&engine, &everything("current"))));
    golden("single-node-1.14", &shown(&rendered(&engine, &single("current"))));
}

/// What the rules say of the Talos configuration.
fn complaints(objects: &Objects) -> Vec<Violation> {
    let externals = rules::Externals::everything();
    rules::check(objects, &Objects::default(), &externals)
        .into_iter()
        .filter(|violation| {
            violation.severity == Severity::Error
                && violation.source.is_some_and(|source| source.contains("talos"))
        })
        .collect()
}

/// Mappings whose keys are anybody's.
const FREE: &[&str] = &[
    "machine.nodeLabels",
    "machine.nodeAnnotations",
    "machine.nodeTaints",
    "machine.sysctls",
    "machine.sysfs",
    "machine.kubelet.extraArgs",
    "cluster.etcd.extraArgs",
    "KubeletConfig.extraArgs",
    "KubeNodeConfig.labels",
    "KubeNodeConfig.annotations",
    "KubeNodeConfig.taints",
];

/// The places of all keys in a document that Talos defines.
fn keys(value: &Value, path: &str, pointer: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            for (key, inner) in entries {
                if key == "$patch" || key == "apiVersion" {
                    continue;
                }
                let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                out.push(pointer.clone());
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                if !FREE.contains(&&*path) {
                    keys(inner, &path, &pointer, out);
                }
            }
        }
        Value::Array(items) => {
            for (position, inner) in items.iter().enumerate() {
                keys(inner, path, &format!("{pointer}/{position}"), out);
            }
        }
        _ => {}
    }
}

fn misspell(value: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    let entries = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    let inner = entries.remove(&key).unwrap();
    entries.insert(format!("{key}x"), inner);
}

/// Every key of every patch that we write is one that the table knows: misspelling any of them is noticed.
#[test]
fn no_key_that_we_write_is_out_of_the_tables_sight() {
    let engine = engine();
    let mut tried = 0;
    let mut missed = Vec::new();
    for plan in [everything("stable"), everything("current"), single("stable"), single("current")] {
        let first = rendered(&engine, &plan);
        let objects: Vec<Value> = first.objects.iter().map(|(_, object)| object.clone()).collect();
        assert!(complaints(&first.checked()).is_empty(), "{:#?}", complaints(&first.checked()));
        for (number, object) in objects.iter().enumerate() {
            let pointer = match object["kind"].as_str().unwrap() {
                "TalosControlPlane" => "/spec/controlPlaneConfig/controlplane/strategicPatches",
                "TalosConfigTemplate" => "/spec/template/spec/strategicPatches",
                _ => continue,
            };
            for (position, patch) in object.pointer(pointer).unwrap().as_array().unwrap().iter().enumerate() {
                let document: Value = serde_yaml::from_str(patch.as_str().unwrap()).unwrap();
                let kind = document["kind"].as_str().unwrap_or_default().to_owned();
                let mut places = Vec::new();
                keys(&document, &kind, "", &mut places);
                for place in places {
                    let mut wrong = document.clone();
                    misspell(&mut wrong, &place);
                    let mut changed = objects.clone();
                    let text = serde_yaml::to_string(&wrong).unwrap();
                    changed[number].pointer_mut(pointer).unwrap()[position] = Value::from(text);
                    tried += 1;
                    let changed: Objects = changed.into_iter().map(Object::new).collect();
                    if complaints(&changed).is_empty() {
                        missed.push(format!("{} {kind}{place}", plan["spec"]["profile"]));
                    }
                }
            }
        }
    }
    assert!(tried > 150, "{tried}");
    missed.sort();
    missed.dedup();
    assert!(missed.is_empty(), "misspelt and not noticed:\n{}", missed.join("\n"));
}

#[test]
fn a_users_misspelt_key_is_refused_in_either_dialect() {
    let engine = engine();
    for (profile, patch, expected) in [
        ("stable", json!({"machine": {"kubelt": {}}}), "kubelet"),
        ("stable", json!("machine:\n  network:\n    interfaces:\n      - interfase: eth0\n"), "interface"),
        ("stable", json!({"apiVersion": "v1alpha1", "kind": "KubeProxyConfig", "enabled": false}), "1.14"),
        ("current", json!({"apiVersion": "v1alpha1", "kind": "KubeNodeConfig", "lables": {}}), "labels"),
        ("current", json!({"machine": {"nodeLabels": {"a": "b"}}}), "KubeNodeConfig"),
        (
            "current",
            json!({"apiVersion": "v1alpha1", "kind": "KubeProxyConfg", "enabled": false}),
            "KubeProxyConfig",
        ),
    ] {
        for place in
            ["spec.talos.patches.all", "spec.talos.patches.controlPlane", "spec.controlPlane.patches"]
        {
            let plan = plans::set(
                &plans::set(&everything(profile), "spec.talos.patches", json!({})),
                place,
                json!([patch]),
            );
            let checked = render(&engine, "plan", &plans::as_json(&plan), None);
            // Where the rules are part of the render they have refused it already.
            let messages = if checked.cluster.is_some() {
                complaints(&checked.checked())
                    .into_iter()
                    .map(|violation| format!("{} {}", violation.message, violation.hint.unwrap_or_default()))
                    .collect::<Vec<_>>()
            } else {
                checked
                    .findings
                    .iter()
                    .map(|finding| {
                        format!("{} {}", finding.message, finding.hint.clone().unwrap_or_default())
                    })
                    .collect()
            };
            assert!(
                messages.iter().any(|message| message.contains(expected)),
                "{profile} {place} {patch}: {messages:?}"
            );
        }
    }
}

/// A user's patches come behind all of ours, those for everybody before those for a role before those for a pool.
#[test]
fn user_patches_come_last() {
    let engine = engine();
    for profile in ["stable", "current"] {
        let plan = everything(profile);
        for (owner, patches) in rendered(&engine, &plan).patches() {
            let position = |part: &str| patches.iter().position(|patch| patch.contains(part));
            let all = position("vm.max_map_count").unwrap();
            let ours = [
                "kubePrism",
                "KubePrismConfig",
                "UserVolumeConfig",
                "RegistryMirrorConfig",
                "externalCloudProvider",
            ];
            assert!(ours.iter().filter_map(|part| position(part)).all(|ours| ours < all), "{owner}");
            assert!(!patches[all].contains('#'), "{}", patches[all]);
            if owner.contains("control-plane") {
                assert_eq!(position("listen-metrics-urls"), Some(patches.len() - 1));
                assert_eq!(position("ExtensionServiceConfig"), None);
            } else if owner.contains("-web-") {
                assert!(all < position("ExtensionServiceConfig").unwrap());
                assert_eq!(position("kernel.mm.hugepages"), Some(patches.len() - 1));
            }
        }
    }
}

/// The images of each platform, by the names that the Image Factory has for them.
#[test]
fn images_are_named_as_the_factory_names_them() {
    let engine = rendering::engine();
    let table = [
        ("aws", "aws-amd64.raw.xz", "aws-amd64-secureboot.raw.xz", "aws-installer"),
        ("azure", "azure-amd64.vhd.xz", "azure-amd64-secureboot.vhd.xz", "azure-installer"),
        ("gcp", "gcp-amd64.raw.tar.gz", "gcp-amd64-secureboot.raw.tar.gz", "gcp-installer"),
        ("proxmox", "nocloud-amd64.raw.xz", "nocloud-amd64-secureboot.raw.xz", "nocloud-installer"),
    ];
    for (provider, disk, secure, installer) in table {
        for (secure_boot, disk, installer) in
            [(false, disk, installer.to_owned()), (true, secure, format!("{installer}-secureboot"))]
        {
            let plan = json!({
                "apiVersion": "infraflux.io/v1alpha1", "kind": "ClusterPlan", "metadata": {"name": "lab"},
                "spec": {"provider": provider, "recipes": [], "talos": {
                    "secureBoot": secure_boot, "imageFactory": "factory.example.org", "version": "v1.13.9",
                    "extensions": ["siderolabs/zfs", "siderolabs/gvisor"], "extraKernelArgs": ["console=ttyS0"],
                }},
            });
            let rendered = rendered(&engine, &plan);
            let cluster = rendered.cluster.as_ref().unwrap();
            let (_, file) = cluster.extras.iter().find(|(path, _)| path == "cluster/schematic.yaml").unwrap();
            let id = cluster.cluster.talos.schematic.id();
            let lines = [
                format!("# id: {id}"),
                format!("# disk image: https://factory.example.org/image/{id}/v1.13.9/{disk}"),
                format!("# installer: factory.example.org/{installer}/{id}:v1.13.9"),
                "#   curl --data-binary @schematic.yaml https://factory.example.org/schematics".to_owned(),
            ];
            for line in lines {
                assert!(file.lines().any(|other| other == line), "{line}\n{file}");
            }
            // What is posted is what was hashed: sorted extensions, the arguments in the plan's order.
            let posted: Value = serde_yaml::from_str(file).unwrap();
            let extensions = &posted["customization"]["systemExtensions"]["officialExtensions"];
            let extensions: Vec<&str> =
                extensions.as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert!(extensions.is_sorted() && extensions.contains(&"siderolabs/gvisor"), "{extensions:?}");
            assert_eq!(posted["customization"]["extraKernelArgs"][0], "console=ttyS0");
            let canonical: Vec<&str> =
                file.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
            let canonical = canonical.concat();
            let hash = <sha2::Sha256 as sha2::Digest>::digest(&canonical);
            assert_eq!(infraflux::catalog::hex(&hash), id);
        }
    }
}

/// Everything that needs an extension brings it: the provider, a bundle, a pool with GPUs.
#[test]
fn what_needs_an_extension_brings_it() {
    let engine = engine();
    let extensions =
        |plan: &Value| rendered(&engine, plan).cluster.unwrap().cluster.talos.schematic.extensions.clone();
    let bare = plans::set(&single("stable"), "spec.recipes", json!([]));
    assert_eq!(extensions(&bare), ["siderolabs/qemu-guest-agent"]);
    let with_base = plans::set(&bare, "spec.recipes", json!(["base"]));
    assert_eq!(
        extensions(&with_base),
        ["siderolabs/iscsi-tools", "siderolabs/qemu-guest-agent", "siderolabs/util-linux-tools"]
    );
    let gpu = plans::set(&bare, "spec.workers", json!([{"name": "gpu", "gpu": "nvidia"}]));
    assert_eq!(
        extensions(&gpu),
        [
            "siderolabs/nvidia-container-toolkit-production",
            "siderolabs/nvidia-open-gpu-kernel-modules-production",
            "siderolabs/qemu-guest-agent",
        ]
    );
}
