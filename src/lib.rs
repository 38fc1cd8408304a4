//! From one small typed file, everything that a Kubernetes cluster needs, as data.

pub mod admission;
pub mod catalog;
#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
pub mod finding;
pub mod krm;
pub mod management;
pub mod output;
pub mod plan;
pub mod render;
pub mod template;
pub mod yaml;
