//! `infraflux validate` and `infraflux crds`, as a user calls them, and the Admission function.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{fs, path::Path};

use common::infraflux::{feed, run, texts};
use serde_json::{Value, json};
use tempfile::TempDir;

const CRD: &str = "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.org, labels: {app.kubernetes.io/version: v1.2.3}}
spec:
  group: example.org
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          description: A text for people.
          properties:
            spec:
              type: object
              required: [size]
              x-kubernetes-validations:
                - rule: self.size == oldSelf.size
                  message: size cannot change
                - rule: self.size < 9 || has(self.mode)
                  message: large widgets need a mode
              properties:
                size: {type: integer, description: How large.}
                mode: {type: string, enum: [Fast, Slow]}
";

const GOOD: &str = "\
apiVersion: example.org/v1
kind: Widget
metadata: {name: a, namespace: b}
spec: {size: 3}
";

const BAD: &str = "\
# a comment
apiVersion: example.org/v1
kind: Widget
metadata:
  name: a
  namespace: b
spec:
  size: \"3\"
  moed: Fast
---
apiVersion: v1
kind: List
items:
  - apiVersion: example.org/v1
    kind: Widget
    metadata: {name: c, namespace: b}
    spec: {size: 10}
  - apiVersion: example.com/v1
    kind: Gadget
    metadata: {name: d, namespace: b}
---
replicaCount: 3
---
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [a.yaml]
";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn findings_stand_on_the_line_of_the_file() {
    let folder = folder(&[("crd.yaml", CRD), ("bad.yaml", BAD)]);
    let output = run(folder.path(), &["validate", "bad.yaml", "--crds", "crd.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let (stdout, stderr) = texts(&output);
    assert!(stdout.is_empty(), "{stdout}");
    insta::assert_snapshot!(stderr);
}

#[test]
fn json_and_sarif_carry_the_same() {
    let folder = folder(&[("crd.yaml", CRD), ("bad.yaml", BAD)]);
    let call = |format: &str| {
        let output = run(folder.path(), &["validate", "bad.yaml", "--crds", "crd.yaml", "--format", format]);
        assert_eq!(output.status.code(), Some(1));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let json = call("json");
    assert_eq!(json["checked"]["objects"], 3);
    assert_eq!(json["checked"]["bySchema"], 2);
    assert_eq!(json["checked"]["notChecked"]["kinds"][0]["kind"], "Gadget");
    let sarif = call("sarif");
    // What code hosts need for an annotation: version, driver, rule, level, message, and a relative file with a line.
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "infraflux");
    let rules: Vec<&Value> =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), json["findings"].as_array().unwrap().len());
    for (result, finding) in results.iter().zip(json["findings"].as_array().unwrap()) {
        assert!(rules.contains(&&result["ruleId"]), "{result}");
        assert_eq!(result["ruleId"], finding["code"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(!uri.starts_with('/') && !uri.contains(':'), "{uri}");
        assert_eq!(place["region"]["startLine"], finding["location"]["line"]);
        let region = |key: &str| place["region"][key].as_u64().unwrap();
        assert!(
            region("startLine") >= 1
                && region("startColumn") >= 1
                && region("endLine") >= region("startLine")
        );
    }
}

#[test]
fn changes_are_judged_against_what_was_there() {
    let changed = GOOD.replace("size: 3", "size: 4");
    let folder = folder(&[("crd.yaml", CRD), ("old/a.yaml", GOOD), ("new/a.yaml", &changed)]);
    let good = run(folder.path(), &["validate", "new", "--crds", "crd.yaml"]);
    assert_eq!(good.status.code(), Some(0), "{:?}", texts(&good));
    assert_eq!(texts(&good).1, "1 object: 1 by schema, 1 CEL rule\n");
    let bad = run(folder.path(), &["validate", "new", "--crds", "crd.yaml", "--against", "old"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(texts(&bad).1.contains("size cannot change"), "{:?}", texts(&bad));
}

#[test]
fn what_was_not_checked_is_told_and_strict_refuses_it() {
    let folder = folder(&[("a.yaml", GOOD)]);
    let output = run(folder.path(), &["validate", "a.yaml"]);
    assert_eq!(output.status.code(), Some(0));
    let line =
        "1 object: 0 by schema, 0 CEL rules; not checked: 1 object of 1 kind without a schema (Widget)\n";
    assert!(texts(&output).1.ends_with(line), "{:?}", texts(&output));
    // A schema in the input counts too.
    let both =
        format!("{CRD}---\n{GOOD}---\napiVersion: example.org/v1\nkind: Gadget\nmetadata: {{name: a}}\n");
    let output = feed(folder.path(), &["validate", "-"], &both);
    assert_eq!(output.status.code(), Some(0), "{:?}", texts(&output));
    assert!(texts(&output).1.contains("no schema for example.org/v1 Gadget: 1 object not checked"));
    let output = feed(folder.path(), &["validate", "-", "--strict"], &both);
    assert_eq!(output.status.code(), Some(1), "{:?}", texts(&output));
}

#[test]
fn exit_codes_are_those_of_every_command() {
    let folder = folder(&[
        ("a.yaml", GOOD),
        ("values.yaml", "a: 1\n"),
        ("broken.yaml", "a: [\n"),
        ("no-crd.yaml", "a: 1\n"),
    ]);
    let table: [(&[&str], i32, &str); 9] = [
        (&["validate"], 2, "required"),
        (&["validate", "a.yaml", "--frobnicate"], 2, "unexpected"),
        (&["validate", "missing.yaml"], 3, "IF0001"),
        (&["validate", "values.yaml"], 1, "IF1320"),
        (&["validate", "broken.yaml"], 1, "IF0004"),
        (&["validate", "a.yaml", "--crds", "no-crd.yaml"], 1, "IF1321"),
        (&["validate", "-", "--crds", "-"], 2, "IF1301"),
        (&["validate", "a.yaml", "--crds", "missing"], 3, "IF0001"),
        (&["crds", "import", "no-crd.yaml"], 1, "IF1321"),
    ];
    for (arguments, code, word) in table {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {:?}", texts(&output));
        assert!(texts(&output).1.contains(word), "{arguments:?}: {:?}", texts(&output));
    }
}

#[test]
fn findings_are_limited_with_errors_first() {
    let folder = folder(&[("crd.yaml", CRD), ("bad.yaml", BAD)]);
    let arguments = ["validate", "bad.yaml", "--crds", "crd.yaml", "--max-findings", "1"];
    let output = run(folder.path(), &arguments);
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stderr.matches("error[").count(), 1, "{stderr}");
    assert!(stderr.contains("more findings are not shown"), "{stderr}");
    assert_eq!(texts(&run(folder.path(), &arguments)), texts(&output), "the order is not stable");
}

#[test]
fn parts_of_kustomizations_charts_and_secrets_are_known() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: b}\ndata: {a: 'ENC[AES256_GCM,data:x]'}\nsops: {mac: 'ENC[x]'}\n";
    let variable = "apiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: b}\nspec: {ports: [{port: '${port}'}]}\n";
    let folder = folder(&[
        (
            "k/kustomization.yaml",
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\npatches: [{path: ../p/patch.yaml}]\n",
        ),
        (
            "p/patch.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: b}\nspec: {replicas: 2}\n",
        ),
        ("chart/Chart.yaml", "apiVersion: v2\nname: a\nversion: 1.0.0\n"),
        ("chart/templates/a.yaml", "{{ if .Values.a }}\n"),
        ("secret.yaml", secret),
        ("service.yaml", variable),
        (".hidden/x.yaml", "a: [\n"),
        ("README.md", "text"),
    ]);
    let output = run(folder.path(), &["validate", "."]);
    let (_, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    for word in [
        "1 patch of a kustomization",
        "1 template of a Helm chart",
        "3 values that Flux or SOPS fill in later",
    ] {
        assert!(stderr.contains(word), "{word}: {stderr}");
    }
}

/// A cluster on Azure whose pods or subnet lie in given blocks.
fn on_azure(pods: &str, subnet: &str) -> String {
    format!(
        "\
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {{name: web, namespace: web}}
spec:
  clusterNetwork: {{pods: {{cidrBlocks: [{pods}]}}}}
  infrastructureRef: {{apiGroup: infrastructure.cluster.x-k8s.io, kind: AzureCluster, name: web}}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: AzureCluster
metadata: {{name: web, namespace: web}}
spec:
  networkSpec:
    vnet: {{cidrBlocks: [{subnet}]}}
    subnets: [{{name: one, role: cluster, cidrBlocks: [{subnet}]}}]
"
    )
}

/// The codes and files of what was found, with the numbers of their lines.
fn found(folder: &TempDir, code: &str) -> Vec<String> {
    let output = run(folder.path(), &["validate", ".", "--format", "json"]);
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let place = |finding: &Value| {
        let location = &finding["location"];
        format!("{} {}:{}", finding["severity"], location["file"], location["line"]).replace('"', "")
    };
    findings.iter().filter(|finding| finding["code"] == code).map(place).collect()
}

/// Environments side by side have objects of the same names; each folder means its own.
#[test]
fn a_folder_for_each_environment_means_its_own_objects() {
    let apart = (on_azure("10.244.0.0/16", "10.1.0.0/16"), on_azure("10.1.0.0/16", "10.244.0.0/16"));
    let environments = folder(&[("prod/web.yaml", &apart.0), ("staging/web.yaml", &apart.1)]);
    assert_eq!(found(&environments, "IF0727"), [""; 0]);
    // One name twice is told once for each name, as a warning.
    assert_eq!(found(&environments, "IF0804"), ["warning staging/web.yaml:3", "warning staging/web.yaml:10"]);
    let wrong = on_azure("10.1.0.0/16", "10.1.0.0/16");
    let environments = folder(&[("prod/web.yaml", &wrong), ("staging/web.yaml", &apart.1)]);
    assert_eq!(found(&environments, "IF0727"), ["error prod/web.yaml:13"]);
}

/// What a variable becomes is not known, so no rule judges it.
#[test]
fn variables_are_not_judged_by_rules_either() {
    let text = on_azure("\"${PODS}\"", "\"${SUBNET}\"").replace("name: web", "name: \"${NAME}\"");
    let pool = "\
---
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDeployment
metadata: {name: \"${NAME}-md-0\", namespace: web}
spec:
  clusterName: ${NAME}
  template:
    metadata: {labels: {pool: \"${POOL}\"}}
    spec: {clusterName: \"${NAME}\", version: VERSION}
";
    let open =
        folder(&[("web.yaml", &format!("{text}{}", pool.replace("VERSION", "${KUBERNETES_VERSION}")))]);
    let codes = ["IF0708", "IF0709", "IF0715", "IF0727", "IF0804"];
    for code in codes {
        assert_eq!(found(&open, code), [""; 0], "{code}");
    }
    let wrong = folder(&[("web.yaml", &format!("{text}{}", pool.replace("VERSION", "one")))]);
    assert_eq!(found(&wrong, "IF0708"), ["error web.yaml:23"]);
}

/// Lists as `kubectl get` prints them, amounts in every spelling, and files that look like objects and are none.
#[test]
fn what_an_api_server_takes_is_taken() {
    let pod = |cpu: &str, memory: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n    - name: a\n      image: a\n      resources:\n        limits:\n          cpu: {cpu}\n          memory: {memory}\n"
        )
    };
    let roles = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleList
items:
  - metadata: {name: a, namespace: b}
    rules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]
  - apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: b, namespace: b}
    ruels: []
";
    let folder = folder(&[
        ("amounts/a.yaml", &pod("0.5", "2Gi")),
        ("amounts/b.yaml", &pod("500m", "1e9").replace("{name: a}", "{name: b}")),
        ("amounts/wrong.yaml", &pod("500mm", "512MB").replace("{name: a}", "{name: c}")),
        ("amounts/wrong-too.yaml", &pod("[1]", ".").replace("{name: a}", "{name: d}")),
        ("roles.yaml", roles),
        (
            "metadata.yaml",
            "apiVersion: clusterctl.cluster.x-k8s.io/v1alpha3\nkind: Metadata\nreleaseSeries: []\n",
        ),
        ("kind.yaml", "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\nnodes: []\n"),
        ("nothing.yaml", "apiVersion: v1\nkind: ConfigMap\n"),
    ]);
    let output = run(folder.path(), &["validate", "."]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(texts(&output).1);
}

#[test]
fn without_any_crds_strict_refuses_to_call_it_checked() {
    let folder = folder(&[
        ("a.yaml", GOOD),
        ("cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n"),
    ]);
    for (arguments, code, says) in [
        (&["a.yaml"][..], 0, "warning[IF1328]: no CRDs were given: 1 object was checked by rules only"),
        (&["a.yaml", "--strict"], 1, "error[IF1328]: no CRDs were given: 1 object was checked by rules only"),
        // Kubernetes' own kinds need none.
        (&["cm.yaml", "--strict"], 0, "1 object: 1 by schema"),
    ] {
        let output = run(folder.path(), &[&["validate"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{:?}", texts(&output));
        assert!(texts(&output).1.contains(says), "{arguments:?}: {:?}", texts(&output));
    }
    // `up --strict` is about the plan: the summary says that schemas were not looked at.
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/standalone/plan.yaml"),
        folder.path().join("plan.yaml"),
    )
    .unwrap();
    let output = run(folder.path(), &["up", "-f", "plan.yaml", "--strict"]);
    assert_eq!(output.status.code(), Some(0), "{:?}", texts(&output));
    assert!(texts(&output).0.contains("schema and CEL: not checked"), "{:?}", texts(&output));
}

#[test]
fn our_own_output_and_catalogue_are_known() {
    let folder = TempDir::new().unwrap();
    let path = folder.path();
    assert_eq!(run(path, &["up", "--provider", "proxmox", "--name", "lab"]).status.code(), Some(0));
    let init = run(
        path,
        &[
            "init",
            "--providers",
            "aws,azure,gcp,proxmox",
            "--repo-url",
            "ssh://git@git.example.org/f.git",
            "--repo-secret",
            "infraflux-git",
        ],
    );
    assert_eq!(init.status.code(), Some(0), "{:?}", texts(&init));
    for folder in ["out", "out/lab", "out/management"] {
        let output = run(path, &["validate", folder]);
        let (_, stderr) = texts(&output);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(!stderr.contains("IF0801"), "what a person provides is not missed: {stderr}");
        assert!(!stderr.contains("without a kind"), "files of ours that are no objects: {stderr}");
    }
    // The same file where nobody wrote it is somebody's, and counted.
    fs::create_dir(path.join("copy")).unwrap();
    fs::copy(path.join("out/lab/cluster/schematic.yaml"), path.join("copy/schematic.yaml")).unwrap();
    let output = run(path, &["validate", "copy", "out/lab"]);
    assert!(texts(&output).1.contains("1 document without a kind"), "{:?}", texts(&output));
    // Secrets with gaps are skipped in a repository, and looked at when they are what is asked for.
    assert_eq!(run(path, &["eject", "--out", ".", "sops"]).status.code(), Some(0));
    let templates = |arguments: &str| texts(&run(path, &["validate", arguments])).1;
    assert!(templates(".").contains("templates of Secrets for SOPS"), "{}", templates("."));
    assert!(!templates(".").contains("sops/templates"), "{}", templates("."));
    assert!(
        !templates("sops/templates").contains("templates of Secrets for SOPS"),
        "{}",
        templates("sops/templates")
    );
}

#[test]
fn a_project_keeps_its_crds() {
    let folder = folder(&[("crd.yaml", CRD), ("bad.yaml", BAD), ("a.yaml", GOOD)]);
    let path = folder.path();
    let output = run(path, &["crds", "import", "crd.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{:?}", texts(&output));
    assert_eq!(texts(&output).0, "1 new, 0 changed, 0 unchanged: 1 CRDs in .infraflux/crds.json (1 KiB)\n");
    let store = fs::read_to_string(path.join(".infraflux/crds.json")).unwrap();
    assert!(!store.contains("text for people") && store.lines().count() < 12, "{store}");
    let again = run(path, &["crds", "import", "crd.yaml"]);
    assert!(texts(&again).0.starts_with("0 new, 0 changed, 1 unchanged"), "{:?}", texts(&again));
    assert_eq!(fs::read_to_string(path.join(".infraflux/crds.json")).unwrap(), store);
    // Found without being named.
    let output = run(path, &["validate", "a.yaml"]);
    assert_eq!(texts(&output).1, "1 object: 1 by schema, 1 CEL rule\n");
    let status = run(path, &["crds", "status", "a.yaml", "bad.yaml"]);
    assert_eq!(status.status.code(), Some(0));
    insta::assert_snapshot!(texts(&status).0);
    let status = run(path, &["crds", "status", "a.yaml", "bad.yaml", "--format", "json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        status["crds"]["missing"],
        json!([{"apiVersion": "example.com/v1", "kind": "Gadget", "objects": 1}])
    );
    assert_eq!(status["crds"]["crds"][0]["release"], "v1.2.3");
    // From a pipe, as a list, and with another content.
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n- {}\n",
        CRD.replace("size <", "size <=").replace('\n', "\n  ")
    );
    let changed = feed(path, &["crds", "import", "-"], &list);
    assert!(texts(&changed).0.starts_with("0 new, 1 changed, 0 unchanged"), "{:?}", texts(&changed));
    // Two of one name in one import are one CRD, new or changed once, and the warning says which one counts.
    for (name, rule) in [("1", "size <"), ("2", "size <="), ("3", "size >")] {
        fs::create_dir_all(path.join("both")).unwrap();
        fs::write(path.join(format!("both/{name}.yaml")), CRD.replace("size <", rule)).unwrap();
    }
    for (arguments, counts) in [
        (&["--replace"][..], "1 new, 0 changed, 0 unchanged: 1 CRDs"),
        (&[], "0 new, 0 changed, 1 unchanged: 1 CRDs"),
    ] {
        let both = run(path, &[&["crds", "import", "both"], arguments].concat());
        let (stdout, stderr) = texts(&both);
        assert!(stdout.starts_with(counts) && stderr.contains("IF1322"), "{stdout}{stderr}");
    }
    fs::write(path.join(".infraflux/crds.json"), "{}").unwrap();
    let broken = run(path, &["validate", "a.yaml"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(texts(&broken).1.contains("IF1323"), "{:?}", texts(&broken));
}

#[test]
fn infraflux_yaml_names_crds() {
    let folder =
        folder(&[("schemas/crd.yaml", CRD), ("infraflux.yaml", "crds: [schemas]\n"), ("bad.yaml", BAD)]);
    let output = run(folder.path(), &["validate", "bad.yaml"]);
    assert!(texts(&output).1.contains("IF0501"), "{:?}", texts(&output));
}

fn resource_list(spec: &str, items: &[&str]) -> String {
    let mut out = format!(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  apiVersion: infraflux.io/v1alpha1\n  kind: Admission\n  metadata: {{name: checks}}\n  spec: {spec}\nitems:\n"
    );
    for item in items {
        out.push_str("- ");
        out.push_str(item.trim_end().replace('\n', "\n  ").as_str());
        out.push('\n');
    }
    out
}

#[test]
fn the_admission_function_checks_the_items_it_is_given() {
    let folder = folder(&[]);
    let bad = BAD.split("---").next().unwrap().trim_start_matches("# a comment\n");
    let call = |spec: &str, items: &[&str]| {
        let output = feed(folder.path(), &[], resource_list(spec, items));
        let list: Value = serde_yaml::from_slice(&output.stdout).unwrap();
        let results = list["results"].as_array().cloned().unwrap_or_default();
        let found: Vec<String> = results
            .iter()
            .map(|result| {
                format!(
                    "{} {}",
                    result["severity"].as_str().unwrap(),
                    result["tags"]["code"].as_str().unwrap_or("?")
                )
            })
            .collect();
        (output.status.code(), list["items"].as_array().map_or(0, Vec::len), found)
    };
    let info = "info IF1326".to_owned();
    assert_eq!(call("{}", &[CRD, GOOD]), (Some(0), 2, vec![info.clone()]));
    assert_eq!(
        call("{}", &[CRD, bad]),
        (Some(1), 2, vec!["error IF0501".to_owned(), "error IF0502".to_owned(), info.clone()])
    );
    assert_eq!(call("{emit: none}", &[CRD, GOOD]), (Some(0), 0, vec![info.clone()]));
    let gadget = "apiVersion: example.org/v1\nkind: Gadget\nmetadata: {name: a}\n";
    assert_eq!(call("{}", &[CRD, gadget]), (Some(0), 2, vec!["warning IF0511".to_owned(), info.clone()]));
    assert_eq!(
        call("{strict: true}", &[CRD, gadget]),
        (Some(1), 2, vec!["error IF0511".to_owned(), info.clone()])
    );
    // Without CRDs, Kubernetes' own kinds are still checked, and the remark says what was not.
    assert_eq!(call("{}", &[GOOD]), (Some(0), 1, vec![info.clone()]));
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: A}\n";
    assert_eq!(call("{}", &[namespace]), (Some(1), 1, vec!["error IF0513".to_owned(), info]));
    assert_eq!(call("{refs: 1}", &[GOOD]), (Some(1), 1, vec!["error IF1325".to_owned()]));
}

#[test]
fn up_checks_with_the_crds_that_it_is_given() {
    let Some(crds) = common::crds::folder("up with CRDs") else { return };
    let folder = folder(&[]);
    let crds = crds.display().to_string();
    let output = run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab", "--crds", &crds]);
    let (stdout, stderr) = texts(&output);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let line = stdout.lines().last().unwrap();
    assert!(
        line.starts_with("schema and CEL: ") && line.contains(" CEL rules") && !line.contains("not checked"),
        "{line}"
    );
    let without = run(folder.path(), &["up", "--provider", "proxmox", "--name", "lab"]);
    assert!(texts(&without).0.contains("schema and CEL: not checked (give --crds"), "{:?}", texts(&without));
    let plan = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec:\n  provider: proxmox\n  proxmox:\n    overrides:\n      workers: {numCorse: 3}\n";
    fs::write(folder.path().join("plan.yaml"), plan).unwrap();
    let bad = run(folder.path(), &["up", "-f", "plan.yaml", "--out", "other", "--crds", &crds]);
    assert_eq!(bad.status.code(), Some(1), "{:?}", texts(&bad));
    assert!(texts(&bad).1.contains("IF0501") && texts(&bad).1.contains("plan.yaml"), "{:?}", texts(&bad));
    assert!(!folder.path().join("other/lab").exists(), "nothing is written");
}

/// A package with checks: items, an Admission, and the program beside them.
#[cfg(unix)]
fn package(spec: &str, kustomization: &str, items: &[(&str, &str)]) -> TempDir {
    let checks = format!(
        "apiVersion: infraflux.io/v1alpha1\nkind: Admission\nmetadata:\n  name: checks\n  annotations:\n    config.kubernetes.io/local-config: \"true\"\n    config.kubernetes.io/function: |\n      exec: {{path: ./infraflux}}\nspec: {spec}\n"
    );
    let mut files = vec![("checks.yaml", checks.as_str()), ("kustomization.yaml", kustomization)];
    files.extend(items);
    let folder = folder(&files);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_infraflux"), folder.path().join("infraflux")).unwrap();
    folder
}

#[cfg(unix)]
#[test]
fn kustomize_runs_admission_as_validator_and_as_transformer() {
    let Some(kustomize) = common::clients::client("kustomize", "Admission with kustomize") else { return };
    let bad = BAD.split("---").next().unwrap();
    let build = |spec: &str, field: &str, item: &str| {
        let kustomization = format!("resources: [crd.yaml, a.yaml]\n{field}: [checks.yaml]\n");
        let folder = package(spec, &kustomization, &[("crd.yaml", CRD), ("a.yaml", item)]);
        std::process::Command::new(&kustomize)
            .args(["build", "--enable-alpha-plugins", "--enable-exec", "."])
            .current_dir(folder.path())
            .output()
            .unwrap()
    };
    for (spec, field) in [("{emit: none}", "validators"), ("{}", "transformers")] {
        let good = build(spec, field, GOOD);
        assert!(good.status.success(), "{field}: {:?}", texts(&good));
        assert!(texts(&good).0.contains("kind: Widget"), "{field}: {:?}", texts(&good));
        let refused = build(spec, field, bad);
        assert!(!refused.status.success(), "{field}: {:?}", texts(&refused));
        assert!(texts(&refused).1.contains("IF0501"), "{field}: {:?}", texts(&refused));
    }
}

#[cfg(unix)]
#[test]
fn kpt_runs_admission_and_keeps_the_package() {
    let Some(kpt) = common::clients::client("kpt", "Admission with kpt") else { return };
    let bad = BAD.split("---").next().unwrap();
    for (item, fits) in [(GOOD, true), (bad, false)] {
        let folder = package("{}", "", &[("crd.yaml", CRD), ("a.yaml", item)]);
        fs::remove_file(folder.path().join("kustomization.yaml")).unwrap();
        let output = std::process::Command::new(&kpt)
            .args(["fn", "eval", ".", "--exec", "./infraflux", "--fn-config", "checks.yaml"])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.success(), fits, "{:?}", texts(&output));
        assert!(fits || texts(&output).1.contains("IF0501"), "{:?}", texts(&output));
        assert!(fs::read_to_string(folder.path().join("a.yaml")).unwrap().contains("kind: Widget"));
        assert!(folder.path().join("crd.yaml").exists());
    }
}

#[test]
fn crds_among_the_items_check_what_a_function_renders() {
    let Some(crds) = common::crds::folder("a render with CRD items") else { return };
    let crd =
        fs::read_to_string(crds.join("capmox/proxmoxmachinetemplates.infrastructure.cluster.x-k8s.io.yaml"))
            .unwrap();
    let crd = crd.trim_start_matches("---\n");
    let list = |overrides: &str| {
        format!(
            "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nfunctionConfig:\n  apiVersion: infraflux.io/v1alpha1\n  kind: ClusterPlan\n  metadata: {{name: lab}}\n  spec: {{provider: proxmox, proxmox: {{overrides: {{workers: {{{overrides}}}}}}}}}\nitems:\n- {}\n",
            crd.trim_end().replace('\n', "\n  ")
        )
    };
    let folder = folder(&[]);
    let good = feed(folder.path(), &[], list("numCores: 3"));
    assert_eq!(good.status.code(), Some(0), "{}", texts(&good).1);
    let bad = feed(folder.path(), &[], list("numCorse: 3"));
    assert_eq!(bad.status.code(), Some(1), "{}", texts(&bad).1);
    assert!(texts(&bad).1.contains("IF0501") && texts(&bad).1.contains("numCores"), "{}", texts(&bad).1);
}

/// Code, kind and field of each finding.
type Expected = [(&'static str, &'static str, &'static str)];

#[test]
fn what_an_early_generator_wrote_is_refused_by_schemas_too() {
    let Some(crds) = common::crds::folder("the early output") else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/early");
    let crds = crds.display().to_string();
    let table: [(&str, &Expected); 4] = [
        (
            "aws",
            &[
                ("IF0509", "TalosControlPlane", "apiVersion"),
                ("IF0509", "AWSMachineTemplate", "apiVersion"),
                ("IF0503", "AWSMachineTemplate", "spec.template.spec.instanceType"),
                ("IF0509", "HelmRelease", "apiVersion"),
            ],
        ),
        (
            "azure",
            &[
                ("IF0509", "TalosControlPlane", "apiVersion"),
                ("IF0503", "AzureMachineTemplate", "spec.template.spec.vmSize"),
            ],
        ),
        (
            "gcp",
            &[
                ("IF0509", "TalosControlPlane", "apiVersion"),
                ("IF0503", "GCPMachineTemplate", "spec.template.spec.instanceType"),
            ],
        ),
        ("proxmox", &[("IF0509", "TalosControlPlane", "apiVersion")]),
    ];
    for (name, expected) in table {
        let file = format!("{name}.yaml");
        let output = run(&root, &["validate", &file, "--crds", &crds, "--format", "json"]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let found: Vec<(&str, &str, &str)> = json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                let text =
                    |value: &'static str| finding.pointer(value).and_then(Value::as_str).unwrap_or_default();
                (text("/code"), text("/object/kind"), text("/field"))
            })
            .collect();
        for row in expected {
            assert!(found.contains(row), "{name}: {row:?} is not among {found:#?}");
        }
    }
}
