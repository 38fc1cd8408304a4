//! An engine that stands in for the renderer where only bytes matter.
//!
//! A plan renders one ConfigMap for each word of `spec.objects` (default `a` and `b`): `word` goes to a file of its
//! own, `word@file` to that file. `spec.fail` and `spec.warn` give findings at their place.

use infraflux::{
    finding::{Finding, Findings, ObjectRef, codes},
    krm::{Config, ConfigKind, Engine, LIMITS, Rendered, RenderedItem, Request},
    yaml::{Node, pointer::FieldPath},
};

/// See the module.
pub(crate) struct Fake;

fn text<'node>(node: &'node Node, path: &[&str]) -> Option<&'node str> {
    node.at(path.iter().copied()).and_then(Node::as_str)
}

fn words(config: &Config) -> Vec<String> {
    if config.kind == ConfigKind::ConfigMap {
        let objects = text(&config.node, &["data", "objects"]).unwrap_or("a,b");
        return objects.split(',').map(str::to_owned).collect();
    }
    match config.node.at(["spec", "objects"]).and_then(Node::as_sequence) {
        Some(objects) => objects.iter().filter_map(Node::as_str).map(str::to_owned).collect(),
        None => vec!["a".to_owned(), "b".to_owned()],
    }
}

fn item(cluster: &str, word: &str) -> RenderedItem {
    let (word, file) = word.split_once('@').unwrap_or((word, word));
    RenderedItem {
        id: ObjectRef {
            api_version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            namespace: Some(cluster.to_owned()),
            name: word.to_owned(),
        },
        plan: format!("{cluster}/{cluster}"),
        path: format!("{cluster}/cluster/{file}.yaml"),
        text: format!(
            "# {word} of {cluster}\n\
             apiVersion: v1\n\
             kind: ConfigMap\n\
             metadata:\n  \
               name: {word} # its name\n  \
               namespace: {cluster}\n\
             data:\n  \
               # text with a blank line and an indentation\n  \
               text: |\n    \
                 one\n\n      \
                 two\n  \
               version: \"1.30\"\n"
        ),
    }
}

impl Engine for Fake {
    fn render(&self, request: Request<'_>) -> Rendered {
        let mut rendered = Rendered::default();
        for config in request.configs {
            let cluster = match config.kind {
                ConfigKind::ConfigMap => text(&config.node, &["data", "name"]).unwrap_or("lab"),
                _ => &config.id.name,
            };
            rendered.plans.push(format!("{cluster}/{cluster}"));
            rendered.items.extend(words(config).iter().map(|word| item(cluster, word)));
            for (key, is_error) in [("fail", true), ("warn", false)] {
                if let Some(node) = config.node.at(["spec", key]) {
                    let message = node.as_str().unwrap_or("no text");
                    let finding = if is_error {
                        Finding::error(&codes::UNSUPPORTED_YAML, message)
                    } else {
                        Finding::warning(&codes::UNSUPPORTED_YAML, message)
                    };
                    rendered.findings.push(
                        finding
                            .at(request.sources.locate(node.place))
                            .field(FieldPath::of(["spec", key]))
                            .hint(format!("take `spec.{key}` out")),
                    );
                }
            }
        }
        rendered
    }

    fn admit(&self, request: Request<'_>) -> Findings {
        let mut findings = Findings::new();
        for item in request.items {
            match item.node(request.sources, LIMITS) {
                Ok(node) => {
                    if let Some(bad) = node.at(["metadata", "labels", "bad"]) {
                        findings.push(
                            Finding::error(&codes::UNSUPPORTED_YAML, "this object is bad")
                                .at(request.sources.locate(bad.place))
                                .object(item.id.clone())
                                .field(FieldPath::of(["metadata", "labels", "bad"])),
                        );
                    }
                }
                Err(more) => findings.extend(more),
            }
        }
        findings
    }
}
