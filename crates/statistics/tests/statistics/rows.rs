use statistics::PairedRows;

use crate::numbers::{Numbers, paired_rows};

fn rounded(values: &[f32]) -> Vec<f32> {
    let rows = PairedRows {
        plus: vec![values.to_vec()],
        minus: vec![vec![0.0; values.len()]],
    };
    rows.rounded_to_bf16().plus.remove(0)
}

#[test]
fn bf16_takes_the_nearest_of_its_two_neighbours() {
    let mut numbers = Numbers::new(21);
    for exponent in -40..40 {
        let value = numbers.next() * 2_f32.powi(exponent);
        let below = f32::from_bits(value.to_bits() & 0xffff_0000);
        let above = f32::from_bits((value.to_bits() & 0xffff_0000) + 0x1_0000);
        let result = rounded(&[value])[0];
        let error = |candidate: f32| (f64::from(candidate) - f64::from(value)).abs();
        assert!(result == below || result == above, "{value} became {result}");
        assert_eq!(
            error(result),
            error(below).min(error(above)),
            "{value} became {result}"
        );
    }
}

#[test]
fn bf16_takes_the_even_neighbour_in_the_middle() {
    let step = 2_f32.powi(-7);
    // 1 and 1 + 2 steps are even; 1 + 1 step is odd.
    let middles = [
        1.0 + 0.5 * step,
        1.0 + 1.5 * step,
        -1.0 - 0.5 * step,
        -1.0 - 1.5 * step,
    ];
    assert_eq!(
        rounded(&middles),
        [1.0, 1.0 + 2.0 * step, -1.0, -1.0 - 2.0 * step]
    );
    let kept = [
        0.0,
        -0.0,
        1.0,
        1.0 + step,
        2_f32.powi(-133),
        3.0 * 2_f32.powi(100),
    ];
    assert_eq!(rounded(&kept), kept);
    assert!(rounded(&[f32::MAX])[0].is_infinite());
}

#[test]
fn dimensions_left_out_are_zero_and_the_others_as_they_were() {
    let rows = paired_rows(22, 3, 5, 1.0);
    let without = rows.without(&[1, 4, 17]);
    for (before, after) in rows
        .plus
        .iter()
        .chain(&rows.minus)
        .zip(without.plus.iter().chain(&without.minus))
    {
        assert_eq!(after[..], [before[0], 0.0, before[2], before[3], 0.0]);
    }
    assert_eq!(rows.without(&[]), rows);
}

#[test]
fn differences_are_plus_less_minus_in_f64() {
    let rows = PairedRows {
        plus: vec![vec![1.0, 2.0], vec![1e8, -3.0]],
        minus: vec![vec![4.0, 0.5], vec![1.0, 5.0]],
    };
    assert_eq!(rows.differences(), [[-3.0, 1.5], [99_999_999.0, -8.0]]);
    assert_eq!((rows.prompts(), rows.hidden_size()), (2, 2));
}
