//! The CRDs of a run: those kept for the project, those of `infraflux.yaml`, those of `--crds`.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{files, project::Project};
use crate::{
    admission::schema::{self, Crd, Schemas},
    catalog,
    finding::{Finding, Findings, codes},
    yaml::{self, Limits, Source, Sources, scalar::Schema},
};

/// Where a project keeps its CRDs.
pub const STORE: &str = ".infraflux/crds.json";
/// What the first line of the store says.
const FORM: &str = "infraflux.io/crds/v1";

/// The CRDs that a project keeps.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Store {
    /// Where they came from.
    pub sources: Vec<Origin>,
    /// The CRDs, each with the position of its source, ordered by group and kind.
    pub crds: Vec<(usize, Crd)>,
}

/// Where CRDs came from.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file as it was named.
    pub name: String,
    /// The hash of its bytes.
    pub sha256: String,
}

/// All CRDs that a command is to use, in the order in which later ones replace earlier ones.
pub fn load(given: &[PathBuf], project: &Project) -> Result<(Schemas, Findings), Findings> {
    let mut schemas = Schemas::new();
    let mut warnings = Findings::new();
    if let Some(store) = Store::read(Path::new(STORE))? {
        for (_, crd) in store.crds {
            schemas.add(crd);
        }
    }
    for paths in [&project.crds, given] {
        let mut seen = Schemas::new();
        for (origin, crds) in read_all(paths)? {
            for crd in crds {
                warn_of_two(&mut seen, &crd, &origin, &mut warnings);
                schemas.add(crd);
            }
        }
    }
    Ok((schemas, warnings))
}

/// Two releases of one provider in a folder are mostly a mistake, and only one can count.
pub fn warn_of_two(seen: &mut Schemas, crd: &Crd, origin: &Origin, warnings: &mut Findings) {
    if let Some(other) = seen.crd(&crd.group, &crd.kind)
        && other != crd
    {
        warnings.push(
            Finding::warning(
                &codes::CRD_TWICE,
                format!(
                    "the CRD `{}` is given twice with different content; the one of `{}` counts",
                    crd.name, origin.name
                ),
            )
            .hint("give only the one that the hub has"),
        );
    }
    seen.add(crd.clone());
}

/// The CRDs of files and folders, and of standard input for `-`.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<(Origin, Vec<Crd>)>, Findings> {
    let mut sources = Vec::new();
    for path in paths {
        if path == Path::new("-") || !path.is_dir() {
            sources.push(files::source(path, Limits::STREAM)?);
            continue;
        }
        let mut found = false;
        for (relative, file) in files::walk(path)? {
            if is_manifest(&relative) {
                found = true;
                // An empty file in a folder is nothing to stop for.
                match files::source(&file, Limits::STREAM) {
                    Ok(source) => sources.push(source),
                    Err(errors) if errors.iter().all(|error| error.code.id == codes::EMPTY_INPUT.id) => {}
                    Err(errors) => return Err(errors),
                }
            }
        }
        if !found {
            return Err(none_there(&path.display().to_string()));
        }
    }
    let read: Vec<Result<(Origin, Vec<Crd>), Findings>> = sources.into_par_iter().map(read).collect();
    let read = read.into_iter().collect::<Result<Vec<_>, _>>()?;
    if !paths.is_empty() && read.iter().all(|(_, crds)| crds.is_empty()) {
        let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        return Err(none_there(&names.join(", ")));
    }
    Ok(read)
}

/// Whether a file may hold objects.
pub fn is_manifest(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|ending| path.ends_with(ending))
}

fn none_there(name: &str) -> Findings {
    Finding::error(&codes::CRD_NONE, format!("there is no CustomResourceDefinition in `{name}`"))
        .hint("`kubectl get crds -o yaml` prints those of a cluster; providers publish theirs with each release")
        .into()
}

fn read(source: Source) -> Result<(Origin, Vec<Crd>), Findings> {
    let digest = Sha256::digest(source.text().as_bytes());
    let sha256 = catalog::hex(&digest);
    let origin = Origin { name: source.name().to_owned(), sha256 };
    let mut crds = Vec::new();
    let mut findings = Findings::new();
    let mut take = |value: &Value, location: Option<yaml::Location>| {
        for crd in schema::documents(value) {
            match Crd::read(crd) {
                Ok(crd) => crds.push(crd),
                Err(finding) => findings.push((*finding).at(location.clone())),
            }
        }
    };
    // What `kubectl get -o json` prints is read several times faster as what it is.
    let as_json = source.text().trim_start().starts_with('{');
    if let Some(Ok(value)) = as_json.then(|| serde_json::from_str::<Value>(source.text())) {
        take(&value, None);
    } else {
        let mut sources = Sources::new();
        let id = sources.add(source);
        for document in yaml::read(&sources, id, Schema::Cluster, Limits::STREAM)? {
            take(&document.root.to_value(), sources.locate(document.root.place));
        }
    }
    if findings.is_empty() { Ok((origin, crds)) } else { Err(findings) }
}

impl Store {
    /// Reads the store of a project, if it has one.
    pub fn read(path: &Path) -> Result<Option<Self>, Findings> {
        if !path.exists() {
            return Ok(None);
        }
        let source = files::source(path, Limits::STREAM)?;
        let broken = |why: &str| -> Findings {
            Finding::error(&codes::CRD_STORE, format!("`{}` cannot be used: {why}", path.display()))
                .hint("make it again with `infraflux crds import --replace FILE`")
                .into()
        };
        let value: Value = serde_json::from_str(source.text()).map_err(|error| broken(&error.to_string()))?;
        if value.get("form").and_then(Value::as_str) != Some(FORM) {
            return Err(broken(&format!("it is not of the form `{FORM}`")));
        }
        let list = |key: &str| value.get(key).and_then(Value::as_array).into_iter().flatten();
        let word =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let sources = list("sources")
            .map(|source| Origin { name: word(source, "name"), sha256: word(source, "sha256") })
            .collect();
        let crds = list("crds")
            .map(|entry| {
                let source = entry.get("source").and_then(Value::as_u64).unwrap_or_default();
                let crd = Crd::read(entry.get("crd").unwrap_or(&Value::Null))
                    .map_err(|finding| broken(&finding.message))?;
                Ok((usize::try_from(source).unwrap_or_default(), crd))
            })
            .collect::<Result<Vec<_>, Findings>>()?;
        Ok(Some(Self { sources, crds }))
    }

    /// How many of these, by group and kind, are new, changed and the same compared with an earlier state. One that came twice
    /// counts once.
    pub fn compared(&self, before: &Self, imported: &BTreeSet<(String, String)>) -> (usize, usize, usize) {
        let (mut new, mut changed, mut same) = (0, 0, 0);
        for (group, kind) in imported {
            match (before.crd(group, kind), self.crd(group, kind)) {
                (None, _) => new += 1,
                (old, now) if old == now => same += 1,
                _ => changed += 1,
            }
        }
        (new, changed, same)
    }

    fn crd(&self, group: &str, kind: &str) -> Option<&Crd> {
        self.crds.iter().map(|(_, crd)| crd).find(|crd| crd.group == group && crd.kind == kind)
    }

    /// Takes CRDs in; a later one replaces an earlier one of the same group and kind.
    pub fn import(&mut self, origin: Origin, crds: Vec<Crd>) {
        if crds.is_empty() {
            return;
        }
        let source = self.sources.iter().position(|known| known.name == origin.name).unwrap_or_else(|| {
            self.sources.push(Origin::default());
            self.sources.len() - 1
        });
        if let Some(slot) = self.sources.get_mut(source) {
            *slot = origin;
        }
        for crd in crds {
            if let Some(slot) =
                self.crds.iter_mut().find(|(_, known)| known.group == crd.group && known.kind == crd.kind)
            {
                *slot = (source, crd);
            } else {
                self.crds.push((source, crd));
            }
        }
        self.crds
            .sort_by(|(_, left), (_, right)| (&left.group, &left.kind).cmp(&(&right.group, &right.kind)));
    }

    /// The text of the store: one line for each CRD, so that Git shows which ones an update changes.
    pub fn text(&self) -> String {
        let used: Vec<usize> = (0..self.sources.len())
            .filter(|index| self.crds.iter().any(|(source, _)| source == index))
            .collect();
        let sources: Vec<String> = used
            .iter()
            .filter_map(|index| self.sources.get(*index))
            .map(|source| json!({"name": source.name, "sha256": source.sha256}).to_string())
            .collect();
        let crds: Vec<String> = self
            .crds
            .iter()
            .map(|(source, crd)| {
                let source = used.iter().position(|index| index == source);
                json!({"source": source, "crd": crd.compact()}).to_string()
            })
            .collect();
        format!(
            "{{\n\"form\": \"{FORM}\",\n\"sources\": [\n{}\n],\n\"crds\": [\n{}\n]\n}}\n",
            sources.join(",\n"),
            crds.join(",\n")
        )
    }
}
