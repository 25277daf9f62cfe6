//! Puts the words of a command line into the order in which clap understands them: the verb first,
//! then its options, then what is for the program that the verb starts, after `--`. So options may
//! come before the verb, and those of xtask may be mixed with those of the program.

use std::{ffi::OsString, iter::Peekable, vec::IntoIter};

use clap::{Arg, Command};

use terminal::unknown_option;

use crate::{command_line::OWN_HELP, usage_error::unknown_verb};

#[derive(Debug)]
pub enum Arranged {
    /// Help is wanted, without a verb.
    Overview,
    HelpOf(Box<Command>),
    Verb(Vec<OsString>),
}

/// # Errors
///
/// Where there is no verb or one that is not known, or something unknown comes before it.
pub fn arrange(arguments: Vec<OsString>, command: &Command) -> Result<Arranged, String> {
    let asks_for_help = |words: &[OsString]| words.iter().any(is_help);
    let mut words = arguments.into_iter().peekable();
    let is_help_verb = words.next_if(|word| word == "help").is_some();
    if words.peek().is_none() {
        return Ok(Arranged::Overview);
    }
    let before = before_verb(&mut words, command)?;
    let Some(name) = words.next() else {
        return match is_help_verb || asks_for_help(&before) {
            true => Ok(Arranged::Overview),
            false => Err("no verb is named; cargo xtask alone lists them".to_owned()),
        };
    };
    let name = name.to_string_lossy().into_owned();
    let verb = command
        .find_subcommand(&name)
        .ok_or_else(|| unknown_verb(&name, command))?;
    let (ours, theirs) = divide(words, verb);
    if is_help_verb || asks_for_help(&before) || asks_for_help(&ours) {
        return Ok(Arranged::HelpOf(Box::new(verb.clone())));
    }
    let mut arranged = vec![OsString::from(name)];
    arranged.extend(before);
    arranged.extend(ours);
    if !theirs.is_empty() {
        arranged.push("--".into());
        arranged.extend(theirs);
    }
    Ok(Arranged::Verb(arranged))
}

/// Takes the options that come before the verb, with their values.
fn before_verb(words: &mut Peekable<IntoIter<OsString>>, command: &Command) -> Result<Vec<OsString>, String> {
    let options: Vec<&Arg> = command
        .get_subcommands()
        .flat_map(Command::get_arguments)
        .collect();
    let mut before = Vec::new();
    while let Some(word) = words.next_if(|word| word.to_string_lossy().starts_with('-')) {
        let text = word.to_string_lossy().into_owned();
        let Some(option) = named(&text, options.iter().copied()) else {
            if is_help(&word) {
                before.push(word);
                continue;
            }
            return Err(unknown_option(&text, options));
        };
        before.push(word);
        if wants_value(option, &text) {
            before.extend(words.next());
        }
    }
    Ok(before)
}

/// What is for xtask, and what is for the program that the verb starts.
fn divide(mut words: Peekable<IntoIter<OsString>>, verb: &Command) -> (Vec<OsString>, Vec<OsString>) {
    let Some(rest) = verb.get_positionals().find(|positional| positional.is_last_set()) else {
        return (words.collect(), Vec::new());
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        let text = word.to_string_lossy().into_owned();
        match named(&text, verb.get_arguments()) {
            _ if text == "--" => theirs.extend(words.by_ref()),
            Some(option) => {
                ours.push(word);
                if wants_value(option, &text) {
                    ours.extend(words.next());
                }
            }
            None if is_help(&word) && rest.get_id() != OWN_HELP => ours.push(word),
            None => theirs.push(word),
        }
    }
    (ours, theirs)
}

/// The option that a word names: `--pipeline`, `--pipeline=NAME`, `-q`.
fn named<'a>(text: &str, options: impl IntoIterator<Item = &'a Arg>) -> Option<&'a Arg> {
    options.into_iter().find(|option| {
        let long = text
            .strip_prefix("--")
            .map(|long| long.split('=').next().unwrap_or(long));
        let mut short = text.strip_prefix('-').unwrap_or_default().chars();
        let short = short.next().filter(|_| short.next().is_none());
        long.is_some() && option.get_long() == long || short.is_some() && option.get_short() == short
    })
}

fn wants_value(option: &Arg, text: &str) -> bool {
    option.get_action().takes_values() && !text.contains('=')
}

fn is_help(word: &OsString) -> bool {
    word == "--help" || word == "-h"
}
