//! The admission twin: what is let through here, the API servers accept.
//!
//! Every check is a pure function over [`Object`]s that returns [`Violation`]s. Who asked turns them into findings,
//! because only the door knows where a field came from: the plan and the template for what we rendered, the line of
//! the file for what a user wrote.

pub(crate) mod cel;
pub mod flux;
pub mod foreign;
pub mod object;
pub mod rendered;
pub mod rules;
pub mod schema;
pub mod secrets;
pub mod semantics;
pub mod versions;

pub use cel::Unchecked;
pub use object::{Object, Objects, Violation};
