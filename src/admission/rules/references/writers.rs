//! Objects that make Secrets and ConfigMaps, so that those need not be in the set.
//!
//! Sources: external-secrets/external-secrets `apis/externalsecrets/v1`, bitnami-labs/sealed-secrets
//! `pkg/apis/sealedsecrets/v1alpha1`, cert-manager/cert-manager `pkg/apis/certmanager/v1`, cert-manager/trust-manager
//! `pkg/apis/trust/v1alpha1`, cloudnative-pg/cloudnative-pg `api/v1/cluster_funcs.go`, kube-object-storage/lib-bucket-provisioner
//! `pkg/apis/objectbucket.io/v1alpha1`, 1Password/onepassword-operator `api/v1`, hashicorp/vault-secrets-operator `api/v1beta1`,
//! emberstack/kubernetes-reflector and mittwald/kubernetes-replicator (README.md of both).

use super::resolve::Found;
use crate::admission::{Object, rules::set::Set};

/// A kind whose objects write a Secret or ConfigMap into their own namespace.
struct Writer {
    group: &'static str,
    kind: &'static str,
    /// The fields that name what is written; the first that is there counts, else the object's own name.
    name: &'static [&'static str],
    /// What is written.
    writes: &'static [&'static str],
}

const WRITERS: [Writer; 8] = [
    Writer {
        group: "external-secrets.io",
        kind: "ExternalSecret",
        name: &["spec.target.name"],
        writes: &["Secret", "ConfigMap"],
    },
    Writer {
        group: "bitnami.com",
        kind: "SealedSecret",
        name: &["spec.template.metadata.name"],
        writes: &["Secret"],
    },
    Writer { group: "cert-manager.io", kind: "Certificate", name: &["spec.secretName"], writes: &["Secret"] },
    Writer { group: "onepassword.com", kind: "OnePasswordItem", name: &[], writes: &["Secret"] },
    Writer {
        group: "objectbucket.io",
        kind: "ObjectBucketClaim",
        name: &[],
        writes: &["Secret", "ConfigMap"],
    },
    Writer {
        group: "secrets.hashicorp.com",
        kind: "VaultStaticSecret",
        name: &["spec.destination.name"],
        writes: &["Secret"],
    },
    Writer {
        group: "secrets.hashicorp.com",
        kind: "VaultDynamicSecret",
        name: &["spec.destination.name"],
        writes: &["Secret"],
    },
    Writer {
        group: "secrets.hashicorp.com",
        kind: "VaultPKISecret",
        name: &["spec.destination.name"],
        writes: &["Secret"],
    },
];

/// What a PostgreSQL cluster of CloudNativePG puts behind its name.
const POSTGRES: [&str; 5] = ["-app", "-superuser", "-ca", "-server", "-replication"];

/// Annotations by which a Secret or ConfigMap asks to be copied into other namespaces.
const COPIED: [&str; 4] = [
    "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
    "replicator.v1.mittwald.de/replicate-to",
    "replicator.v1.mittwald.de/replicate-to-matching",
    "replicator.v1.mittwald.de/replication-allowed",
];

/// Whether an object of the set writes the Secret or ConfigMap that a reference leads to.
pub(super) fn have(found: &Found<'_>, set: &Set<'_>) -> bool {
    if !found.group.is_empty() || !matches!(found.kind, "Secret" | "ConfigMap") {
        return false;
    }
    let home = found.namespace;
    let here = |object: &Object| {
        home.is_none() || object.id.namespace.is_none() || object.id.namespace.as_deref() == home
    };
    let named = |object: &Object, fields: &[&str]| {
        fields.iter().find_map(|field| object.text(field)).unwrap_or(&object.id.name) == found.name
    };
    let written = WRITERS.iter().filter(|writer| writer.writes.contains(&found.kind)).any(|writer| {
        let all = set.of(writer.group, writer.kind).iter();
        all.copied().any(|object| here(object) && named(object, writer.name))
    });
    let everywhere = [
        (
            "external-secrets.io",
            "ClusterExternalSecret",
            &["spec.externalSecretSpec.target.name", "spec.externalSecretName"][..],
        ),
        ("trust.cert-manager.io", "Bundle", &[]),
    ];
    let postgres = || {
        let clusters = POSTGRES.iter().filter_map(|suffix| found.name.strip_suffix(suffix));
        clusters.into_iter().any(|cluster| {
            let all = set.of("postgresql.cnpg.io", "Cluster").iter();
            all.copied().any(|object| here(object) && object.id.name == cluster)
        })
    };
    written
        || everywhere
            .iter()
            .any(|(group, kind, fields)| set.of(group, kind).iter().any(|object| named(object, fields)))
        || postgres()
        || set.named(found.name).iter().any(|object| {
            object.is("", found.kind)
                && object
                    .at("metadata.annotations")
                    .is_some_and(|all| COPIED.iter().any(|annotation| all.get(annotation).is_some()))
        })
}
