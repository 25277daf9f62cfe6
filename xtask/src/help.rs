//! The overview that `cargo xtask` prints on its own, and the help of a verb.

use std::fmt::Write as _;

use clap::{Arg, Command};

use crate::command_line::DEFAULT_PIPELINE;

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 the command line cannot be understood, 3 a stage failed,
            130 interrupted. docs/command-line.md has every verb, variable and JSON shape.";

/// Every verb with one example, by groups.
pub fn overview(groups: &[(&str, Command)]) -> String {
    let mut text = format!(
        "Roleswap: what changes inside a chat model when it speaks as the user.\n\
         \n\
         usage: cargo xtask VERB [OPTIONS]        the pipeline is `{DEFAULT_PIPELINE}` unless --pipeline names another\n"
    );
    for (title, verbs) in groups {
        let _ = writeln!(text, "\n{title}");
        for verb in verbs.get_subcommands() {
            let _ = writeln!(text, "  {:<14}{}", verb.get_name(), about(verb));
            let _ = writeln!(text, "  {:<14}  $ cargo xtask {}", "", example(verb));
        }
    }
    let options = shared_options(groups);
    let mut options = Command::new("options").args(options).help_template("{options}");
    let _ = write!(
        text,
        "\nThe verb of a stage first brings up to date what the stage reads.\n\nOptions\n{}\n\n\
         cargo xtask VERB --help says which options a verb takes.\n{EXIT_CODES}\n",
        options.render_help().to_string().trim_end()
    );
    text
}

/// What one verb does and takes.
pub fn of_verb(verb: &Command) -> String {
    let example = example(verb);
    let template = format!(
        "{{about}}\n\nusage: {{usage}}\n\n  $ cargo xtask {example}\n\n{{all-args}}\n\n{EXIT_CODES}\n"
    );
    let mut verb = verb
        .clone()
        .bin_name(format!("cargo xtask {}", verb.get_name()))
        // What is longer is for the documentation.
        .long_about(None)
        .help_template(template);
    verb.render_help().to_string()
}

/// One line: what a verb does.
pub fn about(verb: &Command) -> String {
    verb.get_about().map(ToString::to_string).unwrap_or_default()
}

/// What follows `cargo xtask` in the example of a verb.
pub fn example(verb: &Command) -> String {
    verb.get_after_help().map(ToString::to_string).unwrap_or_default()
}

/// The options of all verbs, each once, in the order of the verb that takes most. Those of a single
/// verb are left to its own help.
pub fn shared_options(groups: &[(&str, Command)]) -> Vec<Arg> {
    let mut verbs: Vec<&Command> = groups
        .iter()
        .flat_map(|(_, verbs)| verbs.get_subcommands())
        .collect();
    verbs.sort_by_key(|verb| std::cmp::Reverse(verb.get_opts().count()));
    let all: Vec<&Arg> = verbs.into_iter().flat_map(Command::get_opts).collect();
    let mut shared: Vec<Arg> = Vec::new();
    for option in &all {
        let uses = all.iter().filter(|other| other.get_id() == option.get_id());
        if uses.count() > 1 && !shared.iter().any(|known| known.get_id() == option.get_id()) {
            let option = Arg::clone(option).display_order(shared.len());
            shared.push(option);
        }
    }
    shared
}
