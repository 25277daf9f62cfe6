//! The device that the model runs on. It is part of a stage's key, so `auto` is decided here,
//! before any key is computed, and the stages are told the outcome.

use std::sync::OnceLock;

use anyhow::{Result, bail};
use machine::{Gpu, Sort};
use terms::{Device, DeviceKind, GpuApi, Kernels};

/// What programs are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub device: Device,
    /// How a GPU's kernels are chosen.
    pub kernels: Kernels,
}

impl Target {
    pub const CPU: Target = Target {
        device: Device::Cpu,
        kernels: Kernels::Fixed,
    };

    /// The features of the stages' crates. A build for the CPU has none.
    pub fn features(self) -> Vec<&'static str> {
        let Some(api) = self.device.api() else {
            return Vec::new();
        };
        let tuned = (self.kernels == Kernels::Tuned).then_some(Kernels::Tuned.as_str());
        std::iter::once(api.as_str()).chain(tuned).collect()
    }
}

impl From<Device> for Target {
    fn from(device: Device) -> Self {
        Target {
            device,
            ..Target::CPU
        }
    }
}

/// What `auto` means on this machine.
pub fn present() -> Device {
    preferred().0.into()
}

/// The same with the reason, in words. Drivers are asked once.
pub fn preferred() -> &'static (DeviceKind, String) {
    static PREFERRED: OnceLock<(DeviceKind, String)> = OnceLock::new();
    PREFERRED.get_or_init(|| {
        let gpus = match machine::may_have_gpu() {
            true => machine::gpus(),
            false => Vec::new(),
        };
        machine::preferred(&gpus)
    })
}

/// What a run says of the GPU that it takes, and why it does.
pub fn about(device: Device) -> Option<String> {
    let Device::Gpu(api, number) = device else {
        return None;
    };
    let (kind, why) = preferred();
    match Device::from(*kind) == device {
        true => Some(format!("{device}: {why}, the first choice here")),
        false => machine::gpu(api, number).map(|gpu| format!("{}, as the pipeline says", described(&gpu))),
    }
}

/// An error if the device was asked for by name and no driver answers for it. Building for a GPU
/// takes a quarter of an hour, so this is said before.
pub fn require(device: Device) -> Result<()> {
    let Device::Gpu(api, number) = device else {
        return Ok(());
    };
    match cfg!(any(target_os = "linux", target_os = "macos")) {
        true => require_among(api, number, machine::gpu(api, number), &machine::gpus()),
        // Drivers are asked by the stages there.
        false => Ok(()),
    }
}

/// `found` is the device where there is one, `all` those of this machine.
pub fn require_among(api: GpuApi, number: usize, found: Option<Gpu>, all: &[Gpu]) -> Result<()> {
    if found.is_some() {
        return Ok(());
    }
    let wanted = DeviceKind::Gpu(api, number);
    let here: Vec<String> = all.iter().map(described).collect();
    let here = match here.is_empty() {
        true => "no driver of a GPU answers here".to_owned(),
        false => format!("here are {}", here.join(", ")),
    };
    let driver = match api {
        GpuApi::Cuda => "an NVIDIA driver (`nvidia-smi` must work)",
        GpuApi::Metal => "a Mac",
        GpuApi::Vulkan | GpuApi::Wgpu => "a driver with Vulkan (`vulkaninfo --summary` must list the device)",
    };
    bail!(
        "model.device = \"{wanted}\", but this machine has no such device ({here}); it needs {driver}; set model.device to \"cpu\" or \
         \"auto\" otherwise"
    )
}

fn described(gpu: &Gpu) -> String {
    let software = if gpu.sort == Sort::Software {
        ", software"
    } else {
        ""
    };
    format!("{} = {}{software}", gpu.device(), gpu.name)
}
