//! The names of tensors in files found in practice, and those that a text-only model has.

use std::collections::BTreeSet;

use crate::network::{HEAD, TABLE};

/// How the tensors of one checkpoint are named.
///
/// Tools put prefixes before the names of a model that they wrap: `torch.compile` (`_orig_mod.`),
/// DDP (`module.`), PEFT (`base_model.model.`); multimodal models keep their language model below a
/// prefix (`language_model.model.` on the hub, `model.language_model.` in what newer versions of
/// transformers write); a bare decoder has none. All of them have one table of embeddings next to a
/// stack of layers, and what comes before that is the prefix.
pub(super) struct Names {
    /// Before `embed_tokens.weight`.
    prefix: String,
}

/// What a tensor is to the network.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A weight, under this name.
    Weight(String),
    /// Nothing: a buffer that is computed from the configuration, or a vision part.
    None,
    /// The head of a classifier, which is not used to generate text.
    Classifier,
}

/// What there is below the prefix.
const PARTS: [&str; 6] = [
    "layers.",
    "embed_tokens.",
    "norm.",
    "embed_tokens_per_layer.",
    "per_layer_model_projection.",
    "per_layer_projection_norm.",
];

impl Names {
    /// # Errors
    /// If no table of embeddings is found, or several are, or adapters have not been
    /// merged.
    pub fn of<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Result<Self, String> {
        if let Some(name) = names
            .clone()
            .find(|name| name.contains(".lora_") || name.contains(".lora_magnitude"))
        {
            return Err(format!(
                "tensor `{name}` is of an adapter that was not merged; give its folder, as PEFT's save_pretrained writes it, in \
                 model.adapter and the base model in model.source, or merge it (merge_and_unload) and give the result"
            ));
        }
        let with_layers = |prefix: &str| {
            let first = format!("{prefix}layers.0.");
            names.clone().any(|name| name.starts_with(&first))
        };
        let mut prefixes: Vec<&str> = names
            .clone()
            .filter_map(|name| name.strip_suffix("embed_tokens.weight"))
            .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
            .filter(|prefix| with_layers(prefix))
            .collect();
        prefixes.sort_unstable();
        match prefixes[..] {
            [prefix] => Ok(Names {
                prefix: prefix.to_owned(),
            }),
            [] => Err(format!(
                "there is no `{TABLE}` next to layers, under any prefix; is this the checkpoint of a language model?"
            )),
            _ => Err(format!(
                "there are several language models in it, under the prefixes {}; give a checkpoint with one",
                prefixes.join(", ")
            )),
        }
    }

    /// Those of an adapter, which has tensors of layers alone, or of the head alone.
    ///
    /// # Errors
    /// If there are layers under several prefixes.
    pub fn of_adapter<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let prefixes: BTreeSet<&str> = names
            .filter(|name| !is_of_another_part(name))
            .filter_map(|name| {
                let layers = format!(".{name}").find(".layers.")?;
                Some(&name[..layers])
            })
            .collect();
        let mut prefixes = prefixes.into_iter();
        match (prefixes.next(), prefixes.next()) {
            (Some(one), Some(other)) => Err(format!(
                "there are layers under several names, {one} and {other}; give an adapter of one language model"
            )),
            (found, _) => Ok(Names {
                prefix: found.unwrap_or("model.").to_owned(),
            }),
        }
    }

    pub fn meaning(&self, name: &str) -> Meaning {
        let buffers = [
            ".rotary_emb.inv_freq",
            ".rotary_emb.original_inv_freq",
            ".rotary_emb.cos_cached",
            ".rotary_emb.sin_cached",
            ".rotary_emb_local.inv_freq",
            ".masked_bias",
            ".position_ids",
            ".embed_tokens.embed_scale",
            ".normalizer",
        ];
        let dotted = format!(".{name}");
        if buffers.iter().any(|buffer| dotted.ends_with(buffer)) {
            return Meaning::None;
        }
        if let Some(rest) = name.strip_prefix(self.prefix.as_str())
            && PARTS.iter().any(|part| rest.starts_with(part))
        {
            // PEFT keeps the weights that it wraps one level deeper.
            return Meaning::Weight(format!("model.{}", rest.replace(".base_layer.", ".")));
        }
        if is_of_another_part(name) {
            return Meaning::None;
        }
        let last = name.rsplit('.').nth(1).unwrap_or_default();
        if dotted.ends_with(&format!(".{HEAD}")) {
            return Meaning::Weight(HEAD.to_owned());
        }
        if [
            "score",
            "classifier",
            "classification_head",
            "v_head",
            "value_head",
            "summary",
        ]
        .contains(&last)
            || dotted.contains(".v_head.")
        {
            return Meaning::Classifier;
        }
        Meaning::Weight(name.to_owned())
    }
}

/// Whether a tensor is of what a model sees or hears with: below `model.`, or before it
/// (`vision_tower.…`, `model.vision_tower.…`).
fn is_of_another_part(name: &str) -> bool {
    let others = [
        "vision_tower.",
        "multi_modal_projector.",
        "vision_model.",
        "embed_vision.",
        "audio_tower.",
        "embed_audio.",
    ];
    let dotted = format!(".{name}");
    others.iter().any(|part| dotted.contains(&format!(".{part}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORM: &str = "layers.0.input_layernorm.weight";

    fn names(prefix: &str) -> Names {
        let list = [format!("{prefix}embed_tokens.weight"), format!("{prefix}{NORM}")];
        Names::of(list.iter().map(String::as_str)).unwrap()
    }

    #[test]
    fn prefixes_of_tools_are_taken_off() {
        let prefixes = [
            "",
            "model.",
            "module.model.",
            "_orig_mod.model.",
            "_orig_mod.module.model.",
            "base_model.model.model.",
            "language_model.model.",
            "model.language_model.",
            "model.text_model.",
        ];
        for prefix in prefixes {
            let names = names(prefix);
            let weight = |name: &str| Meaning::Weight(name.to_owned());
            assert_eq!(
                names.meaning(&format!("{prefix}{NORM}")),
                weight(&format!("model.{NORM}")),
                "{prefix}"
            );
            let wrapped = format!("{prefix}layers.1.mlp.up_proj.base_layer.weight");
            assert_eq!(
                names.meaning(&wrapped),
                weight("model.layers.1.mlp.up_proj.weight")
            );
            assert_eq!(names.meaning("module.lm_head.weight"), weight("lm_head.weight"));
            assert_eq!(
                names.meaning(&format!("{prefix}layers.0.self_attn.rotary_emb.inv_freq")),
                Meaning::None
            );
            assert_eq!(names.meaning("vision_tower.x.layers.0.mlp.weight"), Meaning::None);
            assert_eq!(
                names.meaning("model.multi_modal_projector.norm.weight"),
                Meaning::None
            );
            assert_eq!(names.meaning("score.weight"), Meaning::Classifier);
            assert_eq!(names.meaning("lm_head.bias"), weight("lm_head.bias"));
        }
    }

    #[test]
    fn what_has_no_single_language_model_is_refused() {
        let error = |list: &[&str]| Names::of(list.iter().copied()).err().unwrap();
        assert!(error(&["decoder.weight"]).contains("no `model.embed_tokens.weight`"));
        let two = [
            "a.embed_tokens.weight",
            "a.layers.0.x",
            "b.embed_tokens.weight",
            "b.layers.0.x",
        ];
        assert!(error(&two).contains("a., b."));
        assert!(
            error(&["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"])
                .contains("model.adapter")
        );
    }

    #[test]
    fn the_names_of_an_adapter_have_the_prefix_of_its_layers() {
        let vision = "model.vision_tower.encoder.layers.0.self_attn.q_proj";
        for prefix in ["", "model.", "language_model.model.", "model.language_model."] {
            let module = format!("{prefix}layers.3.mlp.up_proj.weight");
            let names = Names::of_adapter([vision, module.as_str(), "lm_head"].into_iter()).unwrap();
            let weight = Meaning::Weight("model.layers.3.mlp.up_proj.weight".to_owned());
            assert_eq!(names.meaning(&module), weight, "{prefix}");
            assert_eq!(names.meaning(&format!("{vision}.weight")), Meaning::None);
        }
        let two = Names::of_adapter(["a.layers.0.x", "b.layers.0.x"].into_iter());
        assert!(two.err().unwrap().contains("a. and b."));
        let head = Names::of_adapter(["lm_head"].into_iter()).unwrap();
        assert_eq!(
            head.meaning("lm_head.weight"),
            Meaning::Weight("lm_head.weight".to_owned())
        );
    }
}
