//! What is written is what others read, and comes back as it was. `scripts/read_results.py` reads the same files with
//! numpy, safetensors and the Python package gguf.

use exchange::{Format, read_vector, write_vector};
use gguf::GgufFile;
use serde_json::{Value, json};

use crate::{origin, vector};

#[test]
fn every_format_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for format in [Format::Npy, Format::Safetensors, Format::Gguf] {
        let place = write_vector(folder.path(), format, &vector(), &origin()).unwrap();
        let mut expected = vector();
        if format == Format::Gguf {
            // llama.cpp has no direction.0.
            expected.rows[0] = None;
        }
        let read = read_vector(&place, "contrast", None, 3, 4).unwrap();
        assert_eq!(read, expected, "{}", format.as_str());
    }
}

#[test]
fn the_same_vector_gives_the_same_bytes() {
    let write = |format: Format| {
        let folder = tempfile::tempdir().unwrap();
        let place = write_vector(folder.path(), format, &vector(), &origin()).unwrap();
        fs_err::read(place).unwrap()
    };
    for format in [Format::Npy, Format::Safetensors, Format::Gguf] {
        assert_eq!(write(format), write(format));
    }
}

#[test]
fn a_control_vector_has_what_llama_cpp_and_repeng_look_for() {
    let folder = tempfile::tempdir().unwrap();
    let place = write_vector(folder.path(), Format::Gguf, &vector(), &origin()).unwrap();
    let file = GgufFile::parse(&fs_err::read(place).unwrap()).unwrap();
    let text = |key: &str| file.metadata().text(key).unwrap().unwrap().to_owned();
    assert_eq!(text("general.architecture"), "controlvector");
    assert_eq!(text("controlvector.model_hint"), "gemma3");
    assert_eq!(
        file.metadata().count("controlvector.layer_count").unwrap(),
        Some(2)
    );
    assert_eq!(text("roleswap.positive"), "normal");
    let names: Vec<&str> = file.tensors().iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names, ["direction.1", "direction.2"]);
    assert_eq!(file.tensors()[0].shape, [4]);
}

#[test]
fn an_npy_file_has_numpys_header() {
    let folder = tempfile::tempdir().unwrap();
    let place = write_vector(folder.path(), Format::Npy, &vector(), &origin()).unwrap();
    let bytes = fs_err::read(place).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = std::str::from_utf8(&bytes[10..128]).unwrap();
    assert!(
        header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }"),
        "{header}"
    );
    assert!(header.ends_with('\n'));
    assert_eq!(bytes.len(), 128 + 3 * 4 * 4);
}

#[test]
fn neuronpedia_gets_a_body_for_each_layer() {
    let folder = tempfile::tempdir().unwrap();
    let place = write_vector(folder.path(), Format::Neuronpedia, &vector(), &origin()).unwrap();
    assert_eq!(fs_err::read_dir(&place).unwrap().count(), 3);
    let text = fs_err::read_to_string(place.join("L2.json")).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["modelId"], "gemma-3-270m");
    assert_eq!(body["layerNumber"], 2);
    assert_eq!(body["hookType"], "hook_resid_post");
    assert_eq!(body["vector"].as_array().unwrap().len(), 4);
    assert_eq!(body["vector"][1], json!(-0.5));
}

/// Files of numpy: f64 in Fortran order, f16 of one dimension.
#[test]
fn other_kinds_of_numbers_are_converted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.npy");
    let columns: Vec<u8> = [1.0f64, 3.0, 5.0, 2.0, 4.0, 6.0]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    fs_err::write(&path, npy("<f8", "True", "(3, 2)", &columns)).unwrap();
    let read = read_vector(&path, "other", None, 3, 2).unwrap();
    assert_eq!(read.rows[0], Some(vec![1.0, 2.0]));
    assert_eq!(read.rows[2], Some(vec![5.0, 6.0]));

    let halves: Vec<u8> = [1.5f32, -2.0]
        .iter()
        .flat_map(|value| half::f16::from_f32(*value).to_le_bytes())
        .collect();
    fs_err::write(&path, npy("<f2", "False", "(2,)", &halves)).unwrap();
    let read = read_vector(&path, "other", Some(1), 3, 2).unwrap();
    assert_eq!(read.rows, [None, Some(vec![1.5, -2.0]), None]);
}

pub fn npy(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let start = [
        b"\x93NUMPY\x01\x00".as_slice(),
        &(header.len() as u16).to_le_bytes(),
    ]
    .concat();
    [start.as_slice(), header.as_bytes(), data].concat()
}
