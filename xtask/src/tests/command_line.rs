//! The command line: what it takes, what it refuses, and what it says of itself.

use std::path::{Path, PathBuf};

use clap::Command;

use terminal::nearest;

use crate::{
    command_line::{CommandLine, Look, Maintain, Parameters, Run, Start, Verb, command, groups},
    exit,
    help::{about, example, overview, shared_options},
    parse::{Asked, Flags, parse as ask},
    stage::STAGES,
};

fn asked(line: &str) -> Result<Asked, String> {
    ask(line.split_whitespace().map(Into::into).collect())
}

fn parse(line: &str) -> Result<Box<CommandLine>, String> {
    match asked(line)? {
        Asked::Do(command_line, _) => Ok(command_line),
        Asked::Help(text) => panic!("help:\n{text}"),
    }
}

fn flags(line: &str) -> Flags {
    match asked(line).unwrap() {
        Asked::Do(_, flags) => flags,
        Asked::Help(text) => panic!("help:\n{text}"),
    }
}

fn help(line: &str) -> String {
    match asked(line).unwrap() {
        Asked::Help(text) => text,
        Asked::Do(command_line, _) => panic!("{command_line:?}"),
    }
}

fn verbs() -> Vec<Command> {
    command().get_subcommands().cloned().collect()
}

/// Compares a text with a file of this repository, or writes it with `UPDATE_HELP=1`.
fn check_file(path: &Path, expected: &str) {
    if std::env::var_os("UPDATE_HELP").is_some() {
        fs_err::write(path, expected).unwrap();
    }
    let found = fs_err::read_to_string(path).unwrap_or_default();
    assert_eq!(
        found,
        expected,
        "{} is out of date; run UPDATE_HELP=1 cargo test -p xtask, and read the difference",
        path.display()
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_definition_has_no_contradictions() {
    command().debug_assert();
}

#[test]
fn the_help_is_what_it_was() {
    let mut text = overview(&groups());
    for verb in verbs() {
        let name = verb.get_name();
        text.push_str(&format!(
            "\n\n$ cargo xtask help {name}\n{}",
            help(&format!("help {name}"))
        ));
    }
    check_file(&root().join("xtask/src/tests/help.txt"), &text);
}

#[test]
fn no_arguments_show_every_verb_with_an_example_and_the_default_pipeline() {
    let text = help("");
    assert_eq!(text, overview(&groups()));
    assert!(text.contains("the pipeline is `tiny`"), "{text}");
    for verb in verbs() {
        let row = format!("\n  {:<14}{}\n", verb.get_name(), about(&verb));
        assert!(text.contains(&row), "no row of {} in:\n{text}", verb.get_name());
        assert!(text.contains(&format!("$ cargo xtask {}\n", example(&verb))));
    }
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest < Some(120), "{longest:?}");
}

#[test]
fn every_stage_has_a_verb() {
    for stage in STAGES {
        let Verb::Run(Run::Stage(verb)) = parse(stage.name).unwrap().verb else {
            panic!("{} is not the verb of a stage", stage.name)
        };
        assert_eq!(verb.stage.name, stage.name);
        let takes_json = parse(&format!("{} --json", stage.name)).is_ok();
        assert_eq!(takes_json, stage.json.is_some());
    }
}

#[test]
fn help_is_of_the_verb_before_it() {
    assert_eq!(help("--help"), overview(&groups()));
    let steer = help("steer --help");
    assert!(steer.starts_with("Generates texts"), "{steer}");
    assert!(
        steer.contains("--dry-run") && !steer.contains("--json"),
        "{steer}"
    );
    assert_eq!(help("-h steer"), steer);
    assert_eq!(help("help steer"), steer);
    assert_eq!(help("help"), overview(&groups()));
    // Without building the program that the verb stands for.
    assert!(help("chat --help").contains("[--as model|user]"));
    assert!(help("help train").contains("[ARGUMENTS OF THE TRAINER]"));
}

#[test]
fn every_example_can_be_typed() {
    for verb in verbs() {
        let example = example(&verb);
        let result = asked(&example);
        assert!(result.is_ok(), "{example}: {result:?}");
        assert!(example.starts_with(verb.get_name()));
    }
}

#[test]
fn options_may_come_before_or_after_the_verb() {
    for line in [
        "--pipeline gemma --set steer.seed=1 --force steer --set steer.top_k=2",
        "steer --pipeline=gemma --force --set steer.seed=1 --set steer.top_k=2",
    ] {
        let Verb::Run(Run::Stage(verb)) = parse(line).unwrap().verb else {
            panic!("not a stage")
        };
        assert_eq!(verb.options.parameters.pipeline.name, "gemma");
        assert_eq!(verb.options.parameters.set, ["steer.seed=1", "steer.top_k=2"]);
        assert!(verb.options.force && !verb.options.dry_run.dry_run);
        assert_eq!(verb.stage.name, "steer");
    }
    let Verb::Run(Run::All(options)) = parse("all").unwrap().verb else {
        panic!("not all")
    };
    assert_eq!(options.parameters.pipeline.name, "tiny");
    assert!(flags("all -q").quiet && flags("-v all").verbose && flags("verify --json").json);
}

#[test]
fn the_trainer_gets_every_argument_after_its_name() {
    for line in [
        "train --steps 10 --help",
        "train -- --steps 10 --help",
        "-q train --steps 10 --help",
    ] {
        let Verb::Maintain(Maintain::Train(train)) = parse(line).unwrap().verb else {
            panic!("not train")
        };
        assert_eq!(train.arguments, ["--steps", "10", "--help"]);
    }
    let Verb::Maintain(Maintain::Train(train)) = parse("train").unwrap().verb else {
        panic!("not train")
    };
    assert!(train.arguments.is_empty());
}

#[test]
fn options_of_xtask_may_be_mixed_with_those_of_the_program() {
    let line = "doctor --json --pipeline gemma --threads 2 -q --set model.device=cpu -- --pipeline theirs";
    let Verb::Start(Start::Doctor { parameters, rest, .. }) = parse(line).unwrap().verb else {
        panic!("not doctor")
    };
    let Parameters { pipeline, set } = parameters;
    assert_eq!(pipeline.name, "gemma");
    assert_eq!(set, ["model.device=cpu"]);
    assert_eq!(
        rest.arguments,
        ["--json", "--threads", "2", "--pipeline", "theirs"]
    );
    assert!(flags(line).quiet);
    let Verb::Look(Look::Export { pipeline, rest, .. }) =
        parse("--pipeline gemma export pca --format gguf").unwrap().verb
    else {
        panic!("not export")
    };
    assert_eq!(pipeline.name, "gemma");
    assert_eq!(rest.arguments, ["pca", "--format", "gguf"]);
}

#[test]
fn what_cannot_be_understood_is_refused_with_advice() {
    let stages: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    let analyse = format!(
        "`analyse` is not known here; did you mean `analyze`? use {}",
        stages.join(", ")
    );
    for (line, message) in [
        ("accept --dry-run", "`accept` does not take --dry-run; remove it"),
        ("status --force", "`status` does not take --force; remove it"),
        ("status -q", "`status` does not take -q; remove it"),
        (
            "clean --set steer.seed=1",
            "`clean` does not take --set; remove it",
        ),
        (
            "--pipeline tiny train",
            "`train` does not take --pipeline; remove it",
        ),
        ("all everything", "`all` does not take everything; remove it"),
        (
            "all --quiet --verbose",
            "--quiet and --verbose cannot be combined; remove one",
        ),
        ("all -qv", "--quiet and --verbose cannot be combined; remove one"),
        ("all --force --force", "--force is given twice; remove one"),
        (
            "all --pipeline",
            "--pipeline <NAME> has no value; write one after it",
        ),
        (
            "new --model x",
            "<NAME> must be given; usage: cargo xtask new [OPTIONS] <NAME>",
        ),
        ("why analyse", analyse.as_str()),
        (
            "completions powershell",
            "`powershell` is not known here; use bash, zsh, fish",
        ),
        ("-q", "no verb is named; cargo xtask alone lists them"),
    ] {
        assert_eq!(parse(line).unwrap_err(), message, "{line}");
    }
    let Verb::Maintain(Maintain::Clean { dry_run, .. }) = parse("clean --dry-run").unwrap().verb else {
        panic!("not clean")
    };
    assert!(dry_run.dry_run);
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

/// The text with what is between the two marks of a table replaced.
fn with_table(text: &str, name: &str, table: &str) -> String {
    let (start, end) = (
        format!("<!-- {name}, made by UPDATE_HELP=1 cargo test -p xtask -->\n"),
        "<!-- end -->\n",
    );
    let (before, rest) = text
        .split_once(&start)
        .unwrap_or_else(|| panic!("no {start} in docs/command-line.md"));
    let (_, after) = rest.split_once(end).unwrap();
    format!("{before}{start}\n{table}\n{end}{after}")
}

#[test]
fn the_documentation_has_the_tables_of_verbs_and_options() {
    let mut verbs_table = "| verb | what it does | example |\n|---|---|---|\n".to_owned();
    for verb in verbs() {
        let long = verb.get_long_about().map(ToString::to_string);
        // Its first line is what the help says.
        let long = long.and_then(|long| Some(long.split_once("\n\n")?.1.replace('\n', " ")));
        let what = long.unwrap_or_else(|| about(&verb));
        let example = example(&verb);
        verbs_table.push_str(&format!(
            "| `{}` | {what} | `cargo xtask {example}` |\n",
            verb.get_name()
        ));
    }
    let mut options = "| option | meaning |\n|---|---|\n".to_owned();
    for option in shared_options(&groups()) {
        let short = option
            .get_short()
            .map_or(String::new(), |short| format!("`-{short}`, "));
        let value = option
            .get_value_names()
            .filter(|_| option.get_action().takes_values());
        let value = value.map_or(String::new(), |names| format!(" {}", names[0]));
        let name = option.get_long().unwrap();
        options.push_str(&format!(
            "| {short}`--{name}{value}` | {} |\n",
            option.get_help().unwrap()
        ));
    }
    let path = root().join("docs/command-line.md");
    let text = fs_err::read_to_string(&path).unwrap();
    let expected = with_table(&with_table(&text, "verbs", &verbs_table), "options", &options);
    check_file(&path, &expected);
}

#[test]
fn the_documentation_has_a_row_for_every_exit_code() {
    let text = fs_err::read_to_string(root().join("docs/command-line.md")).unwrap();
    for code in [
        0,
        exit::FAILED,
        exit::USAGE,
        exit::STAGE_FAILED,
        exit::INTERRUPTED,
    ] {
        let row = format!("| {code} |");
        assert!(text.lines().any(|line| line.starts_with(&row)), "{code}");
    }
}
