//! ConfigMaps and Secrets that a kustomization generates.
//!
//! Source: kubernetes-sigs/kustomize `api/kv/kv.go` and `api/internal/target/kusttarget.go`. A name goes without the hash that
//! kustomize adds, because whatever refers to it is written without one too.

use super::{Builder, Built, Pile, normal, transform::merge_into};
use crate::{
    finding::codes,
    yaml::{Data, Entry, Mapping, Node, Place},
};

/// What stands for the content of a file in a Secret: it may be encrypted, and nobody needs to read it here.
const CONTENT: &str = "ENC[content of a file]";

impl Builder<'_> {
    pub(super) fn generate(
        &mut self,
        kind: &str,
        path: &str,
        item: &Node,
        options: Option<&Node>,
        pile: &mut Pile,
    ) {
        let place = item.place;
        let text = |key: &str| item.get(key).and_then(Node::as_str).map(str::to_owned);
        let Some(name) = text("name") else {
            self.broken(Some(place), "a generator has no name".to_owned(), "give it one");
            return;
        };
        let own = item.get("options");
        let option =
            |key: &str| own.and_then(|own| own.get(key)).or_else(|| options.and_then(|all| all.get(key)));
        if option("disableNameSuffixHash").is_none_or(|node| node.data != Data::Bool(true)) {
            self.manner(
                &codes::FLUX_NOT_CHECKED,
                place,
                format!(
                    "the hash that kustomize adds to the name of a generated {kind} is not followed here, so what the folder \
                     becomes was not checked to the end"
                ),
                "`kubectl kustomize` on the folder shows what it becomes",
            );
        }
        let data = self.data(kind, path, item);
        let string = |text: &str| Node { place, data: Data::String(text.into()) };
        let mut metadata = Mapping::default();
        let push = |mapping: &mut Mapping, key: &str, value: Node| {
            mapping.set(Entry { key: key.into(), key_place: value.place, value });
        };
        push(&mut metadata, "name", string(&name));
        if let Some(namespace) = text("namespace") {
            push(&mut metadata, "namespace", string(&namespace));
        }
        for part in ["labels", "annotations"] {
            if let Some(node) = option(part) {
                push(&mut metadata, part, node.clone());
            }
        }
        let field = if kind == "Secret" { "stringData" } else { "data" };
        let mut root = Mapping::default();
        push(&mut root, "apiVersion", string("v1"));
        push(&mut root, "kind", string(kind));
        push(&mut root, "metadata", Node { place, data: Data::Mapping(metadata) });
        if let Some(secret) = text("type") {
            push(&mut root, "type", string(&secret));
        }
        push(&mut root, field, Node { place, data: Data::Mapping(data) });
        let made = Built { node: Node { place, data: Data::Mapping(root) } };
        let behavior = text("behavior").unwrap_or_default();
        if !matches!(&*behavior, "merge" | "replace") {
            self.add(made, pile);
            return;
        }
        let same = pile.objects.iter_mut().find(|object| {
            object.text(&["kind"]) == Some(kind) && object.text(&["metadata", "name"]) == Some(&name)
        });
        match same {
            Some(object) if behavior == "merge" => merge_into(&mut object.node, made.node),
            Some(object) => *object = made,
            None => self.broken(
                Some(place),
                format!("there is no {kind} `{name}` that this one could {behavior}"),
                "correct the name, or take `behavior` out",
            ),
        }
    }

    /// What stands in it.
    fn data(&mut self, kind: &str, path: &str, item: &Node) -> Mapping {
        let mut data = Mapping::default();
        for file in item.get("files").and_then(Node::as_sequence).unwrap_or_default() {
            let written = file.as_str().unwrap_or_default();
            let (key, from) = written
                .split_once('=')
                .unwrap_or_else(|| (written.rsplit('/').next().unwrap_or(written), written));
            if let Some((content, at)) = self.content(kind, &normal(path, from), file.place) {
                let value = Node { place: at, data: Data::String(content.into()) };
                data.set(Entry { key: key.into(), key_place: file.place, value });
            }
        }
        let one = item.get("env").map(std::slice::from_ref);
        let envs = item.get("envs").and_then(Node::as_sequence).or(one).unwrap_or_default();
        for file in envs {
            let from = normal(path, file.as_str().unwrap_or_default());
            let Some((content, at)) = self.content("ConfigMap", &from, file.place) else { continue };
            for line in content.lines().map(str::trim_start).filter(|line| !line.starts_with('#')) {
                let Some((key, value)) = line.split_once('=') else { continue };
                let value = if kind == "Secret" { CONTENT } else { value };
                let value = Node { place: at, data: Data::String(value.into()) };
                data.set(Entry { key: key.into(), key_place: file.place, value });
            }
        }
        for literal in item.get("literals").and_then(Node::as_sequence).unwrap_or_default() {
            if let Some((key, value)) = literal.as_str().and_then(|text| text.split_once('=')) {
                let quoted =
                    |quote: char| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
                let value = if quoted('"') || quoted('\'') { &value[1..value.len() - 1] } else { value };
                let node = Node { place: literal.place, data: Data::String(value.into()) };
                data.set(Entry { key: key.into(), key_place: literal.place, value: node });
            }
        }
        data
    }

    /// The text of a file and its place; none when it is not there.
    fn content(&mut self, kind: &str, path: &str, named: Place) -> Option<(String, Place)> {
        if !self.files.has_file(path) {
            if self.folder.locate(named).is_some_and(|place| is_url(place.source().text(), place.range())) {
                self.folder.remote.push(path.to_owned());
                return Some((CONTENT.to_owned(), named));
            }
            self.broken(
                Some(named),
                format!("there is no file `{path}`"),
                "correct the name, or take the entry out",
            );
            return None;
        }
        // What is no text goes into `binaryData`, which nobody reads here.
        match self.files.get(path) {
            Some(source) if kind != "Secret" => {
                let content = source.text().to_owned();
                let id = self.folder.sources.add(source);
                Some((content, Place::new(id, 0..0)))
            }
            _ => Some((CONTENT.to_owned(), named)),
        }
    }
}

/// Whether an entry names something that kustomize fetches.
fn is_url(text: &str, range: std::ops::Range<usize>) -> bool {
    text.get(range).is_some_and(|written| written.contains("://"))
}
