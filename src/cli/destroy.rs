//! `infraflux destroy`: the order in which a cluster goes, as a document and lists of objects.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;

use super::{
    cluster::Choice,
    report::{self, Format},
};
use crate::{
    finding::Findings,
    management::decommission::{self, Decommission},
    output::{RelativePath, Summary, Tree, Writer},
};

/// Render the safe order in which a cluster goes to decommission/<cluster>/
///
/// What to let go of, suspend and delete, what goes by itself, and what nobody deletes: DECOMMISSION.md has the commands, the files
/// beside it name the objects. Nothing is deleted by this program but, with --remove, its own files under out/.
///
/// The folder lies outside out/, so that the sync of the clusters never sees it.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  infraflux destroy --name lab            write decommission/lab/DECOMMISSION.md from out/lab
  infraflux destroy --name lab --remove   take out/lab out of the output folder (a step of that document)

Exit codes: 0 written, 1 the content is wrong, 2 the command line is wrong, 3 the operating system said no.")]
pub struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// The parent of the folder with the documents
    #[arg(long, value_name = "DIR", default_value = "decommission")]
    to: PathBuf,
    /// Also remove the cluster's files from the output folder and its list; live objects are not touched
    #[arg(long)]
    remove: bool,
    /// Print the document instead of writing files
    #[arg(long, conflicts_with = "remove")]
    print: bool,
    /// Say what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// How findings and the summary are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let format = arguments.format;
    let (Documents { name, files, out }, mut findings) = match prepare(arguments) {
        Ok(prepared) => prepared,
        Err(findings) => return report::all(&findings, format, None),
    };
    if arguments.print {
        for (path, text) in &files {
            if path.ends_with(".md") {
                report::stdout(text.as_bytes())?;
            }
        }
        return report::findings(&findings);
    }
    match write(arguments, &name, &files, out) {
        Ok((summaries, more)) => {
            findings.extend(more);
            if format == Format::Text {
                for summary in &summaries {
                    report::stdout(summary.text().as_bytes())?;
                }
            }
            let output: Vec<serde_json::Value> = summaries.iter().map(Summary::json).collect();
            report::all(&findings, format, Some(("output", output.into())))
        }
        Err(errors) => report::all(&errors, format, None),
    }
}

/// What is to be written about a cluster.
struct Documents {
    name: String,
    /// Path and text.
    files: Vec<(String, String)>,
    /// The output folder, for `--remove`.
    out: PathBuf,
}

fn prepare(arguments: &Arguments) -> Result<(Documents, Findings), Findings> {
    let chosen = arguments.choice.load(&[])?;
    let order: Decommission = decommission::sort(&chosen.name, &chosen.objects()?)?;
    let place =
        decommission::Place { out: chosen.out.display().to_string(), to: arguments.to.display().to_string() };
    let files = order.files(chosen.library.index(), &place)?;
    Ok((Documents { name: chosen.name, files, out: chosen.out }, chosen.findings))
}

fn write(
    arguments: &Arguments,
    name: &str,
    files: &[(String, String)],
    out: PathBuf,
) -> Result<(Vec<Summary>, Findings), Findings> {
    let mut tree = Tree::new(name)?;
    for (path, text) in files {
        tree.insert(RelativePath::new(path).map_err(Findings::from)?, text.as_str())?;
    }
    let mut summaries = Vec::new();
    let mut findings = Findings::new();
    // The documents first: once the cluster's files are gone they can only be made from the plan.
    let documents = (Writer::new(&arguments.to).unlisted(), tree);
    let removal =
        arguments.remove.then(|| Tree::new(name).map(|tree| (Writer::new(out), tree))).transpose()?;
    for (writer, tree) in std::iter::once(documents).chain(removal) {
        let trees = [tree];
        let outcome = if arguments.dry_run { writer.plan(&trees)? } else { writer.write(&trees)? };
        summaries.push(outcome.summary);
        findings.extend(outcome.findings);
    }
    Ok((summaries, findings))
}
