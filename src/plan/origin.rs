//! Where the values of a cluster come from.

use std::sync::Arc;

use crate::yaml::{Location, Node, SourceId, Sources, pointer::FieldPath};

/// The merged tree of a cluster's plan, with the texts that its places point into.
#[derive(Debug, Clone)]
pub struct Origins {
    sources: Arc<Sources>,
    root: Arc<Node>,
    /// Texts that are not the user's own: built-in defaults, example values.
    builtin: SourceId,
    example: Option<SourceId>,
}

impl Origins {
    /// Origins from a merged tree. `builtin` and `example` are the texts of the two lowest layers.
    #[must_use]
    pub fn new(sources: Arc<Sources>, root: Arc<Node>, builtin: SourceId, example: Option<SourceId>) -> Self {
        Self { sources, root, builtin, example }
    }

    /// The texts.
    #[must_use]
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The merged tree, from the document's root.
    #[must_use]
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// The value of a field, for instance `spec.aws.ami`.
    #[must_use]
    pub fn node(&self, path: &FieldPath) -> Option<&Node> {
        let words = path.words();
        self.root.at(words.iter().map(String::as_str))
    }

    /// Where a field, or its nearest parent, was written.
    #[must_use]
    pub fn location(&self, path: &FieldPath) -> Option<Location> {
        let words = path.words();
        let (node, _) = self.root.nearest(words.iter().map(String::as_str));
        self.sources.locate(node.place)
    }

    /// Where a field, or the nearest of its parents that is more than a whole block of the plan, was written.
    #[must_use]
    pub fn nearest(&self, path: &FieldPath) -> Option<Location> {
        let words = path.words();
        let (node, depth) = self.root.nearest(words.iter().map(String::as_str));
        (depth > 1).then(|| self.sources.locate(node.place)).flatten()
    }

    /// Where the field itself was written by the user; `None` for defaults and example values.
    #[must_use]
    pub fn written(&self, path: &FieldPath) -> Option<Location> {
        let node = self.node(path)?;
        (!self.is_builtin(node) && !self.is_example(node)).then(|| self.sources.locate(node.place)).flatten()
    }

    /// Whether a value comes from the built-in defaults.
    #[must_use]
    pub fn is_builtin(&self, node: &Node) -> bool {
        node.place.source == self.builtin
    }

    /// Whether a value comes from the provider's `values.example.yaml`.
    #[must_use]
    pub fn is_example(&self, node: &Node) -> bool {
        Some(node.place.source) == self.example
    }
}
