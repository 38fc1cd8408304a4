//! `infraflux up`: writes `out/<cluster>/`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    catalog, files, previous, project,
    report::{self, Format},
    schemas, validate,
};
use crate::{
    engine::{self, Engine, Options, Outcome},
    finding::Findings,
    output::{Edited, RelativePath, Tree, Writer},
    plan::read::Request,
    render::{Library, RenderedCluster},
    yaml::Limits,
};

/// Up to this many clusters are read again by the second reader before they are written.
const REREAD: usize = 100;

/// Render clusters and write them to out/<cluster>/
///
/// No file is needed: `infraflux up --provider proxmox --name lab` works alone. Flags override files; a flag that is not
/// given changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 written, 1 the content is wrong, 2 the command line is wrong, 3 the operating system said no.
With an error nothing is written.")]
pub struct Arguments {
    /// A ClusterPlan, FleetPlan or ConfigMap, or several in one file; `-` is standard input; may be repeated
    #[arg(short, long = "file", value_name = "PLAN")]
    file: Vec<PathBuf>,
    /// A file with values above the plan's (a ClusterPlan that leaves out what it does not change); may be repeated
    #[arg(long, value_name = "FILE")]
    values: Vec<PathBuf>,
    /// Set one field, for instance `--set controlPlane.replicas=1`; may be repeated
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,

    /// The provider: aws, azure, gcp or proxmox
    #[arg(long, help_heading = "Values of the plan")]
    provider: Option<String>,
    /// The cluster's name
    #[arg(long, help_heading = "Values of the plan")]
    name: Option<String>,
    /// The provider's region
    #[arg(long, help_heading = "Values of the plan")]
    region: Option<String>,
    /// Machines of the pool `default`; 0 means no pools
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(..=5000), help_heading = "Values of the plan")]
    workers: Option<u16>,
    /// Virtual CPUs of a machine of the pool `default`
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Values of the plan")]
    cpu: Option<u16>,
    /// Memory of a machine of the pool `default`, in GiB
    #[arg(long, value_name = "GIB", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..), help_heading = "Values of the plan")]
    memory: Option<u16>,
    /// Kubernetes, for instance 1.36 or 1.36.4
    #[arg(long, value_name = "VERSION", help_heading = "Values of the plan")]
    k8s: Option<String>,
    /// Recipe bundles, separated by commas
    #[arg(long, value_name = "A,B", help_heading = "Values of the plan")]
    recipes: Option<String>,
    /// The hub namespace
    #[arg(long, help_heading = "Values of the plan")]
    namespace: Option<String>,
    /// The set of versions: stable or current
    #[arg(long, help_heading = "Values of the plan")]
    profile: Option<String>,

    /// A folder whose files replace those of the built-in catalogue
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// The parent of <cluster>/ [default: out]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Judge changes of what is fixed after creation against this folder instead of the output folder
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// A file, a folder or `-` with the CRDs that the hub serves; may be repeated
    #[arg(long, value_name = "PATH")]
    crds: Vec<PathBuf>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Treat warnings as errors
    #[arg(long)]
    strict: bool,
    /// Judge ends of service for this date
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<String>,
    /// How findings and the summary are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let format = arguments.format;
    match prepare(arguments) {
        Ok((engine, request, out, warnings)) => write(arguments, &engine, request, out, warnings),
        Err(findings) => report::all(&findings, format, None),
    }
}

fn prepare(arguments: &Arguments) -> Result<(Engine, Request, PathBuf, Findings), Findings> {
    let project = project::load()?;
    let folder = arguments.catalog.as_deref().or(project.catalog.as_deref());
    let catalog = catalog::load(folder)?;
    let mut request = Request::default();
    for path in &arguments.file {
        request.add_plans(files::source(path, Limits::PLAN)?)?;
    }
    for path in &arguments.values {
        request.add_values(files::source(path, Limits::PLAN)?)?;
    }
    request.add_flags(&flags(arguments))?;
    for text in &arguments.set {
        request.add_set(text)?;
    }
    let options = Options { strict: arguments.strict, as_of: arguments.as_of.clone() };
    let (schemas, warnings) = schemas::load(&arguments.crds, &project)?;
    let out = arguments.out.clone().or(project.out).unwrap_or_else(|| PathBuf::from("out"));
    let engine = Engine::new(Library::new(catalog), options).with_schemas(schemas);
    Ok((engine, request, out, warnings))
}

/// The flags that were given, under their short names.
fn flags(arguments: &Arguments) -> Vec<(String, String)> {
    let number = |value: Option<u16>| value.map(|value| value.to_string());
    [
        ("provider", arguments.provider.clone()),
        ("name", arguments.name.clone()),
        ("region", arguments.region.clone()),
        ("workers", number(arguments.workers)),
        ("cpu", number(arguments.cpu)),
        ("memory", number(arguments.memory)),
        ("k8s", arguments.k8s.clone()),
        ("recipes", arguments.recipes.clone()),
        ("namespace", arguments.namespace.clone()),
        ("profile", arguments.profile.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
    .collect()
}

fn write(
    arguments: &Arguments,
    engine: &Engine,
    request: Request,
    out: PathBuf,
    mut findings: Findings,
) -> anyhow::Result<ExitCode> {
    let previous = previous::Folder(arguments.against.clone().unwrap_or_else(|| out.clone()));
    let Outcome { clusters, findings: found, checked } = engine.run_after(request, &previous);
    if arguments.strict {
        findings.make_strict();
    }
    findings.extend(found);
    if !findings.has_errors() && clusters.len() <= REREAD {
        findings.extend(engine::reread(&clusters));
    }
    if findings.has_errors() {
        return report::all(&findings, arguments.format, None);
    }
    let edited = if arguments.strict { Edited::Refuse } else { Edited::default() };
    let writer = Writer::new(out).edited(edited);
    let written = trees(&clusters)
        .and_then(|trees| if arguments.dry_run { writer.plan(&trees) } else { writer.write(&trees) });
    match written {
        Ok(outcome) => {
            findings.extend(outcome.findings);
            if arguments.format == Format::Text {
                report::stdout(outcome.summary.text().as_bytes())?;
                report::stdout(format!("{}\n", engine.coverage(&checked)).as_bytes())?;
            }
            let mut output = outcome.summary.json();
            output["checked"] = validate::json(&checked, &[]);
            report::all(&findings, arguments.format, Some(("output", output)))
        }
        Err(errors) => {
            findings.extend(errors);
            report::all(&findings, arguments.format, None)
        }
    }
}

fn trees(clusters: &[RenderedCluster]) -> Result<Vec<Tree>, Findings> {
    clusters
        .iter()
        .map(|cluster| {
            let mut tree = Tree::new(cluster.name.clone())?;
            for (path, text) in cluster.contents() {
                let path = RelativePath::new(&path).map_err(Findings::from)?;
                tree.insert(path, text)?;
            }
            Ok(tree)
        })
        .collect()
}
