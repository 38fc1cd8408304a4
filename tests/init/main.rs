//! `infraflux init`, `destroy`, `talos-gen` and `apply`: what they write, and that a hub could live with it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(unix)]
mod bootstrap;
mod commands;
mod decommission;
mod graph;
mod program;
mod schema;
mod secrets;
mod tenancy;

use std::collections::BTreeMap;

use infraflux::{
    catalog::{Catalog, Index},
    management::{self, RenderedHub, Settings, hub::Place},
    plan::Provider,
};
use serde_json::Value;

/// A hub with everything switched on that can be.
pub(crate) fn full(profile: &str) -> Settings {
    Settings {
        shards: Some(2),
        multitenant: Some(true),
        crossplane: Some(true),
        repo_secret: Some("infraflux-git".to_owned()),
        variables: [
            ("AWS_ROLE_ARN", "arn:aws:iam::000000000000:role/clusters".into()),
            ("AWS_STATIC_SECRET", "aws-static-identity".into()),
            ("CORE_FEATURE_GATES", serde_json::json!({"ClusterTopology": true})),
            ("HUB_VIP_LINK", "eth0".into()),
            ("HUB_TIME_SERVERS", serde_json::json!(["192.0.2.123"])),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
        ..plain(profile, &Provider::ALL)
    }
}

/// A hub with nothing but its providers.
pub(crate) fn plain(profile: &str, providers: &[Provider]) -> Settings {
    Settings {
        providers: Some(providers.to_vec()),
        profile: Some(profile.to_owned()),
        repo_url: Some("ssh://git@git.example.org/platform/fleet.git".to_owned()),
        ..Settings::default()
    }
}

/// Both profiles, each provider alone and all together, with and without what can be switched.
pub(crate) fn hubs() -> Vec<(String, Settings)> {
    let mut out = Vec::new();
    for profile in ["stable", "current"] {
        for provider in Provider::ALL {
            out.push((format!("{profile} {provider}"), plain(profile, &[provider])));
        }
        out.push((format!("{profile} full"), full(profile)));
        let own = Settings { cert_manager: Some(false), ..plain(profile, &Provider::ALL) };
        out.push((format!("{profile} without cert-manager"), own));
    }
    out
}

/// The built-in catalogue.
pub(crate) fn index() -> Index {
    Index::new(Catalog::embedded())
}

/// The default folders.
pub(crate) fn place() -> Place {
    Place { out: "out".to_owned(), catalog: None }
}

/// A hub, which must render.
pub(crate) fn render(settings: &Settings) -> RenderedHub {
    management::render(settings, &index(), &place())
        .unwrap_or_else(|findings| panic!("{settings:?}: {findings:#?}"))
}

/// The documents of a rendered file.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).expect("YAML"))
        .filter(|value| !value.is_null())
        .collect()
}

/// Every object of a hub, with the path of its file: what Flux or a person applies.
pub(crate) fn objects(hub: &RenderedHub) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    for (path, text) in &hub.files {
        let object = path.ends_with(".yaml")
            && !path.ends_with("kustomization.yaml")
            && !path.starts_with("talos/")
            && path.contains('/');
        if object {
            out.extend(documents(text).into_iter().map(|document| (path.clone(), document)));
        }
    }
    out
}

/// A rendered file.
pub(crate) fn file<'hub>(hub: &'hub RenderedHub, path: &str) -> &'hub str {
    let found = hub.files.iter().find(|(known, _)| known == path);
    &found.unwrap_or_else(|| panic!("there is no `{path}`")).1
}

#[test]
fn the_hub_is_what_somebody_read() {
    let text = |files: &[(String, String)]| -> String {
        files.iter().flat_map(|(path, content)| ["=== ", path, "\n", content]).collect()
    };
    let stable = render(&full("stable")).files;
    insta::assert_snapshot!("hub_stable", text(&stable));
    // Of the other profile, what differs.
    let differs: Vec<(String, String)> =
        render(&full("current")).files.into_iter().filter(|file| !stable.contains(file)).collect();
    insta::assert_snapshot!("hub_current", text(&differs));
}

#[test]
fn nothing_depends_on_the_order_of_what_was_asked_for() {
    let mut turned = full("stable");
    turned.providers.as_mut().unwrap().reverse();
    let files = |settings: &Settings| -> BTreeMap<String, String> {
        // The document says the command as it was given.
        render(settings).files.into_iter().filter(|(path, _)| path != "BOOTSTRAP.md").collect()
    };
    assert_eq!(files(&turned), files(&full("stable")));
}

#[test]
fn the_community_line_says_where_it_comes_from() {
    let fetch = |profile: &str| -> Vec<Option<String>> {
        documents(file(&render(&full(profile)), "providers/talos.yaml"))
            .iter()
            .map(|provider| provider["spec"]["fetchConfig"]["url"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(fetch("stable"), [None, None]);
    let community = fetch("current");
    let ends = ["/bootstrap-components.yaml", "/control-plane-components.yaml"];
    for (url, end) in community.iter().zip(ends) {
        let url = url.as_deref().expect("an address");
        // clusterctl's GitHub client takes .../releases/<tag>/<file> (kubernetes-sigs/cluster-api
        // cmd/clusterctl/client/repository/repository_github.go).
        assert!(url.starts_with("https://github.com/sidero-community/") && url.ends_with(end), "{url}");
        assert!(url.contains("/releases/v"), "{url}");
    }
}

#[test]
fn both_ways_to_install_flux_set_the_same() {
    let hub = render(&full("stable"));
    let component = documents(file(&hub, "controllers/component/kustomization.yaml")).remove(0);
    let instance = documents(file(&hub, "controllers/flux-instance.yaml")).remove(0);
    let patches = |list: &Value| -> Vec<(String, Vec<Value>)> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|patch| {
                let name = patch["target"]["name"].as_str().unwrap().trim_end_matches(".*").to_owned();
                (name, serde_yaml::from_str(patch["patch"].as_str().unwrap()).unwrap())
            })
            .collect()
    };
    let of_component = patches(&component["patches"]);
    assert_eq!(of_component.len(), 2);
    assert_eq!(of_component, patches(&instance["spec"]["kustomize"]["patches"]));
    assert_eq!(instance["spec"]["sharding"]["shards"], serde_json::json!(["shard1", "shard2"]));
}
