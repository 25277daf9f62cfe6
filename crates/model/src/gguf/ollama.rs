//! What Ollama's own conversions of Gemma 3 leave out or have under other names.
//!
//! Gemma 1 and 2 come out as llama.cpp's converter makes them. Sources: convert/convert_gemma3.go, llama/compat (which
//! mends these files for llama.cpp) and model/models/gemma3/model_text.go of <https://github.com/ollama/ollama>.

use ::gguf::GgufFile;

use super::Architecture;

pub(super) const GLOBAL_BASE: &str = "rope.global.freq_base";
pub(super) const LOCAL_BASE: &str = "rope.local.freq_base";

/// What published files leave out.
pub(super) const EPSILON: f64 = 1e-6;
pub(super) const BASE: f64 = 1e6;

/// Whether a file of Gemma 3 has what llama.cpp's converter never writes.
pub(super) fn converted(file: &GgufFile, architecture: Architecture) -> bool {
    const KEYS: [&str; 5] = [
        "gemma3.mm.tokens_per_image",
        "gemma3.rope.global.freq_base",
        "gemma3.rope.local.freq_base",
        "tokenizer.ggml.add_padding_token",
        "tokenizer.ggml.add_unknown_token",
    ];
    let tensors = || file.tensors().iter().any(|tensor| sees(&tensor.name));
    architecture == Architecture::Gemma3
        && (KEYS.iter().any(|key| file.metadata().get(key).is_some()) || tensors())
}

/// Whether a tensor belongs to the part that sees, which stands in the same file.
pub(super) fn sees(tensor: &str) -> bool {
    tensor.starts_with("v.") || tensor.starts_with("mm.")
}

/// The factor that the converter does not write: the published models but 270M and 1B have 8.
pub(super) fn rope_factor(layers: usize) -> Option<f64> {
    const OF_4B_12B_27B: [usize; 3] = [34, 48, 62];
    OF_4B_12B_27B.contains(&layers).then_some(8.0)
}

/// The first conversion of the 1B model says that logits are capped, at Gemma 2's 30. They are not.
pub(super) fn has_wrong_cap(file: &GgufFile, layers: usize) -> bool {
    layers == 26 && file.metadata().get("gemma3.rope.global.freq_base").is_some()
}
