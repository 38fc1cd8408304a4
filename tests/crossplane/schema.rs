//! CRDs as strict schemas: an unknown field is an error.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::OnceLock};

use serde_json::Value;

use crate::common::crds::close;

/// CRDs by group and kind.
pub(crate) struct Crds {
    list: BTreeMap<(String, String), Crd>,
}

struct Crd {
    text: Value,
    /// Compiled at first use, by version.
    versions: BTreeMap<String, OnceLock<jsonschema::Validator>>,
}

impl Crds {
    /// Those of `INFRAFLUX_CRDS`, or of `../shared/crds` beside the checkout. Without them the caller's test is skipped
    /// aloud, or fails with `INFRAFLUX_REQUIRE_CLIENTS=1`.
    pub(crate) fn load() -> Option<&'static Self> {
        static CRDS: OnceLock<Option<Crds>> = OnceLock::new();
        CRDS.get_or_init(|| {
            Self::read(|name| name.starts_with("crossplane") || ["cloudnative-pg", "flux"].contains(&name))
        })
        .as_ref()
    }

    /// Those of the folders that are wanted.
    pub(crate) fn read(wanted: impl Fn(&str) -> bool) -> Option<Self> {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/crds");
        let folder = std::env::var_os("INFRAFLUX_CRDS").map_or(beside, PathBuf::from);
        if !folder.is_dir() {
            let message = "no CRDs (INFRAFLUX_CRDS): the test against them DID NOT RUN";
            assert!(std::env::var("INFRAFLUX_REQUIRE_CLIENTS").as_deref() != Ok("1"), "{message}");
            eprintln!("\n*** {message} ***\n");
            return None;
        }
        let mut list = BTreeMap::new();
        for provider in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if !provider.is_dir() || !wanted(provider.file_name().unwrap().to_str().unwrap()) {
                continue;
            }
            for file in fs::read_dir(provider).unwrap().map(|entry| entry.unwrap().path()) {
                let crd: Value = serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
                let text = |pointer: &str| crd.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
                let versions = crd["spec"]["versions"].as_array().unwrap().iter();
                let versions = versions
                    .filter(|version| version["served"] == true)
                    .map(|version| (version["name"].as_str().unwrap().to_owned(), OnceLock::new()))
                    .collect();
                let key = (text("/spec/group"), text("/spec/names/kind"));
                list.insert(key, Crd { versions, text: crd });
            }
        }
        Some(Self { list })
    }

    fn find(&self, object: &Value) -> Option<&Crd> {
        let group = object["apiVersion"].as_str()?.rsplit_once('/').map_or("", |(group, _)| group);
        self.list.get(&(group.to_owned(), object["kind"].as_str()?.to_owned()))
    }

    /// The CRD of an object, if it is one of those that are known.
    pub(crate) fn of(&self, object: &Value) -> Option<&Value> {
        self.find(object).map(|crd| &crd.text)
    }

    /// What is wrong with an object: structure, unknown fields, and the parameters that upjet's CEL rules require.
    /// `None` when its kind is not known.
    pub(crate) fn check(&self, object: &Value) -> Option<Vec<String>> {
        let crd = self.find(object)?;
        let version = object["apiVersion"].as_str()?.rsplit('/').next()?;
        let Some(compiled) = crd.versions.get(version) else {
            return Some(vec![format!("version {version} is not served")]);
        };
        let schema = crd.text["spec"]["versions"]
            .as_array()?
            .iter()
            .find(|known| known["name"] == version)
            .map(|known| &known["schema"]["openAPIV3Schema"])?;
        let mut errors = errors(compiled.get_or_init(|| compile(schema)), object);
        errors.extend(required_parameters(schema, object));
        Some(errors)
    }
}

/// Checks an object against an OpenAPI schema of a CRD or XRD.
pub(crate) fn validate(schema: &Value, object: &Value) -> Vec<String> {
    errors(&compile(schema), object)
}

fn compile(schema: &Value) -> jsonschema::Validator {
    jsonschema::validator_for(&close(schema, true)).expect("a CRD's schema is a schema")
}

fn errors(schema: &jsonschema::Validator, object: &Value) -> Vec<String> {
    schema.iter_errors(object).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Upjet's rules all say: while the resource may be created or updated, `forProvider` or `initProvider` has the parameter.
/// Their message names it (crossplane/upjet, `pkg/types/builder.go`).
fn required_parameters(schema: &Value, object: &Value) -> Vec<String> {
    let policies = object.pointer("/spec/managementPolicies").and_then(Value::as_array);
    let writes = policies.is_none_or(|policies| {
        policies.iter().any(|policy| ["*", "Create", "Update"].iter().any(|write| policy == write))
    });
    let rules = schema.pointer("/properties/spec/x-kubernetes-validations").and_then(Value::as_array);
    rules
        .into_iter()
        .flatten()
        .filter_map(|rule| rule["message"].as_str())
        .filter_map(|message| {
            message.strip_prefix("spec.forProvider.")?.strip_suffix(" is a required parameter")
        })
        .filter(|_| writes)
        .filter(|parameter| {
            let pointer = parameter.replace('.', "/");
            ["forProvider", "initProvider"]
                .iter()
                .all(|block| object.pointer(&format!("/spec/{block}/{pointer}")).is_none_or(Value::is_null))
        })
        .map(|parameter| format!("spec.forProvider.{parameter} is a required parameter"))
        .collect()
}
