//! The PostgresDatabase API: the definition, and what each Composition makes out of its example.

use serde_json::json;

use super::*;

const FOLDER: &str = "crossplane/apis/postgres-database";
const BACKENDS: [&str; 4] = ["aws", "azure", "gcp", "cnpg"];
const NAME: &str = "/metadata/annotations/gotemplating.fn.crossplane.io~1composition-resource-name";

fn definition() -> Value {
    of_kind(FOLDER, "CompositeResourceDefinition").remove(0)
}

/// The schema that the API server gets: ours and the fields that Crossplane adds (crossplane/crossplane-runtime
/// `pkg/xcrd/schemas.go`; those that an author writes).
fn schema_of_instances() -> Value {
    let mut schema = definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone();
    schema["properties"]["spec"]["properties"]["crossplane"] = json!({"type": "object", "properties": {
        "compositionRef": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        "compositionSelector": {"type": "object", "required": ["matchLabels"], "properties": {
            "matchLabels": {"type": "object", "additionalProperties": {"type": "string"}},
        }},
        "compositionUpdatePolicy": {"type": "string", "enum": ["Automatic", "Manual"]},
    }});
    schema
}

fn composition(backend: &str) -> Value {
    let mut all = of_kind(FOLDER, "Composition");
    all.retain(|composition| composition["metadata"]["labels"]["provider"] == backend);
    assert_eq!(all.len(), 1, "{backend}");
    all.remove(0)
}

fn template(backend: &str) -> String {
    text(&composition(backend), "/spec/pipeline/0/input/inline/template").to_owned()
}

/// The example of a backend as the API server keeps it: defaults filled in, numbers as protobuf carries them.
fn instance(backend: &str) -> Value {
    let mut instance = of_kind("crossplane/examples", "PostgresDatabase")
        .into_iter()
        .find(|instance| {
            instance["spec"]["crossplane"]["compositionSelector"]["matchLabels"]["provider"] == backend
        })
        .unwrap_or_else(|| panic!("no example for {backend}"));
    let schema = &schema_of_instances()["properties"]["spec"]["properties"];
    for (field, schema) in schema.as_object().unwrap() {
        if let (Some(default), None) = (schema.get("default"), instance["spec"].get(field)) {
            instance["spec"][field] = default.clone();
        }
    }
    instance["metadata"]["uid"] = "0a1b2c3d-0000-4000-8000-000000000000".into();
    float(&mut instance);
    instance
}

fn float(value: &mut Value) {
    match value {
        Value::Number(number) => *value = json!(number.as_f64()),
        Value::Array(items) => items.iter_mut().for_each(float),
        Value::Object(map) => map.values_mut().for_each(float),
        _ => {}
    }
}

/// What Crossplane sees once the server is up.
fn observed(backend: &str) -> (Value, Value) {
    let password = go_template::base64("generated");
    let server = |status: Value| json!({"resource": {"status": {"atProvider": status}}, "connectionDetails": {"password": password}});
    match backend {
        "aws" => (json!({"server": server(json!({"address": "orders.rds.example"}))}), Value::Null),
        "azure" => (json!({"server": server(json!({"fqdn": "orders.azure.example"}))}), Value::Null),
        "gcp" => (
            json!({
                "server": server(json!({"privateIpAddress": "10.1.2.3"})),
                "admin": {"resource": {"data": {"password": password}}},
            }),
            Value::Null,
        ),
        _ => (json!({}), json!({"app": {"items": [{"resource": {"data": {"password": password}}}]}})),
    }
}

/// What a Composition makes of an instance, in the first round or later.
fn compose(
    backend: &str,
    instance: &Value,
    resources: &Value,
    required: &Value,
) -> Result<Vec<Value>, String> {
    let mut data = json!({"observed": {"composite": {"resource": instance}}, "requiredResources": required});
    if !resources.is_null() {
        data["observed"]["resources"] = resources.clone();
    }
    let made = go_template::render(&template(backend), &data)?;
    Ok(documents(&made))
}

fn first(backend: &str) -> Vec<Value> {
    compose(backend, &instance(backend), &Value::Null, &Value::Null).unwrap()
}

fn later(backend: &str) -> Vec<Value> {
    let (resources, required) = observed(backend);
    compose(backend, &instance(backend), &resources, &required).unwrap()
}

/// Everything that any Composition makes.
pub(crate) fn all_composed() -> Vec<Value> {
    BACKENDS.iter().flat_map(|backend| later(backend)).collect()
}

/// Whether it is a provider's resource.
pub(crate) fn is_managed(object: &Value) -> bool {
    object["spec"].get("forProvider").is_some()
}

fn named<'list>(list: &'list [Value], name: &str) -> Option<&'list Value> {
    list.iter().find(|object| object.pointer(NAME) == Some(&name.into()))
}

fn decoded(secret: &Value) -> BTreeMap<String, String> {
    let data = secret["data"].as_object().unwrap();
    data.iter()
        .map(|(key, value)| (key.clone(), go_template::unbase64(value.as_str().unwrap()).unwrap()))
        .collect()
}

#[test]
fn examples_pass_the_definition_and_mistakes_do_not() {
    let schema = schema_of_instances();
    for backend in BACKENDS {
        let example = instance(backend);
        assert_eq!(schema::validate(&schema, &example), Vec::<String>::new(), "{backend}");
    }
    let example = instance("aws");
    for (pointer, value) in [
        ("/spec/version", json!("14")),
        ("/spec/version", json!(17)),
        ("/spec/storageGB", json!(100)),
        ("/spec/size", json!("huge")),
        ("/spec/databaseName", json!("Orders")),
        ("/spec/serverName", json!("double--hyphen")),
        ("/spec/backupRetentionDays", json!(0)),
        ("/spec/sizee", json!("small")),
        ("/spec/aws/region", json!("Frankfurt")),
        ("/spec/aws/subnetIDs", json!(["subnet-1"])),
        ("/spec/aws/allowedCIDRs", json!([])),
        ("/spec/aws/subnets", json!([])),
        ("/spec/providerConfigRef", json!({"name": "default"})),
        ("/spec/azure", json!({"location": "northeurope"})),
        ("/status", json!({"host": "x"})),
    ] {
        let mut bad = example.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[key] = value;
        assert!(!schema::validate(&schema, &bad).is_empty(), "{pointer}");
    }
}

/// Everything that comes out passes its CRD, required parameters included; the snapshot is what a reviewer sees.
#[test]
fn composed_resources_pass_their_crds() {
    let crds = Crds::load();
    for backend in BACKENDS {
        let (resources, required) = observed(backend);
        let data = json!({
            "observed": {"composite": {"resource": instance(backend)}, "resources": resources},
            "requiredResources": required,
        });
        insta::assert_snapshot!(
            format!("composed-{backend}"),
            go_template::render(&template(backend), &data).unwrap()
        );
        for object in first(backend).iter().chain(&later(backend)) {
            let kind = text(object, "/kind");
            if kind == "PostgresDatabase" {
                let mut whole = instance(backend);
                whole["status"] = object["status"].clone();
                assert_eq!(
                    schema::validate(&schema_of_instances(), &whole),
                    Vec::<String>::new(),
                    "{backend}"
                );
                continue;
            }
            let Some(crds) = crds else { continue };
            match crds.check(object) {
                Some(errors) => assert!(errors.is_empty(), "{backend} {kind}: {errors:#?}"),
                None => assert!(["Secret", "ExtraResources"].contains(&kind), "{backend}: no CRD for {kind}"),
            }
        }
    }
}

/// Names by which Crossplane tells composed resources apart.
#[test]
fn composed_resources_have_names_of_their_own() {
    for backend in BACKENDS {
        let made = later(backend);
        let composed = made
            .iter()
            .filter(|object| !["PostgresDatabase", "ExtraResources"].contains(&text(object, "/kind")))
            .collect::<Vec<_>>();
        let names: BTreeSet<_> = composed.iter().map(|object| text(object, NAME)).collect();
        assert_eq!(names.len(), composed.len(), "{backend}: {names:?}");
        // A namespaced instance composes in its own namespace only; who names another one is ignored with a warning.
        assert!(composed.iter().all(|object| object["metadata"].get("namespace").is_none()), "{backend}");
    }
}

#[test]
fn pipelines_name_functions_that_are_installed() {
    let functions: BTreeSet<_> = of_kind("crossplane/providers", "Function")
        .iter()
        .map(|function| name(function).to_owned())
        .collect();
    let api = definition();
    let version = format!("{}/{}", text(&api, "/spec/group"), text(&api, "/spec/versions/0/name"));
    let mut used = BTreeSet::new();
    for composition in of_kind("crossplane/apis", "Composition") {
        assert_eq!(composition["spec"]["mode"], "Pipeline");
        assert_eq!(
            composition["spec"]["compositeTypeRef"],
            json!({"apiVersion": version, "kind": "PostgresDatabase"})
        );
        let pipeline = composition["spec"]["pipeline"].as_array().unwrap();
        let steps: BTreeSet<_> = pipeline.iter().map(|step| text(step, "/step")).collect();
        assert_eq!(steps.len(), pipeline.len(), "{}: two steps of one name", name(&composition));
        for step in pipeline {
            let function = text(step, "/functionRef/name");
            assert!(functions.contains(function), "{function}");
            used.insert(function.to_owned());
            // A new kind of input needs a test that walks it.
            if let Some(input) = step.get("input") {
                let known = ("gotemplating.fn.crossplane.io/v1beta1", "GoTemplate", "Inline");
                assert_eq!((text(input, "/apiVersion"), text(input, "/kind"), text(input, "/source")), known);
                // The function ignores what it does not know (crossplane-contrib/function-go-templating
                // `input/v1beta1/input.go`; its README shows `options` in a place where they have no effect).
                let keys: Vec<_> = input.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(keys, ["apiVersion", "inline", "kind", "options", "source"]);
                assert_eq!(input["inline"].as_object().unwrap().keys().collect::<Vec<_>>(), ["template"]);
                assert_eq!(input["options"], json!(["missingkey=error"]));
            }
        }
        let last = text(pipeline.last().unwrap(), "/functionRef/name");
        assert_eq!(last, "crossplane-contrib-function-auto-ready", "readiness is told last");
    }
    assert_eq!(used, functions, "a function that nothing uses is a pod for nothing");
}

/// Whoever selects nothing gets the named default, never a random one.
#[test]
fn backends_are_chosen_by_label() {
    let labels: BTreeSet<_> = of_kind("crossplane/apis", "Composition")
        .iter()
        .map(|composition| text(composition, "/metadata/labels/provider").to_owned())
        .collect();
    assert_eq!(labels, BACKENDS.map(str::to_owned).into());
    assert_eq!(text(&definition(), "/spec/defaultCompositionRef/name"), name(&composition("cnpg")));
    assert_eq!(definition()["metadata"]["name"], "postgresdatabases.platform.infraflux.io");
}

#[test]
fn the_wrong_composition_says_so() {
    for (backend, wrong, message) in [
        ("aws", "gcp", "the Composition aws needs spec.aws"),
        ("azure", "aws", "the Composition azure needs spec.azure"),
        ("gcp", "cnpg", "the Composition gcp needs spec.gcp"),
        (
            "cnpg",
            "aws",
            "spec.aws is given, but the Composition is cnpg: select the one with the label provider: aws",
        ),
    ] {
        let said = compose(backend, &instance(wrong), &Value::Null, &Value::Null).unwrap_err();
        assert_eq!(said, format!("error calling fail: {message}"));
    }
}

/// All four end in the same text, so that a change of the Secret is a change of all.
#[test]
fn compositions_share_their_ending() {
    let mark = "{{- /* From here on all four Compositions have the same text";
    let endings: BTreeSet<_> =
        BACKENDS.map(|backend| template(backend).split_once(mark).expect("the mark").1.to_owned()).into();
    assert_eq!(endings.len(), 1);
}

#[test]
fn the_secret_appears_when_all_of_it_is_known_and_then_stays() {
    for backend in BACKENDS {
        assert_eq!(named(&first(backend), "connection"), None, "{backend}");
        let made = later(backend);
        let secret = named(&made, "connection").unwrap();
        let instance = instance(backend);
        assert_eq!(text(secret, "/metadata/name"), format!("{}-postgres", name(&instance)));
        let values = decoded(secret);
        let keys: Vec<_> = values.keys().map(String::as_str).collect();
        assert_eq!(keys, ["database", "host", "password", "port", "uri", "username"], "{backend}");
        assert_eq!(
            values["uri"],
            format!(
                "postgresql://app:generated@{}:5432/{}?sslmode=require",
                values["host"],
                text(&instance, "/spec/databaseName")
            )
        );
        // Flux takes the keys of a Secret for names of variables.
        let is_variable = |key: &str| key.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
        assert!(keys.iter().all(|key| is_variable(key)));
        let status = &made.last().unwrap()["status"];
        assert_eq!(text(status, "/endpoint"), values["host"]);
        assert_eq!(text(status, "/secretName"), name(secret));

        // The cloud forgets to answer once.
        let kept = json!({"connection": {"resource": secret}});
        let again = compose(backend, &instance, &kept, &Value::Null).unwrap();
        let still = named(&again, "connection").unwrap_or_else(|| panic!("{backend} drops the Secret"));
        if backend != "gcp" {
            assert_eq!(decoded(still), values, "{backend}");
        }
    }
}

/// On Google Cloud the Composition itself makes the password up; a second round must not make another.
#[test]
fn a_password_is_made_once() {
    let made = first("gcp");
    let password = decoded(named(&made, "admin").unwrap())["password"].clone();
    assert_eq!(password.len(), 32);
    let made = later("gcp");
    assert_eq!(decoded(named(&made, "admin").unwrap())["password"], "generated");
    assert_eq!(decoded(named(&made, "connection").unwrap())["password"], "generated");
}

#[test]
fn protection_is_three_locks_and_all_come_off() {
    for backend in BACKENDS {
        for protected in [true, false] {
            let mut instance = instance(backend);
            instance["spec"]["deletionProtection"] = protected.into();
            let made = compose(backend, &instance, &Value::Null, &Value::Null).unwrap();
            assert_eq!(named(&made, "deletion-protection").is_some(), protected, "{backend}");
            for object in made.iter().filter(|object| is_managed(object)) {
                let policies = if protected {
                    json!(["Observe", "Create", "Update", "LateInitialize"])
                } else {
                    json!(["*"])
                };
                assert_eq!(object["spec"]["managementPolicies"], policies, "{backend} {}", object["kind"]);
                assert_eq!(object["spec"]["providerConfigRef"], instance["spec"]["providerConfigRef"]);
            }
            let server = named(&made, "server").unwrap();
            let locks = [
                "/spec/forProvider/deletionProtection",
                "/spec/forProvider/settings/deletionProtectionEnabled",
            ];
            let there: Vec<_> = locks.iter().filter_map(|lock| server.pointer(lock)).collect();
            assert!(there.iter().all(|lock| **lock == Value::Bool(protected)), "{backend}");
            assert_eq!(!there.is_empty(), ["aws", "gcp"].contains(&backend), "{backend}");
        }
    }
}

/// Names in the cloud: from namespace and name, never too long, never the same for two.
#[test]
fn servers_are_found_again_by_their_names() {
    let server = |backend: &str, instance: &Value| {
        let made = compose(backend, instance, &Value::Null, &Value::Null).unwrap();
        let server = named(&made, "server").unwrap();
        server
            .pointer("/metadata/annotations/crossplane.io~1external-name")
            .or_else(|| server.pointer("/spec/forProvider/identifier"))
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    };
    for backend in ["aws", "azure", "gcp"] {
        let mut instance = instance(backend);
        instance["spec"].as_object_mut().unwrap().remove("serverName");
        let namespace = text(&instance, "/metadata/namespace").to_owned();
        assert_eq!(server(backend, &instance), format!("{namespace}-orders"));
        let mut names = BTreeSet::new();
        for last in ["a", "b"] {
            instance["metadata"]["namespace"] = format!("{}-{last}", "n".repeat(61)).into();
            let name = server(backend, &instance);
            assert!(name.len() <= 63 && !name.contains("--"), "{name}");
            names.insert(name);
        }
        assert_eq!(names.len(), 2, "{names:?}");
        instance["spec"]["serverName"] = "given".into();
        assert_eq!(server(backend, &instance), "given");
    }
}

/// Every size, every step of the disk, both kinds of availability: still valid.
#[test]
fn every_choice_is_valid() {
    let Some(crds) = Crds::load() else { return };
    let schema =
        definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
            .clone();
    let choices = |field: &str| schema[field]["enum"].as_array().unwrap().clone();
    for backend in BACKENDS {
        let mut seen = BTreeSet::new();
        for size in choices("size") {
            for mut storage in choices("storageGB") {
                float(&mut storage);
                for available in [true, false] {
                    let mut instance = instance(backend);
                    instance["spec"]["size"] = size.clone();
                    instance["spec"]["storageGB"] = storage.clone();
                    instance["spec"]["highAvailability"] = available.into();
                    let made = compose(backend, &instance, &Value::Null, &Value::Null).unwrap();
                    for object in &made {
                        assert_eq!(
                            crds.check(object).unwrap_or_default(),
                            Vec::<String>::new(),
                            "{size} {storage}"
                        );
                    }
                    seen.insert(named(&made, "server").unwrap().to_string());
                }
            }
        }
        assert_eq!(seen.len(), 3 * 10 * 2, "{backend}: each choice makes a difference");
    }
}

/// Kinds that are neither Crossplane's nor a provider's need rights of their own.
#[test]
fn crossplane_may_compose_what_it_composes() {
    let mut allowed = BTreeSet::new();
    for role in of_kind("crossplane/apis", "ClusterRole") {
        assert_eq!(role["metadata"]["labels"]["rbac.crossplane.io/aggregate-to-crossplane"], "true");
        for rule in role["rules"].as_array().unwrap() {
            for verb in ["get", "list", "watch", "create", "update", "patch", "delete"] {
                assert!(rule["verbs"].as_array().unwrap().iter().any(|known| known == verb), "{verb}");
            }
            for group in rule["apiGroups"].as_array().unwrap() {
                allowed.extend(
                    rule["resources"].as_array().unwrap().iter().map(|resource| {
                        format!("{}.{}", resource.as_str().unwrap(), group.as_str().unwrap())
                    }),
                );
            }
        }
    }
    let Some(crds) = Crds::load() else { return };
    let needed: BTreeSet<_> = all_composed()
        .iter()
        .filter(|object| !is_managed(object))
        .filter_map(|object| crds.of(object))
        .map(|crd| name(crd).to_owned())
        .filter(|crd| !crd.ends_with(".crossplane.io"))
        .collect();
    assert_eq!(allowed, needed);
}
