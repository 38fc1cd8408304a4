//! The objects of one cluster, for commands that are about a cluster which was rendered before.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::Value as Json;

use super::{catalog, files, project};
use crate::{
    engine::{Engine, Options},
    finding::{Finding, Findings, ObjectRef, codes, suggest},
    output::{INVENTORY, RelativePath, listed},
    plan::read::Request,
    render::{Library, RenderedCluster},
    yaml::{Limits, Sources, read, scalar::Schema},
};

/// Which cluster, and where it is described.
#[derive(Debug, Args)]
pub struct Choice {
    /// The cluster's name; not needed with a plan of one cluster
    #[arg(long)]
    pub name: Option<String>,
    /// Its plan, or a fleet's; without one the output folder is read
    #[arg(short, long = "file", value_name = "PLAN")]
    pub file: Vec<PathBuf>,
    /// A file with values above the plan's; may be repeated
    #[arg(long, value_name = "FILE")]
    pub values: Vec<PathBuf>,
    /// The parent of <cluster>/ [default: out]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// A folder whose files replace those of the built-in catalogue
    #[arg(long, value_name = "DIR")]
    pub catalog: Option<PathBuf>,
}

/// What a choice leads to.
pub struct Chosen {
    /// The cluster's name.
    pub name: String,
    /// The catalogue, with its templates.
    pub library: Library,
    /// The output folder.
    pub out: PathBuf,
    /// The cluster as rendered from a plan; none when it was read from the output folder.
    pub rendered: Option<RenderedCluster>,
    /// What there is to tell about the plan.
    pub findings: Findings,
}

impl Choice {
    /// Loads the catalogue and renders the plan, if there is one. `more` are flags of the plan.
    pub fn load(&self, more: &[(String, String)]) -> Result<Chosen, Findings> {
        let project = project::load()?;
        let folder = self.catalog.as_deref().or(project.catalog.as_deref());
        let library = Library::new(catalog::load(folder)?);
        let out = self.out.clone().or(project.out).unwrap_or_else(|| PathBuf::from("out"));
        if let Some(name) = &self.name {
            RelativePath::new(name).map_err(Findings::from)?;
        }
        let needed = || -> Findings {
            Finding::error(&codes::USAGE, "which cluster?")
                .hint("name it with `--name NAME`, or give its plan with `--file PLAN`")
                .into()
        };
        if self.file.is_empty() && more.is_empty() {
            let name = self.name.clone().ok_or_else(needed)?;
            return Ok(Chosen { name, library, out, rendered: None, findings: Findings::new() });
        }
        let mut request = Request::default();
        for path in &self.file {
            request.add_plans(files::source(path, Limits::PLAN)?)?;
        }
        for path in &self.values {
            request.add_values(files::source(path, Limits::PLAN)?)?;
        }
        if self.file.is_empty() {
            let mut flags = vec![("name".to_owned(), self.name.clone().ok_or_else(needed)?)];
            flags.extend_from_slice(more);
            request.add_flags(&flags)?;
        } else if !more.is_empty() {
            request.add_flags(more)?;
        }
        let engine = Engine::new(library, Options::default());
        let outcome = engine.run(request);
        if outcome.findings.has_errors() {
            return Err(outcome.findings);
        }
        let names: Vec<String> = outcome.clusters.iter().map(|cluster| cluster.name.clone()).collect();
        let name = match (&self.name, &names[..]) {
            (Some(name), _) => name.clone(),
            (None, [only]) => only.clone(),
            (None, _) => {
                let known: Vec<&str> = names.iter().map(String::as_str).take(12).collect();
                return Err(Finding::error(
                    &codes::USAGE,
                    format!("the plan describes {} clusters, and this command is about one", names.len()),
                )
                .hint(format!("choose with `--name`: {}", suggest::list(&known, "or")))
                .into());
            }
        };
        let Some(rendered) = outcome.clusters.into_iter().find(|cluster| cluster.name == name) else {
            let finding =
                Finding::error(&codes::DESTROY_NO_CLUSTER, format!("the plan describes no cluster `{name}`"));
            return Err(match suggest::hint(&name, names.iter().map(String::as_str)) {
                Some(hint) => finding.hint(hint),
                None => finding,
            }
            .into());
        };
        Ok(Chosen {
            name,
            library: engine.into_library(),
            out,
            rendered: Some(rendered),
            findings: outcome.findings,
        })
    }
}

impl Chosen {
    /// The cluster's objects: as rendered from the plan, else as they lie in the output folder.
    pub fn objects(&self) -> Result<Vec<Json>, Findings> {
        match &self.rendered {
            Some(rendered) => {
                Ok(rendered.documents().map(|(_, document)| rendered.value(document).clone()).collect())
            }
            None => written(&self.out, &self.name),
        }
    }
}

/// The clusters in an output folder. One that cannot be read has none, for a hint.
fn clusters(out: &Path) -> Vec<String> {
    let entries = fs::read_dir(out).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.path().join(INVENTORY).is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "management")
        .collect()
}

/// Reads the objects that an earlier run wrote. Only files of the inventory count: others are somebody's own.
fn written(out: &Path, name: &str) -> Result<Vec<Json>, Findings> {
    let folder = out.join(name);
    let inventory = folder.join(INVENTORY);
    if !inventory.is_file() {
        let message = if folder.exists() {
            format!("`{}` is not a folder that InfraFlux wrote", folder.display())
        } else {
            format!("there is no cluster `{name}` in `{}`", out.display())
        };
        let clusters = clusters(out);
        let hint = suggest::hint(name, clusters.iter().map(String::as_str)).map_or_else(
            || "check `--name` and `--out`, or give the plan with `--file`".to_owned(),
            |hint| format!("{hint} If not, check `--out`, or give the plan with `--file`"),
        );
        return Err(Finding::error(&codes::DESTROY_NO_CLUSTER, message).hint(hint).into());
    }
    let name = inventory.display().to_string();
    let bytes = fs::read(&inventory).map_err(|error| files::unreadable(&name, &error))?;
    let mut objects = Vec::new();
    let mut findings = Findings::new();
    for path in listed(&name, &bytes)? {
        let path = path.as_str();
        let objects_in =
            path.ends_with(".yaml") && path != "kustomization.yaml" && !path.ends_with("/schematic.yaml");
        if !objects_in {
            continue;
        }
        let mut sources = Sources::new();
        let id = sources.add(files::source(&folder.join(path), Limits::PLAN)?);
        for document in read(&sources, id, Schema::Core, Limits::PLAN)? {
            let value = document.root.to_value();
            let object = ObjectRef::of(&value);
            if object.kind.is_empty() || object.name.is_empty() || object.api_version.is_empty() {
                findings.push(
                    Finding::error(
                        &codes::DESTROY_UNKNOWN,
                        format!("`{}` holds something that is not an object", folder.join(path).display()),
                    )
                    .at(sources.locate(document.root.place))
                    .hint("`infraflux up` writes the file again"),
                );
            }
            objects.push(value);
        }
    }
    if findings.is_empty() { Ok(objects) } else { Err(findings) }
}
