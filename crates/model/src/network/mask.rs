use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::Batch;
use crate::batch::PADDING;

/// What is added to attention scores: 0 where a query sees a key, a large negative number where it doesn't. One mask
/// for each window that a layer has; `None` is the one of global layers.
pub(super) struct Masks(Vec<(Option<usize>, Tensor<4>)>);

/// Finite, so that a query of padding, which sees nothing, gives no NaN; its exponential is 0 all the same.
const HIDDEN: f32 = -1e9;

impl Masks {
    /// `key_positions: [rows, keys]`.
    pub fn new(
        batch: &Batch,
        key_positions: &[i32],
        windows: impl Iterator<Item = Option<usize>>,
        device: &Device,
    ) -> Self {
        let tensor = |window: usize| {
            let visible = visible(batch.rows(), batch.positions(), key_positions, window);
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
        let longest = key_positions
            .iter()
            .max()
            .map_or(0, |position| (*position + 1) as usize);
        let mut masks: Vec<(Option<usize>, Tensor<4>)> = vec![(None, tensor(usize::MAX))];
        for window in windows {
            if masks.iter().all(|(known, _)| *known != window) {
                let mask = match window {
                    Some(window) if window < longest => tensor(window),
                    _ => masks[0].1.clone(),
                };
                masks.push((window, mask));
            }
        }
        Masks(masks)
    }

    /// `[rows, 1, queries, keys]`
    pub fn of(&self, window: Option<usize>) -> Tensor<4> {
        let found = self.0.iter().find(|(known, _)| *known == window);
        found.unwrap_or(&self.0[0]).1.clone()
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
