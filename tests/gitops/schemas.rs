//! What Flux would apply is what the CRDs take: every object of every Kustomization, after its variables are filled in.

use std::{collections::BTreeSet, sync::OnceLock};

use infraflux::{
    admission::{
        Object,
        flux::{World, folder::Folders, world::Delivery},
    },
    catalog::Catalog,
};

use crate::{
    common::{
        crds::{Crds, Verdict, folder},
        infraflux as program,
    },
    world::{folders, objects, plan, providers, render, repository},
};

/// Kinds that the catalogue uses and whose CRDs are not at hand, so that nobody checks them here.
const UNCHECKED: [&str; 1] = ["VolumeSnapshotClass snapshot.storage.k8s.io/v1"];

fn crds() -> Option<&'static Crds> {
    static CRDS: OnceLock<Option<Crds>> = OnceLock::new();
    CRDS.get_or_init(|| Crds::of_profile("stable", "what Flux applies, against its CRDs")).as_ref()
}

fn is_built_in(object: &Object) -> bool {
    let group = object.group();
    group.is_empty()
        || !group.contains('.')
        || ["rbac.authorization.k8s.io", "storage.k8s.io", "networking.k8s.io"].contains(&group)
}

fn check(crds: &Crds, object: &Object, unknown: &mut BTreeSet<String>) -> Vec<String> {
    if is_built_in(object) {
        return Vec::new();
    }
    match crds.check(&object.value) {
        Verdict::Fine => Vec::new(),
        Verdict::Wrong(errors) => errors.into_iter().map(|error| format!("{}: {error}", object.id)).collect(),
        Verdict::Unknown => {
            unknown.insert(format!("{} {}", object.id.kind, object.id.api_version));
            Vec::new()
        }
    }
}

#[test]
fn every_resolved_object_fits_its_crd() {
    let Some(crds) = crds() else { return };
    let mut unknown = BTreeSet::new();
    let mut count = 0;
    for provider in providers() {
        for more in [
            "",
            "  addons: {gateway: {controller: cilium}}\n",
            "  addons: {cilium: {loadBalancer: {mode: l2, addresses: [192.0.2.200-192.0.2.220, 198.51.100.0/28]}}}\n",
            "  addons: {cilium: {loadBalancer: {mode: bgp, addresses: [192.0.2.192/26], localASN: 64512, peers: [{address: 192.0.2.1, asn: 64513}, {address: \"2001:db8::1\", asn: 64514}]}}}\n",
        ] {
            for cluster in render(&plan(provider, "lab", more)) {
                let objects = objects(&cluster);
                let world = World::new(&objects, folders(), repository(&cluster));
                let delivered = world.deliveries.iter().flat_map(Delivery::objects);
                let own = objects.iter().filter(|object| object.group().ends_with(".fluxcd.io"));
                let mut errors = Vec::new();
                for object in own.chain(delivered.map(|delivered| &delivered.object)) {
                    errors.extend(check(crds, object, &mut unknown));
                    count += 1;
                }
                assert!(errors.is_empty(), "{provider} {more}:\n{}", errors.join("\n"));
            }
        }
    }
    assert!(count > 500, "only {count} objects");
    assert_eq!(
        unknown.iter().map(String::as_str).collect::<Vec<_>>(),
        UNCHECKED,
        "kinds without a CRD at hand"
    );
}

/// The sources and the hub's own Kustomizations.
#[test]
fn the_management_folder_fits_its_crds() {
    let Some(crds) = crds() else { return };
    let flux = Folders::get(folders(), "management/flux", &[]).expect("the folder");
    assert!(flux.findings.is_empty(), "{:?}", flux.findings);
    assert!(flux.objects.len() > 40);
    let mut unknown = BTreeSet::new();
    for built in &flux.objects {
        let errors = check(crds, &Object::new(built.node.to_value()), &mut unknown);
        assert!(errors.is_empty(), "{errors:?}");
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// `infraflux up --crds` checks what the shared folders hold as well, at their lines.
#[test]
fn up_checks_shared_folders_against_crds() {
    let Some(crds) = folder("what `up --crds` says of shared folders") else { return };
    let place = tempfile::TempDir::new().unwrap();
    let path = "catalog/clusters/gateway/configs/shared/gateway.yaml";
    let source = Catalog::embedded().get(path.strip_prefix("catalog/").unwrap()).unwrap().text().to_owned();
    let file = place.path().join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let up = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let crds = crds.to_str().unwrap();
        let arguments = ["up", "--provider", "aws", "--name", "lab", "--crds", crds, "--catalog", "catalog"];
        program::run(place.path(), &arguments)
    };
    let good = up(&source);
    assert_eq!(good.status.code(), Some(0), "{}", program::texts(&good).1);
    // The port becomes a text only when its variable is filled in, and a misspelt field is unknown to the kind.
    for (right, wrong, line) in [
        ("port: 80", "port: ${quote}${gateway_issuer}${quote}", 16),
        ("gatewayClassName:", "gatewayClass:", 13),
    ] {
        let bad = up(&source.replacen(right, wrong, 1));
        let (_, stderr) = program::texts(&bad);
        assert_eq!(bad.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(&format!("gateway.yaml:{line}:")), "{wrong}: {stderr}");
        assert!(stderr.contains("error[IF05"), "{stderr}");
    }
}
