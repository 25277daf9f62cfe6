//! A project in a temporary folder, and stages that are a few lines each, so that every rule about
//! what runs and what does not is tested without a model.

mod accept;
mod circles;
mod code;
mod command_line;
mod completions;
mod hash_memo;
mod interrupted;
mod modules;
mod new;
mod outputs;
mod packages;
mod pipeline;
mod run;
mod rust_code;
mod sandbox;
mod shards;
mod source;
mod stage;
mod staleness;
mod status;
mod tidy;
mod unused;
mod why;
mod workspace;
