//! What a plain scalar means, and when text may be written without quotes.
//!
//! Readers differ. `sigs.k8s.io/yaml`, which kubectl, Flux and controllers use, reads YAML 1.1: `yes`, `no`, `on`, `off`,
//! `y` and `n` are booleans, `010` is 8 and `1_000` is 1000. The YAML 1.2 core schema knows none of these. So what we
//! *read* is resolved by the schema that fits the reader we stand in for, and what we *write* is quoted wherever any
//! of them would see something other than this very string.

use super::node::Data;

/// Which reader's rules decide what a plain scalar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schema {
    /// YAML 1.2 core schema: plans, values files and templates.
    Core,
    /// As `sigs.k8s.io/yaml` (go-yaml v2 rules): foreign manifests on their way to an API server.
    Cluster,
}

/// The value of a plain scalar.
///
/// Numbers that a double cannot hold (`1e400`, `.inf`) stay strings, as no Kubernetes field can take them.
#[must_use]
pub fn resolve(text: &str, schema: Schema) -> Data {
    if let Some(data) = resolve_word(text, schema) {
        return data;
    }
    let first = text.as_bytes().first().copied().unwrap_or(b' ');
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return Data::String(text.into());
    }
    let number = match schema {
        Schema::Core => core_integer(text),
        Schema::Cluster => cluster_integer(text),
    };
    number.or_else(|| float(text, schema)).map_or_else(|| Data::String(text.into()), Data::Number)
}

fn resolve_word(text: &str, schema: Schema) -> Option<Data> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Some(Data::Null),
        "true" | "True" | "TRUE" => Some(Data::Bool(true)),
        "false" | "False" | "FALSE" => Some(Data::Bool(false)),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" if schema == Schema::Cluster => {
            Some(Data::Bool(true))
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" if schema == Schema::Cluster => {
            Some(Data::Bool(false))
        }
        _ => None,
    }
}

fn integer(digits: &str, radix: u32, negative: bool) -> Option<serde_json::Number> {
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    if negative {
        // Through i128, so that the smallest i64 is reached.
        let value = i128::from_str_radix(digits, radix).ok()?;
        i64::try_from(-value).ok().map(Into::into)
    } else {
        u64::from_str_radix(digits, radix).ok().map(Into::into)
    }
}

fn core_integer(text: &str) -> Option<serde_json::Number> {
    if let Some(digits) = text.strip_prefix("0o") {
        return integer(digits, 8, false);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return integer(digits, 16, false);
    }
    let (negative, digits) = sign(text);
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| integer(digits, 10, negative)).flatten()
}

fn cluster_integer(text: &str) -> Option<serde_json::Number> {
    let plain = text.replace('_', "");
    let (negative, rest) = sign(&plain);
    let lower = rest.to_ascii_lowercase();
    let radix = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| lower.strip_prefix(prefix).map(|digits| (digits, radix)));
    if let Some((digits, radix)) = radix {
        return integer(digits, radix, negative);
    }
    if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|byte| byte.is_ascii_digit()) {
        return integer(&lower[1..], 8, negative);
    }
    lower.bytes().all(|byte| byte.is_ascii_digit()).then(|| integer(&lower, 10, negative)).flatten()
}

fn sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, the same in both schemas.
fn float(text: &str, schema: Schema) -> Option<serde_json::Number> {
    let without_underscores;
    let text = if schema == Schema::Cluster && text.contains('_') {
        without_underscores = text.replace('_', "");
        &without_underscores
    } else {
        text
    };
    let (_, unsigned) = sign(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(position) => (&unsigned[..position], Some(&unsigned[position + 1..])),
        None => (unsigned, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    if let Some(exponent) = exponent {
        let (_, exponent) = sign(exponent);
        if exponent.is_empty() || !digits(exponent) {
            return None;
        }
    }
    let value: f64 = text.parse().ok()?;
    serde_json::Number::from_f64(value)
}

/// Whether a string may be written as a plain scalar and still be this string to every reader.
///
/// Deliberately narrow: a letter or `/`, then letters, digits and `._/-`, and none of the words that YAML 1.1 reads as
/// booleans or null. Everything else is quoted. Measured over 344 awkward strings read back by Go, PyYAML and Rust
/// readers; `tests/template_quoting.rs` holds the table.
#[must_use]
pub fn is_plain_safe(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else {
        return false;
    };
    (first.is_ascii_alphabetic() || *first == b'/')
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-'))
        && !is_reserved_word(text)
}

fn is_reserved_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    text.len() <= 5 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Appends a string as a double-quoted scalar.
pub fn write_double_quoted(text: &str, out: &mut String) {
    out.push('"');
    write_double_quoted_inner(text, out);
    out.push('"');
}

/// Appends a string as it stands between double quotes: quotes, backslashes and everything that some reader folds,
/// normalises or refuses is escaped.
pub fn write_double_quoted_inner(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
}

/// Appends a string as a scalar: plain where that is safe, else double-quoted.
pub fn write_string(text: &str, out: &mut String) {
    if is_plain_safe(text) {
        out.push_str(text);
    } else {
        write_double_quoted(text, out);
    }
}

#[cfg(test)]
mod tests {
    use super::{Data, Schema, is_plain_safe, resolve};

    fn shown(text: &str, schema: Schema) -> String {
        match resolve(text, schema) {
            Data::Null => "null".to_owned(),
            Data::Bool(value) => format!("bool {value}"),
            Data::Number(number) => format!("number {number}"),
            Data::String(text) => format!("string {text}"),
            Data::Sequence(_) | Data::Mapping(_) => "collection".to_owned(),
        }
    }

    #[test]
    fn core_and_cluster_rules_differ_where_the_readers_differ() {
        // text, YAML 1.2 core, sigs.k8s.io/yaml
        let table = [
            ("yes", "string yes", "bool true"),
            ("NO", "string NO", "bool false"),
            ("tRue", "string tRue", "string tRue"),
            ("010", "number 10", "number 8"),
            ("0o10", "number 8", "number 8"),
            ("0b11", "string 0b11", "number 3"),
            ("1_000", "string 1_000", "number 1000"),
            ("1.30", "number 1.3", "number 1.3"),
            ("1e400", "string 1e400", "string 1e400"),
            ("-9223372036854775808", "number -9223372036854775808", "number -9223372036854775808"),
            ("18446744073709551615", "number 18446744073709551615", "number 18446744073709551615"),
            ("12:30:45", "string 12:30:45", "string 12:30:45"),
            ("2026-11-23", "string 2026-11-23", "string 2026-11-23"),
            (".5", "number 0.5", "number 0.5"),
            (".", "string .", "string ."),
            ("-", "string -", "string -"),
            ("1e", "string 1e", "string 1e"),
            ("+", "string +", "string +"),
            ("0x", "string 0x", "string 0x"),
        ];
        for (text, core, cluster) in table {
            assert_eq!(shown(text, Schema::Core), core, "core reading of {text}");
            assert_eq!(shown(text, Schema::Cluster), cluster, "cluster reading of {text}");
        }
    }

    #[test]
    fn plain_is_only_what_every_reader_takes_for_this_string() {
        for safe in ["eu-central-1a", "/var/lib", "v1.36.4", "a/b", "M7i.large", "yesterday", "e1"] {
            assert!(is_plain_safe(safe), "{safe}");
        }
        for unsafe_text in [
            "", "yes", "No", "~", "1.30", "0o7", "1e3", "a: b", "a #b", "-a", "=", "<<", "null", "10.0.0.1",
            "é",
        ] {
            assert!(!is_plain_safe(unsafe_text), "{unsafe_text}");
        }
    }
}
