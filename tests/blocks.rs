//! The blocks of providers: every field is shown in `values.example.yaml` and explained in the README.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use infraflux::{catalog::Catalog, plan::Provider, render::variables::block_variables};

/// Whether a text has a word, not only as a part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    text.split(|sign: char| !sign.is_ascii_alphanumeric()).any(|found| found == word)
}

/// Every field of the block has its last word in the example and in the README.
fn check(provider: Provider) {
    let catalog = Catalog::embedded();
    let example = catalog.get(&format!("clusters/{provider}/values.example.yaml")).unwrap();
    let readme = std::fs::read_to_string(format!("clusters/{provider}/README.md")).unwrap();
    let mut missing = Vec::new();
    for (_, field) in block_variables(provider) {
        let words = field.words();
        let key = words.last().unwrap();
        for (place, text) in [("values.example.yaml", example.text()), ("README.md", &readme)] {
            if !has_word(text, key) {
                missing.push(format!("clusters/{provider}/{place} does not show `{field}`"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn aws_is_shown_and_explained() {
    check(Provider::Aws);
}

#[test]
fn azure_is_shown_and_explained() {
    check(Provider::Azure);
}
