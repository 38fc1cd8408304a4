//! `out/management/`: settings and a catalogue to files.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    runbook::Runbook,
    secrets,
    settings::Settings,
    values::{self, Values},
};
use crate::{
    catalog::{Catalog, Index, profile::Profile},
    finding::{Finding, Findings, ObjectRef, codes, suggest},
    plan::Provider,
    render::variables::upper_snake,
    template::{Condition, Scope as _, Value},
    yaml::scalar,
};

/// Folders of `management/` that are read as they are: by Flux from Git, or by other parts of the program.
const NOT_FILLED: [&str; 3] = ["flux", "profiles", "runbooks"];

/// Folders whose files are for a person's hands, so that no kustomization lists them.
const BY_HAND: [&str; 2] = ["controllers", "talos"];

/// The folder that `kubectl apply -k` applies; its objects bring all others.
const SYNC: &str = "sync";

const VARIABLES: &str = "management/hub-variables.yaml";

/// The files of a hub.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderedHub {
    /// Path below `out/management/` and text, sorted by path.
    pub files: Vec<(String, String)>,
    /// Warnings and remarks.
    pub findings: Findings,
}

/// Where a hub's files are written, for the paths and commands in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The output folder as it was named.
    pub out: String,
    /// The catalogue folder, if one was named.
    pub catalog: Option<String>,
}

/// A variable of the templates (`management/hub-variables.yaml`).
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value when nobody gives one.
    pub default: Option<serde_json::Value>,
    /// Whether the default is an example that has to be replaced.
    #[serde(default)]
    pub example: bool,
    /// The features with which it matters.
    pub when: Option<String>,
    /// What it is.
    pub description: String,
    /// The flag of `infraflux init` that sets it, if it has one of its own.
    pub flag: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "the envelope is read strictly and is for people otherwise")]
struct VariablesFile {
    api_version: String,
    kind: String,
    metadata: crate::catalog::bundle::BundleMetadata,
    spec: VariablesSpec,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariablesSpec {
    variables: Vec<Variable>,
}

/// The variables that a catalogue's templates of the hub know.
pub fn variables(catalog: &Catalog) -> Result<Vec<Variable>, Findings> {
    let file: VariablesFile = catalog.read(VARIABLES, &codes::CATALOG_FILE)?;
    Ok(file.spec.variables)
}

/// Renders a hub.
pub fn render(settings: &Settings, index: &Index, place: &Place) -> Result<RenderedHub, Findings> {
    settings.check()?;
    Settings { out_path: Some(out_path(settings, place)), ..Settings::default() }.check()?;
    let catalog = index.catalog();
    let profile = profile(settings, index)?;
    let providers = providers(settings)?;
    let mut findings = Findings::new();
    let mut values = base_values(settings, &profile, &providers, place);
    add_variables(settings, &variables(catalog)?, &mut values, &mut findings)?;
    let secrets = secrets::read(catalog, &values)?;
    values.text("PROVIDER_SECRET_COMMANDS", secrets::commands(&secrets));
    if profile.spec.experimental {
        let name = &profile.metadata.name;
        findings.push(
            Finding::info(
                &codes::INIT_EXPERIMENTAL,
                format!("the profile `{name}` is experimental: {}", profile.spec.description),
            )
            .hint(format!("`infraflux versions {name}` says where each version comes from")),
        );
    }
    let mut files = folders(catalog, &values)?;
    files.insert("clusterctl.yaml".to_owned(), fill(catalog, "management/clusterctl.yaml", &values)?.0);
    files.insert("sops.yaml".to_owned(), verbatim(catalog, "management/sops-rules.yaml")?);
    files.insert("SECRETS.md".to_owned(), secrets::document(&secrets));
    files.insert("BOOTSTRAP.md".to_owned(), Runbook::read(catalog, "bootstrap", &values)?.markdown());
    Ok(RenderedHub { files: files.into_iter().collect(), findings })
}

fn profile(settings: &Settings, index: &Index) -> Result<std::sync::Arc<Profile>, Findings> {
    let name = settings.profile.as_deref().unwrap_or("stable");
    let names: Vec<&str> = index.profile_names().iter().map(String::as_str).collect();
    if names.contains(&name) {
        return index.profile(name);
    }
    let finding = Finding::error(&codes::INIT_SETTING, format!("there is no profile `{name}`"));
    Err(match suggest::hint(name, names) {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
    .into())
}

/// The providers, each once, in their usual order.
fn providers(settings: &Settings) -> Result<Vec<Provider>, Findings> {
    let Some(asked) = &settings.providers else {
        return Err(Finding::error(&codes::INIT_SETTING, "which providers shall the hub have?")
            .hint(
                "name them, for instance `infraflux init --providers aws,proxmox`: each one needs credentials, so there is \
                 no default",
            )
            .into());
    };
    Ok(Provider::ALL.into_iter().filter(|provider| asked.contains(provider)).collect())
}

fn base_values(settings: &Settings, profile: &Profile, providers: &[Provider], place: &Place) -> Values {
    let mut values = Values::default();
    let out_path = out_path(settings, place);
    values.text("OUT_ROOT", out_path.split('/').next().unwrap_or(&out_path));
    values.text("REPO_BRANCH", settings.branch.as_deref().unwrap_or("main"));
    if let Some(secret) = &settings.repo_secret {
        values.text("REPO_SECRET", secret.as_str());
    }
    values.text("PROFILE", profile.metadata.name.as_str());
    values.text("INIT_COMMAND", settings.command(place.catalog.as_deref(), &place.out));
    add_profile(profile, &mut values);
    let names: Vec<&str> = providers.iter().map(|provider| provider.as_str()).collect();
    values.text("PROVIDERS", names.join(", "));
    values.text("FIRST_PROVIDER", names.first().copied().unwrap_or_default());
    values.text("FIRST_CLUSTER", "lab");
    values.text("CLUSTERCTL_COMMAND", clusterctl_command(&values, providers, &out_path));
    values.text("OUT_PATH", out_path);
    for name in names {
        values.turn_on(format!("provider.{name}"));
    }
    // Google's and Proxmox's providers read their credentials from Secrets alone.
    if providers.iter().any(|provider| matches!(provider, Provider::Aws | Provider::Azure)) {
        values.turn_on("identities");
    }
    // The example that stands there otherwise is `https`.
    if settings.repo_url.as_deref().is_some_and(|url| url.starts_with("ssh://")) {
        values.turn_on("ssh");
    }
    let shards = settings.shards.unwrap_or_default();
    if shards > 0 {
        values.turn_on("sharding");
        let names: Vec<String> = (1..=shards).map(|number| format!("shard{number}")).collect();
        values.set("SHARDS", Value::Data(std::sync::Arc::new(serde_json::json!(names))));
    }
    for (feature, on) in [
        ("multitenant", settings.multitenant.unwrap_or(false)),
        ("crossplane", settings.crossplane.unwrap_or(false)),
        ("cert-manager", settings.cert_manager.unwrap_or(true)),
    ] {
        if on {
            values.turn_on(feature);
        }
    }
    values
}

/// The versions and addresses of a profile.
fn add_profile(profile: &Profile, values: &mut Values) {
    values.turn_on(format!("profile.{}", profile.metadata.name));
    for (key, component) in &profile.spec.components {
        let name = upper_snake(key);
        if let Some(url) = &component.url {
            values.text(&format!("URL_{name}"), url.trim_end_matches('/'));
        }
        values.text(&format!("VERSION_{name}"), component.version.as_str());
    }
    for (key, version) in &profile.spec.api_versions {
        values.text(&format!("{}_API_VERSION", upper_snake(key)), version.as_str());
    }
    let number = |text: String| text.trim_start_matches('v').to_owned();
    values.text("OPERATOR_CHART_VERSION", number(values.get("VERSION_OPERATOR")));
    values.text("FLUX_VERSION_NUMBER", number(values.get("VERSION_FLUX")));
    let newest = |releases: &crate::catalog::profile::Releases| {
        releases.newest.get(&releases.default).map(|newest| newest.version.clone()).unwrap_or_default()
    };
    let talos = newest(&profile.spec.talos);
    values.text("TALOS_VERSION", talos.as_str());
    values.text("TALOS_MINOR", format!("v{}", profile.spec.talos.default));
    values.text("K8S_NUMBER", number(newest(&profile.spec.kubernetes)));
    let minor = profile.spec.talos.default.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    values.turn_on(if minor.is_some_and(|minor| minor >= 14) { "talos-1.14" } else { "talos-before-1.14" });
}

fn clusterctl_command(values: &Values, providers: &[Provider], out_path: &str) -> String {
    let version = |key: &str| values.get(&format!("VERSION_{key}"));
    let infrastructure: Vec<String> = providers
        .iter()
        .map(|provider| format!("{provider}:{}", version(&upper_snake(provider.as_str()))))
        .collect();
    let mut command = format!(
        "clusterctl init --config {out_path}/management/clusterctl.yaml --core cluster-api:{} --bootstrap talos:{} \
         --control-plane talos:{} --infrastructure {}",
        version("CLUSTER_API"),
        version("BOOTSTRAP_TALOS"),
        version("CONTROL_PLANE_TALOS"),
        infrastructure.join(",")
    );
    if providers.contains(&Provider::Proxmox) {
        command.push_str(" --ipam in-cluster:");
        command.push_str(&version("IPAM_IN_CLUSTER"));
    }
    command
}

/// The output folder as a path in the repository; only a relative path says where that is.
fn out_path(settings: &Settings, place: &Place) -> String {
    if let Some(path) = &settings.out_path {
        return path.clone();
    }
    let plain = place.out.trim_start_matches("./").trim_end_matches('/');
    match crate::output::RelativePath::new(plain) {
        Ok(path) => path.as_str().to_owned(),
        Err(_) => "out".to_owned(),
    }
}

/// Defaults, given values, and a warning for each example that is still in force.
fn add_variables(
    settings: &Settings,
    known: &[Variable],
    values: &mut Values,
    findings: &mut Findings,
) -> Result<(), Findings> {
    let mut errors = Findings::new();
    for name in settings.variables.keys() {
        if known.iter().any(|variable| variable.name == *name && variable.flag.is_none()) {
            continue;
        }
        let finding = Finding::error(&codes::INIT_SETTING, format!("there is no variable `{name}`"));
        let flag = known
            .iter()
            .find(|variable| variable.name == *name)
            .and_then(|variable| variable.flag.as_deref());
        let names =
            known.iter().filter(|variable| variable.flag.is_none()).map(|variable| variable.name.as_str());
        errors.push(match (flag, suggest::hint(name, names)) {
            (Some(flag), _) => finding.hint(format!("`{flag}` sets it")),
            (None, Some(hint)) => finding.hint(hint),
            (None, None) => finding,
        });
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    for variable in known {
        let given = match variable.name.as_str() {
            "REPO_URL" => settings.repo_url.clone().map(serde_json::Value::String),
            name => settings.variables.get(name).cloned(),
        };
        let how = match &variable.flag {
            Some(flag) => format!("{flag} VALUE"),
            None => format!("--set {}=VALUE", variable.name),
        };
        let remedy = format!("pass `{how}` to `infraflux init`");
        values.remedy_for(variable.name.as_str(), remedy.as_str());
        let matters = variable
            .when
            .as_deref()
            .and_then(Condition::parse)
            .is_none_or(|when| when.holds(|name| values.feature(name)));
        if given.is_none() && variable.example && matters {
            findings.push(
                Finding::warning(
                    &codes::INIT_EXAMPLE,
                    format!("{} is an example that cannot work: {}", variable.name, variable.description),
                )
                .hint(remedy),
            );
        }
        if let Some(value) = given.or_else(|| variable.default.clone()).and_then(Value::from_json) {
            values.set(variable.name.as_str(), value);
        }
    }
    Ok(())
}

/// Every folder of templates, with the kustomizations that list what came out.
fn folders(catalog: &Catalog, values: &Values) -> Result<BTreeMap<String, String>, Findings> {
    let mut files = BTreeMap::new();
    let mut seen: BTreeMap<ObjectRef, String> = BTreeMap::new();
    let mut findings = Findings::new();
    for folder in catalog.folders_in("management") {
        if NOT_FILLED.contains(&folder) {
            continue;
        }
        let mut names = Vec::new();
        for (path, _) in catalog.under(&format!("management/{folder}")) {
            if !path.ends_with(".yaml") {
                continue;
            }
            let (text, objects) = match fill(catalog, path, values) {
                Ok(filled) => filled,
                Err(errors) => {
                    findings.extend(errors);
                    continue;
                }
            };
            if objects.is_empty() {
                continue;
            }
            if !BY_HAND.contains(&folder) {
                for object in objects {
                    if let Some(first) = seen.insert(object.clone(), path.to_owned()) {
                        findings.push(
                            Finding::error(
                                &codes::TEMPLATE_DUPLICATE_OBJECT,
                                format!("`{first}` and `{path}` render the same object, {object}"),
                            )
                            .object(object)
                            .hint("give one of them another name, or remove one template"),
                        );
                    }
                }
                names.push(
                    path.trim_start_matches("management/")
                        .trim_start_matches(folder)
                        .trim_start_matches('/')
                        .to_owned(),
                );
            }
            files.insert(path.trim_start_matches("management/").to_owned(), text);
        }
        if names.is_empty() {
            continue;
        }
        if folder == SYNC {
            let names: Vec<String> = names.iter().map(|name| format!("{SYNC}/{name}")).collect();
            files.insert("kustomization.yaml".to_owned(), kustomization(ROOT_COMMENT, &names));
        } else {
            files.insert(format!("{folder}/kustomization.yaml"), kustomization("", &names));
        }
    }
    if findings.is_empty() { Ok(files) } else { Err(findings) }
}

const ROOT_COMMENT: &str = "\
# What `kubectl apply -k` applies once, after Flux is there: the source and the Kustomizations that bring everything else, each
# folder of this one in its turn. BOOTSTRAP.md has the steps before and after.
";

fn kustomization(comment: &str, names: &[String]) -> String {
    let mut out =
        format!("{comment}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n");
    for name in names {
        out.push_str("  - ");
        scalar::write_string(name, &mut out);
        out.push('\n');
    }
    out
}

/// Fills a template file: its text and the identities of its documents. Documents that do not apply are left out.
fn fill(catalog: &Catalog, path: &str, values: &Values) -> Result<(String, Vec<ObjectRef>), Findings> {
    let template = values::template(catalog, path)?;
    let mut text = String::new();
    let mut objects = Vec::new();
    for document in template.documents().iter().filter(|document| document.applies(values)) {
        if !text.is_empty() {
            text.push_str("---\n");
        }
        let filled = document.fill(values)?;
        // A second, independent reader has to see the same.
        let again: Result<serde_json::Value, _> = serde_yaml::from_str(&filled.text);
        if !again.is_ok_and(|value| value == filled.value) {
            return Err(Finding::error(
                &codes::RENDERED_TEXT,
                format!("`{path}`: the rendered text does not read back"),
            )
            .hint("this is a bug in InfraFlux; please report it with the template")
            .into());
        }
        objects.push(ObjectRef::of(&filled.value));
        text.push_str(&filled.text);
    }
    Ok((text, objects))
}

fn verbatim(catalog: &Catalog, path: &str) -> Result<String, Findings> {
    match catalog.get(path) {
        Some(source) => Ok(source.text().to_owned()),
        None => Err(Finding::error(&codes::CATALOG_FILE, format!("the catalogue has no file `{path}`"))
            .hint("`infraflux eject` writes the original")
            .into()),
    }
}
