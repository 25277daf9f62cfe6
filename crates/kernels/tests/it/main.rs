//! Each kernel against plain code in f64, on odd shapes, with every set of instructions that this
//! machine has.

mod attention;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod edges;
mod elementwise;
mod instructions;
mod log_sum;
mod norm;
mod product;
mod quantized;
mod rotary;
mod support;
