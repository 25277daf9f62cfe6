use anyhow::{Context, Result, bail};
use interventions::Kind;
use live::Steering;
use terms::Speaker;

/// What a line asks for.
#[derive(Debug, PartialEq)]
pub enum Command {
    Say(String),
    ShowSteering,
    Steer(Steering),
    SteerAsChosen,
    Off,
    As(Speaker),
    Reset,
    Undo,
    Again,
    Compare,
    Sample(bool),
    Max(usize),
    Vectors,
    Help,
    Quit,
}

/// What `/help` prints.
pub fn help() -> String {
    let others = Kind::live().filter(|kind| *kind != Kind::Addition);
    let kinds = others.filter_map(|kind| {
        let help = kind.definition().live?.help;
        Some(format!("       {:<20} {help}\n", format!("kind={kind}")))
    });
    format!("{STEERING_HELP}{}{HELP}", kinds.collect::<String>())
}

const STEERING_HELP: &str = "\
/steer layer=3 coef=-0.65   adds a multiple of the contrast at a layer from now on; repeat it for several
       vector=NAME          another vector (see /vectors), or a feature of one of [[saes]]: sae.NAME.NUMBER
       unit=relative        coef counts mean residual norms of the layer, not lengths of the vector
";

const HELP: &str = "\
/steer dose                 what the stage dose chose and nothing else, toward the other speaker
/steer                      lists what is set
/off                        no steering
/again                      answers the last turn again
/compare                    the last answer without steering and with it, side by side
/as user, /as model         whom the model speaks as
/undo                       takes the last exchange back
/reset                      begins again
/sample on, /sample off     draws tokens as the pipeline's [steer.decoding] says, or takes the likeliest
/max N                      new tokens at most
/vectors                    lists the vectors, and how long each is at each layer
/help, /quit                Ctrl-D ends too; Ctrl-C stops an answer, twice ends; // begins a text with a slash";

const NAMES: &str =
    "/steer, /off, /again, /compare, /as, /undo, /reset, /sample, /max, /vectors, /help and /quit";

impl Command {
    /// None for an empty line.
    pub fn parse(line: &str) -> Result<Option<Self>> {
        let line = line.trim();
        let Some(command) = line.strip_prefix('/') else {
            return Ok((!line.is_empty()).then(|| Command::Say(line.to_owned())));
        };
        if command.starts_with('/') {
            return Ok(Some(Command::Say(command.to_owned())));
        }
        let (name, argument) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
        let argument = argument.trim();
        let alone = |command: Command| match argument {
            "" => Ok(command),
            _ => bail!("/{name} takes nothing after it"),
        };
        let command = match name {
            "steer" => match argument {
                "" => Command::ShowSteering,
                "dose" => Command::SteerAsChosen,
                "off" => Command::Off,
                _ => Command::Steer(Steering::parse(argument)?),
            },
            "as" => Command::As(speaker(argument)?),
            "sample" => match argument {
                "on" => Command::Sample(true),
                "off" => Command::Sample(false),
                _ => bail!("write /sample on or /sample off"),
            },
            "max" => Command::Max(limit(argument)?),
            "off" => alone(Command::Off)?,
            "reset" => alone(Command::Reset)?,
            "undo" => alone(Command::Undo)?,
            "again" => alone(Command::Again)?,
            "compare" => alone(Command::Compare)?,
            "vectors" => alone(Command::Vectors)?,
            "help" => alone(Command::Help)?,
            "quit" | "exit" => alone(Command::Quit)?,
            _ => bail!("there is no command /{name}; the commands are {NAMES}"),
        };
        Ok(Some(command))
    }
}

/// The speakers have the names that they have in pipelines.
pub fn speaker(name: &str) -> Result<Speaker> {
    match name {
        "user" => Ok(Speaker::User),
        "model" => Ok(Speaker::Model),
        _ => bail!("the model speaks as user or as model, not as \"{name}\""),
    }
}

fn limit(argument: &str) -> Result<usize> {
    let limit = argument
        .parse()
        .context("write /max and a number of tokens, such as /max 100")?;
    if limit == 0 {
        bail!("/max wants 1 at least");
    }
    Ok(limit)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]
mod tests {
    use super::*;

    #[test]
    fn lines_are_texts_or_commands() {
        let parse = |line: &str| Command::parse(line).unwrap();
        assert_eq!(parse("  "), None);
        assert_eq!(parse(" Who are you? "), Some(Command::Say("Who are you?".into())));
        assert_eq!(parse("//off"), Some(Command::Say("/off".into())));
        assert_eq!(parse("/as  user"), Some(Command::As(Speaker::User)));
        assert_eq!(parse("/max 7"), Some(Command::Max(7)));
        assert_eq!(parse("/steer"), Some(Command::ShowSteering));
        let Some(Command::Steer(steering)) = parse("/steer coef=-0.4 layer=-1 unit=relative") else {
            panic!("no steering");
        };
        assert_eq!((steering.layer, steering.coefficient), (-1, -0.4));
        assert_eq!(
            steering.to_string(),
            "-0.4 residual norms of contrast at layer -1"
        );
    }

    #[test]
    fn every_kind_is_shown_in_its_own_words() {
        for (line, words) in [
            ("/steer layer=2 coef=0.5", "+0.5 contrast at layer 2"),
            ("/steer layer=2 kind=ablation", "without contrast at layer 2"),
            (
                "/steer layer=2 kind=ablation coef=-1 unit=relative vector=pca",
                "-1 residual norms of pca in place of it at layer 2",
            ),
            (
                "/steer layer=3 kind=feature-clamping coef=4 vector=sae.tiny.7",
                "clamped to +4 sae.tiny.7 at layer 3",
            ),
            (
                "/steer layer=3 kind=feature-ablation vector=sae.tiny.7",
                "without what sae.tiny.7 adds at layer 3",
            ),
        ] {
            let Some(Command::Steer(steering)) = Command::parse(line).unwrap() else {
                panic!("{line}");
            };
            assert_eq!(steering.to_string(), words);
        }
    }

    #[test]
    fn the_help_lists_the_kinds_among_the_words_of_steer() {
        let help = help();
        let lines: Vec<&str> = help.lines().collect();
        assert_eq!(
            lines[2..7],
            [
                "       unit=relative        coef counts mean residual norms of the layer, not lengths of the vector",
                "       kind=ablation        takes the direction out, and adds coef of it back (0 if left out)",
                "       kind=feature-clamping holds a feature's activation at coef",
                "       kind=feature-ablation takes out what a feature adds",
                "/steer dose                 what the stage dose chose and nothing else, toward the other speaker",
            ]
        );
    }

    #[test]
    fn a_bad_command_is_told_what_is_allowed() {
        for (line, words) in [
            ("/stear", "/steer, /off"),
            ("/steer layer=3", "coef is missing"),
            (
                "/steer layer=3",
                "[unit=raw|relative] [kind=addition|ablation|feature-clamping|feature-ablation]",
            ),
            ("/steer coef=1", "layer is missing"),
            ("/steer layer=x coef=1", "whole number"),
            ("/steer layer=1 coef=nan", "must be finite"),
            ("/steer layer=1 coef=1 unit=mm", "raw"),
            (
                "/steer layer=1 coef=1 kind=capping",
                "addition, ablation, feature",
            ),
            ("/steer layer 3", "KEY=VALUE"),
            ("/steer where=3", "unknown key \"where\""),
            ("/as me", "user or as model"),
            ("/max 0", "1 at least"),
            ("/max many", "number of tokens"),
            ("/sample", "/sample on"),
            ("/off now", "takes nothing"),
        ] {
            let error = Command::parse(line).unwrap_err().to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
