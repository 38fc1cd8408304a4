//! Talos Linux on the machines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schema;

/// The operating system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Talos {
    /// The release, for instance `v1.13.10`. Default: the newest that the profile knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^v?1\.[0-9]+(\.[0-9]+)?(-[a-z]+\.[0-9]+)?$"))]
    pub version: Option<String>,
    /// System extensions of the image, for instance `siderolabs/iscsi-tools`. Those that recipes and pools need are
    /// added. Together with the kernel arguments they give the Image Factory schematic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<String>>,
    /// Kernel arguments of the image (part of the schematic, not of the machine configuration).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_kernel_args: Option<Vec<String>>,
    /// Where images come from. Default `factory.talos.dev`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub image_factory: Option<String>,
    /// Use the SecureBoot variants of the images. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_boot: Option<bool>,
    /// The disk that a metal or ISO boot installs to, for instance `/dev/sda`. Left out for disk images (the clouds, and
    /// Proxmox templates made from the nocloud image), which are installed already.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub install_disk: Option<String>,
    /// More names and addresses for the certificates of the Kubernetes API and the Talos API.
    #[serde(rename = "certSANs", skip_serializing_if = "Option::is_none")]
    pub cert_sans: Option<Vec<String>>,
    /// Mirrors for container registries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry_mirrors: Option<Vec<RegistryMirror>>,
    /// Time servers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_servers: Option<Vec<String>>,
    /// Data volumes on disks beside the system disk; mounted at `/var/mnt/<name>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_volumes: Option<Vec<UserVolume>>,
    /// Rotate the certificates of kubelets, and have their signing requests approved. Default true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_server_certificates: Option<bool>,
    /// Strategic patches to the machine configuration; they come after InfraFlux's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patches: Option<Patches>,
}

/// A mirror of a container registry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegistryMirror {
    /// The registry that is mirrored, for instance `docker.io`, or `*` for all.
    #[schemars(length(min = 1))]
    pub registry: String,
    /// The mirrors in order, as URLs.
    #[schemars(length(min = 1))]
    pub endpoints: Vec<String>,
    /// Do not ask the registry itself when no mirror answers. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_fallback: Option<bool>,
    /// The endpoints already hold the whole path. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_path: Option<bool>,
}

/// A data volume (Talos `UserVolumeConfig`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserVolume {
    /// The name; the volume is mounted at `/var/mnt/<name>`.
    #[schemars(length(min = 1, max = 34), regex(pattern = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,
    /// A CEL expression that selects the disk. Default `!system_disk`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub disk_selector: Option<String>,
    /// Smallest size, for instance `100GiB`. Default `10GiB`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub min_size: Option<String>,
    /// Largest size. Default: the whole disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub max_size: Option<String>,
    /// Pools that have it; all pools when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pools: Option<Vec<String>>,
}

/// Strategic patches: mappings, or strings that hold one or more YAML documents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Patches {
    /// For every machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::patches")]
    pub all: Option<Vec<Value>>,
    /// For control planes, after `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::patches")]
    pub control_plane: Option<Vec<Value>>,
    /// For workers, after `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::patches")]
    pub workers: Option<Vec<Value>>,
}
