use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

static NANOSECONDS: AtomicU64 = AtomicU64::new(0);

/// Does the work, and counts its time as that of products.
pub(crate) fn count_as_product(work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let elapsed = start.elapsed().as_nanos() as u64;
    NANOSECONDS.fetch_add(elapsed, Ordering::Relaxed);
}

/// How long this process has been in products so far: by the clock on the wall, and added up where
/// several threads have asked for products at once.
pub fn time_in_products() -> Duration {
    Duration::from_nanos(NANOSECONDS.load(Ordering::Relaxed))
}
