//! The parsed files of a catalogue, each read once and only when asked for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use super::{
    Catalog, bundle::Bundle, compatibility::Compatibility, descriptor::Descriptor, flux_variables,
    instances::InstanceTable, profile::Profile,
};
use crate::{
    finding::Findings,
    plan::{Provider, recipe::Stage},
};

/// A catalogue with its parsed files. Shared by all threads of a run.
#[derive(Debug)]
pub struct Index {
    catalog: Catalog,
    profile_names: OnceLock<Vec<String>>,
    bundle_names: OnceLock<Vec<String>>,
    profiles: Cache<String, Profile>,
    compatibility: Cache<(), Compatibility>,
    descriptors: Cache<Provider, Descriptor>,
    instances: Cache<Provider, Option<InstanceTable>>,
    bundles: Cache<String, Bundle>,
    stages: Cache<(String, Provider, Stage), Option<StageFiles>>,
}

/// What the files of a bundle's stage say, for one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StageFiles {
    /// The provider's component, relative to the stage's folder.
    pub component: Option<String>,
    /// The Flux variables that the stage and its component use.
    pub variables: BTreeSet<String>,
    /// The digest of the bundle's folder.
    pub digest: String,
}

impl Index {
    /// An index over a catalogue.
    #[must_use]
    pub fn new(catalog: Catalog) -> Self {
        Self {
            catalog,
            profile_names: OnceLock::new(),
            bundle_names: OnceLock::new(),
            profiles: Cache::default(),
            compatibility: Cache::default(),
            descriptors: Cache::default(),
            instances: Cache::default(),
            bundles: Cache::default(),
            stages: Cache::default(),
        }
    }

    /// The files.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// The names of all profiles.
    #[must_use]
    pub fn profile_names(&self) -> &[String] {
        self.profile_names
            .get_or_init(|| self.catalog.profile_names().into_iter().map(str::to_owned).collect())
    }

    /// The names of all bundles.
    #[must_use]
    pub fn bundle_names(&self) -> &[String] {
        self.bundle_names.get_or_init(|| self.catalog.bundle_names().into_iter().map(str::to_owned).collect())
    }

    /// A profile.
    pub fn profile(&self, name: &str) -> Result<Arc<Profile>, Findings> {
        self.profiles.get(name.to_owned(), || self.catalog.profile(name))
    }

    /// The tables of versions that go together.
    pub fn compatibility(&self) -> Result<Arc<Compatibility>, Findings> {
        self.compatibility.get((), || self.catalog.compatibility())
    }

    /// A provider's description.
    pub fn descriptor(&self, provider: Provider) -> Result<Arc<Descriptor>, Findings> {
        self.descriptors.get(provider, || self.catalog.descriptor(provider))
    }

    /// A provider's machine types.
    pub fn instances(&self, provider: Provider) -> Result<Arc<Option<InstanceTable>>, Findings> {
        self.instances.get(provider, || self.catalog.instances(provider))
    }

    /// A bundle.
    pub fn bundle(&self, name: &str) -> Result<Arc<Bundle>, Findings> {
        self.bundles.get(name.to_owned(), || self.catalog.bundle(name))
    }

    /// What a stage of a bundle is for a provider; none when it has no such folder.
    pub fn stage(
        &self,
        bundle: &str,
        provider: Provider,
        stage: Stage,
    ) -> Result<Arc<Option<StageFiles>>, Findings> {
        self.stages.get((bundle.to_owned(), provider, stage), || {
            let folder = format!("recipes/{bundle}/{}", stage.as_str());
            let component = format!("recipes/{bundle}/providers/{provider}/{}", stage.as_str());
            if !self.catalog.has_folder(&folder) {
                return Ok(None);
            }
            let has_component = self.catalog.has_folder(&component);
            let variables = self
                .catalog
                .under(&folder)
                .chain(self.catalog.under(&component))
                .filter(|(path, _)| path.ends_with(".yaml"))
                .flat_map(|(_, source)| flux_variables::names(source.text()))
                .map(str::to_owned)
                .collect();
            Ok(Some(StageFiles {
                component: has_component.then(|| format!("../providers/{provider}/{}", stage.as_str())),
                variables,
                digest: self.catalog.digest(&format!("recipes/{bundle}")),
            }))
        })
    }
}

/// Values that are made once for each key. Failures are not kept: they end the run anyway.
#[derive(Debug)]
struct Cache<Key, Value> {
    made: Mutex<BTreeMap<Key, Arc<Value>>>,
}

impl<Key, Value> Default for Cache<Key, Value> {
    fn default() -> Self {
        Self { made: Mutex::new(BTreeMap::new()) }
    }
}

impl<Key: Ord, Value> Cache<Key, Value> {
    fn get(&self, key: Key, make: impl FnOnce() -> Result<Value, Findings>) -> Result<Arc<Value>, Findings> {
        // A thread that panicked elsewhere leaves the map whole: entries are only ever added.
        if let Some(value) = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(value.clone());
        }
        let value = Arc::new(make()?);
        self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value.clone());
        Ok(value)
    }
}
