//! Which Kubernetes and which Talos.

use semver::Version;

use super::{Resolver, field};
use crate::{
    catalog::profile::{Profile, Releases},
    finding::{codes, suggest},
    plan::cluster_plan::ClusterPlanSpec,
    yaml::pointer::FieldPath,
};

impl Resolver<'_> {
    pub(super) fn kubernetes(&mut self, spec: &ClusterPlanSpec, profile: &Profile) -> Option<Version> {
        let path = field("spec.kubernetesVersion");
        let wanted = spec.kubernetes_version.as_deref();
        self.version(wanted, &profile.spec.kubernetes, "Kubernetes", &profile.metadata.name, &path)
    }

    pub(super) fn talos_version(&mut self, spec: &ClusterPlanSpec, profile: &Profile) -> Option<Version> {
        let path = field("spec.talos.version");
        let wanted = spec.talos.as_ref().and_then(|talos| talos.version.as_deref());
        self.version(wanted, &profile.spec.talos, "Talos", &profile.metadata.name, &path)
    }

    /// A full version as given; a minor means the newest patch that the profile knows.
    fn version(
        &mut self,
        wanted: Option<&str>,
        releases: &Releases,
        what: &str,
        profile: &str,
        path: &FieldPath,
    ) -> Option<Version> {
        let wanted = wanted.unwrap_or(&releases.default).trim_start_matches('v');
        if wanted.matches('.').count() >= 2 {
            return match Version::parse(wanted) {
                Ok(version) => Some(version),
                Err(error) => {
                    self.error(
                        &codes::PLAN_VERSION,
                        path,
                        format!("`{wanted}` is not a version of {what}: {error}"),
                        "write it like \"1.36\" or \"1.36.4\"",
                    );
                    None
                }
            };
        }
        let newest = releases.newest.get(wanted).map(|component| component.version.trim_start_matches('v'));
        let Some(newest) = newest else {
            let known: Vec<&str> = releases.newest.keys().map(String::as_str).collect();
            self.error(
                &codes::PLAN_VERSION,
                path,
                format!("the profile `{profile}` knows no patch release of {what} {wanted}"),
                format!(
                    "it knows {}; write the full version, for instance \"{wanted}.0\", to use another one",
                    suggest::list(&known, "and")
                ),
            );
            return None;
        };
        match Version::parse(newest) {
            Ok(version) => Some(version),
            Err(error) => {
                self.error(
                    &codes::PROFILE,
                    path,
                    format!("the profile `{profile}` gives `{newest}` for {what} {wanted}: {error}"),
                    "correct the profile",
                );
                None
            }
        }
    }
}
