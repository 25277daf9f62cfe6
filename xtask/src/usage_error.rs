//! What is wrong with a command line, as `what; what to do`.

use std::ffi::OsString;

use clap::{
    Command, Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use terminal::{nearest, usage_error};

pub fn unknown_verb(text: &str, command: &Command) -> String {
    let names = command.get_subcommands().map(Command::get_name);
    match nearest(text, names) {
        Some(name) => format!("there is no verb `{text}`; did you mean `{name}`?"),
        None => format!("there is no verb `{text}`; cargo xtask alone lists all"),
    }
}

/// An error of clap in this project's words. `arguments` begin with the verb.
pub fn sentence(error: &Error, command: &Command, arguments: &[OsString]) -> String {
    let verb = arguments
        .first()
        .and_then(|name| command.find_subcommand(name.to_str()?));
    let Some(verb) = verb else {
        return usage_error(error, command);
    };
    match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument)))
            if !argument.starts_with('-') || is_of_a_verb(argument, command) =>
        {
            format!("`{}` does not take {argument}; remove it", verb.get_name())
        }
        _ => usage_error(error, verb),
    }
}

/// An option that the verb would ignore is an error: `accept --dry-run` must not write.
fn is_of_a_verb(argument: &str, command: &Command) -> bool {
    command.get_subcommands().any(|verb| {
        verb.get_arguments().any(|option| {
            let long = option.get_long().map(|long| format!("--{long}"));
            let short = option.get_short().map(|short| format!("-{short}"));
            [long, short].iter().flatten().any(|known| known == argument)
        })
    })
}
