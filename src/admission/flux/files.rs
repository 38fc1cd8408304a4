//! The files of a Flux source, wherever they are kept.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use crate::{catalog::Catalog, yaml::Source};

/// Files by their path, seen from the root of a Flux source: slashes between folders, no `.` and no `..`.
///
/// Whoever keeps them on a disk reads them when they are asked for: a repository has more files than a check needs.
pub trait Files: Debug + Send + Sync {
    /// A text file; none when it is not there, or is no text.
    fn get(&self, path: &str) -> Option<Arc<Source>>;

    /// Whether there is a file of that path, text or not.
    fn has_file(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// Whether there is a folder of that path; the root, whose path is empty, always is.
    fn has_folder(&self, path: &str) -> bool {
        path.is_empty() || !self.below(path).is_empty()
    }

    /// The paths of all files below a folder, at any depth, sorted.
    fn below(&self, folder: &str) -> Vec<String>;
}

impl Files for Catalog {
    fn get(&self, path: &str) -> Option<Arc<Source>> {
        Self::get(self, path).cloned()
    }

    fn has_folder(&self, path: &str) -> bool {
        Self::has_folder(self, path)
    }

    fn below(&self, folder: &str) -> Vec<String> {
        self.under(folder).map(|(path, _)| path.to_owned()).collect()
    }
}

impl<Inner: Files + ?Sized> Files for Arc<Inner> {
    fn get(&self, path: &str) -> Option<Arc<Source>> {
        (**self).get(path)
    }

    fn has_file(&self, path: &str) -> bool {
        (**self).has_file(path)
    }

    fn has_folder(&self, path: &str) -> bool {
        (**self).has_folder(path)
    }

    fn below(&self, folder: &str) -> Vec<String> {
        (**self).below(folder)
    }
}

/// Files of other places under new paths: what an ArtifactGenerator copies together.
#[derive(Debug, Clone, Default)]
pub(super) struct Copied {
    files: BTreeMap<String, (Arc<dyn Files>, String)>,
}

impl Copied {
    /// Puts a file under a path; a later one takes the place of an earlier one.
    pub(super) fn put(&mut self, path: String, from: &Arc<dyn Files>, original: String) {
        self.files.insert(path, (Arc::clone(from), original));
    }
}

impl Files for Copied {
    fn get(&self, path: &str) -> Option<Arc<Source>> {
        let (from, original) = self.files.get(path)?;
        from.get(original)
    }

    fn has_file(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    fn below(&self, folder: &str) -> Vec<String> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        self.files
            .range(prefix.clone()..)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&prefix))
            .cloned()
            .collect()
    }
}
