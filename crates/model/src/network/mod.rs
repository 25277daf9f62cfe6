//! The network: embeddings, decoder layers, final norm and head.

mod attention;
mod cpu;
mod decoder;
mod embedding;
mod functions;
mod gather;
mod hidden_keys;
mod joined;
mod layout;
mod linear;
mod loader;
mod matrix;
mod norm;
mod on_device;
mod padded;
mod parts;
mod pass;
mod per_layer;
mod pool;
mod rotary;
mod scores;
#[cfg(feature = "gpu")]
mod seen;
mod streamed;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};

use crate::device::{largest_tensor, require_dtype, tensor_dtype};
use crate::stored_matrix::Weights;
use crate::{Batch, Cache, Checkpoint, Error, ModelConfig, Precision, ResidualTap, Result, Site};
use decoder::DecoderLayer;
use embedding::{Embedding, logits, scaled};
use loader::{Ends, Loader, weight_form_for};
use matrix::Matrix;
use norm::RmsNorm;
use pass::Pass;
use per_layer::Projection;
use pool::in_pool;

pub use cpu::change as change_on_cpu;
pub(crate) use cpu::write_rows;
pub(crate) use embedding::{HEAD, TABLE};
pub use loader::TensorSource;
pub(crate) use on_device::{largest as largest_logits, tails as tails_of_logits};
pub(crate) use per_layer::TABLE as PER_LAYER_TABLE;
pub use scores::{OUTPUTS_AT_ONCE, TextToken};
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
    embed_tokens_per_layer: Option<Embedding>,
    per_layer: Option<Projection>,
    #[module(skip)]
    config: ModelConfig,
    #[module(skip)]
    precision: Precision,
    /// Bytes that generation may take of the device, weights included; `None` where that isn't limited.
    #[module(skip)]
    pub(crate) memory: Option<u64>,
}

/// Weights of a small model: they stay in the caches of all cores. The embedded model has 1.7 million.
const SMALL: usize = 1 << 22;

impl Network {
    /// Loads all weights of a checkpoint.
    ///
    /// On the CPU, large matrices that are stored in bf16 or in blocks (of a GGUF file) stay in the
    /// mapped file, whatever the precision: they are in memory once, as pages that the system can read
    /// again. `progress` is
    /// called after each tensor with the number of bytes that it has in the checkpoint.
    ///
    /// # Errors
    /// Names the tensor that is missing, unused, misshaped or not finite; a type that the device doesn't compute in, and
    /// a device without enough memory.
    pub fn load(
        config: &ModelConfig,
        checkpoint: &Checkpoint,
        device: &Device,
        precision: Precision,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        let largest = largest_tensor(device);
        Self::load_within(config, checkpoint, device, precision, largest, progress)
    }

    /// The same for a device that can be given at most `largest` bytes at once: larger tables of embeddings are there in
    /// parts, and other tensors refused. The numbers are the same to the bit.
    ///
    /// # Errors
    /// As [`load`](Self::load), and a tensor that is too large.
    pub fn load_within(
        config: &ModelConfig,
        checkpoint: &Checkpoint,
        device: &Device,
        precision: Precision,
        largest: Option<u64>,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        checkpoint.check(config)?;
        require_dtype(device, precision)?;
        let form = weight_form_for(device, precision);
        let mut source = |name: &str, shape: &[usize]| {
            let data = checkpoint.read(name, shape, form)?;
            progress(checkpoint.size_of(name));
            Ok(data)
        };
        let network = Self::from_loader(&mut Loader {
            config,
            device,
            precision,
            source: &mut source,
            rows: Some(&|name, shape, rows| checkpoint.read_range(name, shape, rows, form)),
            largest,
            ends: Ends::default(),
        })?;
        // The table has been read to check it. Until logits are asked for, only the rows of a few
        // tokens are needed.
        checkpoint.release(TABLE);
        checkpoint.release(HEAD);
        checkpoint.release(per_layer::TABLE);
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
        Self::from_loader(&mut Loader {
            config,
            device,
            precision,
            source: &mut |name, shape| source(name, shape).map(Weights::Numbers),
            rows: None,
            largest: largest_tensor(device),
            ends: Ends::default(),
        })
    }

    fn from_loader(loader: &mut Loader<'_, '_>) -> Result<Self> {
        let (config, precision) = (loader.config, loader.precision);
        let table = [config.vocab_size, config.hidden_size];
        let embed_tokens = Embedding::load(loader, TABLE, table)?;
        let layers = (0..config.layers.len())
            .map(|layer| DecoderLayer::load(loader, layer))
            .collect::<Result<_>>()?;
        let norm = RmsNorm::load(loader, "model.norm", config.hidden_size)?;
        let lm_head = match config.own_head {
            true => Some(Embedding::load(loader, HEAD, table)?),
            false => None,
        };
        let (embed_tokens_per_layer, per_layer) = match config.per_layer_inputs {
            Some(shape) => {
                let table = [shape.vocab_size, config.layers.len() * shape.size];
                (
                    Some(Embedding::load(loader, per_layer::TABLE, table)?),
                    Some(Projection::load(loader, shape)?),
                )
            }
            None => (None, None),
        };
        std::mem::take(&mut loader.ends).check()?;
        Ok(Network {
            embed_tokens,
            layers,
            norm,
            lm_head,
            embed_tokens_per_layer,
            per_layer,
            config: config.clone(),
            precision,
            memory: None,
        })
    }

    /// Generation then takes no more rows at once than fit into so many bytes of the device, weights included, by
    /// [`Footprint`](crate::Footprint). Rows don't influence each other, so that texts stay the same.
    #[must_use]
    pub fn within_memory(self, bytes: u64) -> Self {
        Network {
            memory: Some(bytes),
            ..self
        }
    }

    /// Bytes of memory that [`load`](Self::load) will take, whether as pages of the file or as
    /// copies.
    pub fn loaded_size(checkpoint: &Checkpoint, device: &Device, precision: Precision) -> usize {
        checkpoint.size_in(weight_form_for(device, precision))
    }

    /// Those of [`loaded_size`](Self::loaded_size) that will be copies, which can't be dropped and read
    /// again.
    pub fn copied_size(checkpoint: &Checkpoint, device: &Device, precision: Precision) -> usize {
        checkpoint.copied_size_in(weight_form_for(device, precision))
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
        self.embed_tokens.device()
    }

    /// How many passes are best run side by side: as many as there are threads if the model is so small
    /// that a single operation doesn't pay for waking another thread; else one, whose products use all
    /// threads and read the weights once.
    pub fn passes_at_once(&self) -> usize {
        let tensors = self.config.tensors();
        let numbers = tensors.iter().map(|(_, shape)| shape.iter().product::<usize>());
        match self.device() == Device::flex() && numbers.sum::<usize>() <= SMALL {
            true => rayon::current_num_threads(),
            false => 1,
        }
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
    /// A batch without rows or for another tap, a token outside of the vocabulary, and a row that
    /// does not continue the cache.
    pub fn forward(
        &self,
        batch: &Batch,
        cache: Option<&mut Cache>,
        tap: &mut dyn ResidualTap,
    ) -> Result<Tensor<2>> {
        in_pool(|| self.forward_here(batch, cache, tap))
    }

    fn forward_here(
        &self,
        batch: &Batch,
        mut cache: Option<&mut Cache>,
        tap: &mut dyn ResidualTap,
    ) -> Result<Tensor<2>> {
        check_batch(batch, &self.config, tap)?;
        let last = last_layer(tap, &self.config);
        let device = self.device();
        let mut pass = Pass::begin(&self.config, batch, cache.as_deref_mut(), last, &device)?;
        let mut h = self.embed(batch);
        if let (Some(table), Some(projection)) = (&self.embed_tokens_per_layer, &self.per_layer) {
            pass.set_per_layer_inputs(projection.inputs(h.clone(), table.rows(batch)));
        }
        tap.site(Site::Embedding, 0, &batch.before(0).tokens, &h);
        for (index, layer) in self.layers.iter().enumerate().take(last + 1) {
            h = layer.forward(h, &pass, index, cache.as_deref_mut(), tap);
            h = tap.residual(index, pass.outputs(index), pass.fan_out(index, h));
        }
        Ok(h)
    }

    /// The final norm, the unembedding (the embeddings, or a separate head) and the soft-cap.
    /// `h: [tokens, hidden]`, the result `[tokens, vocabulary]` in f32.
    pub fn head(&self, h: Tensor<2>) -> Tensor<2> {
        let table = self.unembedding();
        in_pool(|| logits(self.norm.forward(h), table, &self.config, self.precision))
    }

    /// `[vocabulary, hidden]`
    fn unembedding(&self) -> Matrix {
        self.lm_head.as_ref().unwrap_or(&self.embed_tokens).matrix()
    }

    /// The final norm alone, for comparisons with other implementations.
    pub fn final_norm(&self, h: Tensor<2>) -> Tensor<2> {
        self.norm.forward(h)
    }

    /// Scaled embeddings, `[tokens, hidden]`.
    fn embed(&self, batch: &Batch) -> Tensor<2> {
        scaled(self.embed_tokens.rows(batch), &self.config, self.precision)
    }
}

fn check_batch(batch: &Batch, config: &ModelConfig, tap: &(impl ResidualTap + ?Sized)) -> Result<()> {
    if batch.is_empty() {
        return Err(Error::Request("the batch has no rows".to_owned()));
    }
    if *batch.forks() != tap.forks() {
        return Err(Error::Request(
            "the batch was made for another tap: its rows share tokens that this one changes in different ways; \
             make it with the forks of this tap"
                .to_owned(),
        ));
    }
    let inputs = config
        .per_layer_inputs
        .map_or(usize::MAX, |inputs| inputs.vocab_size);
    let vocabulary = config.vocab_size.min(inputs);
    let mut tokens = batch.tokens().iter();
    if let Some(token) = tokens.clone().find(|token| token.id as usize >= vocabulary) {
        let (row, id) = (token.row, token.id);
        return Err(Error::Request(format!(
            "row {row}: token {id} is outside of the model's vocabulary of {vocabulary}; do tokenizer and weights belong together?"
        )));
    }
    let longest = config.longest_text().unwrap_or(usize::MAX);
    match tokens.find(|token| token.position >= longest) {
        None => Ok(()),
        Some(token) => Err(Error::Request(format!(
            "row {}: the text has more than {longest} tokens, from where this model's rotary embedding (longrope) has other factors, \
             which is not supported; use shorter texts",
            token.row
        ))),
    }
}

/// The last layer that runs.
fn last_layer(tap: &(impl ResidualTap + ?Sized), config: &ModelConfig) -> usize {
    let last = config.layers.len() - 1;
    tap.last_layer().map_or(last, |wanted| wanted.min(last))
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;
    use crate::read_numbers;
    use crate::{
        Activation, Biases, KeysAndValues, LayerDescription, LayerNorms, NormScale, PerLayerInputs,
        QueryKeyNorms, Rope,
    };

    /// A small shape with nothing that only some models have.
    fn plain() -> ModelConfig {
        let layer = LayerDescription {
            num_attention_heads: 2,
            num_key_value_heads: 1,
            head_dim: 4,
            intermediate_size: 7,
            window: None,
            rope: Some(0),
            query_key_norms: QueryKeyNorms::None,
            value_norm: false,
            keys_and_values: KeysAndValues::Own,
            biases: Biases::default(),
            norms: LayerNorms::BEFORE,
            scalar: false,
        };
        ModelConfig {
            model_type: "none",
            vocab_size: 5,
            hidden_size: 6,
            layers: vec![layer; 2],
            ropes: vec![Rope::plain(1e4, 4)],
            max_position_embeddings: 16,
            rms_norm_eps: 1e-6,
            norm_scale: NormScale::Weight,
            activation: Activation::Silu,
            embedding_scale: 1.0,
            query_pre_attn_scalar: 4.0,
            attn_logit_softcapping: None,
            final_logit_softcapping: None,
            own_head: false,
            per_layer_inputs: None,
            end_tokens: vec![1],
        }
    }

    #[test]
    fn a_table_in_parts_gives_the_same_bits() {
        let (config, checkpoint) = crate::ModelFiles::at(&testkit::golden_folder().join("nano"))
            .unwrap()
            .network()
            .unwrap();
        let device = Device::flex();
        let load = |largest| {
            Network::load_within(
                &config,
                &checkpoint,
                &device,
                Precision::F32,
                largest,
                &mut |_| (),
            )
            .unwrap()
        };
        let row = (config.hidden_size * 4) as u64;
        let batch = Batch::of(&[vec![2, 400, 5, 100, 2, 511], vec![511, 3, 101]]).unwrap();
        let of = |network: &Network| {
            let h = network.forward(&batch, None, &mut ()).unwrap();
            let every_token = (0..config.vocab_size).map(|id| TextToken { row: id % 2, id });
            let tokens: Vec<TextToken> = every_token.collect();
            let scores = network.log_probabilities(h.clone(), &tokens).unwrap();
            (read_numbers(network.head(h)).unwrap(), scores)
        };
        let whole = load(None);
        assert!(whole.embed_tokens.is_whole());
        let expected = of(&whole);
        // Parts of equal size, one that is smaller, and one row each.
        for rows in [128, 101, 1] {
            let network = load(Some(row * rows));
            assert!(!network.embed_tokens.is_whole());
            assert!(of(&network) == expected, "{rows} rows at once");
        }
    }

    /// With one thing changed in all layers.
    fn with(change: impl Fn(&mut LayerDescription)) -> ModelConfig {
        let mut config = plain();
        config.layers.iter_mut().for_each(change);
        config
    }

    #[test]
    fn loading_asks_for_exactly_the_expected_tensors() {
        let mut shared = with(|layer| layer.query_key_norms = QueryKeyNorms::OfHeads);
        shared.layers[1].keys_and_values = KeysAndValues::OfLayer(0);
        let mut per_layer = with(|layer| layer.scalar = true);
        per_layer.per_layer_inputs = Some(PerLayerInputs {
            size: 3,
            vocab_size: 4,
        });
        let mut own_head = plain();
        own_head.own_head = true;
        let configs = [
            plain(),
            own_head,
            shared,
            per_layer,
            with(|layer| layer.norms = LayerNorms::AROUND),
            with(|layer| layer.norms = LayerNorms::AFTER),
            with(|layer| layer.query_key_norms = QueryKeyNorms::OfWidth),
            with(|layer| layer.keys_and_values = KeysAndValues::SharedProduct),
            with(|layer| layer.biases.query_key_value = true),
            with(|layer| layer.biases.attention_output = true),
            with(|layer| layer.biases.feed_forward = true),
        ];
        for config in configs {
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
