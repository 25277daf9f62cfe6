use terms::{Arithmetic, DeviceKind, GpuApi};

/// A device that some driver offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// How it is reached.
    pub api: GpuApi,
    /// Its number among the devices of this interface.
    pub number: usize,
    /// As the driver names it.
    pub name: String,
    /// The driver and its version, as far as it tells.
    pub driver: String,
    /// What it is.
    pub sort: Sort,
    /// Bytes of its own memory, or of what it shares with the processor; `None` where the driver doesn't tell.
    pub memory: Option<u64>,
    /// What it does with numbers, as far as that is known without opening it.
    pub arithmetic: Arithmetic,
}

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A card with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A program that computes on the processor, right but slow.
    Software,
    /// A driver's word for something else, such as a part of a card in a virtual machine.
    Other,
}

impl Gpu {
    /// As `model.device` names it.
    pub fn device(&self) -> DeviceKind {
        DeviceKind::Gpu(self.api, self.number)
    }

    /// The same device by another interface. WGSL knows no bf16.
    pub fn by(self, api: GpuApi) -> Self {
        let bf16 = self.arithmetic.bf16 && api != GpuApi::Wgpu;
        let arithmetic = Arithmetic {
            bf16,
            ..self.arithmetic
        };
        Gpu {
            api,
            arithmetic,
            ..self
        }
    }

    /// Whether it is a program.
    pub fn is_software(&self) -> bool {
        self.sort == Sort::Software
    }
}
