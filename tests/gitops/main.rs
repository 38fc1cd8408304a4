//! The Flux side: what is rendered and what lies in the catalogue, resolved and walked as the controllers would.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;

mod bringup;
mod checks;
mod clients;
mod faults;
mod graph;
mod schemas;
mod shared;
mod union;
mod values;
mod world;
