//! `infraflux graph`: what waits for what.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{
    plans::Plans,
    project,
    report::{self, Format},
};
use crate::{
    admission::{
        Object, Objects,
        flux::{Folders, Repository, World, graph},
    },
    engine::{Engine, Options},
    finding::Findings,
};

/// Draw in which order a cluster comes up: what waits for what, on the hub or on the cluster
///
/// Plans and flags are those of `infraflux up`. Nothing is written; the drawing goes to standard output.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    plans: Plans,
    /// How the graph is written
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t)]
    form: Form,
    /// Draw also the edges that follow from others
    #[arg(long)]
    all: bool,
}

/// How the graph is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A Mermaid flowchart, for Markdown
    #[default]
    Mermaid,
    /// A graph for Graphviz
    Dot,
    /// A picture
    Svg,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match draw(arguments) {
        Ok((drawing, findings)) => {
            report::stdout(drawing.as_bytes())?;
            report::all(&findings, Format::Text, None)
        }
        Err(findings) => report::all(&findings, Format::Text, None),
    }
}

fn draw(arguments: &Arguments) -> Result<(String, Findings), Findings> {
    let (library, request) = arguments.plans.read(&project::load()?)?;
    let folders = Folders::new(library.catalog().clone());
    let outcome = Engine::new(library, Options::default()).run(request);
    if outcome.findings.has_errors() {
        return Err(outcome.findings);
    }
    let mut whole = graph::Graph::default();
    for cluster in &outcome.clusters {
        let objects: Objects =
            cluster.documents().map(|(_, document)| Object::new(cluster.fresh_value(document))).collect();
        let world = World::new(&objects, &folders, Repository::of(&cluster.cluster));
        whole.extend(graph::Graph::new(&world));
    }
    let whole = if arguments.all { whole } else { whole.reduced() };
    let drawing = match arguments.form {
        Form::Mermaid => graph::mermaid(&whole),
        Form::Dot => graph::dot(&whole),
        Form::Svg => graph::svg(&whole),
    };
    Ok((drawing, outcome.findings))
}
