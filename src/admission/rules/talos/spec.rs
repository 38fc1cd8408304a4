//! Rules about the fields of a Talos configuration beside its patches.

use crate::{
    admission::rules::{
        Context, Violation, field,
        set::{BOOTSTRAP, CONTROL_PLANE, CORE},
        version::Minor,
    },
    finding::suggest,
};

use super::config::{INIT, PatchText};

pub(super) fn changed(context: &Context<'_>) -> Vec<Violation> {
    let Some(previous) = context.previous else { return Vec::new() };
    if previous.value.get("spec") == context.object.value.get("spec") {
        return Vec::new();
    }
    let hint = "give the changed configuration a new name and refer to that, so that machines are replaced";
    let kind = &context.object.id.kind;
    if context.object.version() == "v1beta1" {
        return vec![context.error("spec", format!("the spec of a {kind} cannot be changed")).hint(hint)];
    }
    vec![
        context
            .warning(
                "spec",
                format!("this {kind} was changed in place: only machines that are made later get the change"),
            )
            .hint(hint),
    ]
}

pub(super) fn generate_type(context: &Context<'_>) -> Vec<Violation> {
    let is_template = context.object.is(BOOTSTRAP, "TalosConfigTemplate");
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        let path = format!("{}.generateType", config.path);
        let of_control_plane = context.object.group() == CONTROL_PLANE;
        let given = field::text(config.spec, "generateType").unwrap_or_default();
        let wanted = if of_control_plane { "controlplane" } else { "worker" };
        match given {
            "none" => {}
            "controlplane" if of_control_plane || !is_template => {}
            "controlplane" => {
                if let Some(user) = worker_of(context) {
                    found.push(
                        context
                            .error(
                                path.as_str(),
                                format!(
                                    "`controlplane` for the workers of `{user}` \
                                would make them etcd members"
                                ),
                            )
                            .hint(
                                "use `worker`; control planes get their configuration from the \
                                   TalosControlPlane",
                            ),
                    );
                }
            }
            "worker" if !of_control_plane => {}
            "init" if of_control_plane && config.path == INIT => {}
            "init" => found.push(
                context
                    .warning(
                        path.as_str(),
                        "`init` is deprecated: it starts a new etcd cluster on every machine that has it",
                    )
                    .hint(format!("use `{wanted}`")),
            ),
            "join" if !of_control_plane && context.object.version() != "v1beta1" => found.push(
                context
                    .warning(
                        path.as_str(),
                        "`join` is the old name of `worker`, which newer providers refuse",
                    )
                    .hint("use `worker`"),
            ),
            "" => found.push(
                context.error(path.as_str(), "`generateType` is missing").hint(format!("use `{wanted}`")),
            ),
            other => {
                let violation = if of_control_plane {
                    context
                        .error(path.as_str(), format!("`{other}` is not a configuration for control planes"))
                } else {
                    context.error(path.as_str(), format!("Talos has no machine type `{other}`"))
                };
                found.push(
                    violation
                        .hint(format!("use `{wanted}`, or `none` with the whole configuration in `data`")),
                );
            }
        }
    }
    found
}

/// A pool of workers that uses a TalosConfigTemplate.
fn worker_of<'set>(context: &Context<'set>) -> Option<&'set str> {
    let name = &context.object.id.name;
    context
        .set
        .of_in(CORE, "MachineDeployment", context.object.id.namespace.as_deref())
        .iter()
        .find(|object| {
            object.text("spec.template.spec.bootstrap.configRef.name") == Some(name)
                && object.text("spec.template.spec.bootstrap.configRef.kind") == Some("TalosConfigTemplate")
        })
        .map(|object| &*object.id.name)
}

pub(super) fn version(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        let path = format!("{}.talosVersion", config.path);
        let given = field::text(config.spec, "talosVersion");
        match given {
            None if field::text(config.spec, "generateType") == Some("none") => {}
            None => found.push(
                context
                    .warning(
                        path.as_str(),
                        "no `talosVersion`: the shape of the configuration changes \
                        when the provider is upgraded",
                    )
                    .hint("give the Talos version of the machine image, such as `v1.13`"),
            ),
            Some(text) if config.version.is_none() => found.push(
                context
                    .error(path.as_str(), format!("`{text}` is not a Talos version"))
                    .hint("write it like `v1.13` or `v1.13.9`"),
            ),
            Some(_) if config.version < Some(Minor(1, 0)) => found.push(
                context
                    .error(
                        path.as_str(),
                        format!(
                            "Talos {} is older than anything the providers \
                        generate for",
                            field::show(config.spec.get("talosVersion"))
                        ),
                    )
                    .hint("give the Talos version of the machine image, such as `v1.13`"),
            ),
            Some(_) => {}
        }
    }
    found
}

pub(super) fn data(context: &Context<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        let path = format!("{}.data", config.path);
        let generate_type = field::text(config.spec, "generateType").unwrap_or_default();
        match field::text(config.spec, "data") {
            None if generate_type == "none" => found.push(
                context
                    .error(path.as_str(), "`generateType: none` needs the machine configuration in `data`")
                    .hint("put it there, or let it be generated with `controlplane` or `worker`"),
            ),
            Some(_) if generate_type != "none" => found.push(
                context
                    .error(path.as_str(), format!("`data` is ignored with `generateType: {generate_type}`"))
                    .hint(
                        "write changes to the generated configuration as `strategicPatches`, or use \
                           `generateType: none`",
                    ),
            ),
            Some(text) => {
                if let Some((problem, line)) = PatchText::read(text).problem {
                    found.push(
                        context
                            .error(
                                path.as_str(),
                                format!(
                                    "the machine configuration in `data` cannot be \
                                read, line {line}: {problem}"
                                ),
                            )
                            .hint("it is the text that `talosctl gen config` writes"),
                    );
                }
            }
            None => {}
        }
    }
    found
}

pub(super) fn hostname_source(context: &Context<'_>) -> Vec<Violation> {
    const SOURCES: [&str; 2] = ["MachineName", "InfrastructureName"];
    let mut found = Vec::new();
    for config in context.set.configs(context.object) {
        let Some(source) = field::text(config.spec, "hostname.source") else { continue };
        let path = format!("{}.hostname.source", config.path);
        if !SOURCES.contains(&source) {
            let violation = context.error(path.as_str(), format!("`{source}` is not a source of host names"));
            found.push(match suggest::hint(source, SOURCES) {
                Some(hint) => violation.hint(hint),
                None => violation,
            });
        }
    }
    found
}
