//! A few rows of activations with blocks as they are stored, without a panel: 16 bytes at a time of
//! several outputs are turned about, so that a vector has four bytes of each, and the integers come
//! out of them by masks and shifts. The sums and their order are those of a panel, and so are the
//! bits.

mod avx2;
mod avx512;
mod blocks;
mod product;
mod small;
mod words;

pub use avx2::direct as with_avx2;
pub use avx512::direct as with_avx512;
