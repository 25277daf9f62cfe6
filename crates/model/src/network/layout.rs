use super::embedding::{HEAD, TABLE};
use crate::ModelConfig;

impl ModelConfig {
    /// Name and shape of every tensor of the network, as checkpoints have them. Loading asks for
    /// exactly these (a test checks that), so a checkpoint can be checked as a whole before any
    /// number of it is read.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        tensors(self)
    }
}

fn tensors(config: &ModelConfig) -> Vec<(String, Vec<usize>)> {
    let (hidden, inner) = (config.hidden_size, config.intermediate_size);
    let queries = config.num_attention_heads * config.head_dim;
    let keys = config.num_key_value_heads * config.head_dim;
    let mut tensors = vec![(TABLE.to_owned(), vec![config.vocab_size, hidden])];
    for (layer, description) in config.layers.iter().enumerate() {
        let mut add = |part: &str, shape: Vec<usize>| {
            tensors.push((format!("model.layers.{layer}.{part}.weight"), shape))
        };
        add("self_attn.q_proj", vec![queries, hidden]);
        add("self_attn.k_proj", vec![keys, hidden]);
        add("self_attn.v_proj", vec![keys, hidden]);
        add("self_attn.o_proj", vec![hidden, queries]);
        add("mlp.gate_proj", vec![inner, hidden]);
        add("mlp.up_proj", vec![inner, hidden]);
        add("mlp.down_proj", vec![hidden, inner]);
        let norms = description.norms;
        let of_layer = [
            Some(norms.attention_input),
            norms.attention_output,
            Some(norms.feed_forward_input),
            norms.feed_forward_output,
        ];
        for name in of_layer.into_iter().flatten() {
            add(name, vec![hidden]);
        }
        if description.query_key_norms {
            add("self_attn.q_norm", vec![config.head_dim]);
            add("self_attn.k_norm", vec![config.head_dim]);
        }
    }
    tensors.push(("model.norm.weight".to_owned(), vec![hidden]));
    if config.own_head {
        tensors.push((HEAD.to_owned(), vec![config.vocab_size, hidden]));
    }
    tensors
}
