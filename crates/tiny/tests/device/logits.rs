//! Logits are in f32, whatever the type of weights and residual stream.

use burn::tensor::{DType, Tensor, TensorData};
use model::wide_product;

use crate::{device, numbers};

const ROWS: usize = 3;
const OUTPUTS: usize = 65;
/// So long a sum loses its last digits where it is kept in a narrow type.
const INPUTS: usize = 3000;

/// Sums over numbers of each type that the device has, against sums in f64 of the same numbers: closer than the type's own roundings.
#[test]
fn sums_of_narrow_numbers_are_not_rounded_to_their_type() {
    let number = |index: usize, step: f32| (index as f32 * step).sin();
    let x: Vec<f32> = (0..ROWS * INPUTS)
        .map(|index| number(index, 0.37) + 0.4)
        .collect();
    let weight: Vec<f32> = (0..OUTPUTS * INPUTS)
        .map(|index| number(index, 0.91) + 0.3)
        .collect();
    let mut compared = 0;
    // How far the type's own numbers are from each other, relative to them.
    for (dtype, step) in [(DType::F32, 1.2e-7), (DType::F16, 9.8e-4), (DType::BF16, 7.8e-3)] {
        let narrow = dtype != DType::F32;
        if !device().supports_dtype(dtype) || !(narrow || crate::multiplies_in_f32()) {
            println!("skipped: the device has no products of {dtype:?}");
            continue;
        }
        let there = |numbers: &[f32], rows: usize| {
            let data = TensorData::new(numbers.to_vec(), [rows, INPUTS]);
            Tensor::<2>::from_data(data, (&device(), DType::F32)).cast(dtype)
        };
        let (x, weight) = (there(&x, ROWS), there(&weight, OUTPUTS));
        let product = wide_product(x.clone(), weight.clone());
        assert_eq!((product.dtype(), product.dims()), (DType::F32, [ROWS, OUTPUTS]));
        let (x, weight, found) = (numbers(x), numbers(weight), numbers(product));
        let mut worst = 0.0f64;
        for (index, found) in found.iter().enumerate() {
            let [x, weight] = [(&x, index / OUTPUTS), (&weight, index % OUTPUTS)]
                .map(|(all, row)| &all[row * INPUTS..(row + 1) * INPUTS]);
            let terms = x
                .iter()
                .zip(weight)
                .map(|(x, weight)| f64::from(*x) * f64::from(*weight));
            let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()));
            worst = worst.max((f64::from(*found) - sum).abs() / size);
        }
        println!("products of {dtype:?}: {worst:e} off at most, relative to the terms");
        // Of sums in f32: far below what rounding once to a narrower type costs.
        assert!(
            worst < 1e-5 && (!narrow || worst < step / 50.0),
            "{dtype:?}: {worst:e}"
        );
        compared += 1;
    }
    assert!(compared > 0 || !crate::multiplies_in_f32());
}
