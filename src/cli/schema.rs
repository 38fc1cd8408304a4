//! `infraflux schema`: what a plan may say.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::report;
use crate::{
    finding::{Finding, codes, suggest},
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
    #[value(alias = "ClusterPlan")]
    ClusterPlan,
    /// Many clusters
    #[value(alias = "FleetPlan")]
    FleetPlan,
    /// A function configuration that checks items
    #[value(alias = "Admission")]
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
                let lower = part.to_lowercase();
                let (shown, others): (Vec<_>, Vec<_>) =
                    fields.into_iter().partition(|field| field.path.to_lowercase().contains(&lower));
                if shown.is_empty() {
                    return report::findings(&no_field(part, &others).into());
                }
                fields = shown;
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

fn no_field(part: &str, fields: &[reference::Field]) -> Finding {
    let keys = fields.iter().flat_map(|field| field.path.split(['.', '[', ']']));
    let near = suggest::nearest(part, keys.filter(|key| !key.is_empty()));
    let hint = if near.is_empty() {
        "`infraflux schema` prints all of them".to_owned()
    } else {
        format!("did you mean {}?", suggest::list(&near, "or"))
    };
    Finding::error(&codes::USAGE, format!("no field has `{part}` in its path")).hint(hint)
}
