//! Files that can't be used end with a message that names them and says what to do.

use std::collections::HashMap;
use std::path::Path;

use exchange::read_vector;
use gguf::{Entry, write_f32};
use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};

use crate::formats::npy;

fn message(name: &str, bytes: &[u8], layer: Option<usize>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs_err::write(&path, bytes).unwrap();
    let error = read_vector(&path, "refusal", layer, 3, 2)
        .unwrap_err()
        .to_string();
    assert!(error.contains(name), "{error}");
    error
}

fn control_vector(architecture: &str, tensors: &[(&str, Vec<f32>)]) -> Vec<u8> {
    let tensors: Vec<(String, &[f32])> = tensors
        .iter()
        .map(|(name, row)| ((*name).to_owned(), row.as_slice()))
        .collect();
    write_f32(
        &[("general.architecture", Entry::Text(architecture.to_owned()))],
        &tensors,
    )
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn assert_says(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

#[test]
fn control_vectors() {
    let row = || vec![1.0, 2.0];
    let found = message(
        "a.gguf",
        &control_vector("controlvector", &[("direction.0", row())]),
        None,
    );
    assert_says(&found, &["direction.0", "0-based block N"]);
    let found = message(
        "a.gguf",
        &control_vector("gemma2", &[("direction.1", row())]),
        None,
    );
    assert_says(&found, &["\"gemma2\"", "\"controlvector\""]);
    let found = message(
        "a.gguf",
        &control_vector("controlvector", &[("direction.7", row())]),
        None,
    );
    assert_says(&found, &["8 layers", "the model has 3"]);
    let found = message(
        "a.gguf",
        &control_vector("controlvector", &[("direction.x", row())]),
        None,
    );
    assert_says(&found, &["`direction.x`"]);
    let found = message(
        "a.gguf",
        &control_vector("controlvector", &[("direction.1", vec![1.0; 5])]),
        None,
    );
    assert_says(&found, &["5 numbers", "hidden size of the model is 2"]);
    let found = message("a.gguf", &control_vector("controlvector", &[]), None);
    assert_says(&found, &["no `direction.N`"]);
    let whole = control_vector("controlvector", &[("direction.1", row())]);
    let found = message("a.gguf", &whole[..whole.len() - 40], None);
    assert_says(&found, &["end of the file"]);
}

#[test]
fn npy_files() {
    let data = floats(&[1.0, 2.0]);
    let found = message("a.npy", &npy("<f4", "False", "(2,)", &data), None);
    assert_says(&found, &["one vector", "`layer = …`"]);
    let found = message("a.npy", &npy("<f4", "False", "(2,)", &data), Some(3));
    assert_says(&found, &["no layer 3", "has 3"]);
    let found = message("a.npy", &npy("<f4", "False", "(1, 2)", &data), None);
    assert_says(&found, &["one vector", "`layer = …`"]);
    let three = floats(&[0.5; 6]);
    let found = message("a.npy", &npy("<f4", "False", "(3, 2)", &three), Some(0));
    assert_says(&found, &["leave out `layer`"]);
    let found = message("a.npy", &npy("<f4", "False", "(2, 2)", &three[..16]), None);
    assert_says(
        &found,
        &["2 layers", "the model has 3", "doesn't say which", "zeros"],
    );
    let found = message("a.npy", &npy("<f4", "False", "(2, 3)", &three), None);
    assert_says(&found, &["[hidden, layers]", "`v.T`"]);
    let found = message("a.npy", &npy("<f4", "False", "(3, 2)", &floats(&[0.0; 6])), None);
    assert_says(&found, &["zero", "no layer"]);
    let found = message("a.npy", &npy("<i4", "False", "(2,)", &data), Some(0));
    assert_says(&found, &["\"<i4\"", "astype"]);
    let found = message("a.npy", &npy("<f4", "False", "(3,)", &data), Some(0));
    assert_says(&found, &["[3]", "8 bytes"]);
    let found = message("a.npy", &npy("<f4", "False", "(2, 1, 1)", &data), None);
    assert_says(&found, &["[2, 1, 1]", "[layers, hidden]"]);
    let found = message(
        "a.npy",
        &npy("<f4", "False", "(2,)", &floats(&[1.0, f32::NAN])),
        Some(1),
    );
    assert_says(&found, &["layer 1", "not finite"]);
    let found = message("a.npy", &npy("<f4", "False", "(4, 2)", &floats(&[0.5; 8])), None);
    assert_says(&found, &["4 layers", "the model has 3", "embeddings"]);
    let found = message("a.npy", &npy("|O", "False", "(2,)", b"\x80\x04"), Some(0));
    assert_says(&found, &["pickled", "astype"]);
    let found = message("a.npy", &npy("<V2", "False", "(2,)", &data[..4]), Some(0));
    assert_says(&found, &["\"<V2\"", "astype"]);
    let records = npy("<f4", "False", "(2,)", &data);
    let header = String::from_utf8_lossy(&records[10..records.len() - 8]).into_owned();
    let header = header.replace("'<f4'", "[('a', '<f4')]");
    let length = (header.len() as u16).to_le_bytes();
    let records = [b"\x93NUMPY\x01\x00".as_slice(), &length, header.as_bytes(), &data].concat();
    assert_says(&message("a.npy", &records, Some(0)), &["structured", "NAME"]);
    let found = message("a.npy", b"\x93NUMPY\x01\x00\xff\xff", None);
    assert_says(&found, &["no .npy file"]);
}

#[test]
fn safetensors_files() {
    let file = |tensors: &[(&str, Dtype, Vec<usize>, &[u8])]| {
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (*name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        serialize(views, None::<HashMap<String, String>>).unwrap()
    };
    let data = floats(&[1.0, 2.0]);
    let two = file(&[
        ("a", Dtype::F32, vec![2], &data),
        ("b", Dtype::F32, vec![2], &data),
    ]);
    assert_says(
        &message("a.safetensors", &two, Some(0)),
        &["several tensors (a, b)"],
    );
    let whole = file(&[("a", Dtype::I32, vec![2], &data)]);
    assert_says(&message("a.safetensors", &whole, Some(0)), &["`a`", "I32"]);
    assert_says(
        &message("a.safetensors", b"nothing", None),
        &["isn't a safetensors file"],
    );
    let eighth = file(&[("a", Dtype::F8_E4M3, vec![2], &[0x38, 0x40])]);
    assert_says(
        &message("a.safetensors", &eighth, Some(0)),
        &["`a`", "F8_E4M3", "`.float()`"],
    );
}

#[test]
fn the_right_tensor_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("many.safetensors");
    let (ours, named) = (floats(&[1.0, 2.0]), floats(&[3.0, 4.0]));
    let view = |bytes| TensorView::new(Dtype::F32, vec![1, 2], bytes).unwrap();
    let file = serialize([("contrast", view(&ours)), ("refusal", view(&named))], None).unwrap();
    fs_err::write(path, file).unwrap();
    let of = |name: &str| read_vector(path, name, Some(0), 3, 2).unwrap().rows;
    assert_eq!(of("refusal"), [Some(vec![3.0, 4.0]), None, None]);
    assert_eq!(of("another"), [Some(vec![1.0, 2.0]), None, None]);
}

/// Tensors of one layer each, in a model of three layers.
#[test]
fn tensors_by_layer() {
    let told = |names: &[&str]| {
        let data = floats(&[1.0, 2.0]);
        let view = |name: &&str| {
            (
                name.to_string(),
                TensorView::new(Dtype::F32, vec![2], &data).unwrap(),
            )
        };
        let file = serialize(names.iter().map(view), None).unwrap();
        message("a.safetensors", &file, None)
    };
    assert_says(
        &told(&["layer_1", "layer_3"]),
        &["`layer_3`", "3 layers, 0 to 2", "counted from 1", "one lower"],
    );
    assert_says(
        &told(&["0", "1", "2", "3"]),
        &["`3`", "4 layers", "embeddings", "one lower"],
    );
    assert_says(
        &told(&["blk.1", "blk.26"]),
        &["`blk.26`", "27 layers", "the model has 3"],
    );
    assert_says(
        &told(&["blocks.1.hook_resid_pre", "blocks.2.hook_resid_pre"]),
        &["`blocks.1.hook_resid_pre`", "\"pre\"", "hook_resid_post"],
    );
    assert_says(
        &told(&["refusal.layer_1", "honesty.layer_2"]),
        &["honesty.layer_2, refusal.layer_1", "name the vector"],
    );
    assert_says(&told(&["layer_1", "layer_01"]), &["same layer", "layer_01"]);
    let many: Vec<String> = (0..40).map(|number| format!("feature{number}x")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_says(&told(&many), &["several tensors", "and 28 more"]);
}

#[test]
fn control_vectors_counted_from_one() {
    let row = || vec![1.0, 2.0];
    let rows = [
        ("direction.1", row()),
        ("direction.2", row()),
        ("direction.3", row()),
    ];
    let found = message("a.gguf", &control_vector("controlvector", &rows), None);
    assert_says(
        &found,
        &["`direction.3`", "3 layers, 0 to 2", "counted from 1", "one lower"],
    );
}

#[test]
fn files_of_other_kinds() {
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    for name in ["a.gguf", "a.npy", "a.safetensors"] {
        assert_says(&message(name, pointer, None), &["Git LFS", "git lfs pull"]);
        assert_says(&message(name, b"", None), &["empty"]);
    }
    for name in ["a.pt", "a.pth", "a.bin", "a.pkl"] {
        let found = message(name, b"PK", None);
        assert_says(
            &found,
            &[".gguf, .npy or .safetensors", "torch.load", "save_file"],
        );
    }
    assert_says(&message("a.npz", b"PK", None), &["archive", "numpy.load"]);
    assert_says(&message("a.json", b"{}", None), &[".gguf, .npy or .safetensors"]);
    let folder = tempfile::tempdir().unwrap();
    let of = |path: &Path| read_vector(path, "a", None, 3, 2).unwrap_err().to_string();
    assert_says(&of(folder.path()), &["folder", "name the file"]);
    assert_says(
        &of(&folder.path().join("b.npy")),
        &["b.npy", "no such file", "[[vectors]]"],
    );
}

/// Every message says after its first `; ` what to do.
#[test]
fn messages_have_advice() {
    let row = || vec![1.0, 2.0];
    let files = [
        control_vector("gemma2", &[("direction.1", row())]),
        control_vector("controlvector", &[("direction.0", row())]),
        control_vector("controlvector", &[("direction.x", row())]),
        control_vector("controlvector", &[("direction.9", row())]),
        control_vector("controlvector", &[("direction.1", vec![f32::INFINITY, 0.0])]),
        control_vector("controlvector", &[]),
    ];
    for file in files {
        let found = message("a.gguf", &file, None);
        assert_says(&found, &["; "]);
    }
}
