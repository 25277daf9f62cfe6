//! What xtask's exit code says.

use std::{error::Error, fmt, process::ExitStatus};

/// xtask itself, a build, a download.
pub const FAILED: u8 = 1;
/// The command line cannot be understood, and nothing was done.
pub const USAGE: u8 = terminal::USAGE;
/// A stage ran and failed.
pub const STAGE_FAILED: u8 = 3;
/// Ctrl-C, as shells have it.
pub const INTERRUPTED: u8 = 130;

/// A stage, or the download of its model, that failed.
#[derive(Debug)]
pub struct StageFailure {
    pub code: u8,
    /// Empty where the stage has already printed what was wrong.
    message: String,
}

impl StageFailure {
    pub fn of(stage: &str, status: ExitStatus) -> StageFailure {
        #[cfg(unix)]
        if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return StageFailure::by_signal(stage, signal);
        }
        let message = match status.code() {
            // The code of a Rust program that panicked.
            Some(101) => format!(
                "the stage {stage} crashed because of a bug; please report the output above. The stage's previous result is \
                 unchanged"
            ),
            _ => String::new(),
        };
        StageFailure {
            code: STAGE_FAILED,
            message,
        }
    }

    /// Said by xtask itself.
    pub fn told(message: String) -> StageFailure {
        StageFailure {
            code: STAGE_FAILED,
            message,
        }
    }

    /// The downloader, which has already printed what was wrong.
    pub fn of_download(status: ExitStatus) -> StageFailure {
        StageFailure {
            code: match StageFailure::of("download", status).code {
                INTERRUPTED => INTERRUPTED,
                _ => FAILED,
            },
            message: String::new(),
        }
    }

    #[cfg(unix)]
    fn by_signal(stage: &str, signal: i32) -> StageFailure {
        const INTERRUPT: i32 = 2;
        const KILL: i32 = 9;
        let (code, message) = match signal {
            INTERRUPT => (
                INTERRUPTED,
                format!("the stage {stage} was interrupted; its previous result is unchanged"),
            ),
            KILL => (
                STAGE_FAILED,
                format!(
                    "the stage {stage} was killed, as the system does when memory runs out; `cargo xtask doctor` \
                     says how much it needs. Its previous result is unchanged"
                ),
            ),
            _ => (
                STAGE_FAILED,
                format!("the stage {stage} was ended by signal {signal}; its previous result is unchanged"),
            ),
        };
        StageFailure { code, message }
    }
}

impl fmt::Display for StageFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for StageFailure {}
