//! Flux settings and the hub namespace.

use super::{Check, form, spec};
use crate::{
    admission::rules::label,
    finding::{Finding, codes},
};

/// Hub namespaces with other owners, and whose they are.
const TAKEN: [(&str, &str); 14] = [
    ("default", "Kubernetes"),
    ("kube-system", "Kubernetes"),
    ("kube-public", "Kubernetes"),
    ("kube-node-lease", "Kubernetes"),
    ("flux-system", "Flux"),
    ("capi-system", "Cluster API"),
    ("capi-operator-system", "the Cluster API operator"),
    ("capa-system", "the AWS provider"),
    ("capz-system", "the Azure provider"),
    ("capg-system", "the GCP provider"),
    ("capmox-system", "the Proxmox provider"),
    ("cabpt-system", "the Talos bootstrap provider"),
    ("cacppt-system", "the Talos control-plane provider"),
    ("crossplane-system", "Crossplane"),
];

pub(super) fn check(check: &mut Check<'_>) {
    namespace(check);
    intervals(check);
    names(check);
}

fn namespace(check: &mut Check<'_>) {
    let namespace = &check.cluster.namespace;
    let owner = TAKEN.iter().find(|(name, _)| name == namespace).map(|(_, owner)| *owner);
    let source = &check.cluster.gitops.source_namespace;
    let owner = owner.or_else(|| (namespace == source).then_some("the Flux source"));
    if let Some(owner) = owner {
        check.error(
            &codes::NAMESPACE_TAKEN,
            &spec("namespace"),
            format!("the namespace `{namespace}` belongs to {owner}"),
            "give the cluster a namespace of its own; left out, it has the cluster's name",
        );
    }
}

fn intervals(check: &mut Check<'_>) {
    let gitops = check.cluster.gitops.clone();
    let mut seconds = Vec::new();
    for (key, text) in [("interval", &gitops.interval), ("retryInterval", &gitops.retry_interval)] {
        let path = spec("gitops").key(key);
        match form::duration(text) {
            Some(value) if value < 30.0 => {
                check.warning(
                    &codes::FLUX_SETTING,
                    &path,
                    format!("`{text}` makes Flux look at every bundle of this cluster all the time"),
                    "use at least `1m`; a change in Git is seen by the source's own interval, not by this one",
                );
                seconds.push(value);
            }
            Some(value) => seconds.push(value),
            None => check.error(
                &codes::SIZE_FORM,
                &path,
                format!("`{text}` is not a duration"),
                "write a Go duration such as `10m` or `1h30m`",
            ),
        }
    }
    if let [interval, retry] = &*seconds
        && retry > interval
    {
        let finding = Finding::warning(
            &codes::FLUX_SETTING,
            format!(
                "after a failure Flux would wait longer ({}) than without one ({})",
                gitops.retry_interval, gitops.interval
            ),
        );
        check.between(
            finding,
            (&spec("gitops.retryInterval"), &spec("gitops.interval")),
            "the interval without a failure",
            "let `retryInterval` be the shorter one",
        );
    }
}

fn names(check: &mut Check<'_>) {
    let gitops = check.cluster.gitops.clone();
    if gitops.path.split('/').any(|part| part == "..") {
        check.error(
            &codes::FLUX_SETTING,
            &spec("gitops.path"),
            format!("the path `{}` leaves the source", gitops.path),
            "write the catalogue's folder from the root of the source, for instance `./` or `./platform`",
        );
    }
    for (key, name) in [
        ("sourceRef.name", Some(&gitops.source_name)),
        ("decryptionSecret", gitops.decryption_secret.as_ref()),
    ] {
        check.object_name(&spec(&format!("gitops.{key}")), name.map(String::as_str));
    }
    if !crate::plan::resolve::is_dns_label(&gitops.source_namespace) {
        check.error(
            &codes::PLAN_NAME,
            &spec("gitops.sourceRef.namespace"),
            format!("`{}` is not the name of a namespace", gitops.source_namespace),
            "use lower-case letters, digits and `-`, at most 63 characters",
        );
    }
    if let Some(problem) = gitops.shard.as_deref().and_then(label::value_problem) {
        check.error(
            &codes::TAINT_FORM,
            &spec("gitops.shard"),
            format!("the shard is not a label value: {problem}"),
            "write a short word, for instance `shard1`",
        );
    }
}
