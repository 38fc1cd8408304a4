//! What several test files share.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod awkward;
pub mod clients;
pub mod crds;
pub mod infraflux;
pub mod mutate;
pub mod oracle;
pub mod plans;
pub mod rendering;
pub mod schemas;
pub mod scope;
