//! The graph as Mermaid and as DOT, for other programs to draw.

use std::fmt::Write as _;

use super::{Graph, Node, NodeKind, Side, Why};

fn class(node: &Node) -> &'static str {
    match (node.kind, node.side) {
        (NodeKind::Api, _) => "api",
        (_, Side::Hub) => "hub",
        (_, Side::Workload) => "workload",
    }
}

/// What stands above a node's name.
pub(super) fn kind(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Api => "API of",
        NodeKind::Kustomization => "Kustomization",
        NodeKind::HelmRelease => "HelmRelease",
    }
}

/// A Mermaid flowchart, as GitHub and many wikis show it.
#[must_use]
pub fn mermaid(graph: &Graph) -> String {
    let quoted = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    let mut out = String::from("flowchart LR\n");
    for (number, namespace) in graph.namespaces().into_iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  subgraph s{number}[\"{}\"]", quoted(namespace));
        for (position, node) in graph.nodes.iter().enumerate() {
            if node.namespace == namespace {
                let mut label = format!("<small>{}</small><br/><b>{}</b>", kind(node), quoted(&node.name));
                for line in &node.content {
                    label.push_str("<br/>");
                    label.push_str(&quoted(line));
                }
                let _ = writeln!(out, "    n{position}[\"{label}\"]:::{}", class(node));
            }
        }
        out.push_str("  end\n");
    }
    for edge in &graph.edges {
        let arrow = match edge.why {
            Why::DependsOn => "-->",
            Why::Health => "-. health .->",
            Why::Kubeconfig => "-.->",
        };
        let _ = writeln!(out, "  n{} {arrow} n{}", edge.from, edge.to);
    }
    out.push_str(
        "  classDef hub fill:#f3f4f6,stroke:#6b7280,color:#111827\n  classDef workload fill:#e0f2fe,stroke:#0369a1,color:#111827\n  \
         classDef api fill:#fef3c7,stroke:#b45309,color:#111827\n",
    );
    out
}

/// A graph for Graphviz: `dot -Tsvg`.
#[must_use]
pub fn dot(graph: &Graph) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = String::from(
        "digraph bringup {\n  rankdir=LR;\n  fontname=\"sans-serif\";\n  \
         node [shape=box, style=\"filled,rounded\", fontname=\"sans-serif\", fontsize=11];\n",
    );
    for (number, namespace) in graph.namespaces().into_iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "  subgraph cluster_{number} {{\n    label=\"{}\";", quoted(namespace));
        for (position, node) in graph.nodes.iter().enumerate() {
            if node.namespace == namespace {
                let colours = match class(node) {
                    "api" => "fillcolor=\"#fef3c7\", color=\"#b45309\"",
                    "hub" => "fillcolor=\"#f3f4f6\", color=\"#6b7280\"",
                    _ => "fillcolor=\"#e0f2fe\", color=\"#0369a1\"",
                };
                let mut label = format!("{}\\n{}", kind(node), quoted(&node.name));
                for line in &node.content {
                    label.push_str("\\n");
                    label.push_str(&quoted(line));
                }
                let _ = writeln!(out, "    n{position} [label=\"{label}\", {colours}];");
            }
        }
        out.push_str("  }\n");
    }
    for edge in &graph.edges {
        let style = match edge.why {
            Why::DependsOn => "",
            Why::Health => " [style=dashed, label=\"health\", fontsize=9]",
            Why::Kubeconfig => " [style=dotted]",
        };
        let _ = writeln!(out, "  n{} -> n{}{style};", edge.from, edge.to);
    }
    out.push_str("}\n");
    out
}
