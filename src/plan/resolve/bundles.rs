//! Which bundles, in which order, with which variables.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

use serde_json::Value;

use super::{Resolver, field};
use crate::{
    catalog::bundle::{Bundle, BundleVariable, VariableType},
    finding::{Finding, codes, suggest},
    plan::{
        cluster_plan::{ClusterPlanSpec, Provider},
        recipe::{Recipe, Stage},
        resolved::{ResolvedBundle, ResolvedStage},
    },
    yaml::pointer::FieldPath,
};

/// The variables that every shared folder may use beside its own; [`Resolver::common_variables`] gives their values.
pub const COMMON_VARIABLES: [&str; 14] = [
    "quote",
    "cluster_namespace",
    "cluster_name",
    "cluster_provider",
    "cluster_region",
    "kubernetes_minor",
    "control_plane_replicas",
    "worker_replicas",
    "pod_cidr",
    "service_cidr",
    "gateway_class",
    "cluster_azure_subscription_id",
    "cluster_azure_resource_group",
    "cluster_gcp_project",
];

/// The values that the plan gives to variables of bundles, by name, and where it gives them. A name has one value in a
/// cluster: a zone that Grafana's route uses and external-dns does not know would be a name that nobody resolves.
type GivenValues = BTreeMap<String, (Value, FieldPath)>;

/// A bundle on its way into the order.
struct Chosen {
    recipe: Recipe,
    bundle: Arc<Bundle>,
    field: Option<FieldPath>,
}

impl Resolver<'_> {
    pub(super) fn bundles(
        &mut self,
        spec: &ClusterPlanSpec,
        provider: Provider,
        kubernetes: Option<&semver::Version>,
    ) -> Option<Vec<ResolvedBundle>> {
        let path = field("spec.recipes");
        let recipes = spec.recipes.clone().unwrap_or_default();
        let mut wanted: Vec<(Recipe, Option<FieldPath>)> = Vec::new();
        for (position, recipe) in recipes.into_iter().enumerate() {
            let path = path.index(position);
            if wanted.iter().any(|(other, _)| other.name == recipe.name) {
                self.error(
                    &codes::PLAN_VALUE,
                    &path,
                    format!("the recipe `{}` is given twice", recipe.name),
                    "name each recipe once",
                );
                continue;
            }
            wanted.push((recipe, Some(path)));
        }
        // `base` carries what the others stand on.
        if !wanted.is_empty() && !wanted.iter().any(|(recipe, _)| recipe.name == "base") {
            wanted.insert(0, (Recipe { name: "base".to_owned(), ..Recipe::default() }, None));
        }
        let mut chosen: Vec<Chosen> = Vec::new();
        for (recipe, path) in wanted {
            self.choose(recipe, path, provider, &mut chosen, 0)?;
        }
        let names: Vec<String> = chosen.iter().map(|entry| entry.recipe.name.clone()).collect();
        let common = self.common_variables(spec, provider, kubernetes);
        let given = self.given_values(&chosen);
        let mut out = Vec::new();
        for entry in chosen {
            out.push(self.resolve_bundle(entry, &names, provider, &given, &common)?);
        }
        Some(out)
    }

    /// What the plan gives to any bundle; two values for one name are a contradiction.
    fn given_values(&mut self, chosen: &[Chosen]) -> GivenValues {
        let mut given = GivenValues::new();
        for entry in chosen {
            let Some(path) = &entry.field else { continue };
            for (name, value) in &entry.recipe.variables {
                let here = path.key("variables").key(name.clone());
                match given.entry(name.clone()) {
                    Entry::Vacant(free) => {
                        free.insert((value.clone(), here));
                    }
                    Entry::Occupied(taken) if taken.get().0 != *value => {
                        let (first, there) = taken.get();
                        let (shown, first) = (plain(value), plain(first));
                        let finding = Finding::error(
                            &codes::BUNDLE_VALUES_DIFFER,
                            format!(
                                "the variable `{name}` is `{shown}` here and `{first}` in another recipe"
                            ),
                        )
                        .field(here.clone())
                        .at(self.plan.origins.location(&here))
                        .related("the other value", self.plan.origins.location(there))
                        .hint("give it once, best to `base`: every bundle that declares it takes that value");
                        self.findings.push(finding);
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
        given
    }

    /// Adds a bundle behind the bundles that it depends on.
    fn choose(
        &mut self,
        recipe: Recipe,
        path: Option<FieldPath>,
        provider: Provider,
        chosen: &mut Vec<Chosen>,
        depth: usize,
    ) -> Option<()> {
        if let Some(position) = chosen.iter().position(|entry| entry.recipe.name == recipe.name) {
            // It came as a dependency before its own entry was read: what the plan says of it counts.
            if path.is_some() {
                chosen[position].recipe = recipe;
                chosen[position].field = path;
            }
            return Some(());
        }
        let place = path.clone().unwrap_or_else(|| field("spec.recipes"));
        let names = self.index.bundle_names();
        if !names.contains(&recipe.name) {
            let hint = suggest::hint(&recipe.name, names.iter().map(String::as_str)).unwrap_or_default();
            self.error(
                &codes::PLAN_UNKNOWN_NAME,
                &place,
                format!("there is no recipe `{}`", recipe.name),
                hint,
            );
            return None;
        }
        let bundle = self.index.bundle(&recipe.name);
        let bundle = self.take(bundle)?;
        if bundle.spec.providers.as_ref().is_some_and(|providers| !providers.contains(&provider)) {
            self.error(
                &codes::PLAN_NOT_OFFERED,
                &place,
                format!("the recipe `{}` does not fit `{provider}`", recipe.name),
                "its `bundle.yaml` lists the providers that it fits",
            );
        }
        if depth > names.len() {
            self.error(
                &codes::CATALOG_FILE,
                &place,
                format!("the recipe `{}` depends on itself", recipe.name),
                "look at `dependsOn` in the `bundle.yaml` files",
            );
            return None;
        }
        for name in &bundle.spec.depends_on {
            let dependency = Recipe { name: name.clone(), ..Recipe::default() };
            self.choose(dependency, None, provider, chosen, depth + 1)?;
        }
        chosen.push(Chosen { recipe, bundle, field: path });
        Some(())
    }

    fn resolve_bundle(
        &mut self,
        entry: Chosen,
        names: &[String],
        provider: Provider,
        given: &GivenValues,
        common: &BTreeMap<String, String>,
    ) -> Option<ResolvedBundle> {
        let Chosen { recipe, bundle, field: path } = entry;
        let place = path.clone().unwrap_or_else(|| field("spec.recipes"));
        let values = self.bundle_variables(&recipe, &bundle, &place, provider, given, common);
        let placeholders = bundle
            .spec
            .variables
            .iter()
            .filter(|variable| variable.placeholder && !given.contains_key(&variable.name))
            .filter_map(|variable| Some((variable.name.clone(), values.get(&variable.name)?.clone())))
            .collect();
        let mut stages = Vec::new();
        for stage in Stage::ALL {
            let files = self.index.stage(&recipe.name, provider, stage);
            let files = self.take(files)?;
            let Some(files) = &*files else { continue };
            let mut substitute = BTreeMap::new();
            for name in &files.variables {
                let Some(value) = values.get(name).or_else(|| common.get(name)) else {
                    let here =
                        |variable: &BundleVariable| variable.name == *name && variable.is_for(provider);
                    if bundle.spec.variables.iter().any(here) {
                        // It is declared, and its value was refused already.
                        continue;
                    }
                    self.error(
                        &codes::BUNDLE_VARIABLE,
                        &place,
                        format!(
                            "the files of recipe `{}` use the variable `{name}`, which its `bundle.yaml` does not declare for `{provider}`",
                            recipe.name
                        ),
                        "declare it under `spec.variables` of the bundle; Flux 2.9 refuses a variable without a value",
                    );
                    continue;
                };
                substitute.insert(name.clone(), value.clone());
            }
            let patches = recipe
                .patches
                .iter()
                .filter(|patch| patch.stage.unwrap_or(Stage::Releases) == stage)
                .cloned()
                .collect();
            let default_timeout = if stage == Stage::Releases { "20m" } else { "5m" };
            stages.push(ResolvedStage {
                stage,
                component: files.component.clone(),
                substitute,
                patches,
                timeout: bundle
                    .spec
                    .timeouts
                    .get(&stage)
                    .cloned()
                    .unwrap_or_else(|| default_timeout.to_owned()),
                digest: files.digest.clone(),
            });
        }
        let depends_on =
            bundle.spec.depends_on.iter().filter(|name| names.contains(name)).cloned().collect::<Vec<_>>();
        Some(ResolvedBundle {
            name: recipe.name,
            bundle,
            field: path,
            stages,
            placeholders,
            depends_on,
            suspend: recipe.suspend.unwrap_or(false),
        })
    }

    /// The values of a bundle's own variables: the plan's, also when it gives them to another bundle, else the defaults.
    fn bundle_variables(
        &mut self,
        recipe: &Recipe,
        bundle: &Bundle,
        place: &FieldPath,
        provider: Provider,
        given: &GivenValues,
        common: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let declared: Vec<&str> = bundle.spec.variables.iter().map(|variable| &*variable.name).collect();
        for name in recipe.variables.keys() {
            if !declared.contains(&&**name) {
                let hint = suggest::hint(name, declared.clone())
                    .unwrap_or_else(|| "this recipe has no variables".to_owned());
                self.error(
                    &codes::PLAN_UNKNOWN_NAME,
                    &place.key("variables").key(name.clone()),
                    format!("the recipe `{}` has no variable `{name}`", recipe.name),
                    hint,
                );
            }
        }
        let mut values = BTreeMap::new();
        for variable in &bundle.spec.variables {
            let written = given.get(&variable.name);
            let value_place = written.map_or_else(|| place.clone(), |(_, path)| path.clone());
            if written.is_none() && !variable.is_for(provider) {
                continue;
            }
            let Some(value) = written.map(|(value, _)| value).or(variable.default.as_ref()) else {
                if variable.required {
                    self.error(
                        &codes::BUNDLE_VARIABLE,
                        &value_place,
                        format!("the recipe `{}` needs the variable `{}`", recipe.name, variable.name),
                        format!(
                            "{}; write `{{name: {}, variables: {{{}: ...}}}}`",
                            variable.description.trim_end_matches('.'),
                            recipe.name,
                            variable.name
                        ),
                    );
                }
                continue;
            };
            match variable_text(variable, value, written.is_none(), common) {
                Ok(text) => {
                    values.insert(variable.name.clone(), text);
                }
                Err((message, hint)) => {
                    // Bundles declare a shared variable alike, so each of them would say the same of one wrong value.
                    let finding = Finding::error(&codes::BUNDLE_VARIABLE, message)
                        .field(value_place.clone())
                        .at(self.plan.origins.location(&value_place))
                        .hint(hint);
                    if !self.findings.iter().any(|other| *other == finding) {
                        self.findings.push(finding);
                    }
                }
            }
        }
        values
    }

    /// The variables that every bundle may use.
    fn common_variables(
        &self,
        spec: &ClusterPlanSpec,
        provider: Provider,
        kubernetes: Option<&semver::Version>,
    ) -> BTreeMap<String, String> {
        let name = self.plan.name.clone();
        let network = spec.network.clone().unwrap_or_default();
        let first =
            |list: Option<Vec<String>>| list.and_then(|list| list.into_iter().next()).unwrap_or_default();
        let control_planes = spec.control_plane.as_ref().and_then(|machines| machines.replicas).unwrap_or(3);
        let workers: i32 = spec.workers.as_ref().map_or(2, |pools| {
            pools
                .iter()
                .map(|pool| {
                    pool.autoscaling
                        .as_ref()
                        .and_then(|autoscaling| autoscaling.min)
                        .unwrap_or_else(|| pool.replicas.unwrap_or(2))
                })
                .sum()
        });
        let gateway = spec.addons.as_ref().and_then(|addons| addons.gateway.as_ref());
        let gateway_class = match gateway {
            Some(gateway) if gateway.enabled == Some(false) => "none",
            Some(gateway) => gateway.controller.unwrap_or_default().as_str(),
            None => "envoy",
        };
        let minor =
            kubernetes.map_or_else(String::new, |version| format!("{}.{}", version.major, version.minor));
        let azure = spec.azure.as_ref();
        // Flux writes the built objects anew before it substitutes, so quotes around `${x}` do not survive; bundles write
        // `${quote}${x}${quote}` where a value must stay a string (fluxcd/pkg kustomize/kustomize_varsub.go).
        let values = [
            "\"".to_owned(),
            spec.namespace.clone().unwrap_or_else(|| name.clone()),
            name,
            provider.as_str().to_owned(),
            spec.region.clone().unwrap_or_default(),
            minor,
            control_planes.to_string(),
            workers.to_string(),
            first(network.pod_cidrs),
            first(network.service_cidrs),
            gateway_class.to_owned(),
            azure.and_then(|azure| azure.subscription_id.clone()).unwrap_or_default(),
            azure
                .map(|azure| azure.resource_group.clone().unwrap_or(self.plan.name.clone()))
                .unwrap_or_default(),
            spec.gcp.as_ref().and_then(|gcp| gcp.project.clone()).unwrap_or_default(),
        ];
        COMMON_VARIABLES.map(str::to_owned).into_iter().zip(values).collect()
    }
}

/// A variable's value as Flux pastes it, checked against its declaration; or what is wrong with it and what to do.
fn variable_text(
    variable: &BundleVariable,
    value: &Value,
    is_default: bool,
    common: &BTreeMap<String, String>,
) -> Result<String, (String, String)> {
    let fits = match variable.kind {
        VariableType::String => value.is_string(),
        VariableType::Integer => value.is_i64() || value.is_u64(),
        VariableType::Boolean => value.is_boolean(),
    };
    let text = match value {
        Value::String(text) if is_default => expand(text, common),
        other => plain(other),
    };
    let refused = || format!("`{text}` is not a value for the variable `{}`", variable.name);
    if !fits {
        let expected = match variable.kind {
            VariableType::String => "a string: put it in quotes",
            VariableType::Integer => "a whole number, without quotes",
            VariableType::Boolean => "true or false, without quotes",
        };
        return Err((refused(), format!("it must be {expected}")));
    }
    if text.contains('\n') || text.contains("${") {
        return Err((
            format!("the value of `{}` holds a line break or `${{`", variable.name),
            "Flux drops line breaks from values and does not look into them again".to_owned(),
        ));
    }
    if let Some(pattern) = variable.pattern.as_ref().filter(|pattern| !pattern.matches(&text)) {
        return Err((refused(), format!("it must match `{}`", pattern.as_str())));
    }
    Ok(text)
}

/// A value as a person reads it, a text without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A default with its `${common_variables}` filled in.
fn expand(text: &str, common: &BTreeMap<String, String>) -> String {
    let mut out = text.to_owned();
    for (name, value) in common {
        out = out.replace(&format!("${{{name}}}"), value);
    }
    out
}
