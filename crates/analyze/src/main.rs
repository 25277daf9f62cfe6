//! The stage `analyze`: see the library.

use std::io::{Write, stdout};
use std::process::ExitCode;

use artifacts::{Error, Stage, run_stage};

fn main() -> ExitCode {
    run_stage(Stage::Analyze, |pipeline, layout, out| {
        let summary = analyze::run(pipeline, layout, out)?;
        // A reader that went away, as in `| head`, is no reason to fail: the same text lies in a file.
        let _ = stdout().write_all(summary.as_bytes());
        Ok::<(), Error>(())
    })
}
