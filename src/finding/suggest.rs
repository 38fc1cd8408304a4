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
            // The exact distance is dear, and there may be thousands of names for each of thousands of mistakes.
            let distance = if least_distance(&folded, &candidate) > limit {
                usize::MAX
            } else {
                strsim::damerau_levenshtein(&folded, &candidate)
            };
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

/// A lower bound of the distance of two texts: what one has more of than the other must be put in or taken out, in any order.
fn least_distance(left: &str, right: &str) -> usize {
    let mut balance = [0_i32; 256];
    left.chars().for_each(|character| balance[slot(character)] += 1);
    right.chars().for_each(|character| balance[slot(character)] -= 1);
    let more: i32 = balance.iter().filter(|count| **count > 0).sum();
    let less: i32 = balance.iter().filter(|count| **count < 0).sum();
    usize::try_from(more.max(-less)).unwrap_or_default()
}

/// Characters that share one of the 256 places are taken for equal, which only lowers the bound.
fn slot(character: char) -> usize {
    u32::from(character).to_le_bytes()[0].into()
}

fn fold(name: &str) -> String {
    name.chars().filter(|character| !matches!(character, '-' | '_')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::{hint, nearest};

    proptest::proptest! {
        #[test]
        fn nothing_is_farther_than_its_lower_bound(left in "[a-c\\u{e9}\\u{1f980}]{0,9}", right in "[a-c\\u{e9}\\u{1f980}]{0,9}") {
            proptest::prop_assert!(super::least_distance(&left, &right) <= strsim::damerau_levenshtein(&left, &right));
        }
    }

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
