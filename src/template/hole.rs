//! `${NAME}` inside a scalar.

/// A piece of a scalar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it is; escapes are undone.
    Text(String),
    /// A place for a value.
    Hole(Hole),
}

/// `${NAME}`, `${?NAME}` or `${NAME:-default}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// The variable.
    pub name: String,
    /// What stands there when the variable is unset.
    pub default: Option<String>,
    /// `${?NAME}`: leave the entry out when the variable is unset.
    pub optional: bool,
    /// The number by which the [`Language`](super::Language) knows the variable, so that filling need not compare names.
    pub slot: Option<u16>,
}

/// What is wrong with a `${`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoleError {
    /// The text from `${` on, as far as it is helpful.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: String,
}

/// Whether a scalar has to be looked into: it holds a `${`.
#[must_use]
pub fn has_hole(text: &str) -> bool {
    text.contains("${")
}

/// Whether a name has the form of a build-time variable: `UPPER_SNAKE`.
#[must_use]
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Takes a scalar's text apart. Neighbouring text is one part; empty text gives no part.
pub fn parse(text: &str) -> Result<Vec<Part>, HoleError> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        literal.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        if let Some(escaped) = rest.strip_prefix("$${") {
            literal.push_str("${");
            rest = escaped;
        } else if let Some(inside) = rest.strip_prefix("${") {
            let Some(end) = inside.find('}') else {
                return Err(HoleError {
                    text: rest.chars().take(40).collect(),
                    message: "a `${` without its `}`".to_owned(),
                    hint: "close it, or write `$${` for a literal `${`".to_owned(),
                });
            };
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Hole(hole(&inside[..end])?));
            rest = &inside[end + 1..];
        } else {
            literal.push('$');
            rest = &rest[1..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}

fn hole(inside: &str) -> Result<Hole, HoleError> {
    let (optional, body) = match inside.strip_prefix('?') {
        Some(body) => (true, body),
        None => (false, inside),
    };
    let (name, default) = match body.split_once(":-") {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (body, None),
    };
    let error = |message: String, hint: &str| HoleError {
        text: format!("${{{inside}}}"),
        message,
        hint: hint.to_owned(),
    };
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) && !name.is_empty() {
        return Err(error(
            format!("`${{{inside}}}` is not a build-time variable, their names are UPPER_SNAKE"),
            "write `$${...}` if Flux or a shell is to see it, or use the variable's upper-case name",
        ));
    }
    if !is_variable_name(name) {
        return Err(error(
            format!("`${{{inside}}}` is not a variable"),
            "the forms are ${NAME}, ${NAME:-default} and ${?NAME}; write `$${` for a literal `${`",
        ));
    }
    if optional && default.is_some() {
        return Err(error(
            format!("`${{{inside}}}` is optional and has a default"),
            "a default means that the entry always stays: drop the `?` or the default",
        ));
    }
    Ok(Hole { name: name.to_owned(), default, optional, slot: None })
}

#[cfg(test)]
mod tests {
    use super::{Hole, Part, parse};

    fn hole(name: &str, default: Option<&str>, optional: bool) -> Part {
        Part::Hole(Hole { name: name.to_owned(), default: default.map(str::to_owned), optional, slot: None })
    }

    fn text(text: &str) -> Part {
        Part::Text(text.to_owned())
    }

    #[test]
    fn takes_scalars_apart() {
        let table = [
            ("plain", vec![text("plain")]),
            ("${A}", vec![hole("A", None, false)]),
            (
                "a-${A}-${B:-x y}",
                vec![text("a-"), hole("A", None, false), text("-"), hole("B", Some("x y"), false)],
            ),
            ("${?A}", vec![hole("A", None, true)]),
            ("${A:-}", vec![hole("A", Some(""), false)]),
            ("$${A} $5 $$", vec![text("${A} $5 $$")]),
            ("$$${A}", vec![text("$${A}")]),
        ];
        for (input, expected) in table {
            assert_eq!(parse(input).as_deref(), Ok(&*expected), "{input}");
        }
    }

    #[test]
    fn refuses_what_is_no_hole() {
        for input in ["${", "${}", "${a}", "${A-b}", "${A B}", "${?A:-b}", "${1A}", "${#A}"] {
            assert!(parse(input).is_err(), "{input}");
        }
    }
}
