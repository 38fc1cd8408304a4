//! One cluster to its files.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::{
    images,
    library::{Library, ProviderTemplates},
    scope::{Context, Zone},
    secrets,
    talos::{self, PatchSource, PreparedMachines},
};
use crate::{
    catalog::flux_variables::DISABLED,
    finding::{Finding, Findings, ObjectRef, codes},
    plan::{
        recipe::Stage,
        resolved::{Machines, ResolvedCluster},
    },
    template::{Template, TemplateDocument},
    yaml::{
        Location, overlay,
        pointer::{FieldPath, Step},
        scalar,
    },
};

/// A cluster's files.
#[derive(Debug, Clone)]
pub struct RenderedCluster {
    /// Its name, which is its folder's.
    pub name: String,
    /// What it was rendered from.
    pub cluster: Arc<ResolvedCluster>,
    /// Files with objects, sorted by path.
    pub files: Vec<RenderedFile>,
    /// Files for people and tools: `kustomization.yaml`, `SECRETS.md`, the schematic.
    pub extras: Vec<(String, String)>,
    prepared: Arc<Prepared>,
}

/// A file of objects.
#[derive(Debug, Clone)]
pub struct RenderedFile {
    /// Its path below the cluster's folder.
    pub path: String,
    /// Its objects, in order.
    pub documents: Vec<RenderedDocument>,
}

/// An object with its text.
#[derive(Debug, Clone)]
pub struct RenderedDocument {
    /// The text, ending in a newline, without `---`.
    pub text: String,
    /// Its identity.
    pub id: ObjectRef,
    /// Whether it holds a `${` that is meant as it stands.
    literal: bool,
    /// What the text says, made when somebody asks.
    value: OnceLock<serde_json::Value>,
    template: Arc<Template>,
    document: usize,
    scope: ScopeKey,
}

/// Where a field of a rendered object comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Where the value was written, if a value of the plan stands there: by the user, or in a lower layer.
    pub plan: Option<Location>,
    /// The field of the plan.
    pub field: Option<FieldPath>,
    /// The template's place.
    pub template: Location,
}

/// For what a template was filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScopeKey {
    Cluster,
    ControlPlane,
    Pool(usize),
    Zone(usize, usize),
    Stage(usize, usize),
}

#[derive(Debug)]
struct Prepared {
    templates: Arc<ProviderTemplates>,
    control_plane: PreparedMachines,
    pools: Vec<PreparedMachines>,
}

impl RenderedFile {
    /// The whole file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out =
            String::with_capacity(self.documents.iter().map(|document| document.text.len() + 4).sum());
        for (position, document) in self.documents.iter().enumerate() {
            if position > 0 {
                out.push_str("---\n");
            }
            out.push_str(&document.text);
        }
        out
    }
}

/// Renders clusters in parallel; the order of the result is the order of the input.
pub fn render_all(
    clusters: Vec<ResolvedCluster>,
    library: &Library,
) -> Result<Vec<RenderedCluster>, Findings> {
    let rendered: Vec<Result<RenderedCluster, Findings>> =
        clusters.into_par_iter().map(|cluster| render(cluster, library)).collect();
    let mut findings = Findings::new();
    let mut out = Vec::with_capacity(rendered.len());
    for result in rendered {
        match result {
            Ok(cluster) => out.push(cluster),
            Err(errors) => findings.extend(errors),
        }
    }
    if findings.is_empty() { Ok(out) } else { Err(findings) }
}

/// Renders a cluster.
pub fn render(cluster: ResolvedCluster, library: &Library) -> Result<RenderedCluster, Findings> {
    let templates = library.templates(cluster.provider)?;
    let cluster = Arc::new(cluster);
    let prepared = Arc::new(Prepared {
        control_plane: talos::prepare(&cluster, &cluster.control_plane, &templates)?,
        pools: cluster
            .pools
            .iter()
            .map(|pool| talos::prepare(&cluster, pool, &templates))
            .collect::<Result<_, _>>()?,
        templates: templates.clone(),
    });
    let mut rendered = RenderedCluster {
        name: cluster.name.clone(),
        cluster,
        files: Vec::new(),
        extras: Vec::new(),
        prepared,
    };
    rendered.fill_all(&templates)?;
    rendered.files.sort_by(|left, right| left.path.cmp(&right.path));
    rendered.unique()?;
    rendered.add_extras();
    Ok(rendered)
}

impl RenderedCluster {
    /// All objects with the paths of their files.
    pub fn documents(&self) -> impl Iterator<Item = (&str, &RenderedDocument)> {
        self.files.iter().flat_map(|file| file.documents.iter().map(|document| (&*file.path, document)))
    }

    /// What a document's text says. The first call makes it, without reading the text.
    #[must_use]
    pub fn value<'document>(&self, document: &'document RenderedDocument) -> &'document serde_json::Value {
        document.value.get_or_init(|| self.fresh_value(document))
    }

    /// The same for those who keep it themselves: a fleet's objects need not stay in memory for one look.
    #[must_use]
    pub fn fresh_value(&self, document: &RenderedDocument) -> serde_json::Value {
        let template = document.template.documents().get(document.document);
        // The text was filled from the same template and scope, so the data can be filled too.
        let mut value = template
            .and_then(|template| template.fill_value(&self.context(document.scope)).ok())
            .unwrap_or_default();
        if document.literal {
            overlay::merge_value(&mut value, &unsubstituted());
        }
        value
    }

    /// Every file with its content, sorted by path.
    #[must_use]
    pub fn contents(&self) -> Vec<(String, String)> {
        let mut out: Vec<(String, String)> =
            self.files.iter().map(|file| (file.path.clone(), file.text())).collect();
        out.extend(self.extras.iter().cloned());
        out.sort();
        out
    }

    /// Where a field of a rendered object comes from.
    #[must_use]
    pub fn origin(&self, document: &RenderedDocument, path: &FieldPath) -> Origin {
        let context = self.context(document.scope);
        match document.template.documents().get(document.document) {
            Some(template) => self.origin_in(template, &context, path),
            None => Origin {
                plan: None,
                field: None,
                template: Location::new(document.template.source().clone(), 0..0),
            },
        }
    }

    fn origin_in(&self, template: &TemplateDocument, context: &Context<'_>, path: &FieldPath) -> Origin {
        let origin = template.origin(context, path);
        let place = template.location(&origin);
        // What was filled from another template has its origin there.
        let inner = |document: &Option<Arc<TemplateDocument>>| {
            let document = document.as_ref()?;
            Some(self.origin_in(document, context, &origin.rest))
        };
        let templates = &self.prepared.templates;
        let deeper = match origin.variables.first().map(String::as_str) {
            Some("PROVIDER_SPEC_CP" | "PROVIDER_SPEC_WORKER") => inner(&templates.machine),
            Some("CP_TALOS_CONFIG" | "TALOS_CONFIG") => inner(&templates.talos_config),
            Some("TALOS_PATCHES") => self.patch_origin(context, &origin.rest),
            _ => None,
        };
        if let Some(deeper) = deeper {
            return deeper;
        }
        let field = origin
            .variables
            .iter()
            .find_map(|name| context.field(name))
            .map(|field| field.join(&origin.rest));
        // A list or mapping that InfraFlux puts together has parts that no plan has: then the nearest part counts.
        let plan = field.as_ref().and_then(|field| self.cluster.origins.nearest(field));
        Origin { plan, field, template: place }
    }

    /// `path` begins with the number of a patch.
    fn patch_origin(&self, context: &Context<'_>, path: &FieldPath) -> Option<Origin> {
        let Some(Step::Index(number)) = path.steps().first() else { return None };
        match &context.prepared?.patches.get(*number)?.source {
            PatchSource::Template(place) => Some(Origin { plan: None, field: None, template: place.clone() }),
            PatchSource::Plan(field) => {
                let plan = self.cluster.origins.nearest(field)?;
                Some(Origin { template: plan.clone(), plan: Some(plan), field: Some(field.clone()) })
            }
        }
    }

    fn context(&self, key: ScopeKey) -> Context<'_> {
        let cluster = &*self.cluster;
        let control_plane = Some(&self.prepared.control_plane);
        let base = Context { control_plane, ..Context::cluster(cluster) };
        let pool = |position: usize| Context {
            machines: cluster.pools.get(position),
            prepared: self.prepared.pools.get(position),
            ..base
        };
        match key {
            ScopeKey::Cluster => base,
            ScopeKey::ControlPlane => {
                Context { machines: Some(&cluster.control_plane), prepared: control_plane, ..base }
            }
            ScopeKey::Pool(position) => pool(position),
            ScopeKey::Zone(position, zone) => Context {
                zone: Some(Zone {
                    position: zone,
                    failure_domain: cluster
                        .pools
                        .get(position)
                        .and_then(|pool| pool.failure_domains.get(zone))
                        .map(String::as_str),
                }),
                ..pool(position)
            },
            ScopeKey::Stage(bundle, stage) => Context {
                stage: cluster
                    .bundles
                    .get(bundle)
                    .and_then(|bundle| bundle.stages.get(stage).map(|stage| (bundle, stage))),
                ..base
            },
        }
    }

    fn fill_all(&mut self, templates: &ProviderTemplates) -> Result<(), Findings> {
        for (name, template) in &templates.cluster {
            // Templates about the control plane see its machines; the others do not mind.
            self.fill(template, ScopeKey::ControlPlane, &format!("cluster/{name}"))?;
        }
        let cluster = self.cluster.clone();
        for (position, pool) in cluster.pools.iter().enumerate() {
            let path = format!("cluster/workers-{}.yaml", pool.name);
            for template in &templates.pool {
                self.fill(template, ScopeKey::Pool(position), &path)?;
            }
            for zone in 0..zones(pool) {
                for template in &templates.zone {
                    self.fill(template, ScopeKey::Zone(position, zone), &path)?;
                }
            }
        }
        for (name, template) in &templates.addons {
            self.fill(template, ScopeKey::Cluster, &format!("addons/{name}"))?;
        }
        for (position, bundle) in cluster.bundles.iter().enumerate() {
            let path = format!("recipes/{}.yaml", bundle.name);
            for (number, stage) in bundle.stages.iter().enumerate() {
                if let Some(template) = templates.stages.get(&stage.stage) {
                    self.fill(template, ScopeKey::Stage(position, number), &path)?;
                }
            }
        }
        Ok(())
    }

    fn fill(&mut self, template: &Arc<Template>, key: ScopeKey, path: &str) -> Result<(), Findings> {
        let mut documents = Vec::new();
        {
            let context = self.context(key);
            for (number, document) in template.documents().iter().enumerate() {
                if !document.applies(&context) {
                    continue;
                }
                let mut text = document.fill_text(&context)?;
                let mut literal = false;
                if text.contains("${") && has_literal(&document.fill_value(&context)?) {
                    literal = true;
                    text = overlay::merge_text(&text, &[], &unsubstituted()).unwrap_or(text);
                }
                documents.push(RenderedDocument {
                    id: document.identity(&context),
                    text,
                    literal,
                    value: OnceLock::new(),
                    template: template.clone(),
                    document: number,
                    scope: key,
                });
            }
        }
        if documents.is_empty() {
            return Ok(());
        }
        match self.files.iter_mut().find(|file| file.path == path) {
            Some(file) => file.documents.append(&mut documents),
            None => self.files.push(RenderedFile { path: path.to_owned(), documents }),
        }
        Ok(())
    }

    /// Two templates that render the same object would fight over it.
    fn unique(&self) -> Result<(), Findings> {
        let mut seen: std::collections::BTreeMap<&ObjectRef, &RenderedDocument> =
            std::collections::BTreeMap::new();
        for (_, document) in self.documents() {
            if let Some(first) = seen.insert(&document.id, document) {
                let place =
                    |document: &RenderedDocument| Location::new(document.template.source().clone(), 0..0);
                return Err(Finding::error(
                    &codes::TEMPLATE_DUPLICATE_OBJECT,
                    format!("two templates render the same object, {}", document.id),
                )
                .object(document.id.clone())
                .at(place(document))
                .related("also rendered here", Some(place(first)))
                .hint("give one of them another name, or remove one template")
                .into());
            }
        }
        Ok(())
    }

    fn add_extras(&mut self) {
        let mut kustomization = String::from(
            "# Everything of this cluster is an object of the management cluster: `kubectl apply -k` here, a Flux Kustomization\n\
             # over the parent folder and the KRM function all do the same.\n\
             apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n",
        );
        for file in &self.files {
            kustomization.push_str("  - ");
            scalar::write_string(&file.path, &mut kustomization);
            kustomization.push('\n');
        }
        self.extras.push(("kustomization.yaml".to_owned(), kustomization));
        self.extras.push(("SECRETS.md".to_owned(), secrets::document(&self.cluster)));
        self.extras.push(("cluster/schematic.yaml".to_owned(), images::schematic_file(&self.cluster)));
    }
}

/// Keeps Flux from taking a literal `${` for a variable of its own, when a Kustomization applies what we rendered.
fn unsubstituted() -> serde_json::Value {
    serde_json::json!({"metadata": {"annotations": {DISABLED: "disabled"}}})
}

fn has_literal(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(text) => text.contains("${"),
        serde_json::Value::Array(items) => items.iter().any(has_literal),
        serde_json::Value::Object(entries) => entries.values().any(has_literal),
        _ => false,
    }
}

fn zones(pool: &Machines) -> usize {
    pool.failure_domains.len().max(1)
}

/// The stages of a bundle that a template was written for.
#[must_use]
pub fn stage_names() -> [&'static str; 3] {
    Stage::ALL.map(Stage::as_str)
}
