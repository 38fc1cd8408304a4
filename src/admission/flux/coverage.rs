//! What Flux's checks looked at, and what they did not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    expand::Growth,
    load::Content,
    place::{Home, Why},
    twins::Twins,
};

/// Counts of Flux's objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Kustomizations, each once for every cluster that has it.
    pub kustomizations: usize,
    /// HelmReleases.
    pub releases: usize,
    /// Folders that were built.
    pub built: usize,
    /// Folders of which something was not followed.
    pub partial: usize,
    /// Kustomizations with variables whose values are not here.
    pub open: usize,
    /// ResourceSets, whose objects are not made here.
    pub generators: usize,
    /// Kustomizations whose folder was not looked at, by why and by source.
    pub elsewhere: BTreeMap<(Why, String), usize>,
    /// What was taken for which source, because it looks so.
    pub taken: BTreeMap<String, String>,
}

impl Coverage {
    pub(super) fn of(trees: &[Growth<'_>], twins: &Twins, releases: usize, generators: usize) -> Self {
        let mut out = Self { releases, generators, ..Self::default() };
        for branch in trees.iter().flat_map(|tree| &tree.branches) {
            let (load, weight) = (&branch.load, twins.weight(&branch.object));
            out.kustomizations += weight;
            match (&load.content, &load.home) {
                (Content::Objects(_), _) => {
                    out.built += weight;
                    out.partial += weight * usize::from(load.is_partial);
                    out.open += weight * usize::from(load.is_open);
                }
                (_, Home::Elsewhere { source, why }) => {
                    let source = source.as_ref().map(ToString::to_string).unwrap_or_default();
                    *out.elsewhere.entry((*why, source)).or_default() += weight;
                }
                _ => {}
            }
            if let Home::Local { local, source, is_named: false, .. } = &load.home {
                out.taken.insert(source.to_string(), local.shown.clone());
            }
        }
        out
    }

    /// Whether there was nothing of Flux.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kustomizations == 0 && self.releases == 0
    }

    /// One line; none when there was nothing of Flux.
    #[must_use]
    pub fn summary(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let count =
            |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let mut parts =
            vec![format!("Flux: {}", count(self.kustomizations, "Kustomization", "Kustomizations"))];
        if self.releases > 0 {
            parts.push(count(self.releases, "HelmRelease", "HelmReleases"));
        }
        if self.kustomizations > 0 {
            let taken: Vec<String> =
                self.taken.iter().map(|(source, shown)| format!("`{shown}` taken for {source}")).collect();
            let taken = if taken.is_empty() { String::new() } else { format!(" ({})", taken.join(", ")) };
            parts.push(format!("{} built{taken}", count(self.built, "folder", "folders")));
        }
        let mut by_why: BTreeMap<Why, (usize, Vec<&str>)> = BTreeMap::new();
        for ((why, source), number) in &self.elsewhere {
            let entry = by_why.entry(*why).or_default();
            entry.0 += number;
            entry.1.extend((!source.is_empty()).then_some(&**source));
        }
        for (why, (number, sources)) in by_why {
            let why = match why {
                Why::Elsewhere => "source elsewhere",
                Why::Closed => "no files are read here",
                Why::OtherCatalog => "another version of the catalogue",
                Why::Artifact => "an ArtifactGenerator that is not followed",
            };
            let first = sources.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            let listed = match sources.len() {
                0 => String::new(),
                1..=3 => format!(" ({first})"),
                count => format!(" ({first} and {} more)", count - 3),
            };
            parts.push(format!("{number} not checked: {why}{listed}"));
        }
        if self.partial > 0 {
            parts.push(format!("{} in part only", count(self.partial, "folder", "folders")));
        }
        if self.open > 0 {
            parts.push(format!("variables of {} not known here", count(self.open, "folder", "folders")));
        }
        if self.generators > 0 {
            parts.push(format!("{} not followed", count(self.generators, "ResourceSet", "ResourceSets")));
        }
        Some(parts.join(", "))
    }

    /// The same for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let elsewhere: Vec<Value> = self
            .elsewhere
            .iter()
            .map(|((why, source), number)| {
                let why = match why {
                    Why::Elsewhere => "sourceElsewhere",
                    Why::Closed => "noFilesRead",
                    Why::OtherCatalog => "otherCatalogVersion",
                    Why::Artifact => "artifactGenerator",
                };
                json!({"why": why, "source": source, "kustomizations": number})
            })
            .collect();
        json!({
            "kustomizations": self.kustomizations,
            "helmReleases": self.releases,
            "built": self.built,
            "notChecked": {
                "folders": elsewhere,
                "inPart": self.partial,
                "variables": self.open,
                "resourceSets": self.generators,
            },
            "sources": self.taken,
        })
    }
}
