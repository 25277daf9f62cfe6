//! The stage `analyze`: see the library.

use std::io::Write as _;
use std::process::ExitCode;

use results::{Error, run_stage};
use terminal::Output;
use terms::Stage;

fn main() -> ExitCode {
    run_stage(Stage::Analyze, |pipeline, layout, out| {
        let summary = analyze::run(pipeline, layout, out)?;
        // The same text is also in a file.
        let _ = Output.write_all(summary.as_bytes());
        Ok::<(), Error>(())
    })
}
