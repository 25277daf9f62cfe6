//! The device that the model runs on. It is part of a stage's key, so `auto` is decided here, before any key is
//! computed, and the stages are told the outcome.

use std::{fmt, path::Path};

use anyhow::{Result, ensure};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Cpu,
    /// A GPU by its number.
    Cuda(usize),
}

impl Device {
    pub const SETTINGS: &str = "auto, cpu, cuda, cuda:1 and so on";

    /// What `auto` means on this machine.
    pub fn present() -> Device {
        let traces = ["/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1"];
        if traces.iter().any(|path| Path::new(path).exists()) {
            Device::Cuda(0)
        } else {
            Device::Cpu
        }
    }

    /// `None`: the setting is not one of [`Device::SETTINGS`].
    pub fn resolve(setting: &str, present: Device) -> Option<Device> {
        match setting {
            "auto" => Some(present),
            "cpu" => Some(Device::Cpu),
            "cuda" => Some(Device::Cuda(0)),
            other => other.strip_prefix("cuda:")?.parse().ok().map(Device::Cuda),
        }
    }

    /// An error if the device was asked for by name and no driver answers for it. Building for CUDA takes a quarter of
    /// an hour, so this is said before.
    pub fn require(self, present: Device) -> Result<()> {
        ensure!(
            self == Device::Cpu || present != Device::Cpu || !cfg!(target_os = "linux"),
            "model.device = \"{self}\", but this machine has no NVIDIA driver (/proc/driver/nvidia/version is not there); \
             install it (`nvidia-smi` must work), or set model.device to \"cpu\" or \"auto\""
        );
        Ok(())
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(0) => f.write_str("cuda"),
            Device::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}
