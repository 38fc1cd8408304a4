//! `infraflux validate` on Flux repositories, and Flux's checks in the Admission function.
//!
//! `tests/fixtures/gitops-repository/good` is a repository with two clusters. Each folder of `faults/` replaces some of its files;
//! what is found, and at which line, is the folder's snapshot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use common::infraflux::{feed, run, texts, tree};
use serde_json::Value;
use tempfile::TempDir;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/gitops-repository")
}

fn write(folder: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The good repository with some files replaced, and a Git remote.
fn repository(fault: Option<&str>) -> TempDir {
    let folder = TempDir::new().unwrap();
    for part in std::iter::once("good".to_owned()).chain(fault.map(|fault| format!("faults/{fault}"))) {
        for (path, bytes) in tree(&fixtures().join(part)) {
            write(folder.path(), &path, bytes);
        }
    }
    remote(folder.path(), "https://git.example.org/org/fleet.git");
    folder
}

fn remote(folder: &Path, url: &str) {
    write(folder, ".git/config", format!("[core]\n\tbare = false\n[remote \"origin\"]\n\turl = {url}\n"));
}

fn change(folder: &Path, file: &str, from: &str, to: &str) {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(folder.join(file), text.replace(from, to)).unwrap();
}

/// What is said on stderr, without what every run without CRDs says.
fn said(output: &Output) -> String {
    let text = texts(output).1;
    let parts = text.split("\n\n").filter(|part| !part.contains("IF1328"));
    parts.collect::<Vec<_>>().join("\n\n")
}

/// The line about Flux.
fn line(output: &Output) -> String {
    let text = texts(output).1;
    text.lines().find(|line| line.starts_with("Flux: ")).unwrap_or_default().to_owned()
}

#[test]
fn a_good_repository_is_clean_and_everything_in_it_is_built() {
    let folder = repository(None);
    let output = run(folder.path(), &["validate", "."]);
    assert_eq!(output.status.code(), Some(0));
    // The one warning is that no CRDs were given: the Namespace `_`, the Deployment without replicas and the objects without a
    // namespace are judged as what they become.
    assert_eq!(texts(&output).1.matches("warning[").count(), 1, "{}", texts(&output).1);
    assert_eq!(
        line(&output),
        "Flux: 6 Kustomizations, 4 HelmReleases, 6 folders built (`.` taken for GitRepository/flux-system/flux-system)"
    );
}

#[test]
fn each_fault_is_found_at_its_line() {
    let mut faults: Vec<String> = fs::read_dir(fixtures().join("faults"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    faults.sort();
    assert!(faults.len() > 20, "the cases are gone");
    for fault in faults {
        let folder = repository(Some(&fault));
        let output = run(folder.path(), &["validate", "."]);
        let text = said(&output);
        assert!(text.contains("[IF"), "{fault}: nothing was found: {text}");
        // Both clusters read the base; a line of it is told once.
        for part in text.split("\n\n").filter(|part| part.contains("[IF")) {
            assert_eq!(text.matches(part).count(), 1, "{fault}: told twice: {part}");
            assert!(part.contains("-->"), "{fault}: no place: {part}");
        }
        insta::with_settings!({snapshot_path => "snapshots/flux-repository", prepend_module_to_snapshot => false}, {
            insta::assert_snapshot!(fault, text);
        });
    }
}

#[test]
fn json_and_sarif_say_what_was_checked_and_where() {
    let folder = repository(Some("unset-variable"));
    let call = |format: &str| {
        let output = run(folder.path(), &["validate", "clusters/prod", "--format", format]);
        assert_eq!(output.status.code(), Some(1));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let json = call("json");
    insta::assert_json_snapshot!(json["checked"]["flux"]);
    let found: Vec<_> =
        json["findings"].as_array().unwrap().iter().filter(|one| one["code"] == "IF0916").collect();
    let [finding] = found.as_slice() else { panic!("{found:?}") };
    // The file was not named on the command line: Flux reads it.
    assert_eq!(finding["location"]["file"], "apps/base/worker.yaml");
    assert_eq!(
        (finding["location"]["line"].as_u64(), finding["location"]["column"].as_u64()),
        (Some(20), Some(22))
    );
    let sarif = call("sarif");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let place = &results.iter().find(|result| result["ruleId"] == "IF0916").unwrap()["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "apps/base/worker.yaml");
    assert_eq!(place["region"]["startLine"], 20);
}

#[test]
fn a_source_is_taken_for_the_work_tree_when_nothing_speaks_against_it() {
    let all = "6 folders built";
    let none = "0 folders built, 6 not checked: source elsewhere (GitRepository/flux-system/flux-system)";
    for (url, expected) in [
        ("git@git.example.org:org/fleet.git", all),
        // A fork has the same name, and a clone of a clone says nothing.
        ("https://git.example.org/me/fleet", all),
        ("/srv/git/fleet", all),
        ("https://git.example.org/org/website", none),
    ] {
        let folder = repository(None);
        remote(folder.path(), url);
        let output = run(folder.path(), &["validate", "."]);
        assert!(line(&output).contains(expected), "{url}: {}", line(&output));
    }
    // Of another working directory, and of a linked work tree.
    let folder = repository(None);
    fs::rename(folder.path().join(".git"), folder.path().join("clusters/git")).unwrap();
    write(folder.path(), ".git", "gitdir: clusters/git\n");
    let output = run(&folder.path().join("apps"), &["validate", "../clusters"]);
    assert!(line(&output).contains("6 folders built (`..` taken for"), "{}", line(&output));
    // Without a work tree there is nothing to read.
    fs::remove_file(folder.path().join(".git")).unwrap();
    let output = run(folder.path(), &["validate", "clusters"]);
    assert!(line(&output).contains(none), "{}", line(&output));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn local_sources_are_named_as_in_flux() {
    let folder = repository(None);
    fs::remove_dir_all(folder.path().join(".git")).unwrap();
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    for part in ["clusters", "apps", "infrastructure"] {
        fs::rename(folder.path().join(part), folder.path().join("elsewhere").join(part)).unwrap();
    }
    let call = |sources: &str| {
        run(folder.path(), &["validate", "elsewhere/clusters/prod", "--local-sources", sources])
    };
    let named = call("GitRepository/flux-system/flux-system=elsewhere");
    assert_eq!(line(&named), "Flux: 3 Kustomizations, 2 HelmReleases, 3 folders built");
    // What is named is not there: an error, because nobody guessed.
    change(folder.path(), "elsewhere/clusters/prod/apps.yaml", "./apps/prod", "./application");
    let named = call("GitRepository/flux-system/flux-system=elsewhere");
    assert_eq!(named.status.code(), Some(1));
    assert!(
        said(&named).contains("error[IF0903]: `elsewhere` has no folder `application`"),
        "{}",
        said(&named)
    );
    // A second one with a comma, misspelt.
    let named =
        call("GitRepository/flux-system/flux-system=elsewhere,OCIRepository/flux-system/flux-system=.");
    let warning =
        "warning[IF0904]: no Kustomization reads the source `OCIRepository/flux-system/flux-system`";
    assert!(said(&named).contains(warning), "{}", said(&named));
    for (sources, code, word) in [
        ("flux-system=elsewhere", 2, "KIND/NAMESPACE/NAME=DIR"),
        ("GitRepository/flux-system/flux-system=missing", 3, "IF0001"),
        ("GitRepository/flux-system/flux-system=", 0, "source elsewhere"),
    ] {
        let output = call(sources);
        assert_eq!(output.status.code(), Some(code), "{sources}: {:?}", texts(&output));
        assert!(texts(&output).1.contains(word), "{sources}: {:?}", texts(&output));
    }
}

/// A source that is only taken for the work tree, because few of its folders are there: a warning that says how to correct it.
#[test]
fn a_guess_is_not_an_error() {
    let folder = repository(Some("missing-folder"));
    remote(folder.path(), "/srv/git/fleet");
    let output = run(folder.path(), &["validate", "."]);
    assert!(said(&output).contains("error[IF0903]"), "four of five folders are there: {}", said(&output));
    for (file, from) in [
        ("clusters/prod/infrastructure.yaml", "path: ./infrastructure"),
        ("clusters/staging/infrastructure.yaml", "path: ./infrastructure"),
        ("clusters/staging/apps.yaml", "path: ./apps/staging"),
    ] {
        change(folder.path(), file, from, "path: ./gone");
    }
    let output = run(folder.path(), &["validate", "."]);
    let text = said(&output);
    assert!(text.contains("warning[IF0903]") && !text.contains("error[IF0903]"), "two of four: {text}");
    assert!(text.contains("--local-sources GitRepository/flux-system/flux-system=DIR"), "{text}");
}

#[test]
fn variables_from_elsewhere_are_counted_and_not_missed() {
    let folder = repository(None);
    fs::remove_file(folder.path().join("clusters/prod/settings.yaml")).unwrap();
    fs::remove_file(folder.path().join("clusters/staging/settings.yaml")).unwrap();
    let output = run(folder.path(), &["validate", "."]);
    assert!(!texts(&output).1.contains("IF0916"), "{}", texts(&output).1);
    assert!(line(&output).ends_with("variables of 2 folders not known here"), "{}", line(&output));
    // What is encrypted is known by its name, so another name is still missed.
    for cluster in ["prod", "staging"] {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: settings, namespace: flux-system}\nstringData: {domain: 'ENC[AES256_GCM,data:x]'}\nsops: {mac: 'ENC[x]'}\n";
        write(folder.path(), &format!("clusters/{cluster}/settings.yaml"), secret);
        change(folder.path(), &format!("clusters/{cluster}/apps.yaml"), "kind: ConfigMap", "kind: Secret");
    }
    let output = run(folder.path(), &["validate", "."]);
    assert_eq!(output.status.code(), Some(0), "{}", texts(&output).1);
    assert!(line(&output).ends_with("variables of 2 folders not known here"), "{}", line(&output));
    change(folder.path(), "apps/base/worker.yaml", "${domain}", "${domian}");
    let output = run(folder.path(), &["validate", "."]);
    assert!(said(&output).contains("the variable `domian` has no value"), "{}", said(&output));
}

#[test]
fn what_artifact_generators_copy_is_followed() {
    let folder = repository(None);
    let generator = "\
apiVersion: source.extensions.fluxcd.io/v1beta1
kind: ArtifactGenerator
metadata: {name: parts, namespace: flux-system}
spec:
  sources: [{alias: repository, kind: GitRepository, name: flux-system}]
  artifacts:
    - name: apps
      copy:
        - {from: \"@repository/apps/base/**\", to: \"@artifact/base/\"}
        - {from: \"@repository/apps/prod/**\", to: \"@artifact/production/\"}
        - {from: \"@repository/apps/prod/replicas.yaml\", to: \"@artifact/production/copy.yaml\"}
";
    write(folder.path(), "clusters/prod/artifacts.yaml", generator);
    let source = "kind: GitRepository\n    name: flux-system";
    change(folder.path(), "clusters/prod/apps.yaml", source, "kind: ExternalArtifact\n    name: apps");
    change(folder.path(), "clusters/prod/apps.yaml", "./apps/prod", "./production");
    let output = run(folder.path(), &["validate", "."]);
    assert_eq!(texts(&output).1.matches("warning[").count(), 1, "{}", texts(&output).1);
    assert!(line(&output).contains("6 folders built"), "{}", line(&output));
    // Findings are at the file that was copied.
    change(folder.path(), "apps/prod/replicas.yaml", "replicas: $", "replica: $");
    let output = run(folder.path(), &["validate", "."]);
    assert!(said(&output).contains("--> apps/prod/replicas.yaml:7:3"), "{}", said(&output));
    change(folder.path(), "clusters/prod/artifacts.yaml", "apps/prod/**", "apps/*/replicas.yaml");
    let output = run(folder.path(), &["validate", "."]);
    let not = "1 not checked: an ArtifactGenerator that is not followed (ExternalArtifact/flux-system/apps)";
    assert!(line(&output).contains(not), "{}", line(&output));
}

/// An operator makes the first Kustomization, so nothing in the repository reads `apps`: its kustomization is built all the
/// same, and its Kustomizations get their namespace from it.
#[test]
fn kustomizations_that_nobody_reads_are_built_beside() {
    let folder = TempDir::new().unwrap();
    remote(folder.path(), "https://git.example.org/org/fleet.git");
    write(
        folder.path(),
        "apps/web/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: web\nresources: [namespace.yaml, ks.yaml]\n",
    );
    write(folder.path(), "apps/web/namespace.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: _}\n");
    write(
        folder.path(),
        "apps/web/ks.yaml",
        "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: web}
spec:
  interval: 1h
  path: ./apps/web/app
  prune: true
  sourceRef: {kind: GitRepository, name: flux-system, namespace: flux-system}
  dependsOn: [{name: certs}]
",
    );
    write(
        folder.path(),
        "apps/web/app/app.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: web}\n",
    );
    let output = run(folder.path(), &["validate", "."]);
    let text = said(&output);
    assert!(!text.contains("IF0513"), "the Namespace is called `web`: {text}");
    assert!(text.contains("there is no Kustomization `certs` in `web`"), "{text}");
    assert!(line(&output).contains("1 Kustomization, 1 folder built"), "{}", line(&output));
}

#[test]
fn our_own_output_passes_with_its_folders_from_the_catalogue() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    for provider in ["aws", "azure", "gcp", "proxmox"] {
        let up = run(path, &["up", "--provider", provider, "--name", &format!("{provider}-lab")]);
        assert_eq!(up.status.code(), Some(0), "{:?}", texts(&up));
    }
    let output = run(path, &["validate", "out"]);
    let text = texts(&output).1;
    assert_eq!(output.status.code(), Some(0), "{text}");
    for code in ["IF08", "IF09", "IF10"] {
        assert!(!text.contains(&format!("[{code}")), "{text}");
    }
    let counts = line(&output);
    assert!(
        counts.starts_with("Flux: 34 Kustomizations, 41 HelmReleases, 25 folders built, 9 not checked"),
        "{counts}"
    );
    // What the render promises is promised still: the checks of `up` run on it.
    let base = "out/proxmox-lab/recipes/base.yaml";
    change(path, base, "  deletionPolicy: Orphan\n", "");
    change(path, base, "    - name: cni\n", "    - name: cnii\n");
    change(path, base, "cluster_name: proxmox-lab\n", "clustername: proxmox-lab\n");
    let output = run(path, &["validate", "out"]);
    let text = said(&output);
    for code in ["error[IF0918]", "warning[IF0909]", "error[IF0916]"] {
        assert!(text.contains(code), "{code}: {text}");
    }
    // A folder that the catalogue does not have.
    change(path, base, "./recipes/base/configs", "./recipes/base/config");
    let output = run(path, &["validate", base]);
    assert!(line(&output).contains("1 not checked: source elsewhere"), "{}", line(&output));
    // Another catalogue than the one that is in this program.
    change(path, "out/aws-lab/recipes/base.yaml", "catalog-digest: \"sha256:", "catalog-digest: \"sha256:0");
    let output = run(path, &["validate", "out/aws-lab"]);
    assert!(line(&output).contains("3 not checked: another version of the catalogue"), "{}", line(&output));
    assert!(!texts(&output).1.contains("IF09"), "{}", texts(&output).1);
}

/// A repository as the documentation makes one: the catalogue, the clusters, and what brings the hub up.
#[test]
fn a_repository_of_ours_reads_its_own_catalogue() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    remote(path, "https://git.example.org/org/fleet.git");
    assert_eq!(run(path, &["up", "--provider", "proxmox", "--name", "lab"]).status.code(), Some(0));
    assert_eq!(run(path, &["eject", "--out", "."]).status.code(), Some(0));
    let url = "ssh://git@git.example.org/org/fleet.git";
    let init = ["init", "--providers", "proxmox", "--repo-url", url, "--repo-secret", "infraflux-git"];
    assert_eq!(run(path, &init).status.code(), Some(0));
    for part in ["out", "."] {
        let output = run(path, &["validate", part]);
        let text = texts(&output).1;
        assert_eq!(output.status.code(), Some(0), "{part}: {text}");
        let taken = "folders built (`.` taken for GitRepository/flux-system/infraflux)";
        assert!(line(&output).contains(taken), "{part}: {text}");
    }
    // A mistake in it is told at its line, for the cluster that it is filled for.
    change(path, "recipes/base/configs/kustomization.yaml", "resources:\n", "resources:\n  - gone.yaml\n");
    let output = run(path, &["validate", "out"]);
    assert!(
        said(&output).contains("there is no file or folder `recipes/base/configs/gone.yaml`"),
        "{}",
        said(&output)
    );
}

/// Clusters that are alike are looked at once, and told of one by one when something is wrong with them.
#[test]
fn twins_are_counted_and_each_is_told_of_its_own_lines() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    let mut plan = "apiVersion: infraflux.io/v1alpha1\nkind: FleetPlan\nmetadata: {name: fleet}\nspec:\n  defaults: {provider: proxmox}\n  clusters:\n".to_owned();
    for (number, name) in ["amber", "beryl", "coral"].iter().enumerate() {
        let addresses = format!("addresses: [10.0.{number}.10-10.0.{number}.99], gateway: 10.0.{number}.1");
        let network = format!("{{endpoint: {{host: 10.0.{number}.5}}}}");
        writeln!(plan, "    - {{name: {name}, network: {network}, proxmox: {{{addresses}}}}}").unwrap();
    }
    fs::write(path.join("plan.yaml"), plan).unwrap();
    assert_eq!(run(path, &["up", "-f", "plan.yaml"]).status.code(), Some(0));
    let output = run(path, &["validate", "out"]);
    assert!(
        line(&output).starts_with("Flux: 24 Kustomizations, 30 HelmReleases, 18 folders built, 6 not"),
        "{}",
        line(&output)
    );
    // The same when a Kustomization delivers them.
    remote(path, "https://git.example.org/org/fleet.git");
    let gotk = fs::read_to_string(fixtures().join("good/clusters/prod/flux-system/gotk-sync.yaml")).unwrap();
    write(path, "hub/gotk-sync.yaml", gotk.replace("./clusters/prod", "./out"));
    let output = run(path, &["validate", "hub", "out"]);
    assert!(
        line(&output).starts_with("Flux: 25 Kustomizations, 30 HelmReleases, 19 folders built"),
        "{}",
        line(&output)
    );
    // One of them is patched on the way, so it is none of them any more.
    change(
        path,
        "hub/gotk-sync.yaml",
        "  prune: true\n",
        "  prune: true\n  patches:\n    - {target: {kind: Kustomization, namespace: beryl, name: base-configs}, patch: '[{op: remove, path: /spec/deletionPolicy}]'}\n",
    );
    let output = run(path, &["validate", "hub", "out"]);
    let text = said(&output);
    assert!(
        text.contains("in Kustomization beryl/base-configs") && text.matches("IF0918").count() == 1,
        "{text}"
    );
    assert!(line(&output).starts_with("Flux: 25 Kustomizations, 30 HelmReleases"), "{}", line(&output));
    fs::remove_dir_all(path.join("hub")).unwrap();
    for name in ["amber", "beryl", "coral"] {
        change(path, &format!("out/{name}/recipes/base.yaml"), "  deletionPolicy: Orphan\n", "");
    }
    let output = run(path, &["validate", "out"]);
    let text = said(&output);
    for name in ["amber", "beryl", "coral"] {
        assert!(text.contains(&format!("in Kustomization {name}/base-prereqs")), "{name}: {text}");
    }
    assert!(line(&output).starts_with("Flux: 24 Kustomizations"), "{}", line(&output));
}

#[test]
fn admission_reads_no_files_and_says_so() {
    let folder = repository(None);
    let list = |items: &[&str], spec: &str| {
        let mut out = format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  apiVersion: infraflux.io/v1alpha1\n  kind: Admission\n  metadata: {{name: checks}}\n  spec: {spec}\nitems:\n"
        );
        for item in items {
            let item = item.trim().trim_start_matches("---\n").replace('\n', "\n  ");
            writeln!(out, "- {item}").unwrap();
        }
        out
    };
    let call = |items: &[&str], spec: &str| {
        // In the repository itself, whose files a function must not look at.
        let output = feed(folder.path(), &[], list(items, spec));
        let list: Value = serde_yaml::from_slice(&output.stdout).unwrap();
        let results = list["results"].as_array().cloned().unwrap_or_default();
        let found: Vec<(String, String)> = results
            .iter()
            .map(|result| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (
                    format!("{} {}", text(&result["severity"]), text(&result["tags"]["code"])),
                    text(&result["message"]),
                )
            })
            .collect();
        (output.status.code(), found)
    };
    let apps = fs::read_to_string(fixtures().join("good/clusters/prod/apps.yaml")).unwrap();
    let infrastructure =
        fs::read_to_string(fixtures().join("good/clusters/prod/infrastructure.yaml")).unwrap();
    let settings = fs::read_to_string(fixtures().join("good/clusters/prod/settings.yaml")).unwrap();
    let (code, found) = call(&[&apps, &infrastructure, &settings], "{}");
    assert_eq!(code, Some(0), "{found:?}");
    let [(kind, message)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(kind, "info IF1326");
    let says = "Flux: 2 Kustomizations, 0 folders built, 2 not checked: no files are read here (GitRepository/flux-system/flux-system)";
    assert!(message.contains(says), "{message}");
    // What is given is judged all the same.
    let crossed = apps.replace("- name: infrastructure", "- name: web");
    let release = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web, namespace: flux-system}\nspec: {interval: 1h, chartRef: {kind: OCIRepository, name: web}}\n";
    let (code, found) = call(&[&crossed, &settings, release], "{}");
    assert_eq!(code, Some(1));
    assert!(found.iter().any(|(kind, _)| kind == "error IF0909"), "{found:?}");
    // `references` says what a missing target is.
    let lonely = apps.replace("- name: infrastructure", "- name: gone");
    for (spec, expected) in
        [("{references: check}", "error"), ("{}", "warning"), ("{references: ignore}", "")]
    {
        let (_, found) = call(&[&lonely, &settings], spec);
        let severity = found.iter().find(|(kind, _)| kind.ends_with("IF0909")).map(|(kind, _)| &**kind);
        assert_eq!(severity.unwrap_or_default().split(' ').next().unwrap(), expected, "{spec}: {found:?}");
    }
    // A cluster of InfraFlux's points at the catalogue that this program carries.
    let up = run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab"]);
    assert_eq!(up.status.code(), Some(0));
    let base = fs::read_to_string(folder.path().join("out/lab/recipes/base.yaml")).unwrap();
    let items: Vec<&str> = base.split("---\n").filter(|item| !item.trim().is_empty()).collect();
    let (_, found) = call(&items, "{references: ignore}");
    assert!(
        found
            .iter()
            .any(|(_, message)| message.contains("3 Kustomizations, 7 HelmReleases, 3 folders built")),
        "{found:?}"
    );
}

/// What would never end in a naive reading ends here, and is told or harmless.
#[test]
fn repositories_that_go_in_circles_end() {
    let root = "\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: loop, namespace: flux-system}
spec:
  interval: 1h
  path: ./a
  prune: true
  nameSuffix: x
  sourceRef: {kind: GitRepository, name: flux-system}
";
    let kustomization = |resources: &str| {
        format!(
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [{resources}]\n"
        )
    };
    // It delivers itself under ever new names.
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join(".git")).unwrap();
    write(folder.path(), "a/ks.yaml", root);
    let output = run(folder.path(), &["validate", "."]);
    assert_eq!(output.status.code(), Some(0), "{:?}", texts(&output));
    // Two that deliver each other.
    let second = root.replace("./a", "./b").replace("loop", "pool");
    write(folder.path(), "a/ks.yaml", second);
    write(folder.path(), "b/ks.yaml", root);
    let output = run(folder.path(), &["validate", "."]);
    assert!(line(&output).contains("2 folders built"), "{:?}", texts(&output));
    // A kustomization that includes itself, one that leads out of the repository, and one through a link.
    write(folder.path(), "a/kustomization.yaml", kustomization("../b, ks.yaml"));
    write(folder.path(), "b/kustomization.yaml", kustomization("../a, ks.yaml, ../../../../etc"));
    let output = run(folder.path(), &["validate", "."]);
    assert!(said(&output).contains("includes itself"), "{}", said(&output));
    #[cfg(unix)]
    {
        let outside = TempDir::new().unwrap();
        write(outside.path(), "secret.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: outside}\n");
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join(".git")).unwrap();
        write(folder.path(), "ks.yaml", root);
        write(folder.path(), "a/kustomization.yaml", kustomization("secret.yaml"));
        std::os::unix::fs::symlink(outside.path().join("secret.yaml"), folder.path().join("a/secret.yaml"))
            .unwrap();
        let output = run(folder.path(), &["validate", "ks.yaml"]);
        assert!(
            texts(&output).1.starts_with("warning[IF0902]"),
            "what lies outside is not read: {:?}",
            texts(&output)
        );
        assert!(!texts(&output).1.contains("2 objects"), "{:?}", texts(&output));
    }
}
