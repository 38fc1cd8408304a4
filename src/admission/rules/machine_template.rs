//! Rules that hold for the machine templates of all providers.

use crate::finding::codes;

use super::{Context, Kind, Rule, Violation, field, set::INFRASTRUCTURE, talos::config::Role};

pub(super) const AWS: Kind = Kind::new(INFRASTRUCTURE, "AWSMachineTemplate");
pub(super) const AZURE: Kind = Kind::new(INFRASTRUCTURE, "AzureMachineTemplate");
pub(super) const GCP: Kind = Kind::new(INFRASTRUCTURE, "GCPMachineTemplate");
pub(super) const PROXMOX: Kind = Kind::new(INFRASTRUCTURE, "ProxmoxMachineTemplate");

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "machine-template/provider-id",
        code: &codes::PROVIDER_ID,
        kinds: &[AWS, AZURE, GCP, PROXMOX],
        meaning: "A template has no `providerID`: it is the id that the cloud gives to one machine.",
        source: "kubernetes-sigs/cluster-api-provider-aws webhooks/awsmachinetemplate_webhook.go; \
                 ionos-cloud/cluster-api-provider-proxmox internal/webhook/proxmoxmachinetemplate_webhook.go",
        check: provider_id,
    },
    Rule {
        name: "machine-template/size",
        code: &codes::MACHINE_SIZE,
        kinds: &[AWS, AZURE, GCP],
        meaning: "A template of a cloud names the type of its machines.",
        source: "the CRDs of CAPA, CAPZ and CAPG (required fields)",
        check: size,
    },
    Rule {
        name: "machine-template/spot-control-plane",
        code: &codes::SPOT,
        kinds: &[AWS, AZURE, GCP],
        meaning: "Control planes do not run on machines that the cloud may take back at any time.",
        source: "kubernetes-sigs/cluster-api-provider-azure docs/book/src/self-managed/spot-vms.md (machines are \
                 evicted at any time); that etcd cannot stand it is our judgement",
        check: spot_control_plane,
    },
];

/// The field that holds the type of a machine.
fn size_field(context: &Context<'_>) -> &'static str {
    if AZURE.matches(context.object) { "vmSize" } else { "instanceType" }
}

fn provider_id(context: &Context<'_>) -> Vec<Violation> {
    let path = "spec.template.spec.providerID";
    let Some(id) = context.object.at(path) else { return Vec::new() };
    let shown = field::show(Some(id));
    let scheme = ["aws://", "azure://", "gce://", "proxmox://"];
    let tail = id.as_str().unwrap_or_default();
    let tail = scheme.iter().find_map(|scheme| tail.strip_prefix(scheme)).unwrap_or(tail).trim_matches('/');
    let is_instance =
        tail.contains("i-") || tail.contains("subscriptions/") || tail.contains("virtualMachines");
    let size = size_field(context);
    let looks_like_type = !PROXMOX.matches(context.object)
        && !is_instance
        && context.object.at(&format!("spec.template.spec.{size}")).is_none();
    let violation = context
        .error(path, format!("the template gives the providerID {shown} to every machine made from it"));
    vec![if looks_like_type {
        violation
            .hint(format!("if this is the type of the machine, write it as `{size}`; remove `providerID`"))
    } else {
        violation.hint("remove it; the provider fills it in for each machine")
    }]
}

fn size(context: &Context<'_>) -> Vec<Violation> {
    let name = size_field(context);
    let path = format!("spec.template.spec.{name}");
    if context.object.text(&path).is_some_and(|size| !size.is_empty()) {
        return Vec::new();
    }
    let example = match &*context.object.id.kind {
        "AWSMachineTemplate" => "m7i.large",
        "AzureMachineTemplate" => "Standard_D4s_v5",
        _ => "n2-standard-4",
    };
    vec![
        context
            .error(
                path.as_str(),
                format!(
                    "{} `{}` does not say what type its machines are",
                    context.object.id.kind, context.object.id.name
                ),
            )
            .hint(format!("set `{name}`, for instance `{example}`")),
    ]
}

fn spot_control_plane(context: &Context<'_>) -> Vec<Violation> {
    let object = context.object;
    let spec = "spec.template.spec";
    let marks: &[(&str, Option<&str>)] = &[
        ("spotMarketOptions", None),
        ("spotVMOptions", None),
        ("marketType", Some("Spot")),
        ("provisioningModel", Some("Spot")),
        ("preemptible", Some("true")),
    ];
    let mark = marks.iter().find(|(key, wanted)| {
        object.at(&format!("{spec}.{key}")).is_some_and(|value| match wanted {
            None => true,
            Some("true") => value.as_bool() == Some(true),
            Some(wanted) => value.as_str() == Some(wanted),
        })
    });
    let Some((key, _)) = mark else { return Vec::new() };
    context
        .set
        .machines_of(object)
        .filter(|machines| machines.role == Role::ControlPlane)
        .take(1)
        .map(|machines| {
            context
                .error(
                    format!("{spec}.{key}").as_str(),
                    format!("the control plane `{}` would run on spot machines", machines.owner.id.name),
                )
                .hint("give control planes a template of their own without it")
        })
        .collect()
}
