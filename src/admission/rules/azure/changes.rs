//! What must not change on Azure.

use serde_json::{Map, Value, json};

use crate::{
    admission::{
        Object,
        rules::{Context, Violation, field, template_changed},
    },
    yaml::pointer::FieldPath,
};

/// Fields that keep their value, with the value that the webhook gives an absent one (`@name` is the object's name).
const FIXED: &[(&str, Option<&str>)] = &[
    ("spec.resourceGroup", Some("@name")),
    ("spec.subscriptionID", None),
    ("spec.location", None),
    ("spec.azureEnvironment", Some("AzurePublicCloud")),
    ("spec.networkSpec.privateDNSZoneName", None),
    ("spec.networkSpec.privateDNSZoneResourceGroup", None),
    ("spec.networkSpec.privateDNSZone", None),
    ("spec.networkSpec.controlPlaneOutboundLB", None),
    ("spec.cloudProviderConfigOverrides", None),
    ("spec.networkSpec.apiServerLB.sku", Some("Standard")),
    ("spec.networkSpec.apiServerLB.type", Some("Public")),
];

/// Fields that keep their value once they have one.
const FIXED_ONCE_SET: &[&str] = &[
    "spec.controlPlaneEndpoint.host",
    "spec.controlPlaneEndpoint.port",
    "spec.bastionSpec.azureBastion",
    "spec.networkSpec.apiServerLB.name",
    "spec.networkSpec.apiServerLB.idleTimeoutInMinutes",
];

/// Fields of the nodes' outbound load balancer that keep their value while it is there.
const FIXED_OUTBOUND: &[&str] = &["id", "name", "sku", "type", "idleTimeoutInMinutes"];

pub(super) fn cluster(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let mut found = Vec::new();
    let mut report = |path: FieldPath, before: Option<&Value>, now: Option<&Value>| {
        let message = field::change(&format!("`{path}`"), before, now);
        found.push(
            context.error(path, message).hint("keep the old value; for the new one, make a new cluster"),
        );
    };
    let keys = |path: &str| FieldPath::of(path.split('.'));
    for (path, default) in FIXED {
        let read = |object: &Object| match default {
            Some("@name") => object.at(path).cloned().or_else(|| Some(Value::from(object.id.name.as_str()))),
            Some(default) => object.at(path).cloned().or_else(|| Some(Value::from(*default))),
            None => object.at(path).cloned(),
        };
        if read(previous) != read(context.object) {
            report(keys(path), previous.at(path), context.object.at(path));
        }
    }
    for path in FIXED_ONCE_SET {
        if field::given(&previous.value, path) && previous.at(path) != context.object.at(path) {
            report(keys(path), previous.at(path), context.object.at(path));
        }
    }
    for balancer in ["apiServerLB", "nodeOutboundLB", "controlPlaneOutboundLB"] {
        let path = format!("spec.networkSpec.{balancer}");
        if previous.at(&path).is_none() || context.object.at(&path).is_none() {
            continue;
        }
        let zones = |object: &Object| {
            let mut zones: Vec<String> = field::texts(&object.value, &format!("{path}.availabilityZones"))
                .map(|(_, zone)| zone.to_owned())
                .collect();
            zones.sort_unstable();
            zones
        };
        if zones(previous) != zones(context.object) {
            let at = format!("{path}.availabilityZones");
            report(keys(&at), previous.at(&at), context.object.at(&at));
        }
        if balancer == "nodeOutboundLB" {
            let count = |object: &Object| object.at(&format!("{path}.frontendIPsCount")).cloned();
            let addresses = (count(previous) == count(context.object)).then_some("frontendIPs");
            for key in FIXED_OUTBOUND.iter().copied().chain(addresses) {
                let at = format!("{path}.{key}");
                if previous.at(&at) != context.object.at(&at) {
                    report(keys(&at), previous.at(&at), context.object.at(&at));
                }
            }
        }
    }
    if context.object.text("spec.networkSpec.apiServerLB.type") == Some("Internal") {
        let address = |object: &Object| {
            field::list(&object.value, "spec.networkSpec.apiServerLB.frontendIPs")
                .first()
                .and_then(|address| field::at(address, "privateIP").cloned())
        };
        let (before, now) = (address(previous), address(context.object));
        if before.is_some() && before != now {
            let path = keys("spec.networkSpec.apiServerLB.frontendIPs").index(0).key("privateIP");
            report(path, before.as_ref(), now.as_ref());
        }
    }
    subnets(context, previous, &mut found);
    found
}

fn subnets(context: &Context<'_>, previous: &Object, found: &mut Vec<Violation>) {
    let list = "spec.networkSpec.subnets";
    // The blocks of a network in another resource group are not the provider's.
    let own_group = previous.text("spec.resourceGroup").unwrap_or(&previous.id.name);
    let foreign =
        previous.text("spec.networkSpec.vnet.resourceGroup").is_some_and(|group| group != own_group);
    for (index, subnet) in field::list(&context.object.value, list).iter().enumerate() {
        let name = field::text(subnet, "name");
        let Some(old) =
            field::list(&previous.value, list).iter().find(|old| field::text(old, "name") == name)
        else {
            continue;
        };
        let fixed = [
            ("cidrBlocks", true),
            ("routeTable.name", false),
            ("natGateway.name", false),
            ("securityGroup.name", true),
        ];
        for (path, always) in fixed {
            let (before, now) = (field::at(old, path), field::at(subnet, path));
            if before == now || (before.is_none() && !always) || (foreign && path == "cidrBlocks") {
                continue;
            }
            let steps = FieldPath::of(list.split('.')).index(index);
            let steps = path.split('.').fold(steps, |steps, key| steps.key(key));
            found.push(
                context
                    .error(
                        steps,
                        field::change(
                            &format!("`{path}` of subnet {}", field::show(subnet.get("name"))),
                            before,
                            now,
                        ),
                    )
                    .hint("keep the old value; a network of another shape needs a new cluster"),
            );
        }
    }
}

pub(super) fn identity(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let (before, now) = (previous.at("spec.type"), context.object.at("spec.type"));
    if before == now {
        return Vec::new();
    }
    vec![
        context
            .error(
                "spec.type",
                format!(
                    "the identity was of type {} and cannot become {}",
                    field::show(before),
                    field::show(now)
                ),
            )
            .hint("make a second identity and refer to that"),
    ]
}

pub(super) fn template(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let spec = "spec.template.spec";
    let (Some(old), Some(new)) = (previous.at(spec), context.object.at(spec)) else { return Vec::new() };
    let (mut old, mut new) = (old.clone(), new.clone());
    // A key that was generated for the old object is taken over; a key that was given stays.
    if !field::given(&old, "sshPublicKey")
        && let (Some(old), Some(new)) = (old.as_object_mut(), new.as_object_mut())
    {
        old.remove("sshPublicKey");
        new.remove("sshPublicKey");
    }
    for spec in [&mut old, &mut new] {
        if let Some(spec) = spec.as_object_mut() {
            set_defaults(spec);
        }
    }
    template_changed(context, spec, &old, &new)
}

/// Source: kubernetes-sigs/cluster-api-provider-azure internal/api/v1beta1/azuremachine_default.go
/// (SetDefaultAzureMachineSpecDataDisks, SetDefaultAzureMachineSpecNetworkInterfaces)
fn set_defaults(spec: &mut Map<String, Value>) {
    let old_fields = ["subnetName", "acceleratedNetworking"];
    let empty = spec.get("networkInterfaces").and_then(Value::as_array).is_none_or(Vec::is_empty);
    if empty {
        let moved: Map<String, Value> =
            old_fields.iter().filter_map(|key| Some(((*key).to_owned(), spec.remove(*key)?))).collect();
        spec.insert("networkInterfaces".to_owned(), json!([moved]));
    }
    for interface in spec.get_mut("networkInterfaces").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(interface) = interface.as_object_mut() {
            interface.entry("privateIPConfigs").or_insert(json!(1));
        }
    }
    let disks = spec.get_mut("dataDisks").and_then(Value::as_array_mut);
    let Some(disks) = disks else { return };
    let mut taken: Vec<u64> = disks.iter().filter_map(|disk| disk.get("lun")?.as_u64()).collect();
    for disk in disks.iter_mut().filter_map(Value::as_object_mut) {
        if !disk.contains_key("lun")
            && let Some(free) = (0..64).find(|lun| !taken.contains(lun))
        {
            disk.insert("lun".to_owned(), json!(free));
            taken.push(free);
        }
        let ultra = disk.get("managedDisk").and_then(|managed| managed.get("storageAccountType")?.as_str())
            == Some("UltraSSD_LRS");
        disk.entry("cachingType").or_insert(json!(if ultra { "None" } else { "ReadWrite" }));
    }
}
