/// Does the work on a thread of rayon's pool. An operation that is shared among threads is begun at
/// once there; a thread outside of the pool would be put to sleep for each of them, and woken.
pub(super) fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    kernels::keep_freed_memory();
    rayon::scope(|_| work())
}
