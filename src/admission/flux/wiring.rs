//! Where things land: on the hub or on the cluster, in which namespace, from which source, under whose ownership.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use serde_json::Value;

use super::world::{Content, Delivered, Delivery, HELM, SOURCE, Target, Whose, World, list};
use crate::{
    admission::{Object, Violation},
    catalog::flux_variables,
    finding::{Finding, ObjectRef, Severity, codes, suggest},
    yaml::pointer::FieldPath,
};

/// How a source of `management/flux/sources` stands: `used`, `listed` or `retired`.
const SOURCE_STATUS: &str = "infraflux.io/status";

pub(super) fn check(world: &mut World<'_>) {
    let mut violations = Vec::new();
    let mut findings = Vec::new();
    let with_flux = spokes_with_flux(world);
    for delivery in &world.deliveries {
        let own = world.owns(delivery.kustomization.object);
        kustomization(world, delivery, &mut violations);
        if delivery.kustomization.is_remote() {
            if own || !with_flux.contains(&delivery.target()) {
                remote(delivery, own, &mut findings);
            }
        } else if own {
            on_the_hub(world, delivery, &mut violations, &mut findings);
        }
        // Of what others wrote, the rules on versions say it.
        for delivered in delivery.objects().iter().filter(|_| own) {
            findings.extend(old_version(&delivered.object).map(|message| {
                delivery
                    .finding(delivered, &["apiVersion"], &codes::FLUX_API_VERSION, message)
                    .hint("`kubectl explain` on the hub names the version that is served")
            }));
        }
    }
    for object in world.objects.iter().filter(|object| world.owns(object)) {
        leftovers(object, &mut violations);
        violations.extend(old_version(object).map(|message| {
            Violation::error(&codes::FLUX_API_VERSION, object, FieldPath::of(["apiVersion"]), message)
                .hint("the profile's `apiVersions` say what Flux serves")
        }));
    }
    releases(world, &mut violations, &mut findings);
    strays(world, &mut violations, &mut findings);
    owners(world, &mut violations);
    world.report.violations.extend(violations);
    world.report.findings.extend(findings);
}

/// The fields of a Kustomization itself.
fn kustomization(world: &World<'_>, delivery: &Delivery<'_>, violations: &mut Vec<Violation>) {
    let kustomization = delivery.kustomization;
    let object = kustomization.object;
    violations.extend(unusable_source(world, object, "spec.sourceRef"));
    if !world.owns(object) {
        return;
    }
    for key in ["namePrefix", "nameSuffix"] {
        if object.at(&format!("spec.{key}")).is_some() {
            violations.push(
                Violation::error(
                    &codes::FLUX_PREFIX,
                    object,
                    FieldPath::of(["spec", key]),
                    format!("`{key}` renames objects, but not the references inside Flux objects"),
                )
                .hint("take it out; clusters are kept apart by their namespaces"),
            );
        }
    }
    let cluster = world.cluster_in(kustomization.namespace());
    violations.extend(foreign_kubeconfig(object, cluster));
    let orphans = object.text("spec.deletionPolicy") == Some("Orphan");
    if kustomization.is_remote() && !orphans {
        violations.push(
            Violation::error(
                &codes::FLUX_ORPHAN,
                object,
                FieldPath::of(["spec", "deletionPolicy"]),
                format!("the Kustomization `{}` cleans up on the cluster when it is deleted", object.id.name),
            )
            .hint("set `deletionPolicy: Orphan`; removals in Git are pruned all the same"),
        );
    }
    // Of what was given, a folder may only not be here.
    let is_rendered = matches!(world.whose, Whose::Own(_));
    if is_rendered
        && cluster.is_some()
        && !kustomization.is_remote()
        && matches!(delivery.content(), Content::Foreign)
    {
        violations.push(
            Violation::error(
                &codes::FLUX_KUBECONFIG,
                object,
                FieldPath::of(["spec", "kubeConfig"]),
                format!("the Kustomization `{}` applies another source's objects to the hub", object.id.name),
            )
            .hint("add `kubeConfig.secretRef` with the cluster's kubeconfig"),
        );
    }
}

/// A kubeconfig that is not that of the namespace's cluster.
fn foreign_kubeconfig(object: &Object, cluster: Option<&str>) -> Option<Violation> {
    let name = object.text("spec.kubeConfig.secretRef.name")?;
    let expected = format!("{}-kubeconfig", cluster?);
    (name != expected).then(|| {
        Violation::error(
            &codes::FLUX_LOCAL,
            object,
            FieldPath::of(["spec", "kubeConfig", "secretRef", "name"]),
            format!("the kubeconfig `{name}` is not that of the cluster in this namespace"),
        )
        .hint(format!(
            "Cluster API writes `{expected}`; a Flux object reads Secrets of its own namespace only"
        ))
    })
}

/// A reference to a source that is declared nowhere, that gives nothing, or that should not be used any more.
fn unusable_source(world: &World<'_>, object: &Object, path: &str) -> Option<Violation> {
    let (kind, namespace, name) = source_of(object, path)?;
    let field = FieldPath::of(path.split('.')).key("name");
    let Some(source) = world.source(kind, namespace, name) else {
        if let Whose::Own(catalog) = &world.whose
            && (&*catalog.kind, &*catalog.namespace, &*catalog.name) == (kind, namespace, name)
        {
            return None;
        }
        // Of another kind: the rules on references say that.
        let given = matches!(world.whose, Whose::Given(_));
        if given && world.sources.iter().any(|other| is_named(other, namespace, name)) {
            return None;
        }
        let severity = world.missing(SOURCE, kind, namespace, name)?;
        let message = format!("there is no {kind} `{name}` in `{namespace}`");
        return Some(
            Violation::error(&codes::FLUX_SOURCE, object, field, message)
                .severity(severity)
                .hint(source_hint(world, object, kind, name)),
        );
    };
    if source.at("spec.suspend") == Some(&Value::Bool(true)) {
        let (severity, hint) = if world.owns(object) {
            let hint =
                "take `suspend: true` from the source; it is listed, and off as long as nobody uses it";
            (Severity::Error, hint)
        } else {
            (Severity::Warning, "what was fetched before still counts; `flux resume source` goes on")
        };
        let message = format!("the {kind} `{name}` is suspended, so nothing is ever fetched from it");
        let violation = Violation::error(&codes::FLUX_SOURCE, object, field, message);
        return Some(violation.severity(severity).hint(hint));
    }
    let status = source.at("metadata.annotations").and_then(|annotations| annotations.get(SOURCE_STATUS));
    (status.and_then(Value::as_str) == Some("retired")).then(|| {
        Violation::error(&codes::FLUX_RETIRED, object, field, format!("the {kind} `{name}` is retired"))
            .severity(Severity::Warning)
            .hint("`management/flux/README.md` says why and what took its place")
    })
}

fn source_hint(world: &World<'_>, object: &Object, kind: &str, name: &str) -> String {
    let others: Vec<&str> =
        world.sources.iter().filter(|source| source.id.name == name).map(|source| &*source.id.kind).collect();
    if let Some(other) = others.first().filter(|other| **other != kind) {
        return format!("there is a {other} of that name; a reference says the kind");
    }
    let names: Vec<&str> =
        world.sources.iter().filter(|source| source.id.kind == kind).map(|source| &*source.id.name).collect();
    suggest::hint(name, names).unwrap_or_else(|| {
        if world.owns(object) {
            "declare it in `management/flux/sources/` and list the file".to_owned()
        } else {
            "correct the name or the namespace, or add the source".to_owned()
        }
    })
}

fn is_named(source: &Object, namespace: &str, name: &str) -> bool {
    source.id.name == name && source.id.namespace.as_deref() == Some(namespace)
}

fn source_of<'object>(
    object: &'object Object,
    path: &str,
) -> Option<(&'object str, &'object str, &'object str)> {
    let home = object.id.namespace.as_deref().unwrap_or_default();
    let text = |key: &str| object.text(&format!("{path}.{key}"));
    Some((text("kind")?, text("namespace").unwrap_or(home), text("name")?))
}

/// The clusters that run Flux themselves, because the hub sends it there.
fn spokes_with_flux<'world>(world: &'world World<'_>) -> BTreeSet<Target<'world>> {
    let is_controller = |delivered: &Arc<Delivered>| {
        let id = &delivered.object.id;
        matches!(&*id.name, "kustomize-controller" | "helm-controller" | "source-controller")
            || matches!(&*id.kind, "FluxInstance" | "ResourceSet")
            || id.name.ends_with(".toolkit.fluxcd.io")
            || (id.kind == "HelmRelease" && id.name.starts_with("flux"))
    };
    world
        .deliveries
        .iter()
        .filter(|delivery| delivery.kustomization.is_remote() && delivery.objects().iter().any(is_controller))
        .map(Delivery::target)
        .collect()
}

/// What goes to a workload cluster must not be Flux's, unless Flux runs there as well.
fn remote(delivery: &Delivery<'_>, own: bool, findings: &mut Vec<Finding>) {
    for delivered in delivery.objects() {
        if is_flux(&delivered.object) {
            let mut finding = delivery.finding(
                delivered,
                &["kind"],
                &codes::FLUX_REMOTE,
                format!(
                    "the Kustomization `{}` sends this {} to the workload cluster",
                    delivery.kustomization.name(),
                    delivered.object.id.kind
                ),
            );
            if own {
                finding = finding
                    .hint("move it to the stage `releases`, or take `kubeConfig` from the Kustomization");
            } else {
                finding = finding
                    .hint("fine if Flux runs there too; else take `kubeConfig` from the Kustomization");
                finding.severity = Severity::Warning;
            }
            findings.push(finding);
        }
    }
}

/// In the namespace of a cluster, Flux objects that say which cluster they are for beside others that do not: those install
/// on the hub without a word.
fn strays(world: &World<'_>, violations: &mut Vec<Violation>, findings: &mut Vec<Finding>) {
    let is_remote = |object: &Object| object.at("spec.kubeConfig").is_some();
    let releases = world.releases();
    let mut reached: BTreeSet<&str> = releases
        .iter()
        .map(|(release, _)| *release)
        .filter(|release| is_remote(release))
        .filter_map(|release| release.id.namespace.as_deref())
        .collect();
    reached.extend(
        world
            .deliveries
            .iter()
            .map(|delivery| delivery.kustomization)
            .filter_map(|kustomization| kustomization.is_remote().then_some(kustomization.namespace())),
    );
    let is_stray = |object: &Object| {
        let home = object.id.namespace.as_deref().unwrap_or_default();
        !world.owns(object)
            && !is_remote(object)
            && reached.contains(home)
            && world.cluster_in(home).is_some()
    };
    let hint = "add `kubeConfig` with the cluster's kubeconfig, or move it out of the cluster's namespace";
    for (release, delivery) in releases.iter().filter(|(release, _)| is_stray(release)) {
        let message = format!(
            "the HelmRelease `{}` would be installed on the hub, others of `{}` on the cluster",
            release.id.name,
            release.id.namespace.as_deref().unwrap_or_default()
        );
        match delivery.and_then(|delivery| Some((delivery, delivery.delivered(release)?))) {
            Some((delivery, delivered)) => {
                let mut finding =
                    delivery.finding(delivered, &["spec"], &codes::FLUX_KUBECONFIG, message).hint(hint);
                finding.severity = Severity::Warning;
                findings.push(finding);
            }
            None => violations.push(
                Violation::error(
                    &codes::FLUX_KUBECONFIG,
                    release,
                    FieldPath::of(["spec", "kubeConfig"]),
                    message,
                )
                .severity(Severity::Warning)
                .hint(hint),
            ),
        }
    }
    for delivery in &world.deliveries {
        let kustomization = delivery.kustomization;
        let for_the_cluster = |delivered: &&Arc<Delivered>| {
            let object = &delivered.object;
            !is_flux(object)
                && !object.group().ends_with("cluster.x-k8s.io")
                && ![
                    "ConfigMap",
                    "Secret",
                    "Namespace",
                    "ServiceAccount",
                    "RoleBinding",
                    "Role",
                    "ExternalSecret",
                ]
                .contains(&&*object.id.kind)
        };
        let Some(first) = delivery.objects().iter().find(for_the_cluster) else { continue };
        if is_stray(kustomization.object) {
            let message = format!(
                "the Kustomization `{}` has no `kubeConfig`, so {} would land on the hub, others of `{}` go to the cluster",
                kustomization.name(),
                first.object.id,
                kustomization.namespace()
            );
            let field = FieldPath::of(["spec", "kubeConfig"]);
            violations.push(
                Violation::error(&codes::FLUX_KUBECONFIG, kustomization.object, field, message)
                    .severity(Severity::Warning)
                    .hint(hint),
            );
        }
    }
}

fn is_flux(object: &Object) -> bool {
    object.group().ends_with(".toolkit.fluxcd.io") || object.group() == "source.extensions.fluxcd.io"
}

/// In a cluster's namespace only Flux objects and what a gate needs belong to the hub.
fn on_the_hub(
    world: &World<'_>,
    delivery: &Delivery<'_>,
    violations: &mut Vec<Violation>,
    findings: &mut Vec<Finding>,
) {
    let kustomization = delivery.kustomization;
    if world.cluster_in(kustomization.namespace()).is_none() {
        return;
    }
    let target = kustomization.object.text("spec.targetNamespace");
    let strangers: Vec<&Delivered> = delivery
        .objects()
        .iter()
        .map(Arc::as_ref)
        .filter(|delivered| {
            let object = &delivered.object;
            let belongs = is_flux(object) || object.is("", "ConfigMap") || object.is("", "Secret");
            // A Namespace that was renamed is told of already.
            let told = target.is_some() && object.is("", "Namespace");
            !belongs && !told
        })
        .collect();
    let [first, rest @ ..] = strangers.as_slice() else {
        if !delivery.objects().is_empty() && target != Some(kustomization.namespace()) {
            let message = format!(
                "the objects of the Kustomization `{}` would not live in the cluster's namespace",
                kustomization.name()
            );
            violations.push(
                Violation::error(
                    &codes::FLUX_LOCAL,
                    kustomization.object,
                    FieldPath::of(["spec", "targetNamespace"]),
                    message,
                )
                .hint(format!(
                    "set `targetNamespace: {}`: kubeconfigs are read there",
                    kustomization.namespace()
                )),
            );
        }
        return;
    };
    if target.is_none() {
        let more = match rest.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        violations.push(
            Violation::error(
                &codes::FLUX_KUBECONFIG,
                kustomization.object,
                FieldPath::of(["spec", "kubeConfig"]),
                format!(
                    "the Kustomization `{}` has no `kubeConfig`, so {}{more} would land on the hub",
                    kustomization.name(),
                    first.object.id
                ),
            )
            .hint("add `kubeConfig.secretRef` with the cluster's kubeconfig"),
        );
        return;
    }
    for delivered in strangers {
        let message = format!(
            "the Kustomization `{}` stays on the hub, so this {} would land there",
            kustomization.name(),
            delivered.object.id.kind
        );
        findings.push(
            delivery
                .finding(delivered, &["kind"], &codes::FLUX_KUBECONFIG, message)
                .hint("move it to the stage `prereqs` or `configs`, which go to the cluster"),
        );
    }
}

fn old_version(object: &Object) -> Option<String> {
    let version = &object.id.api_version;
    let served = object.group().strip_suffix(".toolkit.fluxcd.io").and_then(|part| match part {
        "kustomize" | "source" | "image" => Some("v1"),
        "helm" => Some("v2"),
        "notification" => Some(if object.id.kind == "Receiver" { "v1" } else { "v1beta3" }),
        _ => None,
    })?;
    (object.version() != served).then(|| {
        format!("Flux 2.9 serves {} as `{}/{served}`, not `{version}`", object.id.kind, object.group())
    })
}

/// HelmReleases: kubeconfig, names, sources, values.
fn releases(world: &World<'_>, violations: &mut Vec<Violation>, findings: &mut Vec<Finding>) {
    for object in world.objects.of(HELM, "HelmRelease") {
        violations.extend(release(world, object, world.owns(object)));
    }
    for delivery in world.deliveries.iter().filter(|delivery| !delivery.kustomization.is_remote()) {
        let own = world.owns(delivery.kustomization.object);
        for delivered in
            delivery.objects().iter().filter(|delivered| delivered.object.is(HELM, "HelmRelease"))
        {
            for violation in release(world, &delivered.object, own) {
                let words = violation.path.words();
                let steps: Vec<&str> = words.iter().map(String::as_str).collect();
                let mut finding = delivery.finding(delivered, &steps, violation.code, violation.message);
                finding.severity = violation.severity;
                finding.hint = violation.hint;
                findings.push(finding);
            }
        }
    }
}

fn release(world: &World<'_>, object: &Object, own: bool) -> Vec<Violation> {
    let mut out = Vec::new();
    for path in ["spec.chartRef", "spec.chart.spec.sourceRef"] {
        out.extend(unusable_source(world, object, path));
    }
    if own {
        names(world, object, &mut out);
    }
    out
}

/// What a HelmRelease of InfraFlux's never leaves to its defaults.
fn names(world: &World<'_>, object: &Object, out: &mut Vec<Violation>) {
    let name = &object.id.name;
    let home = object.id.namespace.as_deref().unwrap_or_default();
    let cluster = world.cluster_in(home);
    let spec = |key: &str| FieldPath::of(["spec", key]);
    let mut wrong = |code, path, message: String, hint: &str| {
        out.push(Violation::error(code, object, path, message).hint(hint));
    };
    if cluster.is_some() && object.at("spec.kubeConfig").is_none() {
        wrong(
            &codes::FLUX_KUBECONFIG,
            spec("kubeConfig"),
            format!("the HelmRelease `{name}` would be installed on the hub"),
            "add `kubeConfig`; for bundles the Kustomization of the stage `releases` does it with a patch",
        );
    }
    for field in ["releaseName", "targetNamespace", "storageNamespace"] {
        if object.text(&format!("spec.{field}")).is_none() {
            wrong(
                &codes::FLUX_RELEASE,
                spec(field),
                format!("the HelmRelease `{name}` has no `{field}`"),
                "set `releaseName`, `targetNamespace` and, with the same value, `storageNamespace`",
            );
        }
    }
    let (target, storage) = (object.text("spec.targetNamespace"), object.text("spec.storageNamespace"));
    if target.is_some() && storage.is_some() && target != storage {
        wrong(
            &codes::FLUX_RELEASE,
            spec("storageNamespace"),
            format!("the HelmRelease `{name}` keeps its record in another namespace than what it installs"),
            "set `storageNamespace` to the value of `targetNamespace`, which is sure to exist",
        );
    }
    for (position, from) in list(object, "spec.valuesFrom").iter().enumerate() {
        let text = |key: &str| from.get(key).and_then(Value::as_str);
        let optional = from.get("optional") == Some(&Value::Bool(true));
        let (Some(kind), Some(wanted)) = (text("kind"), text("name")) else { continue };
        let rendered = world.has_data(kind, home, wanted);
        if kind == "ConfigMap" && !optional && !rendered {
            wrong(
                &codes::FLUX_LOCAL,
                spec("valuesFrom").index(position).key("name"),
                format!("there is no ConfigMap `{wanted}` in `{home}`"),
                "values are read on the hub, in the HelmRelease's own namespace; or set `optional: true`",
            );
        }
    }
    out.extend(foreign_kubeconfig(object, cluster));
}

/// A `${` in an object that goes to the hub through Flux would be taken for a variable.
fn leftovers(object: &Object, violations: &mut Vec<Violation>) {
    let disabled = ["annotations", "labels"].iter().any(|part| {
        object
            .at(&format!("metadata.{part}"))
            .and_then(|part| part.get(flux_variables::DISABLED))
            .is_some_and(|value| value == "disabled")
    });
    if disabled {
        return;
    }
    let mut open = vec![(FieldPath::root(), &object.value)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(entries) => {
                open.extend(entries.iter().map(|(key, value)| (path.key(key.clone()), value)));
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(position, value)| (path.index(position), value)));
            }
            Value::String(text) if text.contains("${") => violations.push(
                Violation::error(
                    &codes::FLUX_LEFTOVER,
                    object,
                    path,
                    format!("`${{` is left in {}", object.id),
                )
                .hint(format!("annotate the object with `{}: disabled`", flux_variables::DISABLED)),
            ),
            _ => {}
        }
    }
}

/// Two Kustomizations that apply one object to the same place. Of what others wrote only those are compared that belong to one
/// cluster for sure.
fn owners(world: &World<'_>, violations: &mut Vec<Violation>) {
    type Key<'object> =
        (usize, Target<'object>, &'object str, &'object str, Option<&'object str>, &'object str);
    let mut seen: HashMap<Key<'_>, &Delivery<'_>> = HashMap::new();
    let mut shared: BTreeMap<(&str, &str), (&Delivery<'_>, Vec<&ObjectRef>)> = BTreeMap::new();
    for delivery in &world.deliveries {
        let own = world.owns(delivery.kustomization.object);
        for delivered in delivery.objects() {
            let object = &delivered.object;
            let identity = (
                if own { 0 } else { delivery.tree },
                delivery.target(),
                object.group(),
                &*object.id.kind,
                object.id.namespace.as_deref(),
                &*object.id.name,
            );
            // A name with a variable that is not known may be any name.
            if object.id.to_string().contains("${") {
                continue;
            }
            let Some(first) = seen.insert(identity, delivery) else { continue };
            // What a Kustomization of somebody's delivers twice is told where it is built.
            if std::ptr::eq(first, delivery) {
                continue;
            }
            if own {
                let message = format!(
                    "the Kustomizations `{}` and `{}` both apply {}",
                    first.kustomization.name(),
                    delivery.kustomization.name(),
                    object.id
                );
                violations.push(owner(delivery, message));
            } else {
                let names = (first.kustomization.name(), delivery.kustomization.name());
                shared.entry(names).or_insert_with(|| (delivery, Vec::new())).1.push(&object.id);
            }
        }
    }
    for ((first, second), (delivery, objects)) in shared {
        let [object, rest @ ..] = objects.as_slice() else { continue };
        let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
        let message = format!("the Kustomizations `{first}` and `{second}` both apply {object}{more}");
        violations.push(owner(delivery, message).severity(Severity::Warning));
    }
}

fn owner(delivery: &Delivery<'_>, message: String) -> Violation {
    let field = FieldPath::of(["spec", "path"]);
    Violation::error(&codes::FLUX_OWNER, delivery.kustomization.object, field, message)
        .hint("let one of them have it")
}
