//! The `extract` stage; `cargo xtask extract` runs it.

use std::process::ExitCode;

use extract::Extraction;

fn main() -> ExitCode {
    results::run_sharded_stage(terms::Stage::Extract, Extraction::new)
}
