//! What waits for what, and whether the waiting can end.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use serde_json::Value;

use super::{
    duration,
    world::{Content, Delivery, HELM, KUSTOMIZE, World, depends_on},
};
use crate::{
    admission::{Object, Violation},
    finding::{Finding, Severity, codes, suggest},
    yaml::pointer::FieldPath,
};

/// helm-controller's default (`api/v2/helmrelease_types.go`).
const HELM_TIMEOUT: Duration = Duration::from_secs(300);

pub(super) fn check(world: &mut World<'_>) {
    let mut violations = Vec::new();
    let mut findings = Vec::new();
    kustomizations(world, &mut violations);
    releases(world, &mut violations, &mut findings);
    cycles(world, &mut violations, &mut findings);
    timeouts(world, &mut violations);
    world.report.violations.extend(violations);
    world.report.findings.extend(findings);
}

fn dependency(position: usize) -> FieldPath {
    FieldPath::of(["spec", "dependsOn"]).index(position).key("name")
}

fn kustomizations(world: &World<'_>, violations: &mut Vec<Violation>) {
    for delivery in &world.deliveries {
        let own = delivery.kustomization;
        let is_ours = world.owns(own.object);
        for (position, namespace, name) in own.depends_on() {
            let Some(target) = world.kustomization(namespace, name) else {
                violations.extend(absent(world, own.object, position, (namespace, name), KUSTOMIZE));
                continue;
            };
            if is_ours && !target.waits() && target.health_checks().is_empty() {
                violations.push(
                    Violation::error(
                        &codes::FLUX_WAIT,
                        target.object,
                        FieldPath::of(["spec", "wait"]),
                        format!(
                            "`{}` depends on the Kustomization `{name}`, which does not wait for what it applies",
                            own.name()
                        ),
                    )
                    .hint("set `wait: true`, or name what matters in `healthChecks`"),
                );
            }
            if target.is_suspended() && !own.is_suspended() {
                violations.push(
                    Violation::error(
                        &codes::FLUX_SUSPENDED,
                        own.object,
                        dependency(position),
                        format!("`{}` waits for `{name}`, which is suspended", own.name()),
                    )
                    .severity(Severity::Warning)
                    .hint("it goes on only if the suspended one was ready before"),
                );
            }
        }
        // What is looked at on another cluster may be there.
        if own.is_remote() && !is_ours {
            continue;
        }
        for (position, check) in own.health_checks().iter().enumerate() {
            let text = |key: &str| check.get(key).and_then(Value::as_str);
            let (Some(kind), Some(name)) = (text("kind"), text("name")) else { continue };
            let namespace = text("namespace").unwrap_or(if is_ours { "" } else { own.namespace() });
            let (group, there) = match kind {
                "HelmRelease" => (HELM, world.has_release(namespace, name)),
                "Kustomization" => (KUSTOMIZE, world.kustomization(namespace, name).is_some()),
                _ => continue,
            };
            // What an unread folder holds may be the very thing that is waited for.
            if there || (!is_ours && matches!(delivery.content(), Content::Foreign | Content::Missing)) {
                continue;
            }
            let Some(severity) = world.missing(group, kind, namespace, name) else { continue };
            violations.push(
                Violation::error(
                    &codes::FLUX_DEPENDENCY,
                    own.object,
                    FieldPath::of(["spec", "healthChecks"]).index(position).key("name"),
                    format!("there is no {kind} `{name}` in `{namespace}` whose health could be read"),
                )
                .severity(severity)
                .hint(if is_ours {
                    "name one that is rendered, or take the check out"
                } else {
                    "correct the name or the namespace, or take the check out"
                }),
            );
        }
    }
}

/// A dependency on something that is not there, unless it may be.
fn absent(
    world: &World<'_>,
    object: &Object,
    position: usize,
    (namespace, name): (&str, &str),
    group: &'static str,
) -> Option<Violation> {
    let (kind, other) = if group == HELM { ("HelmRelease", KUSTOMIZE) } else { ("Kustomization", HELM) };
    let crossed = if other == HELM {
        world.has_release(namespace, name)
    } else {
        world.kustomization(namespace, name).is_some()
    };
    let missing = world.missing(group, kind, namespace, name)?;
    Some(
        Violation::error(
            &codes::FLUX_DEPENDENCY,
            object,
            dependency(position),
            format!("there is no {kind} `{name}` in `{namespace}`"),
        )
        .severity(if crossed { Severity::Error } else { missing })
        .hint(missing_hint(world, object, (namespace, name), other, crossed)),
    )
}

fn releases(world: &World<'_>, violations: &mut Vec<Violation>, findings: &mut Vec<Finding>) {
    for (object, delivery) in world.releases() {
        for (position, namespace, name) in depends_on(object) {
            if world.has_release(namespace, name) {
                continue;
            }
            let Some(violation) = absent(world, object, position, (namespace, name), HELM) else { continue };
            match delivery {
                None => violations.push(violation),
                Some(delivery) => {
                    let delivered = delivery.delivered(object);
                    let position = position.to_string();
                    findings.extend(delivered.map(|delivered| {
                        let path = ["spec", "dependsOn", &position, "name"];
                        let mut finding =
                            delivery.finding(delivered, &path, violation.code, violation.message);
                        finding.severity = violation.severity;
                        finding.hint = violation.hint;
                        finding
                    }));
                }
            }
        }
    }
}

fn missing_hint(
    world: &World<'_>,
    object: &Object,
    (namespace, name): (&str, &str),
    other: &str,
    crossed: bool,
) -> String {
    if other == HELM && crossed {
        return "there is a HelmRelease of that name, but a Kustomization waits for Kustomizations only: depend on one \
                whose `healthChecks` name it"
            .to_owned();
    }
    if other == KUSTOMIZE && crossed {
        return "there is a Kustomization of that name, but a HelmRelease waits for HelmReleases only"
            .to_owned();
    }
    let names: Vec<String> = if other == HELM {
        world
            .deliveries
            .iter()
            .filter(|delivery| delivery.kustomization.namespace() == namespace)
            .map(|delivery| delivery.kustomization.name().to_owned())
            .collect()
    } else {
        world.releases().iter().map(|(object, _)| object.id.name.clone()).collect()
    };
    suggest::hint(name, names.iter().map(String::as_str)).unwrap_or_else(|| {
        if world.owns(object) {
            "take the dependency out, or render what it names".to_owned()
        } else {
            "correct the name or the namespace, or take the dependency out".to_owned()
        }
    })
}

/// Circles of Kustomizations and of HelmReleases. A circle is reported once, at its first member's edge.
fn cycles(world: &World<'_>, violations: &mut Vec<Violation>, findings: &mut Vec<Finding>) {
    let kustomizations: Vec<(&Object, Option<&Delivery<'_>>)> =
        world.deliveries.iter().map(|delivery| (delivery.kustomization.object, None)).collect();
    for members in [kustomizations, world.releases()] {
        let set: Vec<&Object> = members.iter().map(|(object, _)| *object).collect();
        let mut by_name: HashMap<(&str, &str), usize> = HashMap::new();
        for (place, object) in set.iter().enumerate() {
            let namespace = object.id.namespace.as_deref().unwrap_or_default();
            by_name.entry((namespace, &object.id.name)).or_insert(place);
        }
        let position = |namespace: &str, name: &str| by_name.get(&(namespace, name)).copied();
        let edges: Vec<Vec<(usize, usize)>> = set
            .iter()
            .map(|object| {
                depends_on(object)
                    .into_iter()
                    .filter_map(|(place, namespace, name)| Some((place, position(namespace, name)?)))
                    .collect()
            })
            .collect();
        let mut known: BTreeSet<usize> = BTreeSet::new();
        for start in in_circles(&edges) {
            if known.contains(&start) {
                continue;
            }
            let Some(path) =
                circle(&edges, start).filter(|path| !path.iter().any(|step| known.contains(step)))
            else {
                continue;
            };
            known.extend(&path);
            let names: Vec<&str> = path.iter().chain(path.first()).map(|step| &*set[*step].id.name).collect();
            let next = path.get(1).or(path.first()).copied().unwrap_or(start);
            let place =
                edges[start].iter().find(|(_, target)| *target == next).map_or(0, |(place, _)| *place);
            let message = format!("dependencies go in a circle: {}", names.join(" -> "));
            let hint = "take one of these edges out";
            match members[start].1.and_then(|delivery| Some((delivery, delivery.delivered(set[start])?))) {
                Some((delivery, delivered)) => {
                    let steps = ["spec", "dependsOn", &*place.to_string(), "name"];
                    findings
                        .push(delivery.finding(delivered, &steps, &codes::FLUX_CYCLE, message).hint(hint));
                }
                None => violations.push(
                    Violation::error(&codes::FLUX_CYCLE, set[start], dependency(place), message).hint(hint),
                ),
            }
        }
    }
}

/// The nodes that are in a circle or between two: what is left when those without a predecessor or without a successor are
/// taken out again and again.
fn in_circles(edges: &[Vec<(usize, usize)>]) -> Vec<usize> {
    let mut left = vec![true; edges.len()];
    let reversed = {
        let mut reversed: Vec<Vec<usize>> = vec![Vec::new(); edges.len()];
        for (from, targets) in edges.iter().enumerate() {
            for (_, to) in targets {
                reversed[*to].push(from);
            }
        }
        reversed
    };
    let forward: Vec<Vec<usize>> =
        edges.iter().map(|targets| targets.iter().map(|(_, to)| *to).collect()).collect();
    for (ahead, behind) in [(&forward, &reversed), (&reversed, &forward)] {
        let mut count: Vec<usize> = ahead.iter().map(Vec::len).collect();
        let mut open: Vec<usize> = (0..count.len()).filter(|node| count[*node] == 0).collect();
        while let Some(node) = open.pop() {
            left[node] = false;
            for other in &behind[node] {
                count[*other] -= 1;
                if count[*other] == 0 {
                    open.push(*other);
                }
            }
        }
    }
    (0..left.len()).filter(|node| left[*node]).collect()
}

/// The shortest way from a node back to itself.
fn circle(edges: &[Vec<(usize, usize)>], start: usize) -> Option<Vec<usize>> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for (_, next) in &edges[node] {
            if *next == start {
                let mut path = vec![node];
                while let Some(previous) = path.last().and_then(|last| before.get(last)) {
                    path.push(*previous);
                }
                path.reverse();
                return Some(path);
            }
            if *next != start && !before.contains_key(next) {
                before.insert(*next, node);
                open.push_back(*next);
            }
        }
    }
    None
}

/// A Kustomization that waits for HelmReleases must wait longer than they may take.
fn timeouts(world: &World<'_>, violations: &mut Vec<Violation>) {
    let releases = world.releases();
    // Others take the default of both, and are told by the controller when it was too short.
    for delivery in world.deliveries.iter().filter(|delivery| world.owns(delivery.kustomization.object)) {
        let own = delivery.kustomization;
        let waited: Vec<&Object> = if own.waits() {
            let is_mine = |other: Option<&Delivery<'_>>| {
                other.is_some_and(|other| std::ptr::eq(other.kustomization.object, own.object))
            };
            releases.iter().filter(|(_, other)| is_mine(*other)).map(|(object, _)| *object).collect()
        } else {
            own.health_checks()
                .iter()
                .filter(|check| check.get("kind").and_then(Value::as_str) == Some("HelmRelease"))
                .filter_map(|check| {
                    let text = |key: &str| check.get(key).and_then(Value::as_str);
                    releases.iter().map(|(object, _)| *object).find(|object| {
                        Some(&*object.id.name) == text("name")
                            && object.id.namespace.as_deref() == text("namespace")
                    })
                })
                .collect()
        };
        let longest = waited
            .iter()
            .filter_map(|object| chain(object, &waited, &mut Vec::new()))
            .max_by_key(|(sum, _)| *sum);
        let Some((sum, names)) = longest else { continue };
        // Without one it is the interval minus 30 seconds.
        let Some(own_timeout) = own.object.text("spec.timeout").and_then(duration::parse) else { continue };
        if own_timeout <= sum {
            violations.push(
                Violation::error(
                    &codes::FLUX_TIMEOUT,
                    own.object,
                    FieldPath::of(["spec", "timeout"]),
                    format!(
                        "the Kustomization `{}` waits {} for HelmReleases that may take {}: {}",
                        own.name(),
                        duration::show(own_timeout),
                        duration::show(sum),
                        names.join(" -> ")
                    ),
                )
                .hint(format!(
                    "set a timeout above {}; for a bundle in its `bundle.yaml`",
                    duration::show(sum)
                )),
            );
        }
    }
}

/// The longest that a release may take with everything of the set before it, and who that is. None in a circle, which is
/// another finding.
fn chain<'set>(
    object: &'set Object,
    set: &[&'set Object],
    open: &mut Vec<&'set str>,
) -> Option<(Duration, Vec<&'set str>)> {
    if open.contains(&&*object.id.name) {
        return None;
    }
    open.push(&object.id.name);
    let own = object.text("spec.timeout").and_then(duration::parse).unwrap_or(HELM_TIMEOUT);
    let mut longest: (Duration, Vec<&str>) = (Duration::ZERO, Vec::new());
    for (_, _, name) in depends_on(object) {
        let Some(before) = set.iter().find(|other| other.id.name == name) else { continue };
        let way = chain(before, set, open)?;
        if way.0 > longest.0 {
            longest = way;
        }
    }
    open.pop();
    longest.1.push(&object.id.name);
    Some((longest.0 + own, longest.1))
}
