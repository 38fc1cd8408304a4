//! The Secrets of the hub that a person makes.

use std::fmt::Write as _;

use serde::Deserialize;

use super::{
    settings::quoted,
    values::{self, Values},
};
use crate::{
    catalog::Catalog,
    finding::{Finding, Findings, codes},
};

/// A Secret of the hub.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HubSecret {
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
    /// The file of the catalogue to start from.
    pub template: String,
    /// How it reaches the hub.
    pub by: By,
}

/// How a Secret reaches the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// Applied by hand: Flux cannot read anything before it is there.
    Hand,
    /// Encrypted in Git.
    Git,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the envelope is read strictly and is for people otherwise")]
struct File {
    api_version: String,
    kind: String,
    metadata: crate::catalog::bundle::BundleMetadata,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    secrets: Vec<HubSecret>,
}

const FILE: &str = "management/secrets.yaml";

/// The Secrets that a hub with these values needs.
pub fn read(catalog: &Catalog, values: &Values) -> Result<Vec<HubSecret>, Findings> {
    let data = values::data(catalog, FILE, values)?;
    let file: File = serde_json::from_value(data).map_err(|error| {
        Finding::error(&codes::CATALOG_FILE, format!("`{FILE}` cannot be read: {error}"))
            .hint("`infraflux eject` writes the original beside yours")
    })?;
    Ok(file.spec.secrets)
}

/// The file in sops/management that holds an encrypted Secret.
fn encrypted(secret: &HubSecret) -> String {
    format!("sops/management/{}.sops.yaml", secret.name)
}

/// The commands that turn the templates into encrypted files, for the Secrets that come from Git.
#[must_use]
pub fn commands(secrets: &[HubSecret]) -> String {
    let mut out = String::new();
    for secret in secrets.iter().filter(|secret| secret.by == By::Git) {
        let (from, to) = (quoted(&secret.template), quoted(&encrypted(secret)));
        // Writing to a String cannot fail.
        let _ = writeln!(out, "cp {from} {to}");
        let _ = writeln!(out, "$EDITOR {to}");
        let _ = writeln!(out, "sops encrypt --in-place {to}");
    }
    if out.is_empty() {
        return out;
    }
    out.push_str("$EDITOR sops/management/kustomization.yaml\n");
    out
}

/// `SECRETS.md`.
#[must_use]
pub fn document(secrets: &[HubSecret]) -> String {
    let mut out = "# Secrets of the hub\n\nInfraFlux renders references, never a secret. Each template is a file of the catalogue with \
        empty values; `BOOTSTRAP.md` has the commands.\n"
        .to_owned();
    for (by, heading, note) in [
        (
            By::Hand,
            "Made by hand, once",
            "Flux cannot read anything before these are there. They never go into Git.",
        ),
        (
            By::Git,
            "Encrypted in Git",
            "Under `sops/management/`, named in its `kustomization.yaml`. The Kustomization `secrets-management` brings them.",
        ),
    ] {
        let chosen: Vec<&HubSecret> = secrets.iter().filter(|secret| secret.by == by).collect();
        // Writing to a String cannot fail.
        let _ = write!(out, "\n## {heading}\n\n");
        if chosen.is_empty() {
            out.push_str("None.\n");
            continue;
        }
        let _ = write!(
            out,
            "{note}\n\n| namespace | name | keys | read by | what it is | template |\n|---|---|---|---|---|---|\n"
        );
        for secret in chosen {
            let keys: Vec<String> = secret.keys.iter().map(|key| format!("`{key}`")).collect();
            let _ = writeln!(
                out,
                "| `{}` | `{}` | {} | {} | {} | `{}` |",
                secret.namespace,
                secret.name,
                keys.join(", "),
                secret.reader,
                secret.description,
                secret.template
            );
        }
    }
    out
}
