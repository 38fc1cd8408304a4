//! Where kustomize looks for legacy plugins, and what `infraflux plugin install` puts there.

use std::path::{Path, PathBuf};

/// The kinds that are linked. Not the ConfigMap: kustomize would find it at `<home>/v1/configmap/ConfigMap` (the empty
/// group leaves no folder; seen with kustomize 5.5), but `v1` ConfigMap is everybody's kind. The link would run
/// InfraFlux for every plain ConfigMap under `generators` on this machine and could take the place of somebody's own
/// plugin, and a ClusterPlan says all that the ConfigMap form can.
pub const KINDS: [&str; 3] = ["ClusterPlan", "FleetPlan", "Admission"];

/// The folder of a kind below a plugin home, and the file in it: `<group>/<version>/<kind in lower case>/<Kind>`
/// (kubernetes-sigs/kustomize `api/internal/plugins/loader/loader.go`).
#[must_use]
pub fn plugin_path(api_version: &str, kind: &str) -> String {
    format!("{api_version}/{}/{kind}", kind.to_lowercase())
}

/// The values of the variables that decide; an empty one counts as not set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Environment<'env> {
    /// `KUSTOMIZE_PLUGIN_HOME`
    pub kustomize_plugin_home: Option<&'env Path>,
    /// `XDG_CONFIG_HOME`
    pub xdg_config_home: Option<&'env Path>,
    /// `HOME`, on Windows `USERPROFILE`
    pub home: Option<&'env Path>,
}

/// The places in the order in which kustomize asks whether they exist (`api/konfig/plugins.go`).
#[must_use]
pub fn homes(environment: Environment<'_>) -> Vec<PathBuf> {
    fn set(path: Option<&Path>) -> Option<&Path> {
        path.filter(|path| !path.as_os_str().is_empty())
    }
    let plugins = Path::new("kustomize").join("plugin");
    let mut homes = Vec::new();
    homes.extend(set(environment.kustomize_plugin_home).map(Path::to_path_buf));
    homes.extend(set(environment.xdg_config_home).map(|config| config.join(&plugins)));
    if let Some(home) = set(environment.home) {
        homes.push(home.join(".config").join(&plugins));
        homes.push(home.join(&plugins));
    }
    homes.dedup();
    homes
}

/// A plugin home to install into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// The folder.
    pub path: PathBuf,
    /// Whether it is there; otherwise it has to be made.
    pub exists: bool,
}

/// The home that kustomize uses: the first that exists, and only that one is searched. If none does, the first that
/// could: making an earlier one than that would hide the plugins that lie in a later one.
#[must_use]
pub fn choose(homes: &[PathBuf], exists: impl Fn(&Path) -> bool) -> Option<Home> {
    if let Some(path) = homes.iter().find(|home| exists(home)) {
        return Some(Home { path: path.clone(), exists: true });
    }
    homes.first().map(|path| Home { path: path.clone(), exists: false })
}

/// A link to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The kind that it serves.
    pub kind: &'static str,
    /// Where it goes.
    pub path: PathBuf,
}

/// The links of all kinds. Each is a link to, or a copy of, this program with the execute bit set.
#[must_use]
pub fn links(home: &Path) -> Vec<Link> {
    KINDS
        .iter()
        .map(|kind| Link { kind, path: home.join(plugin_path(super::ConfigKind::API_VERSION, kind)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Environment, Home, choose, homes, links};
    use std::path::{Path, PathBuf};

    fn shown(paths: &[PathBuf]) -> Vec<String> {
        paths.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn homes_come_in_the_order_of_kustomize() {
        let all = Environment {
            kustomize_plugin_home: Some(Path::new("/plugins")),
            xdg_config_home: Some(Path::new("/xdg")),
            home: Some(Path::new("/home/x")),
        };
        assert_eq!(
            shown(&homes(all)),
            [
                "/plugins",
                "/xdg/kustomize/plugin",
                "/home/x/.config/kustomize/plugin",
                "/home/x/kustomize/plugin"
            ]
        );
        let default_xdg = Environment {
            kustomize_plugin_home: Some(Path::new("")),
            xdg_config_home: Some(Path::new("/home/x/.config")),
            ..all
        };
        assert_eq!(
            shown(&homes(default_xdg)),
            ["/home/x/.config/kustomize/plugin", "/home/x/kustomize/plugin"]
        );
        assert!(homes(Environment::default()).is_empty());
    }

    #[test]
    fn the_first_home_that_exists_is_the_one() {
        let homes = [PathBuf::from("/a"), PathBuf::from("/b")];
        assert_eq!(
            choose(&homes, |path| path == Path::new("/b")),
            Some(Home { path: "/b".into(), exists: true })
        );
        assert_eq!(choose(&homes, |_| false), Some(Home { path: "/a".into(), exists: false }));
        assert_eq!(choose(&[], |_| true), None);
    }

    #[test]
    fn links_lie_where_kustomize_looks() {
        let paths: Vec<_> = links(Path::new("/p")).into_iter().map(|link| link.path).collect();
        assert_eq!(
            shown(&paths),
            [
                "/p/infraflux.io/v1alpha1/clusterplan/ClusterPlan",
                "/p/infraflux.io/v1alpha1/fleetplan/FleetPlan",
                "/p/infraflux.io/v1alpha1/admission/Admission",
            ]
        );
    }
}
