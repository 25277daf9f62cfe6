//! The network: embeddings, decoder layers, final norm and head.

mod attention;
mod cpu;
mod decoder;
mod embedding;
mod functions;
mod layout;
mod linear;
mod loader;
mod norm;
mod padded;
mod pass;
mod rotary;
mod streamed;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::device::tensor_dtype;
use crate::{Batch, Cache, Checkpoint, Error, ModelConfig, Precision, ResidualTap, Result, Site};
use decoder::DecoderLayer;
use embedding::{logits, scaled};
use loader::{Loader, weight_form_for};
use norm::RmsNorm;
use pass::Pass;

pub(crate) use embedding::{HEAD, TABLE};
pub use loader::TensorSource;
pub use streamed::StreamedNetwork;

/// A network with all of its weights in memory. The fields have the names of the Hugging Face
/// checkpoint (below `model.`).
#[derive(Module, Debug)]
pub struct Network {
    embed_tokens: Embedding,
    layers: Vec<DecoderLayer>,
    norm: RmsNorm,
    /// A head separate from the embeddings.
    lm_head: Option<Embedding>,
    #[module(skip)]
    config: ModelConfig,
    #[module(skip)]
    precision: Precision,
}

#[derive(Module, Debug)]
struct Embedding {
    /// `[vocabulary, hidden]`
    weight: Param<Tensor<2>>,
}

impl Network {
    /// Loads all weights of a checkpoint.
    ///
    /// On the CPU, large matrices that are stored in bf16 stay in the mapped file, whatever the
    /// precision: they are in memory once, as pages that the system can read again. `progress` is
    /// called after each tensor with the number of bytes that it has in the checkpoint.
    ///
    /// # Errors
    /// Names the tensor that is missing, unused, misshaped or not finite.
    pub fn load(
        config: &ModelConfig,
        checkpoint: &Checkpoint,
        device: &Device,
        precision: Precision,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        checkpoint.check(config)?;
        let form = weight_form_for(device, precision);
        let network = Self::build(config, device, precision, &mut |name, shape| {
            let data = checkpoint.read(name, shape, form)?;
            progress(checkpoint.size_of(name));
            Ok(data)
        })?;
        // The table has been read to check it. Until logits are asked for, only the rows of a few
        // tokens are needed.
        checkpoint.release(TABLE);
        checkpoint.release(HEAD);
        Ok(network)
    }

    /// Builds the network from any source of weights, asking for each tensor once.
    ///
    /// # Errors
    /// Those of the source.
    pub fn build(
        config: &ModelConfig,
        device: &Device,
        precision: Precision,
        source: &mut TensorSource<'_>,
    ) -> Result<Self> {
        let mut loader = Loader {
            config,
            device,
            precision,
            source,
        };
        let table = [config.vocab_size, config.hidden_size];
        let embed_tokens = Embedding {
            weight: loader.tensor(TABLE, table)?,
        };
        let layers = (0..config.layers.len())
            .map(|layer| DecoderLayer::load(&mut loader, layer))
            .collect::<Result<_>>()?;
        let norm = RmsNorm::load(&mut loader, "model.norm", config.hidden_size)?;
        let lm_head = match config.own_head {
            true => Some(Embedding {
                weight: loader.tensor(HEAD, table)?,
            }),
            false => None,
        };
        Ok(Network {
            embed_tokens,
            layers,
            norm,
            lm_head,
            config: config.clone(),
            precision,
        })
    }

    /// Bytes of memory that [`load`](Self::load) will take, whether as pages of the file or as
    /// copies.
    pub fn loaded_size(checkpoint: &Checkpoint, device: &Device, precision: Precision) -> usize {
        checkpoint.size_in(weight_form_for(device, precision))
    }

    /// The architecture.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The type of the activations.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The same, as burn names it.
    pub fn dtype(&self) -> DType {
        tensor_dtype(self.precision)
    }

    /// Where the weights are.
    pub fn device(&self) -> Device {
        self.embed_tokens.weight.val().device()
    }

    /// An empty cache.
    pub fn cache(&self) -> Cache {
        Cache::new(&self.config, &self.device(), self.dtype())
    }

    /// Runs the batch through the layers and returns the residual stream after the last one that
    /// ran, before the final norm: `[tokens, hidden]`, for all tokens of the batch or for those
    /// that it wants.
    ///
    /// With a cache, the batch continues the rows that the cache holds. The tap sees every layer's
    /// output and may stop the pass after a layer.
    ///
    /// # Errors
    /// A batch without rows, a token outside of the vocabulary, and a row that does not continue
    /// the cache.
    pub fn forward(
        &self,
        batch: &Batch,
        mut cache: Option<&mut Cache>,
        tap: &mut dyn ResidualTap,
    ) -> Result<Tensor<2>> {
        check_batch(batch, &self.config)?;
        let last = last_layer(tap, &self.config);
        let device = self.device();
        let pass = Pass::begin(&self.config, batch, cache.as_deref_mut(), last, &device)?;
        let mut h = self.embed(batch);
        tap.site(Site::Embedding, 0, batch.tokens(), &h);
        for (index, layer) in self.layers.iter().enumerate().take(last + 1) {
            h = layer.forward(h, &pass, index, cache.as_deref_mut(), tap);
            h = tap.residual(index, &pass.queries(index).tokens, h);
        }
        Ok(h)
    }

    /// The final norm, the unembedding (the embeddings, or a separate head) and the soft-cap.
    /// `h: [tokens, hidden]`, the result `[tokens, vocabulary]` in f32.
    pub fn head(&self, h: Tensor<2>) -> Tensor<2> {
        let table = self.lm_head.as_ref().unwrap_or(&self.embed_tokens).weight.val();
        logits(self.norm.forward(h), table, &self.config, self.precision)
    }

    /// The final norm alone, for comparisons with other implementations.
    pub fn final_norm(&self, h: Tensor<2>) -> Tensor<2> {
        self.norm.forward(h)
    }

    /// Scaled embeddings, `[tokens, hidden]`.
    fn embed(&self, batch: &Batch) -> Tensor<2> {
        let table = self.embed_tokens.weight.val();
        let ids: Vec<i32> = batch
            .tokens()
            .iter()
            .map(|token| token.id.cast_signed())
            .collect();
        let ids = TensorData::new(ids, [batch.len()]);
        let rows = table
            .clone()
            .select(0, Tensor::<1, Int>::from_data(ids, &table.device()));
        scaled(rows, &self.config, self.precision)
    }
}

fn check_batch(batch: &Batch, config: &ModelConfig) -> Result<()> {
    if batch.is_empty() {
        return Err(Error::Request("the batch has no rows".to_owned()));
    }
    let vocabulary = config.vocab_size;
    let Some(token) = batch
        .tokens()
        .iter()
        .find(|token| token.id as usize >= vocabulary)
    else {
        return Ok(());
    };
    let (row, id) = (token.row, token.id);
    Err(Error::Request(format!(
        "row {row}: token {id} is outside of the model's vocabulary of {vocabulary}; do tokenizer and weights belong together?"
    )))
}

/// The last layer that runs.
fn last_layer(tap: &(impl ResidualTap + ?Sized), config: &ModelConfig) -> usize {
    let last = config.layers.len() - 1;
    tap.last_layer().map_or(last, |wanted| wanted.min(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small shape with or without norms that only some models have.
    fn config(query_key_norms: bool, output_norms: bool) -> ModelConfig {
        let layer = crate::LayerDescription {
            window: None,
            rope: crate::Rope {
                theta: 1e4,
                factor: 1.0,
            },
            query_key_norms,
            norms: crate::LayerNorms {
                attention_input: "input",
                attention_output: output_norms.then_some("attention_output"),
                feed_forward_input: "before_feed_forward",
                feed_forward_output: output_norms.then_some("feed_forward_output"),
            },
        };
        ModelConfig {
            model_type: "none",
            vocab_size: 5,
            hidden_size: 6,
            intermediate_size: 7,
            layers: vec![layer; 2],
            num_attention_heads: 2,
            num_key_value_heads: 1,
            head_dim: 4,
            max_position_embeddings: 16,
            rms_norm_eps: 1e-6,
            embedding_scale: 1.0,
            query_pre_attn_scalar: 4.0,
            attn_logit_softcapping: None,
            final_logit_softcapping: None,
            own_head: false,
            end_tokens: vec![1],
        }
    }

    #[test]
    fn loading_asks_for_exactly_the_expected_tensors() {
        for (query_key_norms, output_norms) in [(false, false), (false, true), (true, true)] {
            let mut config = config(query_key_norms, output_norms);
            config.own_head = output_norms;
            let mut asked = Vec::new();
            Network::build(&config, &Device::flex(), Precision::F32, &mut |name, shape| {
                asked.push((name.to_owned(), shape.to_vec()));
                Ok(TensorData::zeros::<f32, _>(shape.to_vec()))
            })
            .unwrap();
            let mut expected = config.tensors();
            asked.sort();
            expected.sort();
            assert_eq!(asked, expected);
        }
    }
}
