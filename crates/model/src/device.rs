use burn::tensor::{DType, Device};
use terms::{DeviceKind, Precision};

use crate::{Error, Result};

/// The precision as burn names it.
pub(crate) fn tensor_dtype(precision: Precision) -> DType {
    match precision {
        Precision::F32 => DType::F32,
        Precision::Bf16 => DType::BF16,
    }
}

/// The first CUDA device where this build and this machine have one, else the CPU.
pub fn present_device() -> DeviceKind {
    match open_cuda(0) {
        Ok(_) => DeviceKind::Cuda(0),
        Err(_) => DeviceKind::Cpu,
    }
}

/// Opens a device for tensors.
///
/// # Errors
/// A CUDA device that this build or this machine does not have; the message says what is missing.
pub fn open_device(kind: DeviceKind) -> Result<Device> {
    match kind {
        DeviceKind::Cpu => Ok(Device::flex()),
        DeviceKind::Cuda(number) => open_cuda(number),
    }
}

#[cfg(feature = "cuda")]
fn open_cuda(number: usize) -> Result<Device> {
    let devices = Device::enumerate(burn::tensor::DeviceType::Cuda);
    let count = devices.len();
    devices.into_iter().nth(number).ok_or_else(|| {
        let message = match count {
            0 => {
                "no CUDA device was found; check the driver with `nvidia-smi`, or set model.device = \"cpu\""
                    .to_owned()
            }
            _ => format!("there is no CUDA device {number}; this machine has {count}, counted from 0"),
        };
        Error::Request(message)
    })
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(_number: usize) -> Result<Device> {
    let message = "this build has no CUDA; build with `--features cuda` (`cargo xtask` does so when model.device is \"cuda\"), or set model.device = \"cpu\"";
    Err(Error::Request(message.to_owned()))
}
