//! How many prompts the contrast tells apart, counted while the projections are read.

use std::collections::HashMap;

use artifacts::{Contrast, Projection};

/// For each layer and prompt the projections in the two conditions of the contrast: positive, negative.
#[derive(Debug)]
pub struct Separation<'a> {
    contrast: &'a Contrast,
    places: HashMap<&'a str, usize>,
    /// `[layer][prompt]`; not a number where the table has no such row, which is no side of any comparison.
    sides: Vec<Vec<[f64; 2]>>,
}

impl<'a> Separation<'a> {
    pub fn new(contrast: &'a Contrast, prompts: &[&'a str], layers: usize) -> Self {
        Separation {
            contrast,
            places: prompts
                .iter()
                .enumerate()
                .map(|(place, id)| (*id, place))
                .collect(),
            sides: vec![vec![[f64::NAN; 2]; prompts.len()]; layers],
        }
    }

    pub fn add(&mut self, row: &Projection) {
        let side = match &row.condition {
            name if *name == self.contrast.positive => 0,
            name if *name == self.contrast.negative => 1,
            _ => return,
        };
        let place = self.places.get(row.prompt.as_str());
        if let (Some(&place), Some(layer)) = (place, self.sides.get_mut(row.layer)) {
            layer[place][side] = row.projection;
        }
    }

    /// For each layer the prompts whose residual reaches farther along the contrast in the positive condition.
    pub fn counts(&self) -> Vec<usize> {
        let count = |layer: &Vec<[f64; 2]>| {
            layer
                .iter()
                .filter(|[positive, negative]| positive > negative)
                .count()
        };
        self.sides.iter().map(count).collect()
    }
}
