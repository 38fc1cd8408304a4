//! Plans rendered with the catalogue of the working tree, so that a changed template needs no build.

use std::{
    fs,
    path::{Path, PathBuf},
};

use infraflux::{
    admission::{
        Object, Objects,
        rules::{External, Externals},
    },
    catalog::Catalog,
    engine::{Engine, Options},
    finding::{Findings, Severity},
    plan::{Provider, read::Request, resolve::resolve},
    render::{Library, RenderedCluster, secrets},
    yaml::Source,
};
use serde_json::Value;

/// The repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The catalogue as it lies in the working tree.
pub fn catalog() -> Catalog {
    let mut files = Vec::new();
    for folder in ["clusters", "management", "recipes"] {
        collect(&root().join(folder), &mut files);
    }
    Catalog::embedded().overlay(files.into_iter().map(|path| {
        let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(&path).expect("a text file");
        (name.clone(), Source::new(name, text))
    }))
}

fn collect(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, out);
        } else if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            out.push(path);
        }
    }
}

/// An engine over the catalogue of the working tree.
pub fn engine() -> Engine {
    engine_over(catalog())
}

/// An engine over a catalogue.
pub fn engine_over(catalog: Catalog) -> Engine {
    Engine::new(Library::new(catalog), Options::default())
}

/// What became of a plan.
pub struct Rendered {
    /// The cluster; `None` when there was an error.
    pub cluster: Option<RenderedCluster>,
    /// Its objects in the order of their files, with those files' paths.
    pub objects: Vec<(String, Value)>,
    /// Everything that was found.
    pub findings: Findings,
}

/// Renders the one plan in a text, with a profile above what it says itself.
pub fn render(engine: &Engine, name: &str, text: &str, profile: Option<&str>) -> Rendered {
    let mut request = Request::default();
    let mut findings = Findings::new();
    if let Err(errors) = request.add_plans(Source::new(name, text)) {
        findings.extend(errors);
    }
    if let Some(profile) = profile
        && let Err(errors) = request.add_flags(&[("profile".to_owned(), profile.to_owned())])
    {
        findings.extend(errors);
    }
    if findings.has_errors() {
        return Rendered { cluster: None, objects: Vec::new(), findings };
    }
    let outcome = engine.run(request);
    let mut clusters = outcome.clusters;
    assert!(clusters.len() <= 1, "{name} holds more than one cluster");
    let cluster = clusters.pop();
    let objects = cluster.iter().flat_map(RenderedCluster::documents).map(|(path, document)| {
        (path.to_owned(), cluster.as_ref().expect("there is one").value(document).clone())
    });
    let objects = objects.collect();
    Rendered { cluster, objects, findings: outcome.findings }
}

/// The same without the checks: what stands in the objects, even if the checks would refuse them.
pub fn render_unchecked(catalog: Catalog, name: &str, text: &str, profile: Option<&str>) -> Rendered {
    let library = Library::new(catalog);
    let mut request = Request::default();
    let outcome = (|| {
        request.add_plans(Source::new(name, text))?;
        if let Some(profile) = profile {
            request.add_flags(&[("profile".to_owned(), profile.to_owned())])?;
        }
        let plan = std::mem::take(&mut request).merge(library.index())?.0.remove(0);
        let (cluster, _) = resolve(&plan, library.index())?;
        infraflux::render::render(cluster, &library)
    })();
    match outcome {
        Ok(cluster) => {
            let objects = cluster.documents();
            let objects =
                objects.map(|(path, document)| (path.to_owned(), cluster.value(document).clone())).collect();
            Rendered { cluster: Some(cluster), objects, findings: Findings::new() }
        }
        Err(findings) => Rendered { cluster: None, objects: Vec::new(), findings },
    }
}

impl Rendered {
    /// The findings of a severity, as `IF0123 message (field)`.
    pub fn told(&self, severity: Severity) -> Vec<String> {
        self.findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .map(|finding| {
                let field = finding.field.as_ref().map(|field| format!(" ({field})")).unwrap_or_default();
                format!("{} {}{field}", finding.code.id, finding.message)
            })
            .collect()
    }

    /// The objects as the checks take them.
    pub fn checked(&self) -> Objects {
        self.objects.iter().map(|(_, value)| Object::new(value.clone())).collect()
    }

    /// What exists besides: what a hub has, and the Secrets that a person is told to provide.
    pub fn externals(&self) -> Externals {
        let mut externals = Externals::of_a_hub();
        let needs = self.cluster.iter().flat_map(|cluster| secrets::needs(&cluster.cluster));
        externals.extend(
            needs
                .filter(|need| need.cluster == "hub")
                .map(|need| External::object("", "Secret", Some(&need.namespace), &need.name)),
        );
        externals
    }

    /// The Talos patches of every machine set: the name of the object that holds them, and the texts.
    pub fn patches(&self) -> Vec<(String, Vec<String>)> {
        self.objects
            .iter()
            .filter_map(|(_, object)| {
                let patches = match object["kind"].as_str()? {
                    "TalosControlPlane" => {
                        object.pointer("/spec/controlPlaneConfig/controlplane/strategicPatches")
                    }
                    "TalosConfigTemplate" => object.pointer("/spec/template/spec/strategicPatches"),
                    _ => None,
                }?;
                let texts = patches.as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                Some((object["metadata"]["name"].as_str()?.to_owned(), texts))
            })
            .collect()
    }
}

/// A YAML file of `tests/fixtures/providers/<provider>/`.
pub struct Case {
    /// The file's name without `.yaml`.
    pub name: String,
    /// Its path below the repository.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// The cases of a provider, sorted.
pub fn cases(provider: Provider) -> Vec<Case> {
    let folder = format!("tests/fixtures/providers/{provider}");
    let Ok(entries) = fs::read_dir(root().join(&folder)) else { return Vec::new() };
    let mut cases: Vec<Case> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned))
        .map(|name| {
            let path = format!("{folder}/{name}.yaml");
            let text = fs::read_to_string(root().join(&path)).expect("a plan");
            Case { name, path, text }
        })
        .collect();
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    cases
}
