//! What function catalogues want to know: `KRMFunctionDefinition` of `config.kubernetes.io/v1alpha1`.
//!
//! Source: kubernetes/enhancements keps/sig-cli/2906-kustomize-function-catalog/README.md; kubernetes-sigs/kustomize
//! kyaml/fn/framework/function_definition.go

use serde_json::{Value, json};

use super::{
    crd,
    json_schema::{self, Kind},
};

/// The definition of one kind as a function configuration.
#[must_use]
pub fn definition(kind: Kind) -> Value {
    let schema = match crd::crd(kind) {
        Some(crd) => {
            let mut schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
            if kind == Kind::FleetPlan {
                refer_to_cluster(&mut schema);
            }
            schema
        }
        None => {
            let mut spec = json_schema::admission_spec();
            for property in spec["properties"].as_object_mut().into_iter().flat_map(|all| all.values_mut()) {
                plain(property);
            }
            plain(&mut spec);
            json!({"type": "object", "description": kind.description(), "properties": {"spec": spec}})
        }
    };
    let usage = match kind {
        Kind::Admission => "kpt fn eval --exec infraflux --fn-config admission.yaml",
        _ => "kpt fn eval --exec infraflux --fn-config plan.yaml",
    };
    json!({
        "apiVersion": "config.kubernetes.io/v1alpha1",
        "kind": "KRMFunctionDefinition",
        "metadata": {"name": format!("{}.infraflux.io", kind.as_str().to_lowercase())},
        "spec": {
            "group": "infraflux.io",
            "names": {"kind": kind.as_str()},
            "description": kind.description(),
            "publisher": "infraflux.io",
            "versions": [{
                "name": "v1alpha1",
                "idempotent": true,
                "usage": usage,
                "license": "Apache-2.0",
                "schema": {"openAPIV3Schema": schema},
                "runtime": {"exec": {"platforms": [{"bin": "infraflux", "os": "linux", "arch": "amd64"}]}},
            }],
            "tags": ["cluster-api", "talos", "flux", "generator", "validator"],
        },
    })
}

/// A fleet's parts have the fields of a ClusterPlan, whose definition stands in the same file.
fn refer_to_cluster(schema: &mut Value) {
    let part = |description: &str| json!({"type": "object", "description": description, "x-kubernetes-preserve-unknown-fields": true});
    let fields = "Any fields of a ClusterPlan's `spec`.";
    let spec = &mut schema["properties"]["spec"]["properties"];
    spec["defaults"] = part(fields);
    spec["classes"]["additionalProperties"] = part(fields);
    let cluster = &mut spec["clusters"]["items"];
    if let Some(properties) = cluster["properties"].as_object_mut() {
        properties.retain(|key, _| ["name", "class", "classes"].contains(&key.as_str()));
    }
    cluster["x-kubernetes-preserve-unknown-fields"] = json!(true);
}

/// A schema for editors in the words of OpenAPI 3: one type, no `null` among the values, no closed mapping.
fn plain(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        object.remove("additionalProperties");
        if let Some(Value::Array(kinds)) = object.get("type") {
            let first = kinds.first().cloned().unwrap_or_default();
            object.insert("type".to_owned(), first);
        }
        if let Some(Value::Array(values)) = object.get_mut("enum") {
            values.retain(|value| !value.is_null());
            object.insert("type".to_owned(), json!("string"));
        }
    }
}
