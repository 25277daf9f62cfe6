use super::{Kind, Prepared, Results, Rounding, Weight, multiply_with};
use crate::Instructions;

fn number(index: usize) -> f32 {
    ((index * 40_503) % 997) as f32 / 997.0 - 0.5
}

/// What unpacks weights a few rows at a time relies on it.
#[test]
fn a_few_rows_of_a_weight_give_their_columns_of_the_whole_product_to_the_last_bit() {
    let (inputs, outputs) = (333, 75);
    let weight: Vec<f32> = (0..inputs * outputs).map(number).collect();
    for (rows, instructions) in [1, 7, 20, 60]
        .into_iter()
        .flat_map(|rows| Instructions::available().into_iter().map(move |set| (rows, set)))
    {
        let x: Vec<f32> = (0..rows * inputs).map(|index| number(index + 5)).collect();
        let mut whole = vec![f32::NAN; rows * outputs];
        multiply_with(
            instructions,
            &x,
            inputs,
            Weight::F32(&weight),
            Rounding::None,
            &mut whole,
        );
        for step in [1, 16, 32, 48] {
            let prepared = Prepared::new(instructions, Kind::F32F32, &x, inputs);
            let mut y = vec![f32::NAN; rows * outputs];
            let results = Results::new(&mut y, outputs);
            for first in (0..outputs).step_by(step) {
                let count = step.min(outputs - first);
                let scratch = weight[first * inputs..(first + count) * inputs].to_vec();
                // SAFETY: the columns are there, and nobody else has the result.
                unsafe {
                    let columns = results.columns_from(first);
                    prepared.multiply(Weight::F32(&scratch), 0..count, columns);
                }
            }
            assert_eq!(y, whole, "{instructions:?}, {rows} rows, {step} outputs at once");
        }
    }
}
