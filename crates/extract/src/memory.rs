/// Bytes of memory that can be taken without pushing others out, as far as the system says: what Linux calls available,
/// within the limit of the control group. `None` elsewhere.
pub fn available() -> Option<usize> {
    let table = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = table.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kibibytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    let available = kibibytes * 1024;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| text.trim().parse::<usize>().ok());
    Some(limit.map_or(available, |limit| limit.min(available)))
}
