//! Completion, as far as the shells are here.

use std::process::Command as Process;

use clap::Command;

use super::sandbox::Sandbox;
use crate::{
    command_line::{Shell, command},
    completions::script,
};

/// What bash offers after these words, the last of which is being typed.
fn bash(sandbox: &Sandbox, words: &[&str]) -> Option<Vec<String>> {
    sandbox.write("completion.bash", &script(Shell::Bash, &command()));
    let function = if words[0] == "cargo" {
        "_roleswap_cargo"
    } else {
        "_roleswap_xtask"
    };
    let program = format!(
        "_before() {{ COMPREPLY=(before); }}; complete -F _before cargo; source ./completion.bash; source ./completion.bash; \
         COMP_WORDS=({}); COMP_CWORD={}; {function}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        words
            .iter()
            .map(|word| format!("'{word}'"))
            .collect::<Vec<_>>()
            .join(" "),
        words.len() - 1
    );
    let output = Process::new("bash")
        .args(["--norc", "-c", &program])
        .current_dir(sandbox.project.root())
        .output();
    let Ok(output) = output else {
        println!("skipped: there is no bash here");
        return None;
    };
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    Some(
        text.lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn bash_completes_verbs_options_stages_and_pipelines() {
    let sandbox = Sandbox::new();
    sandbox.write("xtask/Cargo.toml", "");
    sandbox.write("pipelines/gemma.toml", "");
    let cases: &[(&[&str], &[&str])] = &[
        (&["cargo", "xtask", "sta"], &["status"]),
        (&["xtask", "sta"], &["status"]),
        (&["cargo", "xtask", "why", "e"], &["extract"]),
        (
            &["cargo", "xtask", "--pipeline", "tiny", "why", "e"],
            &["extract"],
        ),
        (&["cargo", "xtask", "all", "--pipeline", ""], &["gemma", "tiny"]),
        (
            &["cargo", "xtask", "clean", "--"],
            &["--pipeline", "--dry-run", "--help"],
        ),
        (
            &["cargo", "xtask", "completions", ""],
            &["bash", "zsh", "fish", "--help"],
        ),
        (&["cargo", "xtask", "all", "--set", ""], &[]),
        // The rest of cargo stays with what completed it before.
        (&["cargo", "bu"], &["before"]),
    ];
    for (words, expected) in cases {
        let Some(found) = bash(&sandbox, words) else {
            return;
        };
        assert_eq!(found, *expected, "{words:?}");
    }
    let all = bash(&sandbox, &["cargo", "xtask", ""]).unwrap();
    let command = command();
    let names: Vec<&str> = command
        .get_subcommands()
        .map(Command::get_name)
        .chain(["--help"])
        .collect();
    assert_eq!(all, names);
}

#[test]
fn every_script_is_one_of_its_shell_and_names_every_verb() {
    let (sandbox, command) = (Sandbox::new(), command());
    for (shell, program) in [(Shell::Bash, "bash"), (Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
        let text = script(shell, &command);
        for verb in command.get_subcommands() {
            assert!(text.contains(verb.get_name()), "{program}: {}", verb.get_name());
        }
        sandbox.write("script", &text);
        match Process::new(program)
            .arg("-n")
            .arg(sandbox.path("script"))
            .output()
        {
            Ok(output) => assert!(output.status.success(), "{program}: {output:?}"),
            Err(_) => println!("skipped: there is no {program} here"),
        }
    }
}
