//! Two clusters on one hub never touch each other's objects.

use std::collections::{BTreeMap, BTreeSet};

use infraflux::{
    admission::{
        Object, Objects,
        flux::{self, World, fleet, simulate},
    },
    plan::Provider,
};

use crate::world::{folders, objects, plan, providers, render, repository};

#[test]
fn the_objects_of_two_clusters_are_apart() {
    for provider in providers() {
        let apart = |net: u8| match provider {
            Provider::Proxmox => format!(
                "  network: {{endpoint: {{host: 10.0.{net}.10}}}}\n  proxmox: {{addresses: [10.0.{net}.20-10.0.{net}.60], gateway: 10.0.{net}.1, vmIDRange: {{start: {net}000, end: {net}999}}}}\n"
            ),
            _ => String::new(),
        };
        let plans =
            format!("{}---\n{}", plan(provider, "blue", &apart(1)), plan(provider, "green", &apart(2)));
        let clusters = render(&plans);
        assert_eq!(clusters.len(), 2);
        let (mut seen, mut owners) = (BTreeMap::new(), BTreeSet::new());
        let mut union = Vec::new();
        for cluster in &clusters {
            let own = objects(cluster);
            for object in &own {
                let key = (
                    object.group().to_owned(),
                    object.id.kind.clone(),
                    object.id.namespace.clone(),
                    object.id.name.clone(),
                );
                let other = seen.insert(key, cluster.name.clone());
                assert_eq!(other, None, "{provider}: {} is an object of both", object.id);
                // What has no namespace carries the cluster's name.
                if object.id.namespace.is_none() {
                    assert!(
                        object.id.name == cluster.name
                            || object.id.name.starts_with(&format!("{}-", cluster.name)),
                        "{provider}: {} has no namespace and not the cluster's name",
                        object.id
                    );
                } else {
                    assert_eq!(
                        object.id.namespace.as_deref(),
                        Some(&*cluster.name),
                        "{provider}: {}",
                        object.id
                    );
                }
            }
            union.extend(own.iter().cloned());
        }
        // What Flux puts on the hub, and where it sends what goes to a cluster.
        let union: Objects = union.into_iter().collect();
        let world = World::new(&union, folders(), repository(&clusters[0]));
        let mut on_the_hub: BTreeMap<String, String> = BTreeMap::new();
        for delivery in &world.deliveries {
            let own = delivery.kustomization;
            if own.is_remote() {
                let secret = own.object.text("spec.kubeConfig.secretRef.name").unwrap();
                assert_eq!(secret, format!("{}-kubeconfig", own.namespace()), "{}", own.object.id);
                continue;
            }
            for delivered in delivery.objects() {
                let object: &Object = &delivered.object;
                assert_eq!(object.id.namespace.as_deref(), Some(own.namespace()), "{}", object.id);
                let other = on_the_hub.insert(object.id.to_string(), own.object.id.to_string());
                assert_eq!(other, None, "{} is delivered twice", object.id);
            }
        }
        for (release, _) in world.releases() {
            let home = release.id.namespace.as_deref().unwrap();
            assert_eq!(
                release.text("spec.kubeConfig.secretRef.name"),
                Some(&*format!("{home}-kubeconfig")),
                "{}",
                release.id
            );
            if let Some(owner) = release.text("spec.values.txtOwnerId") {
                assert!(
                    owners.insert(owner.to_owned()),
                    "{provider}: two clusters are `{owner}` to external-dns"
                );
                assert!(owner.contains(home));
            }
        }
        assert_eq!(owners.len(), 2, "{provider}: external-dns of both");
        // Together they pass the same checks, and nothing that each needs for itself is shared.
        let report = flux::check(&union, folders(), repository(&clusters[0]));
        assert_eq!(report.violations, [], "{provider}");
        let claims: Vec<_> = clusters
            .iter()
            .map(|cluster| {
                let own = objects(cluster);
                let world = World::new(&own, folders(), repository(cluster));
                fleet::Claims::of(&own).with_dns_owners(fleet::dns_owners(&world))
            })
            .collect();
        assert_eq!(fleet::check(&claims), [], "{provider}");
        // And come up side by side.
        let given = simulate::Given::default();
        let outcome = simulate::run(&world, &given);
        assert!(outcome.stuck.is_empty(), "{provider}: {:?}", outcome.stuck);
    }
}
