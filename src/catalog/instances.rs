//! `clusters/<provider>/instances.yaml`: the machine types from which `cpu` and `memoryGiB` pick.

use serde::Deserialize;

use super::Catalog;
use crate::{
    finding::{Findings, codes},
    plan::{Provider, machines::Gpu},
};

/// A provider's machine types.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstanceTable {
    /// Where the figures come from.
    pub source: String,
    /// The types; of equally large ones the earlier is taken.
    pub types: Vec<InstanceType>,
    /// Types that are never picked and that people name: what is known of them can be checked.
    #[serde(default)]
    pub known: Vec<InstanceType>,
}

/// A machine type.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct InstanceType {
    /// The provider's name for it.
    pub name: String,
    /// Virtual CPUs.
    pub cpu: i32,
    /// Memory in GiB, rounded down.
    #[serde(rename = "memoryGiB")]
    pub memory_gib: i32,
    /// GPUs, if it has any.
    pub gpu: Option<Gpu>,
    /// How many GPUs.
    #[serde(default)]
    pub gpu_count: i32,
}

impl InstanceTable {
    /// The smallest type with at least this much, and with these GPUs (or none).
    #[must_use]
    pub fn pick(&self, cpu: i32, memory_gib: i32, gpu: Option<Gpu>) -> Option<&InstanceType> {
        self.types
            .iter()
            .filter(|entry| entry.gpu == gpu && entry.cpu >= cpu && entry.memory_gib >= memory_gib)
            // The first of equals stays first.
            .min_by_key(|entry| (entry.cpu, entry.memory_gib))
    }

    /// The largest type with these GPUs (or none).
    #[must_use]
    pub fn largest(&self, gpu: Option<Gpu>) -> Option<&InstanceType> {
        self.types.iter().filter(|entry| entry.gpu == gpu).max_by_key(|entry| (entry.memory_gib, entry.cpu))
    }

    /// The type of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&InstanceType> {
        self.types.iter().chain(&self.known).find(|entry| entry.name == name)
    }
}

impl Catalog {
    /// A provider's table, if it has one.
    pub fn instances(&self, provider: Provider) -> Result<Option<InstanceTable>, Findings> {
        let path = format!("clusters/{provider}/instances.yaml");
        match self.get(&path) {
            Some(_) => self.read(&path, &codes::CATALOG_FILE).map(Some),
            None => Ok(None),
        }
    }
}
