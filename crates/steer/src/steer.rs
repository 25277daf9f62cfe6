use anyhow::{Context, Result};
use burn::tensor::{DType, Device, Tensor, TensorData, activation};
use model::ResidualTap;

use crate::{Intervention, Operation, Positions};

/// Applies each row's own interventions, all rows of a batch at once. Rows are padded on the left, so that the
/// last index of a pass is every row's newest token.
///
/// Interventions of one row at one layer work one after the other, in the order given.
pub struct Steer {
    layers: Vec<Vec<Slot>>,
}

/// The n-th intervention of every row at one layer. Every operation has the form
/// `h - g(h.v^) v^ + offset`, with g = 0, the identity, or `max(. - threshold, 0)`; rows without an n-th
/// intervention have v^ = 0 and offset = 0, and stay as they are to the last bit.
struct Slot {
    /// `[rows, 1, hidden]`, zero where nothing is projected out.
    unit: Option<Tensor<3>>,
    /// `[rows, 1, hidden]`
    offset: Tensor<3>,
    /// `[rows, 1, 1]`, present where some row caps: 1 for capping rows, and the thresholds.
    capping: Option<(Tensor<3>, Tensor<3>)>,
    last_only: Vec<bool>,
}

impl Steer {
    /// One list of interventions for each row of the batch.
    pub fn new(
        rows: &[Vec<Intervention>],
        layers: usize,
        hidden_size: usize,
        device: &Device,
    ) -> Result<Self> {
        for (index, row) in rows.iter().enumerate() {
            for intervention in row {
                intervention
                    .check(layers, hidden_size)
                    .with_context(|| format!("row {index}"))?;
            }
        }
        let slots = |layer: usize| {
            let of_layer: Vec<Vec<&Intervention>> = rows
                .iter()
                .map(|row| {
                    row.iter()
                        .filter(|intervention| intervention.layer == layer)
                        .collect()
                })
                .collect();
            let depth = of_layer.iter().map(Vec::len).max().unwrap_or(0);
            let slot = |nth: usize| {
                let nth: Vec<Option<&Intervention>> =
                    of_layer.iter().map(|row| row.get(nth).copied()).collect();
                Slot::new(&nth, hidden_size, device)
            };
            (0..depth).map(slot).collect()
        };
        Ok(Steer {
            layers: (0..layers).map(slots).collect(),
        })
    }
}

impl ResidualTap for Steer {
    fn residual(&mut self, layer: usize, h: Tensor<3>) -> Tensor<3> {
        self.layers[layer].iter().fold(h, |h, slot| slot.apply(h))
    }
}

impl Slot {
    fn new(rows: &[Option<&Intervention>], hidden_size: usize, device: &Device) -> Self {
        let (mut units, mut offsets) = (Vec::new(), Vec::new());
        let (mut caps, mut thresholds) = (Vec::new(), Vec::new());
        for row in rows {
            let parts = row.map_or_else(
                || Parts::nothing(hidden_size),
                |intervention| Parts::of(&intervention.operation),
            );
            units.extend(parts.unit);
            offsets.extend(parts.offset);
            caps.push(if parts.threshold.is_some() { 1.0 } else { 0.0 });
            thresholds.push(parts.threshold.unwrap_or(0.0));
        }
        let tensor = |values: Vec<f32>, width: usize| {
            Tensor::<3>::from_data(
                TensorData::new(values, [rows.len(), 1, width]),
                (device, DType::F32),
            )
        };
        let projects = units.iter().any(|value| *value != 0.0);
        let some_cap = caps.contains(&1.0);
        Slot {
            unit: projects.then(|| tensor(units, hidden_size)),
            offset: tensor(offsets, hidden_size),
            capping: some_cap.then(|| (tensor(caps, 1), tensor(thresholds, 1))),
            last_only: rows
                .iter()
                .map(|row| row.is_some_and(|row| row.positions == Positions::Last))
                .collect(),
        }
    }

    fn apply(&self, h: Tensor<3>) -> Tensor<3> {
        let dtype = h.dtype();
        let h = if dtype == DType::F32 {
            h
        } else {
            h.cast(DType::F32)
        };
        let mut change = self.offset.clone();
        if let Some(unit) = &self.unit {
            let projection = h.clone().mul(unit.clone()).sum_dim(2);
            change = change.sub(self.removed(projection).mul(unit.clone()));
        }
        let steered = match self.position_weights(&h) {
            Some(weights) => h.add(change.mul(weights)),
            None => h.add(change),
        };
        if dtype == DType::F32 {
            steered
        } else {
            steered.cast(dtype)
        }
    }

    /// How much of the unit direction is taken out, from the projections `[rows, width, 1]`.
    fn removed(&self, projection: Tensor<3>) -> Tensor<3> {
        let Some((caps, thresholds)) = &self.capping else {
            return projection;
        };
        let excess = activation::relu(projection.clone().sub(thresholds.clone()));
        let keeps_all = caps.clone().neg().add_scalar(1.0);
        excess.mul(caps.clone()).add(projection.mul(keeps_all))
    }

    /// 1 where the intervention works and 0 elsewhere, `[rows, width, 1]`; none where it works everywhere.
    fn position_weights(&self, h: &Tensor<3>) -> Option<Tensor<3>> {
        let [rows, width, _] = h.dims();
        if width == 1 || !self.last_only.contains(&true) {
            return None;
        }
        let weight = |row: usize, position: usize| {
            if self.last_only[row] && position + 1 < width {
                0.0
            } else {
                1.0
            }
        };
        let weights: Vec<f32> = (0..rows)
            .flat_map(|row| (0..width).map(move |position| weight(row, position)))
            .collect();
        Some(Tensor::from_data(
            TensorData::new(weights, [rows, width, 1]),
            (&h.device(), DType::F32),
        ))
    }
}

/// One operation in the common form.
struct Parts {
    unit: Vec<f32>,
    offset: Vec<f32>,
    threshold: Option<f32>,
}

impl Parts {
    fn nothing(hidden_size: usize) -> Self {
        Parts {
            unit: vec![0.0; hidden_size],
            offset: vec![0.0; hidden_size],
            threshold: None,
        }
    }

    fn of(operation: &Operation) -> Self {
        let zeros = |direction: &[f32]| vec![0.0; direction.len()];
        match operation {
            Operation::Addition {
                direction,
                coefficient,
            } => Parts {
                unit: zeros(direction),
                offset: scaled(direction, *coefficient),
                threshold: None,
            },
            Operation::Ablation {
                direction,
                coefficient,
            } => Parts {
                unit: unit(direction),
                offset: scaled(direction, *coefficient),
                threshold: None,
            },
            Operation::MeanAblation { direction, mean } => Parts {
                unit: unit(direction),
                offset: mean.clone(),
                threshold: None,
            },
            Operation::Capping { direction, threshold } => Parts {
                unit: unit(direction),
                offset: zeros(direction),
                threshold: Some(*threshold as f32),
            },
        }
    }
}

fn scaled(direction: &[f32], coefficient: f64) -> Vec<f32> {
    direction.iter().map(|value| value * coefficient as f32).collect()
}

/// `v / (||v|| + 1e-8)`
fn unit(direction: &[f32]) -> Vec<f32> {
    let norm = direction
        .iter()
        .map(|value| f64::from(*value).powi(2))
        .sum::<f64>()
        .sqrt()
        + 1e-8;
    direction
        .iter()
        .map(|value| (f64::from(*value) / norm) as f32)
        .collect()
}
