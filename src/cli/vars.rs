//! `infraflux vars`: what templates may use.

use std::process::ExitCode;

use clap::Args;

use super::report;
use crate::{
    catalog::Catalog,
    finding::{Finding, Findings, codes, suggest},
    management::{hub, values},
    plan::Provider,
    render::{features::FEATURES, variables},
};

/// List the variables and features that templates may use
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only names that contain this
    filter: Option<String>,
}

/// Names of one sort, each with its line.
struct Section {
    heading: &'static str,
    lines: Vec<(String, String)>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let sections = match sections() {
        Ok(sections) => sections,
        Err(findings) => return report::findings(&findings),
    };
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let lower = filter.to_lowercase();
    let mut parts = Vec::new();
    for section in &sections {
        let mut shown = String::new();
        for (name, line) in &section.lines {
            if name.to_lowercase().contains(&lower) {
                shown.push_str(line);
                shown.push('\n');
            }
        }
        if !shown.is_empty() {
            parts.push(format!("{}\n\n{shown}", section.heading));
        }
    }
    if parts.is_empty() {
        let names = sections.iter().flat_map(|section| &section.lines).map(|(name, _)| name.as_str());
        return report::findings(&no_name(filter, names).into());
    }
    report::stdout(parts.join("\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn no_name<'names>(filter: &str, names: impl Iterator<Item = &'names str>) -> Finding {
    let near = suggest::nearest(filter, names);
    let hint = if near.is_empty() {
        "`infraflux vars` lists all of them".to_owned()
    } else {
        format!("did you mean {}?", suggest::list(&near, "or"))
    };
    Finding::error(&codes::USAGE, format!("no variable or feature has `{filter}` in its name")).hint(hint)
}

fn sections() -> Result<Vec<Section>, Findings> {
    let line =
        |name: &str, level: &str, text: &str| (name.to_owned(), format!("{name:36} {level:16} {text}"));
    let mut plan: Vec<_> = variables::VARIABLES
        .iter()
        .map(|variable| line(variable.name, variable.level.as_str(), variable.description))
        .collect();
    plan.push(line(
        "VERSION_<COMPONENT>",
        "cluster",
        "the version of a component of the profile (`infraflux versions`)",
    ));
    let block = Provider::ALL
        .into_iter()
        .flat_map(variables::block_variables)
        .map(|(name, field)| line(&name, "cluster", &field.to_string()))
        .collect();
    let features = FEATURES
        .iter()
        .map(|feature| (feature.name.to_owned(), format!("{:36} {}", feature.name, feature.description)))
        .collect();
    let mut hub: Vec<_> = hub::variables(&Catalog::embedded())?
        .iter()
        .map(|variable| line(&variable.name, "hub", &variable.description))
        .collect();
    hub.extend(values::FEATURES.iter().map(|feature| line(feature.name, "feature", feature.description)));
    let headings = [
        "Variables, ${NAME} in templates; `machines` are those of the control plane and of pools",
        "Fields of the provider's block, set when the plan sets them",
        "Features, for `# infraflux.io/when: a, !b`",
        // `infraflux init` fills them.
        "Variables and features of the hub's templates, under `management/`",
    ];
    let sorts = [plan, block, features, hub];
    Ok(headings.into_iter().zip(sorts).map(|(heading, lines)| Section { heading, lines }).collect())
}
