//! Rules about AzureClusters and identities.

use crate::admission::rules::{Context, Violation, field, identity, label, set::INFRASTRUCTURE};

pub(super) fn name(context: &Context<'_>) -> Vec<Violation> {
    let name = &context.object.id.name;
    let problem = if name.len() > 44 {
        format!("`{name}` has {} characters, an AzureCluster may have 44", name.len())
    } else if name.len() < 2 || !label::is_dns_label(name) {
        format!("`{name}` is not a name for an AzureCluster")
    } else {
        return Vec::new();
    };
    vec![
        context
            .error("metadata.name", problem)
            .hint("use 2 to 44 lower-case letters, digits and `-`, with a letter or digit at both ends"),
    ]
}

pub(super) fn identity_ref(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let hint = "add `identityRef: \
                {apiVersion: infrastructure.cluster.x-k8s.io/v1beta1, kind: AzureClusterIdentity, name: \
                ..., namespace: ...}`";
    let Some(reference) = object.at("spec.identityRef") else {
        return vec![
            context
                .error("spec.identityRef", format!("AzureCluster `{}` has no identity", object.id.name))
                .hint(hint),
        ];
    };
    match field::text(reference, "kind") {
        Some("AzureClusterIdentity") => Vec::new(),
        kind => vec![
            context
                .error(
                    "spec.identityRef.kind",
                    format!(
                        "the identity of an AzureCluster is an AzureClusterIdentity, not {}",
                        kind.map_or_else(|| "nothing".to_owned(), |kind| format!("`{kind}`"))
                    ),
                )
                .hint(hint),
        ],
    }
}

pub(super) fn identity_use(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let Some(reference) = object.at("spec.identityRef") else { return Vec::new() };
    let namespace = field::text(reference, "namespace").or(object.id.namespace.as_deref());
    let name = field::text(reference, "name").unwrap_or_default();
    match context.set.find(INFRASTRUCTURE, "AzureClusterIdentity", namespace, name) {
        Some(found) => identity::may_use(context, found, "spec.identityRef"),
        None => Vec::new(),
    }
}

pub(super) fn bastion(context: &Context<'_>) -> Vec<Violation> {
    let base = "spec.bastionSpec.azureBastion";
    let Some(bastion) = context.object.at(base) else { return Vec::new() };
    if !field::flag(bastion, "enableTunneling") || field::text(bastion, "sku") == Some("Standard") {
        return Vec::new();
    }
    vec![
        context
            .error(format!("{base}.sku").as_str(), "tunnels through Azure Bastion need the SKU `Standard`")
            .hint("set `sku: Standard`, or `enableTunneling: false`"),
    ]
}

pub(super) fn edge_zone(context: &Context<'_>) -> Vec<Violation> {
    if context.object.at("spec.extendedLocation").is_none() {
        return Vec::new();
    }
    vec![
        context
            .warning(
                "spec.extendedLocation",
                "`extendedLocation` is refused unless the gate `EdgeZone` is on",
            )
            .hint("switch the gate on in the provider, or remove the field"),
    ]
}

pub(super) fn identity_form(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let kind = object.text("spec.type").unwrap_or_default();
    let mut found = Vec::new();
    if kind != "UserAssignedMSI" && field::text(&object.value, "spec.resourceID").is_some() {
        found.push(
            context
                .error(
                    "spec.resourceID",
                    format!("`resourceID` is for UserAssignedMSI, this identity is {}", field::a(kind)),
                )
                .hint("remove it"),
        );
    }
    for key in ["userAssignedIdentityCredentialsPath", "userAssignedIdentityCredentialsCloudType"] {
        let path = format!("spec.{key}");
        if kind != "UserAssignedIdentityCredential" && field::text(&object.value, &path).is_some() {
            found.push(
                context
                    .error(
                        path.as_str(),
                        format!(
                            "`{key}` is for UserAssignedIdentityCredential, this identity is {}",
                            field::a(kind)
                        ),
                    )
                    .hint("remove it"),
            );
        }
    }
    let needs_secret = ["ServicePrincipal", "ManualServicePrincipal"].contains(&kind);
    if needs_secret && field::text(&object.value, "spec.clientSecret.name").is_none() {
        found.push(
            context
                .error(
                    "spec.clientSecret",
                    format!("{} needs the Secret with its client secret", field::a(kind)),
                )
                .hint("add `clientSecret: {name: ..., namespace: ...}`"),
        );
    }
    found
}
