//! `cargo xtask train`: builds the trainer of the embedded model and hands it every argument.

use std::ffi::OsString;

use anyhow::{Result, ensure};

use crate::{device::Device, process::Processes, project::Project, run::Runner as _};

pub fn train(project: &Project, arguments: &[OsString]) -> Result<()> {
    let mut processes = Processes::of(project)?;
    // The embedded model is small, and its bytes should not depend on the device at hand.
    processes.build(Device::Cpu)?;
    let status = processes.execute("train", arguments)?;
    ensure!(
        status.success(),
        "train failed ({status}); its own message is above"
    );
    Ok(())
}
