//! The files that an ArtifactGenerator puts together from those of other sources.
//!
//! Source: fluxcd/source-watcher `internal/builder/builder.go`. Copies of files, of folders and of what is in folders are
//! followed; other patterns, exclusions, merges and extractions are not.

use std::sync::Arc;

use serde_json::Value;

use super::{
    files::{Copied, Files},
    folder::normal,
    place::{Local, SourceName},
    world::list,
};
use crate::admission::Object;

/// The API group of ArtifactGenerator.
pub(super) const GROUP: &str = "source.extensions.fluxcd.io";

/// Whether an object is a generator of this artifact.
pub(super) fn makes(generator: &Object, artifact: &SourceName) -> bool {
    let home = generator.id.namespace.as_deref();
    generator.is(GROUP, "ArtifactGenerator")
        && home.is_none_or(|home| home == artifact.namespace || artifact.namespace.is_empty())
        && entry(generator, &artifact.name).is_some()
}

fn entry<'object>(generator: &'object Object, name: &str) -> Option<&'object Value> {
    list(generator, "spec.artifacts")
        .iter()
        .find(|entry| entry.get("name").and_then(Value::as_str) == Some(name))
}

/// Why there are no files.
pub(super) enum Nothing {
    /// A source that it copies from is not here.
    Source(SourceName),
    /// It does something that is not followed.
    Unknown,
}

/// The files of an artifact, from a generator that [makes](makes) it.
pub(super) fn files(
    generator: &Object,
    artifact: &SourceName,
    find: &dyn Fn(&SourceName) -> Option<Arc<Local>>,
) -> Result<Copied, Nothing> {
    let copies = entry(generator, &artifact.name).and_then(|entry| entry.get("copy")?.as_array());
    if generator.at("spec.pathPattern").is_some() {
        return Err(Nothing::Unknown);
    }
    let mut out = Copied::default();
    for copy in copies.into_iter().flatten() {
        let text = |key: &str| copy.get(key).and_then(Value::as_str);
        let (Some(from), Some(to)) = (text("from"), text("to")) else { return Err(Nothing::Unknown) };
        let source = from.strip_prefix('@').and_then(|from| from.split_once('/'));
        let (Some((alias, from)), Some(to)) = (source, to.strip_prefix("@artifact/")) else {
            return Err(Nothing::Unknown);
        };
        let plain =
            text("strategy").is_none_or(|strategy| strategy == "Overwrite") && copy.get("exclude").is_none();
        let (from, only_content) = from.strip_suffix("**").map_or((from, false), |rest| (rest, true));
        if !plain || from.contains(['*', '?', '[', ']']) {
            return Err(Nothing::Unknown);
        }
        let source = source_of(generator, alias).ok_or(Nothing::Unknown)?;
        let Some(local) = find(&source) else { return Err(Nothing::Source(source)) };
        let files = local.tree.files();
        let from = normal("", from);
        let name = from.rsplit('/').next().unwrap_or_default();
        if files.has_file(&from) {
            // A file goes into a folder, or gets the name that is said.
            let target = if to.is_empty() || to.ends_with('/') { normal(to, name) } else { normal("", to) };
            out.put(target, files, from);
            continue;
        }
        let target = if only_content { normal("", to) } else { normal(to, name) };
        for file in files.below(&from) {
            let inside = file.strip_prefix(&*from).unwrap_or(&file).trim_start_matches('/');
            out.put(normal(&target, inside), files, file.clone());
        }
    }
    Ok(out)
}

/// The folders that a generator copies from a source.
pub(super) fn read_from(generator: &Object, is_it: &dyn Fn(&SourceName) -> bool) -> Vec<String> {
    list(generator, "spec.artifacts")
        .iter()
        .filter_map(|entry| entry.get("copy")?.as_array())
        .flatten()
        .filter_map(|copy| copy.get("from")?.as_str()?.strip_prefix('@')?.split_once('/'))
        .filter(|(alias, _)| source_of(generator, alias).is_some_and(|source| is_it(&source)))
        .filter_map(|(_, from)| Some(normal("", from.strip_suffix("/**")?)))
        .filter(|from| !from.contains(['*', '?', '[', '{']))
        .collect()
}

fn source_of(generator: &Object, alias: &str) -> Option<SourceName> {
    let source = list(generator, "spec.sources")
        .iter()
        .find(|source| source.get("alias").and_then(Value::as_str) == Some(alias))?;
    let text = |key: &str| source.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(SourceName {
        kind: text("kind")?,
        namespace: text("namespace").or_else(|| generator.id.namespace.clone()).unwrap_or_default(),
        name: text("name")?,
    })
}
