//! The kind of device that the model runs on. It is part of a stage's key, so `auto` is decided here, before
//! any key is computed, and the stages are told the outcome.

use std::{fmt, path::Path};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Cpu,
    Cuda,
}

impl Device {
    pub const SETTINGS: &str = "auto, cpu, cuda";

    /// What `auto` means on this machine.
    pub fn present() -> Device {
        if Path::new("/proc/driver/nvidia/version").exists() {
            Device::Cuda
        } else {
            Device::Cpu
        }
    }

    /// `None`: the setting is not one of [`Device::SETTINGS`].
    pub fn resolve(setting: &str, present: Device) -> Option<Device> {
        match setting {
            "auto" => Some(present),
            "cpu" => Some(Device::Cpu),
            "cuda" => Some(Device::Cuda),
            _ => None,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
        })
    }
}
