//! `infraflux up`: writes `out/<cluster>/`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    files,
    plans::Plans,
    previous, project,
    report::{self, Format},
    schemas, validate,
};
use crate::{
    admission::versions,
    engine::{self, Engine, Options, Outcome},
    finding::Findings,
    output::{Edited, RelativePath, Tree, Writer},
    plan::read::Request,
    render::RenderedCluster,
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
    #[command(flatten)]
    plans: Plans,
    /// The parent of <cluster>/ [default: out]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Judge changes of what is fixed after creation against this folder, which must exist, instead of the output folder
    #[arg(long, value_name = "DIR")]
    against: Option<PathBuf>,
    /// A file, a folder or `-` with the CRDs that the hub serves; may be repeated
    #[arg(long, value_name = "PATH")]
    crds: Vec<PathBuf>,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Treat warnings as errors, among them example values and kinds that the CRDs given do not cover. That no CRDs were given at
    /// all is said in the summary and no error
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
    if let Some(date) = &arguments.as_of {
        versions::date(date)?;
    }
    if let Some(folder) = &arguments.against {
        files::folder(folder)?;
    }
    let project = project::load()?;
    let out = arguments.out.clone().or_else(|| project.out.clone()).unwrap_or_else(|| PathBuf::from("out"));
    let options = Options { strict: arguments.strict, as_of: arguments.as_of.clone() };
    let (schemas, warnings) = schemas::load(&arguments.crds, &project)?;
    let (library, request) = arguments.plans.read(&project)?;
    Ok((Engine::new(library, options).with_schemas(schemas), request, out, warnings))
}

fn write(
    arguments: &Arguments,
    engine: &Engine,
    request: Request,
    out: PathBuf,
    mut findings: Findings,
) -> anyhow::Result<ExitCode> {
    let previous = previous::Folder {
        previous: arguments.against.clone().unwrap_or_else(|| out.clone()),
        out: out.clone(),
    };
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
