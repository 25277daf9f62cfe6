//! Programs beside the stages (`cargo xtask train`, `synth`, `bench`): built, and handed every argument.

use std::ffi::OsString;

use anyhow::{Result, ensure};

use crate::{device::Device, process::Processes, project::Project};

/// They are built for `device`: where what they make does not depend on it, for the CPU.
pub fn run(
    project: &Project,
    device: Device,
    package: &str,
    binary: &str,
    arguments: &[OsString],
) -> Result<()> {
    let mut processes = Processes::of(project)?.for_device(device);
    processes.build_besides(package)?;
    let status = processes.execute(binary, arguments)?;
    ensure!(
        status.success(),
        "{binary} failed ({status}); its own message is above"
    );
    Ok(())
}
