//! What a cluster costs, beside copying the bytes that come out.
//!
//! `cargo bench --bench render` prints times; `benches/instructions.sh` counts instructions, which are the same on every run
//! of one build and machine and therefore what changes are judged by.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark")]

use infraflux::{
    catalog::Catalog,
    engine::{Engine, Options},
    plan::read::Request,
    render::Library,
    yaml::Source,
};

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

fn engine() -> Engine {
    Engine::new(Library::new(Catalog::embedded()), Options::default())
}

fn render(engine: &Engine, plan: &str) -> usize {
    let mut request = Request::default();
    request.add_plans(Source::new("fleet.yaml", plan)).expect("a plan");
    let outcome = engine.run(request);
    assert!(!outcome.findings.has_errors(), "{:?}", outcome.findings);
    outcome.clusters.iter().flat_map(|cluster| &cluster.files).map(|file| file.text().len()).sum()
}

/// The first cluster of a process: reading the catalogue and compiling its templates included.
#[divan::bench]
fn first_cluster() -> usize {
    render(&engine(), &fleet(1, Clusters::Alike))
}

/// A stream of clusters with compiled templates.
#[divan::bench(args = [1, 100, 1000])]
fn clusters(bencher: divan::Bencher<'_, '_>, count: usize) {
    let engine = engine();
    let plan = fleet(count, Clusters::Alike);
    render(&engine, &fleet(1, Clusters::Alike));
    bencher.counter(divan::counter::ItemsCount::new(count)).bench(|| render(&engine, &plan));
}

/// Copying the bytes of as many clusters: nothing can be faster.
#[divan::bench(args = [1, 100, 1000])]
fn copy(bencher: divan::Bencher<'_, '_>, count: usize) {
    let engine = engine();
    let mut request = Request::default();
    request.add_plans(Source::new("fleet.yaml", fleet(count, Clusters::Alike))).expect("a plan");
    let outcome = engine.run(request);
    let texts: Vec<String> = outcome
        .clusters
        .iter()
        .flat_map(|cluster| &cluster.files)
        .map(infraflux::render::RenderedFile::text)
        .collect();
    bencher
        .counter(divan::counter::ItemsCount::new(count))
        .bench(|| texts.iter().map(|text| divan::black_box(text.clone()).len()).sum::<usize>());
}
