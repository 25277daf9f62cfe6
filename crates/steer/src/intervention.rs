use std::sync::Arc;

use anyhow::{Result, bail};
use interventions::Form;
use terms::Positions;

/// A change of the residual stream after one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Intervention {
    pub layer: usize,
    pub positions: Positions,
    /// What is computed, with vectors of `[hidden]`. Rows that do the same share it.
    pub form: Arc<Form>,
}

impl Intervention {
    pub fn new(layer: usize, positions: Positions, form: Form) -> Self {
        Intervention {
            layer,
            positions,
            form: Arc::new(form),
        }
    }

    /// # Errors
    ///
    /// What is wrong with it for a network of this shape.
    pub fn check(&self, layers: usize, hidden_size: usize) -> Result<()> {
        let layer = self.layer;
        if layer >= layers {
            bail!(
                "layer {layer} is out of range: the model has the layers 0 to {}",
                layers.saturating_sub(1)
            );
        }
        let Form {
            unit,
            reader,
            gain,
            threshold,
            offset,
        } = &*self.form;
        let row = reader.as_ref().map(|reader| &reader.row);
        for (name, vector) in [
            ("direction", unit.as_ref()),
            ("feature's row of the encoder", row),
            ("offset", offset.as_ref()),
        ] {
            let Some(vector) = vector else { continue };
            if vector.len() != hidden_size {
                bail!(
                    "layer {layer}: the {name} has {} numbers, the model's hidden size is {hidden_size}",
                    vector.len()
                );
            }
            if vector.iter().any(|value| !value.is_finite()) {
                bail!(
                    "layer {layer}: the {name} holds a number that is not finite; a steering coefficient may be far too \
                     large"
                );
            }
        }
        if !gain.is_finite() || threshold.is_some_and(|threshold| !threshold.is_finite()) {
            bail!("layer {layer}: the gain or the threshold is not finite");
        }
        if let Some(reader) = reader
            && ![reader.gain, reader.bias, reader.threshold]
                .iter()
                .all(|value| value.is_finite())
        {
            bail!("layer {layer}: the feature's gain, bias or threshold is not finite");
        }
        let squares = offset.iter().flatten().map(|value| f64::from(*value).powi(2));
        let length = squares.sum::<f64>().sqrt();
        // A threshold above every projection changes nothing; one far below them adds its own size.
        let lowered = -f64::from(threshold.unwrap_or(0.0));
        let gain = f64::from(*gain).abs();
        for (name, size, largest) in [
            ("length of the offset", length, LONGEST),
            ("size of the negative threshold", lowered, LONGEST),
            ("gain", gain, LARGEST_GAIN),
        ] {
            if size > largest {
                bail!(
                    "layer {layer}: the {name} is {size:.1e}, and squares of the residual stream would overflow; take a smaller \
                     coefficient or threshold"
                );
            }
        }
        Ok(())
    }
}

/// The longest vector that may be added. Norms sum the squares of the stream in f32, which is infinite from
/// lengths of 1.8e19 on: the stream would become zeros, and a text would come of it. A twentieth leaves
/// room for several interventions at once.
const LONGEST: f64 = 1e18;

/// The same for what multiplies a projection, with room for projections of a million.
const LARGEST_GAIN: f64 = 1e12;

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

/// A single entry applies to all; otherwise there must be one for each of `count` directions.
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
