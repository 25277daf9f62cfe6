//! What is wrong with a TOML text, in words of ours.

use serde::de::DeserializeOwned;
use toml::Table;

/// What a TOML text says.
///
/// # Errors
/// One line that names the line of the text and the key.
pub(crate) fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| toml_problem(text, &error))
}

/// The same for tables, whose places in a text are no longer known.
pub(crate) fn parsed_table<T: DeserializeOwned>(tables: Table) -> Result<T, String> {
    tables.try_into().map_err(|error| toml_problem("", &error))
}

/// What TOML says, in one line that names the line of the text and its key; the keys or the values
/// that are possible are the advice.
fn toml_problem(text: &str, error: &toml::de::Error) -> String {
    // Without a text, the whole of it names the key.
    let whole = error.to_string();
    let (whole, key) = whole.trim().split_once("\nin `").unwrap_or((whole.trim(), ""));
    let span = error.span().filter(|_| !text.is_empty());
    let (message, key) = match &span {
        Some(span) => (error.message().trim(), key_of_value(text, span.start)),
        None => (whole, key.trim_end_matches('`')),
    };
    let message = in_our_words(&message.replace('\n', " "));
    let place = span.map(|span| format!("line {}: ", 1 + text[..span.start].matches('\n').count()));
    let key = match key {
        "" => String::new(),
        key => format!("{key}: "),
    };
    format!("{}{key}{message}", place.unwrap_or_default())
}

/// The key of the value at this byte of a text; none where it is on another line, or is itself
/// wrong.
fn key_of_value(text: &str, at: usize) -> &str {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    line.split_once('=').map_or("", |(key, _)| key.trim())
}

fn in_our_words(message: &str) -> String {
    const KINDS: [(&str, &str); 5] = [
        ("usize", "a whole number from 0 on"),
        ("u64", "a whole number from 0 on"),
        ("i64", "a whole number"),
        ("f64", "a number"),
        ("a string", "a text in quotes"),
    ];
    let kind = if message.starts_with("unknown variant") {
        "values"
    } else {
        "keys"
    };
    let message = message.replacen(", expected one of ", &format!("; the {kind} here are "), 1);
    let message = message.replacen(", expected `", "; here belongs `", 1);
    let named = KINDS.iter().find_map(|(name, words)| {
        let cause = message.strip_suffix(&format!(", expected {name}"))?;
        Some(format!("{cause}; here belongs {words}"))
    });
    named.unwrap_or(message)
}
