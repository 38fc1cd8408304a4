//! Machines: how they are counted, spread, scaled, labelled and replaced.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeMap;

use common::{
    plans,
    rendering::{self, Rendered, render},
};
use infraflux::{engine::Engine, finding::Severity, plan::Provider};
use serde_json::{Value, json};

fn with(provider: Provider, workers: &Value) -> Value {
    plans::set(&plans::base(provider), "spec.workers", workers.clone())
}

fn rendered(engine: &Engine, plan: &Value) -> Rendered {
    let rendered = render(engine, "plan", &plans::as_json(plan), None);
    assert!(rendered.cluster.is_some(), "{}", rendered.told(Severity::Error).join("\n"));
    rendered
}

fn of_kind<'rendered>(rendered: &'rendered Rendered, kind: &str) -> Vec<&'rendered Value> {
    rendered.objects.iter().map(|(_, object)| object).filter(|object| object["kind"] == kind).collect()
}

/// Replicas by MachineDeployment; `None` where the autoscaler decides.
fn replicas(rendered: &Rendered) -> BTreeMap<String, Option<i64>> {
    of_kind(rendered, "MachineDeployment")
        .into_iter()
        .map(|object| {
            (object["metadata"]["name"].as_str().unwrap().to_owned(), object["spec"]["replicas"].as_i64())
        })
        .collect()
}

fn annotation<'object>(object: &'object Value, key: &str) -> Option<&'object str> {
    object["metadata"]["annotations"].get(key)?.as_str()
}

const SIZE: &str = "cluster.x-k8s.io/cluster-api-autoscaler-node-group";
const SHAPE: &str = "capacity.cluster-autoscaler.kubernetes.io";

#[test]
fn totals_are_spread_over_zones_earlier_ones_first() {
    let engine = rendering::engine();
    let zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];
    for (total, expected) in [(0, [0, 0, 0]), (1, [1, 0, 0]), (2, [1, 1, 0]), (3, [1, 1, 1]), (8, [3, 3, 2])]
    {
        let plan = with(Provider::Aws, &json!([{"name": "web", "replicas": total, "failureDomains": zones}]));
        let rendered = rendered(&engine, &plan);
        let expected: BTreeMap<String, Option<i64>> = zones
            .iter()
            .zip(expected)
            .map(|(zone, count)| (format!("lab-web-{zone}"), Some(count)))
            .collect();
        assert_eq!(replicas(&rendered), expected, "{total}");
        for object in of_kind(&rendered, "MachineDeployment") {
            let zone = object["spec"]["template"]["spec"]["failureDomain"].as_str().unwrap();
            assert!(object["metadata"]["name"].as_str().unwrap().ends_with(zone));
        }
        // One health check and one template for the whole pool.
        assert_eq!(of_kind(&rendered, "TalosConfigTemplate").len(), 1);
        assert_eq!(of_kind(&rendered, "MachineHealthCheck").len(), 1);
    }
}

#[test]
fn the_autoscaler_gets_its_share_of_each_zone_and_decides_the_number() {
    let engine = rendering::engine();
    let zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];
    let plan = with(
        Provider::Aws,
        &json!([{
            "name": "web", "failureDomains": zones, "cpu": 4, "memoryGiB": 16,
            "autoscaling": {"min": 1, "max": 5, "options": {"scaledownunneededtime": "10m"}},
            "labels": {"team": "web", "node-role.kubernetes.io/web": ""},
            "taints": [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}, {"key": "quiet", "effect": "NoExecute"}],
        }]),
    );
    let rendered = rendered(&engine, &plan);
    let deployments = of_kind(&rendered, "MachineDeployment");
    let sizes: Vec<_> = deployments
        .iter()
        .map(|object| {
            assert!(object["spec"].get("replicas").is_none(), "Flux would set it back");
            (
                annotation(object, &format!("{SIZE}-min-size")).unwrap(),
                annotation(object, &format!("{SIZE}-max-size")).unwrap(),
            )
        })
        .collect();
    assert_eq!(sizes, [("1", "2"), ("0", "2"), ("0", "1")]);
    // The zone with a machine shows its shape by it; the others are told.
    assert_eq!(annotation(deployments[0], &format!("{SHAPE}/cpu")), None);
    let empty = deployments[1];
    let shape = |key: &str| annotation(empty, &format!("{SHAPE}/{key}"));
    assert_eq!(
        (shape("cpu"), shape("memory"), shape("ephemeral-disk")),
        (Some("4"), Some("16Gi"), Some("40Gi"))
    );
    assert_eq!(shape("taints"), Some("dedicated=web:NoSchedule,quiet=:NoExecute"));
    let labels: Vec<&str> = shape("labels").unwrap().split(',').collect();
    for label in [
        "team=web",
        "node-role.kubernetes.io/web=",
        "infraflux.io/pool=web",
        "topology.kubernetes.io/zone=eu-central-1b",
        "topology.kubernetes.io/region=eu-central-1",
    ] {
        assert!(labels.contains(&label), "{label}: {labels:?}");
    }
    assert!(labels.iter().any(|label| label.starts_with("node.kubernetes.io/instance-type=")), "{labels:?}");
    for object in &deployments {
        assert_eq!(
            annotation(object, "cluster.x-k8s.io/autoscaling-options-scaledownunneededtime"),
            Some("10m")
        );
    }
}

#[test]
fn a_zone_that_gets_no_machines_is_not_the_autoscalers() {
    let engine = rendering::engine();
    let pool = json!([{"name": "web", "failureDomains": ["eu-central-1a", "eu-central-1b"], "autoscaling": {"min": 0, "max": 1}}]);
    let rendered = rendered(&engine, &with(Provider::Aws, &pool));
    assert_eq!(
        replicas(&rendered),
        BTreeMap::from([
            ("lab-web-eu-central-1a".to_owned(), None),
            ("lab-web-eu-central-1b".to_owned(), Some(0))
        ])
    );
    let second = of_kind(&rendered, "MachineDeployment")[1];
    assert_eq!(annotation(second, &format!("{SIZE}-max-size")), None);
}

#[test]
fn azures_zone_label_has_the_region() {
    let engine = rendering::engine();
    let pool = json!([{"name": "web", "failureDomains": ["2"], "autoscaling": {"min": 0, "max": 1}}]);
    let rendered = rendered(&engine, &with(Provider::Azure, &pool));
    let labels = annotation(of_kind(&rendered, "MachineDeployment")[0], &format!("{SHAPE}/labels")).unwrap();
    assert!(labels.split(',').any(|label| label == "topology.kubernetes.io/zone=westeurope-2"), "{labels}");
}

#[test]
fn gpu_pools_have_extension_modules_label_taint_and_hints() {
    let engine = rendering::engine();
    for provider in [Provider::Aws, Provider::Azure, Provider::Gcp] {
        let pools =
            json!([{"name": "gpu", "gpu": "nvidia", "autoscaling": {"min": 0, "max": 2}}, {"name": "web"}]);
        let rendered = rendered(&engine, &with(provider, &pools));
        let talos = &rendered.cluster.as_ref().unwrap().cluster.talos;
        for extension in ["nvidia-open-gpu-kernel-modules-production", "nvidia-container-toolkit-production"]
        {
            assert!(talos.schematic.extensions.contains(&format!("siderolabs/{extension}")), "{provider}");
        }
        for (owner, patches) in rendered.patches() {
            let text = patches.join("---\n");
            let has = [
                "nvidia_uvm",
                "nvidia.com/gpu: \"present:NoSchedule\"",
                "infraflux.io/gpu: nvidia",
                "cluster-api/accelerator: nvidia",
            ]
            .map(|part| text.contains(part));
            assert_eq!(has, [owner.contains("-gpu-"); 4], "{provider} {owner}\n{text}");
        }
        let deployment = of_kind(&rendered, "MachineDeployment")[0];
        let shape = |key: &str| annotation(deployment, &format!("{SHAPE}/{key}"));
        assert_eq!(shape("gpu-type"), Some("nvidia.com/gpu"), "{provider}");
        assert!(shape("gpu-count").unwrap().parse::<u32>().unwrap() >= 1);
        assert_eq!(shape("taints"), Some("nvidia.com/gpu=present:NoSchedule"));
    }
}

/// Cluster API rounds a percentage down: a limit of none would mean that nothing is ever replaced.
#[test]
fn a_health_check_can_always_replace_one_machine() {
    let engine = rendering::engine();
    for (pool, expected) in [
        (json!({"name": "web", "replicas": 1}), json!(1)),
        (json!({"name": "web", "replicas": 2}), json!(1)),
        (json!({"name": "web", "replicas": 3}), json!("40%")),
        (json!({"name": "web", "autoscaling": {"min": 0, "max": 50}}), json!(1)),
        (json!({"name": "web", "autoscaling": {"min": 5, "max": 50}}), json!("40%")),
        (
            json!({"name": "web", "replicas": 2, "healthCheck": {"unhealthyLessThanOrEqualTo": "100%"}}),
            json!("100%"),
        ),
    ] {
        let rendered = rendered(&engine, &with(Provider::Proxmox, &json!([pool])));
        let check = of_kind(&rendered, "MachineHealthCheck")[0];
        assert_eq!(
            check["spec"]["remediation"]["triggerIf"]["unhealthyLessThanOrEqualTo"], expected,
            "{pool}"
        );
        assert_eq!(check["spec"]["selector"]["matchLabels"]["infraflux.io/pool"], "web");
    }
}

#[test]
fn control_planes_are_checked_where_somebody_replaces_them() {
    let engine = rendering::engine();
    let checks = |profile: &str, replicas: i32, wanted: Option<bool>| {
        let mut plan = plans::set(&plans::base(Provider::Proxmox), "spec.profile", json!(profile));
        plan = plans::set(&plan, "spec.controlPlane.replicas", json!(replicas));
        if let Some(wanted) = wanted {
            plan = plans::set(&plan, "spec.controlPlane.healthCheck.enabled", json!(wanted));
        }
        let rendered = rendered(&engine, &plan);
        of_kind(&rendered, "MachineHealthCheck").iter().any(|check| {
            check["spec"]["selector"]["matchLabels"].get("cluster.x-k8s.io/control-plane").is_some()
        })
    };
    // CACPPT 0.5 has no remediation; the community line has, but not for the only machine.
    assert!(!checks("stable", 3, None));
    assert!(checks("current", 3, None));
    assert!(!checks("current", 1, None));
    assert!(!checks("current", 3, Some(false)));
    assert!(checks("stable", 3, Some(true)));
}

#[test]
fn without_workers_control_planes_take_pods_in_either_dialect() {
    let engine = rendering::engine();
    for (profile, allows) in
        [("stable", "allowSchedulingOnControlPlanes: true"), ("current", "\"$patch\": delete")]
    {
        let plan = plans::set(&with(Provider::Proxmox, &json!([])), "spec.profile", json!(profile));
        let rendered = rendered(&engine, &plan);
        assert!(of_kind(&rendered, "MachineDeployment").is_empty());
        let (_, patches) = rendered.patches().remove(0);
        assert!(patches.iter().any(|patch| patch.contains(allows)), "{profile}");
        // Load balancers find them as well.
        assert!(
            patches.iter().any(|patch| patch.contains("exclude-from-external-load-balancers")),
            "{profile}"
        );
        let workers = plans::set(&plan, "spec.workers", json!([{"name": "web"}]));
        let (_, patches) = self::rendered(&engine, &workers).patches().remove(0);
        assert!(
            !patches.iter().any(|patch| patch.contains("exclude-from-external-load-balancers")),
            "{profile}"
        );
    }
}

#[test]
fn rollouts_and_farewells_are_as_the_plan_says() {
    let engine = rendering::engine();
    let pool = json!([{
        "name": "web", "rollout": {"maxSurge": "25%", "maxUnavailable": 1},
        "deletion": {"order": "Oldest", "nodeDrainTimeoutSeconds": 0, "nodeVolumeDetachTimeoutSeconds": 60, "nodeDeletionTimeoutSeconds": 30},
    }]);
    let rendered = rendered(&engine, &with(Provider::Proxmox, &pool));
    let spec = &of_kind(&rendered, "MachineDeployment")[0]["spec"];
    assert_eq!(spec["rollout"]["strategy"]["rollingUpdate"], json!({"maxSurge": "25%", "maxUnavailable": 1}));
    assert_eq!(spec["deletion"], json!({"order": "Oldest"}));
    assert_eq!(
        spec["template"]["spec"]["deletion"],
        json!({"nodeDrainTimeoutSeconds": 0, "nodeVolumeDetachTimeoutSeconds": 60, "nodeDeletionTimeoutSeconds": 30})
    );
    let plain = self::rendered(&engine, &with(Provider::Proxmox, &json!([{"name": "web"}])));
    let spec = &of_kind(&plain, "MachineDeployment")[0]["spec"];
    assert!(spec.get("deletion").is_none(), "an empty mapping is refused");
    assert_eq!(
        spec["template"]["spec"]["deletion"],
        json!({"nodeDrainTimeoutSeconds": 600, "nodeVolumeDetachTimeoutSeconds": 300})
    );
}

#[test]
fn nothing_large_enough_names_the_largest() {
    let engine = rendering::engine();
    for provider in [Provider::Aws, Provider::Azure, Provider::Gcp] {
        for pool in
            [json!({"name": "web", "cpu": 1000}), json!({"name": "web", "memoryGiB": 30000, "gpu": "nvidia"})]
        {
            let rendered = render(&engine, "plan", &plans::as_json(&with(provider, &json!([pool]))), None);
            assert!(rendered.cluster.is_none());
            let finding = rendered.findings.iter().find(|finding| finding.code.id == "IF0207").unwrap();
            let hint = finding.hint.as_ref().unwrap();
            assert!(
                hint.contains("the largest is `") && hint.contains("CPUs") && hint.contains("GiB"),
                "{hint}"
            );
        }
        // What was picked is said.
        let picked = rendered(&engine, &with(provider, &json!([{"name": "web", "cpu": 4, "memoryGiB": 16}])));
        let said = picked.told(Severity::Info);
        let kind = picked.cluster.as_ref().unwrap().cluster.pools[0].instance_type.clone().unwrap();
        assert!(said.iter().any(|said| said.contains(&kind)), "{provider}: {said:?}");
    }
}

#[test]
fn ipv6_is_refused_where_it_is_not_offered() {
    let engine = rendering::engine();
    for provider in [Provider::Aws, Provider::Azure, Provider::Gcp] {
        let plan = plans::set(
            &plans::base(provider),
            "spec.network.podCIDRs",
            json!(["10.244.0.0/16", "fd00:10::/56"]),
        );
        let plan = plans::set(&plan, "spec.network.serviceCIDRs", json!(["10.96.0.0/12", "fd00:11::/112"]));
        let rendered = render(&engine, "plan", &plans::as_json(&plan), None);
        assert!(rendered.told(Severity::Error).iter().any(|said| said.contains("no IPv6")), "{provider}");
    }
}
