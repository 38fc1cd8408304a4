//! What a template sees: the cluster, and the machines, zone, bundle or list entry that it is filled for.

use super::{
    features,
    talos::PreparedMachines,
    variables::{self, Level},
};
use crate::{
    plan::{
        resolved::{Machines, ResolvedBundle, ResolvedCluster, ResolvedStage},
        talos::{RegistryMirror, UserVolume},
    },
    template::{Scope, Value, hole::Hole},
    yaml::pointer::FieldPath,
};

/// A zone of a pool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zone<'plan> {
    /// Its position among the pool's zones.
    pub position: usize,
    /// Its name; none when the pool has no zones.
    pub failure_domain: Option<&'plan str>,
}

/// Everything that variables are made from.
#[derive(Clone, Copy)]
pub struct Context<'plan> {
    /// The cluster.
    pub cluster: &'plan ResolvedCluster,
    /// The machines, for templates of the control plane and of pools.
    pub machines: Option<&'plan Machines>,
    /// What was made for these machines before.
    pub prepared: Option<&'plan PreparedMachines>,
    /// What was made for the control plane before.
    pub control_plane: Option<&'plan PreparedMachines>,
    /// The zone, for templates of zones.
    pub zone: Option<Zone<'plan>>,
    /// The bundle and stage, for templates of recipes.
    pub stage: Option<(&'plan ResolvedBundle, &'plan ResolvedStage)>,
    /// The registry mirror, for the patch template of mirrors.
    pub mirror: Option<&'plan RegistryMirror>,
    /// The volume, for the patch template of volumes.
    pub volume: Option<&'plan UserVolume>,
}

impl<'plan> Context<'plan> {
    /// The cluster alone.
    #[must_use]
    pub fn cluster(cluster: &'plan ResolvedCluster) -> Self {
        Self {
            cluster,
            machines: None,
            prepared: None,
            control_plane: None,
            zone: None,
            stage: None,
            mirror: None,
            volume: None,
        }
    }

    /// Whether a variable has a value.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.variable(name).is_some_and(|value| !value.is_empty_collection())
    }

    /// The field of the plan that a variable comes from.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<FieldPath> {
        variables::field(self, name)
    }

    fn level(&self) -> Level {
        if self.stage.is_some() {
            Level::Stage
        } else if self.mirror.is_some() {
            Level::Mirror
        } else if self.volume.is_some() {
            Level::Volume
        } else if self.zone.is_some() {
            Level::Zone
        } else if self.machines.is_some() {
            Level::Machines
        } else {
            Level::Cluster
        }
    }
}

impl Scope for Context<'_> {
    fn variable(&self, name: &str) -> Option<Value> {
        variables::value(self, name)
    }

    fn value(&self, hole: &Hole) -> Option<Value> {
        match hole.slot {
            Some(slot) => variables::value_at(self, slot),
            None => variables::value(self, &hole.name),
        }
    }

    fn feature(&self, name: &str) -> bool {
        features::is_on(self, name)
    }

    fn names(&self) -> Vec<String> {
        variables::names(self, self.level())
    }

    fn remedy(&self, name: &str) -> Option<String> {
        let field = self.field(name)?;
        Some(format!("set `{field}` in the plan"))
    }
}
