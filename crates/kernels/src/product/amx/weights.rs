use std::arch::x86_64::*;

use half::bf16;

use super::{INPUTS, LINE, PANEL, SIDE};
use crate::product::avx512::ahead::Ahead;
use crate::product::avx512::line::Line;
use crate::product::avx512::requests::Requests;

/// Two tiles of weights: 32 inputs of 32 outputs.
pub struct Tiles {
    pub starts: [*const u8; 2],
    /// Bytes from output to output.
    pub stride: usize,
}

/// The weights of 32 outputs, for tiles.
pub trait Weights {
    /// Those from `input` on, which is a multiple of 32; what isn't there is zero. Asks for some of
    /// the memory that is needed later.
    fn tiles(&mut self, input: usize) -> Tiles;

    /// From now on they are all in the cache.
    fn are_known(&mut self) {}
}

/// As they lie in memory: for a few rows.
pub struct AsTheyLie<'a> {
    weight: &'a [bf16],
    inputs: usize,
    requests: Option<Requests<PANEL>>,
    edge: Edge,
}

/// A copy of 32 inputs of each output, with zeros for what isn't there.
#[repr(align(64))]
struct Edge([[bf16; INPUTS]; PANEL]);

impl<'a> AsTheyLie<'a> {
    /// `weight` has a row of `inputs` numbers for each output, of which there may be fewer than 32.
    pub fn new(weight: &'a [bf16], inputs: usize) -> Self {
        AsTheyLie {
            weight,
            inputs,
            requests: Some(Requests::new(weight.as_ptr().cast(), 2 * inputs)),
            edge: Edge([[bf16::ZERO; INPUTS]; PANEL]),
        }
    }

    #[cold]
    fn edge(&mut self, input: usize) -> Tiles {
        let count = INPUTS.min(self.inputs - input);
        for (line, weights) in self.edge.0.iter_mut().zip(self.weight.chunks(self.inputs)) {
            line[..count].copy_from_slice(&weights[input..input + count]);
            line[count..].fill(bf16::ZERO);
        }
        let start = self.edge.0.as_ptr().cast::<u8>();
        Tiles {
            starts: [start, start.wrapping_add(SIDE * LINE)],
            stride: LINE,
        }
    }
}

impl Weights for AsTheyLie<'_> {
    #[inline(always)]
    fn tiles(&mut self, input: usize) -> Tiles {
        if let Some(requests) = &mut self.requests {
            requests.ask(2 * input);
        }
        if self.weight.len() < PANEL * self.inputs || input + INPUTS > self.inputs {
            return self.edge(input);
        }
        let at = |output: usize| {
            let place = output * self.inputs + input;
            self.weight.as_ptr().wrapping_add(place).cast()
        };
        Tiles {
            starts: [at(0), at(SIDE)],
            stride: 2 * self.inputs,
        }
    }

    fn are_known(&mut self) {
        self.requests = None;
    }
}

/// A piece of them, copied into the cache for many rows. In a file, an output's line is hardly ever
/// one line of the cache; tiles that are not take twice as long to load.
pub struct Packed<'a> {
    panel: &'a [Line<u32>],
    first_input: usize,
    ahead: Ahead,
}

impl<'a> Packed<'a> {
    /// The inputs from `first_input` on that `panel` holds, as [`pack`] wrote it.
    pub fn new(panel: &'a [Line<u32>], first_input: usize, ahead: Ahead) -> Self {
        Packed {
            panel,
            first_input,
            ahead,
        }
    }
}

impl Weights for Packed<'_> {
    #[inline(always)]
    fn tiles(&mut self, input: usize) -> Tiles {
        self.ahead.ask();
        let lines = (input - self.first_input) / INPUTS * PANEL;
        let start = self.panel.as_ptr().wrapping_add(lines).cast::<u8>();
        Tiles {
            starts: [start, start.wrapping_add(SIDE * LINE)],
            stride: LINE,
        }
    }
}

/// Copies the piece `inputs` of each output, whole rows of which are in `weight`, to
/// `[32 inputs][output]`, with zeros for inputs that aren't there. Outputs that aren't there keep
/// what was in their place; their sums are not used.
///
/// # Safety
/// The processor must have AVX-512.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn pack(weight: &[bf16], row: usize, inputs: std::ops::Range<usize>, panel: &mut [Line<u32>]) {
    for (output, weights) in weight.chunks_exact(row).enumerate() {
        let weights = &weights[inputs.clone()];
        for (tile, weights) in weights.chunks(INPUTS).enumerate() {
            let mask = u32::MAX >> (INPUTS - weights.len());
            let to = &raw mut panel[tile * PANEL + output];
            // SAFETY: masked to what is there; a line has 64 bytes.
            unsafe { _mm512_store_si512(to.cast(), _mm512_maskz_loadu_epi16(mask, weights.as_ptr().cast())) };
        }
    }
}
