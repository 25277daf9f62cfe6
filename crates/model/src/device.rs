use burn::tensor::{DType, Device};

use crate::{Error, Result};

/// Where the model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKind {
    Cpu,
    Cuda,
}

/// The type of weights and activations in memory. Norms, rotary embeddings, attention scores and logits are
/// computed in f32 in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    F32,
    Bf16,
}

impl Precision {
    pub fn parse(name: &str) -> Option<Self> {
        [Precision::F32, Precision::Bf16]
            .into_iter()
            .find(|precision| precision.as_str() == name)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }

    pub(crate) fn dtype(self) -> DType {
        match self {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
        }
    }
}

impl DeviceKind {
    /// `auto` (CUDA where this build and machine have it, else the CPU), `cpu` or `cuda`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "cpu" => Some(DeviceKind::Cpu),
            "cuda" => Some(DeviceKind::Cuda),
            "auto" => Some(if open_cuda().is_ok() {
                DeviceKind::Cuda
            } else {
                DeviceKind::Cpu
            }),
            _ => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            DeviceKind::Cpu => "cpu",
            DeviceKind::Cuda => "cuda",
        }
    }
}

/// The device, or a message that says what is missing.
pub fn open_device(kind: DeviceKind) -> Result<Device> {
    match kind {
        DeviceKind::Cpu => Ok(Device::flex()),
        DeviceKind::Cuda => open_cuda(),
    }
}

#[cfg(feature = "cuda")]
fn open_cuda() -> Result<Device> {
    let devices = Device::enumerate(burn::tensor::DeviceType::Cuda);
    devices.into_iter().next().ok_or_else(|| {
        Error::Request(
            "no CUDA device was found; check the driver with `nvidia-smi`, or set model.device = \"cpu\""
                .to_owned(),
        )
    })
}

#[cfg(not(feature = "cuda"))]
fn open_cuda() -> Result<Device> {
    let message = "this build has no CUDA; build with `--features cuda` (`cargo xtask` does so when model.device is \"cuda\"), or set model.device = \"cpu\"";
    Err(Error::Request(message.to_owned()))
}
