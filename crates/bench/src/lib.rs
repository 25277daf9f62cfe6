//! Random checkpoints: what the benchmark measures without real weights.

pub mod synth;
