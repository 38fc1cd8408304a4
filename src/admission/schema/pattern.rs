//! Regular expressions of schemas, which are Go's.

use regex::{Regex, RegexBuilder};

/// A compiled `pattern`.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    /// As it stands in the schema.
    pub(crate) text: Box<str>,
    regex: Regex,
}

/// Memory for one compiled pattern, in bytes; those of real schemas need a tenth.
const SIZE: usize = 4 << 20;

impl Pattern {
    /// Compiles a pattern of a schema; the error says why that cannot be done.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(&translate(text)?)
            .size_limit(SIZE)
            .dfa_size_limit(SIZE)
            .nest_limit(100)
            .octal(true)
            .build()
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                error => error.to_string().lines().last().unwrap_or_default().trim().to_owned(),
            })?;
        Ok(Self { text: text.into(), regex })
    }

    /// Whether it is found in a text.
    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// Go's syntax in that of the `regex` crate. They differ where Go is more literal or knows ASCII only.
///
/// Source: google/re2 doc/syntax.txt (Go's regexp package takes the same, without `\C`).
fn translate(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut characters = text.chars().peekable();
    let mut in_class = false;
    let mut first_in_class = false;
    while let Some(character) = characters.next() {
        let first = std::mem::replace(&mut first_in_class, false);
        match character {
            '\\' => match characters.next() {
                None => return Err("it ends in a backslash".to_owned()),
                Some('d') => out.push_str("[0-9]"),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str("[0-9A-Za-z_]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('s') => out.push_str("[\\t\\n\\x0C\\r ]"),
                Some('S') => out.push_str("[^\\t\\n\\x0C\\r ]"),
                Some('b') => out.push_str("(?-u:\\b)"),
                Some('C') => return Err("`\\C` is not supported".to_owned()),
                Some('Q') => {
                    let mut literal = String::new();
                    while let Some(next) = characters.next() {
                        if next == '\\' && characters.peek() == Some(&'E') {
                            characters.next();
                            break;
                        }
                        literal.push(next);
                    }
                    out.push_str(&regex::escape(&literal));
                }
                Some(other) => {
                    out.push('\\');
                    out.push(other);
                }
            },
            '[' if in_class => {
                // A class inside a class is `[:alpha:]` only; any other bracket is itself.
                if characters.peek() == Some(&':') {
                    let rest: String = characters.clone().take_while(|next| *next != ']').collect();
                    if rest.len() > 2 && rest.ends_with(':') {
                        out.push('[');
                        out.push_str(&rest);
                        out.push(']');
                        for _ in 0..=rest.chars().count() {
                            characters.next();
                        }
                        continue;
                    }
                }
                out.push_str("\\[");
            }
            '[' => {
                in_class = true;
                first_in_class = true;
                out.push('[');
                if characters.peek() == Some(&'^') {
                    characters.next();
                    out.push('^');
                }
            }
            ']' if in_class && first => out.push_str("\\]"),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(character);
            }
            '-' if in_class && characters.peek() == Some(&'-') && !first => {
                // The end of a range that is a dash, which would be a set difference.
                characters.next();
                out.push_str("-\\-");
            }
            '{' if !in_class && !is_repetition(characters.clone()) => out.push_str("\\{"),
            other => out.push(other),
        }
    }
    Ok(out)
}

/// Whether what follows a brace makes it a repetition: `3}`, `3,}` or `3,5}`.
fn is_repetition(mut rest: impl Iterator<Item = char>) -> bool {
    let mut digits = 0;
    let mut comma = false;
    loop {
        match rest.next() {
            Some('0'..='9') => digits += 1,
            Some(',') if digits > 0 && !comma => comma = true,
            Some('}') => return digits > 0,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn means_what_it_means_in_go() {
        let table = [
            (r"^\d+$", "12", true),
            (r"^\d+$", "\u{661}", false),
            (r"^[\w.-]+$", "a-b.c_1", true),
            (r"^\w$", "\u{e9}", false),
            (r"^[[a]$", "[", true),
            (r"^[]a]$", "]", true),
            (r"^[^]a]$", "]", false),
            (r"^[[:alpha:]-]+$", "a-b", true),
            (r"^[+--]$", ",", true),
            (r"^[a&&b]+$", "a&b", true),
            (r"^a{,2}$", "a{,2}", true),
            (r"^a{1,2}$", "aa", true),
            (r"^a{2}$", "a", false),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^(?i)AB$", "ab", true),
            (r"^\/x$", "/x", true),
            (r"^.{1,3}$", "\u{e9}\u{e9}\u{e9}", true),
            ("b", "abc", true),
            (r"\bb", "a b", true),
            (r"^[\s]$", " ", true),
            (r"^[^\s]$", " ", false),
        ];
        for (pattern, text, expected) in table {
            let is_match = Pattern::new(pattern).map(|pattern| pattern.is_match(text));
            assert_eq!(is_match, Ok(expected), "{pattern} on {text}");
        }
    }

    #[test]
    fn says_what_it_cannot_do() {
        for wrong in ["(", "a\\", "\\C", "(?=a)", "((a{1000}){1000}){1000}"] {
            assert!(Pattern::new(wrong).is_err(), "{wrong}");
        }
    }
}
