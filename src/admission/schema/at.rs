//! Places in an object under check.

use crate::yaml::pointer::FieldPath;

/// A place in the object under check, kept on the stack: most objects have no problem to build a path for.
#[derive(Clone, Copy)]
pub(crate) struct At<'up> {
    pub(super) up: Option<&'up At<'up>>,
    pub(super) step: Step<'up>,
}

#[derive(Clone, Copy)]
pub(super) enum Step<'up> {
    Root,
    Key(&'up str),
    Index(usize),
}

impl<'up> At<'up> {
    pub(crate) const ROOT: Self = Self { up: None, step: Step::Root };

    pub(crate) fn key(&'up self, key: &'up str) -> Self {
        Self { up: Some(self), step: Step::Key(key) }
    }

    pub(crate) fn index(&'up self, index: usize) -> Self {
        Self { up: Some(self), step: Step::Index(index) }
    }

    pub(crate) fn path(&self) -> FieldPath {
        let mut path = self.up.map(Self::path).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Key(key) => path.push_key(key),
            Step::Index(index) => path.push_index(index),
        }
        path
    }
}
