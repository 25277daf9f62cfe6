/// Lets glibc keep what is freed (up to 1 GiB) for the next allocation, once for the whole process.
/// Each layer of a pass frees and asks for the same sizes, some megabytes each; left to itself,
/// glibc gives them back to the system each time, and the system then has to find and clear every
/// page again, which takes a tenth of a pass. With another allocator nothing is done.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const KEPT: libc::c_int = 1 << 30;
        // Blocks below that size come from what is kept; glibc takes no higher threshold.
        const LARGE: libc::c_int = 32 << 20;
        static ONCE: std::sync::Once = std::sync::Once::new();
        // SAFETY: both are parameters that mallopt(3) documents, and it may be called at any time.
        // Where it fails, all stays as it was.
        ONCE.call_once(|| unsafe {
            libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
            libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        });
    }
}
