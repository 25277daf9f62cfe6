//! `cargo xtask chat`: a conversation with a pipeline's model in the terminal, steered as one goes.
//!
//! Lines may also come from a pipe or a file; then standard output holds the model's texts and what commands list, and
//! the first line that can't be obeyed ends the program with an error.

mod columns;
mod command;
mod screen;
mod talk;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result};
use live::OwnArguments;
use signal_hook::consts::SIGINT;
use signal_hook::flag::{register, register_conditional_shutdown};
use terms::Speaker;

use command::{Command, speaker};
use screen::{Input, Screen};
use talk::Talk;

/// What shells make of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    terminal::start_log();
    terminal::finish(
        "the conversation ended",
        run().map_err(|error| format!("{error:#}")),
    )
}

fn run() -> Result<()> {
    let arguments = OwnArguments::take(std::env::args().skip(1), &["--as", "--system"])?;
    let opens = arguments.get("--as").map_or(Ok(Speaker::Model), speaker);
    let opens = opens.context("--as")?;
    let system = arguments.get("--system").map(str::to_owned);
    let model = arguments.open()?;
    let stop = Arc::new(AtomicBool::new(false));
    if std::io::stdin().is_terminal() {
        // The first Ctrl-C stops the answer; one that comes before the first was heard ends the program.
        register_conditional_shutdown(SIGINT, INTERRUPTED, Arc::clone(&stop))?;
        register(SIGINT, Arc::clone(&stop))?;
    }
    converse(Talk::begin(model, Screen::open(), stop, opens, system)?)
}

fn converse(mut talk: Talk) -> Result<()> {
    let mut was_interrupted = false;
    loop {
        let line = match talk.screen.read(talk.typed_speaker())? {
            Input::Line(line) => line,
            Input::Interrupted if !was_interrupted => {
                was_interrupted = true;
                talk.screen.note("Ctrl-C again ends, as Ctrl-D does.")?;
                continue;
            }
            Input::Interrupted | Input::End => return Ok(()),
        };
        was_interrupted = false;
        let done = Command::parse(&line).and_then(|command| match command {
            Some(command) => talk.obey(command),
            None => Ok(std::ops::ControlFlow::Continue(())),
        });
        match done {
            Ok(flow) if flow.is_break() => return Ok(()),
            Ok(_) => {}
            Err(error) if talk.screen.is_terminal() => terminal::print_failure("", &format!("{error:#}")),
            Err(error) => return Err(error.context(format!("{:?}", line.trim()))),
        }
    }
}
