use half::bf16;

use super::{INPUTS, LINE, SIDE};

/// 32 outputs of a weight, of which there may be fewer, over some inputs.
pub struct Lines<'a> {
    /// From the first output on.
    weight: &'a [bf16],
    inputs: usize,
    outputs: usize,
    /// A copy of 32 inputs of each output, with zeros for what isn't there.
    edge: Box<Edge>,
}

#[derive(Clone)]
#[repr(align(64))]
struct Edge([[bf16; INPUTS]; 2 * SIDE]);

impl<'a> Lines<'a> {
    /// `weight` has `outputs` rows of `inputs` numbers.
    pub fn new(weight: &'a [bf16], inputs: usize) -> Self {
        Lines {
            outputs: weight.len() / inputs,
            weight,
            inputs,
            edge: Box::new(Edge([[bf16::ZERO; INPUTS]; 2 * SIDE])),
        }
    }

    /// Bytes from output to output of `whole`.
    pub fn stride(&self) -> usize {
        2 * self.inputs
    }

    /// The next 32 inputs of two times 16 outputs as they lie in memory, if all of them are there.
    #[inline(always)]
    pub fn whole(&self, input: usize) -> Option<[*const u8; 2]> {
        let is_whole = self.outputs == 2 * SIDE && input + INPUTS <= self.inputs;
        let at = |output: usize| {
            let place = output * self.inputs + input;
            self.weight.as_ptr().wrapping_add(place).cast()
        };
        is_whole.then(|| [at(0), at(SIDE)])
    }

    /// The same, filled up with zeros; their lines are 64 bytes from each other.
    #[cold]
    pub fn filled_up(&mut self, input: usize) -> [*const u8; 2] {
        let count = INPUTS.min(self.inputs - input);
        for (line, weights) in self.edge.0.iter_mut().zip(self.weight.chunks(self.inputs)) {
            line[..count].copy_from_slice(&weights[input..input + count]);
            line[count..].fill(bf16::ZERO);
        }
        let start = self.edge.0.as_ptr().cast::<u8>();
        [start, start.wrapping_add(SIDE * LINE)]
    }
}
