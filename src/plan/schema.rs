//! Schemas for fields that the derives cannot describe: free-form mappings, a string or an object.
//!
//! A structural schema of Kubernetes cannot say "a string or a mapping", so the CustomResourceDefinition lets such fields
//! pass and `infraflux` checks them. What stands under `x-editor` takes the place of Kubernetes' words in the JSON Schema
//! for editors, which can say it; the CustomResourceDefinition drops it.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::recipe::RecipePatch;

/// A mapping with any content (Helm values, raw fields).
pub(super) fn free_mapping(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Spot capacity: a switch, or a switch with a price.
pub(super) fn spot(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true, "x-editor": {"anyOf": [
        {"type": ["boolean", "null"]},
        {"type": "object", "properties": {"maxPrice": {
            "type": "string", "description": "The most to pay for an hour, in US dollars, as a string."
        }}, "required": ["maxPrice"], "additionalProperties": false},
    ]}})
}

/// A list of Talos patches: mappings, or strings that hold YAML.
pub(super) fn patches(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["array", "null"], "items": {
        "x-kubernetes-preserve-unknown-fields": true, "x-editor": {"type": ["object", "string"]}
    }})
}

/// A list of recipes: names, or mappings.
pub(super) fn recipes(generator: &mut SchemaGenerator) -> Schema {
    let patch = RecipePatch::json_schema(generator);
    json_schema!({"type": ["array", "null"], "items": {
        "x-kubernetes-preserve-unknown-fields": true,
        "x-editor": {"anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "object", "properties": {
                "name": {"type": "string", "minLength": 1, "description": "The folder under `recipes/`."},
                "variables": {
                    "type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]},
                    "description": "Values for the bundle's variables; its `bundle.yaml` lists them."
                },
                "patches": {
                    "type": "array", "items": patch,
                    "description": "Patches on objects of the bundle, as in a Flux Kustomization."
                },
                "suspend": {"type": ["boolean", "null"], "description": "Stop reconciling this bundle on this cluster."}
            }, "required": ["name"], "additionalProperties": false},
        ]}
    }})
}

/// An integer, or a string such as `40%`.
pub(super) fn integer_or_string(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-int-or-string": true})
}

/// A mapping whose values are scalars.
pub(super) fn scalars(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": ["object", "null"], "additionalProperties": {
        "x-kubernetes-preserve-unknown-fields": true,
        "x-editor": {"type": ["string", "number", "boolean", "null"]}
    }})
}
