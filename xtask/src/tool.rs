//! Programs beside the stages (`cargo xtask train`, `cargo xtask synth`): built, and handed every argument.

use std::ffi::OsString;

use anyhow::{Result, ensure};

use crate::{device::Device, process::Processes, project::Project, run::Runner as _};

pub fn run(project: &Project, binary: &str, arguments: &[OsString]) -> Result<()> {
    let mut processes = Processes::of(project)?;
    // What they make should not depend on the device at hand.
    processes.build(Device::Cpu)?;
    let status = processes.execute(binary, arguments)?;
    ensure!(
        status.success(),
        "{binary} failed ({status}); its own message is above"
    );
    Ok(())
}
