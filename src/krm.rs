//! The doors for kustomize and kpt: KRM function and legacy exec plugin.
//!
//! Everything here is a pure function over bytes; who calls it owns stdin, stdout, files and the environment.

mod annotate;
pub mod doctor;
pub mod door;
pub mod engine;
mod exchange;
pub mod function;
mod header;
pub mod item;
pub mod legacy_plugin;
mod numbering;
pub mod plugin_home;
mod reply;
pub mod resource_list;
mod results;
mod slice;
mod stream;

pub use engine::{Config, ConfigKind, Engine, Rendered, RenderedItem, Request};
pub use function::Reply;
pub use item::Item;
pub use resource_list::{FunctionConfig, ResourceList};
pub use stream::LIMITS;
