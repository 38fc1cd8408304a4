//! What Flux would make of the rendered objects and the catalogue's folders.
//!
//! Each Kustomization is resolved offline: its folder, components, patches, namespace and variables, as kustomize and
//! kustomize-controller would do it ([`Folders`], [`World`]). Over the result run the checks that catch what Flux itself says
//! late or never: a missing `kubeConfig` installs on the hub without a word, a dependency that does not exist is waited for
//! in silence. The rules were read in fluxcd/kustomize-controller and fluxcd/helm-controller (`internal/controller`), and
//! kubernetes-sigs/kustomize (`api/internal/target`).

use crate::finding::Findings;

use super::{
    Objects, Violation,
    schema::{self, Check, Schemas},
    secrets,
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
pub use world::{KUSTOMIZE, Report, Repository, World};

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
    let mut findings = Vec::new();
    for delivery in &world.deliveries {
        for delivered in delivery.objects() {
            let object = &delivered.object;
            if !schemas.knows(object.group(), &object.id.kind) {
                continue;
            }
            let mut report = schema::Report::default();
            schemas.check_object(object, None, Check { no_namespace: None }, &mut report);
            for violation in report.violations {
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

/// Secrets in the shared folders: no more plain than anywhere else.
fn plain_secrets(world: &mut World<'_>) {
    let mut findings = Vec::new();
    for delivery in &world.deliveries {
        // Those of others are told before variables are filled in.
        if !world.owns(delivery.kustomization.object) {
            continue;
        }
        for delivered in delivery.objects() {
            let objects: Objects = std::iter::once(delivered.object.clone()).collect();
            for violation in secrets::violations(&objects) {
                let words = violation.path.words();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let mut finding =
                    delivery.finding(delivered, &words, violation.code, violation.message.clone());
                finding.hint.clone_from(&violation.hint);
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

/// The same line of a shared folder is wrong once, however many Kustomizations read it.
#[must_use]
pub fn distinct(findings: Findings) -> Findings {
    let mut seen = std::collections::BTreeSet::new();
    findings
        .into_iter()
        .filter(|finding| {
            let place = finding
                .location
                .as_ref()
                .map(|location| (location.file().to_owned(), location.range().start));
            // Without a place an object is what is known of it.
            let object = finding.object.clone().filter(|_| place.is_none());
            seen.insert((finding.code.id, place, object.map(|id| id.to_string()), finding.message.clone()))
        })
        .collect()
}
