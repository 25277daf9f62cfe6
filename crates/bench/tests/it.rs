//! The whole benchmark on the embedded model: every part is measured, and the line that is printed
//! can be read.
#![allow(clippy::unwrap_used, reason = "a test that can't go on must fail")]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn bench(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(arguments)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap()
}

#[test]
fn every_part_is_measured() {
    let output = bench(&["data/tiny", "--new", "3", "--repeat", "1"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let parts = result["parts"].as_array().unwrap();
    for name in [
        "load",
        "extract",
        "decode 1",
        "decode 12",
        "decode 48",
        "steer 12",
        "steer 48",
        "notebook 24",
        "analyze",
        "report",
    ] {
        let part = parts.iter().find(|part| part["part"] == name).unwrap();
        assert!(part["seconds"].as_f64().unwrap() > 0.0, "{name}");
        assert!(errors.contains(name), "the table has {name}");
    }
    assert!(result["read_bandwidth_bytes_per_second"].as_f64().unwrap() > 1e8);
}

/// The embedded model as a base model is published: without a chat template.
#[test]
fn a_model_without_a_chat_template_is_measured_too() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/tiny"));
    for name in [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
    ] {
        std::fs::copy(tiny.join(name), folder.path().join(name)).unwrap();
    }
    let path = folder.path().to_str().unwrap();
    let output = bench(&[path, "--new", "2", "--repeat", "1", "--json"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let parts = result["parts"].as_array().unwrap();
    assert!(parts.iter().any(|part| part["part"] == "notebook 24"));
}

/// A folder without a tokenizer, and GGUF files without a chat template: what is measured is the
/// same, and how the texts became tokens is said.
#[test]
fn every_model_that_loads_is_measured() {
    let fixtures = "crates/model/tests/fixtures/family";
    for (path, format) in [
        ("llama3-nano", "the embedded model's tokens, since "),
        ("gguf/llama2-nano.gguf", "a plain format, since "),
        ("gguf/gemma4-e.gguf", "the embedded model's tokens, since "),
    ] {
        let path = format!("{fixtures}/{path}");
        let output = bench(&[&path, "--new", "2", "--repeat", "1", "--greedy", "--json"]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{path}: {errors}");
        let result: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(
            result["format"].as_str().unwrap().contains(format),
            "{}",
            result["format"]
        );
        let norms = result["layer_norms"].as_array().unwrap();
        assert!(
            norms.iter().all(|norm| norm.as_f64().unwrap() > 0.0),
            "{path}: {norms:?}"
        );
        let parts = result["parts"].as_array().unwrap();
        let twelve = parts.iter().find(|part| part["part"] == "decode 12").unwrap();
        let texts = twelve["texts"].as_array().unwrap();
        assert_eq!(texts.len(), 12);
        assert!(
            texts.iter().all(|text| text.as_array().unwrap().len() == 2),
            "{path}"
        );
    }
}

#[test]
fn what_it_does_not_understand_is_refused() {
    for (arguments, code, expected) in [
        (&["--dtype", "f8"][..], 2, "use auto, f32, tf32, bf16"),
        (&["--new", "1"], 2, "2 at least"),
        (&["--fast"], 2, "there is no option `--fast`"),
        (&["one", "two"], 2, "usage: cargo xtask bench"),
        (&["nowhere/at/all"], 1, "nowhere/at/all"),
    ] {
        let output = bench(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains(expected), "{errors}");
    }
    let help = bench(&["--help"]);
    assert!(help.status.success() && help.stderr.is_empty());
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("Usage: cargo xtask bench"), "{help}");
}
