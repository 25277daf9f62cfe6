//! `fetch owner/name`: brings a model from the Hugging Face hub into the cache, and prints where it lies.

use std::io::{IsTerminal, Write as _, stderr};
use std::path::PathBuf;
use std::process::ExitCode;

use hub::{Environment, Error, Progress, Request, Result, ask, fetch};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terminal::{Loudness, Output};

const USAGE: &str = "usage: fetch owner/name [--revision BRANCH_TAG_OR_COMMIT] [--file NAME] [--ask]
  --ask: bring nothing, and print `bytes N`, or `problem TEXT` where the hub would not give it";

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments.len();
    arguments.retain(|argument| argument != "--ask");
    let outcome = if arguments.len() < count {
        asked(arguments.into_iter())
    } else {
        run(arguments.into_iter()).map(|path| path.display().to_string())
    };
    match outcome {
        Ok(line) => {
            let _ = writeln!(Output, "{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            terminal::print_failure("the model was not fetched", &error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// A refusal is an answer too.
fn asked(arguments: impl Iterator<Item = String>) -> Result<String> {
    let request = parse(arguments)?;
    let answer = Environment::from_process().and_then(|environment| ask(&environment, &request));
    Ok(match answer {
        Ok(bytes) => format!("bytes {bytes}"),
        Err(error) => format!("problem {}", error.to_string().replace('\n', " ")),
    })
}

fn run(arguments: impl Iterator<Item = String>) -> Result<PathBuf> {
    let request = parse(arguments)?;
    let environment = Environment::from_process()?;
    let mut bar = Bar::new();
    let path = fetch(&environment, &request, &mut bar);
    bar.0.finish_and_clear();
    path
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Request> {
    let usage = |what: String| Error::Invalid(format!("{what}; {USAGE}"));
    let (mut repository, mut revision, mut file) = (None, None, None);
    while let Some(argument) = arguments.next() {
        let place = match argument.as_str() {
            "--revision" => &mut revision,
            "--file" => &mut file,
            option if option.starts_with('-') => return Err(usage(format!("unknown option {option}"))),
            _ => {
                if let Some(first) = repository.replace(argument) {
                    return Err(usage(format!("one repository at a time, and {first} is one")));
                }
                continue;
            }
        };
        let value = arguments.next();
        *place = Some(value.ok_or_else(|| usage(format!("{argument} needs a value")))?);
    }
    let repository = repository.ok_or_else(|| usage("no repository is named".to_owned()))?;
    let mut request = Request::new(repository);
    request.revision = revision.unwrap_or(request.revision);
    request.file = file;
    Ok(request)
}

/// Draws nothing when standard error is no terminal.
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
