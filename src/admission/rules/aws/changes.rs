//! What must not change on AWS.

use serde_json::Value;

use crate::admission::rules::{Context, Violation, field, template_changed};

pub(super) fn cluster(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let (old, new) = (&previous.value, &context.object.value);
    let mut found = Vec::new();
    let mut fixed = |path: &str, hint: &str| {
        let (before, now) = (field::at(old, path), field::at(new, path));
        found.push(context.error(path, field::change(&format!("`{path}`"), before, now)).hint(hint));
    };
    let keep = "keep the old value; for the new one, make a new cluster";
    if field::at(old, "spec.region") != field::at(new, "spec.region") {
        fixed("spec.region", keep);
    }
    let endpoint = "spec.controlPlaneEndpoint";
    if field::given(old, endpoint) && field::at(old, endpoint) != field::at(new, endpoint) {
        fixed(endpoint, "leave it out; the provider fills it in");
    }
    if field::given(old, "spec.network.vpc.id")
        && field::at(old, "spec.network.vpc.id") != field::at(new, "spec.network.vpc.id")
    {
        fixed("spec.network.vpc.id", keep);
    }
    if field::at(old, "spec.identityRef").is_some() && field::at(new, "spec.identityRef").is_none() {
        fixed("spec.identityRef", "put it back; it may be changed, but not removed");
    }
    for path in ["spec.controlPlaneLoadBalancer", "spec.secondaryControlPlaneLoadBalancer"] {
        let (before, now) = (field::at(old, path), field::at(new, path));
        let second = path.contains("secondary");
        if (before.is_none() && now.is_none()) || (second && (before.is_none() || now.is_none())) {
            continue;
        }
        let before = Balancer::read(before);
        let now = Balancer::read(now);
        if before.scheme != now.scheme {
            fixed(&format!("{path}.scheme"), keep);
        }
        if before.name != now.name {
            fixed(&format!("{path}.name"), keep);
        }
        if before.disabled() != now.disabled() {
            fixed(
                &format!("{path}.loadBalancerType"),
                "a load balancer is neither switched off nor on later",
            );
        }
        if before.kind != "classic" && before.probe != now.probe {
            fixed(&format!("{path}.healthCheckProtocol"), keep);
        }
        if before.targets != now.targets {
            fixed(&format!("{path}.targetGroupIPType"), keep);
        }
    }
    let managed = |value: &Value| {
        value
            .get("metadata")
            .and_then(|metadata| metadata.get("annotations")?.get("cluster.x-k8s.io/managed-by"))
            .is_some()
    };
    if managed(old) && !managed(new) {
        found.push(
            context
                .error("metadata.annotations", "the annotation `cluster.x-k8s.io/managed-by` was removed")
                .hint("put it back; a cluster that others manage cannot be handed to the provider"),
        );
    }
    found
}

pub(super) fn vpc(context: &Context<'_>) -> Vec<Violation> {
    let path = "spec.network.vpc.cidrBlock";
    let before = context.previous.and_then(|previous| previous.text(path));
    match (before, context.object.text(path)) {
        (Some(before), Some(now)) if before != now => vec![
            context
                .warning(path, format!("the VPC is there with `{before}`, and will not become `{now}`"))
                .hint("keep the old value; more addresses come with `vpc.secondaryCidrBlocks`, others with a new cluster"),
        ],
        _ => Vec::new(),
    }
}

/// A load balancer as the webhook sees it, after the schema's defaults.
struct Balancer<'value> {
    kind: &'value str,
    scheme: &'value str,
    name: Option<&'value str>,
    probe: Option<&'value str>,
    targets: Option<&'value str>,
}

impl<'value> Balancer<'value> {
    fn read(value: Option<&'value Value>) -> Self {
        let text = |path| value.and_then(|value| field::text(value, path));
        Self {
            kind: text("loadBalancerType").unwrap_or("classic"),
            scheme: text("scheme").unwrap_or("internet-facing"),
            name: text("name"),
            probe: text("healthCheckProtocol"),
            targets: text("targetGroupIPType"),
        }
    }

    fn disabled(&self) -> bool {
        self.kind == "disabled"
    }
}

pub(super) fn template(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let spec = "spec.template.spec";
    let (Some(old), Some(new)) = (previous.at(spec), context.object.at(spec)) else { return Vec::new() };
    let mut old = old.clone();
    let options = "instanceMetadataOptions";
    if old.get(options).is_none()
        && let (Some(entries), Some(added)) = (old.as_object_mut(), new.get(options))
    {
        entries.insert(options.to_owned(), added.clone());
    }
    template_changed(context, spec, &old, new)
}

pub(super) fn identity(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    let (old, new) = (&previous.value, &context.object.value);
    let changed = |path: &str| field::at(old, path) != field::at(new, path);
    let (path, hint) = match &*context.object.id.kind {
        "AWSClusterControllerIdentity" if changed("spec") => {
            ("spec", "delete and create it to change it, while no cluster is reconciled")
        }
        "AWSClusterStaticIdentity" if changed("spec.secretRef") => {
            ("spec.secretRef", "make a second identity for the other Secret")
        }
        "AWSClusterRoleIdentity"
            if field::at(old, "spec.sourceIdentityRef").is_some()
                && field::at(new, "spec.sourceIdentityRef").is_none() =>
        {
            ("spec.sourceIdentityRef", "put it back; it may be changed, but not removed")
        }
        _ => return Vec::new(),
    };
    vec![
        context
            .error(path, format!("`{path}` of the {} cannot be changed", context.object.id.kind))
            .hint(hint),
    ]
}
