//! The control plane and the pools: counts, rollouts, zones, scheduling.

use serde_json::Value;

use super::{Check, form, spec};
use crate::{
    finding::{Finding, codes},
    plan::{
        Provider,
        machines::TaintEffect,
        resolved::{Machines, Role},
    },
    render::name,
};

/// Options that the autoscaler reads for one group.
///
/// Source: kubernetes/autoscaler cluster-autoscaler/config/const.go
const AUTOSCALER_OPTIONS: [&str; 6] = [
    "scaledownutilizationthreshold",
    "scaledowngpuutilizationthreshold",
    "scaledownunneededtime",
    "scaledownunreadytime",
    "maxnodeprovisiontime",
    "ignoredaemonsetsutilization",
];

/// No machine is made, installed and joined in less.
const LEAST_STARTUP_SECONDS: i32 = 300;

pub(super) fn check(check: &mut Check<'_>) {
    control_plane(check);
    let cluster = check.cluster;
    for machines in std::iter::once(&cluster.control_plane).chain(&cluster.pools) {
        rollout(check, machines);
        picked(check, machines);
        size(check, machines);
        names(check, machines);
        limit(check, machines);
    }
    for pool in &cluster.pools {
        options(check, pool);
        gpu(check, pool);
        room_for_zones(check, pool);
        one_zone(check, pool);
    }
    autoscaler(check);
    schedulable(check);
}

/// The annotations alone scale nothing: a MachineDeployment without `replicas` stays at its minimum.
///
/// Source: kubernetes/autoscaler cluster-autoscaler/cloudprovider/clusterapi/README.md;
/// kubernetes-sigs/cluster-api `core/webhooks/admission/machinedeployment.go` (the default of `replicas`)
fn autoscaler(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let Some(pool) = cluster.pools.iter().find(|pool| pool.autoscaling.is_some()) else { return };
    check.info(
        &codes::AUTOSCALER_NEEDED,
        &pool.field.key("autoscaling"),
        format!("pool `{}` is scaled by the Cluster Autoscaler, which is not part of what is rendered", pool.name),
        "run it on the hub, once for this cluster: docs/gitops.md, \"Cluster Autoscaler\"; until then the pool stays at its minimum",
    );
}

/// Two members have a quorum of two, so the first failure stops them: worse than one. Four need three and survive one
/// failure, as three do, at the price of one more machine that has to answer every write. More than seven slow writes
/// down.
///
/// Source: etcd-io/website content/en/docs/v3.6/faq.md
fn control_plane(check: &mut Check<'_>) {
    let machines = &check.cluster.control_plane;
    let path = spec("controlPlane.replicas");
    match machines.replicas {
        count if count > 2 && count % 2 == 0 => check.warning(
            &codes::PLAN_REPLICAS,
            &path,
            format!("{count} control planes survive no more failures than {}", count - 1),
            format!("use {}: etcd needs a majority, so the last one only has to answer too", count - 1),
        ),
        count if count > 7 => check.warning(
            &codes::PLAN_REPLICAS,
            &path,
            format!("{count} control planes make every write wait for {} of them", count / 2 + 1),
            "use 5, or 7 at most; etcd gets slower with each member",
        ),
        _ => {}
    }
    if !machines.failure_domains.is_empty() && machines.replicas > 1 {
        check.info(
            &codes::ZONES_AT_RANDOM,
            &spec("controlPlane.failureDomains"),
            "control planes are spread over these zones at random, several may share one",
            "an even spread cannot be promised with this control-plane provider",
        );
    }
}

/// Machines above the wanted number, of `replicas`.
pub(super) fn surge(machines: &Machines) -> i64 {
    let replicas = i64::from(machines.most());
    match &machines.rollout.max_surge {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => text
            .strip_suffix('%')
            .and_then(|percent| percent.parse::<i64>().ok())
            .map_or(0, |percent| (replicas * percent + 99) / 100),
        _ => 0,
    }
}

/// The forms are those of Kubernetes' int-or-string; the limits of a control plane are the provider's.
///
/// Source: siderolabs/cluster-api-control-plane-provider-talos api/v1alpha3/taloscontrolplane_webhook.go,
/// kubernetes-sigs/cluster-api internal/webhooks/machinedeployment.go
fn rollout(check: &mut Check<'_>, machines: &Machines) {
    let base = machines.field.key("rollout");
    for (key, value) in
        [("maxSurge", &machines.rollout.max_surge), ("maxUnavailable", &machines.rollout.max_unavailable)]
    {
        amount(check, &base.key(key), value);
    }
    if let Some(health) = &machines.health_check {
        startup(check, machines, health.node_startup_timeout_seconds);
        amount(
            check,
            &machines.field.key("healthCheck").key("unhealthyLessThanOrEqualTo"),
            &health.unhealthy_less_than_or_equal_to,
        );
    }
    let zero =
        |value: &Value| matches!(value, Value::Number(number) if number.as_i64() == Some(0)) || value == "0%";
    let surge = &machines.rollout.max_surge;
    match machines.role {
        Role::Worker if zero(surge) && zero(&machines.rollout.max_unavailable) => {
            let place = base.key("maxSurge");
            check.error(
                &codes::ROLLOUT_ROOM,
                &place,
                format!("pool `{}` may neither make a machine more nor do without one", machines.name),
                "set `maxSurge: 1`, or `maxUnavailable: 1` where there is no room for one more",
            );
        }
        Role::Worker => {}
        Role::ControlPlane => {
            let surge_path = base.key("maxSurge");
            if !matches!(surge.as_i64(), Some(0 | 1)) {
                check.error(
                    &codes::ROLLOUT_ROOM,
                    &surge_path,
                    format!("a control plane makes 0 or 1 machine more in a rollout, not {surge}"),
                    "set `maxSurge: 1`, or 0 where there is no room",
                );
            } else if zero(surge) && machines.replicas == 1 {
                check.error(
                    &codes::ROLLOUT_ROOM,
                    &surge_path,
                    "a single control plane cannot be replaced without making a second one first",
                    "set `maxSurge: 1`",
                );
            }
            let unavailable = base.key("maxUnavailable");
            if check.is_written(&unavailable) {
                check.warning(
                    &codes::NOT_IN_USE,
                    &unavailable,
                    "a control plane has no `maxUnavailable`",
                    "remove it; `maxSurge: 0` takes one machine away first",
                );
            }
        }
    }
}

/// A machine is made, boots, joins, and waits for the CNI: one that is replaced before all of that never gets there.
fn startup(check: &mut Check<'_>, machines: &Machines, seconds: i32) {
    if seconds < LEAST_STARTUP_SECONDS {
        check.warning(
            &codes::PLAN_VALUE,
            &machines.field.key("healthCheck").key("nodeStartupTimeoutSeconds"),
            format!("{seconds} seconds are short: a machine whose node is not ready by then is replaced, again and again"),
            "give it 600 or more, or leave the default; on Proxmox a cold clone alone takes minutes",
        );
    }
}

fn amount(check: &mut Check<'_>, path: &crate::yaml::pointer::FieldPath, value: &Value) {
    let ok = match value {
        Value::Number(number) => number.as_i64().is_some_and(|number| (0..=5000).contains(&number)),
        Value::String(text) => text.strip_suffix('%').is_some_and(|percent| {
            percent.parse::<u16>().is_ok_and(|percent| percent <= 100) && !percent.starts_with('+')
        }),
        _ => false,
    };
    if !ok {
        check.error(
            &codes::PLAN_VALUE,
            path,
            format!(
                "`{}` is neither a number of machines nor a percentage",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            ),
            "write a number such as `1`, or a percentage such as \"40%\"",
        );
    }
}

fn picked(check: &mut Check<'_>, machines: &Machines) {
    if let (true, Some(instance)) = (machines.picked, &machines.instance_type) {
        let field = if machines.role == Role::ControlPlane {
            "the control plane".to_owned()
        } else {
            format!("pool `{}`", machines.name)
        };
        let size = match (machines.cpu, machines.memory_gib) {
            (Some(cpu), Some(memory)) => format!(" ({cpu} CPUs, {memory} GiB)"),
            _ => String::new(),
        };
        check.info(
            &codes::MACHINE_PICKED,
            &machines.field,
            format!("{field} gets machines of type `{instance}`{size}"),
            format!("write `instanceType: {instance}` instead of `cpu` and `memoryGiB` to pin it"),
        );
    }
}

/// What a machine of a given type, or of given size, is too small for.
///
/// Source: siderolabs/docs public/talos/v1.13/getting-started/system-requirements.mdx
fn size(check: &mut Check<'_>, machines: &Machines) {
    let instance = machines.instance_type.as_deref().filter(|_| !machines.picked);
    let (Some(cpu), Some(memory)) = (machines.cpu, machines.memory_gib) else {
        if let Some(instance) = instance {
            check.info(
                &codes::MACHINE_TYPE_UNKNOWN,
                &machines.field.key("instanceType"),
                format!("`{instance}` is not in InfraFlux's table, so nothing is known about it"),
                format!(
                    "check that `{}` has it, and that it has enough CPUs and memory; the table is `clusters/{}/instances.yaml`",
                    check.cluster.region, check.cluster.provider
                ),
            );
        }
        return;
    };
    let (who, least) = match machines.role {
        Role::ControlPlane => ("a control plane", 2),
        Role::Worker => ("a worker", 1),
    };
    let (short, key, unit) = if memory < least {
        (memory, "memoryGiB", "GiB of memory")
    } else if cpu < least {
        (cpu, "cpu", "CPU")
    } else {
        return;
    };
    let (path, what) = match instance {
        Some(instance) => (machines.field.key("instanceType"), format!("`{instance}`")),
        None => (machines.field.key(key), "it".to_owned()),
    };
    let amount = if short == 0 { "less than 1".to_owned() } else { short.to_string() };
    check.warning(
        &codes::MACHINE_SMALL,
        &path,
        format!("Talos asks for {least} {unit} in {who}, and {what} has {amount}"),
        match machines.role {
            Role::ControlPlane => {
                "take 2 CPUs and 4 GiB at least; etcd and the API server stop where memory runs out"
            }
            Role::Worker => "take 2 CPUs and 2 GiB at least; Cilium and the add-ons need room beside Talos",
        },
    );
}

/// Source: kubernetes-sigs/cluster-api-provider-gcp cloud/scope/machine.go (Zone); kubernetes-sigs/cluster-api-provider-aws
/// pkg/cloud/services/ec2/instances.go (findSubnet)
fn one_zone(check: &mut Check<'_>, pool: &Machines) {
    if !all_in_one_zone(pool) {
        return;
    }
    let region = &check.cluster.region;
    let (place, zones) = match check.cluster.provider {
        Provider::Gcp => ("zone of the region", format!("[{region}-a, {region}-b]")),
        Provider::Aws => ("private subnet of the cluster", format!("[{region}a, {region}b]")),
        Provider::Azure | Provider::Proxmox => return,
    };
    let message =
        format!("pool `{}` names no zone, so all its machines are made in the first {place}", pool.name);
    let hint = format!("set `failureDomains`, for instance `{zones}`, to spread them");
    let finding = if check.cluster.provider == Provider::Gcp {
        Finding::warning(&codes::ONE_ZONE, message)
    } else {
        // One subnet can be what somebody wants, and AWS has no default that spreads.
        Finding::info(&codes::ONE_ZONE, message)
    };
    let mut finding = check.finding(finding, &pool.field.key("failureDomains"), hint);
    let name = pool.field.key("name");
    if check.is_written(&name) {
        finding = finding.at(check.place(&name));
    }
    check.findings.push(finding);
}

fn all_in_one_zone(pool: &Machines) -> bool {
    pool.failure_domains.is_empty() && pool.most() > 1
}

fn names(check: &mut Check<'_>, machines: &Machines) {
    if machines.role == Role::ControlPlane {
        return;
    }
    for zone in &machines.failure_domains {
        let whole = [&*check.cluster.name, &*machines.name, &**zone].join("-");
        if whole.len() > name::LIMIT {
            let short = name::join(&[&check.cluster.name, &machines.name, zone]);
            check.info(
                &codes::NAME_CUT,
                &machines.field.key("name"),
                format!("the MachineDeployment `{whole}` is called `{short}`"),
                "shorten the cluster's or the pool's name to keep it whole",
            );
        }
    }
}

fn limit(check: &mut Check<'_>, machines: &Machines) {
    if machines.autoscaling.as_ref().is_some_and(|autoscaling| autoscaling.max == 0) {
        check.error(
            &codes::PLAN_AUTOSCALING,
            &machines.field.key("autoscaling").key("max"),
            format!("pool `{}` may never have a machine", machines.name),
            "set `max` to at least 1, or remove the pool",
        );
    }
}

fn options(check: &mut Check<'_>, pool: &Machines) {
    let Some(autoscaling) = &pool.autoscaling else { return };
    for (name, value) in &autoscaling.options {
        let path = pool.field.key("autoscaling").key("options").key(name.clone());
        if !AUTOSCALER_OPTIONS.contains(&name.as_str()) {
            let hint = crate::finding::suggest::hint(name, AUTOSCALER_OPTIONS).unwrap_or_default();
            check.warning(
                &codes::PLAN_UNKNOWN_NAME,
                &path,
                format!("the autoscaler has no option `{name}` for a pool and would ignore it"),
                hint,
            );
        } else if name.ends_with("time") && form::duration(value).is_none() {
            check.error(
                &codes::SIZE_FORM,
                &path,
                format!("`{value}` is not a duration"),
                "write a Go duration such as `10m` or `1h30m`",
            );
        } else if name.ends_with("threshold")
            && !value.parse::<f64>().is_ok_and(|share| (0.0..=1.0).contains(&share))
        {
            check.error(
                &codes::SIZE_FORM,
                &path,
                format!("`{value}` is not a share of a machine"),
                "write a number from 0 to 1, for instance \"0.5\"",
            );
        }
    }
}

fn gpu(check: &mut Check<'_>, pool: &Machines) {
    if let (Some(_), Some(instance), 0) = (pool.gpu, &pool.instance_type, pool.gpu_count) {
        check.error(
            &codes::NO_TABLE_ENTRY,
            &pool.field.key("instanceType"),
            format!("`{instance}` has no GPU, and pool `{}` asks for one", pool.name),
            format!(
                "leave `instanceType` out to get the smallest type with a GPU, or name one of `clusters/{}/instances.yaml`",
                check.cluster.provider
            ),
        );
    }
}

/// A zone without a machine is a MachineDeployment without effect, and the autoscaler needs a minimum in each.
fn room_for_zones(check: &mut Check<'_>, pool: &Machines) {
    let zones = i32::try_from(pool.failure_domains.len()).unwrap_or(i32::MAX);
    let most = pool.most();
    if zones > 1 && most > 0 && most < zones {
        check.warning(
            &codes::PLAN_VALUE,
            &pool.field.key("failureDomains"),
            format!(
                "pool `{}` has {zones} zones and at most {most} machines, so zones at the end stay empty",
                pool.name
            ),
            "name fewer zones or ask for more machines; earlier zones are filled first",
        );
    }
}

fn schedulable(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let open = |machines: &Machines| {
        machines.most() > 0
            && machines.gpu.is_none()
            && !machines
                .taints
                .iter()
                .any(|taint| matches!(taint.effect, TaintEffect::NoSchedule | TaintEffect::NoExecute))
    };
    if cluster.schedulable_control_plane && open(&cluster.control_plane) || cluster.pools.iter().any(open) {
        return;
    }
    let path = if cluster.pools.is_empty() { spec("controlPlane") } else { spec("workers") };
    let finding = Finding::warning(
        &codes::NOTHING_SCHEDULABLE,
        format!("no machine of `{}` takes pods without a toleration", cluster.name),
    );
    let finding = check.finding(
        finding,
        &path,
        "add a pool without taints and GPUs, or set `controlPlane.schedulable: true`",
    );
    check.findings.push(finding);
}
