use std::collections::BTreeMap;

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::hidden_keys::HiddenKeys;
use crate::Token;
use crate::cache::Path;

/// Queries and what they see as a grid: a line for each row of the batch, padded, for backends
/// whose operations work on whole tensors. Only attention is done so; everything else takes the
/// tokens packed. Made once per pass, log and window.
pub(super) struct Padded {
    lines: usize,
    queries: usize,
    keys: usize,
    /// The query in each of the `lines * queries` cells, the first one where there is none.
    query_of_cell: Gather,
    /// The slot in each of the `lines * keys` cells.
    slot_of_cell: Gather,
    /// For each query of the grid, its cell.
    cell_of_query: Gather,
    /// What is added to scores, `[lines, 1, queries, keys]`.
    mask: Tensor<4>,
}

/// All queries of a pass: those of whole prompts, and those of rows that go on by one token. In one grid, each row would
/// be as long as the longest prompt.
pub(super) struct Grids {
    grids: Vec<Padded>,
    /// Where there are several: for each query its place among those of all grids.
    order: Option<Gather>,
}

/// A row of the batch and its queries.
type Line = (usize, Vec<usize>);

/// Finite, so that a cell that sees nothing gives no NaN; its exponential is 0 all the same.
const HIDDEN: f32 = -1e9;

/// Keys of single tokens are as many as a multiple of this: their number grows with each step, and devices compile
/// kernels for the numbers that they meet.
const KEYS_AT_ONCE: usize = 16;

impl Grids {
    /// `paths`: those of the rows.
    pub fn new(
        tokens: &[Token],
        paths: &[Path],
        window: Option<usize>,
        hidden: Option<&HiddenKeys>,
        device: &Device,
    ) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        let mut line_of_row = BTreeMap::new();
        for (query, token) in tokens.iter().enumerate() {
            let line = *line_of_row.entry(token.entry).or_insert_with(|| {
                lines.push((token.entry, Vec::new()));
                lines.len() - 1
            });
            lines[line].1.push(query);
        }
        let (single, whole): (Vec<Line>, Vec<Line>) =
            lines.into_iter().partition(|(_, queries)| queries.len() == 1);
        let parts: Vec<Vec<Line>> = [whole, single]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let mut place_of_query = vec![0; tokens.len()];
        let in_order = parts.iter().flatten().flat_map(|(_, queries)| queries);
        for (place, query) in in_order.enumerate() {
            place_of_query[*query] = place as i32;
        }
        let grids = parts
            .iter()
            .map(|part| Padded::new(tokens, paths, part, window, hidden, device));
        Grids {
            order: (parts.len() > 1).then(|| Gather::new(place_of_query, device)),
            grids: grids.collect(),
        }
    }

    /// `attend` for each grid; the result `[queries, width]` in the order of the queries.
    pub fn each(&self, attend: impl Fn(&Padded) -> Tensor<2>) -> Tensor<2> {
        match &self.order {
            None => attend(&self.grids[0]),
            Some(order) => order.of(Tensor::cat(self.grids.iter().map(attend).collect(), 0)),
        }
    }
}

impl Padded {
    /// Of a query's keys only those in the window of its row's first query or later are in the grid.
    fn new(
        tokens: &[Token],
        paths: &[Path],
        lines: &[Line],
        window: Option<usize>,
        hidden: Option<&HiddenKeys>,
        device: &Device,
    ) -> Self {
        let position = |query: &usize| tokens[*query].position;
        let first_key = |own: &[usize]| match window {
            Some(window) => (position(&own[0]) + 1).saturating_sub(window),
            None => 0,
        };
        let queries = lines.iter().map(|(_, own)| own.len()).max().unwrap_or(0);
        let seen = |own: &[usize]| own.iter().map(position).max().unwrap_or(0) + 1 - first_key(own);
        let keys = lines.iter().map(|(_, own)| seen(own)).max().unwrap_or(0);
        let keys = if queries == 1 {
            keys.next_multiple_of(KEYS_AT_ONCE)
        } else {
            keys
        };
        let mut query_of_cell = vec![0; lines.len() * queries];
        let mut slot_of_cell = vec![0; lines.len() * keys];
        let mut cell_of_query = Vec::new();
        // As counted from the line's first key; -1 where a cell has no query.
        let mut positions = vec![-1; lines.len() * queries];
        for (line, (entry, own)) in lines.iter().enumerate() {
            let first = first_key(own);
            for (column, query) in own.iter().enumerate() {
                let cell = line * queries + column;
                query_of_cell[cell] = *query as i32;
                cell_of_query.push(cell as i32);
                positions[cell] = (position(query) - first) as i64;
            }
            let path = &paths[*entry];
            let seen = path.slots.iter().skip(first - path.first);
            for (key, slot) in seen.take(keys).enumerate() {
                slot_of_cell[line * keys + key] = slot.cast_signed();
            }
        }
        let shape = [lines.len(), 1, queries, keys];
        let mut numbers = mask(&positions, window, keys);
        if let Some(hidden) = hidden {
            for (line, (_, own)) in lines.iter().enumerate() {
                let first = first_key(own);
                for (column, query) in own.iter().enumerate() {
                    let start = (line * queries + column) * keys;
                    let cells = numbers[start..start + keys].iter_mut().enumerate();
                    let unseen = cells.filter(|(key, _)| hidden.hides(*query, first + key));
                    unseen.for_each(|(_, cell)| *cell = HIDDEN);
                }
            }
        }
        Padded {
            lines: lines.len(),
            queries,
            keys,
            query_of_cell: Gather::new(query_of_cell, device),
            slot_of_cell: Gather::new(slot_of_cell, device),
            cell_of_query: Gather::new(cell_of_query, device),
            mask: Tensor::from_data(TensorData::new(numbers, shape), (device, DType::F32)),
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

    /// `[lines, queries of a line, width]` back to `[queries of the grid, width]`.
    pub fn packed(&self, x: Tensor<3>) -> Tensor<2> {
        let width = x.dims()[2];
        self.cell_of_query
            .of(x.reshape([self.lines * self.queries, width]))
    }

    /// What is added to scores, `[lines, 1, queries, keys]`.
    pub fn mask(&self) -> Tensor<4> {
        self.mask.clone()
    }
}

/// 0 where a query sees a key, a large negative number where it doesn't. A query sees the keys at
/// its own position and before, at most `window` of them; positions are counted from the first key.
fn mask(positions: &[i64], window: Option<usize>, keys: usize) -> Vec<f32> {
    let window = window.map_or(i64::MAX, |window| window as i64);
    let sees = |position: i64, key: usize| {
        let distance = position - key as i64;
        distance >= 0 && distance < window
    };
    let of_query = |position: &i64| -> Vec<f32> {
        (0..keys)
            .map(|key| if sees(*position, key) { 0.0 } else { HIDDEN })
            .collect()
    };
    positions.iter().flat_map(of_query).collect()
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

    fn path(slots: Vec<u32>) -> Path {
        Path {
            first: 0,
            slots: slots.into(),
        }
    }

    /// One line per query, `1` where it sees the key; grid after grid.
    fn drawn(batch: &Batch, window: Option<usize>) -> Vec<String> {
        let paths = Paths::of(batch, 1);
        let grids = Grids::new(batch.tokens(), paths.rows(0), window, None, &Device::flex());
        let line = |seen: &[f32]| {
            seen.iter()
                .map(|seen| if *seen == 0.0 { '1' } else { '0' })
                .collect()
        };
        let lines = grids.grids.iter().flat_map(|grid| {
            let mask: Vec<f32> = grid.mask().into_data().try_into_vec().unwrap();
            mask.chunks(grid.keys).map(line).collect::<Vec<String>>()
        });
        lines.collect()
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

    #[test]
    fn a_single_token_has_a_grid_of_its_own_with_the_window_alone() {
        let mut batch = Batch::default();
        batch.push(0, 0, &[4, 5, 6]).unwrap();
        batch.push(1, 40, &[7]).unwrap();
        let slots = [vec![0, 1, 2], (3..44).collect()].map(path);
        for (window, keys, first) in [(None, 48, 3), (Some(20), 32, 24)] {
            let grids = Grids::new(batch.tokens(), &slots, window, None, &Device::flex());
            let shapes: Vec<[usize; 4]> = grids.grids.iter().map(|grid| grid.mask().dims()).collect();
            assert_eq!(shapes, [[1, 1, 3, 3], [1, 1, 1, keys]]);
            let slots = grids.grids[1]
                .slot_of_cell
                .rows
                .clone()
                .into_data()
                .convert::<i32>();
            let slots: Vec<i32> = slots.try_into_vec().unwrap();
            let seen = 44 - first;
            let expected: Vec<i32> = (first..44)
                .chain(std::iter::repeat_n(0, keys - seen as usize))
                .collect();
            assert_eq!(slots, expected);
            let mask: Vec<f32> = grids.grids[1].mask().into_data().try_into_vec().unwrap();
            assert_eq!(mask.iter().filter(|seen| **seen == 0.0).count(), seen as usize);
        }
    }

    #[test]
    fn queries_come_back_in_their_order() {
        let mut batch = Batch::default();
        batch.push(0, 3, &[9]).unwrap();
        batch.push(1, 0, &[4, 5, 6]).unwrap();
        batch.push(2, 2, &[8]).unwrap();
        let slots = [0..4, 4..7, 7..10].map(|slots: std::ops::Range<u32>| path(slots.collect()));
        let grids = Grids::new(batch.tokens(), &slots, None, None, &Device::flex());
        let x: Vec<f32> = (0..10).map(|index| index as f32).collect();
        let x = Tensor::<2>::from_data(TensorData::new(x, [5, 2]), &Device::flex());
        let back = grids.each(|grid| grid.packed(grid.queries(x.clone())));
        back.into_data().assert_eq(&x.into_data(), true);
    }
}
