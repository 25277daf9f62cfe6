//! What is given as a model: a file by its content, and what people give instead of one.

use std::fs;
use std::path::Path;

use ::gguf::GgufFile;
use model::{ChatOptions, ModelFiles};

use crate::gguf::build::{Builder, F32, TEXT, U32, text};
use crate::gguf::parts::residuals;
use crate::support::fixtures;

#[test]
fn a_file_is_known_by_its_letters() {
    let folder = tempfile::tempdir().unwrap();
    let blob = folder.path().join("sha256-0123abcd");
    let tiny = fixtures().join("../../../gguf/tests/fixtures/tiny_gemma3.gguf");
    fs::copy(tiny, &blob).unwrap();
    let files = ModelFiles::at(&blob).unwrap();
    assert_eq!(files, ModelFiles::Gguf(blob));
    assert_eq!(files.config().unwrap().model_type, "gemma3_text");
    files.tokenizer(&ChatOptions::default()).unwrap();
}

#[test]
fn other_files_are_told_with_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let told = |name: &str, content: &[u8], words: &[&str]| {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let error = error(&path);
        assert!(error.starts_with(&format!("{}: ", path.display())), "{error}");
        for word in words {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
    };
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:abab\nsize 3343816\n";
    told(
        "model.gguf",
        pointer,
        &["pointer of Git LFS", "git lfs pull", "hub id"],
    );
    told("empty.gguf", b"", &["is empty"]);
    told("page", b"<!doctype html>", &["web page"]);
    told(
        "Modelfile",
        b"# made by hand\nFROM ./model.gguf\n",
        &["Modelfile of Ollama", "FROM"],
    );
    told(
        "model.safetensors",
        b"\x10\0\0\0\0\0\0\0{\"a\":{}}",
        &["safetensors", "folder"],
    );
    fs::write(folder.path().join("config.json"), "{}").unwrap();
    told("config.json", b"{}", &["give their folder"]);
}

#[test]
fn folders_and_manifests_of_ollama_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    let manifests = models.join("manifests/registry.ollama.ai/library/gemma3");
    fs::create_dir_all(&manifests).unwrap();
    fs::create_dir_all(models.join("blobs")).unwrap();
    let manifest = manifests.join("4b");
    let layer = |kind: &str, digest: &str| {
        format!(r#"{{"mediaType": "application/vnd.ollama.image.{kind}", "digest": "sha256:{digest}"}}"#)
    };
    let layers = [layer("template", "11"), layer("model", "22")].join(", ");
    fs::write(
        &manifest,
        format!(r#"{{"schemaVersion": 2, "layers": [{layers}]}}"#),
    )
    .unwrap();
    assert!(
        error(&manifest).contains("manifest of Ollama"),
        "{}",
        error(&manifest)
    );
    let blob = models.join("blobs/sha256-22");
    fs::write(&blob, "GGUF").unwrap();
    assert!(error(&manifest).ends_with(&format!("; give the file that it names: {}", blob.display())));
    for place in [folder.path(), &models, &manifests, &models.join("blobs")] {
        let error = error(place);
        assert!(
            error.contains("a folder of Ollama") && error.contains("ollama show"),
            "{error}"
        );
    }
}

#[test]
fn a_folder_of_gguf_files_is_told() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "b-00001-of-00002.gguf",
        "b-00002-of-00002.gguf",
        "a.gguf",
        "mmproj-f16.gguf",
        "config.json",
    ] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let error = error(folder.path());
    let expected = "; give one file as the model: a.gguf, b-00001-of-00002.gguf";
    assert!(error.ends_with(expected), "{error}");
    // A folder with safetensors is a model, whatever else it holds.
    fs::write(folder.path().join("model.safetensors"), "").unwrap();
    ModelFiles::at(folder.path()).unwrap();
}

/// The nano model as Ollama's first converter would have written it, vision tensors and all.
#[test]
fn a_conversion_of_ollama_computes_the_same() {
    let whole = fixtures().join("family/gemma3-gguf/gemma3-nano.gguf");
    let bytes = fs::read(&whole).unwrap();
    let file = GgufFile::parse(&bytes).unwrap();
    let tokens = file.metadata().texts("tokenizer.ggml.tokens").unwrap().unwrap();
    let longer: Vec<Vec<u8>> = tokens
        .iter()
        .chain(&["<image_soft_token>"])
        .map(|token| text(token))
        .collect();
    let [local, global] = ["rope.freq_base_swa", "rope.freq_base"]
        .map(|name| file.metadata().number(&format!("gemma3.{name}")).unwrap());
    let mut builder = Builder::new()
        .entries_of(&file)
        .without("tokenizer.ggml.tokens")
        .list("tokenizer.ggml.tokens", TEXT, &longer)
        .without("gemma3.rope.freq_base")
        .without("gemma3.attention.layer_norm_rms_epsilon")
        .entry(
            "gemma3.rope.global.freq_base",
            F32,
            &(global.unwrap() as f32).to_le_bytes(),
        )
        .entry(
            "gemma3.rope.local.freq_base",
            F32,
            &(local.unwrap_or(1e4) as f32).to_le_bytes(),
        )
        .entry("gemma3.vision.block_count", U32, &27u32.to_le_bytes())
        .entry("gemma3.mm.tokens_per_image", U32, &256u32.to_le_bytes());
    for place in 0..file.tensors().len() {
        builder = builder.tensor_of(&file, &bytes, place);
    }
    // In an unsupported type, which is fine since the tensor is not read.
    let offset = builder.data.len().next_multiple_of(32) as u64;
    builder = builder.tensor("v.blk.0.attn_q.weight", &[32], 24, offset);
    builder.data.resize(offset as usize + 32, 0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sha256-0123");
    fs::write(&path, builder.bytes()).unwrap();
    assert_eq!(residuals(&path), residuals(&whole));
}

#[test]
fn a_vocabulary_is_no_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ggml-vocab-gemma2.gguf");
    fs::write(&path, Builder::model("gemma2").bytes()).unwrap();
    let opened = ModelFiles::at(&path).unwrap().checkpoint();
    let error = opened.err().expect("a refusal").to_string();
    assert!(error.contains("a vocabulary and no weights; give"), "{error}");
}

#[test]
fn a_file_without_a_template_is_told_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let refused = |file: &Builder| {
        fs::write(&path, file.bytes()).unwrap();
        let opened = ModelFiles::at(&path).unwrap().tokenizer(&ChatOptions::default());
        opened.err().expect("a refusal").to_string()
    };
    let file = Builder::model("gemma2");
    let error = refused(&file);
    assert!(
        error.contains("no chat template")
            && error.contains("; name a template's file in model.chat_template")
    );
    assert_eq!(
        refused(&file.clone().text("tokenizer.chat_template", " \n")),
        error
    );
    let named = file
        .text("tokenizer.chat_template.tool_use", "{{ messages }}")
        .text("tokenizer.chat_template.rag", "{{ messages }}");
    assert!(refused(&named).contains("only those called rag, tool_use; write the one"));
    fs::write(folder.path().join("chat.jinja"), "{{ messages }}").unwrap();
    let files = ModelFiles::at(&path).unwrap();
    let template = folder.path().join("chat.jinja");
    let options = ChatOptions {
        template: Some(&template),
        ..ChatOptions::default()
    };
    files.tokenizer(&options).unwrap();
}

#[test]
fn a_models_own_template_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    let template = |file: Builder| {
        fs::write(&path, file.bytes()).unwrap();
        ModelFiles::at(&path).unwrap().chat_template().unwrap()
    };
    let file = || Builder::model("gemma2");
    assert_eq!(template(file()), None);
    assert_eq!(template(file().text("tokenizer.chat_template", " \n")), None);
    let own = template(file().text("tokenizer.chat_template", "{{ messages }}"));
    assert_eq!(own.as_deref(), Some("{{ messages }}"));

    let config = folder.path().join("tokenizer_config.json");
    let files = ModelFiles::HuggingFace(folder.path().to_owned());
    assert_eq!(files.chat_template().unwrap(), None);
    fs::write(&config, r#"{"chat_template": "{{ bos_token }}"}"#).unwrap();
    assert_eq!(files.chat_template().unwrap().as_deref(), Some("{{ bos_token }}"));
    fs::write(
        &config,
        r#"{"chat_template": [{"name": "rag", "template": "x"}]}"#,
    )
    .unwrap();
    assert!(
        files
            .chat_template()
            .unwrap_err()
            .to_string()
            .contains("\"default\"")
    );
}

fn error(path: &Path) -> String {
    ModelFiles::at(path).unwrap_err().to_string()
}
