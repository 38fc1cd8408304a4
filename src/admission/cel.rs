//! `x-kubernetes-validations`: the rules in CEL that CRDs carry.
//!
//! Rules are compiled by kube-core's `cel` module and run with the functions that it has. The walk over the object is our
//! own, beside that of the schema: it follows list entries by their keys to the old object, converts only what a rule
//! looks at, and keeps what cannot be run apart from what is wrong.

mod environment;
mod rule;
mod value;
mod walk;

pub(crate) use rule::Rule;
pub use rule::Unchecked;
pub(crate) use walk::judge;
