//! Recipe bundles that a cluster takes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A bundle by name, or with variables and patches.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recipe {
    /// The folder under `recipes/`.
    pub name: String,
    /// Values for the bundle's variables (Flux `postBuild.substitute`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Value>,
    /// Patches on objects of the bundle, as in a Flux Kustomization.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<RecipePatch>,
    /// Stop reconciling this bundle on this cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// A patch on objects of a bundle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecipePatch {
    /// A strategic merge patch or a JSON6902 patch, as YAML text.
    pub patch: String,
    /// Which objects; regular expressions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<PatchTarget>,
    /// Which stage of the bundle: `prereqs`, `releases` (default) or `configs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
}

/// The objects that a patch applies to.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PatchTarget {
    /// API group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// API version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Label selector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<String>,
    /// Annotation selector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotation_selector: Option<String>,
}

/// The stages of a bundle, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Namespaces and CRDs, on the workload cluster.
    Prereqs,
    /// HelmReleases, on the hub.
    Releases,
    /// Custom resources, on the workload cluster.
    Configs,
}

impl Stage {
    /// All, in order.
    pub const ALL: [Self; 3] = [Self::Prereqs, Self::Releases, Self::Configs];

    /// The name of its folder.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prereqs => "prereqs",
            Self::Releases => "releases",
            Self::Configs => "configs",
        }
    }
}

impl<'de> Deserialize<'de> for Recipe {
    fn deserialize<De: serde::Deserializer<'de>>(deserializer: De) -> Result<Self, De::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        struct Detailed {
            name: String,
            #[serde(default)]
            variables: BTreeMap<String, Value>,
            #[serde(default)]
            patches: Vec<RecipePatch>,
            suspend: Option<bool>,
        }
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Recipe;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("the name of a bundle, or {name: ..., variables: {...}}")
            }

            fn visit_str<E>(self, name: &str) -> Result<Recipe, E> {
                Ok(Recipe { name: name.to_owned(), ..Recipe::default() })
            }

            fn visit_map<Map: serde::de::MapAccess<'de>>(self, map: Map) -> Result<Recipe, Map::Error> {
                Detailed::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(|detailed| {
                    Recipe {
                        name: detailed.name,
                        variables: detailed.variables,
                        patches: detailed.patches,
                        suspend: detailed.suspend,
                    }
                })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
