//! From good objects of every kind that we render, every field removed, renamed, retyped and out of range: each mutant is
//! refused, or listed as legal in `tests/fixtures/mutations/legal.yaml` with a reason, and the second opinion agrees.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "counts are a part of what these tests are for")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use common::{
    mutate::{Mutant, fits, mutants, pattern},
    oracle::Oracle,
    schemas::{self as crds, Crds},
};
use infraflux::{
    admission::{
        Object, Objects, rendered,
        rules::{self, Externals, Set},
        schema::{Check, Report},
    },
    catalog::Catalog,
    finding::Severity,
    plan::{Provider, read::Request, resolve::resolve},
    render::{Library, render},
    yaml::Source,
};
use rayon::prelude::*;
use serde_json::Value;

/// A row of the table of legal mutants.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// A kind, or `any`.
    kind: String,
    /// Why the API server takes it too.
    reason: String,
    /// Fields as patterns, with the changes that are legal: `*` is one step, `**` any number.
    fields: BTreeMap<String, String>,
}

/// Where the fields are anybody's, so that `**` may stand for them.
const FREE: [&str; 3] = ["spec/values/**", "metadata/labels/**", "metadata/annotations/**"];

impl Row {
    /// The field and change of the row that a mutant is an example of.
    fn takes(&self, kind: &str, mutant: &Mutant) -> Option<(&str, &str)> {
        if self.kind != "any" && self.kind != kind {
            return None;
        }
        let path = pattern(&mutant.path);
        let path: Vec<&str> = path.split('/').collect();
        self.fields.iter().find_map(|(field, changes)| {
            let change = changes.split(' ').find(|change| *change == mutant.change || *change == "any")?;
            fits(&field.split('/').collect::<Vec<_>>(), &path).then_some((field.as_str(), change))
        })
    }
}

fn table() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/mutations/legal.yaml");
    serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The plans whose clusters are mutated: all of each provider that the catalogue has, the complete one first.
fn plans() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/providers");
    Provider::ALL
        .into_iter()
        .flat_map(|provider| {
            let folder = root.join(provider.to_string());
            let mut plans: Vec<PathBuf> = fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
                .collect();
            plans.sort_by_key(|path| (!path.ends_with("ha.yaml"), path.clone()));
            plans.into_iter().map(move |path| (provider.to_string(), path))
        })
        .collect()
}

struct Cluster {
    name: String,
    objects: Objects,
    externals: Externals,
}

fn clusters() -> Vec<Cluster> {
    plans()
        .into_iter()
        .flat_map(|(provider, path)| {
            let text = fs::read_to_string(&path).unwrap();
            let library = Library::new(Catalog::embedded());
            let mut request = Request::default();
            request.add_plans(Source::new("plan.yaml", text)).unwrap();
            let plans = request.merge(library.index()).unwrap().0;
            plans
                .iter()
                .filter_map(|plan| {
                    // Some plans show what a provider cannot do.
                    let (resolved, _) = resolve(plan, library.index()).ok()?;
                    let externals = rendered::externals(&resolved);
                    let cluster = render(resolved, &library).unwrap();
                    let objects: Objects = cluster
                        .documents()
                        .map(|(_, document)| Object::new(cluster.value(document).clone()))
                        .collect();
                    Some(Cluster { name: provider.clone(), objects, externals })
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

fn errors(crds: &Crds, cluster: &Cluster, position: usize, mutant: &Value) -> bool {
    let object = Object::new(mutant.clone());
    let mut report = Report::default();
    crds.schemas.check_object(&object, None, Check::default(), &mut report);
    if report.violations.iter().any(|violation| violation.severity == Severity::Error) {
        return true;
    }
    // Rules and references look at the whole set.
    let objects: Objects = cluster
        .objects
        .iter()
        .enumerate()
        .map(|(index, known)| if index == position { object.clone() } else { known.clone() })
        .collect();
    let nothing = Objects::default();
    let set = Set::new(&objects, &nothing, &cluster.externals);
    objects
        .iter()
        .flat_map(|object| rules::check_object(object, &set))
        .any(|(_, violation)| violation.severity == Severity::Error)
}

#[test]
fn every_mutant_is_refused_or_known_to_be_legal() {
    let Some(crds) = crds::load() else { return };
    let table = table();
    let clusters = clusters();
    assert!(!clusters.is_empty());
    let mut work = Vec::new();
    // Equal objects of several clusters or pools say nothing new.
    let mut seen = BTreeSet::new();
    for cluster in &clusters {
        for (position, object) in cluster.objects.iter().enumerate() {
            assert!(
                crds.schemas.knows(object.group(), &object.id.kind),
                "{}: no schema for {}",
                cluster.name,
                object.id
            );
            assert!(
                !errors(crds, cluster, position, &object.value),
                "{}: {} is not good itself",
                cluster.name,
                object.id
            );
            for mutant in mutants(&object.value) {
                let key =
                    (object.id.kind.clone(), mutant.change, pattern(&mutant.path), cluster.name.clone());
                if seen.insert(key) {
                    work.push((cluster, position, object, mutant));
                }
            }
        }
    }
    let oracles: BTreeMap<(String, String), Oracle> = clusters
        .iter()
        .flat_map(|cluster| &cluster.objects)
        .map(|object| (object.id.api_version.clone(), object.id.kind.clone()))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .filter_map(|(api_version, kind)| {
            let oracle = Oracle::new(crds.schema(&api_version, &kind)?);
            Some(((api_version, kind), oracle))
        })
        .collect();
    let verdicts: Vec<bool> = work
        .par_iter()
        .map(|(cluster, position, _, mutant)| errors(crds, cluster, *position, &mutant.object))
        .collect();
    let mut used: Vec<BTreeMap<(&str, &str), usize>> = vec![BTreeMap::new(); table.len()];
    let mut problems = BTreeSet::new();
    let mut legal = 0;
    for ((_, _, object, mutant), refused) in work.iter().zip(&verdicts) {
        if *refused {
            continue;
        }
        legal += 1;
        let kind = &object.id.kind;
        let line = format!("{kind} {} {}", pattern(&mutant.path), mutant.change);
        let row = table.iter().enumerate().find_map(|(row, known)| Some((row, known.takes(kind, mutant)?)));
        match row {
            Some((row, example)) => *used[row].entry(example).or_default() += 1,
            None => {
                problems.insert(format!("not refused and not in the table: {line}"));
            }
        }
        let oracle = oracles.get(&(object.id.api_version.clone(), kind.clone()));
        if oracle.is_some_and(|oracle| !oracle.holds(&mutant.object)) {
            problems.insert(format!("the second opinion refuses it: {line}"));
        }
    }
    let count = work.len();
    println!(
        "{count} mutants of {} kinds from {} clusters: {} refused ({:.1} %), {legal} legal by {} rows",
        seen.iter().map(|(kind, ..)| kind).collect::<BTreeSet<_>>().len(),
        clusters.len(),
        count - legal,
        100.0 * f64::from(u32::try_from(count - legal).unwrap()) / f64::from(u32::try_from(count).unwrap()),
        table.len()
    );
    for (row, used) in table.iter().zip(&used) {
        println!("{:6} {}: {}", used.values().sum::<usize>(), row.kind, row.reason);
        assert!(row.reason.len() > 20, "a reason is a sentence: {row:?}");
        for (field, changes) in &row.fields {
            for change in changes.split(' ').filter(|change| !used.contains_key(&(field.as_str(), *change))) {
                problems.insert(format!(
                    "in the table, and refused or never tried: {} {field} {change}",
                    row.kind
                ));
            }
            assert!(
                !field.contains("**") || FREE.contains(&field.as_str()),
                "too broad: {} {field}",
                row.kind
            );
        }
    }
    let mut out = String::new();
    for problem in &problems {
        writeln!(out, "{problem}").unwrap();
    }
    assert!(problems.is_empty(), "{} problems\n{out}", problems.len());
    assert!(count > 1000, "{count}");
    // Fields with a narrow meaning must not drown in those that are free.
    assert!(2 * (count - legal) > count, "{legal} of {count} are legal");
}
