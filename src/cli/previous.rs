//! The render before this one, as it lies in the output folder.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{files, neighbours};
use crate::{
    admission::{
        Object, Objects,
        rendered::{Before, Previous},
        semantics::Neighbour,
    },
    finding::{Finding, Findings, codes},
    render::RenderedCluster,
    yaml::{self, Limits, Sources, scalar::Schema},
};

/// Output folders: parents of `<cluster>/`.
pub struct Folder {
    /// Against which changes of a cluster are judged.
    pub previous: PathBuf,
    /// Which is written, with other clusters in it.
    pub out: PathBuf,
}

impl Previous for Folder {
    fn of(&self, cluster: &RenderedCluster, findings: &mut Findings) -> Before {
        let folder = self.previous.join(&cluster.name);
        // A link may lead anywhere; the writer refuses it with a reason of its own.
        if !folder.is_dir() || folder.is_symlink() {
            return Before::Nothing;
        }
        if is_same(&folder, cluster) {
            return Before::Same;
        }
        let mut objects = Vec::new();
        match files::walk(&folder) {
            Ok(paths) => {
                for (relative, path) in paths {
                    // kustomization.yaml and the schematic are no objects of a cluster, and have no name to be found by.
                    if relative.ends_with(".yaml") {
                        objects.extend(read(&path, findings));
                    }
                }
            }
            Err(errors) => findings.extend(errors.into_iter().map(not_compared)),
        }
        Before::Objects(objects.into_iter().collect::<Objects>())
    }

    fn others(&self, rendered: &[&str], findings: &mut Findings) -> Vec<Neighbour> {
        neighbours::read(&self.out, rendered, findings)
    }
}

/// Whether every file that was rendered is there with the same bytes. Files that are there and were not rendered do not
/// count: nothing is said about an object that is no longer rendered and that nothing else misses.
fn is_same(folder: &Path, cluster: &RenderedCluster) -> bool {
    cluster.files.iter().all(|file| {
        let text = file.text();
        let path = folder.join(&file.path);
        fs::metadata(&path).is_ok_and(|metadata| metadata.len() == text.len() as u64)
            && fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes())
    })
}

fn read(path: &Path, findings: &mut Findings) -> Vec<Object> {
    let documents = files::source(path, Limits::STREAM).and_then(|source| {
        let mut sources = Sources::new();
        let id = sources.add(Arc::new(source));
        yaml::read(&sources, id, Schema::Cluster, Limits::STREAM)
    });
    match documents {
        Ok(documents) => documents
            .into_iter()
            .map(|document| Object::new(document.root.to_value()))
            .filter(|object| !object.id.kind.is_empty() && !object.id.name.is_empty())
            .collect(),
        Err(errors) => {
            findings.extend(errors.into_iter().map(not_compared));
            Vec::new()
        }
    }
}

/// A file that cannot be read must not keep the run from writing a good one in its place, but it is said that changes of
/// fixed fields were not looked for in it.
pub(super) fn not_compared(error: Finding) -> Finding {
    Finding::warning(
        &codes::PREVIOUS_UNREADABLE,
        format!("an earlier render cannot be compared with: {}", error.message),
    )
    .at(error.location)
    .hint("changes of fields that are fixed after creation were not looked for there; restore the file from Git to have them found")
}
