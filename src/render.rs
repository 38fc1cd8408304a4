//! A resolved cluster and a catalogue to manifests.

mod autoscaler;
pub(crate) mod aws;
pub(crate) mod azure;
pub mod cluster;
pub mod features;
pub mod images;
pub mod library;
pub mod name;
pub mod nodes;
pub mod scope;
pub mod secrets;
pub mod talos;
pub mod variables;

pub use cluster::{Origin, RenderedCluster, RenderedDocument, RenderedFile, render};
pub use library::Library;
