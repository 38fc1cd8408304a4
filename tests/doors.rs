//! Every door with its real client, on the folders of `examples/`: the objects are always the command line's.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use common::{
    clients::{client, kubectls},
    infraflux::{cluster_objects, feed, infraflux, objects, run, texts, tree},
};
use serde_json::Value;
use tempfile::TempDir;

/// A copy of an example, and a folder with the program for PATH.
struct Example {
    folder: TempDir,
}

impl Example {
    fn new(name: &str) -> Self {
        let example = Self { folder: TempDir::new().unwrap() };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
        for (path, bytes) in tree(&source) {
            let target = example.path("work").join(path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, bytes).unwrap();
        }
        fs::create_dir_all(example.path("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_infraflux"), example.path("bin/infraflux")).unwrap();
        fs::create_dir_all(example.path("home/plugins")).unwrap();
        example
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A client that finds the program on PATH and its plugins in a home of its own.
    fn client(&self, program: &Path) -> Command {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path =
            std::env::join_paths(std::iter::once(self.path("bin")).chain(std::env::split_paths(&path)))
                .unwrap();
        let mut command = Command::new(program);
        command
            .current_dir(self.path("work"))
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("KUSTOMIZE_PLUGIN_HOME", self.path("home/plugins"))
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("INFRAFLUX_CATALOG");
        command
    }

    fn install_plugin(&self) {
        let output = self
            .client(Path::new(env!("CARGO_BIN_EXE_infraflux")))
            .args(["plugin", "install"])
            .output()
            .unwrap();
        ok(&output);
    }

    /// The objects that `up` writes for a plan of the example.
    fn expected(&self, plan: &str) -> BTreeMap<String, Value> {
        let out = TempDir::new().unwrap();
        let plan = self.path("work").join(plan);
        let output = run(out.path(), &["up", "-f", plan.to_str().unwrap()]);
        ok(&output);
        cluster_objects(&out.path().join("out/example-lab"))
    }

    /// The objects that a client wrote below the package.
    fn written(&self, folder: &str) -> BTreeMap<String, Value> {
        tree(&self.path("work").join(folder))
            .into_values()
            .flat_map(|bytes| objects(&String::from_utf8(bytes).unwrap()))
            .collect()
    }
}

fn ok(output: &Output) -> String {
    let (stdout, stderr) = texts(output);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    stdout
}

fn assert_same(found: &BTreeMap<String, Value>, expected: &BTreeMap<String, Value>, door: &str) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{door}");
    for (key, value) in expected {
        assert_eq!(&found[key], value, "{door}: {key}");
    }
}

/// What a foreign file may hold.
const FOREIGN: &str = "\
# a comment at the top
apiVersion: v1
kind: ConfigMap
metadata: # why
  name: foreign
data:
  octal: \"0o7\"
  version: '1.30' # kept
  equals: \"=\"
  text: |
    one
     two
  # at the end
";

#[test]
fn the_command_line_on_the_standalone_example() {
    let example = Example::new("standalone");
    assert!(example.expected("plan.yaml").len() > 10);
}

#[test]
fn kubectl_with_the_legacy_plugin_as_generator() {
    for kubectl in kubectls("the legacy plugin as generator") {
        let example = Example::new("kustomize-legacy-plugin");
        example.install_plugin();
        let output =
            example.client(&kubectl).args(["kustomize", "--enable-alpha-plugins", "."]).output().unwrap();
        assert_same(&objects(&ok(&output)), &example.expected("cluster.yaml"), "generator");
    }
}

#[test]
fn kubectl_with_the_legacy_plugin_as_transformer() {
    for kubectl in kubectls("the legacy plugin as transformer") {
        let example = Example::new("kustomize-legacy-plugin");
        example.install_plugin();
        fs::write(example.path("work/foreign.yaml"), FOREIGN).unwrap();
        fs::write(
            example.path("work/kustomization.yaml"),
            "resources: [foreign.yaml]\ntransformers: [cluster.yaml]\n",
        )
        .unwrap();
        let output =
            example.client(&kubectl).args(["kustomize", "--enable-alpha-plugins", "."]).output().unwrap();
        let mut found = objects(&ok(&output));
        let foreign = found.remove("v1 ConfigMap /foreign").expect("the foreign object passes through");
        assert_eq!(foreign["data"]["octal"], "0o7");
        assert_eq!(foreign["data"]["version"], "1.30");
        assert_same(&found, &example.expected("cluster.yaml"), "transformer");
    }
}

#[test]
fn kustomize_with_the_exec_function() {
    let Some(kustomize) = client("kustomize", "the exec function") else { return };
    let example = Example::new("kustomize-function");
    let output = example
        .client(&kustomize)
        .args(["build", "--enable-alpha-plugins", "--enable-exec", "."])
        .output()
        .unwrap();
    assert_same(&objects(&ok(&output)), &example.expected("cluster.yaml"), "exec function");
}

#[test]
fn kpt_renders_the_package_and_a_second_time_changes_nothing() {
    let Some(kpt) = client("kpt", "kpt fn render") else { return };
    let example = Example::new("kpt-package");
    fs::write(example.path("work/foreign.yaml"), FOREIGN).unwrap();
    let render = || ok(&example.client(&kpt).args(["fn", "render", "--allow-exec", "."]).output().unwrap());
    render();
    let first = tree(&example.path("work"));
    assert_eq!(first["foreign.yaml"], FOREIGN.as_bytes());
    assert_same(&example.written("example-lab"), &example.expected("plan.yaml"), "kpt fn render");
    render();
    assert_eq!(tree(&example.path("work")), first, "the second run changed something");

    // A pool less in the plan, and its file goes; nothing else moves.
    let plan = fs::read_to_string(example.path("work/plan.yaml")).unwrap();
    fs::write(example.path("work/plan.yaml"), format!("{plan}  workers: []\n")).unwrap();
    render();
    assert!(!example.path("work/example-lab/cluster/workers-default.yaml").exists());
    assert_same(&example.written("example-lab"), &example.expected("plan.yaml"), "kpt fn render, smaller");
}

#[test]
fn kpt_evaluates_with_values_and_with_a_configuration_file() {
    let Some(kpt) = client("kpt", "kpt fn eval") else { return };
    let example = Example::new("kpt-package");
    let package = example.path("work/empty");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("foreign.yaml"), FOREIGN).unwrap();
    let values = ["provider=proxmox", "name=lab", "workers=3", "recipes=base,security"];
    let output = example
        .client(&kpt)
        .args(["fn", "eval", "empty", "--exec", "infraflux", "--"])
        .args(values)
        .output()
        .unwrap();
    ok(&output);
    let out = TempDir::new().unwrap();
    let arguments =
        ["up", "--provider", "proxmox", "--name", "lab", "--workers", "3", "--recipes", "base,security"];
    ok(&run(out.path(), &arguments));
    assert_same(
        &example.written("empty/lab"),
        &cluster_objects(&out.path().join("out/lab")),
        "kpt fn eval -- k=v",
    );
    assert_eq!(fs::read_to_string(package.join("foreign.yaml")).unwrap(), FOREIGN);

    let output = example
        .client(&kpt)
        .args(["fn", "eval", "empty", "--exec", "infraflux", "--fn-config", "plan.yaml"])
        .output()
        .unwrap();
    ok(&output);
    assert_same(
        &example.written("empty/example-lab"),
        &example.expected("plan.yaml"),
        "kpt fn eval --fn-config",
    );

    let wrong = example
        .client(&kpt)
        .args(["fn", "eval", "empty", "--exec", "infraflux", "--", "provider=proxmox", "nmae=lab"])
        .output()
        .unwrap();
    assert!(!wrong.status.success());
    let (stdout, stderr) = texts(&wrong);
    assert!(format!("{stdout}{stderr}").contains("did you mean `name`"), "{stdout}{stderr}");
}

#[test]
fn source_function_sink_keeps_foreign_files() {
    let Some(kpt) = client("kpt", "kpt fn source and sink") else { return };
    let example = Example::new("kpt-package");
    let package = example.path("work/package");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("foreign.yaml"), FOREIGN).unwrap();
    let source =
        example.client(&kpt).args(["fn", "source", "package", "--fn-config", "plan.yaml"]).output().unwrap();
    let list = ok(&source);
    let answer = ok(&feed(&example.path("work"), &[], list));
    let mut sink = example.client(&kpt).args(["fn", "sink", "new"]).stdin(Stdio::piped()).spawn().unwrap();
    sink.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    assert!(sink.wait().unwrap().success());
    assert_eq!(fs::read_to_string(example.path("work/new/foreign.yaml")).unwrap(), FOREIGN);
    assert_same(
        &example.written("new/example-lab"),
        &example.expected("plan.yaml"),
        "source | infraflux | sink",
    );
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = TempDir::new().unwrap();
    let mut list = String::from("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n");
    for number in 0..20_000 {
        // Writing to a String cannot fail.
        let _ =
            writeln!(list, "  - apiVersion: v1\n    kind: ConfigMap\n    metadata:\n      name: c{number}");
    }
    let mut child = infraflux(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (_, stderr) = texts(&output);
    assert!(output.status.success() && !stderr.contains("panicked"), "{stderr}");
}
