use terminal::{Loudness, colours};

/// Sends what a program logs to standard error, as loud as `cargo xtask` was told to be. For the
/// first line of a `main`.
pub fn start_log() {
    let level = match Loudness::from_environment() {
        Loudness::Quiet => tracing::Level::ERROR,
        Loudness::Normal => tracing::Level::INFO,
        Loudness::Verbose => tracing::Level::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(level)
        .with_ansi(colours())
        .without_time()
        .with_target(false)
        // A line that nobody reads any longer is dropped; the library would panic.
        .log_internal_errors(false)
        .init();
}
