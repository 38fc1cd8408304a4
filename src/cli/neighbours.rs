//! The other clusters of an output folder, as far as clusters can be in each other's way.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;

use super::{files, previous};
use crate::{
    admission::semantics::Neighbour,
    finding::Findings,
    output::INVENTORY,
    yaml::{self, Limits, Location, Source, Sources, scalar::Schema},
};

/// Where the objects lie that claim something.
const FOLDERS: [&str; 2] = ["cluster", "addons/cilium"];

/// What a file with a claim in it has somewhere. Most files have none of it and need not be parsed, which keeps a folder of a
/// thousand clusters cheap.
const SIGNS: [&str; 7] = [
    "kind: Cluster",
    "kind: AWSCluster",
    "kind: AzureCluster",
    "kind: GCPCluster",
    "kind: ProxmoxCluster",
    "vmIDRange:",
    "lb_pool_blocks:",
];

/// The clusters that earlier runs wrote, without those of `rendered`, sorted by name.
pub fn read(out: &Path, rendered: &[&str], findings: &mut Findings) -> Vec<Neighbour> {
    // A folder that is not there has nobody in it; one that cannot be read is the writer's to complain about.
    let Ok(entries) = fs::read_dir(out) else { return Vec::new() };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let other = !rendered.contains(&&*entry.file_name().to_string_lossy());
            // Not through a link: what lies elsewhere is not written here.
            let folder = other && entry.file_type().is_ok_and(|kind| kind.is_dir());
            let path = entry.path();
            (folder && path.join(INVENTORY).is_file()).then_some(path)
        })
        .collect();
    folders.sort();
    let read: Vec<(Option<Neighbour>, Findings)> = folders.par_iter().map(|folder| one(folder)).collect();
    read.into_iter()
        .filter_map(|(neighbour, found)| {
            findings.extend(found);
            neighbour
        })
        .collect()
}

fn one(folder: &Path) -> (Option<Neighbour>, Findings) {
    let mut findings = Findings::new();
    let mut objects = Vec::new();
    let mut location = None;
    for folder in FOLDERS.map(|part| folder.join(part)).iter().filter(|folder| folder.is_dir()) {
        let parsed = files::walk(folder).and_then(|paths| {
            let mut all = Vec::new();
            for (_, path) in paths.iter().filter(|(relative, _)| relative.ends_with(".yaml")) {
                let source = files::source(path, Limits::STREAM)?;
                if SIGNS.iter().any(|sign| source.text().contains(sign)) {
                    all.extend(documents(source)?);
                }
            }
            Ok(all)
        });
        match parsed {
            Ok(parsed) => {
                for (object, place) in parsed {
                    if object["kind"] == "Cluster" {
                        location = place;
                    }
                    objects.push(object);
                }
            }
            Err(errors) => findings.extend(errors.into_iter().map(previous::not_compared)),
        }
    }
    let neighbour = Neighbour::of(&objects).map(|neighbour| Neighbour { location, ..neighbour });
    (neighbour, findings)
}

type Placed = (serde_json::Value, Option<Location>);

/// The objects of a file, each with the place of its name.
fn documents(source: Source) -> Result<Vec<Placed>, Findings> {
    let mut sources = Sources::new();
    let id = sources.add(Arc::new(source));
    let documents = yaml::read(&sources, id, Schema::Cluster, Limits::STREAM)?;
    Ok(documents
        .into_iter()
        .map(|document| {
            let name = document.root.at(["metadata", "name"]);
            let place = name.map_or(document.root.place, |name| name.place);
            (document.root.to_value(), sources.locate(place))
        })
        .collect())
}
