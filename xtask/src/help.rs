//! The overview that `cargo xtask` prints alone, and the help of a verb.

use std::fmt::Write as _;

use crate::{
    flags::DEFAULT_PIPELINE,
    verbs::{GROUPS, OPTIONS, Opt, VERBS, Verb},
};

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 failed, 2 the command line cannot be understood, 3 a stage failed,
            130 interrupted. docs/command-line.md has every verb, variable and JSON shape.";

/// Every verb with one example.
pub fn overview() -> String {
    let mut text = format!(
        "Roleswap: what changes inside a chat model when it speaks as the user.\n\
         \n\
         usage: cargo xtask VERB [OPTIONS]        the pipeline is `{DEFAULT_PIPELINE}` unless --pipeline names another\n"
    );
    for group in GROUPS {
        let verbs: Vec<&Verb> = VERBS.iter().filter(|verb| verb.group == *group).collect();
        if verbs.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n{}", group.title());
        for verb in verbs {
            let _ = writeln!(text, "  {:<13}{}", verb.name, verb.line);
            let _ = writeln!(text, "  {:<13}  $ cargo xtask {}", "", verb.example);
        }
    }
    text.push_str("\nOptions\n");
    push_options(&mut text, OPTIONS.iter());
    let _ = writeln!(
        text,
        "\ncargo xtask VERB --help says which options a verb takes.\n{EXIT_CODES}"
    );
    text
}

pub fn of_verb(verb: &Verb) -> String {
    let mut text = format!(
        "{}\n\nusage: {}\n\n  $ cargo xtask {}\n\nOptions\n",
        verb.line,
        usage(verb),
        verb.example
    );
    push_options(&mut text, OPTIONS.iter().filter(|option| verb.takes(option)));
    let _ = writeln!(text, "\n{EXIT_CODES}");
    text
}

pub fn usage(verb: &Verb) -> String {
    let arguments = if verb.arguments.is_empty() { "" } else { " " };
    format!("cargo xtask {}{arguments}{} [OPTIONS]", verb.name, verb.arguments)
}

fn push_options<'a>(text: &mut String, options: impl Iterator<Item = &'a Opt>) {
    let named = |option: &Opt| match option.short {
        Some(short) => format!("{short}, {}", option.name),
        None => format!("{} {}", option.name, option.value),
    };
    for option in options {
        let _ = writeln!(text, "  {:<23}{}", named(option), option.line);
    }
    let _ = writeln!(text, "  {:<23}Prints this help.", "-h, --help");
}
