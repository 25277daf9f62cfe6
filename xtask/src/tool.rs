//! Programs beside the stages (`cargo xtask train`, `synth`, `bench`): built, and handed every argument.

use std::ffi::OsString;

use anyhow::{Result, ensure};

use crate::{process::Processes, project::Project};

/// What they make does not depend on the device at hand: they are built for the CPU.
pub fn run(project: &Project, package: &str, binary: &str, arguments: &[OsString]) -> Result<()> {
    let mut processes = Processes::of(project)?;
    processes.build_besides(package)?;
    let status = processes.execute(binary, arguments)?;
    ensure!(
        status.success(),
        "{binary} failed ({status}); its own message is above"
    );
    Ok(())
}
