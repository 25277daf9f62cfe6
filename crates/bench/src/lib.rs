//! Random checkpoints, which the benchmark measures where there are no real weights.

pub mod synth;
