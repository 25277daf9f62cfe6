use crate::clock::count_as_product;
use crate::{Rounding, Weight, multiply};

/// The same activations with several weights, such as those of queries, keys and values. The results
/// are those of [`multiply`], to the last bit.
pub fn multiply_each(
    x: &[f32],
    inputs: usize,
    rounding: Rounding,
    products: &mut [(Weight<'_>, &mut [f32])],
) {
    count_as_product(|| {
        for (weight, y) in products {
            multiply(x, inputs, *weight, rounding, y);
        }
    });
}
