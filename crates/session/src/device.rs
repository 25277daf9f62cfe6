use anyhow::{Context, Result, anyhow, bail};
use burn::tensor::Device as Tensors;
use machine::Gpu;
use model::{DeviceKind, Precision};
use terms::{Arithmetic, Device, Dtype, GpuApi, Kernels};

/// A device that is open, and what is known of it.
pub(crate) struct OpenDevice {
    pub kind: DeviceKind,
    pub tensors: Tensors,
    /// Of a GPU: what its driver says.
    pub gpu: Option<Gpu>,
}

/// The best device of this machine that this build can use.
pub fn present_device() -> DeviceKind {
    if !GpuApi::ALL.iter().any(|api| model::is_built_for(*api)) || !machine::may_have_gpu() {
        return DeviceKind::Cpu;
    }
    let mut gpus = machine::gpus();
    gpus.retain(|gpu| model::is_built_for(gpu.api));
    machine::preferred(&gpus).0
}

/// The type of the activations on a device: what was asked for, or the best that it has for the weights.
///
/// # Errors
/// A type that was asked for by name and that the device lacks.
pub fn precision_on(
    device: DeviceKind,
    dtype: Dtype,
    stored: Precision,
    arithmetic: Arithmetic,
) -> Result<Precision> {
    let decided = dtype.on(stored, arithmetic);
    decided.map_err(|objection| anyhow!("model.dtype = \"{dtype}\": the device {device} {objection}"))
}

/// What results say of a GPU, where what they hold depends on more than the word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuRecord {
    /// Its name, and its driver's with the version.
    pub name: String,
    /// How its kernels were chosen.
    pub kernels: Kernels,
}

impl GpuRecord {
    /// As the footers of tables hold it.
    pub fn entries(&self) -> [(&'static str, String); 2] {
        [("gpu", self.name.clone()), ("kernels", self.kernels.to_string())]
    }
}

/// An error where the kernels would be chosen in another way than the pipeline says: it is decided when stages are built.
///
/// # Errors
/// Names the feature to build with, or without.
pub fn require_kernels(asked: Kernels, built: Kernels) -> Result<()> {
    match (asked, built) {
        (Kernels::Fixed, Kernels::Tuned) => bail!(
            "model.kernels = \"fixed\", but this build chooses kernels by their timing, so that two runs may differ; build without \
             `--features tuned` (as `cargo xtask` does), or set model.kernels = \"tuned\""
        ),
        (Kernels::Tuned, Kernels::Fixed) => bail!(
            "model.kernels = \"tuned\", but this build chooses kernels by rule; build with `--features tuned` (as `cargo xtask` does), or \
             leave model.kernels out"
        ),
        _ => Ok(()),
    }
}

/// Opens the device that was asked for, or the best one.
///
/// # Errors
/// A device that this build or this machine doesn't have.
pub(crate) fn open_device(device: Device) -> Result<OpenDevice> {
    let kind = device.decided(present_device);
    let gpu = match kind {
        DeviceKind::Cpu => None,
        DeviceKind::Gpu(api, number) if model::is_built_for(api) => machine::gpu(api, number),
        DeviceKind::Gpu(..) => None,
    };
    let tensors = model::open_device(kind).context("model.device")?;
    if let Some(gpu) = &gpu {
        let software = match gpu.is_software() {
            true => ", a program that computes on the processor: right, but slow",
            false => "",
        };
        tracing::info!("{kind}: {} ({}){software}", gpu.name, gpu.driver);
    }
    Ok(OpenDevice { kind, tensors, gpu })
}

impl OpenDevice {
    /// What results say of it; `None` for the CPU.
    pub fn record(&self) -> Option<GpuRecord> {
        if self.kind == DeviceKind::Cpu {
            return None;
        }
        let name = self
            .gpu
            .as_ref()
            .map(|gpu| format!("{}, {}", gpu.name, gpu.driver));
        Some(GpuRecord {
            name: name.unwrap_or_else(|| "not known here".to_owned()),
            kernels: model::kernels_of_build(),
        })
    }

    /// Bytes for weights and everything else; `None` where that isn't known.
    pub fn memory(&self) -> Option<usize> {
        match (self.kind, &self.gpu) {
            (DeviceKind::Cpu, _) => machine::available_memory(),
            // A program takes the machine's memory.
            (_, Some(gpu)) if gpu.is_software() => machine::available_memory(),
            (_, gpu) => gpu.as_ref()?.memory.map(|bytes| bytes as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_chosen_as_the_pipeline_says_or_not_at_all() {
        for asked in [Kernels::Fixed, Kernels::Tuned] {
            for built in [Kernels::Fixed, Kernels::Tuned] {
                let found = require_kernels(asked, built);
                assert_eq!(found.is_ok(), asked == built);
                let Err(error) = found else { continue };
                let error = error.to_string();
                assert!(
                    error.starts_with(&format!("model.kernels = \"{asked}\"")),
                    "{error}"
                );
                assert!(error.contains("`--features tuned`"), "{error}");
            }
        }
    }

    #[test]
    fn a_type_that_the_device_lacks_is_refused_with_the_devices_name() {
        let refused = |device: DeviceKind, dtype, arithmetic| {
            let error = precision_on(device, dtype, Precision::F32, arithmetic).unwrap_err();
            error.to_string()
        };
        let without = Arithmetic {
            bf16: false,
            tf32: false,
        };
        let vulkan = DeviceKind::Gpu(GpuApi::Vulkan, 1);
        assert!(
            refused(vulkan, Dtype::Bf16, without)
                .starts_with("model.dtype = \"bf16\": the device vulkan:1 does not compute in bf16; set")
        );
        let ampere = Arithmetic {
            bf16: true,
            tf32: true,
        };
        let cuda = DeviceKind::Gpu(GpuApi::Cuda, 0);
        let error = refused(cuda, Dtype::F32, ampere);
        assert!(
            error.starts_with("model.dtype = \"f32\": the device cuda multiplies numbers in f32 as TF32")
        );
        assert!(error.contains("; set model.dtype = \"tf32\""), "{error}");
        let error = refused(DeviceKind::Cpu, Dtype::Tf32, Arithmetic::OF_CPU);
        assert_eq!(
            error,
            "model.dtype = \"tf32\": the device cpu has no TF32; set model.dtype = \"f32\" or \"auto\""
        );
    }
}
