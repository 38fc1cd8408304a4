//! Schemas for fields that the derives cannot describe: free-form mappings, a string or an object.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A mapping with any content (Helm values, raw fields).
pub(super) fn free_mapping(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// Any value.
pub(super) fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-preserve-unknown-fields": true})
}

/// A list of anything: Talos patches are mappings or strings.
pub(super) fn list_of_anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": true}})
}

/// An integer, or a string such as `40%`.
pub(super) fn integer_or_string(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"x-kubernetes-int-or-string": true})
}

/// A mapping whose values are scalars.
pub(super) fn scalars(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "additionalProperties": {"x-kubernetes-preserve-unknown-fields": true}})
}
