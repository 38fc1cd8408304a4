//! The bring-up of clusters, walked through as the controllers would do it.
//!
//! Round by round each controller does what it can: Cluster API brings the API up, helm-controller installs what its
//! dependencies, its namespace and its kinds allow, kustomize-controller applies what its dependencies allow and waits. It
//! ends when nothing moves any more, and says of everything that is not ready what it waits for.
//!
//! What charts bring and need is a table (`charts`); pods need a network and nodes without the taint of the cloud provider,
//! unless they run in the host's network. Time, images and the insides of charts are not simulated.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    folder::{is_built_in, is_cluster_scoped},
    world::{Content, Delivery, World, depends_on},
};
use crate::{admission::Object, finding::ObjectRef};

mod charts;

/// What is there without any controller, because a person brings it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    /// Secrets that readers on the workload cluster fail without: namespace, name, and who reads it.
    pub secrets: Vec<NeededSecret>,
    /// Nodes carry the taint of an external cloud provider until something takes it away.
    pub tainted: bool,
    /// The cluster's CNI comes with Talos and needs no release.
    pub own_cni: bool,
}

/// A Secret that somebody reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededSecret {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The HelmRelease whose pods do not start without it; empty when none waits.
    pub reader: String,
    /// Whether it is there.
    pub there: bool,
}

/// How a bring-up went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What became ready, with the round.
    pub ready: Vec<(usize, ObjectRef)>,
    /// What never did, and why.
    pub stuck: Vec<(ObjectRef, String)>,
}

/// The namespaces that every cluster has.
const FIRST_NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// Brings the cluster of a world up. The world must be that of one cluster.
#[must_use]
pub fn run(world: &World<'_>, given: &Given) -> Outcome {
    let mut simulation = Simulation::new(world, given);
    for round in 1..=simulation.limit() {
        simulation.round = round;
        if !simulation.step() {
            break;
        }
    }
    simulation.outcome()
}

/// A Kustomization or HelmRelease: kind, namespace and name.
type Key<'set> = (&'set str, &'set str, &'set str);

#[expect(clippy::struct_excessive_bools, reason = "each is a state of the cluster that others wait for")]
struct Simulation<'world, 'set> {
    world: &'world World<'set>,
    given: &'world Given,
    round: usize,
    ready: BTreeMap<Key<'world>, usize>,
    /// HelmReleases whose objects are on the cluster, ready or not.
    installed: BTreeSet<Key<'world>>,
    /// Kustomizations that applied everything.
    applied: BTreeSet<Key<'world>>,
    why: BTreeMap<Key<'world>, String>,
    api: bool,
    namespaces: BTreeSet<String>,
    groups: BTreeSet<String>,
    nodes_ready: bool,
    initialized: bool,
    storage_class: bool,
}

fn key(object: &Object) -> Key<'_> {
    (&object.id.kind, object.id.namespace.as_deref().unwrap_or_default(), &object.id.name)
}

impl<'world, 'set> Simulation<'world, 'set> {
    fn new(world: &'world World<'set>, given: &'world Given) -> Self {
        Self {
            world,
            given,
            round: 0,
            ready: BTreeMap::new(),
            installed: BTreeSet::new(),
            applied: BTreeSet::new(),
            why: BTreeMap::new(),
            api: false,
            namespaces: FIRST_NAMESPACES.map(str::to_owned).into(),
            groups: BTreeSet::new(),
            nodes_ready: false,
            initialized: !given.tainted,
            storage_class: false,
        }
    }

    /// More rounds than there are things cannot be needed.
    fn limit(&self) -> usize {
        self.world.deliveries.len() + self.world.releases().len() + 8
    }

    /// One round; whether anything changed.
    fn step(&mut self) -> bool {
        let before = (
            self.ready.len(),
            self.installed.len(),
            self.applied.len(),
            self.namespaces.len(),
            self.groups.len(),
            self.api,
            self.nodes_ready,
            self.initialized,
        );
        self.control_plane();
        for (release, delivery) in self.world.releases() {
            // One that a Kustomization delivers is there once that applied.
            let there =
                delivery.is_none_or(|delivery| self.applied.contains(&key(delivery.kustomization.object)));
            if there && !self.ready.contains_key(&key(release)) {
                self.release(release);
            }
        }
        let world = self.world;
        for delivery in &world.deliveries {
            if !self.ready.contains_key(&key(delivery.kustomization.object)) {
                self.kustomization(delivery);
            }
        }
        before
            != (
                self.ready.len(),
                self.installed.len(),
                self.applied.len(),
                self.namespaces.len(),
                self.groups.len(),
                self.api,
                self.nodes_ready,
                self.initialized,
            )
    }

    /// The control plane answers, and its kubeconfig is there, once all parts of the Cluster are on the hub.
    fn control_plane(&mut self) {
        let objects = self.world.objects;
        self.api = objects.of("cluster.x-k8s.io", "Cluster").next().is_some_and(|cluster| {
            ["spec.controlPlaneRef", "spec.infrastructureRef"].iter().all(|path| {
                let text = |key: &str| cluster.text(&format!("{path}.{key}"));
                objects.iter().any(|object| {
                    text("kind") == Some(&object.id.kind)
                        && text("name") == Some(&object.id.name)
                        && object.id.namespace == cluster.id.namespace
                })
            })
        });
        // Talos' own CNI is there with the nodes.
        if self.api && self.given.own_cni {
            self.nodes_ready = true;
        }
    }

    fn wait(&mut self, who: Key<'world>, why: impl Into<String>) {
        self.why.insert(who, why.into());
    }

    /// Whether the kubeconfig is there that an object names.
    fn reachable(&self, object: &Object) -> bool {
        let cluster = self.world.cluster_in(object.id.namespace.as_deref().unwrap_or_default());
        let wanted = object.text("spec.kubeConfig.secretRef.name");
        self.api && cluster.is_some_and(|cluster| wanted == Some(&*format!("{cluster}-kubeconfig")))
    }

    fn release(&mut self, release: &'world Object) {
        let who = key(release);
        if release.at("spec.kubeConfig").is_none() {
            return self.wait(who, "it has no kubeConfig and would be installed on the hub");
        }
        if !self.reachable(release) {
            return self
                .wait(who, "its kubeconfig is not there: the control plane is not up, or the name is wrong");
        }
        for (_, namespace, name) in depends_on(release) {
            if !self.ready.contains_key(&("HelmRelease", namespace, name)) {
                let state = self.missing_or_unready("HelmRelease", namespace, name);
                return self
                    .wait(who, format!("it depends on the HelmRelease `{name}`, which is not {state}"));
            }
        }
        let storage = release.text("spec.storageNamespace").unwrap_or(who.1);
        let creates = release.at("spec.install.createNamespace") == Some(&Value::Bool(true));
        if !creates && !self.namespaces.contains(storage) {
            return self.wait(who, format!("the namespace `{storage}` is not there"));
        }
        let (chart, name) = chart_of(release);
        if let Some(group) = Self::needed_groups(release, chart.as_ref())
            .into_iter()
            .find(|group| !self.groups.contains(group))
        {
            return self.wait(who, format!("the kinds of `{group}` are not there"));
        }
        // From here its objects are on the cluster.
        self.installed.insert(who);
        if creates {
            self.namespaces.insert(storage.to_owned());
        }
        if let Some(chart) = &chart {
            self.groups.extend(chart.brings.iter().map(|group| (*group).to_owned()));
        }
        if name == "cilium" {
            // The agents run in the host's network and make the nodes ready.
            self.nodes_ready = true;
        }
        for secret in &self.given.secrets {
            if secret.reader == release.id.name && !secret.there {
                return self.wait(
                    who,
                    format!("its pods wait for the Secret `{}/{}`", secret.namespace, secret.name),
                );
            }
        }
        let relay = release.at("spec.values.hubble.relay.enabled") == Some(&Value::Bool(true));
        let host_network =
            chart.as_ref().is_some_and(|chart| chart.host_network) && !(name == "cilium" && relay);
        if !host_network && let Some(why) = self.no_pods() {
            return self.wait(who, why);
        }
        if chart.as_ref().is_some_and(|chart| chart.needs_volume) && !self.storage_class {
            return self.wait(who, "its pods wait for a volume, and there is no default StorageClass");
        }
        if let Some(chart) = &chart {
            // A controller manager may be there for certificates only.
            let controllers = release.at("spec.values.enabledControllers").and_then(Value::as_array);
            let sets_up = controllers.is_none_or(|list| list.iter().any(|one| one == "cloud-node"));
            self.initialized |= chart.initializes_nodes && sets_up;
            self.storage_class |= chart.storage_class;
        }
        self.why.remove(&who);
        self.ready.insert(who, self.round);
    }

    fn missing_or_unready(&self, kind: &str, namespace: &str, name: &str) -> &'static str {
        let wanted = (kind, namespace, name);
        let releases = self.world.releases();
        let mut releases = releases.iter().map(|(release, _)| key(release));
        let mut kustomizations =
            self.world.deliveries.iter().map(|delivery| key(delivery.kustomization.object));
        if releases.any(|other| other == wanted) || kustomizations.any(|other| other == wanted) {
            "ready"
        } else {
            "there"
        }
    }

    /// Why ordinary pods cannot run yet.
    fn no_pods(&self) -> Option<&'static str> {
        match (self.nodes_ready, self.initialized) {
            (false, _) => Some("its pods wait for a network: no node is ready"),
            (true, false) => Some("its pods wait for nodes without the taint of the cloud provider"),
            (true, true) => None,
        }
    }

    /// What the API must know before a chart is installed: its own needs, and those of what its values switch on.
    fn needed_groups(release: &Object, chart: Option<&charts::Chart>) -> BTreeSet<String> {
        let mut groups: BTreeSet<String> = chart
            .map(|chart| chart.needs)
            .unwrap_or_default()
            .iter()
            .map(|group| (*group).to_owned())
            .collect();
        if let Some(values) = release.at("spec.values") {
            if has_monitor(values) {
                groups.insert("monitoring.coreos.com".to_owned());
            }
            let gateway = ["/gatewayAPI/enabled", "/config/gatewayAPI/enabled"];
            if gateway.iter().any(|pointer| values.pointer(pointer) == Some(&Value::Bool(true))) {
                groups.insert("gateway.networking.k8s.io".to_owned());
            }
        }
        groups
    }

    fn kustomization(&mut self, delivery: &'world Delivery<'set>) {
        let own = delivery.kustomization;
        let who = key(own.object);
        if own.is_suspended() {
            return self.wait(who, "it is suspended");
        }
        for (_, namespace, name) in own.depends_on() {
            if !self.ready.contains_key(&("Kustomization", namespace, name)) {
                return self
                    .wait(who, format!("it depends on the Kustomization `{name}`, which is not ready"));
            }
        }
        if own.is_remote() {
            if !self.reachable(own.object) {
                return self.wait(
                    who,
                    "its kubeconfig is not there: the control plane is not up, or the name is wrong",
                );
            }
            if let Err(why) = self.apply(delivery) {
                return self.wait(who, why);
            }
        }
        self.applied.insert(who);
        if let Some(why) = self.unhealthy(delivery) {
            return self.wait(who, why);
        }
        self.why.remove(&who);
        self.ready.insert(who, self.round);
    }

    /// kustomize-controller applies Namespaces and CRDs first, then the rest, all of it or nothing.
    fn apply(&mut self, delivery: &'world Delivery<'set>) -> Result<(), String> {
        match delivery.content() {
            Content::Missing => return Err("its path is not there".to_owned()),
            Content::Foreign => return self.apply_foreign(delivery),
            Content::Objects(_) => {}
        }
        for delivered in delivery.objects() {
            if delivered.object.is("", "Namespace") {
                self.namespaces.insert(delivered.object.id.name.clone());
            }
        }
        for delivered in delivery.objects() {
            let object = &delivered.object;
            let group = object.group();
            if !is_built_in(&object.id.api_version) && !self.groups.contains(group) {
                return Err(format!("there are no matches for kind {} of `{group}`", object.id.kind));
            }
            if let Some(release) = self.silent_webhook(group) {
                return Err(format!("the webhook of `{release}` does not answer for {}", object.id.kind));
            }
            let namespace = object.id.namespace.as_deref().filter(|_| !is_cluster_scoped(&object.id.kind));
            if let Some(namespace) = namespace.filter(|namespace| !self.namespaces.contains(*namespace)) {
                return Err(format!("the namespace `{namespace}` of {} is not there", object.id));
            }
            self.storage_class |= object.is("storage.k8s.io", "StorageClass")
                && object
                    .at("metadata.annotations")
                    .and_then(|annotations| annotations.get("storageclass.kubernetes.io/is-default-class"))
                    .is_some_and(|value| value == "true");
        }
        Ok(())
    }

    fn apply_foreign(&mut self, delivery: &'world Delivery<'set>) -> Result<(), String> {
        let object = delivery.kustomization.object;
        let name = object.text("spec.sourceRef.name").unwrap_or_default();
        let path = object.text("spec.path").unwrap_or_default().trim_start_matches("./");
        for (source, folder, groups) in charts::FOREIGN {
            if source == name && folder == path {
                self.groups.extend(groups.iter().map(|group| (*group).to_owned()));
            }
        }
        for (source, namespace) in charts::FOREIGN_PODS {
            if source == name && !self.namespaces.contains(namespace) {
                return Err(format!("the namespace `{namespace}` is not there"));
            }
        }
        Ok(())
    }

    /// The release that answers for a group and is not ready.
    fn silent_webhook(&self, group: &str) -> Option<&'world str> {
        self.world.releases().into_iter().find_map(|(release, _)| {
            let chart = chart_of(release).0?;
            (chart.webhook && chart.brings.contains(&group) && !self.ready.contains_key(&key(release)))
                .then_some(&*release.id.name)
        })
    }

    /// What a Kustomization that has applied everything still waits for.
    fn unhealthy(&mut self, delivery: &'world Delivery<'set>) -> Option<String> {
        let own = delivery.kustomization;
        for check in own.health_checks().iter().filter(|_| !own.waits()) {
            let text = |key: &str| check.get(key).and_then(Value::as_str).unwrap_or_default();
            if !self.ready.contains_key(&(text("kind"), text("namespace"), text("name"))) {
                return Some(format!("the {} `{}` is not ready", text("kind"), text("name")));
            }
        }
        if !own.waits() {
            return None;
        }
        let foreign_pods = matches!(delivery.content(), Content::Foreign)
            && charts::FOREIGN_PODS
                .iter()
                .any(|(source, _)| own.object.text("spec.sourceRef.name") == Some(source));
        if foreign_pods {
            return self.no_pods().map(str::to_owned);
        }
        for delivered in delivery.objects() {
            let object = &delivered.object;
            if own.is_remote() {
                let pods = ["Deployment", "DaemonSet", "StatefulSet"].contains(&&*object.id.kind);
                let host_network = object.at("spec.template.spec.hostNetwork") == Some(&Value::Bool(true));
                if pods
                    && !host_network
                    && let Some(why) = self.no_pods()
                {
                    return Some(why.to_owned());
                }
                self.initialized |= pods && object.id.name.contains("cloud-controller-manager");
            } else if object.id.kind == "HelmRelease" && !self.ready.contains_key(&key(object)) {
                return Some(format!("the HelmRelease `{}` is not ready", object.id.name));
            }
        }
        None
    }

    fn outcome(self) -> Outcome {
        let mut outcome = Outcome::default();
        let all = self
            .world
            .releases()
            .into_iter()
            .map(|(release, _)| release)
            .chain(self.world.deliveries.iter().map(|delivery| delivery.kustomization.object));
        for object in all {
            if let Some(round) = self.ready.get(&key(object)) {
                outcome.ready.push((*round, object.id.clone()));
            } else {
                let why = self.why.get(&key(object)).cloned();
                let why =
                    why.unwrap_or_else(|| "the Kustomization that brings it has not applied".to_owned());
                outcome.stuck.push((object.id.clone(), why));
            }
        }
        outcome.ready.sort();
        outcome
    }
}

/// What is known of a release's chart, and the chart's name.
fn chart_of(release: &Object) -> (Option<charts::Chart>, &str) {
    let name = release
        .text("spec.chart.spec.chart")
        .or_else(|| release.text("spec.chartRef.name"))
        .unwrap_or_default();
    (charts::find(name), name)
}

/// Whether values switch a ServiceMonitor, PodMonitor or PrometheusRule on, under whatever name charts have for it.
fn has_monitor(values: &Value) -> bool {
    match values {
        Value::Object(entries) => entries.iter().any(|(key, value)| {
            let name = key.to_lowercase();
            let monitor =
                ["servicemonitor", "podmonitor", "prometheusrule"].iter().any(|word| name.ends_with(word));
            (monitor && value.get("enabled") == Some(&Value::Bool(true))) || has_monitor(value)
        }),
        Value::Array(items) => items.iter().any(has_monitor),
        _ => false,
    }
}
