use statistics::{PairedGram, PairedRows, split_half};

use crate::numbers::{dot, norm, paired_rows, without_contrast};

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (norm(a) * norm(b))
}

fn of(rows: &PairedRows) -> statistics::SplitHalf {
    split_half(&PairedGram::of(rows), 4).unwrap()
}

#[test]
fn halves_of_a_strong_contrast_agree_and_those_of_nothing_do_not() {
    let strong = of(&paired_rows(81, 16, 60, 3.0));
    assert!(strong.cosine > 0.9, "{strong:?}");
    assert!(strong.cosine > strong.floor.unwrap());
    let nothing = of(&paired_rows(81, 16, 60, 0.0));
    assert!(nothing.cosine < nothing.floor.unwrap(), "{nothing:?}");
    assert!(nothing.low < nothing.cosine && nothing.cosine < nothing.high);
    assert!(nothing.floor.unwrap() < 0.5 && nothing.floor.unwrap() > 0.0);
}

/// What all prompts share is not noise, however few they are.
#[test]
fn the_floor_of_few_prompts_does_not_hold_the_contrast_itself() {
    let result = of(&paired_rows(86, 6, 200, 3.0));
    assert!(result.cosine > 0.9 && result.floor.unwrap() < 0.6, "{result:?}");
}

/// One case in twenty without a contrast is above the floor.
#[test]
fn the_floor_is_passed_by_few_contrasts_of_nothing() {
    let above = (0..200)
        .filter(|round| {
            let result = of(&paired_rows(8_200 + round, 10, 12, 0.0));
            result.cosine > result.floor.unwrap()
        })
        .count();
    assert!((3..=20).contains(&above), "{above} of 200");
}

#[test]
fn two_prompts_are_compared_with_each_other() {
    let rows = paired_rows(83, 2, 8, 0.6);
    let [first, second] = &rows.differences()[..] else {
        panic!("two prompts have two differences");
    };
    let expected = cosine(first, second);
    let result = of(&rows);
    for value in [result.cosine, result.low, result.high] {
        assert!((value - expected).abs() < 1e-12, "{value} is not {expected}");
    }
    // What two differences don't have in common is opposite, so that two prompts can never say
    // anything.
    assert!((result.floor.unwrap() - 1.0).abs() < 1e-9, "{result:?}");
}

#[test]
fn of_three_prompts_one_is_compared_with_the_other_two() {
    let rows = paired_rows(84, 3, 8, 0.6);
    let differences = rows.differences();
    let mut cosines: Vec<f64> = (0..3)
        .map(|alone| {
            let others: Vec<f64> = (0..8)
                .map(|k| differences[(alone + 1) % 3][k] + differences[(alone + 2) % 3][k])
                .collect();
            cosine(&differences[alone], &others)
        })
        .collect();
    cosines.sort_by(f64::total_cmp);
    let result = of(&rows);
    assert!((result.low - cosines[0]).abs() < 1e-12);
    assert!((result.high - cosines[2]).abs() < 1e-12);
    assert!(result.cosine > cosines[0] && result.cosine < cosines[2]);
}

/// A contrast that is the same in all prompts has the same halves.
#[test]
fn equal_differences_have_the_cosine_1_and_zero_ones_none() {
    let mut rows = without_contrast(85, 7, 5);
    for row in &mut rows.plus {
        row[2] = 8.0;
    }
    for row in &mut rows.minus {
        row[2] = 3.0;
    }
    let result = of(&rows);
    assert!((result.low - 1.0).abs() < 1e-12, "{result:?}");
    assert_eq!(result.floor, None, "there is no noise");
    assert_eq!(split_half(&PairedGram::of(&without_contrast(85, 7, 5)), 4), None);
}
