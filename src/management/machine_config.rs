//! What a plan says about Talos, as patches for `talosctl`.

use crate::{
    finding::Findings,
    management::{Values, runbook::Runbook},
    plan::resolved::{Machines, ResolvedCluster},
    render::{Library, images, library::ProviderTemplates, talos},
};

/// The two shapes of machine configurations: the folder, and a minor of Talos 1 that has the shape.
const DIALECTS: [(&str, u64); 2] = [("talos-1.13", 13), ("talos-1.14", 14)];

/// The files for a cluster, with their paths below its folder. `folder` is that folder as commands name it.
pub fn files(
    cluster: &ResolvedCluster,
    library: &Library,
    folder: &str,
) -> Result<Vec<(String, String)>, Findings> {
    let templates = library.templates(cluster.provider)?;
    let mut files = Vec::new();
    for (dialect, minor) in DIALECTS {
        let mut cluster = cluster.clone();
        if cluster.talos.has_kube_documents() != (minor >= 14) {
            cluster.talos.version = semver::Version::new(1, minor, 0);
        }
        let path = format!("{dialect}/control-plane.yaml");
        files.push((path, patches(&cluster, &cluster.control_plane, "the control plane", &templates)?));
        for pool in &cluster.pools {
            let path = format!("{dialect}/worker-{}.yaml", pool.name);
            files.push((path, patches(&cluster, pool, &format!("the pool {}", pool.name), &templates)?));
        }
    }
    files.push(("schematic.yaml".to_owned(), images::schematic_file(cluster)));
    let values = values(cluster, folder);
    files.push((
        "README.md".to_owned(),
        Runbook::read(library.catalog(), "machine-config", &values)?.markdown(),
    ));
    files.sort();
    Ok(files)
}

fn patches(
    cluster: &ResolvedCluster,
    machines: &Machines,
    whose: &str,
    templates: &ProviderTemplates,
) -> Result<String, Findings> {
    let prepared = talos::prepare(cluster, machines, templates)?;
    let head = format!(
        "# Talos {}.{}, {whose} of {}: strategic patches, for `talosctl --config-patch @FILE`. No key is in here.\n",
        cluster.talos.version.major, cluster.talos.version.minor, cluster.name
    );
    let patches: Vec<&str> = prepared.patches.iter().map(|patch| &*patch.text).collect();
    Ok(head + &patches.join("---\n"))
}

fn values(cluster: &ResolvedCluster, folder: &str) -> Values {
    let mut values = Values::default();
    let endpoint = cluster.network.endpoint.as_ref();
    let dialect = if cluster.talos.has_kube_documents() { DIALECTS[1].0 } else { DIALECTS[0].0 };
    values.text("CLUSTER_NAME", cluster.name.as_str());
    values.text("NAMESPACE", cluster.namespace.as_str());
    values.text("TALOS_VERSION", format!("v{}", cluster.talos.version));
    values.text("TALOS_MINOR", format!("v{}.{}", cluster.talos.version.major, cluster.talos.version.minor));
    values.text("K8S_NUMBER", cluster.kubernetes.to_string());
    values.text("DIALECT", dialect);
    values.text("FOLDER", folder);
    values.text("SCHEMATIC_ID", cluster.talos.schematic.id());
    values.text("IMAGE_FACTORY", cluster.talos.image_factory.as_str());
    values.text("INSTALLER_IMAGE", images::installer(cluster));
    // A cloud makes the address; a person knows it only then.
    values.text("CONTROL_PLANE_ENDPOINT", endpoint.map_or("API-ADDRESS", |endpoint| endpoint.host.as_str()));
    values.text("CONTROL_PLANE_PORT", endpoint.map_or(6443, |endpoint| endpoint.port).to_string());
    let worker = cluster.pools.first();
    values.text(
        "WORKER_PATCH_ARGUMENT",
        worker
            .map(|pool| format!("--config-patch-worker @{folder}/{dialect}/worker-{}.yaml", pool.name))
            .unwrap_or_default(),
    );
    values
}
