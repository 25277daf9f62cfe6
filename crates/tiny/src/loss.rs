use anyhow::Result;
use burn::tensor::{Int, Tensor, TensorData};
use model::{Batch, Gemma};

/// The mean cross-entropy, in nats, of every token after the first, padding left out. A tensor that autodiff can follow.
pub fn mean_cross_entropy(network: &Gemma, rows: &[Vec<u32>]) -> Result<Tensor<1>> {
    let batch = Batch::right_padded(rows)?;
    let (n_rows, width) = (batch.rows(), batch.width() - 1);
    let h = network.forward(&batch, None, &mut ())?.narrow(1, 0, width);
    let logits = network.head(h);
    let vocabulary = logits.dims()[2];
    let logits = logits.reshape([n_rows * width, vocabulary]);
    let (targets, weights) = next_tokens(rows, width);
    let device = logits.device();
    let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [n_rows * width, 1]), &device);
    let weights = Tensor::<1>::from_data(TensorData::new(weights, [n_rows * width]), &device);
    // Logits are soft-capped at 30, so their exponentials can be summed as they are.
    let chosen = logits.clone().gather(1, targets).reshape([n_rows * width]);
    let log_sum = logits.exp().sum_dim(1).log().reshape([n_rows * width]);
    Ok(log_sum.sub(chosen).mul(weights.clone()).sum().div(weights.sum()))
}

/// The token that follows each position, and 1 where there is one and 0 at padding.
fn next_tokens(rows: &[Vec<u32>], width: usize) -> (Vec<i32>, Vec<f32>) {
    let (mut targets, mut weights) = (Vec::new(), Vec::new());
    for row in rows {
        for position in 1..=width {
            targets.push(row.get(position).map_or(0, |id| id.cast_signed()));
            weights.push(if position < row.len() { 1.0 } else { 0.0 });
        }
    }
    (targets, weights)
}
