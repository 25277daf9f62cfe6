use terms::Pooling;

use crate::Counts;

/// What a run is made of: the numbers of rows of its tables follow from it. Names are in the order
/// of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Layers of the model.
    pub layers: usize,
    /// The ids of the prompts.
    pub prompts: Vec<String>,
    /// The conditions' names, in order.
    pub conditions: Vec<String>,
    /// The poolings that were recorded, in order.
    pub poolings: Vec<Pooling>,
}

impl Shape {
    /// How many of everything there are.
    pub fn counts(&self) -> Counts {
        Counts {
            layers: self.layers,
            prompts: self.prompts.len(),
            conditions: self.conditions.len(),
            poolings: self.poolings.len(),
        }
    }
}
