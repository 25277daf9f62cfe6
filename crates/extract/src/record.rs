use std::ops::Range;

use anyhow::{Result, bail};
use burn::tensor::{Device, Int, Tensor, TensorData};
use model::{Batch, ResidualTap, Site, Token, read_all};

use crate::Wanted;

/// Keeps the wanted vectors of every layer, gathered inside the pass: a tensor of the size
/// [layers, tokens, hidden] is never held. A GPU keeps its own until they are many or the pass is over, and is
/// waited for once then.
pub struct Record {
    batch: Batch,
    /// For each wanted vector its row, and the row's tokens whose residuals it is the mean of.
    wanted: Vec<(usize, Range<usize>)>,
    layers: Vec<Vec<f32>>,
    /// What else is read, and what was.
    sites: Vec<Site>,
    at_sites: Vec<(Site, usize, Vec<f32>)>,
    hidden: usize,
    /// What was gathered on a device and not read yet, and the bytes that it has.
    waiting: Vec<Taken>,
    waiting_bytes: usize,
    /// The tokens that were gathered last, by their indices, also as a tensor: layers have mostly the same.
    gathered: Option<(Vec<i32>, Tensor<1, Int>)>,
    /// The first reason why the device gave no numbers.
    problem: Option<model::Error>,
}

/// The residuals of one place in the model that the wanted vectors are made of.
struct Taken {
    /// None for the residual stream after the layer.
    site: Option<Site>,
    layer: usize,
    /// Which layer takes these tokens.
    taken_by: usize,
    /// The places of the tokens in the batch, ascending.
    places: Vec<usize>,
    /// `[places, hidden]`
    residuals: Tensor<2>,
}

/// Bytes of residuals that wait on a device at most before they are read.
const WAITING: usize = 1 << 24;

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
                Wanted::Mean { first, end } => (row, *first..*end),
            }
        };
        Record {
            wanted: wanted.iter().enumerate().map(tokens).collect(),
            batch: batch.clone(),
            layers: Vec::new(),
            sites: sites.to_vec(),
            at_sites: Vec::new(),
            hidden: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
            gathered: None,
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
    pub fn finish(mut self) -> Result<Vec<Recorded>> {
        self.read_waiting();
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

    /// Takes the residuals that the vectors of a place are made of, where the layer `taken_by` takes the tokens that `h` is
    /// of. Only these leave the device.
    fn take(&mut self, site: Option<Site>, layer: usize, taken_by: usize, tokens: &[Token], h: Tensor<2>) {
        self.hidden = h.dims()[1];
        let places = sorted(
            self.wanted
                .iter()
                .flat_map(|wanted| self.of_wanted(taken_by, wanted)),
        );
        let index_of = |place: &usize| tokens.binary_search_by_key(place, |token| token.place);
        let indices: Vec<i32> = places
            .iter()
            .filter_map(|place| index_of(place).ok())
            .map(|index| index as i32)
            .collect();
        let is_here = h.device() == Device::flex();
        let residuals = h.clone().select(0, self.as_tensor(indices, &h.device()));
        self.waiting_bytes += residuals.dims()[0] * self.hidden * residuals.dtype().size();
        self.waiting.push(Taken {
            site,
            layer,
            taken_by,
            places,
            residuals,
        });
        if is_here || self.waiting_bytes > WAITING {
            self.read_waiting();
        }
    }

    /// The indices on the device, where those before are mostly.
    fn as_tensor(&mut self, indices: Vec<i32>, device: &Device) -> Tensor<1, Int> {
        if let Some((known, tensor)) = &self.gathered
            && *known == indices
        {
            return tensor.clone();
        }
        let data = TensorData::new(indices.clone(), [indices.len()]);
        let tensor = Tensor::<1, Int>::from_data(data, device);
        self.gathered = Some((indices, tensor.clone()));
        tensor
    }

    /// Reads all that waits, for which the device is waited for once, and makes the vectors.
    fn read_waiting(&mut self) {
        self.waiting_bytes = 0;
        let waiting = std::mem::take(&mut self.waiting);
        let residuals = waiting.iter().map(|taken| taken.residuals.clone()).collect();
        let read = read_all(residuals).unwrap_or_else(|problem| {
            self.problem.get_or_insert(problem);
            Vec::new()
        });
        for (taken, values) in waiting.iter().zip(read) {
            let vectors = self.vectors(taken, &values);
            match taken.site {
                None => self.layers.push(vectors),
                Some(site) => self.at_sites.push((site, taken.layer, vectors)),
            }
        }
    }

    /// The wanted vectors of a place, one after the other; none if some residual is missing.
    fn vectors(&self, taken: &Taken, values: &[f32]) -> Vec<f32> {
        if values.len() != taken.places.len() * self.hidden {
            return Vec::new();
        }
        let residual = |place: &usize| {
            let index = taken.places.binary_search(place).unwrap_or_default();
            &values[index * self.hidden..(index + 1) * self.hidden]
        };
        let mut vectors = Vec::with_capacity(self.wanted.len() * self.hidden);
        for wanted in &self.wanted {
            match self.of_wanted(taken.taken_by, wanted) {
                [place] => vectors.extend_from_slice(residual(place)),
                places => vectors.extend(mean(places.iter().map(residual), self.hidden)),
            }
        }
        vectors
    }

    /// The places of the tokens whose residuals a vector is the mean of.
    fn of_wanted(&self, taken_by: usize, (row, tokens): &(usize, Range<usize>)) -> &[usize] {
        &self.batch.places_before(taken_by, *row)[tokens.clone()]
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
        self.take(None, layer, layer + 1, tokens, h.clone());
        h
    }

    fn wants_sites(&self) -> bool {
        !self.sites.is_empty()
    }

    fn site(&mut self, site: Site, layer: usize, tokens: &[Token], x: &Tensor<2>) {
        if self.sites.contains(&site) {
            self.take(Some(site), layer, layer, tokens, x.clone());
        }
    }
}
