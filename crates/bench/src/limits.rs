use anyhow::Result;
use kernels::ProductRates;
use model::{Checkpoint, Demand, Demands, Network, Precision};
use session::OpenNetwork;

/// What the machine can do at most, and what the model demands of it.
pub struct Limits {
    /// Bytes a second.
    pub bandwidth: f64,
    /// Multiplications and additions a second.
    pub rates: ProductRates,
    demands: Demands,
    precision: Precision,
}

impl Limits {
    pub fn measure(network: &OpenNetwork, checkpoint: &Checkpoint, precision: Precision) -> Self {
        Limits {
            bandwidth: kernels::read_bandwidth(),
            rates: ProductRates::measure(),
            demands: Demands::of(network.config(), checkpoint, precision),
            precision,
        }
    }

    /// Of a GPU: the time in which it reads the weights in the type that it has them in. Its products have no measured rate and
    /// count nothing.
    pub fn of_device(network: &Network, precision: Precision) -> Result<Self> {
        let mut demands = Demands::in_bf16(network.config());
        let scale = precision.size() as f64 / 2.0;
        for demand in [&mut demands.layers, &mut demands.head] {
            demand.bytes *= scale;
        }
        Ok(Limits {
            bandwidth: model::read_bandwidth(&network.device())?,
            rates: ProductRates {
                f32: f64::INFINITY,
                bf16: f64::INFINITY,
                exact_bf16: f64::INFINITY,
            },
            demands,
            precision,
        })
    }

    /// The least time of a pass over `tokens` tokens, in seconds, if the layers alone run.
    pub fn layers(&self, tokens: usize) -> f64 {
        self.least(&[&self.demands.layers], tokens)
    }

    /// The same for one step of generation, with the head.
    pub fn step(&self, rows: usize) -> f64 {
        self.least(&[&self.demands.layers, &self.demands.head], rows)
    }

    fn least(&self, parts: &[&Demand], tokens: usize) -> f64 {
        let bytes: f64 = parts.iter().map(|part| part.bytes).sum();
        let arithmetic = parts
            .iter()
            .map(|part| part.arithmetic(tokens as f64, self.precision, &self.rates));
        arithmetic.sum::<f64>().max(bytes / self.bandwidth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_of_reading_and_arithmetic_counts() {
        let demand = |numbers: f64| Demand {
            bytes: 2.0 * numbers,
            numbers: [(kernels::Stored::Bf16, numbers)].into(),
        };
        let limits = |precision| Limits {
            bandwidth: 1e10,
            rates: ProductRates {
                f32: 1e11,
                bf16: 8e11,
                exact_bf16: 2e11,
            },
            demands: Demands {
                layers: demand(1e9),
                head: demand(1e9),
            },
            precision,
        };
        assert_eq!(limits(Precision::Bf16).step(1), 0.4);
        assert_eq!(limits(Precision::Bf16).layers(1), 0.2);
        assert_eq!(limits(Precision::Bf16).layers(200), 0.5);
        assert_eq!(limits(Precision::F32).layers(200), 2.0);
    }
}
