//! What a tensor of an adapter is, by its name.

/// A tensor of an adapter's file. Modules are named as in the base model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// A of a module, `[rank, inputs]`.
    Down(String),
    /// B of a module, `[outputs, rank]`.
    Up(String),
    /// A tensor that takes the place of the base model's, by its whole name.
    Whole(String),
}

impl Part {
    /// PEFT writes `base_model.model.NAME.lora_A.weight`, older versions with the adapter's name before
    /// `weight`; modules that were trained as a whole keep their names, or have `modules_to_save.` in
    /// them.
    ///
    /// # Errors
    /// What belongs to something other than plain LoRA, in words that go behind the tensor's name.
    pub fn of(key: &str) -> Result<Self, &'static str> {
        let name = key.strip_prefix("base_model.model.").unwrap_or(key);
        for (mark, problem) in FOREIGN {
            if name.contains(mark) {
                return Err(problem);
            }
        }
        for (mark, part) in [
            (".lora_A.", Part::Down as fn(String) -> Part),
            (".lora_B.", Part::Up),
        ] {
            if let Some((module, rest)) = name.split_once(mark) {
                return match without_adapter_name(rest) {
                    "weight" => Ok(part(module.to_owned())),
                    _ => Err("is a bias of LoRA's own (`lora_bias`)"),
                };
            }
        }
        if name.contains(".lora_") {
            return Err("is of a variant of LoRA");
        }
        let name = match name.split_once(".modules_to_save.") {
            Some((module, rest)) => format!("{module}.{}", without_adapter_name(rest)),
            None => name.to_owned(),
        };
        Ok(Part::Whole(name))
    }
}

/// Parts of names that only other ways of fine-tuning have.
const FOREIGN: [(&str, &str); 5] = [
    (".lora_embedding_", "is LoRA on an embedding table"),
    (".lora_magnitude_vector", "is of DoRA"),
    (".trainable_tokens_", "holds tokens that were trained one by one"),
    (".base_layer.", "is a weight under LoRA that was trained itself"),
    (".original_module.", "is a copy of a weight of the base model"),
];

/// `default.weight` and `weight` are the same.
fn without_adapter_name(rest: &str) -> &str {
    rest.rsplit_once('.').map_or(rest, |(_, last)| last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_versions_are_read() {
        let module = || "model.layers.0.self_attn.q_proj".to_owned();
        let prefix = "base_model.model.model.layers.0.self_attn.q_proj";
        for (key, part) in [
            ("lora_A.weight", Part::Down(module())),
            ("lora_A.default.weight", Part::Down(module())),
            ("lora_B.my_adapter.weight", Part::Up(module())),
            ("weight", Part::Whole(format!("{}.weight", module()))),
            (
                "modules_to_save.default.weight",
                Part::Whole(format!("{}.weight", module())),
            ),
            (
                "modules_to_save.weight",
                Part::Whole(format!("{}.weight", module())),
            ),
        ] {
            assert_eq!(Part::of(&format!("{prefix}.{key}")), Ok(part), "{key}");
        }
        for key in [
            "lora_A.bias",
            "lora_B.default.bias",
            "lora_embedding_A",
            "lora_magnitude_vector",
            "lora_diag.default",
            "token_adapter.trainable_tokens_delta",
            "base_layer.weight",
        ] {
            assert!(Part::of(&format!("{prefix}.{key}")).is_err(), "{key}");
        }
    }
}
