//! `cargo xtask chat`: a conversation with a pipeline's model in the terminal, steered as one goes.
//!
//! Lines may also come from a pipe or a file; then standard output holds the model's texts and what
//! commands list, and the first line that can't be obeyed ends the program with an error.

mod columns;
mod command;
mod screen;
mod talk;

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use clap::Parser;
use live::LiveModel;
use results::StageArguments;
use signal_hook::consts::SIGINT;
use signal_hook::flag::{register, register_conditional_shutdown};
use terms::Speaker;

use command::{Command, speaker};
use screen::{Input, Screen};
use talk::Talk;

/// The exit code that shells give a program ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// A conversation with a pipeline's model, steered as one goes
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    stage: StageArguments,
    /// Whom the model speaks as: user or model
    #[arg(long = "as", value_name = "SPEAKER", default_value_t = Speaker::Model, value_parser = speaker)]
    opens: Speaker,
    /// Instructions at the beginning of the conversation
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    system: Option<String>,
}

fn main() -> ExitCode {
    progress::start_log();
    terminal::finish("the conversation ended", run(terminal::parsed()))
}

fn run(arguments: Arguments) -> Result<()> {
    let (pipeline, layout) = arguments.stage.read()?;
    let model = LiveModel::open(pipeline, &layout)?;
    let stop = Arc::new(AtomicBool::new(false));
    if std::io::stdin().is_terminal() {
        // The first Ctrl-C stops the answer; one that comes before the first was heard ends the
        // program.
        register_conditional_shutdown(SIGINT, INTERRUPTED, Arc::clone(&stop))?;
        register(SIGINT, Arc::clone(&stop))?;
    }
    converse(Talk::begin(
        model,
        Screen::open(),
        stop,
        arguments.opens,
        arguments.system,
    )?)
}

fn converse(mut talk: Talk) -> Result<()> {
    let mut was_interrupted = false;
    loop {
        let line = match talk.screen.read(talk.typed_speaker())? {
            Input::Line(line) => line,
            Input::NotText => {
                terminal::print_failure(
                    "",
                    "the line is not UTF-8, and nothing was said; send it as UTF-8",
                );
                continue;
            }
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
