use std::time::Instant;

use anyhow::Result;

/// One part of the run.
pub struct Measured {
    pub name: String,
    /// The median, and all of them in chronological order.
    pub seconds: f64,
    pub all: Vec<f64>,
    /// The largest resident memory while it ran, in bytes, pages of mapped files included; none
    /// where the system doesn't tell.
    pub peak_memory: Option<usize>,
    pub tokens_per_second: Option<f64>,
    /// As a fraction of the machine's limit.
    pub fraction_of_limit: Option<f64>,
    /// The tokens of each text, where they are the same in any program: without sampling.
    pub texts: Option<Vec<Vec<u32>>>,
    /// The fraction of the time that is not spent in products with weights.
    pub fraction_outside_products: Option<f64>,
    /// Seconds in products: the mean of all.
    pub in_products: f64,
}

/// Runs the work `repeat` times, and returns the last result.
pub fn measure<T>(
    name: &str,
    repeat: usize,
    mut work: impl FnMut() -> Result<T>,
) -> Result<(Measured, Option<T>)> {
    forget_peak();
    let (mut all, mut last) = (Vec::new(), None);
    let before = kernels::time_in_products();
    for _ in 0..repeat {
        let start = Instant::now();
        last = Some(work()?);
        all.push(start.elapsed().as_secs_f64());
    }
    let measured = Measured {
        name: name.to_owned(),
        seconds: median(&all),
        all,
        peak_memory: peak_memory(),
        tokens_per_second: None,
        fraction_of_limit: None,
        texts: None,
        fraction_outside_products: None,
        in_products: (kernels::time_in_products() - before).as_secs_f64() / repeat as f64,
    };
    Ok((measured, last))
}

pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The largest resident memory since it was last reset, as Linux counts it.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Where that is not possible, the peak is that of all parts so far.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
