//! Which files stand for the source of a Kustomization that somebody wrote.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{
    artifact::{self, Nothing},
    expand::Given,
    files::Files as _,
    folder::normal,
    place::{Alike, Home, Local, SourceName, Why, alike},
    world::{KUSTOMIZE, SOURCE, is_own},
};
use crate::{admission::Object, yaml::Node};

/// Finds the folders of Kustomizations.
pub(super) struct Finder<'run> {
    given: &'run Given<'run>,
    /// Which checkout each source is taken for.
    taken: RefCell<HashMap<SourceName, Option<Taken>>>,
    /// Digests of the catalogue's bundles.
    digests: RefCell<HashMap<String, String>>,
    /// Artifacts that were put together, by what says how.
    artifacts: RefCell<HashMap<String, Arc<Local>>>,
}

/// A checkout that a source is taken for.
#[derive(Debug, Clone)]
struct Taken {
    local: Arc<Local>,
    /// Whether too few of its folders are there to be sure.
    is_guessed: bool,
}

/// The source of a Kustomization, as far as it says one.
pub(super) fn source_of(kustomization: &Object) -> Option<SourceName> {
    let text = |key: &str| kustomization.text(&format!("spec.sourceRef.{key}")).map(str::to_owned);
    Some(SourceName {
        kind: text("kind")?,
        namespace: text("namespace").or_else(|| kustomization.id.namespace.clone()).unwrap_or_default(),
        name: text("name")?,
    })
}

fn path_of(kustomization: &Object) -> String {
    normal("", kustomization.text("spec.path").unwrap_or_default())
}

impl<'run> Finder<'run> {
    pub(super) fn new(given: &'run Given<'run>) -> Self {
        Self { given, taken: RefCell::default(), digests: RefCell::default(), artifacts: RefCell::default() }
    }

    /// Where the folder of a Kustomization is. `file` is where it is written, `generators` what is delivered with it.
    pub(super) fn home(&self, object: &Object, file: &str, generators: &[Object]) -> Home<'run> {
        let Some(source) = source_of(object) else {
            return Home::Elsewhere { source: None, why: Why::Elsewhere };
        };
        let path = path_of(object);
        if let Some((_, named)) = self.named(&source) {
            return match named {
                Some(local) => {
                    Home::Local { local: Arc::clone(local), path, source, is_named: true, is_guessed: false }
                }
                None => Home::Elsewhere { source: Some(source), why: Why::Elsewhere },
            };
        }
        if source.kind == "ExternalArtifact"
            && let Some(generator) = self.generator(file, &source, generators)
        {
            return self.artifact(generator, source, path);
        }
        if let Some(Taken { local, is_guessed }) = self.checkout(&source) {
            return Home::Local { local, path, source, is_named: false, is_guessed };
        }
        if is_own(object)
            && let Some(home) = self.catalog(object, &path, &source)
        {
            return home;
        }
        let why = if self.given.places.is_closed { Why::Closed } else { Why::Elsewhere };
        Home::Elsewhere { source: Some(source), why }
    }

    /// The source that somebody named for it. Who says no namespace means any.
    fn named(&self, source: &SourceName) -> Option<&'run (SourceName, Option<Arc<Local>>)> {
        self.given.places.named.iter().find(|(named, _)| {
            named.kind == source.kind
                && named.name == source.name
                && (named.namespace == source.namespace || source.namespace.is_empty())
        })
    }

    fn local(&self, source: &SourceName) -> Option<Arc<Local>> {
        match self.named(source) {
            Some((_, named)) => named.clone(),
            None => self.checkout(source).map(|taken| taken.local),
        }
    }

    /// The generator of an artifact: one that is delivered with the Kustomization, or one of those given, the nearest first.
    fn generator<'tree>(
        &self,
        own: &str,
        artifact: &SourceName,
        delivered: &'tree [Object],
    ) -> Option<&'tree Object>
    where
        'run: 'tree,
    {
        if let Some(found) = delivered.iter().find(|generator| artifact::makes(generator, artifact)) {
            return Some(found);
        }
        let closeness = |(_, node): &(&Object, &Node)| {
            let location = self.given.sources.locate(node.place);
            let other = location.as_ref().map_or("", |location| location.file());
            own.split('/').zip(other.split('/')).take_while(|(one, other)| one == other).count()
        };
        let given = self.given.objects.iter().zip(self.given.nodes);
        let makers = given.filter(|(generator, _)| artifact::makes(generator, artifact));
        makers.max_by_key(closeness).map(|(generator, _)| generator)
    }

    fn artifact(&self, generator: &Object, source: SourceName, path: String) -> Home<'run> {
        let key =
            format!("{} {} {}", generator.id, source.name, generator.at("spec").unwrap_or(&Value::Null));
        let known = self.artifacts.borrow().get(&key).cloned();
        let local = match known {
            Some(local) => local,
            None => match artifact::files(generator, &source, &|source| self.local(source)) {
                Ok(files) => {
                    let shown = format!("{} {}/{}", source.kind, source.namespace, source.name);
                    let local = Arc::new(Local::new(shown, Arc::new(files)));
                    self.artifacts.borrow_mut().insert(key, Arc::clone(&local));
                    local
                }
                Err(Nothing::Unknown) => {
                    return Home::Elsewhere { source: Some(source), why: Why::Artifact };
                }
                Err(Nothing::Source(from)) => {
                    let why = if self.given.places.is_closed { Why::Closed } else { Why::Elsewhere };
                    return Home::Elsewhere { source: Some(from), why };
                }
            },
        };
        Home::Local { local, path, source, is_named: true, is_guessed: false }
    }

    /// The checkout that a source is taken for.
    fn checkout(&self, source: &SourceName) -> Option<Taken> {
        if self.given.places.checkouts.is_empty() {
            return None;
        }
        if let Some(known) = self.taken.borrow().get(source) {
            return known.clone();
        }
        let found = self.guess(source);
        self.taken.borrow_mut().insert(source.clone(), found.clone());
        found
    }

    /// A source is taken for a checkout when Kustomizations read folders of it that are there, or when it has the URL of a
    /// remote, and nothing says that it is another repository. Only Git is checked out; by convention the source of
    /// everything, which may be an artifact of the same files, is called `flux-system`.
    fn guess(&self, source: &SourceName) -> Option<Taken> {
        if source.kind != "GitRepository" && source.name != "flux-system" {
            return None;
        }
        let mine = |other: &SourceName| {
            other.kind == source.kind
                && other.name == source.name
                && (other.namespace == source.namespace
                    || other.namespace.is_empty()
                    || source.namespace.is_empty())
        };
        let named = |object: &&Object| {
            let home = object.id.namespace.clone().unwrap_or_default();
            mine(&SourceName { kind: object.id.kind.clone(), namespace: home, name: object.id.name.clone() })
        };
        let urls: Vec<&str> = self
            .given
            .objects
            .of(SOURCE, "GitRepository")
            .filter(named)
            .filter_map(|object| object.text("spec.url"))
            .collect();
        let paths = self.paths(&mine);
        self.given.places.checkouts.iter().find_map(|checkout| {
            let best = |url: &str| checkout.remotes.iter().filter_map(|remote| alike(url, remote)).max();
            // A checkout without remotes, or a source that is not given, says nothing.
            let likeness = urls.iter().filter_map(|url| best(url)).max();
            if likeness == Some(Alike::No) {
                return None;
            }
            let files = checkout.local.tree.files();
            let there = |paths: &[String]| paths.iter().filter(|path| files.has_folder(path)).count();
            let is_alone = || {
                // Of two sources of one repository, one is another branch.
                let others = self.sources().filter(|other| !mine(other));
                !others.into_iter().any(|other| there(&self.paths(&|source| *source == other)) > 0)
            };
            let count = there(&paths);
            (count > 0 || (likeness == Some(Alike::Yes) && is_alone())).then(|| Taken {
                local: Arc::clone(&checkout.local),
                is_guessed: count * 2 <= paths.len() && !paths.is_empty(),
            })
        })
    }

    /// The Git sources of the given Kustomizations.
    fn sources(&self) -> impl Iterator<Item = SourceName> {
        let all: std::collections::BTreeSet<SourceName> =
            self.given.objects.of(KUSTOMIZE, "Kustomization").filter_map(source_of).collect();
        all.into_iter().filter(|source| source.kind == "GitRepository")
    }

    /// The folders of a source that are read. Its root is none of them: every repository has one.
    fn paths(&self, is_it: &dyn Fn(&SourceName) -> bool) -> Vec<String> {
        let mut paths: Vec<String> = self
            .given
            .objects
            .of(KUSTOMIZE, "Kustomization")
            .filter(|object| source_of(object).is_some_and(|source| is_it(&source)))
            .map(path_of)
            .collect();
        // What an ArtifactGenerator copies is read as well.
        for generator in self.given.objects.of(artifact::GROUP, "ArtifactGenerator") {
            paths.extend(artifact::read_from(generator, is_it));
        }
        paths.sort();
        paths.dedup();
        paths.retain(|path| !path.is_empty());
        paths
    }

    /// A folder of InfraFlux's own catalogue, at whatever place of a repository the catalogue lies.
    fn catalog(&self, object: &Object, path: &str, source: &SourceName) -> Option<Home<'run>> {
        let folders = self.given.catalog;
        let catalog = folders.catalog();
        let ends = std::iter::once(path).chain(path.match_indices('/').map(|(start, _)| &path[start + 1..]));
        let path = ends.filter(|end| !end.is_empty()).find(|end| catalog.has_folder(end))?;
        let digest = object.at("metadata.annotations").and_then(|all| all.get(DIGEST)?.as_str());
        let bundle = path.strip_prefix("recipes/").and_then(|rest| rest.split('/').next());
        if let (Some(digest), Some(bundle)) = (digest, bundle)
            && *self
                .digests
                .borrow_mut()
                .entry(bundle.to_owned())
                .or_insert_with(|| catalog.digest(&format!("recipes/{bundle}")))
                != digest
        {
            return Some(Home::Elsewhere { source: Some(source.clone()), why: Why::OtherCatalog });
        }
        Some(Home::Catalog { folders, path: path.to_owned() })
    }
}

/// The annotation by which a rendered Kustomization says which content of its bundle it was rendered for.
const DIGEST: &str = "infraflux.io/catalog-digest";
