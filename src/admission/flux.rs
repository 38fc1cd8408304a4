//! What Flux would make of the rendered objects and the catalogue's folders.
//!
//! Each Kustomization is resolved offline: its folder, components, patches, namespace and variables, as kustomize and
//! kustomize-controller would do it ([`Folders`], [`World`]). Over the result run the checks that catch what Flux itself says
//! late or never: a missing `kubeConfig` installs on the hub without a word, a dependency that does not exist is waited for
//! in silence. The rules were read in fluxcd/kustomize-controller and fluxcd/helm-controller (`internal/controller`), and
//! kubernetes-sigs/kustomize (`api/internal/target`).

use std::sync::Arc;

use super::{
    Objects, Violation,
    schema::{self, Check, Schemas},
};

mod artifact;
mod cilium;
pub mod clean;
pub mod coverage;
pub mod duration;
pub mod expand;
pub mod files;
mod find;
pub mod fleet;
pub mod folder;
pub mod given;
pub mod graph;
pub mod ignore;
mod load;
mod merge;
mod order;
pub mod place;
pub mod simulate;
mod substitute;
mod twins;
mod variables;
mod wiring;
pub mod world;

pub use clean::Checks;
pub use folder::Folders;
pub(crate) use folder::normal;
pub use world::{Delivered, KUSTOMIZE, Report, Repository, World};

/// Checks the Flux objects among a hub's objects, and what they deliver.
///
/// Violations are about fields of the objects given; findings are about files of the catalogue, at their lines.
#[must_use]
pub fn check(objects: &Objects, folders: &Folders, repository: Repository) -> Report {
    let mut world = World::new(objects, folders, repository);
    check_world(&mut world);
    world.report()
}

/// Runs all checks on a world; [`World::report`] has what they found.
pub fn check_world(world: &mut World<'_>) {
    wiring::check(world);
    order::check(world);
    variables::check(world);
    cilium::check(world);
    plain_secrets(world);
}

/// What is delivered, against the schemas and CEL rules that are there.
pub fn check_schemas(world: &mut World<'_>, schemas: &Schemas) {
    check_with(world, |delivered| against(schemas, delivered));
}

/// What schemas and CEL rules say of an object; a kind without a schema is somebody else's to check.
fn against(schemas: &Schemas, delivered: &Delivered) -> Vec<Violation> {
    let object = &delivered.object;
    if !schemas.knows(object.group(), &object.id.kind) {
        return Vec::new();
    }
    let mut report = schema::Report::default();
    schemas.check_object(object, None, Check { no_namespace: None }, &mut report);
    report.violations
}

/// Secrets in the shared folders: no more plain than anywhere else.
fn plain_secrets(world: &mut World<'_>) {
    check_with(world, |delivered| delivered.secrets().to_vec());
}

/// What a check has against the objects that are delivered, at their lines in the catalogue. What others deliver is checked
/// where it is loaded, and with everything that was given.
fn check_with(world: &mut World<'_>, check: impl Fn(&Arc<Delivered>) -> Vec<Violation>) {
    let mut findings = Vec::new();
    for delivery in world.deliveries.iter().filter(|delivery| world.owns(delivery.kustomization.object)) {
        for delivered in delivery.objects() {
            for violation in check(delivered) {
                let words = violation.path.words();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let mut finding = delivery.finding(delivered, &words, violation.code, violation.message);
                finding.severity = violation.severity;
                finding.hint = violation.hint;
                finding.source = violation.source;
                findings.push(finding);
            }
        }
    }
    world.report.findings.extend(findings);
}

fn unique(violations: Vec<Violation>) -> Vec<Violation> {
    let mut seen = std::collections::HashSet::new();
    violations
        .into_iter()
        .filter(|violation| {
            seen.insert((
                violation.code.id,
                violation.object.clone(),
                violation.path.to_string(),
                violation.message.clone(),
            ))
        })
        .collect()
}
