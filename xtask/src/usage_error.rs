//! What is wrong with a command line, as `what; what to do`.

use std::ffi::OsString;

use clap::{
    Arg, Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use terminal::nearest;

pub fn unknown_verb(text: &str, command: &Command) -> String {
    let names = command.get_subcommands().map(Command::get_name);
    match nearest(text, names) {
        Some(name) => format!("there is no verb `{text}`; did you mean `{name}`?"),
        None => format!("there is no verb `{text}`; cargo xtask alone lists all"),
    }
}

pub fn unknown_option<'a>(text: &str, options: impl IntoIterator<Item = &'a Arg>) -> String {
    let mut names: Vec<String> = options
        .into_iter()
        .filter_map(|option| Some(format!("--{}", option.get_long()?)))
        .chain(["--help".to_owned()])
        .collect();
    names.sort();
    names.dedup();
    match nearest(text, names.iter().map(String::as_str)) {
        Some(name) => format!("there is no option `{text}`; did you mean `{name}`?"),
        None => format!("there is no option `{text}`; cargo xtask VERB --help lists what a verb takes"),
    }
}

/// An error of clap in this project's words. `arguments` begin with the verb.
pub fn sentence(error: &Error, command: &Command, arguments: &[OsString]) -> String {
    let verb = arguments
        .first()
        .and_then(|name| command.find_subcommand(name.to_str()?));
    let Some(verb) = verb else {
        return first_paragraph(error);
    };
    let usage = verb.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument => unknown_argument(&argument, verb, command),
        ErrorKind::MissingRequiredArgument => {
            let argument = argument.replace(['<', '>'], "");
            format!("{} needs {argument}; usage: {usage}", verb.get_name())
        }
        ErrorKind::ArgumentConflict => match context(error, ContextKind::PriorArg) {
            other if other == argument => format!("{argument} is given twice; remove one"),
            other => format!("{argument} and {other} cannot be combined; remove one"),
        },
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("{argument} has no value; write one after it")
        }
        ErrorKind::InvalidValue => invalid_value(error, &value),
        _ => format!("{}; usage: {usage}", first_paragraph(error)),
    }
}

/// An option that the verb would ignore is an error: `accept --dry-run` must not write.
fn unknown_argument(argument: &str, verb: &Command, command: &Command) -> String {
    let name = verb.get_name();
    let is_of_another = command.get_subcommands().any(|other| {
        other.get_arguments().any(|option| {
            let long = option.get_long().map(|long| format!("--{long}"));
            let short = option.get_short().map(|short| format!("-{short}"));
            [long, short].iter().flatten().any(|known| known == argument)
        })
    });
    match argument.starts_with('-') {
        true if !is_of_another => unknown_option(argument, verb.get_arguments()),
        _ => format!("`{name}` does not take {argument}; remove it"),
    }
}

fn invalid_value(error: &Error, value: &str) -> String {
    let valid = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) => valid.as_slice(),
        _ => &[],
    };
    let meant = nearest(value, valid.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
    format!("`{value}` is not known here; {meant}use {}", valid.join(", "))
}

fn context(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    }
}

fn first_paragraph(error: &Error) -> String {
    let text = error.to_string();
    let text = text.trim_start_matches("error: ");
    text.split("\n\n")
        .next()
        .unwrap_or(text)
        .replace(['\n', '\r'], " ")
}
