use anyhow::{Result, ensure};
use burn::tensor::{Int, Tensor, TensorData};
use model::{Batch, GenerationRequest, Network, ResidualTap, Sampling, Token, generate, read_numbers};
use results::{GreedyAgreement, ModelReference, RelativeError};
use session::OpenNetwork;

use crate::relative_error;

/// The errors of everything that a reference holds.
pub struct Errors {
    pub layers: Vec<RelativeError>,
    pub final_norm: RelativeError,
    pub logits: RelativeError,
    pub greedy: Option<GreedyAgreement>,
}

/// Runs the reference's tokens through the network. An error if the reference is of another shape.
pub fn errors(network: &OpenNetwork, reference: &ModelReference) -> Result<Errors> {
    let config = network.config();
    ensure!(
        reference.residuals.len() == config.layers.len(),
        "the reference has {} layers, the model {}",
        reference.residuals.len(),
        config.layers.len()
    );
    ensure!(
        reference
            .logit_positions
            .iter()
            .all(|position| *position < reference.tokens.len()),
        "`logit_positions` lies outside of the sequence"
    );
    let batch = Batch::of(&[reference.tokens.as_slice()])?;
    let mut kept = KeepAll::default();
    let (final_norm, logits) = match network {
        OpenNetwork::Resident(network) => {
            let h = network.forward(&batch, None, &mut kept)?;
            let wanted = at_positions(h.clone(), &reference.logit_positions);
            (network.final_norm(h), network.head(wanted))
        }
        OpenNetwork::Streamed(network) => {
            let taps = std::slice::from_mut(&mut kept);
            let h = network
                .forward(std::slice::from_ref(&batch), taps, &mut |_| ())?
                .remove(0);
            let wanted = at_positions(h.clone(), &reference.logit_positions);
            (network.final_norm(h), network.head(wanted)?)
        }
    };
    let layers = kept
        .0
        .into_iter()
        .zip(&reference.residuals)
        .enumerate()
        .map(|(layer, (h, expected))| {
            relative_error(&format!("residual.{layer}"), &read_numbers(h)?, expected)
        })
        .collect::<Result<_>>()?;
    Ok(Errors {
        layers,
        final_norm: relative_error("final_norm", &read_numbers(final_norm)?, &reference.final_norm)?,
        logits: relative_error("logits", &read_numbers(logits)?, &reference.logits)?,
        greedy: match network {
            OpenNetwork::Resident(network) => greedy(network, reference)?,
            OpenNetwork::Streamed(_) => None,
        },
    })
}

/// The reference's continuation runs on past end tokens, so the tokens after them are not compared.
fn greedy(network: &Network, reference: &ModelReference) -> Result<Option<GreedyAgreement>> {
    if reference.greedy.is_empty() {
        return Ok(None);
    }
    let request = GenerationRequest {
        prompt: reference.tokens.clone(),
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let generated = generate(network, &[request], reference.greedy.len(), &mut (), &mut |_| ())?;
    let tokens = &generated[0].tokens;
    let same = tokens
        .iter()
        .zip(&reference.greedy)
        .take_while(|(a, b)| a == b)
        .count();
    // Ours stops at an end token that both have.
    let compared = tokens.len().min(reference.greedy.len());
    Ok(Some(GreedyAgreement {
        tokens: compared,
        agreeing: same,
    }))
}

/// `[tokens, hidden]` to `[positions, hidden]`.
fn at_positions(h: Tensor<2>, positions: &[usize]) -> Tensor<2> {
    let positions: Vec<i32> = positions.iter().map(|position| *position as i32).collect();
    let count = positions.len();
    let indices = Tensor::<1, Int>::from_data(TensorData::new(positions, [count]), &h.device());
    h.select(0, indices)
}

#[derive(Default)]
struct KeepAll(Vec<Tensor<2>>);

impl ResidualTap for KeepAll {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.0.push(h.clone());
        h
    }
}
