//! The program under test.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

/// A call of the program in a folder, without the settings of whoever runs the tests.
pub fn infraflux(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_infraflux"));
    command.current_dir(folder);
    for variable in ["INFRAFLUX_CATALOG", "INFRAFLUX_MAX_INPUT_MIB", "KUSTOMIZE_PLUGIN_CONFIG_ROOT"] {
        command.env_remove(variable);
    }
    command
}

/// Runs the program with arguments.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    infraflux(folder).args(arguments).output().expect("the program starts")
}

/// Runs the program with arguments and bytes on standard input.
pub fn feed(folder: &Path, arguments: &[&str], bytes: impl AsRef<[u8]>) -> Output {
    let mut child = infraflux(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The program may stop reading early; a closed pipe is its right.
    let _ = child.stdin.take().expect("a pipe").write_all(bytes.as_ref());
    child.wait_with_output().expect("the program ends")
}

/// stdout and stderr as text.
pub fn texts(output: &Output) -> (String, String) {
    (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// Every file below a folder with its content.
pub fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, out: &mut BTreeMap<String, Vec<u8>>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(root, &path, out);
            } else {
                let name = path.strip_prefix(root).expect("below the root").display().to_string();
                out.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    let mut out = BTreeMap::new();
    walk(folder, folder, &mut out);
    out
}

/// The objects of a YAML stream by `apiVersion kind namespace/name`, without the annotations that clients add for
/// themselves.
pub fn objects(stream: &str) -> BTreeMap<String, serde_json::Value> {
    use serde::Deserialize as _;
    let mut out = BTreeMap::new();
    for document in serde_yaml::Deserializer::from_str(stream) {
        let mut value = serde_json::Value::deserialize(document).expect("YAML");
        if value.is_null() {
            continue;
        }
        if let Some(annotations) =
            value.pointer_mut("/metadata/annotations").and_then(serde_json::Value::as_object_mut)
        {
            annotations
                .retain(|key, _| !key.contains("config.kubernetes.io/") && !key.contains("config.k8s.io/"));
        }
        let text =
            |pointer: &str| value.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default();
        let key = format!(
            "{} {} {}/{}",
            text("/apiVersion"),
            text("/kind"),
            text("/metadata/namespace"),
            text("/metadata/name")
        );
        assert!(out.insert(key.clone(), value).is_none(), "{key} is there twice");
    }
    out
}

/// The objects in all YAML files that a cluster's kustomization lists.
pub fn cluster_objects(folder: &Path) -> BTreeMap<String, serde_json::Value> {
    let kustomization = fs::read_to_string(folder.join("kustomization.yaml")).expect("a kustomization");
    let kustomization: serde_json::Value = serde_yaml::from_str(&kustomization).expect("YAML");
    let mut out = BTreeMap::new();
    for resource in kustomization["resources"].as_array().expect("resources") {
        let text =
            fs::read_to_string(folder.join(resource.as_str().expect("a path"))).expect("a listed file");
        out.extend(objects(&text));
    }
    out
}
