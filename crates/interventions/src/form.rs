use crate::feature_reader::FeatureReader;

/// What an intervention computes, whatever its kind. With h a residual of `[hidden]`:
///
/// ```text
/// h - g(h.v^) v^ + offset      g(x) = gain * x, or gain * max(x - threshold, 0) with a threshold
/// ```
///
/// With a reader, the feature's activation `a(h)` takes the place of `h.v^`, and v^ is the feature's direction
/// as it is:
///
/// ```text
/// h - a(h) d + offset
/// ```
///
/// Else v^ is the direction over its length, `v / (||v|| + 1e-8)`. Source: the steering helpers that the
/// notebook imports (assistant-axis, `steering.py`).
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// v^ (or d), `[hidden]`; none where nothing is taken out.
    pub unit: Option<Vec<f32>>,
    /// What reads how much of it is taken out, where that is not the projection.
    pub reader: Option<FeatureReader>,
    /// 1 takes the whole of the projection out.
    pub gain: f32,
    /// In the unit of the residual stream.
    pub threshold: Option<f32>,
    /// `[hidden]`; none is zero.
    pub offset: Option<Vec<f32>>,
}

impl Form {
    /// Every residual stays as it is: what kinds set the parts of.
    pub const IDENTITY: Form = Form {
        unit: None,
        reader: None,
        gain: 1.0,
        threshold: None,
        offset: None,
    };

    /// Adds the offset, `[hidden]`.
    pub fn adding(offset: Vec<f32>) -> Self {
        Form {
            offset: Some(offset),
            ..Form::IDENTITY
        }
    }

    /// Takes out what a residual has of the direction, `[hidden]`, of any length.
    pub fn without(direction: &[f32]) -> Self {
        Form {
            unit: Some(unit(direction)),
            ..Form::IDENTITY
        }
    }

    /// What a residual is multiplied with to know how much is taken out, `[hidden]`: v^, or the reader's row.
    pub fn reads(&self) -> Option<&[f32]> {
        let row = self.reader.as_ref().map(|reader| &reader.row);
        row.or(self.unit.as_ref()).map(Vec::as_slice)
    }

    /// Whether every residual stays as it is.
    pub fn changes_nothing(&self) -> bool {
        let is_zero = |vector: &Option<Vec<f32>>| vector.iter().flatten().all(|value| *value == 0.0);
        is_zero(&self.unit) && is_zero(&self.offset)
    }
}

/// `||v||`, summed in f64 in the order of the numbers.
pub fn norm(vector: &[f32]) -> f64 {
    vector
        .iter()
        .map(|value| f64::from(*value).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// `c v`, in f32.
pub(crate) fn scaled(direction: &[f32], coefficient: f64) -> Vec<f32> {
    direction.iter().map(|value| value * coefficient as f32).collect()
}

/// `v / (||v|| + 1e-8)`
fn unit(direction: &[f32]) -> Vec<f32> {
    let norm = norm(direction) + 1e-8;
    direction
        .iter()
        .map(|value| (f64::from(*value) / norm) as f32)
        .collect()
}
