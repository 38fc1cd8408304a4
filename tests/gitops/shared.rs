//! What the checks of a run share between clusters changes nothing on what they say of one.

use std::{fs, path::Path};

use infraflux::{
    admission::{
        Objects,
        flux::{Checks, Folders, Repository},
        schema::Schemas,
    },
    catalog::Catalog,
    plan::{read::Request, resolve::resolve},
    render::{Library, render},
    yaml::Source,
};

use crate::{common::infraflux::tree, world::objects};

/// A cluster with the names that checks may leave open.
struct Case {
    names: Vec<String>,
    objects: Objects,
    repository: Repository,
}

fn cases(catalog: &Catalog, plans: &[String]) -> Vec<Case> {
    let library = Library::new(catalog.clone());
    let mut cases = Vec::new();
    for plan in plans {
        let mut request = Request::default();
        request.add_plans(Source::new("plan.yaml", plan.as_str())).unwrap();
        for merged in request.merge(library.index()).unwrap().0 {
            // A plan that does not resolve has its fault elsewhere.
            let Ok((resolved, _)) = resolve(&merged, library.index()) else { continue };
            let endpoint = resolved.network.endpoint.as_ref().map(|endpoint| endpoint.host.clone());
            let names =
                [resolved.name.clone(), resolved.namespace.clone()].into_iter().chain(endpoint).collect();
            let repository = Repository::of(&resolved);
            let Ok(cluster) = render(resolved, &library) else { continue };
            cases.push(Case { names, objects: objects(&cluster), repository });
        }
    }
    cases
}

/// What is said of a cluster, and whether that is nothing.
fn report(checks: &Checks<'_>, case: &Case) -> (String, bool) {
    let names: Vec<&str> = case.names.iter().map(String::as_str).collect();
    let (report, claims) = checks.cluster(&case.objects, &names, case.repository.clone());
    let is_clean = report.violations.is_empty() && report.findings.is_empty();
    (format!("{report:#?} {claims:#?}"), is_clean)
}

fn overlaid(files: impl IntoIterator<Item = (String, String)>) -> Catalog {
    let source = |(path, text): (String, String)| (path.clone(), Source::new(path, text));
    Catalog::embedded().overlay(files.into_iter().map(source))
}

/// Checks clusters one after the other and each alone; gives the names of the clean ones.
fn compare(what: &str, catalog: Catalog, plans: &[String]) -> (usize, Vec<String>) {
    let cases = cases(&catalog, plans);
    let folders = Folders::new(catalog);
    let schemas = Schemas::new();
    let shared = Checks::new(&folders, &schemas);
    let mut clean = Vec::new();
    for case in &cases {
        let (alone, is_clean) = report(&Checks::new(&folders, &schemas), case);
        assert!(report(&shared, case).0 == alone, "{what}: {:?}", case.names);
        if is_clean {
            clean.push(case.names[0].clone());
        }
    }
    (cases.len(), clean)
}

fn good(name: &str, domain: &str) -> String {
    format!(
        "apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata:
  name: {name}
spec:
  provider: proxmox
  recipes:
    - {{name: base, variables: {{cluster_domain: {domain}}}}}
    - observability
    - security
    - {{name: backup, variables: {{backup_bucket: example-backups}}}}
"
    )
}

/// Every planted fault, under names of several lengths, with good clusters before and after.
#[test]
fn clusters_together_get_what_each_gets_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flux-faults");
    let mut folders: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    let (mut together, mut clean) = (0, 0);
    for folder in folders {
        let files = tree(&folder.join("catalog"));
        let files = files.into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap()));
        let mut plans = vec![good("ash", "a.example.org"), good("birch", "b.example.org")];
        if let Ok(own) = fs::read_to_string(folder.join("plan.yaml")) {
            let named = |name: &str| own.replace("name: lab\n", &format!("name: {name}\n"));
            plans.extend([named("lab"), named("a-longer-name"), named("oak")]);
        }
        plans.extend([good("elm", "a.example.org"), good("chestnut", "a.example.org")]);
        let (all, good) = compare(&folder.display().to_string(), overlaid(files), &plans);
        together += all;
        clean += good.len();
    }
    assert!(clean > 20 && together - clean > 100, "{together} clusters, {clean} of them clean");
}

/// A name that is too long for something is found after a short one that was not.
#[test]
fn a_clean_cluster_does_not_speak_for_a_longer_name() {
    let file = "recipes/base/prereqs/namespaces.yaml";
    let catalog = Catalog::embedded();
    let text = catalog.get(file).unwrap().text();
    let more = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: long\n  namespace: default\n  labels:\n    \
                of: ${cluster_name}-with-a-tail-that-makes-the-value-nearly-too-long-for\n";
    let catalog = overlaid([(file.to_owned(), format!("{text}{more}"))]);
    let plans = ["ash", "elm", "chestnut-by-the-river", "oak", "chestnut-at-the-river"];
    let plans = plans.map(|name| good(name, "example.org"));
    let (_, clean) = compare("long names", catalog, &plans);
    assert_eq!(clean, ["ash", "elm", "oak"]);
}

/// A mistake in an object that all clusters get unchanged is told of each of them, and of no object beside it.
#[test]
fn a_shared_object_is_wrong_for_everyone() {
    let file = "recipes/base/prereqs/namespaces.yaml";
    let catalog = Catalog::embedded();
    let text = catalog.get(file).unwrap().text();
    let more =
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: typo\n  namespace: default\ndtaa: {}\n";
    let catalog = overlaid([(file.to_owned(), format!("{text}{more}"))]);
    let plans = ["ash", "elm"].map(|name| good(name, &format!("{name}.example.org")));
    let cases = cases(&catalog, &plans);
    let (folders, schemas) = (Folders::new(catalog), Schemas::new());
    let shared = Checks::new(&folders, &schemas);
    for case in &cases {
        let names: Vec<&str> = case.names.iter().map(String::as_str).collect();
        let (report, _) = shared.cluster(&case.objects, &names, case.repository.clone());
        let found: Vec<_> = report
            .findings
            .iter()
            .map(|finding| (finding.code.id, finding.object.as_ref().map(|object| object.name.as_str())))
            .collect();
        assert_eq!(found, [("IF0501", Some("typo"))], "{:?}", case.names);
    }
}
