//! kustomize (as kubectl has it) and kpt, run against a small program with the doors and a fake engine behind them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use infraflux::krm::plugin_home;
use tempfile::TempDir;

#[path = "common/clients.rs"]
mod clients;
use clients::{client, kubectls};

const PLAN: &str = "\
# the plan
apiVersion: infraflux.io/v1alpha1
kind: ClusterPlan
metadata:
  name: lab # name
  annotations:
    config.kubernetes.io/local-config: \"true\"
spec:
  objects: [a, b, x@two, y@two]
";

/// What clients hand over in odd ways.
const ODD: &str = "\
# head comment
apiVersion: v1
kind: ConfigMap
metadata: # why
  name: odd
data:
  equals: \"=\"
  big: \"1e400\"
  merge: \"<<\"
  separator: \"a\\u2028b\"
  octal: \"0o7\"
  version: '1.30' # kept
  anchor: &anchor v
  alias: *anchor
  text: |
    one
     two
  # tail comment
";

/// The program, which cargo builds as an example beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.parent().and_then(Path::parent).unwrap().join("examples/fake-function");
    assert!(program.is_file(), "{} is built by `cargo test`", program.display());
    program
}

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let bench = Self { folder: TempDir::new().unwrap() };
        for (name, text) in files {
            bench.write(name, text);
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A plugin home with our program linked as `infraflux plugin install` would.
    fn plugin_home(&self) -> PathBuf {
        let home = self.path("plugins");
        for link in plugin_home::links(&home) {
            fs::create_dir_all(link.path.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(program(), link.path).unwrap();
        }
        home
    }

    fn kustomize(&self, kubectl: &Path, folder: &str) -> Output {
        self.run(kubectl, &["kustomize", "--enable-alpha-plugins"], folder)
    }

    fn run(&self, program: &Path, arguments: &[&str], folder: &str) -> Output {
        Command::new(program)
            .args(arguments)
            .arg(self.path(folder))
            .env("KUSTOMIZE_PLUGIN_HOME", self.plugin_home())
            .env("PATH", {
                let path = std::env::var("PATH").unwrap_or_default();
                format!("{}:{path}", self.path("bin").display())
            })
            .output()
            .unwrap()
    }

    fn files(&self, folder: &str) -> BTreeMap<PathBuf, String> {
        fn walk(folder: &Path, root: &Path, files: &mut BTreeMap<PathBuf, String>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, root, files);
                } else {
                    let name = path.strip_prefix(root).unwrap().to_owned();
                    files.insert(name, fs::read_to_string(&path).unwrap());
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(&self.path(folder), &self.path(folder), &mut files);
        files
    }
}

fn ok(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The names of the objects in a stream and their content.
fn objects(stream: &str) -> BTreeMap<String, serde_yaml::Value> {
    serde_yaml::Deserializer::from_str(stream)
        .map(|document| {
            let value: serde_yaml::Value = serde::Deserialize::deserialize(document).unwrap();
            (value["metadata"]["name"].as_str().unwrap().to_owned(), value)
        })
        .collect()
}

#[test]
fn kubectl_runs_the_legacy_plugin_as_generator() {
    for kubectl in kubectls("legacy plugin as generator") {
        let bench =
            Bench::new(&[("k/kustomization.yaml", "generators:\n  - plan.yaml\n"), ("k/plan.yaml", PLAN)]);
        let built = objects(&ok(&bench.kustomize(&kubectl, "k")));
        assert_eq!(built.keys().collect::<Vec<_>>(), ["a", "b", "x", "y"]);
        assert_eq!(built["a"]["data"]["text"], "one\n\n  two\n");
        assert_eq!(built["a"]["data"]["version"], "1.30");
        assert_eq!(built["a"]["metadata"]["annotations"]["infraflux.io/plan"], "lab/lab");
    }
}

#[test]
fn kubectl_runs_the_legacy_plugin_as_transformer_and_keeps_odd_strings() {
    for kubectl in kubectls("legacy plugin as transformer") {
        let bench = Bench::new(&[
            ("plain/kustomization.yaml", "resources:\n  - odd.yaml\n"),
            ("plain/odd.yaml", ODD),
            (
                "k/kustomization.yaml",
                "resources:\n  - odd.yaml\ngenerators:\n  - plan.yaml\ntransformers:\n  - plan.yaml\n",
            ),
            ("k/odd.yaml", ODD),
            ("k/plan.yaml", PLAN),
        ]);
        let plain = ok(&bench.kustomize(&kubectl, "plain"));
        fs::remove_dir_all(bench.path("plugins")).unwrap();
        // The transformer meets what the generator made, and puts the same in its place.
        let built = ok(&bench.kustomize(&kubectl, "k"));
        assert!(built.contains(&plain), "{plain}\nis not in\n{built}");
        assert_eq!(objects(&built).keys().collect::<Vec<_>>(), ["a", "b", "odd", "x", "y"]);
    }
}

#[test]
fn kubectl_shows_the_error_of_a_legacy_plugin() {
    for kubectl in kubectls("error of a legacy plugin") {
        let plan = format!("{PLAN}  fail: this is wrong\n");
        let bench =
            Bench::new(&[("k/kustomization.yaml", "generators:\n  - plan.yaml\n"), ("k/plan.yaml", &plan)]);
        let output = bench.kustomize(&kubectl, "k");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success());
        assert!(output.stdout.is_empty());
        assert!(told.contains("ClusterPlan lab, spec.fail: this is wrong"), "{told}");
    }
}

#[test]
fn kubectl_takes_a_validator_that_emits_nothing_and_no_other() {
    for kubectl in kubectls("validator") {
        let checks = "apiVersion: infraflux.io/v1alpha1\nkind: Admission\nmetadata:\n  name: checks\n";
        let quiet = format!("{checks}spec:\n  emit: none\n");
        let bench = Bench::new(&[
            ("quiet/kustomization.yaml", "resources:\n  - odd.yaml\nvalidators:\n  - checks.yaml\n"),
            ("quiet/odd.yaml", ODD),
            ("quiet/checks.yaml", &quiet),
            ("echo/kustomization.yaml", "resources:\n  - odd.yaml\nvalidators:\n  - checks.yaml\n"),
            ("echo/odd.yaml", ODD),
            ("echo/checks.yaml", checks),
            ("bad/kustomization.yaml", "resources:\n  - odd.yaml\nvalidators:\n  - checks.yaml\n"),
            ("bad/odd.yaml", &ODD.replace("  name: odd", "  name: odd\n  labels: {bad: \"yes\"}")),
            ("bad/checks.yaml", &quiet),
        ]);
        assert_eq!(objects(&ok(&bench.kustomize(&kubectl, "quiet"))).len(), 1);
        fs::remove_dir_all(bench.path("plugins")).unwrap();
        // This is why the doctor calls it an error.
        assert!(!bench.kustomize(&kubectl, "echo").status.success());
        fs::remove_dir_all(bench.path("plugins")).unwrap();
        let bad = bench.kustomize(&kubectl, "bad");
        assert!(!bad.status.success());
        assert!(String::from_utf8_lossy(&bad.stderr).contains("ConfigMap odd, metadata.labels.bad"));
    }
}

/// kustomize runs the container and the exec form by the same code; a stand-in for docker takes us there.
#[test]
fn kustomize_runs_the_function_as_generator_and_transformer() {
    for kubectl in kubectls("function in kustomize") {
        let with_function = PLAN.replace(
        "  annotations:\n",
        "  annotations:\n    config.kubernetes.io/function: |\n      container: {image: example.org/infraflux}\n",
    );
        let bench = Bench::new(&[
            ("plain/kustomization.yaml", "resources:\n  - odd.yaml\n"),
            ("plain/odd.yaml", ODD),
            (
                "k/kustomization.yaml",
                "resources:\n  - odd.yaml\ngenerators:\n  - plan.yaml\ntransformers:\n  - plan.yaml\n",
            ),
            ("k/odd.yaml", ODD),
            ("k/plan.yaml", &with_function),
            ("bin/docker", &format!("#!/bin/sh\nexec {}\n", program().display())),
        ]);
        fs::set_permissions(bench.path("bin/docker"), fs::Permissions::from_mode(0o755)).unwrap();
        let plain = ok(&bench.kustomize(&kubectl, "plain"));
        fs::remove_dir_all(bench.path("plugins")).unwrap();
        let built = ok(&bench.kustomize(&kubectl, "k"));
        assert!(built.contains(&plain), "{plain}\nis not in\n{built}");
        let built = objects(&built);
        assert_eq!(built.keys().collect::<Vec<_>>(), ["a", "b", "odd", "x", "y"]);
        let annotations = built["a"]["metadata"]["annotations"].as_mapping().unwrap();
        assert_eq!(annotations.len(), 1, "path and index are taken off again: {annotations:?}");
    }
}

/// The exec form itself, which only stand-alone kustomize has.
#[test]
fn kustomize_runs_the_exec_function() {
    let Some(kustomize) = client("kustomize", "exec function in kustomize") else { return };
    let with_function = PLAN.replace(
        "  annotations:\n",
        &format!(
            "  annotations:\n    config.kubernetes.io/function: |\n      exec: {{path: {}}}\n",
            program().display()
        ),
    );
    let bench = Bench::new(&[
        ("plain/kustomization.yaml", "resources:\n  - odd.yaml\n"),
        ("plain/odd.yaml", ODD),
        (
            "k/kustomization.yaml",
            "resources:\n  - odd.yaml\ngenerators:\n  - plan.yaml\ntransformers:\n  - plan.yaml\n",
        ),
        ("k/odd.yaml", ODD),
        ("k/plan.yaml", &with_function),
    ]);
    let call = |folder| {
        let output = bench.run(&kustomize, &["build", "--enable-alpha-plugins", "--enable-exec"], folder);
        fs::remove_dir_all(bench.path("plugins")).unwrap();
        output
    };
    let plain = ok(&call("plain"));
    let built = ok(&call("k"));
    assert!(built.contains(&plain), "{plain}\nis not in\n{built}");
    assert_eq!(objects(&built).keys().collect::<Vec<_>>(), ["a", "b", "odd", "x", "y"]);

    bench.write("k/plan.yaml", &format!("{with_function}  fail: this is wrong\n"));
    let failed = call("k");
    assert!(!failed.status.success() && failed.stdout.is_empty());
    let told = String::from_utf8_lossy(&failed.stderr);
    assert!(told.contains("ClusterPlan lab, spec.fail: this is wrong"), "{told}");
}

fn kptfile(program: &Path) -> String {
    format!(
        "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: pkg\n  annotations:\n    \
         config.kubernetes.io/local-config: \"true\"\ninfo:\n  description: a package # kept\n\
         pipeline:\n  mutators:\n    - exec: {}\n      configPath: plan.yaml\n",
        program.display()
    )
}

#[test]
fn kpt_render_twice_gives_no_difference() {
    let Some(kpt) = client("kpt", "kpt fn render") else { return };
    let bench = Bench::new(&[
        ("pkg/Kptfile", &kptfile(&program())),
        ("pkg/plan.yaml", PLAN),
        ("pkg/odd.yaml", ODD),
        // In the way of the positions of ours.
        ("pkg/lab/cluster/two.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: theirs\n"),
    ]);
    let render = || {
        ok(&Command::new(&kpt)
            .args(["fn", "render", "--allow-exec"])
            .arg(bench.path("pkg"))
            .output()
            .unwrap());
        bench.files("pkg")
    };
    let first = render();
    let names: Vec<_> = first.keys().map(|name| name.display().to_string()).collect();
    assert_eq!(
        names,
        [
            "Kptfile",
            "lab/cluster/a.yaml",
            "lab/cluster/b.yaml",
            "lab/cluster/two.yaml",
            "odd.yaml",
            "plan.yaml"
        ]
    );
    assert_eq!(objects(&first[Path::new("lab/cluster/two.yaml")]).len(), 3);
    assert!(first[Path::new("lab/cluster/a.yaml")].starts_with("# a of lab\n"), "comments arrive");
    assert!(first[Path::new("lab/cluster/a.yaml")].contains("name: a # its name\n"));
    assert_eq!(render(), first);

    // A plan that shrinks takes its objects with it, and theirs stays.
    bench.write("pkg/plan.yaml", &PLAN.replace("[a, b, x@two, y@two]", "[b]"));
    let names: Vec<_> = render().keys().map(|name| name.display().to_string()).collect();
    assert_eq!(names, ["Kptfile", "lab/cluster/b.yaml", "lab/cluster/two.yaml", "odd.yaml", "plan.yaml"]);
}

#[test]
fn kpt_eval_takes_arguments_and_a_configuration_file() {
    let Some(kpt) = client("kpt", "kpt fn eval") else { return };
    let bench = Bench::new(&[("pkg/odd.yaml", ODD), ("plan.yaml", PLAN)]);
    let eval = |arguments: &[&str]| {
        Command::new(&kpt)
            .args(["fn", "eval"])
            .arg(bench.path("pkg"))
            .arg("--exec")
            .arg(program())
            .args(arguments)
            .output()
            .unwrap()
    };
    let plan = bench.path("plan.yaml").display().to_string();
    ok(&eval(&["--fn-config", &plan]));
    let by_file = bench.files("pkg");
    ok(&eval(&["--", "name=lab", "objects=a,b,x@two,y@two"]));
    assert_eq!(bench.files("pkg"), by_file, "the same objects by both ways");

    // An error is shown with its field, and nothing is written.
    bench.write("plan.yaml", &format!("{PLAN}  fail: this is wrong\n"));
    let failed = eval(&["--fn-config", &plan]);
    let told = String::from_utf8_lossy(&failed.stderr);
    assert!(!failed.status.success());
    assert!(
        told.contains("[error] infraflux.io/v1alpha1/ClusterPlan/lab spec.fail: this is wrong"),
        "{told}"
    );
    assert!(told.contains("take `spec.fail` out"), "stderr has the hint: {told}");
    assert_eq!(bench.files("pkg"), by_file);

    // Without any configuration and without a plan everything stays.
    ok(&eval(&[]));
    assert_eq!(bench.files("pkg"), by_file);
}

#[test]
fn source_function_sink_keeps_foreign_files_byte_for_byte() {
    let Some(kpt) = client("kpt", "kpt fn source and sink") else { return };
    let bench = Bench::new(&[("pkg/odd.yaml", ODD), ("pkg/plan.yaml", PLAN), ("pkg/sub/odd.yaml", ODD)]);
    let pipe = |program: &Path, target: &str| {
        let mut source = Command::new(&kpt)
            .args(["fn", "source"])
            .arg(bench.path("pkg"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut middle = Command::new(program)
            .stdin(source.stdout.take().unwrap())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let sink = Command::new(&kpt)
            .args(["fn", "sink"])
            .arg(bench.path(target))
            .stdin(middle.stdout.take().unwrap())
            .output()
            .unwrap();
        assert!(source.wait().unwrap().success() && middle.wait().unwrap().success());
        ok(&sink);
        bench.files(target)
    };
    // What kpt itself does to a file is none of ours.
    let plain = pipe(Path::new("cat"), "plain");
    let rendered = pipe(&program(), "rendered");
    for (name, text) in &plain {
        assert_eq!(rendered.get(name), Some(text), "{}", name.display());
    }
    assert_eq!(rendered.len(), plain.len() + 3);
}
