//! Training of a sparse autoencoder on the embedded model's residual stream: the positive control of what
//! is said about features.
//!
//! Batch-top-k (Bussmann et al. 2024, arXiv:2412.06410): of a batch of n rows, `a` keeps the `n k` greatest of
//! `(x - b_dec) W_enc + b_enc`, those above 0, and `x' = a W_dec + b_dec`; the loss is the mean squared error over
//! the variance of the activations. Rows of the decoder start as the encoder's columns and end with norm 1. After
//! training it is a JumpReLU: a feature is active above the mean of the least activations that were kept.

use anyhow::{Context as _, Result, anyhow};
use burn::module::{Module, Param};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use model::{Batch, Network, ResidualTap, Token, read_numbers};
use progress::progress_bar;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokenizers::Tokenizer;

use crate::corpus::tokenize;
use crate::grammar::conversations;
use crate::optimize::learning_rate;
use crate::random::normal;

/// What determines a training run, besides the model.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of the initial weights, the conversations and the batches.
    pub seed: u64,
    /// After which the residual stream is read.
    pub layer: usize,
    pub features: usize,
    /// How many features of a row are active, on average.
    pub k: usize,
    pub conversations: usize,
    pub steps: usize,
    pub rows_per_batch: usize,
    pub peak_learning_rate: f64,
}

impl Settings {
    /// Those of the autoencoder that ships.
    pub fn new(seed: u64) -> Self {
        Settings {
            seed,
            layer: 2,
            features: 64,
            k: 4,
            conversations: 3000,
            steps: 3000,
            rows_per_batch: 512,
            peak_learning_rate: 1e-3,
        }
    }
}

/// A trained autoencoder, row by row, under SAELens's names.
pub struct Trained {
    /// `[hidden, features]`
    pub w_enc: Vec<f32>,
    /// `[features]`
    pub b_enc: Vec<f32>,
    /// `[features, hidden]`
    pub w_dec: Vec<f32>,
    /// `[hidden]`
    pub b_dec: Vec<f32>,
    /// `[features]`: a feature is active above it.
    pub threshold: Vec<f32>,
    /// The squared error over the variance, mean of the last hundred steps.
    pub unexplained: f64,
}

#[derive(Module, Debug)]
struct Autoencoder {
    w_enc: Param<Tensor<2>>,
    b_enc: Param<Tensor<1>>,
    w_dec: Param<Tensor<2>>,
    b_dec: Param<Tensor<1>>,
}

/// Trains on all tokens of the grammar's conversations.
///
/// # Errors
/// A model without the layer.
pub fn train(network: &Network, tokenizer: &Tokenizer, settings: &Settings) -> Result<Trained> {
    let hidden = network.config().hidden_size;
    let rows = activations(network, tokenizer, settings)?;
    let count = rows.len() / hidden;
    let (mean, variance) = moments(&rows, hidden);
    let mut generator = ChaCha8Rng::seed_from_u64(settings.seed);
    let device = Device::flex().autodiff();
    let mut autoencoder = Autoencoder::random(&mean, settings.features, &device, &mut generator);
    let mut optimizer: ModuleOptimizer = AdamConfig::new().with_beta_2(0.99).init();
    let bar = progress_bar(settings.steps as u64, "train", "steps");
    let (mut losses, mut least_kept) = (Vec::new(), Vec::new());
    for step in 0..settings.steps {
        let batch: Vec<f32> = (0..settings.rows_per_batch)
            .flat_map(|_| {
                let row = generator.random_range(0..count);
                rows[row * hidden..(row + 1) * hidden].to_vec()
            })
            .collect();
        let batch =
            Tensor::<2>::from_data(TensorData::new(batch, [settings.rows_per_batch, hidden]), &device);
        let (decoded, least) = autoencoder.decoded(batch.clone(), settings.k)?;
        least_kept.push(f64::from(least));
        let loss = decoded.sub(batch).square().mean().div_scalar(variance);
        losses.push(f64::from(loss.clone().into_scalar::<f32>()));
        let gradients = GradientsParams::from_grads(loss.backward(), &autoencoder);
        let rate = learning_rate(
            step,
            settings.steps,
            settings.steps / 20,
            settings.peak_learning_rate,
        );
        autoencoder = optimizer.step(rate, autoencoder, gradients);
        bar.inc(1);
    }
    bar.finish_and_clear();
    autoencoder.finished(mean_of_last(&losses), mean_of_last(&least_kept))
}

/// Of the last hundred steps.
fn mean_of_last(values: &[f64]) -> f64 {
    let last = &values[values.len().saturating_sub(100)..];
    last.iter().sum::<f64>() / last.len() as f64
}

impl Autoencoder {
    fn random(mean: &[f32], features: usize, device: &Device, generator: &mut ChaCha8Rng) -> Self {
        let hidden = mean.len();
        let mut decoder: Vec<f32> = (0..features * hidden).map(|_| normal(generator) as f32).collect();
        for row in decoder.chunks_mut(hidden) {
            let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            row.iter_mut().for_each(|value| *value /= norm);
        }
        let decoder = Tensor::<2>::from_data(TensorData::new(decoder, [features, hidden]), device);
        Autoencoder {
            w_enc: Param::from_tensor(decoder.clone().transpose()),
            b_enc: Param::from_tensor(Tensor::zeros([features], device)),
            w_dec: Param::from_tensor(decoder),
            b_dec: Param::from_tensor(Tensor::from_data(
                TensorData::new(mean.to_vec(), [hidden]),
                device,
            )),
        }
    }

    /// `[rows, hidden]`, and the least activation that is kept.
    fn decoded(&self, rows: Tensor<2>, k: usize) -> Result<(Tensor<2>, f32)> {
        let biases = self.b_dec.val().unsqueeze::<2>();
        let pre = rows
            .sub(biases.clone())
            .matmul(self.w_enc.val())
            .add(self.b_enc.val().unsqueeze::<2>());
        let [rows, features] = pre.dims();
        let values = read_numbers(pre.clone().inner())?;
        // Which features are kept is decided by numbers and not followed by autodiff.
        let mut sorted = values.clone();
        let (_, least, _) = sorted.select_nth_unstable_by(rows * k - 1, |a, b| b.total_cmp(a));
        let least = least.max(0.0);
        let mask: Vec<f32> = values.iter().map(|value| f32::from(*value >= least)).collect();
        let mask = Tensor::<2>::from_data(TensorData::new(mask, [rows, features]), &pre.device());
        let active = activation::relu(pre).mul(mask);
        Ok((active.matmul(self.w_dec.val()).add(biases), least))
    }

    /// With decoder rows of norm 1, and activations that count in these.
    fn finished(self, unexplained: f64, threshold: f64) -> Result<Trained> {
        let mut w_enc = read_numbers(self.w_enc.val().inner())?;
        let mut b_enc = read_numbers(self.b_enc.val().inner())?;
        let mut w_dec = read_numbers(self.w_dec.val().inner())?;
        let b_dec = read_numbers(self.b_dec.val().inner())?;
        let features = b_enc.len();
        let mut thresholds = vec![threshold as f32; features];
        for (feature, row) in w_dec.chunks_mut(b_dec.len()).enumerate() {
            let norm = row.iter().map(|value| value * value).sum::<f32>().sqrt();
            row.iter_mut().for_each(|value| *value /= norm);
            b_enc[feature] *= norm;
            thresholds[feature] *= norm;
            w_enc
                .iter_mut()
                .skip(feature)
                .step_by(features)
                .for_each(|value| *value *= norm);
        }
        Ok(Trained {
            w_enc,
            b_enc,
            w_dec,
            b_dec,
            threshold: thresholds,
            unexplained,
        })
    }
}

/// Keeps the residual stream of all tokens after a layer, and ends the pass there.
struct Keep {
    layer: usize,
    kept: Option<Tensor<2>>,
}

impl ResidualTap for Keep {
    fn residual(&mut self, layer: usize, _: &[Token], h: Tensor<2>) -> Tensor<2> {
        if layer == self.layer {
            self.kept = Some(h.clone());
        }
        h
    }

    fn last_layer(&self) -> Option<usize> {
        Some(self.layer)
    }
}

/// `[tokens, hidden]`, of all conversations, each token of each of them.
fn activations(network: &Network, tokenizer: &Tokenizer, settings: &Settings) -> Result<Vec<f32>> {
    let rows = tokenize(
        tokenizer,
        &conversations(5000 + settings.seed, settings.conversations),
    )?;
    let mut all = Vec::new();
    for rows in rows.chunks(64) {
        let batch = Batch::of(rows)?;
        let mut keep = Keep {
            layer: settings.layer,
            kept: None,
        };
        network.forward(&batch, None, &mut keep)?;
        let kept = keep
            .kept
            .with_context(|| anyhow!("the model has no layer {}", settings.layer))?;
        // What rows have in common is computed once, and counts once for each row.
        let places: Vec<i32> = (0..batch.rows())
            .flat_map(|row| batch.places(row).iter().map(|place| *place as i32))
            .collect();
        let count = places.len();
        let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &kept.device());
        all.extend(read_numbers(kept.select(0, places))?);
    }
    Ok(all)
}

/// The mean row, and the mean variance of a number.
fn moments(rows: &[f32], hidden: usize) -> (Vec<f32>, f64) {
    let count = (rows.len() / hidden) as f64;
    let (mut sums, mut squares) = (vec![0.0f64; hidden], 0.0);
    for row in rows.chunks(hidden) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += f64::from(*value);
            squares += f64::from(*value).powi(2);
        }
    }
    let means: Vec<f64> = sums.iter().map(|sum| sum / count).collect();
    let of_means: f64 = means.iter().map(|mean| mean * mean).sum();
    let variance = (squares / count - of_means) / hidden as f64;
    (means.iter().map(|mean| *mean as f32).collect(), variance)
}
