//! Taking a cluster away: every object has its step, and nothing is touched that is not the cluster's.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Output},
};

use infraflux::management::decommission;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    common::{
        clients,
        infraflux::{cluster_objects, run, texts, tree},
    },
    documents,
};

const PROVIDERS: [&str; 4] = ["aws", "azure", "gcp", "proxmox"];

fn succeed(output: &Output) {
    assert!(output.status.success(), "{}\n{}", texts(output).0, texts(output).1);
}

fn two_clusters(provider: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in ["lab", "other"] {
        let flags = ["up", "--provider", provider, "--name", name, "--recipes", "base,observability,data"];
        succeed(&run(folder.path(), &flags));
    }
    folder
}

fn identity(object: &Value) -> (String, String, String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    (
        text(&object["apiVersion"]),
        text(&object["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"]),
    )
}

fn list(folder: &Path, path: &str) -> Vec<(String, String, String, String)> {
    documents(&fs::read_to_string(folder.join("decommission/lab").join(path)).unwrap())
        .iter()
        .map(identity)
        .collect()
}

#[test]
fn every_object_has_exactly_one_step() {
    for provider in PROVIDERS {
        let folder = two_clusters(provider);
        succeed(&run(folder.path(), &["destroy", "--name", "lab"]));
        let rendered: BTreeSet<_> =
            cluster_objects(&folder.path().join("out/lab")).values().map(identity).collect();
        let all: BTreeSet<_> = list(folder.path(), "objects.yaml").into_iter().collect();
        assert_eq!(all, rendered, "{provider}: what the sync lets go of");

        let cluster = list(folder.path(), "cluster.yaml");
        assert_eq!(cluster.len(), 1);
        assert_eq!((&*cluster[0].1, &*cluster[0].3), ("Cluster", "lab"));
        let namespace = list(folder.path(), "namespace.yaml");
        assert_eq!((namespace.len(), &*namespace[0].1), (1, "Namespace"), "{provider}");
        let leftovers = list(folder.path(), "leftovers.yaml");
        let suspended: BTreeSet<_> = list(folder.path(), "kustomizations.yaml").into_iter().collect();
        let kustomizations: BTreeSet<_> =
            rendered.iter().filter(|object| object.1 == "Kustomization").cloned().collect();
        assert_eq!(suspended, kustomizations, "{provider}: each one that delivers is suspended");

        // What no list deletes goes with the Cluster.
        let named: BTreeSet<_> = cluster.iter().chain(&namespace).chain(&leftovers).cloned().collect();
        let by_itself: BTreeSet<&str> = rendered.difference(&named).map(|object| object.1.as_str()).collect();
        for kind in &by_itself {
            assert!(
                ["TalosControlPlane", "MachineDeployment", "MachineHealthCheck"].contains(kind)
                    || kind.ends_with("Cluster"),
                "{provider}: nobody deletes {kind}"
            );
        }
        assert_eq!(named.len(), cluster.len() + namespace.len() + leftovers.len(), "{provider}: named twice");
        // Templates must outlive the machines that were cloned from them.
        assert!(leftovers.iter().any(|object| object.1.ends_with("MachineTemplate")), "{provider}");
        assert!(!by_itself.iter().any(|kind| kind.ends_with("Template")), "{provider}");
        // Nothing of the other cluster.
        assert!(named.iter().all(|object| object.2 == "lab" || object.1 == "Namespace"), "{provider}");
    }
}

#[test]
fn from_the_plan_or_from_the_folder_it_is_the_same() {
    let folder = TempDir::new().unwrap();
    fs::write(
        folder.path().join("plan.yaml"),
        "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec: {provider: aws, namespace: fleet-lab}\n",
    )
    .unwrap();
    succeed(&run(folder.path(), &["up", "-f", "plan.yaml"]));
    succeed(&run(folder.path(), &["destroy", "--name", "lab"]));
    succeed(&run(folder.path(), &["destroy", "--name", "lab", "--file", "plan.yaml", "--to", "from-plan"]));
    let sorted = |path: &str| -> BTreeSet<_> {
        documents(&fs::read_to_string(folder.path().join(path)).unwrap()).iter().map(identity).collect()
    };
    for file in ["objects.yaml", "kustomizations.yaml", "cluster.yaml", "leftovers.yaml", "namespace.yaml"] {
        assert_eq!(
            sorted(&format!("decommission/lab/{file}")),
            sorted(&format!("from-plan/lab/{file}")),
            "{file}"
        );
    }
    let text = fs::read_to_string(folder.path().join("decommission/lab/DECOMMISSION.md")).unwrap();
    assert!(text.contains("--namespace fleet-lab") && text.contains("--region eu-central-1"), "{text}");
    let printed = run(folder.path(), &["destroy", "--name", "lab", "--print"]);
    succeed(&printed);
    assert_eq!(texts(&printed).0, text);
}

#[test]
fn removing_takes_the_cluster_out_of_the_sync_and_nothing_else() {
    for kubectl in clients::kubectls("building out/ after a cluster was removed") {
        let folder = two_clusters("proxmox");
        let mine = folder.path().join("out/lab/notes.md");
        fs::write(&mine, "mine").unwrap();
        let other = tree(&folder.path().join("out/other"));
        succeed(&run(folder.path(), &["destroy", "--name", "lab", "--dry-run", "--remove"]));
        assert!(!folder.path().join("decommission").exists(), "a dry run wrote something");
        succeed(&run(folder.path(), &["destroy", "--name", "lab", "--remove"]));
        let index = fs::read_to_string(folder.path().join("out/kustomization.yaml")).unwrap();
        assert!(!index.contains("./lab\n") && index.contains("./other\n"), "{index}");
        assert!(!index.contains("decommission"), "{index}");
        assert_eq!(tree(&folder.path().join("out/other")), other);
        // A user's own file is never removed.
        assert_eq!(fs::read_to_string(&mine).unwrap(), "mine");
        assert!(!folder.path().join("out/lab/kustomization.yaml").exists());
        assert!(folder.path().join("decommission/lab/DECOMMISSION.md").exists());
        assert!(
            !folder.path().join("decommission/kustomization.yaml").exists(),
            "nothing applies that folder"
        );
        let built =
            Command::new(&kubectl).args(["kustomize", "out"]).current_dir(folder.path()).output().unwrap();
        succeed(&built);
        // Once it is out, only the plan knows the cluster.
        let again = run(folder.path(), &["destroy", "--name", "lab"]);
        assert_eq!(again.status.code(), Some(1));
        assert!(texts(&again).1.contains("IF1344"), "{}", texts(&again).1);
    }
}

#[test]
fn kubectl_takes_the_lists() {
    for kubectl in clients::kubectls("lists of objects to take away") {
        let folder = two_clusters("aws");
        succeed(&run(folder.path(), &["destroy", "--name", "lab"]));
        let local = |arguments: &[&str], file: &str| -> usize {
            let path = format!("decommission/lab/{file}");
            let output = Command::new(&kubectl)
                .args(arguments)
                .args(["--local", "--filename", &path, "--output", "name"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            succeed(&output);
            texts(&output).0.lines().count()
        };
        let annotate = ["annotate", "--overwrite", "kustomize.toolkit.fluxcd.io/reconcile=disabled"];
        for file in ["objects.yaml", "cluster.yaml", "leftovers.yaml", "namespace.yaml"] {
            assert_eq!(local(&annotate, file), list(folder.path(), file).len(), "{file}");
        }
        let patch = ["patch", "--type=merge", "--patch", r#"{"spec":{"suspend":true}}"#];
        assert_eq!(local(&patch, "kustomizations.yaml"), list(folder.path(), "kustomizations.yaml").len());
    }
}

#[test]
fn bundles_go_in_the_reverse_order_of_their_coming() {
    let kustomization = |name: &str, recipe: &str, needs: &[&str], remote: bool| {
        let mut object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "lab", "labels": {"infraflux.io/recipe": recipe}},
            "spec": {"dependsOn": needs.iter().map(|need| json!({"name": need})).collect::<Vec<_>>()},
        });
        if remote {
            object["spec"]["kubeConfig"] = json!({"secretRef": {"name": "lab-kubeconfig"}});
        }
        object
    };
    let mut objects = vec![
        json!({
            "apiVersion": "cluster.x-k8s.io/v1beta2", "kind": "Cluster", "metadata": {"name": "lab", "namespace": "lab"},
            "spec": {"infrastructureRef": {"kind": "GCPCluster", "name": "lab"},
                     "controlPlaneRef": {"kind": "TalosControlPlane", "name": "lab-control-plane"}},
        }),
        kustomization("base-releases", "base", &[], false),
        kustomization("b-prereqs", "b", &["base-releases"], true),
        kustomization("b-releases", "b", &["b-prereqs"], false),
        kustomization("a-prereqs", "a", &["b-releases"], true),
        kustomization("a-releases", "a", &["a-prereqs"], false),
        // Two that wait for each other are refused elsewhere; here they must not hang.
        kustomization("x-releases", "x", &["y-releases"], false),
        kustomization("y-releases", "y", &["x-releases"], false),
    ];
    let order = decommission::sort("lab", &objects).unwrap();
    assert_eq!(order.releases[..2], ["a-releases", "b-releases"]);
    assert_eq!(order.releases.len(), 4);
    assert_eq!(order.kustomizations.len(), 7);

    objects[0]["spec"]["infrastructureRef"]["kind"] = json!("ToasterCluster");
    assert!(decommission::sort("lab", &objects).is_err());
    assert!(decommission::sort("other", &objects).is_err());
}

#[test]
fn the_document_is_what_somebody_read() {
    for provider in PROVIDERS {
        let folder = two_clusters(provider);
        let output = run(folder.path(), &["destroy", "--name", "lab", "--print"]);
        succeed(&output);
        let text = texts(&output).0;
        if provider == "proxmox" {
            insta::assert_snapshot!("decommission", text);
            continue;
        }
        // Of the others, what the provider keeps.
        let start = text.find("What is left at").expect("the provider's step");
        let end = text[start..].find("\n## ").map_or(text.len(), |end| start + end);
        insta::assert_snapshot!(format!("decommission_{provider}"), &text[start..end]);
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    let folder = TempDir::new().unwrap();
    for name in ["../x", "a/../../b", "", "management"] {
        let output = run(folder.path(), &["destroy", "--name", name]);
        assert_ne!(output.status.code(), Some(0), "{name}");
        assert!(tree(folder.path()).is_empty(), "{name}");
    }
}
