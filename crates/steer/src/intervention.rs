use anyhow::{Result, bail};

/// A change of the residual stream after one layer. With `v^ = v / (||v|| + 1e-8)`, h a residual:
///
/// | operation     | result                                   |
/// |---------------|------------------------------------------|
/// | addition      | `h + c v` (v as it is, not normalised)   |
/// | ablation      | `h - (h.v^) v^ + c v`                    |
/// | mean ablation | `h - (h.v^) v^ + m`, m a full mean       |
/// | capping       | `h - max(h.v^ - threshold, 0) v^`        |
///
/// Source: the steering helpers that the notebook imports (assistant-axis, `steering.py`).
#[derive(Clone, Debug, PartialEq)]
pub struct Intervention {
    pub layer: usize,
    pub positions: Positions,
    pub operation: Operation,
}

/// Where in a sequence an intervention works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    All,
    /// The last position of each forward pass: the prompt's last token, then each new one.
    Last,
}

/// Vectors are `[hidden]`.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    Addition { direction: Vec<f32>, coefficient: f64 },
    Ablation { direction: Vec<f32>, coefficient: f64 },
    MeanAblation { direction: Vec<f32>, mean: Vec<f32> },
    Capping { direction: Vec<f32>, threshold: f64 },
}

impl Intervention {
    /// What is wrong with it for a network of this shape, if anything is.
    pub fn check(&self, layers: usize, hidden_size: usize) -> Result<()> {
        if self.layer >= layers {
            bail!(
                "layer {} is out of range: the model has the layers 0 to {}",
                self.layer,
                layers.saturating_sub(1)
            );
        }
        for (name, vector) in self.vectors() {
            if vector.len() != hidden_size {
                bail!(
                    "layer {}: the {name} has {} numbers, the model's hidden size is {hidden_size}",
                    self.layer,
                    vector.len()
                );
            }
            if vector.iter().any(|value| !value.is_finite()) {
                bail!(
                    "layer {}: the {name} holds a number that is not finite",
                    self.layer
                );
            }
        }
        if matches!(self.operation, Operation::MeanAblation { .. }) && self.positions == Positions::Last {
            bail!("layer {}: mean ablation works on all positions only", self.layer);
        }
        Ok(())
    }

    fn vectors(&self) -> Vec<(&'static str, &[f32])> {
        match &self.operation {
            Operation::Addition { direction, .. }
            | Operation::Ablation { direction, .. }
            | Operation::Capping { direction, .. } => vec![("direction", direction)],
            Operation::MeanAblation { direction, mean } => vec![("direction", direction), ("mean", mean)],
        }
    }
}

/// A layer number as people write it: -1 is the last layer.
pub fn resolve_layer(layer: i64, layers: usize) -> Result<usize> {
    let resolved = if layer < 0 { layer + layers as i64 } else { layer };
    match usize::try_from(resolved) {
        Ok(resolved) if resolved < layers => Ok(resolved),
        _ => bail!(
            "layer {layer} is out of range: the model has the layers 0 to {} (or -{layers} to -1)",
            layers.saturating_sub(1)
        ),
    }
}

/// One entry stands for all; otherwise there must be one for each of `count` directions.
pub fn broadcast<T: Clone>(values: &[T], count: usize, name: &str) -> Result<Vec<T>> {
    match values {
        [single] => Ok(vec![single.clone(); count]),
        _ if values.len() == count => Ok(values.to_vec()),
        _ => bail!(
            "{name} has {} entries for {count} directions; give one, or one for each",
            values.len()
        ),
    }
}
