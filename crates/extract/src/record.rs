use anyhow::{Result, bail};
use burn::tensor::{DType, Int, Tensor, TensorData};
use model::ResidualTap;

use crate::Wanted;

/// Keeps the wanted vectors of every layer, gathered inside the pass: nothing of the size
/// [layers, rows, positions, hidden] is ever held.
pub struct Record {
    rows: usize,
    width: usize,
    wanted_per_row: usize,
    wanted: Vec<Wanted>,
    lengths: Vec<usize>,
    layers: Vec<Vec<f32>>,
    hidden: usize,
}

impl Record {
    /// For right-padded rows. `wanted` holds the same number of entries for each row, row by row.
    pub fn new(rows: &[Vec<u32>], wanted: &[Wanted], wanted_per_row: usize) -> Self {
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let width = lengths.iter().copied().max().unwrap_or(0);
        Record {
            rows: rows.len(),
            width,
            wanted_per_row,
            wanted: wanted.to_vec(),
            lengths,
            layers: Vec::new(),
            hidden: 0,
        }
    }

    /// For each layer, one vector for each entry of `wanted`.
    pub fn finish(self) -> Result<Vec<Vec<Vec<f32>>>> {
        let expected = self.wanted.len() * self.hidden;
        if self.layers.is_empty() || self.layers.iter().any(|values| values.len() != expected) {
            bail!("the model's residual stream could not be read");
        }
        Ok(self
            .layers
            .iter()
            .map(|values| values.chunks(self.hidden).map(<[f32]>::to_vec).collect())
            .collect())
    }

    /// One row of weights over the flat positions for each wanted vector would be a large, empty matrix; so single
    /// positions are selected, and only means are summed.
    fn gather(&self, h: Tensor<3>) -> Vec<f32> {
        let [rows, width, hidden] = h.dims();
        let device = h.device();
        let flat = h.clone().reshape([rows * width, hidden]);
        let positions: Vec<i32> = self
            .wanted
            .iter()
            .enumerate()
            .map(|(index, wanted)| {
                let row = index / self.wanted_per_row;
                match wanted {
                    Wanted::Position(position) => (row * width + position) as i32,
                    Wanted::Mean => (row * width) as i32,
                }
            })
            .collect();
        let positions = Tensor::<1, Int>::from_data(TensorData::new(positions, [self.wanted.len()]), &device);
        let mut values = numbers(flat.select(0, positions));
        if self.wanted.contains(&Wanted::Mean) {
            let means = numbers(self.means(h));
            for (index, _) in self
                .wanted
                .iter()
                .enumerate()
                .filter(|(_, wanted)| **wanted == Wanted::Mean)
            {
                let row = index / self.wanted_per_row;
                values[index * hidden..(index + 1) * hidden]
                    .copy_from_slice(&means[row * hidden..(row + 1) * hidden]);
            }
        }
        values
    }

    /// `[rows, hidden]`: the mean over each row's own tokens.
    fn means(&self, h: Tensor<3>) -> Tensor<2> {
        let [rows, width, hidden] = h.dims();
        let weight = |row: usize, position: usize| {
            if position < self.lengths[row] {
                1.0 / self.lengths[row] as f32
            } else {
                0.0
            }
        };
        let weights: Vec<f32> = (0..rows)
            .flat_map(|row| (0..width).map(move |position| weight(row, position)))
            .collect();
        let weights = Tensor::<3>::from_data(
            TensorData::new(weights, [rows, width, 1]),
            (&h.device(), DType::F32),
        );
        h.cast(DType::F32).mul(weights).sum_dim(1).reshape([rows, hidden])
    }
}

impl ResidualTap for Record {
    fn residual(&mut self, _layer: usize, h: Tensor<3>) -> Tensor<3> {
        debug_assert_eq!(h.dims()[..2], [self.rows, self.width]);
        self.hidden = h.dims()[2];
        let values = self.gather(h.clone());
        self.layers.push(values);
        h
    }
}

/// Reading fails only where a device was lost; `finish` then finds too few numbers.
fn numbers(tensor: Tensor<2>) -> Vec<f32> {
    tensor
        .cast(DType::F32)
        .try_into_data()
        .ok()
        .and_then(|data| data.try_into_vec().ok())
        .unwrap_or_default()
}
