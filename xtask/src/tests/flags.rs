//! The command line.

use std::collections::BTreeSet;

use crate::{
    exit,
    flags::{Asked, Xtask, XtaskCmd},
    help::overview,
    nearest::nearest,
    verbs::{GROUPS, OPTIONS, VERBS},
};

fn asked(line: &str) -> Result<Asked, String> {
    Xtask::from_command_line(line.split_whitespace().map(Into::into).collect())
}

fn parse(line: &str) -> Result<Box<Xtask>, String> {
    match asked(line)? {
        Asked::Do(flags) => Ok(flags),
        Asked::Help(text) => panic!("help:\n{text}"),
    }
}

fn help(line: &str) -> String {
    match asked(line).unwrap() {
        Asked::Help(text) => text,
        Asked::Do(flags) => panic!("{flags:?}"),
    }
}

/// The words of the grammar, out of the help that xflags makes of it.
#[test]
fn every_verb_and_option_of_the_grammar_has_a_row_and_no_other() {
    let help = Xtask::from_vec(vec!["--help".into()]).unwrap_err().to_string();
    let verbs: BTreeSet<&str> = help
        .lines()
        .filter_map(|line| line.strip_prefix("xtask ")?.split_whitespace().next())
        .collect();
    assert_eq!(verbs, VERBS.iter().map(|verb| verb.name).collect());
    let top = help.split("SUBCOMMANDS").next().unwrap();
    let options: BTreeSet<&str> = top
        .split_whitespace()
        .filter(|word| word.starts_with("--") && *word != "--help")
        .collect();
    assert_eq!(options, OPTIONS.iter().map(|option| option.name).collect());
    for verb in VERBS {
        let known = |name: &&str| OPTIONS.iter().any(|option| option.name == *name);
        assert!(verb.options.iter().all(known), "{}", verb.name);
        assert!(GROUPS.contains(&verb.group));
    }
}

#[test]
fn no_arguments_show_every_verb_with_an_example_and_the_default_pipeline() {
    let text = help("");
    assert_eq!(text, overview());
    assert!(text.contains("the pipeline is `tiny`"), "{text}");
    for verb in VERBS {
        let row = format!("\n  {:<13}{}\n", verb.name, verb.line);
        assert!(text.contains(&row), "no row of {} in:\n{text}", verb.name);
        assert!(text.contains(&format!("$ cargo xtask {}\n", verb.example)));
    }
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(120), "{longest:?}");
}

#[test]
fn help_is_of_the_verb_before_it() {
    assert_eq!(help("--help"), overview());
    let steer = help("steer --help");
    assert!(steer.starts_with("Generates text"), "{steer}");
    assert!(
        steer.contains("--dry-run") && !steer.contains("--json"),
        "{steer}"
    );
    assert_eq!(help("-h steer"), steer);
    assert_eq!(help("help steer"), steer);
    assert_eq!(help("help"), overview());
    // Without building the program that the verb stands for.
    assert!(help("chat --help").contains("[--as model|user]"));
}

#[test]
fn every_example_can_be_typed() {
    for verb in VERBS {
        let result = asked(verb.example);
        assert!(result.is_ok(), "{}: {result:?}", verb.example);
        assert!(verb.example.starts_with(verb.name));
    }
}

#[test]
fn options_stand_before_or_after_the_verb() {
    for line in [
        "--pipeline gemma --set steer.seed=1 --force steer --set steer.top_k=2",
        "steer --pipeline gemma --force --set steer.seed=1 --set steer.top_k=2",
    ] {
        let flags = parse(line).unwrap();
        assert_eq!(flags.pipeline(), "gemma");
        assert_eq!(flags.set, ["steer.seed=1", "steer.top_k=2"]);
        assert!(flags.force && !flags.dry_run);
        assert!(matches!(flags.subcommand, XtaskCmd::Steer(_)));
    }
    assert_eq!(parse("all").unwrap().pipeline(), "tiny");
    assert!(parse("all -q").unwrap().quiet && parse("-v all").unwrap().verbose);
}

#[test]
fn the_trainer_gets_every_argument_after_its_name() {
    for line in ["train --steps 10 --help", "train -- --steps 10 --help"] {
        let XtaskCmd::Train(train) = parse(line).unwrap().subcommand else {
            panic!("not train")
        };
        assert_eq!(train.arguments, ["--steps", "10", "--help"]);
    }
    let XtaskCmd::Train(train) = parse("train").unwrap().subcommand else {
        panic!("not train")
    };
    assert!(train.arguments.is_empty());
}

#[test]
fn an_option_that_would_be_ignored_is_refused() {
    assert_eq!(
        parse("accept --dry-run").unwrap_err(),
        "--dry-run means nothing to accept; leave it out"
    );
    for line in [
        "status --force",
        "clean --set steer.seed=1",
        "--pipeline tiny train",
        "all --quiet --verbose",
        "all --pipeline",
        "all everything",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    assert!(parse("clean --dry-run").unwrap().dry_run);
}

#[test]
fn a_mistyped_word_suggests_the_nearest() {
    for (line, message) in [
        ("analyse", "there is no verb `analyse`; did you mean `analyze`?"),
        ("stat", "there is no verb `stat`; did you mean `status`?"),
        ("bnehc", "there is no verb `bnehc`; did you mean `bench`?"),
        (
            "all --pipline x",
            "there is no option `--pipline`; did you mean `--pipeline`?",
        ),
        (
            "--dry all",
            "there is no option `--dry`; did you mean `--dry-run`?",
        ),
        (
            "frobnicate",
            "there is no verb `frobnicate`; cargo xtask alone lists all",
        ),
    ] {
        assert_eq!(parse(line).unwrap_err(), message);
    }
    assert_eq!(nearest("x", ["all"].into_iter()), None);
    assert_eq!(nearest("setp", ["step", "stop"].into_iter()), Some("step"));
}

#[test]
fn the_documentation_has_a_row_for_every_verb_option_and_exit_code() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs_err::read_to_string(root.join("docs/command-line.md")).unwrap();
    let row = |first: &str| text.lines().find(|line| line.starts_with(&format!("| {first}")));
    for verb in VERBS {
        let line = row(&format!("`{}` |", verb.name)).unwrap_or_else(|| panic!("no row of {}", verb.name));
        let example = line.rsplit('`').nth(1).unwrap();
        let typed = example.strip_prefix("cargo xtask ").unwrap();
        assert!(typed.starts_with(verb.name) && asked(typed).is_ok(), "{example}");
    }
    for option in OPTIONS {
        let first = option.short.map_or(option.name.to_owned(), |short| {
            format!("{short}`, `{}", option.name)
        });
        assert!(row(&format!("`{first}")).is_some(), "{}", option.name);
    }
    for code in [
        0,
        exit::FAILED,
        exit::USAGE,
        exit::STAGE_FAILED,
        exit::INTERRUPTED,
    ] {
        assert!(row(&format!("{code} |")).is_some(), "{code}");
    }
}
