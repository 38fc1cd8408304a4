//! From one small typed file, everything that a Kubernetes cluster needs, as data.

pub mod admission;
pub mod catalog;
pub mod finding;
pub mod krm;
pub mod output;
pub mod plan;
pub mod render;
pub mod template;
pub mod yaml;
