//! Fields of objects, read the way controllers read them: absent, `null` and empty text are mostly one thing.

use serde_json::Value;

/// The value at a dotted path of keys; `None` if absent or `null`.
pub(super) fn at<'value>(value: &'value Value, path: &str) -> Option<&'value Value> {
    path.split('.').try_fold(value, |value, key| value.get(key)).filter(|value| !value.is_null())
}

/// The text at a path, unless it is empty.
pub(super) fn text<'value>(value: &'value Value, path: &str) -> Option<&'value str> {
    at(value, path)?.as_str().filter(|text| !text.is_empty())
}

/// The integer at a path.
pub(super) fn integer(value: &Value, path: &str) -> Option<i64> {
    at(value, path)?.as_i64()
}

/// Whether the value at a path is `true`.
pub(super) fn flag(value: &Value, path: &str) -> bool {
    at(value, path).and_then(Value::as_bool) == Some(true)
}

/// The list at a path; none if there is no list.
pub(super) fn list<'value>(value: &'value Value, path: &str) -> &'value [Value] {
    at(value, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The texts of the list at a path, with their positions.
pub(super) fn texts<'value>(
    value: &'value Value,
    path: &str,
) -> impl Iterator<Item = (usize, &'value str)> + use<'value> {
    list(value, path).iter().enumerate().filter_map(|(index, item)| Some((index, item.as_str()?)))
}

/// The entries of the mapping at a path; none if there is no mapping.
pub(super) fn entries<'value>(
    value: &'value Value,
    path: &str,
) -> impl Iterator<Item = (&'value str, &'value Value)> + use<'value> {
    at(value, path).and_then(Value::as_object).into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Whether a Go program would take the value at a path for given: not absent and not the zero value of its type.
pub(super) fn given(value: &Value, path: &str) -> bool {
    match at(value, path) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Bool(true)) => true,
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(entries)) => !entries.is_empty(),
    }
}

/// A value as a message shows it.
pub(super) fn show(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(value) => {
            let text = value.to_string();
            if text.chars().count() > 60 {
                format!("`{}…`", text.chars().take(59).collect::<String>())
            } else {
                format!("`{text}`")
            }
        }
    }
}

/// Whether a value is an integer or a percentage, as `intstr.GetScaledValueFromIntOrPercent` takes it.
///
/// Source: kubernetes/apimachinery pkg/util/intstr/intstr.go
pub(super) fn is_count_or_percent(value: &Value) -> bool {
    value.is_i64()
        || value
            .as_str()
            .and_then(|text| text.strip_suffix('%'))
            .is_some_and(|number| number.parse::<i64>().is_ok())
}

/// What a message says of a field that must not change.
pub(super) fn change(name: &str, before: Option<&Value>, now: Option<&Value>) -> String {
    match (before, now) {
        (None, now) => format!("{name} was not set and cannot become {}", show(now)),
        (before, None) => format!("{name} was {} and cannot be removed", show(before)),
        (before, now) => format!("{name} was {} and cannot become {}", show(before), show(now)),
    }
}

/// A kind with its article: `a Cluster`, `an AWSCluster`.
pub(super) fn a(kind: &str) -> String {
    let vowel = kind.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']) || kind.starts_with("HTTP");
    format!("{} {kind}", if vowel { "an" } else { "a" })
}

/// Makes the first letter a capital.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{given, is_count_or_percent, show};

    #[test]
    fn zero_values_are_not_given() {
        let value = json!({"a": "", "b": 0, "c": false, "d": {}, "e": [], "f": null, "g": {"h": 1}});
        for key in ["a", "b", "c", "d", "e", "f", "missing"] {
            assert!(!given(&value, key), "{key}");
        }
        assert!(given(&value, "g.h"));
    }

    #[test]
    fn counts_and_percentages() {
        assert!(is_count_or_percent(&json!(1)) && is_count_or_percent(&json!("40%")));
        assert!(!is_count_or_percent(&json!("1")) && !is_count_or_percent(&json!("x%")));
    }

    #[test]
    fn shows_values_briefly() {
        assert_eq!(show(Some(&json!("a"))), "`a`");
        assert!(
            show(Some(&json!([1, 2, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]))).len()
                < 70
        );
    }
}
