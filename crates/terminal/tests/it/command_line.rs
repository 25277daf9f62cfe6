//! Command lines that can't be understood.

use clap::{CommandFactory as _, Parser};
use terminal::{one_of, parsed_from, usage_error};

#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask paint")]
struct Arguments {
    wall: String,
    /// Layers of paint
    #[arg(long, value_name = "N", default_value_t = 1)]
    layers: u8,
    #[arg(long, allow_hyphen_values = true)]
    warmth: Option<f64>,
    #[arg(long, value_parser = one_of::<String>(&["red", "blue"]))]
    colour: Option<String>,
    #[arg(long, hide = true)]
    secret: bool,
}

fn parse(line: &str) -> Result<Arguments, String> {
    let mut command = Arguments::command();
    let words = line.split_whitespace().map(Into::into);
    parsed_from(&mut command, words).map_err(|error| usage_error(&error, &command))
}

#[test]
fn what_is_wrong_is_named_with_advice() {
    const USAGE: &str = "usage: cargo xtask paint [OPTIONS] <WALL>";
    for (line, message) in [
        ("paint", format!("<WALL> must be given; {USAGE}")),
        ("paint a b", format!("`b` is one argument too many; {USAGE}")),
        (
            "paint a --color red",
            "there is no option `--color`; did you mean `--colour`?".to_owned(),
        ),
        (
            "paint a --fast",
            "there is no option `--fast`; the options are --colour, --help, --layers, --warmth".to_owned(),
        ),
        (
            "paint a --colour",
            "--colour <COLOUR> has no value; write one after it".to_owned(),
        ),
        (
            "paint a --colour bleu",
            "`bleu` is not known here; did you mean `blue`? use red, blue".to_owned(),
        ),
        (
            "paint a --layers 300",
            "--layers 300: 300 is not in 0..=255; --layers <N>: Layers of paint".to_owned(),
        ),
        (
            "paint a --warmth hot",
            "--warmth hot: invalid float literal".to_owned(),
        ),
    ] {
        assert_eq!(parse(line).unwrap_err(), message, "{line}");
    }
}

#[test]
fn the_last_value_counts_and_negative_numbers_are_values() {
    let arguments = parse("paint --layers 2 --warmth -0.4 a --layers 3 --secret --colour blue").unwrap();
    assert_eq!((arguments.wall.as_str(), arguments.layers), ("a", 3));
    assert_eq!(arguments.warmth, Some(-0.4));
    assert_eq!(arguments.colour.as_deref(), Some("blue"));
    assert!(arguments.secret);
}
