//! Nothing that is written is secret, and everything that is needed is named.

use std::collections::BTreeSet;

use infraflux::{
    admission::secrets::{self, File},
    catalog::Catalog,
    finding::codes,
    yaml::{Source, Sources},
};
use serde_json::Value;

use crate::{documents, file, hubs, objects, render};

#[test]
fn the_policy_finds_nothing_in_a_hub() {
    for (name, settings) in hubs() {
        let mut sources = Sources::new();
        let files: Vec<File> = render(&settings)
            .files
            .into_iter()
            .map(|(path, text)| {
                let path = format!("out/management/{path}");
                File { source: sources.add(Source::new(path.clone(), text)), path }
            })
            .collect();
        let findings = secrets::check(&sources, &files, None);
        assert!(findings.is_empty(), "{name}: {findings:#?}");
    }
}

/// The rows of SECRETS.md: namespace and name.
fn listed(document: &str) -> BTreeSet<(String, String)> {
    document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            (cells[1].to_owned(), cells[2].to_owned())
        })
        .collect()
}

#[test]
fn every_secret_that_an_object_names_is_listed() {
    for (name, settings) in hubs() {
        let hub = render(&settings);
        let mut needed = BTreeSet::from([("flux-system".to_owned(), "sops-age".to_owned())]);
        for (_, object) in objects(&hub) {
            let own = object["metadata"]["namespace"].as_str().unwrap_or("capa-system");
            for pointer in ["/spec/configSecret", "/spec/clientSecret", "/spec/secretRef"] {
                match object.pointer(pointer) {
                    Some(Value::String(secret)) => {
                        needed.insert((own.to_owned(), secret.clone()));
                    }
                    Some(reference) if reference.is_object() => {
                        let namespace = reference["namespace"].as_str().unwrap_or(own);
                        needed.insert((namespace.to_owned(), reference["name"].as_str().unwrap().to_owned()));
                    }
                    _ => {}
                }
            }
        }
        if settings.crossplane == Some(true) {
            needed.extend(
                ["aws", "azure", "gcp"]
                    .map(|cloud| ("crossplane-system".to_owned(), format!("crossplane-{cloud}"))),
            );
        }
        assert_eq!(listed(file(&hub, "SECRETS.md")), needed, "{name}");
    }
}

#[test]
fn each_listed_secret_has_its_template() {
    let catalog = Catalog::embedded();
    let list = documents(catalog.get("management/secrets.yaml").unwrap().text()).remove(0);
    let rows = list["spec"]["secrets"].as_array().unwrap();
    assert!(rows.len() > 5);
    for row in rows {
        let path = row["template"].as_str().unwrap();
        let template = catalog.get(path).unwrap_or_else(|| panic!("there is no {path}"));
        let secret = documents(template.text()).remove(0);
        assert_eq!(secret["metadata"]["namespace"], row["namespace"], "{path}");
        let row_name = row["name"].as_str().unwrap();
        assert!(row_name.starts_with("${") || secret["metadata"]["name"] == row["name"], "{path}");
        for key in row["keys"].as_array().unwrap() {
            let key = key.as_str().unwrap();
            let known = secret["stringData"].as_object().unwrap();
            let found = match key.strip_prefix('*') {
                Some(end) => known.keys().any(|name| name.ends_with(end)),
                None => known.contains_key(key),
            };
            assert!(found, "{path}: {key}");
        }
    }
}

#[test]
fn the_rules_for_sops_are_those_of_the_repository() {
    let rules = |text: &str| -> Vec<Value> {
        let file: Value = serde_yaml::from_str(text).unwrap();
        file["creation_rules"].as_array().unwrap().clone()
    };
    let own = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.sops.yaml")).unwrap();
    let own: Vec<Value> = rules(&own)
        .into_iter()
        .filter(|rule| !rule["path_regex"].as_str().unwrap().contains("examples"))
        .collect();
    let catalog = Catalog::embedded();
    let shipped = catalog.get("management/sops-rules.yaml").unwrap().text();
    assert_eq!(rules(shipped), own);
    // With placeholders it is refused, so that nobody encrypts to nobody.
    let mut sources = Sources::new();
    let source = sources.add(Source::new(".sops.yaml", shipped));
    let findings = secrets::check(&sources, &[], Some(source));
    assert!(findings.iter().any(|finding| finding.code.id == "IF1014"), "{findings:#?}");
    assert!(codes::ALL.iter().any(|code| code.id == "IF1014"));
}
