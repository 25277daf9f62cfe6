//! Each kernel against plain code in f64, on odd shapes, with every set of instructions that this
//! machine has.

mod attention;
mod elementwise;
mod log_sum;
mod norm;
mod product;
mod rotary;
mod support;
