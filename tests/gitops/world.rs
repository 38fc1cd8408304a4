//! Rendered clusters with the catalogue that they point at.

use std::{fmt::Write as _, sync::OnceLock};

use infraflux::{
    admission::{
        Object, Objects,
        flux::{Folders, Repository},
    },
    catalog::Catalog,
    engine::{Engine, Options},
    finding::{Findings, Severity},
    plan::{Provider, read::Request},
    render::{Library, RenderedCluster},
    yaml::Source,
};

/// The providers whose files are in the catalogue.
pub(crate) fn providers() -> Vec<Provider> {
    let catalog = Catalog::embedded();
    Provider::ALL
        .into_iter()
        .filter(|provider| catalog.get(&format!("clusters/{provider}/provider.yaml")).is_some())
        .collect()
}

/// Folders of the embedded catalogue, built once for all tests.
pub(crate) fn folders() -> &'static Folders {
    static FOLDERS: OnceLock<Folders> = OnceLock::new();
    FOLDERS.get_or_init(|| Folders::new(Catalog::embedded()))
}

/// The bundles that fit a provider, with the variables that have no default.
pub(crate) fn all_bundles(provider: Provider) -> String {
    let catalog = Catalog::embedded();
    let mut out = String::new();
    for name in catalog.bundle_names() {
        let bundle = catalog.bundle(name).unwrap().spec;
        if bundle.providers.is_some_and(|providers| !providers.contains(&provider)) {
            continue;
        }
        let required: Vec<String> = bundle
            .variables
            .iter()
            .filter(|variable| variable.required)
            .map(|variable| format!("{}: {}", variable.name, variable.example.clone().unwrap()))
            .collect();
        write!(out, "\n    - {{name: {name}, variables: {{{}}}}}", required.join(", ")).unwrap();
    }
    out
}

/// A plan with all bundles and more lines of its `spec`, indented by two spaces.
pub(crate) fn plan(provider: Provider, name: &str, more: &str) -> String {
    format!(
        "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata:\n  name: {name}\nspec:\n  provider: {provider}\n  recipes:{}\n{more}",
        all_bundles(provider)
    )
}

/// Renders plans with the embedded catalogue.
pub(crate) fn render(plans: &str) -> Vec<RenderedCluster> {
    let engine = Engine::new(Library::new(Catalog::embedded()), Options::default());
    let mut request = Request::default();
    request.add_plans(Source::new("plan.yaml", plans)).unwrap();
    let outcome = engine.run(request);
    let errors: Findings =
        outcome.findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{}", text(&errors));
    outcome.clusters
}

/// The objects of a cluster.
pub(crate) fn objects(cluster: &RenderedCluster) -> Objects {
    cluster.documents().map(|(_, document)| Object::new(cluster.value(document).clone())).collect()
}

/// Where a cluster's plan says that the catalogue is.
pub(crate) fn repository(cluster: &RenderedCluster) -> Repository {
    Repository::of(&cluster.cluster)
}

/// Findings as a person reads them.
pub(crate) fn text(findings: &Findings) -> String {
    infraflux::finding::text::render(findings, infraflux::finding::text::Style { colour: false, width: 120 })
}
