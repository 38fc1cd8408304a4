//! Names made from other names.

use sha2::{Digest, Sha256};

use crate::{catalog::hex, yaml::emit};

/// The longest name that becomes a label value or a DNS label.
pub const LIMIT: usize = 63;

/// Parts joined with `-`; a name over 63 characters is cut and ends in a hash of the whole.
#[must_use]
pub fn join(parts: &[&str]) -> String {
    let whole = parts.join("-");
    if whole.len() <= LIMIT {
        return whole;
    }
    let hash = hex(&Sha256::digest(&whole));
    let kept: String = whole.chars().take(LIMIT - 9).collect();
    format!("{}-{}", kept.trim_end_matches(['-', '.']), &hash[..8])
}

/// The hash that ends the name of an immutable object: the same for equal content, however it is written.
#[must_use]
pub fn content_hash(content: &serde_json::Value) -> String {
    hex(&Sha256::digest(emit::canonical_json(content)))[..8].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{content_hash, join};

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        assert_eq!(join(&["lab", "web"]), "lab-web");
        let long = "a".repeat(40);
        let (one, two) = (
            join(&[&long, "northamerica-northeast1-a", "x"]),
            join(&[&long, "northamerica-northeast1-a", "y"]),
        );
        assert!(one.len() <= 63 && one.len() > 50, "{one}");
        assert_ne!(one, two);
    }

    #[test]
    fn the_order_of_keys_does_not_matter() {
        let one: serde_json::Value =
            serde_json::from_str(r#"{"a":1,"b":{"c":[1,2],"d":"x"}}"#).unwrap_or_default();
        assert_eq!(content_hash(&one), content_hash(&json!({"b": {"d": "x", "c": [1, 2]}, "a": 1})));
        assert_ne!(content_hash(&one), content_hash(&json!({"b": {"d": "x", "c": [2, 1]}, "a": 1})));
    }
}
