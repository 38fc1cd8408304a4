//! The templates of a catalogue, compiled once and sorted by what they are filled for.
//!
//! Where a template lies decides that:
//!
//! | folder | filled | written to |
//! |---|---|---|
//! | `clusters/templates/`, `clusters/<provider>/` | once | `cluster/<file>` |
//! | `clusters/templates/worker/`, `clusters/<provider>/worker/` | once per pool | `cluster/workers-<pool>.yaml` |
//! | `clusters/templates/worker/zone/` | once per pool and zone | `cluster/workers-<pool>.yaml` |
//! | `clusters/<provider>/machine.yaml`, `clusters/templates/fragments/` | for the control plane and each pool | into other templates |
//! | `clusters/templates/talos/`, `clusters/<provider>/talos/` | for the control plane and each pool | into the Talos configuration |
//! | `clusters/cilium/`, `clusters/gateway/` | once | `addons/{cilium,gateway}/<file>` |
//! | `clusters/templates/addons/`, `clusters/<provider>/addons/` | once | `addons/cloud-provider/<file>` |
//! | `clusters/templates/recipes/<stage>.yaml` | once per bundle and stage | `recipes/<bundle>.yaml` |

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::features::FEATURES;
use crate::{
    catalog::{Catalog, Index},
    finding::{Finding, Findings, codes},
    plan::{Provider, recipe::Stage},
    template::{Language, Template, TemplateDocument, hole::Part, shape::ShapeKind},
    yaml::Location,
};

/// The annotation by which a later run knows its own objects.
pub const PLAN_ANNOTATION: &str = "infraflux.io/plan";

/// Files in a provider's folder that are not templates of objects.
const NOT_OBJECTS: [&str; 4] = ["provider.yaml", "values.example.yaml", "instances.yaml", "machine.yaml"];

/// A catalogue with its compiled templates. Shared by all threads of a run.
#[derive(Debug)]
pub struct Library {
    index: Index,
    providers: Mutex<BTreeMap<Provider, Arc<ProviderTemplates>>>,
}

/// A template file and the file that it is written to, relative to the part of the output it belongs to.
pub type Placed = (String, Arc<Template>);

/// The templates of a provider.
#[derive(Debug, Default)]
pub struct ProviderTemplates {
    /// Once per cluster, with the output path.
    pub cluster: Vec<Placed>,
    /// Once per pool.
    pub pool: Vec<Arc<Template>>,
    /// Once per pool and zone.
    pub zone: Vec<Arc<Template>>,
    /// The machine's specification.
    pub machine: Option<Arc<TemplateDocument>>,
    /// The Talos configuration.
    pub talos_config: Option<Arc<TemplateDocument>>,
    /// Patches of the Talos configuration.
    pub patches: Vec<Arc<Template>>,
    /// The patch for each registry mirror.
    pub mirror: Vec<Arc<Template>>,
    /// The patch for each user volume.
    pub volume: Vec<Arc<Template>>,
    /// Add-ons, with the output path.
    pub addons: Vec<Placed>,
    /// Flux Kustomizations of a bundle's stages.
    pub stages: BTreeMap<Stage, Arc<Template>>,
}

struct KnownFeatures;

impl Language for KnownFeatures {
    fn features(&self) -> Vec<&str> {
        FEATURES.iter().map(|feature| feature.name).collect()
    }

    fn slot(&self, name: &str) -> Option<u16> {
        super::variables::slot(name)
    }
}

impl Library {
    /// The templates of a catalogue; nothing is compiled yet.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self { index: Index::new(catalog), providers: Mutex::new(BTreeMap::new()) }
    }

    /// The parsed files that are not templates.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// The files.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        self.index.catalog()
    }

    /// The templates of a provider.
    pub fn templates(&self, provider: Provider) -> Result<Arc<ProviderTemplates>, Findings> {
        // A thread that panicked elsewhere leaves the map whole: entries are only ever added.
        if let Some(found) = self.providers.lock().unwrap_or_else(PoisonError::into_inner).get(&provider) {
            return Ok(found.clone());
        }
        let compiled = Arc::new(compile(self.index.catalog(), provider)?);
        self.providers.lock().unwrap_or_else(PoisonError::into_inner).insert(provider, compiled.clone());
        Ok(compiled)
    }
}

/// What the documents of a template are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Kubernetes objects.
    Objects,
    /// Talos patches.
    Patches,
}

/// Documents that do not set [`PLAN_ANNOTATION`]: a later function call would take their objects for somebody else's and
/// render them twice.
fn unmarked(template: &Template) -> Findings {
    template
        .documents()
        .iter()
        .filter(|document| {
            let found = document.shape().at(&["metadata", "annotations", PLAN_ANNOTATION]);
            let is_plan = |part: &Part| matches!(part, Part::Hole(hole) if hole.name == "PLAN");
            !found.is_some_and(
                |shape| matches!(&shape.kind, ShapeKind::Scalar(scalar) if scalar.parts.iter().all(is_plan)),
            )
        })
        .map(|document| {
            Finding::error(
                &codes::TEMPLATE_ANNOTATION,
                format!("the template does not set the annotation `{PLAN_ANNOTATION}`"),
            )
            .at(Location::new(document.source().clone(), document.shape().range.clone()))
            .hint(format!("add `{PLAN_ANNOTATION}: ${{PLAN}}` under `metadata.annotations`"))
        })
        .collect()
}

fn compile(catalog: &Catalog, provider: Provider) -> Result<ProviderTemplates, Findings> {
    let mut findings = Findings::new();
    let mut folder = |folder: &str, kind: Kind| -> Vec<(String, Arc<Template>)> {
        let mut out = Vec::new();
        for (path, source) in catalog.yaml_in(folder) {
            let name = path.rsplit('/').next().unwrap_or(path).to_owned();
            if NOT_OBJECTS.contains(&&*name) {
                continue;
            }
            match Template::compile(source, &KnownFeatures) {
                Ok(template) => {
                    if kind == Kind::Objects {
                        findings.extend(unmarked(&template));
                    }
                    out.push((name, Arc::new(template)));
                }
                Err(errors) => findings.extend(errors),
            }
        }
        out
    };
    let own = format!("clusters/{provider}");
    let templates = |list: Vec<(String, Arc<Template>)>| list.into_iter().map(|(_, template)| template);
    let mut out = ProviderTemplates {
        cluster: folder("clusters/templates", Kind::Objects)
            .into_iter()
            .chain(folder(&own, Kind::Objects))
            .collect(),
        pool: templates(folder("clusters/templates/worker", Kind::Objects))
            .chain(templates(folder(&format!("{own}/worker"), Kind::Objects)))
            .collect(),
        zone: templates(folder("clusters/templates/worker/zone", Kind::Objects)).collect(),
        mirror: templates(folder("clusters/templates/talos/registry-mirror", Kind::Patches)).collect(),
        volume: templates(folder("clusters/templates/talos/user-volume", Kind::Patches)).collect(),
        ..ProviderTemplates::default()
    };
    // Patches are applied in the order of their file names, wherever they lie.
    let mut patches: Vec<(String, Arc<Template>)> = folder("clusters/templates/talos", Kind::Patches)
        .into_iter()
        .chain(folder(&format!("{own}/talos"), Kind::Patches))
        .collect();
    patches.sort_by(|left, right| left.0.cmp(&right.0));
    out.patches = templates(patches).collect();
    for (source, part) in [
        ("clusters/cilium".to_owned(), "cilium"),
        ("clusters/gateway".to_owned(), "gateway"),
        ("clusters/templates/addons".to_owned(), "cloud-provider"),
        (format!("{own}/addons"), "cloud-provider"),
    ] {
        out.addons.extend(
            folder(&source, Kind::Objects)
                .into_iter()
                .map(|(name, template)| (format!("{part}/{name}"), template)),
        );
    }
    for (name, template) in folder("clusters/templates/recipes", Kind::Objects) {
        let stage = Stage::ALL.into_iter().find(|stage| name == format!("{}.yaml", stage.as_str()));
        if let Some(stage) = stage {
            out.stages.insert(stage, template);
        }
    }
    for (path, slot) in [
        (format!("{own}/machine.yaml"), &mut out.machine),
        ("clusters/templates/fragments/talos-config.yaml".to_owned(), &mut out.talos_config),
    ] {
        match fragment(catalog, &path) {
            Ok(document) => *slot = Some(document),
            Err(errors) => findings.extend(errors),
        }
    }
    if findings.is_empty() { Ok(out) } else { Err(findings) }
}

/// A template file of one document that other templates take in as a variable.
fn fragment(catalog: &Catalog, path: &str) -> Result<Arc<TemplateDocument>, Findings> {
    let Some(source) = catalog.get(path) else {
        return Err(Finding::error(&codes::CATALOG_FILE, format!("the catalogue has no file `{path}`"))
            .hint("`infraflux eject` writes the original")
            .into());
    };
    let template = Template::compile(source, &KnownFeatures)?;
    match template.documents() {
        [document] => Ok(Arc::new(document.clone())),
        documents => Err(Finding::error(
            &codes::CATALOG_FILE,
            format!("`{}` must hold one document, it has {}", source.name(), documents.len()),
        )
        .into()),
    }
}
