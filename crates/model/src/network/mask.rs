use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::batch::PADDING;
use crate::{Batch, LayerKind};

/// What is added to attention scores: 0 where a query sees a key, a large negative number where it doesn't.
pub(super) struct Masks {
    global: Tensor<4>,
    sliding: Tensor<4>,
}

/// Finite, so that a query of padding, which sees nothing, gives no NaN; its exponential is 0 all the same.
const HIDDEN: f32 = -1e9;

impl Masks {
    /// `key_positions: [rows, keys]`.
    pub fn new(batch: &Batch, key_positions: &[i32], window: usize, device: &Device) -> Self {
        let tensor = |visible: Vec<bool>| {
            let values: Vec<f32> = visible
                .into_iter()
                .map(|seen| if seen { 0.0 } else { HIDDEN })
                .collect();
            let keys = key_positions.len() / batch.rows();
            Tensor::from_data(
                TensorData::new(values, [batch.rows(), 1, batch.width(), keys]),
                (device, DType::F32),
            )
        };
        let global = tensor(visible(
            batch.rows(),
            batch.positions(),
            key_positions,
            usize::MAX,
        ));
        let longest = key_positions
            .iter()
            .max()
            .map_or(0, |position| (*position + 1) as usize);
        let sliding = if longest <= window {
            global.clone()
        } else {
            tensor(visible(batch.rows(), batch.positions(), key_positions, window))
        };
        Masks { global, sliding }
    }

    /// `[rows, 1, queries, keys]`
    pub fn of(&self, kind: LayerKind) -> Tensor<4> {
        match kind {
            LayerKind::Global => self.global.clone(),
            LayerKind::Sliding => self.sliding.clone(),
        }
    }
}

/// Which keys each query sees: those at its own position and before, at most `window` of them, no padding.
fn visible(rows: usize, query_positions: &[i32], key_positions: &[i32], window: usize) -> Vec<bool> {
    let (queries, keys) = (query_positions.len() / rows, key_positions.len() / rows);
    let mut seen = Vec::with_capacity(rows * queries * keys);
    for row in 0..rows {
        for query in &query_positions[row * queries..(row + 1) * queries] {
            for key in &key_positions[row * keys..(row + 1) * keys] {
                let distance = query - key;
                seen.push(
                    *key != PADDING && *query != PADDING && distance >= 0 && (distance as usize) < window,
                );
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::visible;

    /// One line a query, `1` where it sees the key.
    fn drawn(rows: usize, queries: &[i32], keys: &[i32], window: usize) -> Vec<String> {
        let line = |seen: &[bool]| seen.iter().map(|seen| if *seen { '1' } else { '0' }).collect();
        visible(rows, queries, keys, window)
            .chunks(keys.len() / rows)
            .map(line)
            .collect()
    }

    #[test]
    fn global_layers_see_everything_before() {
        assert_eq!(
            drawn(1, &[0, 1, 2], &[0, 1, 2], usize::MAX),
            ["100", "110", "111"]
        );
    }

    #[test]
    fn sliding_layers_see_exactly_the_window() {
        assert_eq!(
            drawn(1, &[0, 1, 2, 3], &[0, 1, 2, 3], 2),
            ["1000", "1100", "0110", "0011"]
        );
        assert_eq!(
            drawn(1, &[5], &[0, 1, 2, 3, 4, 5], 3),
            ["000111"],
            "one token with a cache"
        );
    }

    #[test]
    fn padding_is_never_seen_on_either_side() {
        assert_eq!(
            drawn(2, &[-1, 0, 0, 1], &[-1, 0, 0, 1], usize::MAX),
            ["00", "01", "10", "11"]
        );
        assert_eq!(
            drawn(1, &[0, 1, -1], &[0, 1, -1], usize::MAX),
            ["100", "110", "000"]
        );
    }
}
