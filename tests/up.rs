//! `infraflux up`, as a user calls it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{fs, path::Path, process::Output};

use common::infraflux::{cluster_objects, infraflux, run, texts, tree};
use infraflux::{catalog::Catalog, plan::Provider};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The providers whose files are in the catalogue.
fn providers() -> Vec<Provider> {
    let catalog = Catalog::embedded();
    Provider::ALL
        .into_iter()
        .filter(|provider| catalog.get(&format!("clusters/{provider}/provider.yaml")).is_some())
        .collect()
}

fn lab(provider: Provider, more: &[&str]) -> (TempDir, Output) {
    let folder = TempDir::new().unwrap();
    let mut arguments = vec!["up", "--provider", provider.as_str(), "--name", "lab"];
    arguments.extend(more);
    let output = run(folder.path(), &arguments);
    (folder, output)
}

fn assert_code(output: &Output, code: i32) {
    let (stdout, stderr) = texts(output);
    assert_eq!(output.status.code(), Some(code), "{stdout}\n{stderr}");
}

fn find<'objects>(
    objects: &'objects std::collections::BTreeMap<String, Value>,
    kind: &str,
) -> Vec<&'objects Value> {
    objects.values().filter(|object| object["kind"] == kind).collect()
}

#[test]
fn works_alone_in_an_empty_directory() {
    assert!(!providers().is_empty());
    for provider in providers() {
        let (folder, output) = lab(provider, &[]);
        assert_code(&output, 0);
        let out = folder.path().join("out/lab");
        for part in
            ["kustomization.yaml", "SECRETS.md", "cluster", "addons/cilium", "addons/gateway", "recipes"]
        {
            assert!(out.join(part).exists(), "{provider}: {part}");
        }
        let first = tree(folder.path());
        let again = run(folder.path(), &["up", "--provider", provider.as_str(), "--name", "lab"]);
        assert_code(&again, 0);
        assert!(texts(&again).0.starts_with("0 changes"), "{}", texts(&again).0);
        assert_eq!(tree(folder.path()), first, "{provider}: the second run wrote other bytes");
    }
}

#[test]
fn kubectl_builds_what_was_written() {
    for kubectl in common::clients::kubectls("building out/<cluster>") {
        for provider in providers() {
            let (folder, output) = lab(provider, &[]);
            assert_code(&output, 0);
            let built = std::process::Command::new(&kubectl)
                .args(["kustomize", "out/lab"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            let (stdout, stderr) = texts(&built);
            assert!(built.status.success(), "{provider}: {stderr}");
            let built = common::infraflux::objects(&stdout);
            let written = cluster_objects(&folder.path().join("out/lab"));
            assert_eq!(built.keys().collect::<Vec<_>>(), written.keys().collect::<Vec<_>>(), "{provider}");
            let all = std::process::Command::new(&kubectl)
                .args(["kustomize", "out"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(all.status.success(), "{provider}: {}", texts(&all).1);
        }
    }
}

#[test]
fn every_flag_changes_its_field_and_nothing_else_does() {
    for provider in providers() {
        let region = match provider {
            Provider::Aws => "eu-west-1",
            Provider::Azure => "northeurope",
            Provider::Gcp => "europe-west3",
            Provider::Proxmox => "cellar",
        };
        let (folder, output) = lab(
            provider,
            &[
                "--workers",
                "5",
                "--cpu",
                "8",
                "--memory",
                "32",
                "--k8s",
                "1.35",
                "--region",
                region,
                "--recipes",
                "base,observability",
            ],
        );
        assert_code(&output, 0);
        let objects = cluster_objects(&folder.path().join("out/lab"));
        let deployment = find(&objects, "MachineDeployment")[0];
        assert_eq!(deployment["spec"]["replicas"], 5);
        let control_plane = find(&objects, "TalosControlPlane")[0];
        for version in [&deployment["spec"]["template"]["spec"]["version"], &control_plane["spec"]["version"]]
        {
            assert!(version.as_str().unwrap().starts_with("v1.35."), "{version}");
        }
        assert_eq!(control_plane["spec"]["replicas"], 3);
        assert!(folder.path().join("out/lab/recipes/observability.yaml").exists());
        let text: String = tree(&folder.path().join("out/lab"))
            .into_values()
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .collect();
        if provider != Provider::Proxmox {
            assert!(text.contains(region), "{provider}: the region is nowhere");
        }
        let template = deployment["spec"]["template"]["spec"]["infrastructureRef"]["name"].as_str().unwrap();
        let machine = objects.values().find(|object| object["metadata"]["name"] == template).unwrap();
        let spec = &machine["spec"]["template"]["spec"];
        if provider == Provider::Proxmox {
            assert_eq!((&spec["numCores"], &spec["memoryMiB"]), (&json!(8), &json!(32768)));
        }
        // The control plane keeps its own size.
        let control_plane_template =
            control_plane["spec"]["infrastructureTemplate"]["name"].as_str().unwrap();
        let own =
            objects.values().find(|object| object["metadata"]["name"] == control_plane_template).unwrap();
        assert_ne!(&own["spec"]["template"]["spec"], spec, "{provider}: cpu and memory are the pool's alone");
    }
}

#[test]
fn a_flag_that_is_not_given_changes_nothing_in_a_file() {
    let folder = TempDir::new().unwrap();
    let plan = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec:\n  provider: proxmox\n  region: cellar\n  kubernetesVersion: \"1.34\"\n  workers: [{name: default, replicas: 7, cpu: 2, memoryGiB: 4}, {name: big, replicas: 1}]\n";
    fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    let values = "spec:\n  controlPlane: {replicas: 1}\n";
    fs::write(folder.path().join("values.yaml"), values).unwrap();
    let output = run(folder.path(), &["up", "-f", "plan.yaml", "--values", "values.yaml", "--cpu", "6"]);
    assert_code(&output, 0);
    let objects = cluster_objects(&folder.path().join("out/lab"));
    let deployments = find(&objects, "MachineDeployment");
    let replicas: Vec<&Value> = deployments.iter().map(|object| &object["spec"]["replicas"]).collect();
    assert_eq!(replicas, [&json!(1), &json!(7)]);
    let control_plane = find(&objects, "TalosControlPlane")[0];
    assert_eq!(control_plane["spec"]["replicas"], 1);
    assert!(control_plane["spec"]["version"].as_str().unwrap().starts_with("v1.34."));
    let cores: Vec<&Value> = find(&objects, "ProxmoxMachineTemplate")
        .iter()
        .map(|object| &object["spec"]["template"]["spec"]["numCores"])
        .collect();
    assert_eq!(cores, [&json!(4), &json!(4), &json!(6)], "control plane, big, default");
}

#[test]
fn no_workers_means_no_pools_and_a_schedulable_control_plane() {
    let (folder, output) = lab(Provider::Proxmox, &["--workers", "0"]);
    assert_code(&output, 0);
    let objects = cluster_objects(&folder.path().join("out/lab"));
    assert!(find(&objects, "MachineDeployment").is_empty());
    let control_plane = find(&objects, "TalosControlPlane")[0].to_string();
    assert!(control_plane.contains("allowSchedulingOnControlPlanes: true"), "{control_plane}");
}

#[test]
fn several_plans_a_fleet_and_stdin() {
    let folder = TempDir::new().unwrap();
    let fleet = "apiVersion: infraflux.io/v1alpha1\nkind: FleetPlan\nmetadata: {name: homes}\nspec:\n  defaults: {provider: proxmox, region: home, proxmox: {dnsServers: [192.0.2.3]}}\n  classes:\n    small: {controlPlane: {replicas: 1}, workers: []}\n  clusters:\n    - {name: one, class: small, network: {endpoint: {host: 192.0.2.11}}, proxmox: {addresses: [192.0.2.20-192.0.2.29]}}\n    - {name: two, network: {endpoint: {host: 192.0.2.12}}, proxmox: {addresses: [192.0.2.30-192.0.2.49]}}\n---\napiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: three}\nspec: {provider: proxmox, network: {endpoint: {host: 192.0.2.13}}, proxmox: {addresses: [192.0.2.50-192.0.2.69]}}\n";
    let mut child = infraflux(folder.path())
        .args(["up", "-f", "-"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), fleet.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_code(&output, 0);
    let list = fs::read_to_string(folder.path().join("out/kustomization.yaml")).unwrap();
    let list: Value = serde_yaml::from_str(&list).unwrap();
    assert_eq!(list["resources"], json!(["./one", "./three", "./two"]));
    let replicas = |name: &str| {
        let objects = cluster_objects(&folder.path().join("out").join(name));
        find(&objects, "TalosControlPlane")[0]["spec"]["replicas"].clone()
    };
    assert_eq!((replicas("one"), replicas("two")), (json!(1), json!(3)));
}

/// A call that must fail, write nothing, and say the right thing.
struct Refusal {
    name: &'static str,
    arguments: &'static [&'static str],
    files: &'static [(&'static str, &'static str)],
    code: i32,
    says: &'static [&'static str],
}

const PLAN_HEAD: &str = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec:\n  provider: proxmox\n";

#[test]
fn bad_input_is_refused_and_nothing_is_written() {
    let refusals = [
        Refusal {
            name: "unknown provider",
            arguments: &["--provider", "asw", "--name", "lab"],
            files: &[],
            code: 2,
            says: &["no provider `asw`", "`aws`"],
        },
        Refusal {
            name: "unknown recipe",
            arguments: &["--provider", "proxmox", "--name", "lab", "--recipes", "observabilty"],
            files: &[],
            code: 2,
            says: &["no recipe `observabilty`", "`observability`"],
        },
        Refusal {
            name: "missing name",
            arguments: &["--provider", "proxmox"],
            files: &[],
            code: 1,
            says: &["no name", "--name"],
        },
        Refusal {
            name: "missing provider",
            arguments: &["--name", "lab"],
            files: &[],
            code: 1,
            says: &["no provider", "--provider"],
        },
        Refusal {
            name: "name that climbs",
            arguments: &["--provider", "proxmox", "--name", "../../x"],
            files: &[],
            code: 2,
            says: &["`../../x`", "DNS label"],
        },
        Refusal {
            name: "invalid DNS name",
            arguments: &["--provider", "proxmox", "--name", "Lab_1"],
            files: &[],
            code: 2,
            says: &["`Lab_1`", "lower-case"],
        },
        Refusal {
            name: "reserved name",
            arguments: &["--provider", "proxmox", "--name", "management"],
            files: &[],
            code: 2,
            says: &["reserved"],
        },
        Refusal {
            name: "negative workers",
            arguments: &["--provider", "proxmox", "--name", "lab", "--workers", "-1"],
            files: &[],
            code: 2,
            says: &["--workers"],
        },
        Refusal {
            name: "unknown flag",
            arguments: &["--provider", "proxmox", "--nmae", "lab"],
            files: &[],
            code: 2,
            says: &["--nmae", "--name"],
        },
        Refusal {
            name: "unreadable file",
            arguments: &["-f", "absent.yaml"],
            files: &[],
            code: 3,
            says: &["absent.yaml", "cannot be read"],
        },
        Refusal {
            name: "unknown profile",
            arguments: &["--provider", "proxmox", "--name", "lab", "--profile", "stabel"],
            files: &[],
            code: 2,
            says: &["no profile `stabel`", "`stable`"],
        },
        Refusal {
            name: "empty file",
            arguments: &["-f", "p.yaml"],
            files: &[("p.yaml", "\n")],
            code: 1,
            says: &["empty"],
        },
        Refusal {
            name: "duplicate key",
            arguments: &["-f", "p.yaml"],
            files: &[("p.yaml", "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nkind: ClusterPlan\n")],
            code: 1,
            says: &["p.yaml:3:1", "twice"],
        },
        Refusal {
            name: "unknown kind",
            arguments: &["-f", "p.yaml"],
            files: &[(
                "p.yaml",
                "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPaln\nmetadata: {name: x}\n",
            )],
            code: 1,
            says: &["p.yaml:2:7", "`ClusterPlan`"],
        },
        Refusal {
            name: "block of another provider",
            arguments: &["-f", "p.yaml"],
            files: &[(
                "p.yaml",
                "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec:\n  provider: proxmox\n  aws: {ami: ami-0123456789abcdef0}\n",
            )],
            code: 1,
            says: &["p.yaml:6:3", "block `aws`"],
        },
        Refusal {
            name: "alias bomb",
            arguments: &["-f", "p.yaml"],
            files: &[(
                "p.yaml",
                "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: &g [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\nh: &h [*g,*g,*g,*g,*g,*g,*g,*g,*g,*g]\n",
            )],
            code: 1,
            says: &["p.yaml", "aliases"],
        },
    ];
    for refusal in refusals {
        let folder = TempDir::new().unwrap();
        for (name, text) in refusal.files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let before = tree(folder.path());
        let output = run(folder.path(), &[&["up"], refusal.arguments].concat());
        let (stdout, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(refusal.code), "{}: {stdout}{stderr}", refusal.name);
        for words in refusal.says {
            assert!(stderr.contains(words), "{}: `{words}` is not in\n{stderr}", refusal.name);
        }
        assert_eq!(tree(folder.path()), before, "{}: something was written", refusal.name);
        assert!(!folder.path().join("out").exists(), "{}: out/ was made", refusal.name);
    }
}

#[test]
fn wrong_fields_are_shown_at_their_line() {
    let table = [
        ("  contolPlane: {replicas: 1}\n", "p.yaml:6:3", "`controlPlane`"),
        ("  controlPlane: {replicas: three}\n", "p.yaml:6:28", "integer"),
        ("  kubernetesVersion: 1.36\n", "p.yaml:6:22", "quotes"),
        ("  workers:\n    - name: a\n      spott: true\n", "p.yaml:8:7", "`spot`"),
        ("  recipes:\n    - {name: base, variable: {}}\n", "p.yaml:7:20", "`variables`"),
        ("  addons: {gateway: {controller: nginx}}\n", "p.yaml:6:34", "`envoy`"),
    ];
    for (field, place, word) in table {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("p.yaml"), format!("{PLAN_HEAD}{field}")).unwrap();
        let output = run(folder.path(), &["up", "-f", "p.yaml"]);
        let (_, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{field}: {stderr}");
        assert!(
            stderr.contains(place) && stderr.contains(word),
            "{field}: `{place}` and `{word}` in\n{stderr}"
        );
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn hostile_input_ends_in_a_message() {
    let deep = "[".repeat(100_000);
    let large = format!("a: \"{}\"\n", "x".repeat(50 << 20));
    let table: [(&str, Vec<u8>, &str); 4] = [
        ("deep", deep.into_bytes(), "nested too deeply"),
        ("deep mapping", "{a: ".repeat(100_000).into_bytes(), "nested too deeply"),
        ("large", large.into_bytes(), "MiB"),
        ("binary", vec![0x7f, b'E', b'L', b'F', 0xff, 0xfe, 0x00, 0x80], "UTF-8"),
    ];
    for (name, bytes, words) in table {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("p.yaml"), bytes).unwrap();
        let output = run(folder.path(), &["up", "-f", "p.yaml"]);
        let (_, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(1), "{name}: {stderr}");
        assert!(stderr.contains(words), "{name}: {stderr}");
        assert!(stderr.len() < 5000, "{name}: the message has {} bytes", stderr.len());
    }
}

#[test]
fn the_output_folder_is_respected() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("out"), "a file").unwrap();
    let output = run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab"]);
    assert_eq!(output.status.code(), Some(3), "{}", texts(&output).1);
    assert_eq!(fs::read_to_string(folder.path().join("out")).unwrap(), "a file");

    let output = run(
        folder.path(),
        &["up", "--provider", "proxmox", "--name", "lab", "--out", "new/deep", "--dry-run"],
    );
    assert_code(&output, 0);
    assert!(!Path::new(&folder.path().join("new")).exists(), "--dry-run wrote something");
    assert!(texts(&output).0.contains("new/deep/lab"), "{}", texts(&output).0);
}

#[test]
fn json_and_sarif_carry_findings_and_the_summary() {
    let (_folder, output) = lab(Provider::Proxmox, &["--format", "json"]);
    assert_code(&output, 0);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["summary"]["errors"], 0);
    assert!(report["output"].is_object());
    let (_folder, output) = lab(Provider::Proxmox, &["--format", "sarif", "--recipes", "nope"]);
    assert_eq!(output.status.code(), Some(2));
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "IF0202");
}

#[test]
fn set_and_overrides_reach_the_objects_and_keep_comments() {
    let (folder, output) = lab(
        Provider::Proxmox,
        &[
            "--set",
            "controlPlane.replicas=1",
            "--set",
            "addons.cilium.values={bpf: {masquerade: true, hostLegacyRouting: true}, operator: {replicas: 3}}",
            "--set",
            "proxmox.overrides={workers: {description: from a plan}, cluster: {externalManagedControlPlane: false}}",
        ],
    );
    assert_code(&output, 0);
    let objects = cluster_objects(&folder.path().join("out/lab"));
    let cilium = find(&objects, "HelmRelease")
        .into_iter()
        .find(|object| object["metadata"]["name"] == "cilium")
        .unwrap();
    assert_eq!(cilium["spec"]["values"]["bpf"]["masquerade"], true);
    assert_eq!(cilium["spec"]["values"]["operator"]["replicas"], 3);
    assert_eq!(cilium["spec"]["values"]["operator"]["rollOutPods"], true);
    let text = fs::read_to_string(folder.path().join("out/lab/addons/cilium/helm-release.yaml")).unwrap();
    assert!(text.contains("# KubePrism"), "the comments of the template are gone");
    assert_eq!(find(&objects, "ProxmoxCluster")[0]["spec"]["externalManagedControlPlane"], false);
    let descriptions: Vec<&Value> = find(&objects, "ProxmoxMachineTemplate")
        .iter()
        .map(|object| &object["spec"]["template"]["spec"]["description"])
        .collect();
    assert_eq!(descriptions, [&Value::Null, &json!("from a plan")]);
}

const EDGE: &str = "apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata: {name: NAME}
spec:
  provider: proxmox
  region: REGION
  namespace: NAMESPACE
  network: {endpoint: {host: HOST}, managementCIDRs: [198.51.100.0/24]}
  addons: {cilium: {loadBalancer: {mode: l2, addresses: [BALANCERS]}}}
  proxmox: {addresses: [POOL], prefix: 24, gateway: 192.0.2.1, dnsServers: [192.0.2.3], vmIDRange: {start: IDS, end: 299}}
";

/// `EDGE` with the words of `changes` in the place of its own.
fn edge(name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = EDGE.replace(
        "NAMESPACE",
        changes.iter().find(|(key, _)| *key == "NAMESPACE").map_or(name, |(_, value)| value),
    );
    for (key, value) in changes.iter().chain(&[
        ("REGION", "home"),
        ("HOST", "192.0.2.11"),
        ("BALANCERS", "192.0.2.100-192.0.2.109"),
        ("POOL", "192.0.2.20-192.0.2.39"),
        ("IDS", "200"),
    ]) {
        text = text.replace(key, value);
    }
    text.replace("NAME", name)
}

#[test]
fn clusters_of_earlier_runs_in_the_same_folder_are_neighbours() {
    let folder = TempDir::new().unwrap();
    let up = |text: &str| {
        fs::write(folder.path().join("plan.yaml"), text).unwrap();
        run(folder.path(), &["up", "-f", "plan.yaml"])
    };
    assert_code(&up(&edge("one", &[])), 0);
    // Rendered again, a cluster is not its own neighbour.
    assert_code(&up(&edge("one", &[])), 0);
    let apart = [
        ("HOST", "192.0.2.12"),
        ("BALANCERS", "192.0.2.110-192.0.2.119"),
        ("POOL", "192.0.2.40-192.0.2.59"),
        ("REGION", "elsewhere"),
    ];
    for (key, value, message, line) in [
        ("NAMESPACE", "one", "`two` and `one` share the hub namespace `one`", "plan.yaml:7:14"),
        ("HOST", "192.0.2.11", "`two` and `one` have the same API endpoint `192.0.2.11`", "plan.yaml:8:"),
        (
            "BALANCERS",
            "192.0.2.105-192.0.2.119",
            "the load balancers' addresses `192.0.2.105-192.0.2.119` of `two`",
            "plan.yaml:9:",
        ),
        (
            "POOL",
            "192.0.2.39-192.0.2.50",
            "the machines' addresses `192.0.2.39-192.0.2.50` of `two`",
            "plan.yaml:10:",
        ),
        ("REGION", "home", "the VM ids 200-299 of", "plan.yaml:10:"),
    ] {
        let mut changes = vec![(key, value)];
        changes.extend(apart.iter().filter(|(other, _)| *other != key));
        let output = up(&edge("two", &changes));
        assert_code(&output, 1);
        let stderr = texts(&output).1;
        for part in [message, line, "out/one/cluster/cluster.yaml:4:9", "1 error"] {
            assert!(stderr.contains(part), "{key}: no `{part}` in\n{stderr}");
        }
        assert!(!folder.path().join("out/two").exists(), "{key}");
    }
    assert_code(&up(&edge("two", &apart)), 0);
    // The neighbours' own quarrels are not this run's.
    let more = [
        ("HOST", "192.0.2.13"),
        ("BALANCERS", "192.0.2.120"),
        ("POOL", "192.0.2.60-192.0.2.79"),
        ("REGION", "third"),
    ];
    assert_code(&up(&edge("three", &more)), 0);
}

#[test]
fn a_cluster_that_left_its_fleet_is_named() {
    let folder = TempDir::new().unwrap();
    let fleet = |name: &str, clusters: &str| {
        let text = format!(
            "apiVersion: infraflux.io/v1alpha1\nkind: FleetPlan\nmetadata: {{name: {name}}}\nspec:\n  defaults: {{provider: aws}}\n  clusters: [{clusters}]\n"
        );
        fs::write(folder.path().join("fleet.yaml"), text).unwrap();
        let output = run(folder.path(), &["up", "-f", "fleet.yaml"]);
        assert_code(&output, 0);
        texts(&output).1
    };
    let all = fleet("edge", "{name: one}, {name: two}");
    assert!(!all.contains("IF0242"), "{all}");
    let fewer = fleet("edge", "{name: one}");
    for part in [
        "IF0242",
        "`two` is not in `FleetPlan/edge` any more",
        "out/two/cluster/cluster.yaml:4:9",
        "infraflux destroy --name two --remove",
    ] {
        assert!(fewer.contains(part), "no `{part}` in\n{fewer}");
    }
    assert!(folder.path().join("out/two").exists());
    // Clusters of other plans are none of this one's business.
    let other = fleet("core", "{name: three}");
    assert!(!other.contains("IF0242"), "{other}");
}

#[test]
fn changes_that_a_running_cluster_does_not_survive_are_told_at_the_plan() {
    let folder = TempDir::new().unwrap();
    let up = |text: &str| {
        fs::write(folder.path().join("plan.yaml"), text).unwrap();
        run(folder.path(), &["up", "-f", "plan.yaml"])
    };
    let plan = |host: &str, namespace: &str, kubernetes: &str| {
        edge("one", &[("HOST", host), ("NAMESPACE", namespace)])
            .replace("spec:\n", &format!("spec:\n  kubernetesVersion: {kubernetes}\n"))
    };
    // The address of an example may be replaced.
    assert_code(&up(&plan("192.0.2.10", "one", "1.36.1")), 0);
    assert_code(&up(&plan("10.9.0.10", "one", "1.36.1")), 0);
    let before = tree(folder.path());
    for (text, code, place) in [
        (plan("10.9.0.11", "one", "1.36.1"), "IF0702", "plan.yaml:9:"),
        (plan("10.9.0.10", "other", "1.36.1"), "IF0746", "plan.yaml:8:"),
        (plan("10.9.0.10", "one", "1.36.0"), "IF0747", "plan.yaml:5:"),
    ] {
        let output = up(&text);
        assert_code(&output, 1);
        let stderr = texts(&output).1;
        assert!(stderr.contains(&format!("error[{code}]")) && stderr.contains(place), "{code}: {stderr}");
        fs::write(folder.path().join("plan.yaml"), plan("192.0.2.10", "one", "1.36.1")).unwrap();
        let now = tree(folder.path());
        assert!(
            before
                .iter()
                .filter(|(path, _)| path.starts_with("out"))
                .all(|(path, text)| now.get(path) == Some(text))
        );
    }
}

#[test]
fn what_the_plan_says_is_not_said_again_of_an_object() {
    let (_folder, output) = lab(Provider::Gcp, &[]);
    assert_code(&output, 0);
    let stderr = texts(&output).1;
    for code in ["IF0213", "IF0243"] {
        assert_eq!(stderr.matches(code).count(), 1, "{code}: {stderr}");
    }
    for code in ["IF0744", "IF0725"] {
        assert!(!stderr.contains(code), "{code}: {stderr}");
    }
    // A type of which nothing is known is no fault.
    let (_folder, output) = lab(Provider::Aws, &["--set", "controlPlane.instanceType=x9z.large"]);
    assert_code(&output, 0);
    let stderr = texts(&output).1;
    assert!(stderr.contains("info[IF0244]: `x9z.large` is not in InfraFlux's table"), "{stderr}");
    assert!(stderr.contains("info[IF0243]: pool `default` names no zone"), "{stderr}");
}
