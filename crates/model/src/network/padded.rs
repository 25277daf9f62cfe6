use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::Token;
use crate::cache::Path;

/// Queries and what they see as a grid: a line for each row of the batch, padded, for backends
/// whose operations work on whole tensors. Only attention is done so; everything else takes the
/// tokens packed. Made once per pass.
pub(super) struct Padded {
    lines: usize,
    queries: usize,
    keys: usize,
    /// The query in each of the `lines * queries` cells, the first one where there is none.
    query_of_cell: Gather,
    /// The slot in each of the `lines * keys` cells.
    slot_of_cell: Gather,
    /// For each query, its cell.
    cell_of_query: Gather,
    /// One for each window that a layer has, `[lines, 1, queries, keys]`; `None` is the one of
    /// global layers.
    masks: Vec<(Option<usize>, Tensor<4>)>,
}

/// Finite, so that a cell that sees nothing gives no NaN; its exponential is 0 all the same.
const HIDDEN: f32 = -1e9;

impl Padded {
    /// `paths`: those of the rows. Keys begin at the first position that some row still
    /// has.
    pub fn new(
        tokens: &[Token],
        paths: &[Path],
        windows: impl Iterator<Item = Option<usize>>,
        device: &Device,
    ) -> Self {
        let mut lines: Vec<(usize, Vec<usize>)> = Vec::new();
        for (query, token) in tokens.iter().enumerate() {
            match lines.iter_mut().find(|(entry, _)| *entry == token.entry) {
                Some((_, queries)) => queries.push(query),
                None => lines.push((token.entry, vec![query])),
            }
        }
        let queries = lines.iter().map(|(_, queries)| queries.len()).max().unwrap_or(0);
        let first = lines
            .iter()
            .map(|(entry, _)| paths[*entry].first)
            .min()
            .unwrap_or(0);
        let end = tokens.iter().map(|token| token.position + 1).max().unwrap_or(0);
        let keys = end - first;
        let mut query_of_cell = vec![0; lines.len() * queries];
        let mut slot_of_cell = vec![0; lines.len() * keys];
        let mut cell_of_query = vec![0; tokens.len()];
        // -1 where a cell has no query.
        let mut positions = vec![-1; lines.len() * queries];
        for (line, (entry, own)) in lines.iter().enumerate() {
            for (column, query) in own.iter().enumerate() {
                let cell = line * queries + column;
                query_of_cell[cell] = *query as i32;
                cell_of_query[*query] = cell as i32;
                positions[cell] = tokens[*query].position as i64;
            }
            let path = &paths[*entry];
            for (position, slot) in (path.first..end).zip(path.slots.iter()) {
                slot_of_cell[line * keys + position - first] = slot.cast_signed();
            }
        }
        let mut masks: Vec<(Option<usize>, Tensor<4>)> = Vec::new();
        for window in windows {
            if masks.iter().all(|(known, _)| *known != window) {
                let shape = [lines.len(), 1, queries, keys];
                masks.push((window, mask(&positions, first, window, shape, device)));
            }
        }
        Padded {
            lines: lines.len(),
            queries,
            keys,
            query_of_cell: Gather::new(query_of_cell, device),
            slot_of_cell: Gather::new(slot_of_cell, device),
            cell_of_query: Gather::new(cell_of_query, device),
            masks,
        }
    }

    /// `[queries, width]` to `[lines, queries of a line, width]`.
    pub fn queries(&self, x: Tensor<2>) -> Tensor<3> {
        let width = x.dims()[1];
        self.query_of_cell
            .of(x)
            .reshape([self.lines, self.queries, width])
    }

    /// `[slots, width]` to `[lines, keys of a line, width]`.
    pub fn keys(&self, x: Tensor<2>) -> Tensor<3> {
        let width = x.dims()[1];
        self.slot_of_cell.of(x).reshape([self.lines, self.keys, width])
    }

    /// `[lines, queries of a line, width]` back to `[queries, width]`.
    pub fn packed(&self, x: Tensor<3>) -> Tensor<2> {
        let width = x.dims()[2];
        self.cell_of_query
            .of(x.reshape([self.lines * self.queries, width]))
    }

    /// What is added to scores, `[lines, 1, queries, keys]`.
    pub fn mask(&self, window: Option<usize>) -> Tensor<4> {
        let found = self.masks.iter().find(|(known, _)| *known == window);
        found.unwrap_or(&self.masks[0]).1.clone()
    }
}

/// 0 where a query sees a key, a large negative number where it doesn't. A query sees the keys at
/// its own position and before, at most `window` of them; `first` is the position of the first key.
fn mask(
    positions: &[i64],
    first: usize,
    window: Option<usize>,
    shape: [usize; 4],
    device: &Device,
) -> Tensor<4> {
    let window = window.map_or(i64::MAX, |window| window as i64);
    let sees = |position: i64, key: usize| {
        let distance = position - key as i64;
        distance >= 0 && distance < window
    };
    let of_query = |position: &i64| -> Vec<f32> {
        (first..first + shape[3])
            .map(|key| if sees(*position, key) { 0.0 } else { HIDDEN })
            .collect()
    };
    let mask: Vec<f32> = positions.iter().flat_map(of_query).collect();
    Tensor::from_data(TensorData::new(mask, shape), (device, DType::F32))
}

/// Some rows of a matrix, in any order, for a backend.
struct Gather {
    rows: Tensor<1, Int>,
    count: usize,
    /// The first rows in their own order: for a matrix with no other rows, that is the matrix
    /// itself.
    in_order: bool,
}

impl Gather {
    fn new(rows: Vec<i32>, device: &Device) -> Self {
        let count = rows.len();
        let in_order = rows.iter().enumerate().all(|(index, row)| index as i32 == *row);
        Gather {
            rows: Tensor::from_data(TensorData::new(rows, [count]), device),
            count,
            in_order,
        }
    }

    fn of(&self, x: Tensor<2>) -> Tensor<2> {
        if self.in_order && x.dims()[0] == self.count {
            return x;
        }
        x.select(0, self.rows.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;
    use crate::cache::Paths;

    /// One line per query, `1` where it sees the key.
    fn drawn(batch: &Batch, window: Option<usize>) -> Vec<String> {
        let paths = Paths::of(batch, 1);
        let windows = std::iter::once(window);
        let padded = Padded::new(batch.tokens(), paths.rows(0), windows, &Device::flex());
        let mask = padded.mask(window).into_data();
        let mask: Vec<f32> = mask.try_into_vec().unwrap();
        let line = |seen: &[f32]| {
            seen.iter()
                .map(|seen| if *seen == 0.0 { '1' } else { '0' })
                .collect()
        };
        mask.chunks(padded.keys).map(line).collect()
    }

    #[test]
    fn global_layers_see_everything_before() {
        let batch = Batch::of(&[[4, 5, 6]]).unwrap();
        assert_eq!(drawn(&batch, None), ["100", "110", "111"]);
    }

    #[test]
    fn sliding_layers_see_exactly_the_window() {
        let batch = Batch::of(&[[4, 5, 6, 7]]).unwrap();
        assert_eq!(drawn(&batch, Some(2)), ["1000", "1100", "0110", "0011"]);
    }

    #[test]
    fn padding_sees_nothing_and_is_not_seen() {
        let batch = Batch::of(&[vec![4, 5, 6], vec![7, 8]]).unwrap();
        assert_eq!(drawn(&batch, None), ["100", "110", "111", "100", "110", "000"]);
    }

    #[test]
    fn a_shared_beginning_is_a_key_but_no_query_again() {
        let batch = Batch::of(&[vec![4, 5, 6], vec![4, 5, 7, 8]]).unwrap();
        assert_eq!(
            drawn(&batch, None),
            ["1000", "1100", "1110", "1110", "1111", "0000"],
            "the second row's own tokens are its third and fourth"
        );
    }
}
