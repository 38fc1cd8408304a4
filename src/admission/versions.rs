//! Which versions go together: the pairs of every cluster against the tables of the catalogue, with one of three verdicts, and
//! what ends at a date that the user gives.
//!
//! Clusters of one profile have the same pairs. Each thing is said once for all of them, at the first one's plan.

use std::collections::BTreeMap;

use semver::Version;

use crate::{
    catalog::{
        Index,
        compatibility::{Compatibility, EndOfService, KnownBad, Minor, Range},
        profile::Component,
    },
    finding::{Finding, Findings, Severity, codes},
    plan::resolved::ResolvedCluster,
    yaml::pointer::FieldPath,
};

mod date;

pub use date::Date;

/// The first minor of Talos whose configuration InfraFlux writes: registry mirrors, shared addresses and host names are documents
/// of their own from there on (siderolabs/talos pkg/machinery/config/types at v1.12.0).
pub const OLDEST_TALOS: Minor = Minor(1, 12);

/// How long before something ends it is said, in days.
const AHEAD: i64 = 180;

/// The date that `--as-of` gives.
pub fn date(text: &str) -> Result<Date, Findings> {
    Date::parse(text).ok_or_else(|| {
        Finding::error(&codes::USAGE, format!("`{text}` is not a date"))
            .hint("write `--as-of YYYY-MM-DD`")
            .into()
    })
}

/// Judges the versions of clusters; what ends only for a date.
#[must_use]
pub fn check(clusters: &[ResolvedCluster], index: &Index, as_of: Option<&str>) -> Findings {
    let mut findings = Findings::new();
    let as_of = match as_of.map(date).transpose() {
        Ok(as_of) => as_of,
        Err(errors) => return errors,
    };
    let tables = match index.compatibility() {
        Ok(tables) => tables,
        Err(errors) => return errors,
    };
    let mut said = Said::default();
    for cluster in clusters {
        Judge { cluster, tables: &tables, said: &mut said }.all(as_of);
    }
    findings.extend(said.findings());
    findings
}

/// What was said, in order, and of how many clusters more it is true.
#[derive(Default)]
struct Said {
    list: Vec<(Finding, usize)>,
    positions: BTreeMap<(&'static str, String), usize>,
}

impl Said {
    fn say(&mut self, finding: Finding) {
        let key = (finding.code.id, finding.message.clone());
        if let Some(position) = self.positions.get(&key) {
            self.list[*position].1 += 1;
            return;
        }
        self.positions.insert(key, self.list.len());
        self.list.push((finding, 0));
    }

    fn findings(self) -> impl Iterator<Item = Finding> {
        self.list.into_iter().map(|(mut finding, more)| {
            if more > 0 {
                let plural = if more == 1 { "" } else { "s" };
                finding.message = format!("{} (and so in {more} more cluster{plural})", finding.message);
            }
            finding
        })
    }
}

/// Something with a version.
struct Part {
    /// How tables call it.
    key: &'static str,
    /// How people call it.
    name: &'static str,
    version: Version,
    /// The field of the plan that can change it.
    field: &'static str,
}

impl Part {
    fn minor(&self) -> Minor {
        Minor::of(&self.version)
    }

    fn shown(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

struct Judge<'run> {
    cluster: &'run ResolvedCluster,
    tables: &'run Compatibility,
    said: &'run mut Said,
}

impl Judge<'_> {
    fn all(mut self, as_of: Option<Date>) {
        let profile = &self.cluster.profile;
        if profile.spec.experimental {
            let unchecked = profile.spec.unchecked_schemas.join("; ");
            let message = format!(
                "profile `{}` is experimental: its versions are not declared to work together by all of their projects{}",
                profile.metadata.name,
                if unchecked.is_empty() {
                    String::new()
                } else {
                    format!(", and there were no schemas for: {unchecked}")
                }
            );
            self.say(
                Severity::Info,
                &codes::EXPERIMENTAL_PROFILE,
                &["spec.profile"],
                message,
                "`stable` is the other one",
            );
        }
        let part = |key, name, version: &Version, field| Part { key, name, version: version.clone(), field };
        let kubernetes = part("kubernetes", "Kubernetes", &self.cluster.kubernetes, "spec.kubernetesVersion");
        let talos = part("talos", "Talos", &self.cluster.talos.version, "spec.talos.version");
        let mut parts: Vec<Part> = self.components();
        self.oldest(&talos);
        self.newer_than_known(&kubernetes, &self.cluster.profile.spec.kubernetes.newest);
        self.newer_than_known(&talos, &self.cluster.profile.spec.talos.newest);
        self.talos_and_kubernetes(&talos, &kubernetes);
        self.cluster_api_and_kubernetes(&parts, &kubernetes);
        for part in &parts {
            self.lines(part, &talos, &kubernetes, &parts);
        }
        parts.push(kubernetes);
        parts.push(talos);
        self.known_bad(&parts);
        if let Some(date) = as_of {
            self.ends(&parts, date);
        }
    }

    /// A patch release above the newest one that the profile names.
    fn newer_than_known(&mut self, part: &Part, newest: &BTreeMap<String, Component>) {
        let known = newest
            .values()
            .filter_map(|release| Version::parse(release.version.trim_start_matches('v')).ok())
            .find(|known| Minor::of(known) == part.minor());
        if let Some(known) = known.filter(|known| *known < part.version) {
            let message = format!(
                "{} is newer than {known}, the newest {} that profile `{}` knows",
                part.shown(),
                part.minor(),
                self.cluster.profile.metadata.name
            );
            let hint = "check that this release exists; a minor alone means the newest one that is known";
            self.say(Severity::Info, &codes::RELEASE_UNKNOWN, &[part.field], message, hint);
        }
    }

    /// What the profile pins, as far as it matters to this cluster.
    fn components(&mut self) -> Vec<Part> {
        let cluster = self.cluster;
        let gateway = cluster
            .gateway
            .as_ref()
            .is_some_and(|gateway| gateway.controller.unwrap_or_default().as_str() == "envoy");
        let wanted = [
            ("clusterAPI", "Cluster API", true),
            ("bootstrapTalos", "the Talos bootstrap provider", true),
            ("controlPlaneTalos", "the Talos control-plane provider", true),
            ("aws", "the AWS provider", cluster.provider.as_str() == "aws"),
            ("azure", "the Azure provider", cluster.provider.as_str() == "azure"),
            ("gcp", "the GCP provider", cluster.provider.as_str() == "gcp"),
            ("proxmox", "the Proxmox provider", cluster.provider.as_str() == "proxmox"),
            ("envoyGateway", "Envoy Gateway", gateway),
        ];
        let mut parts = Vec::new();
        for (key, name, _) in wanted.into_iter().filter(|(.., wanted)| *wanted) {
            let Some(component) = cluster.profile.spec.component(key) else { continue };
            match Version::parse(component.version.trim_start_matches('v')) {
                Ok(version) => parts.push(Part { key, name, version, field: "spec.profile" }),
                Err(error) => self.say(
                    Severity::Error,
                    &codes::PROFILE,
                    &["spec.profile"],
                    format!(
                        "the profile `{}` gives `{}` for {key}: {error}",
                        cluster.profile.metadata.name, component.version
                    ),
                    "correct the profile",
                ),
            }
        }
        parts
    }

    fn say(
        &mut self,
        severity: Severity,
        code: &'static crate::finding::Code,
        fields: &[&str],
        message: String,
        hint: impl Into<String>,
    ) {
        let origins = &self.cluster.origins;
        let path = |field: &&str| FieldPath::of(field.split('.'));
        // The field that the user wrote is the one that the user can change.
        let chosen = fields.iter().map(path).find(|path| origins.written(path).is_some());
        let field = chosen.unwrap_or_else(|| FieldPath::of(["spec", "profile"]));
        let finding =
            Finding::new(code, severity, message).at(origins.location(&field)).field(field).hint(hint);
        self.said.say(finding);
    }

    fn not_declared(&mut self, fields: &[&str], message: String, source: &str) {
        let hint = format!("it may work; nobody says so ({source})");
        self.say(Severity::Warning, &codes::PAIR_NOT_DECLARED, fields, message, hint);
    }

    fn oldest(&mut self, talos: &Part) {
        if talos.minor() < OLDEST_TALOS {
            self.say(
                Severity::Error,
                &codes::TALOS_TOO_OLD,
                &[talos.field],
                format!(
                    "InfraFlux writes the machine configuration of Talos {OLDEST_TALOS} and later, not of {}",
                    talos.minor()
                ),
                "choose a newer Talos",
            );
        }
    }

    fn talos_and_kubernetes(&mut self, talos: &Part, kubernetes: &Part) {
        let table = &self.tables.talos;
        let fields = [kubernetes.field, talos.field];
        let Some(support) = table.kubernetes.get(&talos.minor().to_string()) else {
            if talos.minor() >= OLDEST_TALOS {
                let message =
                    format!("nothing is known of {} and Kubernetes {}", talos.shown(), kubernetes.minor());
                self.not_declared(&[talos.field], message, &table.source);
            }
            return;
        };
        if let Some(accepted) = support.accepted.filter(|accepted| !accepted.has(kubernetes.minor())) {
            self.say(
                Severity::Error,
                &codes::PAIR_KNOWN_BAD,
                &fields,
                format!(
                    "Talos {} refuses Kubernetes {}: it takes {accepted}",
                    talos.minor(),
                    kubernetes.minor()
                ),
                format!("choose one of these, or another Talos ({})", table.source),
            );
        } else if !support.declared.is_some_and(|declared| declared.has(kubernetes.minor())) {
            let declared = declares(support.declared);
            let message = format!(
                "Talos {} is not declared for Kubernetes {}{declared}",
                talos.minor(),
                kubernetes.minor()
            );
            self.not_declared(&fields, message, &table.source);
        }
    }

    fn cluster_api_and_kubernetes(&mut self, parts: &[Part], kubernetes: &Part) {
        let Some(core) = parts.iter().find(|part| part.key == "clusterAPI") else { return };
        let table = &self.tables.cluster_api;
        let fields = [kubernetes.field, core.field];
        let Some(support) = table.kubernetes.get(&core.minor().to_string()) else {
            let message =
                format!("nothing is known of {} and Kubernetes {}", core.shown(), kubernetes.minor());
            self.not_declared(&fields, message, &table.source);
            return;
        };
        let first = support.from.get(&kubernetes.minor().to_string());
        if !support.declared.is_some_and(|declared| declared.has(kubernetes.minor())) {
            let declared = declares(support.declared);
            let message = format!(
                "Cluster API {} is not declared for Kubernetes {}{declared}",
                core.minor(),
                kubernetes.minor()
            );
            self.not_declared(&fields, message, &table.source);
        } else if let Some(first) = first.filter(|first| core.version < **first) {
            let message = format!(
                "Cluster API is declared for Kubernetes {} from {first} on, this is {}",
                kubernetes.minor(),
                core.version
            );
            self.not_declared(&fields, message, &table.source);
        }
    }

    /// What a component's own table says of the versions around it.
    fn lines(&mut self, part: &Part, talos: &Part, kubernetes: &Part, parts: &[Part]) {
        let Some(table) = self.tables.components.get(part.key) else { return };
        let Some(line) = table.lines.get(&part.minor().to_string()) else {
            let message = format!("nothing is known of {} and the versions around it", part.shown());
            self.not_declared(&[part.field], message, &table.source);
            return;
        };
        let core = parts.iter().find(|part| part.key == "clusterAPI");
        let around =
            [(line.talos, Some(talos)), (line.kubernetes, Some(kubernetes)), (line.cluster_api, core)];
        for (range, other) in around {
            let (Some(range), Some(other)) = (range, other) else { continue };
            // What is known to be bad is not said twice.
            if self.tables.known_bad.iter().any(|pair| joins(pair, part, other) || joins(pair, other, part)) {
                continue;
            }
            let fields = [other.field, part.field];
            let first = line.from.get(other.key).and_then(|from| from.get(&other.minor().to_string()));
            let message = if !range.has(other.minor()) {
                format!(
                    "{} is not declared for {} {}{}",
                    part.shown(),
                    other.name,
                    other.minor(),
                    declares(Some(range))
                )
            } else if let Some(first) = first.filter(|first| part.version < **first) {
                format!(
                    "{} {} needs {} {first} or later, this is {}",
                    other.name,
                    other.minor(),
                    part.name,
                    part.version
                )
            } else {
                continue;
            };
            self.not_declared(&fields, message, &table.source);
        }
    }

    fn known_bad(&mut self, parts: &[Part]) {
        for pair in &self.tables.known_bad {
            let pairs = parts.iter().flat_map(|one| parts.iter().map(move |other| (one, other)));
            for (one, other) in pairs.filter(|(one, other)| joins(pair, one, other)) {
                self.say(
                    Severity::Error,
                    &codes::PAIR_KNOWN_BAD,
                    &[one.field, other.field],
                    format!("{} does not work with {}: {}", one.shown(), other.shown(), pair.reason),
                    format!("{} ({})", pair.remedy, pair.source),
                );
            }
        }
    }

    fn ends(&mut self, parts: &[Part], as_of: Date) {
        for end in &self.tables.end_of_service {
            let Some(date) = Date::parse(&end.date) else { continue };
            let left = date.days() - as_of.days();
            let Some(fields) = self.concerned(end, parts).filter(|_| left <= AHEAD) else { continue };
            let when = match left {
                ..0 => format!("ended on {}", end.date),
                0 => format!("ends today, {}", end.date),
                1 => format!("ends tomorrow, {}", end.date),
                _ => format!("ends on {}, in {left} days", end.date),
            };
            let hint = format!("{} ({})", end.reason, end.source);
            self.say(
                Severity::Warning,
                &codes::END_OF_SERVICE,
                &fields,
                format!("{} {when}", end.what),
                hint,
            );
        }
    }

    /// The fields by which a cluster has what ends; none when it does not concern the cluster.
    fn concerned(&self, end: &EndOfService, parts: &[Part]) -> Option<Vec<&'static str>> {
        if let Some(contract) = &end.contract {
            let spec = &self.cluster.profile.spec;
            let speaks = |part: &&Part| {
                spec.component(part.key).and_then(|component| component.contract.as_ref()) == Some(contract)
            };
            return parts.iter().find(speaks).map(|part| vec![part.field]);
        }
        let part = parts.iter().find(|part| Some(part.key) == end.component.as_deref())?;
        end.line.is_none_or(|line| line == part.minor()).then(|| vec![part.field])
    }
}

/// Whether two parts are a pair that does not work.
fn joins(pair: &KnownBad, one: &Part, other: &Part) -> bool {
    pair.component == one.key
        && pair.with.component == other.key
        && pair.is_of(&one.version)
        && pair.with.line == other.minor()
}

fn declares(range: Option<Range>) -> String {
    range.map_or_else(String::new, |range| format!(", it names {range}"))
}
