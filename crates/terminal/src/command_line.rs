//! How every program reads its command line, and what it says of one that it cannot understand.

use std::{error::Error as _, ffi::OsString, fmt::Display, io::Write as _, process::exit, str::FromStr};

use clap::{
    Arg, Command, Error, Parser,
    builder::{PossibleValuesParser, TypedValueParser},
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{Output, nearest, print_failure};

/// The exit code of a program that cannot understand its command line; nothing was done.
pub const USAGE: u8 = 2;

/// The command line of this program. Where an option is given twice, the last value counts.
///
/// Ends the program where there is nothing to do: after printing the help that `--help` asks for,
/// or, with the exit code [`USAGE`], after printing what is wrong.
pub fn parsed<T: Parser>() -> T {
    let mut command = T::command();
    match parsed_from(&mut command, std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) if error.use_stderr() => {
            print_failure("", &usage_error(&error, &command));
            exit(USAGE.into())
        }
        Err(help) => {
            let _ = write!(Output, "{help}");
            exit(0)
        }
    }
}

/// The same for other arguments, which begin with the name of the program.
///
/// # Errors
///
/// Where the arguments cannot be understood ([`usage_error`] says it in words), or ask for help.
pub fn parsed_from<T: Parser>(
    command: &mut Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<T, Error> {
    *command = std::mem::take(command).args_override_self(true);
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    T::from_arg_matches_mut(&mut matches)
}

/// A value that is one of a closed set of words, as `terms` defines them. Help and errors list the
/// words.
pub fn one_of<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err: Display> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse().map_err(|error: T::Err| error.to_string()))
}

/// What is wrong with a command line, as `place: what is wrong; what to do`. `command` is the one
/// that refused it.
pub fn usage_error(error: &Error, command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let argument = context(error, ContextKind::InvalidArg);
    let value = context(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            unknown_option(&argument, command.get_arguments())
        }
        ErrorKind::UnknownArgument => format!("`{argument}` is one argument too many; usage: {usage}"),
        ErrorKind::MissingRequiredArgument => format!("{argument} must be given; usage: {usage}"),
        ErrorKind::ArgumentConflict => match context(error, ContextKind::PriorArg) {
            other if other == argument => format!("{argument} is given twice; remove one"),
            other => format!("{argument} and {other} cannot be combined; remove one"),
        },
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("{argument} has no value; write one after it")
        }
        ErrorKind::InvalidValue => unknown_value(error, &value),
        ErrorKind::ValueValidation => refused_value(error, command, &argument, &value),
        _ => format!("{}; usage: {usage}", first_paragraph(error)),
    }
}

/// An option that is not one of these, with the one that was probably meant.
pub fn unknown_option<'a>(text: &str, options: impl IntoIterator<Item = &'a Arg>) -> String {
    let mut names: Vec<String> = options
        .into_iter()
        .filter(|option| !option.is_hide_set())
        .filter_map(|option| Some(format!("--{}", option.get_long()?)))
        .chain(["--help".to_owned()])
        .collect();
    names.sort();
    names.dedup();
    match nearest(text, names.iter().map(String::as_str)) {
        Some(name) => format!("there is no option `{text}`; did you mean `{name}`?"),
        None => format!(
            "there is no option `{text}`; the options are {}",
            names.join(", ")
        ),
    }
}

fn unknown_value(error: &Error, value: &str) -> String {
    let valid = match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(valid)) => valid.as_slice(),
        _ => &[],
    };
    let meant = nearest(value, valid.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
    format!("`{value}` is not known here; {meant}use {}", valid.join(", "))
}

/// A value that could not be read. What to do is what the help says of the argument, unless the
/// reason says it.
fn refused_value(error: &Error, command: &Command, argument: &str, value: &str) -> String {
    let reason = error.source().map_or(String::new(), ToString::to_string);
    let known = command
        .get_arguments()
        .find(|known| known.to_string() == argument);
    let help = known.and_then(Arg::get_help);
    let advice = match help {
        Some(help) if !reason.contains("; ") => format!("; {argument}: {help}"),
        _ => String::new(),
    };
    let name = argument.split(' ').next().unwrap_or(argument);
    format!("{name} {value}: {reason}{advice}")
}

fn context(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" and "),
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
