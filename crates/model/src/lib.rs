//! Language models for inference: a model's files in, residual streams, logits and tokens out.
//!
//! Notable features of the network, each checked against an independent implementation in `tests/`:
//! - attention scaled by `query_pre_attn_scalar^-0.5`; grouped keys and values; soft-capped scores
//! - one description a layer: a sliding window of exactly W keys or all of them, its rotary base
//!   and scaling, which norms it has; nothing else depends on the generation of a model's family
//! - RMS norms that multiply by `1 + w` in f32 and cast last
//! - rotary embeddings on split halves, tables in f32
//! - tanh-GELU gate, scaled and tied embeddings, soft-capped logits
//! - weights mapped from their files and used as they are stored, whole or layer by layer
//! - packed batches without padding, in which common beginnings are computed once; a key/value
//!   cache separate from the weights, whose rows come and go
//!
//! The crate doesn't know about prompt texts, results or layers of interest. To read or change the
//! residual stream, give [`Network::forward`] a [`ResidualTap`]: it is the only way in.
//!
//! What is particular to a family of models is in `families`, one file each; the network is told by
//! [`ModelConfig`] what to compute.
//!
//! The norm of the last token's residual after every layer:
//!
//! ```
//! use burn::tensor::Tensor;
//! use model::{
//!     Batch, ChatOptions, DeviceKind, Message, ModelFiles, Network, Precision, ResidualTap, Speaker, Token, open_device,
//! };
//!
//! struct LastNorms(Vec<f32>);
//!
//! impl ResidualTap for LastNorms {
//!     fn residual(&mut self, _layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
//!         let last = h.clone().slice([tokens.len() - 1..tokens.len()]);
//!         self.0.push((last.clone() * last).sum().sqrt().into_scalar());
//!         h // what is returned takes the residual's place
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let files = ModelFiles::at("../../data/tiny".as_ref())?; // a Hugging Face folder or a .gguf file
//! let ((config, checkpoint), tokenizer) = (files.network()?, files.tokenizer(&ChatOptions::default())?);
//! let device = open_device(DeviceKind::Cpu)?;
//! let network = Network::load(&config, &checkpoint, &device, Precision::F32, &mut |_| ())?;
//!
//! let text = tokenizer.render(&[Message::new(Speaker::User, "Who are you?")], Speaker::Model)?;
//! let batch = Batch::of(&[tokenizer.tokenize(&text)?.ids])?;
//! let mut norms = LastNorms(Vec::new());
//! network.forward(&batch, None, &mut norms)?;
//! assert_eq!(norms.0.len(), config.layers.len());
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod adapter;
mod batch;
mod cache;
mod chat;
mod checkpoint;
mod choice;
mod config;
mod conversation_cache;
mod demands;
mod device;
mod device_measures;
mod error;
mod families;
mod files;
mod fingerprint;
mod folders;
mod footprint;
mod forks;
mod generate;
pub mod gguf;
mod network;
mod read_counts;
mod reading;
mod row;
mod sampling;
mod stored_matrix;
mod stored_tensor;
mod tap;
mod text_file;

pub use adapter::{adapter_base, adapter_files, adapter_template};
pub use batch::{Batch, Token};
pub use cache::Cache;
pub use chat::{ChatOptions, ChatTokenizer, Message, Rendered, Role, Tokens};
pub use checkpoint::Checkpoint;
pub use config::{
    Activation, Biases, KeysAndValues, LayerDescription, LayerNorms, ModelConfig, NormScale, PerLayerInputs,
    QueryKeyNorms, Rope,
};
pub use conversation_cache::ConversationCache;
pub use demands::{Demand, Demands};
pub use device::{arithmetic_of, is_built_for, kernels_of_build, open_device, read_numbers};
/// For tests of the device: what counts launches, and the product by which logits are made.
#[cfg(feature = "gpu")]
pub use device_kernels::{LaunchObservation, LaunchObserver, wide_product};
pub use device_measures::{MemoryInUse, memory_in_use, read_bandwidth};
pub use error::{Error, Result};
pub use families::{benchmark_config, is_gated, published_config, published_models};
pub use files::{ModelFiles, ModelParts};
pub use fingerprint::{fingerprint, hash_file};
pub use footprint::{Footprint, TextsAtOnce};
pub use forks::{Forks, Parting};
pub use generate::{NewToken, ROWS_AT_ONCE, TOKENS_AT_ONCE, generate, generate_on};
pub use network::{Network, OUTPUTS_AT_ONCE, StreamedNetwork, TensorSource, TextToken, change_on_cpu};
pub use read_counts::reads_from_devices;
pub use reading::read_all;
pub use row::{Generated, GenerationRequest};
pub use sampling::{NotANumber, Sampler, Sampling, process_logits};
pub use tap::ResidualTap;
pub use terms::{DeviceKind, FinishReason, GpuApi, Precision, Site, Speaker};
