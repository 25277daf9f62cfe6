//! `cargo xtask completions SHELL`: a script that completes what is typed after `cargo xtask`, and after `xtask` where
//! that is an alias of it. Everything in it comes from `verbs.rs`.

use anyhow::{Result, bail};

use crate::{
    stage::STAGES,
    verbs::{OPTIONS, Opt, VERBS, Verb},
};

pub const SHELLS: &[&str] = &["bash", "zsh", "fish"];

pub fn script(shell: &str) -> Result<String> {
    Ok(match shell {
        "bash" => bash(),
        "zsh" => zsh(),
        "fish" => fish(),
        _ => bail!(
            "no script for the shell `{shell}`; there are {}",
            SHELLS.join(", ")
        ),
    })
}

/// What may stand after a verb, besides options.
fn values(verb: &Verb) -> Vec<&'static str> {
    if verb.arguments.contains("STAGE") {
        STAGES.iter().map(|stage| stage.name).collect()
    } else if verb.name == "completions" {
        SHELLS.to_vec()
    } else {
        Vec::new()
    }
}

fn options(verb: &Verb) -> impl Iterator<Item = &'static Opt> {
    OPTIONS.iter().filter(|option| verb.takes(option))
}

fn with_value() -> Vec<&'static str> {
    let with_value = OPTIONS.iter().filter(|option| !option.value.is_empty());
    with_value.map(|option| option.name).collect()
}

/// The names of the pipelines of the checkout that the user stands in; the same in bash and zsh.
const PIPELINES: &str = r#"_roleswap_pipelines() {
    local folder=$PWD
    while [[ -n $folder && ! -f $folder/xtask/Cargo.toml ]]; do folder=${folder%/*}; done
    (cd "$folder/pipelines" 2> /dev/null && ls -- *.toml 2> /dev/null | sed 's/\.toml$//')
}
"#;

fn bash() -> String {
    let names: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
    let mut cases = format!("        '') words='{} --help' ;;\n", names.join(" "));
    for verb in VERBS {
        let mut words = values(verb);
        words.extend(options(verb).map(|option| option.name));
        words.push("--help");
        let files = if verb.passes_on {
            "; compopt -o default 2> /dev/null"
        } else {
            ""
        };
        cases.push_str(&format!(
            "        {}) words='{}'{files} ;;\n",
            verb.name,
            words.join(" ")
        ));
    }
    let with_value = with_value().join("|");
    format!(
        r#"# Completes `cargo xtask` in bash, and `xtask` where you have `alias xtask='cargo xtask'`. To use it in every shell:
#
#   cargo xtask completions bash > ~/.roleswap-completion.bash
#   echo 'source ~/.roleswap-completion.bash' >> ~/.bashrc
#
# It stands before the completion of cargo that is there already, and leaves everything but `cargo xtask` to it.

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

fn zsh() -> String {
    let quoted = |text: &str| text.replace('\'', "'\\''").replace(':', "\\:");
    let verbs: String = VERBS
        .iter()
        .map(|verb| format!("        '{}:{}'\n", verb.name, quoted(verb.line)))
        .collect();
    let mut cases = String::new();
    for verb in VERBS {
        let rows: String = options(verb)
            .map(|option| format!(" '{}:{}'", option.name, quoted(option.line)))
            .collect();
        let values = values(verb).join(" ");
        let files = if verb.passes_on { "; _files" } else { "" };
        cases.push_str(&format!(
            "        {}) values=({values}); rows=({rows} ){files} ;;\n",
            verb.name
        ));
    }
    let with_value = with_value().join("|");
    format!(
        r#"# Completes `cargo xtask` in zsh, and `xtask` where you have `alias xtask='cargo xtask'`. To use it in every shell:
#
#   cargo xtask completions zsh > ~/.roleswap-completion.zsh
#   echo 'source ~/.roleswap-completion.zsh' >> ~/.zshrc        # after the line with compinit
#
# It stands before the completion of cargo that is there already, and leaves everything but `cargo xtask` to it.

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

fn fish() -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
    let names: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
    let mut lines = String::new();
    for verb in VERBS {
        let line = quoted(verb.line);
        lines.push_str(&format!(
            "complete -c cargo -n '__roleswap_needs_verb' -f -a {} -d '{line}'\n",
            verb.name
        ));
        let condition = format!("-n '__roleswap_verb {}'", verb.name);
        for value in values(verb) {
            lines.push_str(&format!("complete -c cargo {condition} -f -a {value}\n"));
        }
        for option in options(verb) {
            let long = option.name.trim_start_matches('-');
            let short = option.short.map_or(String::new(), |short| {
                format!(" -s {}", short.trim_start_matches('-'))
            });
            let value = match option.name {
                "--pipeline" => " -x -a '(__roleswap_pipelines)'",
                _ if option.value.is_empty() => "",
                _ => " -x",
            };
            let line = quoted(option.line);
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
        names = names.join(" ")
    )
}
