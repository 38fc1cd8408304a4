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
        for merged in request.merge(library.index()).unwrap() {
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

fn report(checks: &Checks<'_>, case: &Case) -> String {
    let names: Vec<&str> = case.names.iter().map(String::as_str).collect();
    let (report, claims) = checks.cluster(&case.objects, &names, case.repository.clone());
    format!("{report:#?} {claims:#?}")
}

/// Every planted fault, under names of several lengths, with good clusters before and after.
#[test]
fn clusters_together_get_what_each_gets_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/flux-faults");
    let (mut together, mut faulty) = (0, 0);
    let mut folders: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders {
        let overlay = tree(&folder.join("catalog")).into_iter().map(|(path, bytes)| {
            let text = String::from_utf8(bytes).unwrap();
            (path.clone(), Source::new(path, text))
        });
        let catalog = Catalog::embedded().overlay(overlay);
        let good = |name: &str, domain: &str| {
            format!(
                "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata:\n  name: {name}\nspec:\n  provider: proxmox\n  recipes:\n    - {{name: base, variables: {{cluster_domain: {domain}}}}}\n    - observability\n    - security\n    - {{name: backup, variables: {{backup_bucket: example-backups}}}}\n"
            )
        };
        let mut plans = vec![good("ash", "a.example.org"), good("birch", "b.example.org")];
        if let Ok(own) = fs::read_to_string(folder.join("plan.yaml")) {
            plans.extend([
                own.clone(),
                own.replace("name: lab\n", "name: a-longer-name\n"),
                own.replace("name: lab\n", "name: oak\n"),
            ]);
        }
        plans.extend([good("elm", "a.example.org"), good("chestnut", "a.example.org")]);
        let cases = cases(&catalog, &plans);
        let folders = Folders::new(catalog);
        let schemas = Schemas::new();
        let shared = Checks::new(&folders, &schemas);
        for case in &cases {
            let alone = report(&Checks::new(&folders, &schemas), case);
            together += 1;
            faulty +=
                usize::from(!alone.starts_with(
                    "Report {\n    violations: [],\n    findings: Findings {\n        list: [],",
                ));
            assert!(report(&shared, case) == alone, "{}: {:?}", folder.display(), case.names);
        }
    }
    assert!(
        together > 150 && faulty > 50 && faulty < together - 50,
        "{together} clusters, {faulty} with a fault"
    );
}
