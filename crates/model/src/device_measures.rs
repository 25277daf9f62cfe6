//! What can be measured of a device: how fast it reads, and how much of its memory is taken.

use std::time::Instant;

use burn::tensor::{DType, Device, Tensor};

use crate::Result;
use crate::device::{largest_tensor, read_numbers};

/// Bytes that are read once: more than any cache holds.
const READ: u64 = 1 << 30;
/// Sums of so many numbers each, so that all of a device has work.
const WIDTH: usize = 4096;
const TIMES: usize = 5;

/// Bytes that a GPU reads in a second: sums of numbers in f32, the fastest of several.
///
/// # Errors
/// A device that gives no numbers.
pub fn read_bandwidth(device: &Device) -> Result<f64> {
    let bytes = largest_tensor(device).map_or(READ, |largest| READ.min(largest / 2));
    let rows = (bytes as usize / 4 / WIDTH).max(1);
    let numbers = Tensor::<2>::ones([rows, WIDTH], (device, DType::F32));
    let read = || read_numbers(numbers.clone().sum_dim(1));
    // The first compiles.
    read()?;
    let mut fastest = f64::INFINITY;
    for _ in 0..TIMES {
        let start = Instant::now();
        read()?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok((rows * WIDTH * 4) as f64 / fastest)
}

/// What burn has taken of a GPU's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryInUse {
    /// Bytes of all tensors that are alive.
    pub tensors: u64,
    /// Bytes taken from the driver: those of the tensors, and pages that are kept for later ones. It hardly ever gets less, so
    /// that after the work it is about the most that was needed.
    pub reserved: u64,
}

/// `None` on the CPU.
pub fn memory_in_use(device: &Device) -> Option<MemoryInUse> {
    // What was asked for may not have been allocated yet.
    device.sync().ok()?;
    let usage = device.memory_pool_usage()?;
    Some(MemoryInUse {
        tensors: usage.bytes_in_use,
        reserved: usage.bytes_reserved,
    })
}
