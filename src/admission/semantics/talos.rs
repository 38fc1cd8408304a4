//! The operating system: mirrors, names in certificates, extensions, volumes.

use std::collections::BTreeSet;

use super::{Check, form, spec};
use crate::{
    finding::{Finding, codes, suggest},
    plan::talos::{RegistryMirror, Talos, UserVolume},
    yaml::pointer::FieldPath,
};

pub(super) fn check(check: &mut Check<'_>) {
    let Some(talos) = check.cluster.spec.talos.clone() else { return };
    let base = spec("talos");
    for (position, mirror) in talos.registry_mirrors.iter().flatten().enumerate() {
        self::mirror(check, mirror, &base.key("registryMirrors").index(position));
    }
    twice(
        check,
        talos.registry_mirrors.iter().flatten().map(|mirror| mirror.registry.clone()),
        &base.key("registryMirrors"),
        "registry",
    );
    for (position, name) in talos.cert_sans.iter().flatten().enumerate() {
        let host = name.strip_prefix("*.").unwrap_or(name);
        if let Some(hint) = form::host_problem(host) {
            check.error(
                &codes::HOST_FORM,
                &base.key("certSANs").index(position),
                format!("`{name}` cannot stand in a certificate"),
                hint,
            );
        }
    }
    for (position, server) in talos.time_servers.iter().flatten().enumerate() {
        // A PTP device is a time source too: siderolabs/talos internal/pkg/ntp.
        if !server.starts_with("/dev/ptp")
            && let Some(hint) = form::host_problem(server)
        {
            check.error(
                &codes::HOST_FORM,
                &base.key("timeServers").index(position),
                format!("`{server}` is not a time server"),
                hint,
            );
        }
    }
    extensions(check, &talos);
    image(check, &talos);
    volumes(check, &talos);
}

fn mirror(check: &mut Check<'_>, mirror: &RegistryMirror, path: &FieldPath) {
    let registry = &mirror.registry;
    let bare = registry.rsplit_once(':').map_or(registry.as_str(), |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { registry.as_str() }
    });
    if registry != "*" && !form::is_host(bare) {
        check.error(
            &codes::HOST_FORM,
            &path.key("registry"),
            format!("`{registry}` is not a registry"),
            "write its host as it stands in image names, for instance `docker.io` or `registry.example.org:5000`, or `*`",
        );
    }
    for (position, endpoint) in mirror.endpoints.iter().enumerate() {
        if let Some(problem) = form::url_problem(endpoint) {
            check.error(
                &codes::HOST_FORM,
                &path.key("endpoints").index(position),
                format!("`{endpoint}` is not the URL of a mirror: {problem}"),
                if endpoint.contains("://") {
                    "write it like `https://mirror.example.org`".to_owned()
                } else {
                    format!("write `https://{endpoint}`")
                },
            );
        }
    }
}

fn twice(check: &mut Check<'_>, names: impl Iterator<Item = String>, base: &FieldPath, key: &str) {
    let names: Vec<String> = names.collect();
    for (position, name) in names.iter().enumerate() {
        if let Some(first) = names[..position].iter().position(|other| other == name) {
            let finding = Finding::error(&codes::PLAN_VALUE, format!("`{name}` is given twice"));
            check.between(
                finding,
                (&base.index(position).key(key), &base.index(first).key(key)),
                "first given here",
                "put both into one entry",
            );
        }
    }
}

/// Extensions are named without a version: the release decides it.
fn extensions(check: &mut Check<'_>, talos: &Talos) {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (position, name) in talos.extensions.iter().flatten().enumerate() {
        let path = spec("talos.extensions").index(position);
        let word = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte))
        };
        let tag = name.rsplit_once([':', '@']).map(|(bare, _)| bare.trim_start_matches("ghcr.io/"));
        if !name.split_once('/').is_some_and(|(owner, rest)| word(owner) && word(rest)) {
            let hint = match tag {
                Some(bare) => format!("write `{bare}`: the Talos release decides the extension's version"),
                None if word(name) => format!("write `siderolabs/{name}`"),
                None => "write `owner/name`, for instance `siderolabs/iscsi-tools`".to_owned(),
            };
            check.error(&codes::HOST_FORM, &path, format!("`{name}` is not the name of an extension"), hint);
        } else if !seen.insert(name) {
            check.warning(
                &codes::PLAN_VALUE,
                &path,
                format!("the extension `{name}` is given twice"),
                "name it once",
            );
        }
    }
}

fn image(check: &mut Check<'_>, talos: &Talos) {
    let factory = &check.cluster.talos.image_factory;
    let bare = factory.split_once(':').map_or(factory.as_str(), |(host, _)| host);
    if !form::is_host(bare) {
        check.error(
            &codes::HOST_FORM,
            &spec("talos.imageFactory"),
            format!("`{factory}` is not the host of an Image Factory"),
            "write the host alone, as it stands in image names, for instance `factory.talos.dev`",
        );
    }
    if let Some(disk) = talos.install_disk.as_ref().filter(|disk| !disk.starts_with("/dev/")) {
        check.error(
            &codes::PLAN_VALUE,
            &spec("talos.installDisk"),
            format!("`{disk}` is not the path of a disk"),
            "write the device, for instance `/dev/sda`, or better a stable link below `/dev/disk/by-id/`",
        );
    }
}

/// Names of volumes that Talos keeps for itself.
///
/// Source: siderolabs/talos pkg/machinery/constants/constants.go
const OWN_VOLUMES: [&str; 5] = ["state", "ephemeral", "meta", "boot", "efi"];

fn volumes(check: &mut Check<'_>, talos: &Talos) {
    let base = spec("talos.userVolumes");
    let volumes: Vec<&UserVolume> = talos.user_volumes.iter().flatten().collect();
    twice(check, volumes.iter().map(|volume| volume.name.clone()), &base, "name");
    let pools: Vec<String> = check.cluster.pools.iter().map(|pool| pool.name.clone()).collect();
    for (position, volume) in volumes.into_iter().enumerate() {
        let path = base.index(position);
        if OWN_VOLUMES.contains(&volume.name.as_str()) {
            check.warning(
                &codes::PLAN_VALUE,
                &path.key("name"),
                format!("`{}` is also the name of a volume of Talos itself", volume.name),
                "choose another name; the volume is mounted at `/var/mnt/<name>`",
            );
        }
        for (place, pool) in volume.pools.iter().flatten().enumerate() {
            if !pools.contains(pool) {
                let hint = suggest::hint(pool, pools.iter().map(String::as_str))
                    .unwrap_or_else(|| "the plan has no pools; leave `pools` out".to_owned());
                check.error(
                    &codes::PLAN_UNKNOWN_NAME,
                    &path.key("pools").index(place),
                    format!("there is no pool `{pool}`"),
                    hint,
                );
            }
        }
        let mut sizes = Vec::new();
        for (key, text) in [("minSize", &volume.min_size), ("maxSize", &volume.max_size)] {
            let Some(text) = text else { continue };
            match form::size(text) {
                Some(bytes) => sizes.push((key, bytes)),
                None => check.error(
                    &codes::SIZE_FORM,
                    &path.key(key),
                    format!("`{text}` is not a size"),
                    "write a number and a unit, for instance `100GiB`",
                ),
            }
        }
        if let [(_, least), (_, most)] = &*sizes
            && least > most
        {
            let finding = Finding::error(&codes::SIZE_FORM, "the smallest size is above the largest");
            check.between(
                finding,
                (&path.key("minSize"), &path.key("maxSize")),
                "the largest size",
                "exchange the two",
            );
        }
    }
}
