//! Every quoting context times every awkward string, read back by YAML 1.2 readers and by what clusters use.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a skipped test has to be seen")]

mod common;

use std::{io::Write as _, process::Stdio, sync::Arc};

use common::{
    awkward, clients,
    scope::{TestLanguage, TestScope},
};
use infraflux::{
    template::Template,
    yaml::{Limits, Source, Sources, read, scalar::Schema},
};
use serde_json::{Value, json};

/// A template for each context; `data.v` (or the key) has to be the string itself, with `<` and `>` around it where the
/// template has text there.
const CONTEXTS: &[(&str, &str)] = &[
    ("plain", "data:\n  v: ${X}\n"),
    ("plain with a comment", "data:\n  v: ${X} # why\n"),
    ("part of plain", "data:\n  v: <${X}>\n"),
    ("single", "data:\n  v: '${X}'\n"),
    ("part of single", "data:\n  v: '<${X}>'\n"),
    ("double", "data:\n  v: \"${X}\"\n"),
    ("part of double", "data:\n  v: \"<${X}>\" # why\n"),
    ("literal", "data:\n  v: |-\n    <${X}>\n  w: x\n"),
    ("literal, alone", "data:\n  v: |-\n    ${X}\n  w: x\n"),
    ("flow", "data: {v: \"${X}\", w: x}\n"),
    ("flow, single", "data: {w: [x, '${X}'], v: '${X}'}\n"),
    ("item", "data:\n  items:\n    - ${X}\n    - x\n"),
    ("item, double", "data:\n  items:\n    - \"${X}\"\n    - x\n"),
    ("item, literal", "data:\n  items:\n    - |-\n      ${X}\n    - x\n"),
    ("key", "data:\n  ${X}: k\n"),
    ("key, double", "data:\n  \"${X}\": k\n  other: x\n"),
    ("key in flow", "data: {\"${X}\": k}\n"),
];

fn filled(template: &str, value: &str) -> infraflux::template::Filled {
    let source = Arc::new(Source::new("test.yaml", template));
    let template = Template::compile(&source, &TestLanguage).unwrap();
    let mut scope = TestScope::default();
    scope.values.insert("X".to_owned(), json!(value));
    template.documents()[0].fill(&scope).unwrap()
}

/// The string that a reader found where the template put it.
fn found(context: &str, value: &Value) -> Option<String> {
    let data = &value["data"];
    if context.starts_with("item") {
        data["items"][0].as_str().map(str::to_owned)
    } else if context.starts_with("key") {
        data.as_object()?.iter().find(|(_, value)| *value == "k").map(|(key, _)| key.clone())
    } else {
        let text = data["v"].as_str()?;
        if CONTEXTS.iter().any(|(name, template)| *name == context && template.contains("<$")) {
            text.strip_prefix('<')?.strip_suffix('>').map(str::to_owned)
        } else {
            Some(text.to_owned())
        }
    }
}

#[test]
fn rust_readers_see_every_string_as_it_is() {
    let strings = awkward::strings();
    assert!(strings.len() > 344, "only {} strings", strings.len());
    for (context, template) in CONTEXTS {
        for text in &strings {
            let filled = filled(template, text);
            assert_eq!(found(context, &filled.value).as_ref(), Some(text), "shape: {context}: {text:?}");
            for schema in [Schema::Core, Schema::Cluster] {
                let mut sources = Sources::new();
                let id = sources.add(Source::new("out.yaml", filled.text.clone()));
                let documents = read(&sources, id, schema, Limits::PLAN)
                    .unwrap_or_else(|error| panic!("{context}: {text:?}: {error:?}\n{}", filled.text));
                assert_eq!(documents.len(), 1, "{context}: {text:?}\n{}", filled.text);
                assert_eq!(
                    documents[0].root.to_value(),
                    filled.value,
                    "{schema:?} {context}: {text:?}\n{}",
                    filled.text
                );
            }
            let again: Value = serde_yaml::from_str(&filled.text)
                .unwrap_or_else(|error| panic!("{context}: {text:?}: {error}\n{}", filled.text));
            assert_eq!(again, filled.value, "serde_yaml {context}: {text:?}\n{}", filled.text);
        }
    }
}

/// One ConfigMap with every string in every context as data, as kubectl has to see it.
fn config_maps() -> (String, Vec<Value>) {
    let mut stream = String::new();
    let mut expected = Vec::new();
    for (number, (context, template)) in CONTEXTS.iter().enumerate() {
        // A ConfigMap's data is a map of strings; contexts with lists and keys go through an annotation-free custom kind.
        for (index, text) in awkward::strings().iter().enumerate() {
            let filled = filled(
                &format!(
                    "kind: Sample\napiVersion: example.org/v1\nmetadata:\n  name: c{number}-{index}\n{template}"
                ),
                text,
            );
            stream.push_str("---\n");
            stream.push_str(&filled.text);
            expected.push(json!({"name": format!("c{number}-{index}"), "context": context, "text": text}));
        }
    }
    (stream, expected)
}

#[test]
fn kubectl_reads_every_string_as_it_is() {
    // `kubectl label --local` needs no server and reads with sigs.k8s.io/yaml, like `apply` and the controllers.
    let Some(kubectl) = clients::client("kubectl", "reading awkward strings back through sigs.k8s.io/yaml")
    else {
        return;
    };
    let (stream, expected) = config_maps();
    let mut child = std::process::Command::new(kubectl)
        .args(["label", "--local", "--dry-run=client", "-o", "json", "-f", "-", "seen=yes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(stream.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut seen = std::collections::BTreeMap::new();
    for object in serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>() {
        let object = object.unwrap();
        let list = object["items"].as_array().cloned().unwrap_or_else(|| vec![object]);
        for object in list {
            seen.insert(object["metadata"]["name"].as_str().unwrap().to_owned(), object);
        }
    }
    for entry in expected {
        let name = entry["name"].as_str().unwrap();
        let context = entry["context"].as_str().unwrap();
        let object = seen.get(name).unwrap_or_else(|| panic!("{entry}: not seen"));
        // encoding/json turns unpaired or invalid characters into U+FFFD; our table has none.
        assert_eq!(found(context, object).as_deref(), entry["text"].as_str(), "{entry}");
    }
}

#[test]
fn pyyaml_reads_every_string_as_it_is() {
    let have = std::process::Command::new("python3")
        .args(["-c", "import yaml"])
        .status()
        .is_ok_and(|status| status.success());
    if !have {
        assert!(
            std::env::var_os("INFRAFLUX_REQUIRE_CLIENTS").is_none_or(|value| value != "1"),
            "PyYAML is required here (INFRAFLUX_REQUIRE_CLIENTS=1)"
        );
        eprintln!("SKIPPED: reading awkward strings back through PyYAML: python3 with yaml is not there");
        return;
    }
    let (stream, expected) = config_maps();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stream.yaml");
    std::fs::write(&path, stream).unwrap();
    let script = "import sys, yaml, json\nprint(json.dumps(list(yaml.safe_load_all(open(sys.argv[1], encoding='utf-8', newline='')))))";
    let output = std::process::Command::new("python3").args(["-c", script]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(objects.len(), expected.len());
    for (entry, object) in expected.iter().zip(&objects) {
        assert_eq!(
            found(entry["context"].as_str().unwrap(), object).as_deref(),
            entry["text"].as_str(),
            "{entry}"
        );
    }
}
