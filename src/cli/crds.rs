//! `infraflux crds`: the CRDs that a project is checked against.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    project,
    report::{self, Format},
    schemas::{self, STORE, Store},
    validate,
};
use crate::{
    admission::schema::{Crd, Schemas},
    finding::{Finding, Findings, codes},
};

/// Keep the CRDs that the hub serves for this project, and show which are there
///
/// They lie in `.infraflux/crds.json`, without descriptions, and are found by every command that checks objects. They are
/// yours: InfraFlux ships none.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Import(Import),
    Status(Status),
}

/// Take CRDs in, for instance from `kubectl get crds -o yaml`
#[derive(Debug, Args)]
struct Import {
    /// Files and folders, and `-` for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Forget what was there before
    #[arg(long)]
    replace: bool,
}

/// Show which CRDs are there, and which are missing for the kinds in use
#[derive(Debug, Args)]
struct Status {
    /// Manifests whose kinds are in use [default: the output folder]
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// CRDs beside those of the project; may be repeated
    #[arg(long, value_name = "PATH")]
    crds: Vec<PathBuf>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let outcome = match &arguments.command {
        Command::Import(arguments) => import(arguments),
        Command::Status(arguments) => return status(arguments),
    };
    match outcome {
        Ok((text, findings)) => {
            report::stdout(text.as_bytes())?;
            report::findings(&findings)
        }
        Err(findings) => report::findings(&findings),
    }
}

fn import(arguments: &Import) -> Result<(String, Findings), Findings> {
    let path = Path::new(STORE);
    let mut store = if arguments.replace { Store::default() } else { Store::read(path)?.unwrap_or_default() };
    let mut findings = Findings::new();
    let before = store.clone();
    let mut seen = Schemas::new();
    let mut imported = BTreeSet::new();
    for (origin, crds) in schemas::read_all(&arguments.paths)? {
        for crd in &crds {
            schemas::warn_of_two(&mut seen, crd, &origin, &mut findings);
        }
        imported.extend(crds.iter().map(|crd| (crd.group.clone(), crd.kind.clone())));
        store.import(origin, crds);
    }
    let (new, changed, same) = store.compared(&before, &imported);
    let text = store.text();
    write(path, &text)?;
    let size = text.len().div_ceil(1 << 10);
    let line = format!(
        "{new} new, {changed} changed, {same} unchanged: {} CRDs in {STORE} ({size} KiB)\n",
        store.crds.len()
    );
    Ok((line, findings))
}

fn write(path: &Path, text: &str) -> Result<(), Findings> {
    let trouble = |error: std::io::Error| -> Findings {
        Finding::error(&codes::CRD_STORE_WRITE, format!("`{}` cannot be written: {error}", path.display()))
            .hint("check the permissions of the folder and the space on the disk")
            .into()
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(trouble)?;
    }
    // Beside it first, so that a full disk leaves the old one.
    let next = path.with_extension("json.new");
    fs::write(&next, text).and_then(|()| fs::rename(&next, path)).map_err(trouble)
}

fn status(arguments: &Status) -> anyhow::Result<ExitCode> {
    let known = project::load().and_then(|project| {
        let store = Store::read(Path::new(STORE))?;
        let (schemas, findings) = schemas::load(&arguments.crds, &project)?;
        let out = project.out.clone().unwrap_or_else(|| PathBuf::from("out"));
        let paths = match arguments.paths.as_slice() {
            [] if out.is_dir() => vec![out],
            paths => paths.to_vec(),
        };
        let used = kinds_in_use(&paths)?;
        Ok((store, schemas, findings, used))
    });
    let (store, schemas, findings, used) = match known {
        Ok(known) => known,
        Err(findings) => return report::all(&findings, arguments.format, None),
    };
    let missing: Vec<&(String, String, u64)> = used
        .iter()
        .filter(|(api_version, kind, _)| {
            let group = api_version.rsplit_once('/').map_or("", |(group, _)| group);
            !schemas.knows(group, kind)
        })
        .collect();
    if arguments.format == Format::Text {
        report::stdout(text(store.as_ref(), &schemas, &used, &missing).as_bytes())?;
    }
    let data = json!({
        "crds": schemas.crds().iter().map(|crd| one(store.as_ref(), crd)).collect::<Vec<_>>(),
        "missing": missing
            .iter()
            .map(|(api_version, kind, objects)| json!({"apiVersion": api_version, "kind": kind, "objects": objects}))
            .collect::<Vec<_>>(),
    });
    report::all(&findings, arguments.format, Some(("crds", data)))
}

/// API versions and kinds of manifests, with how many objects there are of each.
fn kinds_in_use(paths: &[PathBuf]) -> Result<Vec<(String, String, u64)>, Findings> {
    let input = validate::Input::read(paths)?;
    let mut kinds: BTreeMap<(String, String), u64> = BTreeMap::new();
    for object in &input.documents.objects() {
        *kinds.entry((object.id.api_version.clone(), object.id.kind.clone())).or_default() += 1;
    }
    Ok(kinds.into_iter().map(|((api_version, kind), objects)| (api_version, kind, objects)).collect())
}

fn source<'store>(store: Option<&'store Store>, crd: &Crd) -> Option<&'store str> {
    let store = store?;
    let (index, _) = store.crds.iter().find(|(_, known)| known == crd)?;
    store.sources.get(*index).map(|source| &*source.name)
}

fn one(store: Option<&Store>, crd: &Crd) -> Value {
    json!({
        "name": crd.name,
        "kind": crd.kind,
        "namespaced": crd.namespaced,
        "served": crd.served(),
        "stored": crd.versions.iter().find(|version| version.storage).map(|version| &version.name),
        "release": crd.release,
        "source": source(store, crd),
    })
}

fn text(
    store: Option<&Store>,
    schemas: &Schemas,
    used: &[(String, String, u64)],
    missing: &[&(String, String, u64)],
) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut groups: BTreeMap<&str, Vec<&Crd>> = BTreeMap::new();
    for crd in schemas.crds() {
        groups.entry(&crd.group).or_default().push(crd);
    }
    for (group, crds) in &groups {
        out.push(format!("{group}\n"));
        for crd in crds {
            let versions: Vec<String> = crd
                .versions
                .iter()
                .map(|version| {
                    let mark = match (version.served, version.storage, &version.deprecated) {
                        (false, ..) => " (not served)",
                        (_, true, _) => " (stored)",
                        (.., Some(_)) => " (deprecated)",
                        _ => "",
                    };
                    format!("{}{mark}", version.name)
                })
                .collect();
            let release =
                crd.release.as_ref().map(|release| format!(", release {release}")).unwrap_or_default();
            out.push(format!("  {}: {}{release}\n", crd.kind, versions.join(", ")));
        }
    }
    let sources: BTreeSet<&str> =
        store.iter().flat_map(|store| &store.sources).map(|source| &*source.name).collect();
    if !sources.is_empty() {
        out.push(format!("\nimported from {}\n", summary_of(&sources)));
    }
    match (schemas.len(), used.is_empty()) {
        (0, _) => {
            out.push("there are no CRDs: `kubectl get crds -o yaml | infraflux crds import -`\n".to_owned());
        }
        (count, true) => {
            out.push(format!("\n{count} CRDs; there is nothing rendered to compare them with\n"));
        }
        (count, false) if missing.is_empty() => {
            out.push(format!("\n{count} CRDs; every one of the {} kinds in use has a schema\n", used.len()));
        }
        (count, false) => {
            out.push(format!("\n{count} CRDs; without a schema:\n"));
            for (api_version, kind, objects) in missing {
                out.push(format!("  {api_version} {kind} ({objects} in use)\n"));
            }
        }
    }
    out.concat()
}

fn summary_of(sources: &BTreeSet<&str>) -> String {
    const MOST: usize = 6;
    let mut listed: Vec<String> = sources.iter().take(MOST).map(|source| (*source).to_owned()).collect();
    if sources.len() > MOST {
        listed.push(format!("{} more files", sources.len() - MOST));
    }
    listed.join(", ")
}
