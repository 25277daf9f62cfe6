use std::collections::BTreeMap;

use model::gguf::{Architecture, hugging_face_name, stores_one_plus_weight};

const ARCHITECTURES: [&str; 3] = ["gemma", "gemma2", "gemma3"];

fn architecture(name: &str) -> Architecture {
    Architecture::named(name).unwrap()
}

#[test]
fn names_are_those_that_the_converter_began_with() {
    let fixture = include_str!("../../../../gguf/tests/fixtures/names.json");
    let names: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(fixture).unwrap();
    for key in ARCHITECTURES {
        let architecture = architecture(key);
        assert!(names[key].len() >= 20, "{key}");
        for (name, expected) in &names[key] {
            let found = hugging_face_name(architecture, name).unwrap();
            assert_eq!(found.as_ref(), Some(expected), "{name}");
            // In a Gemma model the norms, and nothing else, have a weight to which 1 is added.
            let norm = expected.ends_with("norm.weight");
            assert_eq!(stores_one_plus_weight(architecture, name), norm, "{name}");
        }
    }
}

#[test]
fn an_untied_head_is_named_and_frequencies_and_images_are_left_out() {
    for architecture in ARCHITECTURES.map(architecture) {
        let head = hugging_face_name(architecture, "output.weight").unwrap();
        assert_eq!(head.as_deref(), Some("lm_head.weight"));
        assert_eq!(
            hugging_face_name(architecture, "rope_freqs.weight").unwrap(),
            None
        );
    }
    for name in [
        "v.blk.0.attn_q.weight",
        "v.patch_embedding.bias",
        "mm.mm_input_projection.weight",
    ] {
        assert_eq!(
            hugging_face_name(architecture("gemma3"), name).unwrap(),
            None,
            "{name}"
        );
    }
}

#[test]
fn gemma_4_has_names_of_its_own_within_layers_and_outside() {
    let name = |name: &str| hugging_face_name(architecture("gemma4"), name).unwrap().unwrap();
    assert_eq!(
        name("blk.3.layer_output_scale.weight"),
        "model.layers.3.layer_scalar"
    );
    assert_eq!(
        name("blk.0.post_norm.weight"),
        "model.layers.0.post_per_layer_input_norm.weight"
    );
    assert_eq!(
        name("per_layer_token_embd.weight"),
        "model.embed_tokens_per_layer.weight"
    );
    assert!(!stores_one_plus_weight(
        architecture("gemma4"),
        "output_norm.weight"
    ));
}

#[test]
fn other_names_are_errors() {
    let strange = [
        ("gemma2", "v.blk.0.attn_q.weight"),
        ("gemma3", "dense.0.weight"),
        ("gemma3", "blk.0.attn_q.scale"),
        ("gemma3", "blk.07.attn_q.weight"),
        ("gemma3", "blk.+7.attn_q.weight"),
        ("gemma3", "blk.x.attn_q.weight"),
        ("gemma3", "blk.0.ffn_gate_exps.weight"),
        ("gemma3", "blk.0"),
        ("gemma3", ""),
        ("gemma2", "blk.0.attn_q_norm.weight"),
        ("gemma4", "blk.0.ffn_gate_inp.weight"),
        ("gemma4", "blk.0.layer_output_scale.bias"),
        ("gemma3", "per_layer_token_embd.weight"),
        ("gemma", "blk.0.post_ffw_norm.weight"),
        ("gemma", "blk.0.post_attention_norm.weight"),
    ];
    for (architecture, name) in strange {
        let error = hugging_face_name(self::architecture(architecture), name).unwrap_err();
        assert!(error.contains(&format!("tensor `{name}`")), "{error}");
        assert!(error.contains(architecture), "{error}");
    }
}
