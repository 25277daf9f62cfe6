use std::io::{IsTerminal, stderr};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use terminal::Loudness;

/// A bar for `length` steps with rate and time left; it draws nothing when standard error is not a
/// terminal, or nothing but errors is wanted.
pub fn progress_bar(length: u64, label: &'static str, unit: &'static str) -> ProgressBar {
    styled(
        length,
        label,
        &format!("{{prefix}} {{wide_bar}} {{pos}}/{{len}} {unit}, {{per_sec}}, {{eta}} left"),
    )
}

/// The same for bytes.
pub fn progress_of_bytes(length: u64, label: &'static str) -> ProgressBar {
    styled(
        length,
        label,
        "{prefix} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left",
    )
}

fn styled(length: u64, label: &'static str, template: &str) -> ProgressBar {
    let is_wanted = stderr().is_terminal() && Loudness::from_environment() != Loudness::Quiet;
    let target = if is_wanted {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(length), target)
        .with_style(style)
        .with_prefix(label)
}
