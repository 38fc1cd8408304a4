//! Every plan of `tests/fixtures/providers/<provider>/`, with both profiles: it renders without a remark that its head does
//! not announce, every object fits its CRD to the last field, every reference leads somewhere, and the whole of it lies in
//! `tests/snapshots/providers/` for a person to read.
//!
//! A plan's head says which warnings belong to it: `# warns: IF0123 IF0124`, or `# warns current: IF0125` for one profile.
//! `# refused: IF0123` says that the plan is an error of exactly that code: what a provider cannot do.
//! After a change of templates: `INSTA_UPDATE=always cargo test --test providers aws`, then read `git diff`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    process::Command,
};

use common::{
    clients,
    crds::{Crds, Verdict},
    infraflux::objects,
    rendering::{self, Case, Rendered},
};
use infraflux::{
    admission::{Objects, rules},
    engine::Engine,
    finding::Severity,
    plan::Provider,
};
use serde_json::Value;

const PROFILES: [&str; 2] = ["stable", "current"];

/// The cases that each provider has at least.
const CASES: [&str; 6] = ["autoscaling", "gpu", "ha", "single-node", "taints", "three-pools"];

/// Kinds that the API server knows without a CRD.
const BUILT_IN: [&str; 1] = ["v1 Namespace"];

/// What a profile warns of whatever the plan says: `current` puts versions together that nobody declares yet.
fn of_the_profile(profile: &str) -> &'static [&'static str] {
    if profile == "current" { &["IF0402"] } else { &[] }
}

/// The warnings that a plan's head announces for a profile.
fn announced(case: &Case, profile: &str) -> BTreeSet<String> {
    codes_in_head(case, &["# warns: ".to_owned(), format!("# warns {profile}: ")])
}

/// The errors that a plan's head announces; none for a plan that renders.
fn refused(case: &Case) -> BTreeSet<String> {
    codes_in_head(case, &["# refused: ".to_owned()])
}

fn codes_in_head(case: &Case, heads: &[String]) -> BTreeSet<String> {
    case.text
        .lines()
        .take_while(|line| line.starts_with('#') || line.is_empty())
        .filter_map(|line| heads.iter().find_map(|head| line.strip_prefix(head.as_str())))
        .flat_map(str::split_whitespace)
        .map(str::to_owned)
        .collect()
}

/// What is wrong with a rendered case.
fn problems(case: &Case, profile: &str, rendered: &Rendered, crds: Option<&Crds>) -> Vec<String> {
    let mut out = rendered.told(Severity::Error);
    let refused = refused(case);
    if !refused.is_empty() {
        let errors = rendered.findings.iter().filter(|finding| finding.severity == Severity::Error);
        let found: BTreeSet<String> = errors.map(|finding| finding.code.id.to_owned()).collect();
        if found == refused {
            return Vec::new();
        }
        return vec![format!("refused for {found:?}, not for {refused:?}: {}", out.join("; "))];
    }
    if rendered.cluster.is_none() {
        return out;
    }
    let externals = rendered.externals();
    let checked = rendered.checked();
    let mut warned: Vec<(&str, String)> = rendered
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|finding| (finding.code.id, finding.message.clone()))
        .collect();
    // Once as a first render, once as a second one over the first.
    for previous in [&Objects::default(), &checked] {
        for violation in rules::check(&checked, previous, &externals) {
            let text = format!("{} {}: {}", violation.object, violation.path, violation.message);
            match violation.severity {
                Severity::Error => out.push(format!("{} {text}", violation.code.id)),
                Severity::Warning => warned.push((violation.code.id, text)),
                Severity::Info => {}
            }
        }
    }
    let announced = announced(case, profile);
    for (code, text) in &warned {
        if !announced.contains(*code) && !of_the_profile(profile).contains(code) {
            out.push(format!("not announced: {code} {text}"));
        }
    }
    for code in &announced {
        if !warned.iter().any(|(warned, _)| warned == code) {
            out.push(format!("announced, and not there: {code}"));
        }
    }
    for (path, object) in &rendered.objects {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let kind = format!("{} {}", text("/apiVersion"), text("/kind"));
        let name = format!("{path}: {kind} {}", text("/metadata/name"));
        match crds.map(|crds| crds.check(object)) {
            None | Some(Verdict::Fine) => {}
            Some(Verdict::Wrong(errors)) => {
                out.extend(errors.into_iter().map(|error| format!("{name}: {error}")));
            }
            Some(Verdict::Unknown) if BUILT_IN.contains(&&*kind) => {}
            Some(Verdict::Unknown) => out.push(format!("{name}: there is no CRD for it")),
        }
    }
    out
}

/// The same without the digests of bundle folders, which change with every file there.
fn without_digests(text: &str) -> String {
    let digest = regex::Regex::new("sha256:[0-9a-f]{64}").unwrap();
    digest.replace_all(text, "sha256:(digest)").into_owned()
}

/// The objects below a folder of the output, as a person reads them.
fn shown(rendered: &Rendered, wanted: impl Fn(&str) -> bool) -> String {
    let mut out = String::new();
    let mut last = "";
    for (path, object) in rendered.objects.iter().filter(|(path, _)| wanted(path)) {
        if path != last {
            writeln!(out, "# ---------- {path}").unwrap();
            last = path;
        }
        writeln!(out, "---\n{}", serde_yaml::to_string(object).unwrap().trim_end()).unwrap();
    }
    out
}

/// What was said besides, as the head of a snapshot.
fn said(rendered: &Rendered) -> String {
    let mut lines: Vec<String> = [Severity::Warning, Severity::Info]
        .into_iter()
        .flat_map(|severity| {
            rendered.told(severity).into_iter().map(move |text| format!("# {severity}: {text}\n"))
        })
        .collect();
    lines.dedup();
    lines.concat()
}

/// Compares with the snapshots; the panics of insta are collected, so that one run writes all `.snap.new` files.
fn snapshots(provider: Provider, name: &str, rendered: &Rendered, out: &mut Vec<String>) {
    let parts = [
        (name.to_owned(), said(rendered) + &shown(rendered, |path| path.starts_with("cluster/"))),
        (format!("{name}-flux"), without_digests(&shown(rendered, |path| !path.starts_with("cluster/")))),
    ];
    for (name, text) in parts {
        let compared = catch_unwind(AssertUnwindSafe(|| {
            insta::with_settings!({
                snapshot_path => format!("snapshots/providers/{provider}"),
                prepend_module_to_snapshot => false,
                omit_expression => true,
            }, { insta::assert_snapshot!(name.clone(), text); });
        }));
        if compared.is_err() {
            out.push(format!("{provider}/{name} differs from its snapshot"));
        }
    }
}

/// Snapshots of cases that are gone.
fn left_over(provider: Provider, cases: &[Case]) -> Vec<String> {
    let folder = rendering::root().join(format!("tests/snapshots/providers/{provider}"));
    let wanted: BTreeSet<String> = cases
        .iter()
        .flat_map(|case| PROFILES.map(|profile| format!("{}-{profile}", case.name)))
        .flat_map(|name| [format!("{name}.snap"), format!("{name}-flux.snap")])
        .collect();
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|file| file.ends_with(".snap") && !wanted.contains(file))
        .map(|file| format!("tests/snapshots/providers/{provider}/{file} belongs to no case"))
        .collect()
}

fn check(provider: Provider) {
    let engine: Engine = rendering::engine();
    let cases = rendering::cases(provider);
    let mut out = left_over(provider, &cases);
    for profile in PROFILES {
        let crds = Crds::of_profile(profile, "the objects against their CRDs");
        for case in &cases {
            let rendered = rendering::render(&engine, &case.path, &case.text, Some(profile));
            let found = problems(case, profile, &rendered, crds.as_ref());
            out.extend(found.into_iter().map(|problem| format!("{} ({profile}): {problem}", case.path)));
            if rendered.cluster.is_some() {
                snapshots(provider, &format!("{}-{profile}", case.name), &rendered, &mut out);
            }
        }
    }
    out.dedup();
    assert!(out.is_empty(), "{}", out.join("\n"));
}

#[test]
fn aws() {
    check(Provider::Aws);
}

#[test]
fn azure() {
    check(Provider::Azure);
}

#[test]
fn gcp() {
    check(Provider::Gcp);
}

#[test]
fn proxmox() {
    check(Provider::Proxmox);
}

#[test]
fn all_providers_have_their_cases() {
    let mut missing = Vec::new();
    for provider in Provider::ALL {
        let names: Vec<String> = rendering::cases(provider).into_iter().map(|case| case.name).collect();
        missing.extend(
            CASES
                .iter()
                .filter(|case| !names.iter().any(|name| name == *case))
                .map(|case| format!("{provider}/{case}")),
        );
    }
    assert!(missing.is_empty(), "tests/fixtures/providers/ lacks {}", missing.join(", "));
}

/// What kustomize builds from the written folder is what the snapshots show.
#[test]
fn kubectl_builds_the_same_objects() {
    let Some(kubectl) = clients::client("kubectl", "kubectl builds the same objects") else { return };
    let engine = rendering::engine();
    let mut out = Vec::new();
    for provider in Provider::ALL {
        for case in rendering::cases(provider) {
            let rendered = rendering::render(&engine, &case.path, &case.text, None);
            let Some(cluster) = &rendered.cluster else { continue };
            let folder = tempfile::tempdir().unwrap();
            for (path, text) in cluster.contents() {
                let file = folder.path().join(path);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            let built = Command::new(&kubectl).arg("kustomize").arg(folder.path()).output().unwrap();
            let errors = String::from_utf8_lossy(&built.stderr);
            assert!(built.status.success(), "{}: {errors}", case.path);
            let built = objects(&String::from_utf8_lossy(&built.stdout));
            let expected: BTreeMap<String, Value> = objects(&shown(&rendered, |_| true));
            if built != expected {
                let names = |map: &BTreeMap<String, Value>| map.keys().cloned().collect::<BTreeSet<String>>();
                let differ: Vec<String> =
                    names(&built).symmetric_difference(&names(&expected)).cloned().collect();
                out.push(format!("{}: kustomize builds something else ({})", case.path, differ.join(", ")));
            }
        }
    }
    assert!(out.is_empty(), "{}", out.join("\n"));
}
