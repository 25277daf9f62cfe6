use anyhow::{Context, Result};
use burn::tensor::{DType, Tensor, TensorData};
use model::read_numbers;
use results::{ContrastVectors, LensToken};
use session::OpenModel;
use terms::LensSide;

/// The tokens that the contrast vector of each layer promotes and suppresses most: the largest and
/// smallest numbers of `head(final_norm(contrast))`, layers in order.
///
/// The norm removes the vector's length, so only its direction counts. A zero contrast has no
/// tokens. Source: the logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens"),
/// applied to a direction instead of a residual.
pub fn lens(model: &OpenModel, vectors: &ContrastVectors) -> Result<Vec<LensToken>> {
    let network = model.resident()?;
    let mut contrasts = Vec::with_capacity(vectors.layers * vectors.hidden_size);
    for layer in 0..vectors.layers {
        let contrast = vectors.get("contrast", layer);
        contrasts.extend_from_slice(contrast.context("the analysis has no contrast vector")?);
    }
    let shape = [vectors.layers, vectors.hidden_size];
    let is_zero: Vec<bool> = contrasts
        .chunks(vectors.hidden_size)
        .map(|contrast| contrast.iter().all(|value| *value == 0.0))
        .collect();
    let contrasts =
        Tensor::<2>::from_data(TensorData::new(contrasts, shape), (&network.device(), DType::F32));
    let logits = network.head(contrasts.cast(network.dtype()));
    let logits = read_numbers(logits)?;
    let of_layers = logits
        .chunks(logits.len() / vectors.layers)
        .zip(is_zero)
        .enumerate()
        .filter(|(_, (_, is_zero))| !is_zero);
    Ok(of_layers
        .flat_map(|(layer, (logits, _))| extremes(model, layer, logits))
        .collect())
}

/// Tokens per side.
const SHOWN: usize = 12;

fn extremes(model: &OpenModel, layer: usize, logits: &[f32]) -> Vec<LensToken> {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|a, b| logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)));
    let token = |side: LensSide, rank: usize, id: usize| LensToken {
        layer,
        side,
        rank,
        token_id: id as i32,
        token_text: model.tokenizer.token_text(id as u32),
        logit: f64::from(logits[id]),
    };
    let promoted = order.iter().take(SHOWN).enumerate();
    let suppressed = order.iter().rev().take(SHOWN).enumerate();
    let promoted = promoted.map(|(rank, id)| token(LensSide::Promoted, rank, *id));
    promoted
        .chain(suppressed.map(|(rank, id)| token(LensSide::Suppressed, rank, *id)))
        .collect()
}
