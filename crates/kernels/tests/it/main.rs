//! Each kernel against plain code in f64, on odd shapes, with every set of instructions that this
//! machine has.

mod attention;
mod elementwise;
mod norm;
mod product;
mod quantized;
mod rotary;
mod support;
