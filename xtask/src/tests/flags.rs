//! The command line.

use crate::flags::{Xtask, XtaskCmd};

fn parse(line: &str) -> Result<Xtask, String> {
    let arguments = line.split_whitespace().map(Into::into).collect();
    Xtask::from_command_line(arguments).map_err(|error| error.to_string())
}

#[test]
fn no_arguments_print_the_help_with_an_example_per_verb() {
    let help = parse("").unwrap_err();
    assert_eq!(help, parse("--help").unwrap_err());
    for verb in [
        "all", "extract", "analyze", "steer", "dose", "report", "status", "accept", "clean", "train",
    ] {
        assert!(
            help.contains(&format!("Example: cargo xtask {verb}")),
            "no example of {verb} in:\n{help}"
        );
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
fn a_flag_that_would_be_ignored_is_refused() {
    assert_eq!(
        parse("accept --dry-run").unwrap_err(),
        "`--dry-run` means nothing to `accept`; leave it out"
    );
    for line in [
        "status --force",
        "clean --set steer.seed=1",
        "--pipeline tiny train",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
    assert!(parse("clean --dry-run").unwrap().dry_run);
    assert!(parse("benchmark").is_err());
}
