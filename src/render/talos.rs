//! What machines are made of: the provider's specification, the Talos configuration, and the names that follow from both.

use std::sync::Arc;

use serde_json::Value as Json;

use super::{
    library::ProviderTemplates,
    name::{self, content_hash},
    scope::Context,
};
use crate::{
    finding::{Finding, Findings, codes},
    plan::resolved::{Machines, ResolvedCluster, Role},
    template::{Template, YamlText},
    yaml::{Limits, Location, Origin, Source, Sources, emit, pointer::FieldPath, read, scalar::Schema},
};

/// A strategic patch, and what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// Canonical text.
    pub text: String,
    /// Where it comes from.
    pub source: PatchSource,
}

/// Where a patch comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum PatchSource {
    /// A document of a template.
    Template(Location),
    /// A field of the plan.
    Plan(FieldPath),
}

/// What is made for the control plane or a pool before its templates are filled.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedMachines {
    /// The patches, in order.
    pub patches: Vec<Patch>,
    /// The Talos configuration.
    pub talos_config: Arc<YamlText>,
    /// `<cluster>-<pool>-<hash>`.
    pub talos_config_name: String,
    /// The machine template's `spec.template.spec`.
    pub provider_spec: Arc<YamlText>,
    /// `<cluster>-<pool>-<hash>`.
    pub machine_template_name: String,
}

/// Makes what the templates of these machines need.
pub fn prepare(
    cluster: &ResolvedCluster,
    machines: &Machines,
    templates: &ProviderTemplates,
) -> Result<PreparedMachines, Findings> {
    let mut context = Context { machines: Some(machines), ..Context::cluster(cluster) };
    let mut prepared = PreparedMachines {
        patches: patches(&context, machines, templates)?,
        talos_config: Arc::new(YamlText { text: String::new(), value: Json::Null }),
        talos_config_name: String::new(),
        provider_spec: Arc::new(YamlText { text: String::new(), value: Json::Null }),
        machine_template_name: String::new(),
    };
    if let Some(document) = &templates.machine {
        let filled = document.fill(&context)?;
        prepared.machine_template_name =
            name::join(&[&cluster.name, &machines.name, &content_hash(&filled.value)]);
        prepared.provider_spec = Arc::new(YamlText { text: filled.text, value: filled.value });
    }
    if let Some(document) = &templates.talos_config {
        context.prepared = Some(&prepared);
        let filled = document.fill(&context)?;
        prepared.talos_config_name =
            name::join(&[&cluster.name, &machines.name, &content_hash(&filled.value)]);
        prepared.talos_config = Arc::new(YamlText { text: filled.text, value: filled.value });
    }
    Ok(prepared)
}

/// The strategic patches of these machines, in order: the catalogue's, then the plan's for all, for the role, for the pool.
///
/// Each is written in canonical form. The control-plane provider compares patches as text and replaces every machine when
/// one differs (siderolabs/cluster-api-control-plane-provider-talos `controllers/controlplane.go`), so neither a comment nor
/// the order of keys, in a plan or in a template, may change them.
fn patches(
    context: &Context<'_>,
    machines: &Machines,
    templates: &ProviderTemplates,
) -> Result<Vec<Patch>, Findings> {
    let mut out = Vec::new();
    for template in &templates.patches {
        fill_patches(template, context, &mut out)?;
    }
    let talos = context.cluster.spec.talos.clone().unwrap_or_default();
    for mirror in talos.registry_mirrors.iter().flatten() {
        let context = Context { mirror: Some(mirror), ..*context };
        for template in &templates.mirror {
            fill_patches(template, &context, &mut out)?;
        }
    }
    for volume in talos.user_volumes.iter().flatten() {
        if !context.cluster.has_volume(machines, volume) {
            continue;
        }
        let context = Context { volume: Some(volume), ..*context };
        for template in &templates.volume {
            fill_patches(template, &context, &mut out)?;
        }
    }
    let own = talos.patches.unwrap_or_default();
    let (role, role_field) = match machines.role {
        Role::ControlPlane => (own.control_plane, "controlPlane"),
        Role::Worker => (own.workers, "workers"),
    };
    let base = FieldPath::of(["spec", "talos", "patches"]);
    user_patches(context, &own.all.unwrap_or_default(), &base.key("all"), &mut out)?;
    user_patches(context, &role.unwrap_or_default(), &base.key(role_field), &mut out)?;
    user_patches(context, &machines.patches, &machines.field.key("patches"), &mut out)?;
    Ok(out)
}

fn fill_patches(template: &Template, context: &Context<'_>, out: &mut Vec<Patch>) -> Result<(), Findings> {
    for document in template.documents() {
        if document.applies(context) {
            let filled = document.fill(context)?;
            // All entries may be conditional; what is left of such a patch says nothing.
            let says = |entries: &serde_json::Map<String, Json>| {
                entries.keys().any(|key| !matches!(&**key, "apiVersion" | "kind"))
            };
            if filled.value.as_object().is_some_and(says) {
                let location = Location::new(document.source().clone(), document.shape().range.clone());
                out.push(Patch {
                    text: emit::document(&filled.value),
                    source: PatchSource::Template(location),
                });
            }
        }
    }
    Ok(())
}

/// Patches of a plan: mappings, or strings that hold YAML documents.
fn user_patches(
    context: &Context<'_>,
    patches: &[Json],
    field: &FieldPath,
    out: &mut Vec<Patch>,
) -> Result<(), Findings> {
    for (position, patch) in patches.iter().enumerate() {
        let field = field.index(position);
        let wrong = |message: String, hint: &str| -> Findings {
            Finding::error(&codes::PLAN_PATCH, message)
                .field(field.clone())
                .at(context.cluster.origins.location(&field))
                .hint(hint)
                .into()
        };
        let from_plan =
            |value: &Json| Patch { text: emit::document(value), source: PatchSource::Plan(field.clone()) };
        match patch {
            Json::Object(_) => out.push(from_plan(patch)),
            Json::String(text) => {
                let mut sources = Sources::new();
                let id = sources.add(Source::new(field.to_string(), text.as_str()).of(Origin::Part));
                let documents = read(&sources, id, Schema::Core, Limits::PLAN).map_err(|findings| {
                    let message =
                        findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("; ");
                    wrong(
                        format!("this patch is {message}"),
                        "write the patch as a mapping, or as YAML in a `|` block",
                    )
                })?;
                for document in documents {
                    let value = document.root.to_value();
                    if value.is_null() {
                        continue;
                    }
                    if !value.is_object() {
                        return Err(wrong(
                            "this patch is a list: JSON patches do not work with Talos from 1.12 on"
                                .to_owned(),
                            "write a strategic patch, a mapping of what shall be different",
                        ));
                    }
                    out.push(from_plan(&value));
                }
            }
            _ => {
                return Err(wrong(
                    "a patch is a mapping, or a string that holds one".to_owned(),
                    "write a strategic patch, a mapping of what shall be different",
                ));
            }
        }
    }
    Ok(())
}
