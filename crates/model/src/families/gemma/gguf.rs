//! What GGUF files of the three generations say about the network, and what they leave out.
//!
//! What a file leaves out is filled in as llama.cpp does (`src/models/gemma*.cpp` there), and for
//! Gemma 3 as Ollama does where its own converter made the file. Sources for the latter:
//! convert/convert_gemma3.go, llama/compat (which fixes these files for llama.cpp) and
//! model/models/gemma3/model_text.go of <https://github.com/ollama/ollama>. Ollama's files of Gemma
//! 1 and 2 are like those of llama.cpp's converter.

use ::gguf::GgufFile;
use serde_json::{Map, Value, json};

use super::generation::Gemma;
use super::published::layers_of_27b;
use crate::gguf::GgufKeys;

pub(super) const KEYS_OF_ALL: &[&str] = &["rope.freq_base"];
pub(super) const KEYS_OF_TWO: &[&str] = &[
    "rope.freq_base",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "rope.freq_base_swa",
];
pub(super) const KEYS_OF_THREE: &[&str] = &[
    "rope.freq_base",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "rope.freq_base_swa",
    OLLAMAS_GLOBAL_BASE,
    OLLAMAS_LOCAL_BASE,
];

const OLLAMAS_GLOBAL_BASE: &str = "rope.global.freq_base";
const OLLAMAS_LOCAL_BASE: &str = "rope.local.freq_base";

/// What Ollama's published files leave out.
const OLLAMAS_EPSILON: f64 = 1e-6;
const OLLAMAS_BASE: f64 = 1e6;

/// Whether a tensor belongs to the vision part, which Ollama keeps in the same file.
pub(super) fn sees(tensor: &str) -> bool {
    tensor.starts_with("v.") || tensor.starts_with("mm.")
}

pub(super) fn config(
    generation: Gemma,
    file: &GgufFile,
    keys: &GgufKeys<'_>,
) -> Result<Map<String, Value>, String> {
    let model = Model {
        generation,
        keys,
        layers: keys.layers()?,
        of_ollama: converted_by_ollama(generation, file),
    };
    let mut config = Map::new();
    let mut set = |key: &str, value: Value| config.insert(key.to_owned(), value);
    set("rms_norm_eps", model.epsilon()?.into());
    set("rope_theta", model.rope_theta()?.into());
    set("rope_scaling", model.rope_scaling()?);
    set("hidden_activation", "gelu_pytorch_tanh".into());
    set("attention_bias", false.into());
    if generation != Gemma::One {
        set("query_pre_attn_scalar", model.query_scalar()?.into());
        set(
            "attn_logit_softcapping",
            model.soft_cap("attn_logit_softcapping", 50.0)?,
        );
        set(
            "final_logit_softcapping",
            model.soft_cap("final_logit_softcapping", 30.0)?,
        );
        model.add_windows(&mut config)?;
    }
    Ok(config)
}

/// Whether a file of Gemma 3 has what llama.cpp's converter never writes.
fn converted_by_ollama(generation: Gemma, file: &GgufFile) -> bool {
    const KEYS: [&str; 5] = [
        "gemma3.mm.tokens_per_image",
        "gemma3.rope.global.freq_base",
        "gemma3.rope.local.freq_base",
        "tokenizer.ggml.add_padding_token",
        "tokenizer.ggml.add_unknown_token",
    ];
    let tensors = || file.tensors().iter().any(|tensor| sees(&tensor.name));
    generation == Gemma::Three && (KEYS.iter().any(|key| file.metadata().get(key).is_some()) || tensors())
}

/// A file, and what its configuration follows from.
struct Model<'a> {
    generation: Gemma,
    keys: &'a GgufKeys<'a>,
    layers: usize,
    of_ollama: bool,
}

impl Model<'_> {
    fn epsilon(&self) -> Result<f64, String> {
        const NAME: &str = "attention.layer_norm_rms_epsilon";
        match self.of_ollama && !self.keys.has(NAME) {
            true => Ok(OLLAMAS_EPSILON),
            false => self.keys.number(NAME),
        }
    }

    /// Converters write it for Gemma 3 only; before, it was 10000 in all models.
    fn rope_theta(&self) -> Result<f64, String> {
        const NAME: &str = "rope.freq_base";
        if self.generation != Gemma::Three {
            return Ok(self.keys.optional_number(NAME)?.unwrap_or(1e4));
        }
        let global = self.keys.optional_number(OLLAMAS_GLOBAL_BASE)?;
        match self.of_ollama && !self.keys.has(NAME) {
            true => Ok(global.unwrap_or(OLLAMAS_BASE)),
            false => self.keys.number(NAME),
        }
    }

    /// The factor by which positions are divided (4B to 27B of Gemma 3, in their full-attention
    /// layers). Ollama's converter does not write it.
    fn rope_scaling(&self) -> Result<Value, String> {
        const OF_4B_12B_27B: [usize; 3] = [34, 48, 62];
        let left_out = self.of_ollama && OF_4B_12B_27B.contains(&self.layers);
        let usual = left_out.then_some(8.0);
        match self.keys.linear_rope_factor(usual)? {
            None => Ok(Value::Null),
            Some(_) if self.generation != Gemma::Three => Err(format!(
                "`{}` is not supported, since Gemma 1 and 2 have none; get the model as it was before its context was stretched",
                self.keys.key("rope.scaling.factor")
            )),
            Some(factor) => Ok(json!({"rope_type": "linear", "factor": factor})),
        }
    }

    /// The window of the sliding layers, which layers slide, and Gemma 3's second rotary base for
    /// them.
    fn add_windows(&self, config: &mut Map<String, Value>) -> Result<(), String> {
        let window = self.keys.optional_count("attention.sliding_window")?;
        let window = window.filter(|size| *size > 0);
        let sliding = if self.generation == Gemma::Three {
            let base = match self.keys.optional_number("rope.freq_base_swa")? {
                Some(base) => Some(base),
                None => self.keys.optional_number(OLLAMAS_LOCAL_BASE)?,
            };
            config.insert("rope_local_base_freq".to_owned(), base.unwrap_or(1e4).into());
            // A model without a window has full attention in all layers.
            match window {
                Some(_) => self.keys.sliding_layers(self.layers, 6)?,
                None => vec![false; self.layers],
            }
        } else {
            self.check_one_base()?;
            self.keys.sliding_layers(self.layers, 2)?
        };
        let kind = |slides: bool| match slides {
            true => "sliding_attention",
            false => "full_attention",
        };
        config.insert("layer_types".to_owned(), sliding.into_iter().map(kind).collect());
        let window = match self.generation {
            Gemma::Two => json!(window.unwrap_or(4096)),
            _ => json!(window),
        };
        config.insert("sliding_window".to_owned(), window);
        Ok(())
    }

    /// llama.cpp reads a separate base for the sliding layers of Gemma 2 too, which no published
    /// model has.
    fn check_one_base(&self) -> Result<(), String> {
        let base = self.rope_theta()?;
        match self.keys.optional_number("rope.freq_base_swa")? {
            Some(other) if other != base => Err(format!(
                "`{}` is {other}, but Gemma 2 has one base ({base}) in all layers; get another conversion of the model",
                self.keys.key("rope.freq_base_swa")
            )),
            _ => Ok(()),
        }
    }

    /// No file has this number. It is the size of a head, but the 27B models, recognised by their
    /// number of layers, have the width divided by the number of heads (144 in Gemma 2, 168 in
    /// Gemma 3).
    fn query_scalar(&self) -> Result<usize, String> {
        if Some(self.layers) != layers_of_27b(self.generation) {
            return self.keys.count("attention.key_length");
        }
        let heads = self.keys.count("attention.head_count")?;
        let width = self.keys.count("embedding_length")?;
        width.checked_div(heads).ok_or_else(|| {
            let key = self.keys.key("attention.head_count");
            format!("`{key}` is 0; download the file again")
        })
    }

    /// Gemma 2 has both caps, and they are the same in all its models; Gemma 3 has one only if the
    /// file says so, and 0 says that it has none.
    fn soft_cap(&self, name: &str, usual: f64) -> Result<Value, String> {
        let cap = self.keys.optional_number(name)?;
        if self.generation == Gemma::Two {
            return Ok(json!(cap.unwrap_or(usual)));
        }
        if self.of_ollama && self.has_wrong_cap() {
            return Ok(Value::Null);
        }
        Ok(json!(cap.filter(|cap| *cap != 0.0)))
    }

    /// Ollama's first conversion of the 1B model says that logits are capped at Gemma 2's 30. They
    /// are not.
    fn has_wrong_cap(&self) -> bool {
        self.layers == 26 && self.keys.has(OLLAMAS_GLOBAL_BASE)
    }
}
