use crate::Run;
use crate::run::relative_depth;

/// A figure of every layer with its interval, by relative depth.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    pub values: Vec<f64>,
    pub lows: Vec<f64>,
    pub highs: Vec<f64>,
}

impl Curve {
    /// Within minus cross, with its 95 % interval over prompts.
    pub fn difference(run: &Run) -> Curve {
        Curve {
            values: run
                .summaries
                .iter()
                .map(|row| row.similarity_difference)
                .collect(),
            lows: run.statistics.iter().map(|row| row.difference_low).collect(),
            highs: run.statistics.iter().map(|row| row.difference_high).collect(),
        }
    }

    /// The layer with the largest value, the first among equals.
    pub fn peak(&self) -> usize {
        let mut peak = 0;
        for (layer, value) in self.values.iter().enumerate() {
            if *value > self.values[peak] {
                peak = layer;
            }
        }
        peak
    }
}

/// Both runs at one relative depth; the deeper run's figures are interpolated between its layers.
#[derive(Clone, Debug, PartialEq)]
pub struct DepthRow {
    pub depth: f64,
    /// The layer of A and of B at this depth, which is not a whole number between two layers.
    pub layers: [f64; 2],
    /// Within minus cross of A and of B, and the ends of the intervals.
    pub values: [f64; 2],
    pub lows: [f64; 2],
    pub highs: [f64; 2],
}

impl DepthRow {
    /// Whether the intervals do not overlap. Where both runs have the same prompts this is a strict
    /// test: variation that the prompts share widens both intervals but not the distance between
    /// them.
    pub fn is_apart(&self) -> bool {
        self.lows[0] > self.highs[1] || self.lows[1] > self.highs[0]
    }

    /// B minus A.
    pub fn change(&self) -> f64 {
        self.values[1] - self.values[0]
    }
}

/// The within-minus-cross curves of two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// A row for every layer of the run with fewer layers.
    pub rows: Vec<DepthRow>,
    pub peaks: [usize; 2],
    /// The mean over the rows of |B - A|.
    pub mean_distance: f64,
    /// Pearson's correlation of the two curves over the rows: whether they have the same shape,
    /// whatever their height. None where a curve is flat.
    pub correlation: Option<f64>,
    /// The index of the row where the two are farthest from each other.
    pub farthest: usize,
}

/// Compares `a` with `b`, whatever their numbers of layers.
pub fn curves(a: &Curve, b: &Curve) -> Curves {
    let layers = a.values.len().min(b.values.len());
    let row = |layer: usize| {
        let depth = relative_depth(layer, layers);
        let at = |of: fn(&Curve) -> &Vec<f64>| [interpolate(of(a), depth), interpolate(of(b), depth)];
        DepthRow {
            depth,
            layers: [a, b].map(|curve| depth * curve.values.len().saturating_sub(1) as f64),
            values: at(|curve| &curve.values),
            lows: at(|curve| &curve.lows),
            highs: at(|curve| &curve.highs),
        }
    };
    let rows: Vec<DepthRow> = (0..layers).map(row).collect();
    let distances: Vec<f64> = rows.iter().map(|row| row.change().abs()).collect();
    let farthest = (0..layers).fold(0, |best, row| {
        if distances[row] > distances[best] {
            row
        } else {
            best
        }
    });
    Curves {
        peaks: [a.peak(), b.peak()],
        mean_distance: distances.iter().sum::<f64>() / layers.max(1) as f64,
        correlation: correlation(&rows),
        farthest,
        rows,
    }
}

fn correlation(rows: &[DepthRow]) -> Option<f64> {
    let mean = |side: usize| rows.iter().map(|row| row.values[side]).sum::<f64>() / rows.len() as f64;
    let means = [mean(0), mean(1)];
    let moment = |one: usize, other: usize| -> f64 {
        let product = |row: &DepthRow| (row.values[one] - means[one]) * (row.values[other] - means[other]);
        rows.iter().map(product).sum()
    };
    let scale = (moment(0, 0) * moment(1, 1)).sqrt();
    (scale > 0.0).then(|| moment(0, 1) / scale)
}

/// The value at a relative depth between 0 and 1, on the straight line between the two layers
/// next to it.
pub fn interpolate(values: &[f64], depth: f64) -> f64 {
    let place = depth * values.len().saturating_sub(1) as f64;
    // A depth that was computed from a layer maps back to it within rounding; a neighbour that is
    // not a number must not spoil it.
    let nearest = place.round();
    if (place - nearest).abs() < 1e-9 {
        return values.get(nearest as usize).copied().unwrap_or(f64::NAN);
    }
    let below = place.floor() as usize;
    match (values.get(below), values.get(below + 1)) {
        (Some(low), Some(high)) => low + (high - low) * (place - below as f64),
        _ => f64::NAN,
    }
}
