//! The kernels against what the machine can do.

fn main() {}
