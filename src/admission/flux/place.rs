//! Where the folder of a Kustomization is kept: in the catalogue, in a folder of this machine, or elsewhere.

use std::{fmt, str::FromStr, sync::Arc};

use super::{
    Folders,
    files::Files,
    folder::{Folder, normal},
};

/// A Flux source by its kind, namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceName {
    /// `GitRepository`, `OCIRepository`, `Bucket` or `ExternalArtifact`.
    pub kind: String,
    /// Its namespace; empty when nobody says it.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

/// The form in which `flux build kustomization --local-sources` takes a source: `GitRepository/flux-system/fleet`.
impl fmt::Display for SourceName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            return write!(formatter, "{}/{}", self.kind, self.name);
        }
        write!(formatter, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

impl FromStr for SourceName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [kind, namespace, name] if [kind, namespace, name].iter().all(|part| !part.is_empty()) => {
                Ok(Self {
                    kind: (*kind).to_owned(),
                    namespace: (*namespace).to_owned(),
                    name: (*name).to_owned(),
                })
            }
            _ => Err(()),
        }
    }
}

/// Built folders of files that are kept anywhere.
pub type Tree = Folders<Arc<dyn Files>>;

/// Files that stand for a Flux source.
#[derive(Debug)]
pub struct Local {
    /// How messages name where they are, for instance `./fleet`.
    pub shown: String,
    /// The files and what was built of them.
    pub tree: Tree,
}

impl Local {
    /// Files under the name by which messages call them.
    #[must_use]
    pub fn new(shown: impl Into<String>, files: Arc<dyn Files>) -> Self {
        Self { shown: shown.into(), tree: Folders::new(files) }
    }
}

/// A Git work tree that holds some of the objects.
#[derive(Debug)]
pub struct Checkout {
    /// Its files.
    pub local: Arc<Local>,
    /// The URLs of its remotes.
    pub remotes: Vec<String>,
}

/// Whether two URLs lead to one repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alike {
    /// They do not.
    No,
    /// They have the same name, as a fork has.
    Name,
    /// They do, whatever the protocol.
    Yes,
}

/// Compares the URL of a GitRepository with that of a Git remote (`ssh://git@host/a/b.git`, `git@host:a/b`,
/// `https://host/a/b`).
///
/// `None` when the remote is a folder of this machine, which says nothing.
pub(super) fn alike(url: &str, remote: &str) -> Option<Alike> {
    if remote.starts_with(['/', '.']) || remote.starts_with("file:") {
        return None;
    }
    let parts = |url: &str| -> (String, String) {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split_once('@').map_or(rest, |(_, rest)| rest);
        let rest = rest.trim_end_matches('/').trim_end_matches(".git");
        let (host, path) = rest.split_once(['/', ':']).unwrap_or(("", rest));
        // A port, which only one of the two may say.
        let path = path.split_once('/').filter(|(port, _)| port.bytes().all(|byte| byte.is_ascii_digit()));
        let path = path.map_or_else(|| rest.get(host.len()..).unwrap_or_default(), |(_, path)| path);
        (host.to_lowercase(), path.trim_matches(['/', ':']).to_lowercase())
    };
    let (one, other) = (parts(url), parts(remote));
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    Some(if one == other {
        Alike::Yes
    } else if !one.1.is_empty() && name(&one.1) == name(&other.1) {
        Alike::Name
    } else {
        Alike::No
    })
}

/// What stands for Flux's sources.
#[derive(Debug, Default)]
pub struct Places {
    /// Sources that somebody named, each with its files; none for one that is not to be looked for.
    pub named: Vec<(SourceName, Option<Arc<Local>>)>,
    /// Git work trees. A source is taken for one of them when its Kustomizations read folders that are there.
    pub checkouts: Vec<Checkout>,
    /// Whether files are never read, so that nothing is to be found.
    pub is_closed: bool,
}

/// Why a folder is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The source is none of those that are here.
    Elsewhere,
    /// No files are read.
    Closed,
    /// InfraFlux's catalogue in another version than this one.
    OtherCatalog,
    /// Files that an ArtifactGenerator puts together in a way that is not followed.
    Artifact,
}

/// Where a Kustomization's folder is.
#[derive(Debug, Clone)]
pub(super) enum Home<'run> {
    /// In the catalogue.
    Catalog { folders: &'run Folders, path: String },
    /// In files of this machine that stand for a source, because somebody says so or because it looks so.
    Local { local: Arc<Local>, path: String, source: SourceName, is_named: bool, is_guessed: bool },
    /// Not here.
    Elsewhere { source: Option<SourceName>, why: Why },
}

impl Home<'_> {
    /// The path in the source's files; none when those are not here.
    pub(super) fn path(&self) -> Option<&str> {
        match self {
            Self::Catalog { path, .. } | Self::Local { path, .. } => Some(path),
            Self::Elsewhere { .. } => None,
        }
    }

    /// What the folder and some components give.
    pub(super) fn get(&self, components: &[String]) -> Option<Arc<Folder>> {
        match self {
            Self::Catalog { folders, path } => folders.get(path, components),
            Self::Local { local, path, .. } => local.tree.get(path, components),
            Self::Elsewhere { .. } => None,
        }
    }

    fn files(&self) -> Option<&dyn Files> {
        match self {
            Self::Catalog { folders, .. } => Some(folders.catalog()),
            Self::Local { local, .. } => Some(local.tree.files()),
            Self::Elsewhere { .. } => None,
        }
    }

    /// Whether a folder is there, seen from this one.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        let from = self.path().unwrap_or_default();
        self.files().is_some_and(|files| files.has_folder(&normal(from, path)))
    }

    /// How messages call the files.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Local { local, .. } => format!("`{}`", local.shown),
            Self::Catalog { .. } | Self::Elsewhere { .. } => "the catalogue".to_owned(),
        }
    }

    /// The folders beside the one that is not there, or beside the first part of its path that is not.
    pub(super) fn near(&self) -> Vec<String> {
        let (Some(files), Some(path)) = (self.files(), self.path()) else { return Vec::new() };
        let above =
            path.match_indices('/').map(|(end, _)| &path[..end]).filter(|above| files.has_folder(above));
        let above = above.last().unwrap_or_default();
        let from = if above.is_empty() { 0 } else { above.len() + 1 };
        let rest = path.get(from..).and_then(|rest| rest.split_once('/')).map_or("", |(_, rest)| rest);
        let mut names: Vec<String> = files
            .below(above)
            .iter()
            .filter_map(|file| file.get(from..)?.split_once('/').map(|(name, _)| name))
            .map(|name| normal(above, &format!("{name}/{rest}")))
            .collect();
        names.dedup();
        names.retain(|name| files.has_folder(name));
        names
    }

    /// The source, when it was only taken for the files.
    pub(super) fn guess(&self) -> Option<&SourceName> {
        match self {
            Self::Local { source, is_guessed: true, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Alike, SourceName, alike};

    #[test]
    fn one_repository_has_many_urls() {
        let table = [
            ("ssh://git@github.com/org/fleet", "https://github.com/org/fleet.git", Alike::Yes),
            ("https://github.com/org/fleet.git", "git@github.com:org/fleet.git", Alike::Yes),
            ("ssh://git@git.example.org:2222/org/fleet.git", "git@git.example.org:org/fleet", Alike::Yes),
            (
                "https://user:token@git.example.org/a/b/fleet",
                "https://git.example.org/A/b/fleet/",
                Alike::Yes,
            ),
            ("https://github.com/org/fleet", "https://github.com/me/fleet", Alike::Name),
            ("https://github.com/stefanprodan/podinfo", "https://github.com/org/fleet", Alike::No),
            ("", "https://github.com/org/fleet", Alike::No),
        ];
        for (url, remote, expected) in table {
            assert_eq!(alike(url, remote), Some(expected), "{url} {remote}");
        }
    }

    #[test]
    fn a_remote_on_this_machine_says_nothing() {
        for remote in ["/srv/git/fleet.git", "../fleet", "file:///srv/git/fleet.git"] {
            assert_eq!(alike("https://github.com/org/fleet", remote), None, "{remote}");
        }
    }

    #[test]
    fn a_source_is_written_as_flux_writes_it() {
        let source: SourceName =
            "GitRepository/flux-system/fleet".parse().unwrap_or_else(|()| unreachable!("three parts"));
        assert_eq!(source.to_string(), "GitRepository/flux-system/fleet");
        for wrong in ["", "fleet", "flux-system/fleet", "GitRepository//fleet", "a/b/c/d"] {
            assert_eq!(wrong.parse::<SourceName>(), Err(()), "{wrong}");
        }
    }
}
