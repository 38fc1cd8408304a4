//! The checks of rendered clusters: everything that looks at objects, with findings that point at the plan.
//!
//! A check says what is wrong with a field of an object ([`Violation`]). Here that becomes a [`Finding`] at the value of
//! the plan that stands in the field, or at the template's line where no value of the plan does.

use super::{
    Object, Objects, Violation,
    flux::{self, Repository, fleet::Claims},
    foreign,
    rules::{self, External, Externals},
    schema::{Check, Report, Schemas},
    secrets,
    semantics::Neighbour,
};
use crate::{
    finding::{Finding, Findings, Severity, codes},
    plan::resolved::ResolvedCluster,
    render::{RenderedCluster, RenderedDocument, secrets as needs},
    yaml::{Location, pointer::FieldPath},
};

/// What was rendered for a cluster before.
#[derive(Debug, Clone, PartialEq)]
pub enum Before {
    /// Nothing: it is new, or nobody knows.
    Nothing,
    /// The same bytes.
    Same,
    /// These objects.
    Objects(Objects),
}

/// The render before this one. What cannot change after creation is judged against it.
pub trait Previous: Sync {
    /// What was rendered for a cluster before. What cannot be read is a warning: the new render may be what mends it.
    fn of(&self, cluster: &RenderedCluster, findings: &mut Findings) -> Before;

    /// Clusters beside those that this run renders, whose names are given: the others of the same output folder.
    fn others(&self, _rendered: &[&str], _findings: &mut Findings) -> Vec<Neighbour> {
        Vec::new()
    }
}

/// There was no render before.
#[derive(Debug, Clone, Copy, Default)]
pub struct First;

impl Previous for First {
    fn of(&self, _: &RenderedCluster, _: &mut Findings) -> Before {
        Before::Nothing
    }
}

/// What came of checking a cluster.
#[derive(Debug)]
pub struct Checked {
    /// What was found, in the order of the cluster's objects.
    pub findings: Findings,
    /// What the schemas covered. Its violations are among the findings.
    pub report: Report,
    /// What the cluster takes for itself, to be compared with other clusters ([`fleet`]).
    pub claims: Claims,
}

/// What all checks have against a cluster: schemas and CEL first, in the order of its objects, then rules and references,
/// secrets, and what Flux will make of it.
#[must_use]
pub fn check(
    cluster: &RenderedCluster,
    previous: &dyn Previous,
    schemas: &Schemas,
    checks: &flux::Checks<'_>,
) -> Checked {
    let mut findings = Findings::new();
    let before = previous.of(cluster, &mut findings);
    let objects: Objects =
        cluster.documents().map(|(_, document)| Object::new(cluster.fresh_value(document))).collect();
    let nothing = Objects::default();
    let before = match &before {
        Before::Nothing => &nothing,
        Before::Same => &objects,
        Before::Objects(objects) => objects,
    };
    let mut report = schemas.check(&objects, before, Check::default());
    let mut violations = std::mem::take(&mut report.violations);
    let by_rules = rules::check(&objects, before, &externals(&cluster.cluster));
    foreign::add(&mut violations, by_rules.into_iter());
    violations.extend(secrets::violations(&objects));
    // What Flux makes of a cluster depends on none of these, except on an endpoint that is the machine itself.
    let endpoint = cluster.cluster.network.endpoint.as_ref().map(|endpoint| &*endpoint.host);
    let endpoint =
        endpoint.filter(|host| host.len() > 3 && *host != "localhost" && !host.starts_with("127."));
    let names: Vec<&str> =
        [&*cluster.name, &*cluster.cluster.namespace].into_iter().chain(endpoint).collect();
    let (flux_report, claims) = checks.cluster(&objects, &names, Repository::of(&cluster.cluster));
    violations.extend(flux_report.violations);
    for violation in violations {
        let again = told_by_the_plan(cluster, &violation);
        let finding = finding(cluster, violation);
        if again || spare_addresses(cluster, &finding) {
            continue;
        }
        // Zones and pools repeat what one line of the plan causes.
        let known = |other: &Finding| {
            other.code == finding.code
                && other.location.is_some()
                && other.location == finding.location
                && other.message == finding.message
        };
        if !findings.iter().any(known) {
            findings.push(finding);
        }
    }
    findings.extend(flux_report.findings);
    // A dependency or source that is not there is known to the graph as well, with more to say.
    let told: Vec<Location> = findings
        .iter()
        .filter(|finding| *finding.code == codes::FLUX_DEPENDENCY || *finding.code == codes::FLUX_SOURCE)
        .filter_map(|finding| finding.location.clone())
        .collect();
    let again = |finding: &Finding| {
        *finding.code == codes::DANGLING
            && finding
                .location
                .as_ref()
                .is_some_and(|location| told.iter().any(|other| lies_in(other, location)))
    };
    let findings = findings.into_iter().filter(|finding| !again(finding)).collect();
    Checked { findings, report, claims }
}

/// Whether a rule says of an object what the plan's own finding says already, with the field that a user can change: that
/// nobody is let in to the Talos API (`managementCIDRs`), that a pool has no zones (`failureDomains`).
fn told_by_the_plan(cluster: &RenderedCluster, violation: &Violation) -> bool {
    let (kind, code) = (&*violation.object.kind, violation.code);
    violation.severity == Severity::Warning
        && (kind == "GCPCluster"
            && *code == codes::TALOS_PORTS
            && cluster.cluster.network.management_cidrs.is_empty()
            || kind == "MachineDeployment" && *code == codes::ZONE
            || kind == "TalosControlPlane"
                && *code == codes::TALOS_CONTROL_PLANE
                && violation.path == FieldPath::of(["spec", "replicas"]))
}

/// Whether a rule says of a pool what the plan's finding about `addresses` says already, with what all pools need to roll at
/// once. A pool that `overrides` bring is known to the rule alone.
fn spare_addresses(cluster: &RenderedCluster, finding: &Finding) -> bool {
    let written = |key: &str| cluster.cluster.origins.location(&FieldPath::of(["spec", "proxmox", key]));
    finding.severity == Severity::Warning
        && *finding.code == codes::POOL_ADDRESSES
        && finding.location.is_some()
        && [written("addresses"), written("addressesV6")].contains(&finding.location)
}

fn lies_in(inner: &Location, outer: &Location) -> bool {
    let (inside, outside) = (inner.range(), outer.range());
    inner.file() == outer.file() && outside.start <= inside.start && inside.end <= outside.end
}

/// What clusters of one run must not share, at the plan of the second one.
#[must_use]
pub fn fleet(clusters: &[RenderedCluster], claims: &[Claims]) -> Findings {
    flux::fleet::check(claims)
        .into_iter()
        .filter_map(|(position, violation)| Some(finding(clusters.get(position)?, violation)))
        .collect()
}

/// What exists outside of a cluster's objects because the plan names it: shared sources and identities of the hub, and
/// the Secrets that a person is told to provide.
#[must_use]
pub fn externals(cluster: &ResolvedCluster) -> Externals {
    let mut externals = Externals::of_a_hub();
    externals.extend(
        needs::needs(cluster)
            .into_iter()
            .filter(|need| need.cluster == "hub")
            .map(|need| External::object("", "Secret", Some(&need.namespace), &need.name)),
    );
    // Where the plan puts them is where `infraflux init` or a person does.
    let identity = cluster.block.get("identity").and_then(|identity| identity.get("namespace"));
    externals.extend(identity.and_then(serde_json::Value::as_str).map(|namespace| {
        External::kind("infrastructure.cluster.x-k8s.io", "AzureClusterIdentity", Some(namespace))
    }));
    let gitops = &cluster.gitops;
    externals.extend([External::object(
        "source.toolkit.fluxcd.io",
        gitops.source_kind.as_str(),
        Some(&gitops.source_namespace),
        &gitops.source_name,
    )]);
    externals
}

/// A violation at its cause.
fn finding(cluster: &RenderedCluster, violation: Violation) -> Finding {
    let document: Option<&RenderedDocument> =
        cluster.documents().map(|(_, document)| document).find(|document| document.id == violation.object);
    let mut finding = Finding::new(violation.code, violation.severity, violation.message)
        .object(violation.object)
        .field(violation.path.clone());
    finding.hint = violation.hint;
    finding.source = violation.source;
    let Some(document) = document else { return finding };
    let origin = cluster.origin(document, &violation.path);
    match origin.plan {
        Some(written) if written == origin.template => finding.at(written),
        Some(written) => finding.at(written).related("rendered by this line", Some(origin.template)),
        None => finding.at(origin.template),
    }
}
