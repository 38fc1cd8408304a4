//! Rules about AWSClusters and identities.

use serde_json::Value;

use crate::{
    admission::rules::{Context, Violation, field, identity, label::Selector, set::INFRASTRUCTURE},
    finding::suggest,
    yaml::pointer::FieldPath,
};

pub(super) fn region(context: &Context<'_>) -> Vec<Violation> {
    if field::text(&context.object.value, "spec.region").is_some() {
        return Vec::new();
    }
    vec![
        context
            .error(
                "spec.region",
                format!("AWSCluster `{}` does not say in which region it is", context.object.id.name),
            )
            .hint("set `region`, for instance `eu-central-1`"),
    ]
}

pub(super) fn load_balancer(context: &Context<'_>) -> Vec<Violation> {
    let value = &context.object.value;
    let mut found = Vec::new();
    let first = "spec.controlPlaneLoadBalancer";
    if let Some(balancer) = field::at(value, first) {
        target_types(context, first, balancer, &mut found);
        if field::text(balancer, "loadBalancerType") == Some("disabled") {
            let settings = [
                "name",
                "crossZoneLoadBalancing",
                "subnets",
                "healthCheckProtocol",
                "additionalSecurityGroups",
                "additionalListeners",
                "ingressRules",
                "preserveClientIP",
                "disableHostsRewrite",
                "targetGroupIPType",
            ];
            for setting in settings.iter().filter(|setting| field::given(balancer, setting)) {
                found.push(
                    context
                        .error(
                            format!("{first}.{setting}").as_str(),
                            format!("`{setting}` is set for a load balancer that is disabled"),
                        )
                        .hint("remove it, or choose `loadBalancerType: nlb`"),
                );
            }
        }
    }
    let second = "spec.secondaryControlPlaneLoadBalancer";
    let Some(balancer) = field::at(value, second) else { return found };
    target_types(context, second, balancer, &mut found);
    let at = |key: &str| format!("{second}.{key}");
    let name = field::text(balancer, "name");
    if name.is_none() {
        found.push(
            context
                .error(at("name").as_str(), "the second load balancer has no name")
                .hint("give it a `name` that differs from the first one's"),
        );
    } else if name == field::text(value, "spec.controlPlaneLoadBalancer.name") {
        found.push(
            context
                .error(
                    at("name").as_str(),
                    format!("both load balancers are called {}", field::show(balancer.get("name"))),
                )
                .hint("give the second one another name"),
        );
    }
    // The schema fills in `internet-facing` and `classic` for both before the webhook sees them.
    let scheme =
        |path: &str| field::text(value, &format!("{path}.scheme")).unwrap_or("internet-facing").to_owned();
    if scheme(first) == scheme(second) {
        found.push(
            context
                .error(
                    at("scheme").as_str(),
                    format!("both load balancers have the scheme `{}`", scheme(second)),
                )
                .hint("one must be `internal` and one `internet-facing`, which is the default"),
        );
    }
    if field::text(balancer, "loadBalancerType") != Some("nlb") {
        found.push(
            context
                .error(
                    at("loadBalancerType").as_str(),
                    "the second load balancer must be an NLB, and the schema's default is `classic`",
                )
                .hint("write `loadBalancerType: nlb`"),
        );
    }
    found
}

fn target_types(context: &Context<'_>, path: &str, balancer: &Value, found: &mut Vec<Violation>) {
    let classic = field::text(balancer, "loadBalancerType").unwrap_or("classic") == "classic";
    let ipv6 = field::at(&context.object.value, "spec.network.vpc.ipv6").is_some();
    let listeners = field::list(balancer, "additionalListeners");
    let places = std::iter::once((format!("{path}.targetGroupIPType"), balancer)).chain(
        listeners.iter().enumerate().map(|(index, listener)| {
            (format!("{path}.additionalListeners[{index}].targetGroupIPType"), listener)
        }),
    );
    for (place, holder) in places {
        let Some(kind) = field::text(holder, "targetGroupIPType") else { continue };
        if classic {
            found.push(
                context
                    .error(place.as_str(), "a classic load balancer has no target groups")
                    .hint("choose `loadBalancerType: nlb`, or remove `targetGroupIPType`"),
            );
        }
        if kind == "ipv6" && !ipv6 {
            found.push(
                context
                    .error(place.as_str(), "IPv6 targets need a VPC with IPv6")
                    .hint("set `spec.network.vpc.ipv6: {}`, or use `ipv4`"),
            );
        }
    }
}

pub(super) fn classic_load_balancer(context: &Context<'_>) -> Vec<Violation> {
    let path = "spec.controlPlaneLoadBalancer.loadBalancerType";
    if context.object.text(path).unwrap_or("classic") != "classic" {
        return Vec::new();
    }
    vec![
        context
            .warning(path, "the classic load balancer is deprecated, and it is what you get without a type")
            .hint(
                "write `loadBalancerType: nlb` with `healthCheckProtocol: TCP`; neither can be changed later",
            ),
    ]
}

pub(super) fn bucket(context: &Context<'_>) -> Vec<Violation> {
    if context.object.at("spec.s3Bucket").is_none() {
        return Vec::new();
    }
    vec![
        context
            .warning(
                "spec.s3Bucket",
                "a bucket is refused unless the gate `BootstrapFormatIgnition` is \
                                       on, and is for Ignition only",
            )
            .hint("remove it; Talos gets its configuration as user data"),
    ]
}

pub(super) fn gc_tasks(context: &Context<'_>) -> Vec<Violation> {
    const KEY: &str = "aws.cluster.x-k8s.io/external-resource-tasks-gc";
    const TASKS: [&str; 3] = ["load-balancer", "target-group", "security-group"];
    let annotations = context.object.at("metadata.annotations");
    let Some(text) =
        annotations.and_then(|annotations| annotations.get(KEY)?.as_str()).filter(|text| !text.is_empty())
    else {
        return Vec::new();
    };
    text.split(',')
        .filter(|task| !TASKS.contains(task))
        .map(|task| {
            let violation = context.error(
                FieldPath::of(["metadata", "annotations", KEY]),
                format!("there is no garbage collection task `{task}`"),
            );
            match suggest::hint(task, TASKS) {
                Some(hint) => violation.hint(hint),
                None => violation,
            }
        })
        .collect()
}

pub(super) fn tags(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = if object.id.kind == "AWSMachineTemplate" {
        "spec.template.spec.additionalTags"
    } else {
        "spec.additionalTags"
    };
    let base = FieldPath::of(path.split('.'));
    let plain = |text: &str| {
        text.chars().all(|letter| {
            letter.is_ascii_alphanumeric() || letter.is_ascii_whitespace() || "_.:=+-@/".contains(letter)
        })
    };
    let mut found = Vec::new();
    let mut count = 0;
    for (key, value) in field::entries(&object.value, path) {
        count += 1;
        let text = value.as_str().unwrap_or_default();
        let problem = if key.is_empty() {
            Some("a tag has an empty key".to_owned())
        } else if key.len() > 128 {
            Some(format!("the tag key `{key}` has {} characters, at most 128 are allowed", key.len()))
        } else if text.len() > 256 {
            Some(format!("the value of tag `{key}` has {} characters, at most 256 are allowed", text.len()))
        } else if key.starts_with("aws:") {
            Some(format!("the tag key `{key}` starts with `aws:`, which is AWS's own"))
        } else if !plain(key) || !plain(text) {
            Some(format!("the tag `{key}: {text}` has characters that AWS does not take"))
        } else {
            None
        };
        if let Some(problem) = problem {
            found.push(context.error(base.key(key), problem).hint(
                "tags have up to 128 and 256 characters: letters, digits, spaces and `_ . : = + - @ /`",
            ));
        }
    }
    if count > 50 {
        found.push(context.error(base, format!("{count} tags, at most 50 are allowed")).hint("remove some"));
    }
    found
}

pub(super) fn ssh_key_name(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let path = if object.id.kind == "AWSMachineTemplate" {
        "spec.template.spec.sshKeyName"
    } else {
        "spec.sshKeyName"
    };
    let Some(name) = object.text(path).filter(|name| !name.is_empty()) else { return Vec::new() };
    let printable = name.chars().all(|letter| letter == ' ' || letter.is_ascii_graphic());
    if printable && name.trim() == name {
        return Vec::new();
    }
    vec![context.error(path, format!("`{name}` is not the name of a key pair")).hint(
        "use printable ASCII without spaces at the ends; `\"\"` means no key, which is right for Talos",
    )]
}

pub(super) fn identity_form(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let mut found = Vec::new();
    if object.id.kind == "AWSClusterControllerIdentity" && object.id.name != "default" {
        found.push(
            context
                .error(
                    "metadata.name",
                    format!("the controller identity is called `default`, not `{}`", object.id.name),
                )
                .hint("rename it; there is only one"),
        );
    }
    if object.id.kind == "AWSClusterRoleIdentity" && object.at("spec.sourceIdentityRef").is_none() {
        found.push(
            context
                .error(
                    "spec.sourceIdentityRef",
                    format!("the role identity `{}` does not say who assumes the role", object.id.name),
                )
                .hint("add `sourceIdentityRef: {kind: AWSClusterControllerIdentity, name: default}`"),
        );
    }
    if let Err((inner, problem)) = Selector::read(object.at("spec.allowedNamespaces.selector")) {
        found.push(
            context
                .error(format!("spec.allowedNamespaces.selector.{inner}").as_str(), problem)
                .hint("selectors are `matchLabels`, or `matchExpressions` with key, operator and values"),
        );
    }
    found
}

pub(super) fn identity_use(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let (Some(kind), Some(name)) = (
        field::text(&object.value, "spec.identityRef.kind"),
        field::text(&object.value, "spec.identityRef.name"),
    ) else {
        return Vec::new();
    };
    let Some(identity) = context.set.find(INFRASTRUCTURE, kind, None, name) else { return Vec::new() };
    identity::may_use(context, identity, "spec.identityRef")
}
