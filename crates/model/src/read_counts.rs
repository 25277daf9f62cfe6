//! How often a device was waited for, and for how much.

use std::sync::atomic::{AtomicU64, Ordering};

static READS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicU64 = AtomicU64::new(0);

/// Reads from devices other than the CPU in this process so far, each of which waits for the device, and the bytes that
/// they brought.
pub fn reads_from_devices() -> [u64; 2] {
    [&READS, &BYTES].map(|count| count.load(Ordering::Relaxed))
}

/// Notes a read of as many bytes.
pub(crate) fn note(bytes: usize) {
    READS.fetch_add(1, Ordering::Relaxed);
    BYTES.fetch_add(bytes as u64, Ordering::Relaxed);
}
