//! The network: embeddings, decoder layers, final norm and head.

mod attention;
mod decoder;
mod functions;
mod linear;
mod mask;
mod norm;
mod rotary;

use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::{Batch, Cache, Checkpoint, Error, GemmaConfig, Precision, ResidualTap, Result};
use decoder::DecoderLayer;
use functions::{soft_cap, to_dtype};
use mask::Masks;
use norm::RmsNorm;
use rotary::Rotary;

/// Where weights come from: a tensor's name in the checkpoint and its shape, to its numbers.
pub type TensorSource<'a> = dyn FnMut(&str, &[usize]) -> Result<TensorData> + 'a;

/// A Gemma-2 network. The fields carry the names of the Hugging Face checkpoint (below `model.`).
#[derive(Module, Debug)]
pub struct Gemma {
    embed_tokens: Embedding,
    layers: Vec<DecoderLayer>,
    norm: RmsNorm,
    #[module(skip)]
    config: GemmaConfig,
}

#[derive(Module, Debug)]
struct Embedding {
    /// `[vocabulary, hidden]`
    weight: Param<Tensor<2>>,
}

impl Gemma {
    /// Loads all weights of a checkpoint. Missing, unused and wrongly shaped tensors are errors.
    ///
    /// `progress` is called after each tensor with the number of bytes that it has in the checkpoint.
    pub fn load(
        config: &GemmaConfig,
        checkpoint: &Checkpoint,
        device: &Device,
        precision: Precision,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        let mut reader = checkpoint.reader(precision, progress);
        let model = Self::build(config, device, precision, &mut |name, shape| {
            reader.read(name, shape)
        })?;
        reader.finish()?;
        Ok(model)
    }

    /// Builds the network from any source of weights, asking for each tensor once.
    pub fn build(
        config: &GemmaConfig,
        device: &Device,
        precision: Precision,
        source: &mut TensorSource<'_>,
    ) -> Result<Self> {
        let mut loader = Loader {
            config,
            device,
            dtype: precision.dtype(),
            source,
        };
        let embed_tokens = Embedding {
            weight: loader.tensor(
                "model.embed_tokens.weight",
                [config.vocab_size, config.hidden_size],
            )?,
        };
        let layers = (0..config.layers.len())
            .map(|layer| DecoderLayer::load(&mut loader, layer))
            .collect::<Result<_>>()?;
        let norm = RmsNorm::load(&mut loader, "model.norm")?;
        Ok(Gemma {
            embed_tokens,
            layers,
            norm,
            config: config.clone(),
        })
    }

    pub fn config(&self) -> &GemmaConfig {
        &self.config
    }

    pub fn device(&self) -> Device {
        self.embed_tokens.weight.val().device()
    }

    /// An empty cache for `rows` rows of at most `capacity` tokens, padding included.
    pub fn cache(&self, rows: usize, capacity: usize) -> Cache {
        let weight = self.embed_tokens.weight.val();
        Cache::new(&self.config, rows, capacity, &weight.device(), weight.dtype())
    }

    /// Runs the batch through the layers and gives back the residual stream after the last one that ran:
    /// `[rows, width, hidden]`, before the final norm.
    ///
    /// With a cache, the batch continues the rows that the cache holds. The tap sees every layer's output and may
    /// stop the pass after a layer. Values at padded positions mean nothing.
    pub fn forward(
        &self,
        batch: &Batch,
        mut cache: Option<&mut Cache>,
        tap: &mut dyn ResidualTap,
    ) -> Result<Tensor<3>> {
        self.check_batch(batch, cache.as_deref())?;
        let device = self.device();
        let key_positions = match cache.as_deref_mut() {
            Some(cache) => {
                cache.reserve(batch);
                cache.key_positions()
            }
            None => batch.positions().to_vec(),
        };
        let masks = Masks::new(batch, &key_positions, self.config.sliding_window, &device);
        let rotary = Rotary::new(&self.config, batch, &device);
        let mut h = self.embed(batch, &device);
        for (index, layer) in self.layers.iter().enumerate() {
            h = layer.forward(h, &rotary, &masks, &self.config, index, cache.as_deref_mut());
            h = tap.residual(index, h);
            if tap.last_layer() == Some(index) {
                break;
            }
        }
        Ok(h)
    }

    /// The final norm, the tied unembedding and the soft-cap. `h: [rows, width, hidden]`, the result
    /// `[rows, width, vocabulary]` in f32.
    pub fn head(&self, h: Tensor<3>) -> Tensor<3> {
        let [rows, width, hidden] = h.dims();
        let normed = self.norm.forward(h).reshape([rows * width, hidden]);
        let logits = normed.matmul(self.embed_tokens.weight.val().transpose());
        let logits = to_dtype(logits, DType::F32).reshape([rows, width, self.config.vocab_size]);
        match self.config.final_logit_softcapping {
            Some(cap) => soft_cap(logits, cap),
            None => logits,
        }
    }

    /// The final norm alone, for comparisons with other implementations.
    pub fn final_norm(&self, h: Tensor<3>) -> Tensor<3> {
        self.norm.forward(h)
    }

    /// Scaled embeddings, `[rows, width, hidden]`.
    fn embed(&self, batch: &Batch, device: &Device) -> Tensor<3> {
        let weight = self.embed_tokens.weight.val();
        let ids: Vec<i32> = batch.token_ids().iter().map(|id| id.cast_signed()).collect();
        let ids = Tensor::<1, Int>::from_data(TensorData::new(ids, [batch.rows() * batch.width()]), device);
        // The references round the factor to the type of the activations: 59.75 instead of 59.87 for 9B in bf16.
        let exact = (self.config.hidden_size as f64).sqrt() as f32;
        let factor = if weight.dtype() == DType::BF16 {
            half::bf16::from_f32(exact).to_f32()
        } else {
            exact
        };
        weight
            .select(0, ids)
            .reshape([batch.rows(), batch.width(), self.config.hidden_size])
            .mul_scalar(factor)
    }

    fn check_batch(&self, batch: &Batch, cache: Option<&Cache>) -> Result<()> {
        let vocabulary = self.config.vocab_size;
        if let Some(index) = batch.token_ids().iter().position(|id| *id as usize >= vocabulary) {
            let (row, id) = (index / batch.width(), batch.token_ids()[index]);
            let message = format!(
                "row {row}: token {id} lies outside of the model's vocabulary of {vocabulary}; do tokenizer and weights belong together?"
            );
            return Err(Error::Request(message));
        }
        match cache {
            Some(cache) if cache.rows() != batch.rows() => Err(Error::Request(format!(
                "a cache of {} rows can't continue a batch of {}",
                cache.rows(),
                batch.rows()
            ))),
            Some(cache) if cache.free() < batch.width() => Err(Error::Request(format!(
                "the cache has room for {} more tokens, not for {}",
                cache.free(),
                batch.width()
            ))),
            _ => Ok(()),
        }
    }
}

/// Turns named tensors of the source into parameters.
pub(crate) struct Loader<'a, 'b> {
    config: &'a GemmaConfig,
    device: &'a Device,
    dtype: DType,
    source: &'a mut TensorSource<'b>,
}

impl Loader<'_, '_> {
    fn tensor<const D: usize>(&mut self, name: &str, shape: [usize; D]) -> Result<Param<Tensor<D>>> {
        let data = (self.source)(name, &shape)?;
        Ok(Param::from_tensor(Tensor::from_data(
            data,
            (self.device, self.dtype),
        )))
    }
}
