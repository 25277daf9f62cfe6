use std::ops::Range;

use super::{Kind, Results, Weight, dots};
#[cfg(target_arch = "x86_64")]
use super::{amx, avx512};
use crate::{Instructions, quantized};

/// Activations, `[rows, inputs]`, as a set of instructions wants them for one kind of product.
pub(crate) enum Prepared<'a> {
    Dots(dots::Activations<'a>),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Activations),
    #[cfg(target_arch = "x86_64")]
    Amx(amx::Activations),
    Integers(quantized::Activations),
}

impl<'a> Prepared<'a> {
    /// The processor must have the instructions; with [`Kind::Bf16Bf16`], they must multiply bf16.
    pub(crate) fn new(instructions: Instructions, kind: Kind, x: &'a [f32], inputs: usize) -> Self {
        match instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx if kind != Kind::F32F32 => {
                Prepared::Amx(amx::Activations::new(kind, x, inputs))
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 | Instructions::Avx512Bf16 | Instructions::Amx => {
                Prepared::Avx512(avx512::Activations::new(kind, x, inputs))
            }
            _ => Prepared::Dots(dots::Activations::new(instructions, kind, x, inputs)),
        }
    }

    /// As many of the outputs as one task best takes.
    pub(crate) fn outputs_per_task(&self, outputs: usize) -> usize {
        match self {
            Prepared::Dots(_) => dots::OUTPUTS_PER_TASK.min(outputs),
            #[cfg(target_arch = "x86_64")]
            Prepared::Avx512(x) => x.outputs_per_task(outputs),
            #[cfg(target_arch = "x86_64")]
            Prepared::Amx(x) => x.outputs_per_task(outputs),
            Prepared::Integers(_) => quantized::Activations::outputs_per_task(outputs),
        }
    }

    /// The time for so many weights, one thread's, in weights read from memory: reading them, and
    /// multiplying them with all rows.
    pub(crate) fn work(&self, weights: usize) -> usize {
        // Rows that take as long to multiply as the weight takes to read, roughly.
        let (rows, at_memory_speed) = match self {
            Prepared::Dots(x) => (x.rows, 4),
            #[cfg(target_arch = "x86_64")]
            Prepared::Avx512(x) => (x.rows, 8),
            #[cfg(target_arch = "x86_64")]
            Prepared::Amx(x) => (x.rows, 64 / x.layers),
            Prepared::Integers(x) => (x.rows, 8),
        };
        weights + weights * rows / at_memory_speed
    }

    /// Multiplies with some of the weight's outputs, on this thread, and writes those columns of
    /// the result. The bits depend only on row, weights, kind and instructions: a few rows of
    /// weights, say in a scratch buffer, give what they give as a part of a larger weight.
    ///
    /// # Safety
    /// The weight must be of the kind that these activations were prepared for and have these
    /// outputs, each with as many inputs as the activations; no one else may have those columns of
    /// the result, which must have as many rows as the activations.
    pub(crate) unsafe fn multiply(&self, weight: Weight<'_>, outputs: Range<usize>, y: Results<'_>) {
        // SAFETY: the caller's promise; the instructions are there, as `new` demands.
        unsafe {
            match self {
                Prepared::Dots(x) => x.multiply(weight, outputs, y),
                #[cfg(target_arch = "x86_64")]
                Prepared::Avx512(x) => x.multiply(weight, outputs, y),
                #[cfg(target_arch = "x86_64")]
                Prepared::Amx(x) => x.multiply(weight, outputs, y),
                Prepared::Integers(x) => match weight {
                    Weight::Blocks { kind, bytes } => x.multiply(kind, bytes, outputs, y),
                    _ => unreachable!("prepared for weights in blocks"),
                },
            }
        }
    }
}
