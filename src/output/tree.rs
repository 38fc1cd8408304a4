//! What a folder of the output is to hold.

use std::collections::{BTreeMap, HashMap};

use super::path::{self, RelativePath};
use crate::finding::{Finding, Findings, codes};

/// The name of the folder that is no cluster's: `infraflux init` writes it.
pub const MANAGEMENT: &str = "management";

/// All rendered files of one cluster, or of `management`.
///
/// A tree without files means that nothing rendered is left: what InfraFlux wrote there goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    name: String,
    files: BTreeMap<RelativePath, Vec<u8>>,
    /// Every file and folder in lower case, as a file system that ignores case sees them.
    folded: HashMap<String, Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    path: String,
    folder: bool,
}

impl Tree {
    /// An empty tree. The name is a DNS label, that is the cluster's name or [`MANAGEMENT`].
    pub fn new(name: impl Into<String>) -> Result<Self, Findings> {
        let name = name.into();
        path::check_folder_name(&name)?;
        Ok(Self { name, files: BTreeMap::new(), folded: HashMap::new() })
    }

    /// The name of the folder under the output folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a cluster's, which `kustomization.yaml` of the output folder then lists.
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.name != MANAGEMENT
    }

    /// Adds a file.
    ///
    /// Refused: a path that is taken already, one that differs from another only by upper and lower case (the two
    /// are one file on macOS and Windows), and a file where another needs a folder.
    pub fn insert(&mut self, path: RelativePath, bytes: impl Into<Vec<u8>>) -> Result<(), Findings> {
        let file = Entry { path: path.as_str().to_owned(), folder: false };
        let folders = path.folders().map(|folder| Entry { path: folder.to_owned(), folder: true });
        for entry in folders.chain([file]) {
            let key = entry.path.to_ascii_lowercase();
            match self.folded.get(&key) {
                Some(other) if other.folder && entry.folder && other.path == entry.path => {}
                Some(other) => return Err(self.clash(&path, &entry, other).into()),
                None => {
                    self.folded.insert(key, entry);
                }
            }
        }
        self.files.insert(path, bytes.into());
        Ok(())
    }

    /// The files in order of their paths.
    #[must_use]
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&RelativePath, &[u8])> {
        self.files.iter().map(|(path, bytes)| (path, bytes.as_slice()))
    }

    /// The bytes of one file.
    #[must_use]
    pub fn get(&self, path: &RelativePath) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// The file that has this path as text.
    pub(crate) fn find(&self, path: &str) -> Option<(&RelativePath, &[u8])> {
        self.files.get_key_value(path).map(|(path, bytes)| (path, bytes.as_slice()))
    }

    /// Whether there is no file in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn clash(&self, path: &RelativePath, entry: &Entry, other: &Entry) -> Finding {
        let name = &self.name;
        if entry.path != other.path {
            return Finding::error(
                &codes::PATH_CLASH,
                format!(
                    "`{name}/{}` and `{name}/{}` differ only by upper and lower case",
                    other.path, entry.path
                ),
            )
            .hint("rename one of the two templates: macOS and Windows take both for the same file");
        }
        let message = if entry.folder == other.folder {
            format!("`{name}/{path}` is rendered twice")
        } else {
            format!("`{name}/{}` is rendered as a file and needed as a folder", entry.path)
        };
        Finding::error(&codes::PATH_CLASH, message).hint("rename one of the two templates")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(tree: &mut Tree, path: &str) -> Result<(), Findings> {
        tree.insert(RelativePath::new(path)?, "x")
    }

    #[test]
    fn paths_of_a_tree_are_apart_on_every_file_system() -> Result<(), Findings> {
        let mut tree = Tree::new("lab")?;
        for path in ["a/b.yaml", "a/c.yaml", "a-b", "a.b/c", "README.md"] {
            insert(&mut tree, path)?;
        }
        for path in
            ["a/b.yaml", "A/d.yaml", "a/B.yaml", "a", "a-b/c", "Readme.md", "README.md/x", "a/b.yaml/x"]
        {
            assert!(insert(&mut tree, path).is_err(), "{path}");
        }
        assert_eq!(tree.files().len(), 5);
        Ok(())
    }
}
