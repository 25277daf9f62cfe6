//! What the kernel shows of a GPU, without asking a driver.

use std::path::Path;

/// Whether a real GPU can be here at all: the kernel shows some device for it. Loading drivers to find that there is
/// none takes time, and some of them print warnings.
pub fn may_have_gpu() -> bool {
    let shows_card = || {
        let cards = std::fs::read_dir("/dev/dri").into_iter().flatten().flatten();
        cards
            .map(|card| card.file_name())
            .any(|name| name.to_string_lossy().starts_with("renderD"))
    };
    cfg!(target_os = "macos") || has_nvidia_driver() || shows_card()
}

/// Whether a driver of NVIDIA is there, also below Windows' subsystem for Linux.
pub fn has_nvidia_driver() -> bool {
    let traces = ["/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1"];
    traces.iter().any(|path| Path::new(path).exists())
}
