//! The common types of blocks as they are stored: 16 bytes at a time of several outputs are turned
//! about, so that a vector has four bytes of each, and the integers come out of them by masks and
//! shifts. A few rows of activations are multiplied with them at once (`product`); the sums and their
//! order are those of a panel, and so are the bits. For more rows they become a panel (`panel`).

mod avx2;
mod avx512;
mod blocks;
mod panel;
mod product;
mod small;
mod words;

pub use avx2::{direct as direct_avx2, fill as fill_avx2};
pub use avx512::{direct as direct_avx512, fill as fill_avx512};
