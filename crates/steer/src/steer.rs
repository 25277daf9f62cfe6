use std::sync::Arc;

use anyhow::{Result, anyhow};
use burn::tensor::{DType, Device, Int, Tensor, TensorData, activation};
use interventions::{FeatureReader, Form};
use model::{Forks, ResidualTap, Token, change_on_cpu};
use terms::Positions;

use crate::{Intervention, on_cpu};

/// Applies each row's own interventions, all rows of a pass at once.
///
/// Interventions of one row at one layer work one after the other, in the order given.
#[derive(Clone)]
pub struct Steer {
    layers: Arc<Vec<Vec<Slot>>>,
    forks: Forks,
    /// What tokens got last in this pass on a GPU, also as a tensor there: layers have mostly the same. Another pass can run
    /// on another thread, and burn's fusion loses tensors that two threads share before they have been computed.
    forms: Option<(Vec<usize>, Tensor<1, Int>)>,
}

/// The n-th intervention of every row at one layer, each in its [`Form`]. Rows without an n-th
/// intervention have v^ = 0 and offset = 0, and stay as they are to the last bit.
///
/// Tables hold each form once, however many rows have it; the first one is for rows without an
/// intervention.
struct Slot {
    forms: Vec<Form>,
    /// `[forms, hidden]`, none where nothing is projected out.
    units: Option<Tensor<2>>,
    /// Present where some form has a reader.
    readers: Option<Readers>,
    /// `[forms, hidden]`
    offsets: Tensor<2>,
    /// `[forms, 1]`, present where some form has a threshold: 1 for those that do, and the
    /// thresholds.
    capping: Option<(Tensor<2>, Tensor<2>)>,
    /// `[forms, 1]`, present where some form's gain is not 1.
    gains: Option<Tensor<2>>,
    /// For each row its form, and whether that works on the last position only.
    of_row: Vec<(usize, bool)>,
}

/// The readers of the forms that have one.
struct Readers {
    /// `[forms, hidden]`: their rows, and v^ of the other forms.
    rows: Tensor<2>,
    /// All `[forms, 1]`: 1 for forms with a reader, and its numbers.
    reads: Tensor<2>,
    gains: Tensor<2>,
    biases: Tensor<2>,
    thresholds: Tensor<2>,
}

impl Readers {
    /// For the same forms, in each row of `of`'s result.
    fn of_tokens(&self, of: &dyn Fn(&Tensor<2>) -> Tensor<2>) -> Readers {
        Readers {
            rows: of(&self.rows),
            reads: of(&self.reads),
            gains: of(&self.gains),
            biases: of(&self.biases),
            thresholds: of(&self.thresholds),
        }
    }

    /// Puts activations in the place of what would be taken out, for forms with a reader; both products and
    /// result are `[tokens, 1]`.
    fn activations(self, products: Tensor<2>, removed: Tensor<2>) -> Tensor<2> {
        let is_off = products.clone().lower_equal(self.thresholds);
        let active = activation::relu(products.mul(self.gains).add(self.biases)).mask_fill(is_off, 0.0);
        let reads_none = self.reads.clone().neg().add_scalar(1.0);
        active.mul(self.reads).add(removed.mul(reads_none))
    }
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
                let checked = intervention.check(layers, hidden_size);
                checked.map_err(|error| anyhow!("row {index}: {error}"))?;
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
        let layers: Vec<Vec<Slot>> = (0..layers).map(slots).collect();
        let treatment = |layer: usize, row: usize, is_last| -> Vec<usize> {
            layers[layer]
                .iter()
                .map(|slot| slot.form_of(row, is_last))
                .collect()
        };
        let forks = Forks::new(layers.len(), rows.len(), treatment);
        Ok(Steer {
            layers: Arc::new(layers),
            forks,
            forms: None,
        })
    }
}

impl ResidualTap for Steer {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        if layer == 0 {
            self.forms = None;
        }
        let layers = self.layers.clone();
        layers[layer]
            .iter()
            .fold(h, |h, slot| slot.apply(tokens, h, &mut self.forms))
    }

    fn forks(&self) -> Forks {
        self.forks.clone()
    }
}

/// The place of the value among the known ones; a new value is appended.
fn place_of<'a>(distinct: &mut Vec<&'a Form>, value: &'a Form) -> usize {
    let known = distinct.iter().position(|known| *known == value);
    known.unwrap_or_else(|| {
        distinct.push(value);
        distinct.len() - 1
    })
}

impl Slot {
    fn new(rows: &[Option<&Intervention>], hidden_size: usize, device: &Device) -> Self {
        let mut forms = vec![&Form::IDENTITY];
        let of_row = rows.iter().map(|row| match row {
            Some(row) => (place_of(&mut forms, &row.form), row.positions == Positions::Last),
            None => (0, false),
        });
        let of_row = of_row.collect();
        let table = |width: usize, of: &dyn Fn(&Form) -> Vec<f32>| {
            let values: Vec<f32> = forms.iter().flat_map(|form| of(form)).collect();
            Tensor::<2>::from_data(
                TensorData::new(values, [forms.len(), width]),
                (device, DType::F32),
            )
        };
        let vectors = |of: fn(&Form) -> &Option<Vec<f32>>| {
            table(hidden_size, &|form| {
                of(form).clone().unwrap_or_else(|| vec![0.0; hidden_size])
            })
        };
        let projects = forms
            .iter()
            .any(|form| form.unit.iter().flatten().any(|value| *value != 0.0));
        let some_reader = forms.iter().any(|form| form.reader.is_some());
        let readers = || {
            let of_reader = |number: fn(&FeatureReader) -> f32| {
                table(1, &|form| vec![form.reader.as_ref().map_or(0.0, number)])
            };
            Readers {
                rows: table(hidden_size, &|form| {
                    form.reads()
                        .map_or_else(|| vec![0.0; hidden_size], <[f32]>::to_vec)
                }),
                reads: of_reader(|_| 1.0),
                gains: of_reader(|reader| reader.gain),
                biases: of_reader(|reader| reader.bias),
                thresholds: of_reader(|reader| reader.threshold),
            }
        };
        let caps = |form: &Form| vec![if form.threshold.is_some() { 1.0 } else { 0.0 }];
        let some_cap = forms.iter().any(|form| form.threshold.is_some());
        let some_gain = forms.iter().any(|form| form.gain != 1.0);
        Slot {
            forms: forms.iter().map(|form| (*form).clone()).collect(),
            units: projects.then(|| vectors(|form| &form.unit)),
            readers: some_reader.then(readers),
            offsets: vectors(|form| &form.offset),
            capping: some_cap.then(|| {
                let thresholds = table(1, &|form| vec![form.threshold.unwrap_or(0.0)]);
                (table(1, &caps), thresholds)
            }),
            gains: some_gain.then(|| table(1, &|form| vec![form.gain])),
            of_row,
        }
    }

    /// The form that a row's token gets: its last one in the pass, or one before.
    fn form_of(&self, row: usize, is_last: bool) -> usize {
        match self.of_row[row] {
            (_, true) if !is_last => 0,
            (form, _) => form,
        }
    }

    /// `known`: forms that are on the device already.
    fn apply(
        &self,
        tokens: &[Token],
        h: Tensor<2>,
        known: &mut Option<(Vec<usize>, Tensor<1, Int>)>,
    ) -> Tensor<2> {
        let form = |token: &Token| self.form_of(token.row, token.is_last);
        let forms: Vec<usize> = tokens.iter().map(form).collect();
        if forms.iter().all(|form| *form == 0) {
            return h;
        }
        let of_tokens: Vec<Option<&Form>> = forms
            .iter()
            .map(|form| (*form > 0).then(|| &self.forms[*form]))
            .collect();
        let changed = change_on_cpu(h, |h| on_cpu::apply(&of_tokens, h));
        changed.unwrap_or_else(|h| {
            let tensor = match known {
                Some((same, tensor)) if *same == forms => tensor.clone(),
                _ => known
                    .insert((forms.clone(), as_tensor(&forms, &h.device())))
                    .1
                    .clone(),
            };
            self.apply_by_backend(tensor, h)
        })
    }

    /// The forms of all tokens on `h: [tokens, hidden]`, on any device.
    fn apply_by_backend(&self, forms: Tensor<1, Int>, h: Tensor<2>) -> Tensor<2> {
        let of_tokens = |table: &Tensor<2>| table.clone().select(0, forms.clone());
        let dtype = h.dtype();
        let h = to_dtype(h, DType::F32);
        let mut change = of_tokens(&self.offsets);
        if let Some(units) = &self.units {
            let units = of_tokens(units);
            let readers = self.readers.as_ref().map(|readers| readers.of_tokens(&of_tokens));
            let reads = readers
                .as_ref()
                .map_or_else(|| units.clone(), |readers| readers.rows.clone());
            let projection = h.clone().mul(reads).sum_dim(1);
            let removed = match &self.capping {
                Some((caps, thresholds)) => {
                    removed(projection.clone(), of_tokens(caps), of_tokens(thresholds))
                }
                None => projection.clone(),
            };
            let removed = match readers {
                Some(readers) => readers.activations(projection, removed),
                None => removed,
            };
            // A factor of 1 changes no row's bits, so it can be left out where all rows have it.
            let removed = match &self.gains {
                Some(gains) => removed.mul(of_tokens(gains)),
                None => removed,
            };
            change = change.sub(removed.mul(units));
        }
        to_dtype(h.add(change), dtype)
    }
}

fn as_tensor(forms: &[usize], device: &Device) -> Tensor<1, Int> {
    let forms: Vec<i32> = forms.iter().map(|form| *form as i32).collect();
    let count = forms.len();
    Tensor::from_data(TensorData::new(forms, [count]), device)
}

/// How much of the unit direction is taken out: the part above the threshold if the form has one,
/// else all of it. All are `[tokens, 1]`.
fn removed(projection: Tensor<2>, caps: Tensor<2>, thresholds: Tensor<2>) -> Tensor<2> {
    let excess = activation::relu(projection.clone().sub(thresholds));
    let keeps_all = caps.clone().neg().add_scalar(1.0);
    excess.mul(caps).add(projection.mul(keeps_all))
}

fn to_dtype(x: Tensor<2>, dtype: DType) -> Tensor<2> {
    if x.dtype() == dtype { x } else { x.cast(dtype) }
}

#[cfg(test)]
mod tests {
    use interventions::feature_clamping;

    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        let number = |index: usize| ((index * 37 + seed * 101) as f32 * 0.71).sin();
        (0..count).map(number).collect()
    }

    /// Whatever the forms of a pass, plain loops give the bits of the backend's operations.
    #[test]
    fn plain_loops_equal_the_operations_of_tensors() {
        const WIDTH: usize = 100;
        let unit = Some(numbers(WIDTH, 1).iter().map(|value| value * 0.14).collect());
        let offset = Some(numbers(WIDTH, 2));
        let taking = |gain, threshold, offset: &Option<Vec<f32>>| Form {
            unit: unit.clone(),
            reader: None,
            gain,
            threshold,
            offset: offset.clone(),
        };
        // Of the tokens below, one feature is active in some and the other in all.
        let clamping = |threshold, value| {
            let reader = FeatureReader {
                row: numbers(WIDTH, 5),
                gain: 1.3,
                bias: 0.7,
                threshold,
            };
            feature_clamping(&numbers(WIDTH, 6), &reader, value)
        };
        let forms = [
            Form::adding(numbers(WIDTH, 3)),
            taking(1.0, None, &None),
            taking(1.0, None, &offset),
            taking(0.3, None, &None),
            taking(1.0, Some(-2.0), &None),
            taking(1.0, Some(0.5), &None),
            taking(1.7, Some(-0.5), &offset),
            clamping(0.0, 2.0),
            clamping(-1e3, 0.0),
        ];
        let rows: Vec<Option<Intervention>> = forms
            .into_iter()
            .map(|form| Some(Intervention::new(0, Positions::All, form)))
            .chain([None])
            .collect();
        let rows: Vec<Option<&Intervention>> = rows.iter().map(Option::as_ref).collect();
        for used in [&rows[..1], &rows[..3], &rows[3..], &rows[..]] {
            let slot = Slot::new(used, WIDTH, &Device::flex());
            let tokens: Vec<usize> = (0..3 * used.len())
                .map(|token| slot.form_of(token % used.len(), false))
                .collect();
            let h = Tensor::<2>::from_data(
                TensorData::new(numbers(tokens.len() * WIDTH, 4), [tokens.len(), WIDTH]),
                (&Device::flex(), DType::F32),
            );
            let bits = |h: Tensor<2>| -> Vec<u32> {
                let values: Vec<f32> = h.into_data().try_into_vec().unwrap();
                values.into_iter().map(f32::to_bits).collect()
            };
            let by_backend = slot.apply_by_backend(as_tensor(&tokens, &Device::flex()), h.clone());
            let of_tokens: Vec<Option<&Form>> = tokens
                .iter()
                .map(|form| (*form > 0).then(|| &slot.forms[*form]))
                .collect();
            let changed = change_on_cpu(h.clone(), |h| on_cpu::apply(&of_tokens, h)).unwrap();
            assert_ne!(bits(h), bits(changed.clone()));
            assert_eq!(bits(changed), bits(by_backend));
        }
    }
}
