//! Fleets: how layers become clusters, what is refused, and the example.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::infraflux::{cluster_objects, run, texts};
use infraflux::{
    catalog::Catalog,
    engine::{Engine, Options, Outcome},
    finding::Severity,
    plan::{read::Request, resolved::ResolvedCluster},
    render::Library,
    yaml::{Source, pointer::FieldPath},
};
use tempfile::TempDir;

fn render(text: &str) -> Outcome {
    let engine = Engine::new(Library::new(Catalog::embedded()), Options::default());
    let mut request = Request::default();
    request.add_plans(Source::new("fleet.yaml", text)).unwrap();
    engine.run(request)
}

fn example() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fleet/fleet.yaml")).unwrap()
}

fn cluster<'outcome>(outcome: &'outcome Outcome, name: &str) -> &'outcome ResolvedCluster {
    let found = outcome.clusters.iter().find(|cluster| cluster.name == name);
    &found.unwrap_or_else(|| panic!("no {name}: {:#?}", outcome.findings)).cluster
}

#[test]
fn the_example_renders_strictly() {
    let folder = TempDir::new().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fleet/fleet.yaml");
    let output = run(folder.path(), &["up", "-f", path.to_str().unwrap()]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert!(!stderr.contains("IF0212") && !stderr.contains("IF0213"), "example values are left: {stderr}");
    for (name, kinds) in
        [("edge-north", "ProxmoxCluster"), ("edge-south", "ProxmoxCluster"), ("prod-eu", "AWSCluster")]
    {
        let objects = cluster_objects(&folder.path().join("out").join(name));
        assert!(objects.values().any(|object| object["kind"] == kinds), "{name} has no {kinds}");
        for object in objects.values() {
            assert_eq!(
                object["metadata"]["annotations"]["infraflux.io/plan"], "FleetPlan/example-fleet",
                "{object:#}"
            );
        }
    }
    let again = run(folder.path(), &["up", "-f", path.to_str().unwrap()]);
    assert!(texts(&again).0.starts_with("0 changes"), "{}", texts(&again).0);
}

#[test]
fn layers_merge_as_the_page_says() {
    let text = example();
    let outcome = render(&text);
    let (north, south, prod) =
        (cluster(&outcome, "edge-north"), cluster(&outcome, "edge-south"), cluster(&outcome, "prod-eu"));
    let servers = |cluster: &ResolvedCluster| cluster.spec.talos.clone().and_then(|talos| talos.time_servers);
    // Lists replace, mappings merge.
    assert_eq!(servers(north).unwrap(), ["192.0.2.1"]);
    assert_eq!(servers(prod).unwrap(), ["time.example.org"]);
    assert_eq!(north.network.management_cidrs, ["198.51.100.0/24"]);
    assert_eq!(north.network.endpoint.as_ref().unwrap().host, "192.0.2.11");
    // `null` deletes, and what is built in counts again where the resolver decides it.
    assert_eq!(servers(south), None);
    assert!(south.gateway.is_none() && north.gateway.is_some());
    // Pools merge by name: what is not changed stays, new ones come behind.
    let pools: Vec<(&str, i32)> = prod.pools.iter().map(|pool| (&*pool.name, pool.replicas)).collect();
    assert_eq!((pools[0], pools[1].0), (("default", 4), "batch"));
    assert_eq!(prod.pools[0].labels["example.org/fleet"], "example");
    assert_eq!(north.pools.len(), 1);
    assert_eq!((north.control_plane.replicas, prod.control_plane.replicas), (1, 3));
    // Every value knows its line.
    let line = |cluster: &ResolvedCluster, path: &str| {
        let path = FieldPath::parse(path).unwrap();
        cluster.origins.written(&path).unwrap().start().0
    };
    let of = |words: &str| 1 + text.lines().position(|line| line.contains(words)).unwrap();
    assert_eq!(line(north, "spec.talos.timeServers[0]"), of("timeServers: [192.0.2.1]"));
    assert_eq!(line(prod, "spec.talos.timeServers[0]"), of("timeServers: [time.example.org]"));
    assert_eq!(line(prod, "spec.workers[0].replicas"), of("replicas: 4"));
    assert_eq!(line(prod, "spec.workers[0].labels"), of("labels: {example.org"));
    assert_eq!(line(south, "spec.network.endpoint.host"), of("192.0.2.12"));
}

const HEAD: &str = "apiVersion: infraflux.io/v1alpha1\nkind: FleetPlan\nmetadata: {name: f}\nspec:\n";
const ONE: &str =
    "{name: one, network: {endpoint: {host: 192.0.2.11}}, proxmox: {addresses: [192.0.2.20-192.0.2.29]}";

#[test]
fn wrong_fleets_are_refused_at_their_line() {
    let plain = format!("  clusters: [{ONE}}}]\n");
    let table = [
        (String::new(), 4, "lists no clusters"),
        ("  clusters: []\n".to_owned(), 5, "lists no clusters"),
        ("  clusters: {}\n".to_owned(), 5, "lists no clusters"),
        ("  defaults: [provider]\n".to_owned() + &plain, 5, "`spec.defaults` must be a mapping"),
        ("  classes: [edge]\n".to_owned() + &plain, 5, "`spec.classes` must be a mapping"),
        ("  classes: {edge: 3}\n".to_owned() + &plain, 5, "the class `edge` must be a mapping"),
        (format!("  clusters:\n    - {ONE}, class: nope}}\n"), 6, "no class `nope`"),
        (format!("  clusters:\n    - {ONE}, class: [edge]}}\n"), 6, "chosen by its name"),
        (format!("  clusters:\n    - {ONE}, classes: edge}}\n"), 6, "`classes` must be a list"),
        ("  clusters:\n    - one\n".to_owned(), 6, "is a mapping"),
        ("  clusters:\n    - {class: x}\n".to_owned(), 6, "no class `x`"),
        ("  clusters:\n    - {provider: proxmox}\n".to_owned(), 6, "no name"),
        ("  defaults: {provider: proxmox, regoin: x}\n".to_owned() + &plain, 5, "no field `regoin`"),
        (
            format!(
                "  classes:\n    edge: {{provider: proxmox, controlPlane: {{replica: 1}}}}\n  clusters: [{ONE}, class: edge}}]\n"
            ),
            6,
            "no field `replica`",
        ),
    ];
    for (body, line, words) in table {
        let text = format!("{HEAD}{body}");
        let outcome = render(&text);
        let found = outcome.findings.iter().find(|finding| finding.message.contains(words));
        let found =
            found.unwrap_or_else(|| panic!("`{words}` is not told for\n{text}\n{:#?}", outcome.findings));
        let location = found.location.as_ref().unwrap_or_else(|| panic!("{text}: no place"));
        assert_eq!((location.file(), location.start().0), ("fleet.yaml", line), "{text}{}", found.message);
        assert!(outcome.clusters.is_empty());
    }
}

#[test]
fn classes_that_no_cluster_has_are_read_too() {
    let fleet = |classes: &str| {
        render(&format!(
            "{HEAD}  defaults: {{provider: proxmox}}\n  classes:\n{classes}  clusters: [{ONE}}}]\n"
        ))
    };
    let table = [
        ("    spare: {controlPlane: {replica: 1}}\n", "IF0101", 7, "there is no field `replica` here"),
        (
            "    spare:\n      controlPlane:\n        replicas: three\n",
            "IF0101",
            9,
            "this must be an integer",
        ),
        ("    spare: {aws: {ami: latest}}\n", "IF0108", 7, "`latest` does not have the form of `ami`"),
        (
            "    spare: {workers: [{name: default, replicas: -1}]}\n",
            "IF0106",
            7,
            "-1 is too small for `replicas`",
        ),
        // What another layer may give is no reason to stop looking.
        (
            "    spare: {proxmox: {vmIDRange: {start: 100}, gatway: x}}\n",
            "IF0101",
            7,
            "there is no field `gatway`",
        ),
    ];
    for (classes, code, line, words) in table {
        let outcome = fleet(classes);
        let errors: Vec<_> =
            outcome.findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
        let [error] = &*errors else { panic!("{classes}: {errors:#?}") };
        assert_eq!((error.code.id, error.location.as_ref().unwrap().start().0), (code, line), "{classes}");
        assert!(error.message.contains(words), "{classes}: {}", error.message);
        assert!(error.field.as_ref().unwrap().to_string().starts_with("spec.classes.spare."), "{error:#?}");
        assert!(outcome.clusters.is_empty());
    }
    // A part of a class is whole when another layer completes it, and `null` means what it means in every layer.
    let whole = fleet(
        "    spare: {proxmox: {vmIDRange: {start: 100}}, talos: null, workers: [{name: a, cpu: 2}]}\n    none:\n",
    );
    let told: Vec<(&str, usize)> = whole
        .findings
        .iter()
        .filter(|finding| finding.message.contains("class"))
        .map(|finding| (finding.code.id, finding.location.as_ref().unwrap().start().0))
        .collect();
    assert_eq!(told, [("IF0235", 8), ("IF0235", 7)], "{:#?}", whole.findings);
    assert_eq!(whole.clusters.len(), 1);
}

#[test]
fn what_clusters_share_is_told_once() {
    let two = ONE
        .replace("one", "two")
        .replace("192.0.2.11", "192.0.2.12")
        .replace("20-192.0.2.29", "30-192.0.2.39");
    let text = format!(
        "{HEAD}  defaults: {{provider: proxmox}}\n  classes: {{edge: {{controlPlane: {{replica: 1}}}}}}\n  clusters:\n    - {ONE}, class: edge}}\n    - {two}, class: edge}}\n"
    );
    let outcome = render(&text);
    assert_eq!(outcome.findings.count(Severity::Error), 1, "{:#?}", outcome.findings);
}

#[test]
fn an_empty_class_and_null_parts_change_nothing() {
    let text = format!(
        "{HEAD}  defaults: null\n  classes:\n    none:\n    empty: {{}}\n  clusters:\n    - {ONE}, provider: proxmox, class: none, classes: [empty]}}\n"
    );
    let outcome = render(&text);
    assert_eq!(cluster(&outcome, "one").control_plane.replicas, 3);
}

#[test]
fn clusters_that_lie_in_out_already_count_too() {
    use infraflux::admission::semantics::{Neighbour, check_beside};
    let plan = |name: &str, host: &str, addresses: &str| {
        render(&format!(
            "{HEAD}  clusters: [{{name: {name}, provider: proxmox, region: home, network: {{endpoint: {{host: {host}}}}}, proxmox: {{addresses: [{addresses}]}}}}]\n"
        ))
    };
    let old = plan("old", "192.0.2.11", "192.0.2.20-192.0.2.39");
    let objects: Vec<serde_json::Value> =
        old.clusters[0].documents().map(|(_, document)| (*old.clusters[0].value(document)).clone()).collect();
    let neighbour = Neighbour::of(&objects).unwrap();
    assert_eq!((&*neighbour.name, &*neighbour.namespace), ("old", "old"));
    assert_eq!(neighbour.addresses, ["192.0.2.20-192.0.2.39"]);
    let check = |outcome: &Outcome| -> Vec<String> {
        let clusters: Vec<ResolvedCluster> =
            outcome.clusters.iter().map(|one| (*one.cluster).clone()).collect();
        check_beside(&clusters, std::slice::from_ref(&neighbour))
            .into_iter()
            .filter(|finding| finding.code.id == "IF0222")
            .map(|finding| finding.message)
            .collect()
    };
    let clash = plan("new", "192.0.2.11", "192.0.2.35-192.0.2.49");
    assert_eq!(
        check(&clash),
        [
            "`new` and `old` have the same API endpoint `192.0.2.11`",
            "the machines' addresses `192.0.2.35-192.0.2.49` of `new` and the machines' addresses `192.0.2.20-192.0.2.39` of `old` overlap",
        ]
    );
    assert_eq!(check(&plan("new", "192.0.2.12", "192.0.2.40-192.0.2.49")), Vec::<String>::new());
    // Rendered anew, a cluster takes the place of its earlier self.
    assert_eq!(check(&plan("old", "192.0.2.11", "192.0.2.20-192.0.2.39")), Vec::<String>::new());
}

#[test]
fn addresses_of_load_balancers_belong_to_one_cluster() {
    use infraflux::admission::semantics::{Neighbour, check_beside};
    let plan = |name: &str, host: &str, addresses: &str, balancers: &str| {
        format!(
            "{{name: {name}, provider: proxmox, region: home, network: {{endpoint: {{host: {host}}}}}, proxmox: {{addresses: [{addresses}], gateway: 192.0.2.1, prefix: 24}}, addons: {{cilium: {{loadBalancer: {{mode: l2, addresses: [{balancers}]}}}}}}}}"
        )
    };
    let one = plan("one", "192.0.2.11", "192.0.2.20-192.0.2.29", "192.0.2.200-192.0.2.209");
    let table = [
        (
            plan("two", "192.0.2.12", "192.0.2.30-192.0.2.39", "192.0.2.205-192.0.2.219"),
            "the load balancers' addresses `192.0.2.205-192.0.2.219` of `two` and the load balancers' addresses `192.0.2.200-192.0.2.209` of `one` overlap",
        ),
        (
            plan("two", "192.0.2.12", "192.0.2.30-192.0.2.39", "192.0.2.25-192.0.2.26"),
            "the load balancers' addresses `192.0.2.25-192.0.2.26` of `two` and the machines' addresses `192.0.2.20-192.0.2.29` of `one` overlap",
        ),
        (
            plan("two", "192.0.2.205", "192.0.2.30-192.0.2.39", "192.0.2.210-192.0.2.219"),
            "the API endpoint `192.0.2.205` of `two` and the load balancers' addresses `192.0.2.200-192.0.2.209` of `one` overlap",
        ),
    ];
    let old = render(&format!("{HEAD}  clusters: [{one}]\n"));
    let objects: Vec<serde_json::Value> =
        old.clusters[0].documents().map(|(_, document)| (*old.clusters[0].value(document)).clone()).collect();
    let neighbour = Neighbour::of(&objects).unwrap();
    assert_eq!(neighbour.balancers, ["192.0.2.200-192.0.2.209"]);
    for (two, words) in table {
        let told = |outcome: &Outcome| -> Vec<String> {
            let clashes = outcome.findings.iter().filter(|finding| finding.code.id == "IF0222");
            clashes.map(|finding| finding.message.clone()).collect()
        };
        assert_eq!(told(&render(&format!("{HEAD}  clusters:\n    - {one}\n    - {two}\n"))), [words]);
        // The same beside a cluster that lies in `out/` already.
        let alone = render(&format!("{HEAD}  clusters: [{two}]\n"));
        let clusters: Vec<ResolvedCluster> =
            alone.clusters.iter().map(|one| (*one.cluster).clone()).collect();
        let beside = check_beside(&clusters, std::slice::from_ref(&neighbour));
        let clashes: Vec<&str> = beside
            .iter()
            .filter(|finding| finding.code.id == "IF0222")
            .map(|finding| &*finding.message)
            .collect();
        assert_eq!(clashes, [words]);
    }
}
