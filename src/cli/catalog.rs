//! The catalogue of a run: the embedded one, with a folder laid over it.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::files;
use crate::{
    catalog::Catalog,
    finding::{Finding, Findings, codes},
    yaml::Limits,
};

/// The variable that names a catalogue for every door, as an absolute path.
pub const VARIABLE: &str = "INFRAFLUX_CATALOG";

/// The folders of a catalogue.
const FOLDERS: [&str; 5] = ["clusters", "crossplane", "management", "recipes", "sops"];

/// The catalogue for a folder named by `--catalog`, else by the variable, else the embedded one alone.
pub fn load(folder: Option<&Path>) -> Result<Catalog, Findings> {
    let from_variable = std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
    match (folder, from_variable) {
        (Some(folder), _) => overlay(folder),
        (None, Some(folder)) if folder.is_absolute() => overlay(&folder),
        (None, Some(folder)) => Err(Finding::error(
            &codes::USAGE,
            format!("{VARIABLE} is `{}`, which is not an absolute path", folder.display()),
        )
        .hint("functions run in folders that are not yours: give the whole path")
        .into()),
        (None, None) => Ok(Catalog::embedded()),
    }
}

fn overlay(folder: &Path) -> Result<Catalog, Findings> {
    let mut sources = Vec::new();
    let mut found = false;
    for part in FOLDERS {
        let below = folder.join(part);
        if !below.is_dir() {
            continue;
        }
        found = true;
        for (path, file) in files::walk(&below)? {
            sources.push((format!("{part}/{path}"), files::source(&file, Limits::PLAN)?));
        }
    }
    if !found {
        // A misspelt path must not mean the embedded catalogue in silence.
        let shown = folder.display().to_string();
        std::fs::read_dir(folder).map_err(|error| match error.kind() {
            ErrorKind::NotADirectory => Finding::error(&codes::UNREADABLE, format!("`{shown}` is not a folder"))
                .hint("name the folder that holds `clusters/` or `recipes/`; `infraflux eject --out DIR` writes one")
                .into(),
            _ => files::unreadable(&shown, &error),
        })?;
        return Err(Finding::error(
            &codes::CATALOG_FILE,
            format!(
                "`{}` is not a catalogue: it has none of the folders {}",
                folder.display(),
                FOLDERS.join(", ")
            ),
        )
        .hint("`infraflux eject --out DIR` writes a catalogue to start from")
        .into());
    }
    Ok(Catalog::embedded().overlay(sources))
}
