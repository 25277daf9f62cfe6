//! Time and memory of encoding some random rows: `cargo run -p sae --example encode -- FOLDER ROWS HOOK`. Figures of
//! docs/performance.md come from it.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use std::time::Instant;

/// A line of `/proc/self/status`, in MB.
fn status(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(key))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1000)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: encode FOLDER ROWS HOOK");
    let (folder, rows, hook) = (next()?, next()?.parse::<usize>()?, next()?);
    let sae = sae::open(folder.as_ref(), Some(&hook))?;
    let numbers = (0..rows * sae.hidden_size()).map(|index| ((index * 7919) as f32 * 0.37).sin());
    let numbers: Vec<f32> = numbers.collect();
    let start = Instant::now();
    let encoded = sae.encode(&numbers)?;
    let active: usize = encoded.iter().map(|row| row.active.len()).sum();
    println!(
        "{rows} rows, {} features of {}: {:.1} s, {:.1} active; peak {} MB, of which anonymous now {} MB",
        sae.features(),
        sae.hidden_size(),
        start.elapsed().as_secs_f64(),
        active as f64 / rows as f64,
        status("VmHWM").unwrap_or(0),
        status("RssAnon").unwrap_or(0),
    );
    Ok(())
}
