//! Bundles against the machines that they run on.

use std::collections::BTreeSet;

use super::{Check, spec};
use crate::{
    finding::codes,
    plan::{
        Provider,
        resolved::{ResolvedBundle, Role},
    },
    render::{aws, variables::schedulable_machines},
    yaml::pointer::FieldPath,
};

pub(super) fn check(check: &mut Check<'_>) {
    placeholders(check);
    records(check);
    rights(check);
    copies(check);
    gpu(check);
    drivers(check);
    single(check);
}

fn bundle<'plan>(check: &Check<'plan>, name: &str) -> Option<&'plan ResolvedBundle> {
    check.cluster.bundles.iter().find(|bundle| bundle.name == name)
}

fn place(bundle: &ResolvedBundle) -> FieldPath {
    bundle.field.clone().unwrap_or_else(|| spec("recipes"))
}

/// The value of a bundle's variable, where its files use it.
fn value<'bundle>(bundle: &'bundle ResolvedBundle, variable: &str) -> Option<&'bundle str> {
    bundle.stages.iter().find_map(|stage| stage.substitute.get(variable)).map(String::as_str)
}

/// Where the plan gives a variable of a bundle; where it does not, the bundle's own place.
fn variable_place(check: &Check<'_>, bundle: &ResolvedBundle, variable: &str) -> FieldPath {
    let path = place(bundle).key("variables").key(variable);
    if check.is_written(&path) { path } else { place(bundle) }
}

/// Defaults that are there so that a first render needs no file. A name has one value in a cluster, so it is told once.
fn placeholders(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let mut told: BTreeSet<&str> = BTreeSet::new();
    for bundle in &cluster.bundles {
        for (name, text) in &bundle.placeholders {
            if value(bundle, name).is_none() || !has_effect(check, name) || !told.insert(name) {
                continue;
            }
            let description = bundle.bundle.spec.variables.iter().find(|variable| variable.name == *name);
            let description = description.map_or("", |variable| variable.description.trim_end_matches('.'));
            check.warning(
                &codes::BUNDLE_PLACEHOLDER,
                &place(bundle),
                format!(
                    "`{name}` of recipe `{}` is still the placeholder `{text}`, which works nowhere",
                    bundle.name
                ),
                format!(
                    "write `{{name: {0}, variables: {{{name}: ...}}}}` in `spec.recipes`: {description}; see recipes/{0}/README.md",
                    bundle.name
                ),
            );
        }
    }
}

/// Whether anything comes of a placeholder. The zone `cluster_domain` is for names: those that the Gateway and routes answer
/// for, and those that external-dns writes, which by default is nowhere on Proxmox.
fn has_effect(check: &Check<'_>, variable: &str) -> bool {
    let cluster = check.cluster;
    if variable != "cluster_domain" {
        return true;
    }
    let gateway = cluster.gateway.as_ref().is_some_and(|gateway| gateway.hostname.is_none());
    let records = bundle(check, "base").is_some_and(|base| value(base, "dns_provider") != Some("inmemory"));
    let routes =
        || cluster.bundles.iter().any(|bundle| bundle.name != "base" && value(bundle, variable).is_some());
    gateway || records || routes()
}

/// external-dns with the provider that keeps its records in memory.
///
/// Source: kubernetes-sigs/external-dns `provider/inmemory/inmemory.go`
fn records(check: &mut Check<'_>) {
    let Some(base) = bundle(check, "base").filter(|base| value(base, "dns_provider") == Some("inmemory"))
    else {
        return;
    };
    let path = variable_place(check, base, "dns_provider");
    check.info(
        &codes::DNS_NOWHERE,
        &path,
        "external-dns writes nowhere: `dns_provider` is `inmemory`",
        "write `{name: base, variables: {dns_provider: cloudflare}}` (or `rfc2136`) in `spec.recipes` and provide its Secret, or \
         make the records yourself",
    );
}

/// external-dns and cert-manager write in Route 53, and pods on workers do not get the machine's rights.
///
/// Source: kubernetes-sigs/external-dns `docs/tutorials/aws.md`; cert-manager/website `configuration/acme/dns01/route53.md`
fn rights(check: &mut Check<'_>) {
    let cluster = check.cluster;
    let Some(base) = bundle(check, "base") else { return };
    let reach = aws::metadata_hop_limit(cluster, Role::Worker);
    let takes_pods = cluster.pools.iter().any(|pool| pool.autoscaling.is_some() || pool.replicas > 0);
    if reach != Some(1) || !takes_pods || base.stages.iter().any(|stage| !stage.patches.is_empty()) {
        return;
    }
    let path = place(base);
    check.info(
        &codes::DNS_RIGHTS,
        &path,
        "external-dns and the issuer `acme` have no rights in Route 53 yet: pods on workers do not reach the instance profile",
        "provide the Secret `external-dns-aws` and patch the issuer (recipes/base/README.md), or set \
         `spec.aws.metadataHopLimit: 2`, which gives every pod the rights of its machine",
    );
}

/// Longhorn, which `base` brings on Proxmox.
///
/// Source: longhorn/longhorn `docs/content/docs/best-practices.md`, replica node-level soft anti-affinity is off
fn copies(check: &mut Check<'_>) {
    if check.cluster.provider != Provider::Proxmox {
        return;
    }
    let Some(base) = bundle(check, "base") else { return };
    let copies = value(base, "longhorn_replica_count").and_then(|text| text.parse::<i32>().ok());
    let nodes = schedulable_machines(check.cluster);
    if let Some(copies) = copies
        && copies > nodes
    {
        let path = variable_place(check, base, "longhorn_replica_count");
        check.warning(
            &codes::STORAGE_COPIES,
            &path,
            format!("Longhorn keeps {copies} copies of a volume, and {} takes pods", machines(nodes)),
            format!(
                "write `{{name: base, variables: {{longhorn_replica_count: {}}}}}` in `spec.recipes`, or add machines",
                nodes.max(1)
            ),
        );
    }
}

fn machines(count: i32) -> String {
    if count == 1 { "1 machine".to_owned() } else { format!("only {count} machines") }
}

fn gpu(check: &mut Check<'_>) {
    let pool = check.cluster.pools.iter().find(|pool| pool.gpu.is_some());
    match (pool, bundle(check, "gpu")) {
        (None, Some(bundle)) => {
            let path = place(bundle);
            check.warning(
                &codes::GPU_PARTS,
                &path,
                "the bundle `gpu` is in, and no pool has GPUs",
                "give a pool `gpu: nvidia`, or take the bundle out",
            );
        }
        (Some(pool), None) => {
            let path = pool.field.key("gpu");
            check.warning(
                &codes::GPU_PARTS,
                &path,
                format!("pool `{}` has GPUs, and nothing offers them to pods", pool.name),
                "add the bundle `gpu` to `spec.recipes`: it brings the device plugin",
            );
        }
        _ => {}
    }
}

/// One image carries one driver branch.
fn drivers(check: &mut Check<'_>) {
    let branch = |name: &str| {
        ["lts", "production"].into_iter().find(|branch| {
            name.starts_with("siderolabs/")
                && name.contains("nvidia")
                && name.ends_with(&format!("-{branch}"))
        })
    };
    let extensions = &check.cluster.talos.schematic.extensions;
    let has = |wanted: &str| extensions.iter().find(|name| branch(name) == Some(wanted));
    if let (Some(lts), Some(production)) = (has("lts"), has("production")) {
        let message =
            format!("the image would hold two branches of the NVIDIA driver: `{lts}` and `{production}`");
        let path = spec("talos.extensions");
        check.error(
            &codes::GPU_PARTS,
            &path,
            message,
            "name extensions of one branch only in `talos.extensions`; without any there the bundle `gpu` decides",
        );
    }
}

/// What a person may expect of one machine, and does not get.
fn single(check: &mut Check<'_>) {
    if schedulable_machines(check.cluster) > 1 || check.cluster.cilium.is_none() {
        return;
    }
    let hubble = spec("addons.cilium.hubble");
    if check.is_written(&hubble)
        && check.cluster.cilium.as_ref().is_some_and(|cilium| cilium.hubble == Some(true))
    {
        check.info(
            &codes::NOT_IN_USE,
            &hubble,
            "one machine carries everything: Hubble's relay and UI take memory from it and show the traffic of one node",
            "set `addons.cilium.hubble: false` where memory is short",
        );
    }
}
