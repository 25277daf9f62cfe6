use anyhow::{Context, Result};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation};
use model::{ResidualTap, Token};

use crate::{Intervention, Operation, Positions};

/// Applies each row's own interventions, all rows of a pass at once.
///
/// Interventions of one row at one layer work one after the other, in the order given.
pub struct Steer {
    layers: Vec<Vec<Slot>>,
    /// For each row a number that rows with the same interventions have in common.
    groups: Vec<usize>,
}

/// The n-th intervention of every row at one layer. Every operation has the form
/// `h - g(h.v^) v^ + offset`, with g = 0, the identity, or `max(. - threshold, 0)`; rows without an n-th
/// intervention have v^ = 0 and offset = 0, and stay as they are to the last bit.
///
/// Tables hold each operation once, however many rows have it; the first one is that of rows without.
struct Slot {
    /// `[operations, hidden]`, none where nothing is projected out.
    units: Option<Tensor<2>>,
    /// `[operations, hidden]`
    offsets: Tensor<2>,
    /// `[operations, 1]`, present where some operation caps: 1 for those that do, and the thresholds.
    capping: Option<(Tensor<2>, Tensor<2>)>,
    /// For each row its operation, and whether that works on the last position only.
    of_row: Vec<(usize, bool)>,
}

impl Steer {
    /// One list of interventions for each row.
    pub fn new(
        rows: &[impl AsRef<[Intervention]>],
        layers: usize,
        hidden_size: usize,
        device: &Device,
    ) -> Result<Self> {
        let rows: Vec<&[Intervention]> = rows.iter().map(AsRef::as_ref).collect();
        for (index, row) in rows.iter().enumerate() {
            for intervention in *row {
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
        let mut distinct = Vec::new();
        Ok(Steer {
            layers: (0..layers).map(slots).collect(),
            groups: rows.iter().map(|row| place_in(&mut distinct, row)).collect(),
        })
    }
}

impl ResidualTap for Steer {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.layers[layer].iter().fold(h, |h, slot| slot.apply(tokens, h))
    }

    fn group(&self, row: usize) -> usize {
        self.groups[row]
    }
}

/// Where the value is among those that were there before; if it was not, at the end from now on.
fn place_in<'a, T: PartialEq + ?Sized>(distinct: &mut Vec<&'a T>, value: &'a T) -> usize {
    let known = distinct.iter().position(|known| *known == value);
    known.unwrap_or_else(|| {
        distinct.push(value);
        distinct.len() - 1
    })
}

impl Slot {
    fn new(rows: &[Option<&Intervention>], hidden_size: usize, device: &Device) -> Self {
        let mut operations = Vec::new();
        let of_row = rows.iter().map(|row| match row {
            Some(row) => (
                1 + place_in(&mut operations, &row.operation),
                row.positions == Positions::Last,
            ),
            None => (0, false),
        });
        let of_row = of_row.collect();
        let mut parts = vec![Parts::nothing(hidden_size)];
        parts.extend(operations.into_iter().map(Parts::of));
        let table = |width: usize, of: &dyn Fn(&Parts) -> Vec<f32>| {
            let values: Vec<f32> = parts.iter().flat_map(of).collect();
            Tensor::<2>::from_data(
                TensorData::new(values, [parts.len(), width]),
                (device, DType::F32),
            )
        };
        let projects = parts
            .iter()
            .any(|parts| parts.unit.iter().any(|value| *value != 0.0));
        let caps = |parts: &Parts| vec![if parts.threshold.is_some() { 1.0 } else { 0.0 }];
        let some_cap = parts.iter().any(|parts| parts.threshold.is_some());
        Slot {
            units: projects.then(|| table(hidden_size, &|parts| parts.unit.clone())),
            offsets: table(hidden_size, &|parts| parts.offset.clone()),
            capping: some_cap.then(|| {
                let thresholds = table(1, &|parts| vec![parts.threshold.unwrap_or(0.0)]);
                (table(1, &caps), thresholds)
            }),
            of_row,
        }
    }

    fn apply(&self, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let operation = |token: &Token| match self.of_row[token.row] {
            (_, true) if !token.is_last => 0,
            (operation, _) => operation as i32,
        };
        let operations: Vec<i32> = tokens.iter().map(operation).collect();
        if operations.iter().all(|operation| *operation == 0) {
            return h;
        }
        let operations = TensorData::new(operations, [tokens.len()]);
        let operations = Tensor::<1, Int>::from_data(operations, &h.device());
        let of_tokens = |table: &Tensor<2>| table.clone().select(0, operations.clone());
        let dtype = h.dtype();
        let h = to_dtype(h, DType::F32);
        let mut change = of_tokens(&self.offsets);
        if let Some(units) = &self.units {
            let units = of_tokens(units);
            let projection = h.clone().mul(units.clone()).sum_dim(1);
            let removed = match &self.capping {
                Some((caps, thresholds)) => removed(projection, of_tokens(caps), of_tokens(thresholds)),
                None => projection,
            };
            change = change.sub(removed.mul(units));
        }
        to_dtype(h.add(change), dtype)
    }
}

/// How much of the unit direction is taken out: what lies above the threshold where the operation caps, else all. All
/// are `[tokens, 1]`.
fn removed(projection: Tensor<2>, caps: Tensor<2>, thresholds: Tensor<2>) -> Tensor<2> {
    let excess = activation::relu(projection.clone().sub(thresholds));
    let keeps_all = caps.clone().neg().add_scalar(1.0);
    excess.mul(caps).add(projection.mul(keeps_all))
}

fn to_dtype(x: Tensor<2>, dtype: DType) -> Tensor<2> {
    if x.dtype() == dtype { x } else { x.cast(dtype) }
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
