//! The Secrets that must exist: which ones a person provides, and which ones controllers write.

use std::fmt::Write as _;

use serde::Serialize;

use super::{features, scope::Context};
use crate::{
    catalog::bundle::{BundleSecret, SecretCluster},
    plan::resolved::ResolvedCluster,
};

/// A Secret that something reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretNeed {
    /// `hub` or `workload`.
    pub cluster: &'static str,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its keys.
    pub keys: Vec<String>,
    /// What reads it.
    pub reader: String,
    /// What it holds.
    pub description: String,
    /// Whether things fail without it.
    pub required: bool,
    /// The controller that writes it; none when a person must.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_by: Option<&'static str>,
}

/// Everything that the cluster's objects and bundles read, sorted.
#[must_use]
pub fn needs(cluster: &ResolvedCluster) -> Vec<SecretNeed> {
    let mut out = Vec::new();
    let declared = cluster
        .descriptor
        .secrets
        .iter()
        .chain(cluster.bundles.iter().flat_map(|bundle| &bundle.bundle.spec.secrets));
    let context = Context::cluster(cluster);
    for secret in declared {
        let here = secret.providers.as_ref().is_none_or(|providers| providers.contains(&cluster.provider));
        let now = secret
            .when
            .as_ref()
            .is_none_or(|condition| condition.holds(|feature| features::is_on(&context, feature)));
        if here && now {
            out.push(need(cluster, secret));
        }
    }
    if let Some(name) = &cluster.gitops.decryption_secret {
        out.push(SecretNeed {
            cluster: "hub",
            namespace: cluster.namespace.clone(),
            name: name.clone(),
            keys: vec!["*.agekey".to_owned()],
            reader: "Flux kustomize-controller".to_owned(),
            description: "age keys that decrypt the SOPS files of the bundles".to_owned(),
            required: true,
            written_by: None,
        });
    }
    let provider_secret = cluster
        .block
        .get(
            if cluster.provider == crate::plan::Provider::Proxmox
                || cluster.provider == crate::plan::Provider::Gcp
            {
                "credentialsSecret"
            } else {
                "-"
            },
        )
        .and_then(serde_json::Value::as_str);
    if let Some(name) = provider_secret {
        let (keys, description): (&[&str], &str) = match cluster.provider {
            crate::plan::Provider::Gcp => (&["credentials"], "service account key of the controller"),
            _ => (&["url", "token", "secret"], "address and API token of Proxmox"),
        };
        out.push(SecretNeed {
            cluster: "hub",
            namespace: cluster.namespace.clone(),
            name: name.to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            reader: format!("Cluster API provider {}", cluster.descriptor.title),
            description: description.to_owned(),
            required: true,
            written_by: None,
        });
    }
    for (suffix, keys, reader, description, writer) in [
        (
            "kubeconfig",
            "value",
            "Flux, Cluster API",
            "administrator kubeconfig",
            "control-plane provider Talos",
        ),
        (
            "talosconfig",
            "talosconfig",
            "operators (talosctl)",
            "Talos API access",
            "bootstrap provider Talos",
        ),
        (
            "ca",
            "tls.crt, tls.key",
            "Cluster API",
            "cluster certificate authority",
            "bootstrap provider Talos",
        ),
        (
            "talos",
            "bundle",
            "bootstrap provider Talos",
            "all secrets of the cluster",
            "bootstrap provider Talos",
        ),
    ] {
        out.push(SecretNeed {
            cluster: "hub",
            namespace: cluster.namespace.clone(),
            name: format!("{}-{suffix}", cluster.name),
            keys: keys.split(", ").map(str::to_owned).collect(),
            reader: reader.to_owned(),
            description: description.to_owned(),
            required: true,
            written_by: Some(writer),
        });
    }
    out.sort();
    out.dedup();
    out
}

fn need(cluster: &ResolvedCluster, secret: &BundleSecret) -> SecretNeed {
    let fill = |text: &str| {
        text.replace("${cluster_namespace}", &cluster.namespace).replace("${cluster_name}", &cluster.name)
    };
    SecretNeed {
        cluster: match secret.cluster {
            SecretCluster::Hub => "hub",
            SecretCluster::Workload => "workload",
        },
        namespace: fill(&secret.namespace),
        name: fill(&secret.name),
        keys: secret.keys.clone(),
        reader: secret.reader.clone(),
        description: secret.description.clone(),
        required: secret.required,
        written_by: None,
    }
}

/// `SECRETS.md`.
#[must_use]
pub fn document(cluster: &ResolvedCluster) -> String {
    let needs = needs(cluster);
    let mut out = format!(
        "# Secrets of {}\n\nInfraFlux renders references, never a secret. `hub` is the management cluster, `workload` this cluster.\n",
        cluster.name
    );
    let by_person: Vec<&SecretNeed> = needs.iter().filter(|need| need.written_by.is_none()).collect();
    out.push_str("\n## To be provided by a person\n\n");
    if by_person.is_empty() {
        out.push_str("None.\n");
    } else {
        out.push_str("Templates to encrypt with SOPS are in the catalogue's `sops/templates/`.\n\n");
        table(&by_person, &mut out);
    }
    let by_controller: Vec<&SecretNeed> = needs.iter().filter(|need| need.written_by.is_some()).collect();
    out.push_str("\n## Written by controllers\n\nNothing to do; listed so that nobody deletes them.\n\n");
    table(&by_controller, &mut out);
    out
}

fn table(needs: &[&SecretNeed], out: &mut String) {
    out.push_str("| cluster | namespace | name | keys | read by | what it is | needed |\n|---|---|---|---|---|---|---|\n");
    for need in needs {
        let keys: Vec<String> = need.keys.iter().map(|key| format!("`{key}`")).collect();
        let needed = match need.written_by {
            Some(writer) => format!("written by {writer}"),
            None if need.required => "always".to_owned(),
            None => "when its feature is on".to_owned(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "| {} | `{}` | `{}` | {} | {} | {} | {needed} |",
            need.cluster,
            need.namespace,
            need.name,
            keys.join(", "),
            need.reader,
            need.description
        );
    }
}
