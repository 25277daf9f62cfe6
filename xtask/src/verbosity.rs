//! How loud xtask is, and how it writes seconds, ages and sizes.

use std::sync::OnceLock;

use anyhow::Error;

use crate::{
    exit::StageFailure,
    terminal::{self, Loudness},
};

static LOUDNESS: OnceLock<Loudness> = OnceLock::new();

/// Once, from the command line.
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

/// What is going on, on standard error.
pub fn say(text: &str) {
    if loudness() != Loudness::Quiet {
        terminal::remark(text);
    }
}

/// What only `-v` wants to know.
pub fn detail(text: impl FnOnce() -> String) {
    if loudness() == Loudness::Verbose {
        terminal::remark(format_args!("  {}", text()));
    }
}

/// Prints an error in three lines: the outermost layer is what, the layers below are why.
pub fn tell(error: &Error) {
    if error.is::<StageFailure>() && error.to_string().is_empty() {
        // The stage has said it.
        return;
    }
    let mut layers = error.chain().map(|layer| layer.to_string());
    let first = layers.next().unwrap_or_default();
    let rest: Vec<String> = layers.collect();
    terminal::print_failure(&first, &rest.join(": "));
}

pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

pub fn age(seconds: u64) -> String {
    let units = [("days", 86_400), ("h", 3_600), ("min", 60)];
    // Two of a unit at least, so that nothing is called `1 days`.
    match units.iter().find(|(_, unit)| seconds >= 2 * unit) {
        Some((name, unit)) => format!("{} {name} ago", seconds / unit),
        None => format!("{seconds} s ago"),
    }
}

pub fn size(bytes: u64) -> String {
    let units = [("GiB", 1u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}
