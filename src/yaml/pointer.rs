//! Paths into an object, as people read them: `spec.workers[0].labels["a.b/c"]`.

use std::fmt::Write as _;

/// The steps from the root of an object to one of its fields: keys, and list positions as decimal text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FieldPath {
    steps: Vec<Step>,
}

/// One step of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A key of a mapping.
    Key(String),
    /// A position in a list, from 0.
    Index(usize),
}

impl FieldPath {
    /// The root.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// A path of keys.
    #[must_use]
    pub fn of<'key>(keys: impl IntoIterator<Item = &'key str>) -> Self {
        Self { steps: keys.into_iter().map(|key| Step::Key(key.to_owned())).collect() }
    }

    /// Reads the form that [`std::fmt::Display`] writes; also what `--set` takes. `None` if it is no path.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(bracket) = rest.strip_prefix('[') {
                if let Some(quoted) = bracket.strip_prefix('"') {
                    let end = quoted.find("\"]")?;
                    steps.push(Step::Key(quoted[..end].to_owned()));
                    rest = &quoted[end + 2..];
                } else {
                    let end = bracket.find(']')?;
                    steps.push(Step::Index(bracket[..end].parse().ok()?));
                    rest = &bracket[end + 1..];
                }
                if !rest.is_empty() && !rest.starts_with(['.', '[']) {
                    return None;
                }
            } else {
                let word = if steps.is_empty() { rest } else { rest.strip_prefix('.')? };
                let end = word.find(['.', '[']).unwrap_or(word.len());
                if end == 0 {
                    return None;
                }
                steps.push(Step::Key(word[..end].to_owned()));
                rest = &word[end..];
            }
        }
        (!steps.is_empty()).then_some(Self { steps })
    }

    /// The steps.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether this is the root.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.steps.is_empty()
    }

    /// Adds a key.
    pub fn push_key(&mut self, key: impl Into<String>) {
        self.steps.push(Step::Key(key.into()));
    }

    /// Adds a list position.
    pub fn push_index(&mut self, index: usize) {
        self.steps.push(Step::Index(index));
    }

    /// Takes the last step off.
    pub fn pop(&mut self) -> Option<Step> {
        self.steps.pop()
    }

    /// This path and one more key.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        let mut longer = self.clone();
        longer.push_key(key);
        longer
    }

    /// This path and one more list position.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut longer = self.clone();
        longer.push_index(index);
        longer
    }

    /// This path followed by another.
    #[must_use]
    pub fn join(&self, tail: &Self) -> Self {
        let mut longer = self.clone();
        longer.steps.extend(tail.steps.iter().cloned());
        longer
    }

    /// The rest of the path behind some keys, if it begins with them.
    #[must_use]
    pub fn strip_prefix(&self, keys: &[String]) -> Option<Self> {
        let (head, tail) = self.steps.split_at_checked(keys.len())?;
        let same = head.iter().zip(keys).all(|(step, key)| matches!(step, Step::Key(step) if step == key));
        same.then(|| Self { steps: tail.to_vec() })
    }

    /// The steps as the words that [`super::Node::at`] takes.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Key(key) => key.clone(),
                Step::Index(index) => index.to_string(),
            })
            .collect()
    }

    /// The value at this path.
    #[must_use]
    pub fn get<'value>(&self, value: &'value serde_json::Value) -> Option<&'value serde_json::Value> {
        self.steps.iter().try_fold(value, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, step) in self.steps.iter().enumerate() {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::Key(key) if is_plain(key) => {
                    if position > 0 {
                        formatter.write_char('.')?;
                    }
                    formatter.write_str(key)?;
                }
                Step::Key(key) => write!(formatter, "[\"{key}\"]")?,
            }
        }
        Ok(())
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'$'))
}
