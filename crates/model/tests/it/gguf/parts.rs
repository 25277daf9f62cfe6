//! One model in several files.

use std::path::{Path, PathBuf};

use ::gguf::GgufFile;
use burn::tensor::Device;
use model::{Batch, ModelFiles, Network, Precision};

use crate::gguf::build::Builder;
use crate::support::{KeepAll, fixtures, numbers};

const COUNT: u16 = 3;

/// The nano model of Gemma 3 in three parts; `change` gets each part's number, from 0, and its
/// builder.
fn split(folder: &Path, change: impl Fn(usize, Builder) -> Builder) -> Vec<PathBuf> {
    let bytes = std::fs::read(whole()).unwrap();
    let file = GgufFile::parse(&bytes).unwrap();
    let tensors = file.tensors().len();
    let each = tensors.div_ceil(COUNT.into());
    let mut paths = Vec::new();
    for part in 0..usize::from(COUNT) {
        let mut builder = Builder::new();
        if part == 0 {
            builder = builder.entries_of(&file);
        }
        builder = builder
            .entry("split.no", 2, &(part as u16).to_le_bytes())
            .entry("split.count", 2, &COUNT.to_le_bytes())
            .entry("split.tensors.count", 5, &(tensors as i32).to_le_bytes());
        for place in each * part..(each * (part + 1)).min(tensors) {
            builder = builder.tensor_of(&file, &bytes, place);
        }
        paths.push(folder.join(format!("nano-{:05}-of-{COUNT:05}.gguf", part + 1)));
        std::fs::write(&paths[part], change(part, builder).bytes()).unwrap();
    }
    paths
}

fn whole() -> PathBuf {
    fixtures().join("family/gemma3-gguf/gemma3-nano.gguf")
}

/// The last layer's output for a few tokens.
pub fn residuals(path: &Path) -> Vec<f32> {
    let files = ModelFiles::at(path).unwrap();
    let config = files.config().unwrap();
    let checkpoint = files.checkpoint().unwrap();
    let network = Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap();
    let batch = Batch::of(&[vec![2, 5, 9, 17, 4, 33, 8, 12]]).unwrap();
    let mut kept = KeepAll::default();
    network.forward(&batch, None, &mut kept).unwrap();
    numbers(kept.0.pop().unwrap())
}

#[test]
fn all_parts_are_read_as_one_model() {
    let folder = tempfile::tempdir().unwrap();
    let paths = split(folder.path(), |_, builder| builder);
    assert_eq!(residuals(&paths[0]), residuals(&whole()));
    let [one, parts] = [&whole(), &paths[0]].map(|path| ModelFiles::at(path).unwrap());
    assert_eq!(parts.config().unwrap(), one.config().unwrap());
    let checkpoint = parts.checkpoint().unwrap();
    assert_eq!(checkpoint.size(), one.checkpoint().unwrap().size());
    // All of them, so that all are hashed.
    assert_eq!(checkpoint.files().collect::<Vec<_>>(), paths);
}

#[test]
fn a_part_in_place_of_the_first_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let paths = split(folder.path(), |_, builder| builder);
    for (number, path) in paths.iter().enumerate().skip(1) {
        let error = error(path);
        let expected = format!(
            "{}: the file is part {} of 3 of a model; give the first, nano-00001-of-00003.gguf",
            path.display(),
            number + 1
        );
        assert_eq!(error, expected);
        let config = ModelFiles::at(path).unwrap().config().unwrap_err();
        assert_eq!(config.to_string(), expected);
    }
}

#[test]
fn a_missing_part_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let paths = split(folder.path(), |_, builder| builder);
    std::fs::remove_file(&paths[1]).unwrap();
    let expected = format!(
        "{}: part 2 of 3 of the model is missing; put all its parts into one folder",
        paths[1].display()
    );
    assert_eq!(error(&paths[0]), expected);
    std::fs::write(&paths[1], "<html>").unwrap();
    assert!(error(&paths[0]).starts_with(&format!("{}: the file is a web page", paths[1].display())));
}

#[test]
fn a_part_under_another_name_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let paths = split(folder.path(), |_, builder| builder);
    let renamed = folder.path().join("sha256-0123");
    std::fs::rename(&paths[0], &renamed).unwrap();
    let error = error(&renamed);
    for words in ["part 1 of 3", "-00001-of-00003.gguf", "llama-gguf-split --merge"] {
        assert!(error.contains(words), "{words:?} is not in: {error}");
    }
}

#[test]
fn parts_that_do_not_belong_together_are_refused() {
    let refused = |words: &[&str], change: &dyn Fn(usize, Builder) -> Builder| {
        let folder = tempfile::tempdir().unwrap();
        let error = error(&split(folder.path(), change)[0]);
        for word in words {
            assert!(error.contains(word), "{word:?} is not in: {error}");
        }
    };
    let of = |number: usize, wanted: usize, builder: Builder, change: &dyn Fn(Builder) -> Builder| {
        if number == wanted {
            change(builder)
        } else {
            builder
        }
    };
    refused(
        &["nano-00002", "says that it is part 3 of 3, not part 2"],
        &|part, builder| {
            let third = |builder: Builder| builder.without("split.no").count("split.no", 2);
            of(part, 1, builder, &third)
        },
    );
    refused(
        &["nano-00003", "says that it is part 3 of 4"],
        &|part, builder| {
            let four = |builder: Builder| builder.without("split.count").count("split.count", 4);
            of(part, 2, builder, &four)
        },
    );
    refused(
        &["nano-00002", "does not say that it is a part"],
        &|part, builder| of(part, 1, builder, &|builder| builder.without("split.count")),
    );
    refused(&["nano-00001", "`split.no`", "below"], &|part, builder| {
        let far = |builder: Builder| builder.without("split.no").count("split.no", 3);
        of(part, 0, builder, &far)
    });
    refused(&["`split.tensors.count` is 7"], &|part, builder| {
        let fewer = |builder: Builder| {
            builder
                .without("split.tensors.count")
                .count("split.tensors.count", 7)
        };
        of(part, 0, builder, &fewer)
    });
    let bytes = std::fs::read(whole()).unwrap();
    let file = GgufFile::parse(&bytes).unwrap();
    let first = file.tensors()[0].name.clone();
    refused(&["nano-00003", &first, "earlier part"], &|part, builder| {
        of(part, 2, builder, &|builder| builder.tensor_of(&file, &bytes, 0))
    });
}

fn error(path: &Path) -> String {
    let opened = ModelFiles::at(path).and_then(|files| files.checkpoint());
    opened.err().expect("a refusal").to_string()
}

/// llama.cpp's Gemma 3 uses `output.weight` as the head if a file has it. One that repeats the
/// embeddings is left out.
#[test]
fn a_head_of_its_own_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(whole()).unwrap();
    let file = GgufFile::parse(&bytes).unwrap();
    let places: Vec<usize> = (0..file.tensors().len()).collect();
    let table = places
        .iter()
        .copied()
        .find(|place| file.tensors()[*place].name == "token_embd.weight")
        .unwrap();
    let (_, range) = file.tensors()[table].blocks().unwrap();
    let rows = file.tensors()[table].shape[0];
    let write = |name: &str, backwards: bool| {
        let mut data = bytes.clone();
        if backwards {
            let row = range.len() / rows;
            let turned: Vec<u8> = bytes[range.clone()]
                .chunks_exact(row)
                .rev()
                .flatten()
                .copied()
                .collect();
            data[range.clone()].copy_from_slice(&turned);
        }
        let mut builder = places
            .iter()
            .fold(Builder::new().entries_of(&file), |builder, place| {
                builder.tensor_of(&file, &bytes, *place)
            });
        builder = builder.tensor_as("output.weight", &file, &data, table);
        let path = folder.path().join(name);
        std::fs::write(&path, builder.bytes()).unwrap();
        path
    };
    let logits = |path: &Path| {
        let (config, checkpoint) = ModelFiles::at(path).unwrap().network().unwrap();
        let network =
            Network::load(&config, &checkpoint, &Device::flex(), Precision::F32, &mut |_| ()).unwrap();
        let batch = Batch::of(&[vec![2, 5, 9, 17]]).unwrap();
        let h = network.forward(&batch, None, &mut ()).unwrap();
        (config.own_head, numbers(network.head(h.narrow(0, 3, 1))))
    };
    let (_, tied) = logits(&whole());
    assert_eq!(logits(&write("equal.gguf", false)), (false, tied.clone()));
    let mut turned = tied;
    turned.reverse();
    assert_eq!(logits(&write("other.gguf", true)), (true, turned));
}
