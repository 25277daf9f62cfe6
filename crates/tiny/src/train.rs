//! Training of the embedded model: AdamW on all tokens of the grammar's conversations, through the
//! same network that inference uses.

use anyhow::{Context, Result, anyhow};
use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, TensorData};
use model::{ModelConfig, Network, Precision};
use progress::progress_bar;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokenizers::Tokenizer;

use crate::corpus::{batches, tokenize};
use crate::grammar::{HELD_OUT_PROMPTS, conversations};
use crate::loss::mean_cross_entropy;
use crate::optimize::{clip_global_norm, learning_rate};
use crate::random::normal;
use crate::tokenizer::train_tokenizer;

/// What determines a training run. The same settings give the same model on the same kind of
/// machine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The seed of the initial weights, the conversations and their order. The tokenizer is the
    /// same for all seeds.
    pub seed: u64,
    pub steps: usize,
    pub rows_per_batch: usize,
    pub peak_learning_rate: f64,
    pub warm_up_steps: usize,
}

impl Settings {
    pub fn new(seed: u64) -> Self {
        Settings {
            seed,
            steps: 450,
            rows_per_batch: 32,
            peak_learning_rate: 2e-3,
            warm_up_steps: 100,
        }
    }
}

/// A trained network and everything that its folder needs.
pub struct Trained {
    pub network: Network,
    pub config: Value,
    pub tokenizer: Value,
    /// Mean loss of the first and of the last ten steps, in nats per token.
    pub first_loss: f64,
    pub last_loss: f64,
    /// exp(mean loss) on conversations of another seed.
    pub held_out_perplexity: f64,
}

/// The shape of the embedded model: everything that Gemma-2 has, in small.
pub fn config(vocabulary: usize) -> Value {
    json!({
        "architectures": ["Gemma2ForCausalLM"],
        "model_type": "gemma2",
        "vocab_size": vocabulary,
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 32,
        "query_pre_attn_scalar": 32,
        "sliding_window": 64,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
        "max_position_embeddings": 512,
        "rope_theta": 10000.0,
        "rms_norm_eps": 1e-6,
        "hidden_act": "gelu_pytorch_tanh",
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": false,
        "attention_dropout": 0.0,
        "initializer_range": 0.02,
        "tie_word_embeddings": true,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
        "torch_dtype": "bfloat16",
        "use_cache": true
    })
}

/// The tokenizer of the embedded model, always from the same conversations.
pub fn embedded_tokenizer() -> Result<Value> {
    let turns = conversations(TOKENIZER_SEED, 20_000)
        .into_iter()
        .flatten()
        .map(|turn| turn.text);
    // The prompts lend only their words, so that they come out whole.
    let prompts = HELD_OUT_PROMPTS.iter().map(|prompt| (*prompt).to_owned());
    train_tokenizer(&turns.chain(prompts).collect::<Vec<_>>())
}

const TOKENIZER_SEED: u64 = 0;
const HELD_OUT_SEED: u64 = 999;

/// Trains from scratch. `limit` ends the run after this many steps of the schedule (tests), `None`
/// runs all.
pub fn train(settings: &Settings, limit: Option<usize>) -> Result<Trained> {
    let tokenizer_json = embedded_tokenizer()?;
    let tokenizer = Tokenizer::from_bytes(tokenizer_json.to_string())
        .map_err(|error| anyhow!("the trained tokenizer can't be read: {error}"))?;
    let vocabulary = tokenizer.get_vocab_size(true);
    let config_json = config(vocabulary);
    let config = ModelConfig::from_json(&config_json)
        .map_err(|message| anyhow!("the embedded model's config: {message}"))?;
    let steps = limit.unwrap_or(settings.steps).min(settings.steps);
    let mut generator = ChaCha8Rng::seed_from_u64(settings.seed);
    let rows = tokenize(
        &tokenizer,
        &conversations(1000 + settings.seed, settings.rows_per_batch * steps.max(1)),
    )?;
    let mut network = random_network(&config, &mut generator)?;
    let mut optimizer: ModuleOptimizer = AdamWConfig::new()
        .with_beta_1(0.9)
        .with_beta_2(0.95)
        .with_epsilon(1e-8)
        .with_weight_decay(0.01)
        .init();
    let bar = progress_bar(steps as u64, "train", "steps");
    let mut losses = Vec::with_capacity(steps);
    for (step, batch) in batches(&rows, settings.rows_per_batch, &mut generator)
        .iter()
        .enumerate()
    {
        let loss = mean_cross_entropy(&network, batch)?;
        losses.push(f64::from(loss.clone().into_scalar::<f32>()));
        let mut gradients = GradientsParams::from_grads(loss.backward(), &network);
        clip_global_norm(&network, &mut gradients, 1.0);
        let rate = learning_rate(
            step,
            settings.steps,
            settings.warm_up_steps,
            settings.peak_learning_rate,
        );
        network = optimizer.step(rate, network, gradients);
        bar.inc(1);
        if (step + 1) % 50 == 0 {
            tracing::info!(
                "step {} of {steps}: loss {:.3}",
                step + 1,
                mean(&losses[step.saturating_sub(9)..])
            );
        }
    }
    bar.finish_and_clear();
    let network = network.valid();
    let held_out = tokenize(
        &tokenizer,
        &conversations(HELD_OUT_SEED, if limit.is_some() { 32 } else { 512 }),
    )?;
    let held_out_perplexity = perplexity(&network, &held_out)?;
    let (first, last) = (
        losses.get(..10.min(losses.len())),
        losses.get(losses.len().saturating_sub(10)..),
    );
    let (first, last) = first
        .zip(last)
        .filter(|_| !losses.is_empty())
        .context("no step was trained")?;
    Ok(Trained {
        network,
        config: config_json,
        tokenizer: tokenizer_json,
        first_loss: mean(first),
        last_loss: mean(last),
        held_out_perplexity,
    })
}

/// Normal weights of standard deviation 0.02, norms at 1 + 0, on a device that autodiff follows.
fn random_network(config: &ModelConfig, generator: &mut ChaCha8Rng) -> Result<Network> {
    let device = Device::flex().autodiff();
    let network = Network::build(config, &device, Precision::F32, &mut |_, shape| {
        let count = shape.iter().product();
        let is_norm = shape.len() == 1;
        let values: Vec<f32> = if is_norm {
            vec![0.0; count]
        } else {
            (0..count).map(|_| 0.02 * normal(generator) as f32).collect()
        };
        Ok(TensorData::new(values, shape.to_vec()))
    })?;
    Ok(network)
}

fn perplexity(network: &Network, rows: &[Vec<u32>]) -> Result<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for batch in rows.chunks(64) {
        let tokens = batch.iter().map(|row| row.len() - 1).sum::<usize>() as f64;
        sum += f64::from(mean_cross_entropy(network, batch)?.into_scalar::<f32>()) * tokens;
        count += tokens;
    }
    Ok((sum / count).exp())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
