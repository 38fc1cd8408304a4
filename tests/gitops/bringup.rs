//! Clusters are brought up as the controllers would: everything becomes ready, in a sensible order, and what is taken away is
//! missed by name.

use std::fmt::Write as _;

use infraflux::{
    admission::{
        Object, Objects,
        flux::{
            World,
            simulate::{Given, NeededSecret, Outcome, run},
        },
    },
    plan::Provider,
    render::{RenderedCluster, secrets},
};

use crate::world::{folders, objects, plan, providers, render, repository};

/// What a person brings: every Secret that the plan's list says is required.
fn given(cluster: &RenderedCluster) -> Given {
    let tainted = cluster.documents().filter(|(_, document)| document.id.kind == "TalosControlPlane").any(
        |(_, document)| {
            document.text.contains("externalCloudProvider") || document.text.contains("cloud-provider")
        },
    );
    Given {
        secrets: secrets::needs(&cluster.cluster)
            .into_iter()
            .filter(|need| need.cluster == "workload" && need.required)
            .map(|need| NeededSecret {
                namespace: need.namespace,
                name: need.name,
                reader: need.reader,
                there: true,
            })
            .collect(),
        tainted,
        own_cni: cluster.cluster.cilium.is_none(),
    }
}

fn bring_up(cluster: &RenderedCluster, objects: &Objects, given: &Given) -> Outcome {
    run(&World::new(objects, folders(), repository(cluster)), given)
}

fn reasons(outcome: &Outcome) -> String {
    let mut out = String::new();
    for (object, why) in &outcome.stuck {
        writeln!(out, "{object}: {why}").unwrap();
    }
    out
}

#[test]
fn every_provider_comes_up_with_every_bundle() {
    for provider in providers() {
        for more in [
            "",
            "  profile: current\n",
            "  gitops: {sourceRef: {kind: Bucket, name: platform, namespace: sources}, path: ./catalog/v1, shard: s1, decryptionSecret: age}\n",
            "  addons: {gateway: {controller: cilium}}\n",
            "  addons: {cilium: {enabled: false}}\n",
            "  addons: {gateway: {enabled: false}, cilium: {encryption: wireguard, hubble: false}}\n",
            "  workers: []\n  controlPlane: {replicas: 1}\n",
        ] {
            for cluster in render(&plan(provider, "lab", more)) {
                let given = given(&cluster);
                assert!(given.tainted, "{provider} {more}");
                let outcome = bring_up(&cluster, &objects(&cluster), &given);
                assert!(outcome.stuck.is_empty(), "{provider} {more}:\n{}", reasons(&outcome));
                assert!(outcome.ready.len() > 20, "{provider}: {} things only", outcome.ready.len());
            }
        }
    }
}

/// Nodes wait for a cloud controller manager of the user's own as they do for ours, or it could never set them up.
#[test]
fn without_our_cloud_provider_nodes_wait_for_the_users() {
    for provider in providers() {
        for more in [
            "  addons: {cloudProvider: {enabled: false}}\n",
            "  profile: current\n  addons: {cloudProvider: {enabled: false}, cilium: {enabled: false}}\n",
        ] {
            let cluster = render(&plan(provider, "lab", more)).remove(0);
            for kind in ["TalosControlPlane", "TalosConfigTemplate"] {
                let waiting = cluster
                    .documents()
                    .filter(|(_, document)| document.id.kind == kind)
                    .map(|(_, document)| document.text.contains("externalCloudProvider:"))
                    .collect::<Vec<bool>>();
                assert!(
                    !waiting.is_empty() && waiting.iter().all(|waits| *waits),
                    "{provider} {kind} {more}"
                );
            }
            let told = given(&cluster);
            let alone = bring_up(&cluster, &objects(&cluster), &told);
            assert!(!alone.stuck.is_empty(), "{provider}: nothing waits for the controller {more}");
            let with_own = bring_up(&cluster, &objects(&cluster), &Given { tainted: false, ..told });
            assert!(with_own.stuck.is_empty(), "{provider} {more}:\n{}", reasons(&with_own));
        }
    }
}

#[test]
fn load_balancers_of_proxmox_come_up() {
    for balancer in [
        "{mode: l2, addresses: [192.0.2.200-192.0.2.220]}",
        "{mode: bgp, addresses: [192.0.2.192/26], localASN: 64512, peers: [{address: 192.0.2.1, asn: 64513}]}",
    ] {
        let more = format!("  addons: {{cilium: {{loadBalancer: {balancer}}}}}\n");
        let cluster = render(&plan(Provider::Proxmox, "lab", &more)).remove(0);
        let outcome = bring_up(&cluster, &objects(&cluster), &given(&cluster));
        assert!(outcome.stuck.is_empty(), "{balancer}:\n{}", reasons(&outcome));
        assert!(outcome.ready.iter().any(|(_, object)| object.name == "load-balancer"), "{balancer}");
    }
}

#[test]
fn the_order_of_a_bring_up() {
    let cluster = render(&plan(Provider::Proxmox, "lab", "")).remove(0);
    let outcome = bring_up(&cluster, &objects(&cluster), &given(&cluster));
    let mut text = String::new();
    for (round, object) in &outcome.ready {
        writeln!(text, "{round:2} {object}").unwrap();
    }
    insta::assert_snapshot!(text);
}

/// The objects without those that `gone` names.
fn without(cluster: &RenderedCluster, gone: &[(&str, &str)]) -> Objects {
    let is_gone =
        |object: &Object| gone.iter().any(|(kind, name)| object.id.kind == *kind && object.id.name == *name);
    objects(cluster).iter().filter(|object| !is_gone(object)).cloned().collect()
}

/// The objects with a field of one of them set.
fn with(cluster: &RenderedCluster, kind: &str, name: &str, pointer: &str, value: &str) -> Objects {
    objects(cluster)
        .iter()
        .cloned()
        .map(|mut object| {
            if object.id.kind == kind && object.id.name == name {
                *object.value.pointer_mut(pointer).expect("the field") = value.into();
            }
            object
        })
        .collect()
}

#[test]
fn what_is_taken_away_is_missed() {
    let cluster = render(&plan(Provider::Proxmox, "lab", "")).remove(0);
    let with_cilium =
        render(&plan(Provider::Proxmox, "lab", "  addons: {gateway: {controller: cilium}}\n")).remove(0);
    let complete = given(&cluster);
    let mut without_secret = complete.clone();
    for secret in &mut without_secret.secrets {
        secret.there = secret.name != "velero-credentials";
    }
    let cases: Vec<(&str, &RenderedCluster, Objects, &Given)> = vec![
        (
            "no control plane",
            &cluster,
            without(&cluster, &[("TalosControlPlane", "lab-control-plane")]),
            &complete,
        ),
        ("no CNI", &cluster, without(&cluster, &[("HelmRelease", "cilium")]), &complete),
        (
            "no cloud controller manager",
            &cluster,
            without(
                &cluster,
                &[
                    ("HelmRelease", "talos-cloud-controller-manager"),
                    ("HelmRelease", "proxmox-cloud-controller-manager"),
                ],
            ),
            &complete,
        ),
        ("no Gateway API", &cluster, without(&cluster, &[("Kustomization", "gateway-api-crds")]), &complete),
        (
            "no Gateway API, Cilium",
            &with_cilium,
            without(&with_cilium, &[("Kustomization", "gateway-api-crds")]),
            &complete,
        ),
        (
            "no namespace of Envoy",
            &cluster,
            without(&cluster, &[("Kustomization", "gateway-prereqs")]),
            &complete,
        ),
        ("no base", &cluster, without(&cluster, &[("Kustomization", "base-releases")]), &complete),
        ("no Secret of Velero", &cluster, objects(&cluster), &without_secret),
        (
            "somebody else's kubeconfig",
            &cluster,
            with(&cluster, "HelmRelease", "cilium", "/spec/kubeConfig/secretRef/name", "other-kubeconfig"),
            &complete,
        ),
        (
            "wrong folder",
            &cluster,
            with(&cluster, "Kustomization", "data-prereqs", "/spec/path", "./recipes/date/prereqs"),
            &complete,
        ),
    ];
    let mut text = String::new();
    for (what, lab, rendered, brought) in cases {
        let outcome = bring_up(lab, &rendered, brought);
        assert!(!outcome.stuck.is_empty(), "{what}: nothing was missed");
        // What waits for something that waits says no more; the first causes are what counts.
        let first: Vec<String> = outcome
            .stuck
            .iter()
            .filter(|(_, why)| !why.ends_with("which is not ready") && !why.contains("has not applied"))
            .map(|(object, why)| format!("  {object}: {why}\n"))
            .collect();
        writeln!(text, "{what}: {} never ready\n{}", outcome.stuck.len(), first.concat()).unwrap();
    }
    insta::assert_snapshot!(text);
}
