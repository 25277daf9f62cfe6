//! How far out an interval from few units has to reach.

use std::f64::consts::{FRAC_PI_2, TAU};

/// The share of draws that an interval of 95 % leaves out at either end: `Phi(-sqrt(n / (n - 1))
/// t)`, `t` being the 97.5 % quantile of Student's distribution with `n - 1` degrees of freedom and
/// `Phi` the normal distribution function.
///
/// Resampling `n` units gives a spread that is too small by `sqrt((n - 1) / n)`, and treats it as
/// known. Plain percentiles (2.5 %) cover the mean of six normal numbers in 86 % of cases; these
/// ends make the percentile interval as wide as Student's. For many units it is 2.5 %. Source:
/// Hesterberg (2015), "What Teachers Should Know About the Bootstrap", the expanded percentile
/// interval.
pub fn interval_tail(units: usize) -> f64 {
    if units < 2 {
        return PLAIN_TAIL;
    }
    let freedom = units - 1;
    let reach = (units as f64 / freedom as f64).sqrt() * student_quantile(freedom);
    (0.5 - normal_between(reach) / 2.0).max(0.0)
}

const PLAIN_TAIL: f64 = 0.025;

/// The `t` with `P(|T| < t) = 0.95`, by bisection.
fn student_quantile(freedom: usize) -> f64 {
    let (mut low, mut high) = (0.0, 100.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if student_between(middle, freedom) < 1.0 - 2.0 * PLAIN_TAIL {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// `P(|T| < t)` with that many degrees of freedom: the finite series of Abramowitz and Stegun
/// (1964), 26.7.3 and 26.7.4.
fn student_between(t: f64, freedom: usize) -> f64 {
    // Beyond this the series of many terms gives what the normal distribution gives.
    if freedom > 100_000 {
        return normal_between(t);
    }
    let angle = (t / (freedom as f64).sqrt()).atan();
    let square = angle.cos().powi(2);
    let is_odd = freedom % 2 == 1;
    if freedom == 1 {
        return angle / FRAC_PI_2;
    }
    let mut term = if is_odd { angle.cos() } else { 1.0 };
    let mut sum = term;
    let mut index = if is_odd { 3 } else { 2 };
    while index < freedom {
        term *= square * (index - 1) as f64 / index as f64;
        sum += term;
        index += 2;
    }
    if is_odd {
        (angle + angle.sin() * sum) / FRAC_PI_2
    } else {
        angle.sin() * sum
    }
}

/// `P(|Z| < z)` of a standard normal number, by the series of its density around 0 (Abramowitz and
/// Stegun 26.2.11).
fn normal_between(z: f64) -> f64 {
    if z > 10.0 {
        return 1.0;
    }
    let (mut term, mut sum, mut divisor) = (z, z, 1.0);
    while term.abs() > 1e-17 * sum.abs() {
        divisor += 2.0;
        term *= z * z / divisor;
        sum += term;
    }
    2.0 * sum * (-z * z / 2.0).exp() / TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAILS: [(usize, f64); 12] = [
        (2, 1.6952190726058738e-72),
        (3, 6.834137311941282e-08),
        (4, 0.00011903073915322603),
        (5, 0.0009541005518824907),
        (6, 0.0024318031746115667),
        (7, 0.004109153815637144),
        (12, 0.010756614916552488),
        (25, 0.017582309108179404),
        (60, 0.021801790933923385),
        (256, 0.024238201962886407),
        (1500, 0.024869486351524223),
        (5000, 0.024960824581785595),
    ];

    /// Values of scipy 1.17: `norm.cdf(-sqrt(n / (n - 1)) * t.ppf(0.975, n - 1))`.
    #[test]
    fn tails_are_those_of_scipy() {
        for (units, expected) in TAILS {
            let tail = interval_tail(units);
            assert!(
                (tail - expected).abs() < 1e-12,
                "{units}: {tail} is not {expected}"
            );
        }
    }
}
