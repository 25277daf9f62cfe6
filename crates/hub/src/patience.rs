use std::thread::sleep;
use std::time::Duration;

/// How often a request is made before its failure counts.
const ATTEMPTS: u32 = 5;
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// An attempt that brought this much did well: the count starts again, so that a large file's
/// transfer may break off often.
const GOOD_PROGRESS_BYTES: u64 = 16 << 20;

/// Counts the attempts, and waits between them.
pub(crate) struct Patience {
    first: Duration,
    failed: u32,
}

impl Patience {
    pub fn new(first: Duration) -> Self {
        Patience { first, failed: 0 }
    }

    /// An attempt failed after it brought this many bytes. Waits before it allows another; `false`:
    /// it was the last.
    pub fn allows_another(&mut self, bytes: u64) -> bool {
        if bytes >= GOOD_PROGRESS_BYTES {
            self.failed = 0;
        }
        self.failed += 1;
        if self.failed >= ATTEMPTS {
            return false;
        }
        sleep((self.first * 2_u32.pow(self.failed - 1)).min(PAUSE_MAX));
        true
    }
}
