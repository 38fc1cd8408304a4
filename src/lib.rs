//! From one small typed file, everything that a Kubernetes cluster needs, as data.

pub mod admission;
pub mod finding;
pub mod output;
pub mod yaml;
