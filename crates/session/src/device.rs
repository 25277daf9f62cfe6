use anyhow::{Context, Result, anyhow};
use burn::tensor::Device as Tensors;
use machine::Gpu;
use model::{DeviceKind, Precision};
use terms::{Arithmetic, Device, Dtype, GpuApi};

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
