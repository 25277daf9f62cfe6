//! Products of activations with weights as checkpoints have them.
//!
//! Activations are brought into the form that an instruction set wants ([`Prepared`]), once for all
//! weights that they meet; then each task computes some outputs of one weight for all rows. Every
//! set sums in an order that depends on `inputs` alone, so a number of the result is the
//! same to the last bit however many rows there are and however the work is cut:
//!
//! - portable, AVX2 ([`dots`]): as many partial sums as a register has lanes; lane l takes the
//!   inputs l, l + lanes, l + 2 lanes, ... one after the other, and the lanes are added in a fixed
//!   order at the end;
//! - AVX-512 (`avx512`): one sum for each output, through the inputs (or their pairs) in their order;
//! - weights in blocks whose activations are rounded (`quantized`): one sum for each output, to which
//!   the sums of 32 inputs each are added in order, whatever the instructions;
//! - AMX (`amx`): one sum for each output, to which the sums of 32 inputs each are added in order.

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dots;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod prepared;
mod results;
#[cfg(test)]
mod tests;
mod tile;
mod weight;

use std::ops::Range;

use rayon::prelude::*;

use crate::clock::count_as_product;
use crate::{Instructions, quantized};
#[cfg(target_arch = "x86_64")]
pub(crate) use amx::{
    PRODUCTS as AMX_PRODUCTS, is_permitted as amx_is_permitted, register_loop as amx_register_loop,
};
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::{ahead::Ahead, turn::turn};
pub(crate) use prepared::Prepared;
pub(crate) use results::Results;
pub(crate) use tile::Kind;
pub use weight::Weight;

/// How a product may treat the activations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// They stay f32; weights of bf16 and in blocks are widened, which is exact.
    None,
    /// They may be rounded to bf16 where the weights are bf16 and the processor multiplies such
    /// pairs by itself. Where the weights are blocks of integers, which is all but F32, F16 and BF16,
    /// they are rounded to integers of 16 bits with a scale for every 32 inputs.
    InputsToBf16,
}

/// `y = x weight^T`: `x: [rows, inputs]`, `y: [rows, outputs]`.
///
/// The error of each number is below `4e-7 sqrt(inputs) |x| |w|`, with the Euclidean norms of the
/// row and of the weight's row; where inputs are rounded to bf16, below `6e-3 |x| |w|` (a bf16 has
/// 8 bits, and roundings average out). Instructions for bf16 take numbers and products below 1.2e-38
/// for zero.
///
/// With weights in blocks the exact product is that of the numbers that they stand for
/// ([`gguf::dequantize`]), to the last bit. Rounded, the error is below `(9e-5 + 4e-7 sqrt(inputs))
/// |x| |w|`: half a step of a 32767th of the largest of 32 numbers each (about `2e-6 |x| |w|`, as the
/// root of the mean square, for numbers of about the same size). Where the largest is below 1e-30,
/// the 32 count as zeros, and where one of them is infinite, the row's results are NaN. All sets of
/// instructions give the same bits then.
///
/// Where an activation is NaN, so are its row's results; where an activation or a weight is
/// infinite, the results that it has a part in are infinite or NaN.
pub fn multiply(x: &[f32], inputs: usize, weight: Weight<'_>, rounding: Rounding, y: &mut [f32]) {
    multiply_each(x, inputs, rounding, &mut [(weight, y)]);
}

/// The same activations with several weights, such as those of queries, keys and values: they are
/// prepared once, and threads are woken once. The results are those of [`multiply`], to the last
/// bit.
pub fn multiply_each(
    x: &[f32],
    inputs: usize,
    rounding: Rounding,
    products: &mut [(Weight<'_>, &mut [f32])],
) {
    count_as_product(|| multiply_each_with(Instructions::best(), x, inputs, rounding, products));
}

/// [`multiply`] with given instructions, which the processor must have.
pub fn multiply_with(
    instructions: Instructions,
    x: &[f32],
    inputs: usize,
    weight: Weight<'_>,
    rounding: Rounding,
    y: &mut [f32],
) {
    multiply_each_with(instructions, x, inputs, rounding, &mut [(weight, y)]);
}

/// [`multiply_each`] with given instructions, which the processor must have.
pub fn multiply_each_with(
    instructions: Instructions,
    x: &[f32],
    inputs: usize,
    rounding: Rounding,
    products: &mut [(Weight<'_>, &mut [f32])],
) {
    assert!(
        instructions.is_available(),
        "the processor has no {instructions:?}"
    );
    let rows = x.len() / inputs;
    assert!(rows * inputs == x.len());
    let mut forms: Vec<(Form, Prepared<'_>)> = Vec::with_capacity(1);
    let mut parts = Vec::with_capacity(products.len());
    let mut work = 0;
    for (weight, y) in products.iter_mut() {
        let outputs = weight.len() / inputs;
        assert!(outputs * inputs == weight.len() && rows * outputs == y.len());
        if y.is_empty() {
            continue;
        }
        let wanted = form_of(instructions, *weight, rounding);
        let form = forms
            .iter()
            .position(|(form, _)| *form == wanted)
            .unwrap_or_else(|| {
                forms.push((wanted, wanted.prepare(instructions, x, inputs)));
                forms.len() - 1
            });
        work += forms[form].1.work(weight.len());
        parts.push(Part {
            weight: *weight,
            form,
            outputs,
            outputs_per_task: match (&weight, wanted) {
                (Weight::Blocks { .. }, Form::Dense(_)) => quantized::exact::OUTPUTS_PER_TASK,
                _ => forms[form].1.outputs_per_task(outputs),
            },
            y: Results::new(y, outputs),
        });
    }
    in_parallel(work, &tasks(&parts), |(part, outputs)| {
        let part = &parts[*part];
        // SAFETY: the tasks cut each result into columns of their own, and the weight has as many
        // outputs.
        unsafe { part.multiply(&forms[part.form], inputs, outputs.clone()) };
    });
}

/// One of several products.
struct Part<'a> {
    weight: Weight<'a>,
    /// The index of the form of the activations that it takes.
    form: usize,
    outputs: usize,
    outputs_per_task: usize,
    y: Results<'a>,
}

impl Part<'_> {
    /// # Safety
    /// No one else may have those columns of the result; the form must be that of this part.
    unsafe fn multiply(&self, (form, x): &(Form, Prepared<'_>), inputs: usize, outputs: Range<usize>) {
        // SAFETY: the caller's promise.
        unsafe {
            match (self.weight, form) {
                (Weight::Blocks { kind, bytes }, Form::Dense(_)) => {
                    quantized::exact::multiply(x, inputs, kind, bytes, outputs, self.y);
                }
                (weight, _) => x.multiply(weight, outputs, self.y),
            }
        }
    }
}

/// The index of a part, and some of its outputs.
type Task = (usize, Range<usize>);

fn tasks(parts: &[Part<'_>]) -> Vec<Task> {
    let of_part = |(index, part): (usize, &Part<'_>)| {
        let (outputs, step) = (part.outputs, part.outputs_per_task);
        (0..outputs)
            .step_by(step)
            .map(move |first| (index, first..(first + step).min(outputs)))
    };
    parts.iter().enumerate().flat_map(of_part).collect()
}

/// Weights read from memory below which one thread is faster than two: waking another costs some
/// 8 microseconds.
const SERIAL: usize = 1 << 17;

/// Calls `run` on each task, on several threads if the work, as [`Prepared::work`] counts it, pays
/// for waking them.
pub(crate) fn in_parallel<T: Sync>(work: usize, tasks: &[T], run: impl Fn(&T) + Send + Sync) {
    if work < SERIAL {
        tasks.iter().for_each(run);
    } else {
        tasks.par_iter().for_each(run);
    }
}

/// The form of the activations that a product takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Dense(Kind),
    /// For blocks of integers.
    Integers,
}

impl Form {
    fn prepare(self, instructions: Instructions, x: &[f32], inputs: usize) -> Prepared<'_> {
        match self {
            Form::Dense(kind) => Prepared::new(instructions, kind, x, inputs),
            Form::Integers => Prepared::Integers(quantized::Activations::new(instructions, x, inputs)),
        }
    }
}

/// What these instructions multiply where the activations may be treated so.
fn form_of(instructions: Instructions, weight: Weight<'_>, rounding: Rounding) -> Form {
    let rounded = rounding == Rounding::InputsToBf16;
    match weight {
        Weight::F32(_) => Form::Dense(Kind::F32F32),
        Weight::Bf16(_) if rounded && instructions.multiplies_bf16() => Form::Dense(Kind::Bf16Bf16),
        Weight::Bf16(_) => Form::Dense(Kind::F32Bf16),
        Weight::Blocks { kind, .. } if rounded && kind.group().is_some() => Form::Integers,
        Weight::Blocks { .. } => Form::Dense(Kind::F32F32),
    }
}
