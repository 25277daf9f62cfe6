//! How large a network can be.

/// llama.cpp's LLAMA_MAX_LAYERS. Checked before anything is allocated for each layer of a broken
/// file.
pub(crate) const MOST_LAYERS: usize = 512;

/// No network size comes close, and the product of two doesn't overflow.
const MOST: usize = 1 << 30;

pub(super) fn check_size(key: &str, size: usize) -> Result<(), String> {
    match size {
        0 => Err(format!("`{key}` is 0")),
        1..=MOST => Ok(()),
        _ => Err(format!("`{key}` is {size}, more than the {MOST} possible")),
    }
}
