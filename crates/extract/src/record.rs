use std::ops::Range;

use anyhow::{Result, bail};
use burn::tensor::{Int, Tensor, TensorData};
use model::{Batch, ResidualTap, Site, Token, read_numbers};

use crate::Wanted;

/// Keeps the wanted vectors of every layer, gathered inside the pass: a tensor of the size
/// [layers, tokens, hidden] is never held.
pub struct Record {
    batch: Batch,
    /// For each wanted vector its row, and the row's tokens whose residuals it is the mean of.
    wanted: Vec<(usize, Range<usize>)>,
    layers: Vec<Vec<f32>>,
    /// What else is read, and what was.
    sites: Vec<Site>,
    at_sites: Vec<(Site, usize, Vec<f32>)>,
    hidden: usize,
    /// The first reason why the device gave no numbers.
    problem: Option<model::Error>,
}

/// The vectors of one place in the model, one for each entry of `wanted`.
pub struct Recorded {
    /// None for the residual stream after the layer.
    pub site: Option<Site>,
    pub layer: usize,
    pub vectors: Vec<Vec<f32>>,
}

impl Record {
    /// `wanted` holds the same number of entries for each row of the batch, row by row. `sites` are
    /// read in addition to the residual stream after each layer.
    pub fn new(batch: &Batch, wanted: &[Wanted], sites: &[Site]) -> Self {
        let per_row = wanted.len() / batch.rows();
        let tokens = |(index, wanted): (usize, &Wanted)| {
            let row = index / per_row;
            match wanted {
                Wanted::Position(position) => (row, *position..position + 1),
                Wanted::MeanFrom(first) => (row, *first..batch.places(row).len()),
            }
        };
        Record {
            wanted: wanted.iter().enumerate().map(tokens).collect(),
            batch: batch.clone(),
            layers: Vec::new(),
            sites: sites.to_vec(),
            at_sites: Vec::new(),
            hidden: 0,
            problem: None,
        }
    }

    /// All places that contribute to some vector, in order: the last layer need not compute others.
    pub fn places(&self) -> Vec<usize> {
        let wanted = self.wanted.iter();
        sorted(wanted.flat_map(|(row, tokens)| &self.batch.places(*row)[tokens.clone()]))
    }

    /// Everything that was read: the layers in order, then the sites.
    ///
    /// # Errors
    /// A device that gave no numbers at some place.
    pub fn finish(self) -> Result<Vec<Recorded>> {
        if let Some(problem) = self.problem {
            return Err(problem.into());
        }
        let expected = self.wanted.len() * self.hidden;
        let layers = self.layers.into_iter().enumerate();
        let all: Vec<(Option<Site>, usize, Vec<f32>)> = layers
            .map(|(layer, values)| (None, layer, values))
            .chain(
                self.at_sites
                    .into_iter()
                    .map(|(site, layer, values)| (Some(site), layer, values)),
            )
            .collect();
        if all.is_empty() || all.iter().any(|(_, _, values)| values.len() != expected) {
            bail!("the model's residual stream could not be read");
        }
        let recorded = |(site, layer, values): (Option<Site>, usize, Vec<f32>)| Recorded {
            site,
            layer,
            vectors: values.chunks(self.hidden).map(<[f32]>::to_vec).collect(),
        };
        Ok(all.into_iter().map(recorded).collect())
    }

    /// The vectors of one layer, one after the other, where `layer` takes the tokens that `h` is
    /// of. Only the tokens that they are made of leave the device.
    fn gather(&self, layer: usize, tokens: &[Token], h: Tensor<2>) -> model::Result<Vec<f32>> {
        let of_wanted =
            |(row, tokens): &(usize, Range<usize>)| &self.batch.places_before(layer, *row)[tokens.clone()];
        let places = sorted(self.wanted.iter().flat_map(of_wanted));
        let index_of = |place: &usize| tokens.binary_search_by_key(place, |token| token.place);
        let indices: Vec<i32> = places
            .iter()
            .filter_map(|place| index_of(place).ok())
            .map(|index| index as i32)
            .collect();
        let count = indices.len();
        let indices = Tensor::<1, Int>::from_data(TensorData::new(indices, [count]), &h.device());
        let values = read_numbers(h.select(0, indices))?;
        if count != places.len() || values.len() != count * self.hidden {
            return Ok(Vec::new());
        }
        let residual = |place: &usize| {
            let index = places.binary_search(place).unwrap_or_default();
            &values[index * self.hidden..(index + 1) * self.hidden]
        };
        let mut gathered = Vec::with_capacity(self.wanted.len() * self.hidden);
        for wanted in &self.wanted {
            match of_wanted(wanted) {
                [place] => gathered.extend_from_slice(residual(place)),
                places => gathered.extend(mean(places.iter().map(residual), self.hidden)),
            }
        }
        Ok(gathered)
    }

    /// What was gathered; `finish` tells why, where the device gave nothing.
    fn or_problem(&mut self, gathered: model::Result<Vec<f32>>) -> Vec<f32> {
        gathered.unwrap_or_else(|problem| {
            self.problem.get_or_insert(problem);
            Vec::new()
        })
    }
}

/// Each place once, ascending.
fn sorted<'a>(places: impl Iterator<Item = &'a usize>) -> Vec<usize> {
    let mut places: Vec<usize> = places.copied().collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Summed in f64, so that long rows lose nothing.
fn mean<'a>(residuals: impl ExactSizeIterator<Item = &'a [f32]>, hidden: usize) -> Vec<f32> {
    let count = residuals.len() as f64;
    let mut sums = vec![0.0f64; hidden];
    for residual in residuals {
        for (sum, value) in sums.iter_mut().zip(residual) {
            *sum += f64::from(*value);
        }
    }
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}

impl ResidualTap for Record {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.hidden = h.dims()[1];
        let values = self.gather(layer + 1, tokens, h.clone());
        let values = self.or_problem(values);
        self.layers.push(values);
        h
    }

    fn wants_sites(&self) -> bool {
        !self.sites.is_empty()
    }

    fn site(&mut self, site: Site, layer: usize, tokens: &[Token], x: &Tensor<2>) {
        if self.sites.contains(&site) {
            self.hidden = x.dims()[1];
            let values = self.gather(layer, tokens, x.clone());
            let values = self.or_problem(values);
            self.at_sites.push((site, layer, values));
        }
    }
}
