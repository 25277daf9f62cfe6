use std::fmt;

use burn::tensor::{DType, Device};

use crate::{Error, Result};

/// Where the model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    Cpu,
    /// A GPU by its number.
    Cuda(usize),
}

/// The type of the activations. Norms, rotary embeddings, attention scores and logits are computed in f32 in either
/// case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    Bf16,
}

impl Precision {
    pub fn as_str(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }

    pub fn dtype(self) -> DType {
        match self {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        }
    }
}

impl DeviceKind {
    /// CUDA's first device where this build and machine have one, else the CPU.
    pub fn present() -> Self {
        match open_cuda(0) {
            Ok(_) => DeviceKind::Cuda(0),
            Err(_) => DeviceKind::Cpu,
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

/// The device, or a message that says what is missing.
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
