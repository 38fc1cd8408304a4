//! Secrets in a repository: encrypted, to the right keys, and delivered so that Flux can read them.
//!
//! Everything here is told from texts and paths, without a key: that a file is encrypted can be seen, that its value is
//! right cannot. The rules follow getsops/sops (`config/config.go`, `sops.go`) and fluxcd/kustomize-controller
//! (`internal/decryptor/decryptor.go`).
//!
//! A finding about a secret must not spread it. Snippets show the line with the value masked.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use crate::{
    finding::{Finding, Findings, codes},
    yaml::{self, Document, Limits, Location, Place, Source, SourceId, Sources, scalar::Schema},
};

pub mod creation_rules;
mod delivery;
mod encrypted;
pub mod keys;
mod plain;
mod rendered;

pub use creation_rules::Rules;
pub use rendered::violations;

/// A text file of the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path, seen from the folder of `.sops.yaml` (the root of the repository), with `/` between folders.
    pub path: String,
    /// Its text.
    pub source: SourceId,
}

/// Checks all files of a repository, or any part of it.
///
/// Codes 1001 to 1014. A rule that needs other files (a Kustomization and the folder that it reads) is checked as far as
/// they are given. `config` is the text of `.sops.yaml`; without one an encrypted file has no rule.
#[must_use]
pub fn check(sources: &Sources, files: &[File], config: Option<SourceId>) -> Findings {
    let (rules, mut findings) = config.map(|id| Rules::read(sources, id)).unwrap_or_default();
    let mut input = Input { sources, masks: BTreeMap::new() };
    let mut parsed = Vec::new();
    for file in files {
        let Some(source) = sources.get(file.source) else { continue };
        for found in keys::find(source.text()) {
            let place = Place::new(file.source, found.range);
            input.mask(place);
            findings.push(
                Finding::error(found.code, format!("{} stands in the text", found.what))
                    .at(sources.locate(place))
                    .hint("take it for known and replace it at its owner; then take it out of the file"),
            );
        }
        if config == Some(file.source) {
            continue;
        }
        let documents = if is_manifest(&file.path) {
            match yaml::read(sources, file.source, Schema::Cluster, Limits::STREAM) {
                Ok(documents) => documents,
                Err(wrong) => {
                    findings.extend(wrong);
                    continue;
                }
            }
        } else {
            Vec::new()
        };
        let encrypted = if is_manifest(&file.path) {
            documents.iter().any(|document| encrypted::block(&document.root).is_some())
        } else {
            // dotenv, INI, and the JSON envelope of anything else
            ["sops_mac=", "[sops]", "\"sops\":"].iter().any(|mark| source.text().contains(mark))
        };
        let file = Parsed { path: &file.path, source: file.source, documents, encrypted };
        findings.extend(one(&mut input, &file, &rules));
        parsed.push(file);
    }
    findings.extend(delivery::check(&input, &parsed));
    input.masked(findings)
}

/// A file that was read.
struct Parsed<'file> {
    path: &'file str,
    source: SourceId,
    /// None of what is neither YAML nor JSON.
    documents: Vec<Document>,
    encrypted: bool,
}

/// What the checks read, and what must not be shown.
struct Input<'sources> {
    sources: &'sources Sources,
    masks: BTreeMap<SourceId, Vec<Range<usize>>>,
}

impl Input<'_> {
    /// Keeps the text at a place out of every snippet.
    fn mask(&mut self, place: Place) {
        self.masks.entry(place.source).or_default().push(place.range());
    }

    /// The findings, with locations in texts of the same shape that show asterisks for secrets.
    fn masked(&self, findings: Findings) -> Findings {
        let texts: Vec<(&Arc<Source>, Arc<Source>)> = self
            .masks
            .iter()
            .filter_map(|(id, ranges)| {
                let source = self.sources.get(*id)?;
                Some((source, Arc::new(Source::new(source.name(), hide(source.text(), ranges)))))
            })
            .collect();
        let swap = |location: &mut Location| {
            if let Some((_, hidden)) = texts.iter().find(|(source, _)| Arc::ptr_eq(source, location.source()))
            {
                *location = Location::new(hidden.clone(), location.range());
            }
        };
        findings
            .into_iter()
            .map(|mut finding| {
                finding.location.iter_mut().for_each(swap);
                finding.related.iter_mut().for_each(|related| swap(&mut related.location));
                finding
            })
            .collect()
    }
}

/// Checks one file by itself.
fn one(input: &mut Input<'_>, file: &Parsed<'_>, rules: &Rules) -> Findings {
    let mut findings = Findings::new();
    let rule = rules.find(file.path);
    // A rule for every folder says nothing about this one; it is reported once, in `.sops.yaml`.
    let planned = rule.is_some_and(|rule| !rule.covers_everything());
    if (is_named_so(file.path) || planned) && !file.encrypted {
        let why = if is_named_so(file.path) { "its name says" } else { "a rule of `.sops.yaml` says" };
        findings.push(not_encrypted(
            input,
            Place::new(file.source, 0..0),
            format!("`{}` is not encrypted, though {why} so", file.path),
        ));
    }
    for document in &file.documents {
        if encrypted::block(&document.root).is_some() {
            findings.extend(encrypted::check(input, file.path, &document.root, rule));
            continue;
        }
        if file.encrypted && document.root.as_mapping().is_some() {
            let message = "this document is not encrypted, though another one in the file is".to_owned();
            findings.push(not_encrypted(input, document.root.place, message));
        }
        findings.extend(plain::check(input, &document.root));
    }
    findings
}

fn not_encrypted(input: &Input<'_>, place: Place, message: String) -> Finding {
    Finding::error(&codes::SECRET_NOT_ENCRYPTED, message)
        .at(input.sources.locate(place))
        .hint("run `sops encrypt -i` on the file")
}

/// Whether a file's name says that it is encrypted: `x.sops.yaml`, `x.sops.env`.
fn is_named_so(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    // The configuration itself is called `.sops.yaml`.
    name.find(".sops.").is_some_and(|at| at > 0)
}

/// What is read as YAML; JSON is a part of it.
fn is_manifest(path: &str) -> bool {
    has_extension(path, &["yaml", "yml", "json"]) || path.rsplit('/').next() == Some("Kustomization")
}

fn has_extension(path: &str, known: &[&str]) -> bool {
    path.rsplit_once('.').is_some_and(|(_, extension)| known.contains(&extension))
}

/// The same text with an asterisk for each character of these ranges; lines and offsets stay what they are.
fn hide(text: &str, ranges: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in ranges {
        for byte in bytes.get_mut(range.clone()).unwrap_or_default() {
            if *byte != b'\n' && *byte != b'\r' {
                *byte = b'*';
            }
        }
    }
    // Ranges are those of whole nodes and matches, so no character is cut in two.
    String::from_utf8(bytes).unwrap_or_default()
}
