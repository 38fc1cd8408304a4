//! What the doors ask of the renderer and the admission twin.

use super::item::Item;
use crate::{
    finding::{Findings, ObjectRef},
    yaml::{Node, Sources},
};

/// What a functionConfig or a plan among the items may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfigKind {
    /// `infraflux.io/v1alpha1` ClusterPlan.
    ClusterPlan,
    /// `infraflux.io/v1alpha1` FleetPlan.
    FleetPlan,
    /// `v1` ConfigMap with the names of the flags as keys and strings as values.
    ConfigMap,
    /// `infraflux.io/v1alpha1` Admission.
    Admission,
}

impl ConfigKind {
    /// The API group and version of all kinds but the ConfigMap.
    pub const API_VERSION: &'static str = "infraflux.io/v1alpha1";

    /// The kind of an object, if it is one of ours.
    #[must_use]
    pub fn of(id: &ObjectRef) -> Option<Self> {
        match (id.api_version.as_str(), id.kind.as_str()) {
            (Self::API_VERSION, "ClusterPlan") => Some(Self::ClusterPlan),
            (Self::API_VERSION, "FleetPlan") => Some(Self::FleetPlan),
            (Self::API_VERSION, "Admission") => Some(Self::Admission),
            ("v1", "ConfigMap") => Some(Self::ConfigMap),
            _ => None,
        }
    }

    /// Whether it is an object of its own that describes clusters, wherever it lies.
    #[must_use]
    pub fn is_plan(self) -> bool {
        matches!(self, Self::ClusterPlan | Self::FleetPlan)
    }
}

/// A plan to render, or an Admission to follow.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What it is.
    pub kind: ConfigKind,
    /// Its identity.
    pub id: ObjectRef,
    /// Its content; places lie in the sources of the request.
    pub node: Node,
}

/// What the engine is given.
#[derive(Debug, Clone, Copy)]
pub struct Request<'run> {
    /// The texts that all places lie in. An engine that reads more files adds them to its own clone.
    pub sources: &'run Sources,
    /// One functionConfig, or the plans among the items in their order; never empty.
    pub configs: &'run [Config],
    /// Everything that came in, in order: foreign items, local configuration, our own earlier items, and mostly the
    /// configuration itself. [`Item::node`] gives the content, for instance of CRDs.
    pub items: &'run [Item],
}

/// One object that was rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedItem {
    /// Its identity, the same as in `text`.
    pub id: ObjectRef,
    /// The plan that it belongs to, `<namespace>/<name>`: becomes the annotation `infraflux.io/plan` unless the text
    /// has it.
    pub plan: String,
    /// Where it goes, relative to the package, with slashes: `<cluster>/cluster/cluster.yaml`. Several items may share
    /// one path; they get its positions in their order.
    pub path: String,
    /// One YAML mapping in block style, comments included, without `---`.
    pub text: String,
}

/// What came of rendering.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rendered {
    /// The objects in the order in which new ones are appended.
    pub items: Vec<RenderedItem>,
    /// The plans that were rendered, by the value of their items' annotation. Earlier items of these plans that are not
    /// among `items` now are dropped; those of other plans stay.
    pub plans: Vec<String>,
    /// What was found. One error, and nothing that came in is changed.
    pub findings: Findings,
}

/// Renders plans and checks objects.
pub trait Engine {
    /// Renders the plans of a request. They are ClusterPlans, FleetPlans, or one ConfigMap.
    fn render(&self, request: Request<'_>) -> Rendered;

    /// Checks the items of a request as its one Admission says. `spec.emit` (`items` or `none`) is the door's, not the
    /// engine's.
    fn admit(&self, request: Request<'_>) -> Findings;
}
