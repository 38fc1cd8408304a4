//! The one engine behind all doors: plans in, checked objects out.

use rayon::prelude::*;

use crate::{
    admission::{
        flux::{Checks, Folders},
        rendered::{self, Checked, First, Previous},
        schema::{Report, Schemas},
        semantics, versions,
    },
    finding::{Finding, Findings, codes},
    plan::{
        read::Request,
        resolve::{self, MergedPlan},
        resolved::ResolvedCluster,
    },
    render::{Library, RenderedCluster, render},
};

/// What a run may be told beside its plans.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Warnings are errors.
    pub strict: bool,
    /// The date for which ends of service are judged, `YYYY-MM-DD`. There is no clock here.
    pub as_of: Option<String>,
}

/// Renders plans with one catalogue.
#[derive(Debug)]
pub struct Engine {
    library: Library,
    folders: Folders,
    options: Options,
    schemas: Schemas,
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The clusters, in the order of the plans; none when there is an error.
    pub clusters: Vec<RenderedCluster>,
    /// Everything that was found.
    pub findings: Findings,
    /// What schemas and CEL rules covered.
    pub checked: Report,
}

impl Engine {
    /// An engine over a catalogue.
    #[must_use]
    pub fn new(library: Library, options: Options) -> Self {
        Self { folders: Folders::new(library.catalog().clone()), library, options, schemas: Schemas::new() }
    }

    /// The same with the schemas of CRDs, against which every render is checked.
    #[must_use]
    pub fn with_schemas(mut self, schemas: Schemas) -> Self {
        self.schemas = schemas;
        self
    }

    /// The schemas that renders are checked against.
    #[must_use]
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// The folders of the catalogue.
    #[must_use]
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// What the run may be told beside its plans.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The catalogue.
    #[must_use]
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The catalogue, when the engine is done.
    #[must_use]
    pub fn into_library(self) -> Library {
        self.library
    }

    /// Merges, resolves, renders and checks. Nothing is written here.
    #[must_use]
    pub fn run(&self, request: Request) -> Outcome {
        self.run_after(request, &First)
    }

    /// What schemas and CEL rules covered, in one line.
    #[must_use]
    pub fn coverage(&self, report: &Report) -> String {
        if self.schemas.is_empty() {
            return "schema and CEL: not checked (give --crds, or `infraflux crds import` those of the hub)"
                .to_owned();
        }
        format!("schema and CEL: {}", report.summary())
    }

    /// The same when there was a render before, against which changes are judged.
    #[must_use]
    pub fn run_after(&self, request: Request, previous: &dyn Previous) -> Outcome {
        self.run_with(request, previous, &self.schemas)
    }

    /// The same with other schemas than the engine's own, for instance with the CRDs that came with a call.
    #[must_use]
    pub fn run_with(&self, request: Request, previous: &dyn Previous, schemas: &Schemas) -> Outcome {
        let mut outcome = Outcome::default();
        match request.merge(self.library.index()) {
            Ok((plans, findings)) => {
                outcome.findings.extend(findings);
                self.render_plans(&plans, previous, schemas, &mut outcome);
            }
            Err(findings) => outcome.findings.extend(findings),
        }
        if self.options.strict {
            outcome.findings.make_strict();
        }
        if outcome.findings.has_errors() {
            outcome.clusters.clear();
        }
        outcome
    }

    fn render_plans(
        &self,
        plans: &[MergedPlan],
        previous: &dyn Previous,
        schemas: &Schemas,
        outcome: &mut Outcome,
    ) {
        let index = self.library.index();
        let resolved: Vec<Result<(ResolvedCluster, Findings), Findings>> =
            plans.par_iter().map(|plan| resolve::resolve(plan, index)).collect();
        let mut clusters = Vec::with_capacity(resolved.len());
        for result in resolved {
            match result {
                Ok((cluster, findings)) => {
                    outcome.findings.extend(findings);
                    clusters.push(cluster);
                }
                Err(findings) => outcome.findings.extend(findings),
            }
        }
        // What clusters share, a class or a default, is wrong or worth knowing once.
        outcome.findings = std::mem::take(&mut outcome.findings).distinct();
        let names: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let others = previous.others(&names, &mut outcome.findings);
        outcome.findings.extend(semantics::check_beside(&clusters, &others).distinct());
        outcome.findings.extend(versions::check(&clusters, index, self.options.as_of.as_deref()));
        if outcome.findings.has_errors() {
            return;
        }
        let checks = Checks::new(&self.folders, schemas);
        // Each cluster is checked where it was rendered, so that its objects need not be kept.
        let rendered: Vec<Result<(RenderedCluster, Checked), Findings>> = clusters
            .into_par_iter()
            .map(|cluster| {
                let cluster = render(cluster, &self.library)?;
                let checked = rendered::check(&cluster, previous, schemas, &checks);
                Ok((cluster, checked))
            })
            .collect();
        let mut claims = Vec::with_capacity(rendered.len());
        let mut found = Findings::new();
        for result in rendered {
            match result {
                Ok((cluster, checked)) => {
                    found.extend(checked.findings);
                    outcome.checked.merge(checked.report);
                    outcome.clusters.push(cluster);
                    claims.push(checked.claims);
                }
                Err(findings) => found.extend(findings),
            }
        }
        // Many clusters read one shared file.
        outcome.findings.extend(found.distinct());
        outcome.findings.extend(rendered::fleet(&outcome.clusters, &claims));
        // One warning for a kind, not one for each cluster.
        outcome.findings.extend(outcome.checked.findings(schemas));
    }
}

/// Reads rendered files again with an independent reader and compares with what they should say.
///
/// The compiled template is the proof that its output is YAML; this is the second opinion for what goes to disk.
#[must_use]
pub fn reread(clusters: &[RenderedCluster]) -> Findings {
    let findings: Vec<Finding> = clusters
        .par_iter()
        .flat_map_iter(|cluster| {
            cluster.documents().filter_map(|(path, document)| {
                let again: Result<serde_json::Value, _> = serde_yaml::from_str(&document.text);
                let problem = match again {
                    Ok(value) if value == *cluster.value(document) => return None,
                    Ok(_) => "reads back as something else".to_owned(),
                    Err(error) => format!("does not read back: {error}"),
                };
                Some(
                    Finding::error(
                        &codes::RENDERED_TEXT,
                        format!("{}/{path}: the rendered text {problem}", cluster.name),
                    )
                    .object(document.id.clone())
                    .hint("this is a bug in InfraFlux; please report it with the plan"),
                )
            })
        })
        .collect();
    findings.into_iter().collect()
}

/// The plans that a run rendered, by the value of their objects' annotation.
#[must_use]
pub fn plans_of(clusters: &[RenderedCluster]) -> Vec<String> {
    let mut plans: Vec<String> = clusters.iter().map(|cluster| cluster.cluster.plan.clone()).collect();
    plans.sort();
    plans.dedup();
    plans
}
