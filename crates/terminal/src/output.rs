//! What is printed, how loud and in which colours, and errors in three lines.

use std::env;
use std::fmt::Display;
use std::io::{ErrorKind, IsTerminal, Result as IoResult, Write, stderr, stdout};
use std::process::ExitCode;

/// Set by `cargo xtask -q` and `-v` for every program that it starts.
pub const LOUDNESS: &str = "ROLESWAP_LOG";

/// How much a program prints on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Errors only.
    Quiet,
    /// Errors, warnings and what is done.
    Normal,
    /// Details too.
    Verbose,
}

impl Loudness {
    /// What the variable [`LOUDNESS`] says; anything else is normal.
    pub fn from_environment() -> Self {
        match env::var(LOUDNESS).as_deref() {
            Ok("quiet") => Loudness::Quiet,
            Ok("verbose") => Loudness::Verbose,
            _ => Loudness::Normal,
        }
    }

    /// The word in the variable [`LOUDNESS`].
    pub fn as_str(self) -> &'static str {
        match self {
            Loudness::Quiet => "quiet",
            Loudness::Normal => "normal",
            Loudness::Verbose => "verbose",
        }
    }
}

/// Whether standard error is to be coloured: a terminal, and no `NO_COLOR`
/// (<https://no-color.org>).
pub fn colours() -> bool {
    stderr().is_terminal() && may_colour()
}

/// Whether the user lets anything be coloured.
pub fn may_colour() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Standard output. A reader that went away, as `head` does, is not a reason to fail: what is still
/// written is dropped, and the program goes on to its end.
#[derive(Clone, Copy, Debug)]
pub struct Output;

impl Output {
    fn dropped<T>(outcome: IoResult<T>, instead: T) -> IoResult<T> {
        match outcome {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(instead),
            outcome => outcome,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        Output::dropped(stdout().write(bytes), bytes.len())
    }

    fn flush(&mut self) -> IoResult<()> {
        Output::dropped(stdout().flush(), ())
    }
}

/// A line on standard error, dropped where nobody reads it any longer (`2>&1 | head`); `eprintln!`
/// would panic there.
pub fn remark(line: impl Display) {
    let _ = writeln!(stderr(), "{line}");
}

/// Prints what went wrong on standard error. `message` is a cause as errors are written here:
/// `place: what is wrong; what to do`.
pub fn print_failure(what: &str, message: &str) {
    remark(failure(what, message, colours()));
}

/// The end of a program's `main`: an error is printed, with its whole chain of causes, and is exit
/// code 1.
pub fn finish<E: Display>(what: &str, outcome: Result<(), E>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_failure(what, &format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// One line what, one line why, one line what to do; a line that has nothing to say is left out.
///
/// The rule: what follows the first `; ` of the message, outside of brackets and quotes, is what to
/// do. Where a message ends without it, that of `what` counts, or, in an error of the system, the
/// usual remedy of that error is given. Without a `what`, what the message begins with, up to `: `,
/// takes its place.
pub fn failure(what: &str, message: &str, colours: bool) -> String {
    let (what, cause) = match message {
        "" => ("", what),
        message => (what, message),
    };
    let (what, general) = split_advice(what.trim());
    let (cause, advice) = split_advice(cause.trim());
    let advice = advice.or(general).or_else(|| remedy(cause));
    let (what, cause) = match what {
        "" => match split(cause, ':') {
            (place, Some(cause)) => (place, cause),
            (cause, None) => (cause, ""),
        },
        what => (what, cause),
    };
    let (red, bold, plain) = if colours {
        ("\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m")
    } else {
        ("", "", "")
    };
    let mut text = format!("{red}error:{plain} {bold}{}{plain}", indented(what));
    for (name, line) in [("  why: ", cause), ("  do:  ", advice.unwrap_or_default())] {
        if !line.is_empty() {
            text.push_str(&format!("\n{name}{}", indented(line)));
        }
    }
    text
}

/// A message of several lines, such as one that shows a place in a file, stays together.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n       ")
}

/// The cause, and what to do.
fn split_advice(message: &str) -> (&str, Option<&str>) {
    split(message, ';')
}

/// Cuts at the first such letter that a blank follows, outside of brackets and quotes.
fn split(message: &str, separator: char) -> (&str, Option<&str>) {
    let (mut depth, mut quote) = (0_usize, None);
    let mut before = ' ';
    for (position, letter) in message.char_indices() {
        match (letter, quote) {
            (_, Some(open)) if letter == open => quote = None,
            (_, Some(_)) => {}
            ('"' | '`', None) => quote = Some(letter),
            ('(' | '[' | '{', None) => depth += 1,
            (')' | ']' | '}', None) => depth = depth.saturating_sub(1),
            (' ', None) if before == separator && depth == 0 => {
                return (&message[..position - 1], Some(&message[position + 1..]));
            }
            _ => {}
        }
        before = letter;
    }
    (message, None)
}

/// What usually helps against an error of the operating system, by the number at the end of its
/// message.
fn remedy(cause: &str) -> Option<&'static str> {
    let number = cause.rsplit_once("(os error ")?.1.split(')').next()?;
    Some(match number {
        "2" => "check the path",
        "13" | "1" | "30" => "check that you may read and write there",
        "28" | "122" => "free some space on this disk, or work on another one",
        "12" => "free some memory; `cargo xtask doctor` says how much a run needs",
        "20" | "21" => "check whether a file stands where a folder is meant, or the reverse",
        "24" => "raise the limit of open files (`ulimit -n`)",
        _ => return None,
    })
}
