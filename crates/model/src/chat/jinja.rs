//! What Jinja2 does but minijinja does not, as Hugging Face transformers sets Jinja2 up for chat
//! templates (`_compile_jinja_template` in its `utils/chat_template_utils.py`, version 5.24).

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::NaiveDateTime;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind, from_args};
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
    environment.set_formatter(|out, state, value| match float(value) {
        Some(text) => out.write_str(&text).map_err(Error::from),
        None => minijinja::escape_formatter(out, state, value),
    });
    environment.add_filter("tojson", to_json);
    environment.add_filter("trim", |text: Cow<'_, str>, characters: Option<String>| {
        strip(&text, characters.as_deref(), true, true).to_owned()
    });
    environment.add_filter("e", escape);
    environment.add_filter("escape", escape);
    environment.add_filter("int", |value: &Value, default: Option<i64>, named: Kwargs| {
        let default = default.or(named.get("default")?).unwrap_or(0);
        named.assert_all_used()?;
        Outcome::Ok(int(value).unwrap_or(default))
    });
    // Formats lists differently from Python's.
    environment.remove_filter("pprint");
    environment.add_test("callable", |value: &Value| value.kind() == ValueKind::Plain);
    // A text is a sequence and can be iterated over, and a mapping too.
    environment.add_test("sequence", |value: &Value| {
        value.is_undefined() || matches!(value.kind(), ValueKind::Seq | ValueKind::String | ValueKind::Map)
    });
    environment.add_test("iterable", |value: &Value| {
        value.kind() == ValueKind::String || (!value.is_none() && value.try_iter().is_ok())
    });
    Ok(environment)
}

/// Methods of Python's values, where `pycompat` has none or uses another notion of white space.
fn method(state: &mut State<'_, '_>, value: &Value, name: &str, arguments: &[Value]) -> Outcome<Value> {
    let (
        Some(text),
        "strip" | "lstrip" | "rstrip" | "splitlines" | "title" | "rsplit" | "partition" | "rpartition"
        | "removeprefix" | "removesuffix",
    ) = (value.as_str(), name)
    else {
        return pycompat::unknown_method_callback(state, value, name, arguments);
    };
    let (argument, rest): (Option<Value>, Option<Value>) = from_args(arguments)?;
    let wanted = || {
        let text = argument
            .as_ref()
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty());
        text.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("{name} needs a text")))
    };
    let characters = argument.as_ref().and_then(Value::as_str);
    Ok(match name {
        "strip" => strip(text, characters, true, true).into(),
        "lstrip" => strip(text, characters, true, false).into(),
        "rstrip" => strip(text, characters, false, true).into(),
        "splitlines" => {
            let keeps = argument.as_ref().is_some_and(Value::is_true);
            lines(text, keeps).into_iter().map(Value::from).collect()
        }
        "title" => title(text).into(),
        "rsplit" => {
            let most = rest.and_then(|most| usize::try_from(most).ok());
            let parts: Vec<&str> = match most {
                Some(most) => text.rsplitn(most + 1, wanted()?).collect(),
                None => text.rsplit(wanted()?).collect(),
            };
            parts.into_iter().rev().map(Value::from).collect()
        }
        "partition" => parts(text, wanted()?, text.split_once(wanted()?), true),
        "rpartition" => parts(text, wanted()?, text.rsplit_once(wanted()?), false),
        "removeprefix" => text.strip_prefix(wanted()?).unwrap_or(text).into(),
        _ => text.strip_suffix(wanted()?).unwrap_or(text).into(),
    })
}

fn parts(text: &str, separator: &str, found: Option<(&str, &str)>, first: bool) -> Value {
    let parts = match found {
        Some((before, after)) => [before, separator, after],
        None if first => [text, "", ""],
        None => ["", "", text],
    };
    Value::from(parts.map(Value::from).to_vec())
}

/// Python's `str.splitlines`.
fn lines(text: &str, keeps: bool) -> Vec<&str> {
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let (mut lines, mut rest) = (Vec::new(), text);
    while let Some(end) = rest.find(ends) {
        let width = match rest[end..].starts_with("\r\n") {
            true => 2,
            false => rest[end..].chars().next().map_or(1, char::len_utf8),
        };
        lines.push(&rest[..if keeps { end + width } else { end }]);
        rest = &rest[end + width..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

/// Python's `str.title`: the first letter of each run of letters is upper case.
fn title(text: &str) -> String {
    let mut inside = false;
    let mut titled = String::with_capacity(text.len());
    for c in text.chars() {
        if inside {
            titled.extend(c.to_lowercase());
        } else {
            titled.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    titled
}

/// As MarkupSafe escapes.
fn escape(value: &Value) -> Value {
    if value.is_safe() {
        return value.clone();
    }
    let text = value.to_string();
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    Value::from_safe_string(text.replace('\'', "&#39;").replace('"', "&#34;"))
}

/// Jinja2's filter `int`, for what a chat template may hold.
fn int(value: &Value) -> Option<i64> {
    match value.as_str() {
        Some(text) => {
            let text = strip(text, None, true, true).replace('_', "");
            let truncated = |number: f64| number.is_finite().then_some(number as i64);
            text.parse().ok().or_else(|| truncated(text.parse().ok()?))
        }
        None if value.kind() == ValueKind::Bool => Some(value.is_true().into()),
        None => value
            .as_i64()
            .or_else(|| f64::try_from(value.clone()).ok().map(|number| number as i64)),
    }
}

/// A float as Python's `repr` writes it; none where the value is something else.
fn float(value: &Value) -> Option<String> {
    if value.kind() != ValueKind::Number || value.is_integer() {
        return None;
    }
    let number = f64::try_from(value.clone())
        .ok()
        .filter(|number| number.is_finite())?;
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    if (-4..16).contains(&exponent) {
        return None;
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    Some(format!("{digits}e{sign}{:02}", exponent.abs()))
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
    // Python's microseconds; and a time without a zone, for which it prints nothing.
    let format = format.replace("%f", "%6f").replace("%Z", "").replace("%z", "");
    let mut text = String::new();
    // chrono reports a directive that it doesn't know when it writes.
    write!(text, "{}", now.format(&format)).map_err(|_| {
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
                let plain = || value.to_string().replace("inf", "Infinity");
                out.push_str(&float(value).unwrap_or_else(plain));
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
                    let name = match key.kind() {
                        ValueKind::None => "null".to_owned(),
                        ValueKind::Bool => key.is_true().to_string(),
                        _ => key.to_string(),
                    };
                    self.write_text(&name, out);
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

    /// serde_json escapes what Python escapes, except for the delete character and, on demand, all
    /// that is not ASCII.
    fn write_text(&self, text: &str, out: &mut String) {
        let quoted = serde_json::Value::from(text).to_string();
        if !self.ascii {
            out.push_str(&quoted);
            return;
        }
        for c in quoted.chars() {
            if c.is_ascii() && c != '\u{7f}' {
                out.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
}
