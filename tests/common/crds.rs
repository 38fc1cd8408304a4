//! CRDs as strict schemas: an unknown field is an error.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde_json::{Map, Value, json};

/// CRDs by group and kind.
pub struct Crds {
    kinds: BTreeMap<(String, String), Crd>,
}

struct Crd {
    text: Value,
    /// Compiled at first use, by version.
    versions: BTreeMap<String, OnceLock<jsonschema::Validator>>,
}

/// What a schema says about an object.
pub enum Verdict {
    /// It is right.
    Fine,
    /// Its kind has no CRD here.
    Unknown,
    /// It is wrong.
    Wrong(Vec<String>),
}

/// The folder with one folder of CRDs for each project: `INFRAFLUX_CRDS`, or `../shared/crds` beside the checkout. A missing
/// one is said aloud, and with `INFRAFLUX_REQUIRE_CRDS=1`, as in CI, it is a failure.
pub fn folder(test: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/crds");
    let folder = std::env::var_os("INFRAFLUX_CRDS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("INFRAFLUX_REQUIRE_CRDS").is_some_and(|value| value == "1");
    assert!(!required, "{test} needs CRDs (INFRAFLUX_CRDS), and INFRAFLUX_REQUIRE_CRDS=1 forbids to skip it");
    // Past the capture of the test harness: a skipped test must not look like one that ran.
    let _ = std::io::Write::write_all(
        &mut std::io::stderr(),
        format!("\nSKIPPED: {test}: no CRDs (INFRAFLUX_CRDS)\n").as_bytes(),
    );
    None
}

impl Crds {
    /// The CRDs that a profile's versions have: `stable` means CABPT 0.6, anything else the newer one. `None` when there
    /// are no CRDs here.
    pub fn of_profile(profile: &str, test: &str) -> Option<Self> {
        let other_bootstrap = if profile == "stable" { "cabpt" } else { "cabpt-v0.6" };
        let mut kinds = BTreeMap::new();
        for project in sorted(&folder(test)?) {
            let name = project.file_name().expect("a name").to_string_lossy().into_owned();
            if !project.is_dir() || name == other_bootstrap || name.starts_with("crossplane") {
                continue;
            }
            for file in
                sorted(&project).iter().filter(|file| file.extension().is_some_and(|end| end == "yaml"))
            {
                let crd: Value =
                    serde_yaml::from_str(&fs::read_to_string(file).expect("a CRD")).expect("YAML");
                let part = |pointer: &str| {
                    crd.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                let key = (part("/spec/group"), part("/spec/names/kind"));
                let served = crd["spec"]["versions"].as_array().into_iter().flatten();
                let versions = served
                    .filter(|version| version["served"] == true)
                    .map(|version| (version["name"].as_str().expect("a name").to_owned(), OnceLock::new()))
                    .collect();
                kinds.insert(key, Crd { text: crd, versions });
            }
        }
        assert!(!kinds.is_empty(), "{test}: the folder of CRDs is empty");
        Some(Self { kinds })
    }

    /// Checks structure, values and unknown fields; CEL rules are not looked at.
    pub fn check(&self, object: &Value) -> Verdict {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let kind = object["kind"].as_str().unwrap_or_default();
        let Some(crd) = self.kinds.get(&(group.to_owned(), kind.to_owned())) else { return Verdict::Unknown };
        let Some(compiled) = crd.versions.get(version) else {
            return Verdict::Wrong(vec![format!("version {version} is not served")]);
        };
        let validator = compiled.get_or_init(|| {
            let versions = crd.text["spec"]["versions"].as_array().expect("versions");
            let found = versions.iter().find(|known| known["name"] == version).expect("a served version");
            jsonschema::validator_for(&close(&found["schema"]["openAPIV3Schema"], true))
                .expect("a CRD's schema is a schema")
        });
        let errors: Vec<String> = validator
            .iter_errors(object)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        if errors.is_empty() { Verdict::Fine } else { Verdict::Wrong(errors) }
    }
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

/// The same schema in the words of JSON Schema, with every object closed that the API server would prune.
pub fn close(schema: &Value, root: bool) -> Value {
    let Some(map) = schema.as_object() else { return schema.clone() };
    let mut out = Map::new();
    for (key, value) in map {
        match &**key {
            "properties" => {
                let properties = value.as_object().into_iter().flatten();
                let properties = properties.map(|(name, schema)| (name.clone(), close(schema, false)));
                out.insert(key.clone(), Value::Object(properties.collect()));
            }
            "items" | "additionalProperties" | "not" => {
                out.insert(key.clone(), close(value, false));
            }
            "allOf" | "anyOf" | "oneOf" => {
                // Branches add conditions; what is allowed at all stands beside them.
                out.insert(key.clone(), value.clone());
            }
            "description" | "default" | "example" | "format" | "nullable" => {}
            key if key.starts_with("x-") => {}
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    if map.get("x-kubernetes-int-or-string") == Some(&json!(true)) {
        out.remove("anyOf");
        out.insert("type".to_owned(), json!(["integer", "string"]));
    }
    if map.get("nullable") == Some(&json!(true))
        && let Some(kind) = out.remove("type")
    {
        out.insert("type".to_owned(), json!([kind, "null"]));
    }
    let open = map.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    if map.contains_key("properties") && !map.contains_key("additionalProperties") && !open {
        out.insert("additionalProperties".to_owned(), json!(false));
    }
    if root && let Some(Value::Object(properties)) = out.get_mut("properties") {
        for (name, schema) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
            properties.insert(name.to_owned(), json!({"type": schema}));
        }
    }
    Value::Object(out)
}
