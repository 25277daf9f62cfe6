//! Vectors in the files of other tools: written for them, and read from them.
//!
//! | format | which layers | source |
//! |---|---|---|
//! | [`Format::Gguf`] | `direction.N` is added to the output of the 0-based block N; there is no `direction.0` | llama.cpp `common_control_vector_load_one`, `llama_adapter_cvec::apply` |
//! | [`Format::Npy`] | row l is the output of block l | NumPy's `numpy.lib.format`, version 1.0 |
//! | [`Format::Safetensors`] | the same, one tensor under the vector's name; read also: a tensor for each layer, by the number in its name | |
//! | [`Format::Neuronpedia`] | one file per layer; `hook_resid_post` of block `layerNumber` | the body of `POST /api/vector/new` |
//!
//! A row of zeros is a layer without a vector. Everywhere one unit of the exported vector is one
//! unit of ours: nothing is normalised.

mod format;
mod formats;
mod vector;

pub use format::{Format, read_vector, write_vector};
pub use formats::neuronpedia::without_model_id;
pub use formats::npy::NpyHeader;
pub use formats::{Float, floats};
pub use vector::{Origin, Vector};
