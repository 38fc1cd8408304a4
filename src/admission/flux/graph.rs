//! The order of a bring-up as a graph: what waits for what, and where it lands.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::Value;

use super::world::{Content, Delivered, World, depends_on};

mod layout;
mod svg;
mod text;

pub use svg::svg;
pub use text::{dot, mermaid};

/// Where the result of a node lands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// On the management cluster.
    Hub,
    /// On the workload cluster.
    Workload,
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// The workload cluster's API, which exists once Cluster API has brought the control plane up.
    Api,
    /// A Flux Kustomization.
    Kustomization,
    /// A HelmRelease that is rendered on its own.
    HelmRelease,
}

/// A step of the bring-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The cluster that it belongs to: the hub namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where its result lands.
    pub side: Side,
    /// What is in it: the HelmReleases of a stage, with what each waits for inside.
    pub content: Vec<String>,
}

/// Why one waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Nothing can be sent before the API is there.
    Kubeconfig,
    /// `dependsOn`.
    DependsOn,
    /// `healthChecks`: a gate reads the other's health.
    Health,
}

/// One waits for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// What comes first: a position among the nodes.
    pub from: usize,
    /// What waits.
    pub to: usize,
    /// Why.
    pub why: Why,
}

/// The graph.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// The steps.
    pub nodes: Vec<Node>,
    /// Who waits for whom.
    pub edges: Vec<Edge>,
}

impl Graph {
    /// The graph of everything in a world.
    #[must_use]
    pub fn new(world: &World<'_>) -> Self {
        let mut graph = Self::default();
        let mut kustomizations: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut releases: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for cluster in world.objects.of("cluster.x-k8s.io", "Cluster") {
            graph.nodes.push(Node {
                kind: NodeKind::Api,
                namespace: cluster.id.namespace.clone().unwrap_or_default(),
                name: cluster.id.name.clone(),
                side: Side::Workload,
                content: vec!["control plane, kubeconfig".to_owned()],
            });
        }
        for (release, delivery) in world.releases() {
            if delivery.is_some() {
                continue;
            }
            let namespace = release.id.namespace.as_deref().unwrap_or_default();
            releases.insert((namespace, &release.id.name), graph.nodes.len());
            let remote = release.at("spec.kubeConfig").is_some();
            let chart = release.text("spec.chart.spec.chart").or_else(|| release.text("spec.chartRef.name"));
            let version = release.text("spec.chart.spec.version").unwrap_or_default();
            graph.nodes.push(Node {
                kind: NodeKind::HelmRelease,
                namespace: namespace.to_owned(),
                name: release.id.name.clone(),
                side: if remote { Side::Workload } else { Side::Hub },
                content: chart
                    .map(|chart| format!("{chart} {version}").trim().to_owned())
                    .into_iter()
                    .collect(),
            });
        }
        for delivery in &world.deliveries {
            let own = delivery.kustomization;
            kustomizations.insert((own.namespace(), own.name()), graph.nodes.len());
            let inside = in_order(delivery.objects());
            let content = if inside.is_empty() {
                summary(delivery.content())
            } else {
                inside
                    .iter()
                    .map(|delivered| {
                        let after: Vec<&str> =
                            depends_on(&delivered.object).into_iter().map(|(_, _, name)| name).collect();
                        let name = &delivered.object.id.name;
                        if after.is_empty() {
                            name.clone()
                        } else {
                            format!("{name} after {}", after.join(", "))
                        }
                    })
                    .collect()
            };
            let sends = inside.iter().any(|delivered| delivered.object.at("spec.kubeConfig").is_some());
            graph.nodes.push(Node {
                kind: NodeKind::Kustomization,
                namespace: own.namespace().to_owned(),
                name: own.name().to_owned(),
                side: if own.is_remote() || sends { Side::Workload } else { Side::Hub },
                content,
            });
        }
        let mut edges = Vec::new();
        for (release, delivery) in world.releases() {
            let Some(to) = releases.get(&key(release)).filter(|_| delivery.is_none()) else { continue };
            for (_, namespace, name) in depends_on(release) {
                edges.extend(releases.get(&(namespace, name)).map(|from| Edge {
                    from: *from,
                    to: *to,
                    why: Why::DependsOn,
                }));
            }
        }
        for delivery in &world.deliveries {
            let own = delivery.kustomization;
            let Some(to) = kustomizations.get(&(own.namespace(), own.name())) else { continue };
            for (_, namespace, name) in own.depends_on() {
                edges.extend(kustomizations.get(&(namespace, name)).map(|from| Edge {
                    from: *from,
                    to: *to,
                    why: Why::DependsOn,
                }));
            }
            for check in own.health_checks() {
                let text = |key: &str| check.get(key).and_then(Value::as_str).unwrap_or_default();
                let target = match text("kind") {
                    "HelmRelease" => releases.get(&(text("namespace"), text("name"))),
                    "Kustomization" => kustomizations.get(&(text("namespace"), text("name"))),
                    _ => None,
                };
                edges.extend(target.map(|from| Edge { from: *from, to: *to, why: Why::Health }));
            }
        }
        graph.edges = edges;
        graph.start_at_the_api();
        graph
    }

    /// Whatever goes to the cluster and waits for nothing else waits for its API.
    fn start_at_the_api(&mut self) {
        let waiting: BTreeSet<usize> = self.edges.iter().map(|edge| edge.to).collect();
        for (to, node) in self.nodes.iter().enumerate() {
            if node.kind == NodeKind::Api || node.side == Side::Hub || waiting.contains(&to) {
                continue;
            }
            let api = self
                .nodes
                .iter()
                .position(|other| other.kind == NodeKind::Api && other.namespace == node.namespace);
            self.edges.extend(api.map(|from| Edge { from, to, why: Why::Kubeconfig }));
        }
    }

    /// Adds another graph beside this one.
    pub fn extend(&mut self, other: Self) {
        let first = self.nodes.len();
        self.nodes.extend(other.nodes);
        let moved = |edge: Edge| Edge { from: edge.from + first, to: edge.to + first, ..edge };
        self.edges.extend(other.edges.into_iter().map(moved));
    }

    /// The part of one hub namespace.
    #[must_use]
    pub fn of(&self, namespace: &str) -> Self {
        let kept: Vec<usize> =
            (0..self.nodes.len()).filter(|position| self.nodes[*position].namespace == namespace).collect();
        let new = |old: usize| kept.iter().position(|position| *position == old);
        Self {
            nodes: kept.iter().map(|position| self.nodes[*position].clone()).collect(),
            edges: self
                .edges
                .iter()
                .filter_map(|edge| Some(Edge { from: new(edge.from)?, to: new(edge.to)?, ..*edge }))
                .collect(),
        }
    }

    /// The hub namespaces, in the order of their nodes.
    #[must_use]
    pub fn namespaces(&self) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for node in &self.nodes {
            if !out.contains(&&*node.namespace) {
                out.push(&node.namespace);
            }
        }
        out
    }

    /// The same without edges that follow from others: who waits for the second waits for the first.
    #[must_use]
    pub fn reduced(&self) -> Self {
        let mut next: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); self.nodes.len()];
        for edge in &self.edges {
            next[edge.from].insert(edge.to);
        }
        let reaches = |from: usize, to: usize| {
            let mut open: Vec<usize> = next[from].iter().copied().filter(|other| *other != to).collect();
            let mut seen = BTreeSet::new();
            while let Some(node) = open.pop() {
                if node == to {
                    return true;
                }
                if seen.insert(node) {
                    open.extend(&next[node]);
                }
            }
            false
        };
        let edges = self.edges.iter().copied().filter(|edge| !reaches(edge.from, edge.to)).collect();
        Self { nodes: self.nodes.clone(), edges }
    }
}

/// The HelmReleases of a stage, each behind those that it waits for.
fn in_order(objects: &[Arc<Delivered>]) -> Vec<&Delivered> {
    let mut left: Vec<&Delivered> = objects
        .iter()
        .map(Arc::as_ref)
        .filter(|delivered| delivered.object.id.kind == "HelmRelease")
        .collect();
    let mut out: Vec<&Delivered> = Vec::new();
    while !left.is_empty() {
        let waits = |delivered: &&Delivered| {
            depends_on(&delivered.object)
                .into_iter()
                .any(|(_, _, name)| left.iter().any(|other| other.object.id.name == name))
        };
        // In a circle, which is another finding, the first one is as good as any.
        let next = left.iter().position(|delivered| !waits(delivered)).unwrap_or(0);
        out.push(left.remove(next));
    }
    out
}

fn key(object: &crate::admission::Object) -> (&str, &str) {
    (object.id.namespace.as_deref().unwrap_or_default(), &object.id.name)
}

/// The kinds of what a Kustomization applies, for instance `2 Namespace, 1 GatewayClass`.
fn summary(content: &Content) -> Vec<String> {
    match content {
        Content::Foreign => vec!["from its own source".to_owned()],
        Content::Missing => vec!["not there".to_owned()],
        Content::Objects(objects) => {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for delivered in objects {
                *counts.entry(&delivered.object.id.kind).or_default() += 1;
            }
            let one = |(kind, count): (&&str, &usize)| {
                if *count == 1 { (*kind).to_owned() } else { format!("{count} {kind}") }
            };
            counts.iter().map(one).collect()
        }
    }
}
