//! Against the definitions in f64.

use kernels::{Divergence, LogSum};

fn exact_log_sum(x: &[f32]) -> f64 {
    let largest = f64::from(x.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = x.iter().map(|x| (f64::from(*x) - largest).exp()).sum();
    largest + sum.ln()
}

fn exact_divergence(p: &[f32], q: &[f32]) -> f64 {
    let (p_sum, q_sum) = (exact_log_sum(p), exact_log_sum(q));
    let term = |(p, q): (&f32, &f32)| {
        let (p, q) = (f64::from(*p) - p_sum, f64::from(*q) - q_sum);
        p.exp() * (p - q)
    };
    p.iter().zip(q).map(term).sum()
}

/// Logits between -spread and spread.
fn logits(count: usize, spread: f32, seed: usize) -> Vec<f32> {
    (0..count)
        .map(|index| ((index * 7919 + seed * 104_729) as f32 * 0.618).sin() * spread)
        .collect()
}

#[test]
fn sums_agree_with_f64_on_odd_lengths_and_any_spread() {
    for count in [1, 2, 15, 17, 512, 1025, 5000, 262_144] {
        for spread in [0.0, 0.1, 3.0, 30.0, 300.0] {
            let x = logits(count, spread, count);
            let mut sum = LogSum::default();
            sum.add(&x);
            let (found, exact) = (sum.value(), exact_log_sum(&x));
            assert!(
                (found - exact).abs() < 5e-7,
                "{count} numbers up to {spread}: {found} instead of {exact}"
            );
        }
    }
}

#[test]
fn the_largest_number_may_come_first_or_last() {
    for x in [
        vec![90.0f32, -90.0, 0.0],
        vec![-90.0, 0.0, 90.0],
        vec![-1e30, 1e30],
    ] {
        let mut sum = LogSum::default();
        x.iter().for_each(|x| sum.add(&[*x]));
        assert_eq!(sum.value(), exact_log_sum(&x), "{x:?}");
    }
    let mut sum = LogSum::default();
    sum.add(&[1.0, f32::NAN, 2.0]);
    sum.add(&[3.0]);
    assert!(sum.value().is_nan());
}

#[test]
fn blocks_of_whole_pieces_give_the_bits_of_all_at_once() {
    let (p, q) = (logits(9000, 20.0, 1), logits(9000, 20.0, 2));
    let (mut sum, mut divergence) = (LogSum::default(), Divergence::default());
    sum.add(&p);
    divergence.add(&p, &q);
    for block in [1024, 4096] {
        let (mut other_sum, mut other_divergence) = (LogSum::default(), Divergence::default());
        for (p, q) in p.chunks(block).zip(q.chunks(block)) {
            other_sum.add(p);
            other_divergence.add(p, q);
        }
        assert_eq!(sum.value(), other_sum.value());
        assert_eq!(divergence.value(), other_divergence.value());
    }
}

#[test]
fn divergences_agree_with_f64_and_are_zero_only_without_a_difference() {
    for count in [1, 3, 17, 1024, 1025, 50_000] {
        for difference in [0.0f32, 1e-4, 0.1, 5.0, 60.0] {
            let p = logits(count, 12.0, 3);
            let by = logits(count, difference, 4);
            let q: Vec<f32> = p.iter().zip(&by).map(|(p, by)| p + by).collect();
            let mut divergence = Divergence::default();
            divergence.add(&p, &q);
            let (found, exact) = (divergence.value(), exact_divergence(&p, &q));
            let bound = 5e-7 * (1.0 + f64::from(difference));
            assert!(
                (found - exact).abs() < bound && found >= 0.0,
                "{count}, {difference}: {found} instead of {exact}"
            );
            if difference == 0.0 {
                assert_eq!(found, 0.0);
            }
        }
    }
    let coin = |p: f32| [p.ln(), (1.0 - p).ln()];
    let mut divergence = Divergence::default();
    divergence.add(&coin(0.25), &coin(0.5));
    let expected = 0.25 * (0.25f64 / 0.5).ln() + 0.75 * (0.75f64 / 0.5).ln();
    assert!((divergence.value() - expected).abs() < 1e-7);
    let mut lost = Divergence::default();
    lost.add(&[0.0, 1.0], &[f32::NAN, 0.0]);
    assert!(lost.value().is_nan());
}
