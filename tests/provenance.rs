//! Findings about what was rendered point at the line of the plan that caused them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;

use common::infraflux::{run, texts};
use infraflux::{
    catalog::Catalog,
    engine::{Engine, Options},
    plan::read::Request,
    render::Library,
    yaml::{Source, pointer::FieldPath},
};
use serde_json::Value;

/// Every plan in the folder is wrong in ways that only show in rendered objects.
#[test]
fn what_is_wrong_in_an_object_is_shown_in_the_plan() {
    insta::glob!("fixtures/provenance/*.yaml", |path| {
        let folder = tempfile::TempDir::new().unwrap();
        fs::copy(path, folder.path().join("plan.yaml")).unwrap();
        let output = run(folder.path(), &["up", "-f", "plan.yaml"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(!folder.path().join("out").exists(), "something was written");
        insta::with_settings!({omit_expression => true, prepend_module_to_snapshot => true}, {
            insta::assert_snapshot!(texts(&output).1);
        });
    });
}

/// Each value of this plan occurs nowhere else: wherever it comes out, its origin is where it was written.
const MARKED: &str = r#"
apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata: {name: marked}
spec:
  provider: proxmox
  namespace: marked-namespace
  network: {endpoint: {host: marked-host.example.org, port: 7443}, managementCIDRs: [198.51.100.0/24], serviceDomain: marked.domain}
  talos:
    patches: {all: [{machine: {sysctls: {marked.sysctl: "1"}}}]}
  workers:
    - {name: first, replicas: 1, labels: {a.example.org/a: a}}
    - {name: second, replicas: 17, patches: [{machine: {sysctls: {marked.pool: "1"}}}]}
  addons: {cilium: {values: {marked-key: marked-value}}}
  proxmox:
    addresses: [192.0.2.20-192.0.2.60]
    gateway: 192.0.2.1
    dnsServers: [192.0.2.3]
    bridge: markedbr
    overrides: {workers: {description: marked-description}}
"#;

fn leaves(path: &FieldPath, value: &Value, visit: &mut dyn FnMut(&FieldPath, String)) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                leaves(&path.key(key.as_str()), value, visit);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(&path.index(index), value, visit);
            }
        }
        Value::String(text) => visit(path, text.clone()),
        other => visit(path, other.to_string()),
    }
}

#[test]
fn a_marked_value_leads_back_to_where_it_was_written() {
    let engine = Engine::new(Library::new(Catalog::embedded()), Options::default());
    let mut request = Request::default();
    request.add_plans(Source::new("plan.yaml", MARKED)).unwrap();
    let outcome = engine.run(request);
    assert!(!outcome.findings.has_errors(), "{:#?}", outcome.findings);
    let cluster = &outcome.clusters[0];
    let mut seen = std::collections::BTreeSet::new();
    for (file, document) in cluster.documents() {
        leaves(&FieldPath::root(), cluster.value(document), &mut |path, text| {
            // Names of objects and files hold the cluster's name; the marks are what the plan gives beside it.
            let marks: Vec<&str> = text
                .split(|character: char| character.is_whitespace() || "\"'{},[]:".contains(character))
                .filter(|word| {
                    word.starts_with("marked-")
                        && !word.starts_with("marked-control-plane")
                        && MARKED.contains(word)
                        || ["marked.sysctl", "marked.pool", "markedbr", "marked.domain", "7443", "17"]
                            .contains(word)
                })
                .collect();
            for mark in marks {
                // A patch is one text: of the catalogue's, the file is the origin, whatever values it has taken in.
                let is_patch = path.to_string().contains("strategicPatches");
                if is_patch && !mark.starts_with("marked.") {
                    continue;
                }
                let origin = cluster.origin(document, path);
                let plan = origin
                    .plan
                    .unwrap_or_else(|| panic!("{file} {} {path}: `{mark}` has no origin", document.id));
                let written = &plan.source().text()[plan.range()];
                assert!(
                    written.contains(mark),
                    "{file} {} {path}: `{mark}` is said to come from `{written}`",
                    document.id
                );
                seen.insert(mark.to_owned());
            }
        });
    }
    for mark in [
        "marked-namespace",
        "marked-host.example.org",
        "7443",
        "marked.domain",
        "marked.sysctl",
        "17",
        "marked.pool",
        "marked-value",
        "markedbr",
        "marked-description",
    ] {
        assert!(seen.contains(mark), "`{mark}` came out nowhere: {seen:?}");
    }
}
