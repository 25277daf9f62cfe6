//! The tap: what is put in the place of activations, and which keys are hidden, row by row.

use std::collections::HashSet;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use burn::tensor::{DType, Tensor, TensorData};
use model::{Forks, Parting, ResidualTap, Site, Token, change_on_cpu};

/// A place in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The residual stream after a layer, what attention or the feed-forward adds, or heads.
    pub site: Site,
    /// 0-based.
    pub layer: usize,
    /// Of [`Site::HeadOutputs`]: which head.
    pub head: Option<usize>,
}

/// What is done to a row.
#[derive(Clone, Debug)]
pub enum Change {
    /// Other activations are put in at a place.
    Values {
        /// Where.
        place: Place,
        /// By position; each as wide as the place.
        values: Vec<(usize, Arc<[f32]>)>,
    },
    /// In these layers, queries at a position or a later one don't see some keys.
    Hidden {
        /// 0-based.
        layers: RangeInclusive<usize>,
        /// The first query that this concerns.
        queries_from: usize,
        /// Positions of the keys.
        keys: Vec<usize>,
    },
}

impl Change {
    /// Where the row parts from others; `change` is a number that only rows with this very change have.
    fn parting(&self, change: usize) -> Option<Parting> {
        let (before_layer, position) = match self {
            Change::Values { place, values } => {
                // What is changed inside of a layer is changed in tokens that the layer takes.
                let after = usize::from(place.site == Site::ResidualPost);
                let first = values.iter().map(|(position, _)| *position).min()?;
                (place.layer + after, first)
            }
            Change::Hidden {
                layers, queries_from, ..
            } => (*layers.start(), *queries_from),
        };
        Some(Parting {
            before_layer,
            position,
            change,
        })
    }
}

/// Applies each row's own change; a row is one of as many in turn as there are texts for each change.
#[derive(Clone)]
pub struct Changes {
    changes: Arc<Vec<Change>>,
    rows_of_change: usize,
    /// Which sites and layers have a change.
    places: Arc<HashSet<(Site, usize)>>,
    /// `[heads * head_dim]` of each layer is cut into pieces of this size.
    head_dims: Arc<Vec<usize>>,
    forks: Forks,
}

impl Changes {
    /// Rows `0..rows_of_change` are left as they are; then each change has as many rows. `head_dims`:
    /// of each layer.
    pub fn new(changes: Vec<Change>, rows_of_change: usize, head_dims: Vec<usize>) -> Self {
        let unchanged = std::iter::repeat_n(None, rows_of_change);
        let partings = changes
            .iter()
            .enumerate()
            .flat_map(|(number, change)| std::iter::repeat_n(change.parting(number), rows_of_change));
        let partings: Vec<Option<Parting>> = unchanged.chain(partings).collect();
        let places = changes.iter().filter_map(|change| match change {
            Change::Values { place, .. } => Some((place.site, place.layer)),
            Change::Hidden { .. } => None,
        });
        Changes {
            places: Arc::new(places.collect()),
            rows_of_change,
            head_dims: Arc::new(head_dims),
            forks: Forks::of_partings(&partings),
            changes: Arc::new(changes),
        }
    }

    fn of_row(&self, row: usize) -> Option<&Change> {
        let number = (row / self.rows_of_change).checked_sub(1)?;
        self.changes.get(number)
    }

    /// For each token that has other values here: its index, which of its numbers these are, and the
    /// values.
    fn found(&self, site: Site, layer: usize, tokens: &[Token]) -> Vec<(usize, Range<usize>, &[f32])> {
        let mut found = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let Some(Change::Values { place, values }) = self.of_row(token.row) else {
                continue;
            };
            if (place.site, place.layer) != (site, layer) {
                continue;
            }
            let own = values.iter().find(|(position, _)| *position == token.position);
            if let Some((_, values)) = own {
                let first = place.head.map_or(0, |head| head * self.head_dims[layer]);
                found.push((index, first..first + values.len(), values.as_ref()));
            }
        }
        found
    }

    /// `x: [tokens, width]` with the other values in their places.
    fn put_in(&self, site: Site, layer: usize, tokens: &[Token], x: Tensor<2>) -> Tensor<2> {
        let found = self.found(site, layer, tokens);
        if found.is_empty() {
            return x;
        }
        let [count, width] = x.dims();
        let changed = change_on_cpu(x, |x| {
            for (index, range, values) in &found {
                x[index * width..][range.clone()].copy_from_slice(values);
            }
        });
        changed.unwrap_or_else(|x| {
            let (mut new, mut is_new) = (vec![0.0f32; count * width], vec![false; count * width]);
            for (index, range, values) in &found {
                new[index * width..][range.clone()].copy_from_slice(values);
                is_new[index * width..][range.clone()].fill(true);
            }
            let (device, dtype) = (x.device(), x.dtype());
            let new = Tensor::<2>::from_data(TensorData::new(new, [count, width]), (&device, DType::F32));
            let is_new = Tensor::from_data(TensorData::new(is_new, [count, width]), &device);
            x.mask_where(is_new, new.cast(dtype))
        })
    }
}

impl ResidualTap for Changes {
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        match self.changes(Site::ResidualPost, layer) {
            true => self.put_in(Site::ResidualPost, layer, tokens, h),
            false => h,
        }
    }

    fn changes(&self, site: Site, layer: usize) -> bool {
        self.places.contains(&(site, layer))
    }

    fn change(&mut self, site: Site, layer: usize, tokens: &[Token], x: Tensor<2>) -> Tensor<2> {
        self.put_in(site, layer, tokens, x)
    }

    fn hides_keys(&self, layer: usize) -> bool {
        let hides =
            |change: &Change| matches!(change, Change::Hidden { layers, .. } if layers.contains(&layer));
        self.changes.iter().any(hides)
    }

    fn hides(&self, layer: usize, query: &Token, position: usize) -> bool {
        match self.of_row(query.row) {
            Some(Change::Hidden {
                layers,
                queries_from,
                keys,
            }) => layers.contains(&layer) && query.position >= *queries_from && keys.contains(&position),
            _ => false,
        }
    }

    fn forks(&self) -> Forks {
        self.forks.clone()
    }
}
