//! "Did you mean": the nearest known names.

/// The known names that are close to a misspelt one, nearest first, at most three.
///
/// Close means: equal when letter case, `-` and `_` are ignored, or within a third of the length in single edits.
#[must_use]
pub fn nearest<'known>(wrong: &str, known: impl IntoIterator<Item = &'known str>) -> Vec<&'known str> {
    let folded = fold(wrong);
    let limit = (folded.chars().count() / 3).max(1);
    let mut ranked: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let candidate = fold(name);
            let distance = strsim::damerau_levenshtein(&folded, &candidate);
            let contained = folded.len() >= 4 && (candidate.contains(&folded) || folded.contains(&candidate));
            if distance <= limit {
                Some((distance, name))
            } else if contained && !candidate.is_empty() {
                Some((limit + 1, name))
            } else {
                None
            }
        })
        .collect();
    ranked.sort_by(|left, right| left.0.cmp(&right.0).then(left.1.cmp(right.1)));
    ranked.dedup_by(|left, right| left.1 == right.1);
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}

/// A hint such as ``did you mean `replicas`?``, or the list of what is known when nothing is close.
#[must_use]
pub fn hint<'known>(wrong: &str, known: impl IntoIterator<Item = &'known str> + Clone) -> Option<String> {
    let near = nearest(wrong, known.clone());
    if !near.is_empty() {
        return Some(format!("did you mean {}?", list(&near, "or")));
    }
    let mut all: Vec<&str> = known.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    match all.len() {
        0 => None,
        1..=24 => Some(format!("known here: {}", list(&all, "and"))),
        count => Some(format!("{count} names are known here, among them {}", list(&all[..12], "and"))),
    }
}

/// Words in backticks, joined as in a sentence.
#[must_use]
pub fn list(words: &[&str], conjunction: &str) -> String {
    match words {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [most @ .., last] => format!(
            "{} {conjunction} `{last}`",
            most.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

fn fold(name: &str) -> String {
    name.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::{hint, nearest};

    #[test]
    fn finds_misspelt_and_differently_cased_names() {
        let known = ["replicas", "region", "kubernetesVersion", "vpcCIDR"];
        assert_eq!(nearest("replica", known), ["replicas"]);
        assert_eq!(nearest("vpcCidr", known), ["vpcCIDR"]);
        assert_eq!(nearest("kubernetes_version", known), ["kubernetesVersion"]);
        assert!(nearest("zzz", known).is_empty());
    }

    #[test]
    fn lists_what_is_known_when_nothing_is_near() {
        assert_eq!(hint("zzz", ["b", "a"]).as_deref(), Some("known here: `a` and `b`"));
    }
}
