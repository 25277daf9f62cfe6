//! From what was typed to what is to be done.

use std::ffi::OsString;

use clap::{ArgMatches, Command, Error, FromArgMatches as _};

use crate::{
    arrange::{Arranged, arrange},
    command_line::{CommandLine, command, groups},
    help, usage_error,
};

/// What a command line asks for.
#[derive(Debug)]
pub enum Asked {
    Help(String),
    Do(Box<CommandLine>, Flags),
}

/// What any verb may be asked for, and is decided before the verb begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags {
    pub quiet: bool,
    pub verbose: bool,
    pub json: bool,
}

impl Flags {
    fn of(matches: &ArgMatches) -> Flags {
        let of_verb = matches.subcommand().map(|(_, matches)| matches);
        let is_set = |name| {
            let value = of_verb.and_then(|matches| matches.try_get_one::<bool>(name).ok().flatten());
            value == Some(&true)
        };
        Flags {
            quiet: is_set("quiet"),
            verbose: is_set("verbose"),
            json: is_set("json"),
        }
    }
}

/// Parses the arguments that follow the name of the program; none at all ask for the overview.
///
/// # Errors
///
/// A sentence with advice, where the arguments cannot be understood.
pub fn parse(arguments: Vec<OsString>) -> Result<Asked, String> {
    let mut command = command();
    let arguments = match arrange(arguments, &command)? {
        Arranged::Overview => return Ok(Asked::Help(help::overview(&groups()))),
        Arranged::HelpOf(verb) => return Ok(Asked::Help(help::of_verb(&verb))),
        Arranged::Verb(arguments) => arguments,
    };
    let explain = |error: Error, command: &Command| usage_error::sentence(&error, command, &arguments);
    match command.try_get_matches_from_mut(&arguments) {
        Ok(matches) => match CommandLine::from_arg_matches(&matches) {
            Ok(parsed) => Ok(Asked::Do(Box::new(parsed), Flags::of(&matches))),
            Err(error) => Err(explain(error, &command)),
        },
        Err(error) => Err(explain(error, &command)),
    }
}
