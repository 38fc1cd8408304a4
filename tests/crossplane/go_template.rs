//! As much of Go's text/template, with Sprig's functions, as the Compositions here use.
//!
//! What function-go-templating makes of a Composition can then be checked wherever this test runs, without the function.
//! Anything that is not known is an error, never a guess: whoever uses a new function in a template adds it here. The
//! output was compared with that of Go 1.26 and Sprig 3.3.0.

use std::{collections::HashMap, fmt::Write as _, iter::Peekable, str::Chars};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

type Result<T> = std::result::Result<T, String>;

/// Fills a template; `missingkey=error` as the Compositions ask for.
pub(crate) fn render(template: &str, data: &Value) -> Result<String> {
    let tokens = lex(template)?;
    let mut parser = Parser { tokens: tokens.into_iter().peekable() };
    let (nodes, end) = parser.block()?;
    if end != Stop::Text {
        return Err("`end` or `else` without a beginning".to_owned());
    }
    let mut scope = Scope { root: data, variables: vec![HashMap::new()] };
    let mut out = String::new();
    scope.run(&nodes, data, &mut out)?;
    Ok(out)
}

// ---- text and actions

enum Token {
    Text(String),
    Action(String),
}

fn lex(template: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = template;
    let mut trim_next = false;
    loop {
        let (text, action) = match rest.split_once("{{") {
            Some((text, action)) => (text, Some(action)),
            None => (rest, None),
        };
        let mut text = if trim_next { text.trim_start() } else { text };
        let trim_before = action.is_some_and(|action| action.starts_with("- "));
        if trim_before {
            text = text.trim_end();
        }
        tokens.push(Token::Text(text.to_owned()));
        let Some(action) = action else { return Ok(tokens) };
        let (inner, after) = action.split_once("}}").ok_or("an action is not closed")?;
        let inner = if trim_before { &inner[1..] } else { inner };
        trim_next = inner.ends_with(" -") || inner.ends_with("*/ -");
        let inner = if trim_next { &inner[..inner.len() - 1] } else { inner }.trim();
        if !(inner.starts_with("/*") && inner.ends_with("*/")) {
            tokens.push(Token::Action(inner.to_owned()));
        }
        rest = after;
    }
}

// ---- nodes

enum Node {
    Text(String),
    Print(Pipe),
    /// `$name := pipe`
    Declare(String, Pipe),
    /// `$name = pipe`
    Assign(String, Pipe),
    If(Pipe, Vec<Node>, Vec<Node>),
    With(Pipe, Vec<Node>, Vec<Node>),
    Range(Option<String>, Pipe, Vec<Node>),
}

/// Commands joined by `|`.
type Pipe = Vec<Vec<Term>>;

enum Term {
    Literal(Value),
    Function(String),
    /// `.a.b` or `$x.a.b`; the variable `.` is the cursor.
    Field(String, Vec<String>),
    Pipe(Pipe),
}

/// What a block ended with.
#[derive(PartialEq)]
enum Stop {
    Text,
    Else,
    End,
}

struct Parser {
    tokens: Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn block(&mut self) -> Result<(Vec<Node>, Stop)> {
        let mut nodes = Vec::new();
        while let Some(token) = self.tokens.next() {
            let action = match token {
                Token::Text(text) => {
                    nodes.push(Node::Text(text));
                    continue;
                }
                Token::Action(action) => action,
            };
            let (word, rest) = action.split_once(char::is_whitespace).unwrap_or((&action, ""));
            match word {
                "end" => return Ok((nodes, Stop::End)),
                "else" if rest.is_empty() => return Ok((nodes, Stop::Else)),
                "if" | "with" => {
                    let pipe = pipe(rest)?;
                    let (body, end) = self.block()?;
                    let otherwise = if end == Stop::Else { self.block()?.0 } else { Vec::new() };
                    nodes.push(if word == "if" {
                        Node::If(pipe, body, otherwise)
                    } else {
                        Node::With(pipe, body, otherwise)
                    });
                }
                "range" => {
                    let (name, rest) = match rest.split_once(":=") {
                        Some((name, rest)) => (Some(name.trim().to_owned()), rest),
                        None => (None, rest),
                    };
                    let pipe = pipe(rest)?;
                    nodes.push(Node::Range(name, pipe, self.block()?.0));
                }
                name if name.starts_with('$') && rest.starts_with(":=") => {
                    nodes.push(Node::Declare(name.to_owned(), pipe(&rest[2..])?));
                }
                name if name.starts_with('$') && rest.starts_with('=') => {
                    nodes.push(Node::Assign(name.to_owned(), pipe(&rest[1..])?));
                }
                _ => nodes.push(Node::Print(pipe(&action)?)),
            }
        }
        Ok((nodes, Stop::Text))
    }
}

fn pipe(text: &str) -> Result<Pipe> {
    let mut letters = text.chars().peekable();
    let pipe = pipe_of(&mut letters)?;
    match letters.next() {
        None => Ok(pipe),
        Some(letter) => Err(format!("unexpected `{letter}` in `{text}`")),
    }
}

fn pipe_of(letters: &mut Peekable<Chars<'_>>) -> Result<Pipe> {
    let mut commands = vec![Vec::new()];
    loop {
        match letters.peek() {
            None | Some(')') => break,
            Some(letter) if letter.is_whitespace() => {
                letters.next();
            }
            Some('|') => {
                letters.next();
                commands.push(Vec::new());
            }
            Some('(') => {
                letters.next();
                let inner = pipe_of(letters)?;
                if letters.next() != Some(')') {
                    return Err("a parenthesis is not closed".to_owned());
                }
                commands.last_mut().ok_or("no command")?.push(Term::Pipe(inner));
            }
            Some('"') => {
                let text = quoted(letters)?;
                commands.last_mut().ok_or("no command")?.push(Term::Literal(Value::String(text)));
            }
            Some(_) => {
                let mut word = String::new();
                while let Some(letter) =
                    letters.next_if(|letter| !letter.is_whitespace() && !"|()".contains(*letter))
                {
                    word.push(letter);
                }
                commands.last_mut().ok_or("no command")?.push(term(&word)?);
            }
        }
    }
    if commands.iter().any(Vec::is_empty) { Err("an empty command".to_owned()) } else { Ok(commands) }
}

fn quoted(letters: &mut Peekable<Chars<'_>>) -> Result<String> {
    letters.next();
    let mut text = String::new();
    loop {
        match letters.next().ok_or("a string is not closed")? {
            '"' => return Ok(text),
            '\\' => return Err("escapes in strings are not known here".to_owned()),
            letter => text.push(letter),
        }
    }
}

fn term(word: &str) -> Result<Term> {
    let fields = |rest: &str| rest.split('.').filter(|step| !step.is_empty()).map(str::to_owned).collect();
    if let Some(rest) = word.strip_prefix('.') {
        return Ok(Term::Field(".".to_owned(), fields(rest)));
    }
    if word.starts_with('$') {
        let (name, rest) = word.split_once('.').unwrap_or((word, ""));
        return Ok(Term::Field(name.to_owned(), fields(rest)));
    }
    if let Ok(number) = word.parse::<i64>() {
        return Ok(Term::Literal(number.into()));
    }
    if word.chars().all(char::is_alphanumeric) {
        return Ok(Term::Function(word.to_owned()));
    }
    Err(format!("`{word}` is not known here"))
}

// ---- running

struct Scope<'data> {
    root: &'data Value,
    variables: Vec<HashMap<String, Value>>,
}

impl Scope<'_> {
    fn run(&mut self, nodes: &[Node], cursor: &Value, out: &mut String) -> Result<()> {
        for node in nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Print(pipe) => out.push_str(&print(&self.pipe(pipe, cursor)?)?),
                Node::Declare(name, pipe) => {
                    let value = self.pipe(pipe, cursor)?;
                    self.variables.last_mut().ok_or("no scope")?.insert(name.clone(), value);
                }
                Node::Assign(name, pipe) => {
                    let value = self.pipe(pipe, cursor)?;
                    let place = self.variables.iter_mut().rev().find_map(|scope| scope.get_mut(name));
                    *place.ok_or_else(|| format!("`{name}` is assigned before it is declared"))? = value;
                }
                Node::If(pipe, body, otherwise) => {
                    let taken = if truth(&self.pipe(pipe, cursor)?) { body } else { otherwise };
                    self.nested(taken, cursor, out)?;
                }
                Node::With(pipe, body, otherwise) => {
                    let value = self.pipe(pipe, cursor)?;
                    if truth(&value) {
                        self.nested(body, &value, out)?;
                    } else {
                        self.nested(otherwise, cursor, out)?;
                    }
                }
                Node::Range(name, pipe, body) => {
                    let list = self.pipe(pipe, cursor)?;
                    let items = match &list {
                        Value::Null => &[][..],
                        Value::Array(items) => items,
                        other => return Err(format!("cannot range over {other}")),
                    };
                    for item in items {
                        self.variables.push(name.iter().map(|name| (name.clone(), item.clone())).collect());
                        self.run(body, item, out)?;
                        self.variables.pop();
                    }
                }
            }
        }
        Ok(())
    }

    fn nested(&mut self, nodes: &[Node], cursor: &Value, out: &mut String) -> Result<()> {
        self.variables.push(HashMap::new());
        self.run(nodes, cursor, out)?;
        self.variables.pop();
        Ok(())
    }

    fn pipe(&self, pipe: &Pipe, cursor: &Value) -> Result<Value> {
        let mut last = None;
        for command in pipe {
            let mut values = Vec::new();
            let (function, terms) = match &command[..] {
                [Term::Function(name), terms @ ..] => (Some(name), terms),
                terms => (None, terms),
            };
            for term in terms {
                values.push(self.term(term, cursor)?);
            }
            values.extend(last.take());
            last = Some(match (function, &values[..]) {
                (Some(name), values) => call(name, values)?,
                (None, [value]) => value.clone(),
                (None, _) => return Err("a value that is no function has arguments".to_owned()),
            });
        }
        last.ok_or_else(|| "an empty pipeline".to_owned())
    }

    fn term(&self, term: &Term, cursor: &Value) -> Result<Value> {
        match term {
            Term::Literal(value) => Ok(value.clone()),
            Term::Function(name) => call(name, &[]),
            Term::Pipe(pipe) => self.pipe(pipe, cursor),
            Term::Field(name, path) => {
                let start = match &**name {
                    "." => cursor,
                    "$" => self.root,
                    name => self
                        .variables
                        .iter()
                        .rev()
                        .find_map(|scope| scope.get(name))
                        .ok_or_else(|| format!("`{name}` is not declared"))?,
                };
                path.iter()
                    .try_fold(start, |value, key| {
                        value.get(key).ok_or_else(|| format!("map has no entry for key {key:?}"))
                    })
                    .cloned()
            }
        }
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

fn print(value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) if number.is_i64() => Ok(number.to_string()),
        // All numbers of an instance arrive as floating point: 1048576 would be printed as 1.048576e+06.
        Value::Number(number) => Err(format!("{number} is printed as it is; write `int` before it")),
        other => Err(format!("{other} is printed as it is; write `toJson` after it")),
    }
}

fn call(name: &str, values: &[Value]) -> Result<Value> {
    let text = |index: usize| {
        values
            .get(index)
            .and_then(Value::as_str)
            .ok_or_else(|| format!("`{name}` wants a string, it has {values:?}"))
    };
    let number = |index: usize| {
        let value = values.get(index).and_then(Value::as_f64);
        #[expect(clippy::cast_possible_truncation, reason = "as Sprig does it")]
        value.map(|value| value as i64).ok_or_else(|| format!("`{name}` wants a number, it has {values:?}"))
    };
    Ok(match name {
        "not" => (!truth(values.first().ok_or("`not` of nothing")?)).into(),
        "and" => {
            values.iter().find(|value| !truth(value)).or(values.last()).ok_or("`and` of nothing")?.clone()
        }
        "gt" => (number(0)? > number(1)?).into(),
        "len" => text(0)?.len().into(),
        "contains" => text(1)?.contains(text(0)?).into(),
        "default" => {
            if truth(&values[1]) {
                values[1].clone()
            } else {
                values[0].clone()
            }
        }
        "ternary" => {
            if values[2] == Value::Bool(true) {
                values[0].clone()
            } else {
                values[1].clone()
            }
        }
        "list" => Value::Array(values.to_vec()),
        "dict" => {
            let pairs =
                values.chunks(2).map(|pair| Some((pair.first()?.as_str()?.to_owned(), pair.get(1)?.clone())));
            Value::Object(pairs.collect::<Option<Map<_, _>>>().ok_or("`dict` wants pairs")?)
        }
        "get" => values[0].get(text(1)?).cloned().unwrap_or_else(|| json!("")),
        "hasKey" => values[0].get(text(1)?).is_some().into(),
        "dig" => dig(values)?,
        "int" => number(0)?.into(),
        "mul" => (number(0)? * number(1)?).into(),
        "printf" => printf(text(0)?, &values[1..])?.into(),
        "trunc" => {
            let count = usize::try_from(number(0)?).map_err(|error| error.to_string())?;
            text(1)?.chars().take(count).collect::<String>().into()
        }
        "trimSuffix" => text(1)?.strip_suffix(text(0)?).unwrap_or(text(1)?).into(),
        "quote" => serde_json::to_string(text(0)?).map_err(|error| error.to_string())?.into(),
        "toJson" => serde_json::to_string(&values[0]).map_err(|error| error.to_string())?.into(),
        "urlquery" => {
            text(0)?
                .chars()
                .map(|letter| {
                    if letter.is_ascii_alphanumeric() { Ok(letter) } else { Err("only plain passwords here") }
                })
                .collect::<std::result::Result<String, _>>()?
                .into()
        }
        "sha256sum" => {
            let mut hex = String::new();
            for byte in Sha256::digest(text(0)?.as_bytes()) {
                write!(hex, "{byte:02x}").map_err(|error| error.to_string())?;
            }
            hex.into()
        }
        "b64enc" => base64(text(0)?).into(),
        "b64dec" => unbase64(text(0)?)?.into(),
        // Always the same, so that snapshots are.
        "randAlphaNum" => {
            "Random".chars().cycle().take(usize::try_from(number(0)?).unwrap_or(0)).collect::<String>().into()
        }
        "getExtraResources" => {
            values[0].pointer(&format!("/requiredResources/{}/items", text(1)?)).cloned().unwrap_or_default()
        }
        "fail" => return Err(format!("error calling fail: {}", text(0)?)),
        _ => {
            return Err(format!(
                "the function `{name}` is not known here: add it to tests/crossplane/go_template.rs"
            ));
        }
    })
}

/// `dig "a" "b" default map`
fn dig(values: &[Value]) -> Result<Value> {
    let [keys @ .., default, start] = values else {
        return Err("`dig` wants keys, a default and a map".to_owned());
    };
    let mut value = start;
    for key in keys {
        let key = key.as_str().ok_or("`dig` wants keys")?;
        match value.as_object() {
            Some(map) => match map.get(key) {
                Some(next) => value = next,
                None => return Ok(default.clone()),
            },
            None => return Err(format!("`dig` finds {value} where it wants a map")),
        }
    }
    Ok(value.clone())
}

fn printf(format: &str, values: &[Value]) -> Result<String> {
    let parts: Vec<&str> = format.split("%s").collect();
    if parts.len() != values.len() + 1 || format.replace("%s", "").contains('%') {
        return Err(format!("printf: only %s is known here, one for each value: {format}"));
    }
    let mut text = parts[0].to_owned();
    for (value, part) in values.iter().zip(&parts[1..]) {
        text += value.as_str().ok_or("printf: %s wants a string")?;
        text += part;
    }
    Ok(text)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn base64(text: &str) -> String {
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .enumerate()
            .fold(0_u32, |bits, (index, byte)| bits | u32::from(*byte) << (16 - 8 * index));
        for index in 0..4 {
            out.push(if index <= chunk.len() {
                ALPHABET[(bits >> (18 - 6 * index) & 63) as usize] as char
            } else {
                '='
            });
        }
    }
    out
}

pub(crate) fn unbase64(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == letter).ok_or("not base64")?;
        bits = bits << 6 | u32::try_from(value).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    String::from_utf8(bytes).map_err(|error| error.to_string())
}
