#![allow(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod bad_files;
mod export;
mod formats;

use exchange::{Origin, Vector};
use results::Metadata;

/// Three layers of four numbers.
pub fn vector() -> Vector {
    Vector {
        name: "contrast".to_owned(),
        hidden_size: 4,
        rows: (0..3)
            .map(|layer| Some(vec![layer as f32, -0.5, f32::MIN_POSITIVE, 1e30]))
            .collect(),
    }
}

pub fn origin() -> Origin {
    Origin(
        Metadata::default()
            .with("model_name", "Gemma 3 270M")
            .with("model_source", "google/gemma-3-270m")
            .with("model_type", "gemma3_text")
            .with("model_fingerprint", "ab12")
            .with("positive", "normal")
            .with("negative", "swapped"),
    )
}
