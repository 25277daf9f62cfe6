//! How much xtask prints, and how it prints errors.

use std::sync::OnceLock;

use anyhow::Error;

use terminal::{self, Loudness};

use crate::exit::StageFailure;

static LOUDNESS: OnceLock<Loudness> = OnceLock::new();

/// Called once, with what the command line asks for.
pub fn set_loudness(quiet: bool, verbose: bool) {
    let loudness = match (quiet, verbose) {
        (true, _) => Loudness::Quiet,
        (_, true) => Loudness::Verbose,
        _ => Loudness::Normal,
    };
    let _ = LOUDNESS.set(loudness);
}

pub fn loudness() -> Loudness {
    LOUDNESS.get().copied().unwrap_or(Loudness::Normal)
}

/// Progress, on standard error.
pub fn say(text: &str) {
    if loudness() != Loudness::Quiet {
        terminal::remark(text);
    }
}

/// Details, printed only with `-v`.
pub fn detail(text: impl FnOnce() -> String) {
    if loudness() == Loudness::Verbose {
        terminal::remark(format_args!("  {}", text()));
    }
}

/// Prints an error in three lines: the outermost layer is what, the layers below are why.
pub fn tell(error: &Error) {
    if error.is::<StageFailure>() && error.to_string().is_empty() {
        // The stage has already printed it.
        return;
    }
    let mut layers = error.chain().map(|layer| layer.to_string());
    let first = layers.next().unwrap_or_default();
    let rest: Vec<String> = layers.collect();
    terminal::print_failure(&first, &rest.join(": "));
}
