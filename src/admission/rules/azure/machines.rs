//! Rules about Azure machine templates.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    admission::rules::{Context, Violation, field},
    finding::suggest,
    yaml::pointer::FieldPath,
};

use super::network::is_resource_id;

const SPEC: &str = "spec.template.spec";

fn spec<'set>(context: &Context<'set>) -> &'set Value {
    context.object.at(SPEC).unwrap_or(&Value::Null)
}

fn spot(key: &str) -> FieldPath {
    FieldPath::of(SPEC.split('.').chain(key.split('.')))
}

pub(super) fn image(context: &Context<'_>) -> Vec<Violation> {
    let Some(image) = field::at(spec(context), "image") else { return Vec::new() };
    let ways = ["id", "marketplace", "sharedGallery", "computeGallery"];
    let given: Vec<&str> = ways.into_iter().filter(|way| field::at(image, way).is_some()).collect();
    let mut found = Vec::new();
    match given.as_slice() {
        [] => found.push(
            context
                .error(spot("image"), "the image is not named")
                .hint("give `computeGallery`, `id` or `marketplace`"),
        ),
        [_] => {}
        several => found.push(
            context
                .error(
                    spot("image"),
                    format!("the image is named in several ways: {}", suggest::list(several, "and")),
                )
                .hint("keep one of them"),
        ),
    }
    if given.contains(&"id") && field::text(image, "id").is_none() {
        found.push(
            context
                .error(spot("image.id"), "the id of the image is empty")
                .hint("give the full resource id of the image"),
        );
    }
    let (group, subscription) =
        (field::at(image, "computeGallery.resourceGroup"), field::at(image, "computeGallery.subscriptionID"));
    let (missing, there) = match (group, subscription) {
        (Some(_), None) => ("subscriptionID", "resourceGroup"),
        (None, Some(_)) => ("resourceGroup", "subscriptionID"),
        _ => return found,
    };
    found.push(
        context
            .error(
                spot(&format!("image.computeGallery.{missing}")),
                format!("a gallery with `{there}` needs `{missing}` too"),
            )
            .hint("give both for a gallery of your own, neither for a community gallery"),
    );
    found
}

/// Types of managed disks.
///
/// Source: the Azure compute API, as armcompute.PossibleDiskStorageAccountTypesValues has them
const DISK_TYPES: [&str; 7] = [
    "PremiumV2_LRS",
    "Premium_LRS",
    "Premium_ZRS",
    "StandardSSD_LRS",
    "StandardSSD_ZRS",
    "Standard_LRS",
    "UltraSSD_LRS",
];

pub(super) fn disks(context: &Context<'_>) -> Vec<Violation> {
    let spec = spec(context);
    let mut found = Vec::new();
    if let Some(disk) = field::at(spec, "osDisk") {
        if let Some(size) = field::integer(disk, "diskSizeGB").filter(|size| !(1..=2048).contains(size)) {
            found.push(
                context
                    .error(spot("osDisk.diskSizeGB"), format!("a system disk of {size} GB is not possible"))
                    .hint("use 1 to 2048"),
            );
        }
        disk_type(context, &spot("osDisk"), disk, &mut found);
        if field::text(disk, "managedDisk.storageAccountType") == Some("UltraSSD_LRS") {
            found.push(
                context
                    .error(
                        spot("osDisk.managedDisk.storageAccountType"),
                        "ultra disks are for data, not for the system",
                    )
                    .hint("use `Premium_LRS`"),
            );
        }
        if field::at(disk, "diffDiskSettings").is_some()
            && field::at(disk, "managedDisk.diskEncryptionSet").is_some()
        {
            found.push(
                context
                    .error(
                        spot("osDisk.managedDisk.diskEncryptionSet"),
                        "a disk on the host (`diffDiskSettings`) cannot have an encryption set",
                    )
                    .hint("remove one of the two"),
            );
        }
    }
    let mut names = BTreeSet::new();
    let mut slots = BTreeSet::new();
    for (index, disk) in field::list(spec, "dataDisks").iter().enumerate() {
        let path = spot("dataDisks").index(index);
        if let Some(size) = field::integer(disk, "diskSizeGB").filter(|size| !(4..=32767).contains(size)) {
            found.push(
                context
                    .error(path.key("diskSizeGB"), format!("a data disk of {size} GB is not possible"))
                    .hint("use 4 to 32767"),
            );
        }
        let name = field::text(disk, "nameSuffix").unwrap_or_default();
        if name.is_empty() || !names.insert(name) {
            let what = if name.is_empty() {
                "a data disk has no name".to_owned()
            } else {
                format!("two data disks are called `{name}`")
            };
            found.push(
                context.error(path.key("nameSuffix"), what).hint("give each a `nameSuffix` of its own"),
            );
        }
        if let Some(slot) = field::integer(disk, "lun") {
            if !(0..=63).contains(&slot) {
                found.push(
                    context
                        .error(path.key("lun"), format!("there is no slot {slot}"))
                        .hint("use 0 to 63, or leave `lun` out"),
                );
            } else if !slots.insert(slot) {
                found.push(
                    context
                        .error(path.key("lun"), format!("two data disks are in slot {slot}"))
                        .hint("leave `lun` out, the provider chooses"),
                );
            }
        }
        disk_type(context, &path, disk, &mut found);
        let caching = field::text(disk, "cachingType").unwrap_or("None");
        if field::text(disk, "managedDisk.storageAccountType") == Some("UltraSSD_LRS") && caching != "None" {
            found.push(
                context
                    .error(path.key("cachingType"), format!("an ultra disk cannot be cached (`{caching}`)"))
                    .hint("use `cachingType: None`"),
            );
        }
    }
    found
}

fn disk_type(context: &Context<'_>, path: &FieldPath, disk: &Value, found: &mut Vec<Violation>) {
    let Some(managed) = field::at(disk, "managedDisk") else { return };
    let place = path.key("managedDisk").key("storageAccountType");
    match field::text(managed, "storageAccountType") {
        None => found.push(
            context
                .error(place, "a managed disk has no type")
                .hint("set `storageAccountType`, for instance `Premium_LRS`"),
        ),
        Some(kind) if !DISK_TYPES.contains(&kind) => {
            let violation = context.error(place, format!("`{kind}` is not a type of managed disk"));
            found.push(match suggest::hint(kind, DISK_TYPES) {
                Some(hint) => violation.hint(hint),
                None => violation,
            });
        }
        Some(_) => {}
    }
    let security = "securityProfile.diskEncryptionSet";
    if field::at(managed, security).is_some()
        && field::text(managed, "securityProfile.securityEncryptionType") != Some("DiskWithVMGuestState")
    {
        found.push(
            context
                .error(
                    path.key("managedDisk").key("securityProfile").key("diskEncryptionSet"),
                    "this encryption set needs `securityEncryptionType: DiskWithVMGuestState`",
                )
                .hint("set that type, or remove the encryption set"),
        );
    }
}

pub(super) fn fields(context: &Context<'_>) -> Vec<Violation> {
    let spec = spec(context);
    let mut found = Vec::new();
    let mut report =
        |key: &str, message: String, hint: &str| found.push(context.error(spot(key), message).hint(hint));
    if field::text(spec, "roleAssignmentName").is_some() {
        report(
            "roleAssignmentName",
            "a role assignment has one name, a template makes several machines".to_owned(),
            "remove it",
        );
    }
    if field::text(spec, "systemAssignedIdentityRole.name").is_some() {
        report(
            "systemAssignedIdentityRole.name",
            "a role assignment has one name, a template makes several machines".to_owned(),
            "remove `name`",
        );
    }
    let identity = field::text(spec, "identity").unwrap_or("None");
    let identities = field::list(spec, "userAssignedIdentities");
    if identity == "UserAssigned" && identities.is_empty() {
        report(
            "userAssignedIdentities",
            "`identity: UserAssigned` without an identity".to_owned(),
            "list the identities by `providerID`",
        );
    }
    if identity != "UserAssigned" && !identities.is_empty() {
        report(
            "identity",
            format!("identities are assigned, but `identity` is `{identity}`"),
            "set `identity: UserAssigned`",
        );
    }
    if field::at(spec, "systemAssignedIdentityRole").is_some() {
        if identity == "SystemAssigned" {
            for key in ["definitionID", "scope"] {
                if field::text(spec, &format!("systemAssignedIdentityRole.{key}")).is_none() {
                    report(
                        &format!("systemAssignedIdentityRole.{key}"),
                        format!("the role of a system-assigned identity has no `{key}`"),
                        "give the full resource id",
                    );
                }
            }
        } else {
            report(
                "systemAssignedIdentityRole",
                format!("a role for a system-assigned identity, but `identity` is `{identity}`"),
                "set `identity: SystemAssigned`, or remove the role",
            );
        }
    }
    let interfaces = field::list(spec, "networkInterfaces");
    if !interfaces.is_empty() {
        for key in ["subnetName", "acceleratedNetworking"] {
            if field::at(spec, key).is_some_and(|value| value != "") {
                report(key, format!("`{key}` beside `networkInterfaces`"), "set it in the network interface");
            }
        }
    }
    for (index, interface) in interfaces.iter().enumerate() {
        if field::integer(interface, "privateIPConfigs").is_some_and(|count| count < 0) {
            report(
                &format!("networkInterfaces.{index}.privateIPConfigs"),
                "a network interface has at least one address".to_owned(),
                "use 1, or leave it out",
            );
        }
    }
    if field::flag(spec, "disableExtensionOperations") && field::given(spec, "vmExtensions") {
        report(
            "vmExtensions",
            "VM extensions are listed, and switched off by `disableExtensionOperations`".to_owned(),
            "remove the extensions; Talos cannot run them",
        );
    }
    found
}

pub(super) fn resource_ids(context: &Context<'_>) -> Vec<Violation> {
    let spec = spec(context);
    let mut found = Vec::new();
    let identities =
        field::list(spec, "userAssignedIdentities").iter().enumerate().filter_map(|(index, identity)| {
            let id = field::text(identity, "providerID")?;
            Some((
                spot("userAssignedIdentities").index(index).key("providerID"),
                id.strip_prefix("azure://").unwrap_or(id),
            ))
        });
    let reservation =
        field::text(spec, "capacityReservationGroupID").map(|id| (spot("capacityReservationGroupID"), id));
    for (path, id) in identities.chain(reservation) {
        if !is_resource_id(id) {
            found.push(
                context
                    .error(path, format!("`{id}` is not an Azure resource id"))
                    .hint("it looks like `/subscriptions/<id>/resourceGroups/<group>/providers/<provider>/<kind>/<name>`"),
            );
        }
    }
    if let Some(key) = field::text(spec, "sshPublicKey").filter(|key| !is_base64(key)) {
        let start: String = key.chars().take(20).collect();
        found.push(
            context.error(spot("sshPublicKey"), format!("`{start}…` is not base64")).hint(
                "encode the whole line of the public key (`base64 -w0 key.pub`), or leave the field out",
            ),
        );
    }
    found
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

pub(super) fn confidential(context: &Context<'_>) -> Vec<Violation> {
    let spec = spec(context);
    let encryption = field::text(spec, "osDisk.managedDisk.securityProfile.securityEncryptionType");
    let (Some(encryption), Some(profile)) = (encryption, field::at(spec, "securityProfile")) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut report =
        |key: &str, message: String, hint: &str| found.push(context.error(spot(key), message).hint(hint));
    if field::text(profile, "securityType") != Some("ConfidentialVM") {
        report(
            "securityProfile.securityType",
            format!("the encryption `{encryption}` is for confidential VMs"),
            "set `securityType: ConfidentialVM`",
        );
    }
    if !field::flag(profile, "uefiSettings.vTpmEnabled") {
        report(
            "securityProfile.uefiSettings.vTpmEnabled",
            format!("the encryption `{encryption}` needs a virtual TPM"),
            "set `uefiSettings: {vTpmEnabled: true}`",
        );
    }
    if encryption == "DiskWithVMGuestState" {
        if field::flag(profile, "encryptionAtHost") {
            report(
                "securityProfile.encryptionAtHost",
                "`DiskWithVMGuestState` and encryption at the host exclude each other".to_owned(),
                "set `encryptionAtHost: false`",
            );
        }
        if field::at(profile, "uefiSettings").is_some()
            && !field::flag(profile, "uefiSettings.secureBootEnabled")
        {
            report(
                "securityProfile.uefiSettings.secureBootEnabled",
                "`DiskWithVMGuestState` needs secure boot".to_owned(),
                "set `secureBootEnabled: true` and use a SecureBoot image of Talos",
            );
        }
    }
    found
}

pub(super) fn diagnostics(context: &Context<'_>) -> Vec<Violation> {
    let spec = spec(context);
    let Some(boot) = field::at(spec, "diagnostics.boot") else { return Vec::new() };
    let kind = field::text(boot, "storageAccountType").unwrap_or_default();
    let uri = field::text(boot, "userManaged.storageAccountURI");
    let path = spot("diagnostics.boot.userManaged.storageAccountURI");
    match (kind, uri) {
        ("UserManaged", None) => vec![
            context
                .error(path, "boot diagnostics go to a storage account that is not named")
                .hint("give `userManaged.storageAccountURI`"),
        ],
        ("Managed" | "Disabled", Some(_)) => vec![
            context
                .error(path, format!("a storage account is named for boot diagnostics of type `{kind}`"))
                .hint("use `storageAccountType: UserManaged`, or remove `userManaged`"),
        ],
        _ => Vec::new(),
    }
}

pub(super) fn spot_eviction(context: &Context<'_>) -> Vec<Violation> {
    let Some(options) = field::at(spec(context), "spotVMOptions") else { return Vec::new() };
    if field::text(options, "evictionPolicy") == Some("Delete") {
        return Vec::new();
    }
    vec![
        context
            .warning(
                spot("spotVMOptions.evictionPolicy"),
                "an evicted spot VM is only switched off, so its machine is not replaced",
            )
            .hint("set `evictionPolicy: Delete`"),
    ]
}
