//! `infraflux.io/when`: what has to be so for a part of a template to be there.

/// The comment that carries a condition.
pub const HEADER: &str = "infraflux.io/when:";

/// The comment that merges a variable into a field: `# infraflux.io/merge: spec.values <- CILIUM_VALUES`.
pub const MERGE: &str = "infraflux.io/merge:";

/// A mapping variable that is merged into a filled document, after everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merge {
    /// The field; empty for the whole document.
    pub path: Vec<String>,
    /// The variable; nothing happens while it is unset.
    pub variable: String,
}

impl Merge {
    /// Reads `path <- NAME`; the path `.` is the whole document.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (path, variable) = text.split_once("<-")?;
        let (path, variable) = (path.trim(), variable.trim());
        let steps = crate::yaml::pointer::FieldPath::parse(path).map(|path| path.words());
        let path = if path == "." { Vec::new() } else { steps? };
        super::hole::is_variable_name(variable).then(|| Self { path, variable: variable.to_owned() })
    }
}

/// A set of features that must be on, or off.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Condition {
    terms: Vec<Term>,
}

/// One feature of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The name of the feature.
    pub feature: String,
    /// Written with `!`: the feature must be off.
    pub negated: bool,
}

impl Condition {
    /// Always true.
    #[must_use]
    pub fn always() -> Self {
        Self::default()
    }

    /// Reads `a, !b`. An empty list or an empty name is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let terms: Vec<Term> = text
            .split(',')
            .map(|word| {
                let word = word.trim();
                let (negated, feature) =
                    word.strip_prefix('!').map_or((false, word), |feature| (true, feature.trim_start()));
                (!feature.is_empty() && !feature.contains(char::is_whitespace))
                    .then(|| Term { feature: feature.to_owned(), negated })
            })
            .collect::<Option<_>>()?;
        Some(Self { terms })
    }

    /// Its features.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether there is nothing to check.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.terms.is_empty()
    }

    /// Both conditions.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.terms.extend(other.terms);
        self
    }

    /// Whether it holds, given which features are on.
    pub fn holds(&self, feature: impl Fn(&str) -> bool) -> bool {
        self.terms.iter().all(|term| feature(&term.feature) != term.negated)
    }
}

#[cfg(test)]
mod tests {
    use super::Condition;

    #[test]
    fn all_terms_must_hold() {
        let condition = Condition::parse("gpu, !spot");
        let holds = |features: &[&str]| {
            condition.as_ref().is_some_and(|condition| condition.holds(|name| features.contains(&name)))
        };
        assert!(holds(&["gpu"]));
        assert!(!holds(&["gpu", "spot"]));
        assert!(!holds(&[]));
        assert!(Condition::parse("").is_none());
        assert!(Condition::parse("a,,b").is_none());
    }
}
