//! `infraflux schema`: what a plan may say.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::report;
use crate::{
    finding::{Finding, codes},
    plan::{crd, function_definition, json_schema, reference},
};

/// Print every field of a plan with its type, default and meaning, or a schema for tools
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which kind
    #[arg(value_enum, default_value_t)]
    kind: Kind,
    /// As what
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Only fields whose path contains this, for instance `network`; with the table
    #[arg(long, value_name = "TEXT")]
    field: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// One cluster
    #[default]
    ClusterPlan,
    /// Many clusters
    FleetPlan,
    /// A function configuration that checks items
    Admission,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Every field, for people
    #[default]
    Table,
    /// JSON Schema of the whole document, for editors
    JsonSchema,
    /// CustomResourceDefinition in YAML, for a hub that keeps plans as objects
    Crd,
    /// KRMFunctionDefinition in YAML, for catalogues of functions
    Function,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let kind = match arguments.kind {
        Kind::ClusterPlan => json_schema::Kind::ClusterPlan,
        Kind::FleetPlan => json_schema::Kind::FleetPlan,
        Kind::Admission => json_schema::Kind::Admission,
    };
    let text = match arguments.format {
        Format::Table => {
            let mut fields = reference::fields(kind);
            if let Some(part) = &arguments.field {
                let part = part.to_lowercase();
                fields.retain(|field| field.path.to_lowercase().contains(&part));
            }
            reference::text(&fields, 110)
        }
        Format::JsonSchema => format!("{:#}\n", json_schema::document(kind)),
        Format::Crd => {
            let Some(crd) = crd::crd(kind) else {
                let finding = Finding::error(&codes::USAGE, "an Admission is never stored, so it has no CRD")
                    .hint("use `--format json-schema` or `--format function`");
                return report::findings(&finding.into());
            };
            serde_yaml::to_string(&crd)?
        }
        Format::Function => serde_yaml::to_string(&function_definition::definition(kind))?,
    };
    report::stdout(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
