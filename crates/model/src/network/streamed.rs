use burn::tensor::{Device, Tensor};

use super::decoder::DecoderLayer;
use super::embedding::{Embedding, HEAD, TABLE, logits, scaled};
use super::loader::{Ends, Loader, weight_form_for};
use super::norm::RmsNorm;
use super::pass::Pass;
use super::per_layer::{self, Projection};
use super::{check_batch, last_layer};
use crate::device::{largest_tensor, require_dtype};
use crate::{Batch, Checkpoint, ModelConfig, Precision, ResidualTap, Result, Site};

/// A network whose weights are read layer by layer while it runs, for models larger than memory.
///
/// One sweep takes every batch through a layer before it goes on to the next; meanwhile the next
/// layer's weights are read from the disk. The residual streams are bit for bit those of
/// [`Network`](crate::Network).
pub struct StreamedNetwork {
    config: ModelConfig,
    checkpoint: Checkpoint,
    device: Device,
    precision: Precision,
    norm: RmsNorm,
    per_layer: Option<Projection>,
}

impl StreamedNetwork {
    /// Checks that the checkpoint has exactly the right tensors, and reads only what all layers
    /// share.
    ///
    /// # Errors
    /// Names the tensor that is missing, unused, misshaped or not finite.
    pub fn open(
        config: &ModelConfig,
        checkpoint: Checkpoint,
        device: &Device,
        precision: Precision,
    ) -> Result<Self> {
        checkpoint.check(config)?;
        require_dtype(device, precision)?;
        let norm = with_loader(&checkpoint, config, device, precision, |loader| {
            RmsNorm::load(loader, "model.norm", config.hidden_size)
        })?;
        let per_layer = config.per_layer_inputs.map(|shape| {
            with_loader(&checkpoint, config, device, precision, |loader| {
                Projection::load(loader, shape)
            })
        });
        Ok(StreamedNetwork {
            config: config.clone(),
            per_layer: per_layer.transpose()?,
            checkpoint,
            device: device.clone(),
            precision,
            norm,
        })
    }

    /// The architecture.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The type of the activations.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Bytes of weights that one sweep reads.
    pub fn sweep_size(&self) -> usize {
        self.checkpoint.size_of("model.layers.")
    }

    /// One sweep: takes each batch through all layers, batch by batch within a layer, and shows
    /// each layer's output to the batch's own tap. Returns the residual stream of each batch
    /// after the last layer that ran: `[tokens, hidden]`.
    ///
    /// The pass ends early when all taps want the same last layer. `progress` is called after each
    /// layer with the number of bytes that its weights have in the checkpoint.
    ///
    /// # Errors
    /// As [`Network::forward`](crate::Network::forward), and weights that are not finite.
    pub fn forward(
        &self,
        batches: &[Batch],
        taps: &mut [impl ResidualTap],
        progress: &mut dyn FnMut(usize),
    ) -> Result<Vec<Tensor<2>>> {
        let mut streams = Vec::with_capacity(batches.len());
        for (batch, tap) in batches.iter().zip(&*taps) {
            check_batch(batch, &self.config, tap)?;
            streams.push(self.embed(batch)?);
        }
        let last = taps
            .iter()
            .map(|tap| last_layer(tap, &self.config))
            .max()
            .unwrap_or(0);
        let mut passes = Vec::with_capacity(batches.len());
        for (batch, stream) in batches.iter().zip(&streams) {
            let mut pass = Pass::begin(&self.config, batch, None, last, &self.device)?;
            if let (Some(projection), Some(shape)) = (&self.per_layer, self.config.per_layer_inputs) {
                let table = [shape.vocab_size, self.config.layers.len() * shape.size];
                let rows = self.rows(per_layer::TABLE, table, batch)?;
                pass.set_per_layer_inputs(projection.inputs(stream.clone(), rows));
            }
            passes.push(pass);
        }
        for ((stream, batch), tap) in streams.iter().zip(batches).zip(taps.iter_mut()) {
            tap.site(Site::Embedding, 0, &batch.before(0).tokens, stream);
        }
        for index in 0..=last {
            std::thread::scope(|scope| -> Result<()> {
                scope.spawn(move || self.checkpoint.prefetch(&prefix(index + 1)));
                let layer = self.layer(index)?;
                for ((stream, pass), tap) in streams.iter_mut().zip(&passes).zip(taps.iter_mut()) {
                    let h = layer.forward(stream.clone(), pass, index, None, tap);
                    *stream = tap.residual(index, pass.outputs(index), pass.fan_out(index, h));
                }
                Ok(())
            })?;
            self.checkpoint.release(&prefix(index));
            progress(self.checkpoint.size_of(&prefix(index)));
        }
        Ok(streams)
    }

    /// The final norm alone: `[tokens, hidden]`.
    pub fn final_norm(&self, h: Tensor<2>) -> Tensor<2> {
        self.norm.forward(h)
    }

    /// The final norm, the unembedding and the soft-cap, as [`Network::head`](crate::Network::head)
    /// has them.
    ///
    /// # Errors
    /// Weights that are not finite.
    pub fn head(&self, h: Tensor<2>) -> Result<Tensor<2>> {
        let shape = [self.config.vocab_size, self.config.hidden_size];
        let name = if self.config.own_head { HEAD } else { TABLE };
        let table = with_loader(
            &self.checkpoint,
            &self.config,
            &self.device,
            self.precision,
            |loader| Embedding::load(loader, name, shape),
        )?;
        let logits = logits(self.norm.forward(h), table.matrix(), &self.config, self.precision);
        drop(table);
        self.checkpoint.release(name);
        Ok(logits)
    }

    fn embed(&self, batch: &Batch) -> Result<Tensor<2>> {
        let shape = [self.config.vocab_size, self.config.hidden_size];
        Ok(scaled(
            self.rows(TABLE, shape, batch)?,
            &self.config,
            self.precision,
        ))
    }

    /// Only the rows of the batch's tokens are read.
    fn rows(&self, table: &str, shape: [usize; 2], batch: &Batch) -> Result<Tensor<2>> {
        let tokens = &batch.before(0).tokens;
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let form = weight_form_for(&self.device, self.precision);
        let rows = self.checkpoint.read_rows(table, shape, &ids, form)?;
        let dtype = rows.dtype();
        Ok(Tensor::from_data(rows, (&self.device, dtype)))
    }

    fn layer(&self, index: usize) -> Result<DecoderLayer> {
        with_loader(
            &self.checkpoint,
            &self.config,
            &self.device,
            self.precision,
            |loader| DecoderLayer::load(loader, index),
        )
    }
}

fn prefix(layer: usize) -> String {
    format!("model.layers.{layer}.")
}

fn with_loader<T>(
    checkpoint: &Checkpoint,
    config: &ModelConfig,
    device: &Device,
    precision: Precision,
    load: impl FnOnce(&mut Loader<'_, '_>) -> Result<T>,
) -> Result<T> {
    let form = weight_form_for(device, precision);
    let mut loader = Loader {
        config,
        device,
        precision,
        source: &mut |name, shape| checkpoint.read(name, shape, form),
        rows: Some(&|name, shape, rows| checkpoint.read_range(name, shape, rows, form)),
        largest: largest_tensor(device),
        ends: Ends::default(),
    };
    let loaded = load(&mut loader)?;
    loader.ends.check()?;
    Ok(loaded)
}
