//! `cargo xtask completions SHELL`: a script that completes what is typed after `cargo xtask`, and
//! after `xtask` where that is an alias of it.
//!
//! The verbs and options in it come from the command line's definition. The scripts of
//! `clap_complete` cannot be used: they complete a program, not the verb `xtask` of cargo, do not
//! know the pipelines, and in bash offer the names of arguments (`<NAME>`) as words to type.

use clap::{Arg, Command};

use crate::{command_line::Shell, help::about};

pub fn script(shell: Shell, command: &Command) -> String {
    match shell {
        Shell::Bash => bash(command),
        Shell::Zsh => zsh(command),
        Shell::Fish => fish(command),
    }
}

/// The words that may follow a verb, without its options.
fn values(verb: &Command) -> Vec<String> {
    let values = verb.get_positionals().flat_map(Arg::get_possible_values);
    values.map(|value| value.get_name().to_owned()).collect()
}

fn line(option: &Arg) -> String {
    option.get_help().map(ToString::to_string).unwrap_or_default()
}

fn long(option: &Arg) -> Option<String> {
    Some(format!("--{}", option.get_long()?))
}

/// Whether a verb hands words on to a program, which may be names of files.
fn passes_on(verb: &Command) -> bool {
    verb.get_positionals().any(Arg::is_last_set)
}

fn names(command: &Command) -> Vec<&str> {
    command.get_subcommands().map(Command::get_name).collect()
}

/// The options that have a value, as a pattern of bash and zsh.
fn with_value(command: &Command) -> String {
    let options = command.get_subcommands().flat_map(Command::get_opts);
    let mut names: Vec<String> = options
        .filter(|option| option.get_action().takes_values())
        .filter_map(long)
        .collect();
    names.sort();
    names.dedup();
    names.join("|")
}

/// The names of the pipelines of the checkout that the user is in; the same in bash and zsh.
const PIPELINES: &str = r#"_roleswap_pipelines() {
    local folder=$PWD
    while [[ -n $folder && ! -f $folder/xtask/Cargo.toml ]]; do folder=${folder%/*}; done
    (cd "$folder/pipelines" 2> /dev/null && ls -- *.toml 2> /dev/null | sed 's/\.toml$//')
}
"#;

fn bash(command: &Command) -> String {
    let mut cases = format!("        '') words='{} --help' ;;\n", names(command).join(" "));
    for verb in command.get_subcommands() {
        let mut words = values(verb);
        words.extend(verb.get_opts().filter_map(long));
        words.push("--help".to_owned());
        let files = if passes_on(verb) {
            "; compopt -o default 2> /dev/null"
        } else {
            ""
        };
        cases.push_str(&format!(
            "        {}) words='{}'{files} ;;\n",
            verb.get_name(),
            words.join(" ")
        ));
    }
    let with_value = with_value(command);
    format!(
        r#"# Completes `cargo xtask` in bash, and `xtask` where you have `alias xtask='cargo xtask'`. To use it in every shell:
#
#   cargo xtask completions bash > ~/.roleswap-completion.bash
#   echo 'source ~/.roleswap-completion.bash' >> ~/.bashrc
#
# It comes before the completion of cargo that is already there, and leaves everything but `cargo xtask` to it.

{PIPELINES}
# $1: the place of the first word after `cargo xtask`.
_roleswap_complete() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} verb='' words='' place
    COMPREPLY=()
    case $before in
        --pipeline) COMPREPLY=($(compgen -W "$(_roleswap_pipelines)" -- "$word")); return ;;
        --set) return ;;
    esac
    for ((place = $1; place < COMP_CWORD; place++)); do
        case ${{COMP_WORDS[place]}} in
            {with_value}) ((place++)) ;;
            -*) ;;
            *) verb=${{COMP_WORDS[place]}}; break ;;
        esac
    done
    case $verb in
{cases}    esac
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}}

_roleswap_xtask() {{ _roleswap_complete 1; }}

if [[ -z ${{_roleswap_before+set}} ]]; then
    _roleswap_before=$(complete -p cargo 2> /dev/null | sed -n 's/.*-F \([^ ]*\).*/\1/p')
fi
_roleswap_cargo() {{
    if [[ ${{COMP_WORDS[1]}} == xtask && $COMP_CWORD -ge 2 ]]; then
        _roleswap_complete 2
    elif [[ -n $_roleswap_before ]]; then
        "$_roleswap_before" "$@"
    fi
}}

complete -F _roleswap_xtask xtask
complete -o default -F _roleswap_cargo cargo
"#
    )
}

fn zsh(command: &Command) -> String {
    let quoted = |text: &str| text.replace('\'', "'\\''").replace(':', "\\:");
    let verbs: String = command
        .get_subcommands()
        .map(|verb| format!("        '{}:{}'\n", verb.get_name(), quoted(&about(verb))))
        .collect();
    let mut cases = String::new();
    for verb in command.get_subcommands() {
        let rows: String = verb
            .get_opts()
            .filter_map(|option| Some(format!(" '{}:{}'", long(option)?, quoted(&line(option)))))
            .collect();
        let values = values(verb).join(" ");
        let files = if passes_on(verb) { "; _files" } else { "" };
        cases.push_str(&format!(
            "        {}) values=({values}); rows=({rows} ){files} ;;\n",
            verb.get_name()
        ));
    }
    let with_value = with_value(command);
    format!(
        r#"# Completes `cargo xtask` in zsh, and `xtask` where you have `alias xtask='cargo xtask'`. To use it in every shell:
#
#   cargo xtask completions zsh > ~/.roleswap-completion.zsh
#   echo 'source ~/.roleswap-completion.zsh' >> ~/.zshrc        # after the line with compinit
#
# It comes before the completion of cargo that is already there, and leaves everything but `cargo xtask` to it.

{PIPELINES}
# $1: the place of the first word after `cargo xtask`.
_roleswap_complete() {{
    local verb='' place
    local -a verbs values rows
    case ${{words[CURRENT-1]}} in
        --pipeline) compadd -- $(_roleswap_pipelines); return ;;
        --set) return ;;
    esac
    for ((place = $1; place < CURRENT; place++)); do
        case ${{words[place]}} in
            {with_value}) ((place++)) ;;
            -*) ;;
            *) verb=${{words[place]}}; break ;;
        esac
    done
    verbs=(
{verbs}    )
    case $verb in
        '') _describe verb verbs; return ;;
{cases}    esac
    compadd -- $values
    _describe option rows
}}

_roleswap_xtask() {{ _roleswap_complete 2; }}

_roleswap_cargo() {{
    if [[ ${{words[2]}} == xtask && CURRENT -ge 3 ]]; then
        _roleswap_complete 3
    elif (( $+functions[_cargo] )); then
        _cargo "$@"
    fi
}}

compdef _roleswap_xtask xtask
compdef _roleswap_cargo cargo
"#
    )
}

fn fish(command: &Command) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let mut lines = String::new();
    for verb in command.get_subcommands() {
        let about = quoted(&about(verb));
        lines.push_str(&format!(
            "complete -c cargo -n '__roleswap_needs_verb' -f -a {} -d '{about}'\n",
            verb.get_name()
        ));
        let condition = format!("-n '__roleswap_verb {}'", verb.get_name());
        for value in values(verb) {
            lines.push_str(&format!("complete -c cargo {condition} -f -a {value}\n"));
        }
        for option in verb.get_opts() {
            let long = option.get_long().unwrap_or_default();
            let short = option.get_short();
            let short = short.map_or(String::new(), |short| format!(" -s {short}"));
            let value = match long {
                "pipeline" => " -x -a '(__roleswap_pipelines)'",
                _ if option.get_action().takes_values() => " -x",
                _ => "",
            };
            let line = quoted(&line(option));
            lines.push_str(&format!(
                "complete -c cargo {condition}{short} -l {long}{value} -d '{line}'\n"
            ));
        }
    }
    format!(
        r#"# Completes `cargo xtask` in fish. To use it in every shell:
#
#   cargo xtask completions fish > ~/.config/fish/conf.d/roleswap.fish
#
# What completes the rest of cargo stays as it is. For a shorter name: `alias --save xtask='cargo xtask'`.

function __roleswap_needs_verb
    __fish_seen_subcommand_from xtask; and not __fish_seen_subcommand_from {names}
end

function __roleswap_verb
    __fish_seen_subcommand_from xtask; and __fish_seen_subcommand_from $argv
end

function __roleswap_pipelines
    set -l folder $PWD
    while test -n "$folder"; and not test -f "$folder/xtask/Cargo.toml"
        set folder (string replace -r '/[^/]*$' '' -- $folder)
    end
    for file in $folder/pipelines/*.toml
        string replace -r '.*/(.*)\.toml$' '$1' -- $file
    end
end

{lines}"#,
        names = names(command).join(" ")
    )
}
