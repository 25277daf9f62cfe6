//! What a text's tokens are at every place of the network.

use std::collections::HashMap;

use anyhow::{Context, Result};
use burn::tensor::Tensor;
use model::{Batch, Network, ResidualTap, Site, Token, read_numbers};

use crate::changes::Place;

/// The activations of one text.
#[derive(Debug, Default)]
pub struct Activations {
    /// By site and layer: the width, and the numbers token by token.
    sites: HashMap<(Site, usize), (usize, Vec<f32>)>,
    head_dims: Vec<usize>,
}

impl Activations {
    /// One pass over the text.
    ///
    /// # Errors
    /// What [`Network::forward`] refuses, and a device that gives no numbers.
    pub fn of(network: &Network, tokens: &[u32]) -> Result<Self> {
        let mut tap = Keep::default();
        network.forward(&Batch::of(&[tokens])?, None, &mut tap)?;
        if let Some(problem) = tap.problem {
            return Err(problem.into());
        }
        let layers = network.config().layers.iter();
        tap.kept.head_dims = layers.map(|layer| layer.head_dim).collect();
        Ok(tap.kept)
    }

    /// What the token at this position is at the place.
    ///
    /// # Errors
    /// A place that the network doesn't have.
    pub fn at(&self, place: Place, position: usize) -> Result<&[f32]> {
        let found = self.sites.get(&(place.site, place.layer));
        let (width, numbers) = found.with_context(|| {
            format!(
                "the model has no {} in layer {}",
                place.site.as_str(),
                place.layer
            )
        })?;
        let row = numbers.get(position * width..(position + 1) * width);
        let row = row.with_context(|| format!("the text has no token {position}"))?;
        let Some(head) = place.head else {
            return Ok(row);
        };
        let size = self.head_dims[place.layer];
        let own = row.get(head * size..(head + 1) * size);
        own.with_context(|| format!("layer {} has no head {head}", place.layer))
    }
}

#[derive(Default)]
struct Keep {
    kept: Activations,
    problem: Option<model::Error>,
}

impl Keep {
    fn keep(&mut self, site: Site, layer: usize, x: &Tensor<2>) {
        let width = x.dims()[1];
        match read_numbers(x.clone()) {
            Ok(numbers) => {
                // Long texts come in parts.
                let known = self.kept.sites.entry((site, layer));
                known.or_insert((width, Vec::new())).1.extend(numbers);
            }
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
    }
}

impl ResidualTap for Keep {
    fn residual(&mut self, layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        self.keep(Site::ResidualPost, layer, &h);
        h
    }

    fn wants_sites(&self) -> bool {
        true
    }

    fn site(&mut self, site: Site, layer: usize, _tokens: &[Token], x: &Tensor<2>) {
        self.keep(site, layer, x);
    }
}
