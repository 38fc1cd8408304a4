//! What exists outside of a checked set, because somebody says so.

use std::collections::HashSet;

use crate::finding::Severity;

/// Objects that are not in the set but exist.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct External {
    /// The API group; empty for the core group of Kubernetes.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace; `None` for any, and for kinds without one.
    pub namespace: Option<String>,
    /// The name; `None` for all of this kind there.
    pub name: Option<String>,
}

impl External {
    /// One object.
    #[must_use]
    pub fn object(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::kind(group, kind, namespace) }
    }

    /// All objects of a kind, in a namespace or everywhere.
    #[must_use]
    pub fn kind(group: &str, kind: &str, namespace: Option<&str>) -> Self {
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: None,
        }
    }
}

/// Everything that is declared to exist outside of a checked set.
///
/// The Secrets that Cluster API writes for each Cluster of the set (`<cluster>-kubeconfig`, `-talosconfig`, `-ca`,
/// `-talos`) never need to be declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Externals {
    declared: HashSet<External>,
    all: bool,
    missing: Severity,
}

impl Default for Externals {
    fn default() -> Self {
        Self { declared: HashSet::new(), all: false, missing: Severity::Error }
    }
}

impl Externals {
    /// Nothing exists outside.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Whatever is asked for exists: references are not checked for their targets.
    #[must_use]
    pub fn everything() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// What a hub has that is shared by clusters: Flux sources in `flux-system`, the AWS identities (which have no
    /// namespace), Azure identities in `capz-system`, the Kustomization that brings the hub's Secrets, and Secrets of the controllers' own namespaces.
    #[must_use]
    pub fn of_a_hub() -> Self {
        let sources =
            ["GitRepository", "OCIRepository", "Bucket", "HelmRepository", "HelmChart", "ExternalArtifact"];
        let identities =
            ["AWSClusterControllerIdentity", "AWSClusterRoleIdentity", "AWSClusterStaticIdentity"];
        let mut externals = Self::none();
        externals.extend(
            sources.map(|kind| External::kind("source.toolkit.fluxcd.io", kind, Some("flux-system"))),
        );
        externals
            .extend(identities.map(|kind| External::kind("infrastructure.cluster.x-k8s.io", kind, None)));
        externals.extend([External::kind(
            "infrastructure.cluster.x-k8s.io",
            "AzureClusterIdentity",
            Some("capz-system"),
        )]);
        externals.extend(
            ["capa-system", "capz-system", "capg-system", "capmox-system", "flux-system"]
                .map(|namespace| External::kind("", "Secret", Some(namespace))),
        );
        // What brings a hub's Secrets is the user's own, in `sops/flux` of the catalogue.
        externals.extend([External::object(
            "kustomize.toolkit.fluxcd.io",
            "Kustomization",
            Some("flux-system"),
            "secrets-management",
        )]);
        externals
    }

    /// The same with another severity for references that do not resolve; a warning suits sets that are known to be
    /// a part of something.
    #[must_use]
    pub fn missing_is(mut self, severity: Severity) -> Self {
        self.missing = severity;
        self
    }

    /// The severity of a reference that does not resolve.
    #[must_use]
    pub fn missing(&self) -> Severity {
        self.missing
    }

    /// Whether an object is declared to exist.
    #[must_use]
    pub fn has(&self, group: &str, kind: &str, namespace: Option<&str>, name: &str) -> bool {
        self.all
            || (!self.declared.is_empty()
                && [namespace, None].into_iter().any(|namespace| {
                    self.declared.contains(&External::object(group, kind, namespace, name))
                        || self.declared.contains(&External::kind(group, kind, namespace))
                }))
    }

    /// The names that are declared for a kind.
    pub fn names<'this>(
        &'this self,
        group: &'this str,
        kind: &'this str,
    ) -> impl Iterator<Item = &'this str> {
        self.declared
            .iter()
            .filter(move |external| external.group == group && external.kind == kind)
            .filter_map(|external| external.name.as_deref())
    }
}

impl Extend<External> for Externals {
    fn extend<Iter: IntoIterator<Item = External>>(&mut self, externals: Iter) {
        self.declared.extend(externals);
    }
}

#[cfg(test)]
mod tests {
    use super::{External, Externals};

    #[test]
    fn declares_objects_and_kinds() {
        let mut externals = Externals::of_a_hub();
        externals.extend([External::object("", "Secret", Some("a"), "token")]);
        let source = "source.toolkit.fluxcd.io";
        assert!(
            externals.has("", "Secret", Some("a"), "token")
                && !externals.has("", "Secret", Some("b"), "token")
        );
        assert!(externals.has(source, "GitRepository", Some("flux-system"), "any"));
        assert!(!externals.has(source, "GitRepository", Some("other"), "any"));
        assert!(externals.has("infrastructure.cluster.x-k8s.io", "AWSClusterRoleIdentity", None, "x"));
        assert!(
            Externals::everything().has("a", "B", None, "c") && !Externals::none().has("a", "B", None, "c")
        );
    }
}
