use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::Token;

/// Queries and what they see as a grid: a line for each row of the batch, padded, for backends whose operations work on
/// whole tensors. Only attention is done so; everything else takes the tokens packed.
pub(super) struct Padded {
    lines: usize,
    queries: usize,
    keys: usize,
    /// `[lines * queries]`: the query in each cell, the first one where there is none.
    query_of_cell: Vec<i32>,
    /// `[lines * keys]`: the slot in each cell.
    slot_of_cell: Vec<i32>,
    /// For each query, its cell.
    cell_of_query: Vec<i32>,
    /// `[lines * queries]`: its position, -1 where there is none.
    positions: Vec<i64>,
}

/// Finite, so that a cell that sees nothing gives no NaN; its exponential is 0 all the same.
const HIDDEN: f32 = -1e9;

impl Padded {
    /// `paths`: the slots of each row's tokens, by position.
    pub fn new(tokens: &[Token], paths: &[Vec<u32>]) -> Self {
        let mut lines: Vec<(usize, Vec<usize>)> = Vec::new();
        for (query, token) in tokens.iter().enumerate() {
            match lines.iter_mut().find(|(entry, _)| *entry == token.entry) {
                Some((_, queries)) => queries.push(query),
                None => lines.push((token.entry, vec![query])),
            }
        }
        let seen = |queries: &[usize]| queries.iter().map(|query| tokens[*query].position + 1).max();
        let queries = lines.iter().map(|(_, queries)| queries.len()).max().unwrap_or(0);
        let keys = lines
            .iter()
            .filter_map(|(_, queries)| seen(queries))
            .max()
            .unwrap_or(0);
        let mut padded = Padded {
            lines: lines.len(),
            queries,
            keys,
            query_of_cell: vec![0; lines.len() * queries],
            slot_of_cell: vec![0; lines.len() * keys],
            cell_of_query: vec![0; tokens.len()],
            positions: vec![-1; lines.len() * queries],
        };
        for (line, (entry, own)) in lines.iter().enumerate() {
            for (column, query) in own.iter().enumerate() {
                let cell = line * queries + column;
                padded.query_of_cell[cell] = *query as i32;
                padded.cell_of_query[*query] = cell as i32;
                padded.positions[cell] = tokens[*query].position as i64;
            }
            let slots = paths[*entry].iter().take(keys).enumerate();
            for (position, slot) in slots {
                padded.slot_of_cell[line * keys + position] = slot.cast_signed();
            }
        }
        padded
    }

    /// `[queries, width]` to `[lines, queries of a line, width]`.
    pub fn queries(&self, x: Tensor<2>) -> Tensor<3> {
        let width = x.dims()[1];
        gather(x, &self.query_of_cell).reshape([self.lines, self.queries, width])
    }

    /// `[slots, width]` to `[lines, keys of a line, width]`.
    pub fn keys(&self, x: Tensor<2>) -> Tensor<3> {
        let width = x.dims()[1];
        gather(x, &self.slot_of_cell).reshape([self.lines, self.keys, width])
    }

    /// `[lines, queries of a line, width]` back to `[queries, width]`.
    pub fn packed(&self, x: Tensor<3>) -> Tensor<2> {
        let width = x.dims()[2];
        gather(x.reshape([self.lines * self.queries, width]), &self.cell_of_query)
    }

    /// What is added to scores, `[lines, 1, queries, keys]`: 0 where a query sees a key, a large negative number where it
    /// doesn't. A query sees the keys at its own position and before, at most `window` of them.
    pub fn mask(&self, window: Option<usize>, device: &Device) -> Tensor<4> {
        let window = window.map_or(i64::MAX, |window| window as i64);
        let sees = |position: i64, key: usize| {
            let distance = position - key as i64;
            distance >= 0 && distance < window
        };
        let mask: Vec<f32> = self
            .positions
            .iter()
            .flat_map(|position| {
                (0..self.keys).map(move |key| if sees(*position, key) { 0.0 } else { HIDDEN })
            })
            .collect();
        let shape = [self.lines, 1, self.queries, self.keys];
        Tensor::from_data(TensorData::new(mask, shape), (device, DType::F32))
    }
}

/// Some rows of x, in the order given; all of them in their own order cost nothing.
fn gather(x: Tensor<2>, rows: &[i32]) -> Tensor<2> {
    let is_identity = rows.len() == x.dims()[0] && rows.iter().enumerate().all(|(a, b)| a as i32 == *b);
    if is_identity {
        return x;
    }
    let indices = TensorData::new(rows.to_vec(), [rows.len()]);
    let device = x.device();
    x.select(0, Tensor::<1, Int>::from_data(indices, &device))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;

    /// One line a query, `1` where it sees the key.
    fn drawn(batch: &Batch, window: Option<usize>) -> Vec<String> {
        let paths: Vec<Vec<u32>> = (0..batch.rows())
            .map(|row| batch.places(row).iter().map(|place| *place as u32).collect())
            .collect();
        let padded = Padded::new(batch.tokens(), &paths);
        let mask = padded.mask(window, &Device::flex()).into_data();
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
