//! What Jinja2 does and minijinja does not, as Hugging Face transformers sets Jinja2 up for chat templates
//! (`_compile_jinja_template` in its `utils/chat_template_utils.py`, version 5.24).

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::NaiveDateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat;

type Outcome<T> = Result<T, Error>;

/// An environment for chat templates. `now` is what `strftime_now` tells.
pub(super) fn environment<'a>(now: NaiveDateTime) -> Outcome<Environment<'a>> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .build()?,
    );
    environment.set_unknown_method_callback(method);
    environment.add_function("raise_exception", |message: String| -> Outcome<String> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", move |format: String| strftime(now, &format));
    environment.add_filter("tojson", to_json);
    environment.add_filter("trim", |text: Cow<'_, str>, characters: Option<String>| {
        strip(&text, characters.as_deref(), true, true).to_owned()
    });
    // A text is a sequence and can be iterated over, and a mapping too.
    environment.add_test("sequence", |value: &Value| {
        value.is_undefined() || matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
    });
    environment.add_test("iterable", |value: &Value| {
        value.kind() == ValueKind::String || value.try_iter().is_ok()
    });
    Ok(environment)
}

/// A template's source as this environment takes it: line breaks of any system are `\n`, as Jinja2 reads them, and the
/// `generation` blocks that trainers mark answers with are scopes that print what they hold.
pub(super) fn source(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut source = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        source.push_str(before);
        let Some(end) = tag.find("%}") else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(end);
        source.push_str(&scope_for(tag));
        rest = after;
    }
    source.push_str(rest);
    source
}

/// `tag` is a tag without its `%}`.
fn scope_for(tag: &str) -> Cow<'_, str> {
    let inside = tag.trim_start_matches("{%");
    let word = inside
        .trim_start_matches(['-', '+'])
        .trim_end_matches(['-', '+'])
        .trim();
    match word {
        "generation" => Cow::Owned(tag.replacen(word, "with", 1)),
        "endgeneration" => Cow::Owned(tag.replacen(word, "endwith", 1)),
        _ => Cow::Borrowed(tag),
    }
}

/// Methods of Python's values. Those that strip go by Python's notion of white space.
fn method(state: &mut State<'_, '_>, value: &Value, name: &str, arguments: &[Value]) -> Outcome<Value> {
    let (start, end) = match name {
        "strip" => (true, true),
        "lstrip" => (true, false),
        "rstrip" => (false, true),
        _ => return pycompat::unknown_method_callback(state, value, name, arguments),
    };
    let Some(text) = value.as_str() else {
        return Err(Error::from(ErrorKind::UnknownMethod));
    };
    let (characters,): (Option<&str>,) = minijinja::value::from_args(arguments)?;
    Ok(Value::from(strip(text, characters, start, end)))
}

/// Python's `str.strip`, `lstrip` and `rstrip`.
fn strip<'a>(text: &'a str, characters: Option<&str>, start: bool, end: bool) -> &'a str {
    let goes = |c: char| match characters {
        Some(characters) => characters.contains(c),
        None => is_space(c),
    };
    let text = if start {
        text.trim_start_matches(goes)
    } else {
        text
    };
    if end { text.trim_end_matches(goes) } else { text }
}

/// Python's `str.isspace`: Unicode's white space, and the four separators of ASCII.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

fn strftime(now: NaiveDateTime, format: &str) -> Outcome<String> {
    let mut text = String::new();
    // chrono reports a directive that it doesn't know when it writes.
    write!(text, "{}", now.format(format)).map_err(|_| {
        Error::new(
            ErrorKind::InvalidOperation,
            format!("strftime_now can't tell the date as {format:?}"),
        )
    })?;
    Ok(text)
}

/// `json.dumps(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`.
fn to_json(value: &Value, options: Kwargs) -> Outcome<String> {
    let ascii: Option<bool> = options.get("ensure_ascii")?;
    let indent: Option<Value> = options.get("indent")?;
    let separators: Option<Vec<String>> = options.get("separators")?;
    let sorted: Option<bool> = options.get("sort_keys")?;
    options.assert_all_used()?;
    let indent = indent.filter(|indent| !indent.is_none());
    let indent = match indent {
        None => None,
        Some(indent) => Some(match (indent.as_str(), indent.as_usize()) {
            (Some(text), _) => text.to_owned(),
            (None, Some(count)) => " ".repeat(count),
            (None, None) => {
                let message = "tojson: `indent` must be a number of spaces or a text";
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        }),
    };
    let (item, key) = match separators.as_deref() {
        Some([item, key]) => (item.clone(), key.clone()),
        None => (
            if indent.is_some() { "," } else { ", " }.to_owned(),
            ": ".to_owned(),
        ),
        Some(_) => {
            let message = "tojson: `separators` must be two texts";
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
    };
    let style = JsonStyle {
        ascii: ascii.unwrap_or(false),
        sorted: sorted.unwrap_or(false),
        indent,
        item,
        key,
    };
    let mut text = String::new();
    style.write(value, 0, &mut text)?;
    Ok(text)
}

/// How Python's `json.dumps` lays out a value.
struct JsonStyle {
    ascii: bool,
    sorted: bool,
    indent: Option<String>,
    item: String,
    key: String,
}

impl JsonStyle {
    fn write(&self, value: &Value, depth: usize, out: &mut String) -> Outcome<()> {
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => {
                out.push_str(&value.to_string().replace("NaN", "NaN").replace("inf", "Infinity"))
            }
            ValueKind::String => self.write_text(value.as_str().unwrap_or_default(), out),
            ValueKind::Map => {
                let mut pairs = Vec::new();
                for key in value.try_iter()? {
                    let item = value.get_item(&key)?;
                    pairs.push((key, item));
                }
                if self.sorted {
                    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
                }
                self.write_items('{', '}', depth, out, pairs, |(key, item), out| {
                    self.write_text(&key.to_string(), out);
                    out.push_str(&self.key);
                    self.write(&item, depth + 1, out)
                })?;
            }
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.write_items('[', ']', depth, out, items, |item, out| {
                    self.write(&item, depth + 1, out)
                })?;
            }
            kind => {
                let message = format!("a value of the kind {kind} can't be written as JSON");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        }
        Ok(())
    }

    fn write_items<T>(
        &self,
        open: char,
        close: char,
        depth: usize,
        out: &mut String,
        items: Vec<T>,
        mut write: impl FnMut(T, &mut String) -> Outcome<()>,
    ) -> Outcome<()> {
        out.push(open);
        let is_empty = items.is_empty();
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                out.push_str(&self.item);
            }
            self.break_line(depth + 1, out);
            write(item, out)?;
        }
        if !is_empty {
            self.break_line(depth, out);
        }
        out.push(close);
        Ok(())
    }

    fn break_line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    }

    /// serde_json escapes what Python escapes, but for the delete character and, on demand, all that is not ASCII.
    fn write_text(&self, text: &str, out: &mut String) {
        let quoted = serde_json::Value::from(text).to_string();
        if !self.ascii {
            out.push_str(&quoted);
            return;
        }
        for c in quoted.chars() {
            if c.is_ascii() {
                out.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
}
