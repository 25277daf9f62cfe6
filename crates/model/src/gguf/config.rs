use ::gguf::{GgufFile, Value};
use serde_json::{Value as Json, json};

use super::ends::end_tokens;
use super::keys::Keys;
use super::known::check_keys;
use super::vocabulary::TOKENS;
use super::{Architecture, ollama, present};
use crate::config::MOST_LAYERS;

/// The metadata under the keys of a Hugging Face config.json (`model_type` "gemma", "gemma2" or "gemma3_text").
///
/// What the file leaves out is filled in as llama.cpp does for the architecture (src/models/gemma*.cpp there), and as
/// Ollama does where its own converter made the file: see the functions below. Errors name the missing or unusable key,
/// or one that nobody here knows and that may change what the model computes.
pub fn config_json(file: &GgufFile) -> Result<Json, String> {
    let architecture = Architecture::read(file.metadata())?;
    let model = Model {
        keys: Keys {
            metadata: file.metadata(),
            architecture,
        },
        file,
        of_ollama: ollama::converted(file, architecture),
    };
    let keys = &model.keys;
    let (model_type, class) = architecture.hugging_face();
    let mut config = json!({
        "architectures": [class],
        "model_type": model_type,
        "vocab_size": vocab_size(file)?,
        "hidden_size": keys.count("embedding_length")?,
        "intermediate_size": keys.count("feed_forward_length")?,
        "num_hidden_layers": model.layers()?,
        "num_attention_heads": keys.count("attention.head_count")?,
        "num_key_value_heads": model.key_value_heads()?,
        "head_dim": keys.count("attention.key_length")?,
        "max_position_embeddings": keys.count("context_length")?,
        "rms_norm_eps": model.epsilon()?,
        "rope_theta": model.rope_theta()?,
        "rope_scaling": model.rope_scaling()?,
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": false,
        "tie_word_embeddings": file.tensor("output.weight").is_none(),
        "bos_token_id": file.metadata().count("tokenizer.ggml.bos_token_id")?,
        "eos_token_id": end_tokens(file.metadata())?,
        "pad_token_id": file.metadata().count("tokenizer.ggml.padding_token_id")?,
    });
    if architecture != Architecture::Gemma {
        model.add_windows(&mut config)?;
        config["query_pre_attn_scalar"] = model.query_scalar()?.into();
        config["attn_logit_softcapping"] = model.softcapping("attn_logit_softcapping", 50.0)?;
        config["final_logit_softcapping"] = model.softcapping("final_logit_softcapping", 30.0)?;
    }
    check_keys(file.metadata(), architecture)?;
    Ok(config)
}

/// The rows of the embedding, or, without that tensor, the number of tokens. There may be rows without a token (they
/// are padded) and tokens without a row, such as the token for images that files of Gemma 3 list behind the others.
fn vocab_size(file: &GgufFile) -> Result<usize, String> {
    let tokens = present(TOKENS, file.metadata().list(TOKENS)?)?.len();
    let rows = file
        .tensor("token_embd.weight")
        .and_then(|tensor| tensor.shape.first());
    Ok(rows.copied().unwrap_or(tokens))
}

/// A file, and what its configuration follows from.
struct Model<'a> {
    keys: Keys<'a>,
    file: &'a GgufFile,
    of_ollama: bool,
}

impl Model<'_> {
    fn architecture(&self) -> Architecture {
        self.keys.architecture
    }

    /// Bounded, since a broken file must not make the lists of layers huge.
    fn layers(&self) -> Result<usize, String> {
        match self.keys.count("block_count")? {
            layers if layers > MOST_LAYERS => Err(format!(
                "`{}` is {layers}, more than the {MOST_LAYERS} possible; download the file again",
                self.keys.key("block_count")
            )),
            layers => Ok(layers),
        }
    }

    /// As many as there are query heads, if the file does not say.
    fn key_value_heads(&self) -> Result<usize, String> {
        match self.keys.optional_count("attention.head_count_kv")? {
            Some(heads) => Ok(heads),
            None => self.keys.count("attention.head_count"),
        }
    }

    fn epsilon(&self) -> Result<f64, String> {
        const NAME: &str = "attention.layer_norm_rms_epsilon";
        match self.of_ollama && !self.keys.has(NAME) {
            true => Ok(ollama::EPSILON),
            false => self.keys.number(NAME),
        }
    }

    /// Converters write it for Gemma 3 only; before, it was 10000 in all models.
    fn rope_theta(&self) -> Result<f64, String> {
        const NAME: &str = "rope.freq_base";
        if self.architecture() != Architecture::Gemma3 {
            return Ok(self.keys.optional_number(NAME)?.unwrap_or(1e4));
        }
        let global = self.keys.optional_number(ollama::GLOBAL_BASE)?;
        match self.of_ollama && !self.keys.has(NAME) {
            true => Ok(global.unwrap_or(ollama::BASE)),
            false => self.keys.number(NAME),
        }
    }

    /// The factor by which positions are divided (4B to 27B of Gemma 3, in their full-attention layers).
    fn rope_scaling(&self) -> Result<Json, String> {
        let factor_key = self.keys.key("rope.scaling.factor");
        let factor = match self.keys.optional_number("rope.scaling.factor")? {
            Some(factor) => Some(factor),
            // The older name.
            None => self.keys.optional_number("rope.scale_linear")?,
        };
        let kind_key = self.keys.key("rope.scaling.type");
        let factor = match (self.keys.metadata.text(&kind_key)?, factor) {
            (None, None) if self.of_ollama => ollama::rope_factor(self.layers()?),
            (Some("none"), _) | (None, None) => None,
            (Some("linear") | None, Some(factor)) => Some(factor),
            (Some("linear"), None) => {
                return Err(format!(
                    "`{kind_key}` is \"linear\", but `{factor_key}` is missing; download the file again"
                ));
            }
            (Some(other), _) => {
                return Err(format!(
                    "`{kind_key}` \"{other}\" is not supported, since Gemma models have none or \"linear\"; get the model as \
                     it was before its context was stretched"
                ));
            }
        };
        // llama.cpp: a factor of 0 is none.
        match factor.filter(|factor| ![0.0, 1.0].contains(factor)) {
            None => Ok(Json::Null),
            Some(_) if self.architecture() != Architecture::Gemma3 => Err(format!(
                "`{factor_key}` is not supported, since Gemma 1 and 2 have none; get the model as it was before its context \
                 was stretched"
            )),
            Some(factor) => Ok(json!({"rope_type": "linear", "factor": factor})),
        }
    }

    /// The window of the sliding layers, which layers slide, and Gemma 3's second rotary base for them.
    fn add_windows(&self, config: &mut Json) -> Result<(), String> {
        let layers = self.layers()?;
        let window = self
            .keys
            .optional_count("attention.sliding_window")?
            .filter(|size| *size > 0);
        let sliding = if self.architecture() == Architecture::Gemma3 {
            let base = match self.keys.optional_number("rope.freq_base_swa")? {
                Some(base) => Some(base),
                None => self.keys.optional_number(ollama::LOCAL_BASE)?,
            };
            config["rope_local_base_freq"] = base.unwrap_or(1e4).into();
            // A model without a window has full attention in all layers.
            match window {
                Some(_) => self.sliding_layers(layers, 6)?,
                None => vec![false; layers],
            }
        } else {
            self.check_one_base()?;
            self.sliding_layers(layers, 2)?
        };
        let kind = |slides: bool| {
            if slides {
                "sliding_attention"
            } else {
                "full_attention"
            }
        };
        config["layer_types"] = sliding.into_iter().map(kind).collect();
        config["sliding_window"] = match self.architecture() {
            Architecture::Gemma2 => json!(window.unwrap_or(4096)),
            _ => json!(window),
        };
        Ok(())
    }

    /// llama.cpp reads a base of its own for the sliding layers of Gemma 2 too, which no published model has.
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

    /// Which layers slide: each but every `period`-th, or as the file lists it. Converters leave it out so far;
    /// llama.cpp reads a period or a list of flags.
    fn sliding_layers(&self, layers: usize, usual: usize) -> Result<Vec<bool>, String> {
        let key = self.keys.key("attention.sliding_window_pattern");
        let wrong = || {
            format!(
                "`{key}` must be a number of layers, or true or false for each of {layers} layers; download the file again, or \
                 another conversion of the model"
            )
        };
        let period = match self.keys.metadata.get(&key) {
            None => usual,
            Some(Value::List(flags)) => {
                let flag = |value: &Value| value.as_bool().or_else(|| value.as_count().map(|flag| flag != 0));
                let flags: Option<Vec<bool>> = flags.iter().map(flag).collect();
                return flags.filter(|flags| flags.len() == layers).ok_or_else(wrong);
            }
            Some(value) => value.as_count().ok_or_else(wrong)?,
        };
        // llama.cpp: a period of 0 means that all layers slide.
        Ok((1..=layers)
            .map(|layer| period == 0 || !layer.is_multiple_of(period))
            .collect())
    }

    /// No file has this number. It is the size of a head, but the 27B models, known by their number of layers, have
    /// the width divided by the number of heads (144 in Gemma 2, 168 in Gemma 3).
    fn query_scalar(&self) -> Result<usize, String> {
        if Some(self.layers()?) != self.architecture().layers_of_27b() {
            return self.keys.count("attention.key_length");
        }
        let heads = self.keys.count("attention.head_count")?;
        self.keys
            .count("embedding_length")?
            .checked_div(heads)
            .ok_or_else(|| {
                format!(
                    "`{}` is 0; download the file again",
                    self.keys.key("attention.head_count")
                )
            })
    }

    /// Gemma 2 has both caps, and they are the same in all its models; Gemma 3 has one only if the file says so, and 0
    /// says that it has none.
    fn softcapping(&self, name: &str, usual: f64) -> Result<Json, String> {
        let cap = self.keys.optional_number(name)?;
        if self.architecture() == Architecture::Gemma2 {
            return Ok(json!(cap.unwrap_or(usual)));
        }
        if self.of_ollama && ollama::has_wrong_cap(self.file, self.layers()?) {
            return Ok(Json::Null);
        }
        Ok(json!(cap.filter(|cap| *cap != 0.0)))
    }
}
