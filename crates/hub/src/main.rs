//! `fetch owner/name`: brings a model from the Hugging Face hub into the cache, and prints where it
//! is.

use std::io::{IsTerminal, Write as _, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use hub::{Environment, Progress, Request, Result, ask, fetch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terminal::{Loudness, Output};

/// Brings a model from the Hugging Face hub into its cache, and prints where it is
#[derive(Parser)]
struct Arguments {
    /// owner/name
    repository: String,
    /// A branch, a tag or a commit
    #[arg(long, default_value = Request::MAIN)]
    revision: String,
    /// Only this file
    #[arg(long, value_name = "NAME")]
    file: Option<String>,
    /// An adapter of PEFT instead of a model
    #[arg(long, conflicts_with = "file")]
    adapter: bool,
    /// Brings nothing, and prints `bytes N`, or `problem TEXT` if the hub would not give it
    #[arg(long)]
    ask: bool,
}

fn main() -> ExitCode {
    let arguments: Arguments = terminal::parsed();
    let request = Request {
        repository: arguments.repository,
        revision: arguments.revision,
        file: arguments.file,
        is_adapter: arguments.adapter,
    };
    let outcome = if arguments.ask {
        Ok(asked(&request))
    } else {
        run(&request).map(|path| path.display().to_string())
    };
    let outcome = outcome.map(|line| {
        let _ = writeln!(Output, "{line}");
    });
    terminal::finish("the model was not fetched", outcome)
}

/// A refusal is an answer too.
fn asked(request: &Request) -> String {
    match Environment::from_process().and_then(|environment| ask(&environment, request)) {
        Ok(bytes) => format!("bytes {bytes}"),
        Err(error) => format!("problem {}", error.to_string().replace('\n', " ")),
    }
}

fn run(request: &Request) -> Result<PathBuf> {
    let environment = Environment::from_process()?;
    let mut bar = Bar::new();
    let path = fetch(&environment, request, &mut bar);
    bar.0.finish_and_clear();
    path
}

/// Draws nothing when standard error is not a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let is_wanted = stderr().is_terminal() && Loudness::from_environment() != Loudness::Quiet;
        let target = if is_wanted {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let style = ProgressStyle::with_template(
            "downloading {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
        );
        let bar = ProgressBar::with_draw_target(None, target);
        Bar(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }
}

impl Progress for Bar {
    fn bytes(&mut self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    fn warning(&mut self, message: &str) {
        self.0
            .suspend(|| terminal::remark(format_args!("warning: {message}")));
    }
}
