//! Steering as a library: the logits after a prompt while a vector is added to the residual stream.
//!
//!     cargo run --example steered_logits -- MODEL results/NAME/analyze/contrast.safetensors 2,105,… 9,10 0.5 OUT
//!
//! adds 0.5 times the contrast of layer 9 after layer 9 and that of layer 10 after layer 10, at all
//! positions of the prompt with these token ids, and writes the logits of the last position as f32,
//! little-endian. `scripts/llama_cpp_control_vector.py` compares them with llama.cpp's.

use std::path::Path;

use anyhow::{Context, Result, bail};
use files::HashMemo;
use interventions::addition;
use model::Batch;
use pipeline::ModelTable;
use results::read_contrast_vectors;
use session::open_for_generation;
use steer::{Intervention, Steer};
use terms::Positions;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, vectors, tokens, layers, coefficient, out] = arguments.as_slice() else {
        bail!("six arguments: MODEL VECTORS TOKENS LAYERS COEFFICIENT OUT");
    };
    let vectors = read_contrast_vectors(Path::new(vectors))?;
    let tokens: Vec<u32> = numbers(tokens)?;
    let coefficient: f64 = coefficient.parse()?;
    let mut interventions = Vec::new();
    for layer in numbers(layers)? {
        let direction = vectors.get("contrast", layer).context("there is no such layer")?;
        let push = addition(direction, coefficient);
        interventions.push(Intervention::new(layer, Positions::All, push));
    }

    let mut table = ModelTable::local(model, "a model");
    table.chat_template = Some("data/templates/gemma.jinja".into());
    let model = open_for_generation(&table, &HashMemo::default())?;
    let network = model.resident()?;
    let (layers, hidden_size) = (network.config().layers.len(), network.config().hidden_size);
    let mut tap = Steer::new(&[interventions], layers, hidden_size, &network.device())?;
    let mut batch = Batch::default();
    batch.push(0, 0, &tokens)?;
    let last = batch.with_wanted(vec![tokens.len() - 1]);
    let residual = network.forward(&last, None, &mut tap)?;
    let logits = network.head(residual).into_data().convert::<f32>();
    std::fs::write(out, logits.as_bytes())?;
    Ok(())
}

/// `9,10`; an empty text is none.
fn numbers<T: std::str::FromStr<Err = std::num::ParseIntError>>(text: &str) -> Result<Vec<T>> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| part.parse().with_context(|| format!("{part:?} is no number")))
        .collect()
}
