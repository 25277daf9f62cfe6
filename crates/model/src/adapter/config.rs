//! `adapter_config.json` of PEFT, as far as it decides what the weights become.

use std::path::Path;

use serde_json::{Map, Value};

use super::folder::{CONFIG, MERGE};
use super::pattern::Patterns;
use crate::text_file::json_file;
use crate::{Error, Result};

/// How low-rank changes are scaled, and what was trained as a whole.
pub(crate) struct LoraConfig {
    rank: f64,
    alpha: f64,
    /// The scale is alpha over the root of the rank, not over the rank.
    is_rank_stabilized: bool,
    ranks: Patterns,
    alphas: Patterns,
    /// `modules_to_save`: ends of names of modules.
    pub saved: Vec<String>,
    /// A table that is saved as a whole is the head as well, where the base model ties them.
    pub keeps_ties: bool,
    /// The model that it was trained on.
    pub base: Option<String>,
}

impl LoraConfig {
    /// # Errors
    /// Names the key of what is not plain LoRA, and says what to do.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        let json = json_file(&path)?;
        let read = match json.as_object() {
            Some(keys) => Self::of(keys),
            None => Err(format!(
                "not the configuration of an adapter; give the folder that PEFT wrote ({MERGE})"
            )),
        };
        read.map_err(|message| Error::file(&path, message))
    }

    fn of(keys: &Map<String, Value>) -> Result<Self, String> {
        require_lora(keys)?;
        let key = |name: &str| keys.get(name).filter(|value| !value.is_null());
        let number = |name: &str| match key(name) {
            // What PEFT takes for a key that is left out.
            None => Ok(8.0),
            Some(value) => value
                .as_f64()
                .filter(|number| *number > 0.0)
                .ok_or_else(|| format!("`{name}` is {value}, and a positive number is wanted; correct it")),
        };
        let patterns = |name: &str| {
            Patterns::of(key(name)).map_err(|problem| format!("`{name}` {problem}; correct it, or {MERGE}"))
        };
        let saved = key("modules_to_save").and_then(Value::as_array);
        let saved = saved
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned));
        Ok(LoraConfig {
            rank: number("r")?,
            alpha: number("lora_alpha")?,
            is_rank_stabilized: key("use_rslora").is_some_and(is_on),
            ranks: patterns("rank_pattern")?,
            alphas: patterns("alpha_pattern")?,
            saved: saved.collect(),
            keeps_ties: key("ensure_weight_tying").is_some_and(is_on),
            base: key("base_model_name_or_path").and_then(|base| base.as_str().map(str::to_owned)),
        })
    }

    /// How many rows A of a module has, by its name in the base model.
    pub fn rank(&self, module: &str) -> f64 {
        self.ranks.value(module).unwrap_or(self.rank)
    }

    /// What B A is multiplied by: alpha / r, or alpha / sqrt(r) with `use_rslora` (`LoraLayer` of PEFT,
    /// `update_layer`), where both may be the module's own.
    pub fn scale(&self, module: &str) -> f64 {
        let (rank, alpha) = (self.rank(module), self.alphas.value(module).unwrap_or(self.alpha));
        alpha
            / if self.is_rank_stabilized {
                rank.sqrt()
            } else {
                rank
            }
    }

    /// Whether a module was trained as a whole, by its name.
    pub fn saves(&self, module: &str) -> bool {
        self.saved.iter().any(|end| module.ends_with(end.as_str()))
    }
}

/// # Errors
/// The first key that says that there is more to it than pairs of matrices, or other than those.
fn require_lora(keys: &Map<String, Value>) -> Result<(), String> {
    match keys.get("peft_type").and_then(Value::as_str) {
        Some("LORA") => {}
        Some(kind @ ("PROMPT_TUNING" | "PREFIX_TUNING" | "P_TUNING" | "MULTITASK_PROMPT_TUNING" | "CPT")) => {
            return Err(format!(
                "`peft_type` is {kind}, which puts trained vectors before a text and changes no weight; only LoRA can be run"
            ));
        }
        Some(kind) => {
            return Err(format!("`peft_type` is {kind}, and only LoRA is put on; {MERGE}"));
        }
        None => {
            return Err(
                "`peft_type` is missing, so this is not an adapter of PEFT; give the folder that PEFT wrote"
                    .to_owned(),
            );
        }
    }
    for (key, value) in keys {
        let key = key.as_str();
        if key == "init_lora_weights" {
            require_unchanged_base(value)?;
        } else if let Some((_, problem)) = REFUSED.iter().find(|(refused, _)| *refused == key) {
            if is_on(value) {
                return Err(format!("`{key}` is {value}: {problem}; {MERGE}"));
            }
        } else if !HARMLESS.contains(&key) && is_on(value) {
            return Err(format!(
                "`{key}` is {value}, and this version doesn't know the key; remove it if it says nothing about the weights, or {MERGE}"
            ));
        }
    }
    Ok(())
}

/// Some ways to begin the training take away from the base model what they put into the pair.
fn require_unchanged_base(value: &Value) -> Result<(), String> {
    let keeps = match value.as_str() {
        Some(way) => ["gaussian", "eva", "orthogonal"].contains(&way),
        None => true,
    };
    if keeps {
        return Ok(());
    }
    Err(format!(
        "`init_lora_weights` is {value}, which changed the base model's weights before the training; save the adapter with \
         path_initial_model_for_weight_conversion (PEFT's save_pretrained), or {MERGE}"
    ))
}

/// Keys that change what is computed, with what they do.
const REFUSED: [(&str, &str); 15] = [
    ("use_dora", "DoRA also scales each row of the weights"),
    ("trainable_token_indices", "rows of the table were trained alone"),
    ("fan_in_fan_out", "the weights are stored the other way round"),
    ("lora_bias", "B has a bias of its own"),
    ("layer_replication", "layers are repeated"),
    ("alora_invocation_tokens", "it works from a certain token on"),
    (
        "target_parameters",
        "parameters were trained that are not matrices of a module",
    ),
    ("use_qalora", "A is for groups of inputs"),
    ("use_bdlora", "the pairs are block diagonal"),
    ("arrow_config", "several adapters are weighed for each token"),
    ("kasa_config", "the base model's weights were cut in rank"),
    ("monteclora_config", "the pairs are drawn at random"),
    (
        "corda_config",
        "it changed the base model's weights before the training",
    ),
    (
        "lora_ga_config",
        "it changed the base model's weights before the training",
    ),
    ("enable_lora", "only parts of a product were trained"),
];

/// Keys about the training, and those that the tensors themselves show: which modules have a pair, and
/// which biases were trained.
const HARMLESS: [&str; 32] = [
    "alpha_pattern",
    "auto_mapping",
    "base_model_name_or_path",
    "bias",
    "ensure_weight_tying",
    "eva_config",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_alpha",
    "lora_dropout",
    "megatron_config",
    "megatron_core",
    "merge_weights",
    "modules_to_save",
    "modules_to_tie",
    "peft_type",
    "peft_version",
    "qalora_group_size",
    "r",
    "rank_pattern",
    "revision",
    "runtime_config",
    "target_modules",
    "target_modules_to_tie",
    "task_type",
    "unsloth_fixed",
    "unsloth_version",
    "use_rslora",
    "velora_config",
];

/// Whether a key says something: null, false, zero and what is empty say nothing.
fn is_on(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_on) => *is_on,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(keys) => !keys.is_empty(),
    }
}
