//! Gemma-2 for inference, nothing else: a Hugging Face folder in, residual streams, logits and tokens out.
//!
//! Notable features of the network, each checked against an independent implementation in `tests/`:
//! - attention scaled by `query_pre_attn_scalar^-0.5`; grouped keys and values; soft-capped scores
//! - even layers see a sliding window of exactly W keys, odd layers all of them
//! - four RMS norms a layer that multiply by `1 + w` in f32 and cast last
//! - rotary embeddings on split halves, tables in f32
//! - tanh-GELU gate, scaled and tied embeddings, soft-capped logits
//! - ragged batches by explicit positions and masks; a key/value cache apart from the weights
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
mod fingerprint;
mod generate;
mod network;
mod numbers;
mod sampling;
mod tap;

pub use batch::Batch;
pub use cache::Cache;
pub use chat::{ChatTokenizer, Message, Role};
pub use checkpoint::Checkpoint;
pub use config::{GemmaConfig, LayerDescription, Rope};
pub use device::{DeviceKind, Precision, open_device};
pub use error::{Error, Result};
pub use fingerprint::fingerprint;
pub use generate::{Finish, Generated, GenerationRequest, generate};
pub use network::{Gemma, StreamedGemma, TensorSource};
pub use sampling::{Sampler, Sampling, process_logits};
pub use tap::ResidualTap;
