use anyhow::{Context, Result, bail};
use burn::tensor::Device as Tensors;
use machine::Gpu;
use model::{DeviceKind, Precision};
use terms::{Device, Dtype, GpuApi};

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

/// The type of the activations on a device: what was asked for, or that of the weights where the device computes in it.
///
/// # Errors
/// A type that was asked for by name and that the device lacks.
pub fn precision_on(
    device: DeviceKind,
    dtype: Dtype,
    stored: Precision,
    computes_bf16: bool,
) -> Result<Precision> {
    match dtype.decided(stored) {
        Precision::Bf16 if !computes_bf16 && dtype == Dtype::Bf16 => bail!(
            "model.dtype = \"bf16\": the device {device} does not compute in bf16; set model.dtype = \"f32\" or \"auto\", or \
             model.device = \"cpu\""
        ),
        Precision::Bf16 if !computes_bf16 => Ok(Precision::F32),
        decided => Ok(decided),
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
    fn bf16_is_computed_where_it_can_be_and_refused_by_name_elsewhere() {
        let device = DeviceKind::Gpu(GpuApi::Vulkan, 1);
        let on = |dtype, computes| precision_on(device, dtype, Precision::Bf16, computes).ok();
        assert_eq!(on(Dtype::Auto, true), Some(Precision::Bf16));
        assert_eq!(on(Dtype::Auto, false), Some(Precision::F32));
        assert_eq!(on(Dtype::F32, true), Some(Precision::F32));
        let error = precision_on(device, Dtype::Bf16, Precision::F32, false).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("the device vulkan:1 does not compute in bf16; set")
        );
    }
}
