use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, de};

use crate::words;

words! {
    /// The interface through which a GPU is reached; also the name of the feature that builds for it.
    pub enum GpuApi: "interface" {
        /// NVIDIA's own.
        Cuda = "cuda",
        /// Apple's own.
        Metal = "metal",
        /// AMD, Intel and NVIDIA; kernels are compiled to SPIR-V.
        Vulkan = "vulkan",
        /// Any of these, and software devices: kernels are compiled to WGSL, and chosen by rule instead of by timing.
        Wgpu = "wgpu",
    }
}

/// Where a model runs, as `model.device` names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// The best that is there. `cargo xtask` decides before it looks for stale results.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// A GPU by its interface and number; `cuda` is the first, `cuda:0`.
    Gpu(GpuApi, usize),
}

/// A device that has been decided on, as results record it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A GPU by its interface and its number, counted from 0.
    Gpu(GpuApi, usize),
}

impl Device {
    /// What `model.device` may be, for messages.
    pub const SETTINGS: &'static str =
        "auto, cpu, cuda, metal, vulkan, wgpu, or with the number of a device, such as cuda:1";

    /// The device that was asked for; `present` says what there is where that was left open.
    pub fn decided(self, present: impl FnOnce() -> DeviceKind) -> DeviceKind {
        match self {
            Device::Auto => present(),
            Device::Cpu => DeviceKind::Cpu,
            Device::Gpu(api, number) => DeviceKind::Gpu(api, number),
        }
    }

    /// The interface, of a GPU that was asked for by name.
    pub fn api(self) -> Option<GpuApi> {
        match self {
            Device::Gpu(api, _) => Some(api),
            Device::Auto | Device::Cpu => None,
        }
    }
}

impl From<DeviceKind> for Device {
    fn from(kind: DeviceKind) -> Self {
        match kind {
            DeviceKind::Cpu => Device::Cpu,
            DeviceKind::Gpu(api, number) => Device::Gpu(api, number),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = match text.split_once(':') {
            Some((name, number)) => (name, number.parse().ok()),
            None => (text, Some(0)),
        };
        match (text, name.parse(), number) {
            ("auto", ..) => Ok(Device::Auto),
            ("cpu", ..) => Ok(Device::Cpu),
            (_, Ok(api), Some(number)) => Ok(Device::Gpu(api, number)),
            _ => Err(format!("unknown device \"{text}\"; use {}", Device::SETTINGS)),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Auto => f.write_str("auto"),
            Device::Cpu => DeviceKind::Cpu.fmt(f),
            Device::Gpu(api, number) => DeviceKind::Gpu(*api, *number).fmt(f),
        }
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DeviceKind::Cpu => f.write_str("cpu"),
            DeviceKind::Gpu(api, 0) => write!(f, "{api}"),
            DeviceKind::Gpu(api, number) => write!(f, "{api}:{number}"),
        }
    }
}

impl<'de> Deserialize<'de> for Device {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        String::deserialize(source)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_as_they_are_printed() {
        for text in ["auto", "cpu", "cuda", "cuda:1", "metal", "vulkan:2", "wgpu"] {
            assert_eq!(
                text.parse::<Device>().map(|device| device.to_string()),
                Ok(text.to_owned())
            );
        }
        assert_eq!("wgpu:0".parse(), Ok(Device::Gpu(GpuApi::Wgpu, 0)));
        for text in ["tpu", "cpu:0", "auto:1", "cuda:", "cuda:-1", "vulkan:x", ""] {
            let error = text.parse::<Device>().unwrap_err();
            assert!(
                error.contains(&format!("\"{text}\"")) && error.contains("vulkan"),
                "{error}"
            );
        }
    }
}
