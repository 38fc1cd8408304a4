//! What a plan means: rules about values that are each well-formed, and wrong together or for this provider.
//!
//! They run before anything is rendered. A finding points at the line of the plan that a person would change, with the
//! second place beside it; where a value is a default, at the default. Each file has the rules of one noun.

use rayon::prelude::*;

use crate::{
    admission::rules::label,
    finding::{Code, Finding, Findings, codes},
    plan::resolved::ResolvedCluster,
    yaml::{Location, pointer::FieldPath},
};

mod addons;
mod addresses;
mod aws;
mod azure;
mod endpoint;
mod examples;
mod fleet;
mod form;
mod gcp;
mod gitops;
mod instance_types;
mod labels;
mod load_balancer;
mod machines;
mod network;
mod patches;
mod places;
mod proxmox;
mod recipes;
mod talos;
mod variables;

pub use fleet::Neighbour;

/// Everything that is wrong or worth knowing about some clusters: each by itself in the given order, then between them.
#[must_use]
pub fn check(clusters: &[ResolvedCluster]) -> Findings {
    check_beside(clusters, &[])
}

/// The same, with clusters beside them that are not rendered now, for instance those that lie in `out/` already.
#[must_use]
pub fn check_beside(clusters: &[ResolvedCluster], others: &[Neighbour]) -> Findings {
    let each: Vec<Findings> = clusters.par_iter().map(one).collect();
    let mut findings: Findings = each.into_iter().flatten().collect();
    findings.extend(fleet::check(clusters, others));
    findings
}

fn one(cluster: &ResolvedCluster) -> Findings {
    let mut check = Check { cluster, findings: Findings::new() };
    examples::check(&mut check);
    network::check(&mut check);
    endpoint::check(&mut check);
    places::check(&mut check);
    machines::check(&mut check);
    instance_types::check(&mut check);
    labels::check(&mut check);
    talos::check(&mut check);
    patches::check(&mut check);
    addons::check(&mut check);
    load_balancer::check(&mut check);
    recipes::check(&mut check);
    gitops::check(&mut check);
    variables::check(&mut check);
    aws::check(&mut check);
    azure::check(&mut check);
    gcp::check(&mut check);
    proxmox::check(&mut check);
    check.findings
}

/// A cluster under check, and what was found.
struct Check<'plan> {
    cluster: &'plan ResolvedCluster,
    findings: Findings,
}

/// The path of a field of the plan, without `spec.`: `network.podCIDRs`.
fn spec(path: &str) -> FieldPath {
    FieldPath::of(std::iter::once("spec").chain(path.split('.')))
}

impl Check<'_> {
    fn error(
        &mut self,
        code: &'static Code,
        path: &FieldPath,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let finding = self.finding(Finding::error(code, message), path, hint);
        self.findings.push(finding);
    }

    fn warning(
        &mut self,
        code: &'static Code,
        path: &FieldPath,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let finding = self.finding(Finding::warning(code, message), path, hint);
        self.findings.push(finding);
    }

    fn info(
        &mut self,
        code: &'static Code,
        path: &FieldPath,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let finding = self.finding(Finding::info(code, message), path, hint);
        self.findings.push(finding);
    }

    /// An error where a name cannot be that of a Kubernetes object.
    fn object_name(&mut self, path: &FieldPath, name: Option<&str>) {
        if let Some(name) = name.filter(|name| !label::is_subdomain(name)) {
            self.error(
                &codes::PLAN_NAME,
                path,
                format!("`{name}` is not the name of a Kubernetes object"),
                "use lower-case letters, digits, `-` and `.`",
            );
        }
    }

    /// A finding about a field, beside another field that it does not go with. The place that the user wrote comes first:
    /// a default is not theirs to correct.
    fn between(
        &mut self,
        finding: Finding,
        (path, other): (&FieldPath, &FieldPath),
        what_other: &str,
        hint: impl Into<String>,
    ) {
        let finding = self.finding(finding, path, hint).related(what_other, self.place(other));
        self.findings.push(finding);
    }

    fn finding(&self, finding: Finding, path: &FieldPath, hint: impl Into<String>) -> Finding {
        finding.field(path.clone()).at(self.place(path)).hint(hint)
    }

    /// Where a field stands; for one that nobody wrote, where the cluster's name stands.
    fn place(&self, path: &FieldPath) -> Option<Location> {
        place(self.cluster, path)
    }

    /// Whether the user wrote a field, rather than a default or an example.
    fn is_written(&self, path: &FieldPath) -> bool {
        self.cluster.origins.written(path).is_some()
    }
}

/// Where a field of a cluster stands; for one that nobody wrote, where the cluster's name stands.
fn place(cluster: &ResolvedCluster, path: &FieldPath) -> Option<Location> {
    let origins = &cluster.origins;
    match origins.node(path) {
        // A whole block of defaults tells a reader nothing; a single one does.
        Some(node) if node.as_mapping().is_some() && origins.is_builtin(node) => {
            cluster.name_location.clone()
        }
        Some(node) => origins.sources().locate(node.place),
        None => cluster.name_location.clone(),
    }
}
