//! Tokenizers of published models in GGUF, against their own tokenizer.json. They are not in the
//! repository: `crates/model/reference/gguf_tokenizers.py` says where they come from and writes
//! what is expected.

use std::path::Path;

use ::gguf::GgufFile;
use model::gguf::{Architecture, chat_parts, read_tokenizer};

use crate::gguf::build::Builder;
use crate::gguf::encoded::{Encoded, differences};

#[test]
fn published_vocabularies_give_the_ids_of_hugging_face() {
    let Some(folder) = std::env::var_os("ROLESWAP_GGUF_TOKENIZERS") else {
        println!(
            "skipped: ROLESWAP_GGUF_TOKENIZERS names no folder with published vocabularies (see \
             crates/model/reference/gguf_tokenizers.py)"
        );
        return;
    };
    let (mut files, mut wrong) = (0, 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let place = entry.unwrap().path();
        let Ok(expected) = std::fs::read(place.join("ids.json")) else {
            continue;
        };
        let expected: Vec<Encoded> = serde_json::from_slice(&expected).unwrap();
        for file in gguf_files(&place) {
            let bytes = std::fs::read(&file).unwrap();
            let parsed = GgufFile::parse(&bytes).unwrap();
            let tokenizer = match Architecture::read(parsed.metadata()) {
                Ok(_) => chat_parts(parsed.metadata()).unwrap().tokenizer,
                Err(_) => read_tokenizer(parsed.metadata()).unwrap(),
            };
            let found = differences(&tokenizer, &expected);
            println!(
                "{}: {} texts, {} differ",
                file.display(),
                expected.len(),
                found.len()
            );
            for difference in found.iter().take(5) {
                println!("  {difference}");
            }
            (files, wrong) = (files + 1, wrong + found.len());
            println!(
                "  without a name of its pre-tokenizer: {}",
                unnamed(&parsed, &expected)
            );
        }
    }
    assert!(files > 0, "the folder holds no ids.json beside a GGUF file");
    assert_eq!(wrong, 0, "texts differ");
}

/// A byte-level vocabulary whose pre-tokenizer is not named is recognised, or refused.
fn unnamed(file: &GgufFile, expected: &[Encoded]) -> &'static str {
    const PRE: &str = "tokenizer.ggml.pre";
    if file.metadata().text("tokenizer.ggml.model") != Ok(Some("gpt2")) {
        return "the same";
    }
    let bytes = Builder::new()
        .entries_of(file)
        .without(PRE)
        .text(PRE, "default")
        .bytes();
    match read_tokenizer(GgufFile::parse(&bytes).unwrap().metadata()) {
        Ok(tokenizer) => {
            assert_eq!(differences(&tokenizer, expected), <[String; 0]>::default());
            "recognised"
        }
        Err(message) => {
            assert!(message.contains(PRE), "{message}");
            "refused"
        }
    }
}

fn gguf_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|name| name == "gguf"))
        .collect()
}
