//! The annotation that makes a configuration a function's (kubernetes-sigs/kustomize
//! `kyaml/fn/runtime/runtimeutil/functiontypes.go`).

use crate::{
    finding::{Finding, Findings, codes, suggest},
    krm::{engine::ConfigKind, stream::LIMITS},
    yaml::{self, Entry, Node, Source, Sources, scalar::Schema},
};

const FUNCTION: &str = "config.kubernetes.io/function";
const FUNCTION_OLD: &str = "config.k8s.io/function";

/// Keys that people write instead.
const MISTAKES: [&str; 8] = [
    "config.kubernetes.io/fn",
    "config.kubernetes.io/exec",
    "config.kubernetes.io/function-config",
    "config.kubernetes.io.function",
    "config.k8s.io/fn",
    "internal.config.kubernetes.io/function",
    "kustomize.config.k8s.io/function",
    "kpt.dev/function",
];

/// The function of a configuration: its key and its value, a text in an annotation or a mapping at
/// `metadata.configFn`.
pub(super) fn of(node: &Node) -> Option<(&'static str, &Node)> {
    let metadata = node.get("metadata")?;
    let annotations = metadata.get("annotations");
    for key in [FUNCTION, FUNCTION_OLD] {
        if let Some(value) = annotations.and_then(|annotations| annotations.get(key)) {
            return Some((key, value));
        }
    }
    metadata.get("configFn").map(|value| ("metadata.configFn", value))
}

/// An annotation that was probably meant to be the function annotation, and what it should be called.
pub(super) fn misspelt(node: &Node) -> Option<(&Entry, &'static str)> {
    let annotations = node.at(["metadata", "annotations"])?.as_mapping()?;
    annotations.entries.iter().find_map(|entry| {
        let near = |known: &str| strsim::damerau_levenshtein(&entry.key, known) <= 2;
        let known = [FUNCTION, FUNCTION_OLD].into_iter().find(|known| near(known));
        known.or_else(|| MISTAKES.contains(&&*entry.key).then_some(FUNCTION)).map(|known| (entry, known))
    })
}

const FIELDS: [&str; 6] = ["exec", "container", "deferFailure", "network", "mounts", "starlark"];
const EXEC_FIELDS: [&str; 3] = ["path", "args", "envs"];
const CONTAINER_FIELDS: [&str; 4] = ["image", "network", "mounts", "envs"];

/// What is wrong with the function of a configuration in the file `name`.
pub(super) fn check(
    sources: &mut Sources,
    name: &str,
    key: &str,
    value: &Node,
    kind: Option<ConfigKind>,
) -> Findings {
    let mut check = Check { findings: Findings::new(), place: value, kind };
    if value.as_mapping().is_some() {
        check.function(sources, value, true);
        return check.findings;
    }
    let Some(text) = value.as_str() else {
        check.bad(sources, value, format!("`{key}` is {}, not a YAML text", value.data.kind()));
        return check.findings;
    };
    // Lines of the text are not lines of the file, so that findings stand at the annotation.
    let id = sources.add(Source::new(format!("{name}, annotation {key}"), text));
    let node = match yaml::read(sources, id, Schema::Core, LIMITS) {
        Ok(mut documents) if documents.len() == 1 => documents.remove(0).root,
        Ok(_) => {
            check.bad(sources, value, format!("`{key}` is not one YAML mapping"));
            return check.findings;
        }
        Err(findings) => {
            let reason = findings.iter().next().map(|finding| finding.message.clone()).unwrap_or_default();
            check.bad(sources, value, format!("`{key}` is {reason}"));
            return check.findings;
        }
    };
    if node.as_mapping().is_none() {
        check.bad(sources, value, format!("`{key}` is {}, not a mapping", node.data.kind()));
        return check.findings;
    }
    check.function(sources, &node, false);
    check.findings
}

struct Check<'node> {
    findings: Findings,
    /// The annotation's value.
    place: &'node Node,
    kind: Option<ConfigKind>,
}

impl Check<'_> {
    fn push(&mut self, sources: &Sources, node: &Node, in_file: bool, finding: Finding) {
        let place = if in_file { node.place } else { self.place.place };
        self.findings.push(finding.at(sources.locate(place)));
    }

    fn bad(&mut self, sources: &Sources, node: &Node, message: String) {
        let finding = Finding::error(&codes::BAD_FUNCTION_ANNOTATION, message)
            .hint("write for instance `exec: {path: infraflux}` as a block text");
        self.push(sources, node, true, finding);
    }

    fn fields(&mut self, sources: &Sources, node: &Node, known: &[&'static str], in_file: bool) {
        let Some(mapping) = node.as_mapping() else { return };
        for entry in &mapping.entries {
            if !known.contains(&&*entry.key) {
                let finding = Finding::error(
                    &codes::BAD_FUNCTION_ANNOTATION,
                    format!("unknown field `{}` in the function annotation", entry.key),
                )
                .hint(suggest::hint(&entry.key, known.iter().copied()).unwrap_or_default());
                let at = Node { place: entry.key_place, data: yaml::Data::Null };
                self.push(sources, &at, in_file, finding);
            }
        }
    }

    fn function(&mut self, sources: &Sources, node: &Node, in_file: bool) {
        self.fields(sources, node, &FIELDS, in_file);
        let container = node.get("container");
        if let Some(container) = container {
            self.fields(sources, container, &CONTAINER_FIELDS, in_file);
        }
        let Some(exec) = node.get("exec") else {
            if container.is_none() && node.get("starlark").is_none() {
                let finding = Finding::error(
                    &codes::BAD_FUNCTION_ANNOTATION,
                    "the function annotation names neither an executable nor a container",
                )
                .hint("write `exec: {path: ...}` or `container: {image: ...}`");
                self.push(sources, node, in_file, finding);
            }
            return;
        };
        self.fields(sources, exec, &EXEC_FIELDS, in_file);
        if container.is_some_and(|container| container.get("image").is_some()) {
            let finding =
                Finding::warning(&codes::CONTAINER_WINS, "the container is run and the executable never")
                    .hint("keep one of them");
            self.push(sources, exec, in_file, finding);
            return;
        }
        self.exec(sources, exec, in_file);
    }

    fn exec(&mut self, sources: &Sources, exec: &Node, in_file: bool) {
        let hint = if self.kind.is_some_and(|kind| kind != ConfigKind::ConfigMap) {
            "take the annotation out and run `infraflux plugin install` once; \
             or use stand-alone kustomize with `--enable-alpha-plugins --enable-exec`"
        } else {
            "use stand-alone kustomize with `--enable-alpha-plugins --enable-exec`, or write a ClusterPlan, \
             which works as a legacy plugin too"
        };
        let finding =
            Finding::warning(&codes::EXEC_NEVER_RUN, "kubectl skips this function without a word").hint(hint);
        self.push(sources, exec, in_file, finding);

        match exec.get("path").and_then(Node::as_str) {
            None | Some("") => {
                let finding = Finding::error(&codes::BAD_FUNCTION_ANNOTATION, "`exec` names no `path`")
                    .hint("write `path: infraflux`");
                self.push(sources, exec, in_file, finding);
            }
            Some(path) if path.starts_with('~') || path.contains('$') => {
                let finding = Finding::error(
                    &codes::EXEC_PATH,
                    format!("`{path}` is not found: kustomize expands neither `~` nor variables"),
                )
                .hint("write an absolute path, or a bare name that is on PATH");
                self.push(sources, exec, in_file, finding);
            }
            Some(path) if path.contains('/') && !path.starts_with('/') => {
                let finding = Finding::warning(
                    &codes::EXEC_PATH,
                    format!("`{path}` is relative to the kustomization in kustomize, and to the caller's folder in kpt"),
                )
                .hint("write a bare name that is on PATH, which works in both");
                self.push(sources, exec, in_file, finding);
            }
            Some(_) => {}
        }
        if exec.get("args").is_some() {
            let finding = Finding::warning(
                &codes::EXEC_ARGS,
                "kustomize up to 5.6 refuses the build because of `exec.args`",
            )
            .hint("take `args` out, InfraFlux needs none to act as a function");
            self.push(sources, exec, in_file, finding);
        }
        for env in exec.get("envs").and_then(Node::as_sequence).unwrap_or_default() {
            if let Some(text) = env.as_str().filter(|text| text.matches('=').count() > 1) {
                let finding = Finding::warning(
                    &codes::ENV_DROPPED,
                    format!("kustomize drops the entry `{text}`, it has more than one `=`"),
                )
                .hint("set the variable where kustomize is called, it inherits its environment");
                self.push(sources, env, in_file, finding);
            }
        }
    }
}
