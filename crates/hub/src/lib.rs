//! Downloads a model from the Hugging Face hub onto this machine, into the cache that Python's
//! `huggingface_hub` uses too: what either has downloaded, the other finds.
//!
//! `hf_hub` knows the addresses of the hub and the names in the cache. The transfer is this crate's
//! own: `hf_hub` keeps no error codes of the hub, checks no content, and doesn't recognise a
//! partial answer.

mod address;
mod cache;
mod checksum;
mod client;
mod disk;
mod download;
mod environment;
mod error;
mod fetch;
mod partial;
mod patience;
mod progress;
mod refusal;
mod request;
mod selection;
mod size;
mod snapshot;
mod trouble;

pub use environment::{Environment, Token};
pub use error::{Error, Result};
pub use fetch::{ask, cached, fetch};
pub use progress::Progress;
pub use request::Request;
