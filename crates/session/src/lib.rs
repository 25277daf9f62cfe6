//! A pipeline's model, opened on this machine, and its prompts, rendered for it: what every program
//! that runs the model does first.

#![warn(missing_docs)]

mod device;
mod open;
mod prompts;

pub use device::{GpuRecord, precision_on, present_device, require_kernels};
pub use open::{
    InspectedModel, OpenModel, OpenNetwork, about_adapter_template, chat_options, inspect,
    open_for_generation, open_model, weight_files,
};
pub use prompts::{about_generation, other_texts, render_prompts, render_turns, suppressed_tokens};
