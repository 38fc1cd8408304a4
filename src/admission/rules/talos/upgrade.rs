//! Versions of a control plane against those of the render before.

use crate::admission::rules::{Context, Violation, version};

use super::config::CONTROL_PLANE_CONFIG;

/// What to do when the judgement is about a render that nobody has applied.
const NEVER_APPLIED: &str =
    "if the earlier render was never applied, remove its folder, or name what is applied with `--against`";

pub(super) fn kubernetes(context: &Context<'_>) -> Vec<Violation> {
    let path = "spec.version";
    let Some(previous) = context.previous else { return Vec::new() };
    let (Some(old), Some(new)) = (previous.text(path), context.object.text(path)) else { return Vec::new() };
    let (Some(before), Some(now)) = (version::kubernetes(old), version::kubernetes(new)) else {
        return Vec::new();
    };
    if now < before {
        return vec![
            context
                .error(path, format!("the control plane runs Kubernetes {old} and cannot go back to {new}"))
                .hint(format!("keep {old} or a newer one; {NEVER_APPLIED}")),
        ];
    }
    let ([major, minor, _], [new_major, new_minor, _]) = (before, now);
    if new_major == major && new_minor > minor + 1 {
        return vec![
            context
                .error(
                    path,
                    format!(
                        "from Kubernetes {old} to {new} the control plane would skip {}",
                        between(major, minor, new_minor)
                    ),
                )
                .hint(format!(
                    "go to {major}.{} first and wait until every machine has it; {NEVER_APPLIED}",
                    minor + 1
                )),
        ];
    }
    Vec::new()
}

pub(super) fn talos(context: &Context<'_>) -> Vec<Violation> {
    let path = format!("{CONTROL_PLANE_CONFIG}.talosVersion");
    let Some(previous) = context.previous else { return Vec::new() };
    let (Some(old), Some(new)) = (previous.text(&path), context.object.text(&path)) else {
        return Vec::new();
    };
    let (Some(before), Some(now)) = (version::talos(old), version::talos(new)) else { return Vec::new() };
    if now < before {
        return vec![
            context
                .warning(&*path, format!("machines run Talos {before}, and {now} is older"))
                .hint(format!("keep {before} or a newer one; {NEVER_APPLIED}")),
        ];
    }
    if now.0 == before.0 && now.1 > before.1 + 1 {
        return vec![
            context
                .warning(
                    &*path,
                    format!("from Talos {before} to {now} the machines would skip {}", between(now.0, before.1, now.1)),
                )
                .hint(format!(
                    "go to {}.{} first: upgrades are tested between neighbouring minor versions; {NEVER_APPLIED}",
                    now.0,
                    before.1 + 1
                )),
        ];
    }
    Vec::new()
}

/// The minor versions between two, in a sentence.
fn between(major: u64, old: u64, new: u64) -> String {
    let skipped: Vec<String> = (old + 1..new).take(3).map(|minor| format!("{major}.{minor}")).collect();
    skipped.join(", ")
}
