//! Inputs that are too much: an answer, no crash, and soon.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{fmt::Write as _, time::Instant};

use infraflux::{
    krm::{LIMITS, Reply, function, legacy_plugin},
    yaml::Limits,
};

#[path = "krm/fake.rs"]
mod fake;
use fake::Fake;

const HEAD: &str = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n";
const PLAN: &str = "apiVersion: infraflux.io/v1alpha1\nkind: ClusterPlan\nmetadata: {name: lab}\n";

fn refused(input: &str, code: &str) {
    let start = Instant::now();
    let limits = Limits { bytes: 80 << 20, ..LIMITS };
    for reply in [
        function::run(input.as_bytes(), limits, &Fake),
        legacy_plugin::run("<config>", PLAN.as_bytes(), input.as_bytes(), limits, &Fake),
    ] {
        assert_eq!(reply.exit, 1, "{code}");
        assert!(reply.stderr.starts_with(&format!("error {code} in <stdin>:")), "{}", reply.stderr);
    }
    assert!(start.elapsed().as_secs() < 20, "took {:?}", start.elapsed());
}

#[test]
fn a_large_input_is_refused_and_can_be_allowed() {
    let mut input = format!("{HEAD}items:\n");
    while input.len() < 50 << 20 {
        input.push_str("- {apiVersion: v1, kind: ConfigMap, data: {text: \"");
        input.push_str(&"x".repeat(1 << 20));
        input.push_str("\"}}\n");
    }
    let Reply { stdout, stderr, exit } = function::run(input.as_bytes(), LIMITS, &Fake);
    assert_eq!(exit, 1);
    assert!(stderr.contains("IF0005"), "{stderr}");
    assert!(stderr.contains("INFRAFLUX_MAX_INPUT_MIB"), "{stderr}");
    assert!(String::from_utf8(stdout).unwrap().starts_with(HEAD));

    let allowed = function::run(input.as_bytes(), Limits { bytes: 60 << 20, ..LIMITS }, &Fake);
    assert_eq!(allowed.exit, 0, "{}", allowed.stderr);
    assert!(allowed.stdout.starts_with(input.as_bytes()));
}

#[test]
fn deep_nesting_is_refused_in_every_style() {
    for nest in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        (0..2000).fold(String::new(), |mut text, depth| {
            write!(text, "\n{}k:", " ".repeat(depth + 3)).unwrap();
            text
        }),
    ] {
        refused(&format!("{HEAD}items:\n- apiVersion: v1\n  x:\n    {nest}\n"), "IF0006");
    }
}

#[test]
fn aliases_that_grow_are_refused() {
    let mut bomb = format!("{HEAD}items:\n- apiVersion: v1\n  k0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..40 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "  k{level}: &a{level} [{aliases}]").unwrap();
    }
    refused(&bomb, "IF0007");
}

#[test]
fn many_foreign_items_pass_in_time_that_grows_with_their_number() {
    let item = "- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: x\n  data:\n    a: b # c\n";
    for (json, count) in [(false, 20_000), (true, 20_000)] {
        let input = if json {
            let item = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\"}}";
            format!("{{\"kind\":\"ResourceList\",\"items\":[{}]}}\n", vec![item; count].join(","))
        } else {
            format!("{HEAD}items:\n{}", item.repeat(count))
        };
        let start = Instant::now();
        let reply = function::run(input.as_bytes(), LIMITS, &Fake);
        assert_eq!(reply.exit, 0);
        let output = String::from_utf8(reply.stdout).unwrap();
        let end = input.rfind(']').unwrap_or(input.len());
        assert!(output.starts_with(&input[..end]));
        // A generous bound for an unoptimised build on a busy machine: anything quadratic takes minutes.
        assert!(start.elapsed().as_secs() < 30, "took {:?}", start.elapsed());
    }
}
