//! `infraflux.yaml` in the working directory: what a project always passes to the commands.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::files;
use crate::{
    finding::{Findings, codes},
    management::Settings,
    yaml::{Limits, Sources, pointer::FieldPath, read, scalar::Schema, typed},
};

/// The name of the file.
pub const FILE: &str = "infraflux.yaml";

/// A project's settings. Paths are relative to the file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Project {
    /// The catalogue laid over the embedded one.
    pub catalog: Option<PathBuf>,
    /// The output folder.
    pub out: Option<PathBuf>,
    /// Files and folders with the CRDs that the hub serves.
    #[serde(default)]
    pub crds: Vec<PathBuf>,
    /// What the hub is made of (`infraflux init`).
    #[serde(default)]
    pub management: Settings,
}

/// Reads the settings of the working directory; there need not be any.
pub fn load() -> Result<Project, Findings> {
    let path = Path::new(FILE);
    if !path.exists() {
        return Ok(Project::default());
    }
    let mut sources = Sources::new();
    let id = sources.add(files::source(path, Limits::PLAN)?);
    let documents = read(&sources, id, Schema::Core, Limits::PLAN)?;
    match documents.first() {
        Some(document) => typed::from_node(&document.root, &FieldPath::root(), &sources, &codes::PROJECT),
        None => Ok(Project::default()),
    }
}
