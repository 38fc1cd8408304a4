//! What Flux would apply is what the CRDs take: every object of every Kustomization, after its variables are filled in.

use std::{collections::BTreeSet, sync::OnceLock};

use infraflux::admission::{
    Object,
    flux::{World, folder::Folders, world::Delivery},
};

use crate::{
    common::crds::{Crds, Verdict},
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
    let folder = Folders::get(folders(), "management/flux", &[]).expect("the folder");
    assert!(folder.findings.is_empty(), "{:?}", folder.findings);
    assert!(folder.objects.len() > 40);
    let mut unknown = BTreeSet::new();
    for built in &folder.objects {
        let errors = check(crds, &Object::new(built.node.to_value()), &mut unknown);
        assert!(errors.is_empty(), "{errors:?}");
    }
    assert!(unknown.is_empty(), "{unknown:?}");
}
