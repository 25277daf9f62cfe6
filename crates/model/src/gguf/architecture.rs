use std::fmt;

use ::gguf::Metadata;

use super::present;

/// The architectures that can be read, by the names of `general.architecture`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Gemma,
    Gemma2,
    Gemma3,
}

impl Architecture {
    /// The error says what the file holds instead: another model, or something that goes with one.
    pub fn read(metadata: &Metadata) -> Result<Self, String> {
        const KEY: &str = "general.architecture";
        match metadata.text("general.type")? {
            Some("adapter") => {
                return Err(
                    "the file holds a LoRA adapter and no model; give the file of the model, into which the \
                            adapter was merged if it shall take part"
                        .to_owned(),
                );
            }
            Some("imatrix") => {
                return Err(
                    "the file holds an importance matrix and no model; give the file of the model".to_owned(),
                );
            }
            _ => {}
        }
        match present(KEY, metadata.text(KEY)?)? {
            "gemma" => Ok(Architecture::Gemma),
            "gemma2" => Ok(Architecture::Gemma2),
            "gemma3" => Ok(Architecture::Gemma3),
            "clip" => Err(
                "the file holds the part of a model that sees (architecture \"clip\", an mmproj file); give the file of \
                 the language model that it goes with"
                    .to_owned(),
            ),
            "controlvector" => Err(
                "the file holds a control vector and no model; list it under [[vectors]], and give the file of the model"
                    .to_owned(),
            ),
            other => Err(format!(
                "the file holds a model of the architecture \"{other}\", which Roleswap does not run; give one of Gemma 1, 2 \
                 or 3 (gemma, gemma2, gemma3)"
            )),
        }
    }

    /// `model_type` and `architectures` of the config.json.
    pub(super) fn hugging_face(self) -> (&'static str, &'static str) {
        match self {
            Architecture::Gemma => ("gemma", "GemmaForCausalLM"),
            Architecture::Gemma2 => ("gemma2", "Gemma2ForCausalLM"),
            Architecture::Gemma3 => ("gemma3_text", "Gemma3ForCausalLM"),
        }
    }

    /// The layers of the 27B model, if there is one.
    pub(super) fn layers_of_27b(self) -> Option<usize> {
        match self {
            Architecture::Gemma => None,
            Architecture::Gemma2 => Some(46),
            Architecture::Gemma3 => Some(62),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Architecture::Gemma => "gemma",
            Architecture::Gemma2 => "gemma2",
            Architecture::Gemma3 => "gemma3",
        })
    }
}
