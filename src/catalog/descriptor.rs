//! `clusters/<provider>/provider.yaml`: what the renderer has to know about a provider.

use serde::Deserialize;

use super::Catalog;
use crate::{
    finding::{Findings, codes},
    plan::Provider,
};

/// A provider's description.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Descriptor {
    /// Its name in sentences, for instance `Amazon Web Services`.
    pub title: String,
    /// The kind of the infrastructure cluster, for instance `AWSCluster`.
    pub cluster_kind: String,
    /// The kind of the machine template, for instance `AWSMachineTemplate`.
    pub machine_template_kind: String,
    /// The platform in Talos image names, for instance `aws` (siderolabs/docs `learn-more/image-factory.mdx`).
    pub talos_platform: String,
    /// How the name of the platform's disk image ends, for instance `vhd.xz`.
    #[serde(default = "raw_xz")]
    pub talos_image: String,
    /// Longest cluster name that the provider takes, when less than 32.
    pub max_name_length: Option<usize>,
    /// Whether a cluster name must start with a letter.
    #[serde(default)]
    pub name_starts_with_letter: bool,
    /// Whether a cluster name must not have two hyphens in a row.
    #[serde(default)]
    pub name_single_hyphens: bool,
    /// System disk in GiB when a plan says nothing.
    #[serde(rename = "defaultDiskGiB")]
    pub default_disk_gib: i32,
    /// Seconds until a machine without a node counts as failed, when a plan says nothing.
    pub node_startup_timeout_seconds: i32,
    /// What the provider can do.
    pub supports: Supports,
    /// Values of `values.example.yaml` that only the user can know.
    #[serde(default)]
    pub examples: Vec<Example>,
    /// Talos extensions that machines of this provider always have.
    #[serde(default)]
    pub talos_extensions: Vec<String>,
    /// Kernel arguments that images of this provider always have.
    #[serde(default)]
    pub extra_kernel_args: Vec<String>,
    /// Secrets that a person must provide.
    #[serde(default)]
    pub secrets: Vec<super::bundle::BundleSecret>,
}

/// What a provider can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent abilities, as written in the file")]
pub struct Supports {
    /// Zones for machines.
    pub failure_domains: bool,
    /// Spot capacity.
    pub spot: bool,
    /// A price limit for spot capacity.
    pub spot_max_price: bool,
    /// GPU machines.
    pub gpu: bool,
    /// IPv6 networks for pods, services and nodes.
    pub ipv6: bool,
    /// The provider makes the API endpoint; otherwise the plan must give it.
    pub managed_endpoint: bool,
}

/// A value that only the user can know.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Example {
    /// The field of the plan.
    pub field: String,
    /// What it must be, for the message.
    pub what: String,
    /// The value matters only when these features are on.
    pub when: Option<String>,
}

fn raw_xz() -> String {
    "raw.xz".to_owned()
}

impl Catalog {
    /// Reads a provider's description.
    pub fn descriptor(&self, provider: Provider) -> Result<Descriptor, Findings> {
        self.read(&format!("clusters/{provider}/provider.yaml"), &codes::CATALOG_FILE)
    }
}
