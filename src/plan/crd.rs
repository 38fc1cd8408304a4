//! CustomResourceDefinitions of the plans, for hubs that keep plans as objects.

use kube_core::CustomResourceExt as _;
use serde_json::{Value, json};

use super::{cluster_plan::ClusterPlan, fleet_plan::FleetPlan, json_schema::Kind};

/// The CustomResourceDefinition of a kind; an Admission is never stored, so it has none.
#[must_use]
pub fn crd(kind: Kind) -> Option<Value> {
    let crd = match kind {
        Kind::ClusterPlan => serde_json::to_value(ClusterPlan::crd()),
        Kind::FleetPlan => serde_json::to_value(FleetPlan::crd()),
        Kind::Admission => return None,
    };
    // Generated types always turn into JSON.
    let mut crd = crd.ok()?;
    if let Some(versions) = crd.pointer_mut("/spec/versions").and_then(Value::as_array_mut) {
        for version in versions {
            let schema = &mut version["schema"]["openAPIV3Schema"];
            structural(schema);
            if let Some(root) = schema.as_object_mut() {
                root.insert("required".to_owned(), json!(["spec"]));
                root.remove("title");
            }
            version["additionalPrinterColumns"] = columns(kind);
        }
    }
    Some(crd)
}

fn columns(kind: Kind) -> Value {
    match kind {
        Kind::ClusterPlan => json!([
            {"name": "Provider", "type": "string", "jsonPath": ".spec.provider"},
            {"name": "Region", "type": "string", "jsonPath": ".spec.region"},
            {"name": "Kubernetes", "type": "string", "jsonPath": ".spec.kubernetesVersion"},
            {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        ]),
        _ => json!([{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"}]),
    }
}

/// Adjusts what the derive writes: `null` is a value wherever a layer may delete (it is the layer above that deletes, so an
/// API server must keep it), formats that Kubernetes does not know go, and lines of comments become text.
fn structural(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    if let Some(Value::String(text)) = object.get_mut("description") {
        *text = text.replace('\n', " ");
    }
    if object.get("nullable") == Some(&Value::Bool(true))
        && let Some(Value::Array(values)) = object.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        // kube-openapi checks `enum` for null too: kubernetes/kube-openapi pkg/validation/validate/schema.go.
        values.push(Value::Null);
    }
    let free = object.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
    let either = object.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true));
    if either || free && object.get("type").is_some() {
        object.insert("nullable".to_owned(), Value::Bool(true));
    }
    for key in ["minimum", "maximum"] {
        // A whole number reads as one.
        if let Some(number) = object.get(key).and_then(Value::as_f64)
            && number.fract() == 0.0
            && number.abs() < 9e15
        {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole and far below the limit of an i64"
            )]
            object.insert(key.to_owned(), json!(number as i64));
        }
    }
    for key in ["properties"] {
        if let Some(Value::Object(properties)) = object.get_mut(key) {
            properties.values_mut().for_each(structural);
        }
    }
    if let Some(items) = object.get_mut("items") {
        structural(items);
    }
    if let Some(extra) = object.get_mut("additionalProperties") {
        structural(extra);
        if let Some(extra) = extra.as_object_mut().filter(|extra| extra.get("type").is_some()) {
            extra.insert("nullable".to_owned(), Value::Bool(true));
        }
    }
}
