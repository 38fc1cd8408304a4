//! Names by content: what replaces machines, and what must not.
//!
//! Random plans of each provider render without a schema error; writing one in another way changes no byte of the output;
//! and a table of edits says for each one which template names change. In a cluster of one cause and a hundred machines that
//! is the difference between a label and a rollout.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{
    crds::{Crds, Verdict},
    plans,
    rendering::{self, Rendered, render},
};
use infraflux::{engine::Engine, finding::Severity, plan::Provider};
use proptest::{
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};
use rayon::prelude::*;
use serde_json::{Value, json};

/// Random plans for each provider.
const PLANS: u32 = 200;

fn runner(cases: u32) -> TestRunner {
    // The same plans in every run; a plan that fails is shrunk and shown, so no file of old failures is needed.
    TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(20_261_123),
        failure_persistence: None,
        ..Config::default()
    })
}

fn rendered(engine: &Engine, text: &str) -> Result<Rendered, TestCaseError> {
    let rendered = render(engine, "plan", text, None);
    if rendered.cluster.is_none() {
        return Err(TestCaseError::fail(rendered.told(Severity::Error).join("\n")));
    }
    Ok(rendered)
}

fn contents(rendered: &Rendered) -> Vec<(String, String)> {
    rendered.cluster.as_ref().expect("there is one").contents()
}

#[test]
fn random_plans_fit_the_schemas_and_survive_reformatting() {
    let engine = rendering::engine();
    let crds: BTreeMap<&str, Crds> = ["stable", "current"]
        .into_iter()
        .filter_map(|profile| Some((profile, Crds::of_profile(profile, "random plans against the CRDs")?)))
        .collect();
    Provider::ALL.into_par_iter().for_each(|provider| {
        let strategy = (plans::plan(provider), any::<u64>());
        let outcome = runner(PLANS).run(&strategy, |(plan, seed)| {
            let first = rendered(&engine, &plans::as_json(&plan))?;
            let profile = plan.pointer("/spec/profile").and_then(Value::as_str).unwrap_or("stable");
            for (path, object) in &first.objects {
                if let Some(Verdict::Wrong(errors)) = crds.get(profile).map(|crds| crds.check(object)) {
                    return Err(TestCaseError::fail(format!(
                        "{path}: {} {}",
                        object["kind"],
                        errors.join("; ")
                    )));
                }
            }
            // A quarter of them is enough to see that the way of writing means nothing.
            if !seed.is_multiple_of(4) {
                return Ok(());
            }
            let again = rendered(&engine, &plans::reformatted(&plan, seed))?;
            prop_assert_eq!(contents(&first), contents(&again), "written in another way");
            let turned = rendered(&engine, &plans::as_json(&plans::with_extensions_turned(&plan)))?;
            prop_assert_eq!(contents(&first), contents(&turned), "extensions in another order");
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{provider}: {error}");
        }
    });
}

/// What a rollout depends on: the names of templates, by what they are for, and the control plane's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Names {
    machines: BTreeMap<String, String>,
    configs: BTreeMap<String, String>,
}

fn names(rendered: &Rendered) -> Names {
    let mut names = Names { machines: BTreeMap::new(), configs: BTreeMap::new() };
    let text =
        |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    for (_, object) in &rendered.objects {
        match object["kind"].as_str().unwrap_or_default() {
            "TalosControlPlane" => {
                let owner = "control-plane".to_owned();
                let name = text(object, "/spec/infrastructureTemplate/name").expect("a template");
                names.machines.insert(owner.clone(), name);
                // There is no template for it: any difference in here replaces the control plane.
                names.configs.insert(owner, object["spec"]["controlPlaneConfig"].to_string());
            }
            "MachineDeployment" => {
                let owner = text(object, "/metadata/labels/infraflux.io~1pool").expect("a pool");
                let machine = text(object, "/spec/template/spec/infrastructureRef/name").expect("a template");
                let config =
                    text(object, "/spec/template/spec/bootstrap/configRef/name").expect("a template");
                names.machines.insert(owner.clone(), machine);
                names.configs.insert(owner, config);
            }
            _ => {}
        }
    }
    names
}

/// Every name that is referred to is that of an object with this content.
fn references_lead_to_templates(rendered: &Rendered) {
    let there: BTreeSet<&str> =
        rendered.objects.iter().filter_map(|(_, object)| object["metadata"]["name"].as_str()).collect();
    let names = names(rendered);
    for name in names.machines.values() {
        assert!(there.contains(name.as_str()), "no template {name}");
    }
    for (owner, name) in &names.configs {
        assert!(owner == "control-plane" || there.contains(name.as_str()), "no template {name}");
    }
}

/// Whose names an edit changes.
#[derive(Clone, Copy)]
enum Change {
    /// Nobody's.
    Nothing,
    /// Those of the machines' shape (machine templates): `all`, or one owner's.
    Machines(&'static str),
    /// Those of the Talos configuration.
    Configs(&'static str),
}

/// The edits: a path, a value, what changes, and for which providers.
fn edits() -> Vec<(&'static str, Value, Change, &'static [Provider])> {
    use Change::{Configs, Machines, Nothing};
    use Provider::{Aws, Azure, Gcp, Proxmox};
    const ALL: &[Provider] = &Provider::ALL;
    const CLOUDS: &[Provider] = &[Aws, Azure, Gcp];
    vec![
        ("metadata.labels", json!({"team": "web"}), Nothing, ALL),
        ("spec.workers.0.replicas", json!(9), Nothing, ALL),
        ("spec.workers.0.rollout", json!({"maxSurge": 2}), Nothing, ALL),
        ("spec.workers.0.deletion", json!({"order": "Oldest"}), Nothing, ALL),
        ("spec.workers.0.healthCheck", json!({"enabled": false}), Nothing, ALL),
        ("spec.controlPlane.replicas", json!(5), Nothing, ALL),
        ("spec.gitops", json!({"interval": "30m"}), Nothing, ALL),
        ("spec.recipes", json!(["base", "observability"]), Nothing, ALL),
        ("spec.addons.gateway", json!({"hostname": "*.lab.example.org"}), Nothing, ALL),
        ("spec.addons.cilium", json!({"values": {"debug": {"enabled": true}}}), Nothing, ALL),
        ("spec.variables", json!({"MY_VAR": "x"}), Nothing, ALL),
        ("spec.kubernetesVersion", json!("1.35"), Nothing, ALL),
        ("spec.workers.0.failureDomains", json!(["eu-central-1a", "eu-central-1b"]), Nothing, &[Aws]),
        ("spec.workers.0.failureDomains", json!(["1", "2"]), Nothing, &[Azure]),
        ("spec.workers.0.failureDomains", json!(["europe-west3-a", "europe-west3-b"]), Nothing, &[Gcp]),
        ("spec.workers.0.labels", json!({"tier": "front"}), Configs("web"), ALL),
        ("spec.workers.0.annotations", json!({"example.org/owner": "web"}), Configs("web"), ALL),
        ("spec.workers.0.taints", json!([{"key": "a", "effect": "NoSchedule"}]), Configs("web"), ALL),
        ("spec.workers.1.patches", json!([{"machine": {"sysctls": {"a.b": "1"}}}]), Configs("batch"), ALL),
        ("spec.controlPlane.labels", json!({"tier": "cp"}), Configs("control-plane"), ALL),
        ("spec.talos.patches", json!({"all": [{"machine": {"sysctls": {"a.b": "1"}}}]}), Configs("all"), ALL),
        (
            "spec.talos.patches",
            json!({"controlPlane": [{"machine": {"sysctls": {"a.b": "1"}}}]}),
            Configs("control-plane"),
            ALL,
        ),
        ("spec.talos.timeServers", json!(["10.0.0.123"]), Configs("all"), ALL),
        ("spec.talos.certSANs", json!(["api.example.org"]), Configs("control-plane"), ALL),
        ("spec.workers.0.diskGiB", json!(200), Machines("web"), ALL),
        ("spec.controlPlane.diskGiB", json!(200), Machines("control-plane"), ALL),
        ("spec.workers.1.cpu", json!(8), Machines("batch"), ALL),
        ("spec.workers.1.memoryGiB", json!(32), Machines("batch"), ALL),
        ("spec.workers.0.instanceType", json!("m7i.4xlarge"), Machines("web"), &[Aws]),
        ("spec.workers.0.instanceType", json!("Standard_D16s_v5"), Machines("web"), &[Azure]),
        ("spec.workers.0.instanceType", json!("n2-standard-16"), Machines("web"), &[Gcp]),
        ("spec.aws.ami", json!("ami-0ffffffffffffffff"), Machines("all"), &[Aws]),
        ("spec.azure.image.version", json!("1.13.11"), Machines("all"), &[Azure]),
        ("spec.gcp.image", json!("projects/clusters-4711/global/images/talos-next"), Machines("all"), &[Gcp]),
        ("spec.proxmox.templateTags", json!(["talos-next"]), Machines("all"), &[Proxmox]),
        ("spec.workers.0.spot", json!(true), Machines("web"), CLOUDS),
        // A patch release comes with the image: the configuration names the minor only.
        ("spec.talos.version", json!("v1.13.9"), Nothing, ALL),
        ("spec.profile", json!("current"), Configs("all"), ALL),
        // Cluster API copies these to nodes without a rollout.
        ("spec.workers.0.labels", json!({"node-role.kubernetes.io/web": ""}), Nothing, ALL),
    ]
}

fn differing(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> BTreeSet<String> {
    assert!(before.keys().eq(after.keys()), "the same machines");
    before.iter().filter(|(owner, name)| after[*owner] != **name).map(|(owner, _)| owner.clone()).collect()
}

#[test]
fn an_edit_changes_the_names_of_what_uses_it_and_no_others() {
    let engine = rendering::engine();
    let mut problems = Vec::new();
    for provider in Provider::ALL {
        let plan = plans::base(provider);
        let first = rendered(&engine, &plans::as_json(&plan)).unwrap();
        references_lead_to_templates(&first);
        let before = names(&first);
        let owners: BTreeSet<String> = before.machines.keys().cloned().collect();
        assert_eq!(owners.len(), 3);
        for (path, value, change, on) in edits() {
            if !on.contains(&provider) {
                continue;
            }
            let edited = plans::set(&plan, path, value);
            let after = match rendered(&engine, &plans::as_json(&edited)) {
                Ok(after) => after,
                Err(error) => {
                    problems.push(format!("{provider}: {path}: {error}"));
                    continue;
                }
            };
            references_lead_to_templates(&after);
            let after = names(&after);
            let expected = |owner: &str| -> BTreeSet<String> {
                if owner == "all" { owners.clone() } else { BTreeSet::from([owner.to_owned()]) }
            };
            let none = BTreeSet::new();
            let (machines, configs) = match change {
                Change::Nothing => (none.clone(), none),
                Change::Machines(owner) => (expected(owner), none),
                Change::Configs(owner) => (none, expected(owner)),
            };
            let found =
                (differing(&before.machines, &after.machines), differing(&before.configs, &after.configs));
            if found != (machines.clone(), configs.clone()) {
                problems.push(format!(
                    "{provider}: {path}: machine templates of {:?} and configurations of {:?} change, not {machines:?} and {configs:?}",
                    found.0, found.1
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A comment or another layout in a template is no reason to replace machines either.
#[test]
fn a_reformatted_template_changes_no_name() {
    let catalog = rendering::catalog();
    let files: Vec<(String, String)> = catalog
        .files()
        .filter(|(path, _)| {
            path.starts_with("clusters/")
                && (path.contains("/talos/")
                    || path.ends_with("/machine.yaml")
                    || path.contains("/fragments/"))
        })
        .map(|(path, source)| (path.to_owned(), source.text().to_owned()))
        .collect();
    assert!(files.len() >= 8, "{}", files.len());
    let commented = files.iter().map(|(path, text)| {
        // A comment above each document and a blank line at the end, and one more blank before each value.
        let text = text.replace(": ${", ":   ${");
        let text = format!("# a remark\n\n{}", text.replace("\n---\n", "\n\n---\n# a remark\n\n"));
        (path.clone(), infraflux::yaml::Source::new(path.clone(), text))
    });
    let other = rendering::engine_over(catalog.clone().overlay(commented));
    let engine = rendering::engine();
    for provider in Provider::ALL {
        let text = plans::as_json(&plans::base(provider));
        let (before, after) = (rendered(&engine, &text).unwrap(), rendered(&other, &text).unwrap());
        assert_eq!(names(&before), names(&after));
        assert_eq!(before.patches(), after.patches());
    }
}
