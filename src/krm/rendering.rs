//! The engine of the program behind the doors of kustomize and kpt.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    engine::{Config, Engine as Doors, Rendered, RenderedItem, Request},
    item,
};
use crate::{
    admission::{
        Object, Objects,
        flux::place::Places,
        foreign::{Against, Documents},
        rendered::{Before, Previous},
        rules::Externals,
        schema::{Check, Schemas},
    },
    engine::{self, Engine},
    finding::{Finding, Findings, Severity, codes},
    plan,
    render::RenderedCluster,
    yaml::{Limits, Sources, pointer::FieldPath, typed},
};

/// What an earlier call made, by plan and namespace: kpt hands a function its own output.
struct Items<'run>(BTreeMap<(&'run str, &'run str), Objects>);

impl<'run> Items<'run> {
    fn of(request: Request<'run>) -> Self {
        let mut by_home: BTreeMap<(&str, &str), Vec<Object>> = BTreeMap::new();
        for own in request.items {
            let Some(plan) = own.mark(item::PLAN) else { continue };
            // An item that cannot be read passes through as it is, and there is nothing to compare.
            if let Ok(node) = own.node(request.sources, Limits::STREAM) {
                // The Namespace itself belongs to the namespace that it makes.
                let namespace = own.id.namespace.as_deref().unwrap_or(&own.id.name);
                by_home.entry((plan, namespace)).or_default().push(Object::new(node.to_value()));
            }
        }
        Self(by_home.into_iter().map(|(home, objects)| (home, objects.into_iter().collect())).collect())
    }
}

impl Previous for Items<'_> {
    fn of(&self, cluster: &RenderedCluster, _: &mut Findings) -> Before {
        self.0
            .get(&(&*cluster.cluster.plan, &*cluster.cluster.namespace))
            .map_or(Before::Nothing, |objects| Before::Objects(objects.clone()))
    }
}

impl Doors for Engine {
    fn render(&self, request: Request<'_>) -> Rendered {
        let plans = plan::read::Request {
            sources: request.sources.clone(),
            documents: request.configs.iter().map(|config| config.node.clone()).collect(),
            ..plan::read::Request::default()
        };
        let (schemas, mut findings) = with_crds(self.schemas(), request);
        let outcome = self.run_with(plans, &Items::of(request), &schemas);
        let items = outcome
            .clusters
            .iter()
            .flat_map(|cluster| {
                cluster.documents().map(|(path, document)| RenderedItem {
                    id: document.id.clone(),
                    plan: cluster.cluster.plan.clone(),
                    path: format!("{}/{path}", cluster.name),
                    text: document.text.clone(),
                })
            })
            .collect();
        findings.extend(outcome.findings);
        Rendered { items, plans: engine::plans_of(&outcome.clusters), findings }
    }

    fn admit(&self, request: Request<'_>) -> Findings {
        let Some(config) = request.configs.first() else { return Findings::new() };
        let settings = match Settings::read(request.sources, config) {
            Ok(settings) => settings,
            Err(findings) => return findings,
        };
        let mut findings = Findings::new();
        let mut documents = Documents::default();
        for item in request.items.iter().filter(|item| !item.is_local_config()) {
            match item.node(request.sources, Limits::STREAM) {
                Ok(node) => findings.extend(documents.add(request.sources, node)),
                Err(errors) => findings.extend(errors),
            }
        }
        let mut schemas = self.schemas().clone();
        findings.extend(documents.add_crds(request.sources, &mut schemas));
        let externals = match settings.references {
            References::Check => Externals::of_a_hub(),
            References::Warn => Externals::of_a_hub().missing_is(Severity::Warning),
            References::Ignore => Externals::everything(),
        };
        let nothing = Objects::default();
        // kustomize and kpt set namespaces in functions that may come later.
        let check = Check { no_namespace: None };
        // A function is given all that it may know.
        let places = Places { is_closed: true, ..Places::default() };
        let against = Against {
            schemas: &schemas,
            previous: &nothing,
            externals: &externals,
            check,
            catalog: self.folders(),
            places: &places,
        };
        let checked = documents.check(request.sources, &against);
        findings.extend(checked.findings);
        let line = checked.report.summary();
        let line =
            if schemas.is_empty() { format!("{line}; there are no CRDs among the items") } else { line };
        let line = match checked.flux.summary() {
            Some(flux) => format!("{line}. {flux}"),
            None => line,
        };
        findings.push(Finding::info(&codes::CHECKED, line));
        if settings.strict || self.options().strict {
            findings.make_strict();
        }
        findings
    }
}

/// The `spec` of an Admission. `emit` is read by the door.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Settings {
    #[serde(rename = "emit")]
    _emit: Option<Emit>,
    /// Warnings are errors.
    strict: bool,
    /// What a reference to something that is not among the items is.
    references: References,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Emit {
    Items,
    None,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum References {
    /// An error.
    Check,
    /// A warning: what a function sees is mostly a part of what a cluster has.
    #[default]
    Warn,
    /// Nothing.
    Ignore,
}

impl Settings {
    fn read(sources: &Sources, config: &Config) -> Result<Self, Findings> {
        match config.node.get("spec") {
            Some(spec) => typed::from_node(spec, &FieldPath::of(["spec"]), sources, &codes::ADMISSION_SPEC),
            None => Ok(Self::default()),
        }
    }
}

/// The CRDs among the items of a call, beside those that are known already.
fn with_crds(known: &Schemas, request: Request<'_>) -> (Schemas, Findings) {
    let mut findings = Findings::new();
    let mut documents = Documents::default();
    for item in request.items.iter().filter(|item| item.id.kind == "CustomResourceDefinition") {
        match item.node(request.sources, Limits::STREAM) {
            Ok(node) => findings.extend(documents.add(request.sources, node)),
            Err(errors) => findings.extend(errors),
        }
    }
    let mut schemas = known.clone();
    findings.extend(documents.add_crds(request.sources, &mut schemas));
    (schemas, findings)
}
