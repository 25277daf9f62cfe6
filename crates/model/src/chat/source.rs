//! A template's source, rewritten so that minijinja reads it as Jinja2 does.

use std::borrow::Cow;

/// Line breaks of any system become `\n`, as Jinja2 reads them; the `generation` blocks that
/// trainers mark answers with become scopes that print their content; the line break after
/// `{% raw %}` stays.
///
/// # Errors
/// What minijinja would silently render differently from Jinja2, or crash on.
pub(super) fn source(text: &str) -> Result<String, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut source = String::with_capacity(text.len());
    let mut rest = text.as_str();
    let mut open = Vec::new();
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start);
        source.push_str(before);
        let Some(end) = tag.find("%}") else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(end);
        let words = words(tag);
        follow(words, &mut open)?;
        source.push_str(&scope_for(tag, words));
        if words == "raw" && !tag.ends_with('-') && after.starts_with("%}\n") {
            source.push_str("%}\n");
            rest = &after[2..];
        } else {
            rest = after;
        }
    }
    source.push_str(rest);
    Ok(source)
}

/// The content of a tag, without its delimiters.
fn words(tag: &str) -> &str {
    let inside = tag.trim_start_matches("{%").trim_start_matches(['-', '+']);
    inside.trim_end_matches(['-', '+']).trim()
}

/// Keeps track of loops and scopes.
fn follow<'a>(words: &'a str, open: &mut Vec<&'a str>) -> Result<(), String> {
    let mut parts = words.split_whitespace();
    match parts.next().unwrap_or_default() {
        name @ ("for" | "with" | "generation") => open.push(name),
        "endfor" | "endwith" | "endgeneration" => _ = open.pop(),
        name @ ("break" | "continue") if open.last().is_some_and(|block| *block != "for") => {
            return Err(format!(
                "`{name}` inside of a `with` or `generation` block is not supported"
            ));
        }
        "macro" => macro_defaults(words)?,
        _ => {}
    }
    Ok(())
}

/// In Jinja2 the default of a parameter may be an earlier one.
fn macro_defaults(words: &str) -> Result<(), String> {
    let Some((_, parameters)) = words.split_once('(') else {
        return Ok(());
    };
    let mut known = Vec::new();
    for parameter in parameters.trim_end_matches(')').split(',') {
        let (name, default) = parameter.split_once('=').unwrap_or((parameter, ""));
        let default = default.trim();
        if known.contains(&default) {
            return Err(format!(
                "a macro whose parameter has another (`{default}`) as its default is not supported"
            ));
        }
        known.push(name.trim());
    }
    Ok(())
}

/// `tag` is a tag without its `%}`.
fn scope_for<'a>(tag: &'a str, words: &str) -> Cow<'a, str> {
    match words {
        "generation" => Cow::Owned(tag.replacen(words, "with", 1)),
        "endgeneration" => Cow::Owned(tag.replacen(words, "endwith", 1)),
        _ => Cow::Borrowed(tag),
    }
}
