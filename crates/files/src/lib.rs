//! Files as people have them, before anything is known of what they mean: how a text is read, where
//! the Hugging Face hub's models are on this disk, what a model source names, and which files of a
//! model's folder decide what it computes.

#![warn(missing_docs)]

mod hash_memo;
pub mod hub_cache;
pub mod model_folder;
pub mod model_source;
pub mod process;
pub mod text;

pub use hash_memo::{HASH_MEMO, HashMemo, REMEMBERED_FROM_BYTES, write_atomically};
pub use hub_cache::{HubVariables, offline_problem, snapshot as hub_snapshot};
pub use model_folder::{
    ADAPTER, GgufPart, deciding_files, deciding_files_of_adapter, missing as missing_files,
    missing_of_adapter,
};
pub use model_source::{HubModel, ModelSource};
pub use text::{LFS, decode as decode_text, read_text};
