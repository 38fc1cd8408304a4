//! The catalogue: the files that users read, copy and change, embedded in the binary and replaceable one by one.

use std::{collections::BTreeMap, sync::Arc};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::{
    finding::{Code, Finding, Findings, codes, suggest},
    yaml::{
        Document, Limits, Node, Origin, Source, Sources, pointer::FieldPath, read, scalar::Schema, typed,
    },
};

pub mod bundle;
pub mod compatibility;
pub mod descriptor;
pub mod flux_variables;
pub mod index;
pub mod instances;
pub mod profile;

pub use index::Index;

/// Every embedded file, sorted by path.
static EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

/// The prefix by which messages name embedded files.
pub const BUILT_IN: &str = "built-in:";

/// A set of files by their path, for instance `clusters/aws/values.example.yaml`.
#[derive(Debug, Clone)]
pub struct Catalog {
    files: BTreeMap<String, Arc<Source>>,
}

impl Catalog {
    /// What the binary carries.
    #[must_use]
    pub fn embedded() -> Self {
        Self {
            files: EMBEDDED
                .iter()
                .map(|(path, text)| {
                    (
                        (*path).to_owned(),
                        Arc::new(Source::new(format!("{BUILT_IN}{path}"), *text).of(Origin::BuiltIn)),
                    )
                })
                .collect(),
        }
    }

    /// The same with some files replaced or added. Windows line breaks become plain ones.
    #[must_use]
    pub fn overlay(mut self, files: impl IntoIterator<Item = (String, Source)>) -> Self {
        for (path, source) in files {
            let source = if source.text().contains('\r') {
                Source::new(source.name(), source.text().replace("\r\n", "\n"))
            } else {
                source
            };
            self.files.insert(path, Arc::new(source));
        }
        self
    }

    /// A file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Arc<Source>> {
        self.files.get(path)
    }

    /// All files, sorted by path.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Arc<Source>)> {
        self.files.iter().map(|(path, source)| (&**path, source))
    }

    /// The files below a folder, at any depth, sorted by path.
    pub fn under<'catalog>(
        &'catalog self,
        folder: &str,
    ) -> impl Iterator<Item = (&'catalog str, &'catalog Arc<Source>)> {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        self.files
            .range(prefix.clone()..)
            .take_while(move |(path, _)| path.starts_with(&prefix))
            .map(|(path, source)| (&**path, source))
    }

    /// The YAML files that lie directly in a folder, sorted.
    pub fn yaml_in<'catalog>(
        &'catalog self,
        folder: &str,
    ) -> impl Iterator<Item = (&'catalog str, &'catalog Arc<Source>)> {
        let depth = folder.trim_end_matches('/').matches('/').count() + 1;
        self.under(folder)
            .filter(move |(path, _)| path.matches('/').count() == depth && path.ends_with(".yaml"))
    }

    /// Whether a folder has files.
    #[must_use]
    pub fn has_folder(&self, folder: &str) -> bool {
        self.under(folder).next().is_some()
    }

    /// The names of the folders directly below a folder, sorted.
    #[must_use]
    pub fn folders_in(&self, folder: &str) -> Vec<&str> {
        let prefix = folder.trim_end_matches('/').len() + 1;
        let mut names: Vec<&str> = self
            .under(folder)
            .filter_map(|(path, _)| path[prefix..].split_once('/').map(|(name, _)| name))
            .collect();
        names.dedup();
        names
    }

    /// The SHA-256 over the paths and bytes of all files below a folder, as `sha256:` and 64 hexadecimal digits.
    ///
    /// Rendered Flux Kustomizations carry the digest of the folder that they point at, so that a Git catalogue of another
    /// version than the binary can be found out.
    #[must_use]
    pub fn digest(&self, folder: &str) -> String {
        let mut hash = Sha256::new();
        for (path, source) in self.under(folder) {
            hash.update(path.as_bytes());
            hash.update([0]);
            hash.update((source.text().len() as u64).to_be_bytes());
            hash.update(source.text().as_bytes());
        }
        format!("sha256:{}", hex(&hash.finalize()))
    }

    /// Reads a file of one YAML document into a type.
    pub fn read<Type: DeserializeOwned>(&self, path: &str, code: &'static Code) -> Result<Type, Findings> {
        let (sources, node) = self.node(path)?;
        typed::from_node(&node, &FieldPath::root(), &sources, code)
    }

    /// Reads a file of one YAML document into a tree.
    pub fn node(&self, path: &str) -> Result<(Sources, Node), Findings> {
        let source = self.get(path).ok_or_else(|| self.missing(path))?;
        let mut sources = Sources::new();
        let id = sources.add(source.clone());
        let mut documents = read(&sources, id, Schema::Core, Limits::PLAN)?;
        match (documents.pop(), documents.is_empty()) {
            (Some(Document { root }), true) => Ok((sources, root)),
            _ => Err(Finding::error(
                &codes::CATALOG_FILE,
                format!("`{}` must hold exactly one YAML document", source.name()),
            )
            .hint("`infraflux eject` writes the original beside yours")
            .into()),
        }
    }

    fn missing(&self, path: &str) -> Findings {
        let near = suggest::nearest(path, self.files.keys().map(String::as_str));
        let finding = Finding::error(&codes::CATALOG_FILE, format!("the catalogue has no file `{path}`"));
        if near.is_empty() {
            return finding.into();
        }
        finding.hint(format!("there is {}", suggest::list(&near, "and"))).into()
    }
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .map(char::from)
        .collect()
}
