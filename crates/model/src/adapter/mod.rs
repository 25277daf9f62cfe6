//! A fine-tune as PEFT writes it: a folder with what was trained, to be put onto the weights that it
//! was trained on.

mod config;
mod folder;
mod part;
mod pattern;

use std::path::Path;

pub(crate) use config::LoraConfig;
pub use folder::adapter_files;
pub(crate) use folder::{MERGE, WEIGHTS, require_adapter};
pub(crate) use part::Part;

use crate::Result;
use crate::chat;

/// The text of the chat template in an adapter's folder, which is not used: that of the base model
/// is. `None` where it has none.
///
/// # Errors
/// A file that can't be read, and a list of templates without a default.
pub fn adapter_template(folder: &Path) -> Result<Option<String>> {
    chat::own_template(folder)
}

/// The name of the model that an adapter was trained on, as far as its configuration has it.
///
/// # Errors
/// A configuration that can't be used.
pub fn adapter_base(folder: &Path) -> Result<Option<String>> {
    Ok(LoraConfig::read(folder)?.base)
}
