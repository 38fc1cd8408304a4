//! What checks cost: a stream of foreign objects beside the jsonschema crate, and a fleet beside its rendering.
//!
//! `INFRAFLUX_CRDS=DIR cargo bench --bench admission`. Without CRDs only the kinds of Kubernetes and the rules are measured.

#![allow(missing_docs, clippy::expect_used, clippy::unwrap_used, reason = "a benchmark")]

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use infraflux::{
    admission::{
        Object, Objects,
        flux::{
            Checks, Folders,
            place::{Local, Places, SourceName},
        },
        foreign::{Against, Documents},
        rendered::{self, First},
        rules::Externals,
        schema::{Check, Crd, Schemas, documents},
        semantics,
    },
    catalog::Catalog,
    plan::{read::Request, resolve::resolve, resolved::ResolvedCluster},
    render::{Library, RenderedCluster, render},
    yaml::{self, Limits, Source, Sources, scalar::Schema},
};
use rayon::prelude::*;
use serde_json::Value;

#[path = "../tests/common/oracle.rs"]
#[allow(dead_code, reason = "shared with tests")]
mod oracle;

#[path = "common/fleet.rs"]
mod fleet;
use fleet::{Clusters, fleet};

/// The allocator of the program.
#[cfg(feature = "cli")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

/// How many clusters a fleet has here.
const FLEET: usize = 1000;

struct World {
    schemas: Schemas,
    raw: BTreeMap<(String, String), Value>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let mut world = World { schemas: Schemas::new(), raw: BTreeMap::new() };
        let mut open: Vec<PathBuf> =
            std::env::var_os("INFRAFLUX_CRDS").map(PathBuf::from).into_iter().collect();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(
                    fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()),
                );
                continue;
            }
            if path.extension().is_none_or(|extension| extension != "yaml") {
                continue;
            }
            let mut sources = Sources::new();
            let id = sources.add(Source::new("crd", fs::read_to_string(path).expect("text")));
            for document in yaml::read(&sources, id, Schema::Cluster, Limits::STREAM).expect("YAML") {
                let value = document.root.to_value();
                for crd in documents(&value) {
                    let read = Crd::read(crd).expect("a CRD");
                    for version in crd["spec"]["versions"].as_array().expect("versions") {
                        let name = version["name"].as_str().expect("a name");
                        let key = (format!("{}/{name}", read.group), read.kind.clone());
                        world.raw.insert(key, version["schema"]["openAPIV3Schema"].clone());
                    }
                    world.schemas.add(read);
                }
            }
        }
        world
    })
}

/// A fleet, resolved.
fn resolved(library: &Library, clusters: usize, kind: Clusters) -> Vec<ResolvedCluster> {
    let mut request = Request::default();
    request.add_plans(Source::new("fleet.yaml", fleet(clusters, kind))).expect("a plan");
    let plans = request.merge(library.index()).expect("plans").0;
    plans.par_iter().map(|plan| resolve(plan, library.index()).expect("a cluster").0).collect()
}

/// A fleet, rendered.
fn rendered(clusters: usize, kind: Clusters) -> Vec<RenderedCluster> {
    let library = Library::new(Catalog::embedded());
    resolved(&library, clusters, kind)
        .into_par_iter()
        .map(|cluster| render(cluster, &library).expect("a render"))
        .collect()
}

/// A YAML stream of so many objects.
fn stream(objects: usize) -> String {
    // A cluster has more than ten objects.
    let clusters = rendered(objects / 10, Clusters::Alike);
    let documents = clusters.iter().flat_map(RenderedCluster::documents).take(objects);
    documents.flat_map(|(_, document)| ["---\n", &*document.text, "\n"]).collect()
}

fn check(text: &str, places: &Places) -> usize {
    static CATALOG: OnceLock<Folders> = OnceLock::new();
    let world = world();
    let mut sources = Sources::new();
    let id = sources.add(Source::new("stream.yaml", text));
    let mut input = Documents::default();
    for document in yaml::read(&sources, id, Schema::Cluster, Limits::STREAM).expect("YAML") {
        input.add(&sources, document.root);
    }
    let externals = Externals::everything();
    let previous = Objects::default();
    let against = Against {
        schemas: &world.schemas,
        previous: &previous,
        externals: &externals,
        check: Check { no_namespace: None },
        catalog: CATALOG.get_or_init(|| Folders::new(Catalog::embedded())),
        places,
    };
    let checked = input.check(&sources, &against);
    assert!(checked.report.objects > 0);
    checked.findings.len()
}

/// Reading, schemas, CEL, rules, references and Flux's checks of a stream.
#[divan::bench(args = [1000, 10_000], sample_count = 5)]
fn validate(bencher: divan::Bencher<'_, '_>, count: usize) {
    let text = stream(count);
    let places = Places::default();
    check(&text, &places);
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(|| check(&text, &places));
}

/// A repository with so many objects, ten of them behind each Flux Kustomization, which are loaded, patched, filled and
/// checked as they would be applied.
#[divan::bench(args = [1000, 10_000], sample_count = 5)]
fn repository(bencher: divan::Bencher<'_, '_>, count: usize) {
    let mut kustomizations = String::new();
    let mut files = Vec::new();
    for number in 0..count / 10 {
        let before = number.saturating_sub(1);
        let depends =
            if number == 0 { String::new() } else { format!("dependsOn: [{{name: app-{before}}}], ") };
        write!(
            kustomizations,
            "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {{name: app-{number}, namespace: flux-system}}\n\
             spec: {{interval: 1h, prune: true, path: ./apps/{number}, targetNamespace: apps, {depends}\
             sourceRef: {{kind: GitRepository, name: fleet}}, postBuild: {{substitute: {{app: app-{number}}}}}}}\n"
        )
        .expect("a String");
        let mut objects = String::new();
        for part in 0..10 {
            write!(
                objects,
                "---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: \"${{app}}-{part}\"}}\nspec:\n  replicas: 2\n  \
                 selector: {{matchLabels: {{app: \"${{app}}\"}}}}\n  template:\n    metadata: {{labels: {{app: \"${{app}}\"}}}}\n    \
                 spec:\n      containers: [{{name: app, image: \"registry.example.org/app:1.{part}\"}}]\n"
            )
            .expect("a String");
        }
        let path = format!("apps/{number}/objects.yaml");
        files.push((path.clone(), Source::new(path, objects)));
    }
    let files = Catalog::embedded().overlay(files);
    let name = SourceName {
        kind: "GitRepository".to_owned(),
        namespace: "flux-system".to_owned(),
        name: "fleet".to_owned(),
    };
    // Folders are built anew each time, as in every run of the program.
    let places = || Places {
        named: vec![(name.clone(), Some(Arc::new(Local::new(".", Arc::new(files.clone())))))],
        ..Places::default()
    };
    assert_eq!(check(&kustomizations, &places()), 0);
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(|| check(&kustomizations, &places()));
}

fn values(count: usize) -> Vec<Value> {
    let text = stream(count);
    let mut sources = Sources::new();
    let id = sources.add(Source::new("stream.yaml", text));
    let documents = yaml::read(&sources, id, Schema::Cluster, Limits::STREAM).expect("YAML");
    documents.into_iter().map(|document| document.root.to_value()).collect()
}

/// Schemas and CEL alone, of objects that were read.
#[divan::bench(args = [10_000], sample_count = 5)]
fn schema_and_cel(bencher: divan::Bencher<'_, '_>, count: usize) {
    let objects: Objects = values(count).into_iter().map(Object::new).collect();
    let nothing = Objects::default();
    let run = || world().schemas.check(&objects, &nothing, Check::default()).violations.len();
    run();
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(run);
}

/// The jsonschema crate on the same objects, structure alone.
#[divan::bench(args = [10_000], sample_count = 5)]
fn jsonschema(bencher: divan::Bencher<'_, '_>, count: usize) {
    let objects = values(count);
    let key = |object: &Value| {
        let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
        (text("apiVersion"), text("kind"))
    };
    let compiled: BTreeMap<_, _> = objects
        .iter()
        .map(key)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .filter_map(|key| Some((key.clone(), oracle::Oracle::new(world().raw.get(&key)?))))
        .collect();
    let run = || {
        objects
            .iter()
            .filter(|object| compiled.get(&key(object)).is_some_and(|oracle| oracle.holds(object)))
            .count()
    };
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(run);
}

/// Schemas and CEL of a fleet that was rendered.
#[divan::bench(sample_count = 5)]
fn fleet_schema_and_cel(bencher: divan::Bencher<'_, '_>) {
    let clusters: Vec<Objects> = rendered(FLEET, Clusters::Alike)
        .into_par_iter()
        .map(|cluster| {
            cluster.documents().map(|(_, document)| Object::new(cluster.value(document).clone())).collect()
        })
        .collect();
    let nothing = Objects::default();
    let run = || {
        let one = |objects: &Objects| world().schemas.check(objects, &nothing, Check::default()).rules;
        clusters.par_iter().map(one).sum::<u64>()
    };
    run();
    bencher.counter(divan::counter::ItemsCount::new(FLEET)).bench(run);
}

/// From the plan of a fleet to its manifests, without any check: what the checks are compared with.
#[divan::bench(args = [Clusters::Alike, Clusters::Different], sample_count = 5)]
fn fleet_render(bencher: divan::Bencher<'_, '_>, kind: Clusters) {
    let library = Library::new(Catalog::embedded());
    let run = || {
        resolved(&library, FLEET, kind)
            .into_par_iter()
            .map(|cluster| render(cluster, &library).expect("a render").files.len())
            .sum::<usize>()
    };
    run();
    bencher.counter(divan::counter::ItemsCount::new(FLEET)).bench(run);
}

/// All checks of a fleet that was rendered: the plan's meaning, schemas and CEL, rules, references, Flux, secrets.
#[divan::bench(args = [Clusters::Alike, Clusters::Different], sample_count = 5)]
fn fleet_checks(bencher: divan::Bencher<'_, '_>, kind: Clusters) {
    let library = Library::new(Catalog::embedded());
    let plans = resolved(&library, FLEET, kind);
    let clusters = rendered(FLEET, kind);
    let folders = Folders::new(Catalog::embedded());
    let run = || {
        let checks = Checks::new(&folders, &world().schemas);
        let found = semantics::check_beside(&plans, &[]).len();
        let one = |cluster| rendered::check(cluster, &First, &world().schemas, &checks).findings.len();
        found + clusters.par_iter().map(one).sum::<usize>()
    };
    run();
    bencher.counter(divan::counter::ItemsCount::new(FLEET)).bench(run);
}
