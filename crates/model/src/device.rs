use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::tensor::{DType, Device, DeviceType, Tensor};
use terms::{Arithmetic, DeviceKind, GpuApi, Kernels, Precision};

use crate::{Error, Result};

/// The type in which numbers are kept, as burn names it.
pub(crate) fn tensor_dtype(precision: Precision) -> DType {
    match precision {
        Precision::F32 | Precision::Tf32 => DType::F32,
        Precision::Bf16 => DType::BF16,
    }
}

/// Whether this build has the interface: each is a feature of its name.
pub fn is_built_for(api: GpuApi) -> bool {
    device_type(api).is_some()
}

/// How this build chooses the kernels of a GPU: with the feature `tuned` by their timing, else by rule.
pub fn kernels_of_build() -> Kernels {
    match cfg!(feature = "tuned") {
        true => Kernels::Tuned,
        false => Kernels::Fixed,
    }
}

/// Opens a device for tensors.
///
/// # Errors
/// A GPU that this build or this machine does not have, or that does not start; the message says what is missing.
pub fn open_device(kind: DeviceKind) -> Result<Device> {
    match kind {
        DeviceKind::Cpu => Ok(Device::flex()),
        DeviceKind::Gpu(api, number) => open_gpu(api, number),
    }
}

/// What the device does with numbers.
pub fn arithmetic_of(device: &Device) -> Arithmetic {
    if is_cpu(device) {
        return Arithmetic::OF_CPU;
    }
    Arithmetic {
        bf16: device.supports_dtype(DType::BF16),
        tf32: has_tf32(device),
    }
}

/// The question by which cubek's products decide to round numbers in f32 to TF32 (`adjust_dtypes` in cubek-matmul 0.3.1);
/// once a device has it, no setting of burn keeps a product from it.
#[cfg(any(feature = "cuda", feature = "metal", feature = "vulkan", feature = "wgpu"))]
fn has_tf32(device: &Device) -> bool {
    use burn::cubecl::ir::{ElemType, FloatKind};

    match device.as_dispatch() {
        burn::backend::DispatchDevice::Cube(device) => {
            let tf32 = ElemType::Float(FloatKind::TF32);
            device.client().properties().supports_type(tf32)
        }
        _ => false,
    }
}

/// The processor has no TF32.
#[cfg(not(any(feature = "cuda", feature = "metal", feature = "vulkan", feature = "wgpu")))]
fn has_tf32(_device: &Device) -> bool {
    false
}

pub(crate) fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

/// An error where the device does not compute in this type: what came out of it would be worth nothing, or less than its
/// name says.
pub(crate) fn require_dtype(device: &Device, precision: Precision) -> Result<()> {
    if device.is_autodiff() {
        return Ok(());
    }
    match arithmetic_of(device).objection(precision) {
        None => Ok(()),
        Some(objection) => Err(Error::Request(format!("the device {objection}"))),
    }
}

/// An error where a device that can be given `largest` bytes at once can't be given this tensor: kernels would read past what they
/// are given.
pub(crate) fn require_room(largest: Option<u64>, tensor: &str, bytes: usize) -> Result<()> {
    match largest {
        Some(largest) if bytes as u64 > largest => Err(Error::Request(format!(
            "tensor `{tensor}` takes {:.0} MB, and the device holds at most {:.0} MB in one tensor; set model.device = \"cpu\", or \
             model.dtype = \"bf16\" where the device computes in it",
            bytes as f64 / 1e6,
            largest as f64 / 1e6
        ))),
        _ => Ok(()),
    }
}

/// Bytes of the largest tensor that kernels of the device can be given; `None` on the CPU.
#[cfg(any(feature = "cuda", feature = "metal", feature = "vulkan", feature = "wgpu"))]
pub(crate) fn largest_tensor(device: &Device) -> Option<u64> {
    match device.as_dispatch() {
        burn::backend::DispatchDevice::Cube(device) => {
            Some(device.client().properties().memory.max_page_size)
        }
        _ => None,
    }
}

/// Bytes of the largest tensor that kernels of the device can be given; `None` on the CPU.
#[cfg(not(any(feature = "cuda", feature = "metal", feature = "vulkan", feature = "wgpu")))]
pub(crate) fn largest_tensor(_device: &Device) -> Option<u64> {
    None
}

/// The numbers of a tensor in f32, wherever it is. On the CPU those of f32 tensors are not copied.
///
/// # Errors
/// A device that was lost, has no memory left, or failed in an operation before; with burn's own reason.
pub fn read_numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let tensor = if tensor.dtype() == DType::F32 {
        tensor
    } else {
        tensor.cast(DType::F32)
    };
    let is_here = is_cpu(&tensor.device());
    let data = tensor.try_into_data();
    let data = data.map_err(|error| no_numbers(&one_line(&error.to_string())))?;
    if !is_here {
        crate::read_counts::note(data.bytes().len());
    }
    data.try_into_vec()
        .map_err(|error| no_numbers(&one_line(&format!("{error:?}"))))
}

pub(crate) fn no_numbers(reason: &str) -> Error {
    Error::Request(format!(
        "the device gave no numbers: {reason}; start again, with fewer rows or a smaller model where memory was short, or set \
         model.device = \"cpu\""
    ))
}

/// burn's words for what went wrong, on one line and without the trace of calls that may follow them.
pub(crate) fn one_line(text: &str) -> String {
    const LETTERS: usize = 400;
    let text = text
        .replace("An error happened during execution\nCaused by:", "")
        .replace(';', ",");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

/// How burn names the interface; `None` in a build without it.
fn device_type(api: GpuApi) -> Option<DeviceType> {
    match api {
        #[cfg(feature = "cuda")]
        GpuApi::Cuda => Some(DeviceType::Cuda),
        #[cfg(feature = "metal")]
        GpuApi::Metal => Some(DeviceType::Metal),
        #[cfg(feature = "vulkan")]
        GpuApi::Vulkan => Some(DeviceType::Vulkan),
        #[cfg(feature = "wgpu")]
        GpuApi::Wgpu => Some(DeviceType::Wgpu),
        #[allow(unreachable_patterns, reason = "reached in builds without some of them")]
        _ => None,
    }
}

fn open_gpu(api: GpuApi, number: usize) -> Result<Device> {
    let Some(device_type) = device_type(api) else {
        return Err(Error::Request(format!(
            "this build has no {api}; build with `--features {api}` (`cargo xtask` does so when model.device is \"{api}\"), or set \
             model.device = \"cpu\""
        )));
    };
    // Where a driver's library is missing or broken, burn panics.
    let devices = without_panic(|| Device::enumerate(device_type).into_vec());
    let devices = devices.map_err(|reason| unusable(api, &reason))?;
    let count = devices.len();
    let Some(device) = devices.into_iter().nth(number) else {
        return Err(Error::Request(match count {
            0 => format!(
                "no device of {api} was found; check the driver with {}, or set model.device = \"cpu\"",
                driver_check(api)
            ),
            _ => format!("there is no device {api}:{number}; this machine has {count}, counted from 0"),
        }));
    };
    // The first question opens it.
    let opened = without_panic(|| device.supports_dtype(DType::F32));
    match opened.map_err(|reason| unusable(api, &reason))? {
        true => Ok(device),
        false => Err(unusable(api, "it does not compute in f32")),
    }
}

fn unusable(api: GpuApi, reason: &str) -> Error {
    Error::Request(format!(
        "the device of {api} does not start: {reason}; check the driver with {}, or set model.device = \"cpu\"",
        driver_check(api)
    ))
}

/// What shows whether a driver works.
fn driver_check(api: GpuApi) -> &'static str {
    match api {
        GpuApi::Cuda => "`nvidia-smi`",
        GpuApi::Metal => "`system_profiler SPDisplaysDataType`",
        GpuApi::Vulkan | GpuApi::Wgpu => "`vulkaninfo --summary`",
    }
}

/// A panic's words as an error.
fn without_panic<T>(work: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        one_line(text.unwrap_or("no reason was given"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_the_build_lacks_is_named_with_its_feature() {
        for api in GpuApi::ALL.iter().filter(|api| !is_built_for(**api)) {
            let error = open_device(DeviceKind::Gpu(*api, 0)).unwrap_err().to_string();
            assert!(
                error.contains(&format!("no {api}; build with `--features {api}`")),
                "{error}"
            );
        }
        assert!(open_device(DeviceKind::Cpu).is_ok());
    }

    #[test]
    fn a_panic_of_a_driver_becomes_a_reason() {
        assert_eq!(without_panic(|| 3), Ok(3));
        let error = unusable(
            GpuApi::Vulkan,
            &without_panic(|| panic!("lost {}", 7)).unwrap_err(),
        );
        assert!(
            error
                .to_string()
                .contains("does not start: lost 7; check the driver"),
            "{error}"
        );
    }
}
