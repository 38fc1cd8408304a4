//! Rules about AWS machine templates and machine pools.

use serde_json::Value;

use crate::{
    admission::rules::{Context, Violation, field},
    yaml::pointer::FieldPath,
};

/// The path of the machine settings: of a template, or of the launch template of a pool.
fn machine_path(context: &Context<'_>) -> &'static str {
    if context.object.id.kind == "AWSMachinePool" { "spec.awsLaunchTemplate" } else { "spec.template.spec" }
}

fn machine<'set>(context: &Context<'set>) -> &'set Value {
    context.object.at(machine_path(context)).unwrap_or(&Value::Null)
}

fn spot(base: &str, key: &str) -> FieldPath {
    FieldPath::of(base.split('.').chain(key.split('.')))
}

pub(super) fn cloud_init(context: &Context<'_>) -> Vec<Violation> {
    let (base, machine) = (machine_path(context), machine(context));
    let given = |key: &str| field::given(machine, &format!("cloudInit.{key}"));
    let mut found = Vec::new();
    for key in ["secretPrefix", "secretCount"] {
        if given(key) {
            found.push(
                context
                    .error(
                        spot(base, &format!("cloudInit.{key}")),
                        format!("`{key}` belongs to one machine and cannot stand in a template"),
                    )
                    .hint("remove it; the provider chooses it for each machine"),
            );
        }
    }
    if given("insecureSkipSecretsManager") && given("secureSecretsBackend") {
        found.push(
            context
                .error(
                    spot(base, "cloudInit.secureSecretsBackend"),
                    "`secureSecretsBackend` says where to keep what `insecureSkipSecretsManager` does not keep",
                )
                .hint("for Talos keep `insecureSkipSecretsManager: true` and remove the backend"),
        );
    }
    let configured = ["secretPrefix", "secretCount", "secureSecretsBackend", "insecureSkipSecretsManager"];
    if field::at(machine, "ignition").is_some() && configured.into_iter().any(given) {
        found.push(
            context
                .error(spot(base, "cloudInit"), "`cloudInit` and `ignition` exclude each other")
                .hint("remove `ignition`; Talos does not use it"),
        );
    }
    found
}

pub(super) fn ignition_gate(context: &Context<'_>) -> Vec<Violation> {
    let pool = context.object.id.kind == "AWSMachinePool";
    let path = if pool { "spec.ignition" } else { "spec.template.spec.ignition" };
    if context.object.at(path).is_none() {
        return Vec::new();
    }
    vec![
        context
            .warning(path, "`ignition` is refused unless the gate `BootstrapFormatIgnition` is on")
            .hint("remove it; Talos does not use Ignition"),
    ]
}

pub(super) fn volumes(context: &Context<'_>) -> Vec<Violation> {
    let (base, machine) = (machine_path(context), machine(context));
    let pool = context.object.id.kind == "AWSMachinePool";
    let mut found = Vec::new();
    let root = machine.get("rootVolume").into_iter().map(|volume| (spot(base, "rootVolume"), volume, true));
    let others = field::list(machine, "nonRootVolumes")
        .iter()
        .enumerate()
        .map(|(index, volume)| (spot(base, "nonRootVolumes").index(index), volume, false));
    for (path, volume, is_root) in root.chain(others) {
        let kind = field::text(volume, "type").unwrap_or_default();
        if ["io1", "io2"].contains(&kind) && !field::given(volume, "iops") {
            found.push(
                context
                    .error(path.key("iops"), format!("a volume of type `{kind}` needs `iops`"))
                    .hint("give the number, or use type `gp3`"),
            );
        }
        if let Some(throughput) = field::integer(volume, "throughput") {
            if kind != "gp3" {
                found.push(
                    context
                        .error(
                            path.key("throughput"),
                            format!(
                                "`throughput` is for type `gp3`, this volume has {}",
                                field::show(volume.get("type"))
                            ),
                        )
                        .hint("set `type: gp3`, or remove `throughput`"),
                );
            }
            let range = if pool && is_root { 125..=2000 } else { 0..=i64::MAX };
            if !range.contains(&throughput) {
                let limit = if pool && is_root { "between 125 and 2000 MiB/s" } else { "not negative" };
                found.push(
                    context
                        .error(
                            path.key("throughput"),
                            format!("a throughput of {throughput} is not possible"),
                        )
                        .hint(format!("it is {limit}")),
                );
            }
        }
        if !is_root && field::text(volume, "deviceName").is_none() {
            found.push(
                context
                    .error(path.key("deviceName"), "a volume besides the first has no device name")
                    .hint("set it, for instance `/dev/sdb`"),
            );
        }
    }
    found
}

pub(super) fn security_groups(context: &Context<'_>) -> Vec<Violation> {
    let base = machine_path(context);
    let mut lists = vec![format!("{base}.additionalSecurityGroups")];
    if context.object.id.kind == "AWSMachinePool" {
        lists.push("spec.subnets".to_owned());
    }
    let mut found = Vec::new();
    for list in lists {
        for (index, item) in field::list(&context.object.value, &list).iter().enumerate() {
            if field::at(item, "id").is_some() && field::given(item, "filters") {
                found.push(
                    context
                        .error(
                            FieldPath::of(list.split('.')).index(index),
                            "an entry is named by `id` or by `filters`, this one by both",
                        )
                        .hint("remove one of them"),
                );
            }
        }
    }
    found
}

pub(super) fn dedicated_host(context: &Context<'_>) -> Vec<Violation> {
    let (base, machine) = (machine_path(context), machine(context));
    let host_id = field::text(machine, "hostID").is_some();
    let dynamic = field::at(machine, "dynamicHostAllocation").is_some();
    let tenancy = field::text(machine, "tenancy") == Some("host");
    let affinity = field::text(machine, "hostAffinity") == Some("host");
    let mut found = Vec::new();
    let mut report = |key: &str, message: &str, hint: &str| {
        found.push(context.error(spot(base, key), message).hint(hint));
    };
    if host_id && dynamic {
        report("hostID", "`hostID` and `dynamicHostAllocation` exclude each other", "keep one of them");
    }
    if (host_id || dynamic || affinity) && !tenancy {
        let key = if host_id {
            "hostID"
        } else if dynamic {
            "dynamicHostAllocation"
        } else {
            "hostAffinity"
        };
        report(key, "a dedicated host needs `tenancy: host`", "set `tenancy: host`");
    }
    if affinity && !host_id && !dynamic {
        report(
            "hostID",
            "`hostAffinity: host` without a host to stay on",
            "give `hostID` or `dynamicHostAllocation`",
        );
    }
    if dynamic && !affinity {
        report(
            "dynamicHostAllocation",
            "a host that is allocated for a machine is only kept with `hostAffinity: host`",
            "set `hostAffinity: host`",
        );
    }
    found
}

pub(super) fn pool_market(context: &Context<'_>) -> Vec<Violation> {
    let (base, machine) = (machine_path(context), machine(context));
    let market = field::text(machine, "marketType").unwrap_or_default();
    let spot_options = field::at(machine, "spotMarketOptions").is_some();
    let reservation = field::at(machine, "capacityReservationId").is_some();
    let preference = field::text(machine, "capacityReservationPreference").unwrap_or_default();
    let mut found = Vec::new();
    let mut report = |key: &str, message: String, hint: &str| {
        found.push(context.error(spot(base, key), message).hint(hint));
    };
    if spot_options && field::at(&context.object.value, "spec.mixedInstancesPolicy").is_some() {
        report(
            "spotMarketOptions",
            "`spotMarketOptions` and `mixedInstancesPolicy` exclude each other".to_owned(),
            "describe spot machines in `mixedInstancesPolicy`",
        );
    }
    if spot_options && ["CapacityBlock", "OnDemand"].contains(&market) {
        report(
            "marketType",
            format!("`marketType: {market}` and `spotMarketOptions` exclude each other"),
            "remove one of them",
        );
    }
    if market == "CapacityBlock" && !reservation {
        report(
            "capacityReservationId",
            "a capacity block needs its reservation".to_owned(),
            "give `capacityReservationId`",
        );
    }
    if reservation && (market == "Spot" || spot_options) {
        report(
            "capacityReservationId",
            "spot machines do not use reservations".to_owned(),
            "remove the reservation, or the spot settings",
        );
    }
    if reservation && !["", "CapacityReservationsOnly"].contains(&preference) {
        report(
            "capacityReservationPreference",
            format!("with a reservation the preference cannot be `{preference}`"),
            "use `CapacityReservationsOnly`, or leave it out",
        );
    }
    found
}

pub(super) fn pool_refresh(context: &Context<'_>) -> Vec<Violation> {
    let path = "spec.refreshPreferences.maxHealthyPercentage";
    let value = &context.object.value;
    let Some(most) = field::integer(value, path) else { return Vec::new() };
    match field::integer(value, "spec.refreshPreferences.minHealthyPercentage") {
        None => vec![
            context.error(path, "`maxHealthyPercentage` comes with `minHealthyPercentage`").hint("give both"),
        ],
        Some(least) if most - least > 100 => vec![
            context
                .error(path, format!("{least} and {most} percent lie more than 100 apart"))
                .hint(format!("use at most {}", least + 100)),
        ],
        Some(_) => Vec::new(),
    }
}
