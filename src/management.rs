//! The management side: what `infraflux init` writes for the hub, and the documents by which a person brings a hub up, takes a
//! cluster away, or makes a Talos machine by hand.
//!
//! The templates lie in the catalogue under `management/` and are filled by the same engine as those of clusters. What a person
//! does is data too: a [`runbook`] is a list of steps with their commands, so that a test can look at each command.

pub mod decommission;
pub mod hub;
pub mod machine_config;
pub mod record;
pub mod runbook;
pub mod secrets;
pub mod settings;
pub mod values;

pub use hub::{RenderedHub, render};
pub use record::Record;
pub use settings::Settings;
pub use values::Values;
