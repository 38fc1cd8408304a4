//! CRDs for tests. They are the user's, so none lies in the repository.

use std::{collections::BTreeMap, fs, sync::OnceLock};

use infraflux::{
    admission::schema::{Crd, Schemas, documents},
    yaml::{self, Limits, Source, Sources, scalar::Schema},
};
use rayon::prelude::*;
use serde_json::Value;

/// All CRDs of a folder.
pub struct Crds {
    /// As checks use them.
    pub schemas: Schemas,
    /// As they were read, by name.
    pub raw: BTreeMap<String, Value>,
}

/// The CRDs of [`super::crds::folder`]; without them the caller's test is skipped aloud, or fails.
pub fn load() -> Option<&'static Crds> {
    static CRDS: OnceLock<Option<Crds>> = OnceLock::new();
    CRDS.get_or_init(read).as_ref()
}

fn read() -> Option<Crds> {
    let folder = super::crds::folder("a test of schemas")?;
    let mut files = Vec::new();
    let mut open = vec![folder];
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    files.sort();
    let texts: Vec<Value> = files
        .par_iter()
        .flat_map_iter(|path| {
            let mut sources = Sources::new();
            let id = sources.add(Source::new("crd", fs::read_to_string(path).unwrap()));
            let read = yaml::read(&sources, id, Schema::Cluster, Limits::STREAM).unwrap();
            read.into_iter().map(|document| document.root.to_value()).collect::<Vec<_>>()
        })
        .collect();
    let mut schemas = Schemas::new();
    let mut raw = BTreeMap::new();
    for text in &texts {
        for crd in documents(text) {
            schemas.add(Crd::read(crd).unwrap());
            raw.insert(crd["metadata"]["name"].as_str().unwrap().to_owned(), crd.clone());
        }
    }
    Some(Crds { schemas, raw })
}

impl Crds {
    /// Every served version with a schema: `apiVersion`, kind and schema.
    pub fn versions(&self) -> impl Iterator<Item = (String, &str, &Value)> {
        self.raw.values().flat_map(|crd| {
            let group = crd["spec"]["group"].as_str().unwrap();
            let kind = crd["spec"]["names"]["kind"].as_str().unwrap();
            crd["spec"]["versions"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|version| version["served"] == true)
                .map(move |version| {
                    let name = version["name"].as_str().unwrap();
                    (format!("{group}/{name}"), kind, &version["schema"]["openAPIV3Schema"])
                })
        })
    }

    /// The schema of an object, if its kind is known.
    pub fn schema(&self, api_version: &str, kind: &str) -> Option<&Value> {
        self.versions()
            .find(|(version, known, _)| version == api_version && *known == kind)
            .map(|(.., schema)| schema)
    }
}
