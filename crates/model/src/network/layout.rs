use super::embedding::{HEAD, TABLE};
use super::per_layer;
use crate::{LayerDescription, ModelConfig, QueryKeyNorms};

impl ModelConfig {
    /// Name and shape of every tensor of the network, as checkpoints have them. Loading asks for
    /// exactly these (a test checks that), so a checkpoint can be checked as a whole before any
    /// number of it is read.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        tensors(self)
    }
}

fn tensors(config: &ModelConfig) -> Vec<(String, Vec<usize>)> {
    let hidden = config.hidden_size;
    let mut tensors = vec![(TABLE.to_owned(), vec![config.vocab_size, hidden])];
    for (layer, description) in config.layers.iter().enumerate() {
        let name = |part: String| format!("model.layers.{layer}.{part}");
        let mut add = |part: String, shape: Vec<usize>| tensors.push((name(part), shape));
        add_attention(description, hidden, &mut add);
        add_feed_forward(description, hidden, &mut add);
        for norm in description.norms.names() {
            add(format!("{norm}.weight"), vec![hidden]);
        }
        if let Some(inputs) = config.per_layer_inputs {
            add(
                "per_layer_input_gate.weight".to_owned(),
                vec![inputs.size, hidden],
            );
            add(
                "per_layer_projection.weight".to_owned(),
                vec![hidden, inputs.size],
            );
            add("post_per_layer_input_norm.weight".to_owned(), vec![hidden]);
        }
        if description.scalar {
            add("layer_scalar".to_owned(), vec![1]);
        }
    }
    tensors.push(("model.norm.weight".to_owned(), vec![hidden]));
    if let Some(inputs) = config.per_layer_inputs {
        let width = config.layers.len() * inputs.size;
        let of_model = |part: &str| format!("model.{part}.weight");
        tensors.push((per_layer::TABLE.to_owned(), vec![inputs.vocab_size, width]));
        tensors.push((of_model("per_layer_model_projection"), vec![width, hidden]));
        tensors.push((of_model("per_layer_projection_norm"), vec![inputs.size]));
    }
    if config.own_head {
        tensors.push((HEAD.to_owned(), vec![config.vocab_size, hidden]));
    }
    tensors
}

fn add_product(
    name: &str,
    [outputs, inputs]: [usize; 2],
    biased: bool,
    add: &mut impl FnMut(String, Vec<usize>),
) {
    add(format!("{name}.weight"), vec![outputs, inputs]);
    if biased {
        add(format!("{name}.bias"), vec![outputs]);
    }
}

fn add_attention(layer: &LayerDescription, hidden: usize, add: &mut impl FnMut(String, Vec<usize>)) {
    let (queries, keys, biases) = (layer.query_width(), layer.key_width(), layer.biases);
    let mut products = vec![("q_proj", [queries, hidden], biases.query_key_value)];
    if layer.keeps_keys() {
        products.push(("k_proj", [keys, hidden], biases.query_key_value));
    }
    if layer.has_values() {
        products.push(("v_proj", [keys, hidden], biases.query_key_value));
    }
    products.push(("o_proj", [hidden, queries], biases.attention_output));
    for (part, shape, biased) in products {
        add_product(&format!("self_attn.{part}"), shape, biased, add);
    }
    let (of_queries, of_keys) = match layer.query_key_norms {
        QueryKeyNorms::None => return,
        QueryKeyNorms::OfHeads => (layer.head_dim, layer.head_dim),
        QueryKeyNorms::OfWidth => (queries, keys),
    };
    add("self_attn.q_norm.weight".to_owned(), vec![of_queries]);
    if layer.keeps_keys() {
        add("self_attn.k_norm.weight".to_owned(), vec![of_keys]);
    }
}

fn add_feed_forward(layer: &LayerDescription, hidden: usize, add: &mut impl FnMut(String, Vec<usize>)) {
    let (inner, biased) = (layer.intermediate_size, layer.biases.feed_forward);
    add_product("mlp.gate_proj", [inner, hidden], biased, add);
    add_product("mlp.up_proj", [inner, hidden], biased, add);
    add_product("mlp.down_proj", [hidden, inner], biased, add);
}
