//! What a variable may hold.

use std::sync::Arc;

use crate::yaml::emit;

/// The value of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// Text.
    Text(Arc<str>),
    /// A list or mapping.
    Data(Arc<serde_json::Value>),
    /// A list or mapping that keeps the layout and comments in which it was written.
    Yaml(Arc<YamlText>),
}

/// A rendered piece of YAML and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct YamlText {
    /// Block style, starting at column 0, ending in a newline.
    pub text: String,
    /// Its content.
    pub value: serde_json::Value,
}

impl Value {
    /// Text.
    #[must_use]
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A value from data: scalars keep their type, a number that is no integer becomes data.
    #[must_use]
    pub fn from_json(value: serde_json::Value) -> Option<Self> {
        use serde_json::Value as Json;
        Some(match value {
            Json::Null => return None,
            Json::Bool(value) => Self::Bool(value),
            Json::String(text) => Self::text(text),
            Json::Number(number) => match number.as_i64() {
                Some(integer) => Self::Integer(integer),
                None => Self::Data(Arc::new(Json::Number(number))),
            },
            data => Self::Data(Arc::new(data)),
        })
    }

    /// The value as data.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Bool(value) => serde_json::Value::Bool(*value),
            Self::Integer(value) => serde_json::Value::from(*value),
            Self::Text(text) => serde_json::Value::String(text.to_string()),
            Self::Data(data) => (**data).clone(),
            Self::Yaml(yaml) => yaml.value.clone(),
        }
    }

    /// The value as it stands inside text; `None` for lists and mappings.
    #[must_use]
    pub fn as_text(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Self::Bool(value) => Some(if *value { "true" } else { "false" }.into()),
            Self::Integer(value) => Some(value.to_string().into()),
            Self::Text(text) => Some((&**text).into()),
            Self::Data(data) => match &**data {
                serde_json::Value::Number(number) => Some(number.to_string().into()),
                _ => None,
            },
            Self::Yaml(_) => None,
        }
    }

    /// Whether it is a list or mapping without entries.
    #[must_use]
    pub fn is_empty_collection(&self) -> bool {
        let data = match self {
            Self::Data(data) => &**data,
            Self::Yaml(yaml) => &yaml.value,
            _ => return false,
        };
        match data {
            serde_json::Value::Array(items) => items.is_empty(),
            serde_json::Value::Object(entries) => entries.is_empty(),
            _ => false,
        }
    }

    /// Whether it needs lines of its own.
    pub(super) fn is_block(&self) -> bool {
        match self {
            Self::Data(data) => data.is_array() || data.is_object(),
            Self::Yaml(_) => true,
            _ => false,
        }
    }

    /// Appends it as a scalar, or as a block whose lines start at column `indent`.
    pub(super) fn write_block(&self, indent: usize, out: &mut String) {
        match self {
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Integer(value) => out.push_str(&value.to_string()),
            Self::Text(text) => {
                emit::inline(&serde_json::Value::String(text.to_string()), indent.saturating_sub(2), out);
            }
            Self::Data(data) => emit::block(data, indent, out),
            Self::Yaml(yaml) => {
                for (position, line) in yaml.text.lines().enumerate() {
                    if position > 0 {
                        out.push('\n');
                        if !line.is_empty() {
                            out.extend(std::iter::repeat_n(' ', indent));
                        }
                    }
                    out.push_str(line);
                }
            }
        }
    }
}
