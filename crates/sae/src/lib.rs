//! Sparse autoencoders that other people trained: their files, and what they make of activations.
//!
//! A sparse autoencoder writes an activation as a sum of few of many directions, its features. With
//! the encoder `W_enc [hidden, features]` and the decoder `W_dec [features, hidden]`:
//!
//! ```text
//! y  = (x - shift) / scale                       [`Normalization`]; shift 0 and scale 1 where there is none
//! a  = activation((y - b_dec) W_enc + b_enc)     [`Activation`]; b_dec only where the folder says so
//! x' = (a W_dec + b_dec) scale + shift
//! ```
//!
//! | folder | what it is | source of the formulas |
//! |---|---|---|
//! | `params.npz` | Gemma Scope, JumpReLU | Lieberum et al. 2024, arXiv:2408.05147; Rajamanoharan et al. 2024, arXiv:2407.14435 |
//! | `config.json`, `params.safetensors` | Gemma Scope 2, JumpReLU | the same |
//! | `cfg.json`, `sae_weights.safetensors` | SAELens: standard, JumpReLU, top-k, batch-top-k, gated | SAELens 6.20, `sae_lens/saes`; gated: Rajamanoharan et al. 2024, arXiv:2404.16014; top-k: Gao et al. 2024, arXiv:2406.04093; batch-top-k: Bussmann et al. 2024, arXiv:2412.06410 |
//!
//! Files are mapped, and matrices are read in pieces: an encoder of 131,072 features is never in
//! memory as a copy. What a folder says that is not known here is refused by name, since it may change
//! what the features mean.

#![warn(missing_docs)]

mod activation;
mod archive;
mod description;
mod encode;
mod entry;
mod folder;
mod gemma_scope;
mod matrix;
mod place;
mod reader;
mod sae_lens;
mod said;
mod sparse_autoencoder;
mod tensors;

pub use activation::Activation;
pub use description::{Description, Normalization};
pub use encode::{Active, Encoded};
pub use folder::open;
pub use place::Place;
pub use sparse_autoencoder::SparseAutoencoder;
