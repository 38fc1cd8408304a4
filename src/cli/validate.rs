//! `infraflux validate`: any Kubernetes YAML, checked as an API server would.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ffi::OsStr,
    fs,
    path::{Component, Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::{
    catalog,
    count::count,
    files,
    local_sources::{self, LocalSource},
    project,
    report::{self, Format},
    schemas,
};
use crate::{
    admission::{
        Objects,
        flux::{Folders, KUSTOMIZE, normal},
        foreign::{Against, Documents},
        rules::Externals,
        schema::{Check, Report},
    },
    finding::{Finding, Findings, Severity, codes},
    output::{INVENTORY, listed},
    yaml::{self, Limits, Source, SourceId, Sources, scalar::Schema},
};

/// Check Kubernetes manifests: schemas, CEL rules, webhook rules of Cluster API and its providers, references, and Flux
///
/// What Flux Kustomizations deliver is built, with patches and variables, and checked as it would be applied.
/// CRDs come from --crds, from `infraflux.yaml`, from `.infraflux/` (see `infraflux crds`) and from the input itself.
/// Kubernetes' own kinds are built in. Nothing is sent anywhere.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 no errors, 1 the content is wrong, 2 the command line is wrong, 3 the operating system said no.
A summary on stderr says what was checked and what was not.")]
pub struct Arguments {
    /// Files and folders, and `-` for standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// A file, a folder or `-` with CRDs; may be repeated
    #[arg(long, value_name = "PATH")]
    crds: Vec<PathBuf>,
    /// What was there before: changes of what is fixed after creation are judged against it
    #[arg(long, value_name = "PATH")]
    against: Option<PathBuf>,
    /// The folder that stands for a Flux source: KIND/NAMESPACE/NAME=DIR, several with commas or repeated
    ///
    /// A Git work tree around the given paths is found by itself, when Kustomizations read folders that it has and its
    /// remotes do not say that it is another repository. `KIND/NAMESPACE/NAME=` without a folder keeps a source out.
    #[arg(long, value_name = "SOURCE=DIR", value_delimiter = ',', value_parser = local_sources::parse)]
    local_sources: Vec<LocalSource>,
    /// Whatever the objects refer to exists outside of them
    #[arg(long)]
    external_everything: bool,
    /// Treat warnings as errors, among them everything that was not checked, also for want of any CRDs
    #[arg(long)]
    strict: bool,
    /// Print so many findings at most; all count
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = count::<usize>(0, u64::MAX))]
    max_findings: Option<usize>,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Input {
    pub sources: Sources,
    pub documents: Documents,
    pub findings: Findings,
    /// The files, as they were named.
    files: Vec<(SourceId, PathBuf)>,
    /// Files that were left out, and why.
    skipped: Vec<String>,
}

impl Input {
    /// Reads manifests of files and folders; what cannot be read as YAML is a finding, and the rest is read.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Findings> {
        let mut input = Self::default();
        let mut ids = Vec::new();
        let mut opened = BTreeMap::new();
        for path in paths {
            if path == Path::new("-") || !path.is_dir() {
                let id = input.sources.add(Arc::new(files::source(path, Limits::STREAM)?));
                ids.push(id);
                input.files.push((id, path.clone()));
                continue;
            }
            let found = files::walk(path)?;
            let charts: BTreeSet<String> = found
                .iter()
                .filter_map(|(relative, _)| relative.strip_suffix("Chart.yaml"))
                .map(|folder| format!("{folder}templates/"))
                .collect();
            let parts = parts(&found);
            let (mut templates, mut patched, mut secrets, mut contents) = (0, 0, 0, 0);
            for (relative, file) in &found {
                let name = relative.rsplit('/').next().unwrap_or_default();
                if !schemas::is_manifest(relative) || matches!(name, "Chart.yaml" | "Chart.lock") {
                    continue;
                }
                if charts.iter().any(|folder| relative.starts_with(folder.as_str())) {
                    templates += 1;
                    continue;
                }
                if is_sops_template(file) && !is_sops_template(path) {
                    secrets += 1;
                    continue;
                }
                if let Some(part) = parts.get(relative) {
                    match part {
                        Part::Patch => patched += 1,
                        Part::Content => contents += 1,
                    }
                    continue;
                }
                match files::source(file, Limits::STREAM) {
                    Ok(source) => {
                        let id = input.sources.add(Arc::new(source));
                        ids.push(id);
                        opened.insert(id, file.clone());
                        input.files.push((id, file.clone()));
                    }
                    Err(errors) if errors.iter().all(|error| error.code.id == codes::EMPTY_INPUT.id) => {}
                    Err(errors) => input.findings.extend(errors),
                }
            }
            if patched > 0 {
                input.skipped.push(counted(patched, "patch of a kustomization", "patches of kustomizations"));
            }
            if contents > 0 {
                input.skipped.push(counted(
                    contents,
                    "file of a generated ConfigMap or Secret",
                    "files of generated ConfigMaps and Secrets",
                ));
            }
            if secrets > 0 {
                input.skipped.push(counted(
                    secrets,
                    "template of a Secret for SOPS",
                    "templates of Secrets for SOPS",
                ));
            }
            if templates > 0 {
                input.skipped.push(counted(
                    templates,
                    "template of a Helm chart",
                    "templates of Helm charts",
                ));
            }
        }
        let sources = &input.sources;
        let read: Vec<_> =
            ids.par_iter().map(|id| yaml::read(sources, *id, Schema::Cluster, Limits::STREAM)).collect();
        let mut others = 0;
        for (id, documents) in ids.iter().zip(read) {
            match documents {
                Ok(documents) => {
                    for document in documents {
                        // What InfraFlux itself wrote and is no object: a schematic, a patch, the settings of a tool.
                        let is_object =
                            ["apiVersion", "kind"].iter().any(|key| document.root.get(key).is_some());
                        if !is_object && opened.get(id).is_some_and(|file| is_listed(file)) {
                            continue;
                        }
                        input.findings.extend(input.documents.add(sources, document.root));
                    }
                }
                // In a folder there is YAML of all kinds: what does not speak of a version is for another tool.
                Err(_)
                    if opened.contains_key(id)
                        && !input.sources.get(*id).is_some_and(|text| speaks_of_kubernetes(text)) =>
                {
                    others += 1;
                }
                Err(errors) => input.findings.extend(errors),
            }
        }
        if others > 0 {
            input.skipped.push(counted(others, "file that is no manifest", "files that are no manifests"));
        }
        input.skipped.extend(input.documents.skipped());
        Ok(input)
    }

    /// The files that were read by their paths without links, when a Kustomization might read them too.
    fn by_path(&self) -> HashMap<PathBuf, Arc<Source>> {
        if !self.documents.have(KUSTOMIZE, "Kustomization") {
            return HashMap::new();
        }
        let real = |(id, file): &(SourceId, PathBuf)| {
            Some((fs::canonicalize(file).ok()?, self.sources.get(*id)?.clone()))
        };
        self.files.par_iter().filter_map(real).collect()
    }
}

/// Whether a text looks like a manifest, be it broken.
fn speaks_of_kubernetes(source: &Source) -> bool {
    source.text().lines().any(|line| line.trim_start_matches(['-', ' ', '{', '"']).starts_with("apiVersion"))
}

/// Whether a path lies in the catalogue's `sops/templates`: Secrets with gaps, of which a person fills and encrypts a few.
fn is_sops_template(path: &Path) -> bool {
    let names: Vec<&OsStr> = path.components().map(Component::as_os_str).collect();
    names.windows(2).any(|pair| pair == ["sops", "templates"])
}

/// Whether InfraFlux wrote a file: the nearest inventory above it lists it. A damaged inventory lists nothing.
fn is_listed(file: &Path) -> bool {
    let with_inventory = |folder: &&Path| folder.join(INVENTORY).is_file();
    let Some(folder) = file.ancestors().skip(1).find(with_inventory) else { return false };
    let name = folder.join(INVENTORY);
    let Ok(bytes) = fs::read(&name) else { return false };
    let paths = listed(&name.display().to_string(), &bytes).unwrap_or_default();
    file.strip_prefix(folder).is_ok_and(|inside| paths.iter().any(|path| Path::new(path.as_str()) == inside))
}

fn counted(count: u32, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// What a file is that a kustomization names, and that is no object by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A patch, or configuration of kustomize.
    Patch,
    /// The content of a generated ConfigMap or Secret.
    Content,
}

/// The files that kustomizations name as patches, configuration or contents: they are parts of objects, and their kustomize
/// build is what can be checked.
fn parts(files: &[(String, PathBuf)]) -> BTreeMap<String, Part> {
    let mut out = BTreeMap::new();
    for (relative, file) in files {
        let (folder, name) =
            relative.rsplit_once('/').map_or(("", &**relative), |(folder, name)| (folder, name));
        if !matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization") {
            continue;
        }
        let Ok(source) = files::source(file, Limits::PLAN) else { continue };
        let mut sources = Sources::new();
        let id = sources.add(source);
        let Ok(documents) = yaml::read(&sources, id, Schema::Core, Limits::PLAN) else { continue };
        let Some(root) = documents.first().map(|document| document.root.to_value()) else { continue };
        let list = |key: &str| root.get(key).and_then(Value::as_array).into_iter().flatten();
        let by_path = ["patches", "patchesJson6902", "replacements"]
            .into_iter()
            .flat_map(list)
            .filter_map(|entry| entry.get("path")?.as_str());
        let plain =
            ["patchesStrategicMerge", "configurations"].into_iter().flat_map(list).filter_map(Value::as_str);
        let generators = || ["configMapGenerator", "secretGenerator"].into_iter().flat_map(list);
        let contents = ["files", "envs"]
            .into_iter()
            .flat_map(|key| generators().filter_map(move |entry| entry.get(key)?.as_array()).flatten())
            .filter_map(Value::as_str)
            .map(|named| named.split_once('=').map_or(named, |(_, file)| file));
        let all = by_path
            .chain(plain)
            .map(|path| (path, Part::Patch))
            .chain(contents.map(|path| (path, Part::Content)));
        for (path, part) in all {
            out.insert(normal(folder, path), part);
        }
    }
    out
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (mut findings, checked) = match validate(arguments) {
        Ok(outcome) => outcome,
        Err(findings) => return report::all(&findings, arguments.format, None),
    };
    if arguments.strict {
        findings.make_strict();
    }
    let code = findings.exit_code();
    let (shown, hidden) = limited(findings, arguments.max_findings);
    report::all(&shown, arguments.format, Some(("checked", checked.json)))?;
    if hidden > 0 {
        report::note(&format!("{hidden} more findings are not shown (--max-findings)\n"))?;
    }
    report::note(&checked.line)?;
    Ok(ExitCode::from(code))
}

/// Errors are shown before warnings when not all are shown; each kind keeps its order.
fn limited(findings: Findings, most: Option<usize>) -> (Findings, usize) {
    let most = most.unwrap_or(usize::MAX);
    if findings.len() <= most {
        return (findings, 0);
    }
    let hidden = findings.len() - most;
    let mut all: Vec<Finding> = findings.into_iter().collect();
    all.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    all.truncate(most);
    (all.into_iter().collect(), hidden)
}

struct Checked {
    line: String,
    json: serde_json::Value,
}

fn validate(arguments: &Arguments) -> Result<(Findings, Checked), Findings> {
    let stdin = arguments.paths.iter().chain(&arguments.crds).chain(&arguments.against);
    if stdin.filter(|path| *path == Path::new("-")).count() > 1 {
        return Err(Finding::error(&codes::USAGE, "standard input can be named once only")
            .hint("write one of the two to a file")
            .into());
    }
    let project = project::load()?;
    let (mut schemas, mut findings) = schemas::load(&arguments.crds, &project)?;
    let mut input = Input::read(&arguments.paths)?;
    findings.extend(std::mem::take(&mut input.findings));
    findings.extend(input.documents.add_crds(&input.sources, &mut schemas));
    if input.documents.is_empty() && !findings.has_errors() {
        let hint = if input.skipped.iter().any(|skipped| skipped.contains("Plan of infraflux.io")) {
            "a plan is checked by rendering it: `infraflux up -f PLAN --dry-run`"
        } else {
            "name manifests, or folders that hold them"
        };
        findings.push(
            Finding::error(&codes::NOTHING_TO_CHECK, "there is no Kubernetes object in the input").hint(hint),
        );
    }
    let previous = match &arguments.against {
        Some(path) => {
            let before = Input::read(std::slice::from_ref(path))?;
            findings.extend(before.findings);
            before.documents.objects()
        }
        None => Objects::default(),
    };
    let externals = if arguments.external_everything {
        Externals::everything()
    } else {
        // What is checked is mostly a part of what the cluster has.
        Externals::of_a_hub().missing_is(Severity::Warning)
    };
    let catalog = Folders::new(catalog::load(project.catalog.as_deref())?);
    let places = local_sources::places(&arguments.local_sources, &arguments.paths, &input.by_path())?;
    let against = Against {
        schemas: &schemas,
        previous: &previous,
        externals: &externals,
        check: Check { no_namespace: None },
        catalog: &catalog,
        places: &places,
    };
    let checked = input.documents.check(&input.sources, &against);
    let report = checked.report;
    findings.extend(checked.findings);
    if schemas.is_empty() && !report.kinds.is_empty() {
        let objects: u64 = report.kinds.values().map(|unchecked| unchecked.objects).sum();
        let were = if objects == 1 { "object was" } else { "objects were" };
        findings.push(
            Finding::warning(
                &codes::NO_CRDS,
                format!("no CRDs were given: {objects} {were} checked by rules only"),
            )
            .hint("give those of the hub with `--crds`, or keep them with `infraflux crds import`"),
        );
    }
    let mut line = report.summary();
    if !input.skipped.is_empty() {
        line.push_str("; skipped: ");
        line.push_str(&input.skipped.join(", "));
    }
    line.push('\n');
    let mut json = json(&report, &input.skipped);
    if let Some(flux) = checked.flux.summary() {
        // A file that is given is read once more for the folder that it lies in.
        findings = findings.distinct();
        json["flux"] = checked.flux.json();
        line.push_str(&flux);
        line.push('\n');
    }
    Ok((findings, Checked { line, json }))
}

/// What was checked, for programs.
pub fn json(report: &Report, skipped: &[String]) -> serde_json::Value {
    let kinds: Vec<_> = report
        .kinds
        .iter()
        .map(|((api_version, kind), unchecked)| {
            json!({"apiVersion": api_version, "kind": kind, "objects": unchecked.objects, "why": unchecked.why})
        })
        .collect();
    let rules: Vec<_> = report
        .unchecked_rules
        .iter()
        .map(|((kind, rule), unchecked)| {
            json!({"kind": kind, "rule": rule, "objects": unchecked.objects, "why": unchecked.why.to_string()})
        })
        .collect();
    json!({
        "objects": report.objects,
        "bySchema": report.by_schema,
        "rules": report.rules,
        "notChecked": {"kinds": kinds, "rules": rules, "heldBack": report.held_back, "filledLater": report.filled_later},
        "skipped": skipped,
    })
}
