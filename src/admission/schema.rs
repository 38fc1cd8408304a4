//! Schemas of kinds, and objects checked against them as the API server does.
//!
//! CRDs come from the user: whoever reads files hands their content to [`Schemas`]. The kinds of Kubernetes itself are
//! built in, from k8s-openapi. Both go through one walker, because their types in Rust accept unknown fields and wrong
//! words. What has no schema is counted and told, never passed in silence.

mod at;
mod builtin;
mod compile;
mod crd;
mod default;
mod format;
mod metadata;
mod node;
mod number;
mod pattern;
mod report;
mod store;
mod told;
mod walk;

pub use crd::{Crd, CrdVersion, documents};
pub use report::{Report, UncheckedKind, UncheckedRule};
pub use store::{Check, Schemas};

pub(crate) use at::At;
pub(crate) use format::Format;
pub(crate) use node::{Id, List, Node, Others, Tree, Type};
pub(crate) use pattern::Pattern;
pub(crate) use told::cut;
