//! CustomResourceDefinitions as users give them.

use serde_json::{Map, Value, json};

use crate::finding::{Finding, codes};

/// One CustomResourceDefinition, reduced to what checks need.
#[derive(Debug, Clone, PartialEq)]
pub struct Crd {
    /// `<plural>.<group>`.
    pub name: String,
    /// The API group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// Its versions, in the order given.
    pub versions: Vec<CrdVersion>,
    /// The release that it says it is from, if it says so.
    pub release: Option<String>,
}

/// One version of a [`Crd`].
#[derive(Debug, Clone, PartialEq)]
pub struct CrdVersion {
    /// Its name, for instance `v1beta2`.
    pub name: String,
    /// Whether the API server takes objects of it.
    pub served: bool,
    /// Whether objects are stored as it.
    pub storage: bool,
    /// The warning that the API server gives, when it is deprecated.
    pub deprecated: Option<String>,
    /// Its schema, without the texts for people.
    pub schema: Option<Value>,
}

/// The CRDs among the documents of an input: a document may also be a list (`kind: List`) of them.
pub fn documents(value: &Value) -> Vec<&Value> {
    let mut out = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let is = |kind: &str| value.get("kind").and_then(Value::as_str) == Some(kind);
        if is("CustomResourceDefinition") {
            out.push(value);
        } else if (is("List") || is("CustomResourceDefinitionList"))
            && let Some(items) = value.get("items").and_then(Value::as_array)
        {
            open.extend(items.iter().rev());
        }
    }
    out
}

impl Crd {
    /// Reads a CustomResourceDefinition; an error says what is wrong with it.
    pub fn read(value: &Value) -> Result<Self, Box<Finding>> {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let name = text("/metadata/name").to_owned();
        let bad = |why: &str| {
            let called = if name.is_empty() {
                "a CustomResourceDefinition".to_owned()
            } else {
                format!("the CRD `{name}`")
            };
            Box::new(
                Finding::error(&codes::CRD_UNUSABLE, format!("{called} {why}"))
                    .hint("give it as the cluster has it: `kubectl get crds -o yaml`"),
            )
        };
        if text("/apiVersion") != "apiextensions.k8s.io/v1" {
            return Err(bad("is not of `apiextensions.k8s.io/v1`"));
        }
        let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
        if group.is_empty() || kind.is_empty() {
            return Err(bad("names no group or kind"));
        }
        let namespaced = match text("/spec/scope") {
            "Namespaced" => true,
            "Cluster" => false,
            _ => return Err(bad("has no scope")),
        };
        let list = value.pointer("/spec/versions").and_then(Value::as_array);
        let versions: Vec<CrdVersion> = list.into_iter().flatten().filter_map(version).collect();
        if versions.is_empty() {
            return Err(bad("has no versions"));
        }
        Ok(Self {
            name: if name.is_empty() {
                format!("{}.{group}", text("/spec/names/plural"))
            } else {
                name.clone()
            },
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespaced,
            versions,
            release: release(value),
        })
    }

    /// The form in which a project keeps it: what [`Crd::read`] reads, and nothing else.
    #[must_use]
    pub fn compact(&self) -> Value {
        let versions: Vec<Value> = self
            .versions
            .iter()
            .map(|version| {
                let mut out =
                    json!({"name": version.name, "served": version.served, "storage": version.storage});
                if let Some(warning) = &version.deprecated {
                    out["deprecated"] = json!(true);
                    out["deprecationWarning"] = json!(warning);
                }
                if let Some(schema) = &version.schema {
                    out["schema"] = json!({"openAPIV3Schema": schema});
                }
                out
            })
            .collect();
        let mut metadata = json!({"name": self.name});
        if let Some(release) = &self.release {
            metadata["labels"] = json!({RELEASE: release});
        }
        json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": metadata,
            "spec": {
                "group": self.group,
                "names": {"kind": self.kind, "plural": self.name.split('.').next()},
                "scope": if self.namespaced { "Namespaced" } else { "Cluster" },
                "versions": versions,
            },
        })
    }

    /// The versions that are served, for messages.
    #[must_use]
    pub fn served(&self) -> Vec<&str> {
        self.versions.iter().filter(|version| version.served).map(|version| &*version.name).collect()
    }
}

const RELEASE: &str = "app.kubernetes.io/version";

/// Projects mark their CRDs in different ways; most that do use these.
fn release(crd: &Value) -> Option<String> {
    let mark =
        |place: &str, key: &str| crd.get("metadata")?.get(place)?.get(key)?.as_str().map(str::to_owned);
    [
        ("labels", RELEASE),
        ("annotations", "gateway.networking.k8s.io/bundle-version"),
        ("labels", "io.cilium.k8s.crd.schema.version"),
        ("labels", "helm.sh/chart"),
    ]
    .into_iter()
    .find_map(|(place, key)| mark(place, key))
}

fn version(value: &Value) -> Option<CrdVersion> {
    let flag = |key: &str| value.get(key) == Some(&Value::Bool(true));
    let name = value.get("name")?.as_str()?.to_owned();
    let warning = value.get("deprecationWarning").and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(CrdVersion {
        served: flag("served"),
        storage: flag("storage"),
        deprecated: flag("deprecated").then_some(warning),
        schema: value.pointer("/schema/openAPIV3Schema").map(|schema| without_texts(schema, false, 0)),
        name,
    })
}

/// A schema without descriptions, which are most of it. `names` tells that the keys of this mapping are fields, one of
/// which may well be called `description`.
fn without_texts(schema: &Value, names: bool, depth: usize) -> Value {
    const DEPTH: usize = 250;
    match schema {
        Value::Object(map) if depth < DEPTH => {
            let keep = |key: &str| {
                names
                    || !matches!(
                        key,
                        "description" | "title" | "example" | "externalDocs" | "x-kubernetes-map-type"
                    )
            };
            let entries = map.iter().filter(|(key, _)| keep(key)).map(|(key, value)| {
                let value = match &**key {
                    // Values of the user's, not schemas.
                    "default" | "enum" | "x-kubernetes-validations" if !names => value.clone(),
                    "properties" if !names => without_texts(value, true, depth + 1),
                    _ => without_texts(value, false, depth + 1),
                };
                (key.clone(), value)
            });
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Value::Array(items) if depth < DEPTH => {
            Value::Array(items.iter().map(|item| without_texts(item, false, depth + 1)).collect())
        }
        other => other.clone(),
    }
}
