//! Templates: YAML in which `${NAME}` stands for a value.
//!
//! A template is parsed once, as YAML, and kept as the bytes between its holes. Filling copies those bytes and writes
//! each value into the scalar that it belongs to, quoted for that place; so a value can never leave its scalar, comments
//! and layout survive, and no output has to be parsed again to know that it is YAML.
//!
//! | written | means |
//! |---|---|
//! | `key: ${NAME}` | the value with its type, lists and mappings included |
//! | `key: "${NAME}"`, `a-${NAME}` | text |
//! | `${NAME:-default}` | the default where the variable is unset |
//! | `key: ${?NAME}` | the entry (or list item) is left out where the variable is unset |
//! | `$${NAME}` | a literal `${NAME}`, for Flux or a shell |
//! | `# infraflux.io/when: gpu, !spot` | above a document, an entry or a list item: only with these features |
//!
//! A mapping or list that loses all its entries this way is left out with its key: Cluster API refuses empty ones.

pub mod compile;
pub mod condition;
pub mod fill;
pub mod hole;
pub mod shape;
pub mod value;

pub use compile::{Language, Template, TemplateDocument};
pub use condition::Condition;
pub use fill::{Filled, Scope};
pub use value::{Value, YamlText};
