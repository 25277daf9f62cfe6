use kernels::{GateFunction, add_bias, exp, gate, gelu_tanh, silu, soft_cap, tanh};

use crate::support::{generator, numbers};

/// Every 997th number there is, from the smallest to the largest, of both signs.
fn all_kinds_of_numbers() -> impl Iterator<Item = f32> {
    (0..=u32::MAX)
        .step_by(997)
        .map(f32::from_bits)
        .filter(|number| number.is_finite())
}

#[test]
fn exp_is_within_its_bound() {
    for x in all_kinds_of_numbers().filter(|x| (-87.3..88.3).contains(x)) {
        let expected = f64::from(x).exp();
        let error = (f64::from(exp(x)) - expected).abs() / expected;
        assert!(error < 2e-7, "exp({x}): {error}");
    }
    assert_eq!(exp(f32::NEG_INFINITY), exp(-87.3));
    assert!(exp(-1e9) < 1.3e-38);
    assert!(exp(f32::INFINITY) > 2e38);
    assert!(exp(f32::NAN).is_nan());
    assert_eq!(exp(0.0), 1.0);
}

#[test]
fn tanh_is_within_its_bound() {
    for x in all_kinds_of_numbers() {
        let expected = f64::from(x).tanh();
        let error = (f64::from(tanh(x)) - expected).abs();
        // Numbers too small to have all their digits can't be held to a relative bound.
        assert!(error < 3e-7 * expected.abs() + 1e-44, "tanh({x}): {error}");
    }
    assert_eq!((tanh(f32::INFINITY), tanh(f32::NEG_INFINITY)), (1.0, -1.0));
    assert!(tanh(f32::NAN).is_nan());
}

#[test]
fn gelu_is_within_its_bound() {
    for x in all_kinds_of_numbers().filter(|x| x.abs() < 1e4) {
        let wide = f64::from(x);
        let u = (2.0 / std::f64::consts::PI).sqrt() * (wide + 0.044715 * wide.powi(3));
        let expected = wide / (1.0 + (-2.0 * u).exp());
        let error = (f64::from(gelu_tanh(x)) - expected).abs();
        let allowed = if x > -4.0 {
            2e-6 * expected.abs() + 1e-44
        } else {
            1e-8
        };
        assert!(error < allowed, "gelu({x}): {error}");
    }
    assert!(gelu_tanh(f32::NAN).is_nan());
}

#[test]
fn silu_is_within_its_bound() {
    for x in all_kinds_of_numbers().filter(|x| x.abs() < 1e4) {
        let wide = f64::from(x);
        let expected = wide / (1.0 + (-wide).exp());
        let error = (f64::from(silu(x)) - expected).abs();
        let allowed = if x > -20.0 {
            1e-6 * expected.abs() + 1e-44
        } else {
            1e-8
        };
        assert!(error < allowed, "silu({x}): {error}");
    }
    assert!(silu(f32::NAN).is_nan());
}

#[test]
fn whole_slices_are_their_numbers_one_by_one() {
    let mut generator = generator(5);
    for count in [1, 7, 8, 33, 4095, 4096, 4097, 50_001] {
        let (gates, up) = (
            numbers(&mut generator, count, 3.0),
            numbers(&mut generator, count, 3.0),
        );
        let mut y = vec![0.0; count];
        for (name, function) in [
            (GateFunction::GeluTanh, gelu_tanh as fn(f32) -> f32),
            (GateFunction::Silu, silu),
        ] {
            gate(name, &gates, &up, &mut y);
            let pairs = gates.iter().zip(&up);
            let expected: Vec<f32> = pairs.map(|(gate, up)| function(*gate) * up).collect();
            assert_eq!(y, expected);
        }
        let mut biased = up.clone();
        add_bias(&mut biased, &up);
        assert!(biased.iter().zip(&up).all(|(biased, up)| *biased == up + up));
        let mut capped = gates.clone();
        soft_cap(&mut capped, 30.0);
        let expected: Vec<f32> = gates.iter().map(|value| 30.0 * tanh(value / 30.0)).collect();
        assert_eq!(capped, expected);
    }
}

#[test]
fn rounding_to_bf16_takes_the_nearest() {
    let patterns = (0..u32::MAX).step_by(65_537 / 7).chain([
        0x7f80_0000,
        0x7f80_0001,
        0xff80_0001,
        0x3f80_8000,
        0x3f81_8000,
    ]);
    let x: Vec<f32> = patterns.map(f32::from_bits).collect();
    let mut y = vec![half::bf16::ZERO; x.len()];
    kernels::round_to_bf16(&x, &mut y);
    for (x, y) in x.iter().zip(y) {
        assert_eq!(
            y.to_bits(),
            half::bf16::from_f32(*x).to_bits(),
            "{:x}",
            x.to_bits()
        );
    }
}

#[test]
fn sums_are_of_each_pair() {
    let x: Vec<f32> = (0..20_001).map(|index| index as f32 * 0.3).collect();
    let mut y: Vec<f32> = x.iter().map(|x| x * x).collect();
    let expected: Vec<f32> = y.iter().zip(&x).map(|(y, x)| y + x).collect();
    kernels::add(&mut y, &x);
    assert_eq!(y, expected);
}
