//! Gemma 1, 2 and 3 for inference, nothing else: a model's files in, residual streams, logits and tokens out.
//!
//! Notable features of the network, each checked against an independent implementation in `tests/`:
//! - attention scaled by `query_pre_attn_scalar^-0.5`; grouped keys and values; soft-capped scores
//! - one description a layer: a sliding window of exactly W keys or all of them, its rotary base and scaling, which norms
//!   it has; nothing else asks which generation of the family a model is
//! - RMS norms that multiply by `1 + w` in f32 and cast last
//! - rotary embeddings on split halves, tables in f32
//! - tanh-GELU gate, scaled and tied embeddings, soft-capped logits
//! - weights mapped from their files and used as they are stored, whole or layer by layer
//! - packed batches without padding, in which common beginnings are computed once; a key/value cache apart from the
//!   weights, whose rows come and go
//!
//! The crate knows no prompt texts, no results and no layers of interest. Whoever wants to read or change the
//! residual stream hands [`Gemma::forward`] a [`ResidualTap`]: the only way in.

mod batch;
mod cache;
mod chat;
mod checkpoint;
mod config;
mod device;
mod error;
mod files;
mod fingerprint;
mod generate;
pub mod gguf;
mod memory;
mod network;
mod numbers;
mod sampling;
mod tap;

pub use batch::{Batch, Token};
pub use cache::Cache;
pub use chat::{ChatTokenizer, Message, Role};
pub use checkpoint::Checkpoint;
pub use config::{GemmaConfig, LayerDescription, Rope};
pub use device::{DeviceKind, Precision, open_device};
pub use error::{Error, Result};
pub use files::ModelFiles;
pub use fingerprint::{fingerprint, hash_file};
pub use generate::{Finish, Generated, GenerationRequest, NewToken, generate, generate_on};
pub use memory::Memory;
pub use network::{Gemma, StreamedGemma, TensorSource};
pub use sampling::{NotANumber, Sampler, Sampling, process_logits};
pub use tap::{ResidualTap, Site};
