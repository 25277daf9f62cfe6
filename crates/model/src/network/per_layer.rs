//! Embeddings of which each layer has a part of its own. Source: `get_per_layer_inputs`,
//! `project_per_layer_inputs` and `Gemma4TextDecoderLayer` of transformers 5.24.

use burn::module::Module;
use burn::tensor::Tensor;

use super::embedding::{rounded_factor, stream_dtype};
use super::functions::{gated, to_dtype};
use super::linear::Linear;
use super::loader::Loader;
use super::norm::RmsNorm;
use crate::{Activation, PerLayerInputs, Precision, Result};

/// The table, of which a row has the parts of all layers side by side.
pub(crate) const TABLE: &str = "model.embed_tokens_per_layer.weight";

/// What makes the inputs of all layers from a token and its embedding.
#[derive(Module, Debug)]
pub(super) struct Projection {
    per_layer_model_projection: Linear,
    per_layer_projection_norm: RmsNorm,
    #[module(skip)]
    precision: Precision,
}

impl Projection {
    pub fn load(loader: &mut Loader<'_, '_>, shape: PerLayerInputs) -> Result<Self> {
        let (layers, hidden) = (loader.config.layers.len(), loader.config.hidden_size);
        let product = "model.per_layer_model_projection";
        Ok(Projection {
            per_layer_model_projection: Linear::load(loader, product, [layers * shape.size, hidden], false)?,
            per_layer_projection_norm: RmsNorm::load(loader, "model.per_layer_projection_norm", shape.size)?,
            precision: loader.precision,
        })
    }

    /// `(norm(P h / sqrt(hidden)) + sqrt(size) rows) / sqrt(2)`; `h: [tokens, hidden]`, the scaled
    /// embeddings, and `rows: [tokens, layers * size]` of the table. The result is `[tokens,
    /// layers * size]`.
    pub fn inputs(&self, h: Tensor<2>, rows: Tensor<2>) -> Tensor<2> {
        let (hidden, [tokens, width]) = (h.dims()[1], rows.dims());
        let size = self.per_layer_projection_norm.size();
        let projected = self.per_layer_model_projection.forward(h);
        let projected = projected.mul_scalar((hidden as f64).powf(-0.5));
        let vectors = projected.reshape([tokens * width / size, size]);
        let projected = self
            .per_layer_projection_norm
            .forward(vectors)
            .reshape([tokens, width]);
        let dtype = stream_dtype(&rows.device(), self.precision);
        let scale = rounded_factor((size as f64).sqrt(), self.precision);
        let rows = to_dtype(rows, dtype).mul_scalar(scale);
        projected.add(rows).mul_scalar(0.5_f64.sqrt())
    }
}

/// What a layer does with its input.
#[derive(Module, Debug)]
pub(super) struct PerLayer {
    per_layer_input_gate: Linear,
    per_layer_projection: Linear,
    post_per_layer_input_norm: RmsNorm,
}

impl PerLayer {
    pub fn load(loader: &mut Loader<'_, '_>, layer: usize, size: usize) -> Result<Self> {
        let hidden = loader.config.hidden_size;
        let name = |part: &str| format!("model.layers.{layer}.{part}");
        Ok(PerLayer {
            per_layer_input_gate: Linear::load(loader, &name("per_layer_input_gate"), [size, hidden], false)?,
            per_layer_projection: Linear::load(loader, &name("per_layer_projection"), [hidden, size], false)?,
            post_per_layer_input_norm: RmsNorm::load(loader, &name("post_per_layer_input_norm"), hidden)?,
        })
    }

    /// `h + norm(P (activation(gate(h)) * input))`; `h: [tokens, hidden]`, `input: [tokens, size]`.
    pub fn add_to(&self, h: Tensor<2>, input: Tensor<2>, activation: Activation) -> Tensor<2> {
        let gate = self.per_layer_input_gate.forward(h.clone());
        let entered = self.per_layer_projection.forward(gated(activation, gate, input));
        self.post_per_layer_input_norm.add_to(h, entered)
    }
}
