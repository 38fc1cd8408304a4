//! Labels, and selectors over them.

use serde_json::Value;

use super::field;

/// What is wrong with a label key or an annotation key, if anything.
///
/// Source: kubernetes/apimachinery pkg/util/validation/validation.go, IsQualifiedName
pub(crate) fn key_problem(key: &str) -> Option<String> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    if let Some(prefix) = prefix
        && !is_subdomain(prefix)
    {
        return Some(format!("its prefix `{prefix}` is not a DNS name"));
    }
    if name.contains('/') {
        return Some("it has more than one `/`".to_owned());
    }
    if name.is_empty() || name.len() > 63 {
        return Some("its name must have 1 to 63 characters".to_owned());
    }
    (!is_word(name)).then(|| {
        "its name may only have letters, digits, `-`, `_` and `.`, and must start and end with a \
         letter or digit"
            .to_owned()
    })
}

/// What is wrong with a label value, if anything.
///
/// Source: kubernetes/apimachinery pkg/util/validation/validation.go, IsValidLabelValue
pub(crate) fn value_problem(value: &str) -> Option<String> {
    if value.len() > 63 {
        return Some(format!("it has {} characters, at most 63 are allowed", value.len()));
    }
    (!value.is_empty() && !is_word(value)).then(|| {
        "it may only have letters, digits, `-`, `_` and `.`, and must start and end with a \
         letter or digit"
            .to_owned()
    })
}

fn is_word(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.bytes().all(inner)
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
        && text.as_bytes().last().is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a text is a DNS name as Kubernetes names its objects.
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_dns_label)
}

/// Whether a text is one label of a DNS name.
pub(crate) fn is_dns_label(text: &str) -> bool {
    let edge =
        |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && edge(text.as_bytes().first())
        && edge(text.as_bytes().last())
}

/// A label selector.
pub(in crate::admission) struct Selector<'value> {
    requirements: Vec<Requirement<'value>>,
}

struct Requirement<'value> {
    key: &'value str,
    operator: Operator,
    values: Vec<&'value str>,
}

enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl<'value> Selector<'value> {
    /// Reads `matchLabels` and `matchExpressions`; an error says what is wrong and where below the selector.
    ///
    /// Source: kubernetes/apimachinery pkg/apis/meta/v1/helpers.go, LabelSelectorAsSelector
    pub(in crate::admission) fn read(value: Option<&'value Value>) -> Result<Self, (String, String)> {
        let mut requirements = Vec::new();
        let Some(value) = value else { return Ok(Self { requirements }) };
        for (key, value) in field::entries(value, "matchLabels") {
            let wanted = value.as_str().unwrap_or_default();
            if let Some(problem) = key_problem(key) {
                return Err(("matchLabels".to_owned(), format!("`{key}` is not a label key: {problem}")));
            }
            if let Some(problem) = value_problem(wanted) {
                return Err((
                    "matchLabels".to_owned(),
                    format!("`{wanted}` is not a label value: {problem}"),
                ));
            }
            requirements.push(Requirement { key, operator: Operator::In, values: vec![wanted] });
        }
        for (index, expression) in field::list(value, "matchExpressions").iter().enumerate() {
            let at = |part: &str| format!("matchExpressions[{index}].{part}");
            let key = field::text(expression, "key").unwrap_or_default();
            let values: Vec<&str> = field::texts(expression, "values").map(|(_, text)| text).collect();
            if let Some(problem) = key_problem(key) {
                return Err((at("key"), format!("`{key}` is not a label key: {problem}")));
            }
            let word = field::text(expression, "operator").unwrap_or_default();
            let operator = match word {
                "In" => Operator::In,
                "NotIn" => Operator::NotIn,
                "Exists" => Operator::Exists,
                "DoesNotExist" => Operator::DoesNotExist,
                _ => {
                    let message = format!(
                        "`{word}` is not an operator; there are `In`, `NotIn`, `Exists` and `DoesNotExist`"
                    );
                    return Err((at("operator"), message));
                }
            };
            match operator {
                Operator::In | Operator::NotIn if values.is_empty() => {
                    return Err((at("values"), format!("`{word}` needs at least one value")));
                }
                Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
                    return Err((at("values"), format!("`{word}` takes no values")));
                }
                _ => {}
            }
            requirements.push(Requirement { key, operator, values });
        }
        Ok(Self { requirements })
    }

    /// Whether it asks for nothing.
    pub(in crate::admission) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether it asks for a label of this key, with whatever value.
    pub(in crate::admission) fn asks_for(&self, key: &str) -> bool {
        self.requirements.iter().any(|requirement| {
            requirement.key == key && matches!(requirement.operator, Operator::In | Operator::Exists)
        })
    }

    /// The first requirement that labels do not meet, as a message shows it.
    pub(in crate::admission) fn unmet<'label>(
        &self,
        label: impl Fn(&str) -> Option<&'label str>,
    ) -> Option<String> {
        self.requirements.iter().find_map(|requirement| {
            let value = label(requirement.key);
            let met = match requirement.operator {
                Operator::In => value.is_some_and(|value| requirement.values.contains(&value)),
                Operator::NotIn => value.is_none_or(|value| !requirement.values.contains(&value)),
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            };
            let key = requirement.key;
            let values = requirement.values.join(", ");
            (!met).then(|| match requirement.operator {
                Operator::In if requirement.values.len() == 1 => format!("`{key}: {values}`"),
                Operator::In => format!("`{key}` in ({values})"),
                Operator::NotIn => format!("`{key}` not in ({values})"),
                Operator::Exists => format!("`{key}` with any value"),
                Operator::DoesNotExist => format!("no `{key}`"),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Selector, key_problem, value_problem};

    #[test]
    fn keys_and_values() {
        for good in ["a", "a.b/c", "node.kubernetes.io/role", "A_b.c-d"] {
            assert_eq!(key_problem(good), None, "{good}");
        }
        for bad in ["", "a/", "/a", "a/b/c", "A.b/c", "-a", "a b"] {
            assert!(key_problem(bad).is_some(), "{bad}");
        }
        assert_eq!(value_problem(""), None);
        assert!(value_problem(&"x".repeat(64)).is_some() && value_problem("a,b").is_some());
    }

    #[test]
    fn selects() -> Result<(), (String, String)> {
        let value = json!({
            "matchLabels": {"pool": "a"},
            "matchExpressions": [{"key": "zone", "operator": "In", "values": ["x", "y"]}, {"key": "old", "operator": "DoesNotExist"}],
        });
        let selector = Selector::read(Some(&value))?;
        let labels = |key: &str| match key {
            "pool" => Some("a"),
            "zone" => Some("y"),
            _ => None,
        };
        assert_eq!(selector.unmet(labels), None);
        assert_eq!(selector.unmet(|_| None).as_deref(), Some("`pool: a`"));
        let bad = json!({"matchExpressions": [{"key": "zone", "operator": "Exists", "values": ["x"]}]});
        assert!(Selector::read(Some(&bad)).is_err());
        Ok(())
    }
}
