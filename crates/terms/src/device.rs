use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

/// Where a model runs, as `model.device` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// CUDA where there is a driver, else the CPU. `cargo xtask` decides before it looks for stale
    /// results.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A GPU by its number; `cuda` is the first, `cuda:0`.
    Cuda(usize),
}

/// A device that has been decided on, as results record it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A GPU by its number, counted from 0.
    Cuda(usize),
}

impl Device {
    /// The device that was asked for; `present` says what there is where that was left open.
    pub fn decided(self, present: impl FnOnce() -> DeviceKind) -> DeviceKind {
        match self {
            Device::Auto => present(),
            Device::Cpu => DeviceKind::Cpu,
            Device::Cuda(number) => DeviceKind::Cuda(number),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let gpu = |text: &str| text.strip_prefix("cuda:")?.parse().ok();
        match text {
            "auto" => Ok(Device::Auto),
            "cpu" => Ok(Device::Cpu),
            "cuda" => Ok(Device::Cuda(0)),
            other => gpu(other).map(Device::Cuda).ok_or_else(|| {
                format!("unknown device \"{other}\"; use \"auto\", \"cpu\", \"cuda\" or \"cuda:1\"")
            }),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Auto => f.write_str("auto"),
            Device::Cpu => DeviceKind::Cpu.fmt(f),
            Device::Cuda(number) => DeviceKind::Cuda(*number).fmt(f),
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceKind::Cpu => f.write_str("cpu"),
            DeviceKind::Cuda(0) => f.write_str("cuda"),
            DeviceKind::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl<'de> Deserialize<'de> for Device {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?.parse().map_err(de::Error::custom)
    }
}
