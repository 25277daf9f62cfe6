use crate::Run;

/// The contrast vectors of two runs against each other, layer by layer, or why they can't be.
#[derive(Clone, Debug, PartialEq)]
pub enum Contrasts {
    /// The two residual streams have different sizes or layers, so that no layer of one belongs to
    /// a layer of the other.
    Incomparable(String),
    /// `caution` where the weights are not the same: the cosine is then meaningful only if one
    /// model was made from the other.
    Cosines {
        caution: Option<String>,
        layers: Vec<ContrastCosine>,
    },
}

/// One layer.
#[derive(Clone, Debug, PartialEq)]
pub struct ContrastCosine {
    pub layer: usize,
    pub cosine: f64,
    /// The cosine that two runs with the same true contrast would reach on average, if each had its
    /// own prompts.
    pub attainable: Option<f64>,
    /// The norm of B's contrast over that of A's.
    pub norm_ratio: f64,
}

pub fn contrasts(a: &Run, b: &Run) -> Contrasts {
    let shape = |run: &Run| (run.contrast.layers, run.contrast.hidden_size);
    let ((layers, hidden), other) = (shape(a), shape(b));
    if (layers, hidden) != other {
        return Contrasts::Incomparable(format!(
            "A has {layers} layers of {hidden} numbers, B {} of {}: two residual streams without a common basis",
            other.0, other.1
        ));
    }
    let weights = [a, b].map(|run| run.metadata.get("weights_fingerprint"));
    let caution = (weights[0] != weights[1]).then(|| {
        "the weights differ: a cosine between two models' vectors means something only where one model was made from the \
         other (fine-tuned, quantized, another precision)"
            .to_owned()
    });
    let rows = (0..layers).filter_map(|layer| {
        let (from, to) = (
            a.contrast.get("contrast", layer)?,
            b.contrast.get("contrast", layer)?,
        );
        let (from_norm, to_norm) = (norm(from), norm(to));
        Some(ContrastCosine {
            layer,
            cosine: dot(from, to) / (from_norm * to_norm),
            attainable: attainable_cosine(a.statistics[layer].split_half, b.statistics[layer].split_half),
            norm_ratio: to_norm / from_norm,
        })
    });
    Contrasts::Cosines {
        caution,
        layers: rows.collect(),
    }
}

/// The cosine that the contrasts of two runs with one true direction reach on average, given the
/// split-half cosines of both: `sqrt(r_a r_b)` with `r = 2 h / (1 + h)`, the reliability of all
/// prompts from that of a half (Spearman 1904 and 1910, Brown 1910; here a cosine takes the place
/// of the correlation, since a mean difference has no mean to be subtracted). It holds for runs
/// whose prompts were drawn independently; with shared prompts the cosine may be above it. None
/// where a half is uninformative: `h <= 0` or not a number.
pub fn attainable_cosine(split_half_a: f64, split_half_b: f64) -> Option<f64> {
    let reliability = |half: f64| (half > 0.0).then(|| 2.0 * half / (1.0 + half));
    Some((reliability(split_half_a)? * reliability(split_half_b)?).sqrt())
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

fn norm(vector: &[f32]) -> f64 {
    dot(vector, vector).sqrt()
}
