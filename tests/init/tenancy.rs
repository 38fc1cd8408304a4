//! What tenants may not do, evaluated as the API server would.

use infraflux::plan::Provider;
use kube_core::cel::cel::{Context, Program, Value as Cel, to_value};
use serde_json::{Value, json};

use crate::{Settings, documents, file, plain, render};

fn policy() -> Value {
    let settings = Settings { multitenant: Some(true), ..plain("stable", &[Provider::Proxmox]) };
    documents(file(&render(&settings), "tenancy/policy.yaml")).remove(0)
}

/// Whether an expression of the policy holds for an object; an error counts as the API server counts it, as a refusal.
fn holds(expression: &str, object: &Value) -> bool {
    let program = Program::compile(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let mut context = Context::default();
    context.add_variable_from_value("object", to_value(object).unwrap());
    matches!(program.execute(&context), Ok(Cel::Bool(true)))
}

/// Whether the policy lets an object of a tenant's namespace in.
fn admits(policy: &Value, object: &Value) -> bool {
    let list = |field: &str| policy["spec"][field].as_array().unwrap().clone();
    let expressions = |list: &[Value]| -> Vec<String> {
        list.iter().map(|entry| entry["expression"].as_str().unwrap().to_owned()).collect()
    };
    let applies = expressions(&list("matchConditions")).iter().all(|expression| holds(expression, object));
    !applies || expressions(&list("validations")).iter().all(|expression| holds(expression, object))
}

#[test]
fn tenants_stay_in_their_namespace() {
    let policy = policy();
    let object = |kind: &str, spec: Value| json!({"kind": kind, "metadata": {"name": "app", "namespace": "team-a"}, "spec": spec});
    let own = json!({"kind": "GitRepository", "name": "app"});
    let foreign = json!({"kind": "GitRepository", "name": "infraflux", "namespace": "flux-system"});
    let table = [
        (true, object("Kustomization", json!({"serviceAccountName": "team-a", "sourceRef": own}))),
        (
            true,
            object(
                "Kustomization",
                json!({"serviceAccountName": "team-a", "dependsOn": [{"name": "b"}, {"name": "c", "namespace": "team-a"}],
                       "sourceRef": {"kind": "GitRepository", "name": "app", "namespace": "team-a"}}),
            ),
        ),
        (false, object("Kustomization", json!({"sourceRef": own}))),
        (false, object("Kustomization", json!({"serviceAccountName": "", "sourceRef": own}))),
        (false, object("Kustomization", json!({"serviceAccountName": "team-a", "sourceRef": foreign}))),
        (
            false,
            object(
                "Kustomization",
                json!({"serviceAccountName": "team-a", "sourceRef": own, "dependsOn": [{"name": "clusters", "namespace": "flux-system"}]}),
            ),
        ),
        (
            true,
            object(
                "HelmRelease",
                json!({"serviceAccountName": "team-a", "chartRef": {"kind": "OCIRepository", "name": "x"}}),
            ),
        ),
        (
            false,
            object(
                "HelmRelease",
                json!({"serviceAccountName": "team-a", "chartRef": {"kind": "OCIRepository", "name": "x", "namespace": "flux-system"}}),
            ),
        ),
        (
            true,
            object(
                "HelmRelease",
                json!({"serviceAccountName": "team-a", "chart": {"spec": {"chart": "x", "sourceRef": own}}}),
            ),
        ),
        (
            false,
            object(
                "HelmRelease",
                json!({"serviceAccountName": "team-a", "chart": {"spec": {"chart": "x", "sourceRef": foreign}}}),
            ),
        ),
    ];
    for (good, object) in table {
        assert_eq!(admits(&policy, &object), good, "{object}");
    }
    // What is on its way out must be able to lose its finalizer.
    let mut leaving = object("Kustomization", json!({"sourceRef": foreign}));
    assert!(!admits(&policy, &leaving));
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert!(admits(&policy, &leaving));
}

#[test]
fn the_platforms_own_objects_are_not_a_tenants() {
    let policy = policy();
    let label = &policy["spec"]["matchConstraints"]["namespaceSelector"]["matchExpressions"][0];
    assert_eq!((&label["key"], &label["operator"]), (&json!("infraflux.io/tenant"), &json!("Exists")));
    // No namespace that InfraFlux renders carries the label.
    let hub = render(&crate::full("stable"));
    for (path, object) in crate::objects(&hub) {
        assert!(object["metadata"]["labels"]["infraflux.io/tenant"].is_null(), "{path}");
    }
}
