use std::collections::BTreeMap;

use model::gguf::{Architecture, hugging_face_name, stores_one_plus_weight};

const ARCHITECTURES: [(&str, Architecture); 3] = [
    ("gemma", Architecture::Gemma),
    ("gemma2", Architecture::Gemma2),
    ("gemma3", Architecture::Gemma3),
];

#[test]
fn names_are_those_that_the_converter_began_with() {
    let fixture = include_str!("../../fixtures/gguf/names.json");
    let names: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(fixture).unwrap();
    for (key, architecture) in ARCHITECTURES {
        assert!(names[key].len() >= 20, "{key}");
        for (name, expected) in &names[key] {
            let found = hugging_face_name(architecture, name).unwrap();
            assert_eq!(found.as_ref(), Some(expected), "{name}");
            // In a Gemma model the norms, and nothing else, have a weight to which 1 is added.
            let norm = expected.ends_with("norm.weight");
            assert_eq!(stores_one_plus_weight(name), norm, "{name}");
        }
    }
}

#[test]
fn an_untied_head_is_named_and_frequencies_and_images_are_left_out() {
    for (_, architecture) in ARCHITECTURES {
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
            hugging_face_name(Architecture::Gemma3, name).unwrap(),
            None,
            "{name}"
        );
    }
}

#[test]
fn other_names_are_errors() {
    let strange = [
        (Architecture::Gemma2, "v.blk.0.attn_q.weight"),
        (Architecture::Gemma3, "dense.0.weight"),
        (Architecture::Gemma3, "blk.0.attn_q.scale"),
        (Architecture::Gemma3, "blk.0.attn_q.bias"),
        (Architecture::Gemma3, "blk.07.attn_q.weight"),
        (Architecture::Gemma3, "blk.+7.attn_q.weight"),
        (Architecture::Gemma3, "blk.x.attn_q.weight"),
        (Architecture::Gemma3, "blk.0.ffn_gate_exps.weight"),
        (Architecture::Gemma3, "blk.0"),
        (Architecture::Gemma3, ""),
        (Architecture::Gemma2, "blk.0.attn_q_norm.weight"),
        (Architecture::Gemma, "blk.0.post_ffw_norm.weight"),
        (Architecture::Gemma, "blk.0.post_attention_norm.weight"),
    ];
    for (architecture, name) in strange {
        let error = hugging_face_name(architecture, name).unwrap_err();
        assert!(error.contains(&format!("tensor `{name}`")), "{error}");
        assert!(error.contains(&architecture.to_string()), "{error}");
    }
}
