//! YAML as Kubernetes clients use it: reading with places, and writing that every reader understands alike.
//!
//! Two facts shape this room. `kubectl`, Flux and controllers read YAML 1.1 scalars, kustomize reads something in
//! between, and Rust readers read 1.2; so text that we write must mean the same under all of them ([`scalar`],
//! [`emit`]). And every message must point at the user's own line; so what we read keeps its place ([`node`]).

pub mod emit;
pub mod node;
pub mod overlay;
pub mod pointer;
pub mod read;
pub mod scalar;
pub mod source;
pub mod typed;

pub use node::{Data, Entry, Mapping, Node};
pub use read::{Document, Limits, read};
pub use source::{Location, Origin, Place, Source, SourceId, Sources};
