//! JSON for scripts. Written by hand: a library for it would double what is compiled before everything else.

use std::fmt::{self, Write as _};

#[derive(Debug)]
pub enum Json {
    Null,
    Bool(bool),
    Whole(u64),
    /// Finite, or it becomes null.
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    pub fn text(text: impl Into<String>) -> Json {
        Json::Text(text.into())
    }

    /// Null for nothing.
    pub fn maybe<T>(value: Option<T>, json: impl FnOnce(T) -> Json) -> Json {
        value.map_or(Json::Null, json)
    }

    pub fn texts(texts: impl IntoIterator<Item: Into<String>>) -> Json {
        Json::List(texts.into_iter().map(Json::text).collect())
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl Json {
    fn write(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        match self {
            Json::Null => f.write_str("null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Whole(value) => write!(f, "{value}"),
            Json::Number(value) if value.is_finite() => write!(f, "{value}"),
            Json::Number(_) => f.write_str("null"),
            Json::Text(text) => write_text(f, text),
            Json::List(items) if items.is_empty() => f.write_str("[]"),
            Json::List(items) => {
                let lines = items.iter().map(|item| (None, item));
                write_lines(f, ['[', ']'], lines, depth)
            }
            Json::Object(entries) => {
                let lines = entries.iter().map(|(key, value)| (Some(*key), value));
                write_lines(f, ['{', '}'], lines, depth)
            }
        }
    }
}

fn write_lines<'a>(
    f: &mut fmt::Formatter<'_>,
    [open, close]: [char; 2],
    lines: impl Iterator<Item = (Option<&'a str>, &'a Json)>,
    depth: usize,
) -> fmt::Result {
    f.write_char(open)?;
    for (position, (key, value)) in lines.enumerate() {
        let comma = if position > 0 { "," } else { "" };
        write!(f, "{comma}\n{:width$}", "", width = 2 * (depth + 1))?;
        if let Some(key) = key {
            write_text(f, key)?;
            f.write_str(": ")?;
        }
        value.write(f, depth + 1)?;
    }
    write!(f, "\n{:width$}{close}", "", width = 2 * depth)
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for letter in text.chars() {
        match letter {
            '"' | '\\' => write!(f, "\\{letter}")?,
            '\n' => f.write_str("\\n")?,
            letter if letter < ' ' => write!(f, "\\u{:04x}", letter as u32)?,
            letter => f.write_char(letter)?,
        }
    }
    f.write_char('"')
}
