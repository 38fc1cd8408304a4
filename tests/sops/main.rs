//! Secrets: the policy over planted faults and over this repository, and the real `sops` and `age` where they are there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and says what it skipped"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

mod properties;
mod real;

use infraflux::{
    admission::secrets::{self, File, Rules},
    finding::{Finding, Findings, Severity, codes, text},
    yaml::{Source, Sources},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder, with `/` between folders, sorted.
fn files_below(folder: &Path) -> Vec<String> {
    fn visit(base: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(base, &path, found);
            } else {
                found.push(path.strip_prefix(base).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    let mut found = Vec::new();
    visit(folder, folder, &mut found);
    found.sort();
    found
}

/// Runs the policy over texts.
fn check(texts: &[(String, String)]) -> Findings {
    let mut sources = Sources::new();
    let mut files = Vec::new();
    let mut config = None;
    for (path, text) in texts {
        let source = sources.add(Source::new(path.clone(), text.clone()));
        if path == ".sops.yaml" {
            config = Some(source);
        }
        files.push(File { path: path.clone(), source });
    }
    secrets::check(&sources, &files, config)
}

/// Words of the fixtures that stand for keys. They are put together here, so that no scanner takes a fixture for a leak.
fn fill(text: &str) -> String {
    let letters = |count: usize| "Ab1".chars().cycle().take(count).collect::<String>();
    [
        ("@AGE_IDENTITY@", format!("AGE-SECRET-{}{}", "KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L")),
        ("@PEM_BEGIN@", format!("-----BEGIN EC {}-----", "PRIVATE KEY")),
        ("@PEM_END@", format!("-----END EC {}-----", "PRIVATE KEY")),
        ("@BASE64@", letters(64)),
        ("@TALOS_KEY@", format!("LS0tLS1CRUdJTi{}", "BFRDI1NTE5IFBSSVZBVEUgS0VZLS0tLS0KTUM0Q0FRQXdCUVlES")),
        ("@TALOS_CRT@", format!("LS0tLS1CRUdJTi{}", "BDRVJUSUZJQ0FURS0tLS0tCk1JSUJQakNCOGFBREFnRUNBaEF")),
        ("@AWS_ID@", format!("AKI{}{}", "A", "ABCDEFGHIJKLMNOP")),
        ("@AWS_SECRET@", letters(40)),
        ("@GITHUB@", format!("gh{}{}", "p_", letters(36))),
    ]
    .iter()
    .fold(text.to_owned(), |text, (word, key)| text.replace(word, key))
}

fn fixture(case: &str) -> Vec<(String, String)> {
    let folder = root().join("tests/fixtures/secrets").join(case);
    files_below(&folder)
        .into_iter()
        .map(|path| (path.clone(), fill(&fs::read_to_string(folder.join(&path)).unwrap())))
        .collect()
}

fn cases() -> Vec<String> {
    let mut cases: Vec<_> = fs::read_dir(root().join("tests/fixtures/secrets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    cases.sort();
    cases
}

/// One snapshot for each folder of fixtures: what a person would see.
#[test]
fn planted_faults_are_found() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        let findings = check(&fixture(&case));
        seen.extend(findings.iter().map(|finding| finding.code.id));
        let shown = text::render(&findings, text::Style::default());
        insta::assert_snapshot!(format!("secrets-{case}"), shown);
        // A finding must not spread what it found.
        for secret in
            ["hunter2", "aHVudGVyMg", "5432", &fill("@AGE_IDENTITY@"), &fill("@BASE64@"), &fill("@GITHUB@")]
        {
            assert!(!shown.contains(secret), "{case} shows {secret}");
        }
    }
    let all: BTreeSet<_> =
        codes::ALL.iter().map(|code| code.id).filter(|id| id.starts_with("IF10")).collect();
    let unplanted: Vec<_> = all.difference(&seen).collect();
    assert!(unplanted.is_empty(), "no fixture plants {unplanted:?}");
}

/// Not a fixture: it would not be YAML for anybody else either.
#[test]
fn rules_that_are_no_yaml_are_reported_once() {
    let config = (".sops.yaml".to_owned(), "creation_rules:\n  - path_regex: ^a/\n   age: x\n".to_owned());
    let findings = check(&[config]);
    let codes: Vec<_> = findings.iter().map(|finding| finding.code.id).collect();
    assert_eq!(codes, ["IF0004"]);
}

#[test]
fn a_clean_repository_has_no_findings() {
    assert_eq!(check(&fixture("good")), Findings::new());
}

/// The folders that users read and copy, and the rules.
fn catalogue() -> Vec<(String, String)> {
    let mut texts = vec![(".sops.yaml".to_owned(), fs::read_to_string(root().join(".sops.yaml")).unwrap())];
    for folder in ["clusters", "crossplane", "docs", "examples", "fn-config", "management", "recipes", "sops"]
    {
        if root().join(folder).is_dir() {
            for path in files_below(&root().join(folder)) {
                let path = format!("{folder}/{path}");
                // What is no text holds no YAML either.
                if let Ok(text) = fs::read_to_string(root().join(&path)) {
                    texts.push((path, text));
                }
            }
        }
    }
    texts
}

/// No secret in plain text, everything encrypted that should be; only the placeholders of a fresh copy are reported.
#[test]
fn this_repository_keeps_its_own_rules() {
    let findings = check(&catalogue());
    let placeholder =
        |finding: &Finding| finding.code == &codes::SOPS_PLACEHOLDER && finding.severity == Severity::Warning;
    // A template need not be YAML before it is filled. What comes out of it is checked as it comes out.
    let template = |finding: &Finding| {
        let file = finding.location.as_ref().map_or("", |location| location.file());
        finding.code.id.starts_with("IF00") && file.starts_with("clusters/")
    };
    let wrong: Findings =
        findings.iter().filter(|finding| !placeholder(finding) && !template(finding)).cloned().collect();
    assert!(wrong.is_empty(), "{}", text::render(&wrong, text::Style::default()));
    assert!(
        findings.iter().any(placeholder),
        "the recipients of `.sops.yaml` are somebody's: nobody else could decrypt"
    );
}

#[test]
fn each_folder_has_its_rule() {
    let mut sources = Sources::new();
    let config =
        sources.add(Source::new(".sops.yaml", fs::read_to_string(root().join(".sops.yaml")).unwrap()));
    let (rules, _) = Rules::read(&sources, config);
    let objects = "encrypted_regex: ^(data|stringData)$";
    let whole = "unencrypted_suffix: _unencrypted";
    for (path, selection, recipients) in [
        ("sops/management/crossplane-aws.sops.yaml", Some(objects), "platform hub"),
        ("sops/management/crossplane/aws.sops.yml", Some(objects), "platform hub"),
        ("sops/clusters/prod-eu/hub/proxmox.sops.yaml", Some(objects), "platform hub"),
        ("sops/clusters/prod-eu/workload/dns.sops.yaml", Some(objects), "platform hub"),
        ("sops/talos/prod-eu.sops.yaml", Some(whole), "platform recovery"),
        ("sops/examples/lab/hub/x.sops.yaml", Some(objects), "demo demo"),
        ("sops/examples/talos/x.sops.yaml", Some(whole), "demo demo"),
        ("sops/x.sops.yaml", None, ""),
        ("sops/templates/hub/aws.sops.yaml", None, ""),
        ("recipes/base/releases/x.sops.yaml", None, ""),
        ("vendor/sops/management/x.sops.yaml", None, ""),
        ("sops/management/x.yaml", None, ""),
    ] {
        let rule = rules.find(path);
        assert_eq!(rule.map(|rule| rule.selection.to_string()).as_deref(), selection, "{path}");
        let names: Vec<_> = rule
            .iter()
            .flat_map(|rule| &rule.recipients)
            .map(|recipient| match &*recipient.id {
                "age1-replace-with-the-platform-team" => "platform",
                "age1-replace-with-the-hub" => "hub",
                "age1-replace-with-the-recovery-key" => "recovery",
                _ => "demo",
            })
            .collect();
        let mut wanted: Vec<_> = recipients.split_whitespace().collect();
        let mut names = names;
        names.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(names, wanted, "{path}");
    }
}

/// A template as it should be: one Secret, called like the file, with empty values.
struct Template {
    namespace: String,
    keys: BTreeSet<String>,
}

fn template(path: &str) -> Option<Template> {
    let text = fs::read_to_string(root().join("sops/templates").join(path)).ok()?;
    let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let name = path.rsplit('/').next().unwrap().trim_end_matches(".yaml");
    assert_eq!((&value["apiVersion"], &value["kind"]), (&"v1".into(), &"Secret".into()), "{path}");
    assert_eq!(value["metadata"]["name"], name, "{path}");
    assert!(text.starts_with("# "), "{path} says what it is for");
    let data = value["stringData"].as_object().unwrap();
    assert!(data.values().all(|value| value == ""), "{path} has empty values");
    Some(Template {
        namespace: value["metadata"]["namespace"].as_str().unwrap().to_owned(),
        keys: data.keys().cloned().collect(),
    })
}

#[test]
fn templates_have_the_form_of_templates() {
    let paths = files_below(&root().join("sops/templates"));
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        assert!(template(&path).is_some(), "{path}");
    }
}

/// A person who is told that a Secret must exist finds its template under its name.
#[test]
fn bundles_find_a_template_for_each_secret() {
    let mut missing = Vec::new();
    for (path, text) in catalogue().iter().filter(|(path, _)| path.ends_with("/bundle.yaml")) {
        let bundle: serde_json::Value = serde_yaml::from_str(text).unwrap();
        for secret in bundle["spec"]["secrets"].as_array().into_iter().flatten() {
            let field = |key: &str| secret[key].as_str().unwrap_or_default().to_owned();
            let folder = if field("cluster") == "hub" { "hub" } else { "workload" };
            let wanted = format!("{folder}/{}.yaml", field("name"));
            let keys: BTreeSet<_> = secret["keys"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|key| key.as_str().unwrap().to_owned())
                .collect();
            match template(&wanted) {
                None => missing.push(format!("{path}: no sops/templates/{wanted}")),
                Some(found) if found.keys != keys || found.namespace != field("namespace") => {
                    missing
                        .push(format!("{path}: sops/templates/{wanted} has another namespace or other keys"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Every Secret that an account of Crossplane or a Flux Kustomization here names has a template with that key.
#[test]
fn references_to_secrets_of_the_hub_find_a_template() {
    fn visit(value: &serde_json::Value, found: &mut Vec<(String, Option<String>, Option<String>)>) {
        match value {
            serde_json::Value::Object(map) => {
                if let Some(reference) = map.get("secretRef") {
                    let text = |key: &str| reference[key].as_str().map(str::to_owned);
                    found.push((text("name").unwrap(), text("namespace"), text("key")));
                }
                map.values().for_each(|value| visit(value, found));
            }
            serde_json::Value::Array(list) => list.iter().for_each(|value| visit(value, found)),
            _ => {}
        }
    }
    let mut references = Vec::new();
    for (path, text) in catalogue() {
        if path.starts_with("crossplane/provider-configs/") || path.starts_with("sops/flux/") {
            visit(&serde_yaml::from_str(&text).unwrap(), &mut references);
        }
    }
    assert!(references.len() >= 4, "{references:?}");
    for (name, namespace, key) in references {
        let template =
            template(&format!("hub/{name}.yaml")).unwrap_or_else(|| panic!("no template for {name}"));
        assert!(namespace.is_none_or(|namespace| namespace == template.namespace), "{name}");
        assert!(key.is_none_or(|key| template.keys.contains(&key)), "{name}");
    }
}
