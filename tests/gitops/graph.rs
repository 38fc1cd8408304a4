//! The graph in its three forms.

use infraflux::admission::flux::{
    World,
    graph::{Graph, NodeKind, Side, dot, mermaid, svg},
};

use crate::{
    common::infraflux as program,
    world::{folders, objects, plan, providers, render, repository},
};

fn graph(plans: &str) -> Graph {
    let mut whole = Graph::default();
    for cluster in render(plans) {
        let objects = objects(&cluster);
        whole.extend(Graph::new(&World::new(&objects, folders(), repository(&cluster))));
    }
    whole
}

#[test]
fn forms() {
    let small = graph(
        "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec: {provider: proxmox, recipes: [base]}\n",
    )
    .reduced();
    insta::assert_snapshot!("mermaid", mermaid(&small));
    insta::assert_snapshot!("dot", dot(&small));
    insta::assert_snapshot!("svg", svg(&small));
}

#[test]
fn it_starts_at_the_api_and_has_no_circle() {
    for provider in providers() {
        let whole = graph(&plan(provider, "lab", ""));
        let reduced = whole.reduced();
        for (position, node) in whole.nodes.iter().enumerate() {
            let starts = !whole.edges.iter().any(|edge| edge.to == position);
            // Everything but the API waits for something.
            assert_eq!(starts, node.kind == NodeKind::Api, "{provider}: {}", node.name);
            // What is only implied is implied still.
            assert!(reaches(&reduced, 0, position), "{provider}: {}", node.name);
        }
        assert!(reduced.edges.len() < whole.edges.len());
        let on_the_hub: Vec<&str> =
            whole.nodes.iter().filter(|node| node.side == Side::Hub).map(|node| &*node.name).collect();
        assert_eq!(on_the_hub, ["cni"], "{provider}: gates alone stay on the hub");
    }
}

fn reaches(graph: &Graph, from: usize, to: usize) -> bool {
    let mut open = vec![from];
    let mut steps = 0;
    while let Some(node) = open.pop() {
        steps += 1;
        assert!(steps < 100_000, "a circle");
        if node == to {
            return true;
        }
        open.extend(graph.edges.iter().filter(|edge| edge.from == node).map(|edge| edge.to));
    }
    false
}

#[test]
fn the_command_draws_and_writes_nothing() {
    let folder = tempfile::TempDir::new().unwrap();
    for (form, start) in
        [("mermaid", "flowchart LR\n"), ("dot", "digraph bringup {\n"), ("svg", "<svg xmlns=")]
    {
        let output =
            program::run(folder.path(), &["graph", "--provider", "proxmox", "--name", "lab", "--as", form]);
        let (stdout, stderr) = program::texts(&output);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(stdout.starts_with(start), "{form}: {stdout}");
    }
    let wrong = program::run(folder.path(), &["graph", "--provider", "proxmox", "--name", "Lab"]);
    assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(2), 0));
    assert!(program::tree(folder.path()).is_empty());
}

/// The picture of docs/gitops.md is what the program draws.
#[test]
fn the_picture_in_the_docs_is_current() {
    let plans = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\nspec: {provider: proxmox, recipes: [base, observability]}\n";
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bring-up.svg");
    let drawn = svg(&graph(plans).reduced());
    assert!(
        std::fs::read_to_string(&file).is_ok_and(|text| text == drawn),
        "write it again: infraflux graph --provider proxmox --name lab --recipes base,observability --as svg > {}",
        file.display()
    );
}
