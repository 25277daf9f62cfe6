use crate::words;

words! {
    /// The type of the activations, and of the weights on a GPU.
    #[derive(Default)]
    pub enum Dtype: "dtype" {
        /// bf16 for weights that are stored so, f32 for all others (on devices that can't multiply in f32, tf32).
        #[default]
        Auto = "auto",
        F32 = "f32",
        /// f32 whose products are computed in TF32, on devices that have it.
        Tf32 = "tf32",
        Bf16 = "bf16",
    }
}

words! {
    /// A number type that has been decided on, as results record it.
    pub enum Precision: "precision" {
        F32 = "f32",
        /// Numbers are kept in f32; products round theirs to 10 bits after the binary point, and add up in f32.
        Tf32 = "tf32",
        Bf16 = "bf16",
    }
}

/// What a device does with numbers. All compute in f32 but for its products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arithmetic {
    /// Whether it computes in bf16, not only stores it.
    pub bf16: bool,
    /// Whether its products of numbers in f32 are in TF32, with no way to have them in f32.
    pub tf32: bool,
}

impl Arithmetic {
    /// The processor's: there are kernels for either type, and f32 is f32.
    pub const OF_CPU: Arithmetic = Arithmetic {
        bf16: true,
        tf32: false,
    };

    /// Whether what a device computes under this name is what the name says.
    pub fn has(self, precision: Precision) -> bool {
        match precision {
            Precision::F32 => !self.tf32,
            Precision::Tf32 => self.tf32,
            Precision::Bf16 => self.bf16,
        }
    }

    /// What keeps a device from computing in this type, and what to do; `None` where it does.
    pub fn objection(self, precision: Precision) -> Option<&'static str> {
        if self.has(precision) {
            return None;
        }
        Some(match precision {
            Precision::F32 => {
                "multiplies numbers in f32 as TF32, with 10 bits after the binary point; set model.dtype = \"tf32\" to accept that, \
                 \"bf16\" to save memory too, or model.device = \"vulkan\" (the same card) or \"cpu\", which multiply in f32"
            }
            Precision::Tf32 => "has no TF32; set model.dtype = \"f32\" or \"auto\"",
            Precision::Bf16 => {
                "does not compute in bf16; set model.dtype = \"f32\" or \"auto\", or model.device = \"cpu\""
            }
        })
    }
}

impl Precision {
    /// The type in which numbers are kept: products in TF32 take and give f32.
    pub fn kept(self) -> Precision {
        match self {
            Precision::F32 | Precision::Tf32 => Precision::F32,
            Precision::Bf16 => Precision::Bf16,
        }
    }

    /// Bytes of a number.
    pub fn size(self) -> usize {
        match self {
            Precision::F32 | Precision::Tf32 => 4,
            Precision::Bf16 => 2,
        }
    }
}

impl Dtype {
    /// The type that was asked for; `stored` is that of the weights, which counts where it was left
    /// open.
    pub fn decided(self, stored: Precision) -> Precision {
        match self {
            Dtype::Auto => stored,
            Dtype::F32 => Precision::F32,
            Dtype::Tf32 => Precision::Tf32,
            Dtype::Bf16 => Precision::Bf16,
        }
    }

    /// The same on a device: left open, it is the best that the device has for the weights. What is asked for by name is
    /// given or refused, never replaced.
    ///
    /// # Errors
    /// What keeps the device from computing in the type.
    pub fn on(self, stored: Precision, arithmetic: Arithmetic) -> Result<Precision, &'static str> {
        let wanted = self.decided(stored);
        let f32 = match arithmetic.tf32 {
            true => Precision::Tf32,
            false => Precision::F32,
        };
        match arithmetic.objection(wanted) {
            None => Ok(wanted),
            Some(_) if self == Dtype::Auto => Ok(f32),
            Some(objection) => Err(objection),
        }
    }
}

words! {
    /// How a GPU's kernels are chosen. The CPU's depend on the processor alone.
    #[derive(Default)]
    pub enum Kernels: "kernels" {
        /// By rule: the same device gives the same bytes.
        #[default]
        Fixed = "fixed",
        /// Several are measured for each shape, and the fastest is kept: two runs may differ in the last bits.
        Tuned = "tuned",
    }
}

words! {
    /// Whether extraction holds all weights or reads them layer by layer. The results are the same.
    #[derive(Default)]
    pub enum Residency: "residency" {
        /// Streamed where the weights don't fit into the free memory.
        #[default]
        Auto = "auto",
        Resident = "resident",
        Streamed = "streamed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICES: [Arithmetic; 3] = [
        Arithmetic::OF_CPU,
        // Vulkan, WGSL, and CUDA before Ampere.
        Arithmetic {
            bf16: false,
            tf32: false,
        },
        // CUDA from Ampere on.
        Arithmetic {
            bf16: true,
            tf32: true,
        },
    ];

    #[test]
    fn a_type_that_is_named_is_computed_or_refused_and_never_replaced() {
        let named = [
            (Dtype::F32, Precision::F32, [true, true, false]),
            (Dtype::Tf32, Precision::Tf32, [false, false, true]),
            (Dtype::Bf16, Precision::Bf16, [true, false, true]),
        ];
        for (dtype, precision, computed) in named {
            for stored in [Precision::F32, Precision::Bf16] {
                let found = DEVICES.map(|device| dtype.on(stored, device));
                assert_eq!(found.map(|found| found.is_ok()), computed, "{dtype}");
                assert!(found.into_iter().flatten().all(|found| found == precision));
            }
        }
    }

    #[test]
    fn a_type_that_is_left_open_has_its_own_name_on_each_device() {
        let open = |stored| DEVICES.map(|device| Dtype::Auto.on(stored, device));
        let all = [Precision::F32, Precision::F32, Precision::Tf32].map(Ok);
        assert_eq!(open(Precision::F32), all);
        let all = [Precision::Bf16, Precision::F32, Precision::Bf16].map(Ok);
        assert_eq!(open(Precision::Bf16), all);
    }
}
