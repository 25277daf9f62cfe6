//! The fixture that `scripts/statistics_reference.py` made with scipy, scikit-learn and numpy.

use std::sync::LazyLock;

use serde_json::Value;
use statistics::{Interval, PairedRows};

static FIXTURE: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../fixtures/statistics.json")).unwrap());

pub fn fixture(key: &str) -> &'static Value {
    &FIXTURE[key]
}

pub struct Case {
    pub name: &'static str,
    pub rows: PairedRows,
    pub expected: &'static Value,
}

pub fn cases() -> Vec<Case> {
    let case = |expected: &'static Value| Case {
        name: expected["name"].as_str().unwrap(),
        rows: paired_rows(expected),
        expected,
    };
    let cases: Vec<Case> = fixture("cases").as_array().unwrap().iter().map(case).collect();
    assert_eq!(cases.len(), 6);
    cases
}

pub fn paired_rows(value: &Value) -> PairedRows {
    PairedRows {
        plus: rows(&value["plus"]),
        minus: rows(&value["minus"]),
    }
}

pub fn rows(value: &Value) -> Vec<Vec<f32>> {
    let row = |row: &Value| numbers(row).into_iter().map(|value| value as f32).collect();
    value.as_array().unwrap().iter().map(row).collect()
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

pub const TOLERANCE: f64 = 1e-9;

/// Within `tolerance` of the expected number's own size.
#[track_caller]
pub fn close_within(tolerance: f64, what: &str, value: f64, expected: f64) {
    let allowed = tolerance * expected.abs() + 1e-14;
    assert!(
        (value - expected).abs() <= allowed,
        "{what}: {value} is not {expected} but off by {:e}",
        value - expected
    );
}

#[track_caller]
pub fn close(what: &str, value: f64, expected: &Value) {
    close_within(TOLERANCE, what, value, number(expected));
}

/// Within `tolerance` of the greatest expected number.
#[track_caller]
pub fn all_close(tolerance: f64, what: &str, values: &[f64], expected: &[f64]) {
    assert_eq!(values.len(), expected.len(), "{what}");
    let size = expected
        .iter()
        .fold(0.0, |size: f64, value| size.max(value.abs()));
    for (index, (value, expected)) in values.iter().zip(expected).enumerate() {
        assert!(
            (value - expected).abs() <= tolerance * size,
            "{what}[{index}]: {value} is not {expected} but off by {:e} of {size}",
            value - expected
        );
    }
}

/// Both ends within a part of the interval's width: what two sets of random draws differ by.
#[track_caller]
pub fn interval_close(what: &str, interval: Interval, expected: &Value) {
    let [low, high] = numbers(expected)[..] else {
        panic!("{what}: {expected} is no interval");
    };
    let allowed = 0.06 * (high - low);
    let (low_error, high_error) = ((interval.low - low).abs(), (interval.high - high).abs());
    assert!(
        low_error < allowed && high_error < allowed,
        "{what}: {interval:?} is not [{low}, {high}]"
    );
}
