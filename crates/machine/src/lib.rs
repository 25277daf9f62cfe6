//! What this machine has: free memory, free disk, GPUs. No other place asks the system for these.

#![warn(missing_docs)]

mod gpu;

use std::path::Path;

pub use gpu::{Gpu, Sort, gpu, gpus, may_have_gpu, preferred};

/// Bytes of memory that can be taken without pushing others out, as far as the system says: what
/// Linux calls available, within the limit of the control group.
#[cfg(target_os = "linux")]
pub fn available_memory() -> Option<usize> {
    let table = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    let available = kibibytes * 1024;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse::<usize>().ok());
    Some(limit.map_or(available, |limit| limit.min(available)))
}

/// Bytes of memory that can be taken without pushing others out, as far as the system says.
#[cfg(not(target_os = "linux"))]
pub fn available_memory() -> Option<usize> {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    usize::try_from(system.available_memory())
        .ok()
        .filter(|bytes| *bytes > 0)
}

/// Bytes free on the disk of a folder, which need not be there yet; `None` where the system doesn't
/// tell.
#[cfg(unix)]
pub fn free_disk(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let existing = folder.ancestors().find(|folder| folder.exists())?;
    let disk = rustix::fs::statvfs(existing).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Bytes free on the disk of a folder: this system isn't asked, and writing will show.
#[cfg(not(unix))]
pub fn free_disk(_folder: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

    use super::*;

    #[test]
    fn memory_and_disk_are_told_in_bytes() {
        // More than a mebibyte, less than an exbibyte: not pages, not kibibytes.
        let is_plausible = |bytes: u64| (1 << 20..1 << 60).contains(&bytes);
        assert!(is_plausible(available_memory().unwrap() as u64));
        let here = std::env::current_dir().unwrap();
        let free = free_disk(&here).unwrap();
        assert!(is_plausible(free));
        let not_there = free_disk(&here.join("no/such/folder")).unwrap();
        assert!(not_there.abs_diff(free) < free / 2, "{not_there} and {free}");
    }
}
