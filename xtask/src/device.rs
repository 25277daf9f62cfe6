//! The device that the model runs on. It is part of a stage's key, so `auto` is decided here,
//! before any key is computed, and the stages are told the outcome.

use anyhow::{Result, ensure};
use terms::Device;

/// What `auto` means on this machine.
pub fn present() -> Device {
    if machine::has_nvidia_driver() {
        Device::Cuda(0)
    } else {
        Device::Cpu
    }
}

/// An error if the device was asked for by name and no driver answers for it. Building for CUDA
/// takes a quarter of an hour, so this is said before.
pub fn require(device: Device, present: Device) -> Result<()> {
    ensure!(
        device == Device::Cpu || present != Device::Cpu || !cfg!(target_os = "linux"),
        "model.device = \"{device}\", but this machine has no NVIDIA driver (/proc/driver/nvidia/version is not there); \
         install it (`nvidia-smi` must work), or set model.device to \"cpu\" or \"auto\""
    );
    Ok(())
}
