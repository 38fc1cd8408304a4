//! JSON Schemas of what users write, for editors: strict, with every description.
//!
//! They are made from the types that read a plan, so they cannot lag behind. Editors understand draft 7 best
//! (redhat-developer/yaml-language-server `README.md`).

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::{cluster_plan::ClusterPlanSpec, read::API_VERSION};

/// The kinds of this program's API group that users write.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// One cluster.
    #[default]
    ClusterPlan,
    /// Many clusters.
    FleetPlan,
    /// A function configuration that checks items.
    Admission,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::ClusterPlan, Self::FleetPlan, Self::Admission];

    /// The word behind `kind:`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClusterPlan => "ClusterPlan",
            Self::FleetPlan => "FleetPlan",
            Self::Admission => "Admission",
        }
    }

    /// What it is, in a sentence.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::ClusterPlan => {
                "A cluster as its owner writes it; InfraFlux renders everything that it needs."
            }
            Self::FleetPlan => "A fleet of clusters; InfraFlux renders each of them.",
            Self::Admission => {
                "Checks the items of a kustomize build or a kpt package as the API servers and webhooks of a hub would."
            }
        }
    }
}

/// The `spec` of a ClusterPlan: types, limits, forms and descriptions, without references.
#[must_use]
pub fn cluster_spec() -> &'static Value {
    static SPEC: LazyLock<Value> = LazyLock::new(|| {
        let settings = schemars::generate::SchemaSettings::draft07().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let mut schema = settings.into_generator().into_root_schema_for::<ClusterPlanSpec>().to_value();
        each(&mut schema, &normalise);
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("title");
        }
        schema
    });
    &SPEC
}

/// The `spec` of a FleetPlan. Every part of a cluster's spec may be partial, and `null` in a higher layer deletes.
#[must_use]
pub fn fleet_spec() -> Value {
    let part = cluster_spec();
    let with = |description: &str, schema: &Value| {
        let mut schema = schema.clone();
        schema["description"] = json!(description);
        schema
    };
    let name = json!({
        "type": "string", "minLength": 1, "maxLength": 32, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
        "description": "The cluster's name: a DNS label of at most 32 characters."
    });
    let class =
        json!({"type": ["string", "null"], "description": "One class; the same as `classes` with one name."});
    let classes = json!({
        "type": ["array", "null"], "items": {"type": "string"},
        "description": "Names of classes in order, later wins."
    });
    let mut cluster = with("A cluster: a name, classes, and any fields of a ClusterPlan's `spec`.", part);
    if let Some(properties) = cluster["properties"].as_object_mut() {
        let fields = std::mem::take(properties);
        properties.extend([
            ("name".to_owned(), name),
            ("class".to_owned(), class),
            ("classes".to_owned(), classes),
        ]);
        properties.extend(fields);
    }
    cluster["required"] = json!(["name"]);
    json!({
        "type": "object",
        "description": "Clusters that share defaults and classes. Layers, later wins: defaults, classes in order, the cluster.",
        "properties": {
            "defaults": with("What all clusters share: any fields of a ClusterPlan's `spec`.", part),
            "classes": {
                "type": ["object", "null"],
                "description": "Named sets of fields that clusters choose.",
                "additionalProperties": with("Any fields of a ClusterPlan's `spec`.", part),
            },
            "clusters": {"type": "array", "description": "The clusters.", "items": cluster},
        },
        "required": ["clusters"],
        "additionalProperties": false,
    })
}

/// The `spec` of an Admission.
#[must_use]
pub fn admission_spec() -> Value {
    json!({
        "type": ["object", "null"],
        "description": "What the check does with the items.",
        "properties": {
            "emit": {
                "description": "Whether the items are returned: `items` (default), or `none`, which kustomize's `validators` need.",
                "enum": ["items", "none", null],
            },
            "strict": {
                "type": "boolean",
                "description": "Whether warnings are errors, among them everything that was not checked.",
            },
            "references": {
                "description": "What a reference to something that is not among the items is: an error (`check`), a warning (`warn`, the default) or nothing (`ignore`).",
                "enum": ["check", "warn", "ignore"],
            },
        },
        "additionalProperties": false,
    })
}

/// The schema of a whole document.
#[must_use]
pub fn document(kind: Kind) -> Value {
    let (spec, required): (Value, &[&str]) = match kind {
        Kind::ClusterPlan => (cluster_spec().clone(), &["apiVersion", "kind", "metadata"]),
        Kind::FleetPlan => (fleet_spec(), &["apiVersion", "kind", "spec"]),
        Kind::Admission => (admission_spec(), &["apiVersion", "kind"]),
    };
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": kind.as_str(),
        "description": kind.description(),
        "type": "object",
        "properties": {
            "apiVersion": {"const": API_VERSION, "description": "The version of this API."},
            "kind": {"const": kind.as_str(), "description": "The kind of this document."},
            "metadata": metadata(kind),
            "spec": spec,
        },
        "required": required,
        "additionalProperties": false,
    });
    each(&mut schema, &for_editors);
    if kind == Kind::FleetPlan {
        share_cluster(&mut schema);
    }
    schema
}

/// A fleet holds the fields of a cluster three times; a document says them once.
fn share_cluster(schema: &mut Value) {
    let part = json!({"$ref": "#/definitions/cluster"});
    let Some(spec) = schema["properties"]["spec"]["properties"].as_object_mut() else { return };
    let cluster = std::mem::replace(&mut spec["defaults"], part.clone());
    spec["classes"]["additionalProperties"] = part;
    let fields: Vec<String> =
        properties(&cluster).into_iter().flatten().map(|(key, _)| key.clone()).collect();
    if let Some(own) = spec["clusters"]["items"]["properties"].as_object_mut() {
        for field in fields {
            let path = format!("#/definitions/cluster/properties/{field}");
            own.insert(field, json!({"$ref": path}));
        }
    }
    schema["definitions"] = json!({"cluster": cluster});
}

/// The metadata that a document on disk may have. Labels and annotations are allowed, kpt adds some.
fn metadata(kind: Kind) -> Value {
    let mut name = json!({"type": "string", "minLength": 1, "description": "The name."});
    if kind == Kind::ClusterPlan {
        name = json!({
            "type": "string", "minLength": 1, "maxLength": 32, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            "description": "The cluster's name: a DNS label of at most 32 characters, on GCP beginning with a letter."
        });
    }
    let texts = |description: &str| json!({"type": ["object", "null"], "additionalProperties": {"type": "string"}, "description": description});
    json!({
        "type": "object",
        "description": "The name of the document, and labels and annotations for tools.",
        "properties": {
            "name": name,
            "namespace": {"type": "string", "description": "Not used: the hub namespace is `spec.namespace`."},
            "labels": texts("Labels of the document itself."),
            "annotations": texts("Annotations of the document itself, for instance `config.kubernetes.io/local-config: \"true\"`."),
        },
        "required": if kind == Kind::ClusterPlan { json!(["name"]) } else { json!([]) },
        "additionalProperties": false,
    })
}

/// What the derives write in several ways, in one: an optional enumeration is `enum` with `null`.
fn normalise(object: &mut Map<String, Value>) {
    let mut optional = false;
    if let Some(Value::Array(choices)) = object.get("anyOf")
        && let [Value::Object(inner), null] = &**choices
        && *null == json!({"type": "null"})
    {
        let mut merged = inner.clone();
        merged.extend(std::mem::take(object).into_iter().filter(|(key, _)| key != "anyOf"));
        *object = merged;
        optional = true;
    }
    if let Some(Value::Array(choices)) = object.remove("oneOf") {
        let (mut values, mut words): (Vec<Value>, Vec<Value>) =
            choices.iter().map(|choice| (choice["const"].clone(), choice["description"].clone())).unzip();
        if optional {
            values.push(Value::Null);
            words.push(json!("The default."));
        }
        object.insert("enum".to_owned(), Value::Array(values));
        object.insert("enumDescriptions".to_owned(), Value::Array(words));
    }
    if let Some(Value::String(text)) = object.get_mut("description") {
        // Lines of a comment are not lines of a text.
        *text = text.replace('\n', " ");
    }
}

/// Kubernetes' own words in those of JSON Schema, and `null` wherever a layer may delete.
fn for_editors(object: &mut Map<String, Value>) {
    object.remove("format");
    if let Some(Value::Object(editor)) = object.remove("x-editor") {
        object.retain(|key, _| !key.starts_with("x-kubernetes-"));
        object.extend(editor);
    }
    if object.remove("x-kubernetes-int-or-string").is_some() {
        object.insert("type".to_owned(), json!(["integer", "string", "null"]));
    }
    if object.remove("x-kubernetes-preserve-unknown-fields").is_some()
        && object.get("type") == Some(&json!("object"))
    {
        object.insert("type".to_owned(), json!(["object", "null"]));
    }
    if let Some(Value::Object(extra)) = object.get_mut("additionalProperties")
        && extra.get("type") == Some(&json!("string"))
    {
        extra.insert("type".to_owned(), json!(["string", "null"]));
    }
}

/// Changes a schema and every schema in it. A property may be called like a keyword (`format`), so this goes by what
/// holds schemas, not by keys alone.
fn each(schema: &mut Value, change: &dyn Fn(&mut Map<String, Value>)) {
    let Value::Object(object) = schema else { return };
    change(object);
    for (key, value) in object.iter_mut() {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                properties.values_mut().for_each(|property| each(property, change));
            }
            ("items" | "additionalProperties" | "x-editor", value) => each(value, change),
            ("anyOf" | "oneOf", Value::Array(choices)) => {
                for choice in choices {
                    each(choice, change);
                }
            }
            _ => {}
        }
    }
}

/// The properties of a schema of an object.
pub(super) fn properties(schema: &Value) -> Option<&Map<String, Value>> {
    schema.get("properties").and_then(Value::as_object)
}
