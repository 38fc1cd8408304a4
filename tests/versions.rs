//! Versions that go together: the verdicts on pairs, what ends, and that the tables fit the profiles.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{
    infraflux::{run, texts},
    plans,
    rendering::{self, root},
};
use infraflux::{
    admission::versions::Date,
    catalog::{Catalog, Index, compatibility::Minor},
    engine::{Engine, Options},
    finding::{Findings, Severity},
    plan::{Provider, read::Request},
    render::Library,
    yaml::Source,
};
use serde_json::{Value, json};

fn plan(provider: Provider, profile: &str) -> Value {
    json!({
        "apiVersion": "infraflux.io/v1alpha1", "kind": "ClusterPlan", "metadata": {"name": "lab"},
        "spec": {"provider": provider.as_str(), "profile": profile},
    })
}

fn told(catalog: Catalog, plans: &[Value], as_of: Option<&str>) -> Findings {
    let options = Options { as_of: as_of.map(str::to_owned), ..Options::default() };
    let mut request = Request::default();
    for plan in plans {
        request.add_plans(Source::new("plan", plans::as_json(plan))).unwrap();
    }
    Engine::new(Library::new(catalog), options).run(request).findings
}

/// What is said about versions, `severity code message`.
fn versions(findings: &Findings) -> Vec<String> {
    findings
        .iter()
        .filter(|finding| ("IF0402".."IF0420").contains(&finding.code.id) || finding.code.id == "IF1301")
        .map(|finding| format!("{} {} {}", finding.severity, finding.code.id, finding.message))
        .collect()
}

/// A catalogue in which one line of a profile is another one.
fn with(profile: &str, line: &str, other: &str) -> Catalog {
    let path = format!("management/profiles/{profile}.yaml");
    let catalog = rendering::catalog();
    let text = catalog.get(&path).unwrap().text();
    assert_eq!(text.matches(line).count(), 1, "{line}");
    let source = Source::new(path.clone(), text.replace(line, other));
    catalog.clone().overlay([(path, source)])
}

#[test]
fn stable_has_nothing_to_say_and_current_says_what_it_is() {
    for provider in Provider::ALL {
        assert_eq!(
            versions(&told(rendering::catalog(), &[plan(provider, "stable")], None)),
            [""; 0],
            "{provider}"
        );
        let current = versions(&told(rendering::catalog(), &[plan(provider, "current")], None));
        assert_eq!(current.len(), 2, "{provider}: {current:#?}");
        assert!(current[0].starts_with("info IF0406 profile `current` is experimental"), "{current:#?}");
        assert!(current[0].contains("TalosControlPlane"), "{current:#?}");
        assert!(
            current[1].starts_with("warning IF0402") && current[1].contains("Cluster API 1.14"),
            "{current:#?}"
        );
    }
}

#[test]
fn every_pair_gets_its_verdict() {
    let stable = |path: &str, value: &str| {
        (plans::set(&plan(Provider::Aws, "stable"), path, json!(value)), rendering::catalog())
    };
    let current = |path: &str, value: &str| {
        (plans::set(&plan(Provider::Proxmox, "current"), path, json!(value)), rendering::catalog())
    };
    let pinned = |line: &str, other: &str| (plan(Provider::Proxmox, "stable"), with("stable", line, other));
    let table = [
        // What Talos refuses, what it takes without declaring it, and what nobody knows.
        (
            stable("spec.kubernetesVersion", "1.37.1"),
            "error IF0403 Talos 1.13 refuses Kubernetes 1.37: it takes 1.31 to 1.36",
        ),
        (
            stable("spec.kubernetesVersion", "1.30.4"),
            "error IF0403 Talos 1.13 refuses Kubernetes 1.30: it takes 1.31 to 1.36",
        ),
        (
            current("spec.kubernetesVersion", "1.32.4"),
            "warning IF0402 Talos 1.14 is not declared for Kubernetes 1.32, it names 1.33 to 1.37",
        ),
        (
            current("spec.talos.version", "v1.15.0"),
            "warning IF0402 nothing is known of Talos 1.15.0 and Kubernetes 1.36",
        ),
        (
            stable("spec.talos.version", "v1.11.6"),
            "error IF0404 InfraFlux writes the machine configuration of Talos 1.12 and later, not of 1.11",
        ),
        (
            stable("spec.talos.version", "v1.14.2"),
            "error IF0403 Talos 1.14.2 does not work with the Talos bootstrap provider 0.6.12: the provider is built on Talos machinery 1.13 and cannot write the 1.14 machine configuration",
        ),
        (
            stable("spec.kubernetesVersion", "1.32.4"),
            "warning IF0402 Envoy Gateway 1.9.0 is not declared for Kubernetes 1.32, it names 1.33 to 1.36",
        ),
        // Other versions in a profile of one's own.
        (
            pinned("version: v1.12.11", "version: v1.12.1"),
            "error IF0403 Cluster API 1.12.1 does not work with the Talos control-plane provider 0.5.13: it reads `status.ready` instead of `status.initialized` of the control plane; without a CNI no node is ready, so the cluster never counts as initialised",
        ),
        (
            pinned("version: v1.12.11", "version: v1.12.0"),
            "error IF0403 Cluster API 1.12.0 does not work with",
        ),
        (
            pinned("version: v1.12.11", "version: v1.11.4"),
            "error IF0403 Cluster API 1.11.4 does not work with",
        ),
        (
            pinned("version: v1.12.11", "version: v1.12.7"),
            "warning IF0402 Cluster API is declared for Kubernetes 1.36 from 1.12.8 on, this is 1.12.7",
        ),
        (
            pinned("version: v1.12.11", "version: v1.13.5"),
            "warning IF0402 the Proxmox provider 0.9.0 is not declared for Cluster API 1.13, it names 1.11 to 1.12",
        ),
        (
            pinned("version: v1.12.11", "version: v1.20.0"),
            "warning IF0402 nothing is known of Cluster API 1.20.0 and Kubernetes 1.36",
        ),
        (
            pinned("version: v0.5.13", "version: v0.5.12"),
            "warning IF0402 Talos 1.13 needs the Talos control-plane provider 0.5.13 or later, this is 0.5.12",
        ),
        (
            pinned("version: v0.9.0", "version: v0.10.0"),
            "warning IF0402 nothing is known of the Proxmox provider 0.10.0 and the versions around it",
        ),
        (pinned("version: v0.6.12", "version: six"), "error IF0401"),
    ];
    for ((plan, catalog), expected) in table {
        let findings = told(catalog, &[plan], None);
        let said: Vec<String> = findings
            .iter()
            .map(|finding| format!("{} {} {}", finding.severity, finding.code.id, finding.message))
            .collect();
        assert!(said.iter().any(|said| said.starts_with(expected)), "{expected}: {said:#?}");
        assert_eq!(findings.has_errors(), expected.starts_with("error"), "{said:#?}");
        // A pair that is known to be bad is not called undeclared as well.
        let bootstrap =
            said.iter().filter(|said| said.contains("bootstrap provider") && said.contains("Talos 1.14"));
        assert!(bootstrap.count() <= 1, "{said:#?}");
    }
}

#[test]
fn every_verdict_has_a_place_and_a_way_out() {
    let plan = plans::set(&plan(Provider::Aws, "stable"), "spec.talos.version", json!("v1.14.2"));
    let findings = told(rendering::catalog(), &[plan], Some("2026-11-23"));
    let judged: Vec<_> = findings.iter().filter(|finding| finding.code.id.starts_with("IF04")).collect();
    assert!(judged.len() > 3);
    for finding in judged {
        assert!(
            finding.hint.is_some() && finding.field.is_some() && finding.location.is_some(),
            "{finding:?}"
        );
    }
    let bad = findings.iter().find(|finding| finding.code.id == "IF0403").unwrap();
    assert_eq!(bad.field.as_ref().unwrap().to_string(), "spec.talos.version");
    assert!(bad.hint.as_ref().unwrap().contains("go.mod"), "{bad:?}");
}

#[test]
fn what_ends_is_said_for_a_date_and_never_without_one() {
    let plan = [plan(Provider::Aws, "stable")];
    assert_eq!(versions(&told(rendering::catalog(), &plan, None)), [""; 0]);
    let on = |date: &str| versions(&told(rendering::catalog(), &plan, Some(date)));
    let contract = "support of provider contract v1beta1 and of the core API cluster.x-k8s.io/v1beta1";
    let has = |said: &[String], text: &str| said.iter().any(|said| said.contains(text));
    assert_eq!(on("2026-02-01"), [""; 0]);
    assert!(!has(&on("2026-10-02"), contract));
    assert!(has(&on("2026-10-03"), &format!("warning IF0405 {contract} ends on 2027-04-01, in 180 days")));
    assert!(has(&on("2027-03-31"), &format!("{contract} ends tomorrow, 2027-04-01")));
    assert!(has(&on("2027-04-01"), &format!("{contract} ends today, 2027-04-01")));
    assert!(has(&on("2027-04-02"), &format!("{contract} ended on 2027-04-01")));
    assert!(has(&on("2026-11-23"), "support of Envoy Gateway 1.9 ends on 2027-02-14, in 83 days"));
    assert!(has(&on("2026-11-23"), "community support of Talos 1.13 ended on 2026-08-27"));
    assert!(!has(&on("2026-11-23"), "Kubernetes 1.34"), "the plan has 1.36");
    assert_eq!(on("2026-02-30"), ["error IF1301 `2026-02-30` is not a date"]);
}

#[test]
fn a_fleet_hears_each_thing_once() {
    let clusters: Vec<Value> = (0..5)
        .map(|number| json!({"name": format!("lab-{number}"), "namespace": format!("lab-{number}")}))
        .collect();
    let fleet = json!({
        "apiVersion": "infraflux.io/v1alpha1", "kind": "FleetPlan", "metadata": {"name": "fleet"},
        "spec": {"defaults": {"provider": "aws", "profile": "current"}, "clusters": clusters},
    });
    let said = versions(&told(rendering::catalog(), &[fleet], None));
    assert_eq!(said.len(), 2, "{said:#?}");
    assert!(said[1].ends_with("(and so in 4 more clusters)"), "{said:#?}");
}

/// What the tables say is about what the profiles have, and the other way round.
#[test]
fn tables_and_profiles_fit() {
    let catalog = rendering::catalog();
    let tables = catalog.compatibility().unwrap();
    for name in catalog.profile_names() {
        let profile = catalog.profile(name).unwrap();
        for (key, lines) in &tables.components {
            let component = profile.spec.component(key).unwrap_or_else(|| panic!("{name} has no {key}"));
            let version = semver(&component.version);
            let line = lines
                .lines
                .get(&version.to_string())
                .unwrap_or_else(|| panic!("{name}: {key} {version} is not in the tables"));
            assert_eq!(component.contract, line.contract, "{name}: {key}");
        }
        for (kind, releases) in [("kubernetes", &profile.spec.kubernetes), ("talos", &profile.spec.talos)] {
            assert!(releases.newest.contains_key(&releases.default), "{name}: {kind}");
            for (minor, newest) in &releases.newest {
                assert_eq!(*minor, semver(&newest.version).to_string(), "{name}: {kind}");
            }
        }
        for component in profile.spec.components.values() {
            assert!(
                !component.source.is_empty() && component.date.starts_with("202"),
                "{name}: {component:?}"
            );
        }
    }
    for end in &tables.end_of_service {
        assert!(Date::parse(&end.date).is_some(), "{}", end.date);
        assert!(end.component.is_some() != end.contract.is_some(), "{end:?}");
    }
    let known = |key: &str| {
        key == "talos" || key == "kubernetes" || key == "clusterAPI" || tables.components.contains_key(key)
    };
    for pair in &tables.known_bad {
        assert!(known(&pair.component) && known(&pair.with.component), "{pair:?}");
        assert!(pair.line.is_some() == pair.versions.is_empty(), "{pair:?}");
    }
}

fn semver(version: &str) -> Minor {
    let parts: Vec<&str> = version.trim_start_matches('v').splitn(3, '.').collect();
    Minor::parse(&format!("{}.{}", parts[0], parts[1])).unwrap()
}

#[test]
fn the_command_prints_all_of_it() {
    let output = run(root(), &["versions"]);
    let (stdout, stderr) = texts(&output);
    assert!(output.status.success(), "{stderr}");
    let index = Index::new(Catalog::embedded());
    let tables = index.compatibility().unwrap();
    for name in index.profile_names() {
        let profile = index.profile(name).unwrap();
        assert!(stdout.contains(&format!("profile {name}")));
        for component in profile.spec.components.values() {
            let row = stdout
                .lines()
                .find(|line| line.contains(&component.version) && line.contains(&component.source));
            assert!(row.is_some_and(|row| row.contains(&component.date)), "{component:?}");
        }
        for unchecked in &profile.spec.unchecked_schemas {
            assert!(stdout.contains(unchecked));
        }
    }
    for end in &tables.end_of_service {
        assert!(
            stdout.lines().any(|line| line.contains(&end.what)
                && line.contains(&end.date)
                && line.contains(&end.source))
        );
    }
    for pair in &tables.known_bad {
        assert!(stdout.contains(&pair.reason));
    }
    let (one, _) = texts(&run(root(), &["versions", "stable"]));
    assert!(one.starts_with("profile stable") && !one.contains("profile current"));
}

#[test]
fn strict_refuses_what_is_not_declared() {
    let findings = told(rendering::catalog(), &[plan(Provider::Aws, "current")], None);
    assert!(!findings.has_errors());
    let output = run(
        root(),
        &["up", "--provider", "aws", "--name", "lab", "--profile", "current", "--strict", "--dry-run"],
    );
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("error[IF0402]"), "{stderr}");
    assert!(findings.iter().any(|finding| finding.severity == Severity::Warning));
}
