//! Variables used, declared and supplied are the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use serde::Deserialize;

use super::world::{Delivery, World, list};
use crate::{
    admission::Violation,
    catalog::{
        Catalog,
        bundle::{Bundle, BundleVariable, VariableType},
        flux_variables,
    },
    finding::{Finding, codes, suggest},
    plan::resolve::COMMON_VARIABLES,
    yaml::{Location, Source, pointer::FieldPath},
};

/// `clusters/*/configs/variables.yaml`: the declarations for folders that are no bundle.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Variables {
    #[serde(rename = "apiVersion")]
    _api_version: String,
    #[serde(rename = "kind")]
    _kind: String,
    #[serde(rename = "metadata")]
    _metadata: serde_json::Value,
    spec: VariablesSpec,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct VariablesSpec {
    variables: Vec<BundleVariable>,
}

/// Where a folder's variables are declared.
#[derive(Debug, Default)]
struct Declared {
    file: String,
    /// The folder that they are for.
    folder: String,
    /// None when the file cannot be read, which is among the findings.
    variables: Option<Vec<BundleVariable>>,
    /// What is wrong with the declarations themselves, whoever supplies them.
    findings: Vec<Finding>,
}

/// Files of declarations by path, each read once.
#[derive(Debug, Default)]
pub(super) struct Declarations(Mutex<BTreeMap<String, Arc<Declared>>>);

impl Declarations {
    fn get(&self, catalog: &Catalog, file: &str) -> Arc<Declared> {
        // A thread that panicked elsewhere leaves the map whole: entries are only ever added.
        if let Some(known) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(file) {
            return Arc::clone(known);
        }
        let read = Arc::new(declared(catalog, file));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(file.to_owned(), Arc::clone(&read));
        read
    }
}

pub(super) fn check(world: &mut World<'_>) {
    let mut violations = Vec::new();
    let mut findings = Vec::new();
    let mut told: BTreeSet<String> = BTreeSet::new();
    for delivery in &world.deliveries {
        let object = delivery.kustomization.object;
        let Some(path) = delivery.catalog_path().filter(|_| world.owns(object)) else { continue };
        let supplied = delivery.kustomization.substitute();
        for name in supplied.keys().filter(|name| !delivery.load.used.contains(*name)) {
            let patched = || !list(object, "spec.patches").is_empty() && is_used_below(world, path, name);
            if object.at("spec.postBuild.substituteFrom").is_some()
                || delivery.objects().is_empty()
                // A patch of the plan may have put something else in its place.
                || patched()
            {
                continue;
            }
            violations.push(
                Violation::error(
                    &codes::FLUX_VARIABLE,
                    object,
                    FieldPath::of(["spec", "postBuild", "substitute"]).key(name.clone()),
                    format!("nothing in `{path}` uses the variable `{name}`"),
                )
                .hint(
                    suggest::hint(name, delivery.load.used.iter().map(String::as_str))
                        .unwrap_or_else(|| "take it out".to_owned()),
                ),
            );
        }
        let Some(file) = declaration_file(world, path) else { continue };
        let read = world.folders.declarations().get(world.folders.catalog(), &file);
        if told.insert(file) {
            findings.extend(read.findings.iter().cloned());
        }
        findings.extend(undeclared(world, &read, delivery, &supplied));
        violations.extend(misfits(&read, delivery, &supplied));
    }
    world.report.violations.extend(violations);
    world.report.findings.extend(findings);
}

/// Whether a file beside or below a folder uses a variable.
fn is_used_below(world: &World<'_>, path: &str, name: &str) -> bool {
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    uses(world.folders.catalog(), folder, "").iter().any(|(_, found)| found.name == name)
}

/// A bundle's own file, or the `hub-variables.yaml` nearest above the folder.
fn declaration_file(world: &World<'_>, path: &str) -> Option<String> {
    let catalog = world.folders.catalog();
    let mut folder = path;
    loop {
        for name in ["bundle.yaml", "variables.yaml"] {
            let file = format!("{folder}/{name}");
            if catalog.get(&file).is_some() {
                return Some(file);
            }
        }
        folder = folder.rsplit_once('/')?.0;
    }
}

fn declared(catalog: &Catalog, file: &str) -> Declared {
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let variables = if file.ends_with("/bundle.yaml") {
        catalog.read::<Bundle>(file, &codes::CATALOG_FILE).map(|bundle| bundle.spec.variables)
    } else {
        catalog.read::<Variables>(file, &codes::CATALOG_FILE).map(|read| read.spec.variables)
    };
    let mut declared = Declared { file: file.to_owned(), folder, ..Declared::default() };
    match variables {
        Ok(variables) => {
            declared.findings = unused(catalog, &declared, &variables);
            declared.variables = Some(variables);
        }
        Err(findings) => declared.findings.extend(findings),
    }
    declared
}

/// The files whose `${` Flux would fill.
fn uses<'catalog>(
    catalog: &'catalog Catalog,
    folder: &str,
    own: &str,
) -> Vec<(&'catalog Arc<Source>, flux_variables::Use<'catalog>)> {
    catalog
        .under(folder)
        .filter(|(path, _)| path.ends_with(".yaml") && *path != own)
        .flat_map(|(_, source)| {
            flux_variables::uses(source.text()).into_iter().map(move |found| (source, found))
        })
        .collect()
}

/// Declared, and nothing uses it on any provider.
fn unused(catalog: &Catalog, read: &Declared, variables: &[BundleVariable]) -> Vec<Finding> {
    let used: BTreeSet<&str> =
        uses(catalog, &read.folder, &read.file).into_iter().map(|(_, found)| found.name).collect();
    let source = catalog.get(&read.file);
    variables
        .iter()
        .filter(|variable| !used.contains(&*variable.name))
        .map(|variable| {
            let place = source.and_then(|source| {
                let entry = format!("name: {}", variable.name);
                let at = source.text().lines().scan(0, |offset, line| {
                    let start = *offset;
                    *offset += line.len() + 1;
                    Some((start, line))
                });
                let (start, line) =
                    at.into_iter().find(|(_, line)| line.trim_start_matches(['-', ' ']) == entry)?;
                let begin = start + (line.len() - line.trim_start_matches(['-', ' ']).len());
                Some(Location::new(source.clone(), begin..start + line.len()))
            });
            Finding::error(
                &codes::FLUX_VARIABLE,
                format!(
                    "the variable `{}` is declared, and no file of `{}` uses it",
                    variable.name, read.folder
                ),
            )
            .at(place)
            .hint(
                suggest::hint(&variable.name, used.iter().copied())
                    .unwrap_or_else(|| "take it out".to_owned()),
            )
        })
        .collect()
}

/// Used and supplied, but declared nowhere.
fn undeclared(
    world: &World<'_>,
    read: &Declared,
    delivery: &Delivery<'_>,
    supplied: &BTreeMap<String, String>,
) -> Vec<Finding> {
    let Some(variables) = &read.variables else { return Vec::new() };
    let known = |name: &str| {
        COMMON_VARIABLES.contains(&name) || variables.iter().any(|variable| variable.name == name)
    };
    let names: Vec<&String> =
        delivery.load.used.iter().filter(|name| supplied.contains_key(*name) && !known(name)).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let all = uses(world.folders.catalog(), &read.folder, &read.file);
    names
        .into_iter()
        .map(|name| {
            let place = all.iter().find(|(_, found)| found.name == *name).map(|(source, found)| {
                Location::new(Arc::clone(source), found.offset..found.offset + name.len() + 3)
            });
            let declared = variables.iter().map(|variable| &*variable.name);
            Finding::error(
                &codes::FLUX_VARIABLE,
                format!("`{}` does not declare the variable `{name}`", read.file),
            )
            .at(place)
            .hint(
                suggest::hint(name, declared)
                    .unwrap_or_else(|| "declare it there, with a type and an example".to_owned()),
            )
        })
        .collect()
}

/// Supplied values that are not what was declared.
fn misfits(read: &Declared, delivery: &Delivery<'_>, supplied: &BTreeMap<String, String>) -> Vec<Violation> {
    let mut out = Vec::new();
    for variable in read.variables.iter().flatten() {
        let Some(value) = supplied.get(&variable.name) else { continue };
        let right_type = match variable.kind {
            VariableType::String => true,
            VariableType::Integer => value.parse::<i64>().is_ok(),
            VariableType::Boolean => value == "true" || value == "false",
        };
        let fits = variable.pattern.as_ref().is_none_or(|pattern| pattern.matches(value));
        if right_type && fits {
            continue;
        }
        let expected = variable.pattern.as_ref().map_or_else(
            || "another type is declared".to_owned(),
            |pattern| format!("it must match `{}`", pattern.as_str()),
        );
        out.push(
            Violation::error(
                &codes::FLUX_VARIABLE,
                delivery.kustomization.object,
                FieldPath::of(["spec", "postBuild", "substitute"]).key(variable.name.clone()),
                format!("`{value}` is not a value for the variable `{}`", variable.name),
            )
            .hint(expected),
        );
    }
    out
}
