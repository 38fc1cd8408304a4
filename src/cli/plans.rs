//! Plans and flags, as the commands that render take them.

use std::path::PathBuf;

use clap::Args;

use super::{catalog, count::count, files, project::Project};
use crate::{finding::Findings, plan::read::Request, render::Library, yaml::Limits};

/// Which plans, with which values, over which catalogue.
#[derive(Debug, Args)]
pub struct Plans {
    /// A ClusterPlan, FleetPlan or ConfigMap, or several in one file; `-` is standard input; may be repeated
    #[arg(short, long = "file", value_name = "PLAN")]
    file: Vec<PathBuf>,
    /// A file with values above the plan's: a ClusterPlan that leaves out what it does not change. A `metadata.name` in it counts
    /// too. May be repeated, later ones win
    #[arg(long, value_name = "FILE")]
    values: Vec<PathBuf>,
    /// Set one field, for instance `--set controlPlane.replicas=1`; wins over the other flags; may be repeated. A
    /// `metadata.name` that differs from --name is refused
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,

    /// The provider: aws, azure, gcp or proxmox
    #[arg(long, help_heading = "Values of the plan")]
    provider: Option<String>,
    /// The cluster's name
    #[arg(long, help_heading = "Values of the plan")]
    name: Option<String>,
    /// The provider's region
    #[arg(long, help_heading = "Values of the plan")]
    region: Option<String>,
    /// Machines of the pool `default`; 0 means no pools
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = count::<u16>(0, 5000), help_heading = "Values of the plan")]
    workers: Option<u16>,
    /// Virtual CPUs of a machine of the pool `default`
    #[arg(long, value_name = "COUNT", allow_negative_numbers = true, value_parser = count::<u16>(1, 1024), help_heading = "Values of the plan")]
    cpu: Option<u16>,
    /// Memory of a machine of the pool `default`, in GiB
    #[arg(long, value_name = "GIB", allow_negative_numbers = true, value_parser = count::<u16>(2, 32768), help_heading = "Values of the plan")]
    memory: Option<u16>,
    /// Kubernetes, for instance 1.36 or 1.36.4
    #[arg(long, value_name = "VERSION", help_heading = "Values of the plan")]
    k8s: Option<String>,
    /// Recipe bundles, separated by commas
    #[arg(long, value_name = "A,B", help_heading = "Values of the plan")]
    recipes: Option<String>,
    /// The hub namespace
    #[arg(long, help_heading = "Values of the plan")]
    namespace: Option<String>,
    /// The set of versions: stable or current
    #[arg(long, help_heading = "Values of the plan")]
    profile: Option<String>,

    /// A folder whose files replace those of the built-in catalogue
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
}

impl Plans {
    /// Reads everything that is named.
    pub fn read(&self, project: &Project) -> Result<(Library, Request), Findings> {
        let catalog = catalog::load(self.catalog.as_deref().or(project.catalog.as_deref()))?;
        let mut request = Request::default();
        for path in &self.file {
            request.add_plans(files::source(path, Limits::PLAN)?)?;
        }
        for path in &self.values {
            request.add_values(files::source(path, Limits::PLAN)?)?;
        }
        request.add_flags(&self.flags())?;
        for text in &self.set {
            request.add_set(text)?;
        }
        Ok((Library::new(catalog), request))
    }

    /// The flags that were given, under their short names.
    fn flags(&self) -> Vec<(String, String)> {
        let number = |value: Option<u16>| value.map(|value| value.to_string());
        [
            ("provider", self.provider.clone()),
            ("name", self.name.clone()),
            ("region", self.region.clone()),
            ("workers", number(self.workers)),
            ("cpu", number(self.cpu)),
            ("memory", number(self.memory)),
            ("k8s", self.k8s.clone()),
            ("recipes", self.recipes.clone()),
            ("namespace", self.namespace.clone()),
            ("profile", self.profile.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
        .collect()
    }
}
