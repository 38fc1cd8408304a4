//! Taking a cluster away: which of its objects are suspended, deleted, or go by themselves, and in which order.
//!
//! The order follows from what Flux's finalizers do (fluxcd/kustomize-controller `internal/controller/kustomization_controller.go`,
//! fluxcd/helm-controller `internal/controller/helmrelease_controller.go`) and from who knows which cloud object.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{runbook::Runbook, settings::quoted, values::Values};
use crate::{
    catalog::Index,
    finding::{Finding, Findings, ObjectRef, codes},
    plan::Provider,
    yaml::emit,
};

const FLUX_KUSTOMIZATION: &str = "kustomize.toolkit.fluxcd.io";
const HELM_RELEASE: &str = "helm.toolkit.fluxcd.io";
const CORE: &str = "cluster.x-k8s.io";

/// The bundle that the others stand on: it has storage drivers and what removes DNS records and certificates.
const BASE: &str = "base";

/// Where the documents are written and the cluster lies, for the commands in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The output folder that holds the cluster's.
    pub out: String,
    /// The folder that holds the documents'.
    pub to: String,
}

/// A cluster's objects by what becomes of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Decommission {
    /// The cluster.
    pub name: String,
    /// Its hub namespace.
    pub namespace: String,
    /// Its provider.
    pub provider: Provider,
    /// Everything that Flux's sync has to let go of.
    pub objects: Vec<ObjectRef>,
    /// Flux Kustomizations, suspended before anything is deleted.
    pub kustomizations: Vec<ObjectRef>,
    /// Kustomizations of bundles whose HelmReleases are uninstalled, last installed first.
    pub releases: Vec<String>,
    /// The Cluster; what goes with it is not listed anywhere else.
    pub cluster: ObjectRef,
    /// What Cluster API deletes with the Cluster.
    pub owned: Vec<ObjectRef>,
    /// What is deleted after the machines are gone.
    pub leftovers: Vec<ObjectRef>,
    /// The hub namespace, deleted last; none when the cluster brought none.
    pub namespace_object: Option<ObjectRef>,
    infrastructure: Json,
}

fn group(object: &ObjectRef) -> &str {
    object.api_version.split_once('/').map_or("", |(group, _)| group)
}

/// Sorts a cluster's objects. They are what `infraflux up` rendered, from a plan or read back from the output folder.
pub fn sort(name: &str, objects: &[Json]) -> Result<Decommission, Findings> {
    let identity: Vec<ObjectRef> = objects.iter().map(ObjectRef::of).collect();
    let cluster = identity
        .iter()
        .position(|object| group(object) == CORE && object.kind == "Cluster" && object.name == name)
        .ok_or_else(|| {
            Findings::from(
                Finding::error(
                    &codes::DESTROY_NO_CLUSTER,
                    format!("there is no Cluster `{name}` among these objects"),
                )
                .hint("check the name, or give the plan with `--file`"),
            )
        })?;
    let references = ["infrastructureRef", "controlPlaneRef"].map(|field| {
        let reference = &objects[cluster]["spec"][field];
        (reference["kind"].as_str().unwrap_or_default(), reference["name"].as_str().unwrap_or_default())
    });
    let infrastructure = identity
        .iter()
        .position(|object| (object.kind.as_str(), object.name.as_str()) == references[0])
        .map(|position| objects[position].clone())
        .unwrap_or_default();
    let provider = provider_of(references[0].0).ok_or_else(|| {
        Findings::from(
            Finding::error(
                &codes::DESTROY_NO_CLUSTER,
                format!(
                    "the infrastructure of `{name}`, `{}`, is of no provider that is known",
                    references[0].0
                ),
            )
            .object(identity[cluster].clone()),
        )
    })?;
    let namespace = identity[cluster].namespace.clone().unwrap_or_else(|| "default".to_owned());
    let mut out = Decommission {
        name: name.to_owned(),
        namespace: namespace.clone(),
        provider,
        objects: identity.clone(),
        kustomizations: Vec::new(),
        releases: releases(objects, &identity),
        cluster: identity[cluster].clone(),
        owned: Vec::new(),
        leftovers: Vec::new(),
        namespace_object: None,
        infrastructure,
    };
    let mut helm_releases = Vec::new();
    let mut others = Vec::new();
    for (position, object) in identity.into_iter().enumerate() {
        if position == cluster {
            continue;
        }
        let pair = (object.kind.as_str(), object.name.as_str());
        let of_cluster = group(&object) == CORE
            && ["MachineDeployment", "MachinePool", "MachineHealthCheck"].contains(&pair.0);
        if object.kind == "Namespace" && object.name == namespace {
            out.namespace_object = Some(object);
        } else if group(&object) == FLUX_KUSTOMIZATION {
            out.kustomizations.push(object);
        } else if of_cluster || references.contains(&pair) {
            out.owned.push(object);
        } else if group(&object) == HELM_RELEASE {
            helm_releases.push(object);
        } else {
            others.push(object);
        }
    }
    out.leftovers = out.kustomizations.iter().cloned().chain(helm_releases).chain(others).collect();
    Ok(out)
}

/// The provider of a kind of infrastructure cluster.
fn provider_of(kind: &str) -> Option<Provider> {
    Provider::ALL.into_iter().find(|provider| kind.to_ascii_lowercase() == format!("{provider}cluster"))
}

/// Kustomizations on the hub that hold a bundle's HelmReleases, in the reverse of the order in which they wait for each other.
fn releases(objects: &[Json], identity: &[ObjectRef]) -> Vec<String> {
    let mut waits: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut bundles = Vec::new();
    for (object, id) in objects.iter().zip(identity) {
        if group(id) != FLUX_KUSTOMIZATION {
            continue;
        }
        let names = object["spec"]["dependsOn"].as_array().into_iter().flatten();
        waits.insert(&id.name, names.filter_map(|dependency| dependency["name"].as_str()).collect());
        let recipe = object["metadata"]["labels"]["infraflux.io/recipe"].as_str();
        if object["spec"]["kubeConfig"].is_null() && recipe.is_some_and(|recipe| recipe != BASE) {
            bundles.push(id.name.as_str());
        }
    }
    let mut depths: Vec<(usize, &str)> =
        bundles.into_iter().map(|name| (depth(name, &waits, &mut BTreeSet::new()), name)).collect();
    depths.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(right.1)));
    depths.into_iter().map(|(_, name)| name.to_owned()).collect()
}

/// How long the longest chain is that something waits for. A circle, which the Flux graph refuses elsewhere, ends here too.
fn depth<'name>(
    name: &'name str,
    waits: &BTreeMap<&'name str, Vec<&'name str>>,
    above: &mut BTreeSet<&'name str>,
) -> usize {
    if !above.insert(name) {
        return 0;
    }
    let deepest = waits.get(name).into_iter().flatten().map(|next| depth(next, waits, above) + 1).max();
    above.remove(name);
    deepest.unwrap_or_default()
}

impl Decommission {
    /// The documents, with their paths below the cluster's folder.
    pub fn files(&self, index: &Index, place: &Place) -> Result<Vec<(String, String)>, Findings> {
        let values = self.values(index, place)?;
        let mut files = vec![(
            "DECOMMISSION.md".to_owned(),
            Runbook::read(index.catalog(), "decommission", &values)?.markdown(),
        )];
        let lists: [(&str, &str, &[ObjectRef]); 5] = [
            ("objects.yaml", "what Flux's sync lets go of", &self.objects),
            ("kustomizations.yaml", "what is suspended before anything is deleted", &self.kustomizations),
            (
                "cluster.yaml",
                "what Cluster API deletes, machines and infrastructure with it",
                std::slice::from_ref(&self.cluster),
            ),
            ("leftovers.yaml", "what is deleted after the machines", &self.leftovers),
            ("namespace.yaml", "what goes last", self.namespace_object.as_slice()),
        ];
        for (path, what, objects) in lists {
            files.push((path.to_owned(), list(what, &self.name, objects)));
        }
        Ok(files)
    }

    fn values(&self, index: &Index, place: &Place) -> Result<Values, Findings> {
        let mut values = Values::default();
        let spec = &self.infrastructure["spec"];
        let text = |field: &str| spec[field].as_str().map(str::to_owned);
        let region = text("region").or_else(|| text("location")).unwrap_or_default();
        values.text("CLUSTER_NAME", self.name.as_str());
        values.text("NAMESPACE", self.namespace.as_str());
        values.text("KUBECONFIG_SECRET", format!("{}-kubeconfig", self.name));
        values.text("PROVIDER_TITLE", index.descriptor(self.provider)?.title.as_str());
        values.text("REGION", region);
        values.text("RESOURCE_GROUP", text("resourceGroup").unwrap_or_else(|| self.name.clone()));
        let infrastructure = ObjectRef::of(&self.infrastructure);
        values.text(
            "INFRA_CLUSTER_RESOURCE",
            format!("{}/{}", infrastructure.kind.to_ascii_lowercase(), infrastructure.name),
        );
        values.text("OUT", quoted(&place.out));
        values.text("TO", quoted(&place.to));
        values.text("FOLDER", quoted(&format!("{}/{}", place.to, self.name)));
        if !self.releases.is_empty() {
            values.text("RELEASES", self.releases.join(" "));
        }
        values.turn_on(format!("provider.{}", self.provider));
        Ok(values)
    }
}

/// The identities of objects, as `kubectl --filename` takes them. An object that is only named can be annotated, patched and
/// deleted; applying it would be refused for what it lacks.
fn list(what: &str, cluster: &str, objects: &[ObjectRef]) -> String {
    let mut out = format!(
        "# The cluster {cluster}: {what} (DECOMMISSION.md).\n# Names only: for `kubectl annotate`, `patch` and `delete`, never for `apply`.\n"
    );
    for object in objects {
        let mut metadata = json!({"name": object.name});
        if let Some(namespace) = &object.namespace {
            metadata["namespace"] = json!(namespace);
        }
        out.push_str("---\n");
        out.push_str(&emit::document(&json!({
            "apiVersion": object.api_version,
            "kind": object.kind,
            "metadata": metadata,
        })));
    }
    out
}
