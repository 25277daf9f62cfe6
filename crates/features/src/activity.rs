//! How active each feature is in each condition.

use std::collections::BTreeMap;

use results::FeatureActivity;
use sae::Encoded;

/// Of all rows of a condition.
#[derive(Default)]
pub struct Activity {
    rows: usize,
    features: BTreeMap<usize, Sums>,
}

#[derive(Default)]
struct Sums {
    active: usize,
    sum: f64,
    max: f32,
    /// Of the activations times what one unit of the feature adds to the row.
    scaled: f64,
}

impl Activity {
    pub fn add(&mut self, row: &Encoded) {
        self.rows += 1;
        for active in &row.active {
            let sums = self.features.entry(active.feature).or_default();
            sums.active += 1;
            sums.sum += f64::from(active.value);
            sums.max = sums.max.max(active.value);
            sums.scaled += f64::from(active.value) * f64::from(row.scale);
        }
    }

    pub fn features(&self) -> impl Iterator<Item = usize> {
        self.features.keys().copied()
    }

    pub fn share(&self, feature: usize) -> f64 {
        self.of(feature, |sums| sums.active as f64)
    }

    pub fn mean(&self, feature: usize) -> f64 {
        self.of(feature, |sums| sums.sum)
    }

    /// The mean of what the feature adds to rows, in its directions.
    pub fn mean_scaled(&self, feature: usize) -> f64 {
        self.of(feature, |sums| sums.scaled)
    }

    fn of(&self, feature: usize, sum: impl Fn(&Sums) -> f64) -> f64 {
        self.features
            .get(&feature)
            .map_or(0.0, |sums| sum(sums) / self.rows as f64)
    }

    /// Its rows of the table.
    pub fn table<'a>(&'a self, sae: &'a str, condition: &'a str) -> impl Iterator<Item = FeatureActivity> {
        self.features.iter().map(move |(feature, sums)| FeatureActivity {
            sae: sae.to_owned(),
            feature: *feature,
            condition: condition.to_owned(),
            share: self.share(*feature),
            mean: self.mean(*feature),
            max: f64::from(sums.max),
        })
    }
}
