use std::fmt;

use ::gguf::Metadata;

use super::present;
use crate::families::{self, FAMILIES, Family};

/// An architecture that can be read, by its name in `general.architecture`.
#[derive(Clone, Copy)]
pub struct Architecture(&'static dyn Family);

impl Architecture {
    /// The architecture of a file.
    ///
    /// # Errors
    /// Says what the file holds instead: another model, or something that goes with one.
    pub fn read(metadata: &Metadata) -> Result<Self, String> {
        const KEY: &str = "general.architecture";
        match metadata.text("general.type")? {
            Some("adapter") => {
                return Err(
                    "the file holds a LoRA adapter, not a model; give the file of the model, into which the adapter was \
                     merged if it is to take part"
                        .to_owned(),
                );
            }
            Some("imatrix") => {
                return Err(
                    "the file holds an importance matrix, not a model; give the file of the model".to_owned(),
                );
            }
            _ => {}
        }
        let name = present(KEY, metadata.text(KEY)?)?;
        if let Some(found) = Self::named(name) {
            return Ok(found);
        }
        Err(match name {
            "clip" => "the file holds the part of a model that sees (architecture \"clip\", an mmproj file); give the \
                       file of the language model that it goes with"
                .to_owned(),
            "controlvector" => "the file holds a control vector, not a model; list it under [[vectors]], and give the \
                                file of the model"
                .to_owned(),
            other => {
                let known: Vec<&str> = FAMILIES.iter().filter_map(|family| family.architecture()).collect();
                format!(
                    "the file holds a model of the architecture \"{other}\", which Roleswap does not run; give one of {}",
                    known.join(", ")
                )
            }
        })
    }

    /// The architecture of this name, such as `gemma3`, if it can be read.
    pub fn named(name: &str) -> Option<Self> {
        families::by_architecture(name).map(Architecture)
    }

    /// Its name in the file.
    pub(crate) fn name(self) -> &'static str {
        self.0.architecture().unwrap_or_default()
    }

    pub(crate) fn family(self) -> &'static dyn Family {
        self.0
    }
}

impl fmt::Debug for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
