use model::Checkpoint;
use session::OpenNetwork;

/// What the machine can do at most, and what the model demands of it.
pub struct Limits {
    /// Bytes a second.
    pub bandwidth: f64,
    /// f32 multiplications and additions a second.
    pub rate: f64,
    /// Bytes that one step of generation reads: all weights, the table once as the head.
    bytes: f64,
    /// The number of weights in the layers' matrices and in the head.
    layer_weights: f64,
    head_weights: f64,
}

impl Limits {
    pub fn measure(network: &OpenNetwork, checkpoint: &Checkpoint) -> Self {
        let config = network.config();
        let count = |shape: &Vec<usize>| shape.iter().product::<usize>() as f64;
        let tensors = config.tensors();
        let matrices = tensors.iter().filter(|(_, shape)| shape.len() == 2);
        let all: f64 = matrices.map(|(_, shape)| count(shape)).sum();
        let head_weights = (config.vocab_size * config.hidden_size) as f64;
        Limits {
            bandwidth: kernels::read_bandwidth(),
            rate: kernels::multiply_add_rate(),
            bytes: checkpoint.size() as f64,
            layer_weights: all - head_weights,
            head_weights,
        }
    }

    /// The least time of a pass over `tokens` tokens, in seconds, if the layers alone run.
    pub fn layers(&self, tokens: usize) -> f64 {
        let share = self.layer_weights / (self.layer_weights + self.head_weights);
        let arithmetic = 2.0 * self.layer_weights * tokens as f64 / self.rate;
        arithmetic.max(self.bytes * share / self.bandwidth)
    }

    /// The same for one step of generation, with the head.
    pub fn step(&self, rows: usize) -> f64 {
        let arithmetic = 2.0 * (self.layer_weights + self.head_weights) * rows as f64 / self.rate;
        arithmetic.max(self.bytes / self.bandwidth)
    }
}
