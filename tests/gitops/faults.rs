//! One fault planted in each folder of `tests/fixtures/flux-faults/`: an overlay of the catalogue, a plan, or both. What is
//! found, and at which line, is the folder's snapshot.

use std::{fs, path::Path};

use infraflux::{
    catalog::Catalog,
    engine::{Engine, Options},
    finding::{Findings, Severity},
    plan::read::Request,
    render::Library,
    yaml::Source,
};

use crate::{common::infraflux::tree, world::text};

/// A cluster with every bundle that a fault is planted in.
const PLAN: &str = "\
apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata:
  name: lab
spec:
  provider: proxmox
  recipes:
    - observability
    - security
    - {name: backup, variables: {backup_bucket: example-backups}}
";

#[test]
fn each_planted_fault_is_found_at_its_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flux-faults");
    let mut cases: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 30, "the cases are gone");
    let clean = findings(&root.join("nothing"));
    assert!(clean.is_empty(), "without a fault: {}", text(&clean));
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let found = findings(&case);
        assert!(!found.is_empty(), "{name}: nothing was found");
        for finding in &found {
            assert!(finding.location.is_some(), "{name}: no place: {}", finding.message);
        }
        insta::with_settings!({snapshot_path => "snapshots/faults", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(name, text(&found));
        });
    }
}

/// What a case gives, without the warnings that every example plan has.
fn findings(case: &Path) -> Findings {
    let overlay = tree(&case.join("catalog")).into_iter().map(|(path, bytes)| {
        let text = String::from_utf8(bytes).unwrap();
        (path.clone(), Source::new(path, text))
    });
    let catalog = Catalog::embedded().overlay(overlay);
    let plan = fs::read_to_string(case.join("plan.yaml")).unwrap_or_else(|_| PLAN.to_owned());
    let mut request = Request::default();
    request.add_plans(Source::new("plan.yaml", plan)).unwrap();
    let outcome = Engine::new(Library::new(catalog), Options::default()).run(request);
    outcome
        .findings
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error || finding.code.id.starts_with("IF09"))
        .collect()
}
