use std::collections::BTreeMap;

use kernels::{ProductRates, Rounding, Stored};

use crate::network::{HEAD, PER_LAYER_TABLE, TABLE};
use crate::{Checkpoint, ModelConfig, Precision};

/// What passes over a network demand of the machine: the bytes and the products of its weights. Tables
/// of which only the rows of tokens are read don't count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demands {
    /// Of all layers.
    pub layers: Demand,
    /// Of the head, which may be the table of embeddings.
    pub head: Demand,
}

/// What some weights demand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demand {
    /// In memory.
    pub bytes: f64,
    /// The numbers of the matrices, by how products take them.
    pub numbers: BTreeMap<Stored, f64>,
}

impl Demands {
    /// Of a network whose weights are in memory as [`Network::load`](crate::Network::load) has them on
    /// the CPU.
    pub fn of(config: &ModelConfig, checkpoint: &Checkpoint, precision: Precision) -> Self {
        Demands::with(config, |name, numbers| {
            checkpoint
                .in_memory(name, precision)
                .unwrap_or((Stored::F32, 4 * numbers))
        })
    }

    /// Of a network whose weights are all stored in bf16.
    pub fn in_bf16(config: &ModelConfig) -> Self {
        Demands::with(config, |_, numbers| (Stored::Bf16, 2 * numbers))
    }

    /// `in_memory`: from a tensor's name and its number of numbers to how it is stored and its bytes.
    fn with(config: &ModelConfig, in_memory: impl Fn(&str, usize) -> (Stored, usize)) -> Self {
        let mut demands = Demands::default();
        let head = if config.own_head { HEAD } else { TABLE };
        for (name, shape) in config.tensors() {
            let part = match name.as_str() {
                name if name == head => &mut demands.head,
                TABLE | PER_LAYER_TABLE => continue,
                _ => &mut demands.layers,
            };
            let numbers = shape.iter().product();
            let (stored, bytes) = in_memory(&name, numbers);
            part.bytes += bytes as f64;
            if shape.len() == 2 {
                *part.numbers.entry(stored).or_default() += numbers as f64;
            }
        }
        demands
    }
}

impl Demand {
    /// The least seconds that the products with this many tokens take by arithmetic, two operations for
    /// each number. Products whose instructions have no measured rate count nothing.
    pub fn arithmetic(&self, tokens: f64, precision: Precision, rates: &ProductRates) -> f64 {
        let rounding = match precision {
            Precision::F32 | Precision::Tf32 => Rounding::None,
            Precision::Bf16 => Rounding::InputsToBf16,
        };
        let seconds = |(stored, numbers): (&Stored, &f64)| {
            rates
                .of(*stored, rounding)
                .map_or(0.0, |rate| 2.0 * numbers * tokens / rate)
        };
        self.numbers.iter().map(seconds).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: ProductRates = ProductRates {
        f32: 1e9,
        bf16: 8e9,
        exact_bf16: 2e9,
    };

    fn config(own_head: bool) -> ModelConfig {
        let mut config = ModelConfig::from_json(&crate::published_config("gemma-2-2b-it").unwrap()).unwrap();
        config.own_head = own_head;
        config
    }

    #[test]
    fn a_table_counts_only_as_the_head() {
        let (tied, own) = (Demands::in_bf16(&config(false)), Demands::in_bf16(&config(true)));
        assert_eq!(tied, own);
        assert_eq!(own.head.bytes, 2.0 * 256_000.0 * 2304.0);
        let all: usize = config(false)
            .tensors()
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert_eq!(own.layers.bytes + own.head.bytes, 2.0 * all as f64);
    }

    #[test]
    fn products_count_with_the_rate_of_their_types() {
        let demand = |stored| Demand {
            bytes: 0.0,
            numbers: BTreeMap::from([(stored, 1e9)]),
        };
        let seconds = |stored, precision| demand(stored).arithmetic(3.0, precision, &RATES);
        assert_eq!(seconds(Stored::F32, Precision::F32), 6.0);
        assert_eq!(seconds(Stored::F32, Precision::Bf16), 6.0);
        assert_eq!(seconds(Stored::Bf16, Precision::F32), 3.0);
        assert_eq!(seconds(Stored::Bf16, Precision::Bf16), 0.75);
        assert_eq!(seconds(Stored::Blocks, Precision::F32), 6.0);
        assert_eq!(seconds(Stored::Blocks, Precision::Bf16), 0.0);
    }
}
