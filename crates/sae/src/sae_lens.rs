//! Folders of SAELens: `cfg.json` and `sae_weights.safetensors`, of its versions before and after 6.

use std::path::Path;

use results::{Error, Result};
use serde_json::{Map, Value};

use crate::said::{agreed, read_json};
use crate::tensors::Tensors;
use crate::{Activation, Description, Normalization, SparseAutoencoder};

pub(crate) const CONFIG: &str = "cfg.json";
const TENSORS: &str = "sae_weights.safetensors";

/// What the description says about how features become active.
enum Kind {
    Standard,
    JumpRelu,
    /// One threshold for all features, or thresholds.
    BatchTopK,
    TopK(usize),
    Gated,
}

pub(crate) fn open(folder: &Path, hook: Option<&str>) -> Result<SparseAutoencoder> {
    let path = folder.join(CONFIG);
    let config = Config {
        path: &path,
        config: read_json(&path)?,
    };
    config.refuse_unknown()?;
    let kind = config.kind()?;
    let description = Description {
        place: agreed(&path, config.hook(), hook)?,
        model: config.metadata("model_name").map(str::to_owned),
        neuronpedia: config.metadata("neuronpedia_id").map(str::to_owned),
        architecture: config.architecture().to_owned(),
        normalization: config.normalization()?,
        subtracts_decoder_bias: config.flag("apply_b_dec_to_input").unwrap_or(true),
    };
    let counts_in_decoder_norms = match kind {
        Kind::TopK(_) => config.flag("rescale_acts_by_decoder_norm").unwrap_or(false),
        Kind::BatchTopK => config.flag("rescale_acts_by_decoder_norm").unwrap_or(true),
        _ => false,
    };
    let tensors = Tensors::open(&folder.join(TENSORS))?;
    check_tensors(&tensors, &kind)?;
    let activation = |tensors: &Tensors, features: usize| activation(kind, tensors, features);
    SparseAutoencoder::new(description, activation, counts_in_decoder_norms, tensors)
}

fn activation(kind: Kind, tensors: &Tensors, features: usize) -> Result<Activation> {
    Ok(match kind {
        Kind::Standard => Activation::Relu,
        Kind::JumpRelu => Activation::JumpRelu {
            thresholds: tensors.vector("threshold", features)?,
        },
        Kind::BatchTopK if tensors.has("threshold") => Activation::JumpRelu {
            thresholds: tensors.vector("threshold", features)?,
        },
        Kind::BatchTopK => match tensors.numbers("topk_threshold")?.as_slice() {
            [threshold] if threshold.is_finite() => Activation::JumpRelu {
                thresholds: vec![*threshold; features],
            },
            other => {
                return Err(tensors.invalid(format!(
                    "tensor `topk_threshold` is to be one finite number, and is {other:?}"
                )));
            }
        },
        Kind::TopK(k) if (1..=features).contains(&k) => Activation::TopK { k },
        Kind::TopK(k) => {
            return Err(tensors.invalid(format!("`k` is {k}, and there are {features} features")));
        }
        Kind::Gated => Activation::Gated {
            gains: tensors
                .vector("r_mag", features)?
                .into_iter()
                .map(f32::exp)
                .collect(),
            biases: tensors.vector("b_mag", features)?,
        },
    })
}

/// Tensors that would change what is computed must be known.
fn check_tensors(tensors: &Tensors, kind: &Kind) -> Result<()> {
    let common = ["W_enc", "W_dec", "b_dec", "scaling_factor"];
    let own: &[&str] = match kind {
        Kind::Standard | Kind::TopK(_) => &["b_enc"],
        Kind::JumpRelu => &["b_enc", "threshold"],
        Kind::BatchTopK => &["b_enc", "threshold", "topk_threshold"],
        Kind::Gated => &["b_gate", "b_mag", "r_mag"],
    };
    tensors.check_names(&[&common[..], own].concat())?;
    // Older versions wrote a factor for each feature, nearly always of ones.
    let factors = match tensors.has("scaling_factor") {
        true => tensors.numbers("scaling_factor")?,
        false => Vec::new(),
    };
    match factors.iter().position(|factor| (factor - 1.0).abs() > 1e-5) {
        Some(feature) => Err(tensors.invalid(format!(
            "tensor `scaling_factor` is {} at feature {feature}, from fine-tuning, which is not read; multiply the rows of `W_dec` \
             by it, leave it out, and save the file again",
            factors[feature]
        ))),
        None => Ok(()),
    }
}

struct Config<'a> {
    path: &'a Path,
    config: Map<String, Value>,
}

impl Config<'_> {
    fn invalid(&self, message: impl Into<String>) -> Error {
        Error::invalid(self.path, message.into())
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.config.get(key).and_then(Value::as_str)
    }

    fn flag(&self, key: &str) -> Option<bool> {
        self.config.get(key).and_then(Value::as_bool)
    }

    /// What version 6 keeps in `metadata`, and earlier ones beside the rest.
    fn metadata(&self, key: &str) -> Option<&str> {
        let inside = self.config.get("metadata").and_then(|metadata| metadata.get(key));
        inside.or_else(|| self.config.get(key)).and_then(Value::as_str)
    }

    fn hook(&self) -> Option<&str> {
        self.metadata("hook_name").or_else(|| self.text("hook_point"))
    }

    fn architecture(&self) -> &str {
        match self.activation_function() {
            "topk" => "topk",
            _ => self.text("architecture").unwrap_or("standard"),
        }
    }

    /// Before version 6, top-k was a standard one with another activation.
    fn activation_function(&self) -> &str {
        let name = self
            .text("activation_fn")
            .or_else(|| self.text("activation_fn_str"));
        name.unwrap_or("relu")
    }

    fn kind(&self) -> Result<Kind> {
        Ok(match self.architecture() {
            "standard" => Kind::Standard,
            "jumprelu" => Kind::JumpRelu,
            "batchtopk" | "matryoshka_batchtopk" => Kind::BatchTopK,
            "gated" => Kind::Gated,
            "topk" => {
                let arguments = self.config.get("activation_fn_kwargs");
                let k = arguments
                    .and_then(|arguments| arguments.get("k"))
                    .or_else(|| self.config.get("k"));
                let k = k.and_then(Value::as_u64).ok_or_else(|| {
                    self.invalid("`k`, the number of features that are active, is missing; add it as the authors had it")
                })?;
                Kind::TopK(k as usize)
            }
            other => {
                let what = match other.contains("transcoder") {
                    true => {
                        "a transcoder reads one activation and writes another, and only autoencoders of one activation are read"
                    }
                    false => "known are standard, jumprelu, topk, batchtopk and gated",
                };
                return Err(self.invalid(format!(
                    "`architecture` is \"{other}\": {what}; use an autoencoder of a known kind"
                )));
            }
        })
    }

    fn normalization(&self) -> Result<Normalization> {
        match self.config.get("normalize_activations") {
            None | Some(Value::Null | Value::Bool(false)) => Ok(Normalization::None),
            Some(Value::String(word)) if word == "none" => Ok(Normalization::None),
            Some(Value::String(word)) if word == "constant_norm_rescale" => Ok(Normalization::ConstantNorm),
            Some(Value::String(word)) if word == "layer_norm" => Ok(Normalization::LayerNorm),
            Some(other) => Err(self.invalid(format!(
                "`normalize_activations` is {other}, whose factor is not in the folder; fold it into the weights \
                 (`sae.fold_activation_norm_scaling_factor(FACTOR)` in SAELens) and save the autoencoder again"
            ))),
        }
    }

    /// What would change the arithmetic, and is not known here.
    fn refuse_unknown(&self) -> Result<()> {
        let is_set = |key: &str| match self.config.get(key) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::String(word)) => word != "none",
            Some(_) => true,
        };
        if self
            .metadata("hook_name_out")
            .is_some_and(|out| Some(out) != self.hook())
        {
            return Err(self.invalid("`hook_name_out` names another activation than it reads: this is a transcoder, which is not read; \
                                     use an autoencoder of one activation"));
        }
        if self
            .config
            .get("hook_head_index")
            .is_some_and(|index| !index.is_null())
        {
            return Err(self.invalid("`hook_head_index` is set: it reads a single head, which is not recorded; use one that reads the \
                                     residual stream"));
        }
        if is_set("reshape_activations") {
            return Err(self.invalid("`reshape_activations` is set: it reads what the heads give before the output projection, which is \
                                     not recorded; use one that reads the residual stream"));
        }
        match self.activation_function() {
            "relu" | "topk" => Ok(()),
            other => Err(self.invalid(format!(
                "`activation_fn` is \"{other}\", and relu and topk are known; use one of these"
            ))),
        }
    }
}
