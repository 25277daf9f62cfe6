use anyhow::Result;
use burn::tensor::{Int, Tensor, TensorData};
use model::{Batch, Network};

/// The mean cross-entropy, in nats, of every token after the first. A tensor that autodiff can
/// follow.
pub fn mean_cross_entropy(network: &Network, rows: &[Vec<u32>]) -> Result<Tensor<1>> {
    let batch = Batch::of(rows)?;
    let (places, targets) = next_tokens(&batch, rows);
    let count = targets.len();
    let h = network.forward(&batch, None, &mut ())?;
    let device = h.device();
    let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &device);
    // What rows have in common is computed once, and counts once for each row.
    let logits = network.head(h.select(0, places));
    let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [count, 1]), &device);
    // Logits are soft-capped at 30, so their exponentials can be summed as they are.
    let chosen = logits.clone().gather(1, targets).reshape([count]);
    let log_sum = logits.exp().sum_dim(1).log().reshape([count]);
    Ok(log_sum.sub(chosen).mean())
}

/// The place of every token but the last of each row, and the token that follows it.
fn next_tokens(batch: &Batch, rows: &[Vec<u32>]) -> (Vec<i32>, Vec<i32>) {
    let (mut places, mut targets) = (Vec::new(), Vec::new());
    for (row, ids) in rows.iter().enumerate() {
        for (place, next) in batch.places(row).iter().zip(&ids[1..]) {
            places.push(*place as i32);
            targets.push(next.cast_signed());
        }
    }
    (places, targets)
}
