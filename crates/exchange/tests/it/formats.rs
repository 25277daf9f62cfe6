//! What is written is what others read, and comes back as it was. `scripts/read_results.py` reads
//! the same files with numpy, safetensors and the Python package gguf.

use exchange::{Format, Origin, read_vector, without_model_id, write_vector};
use gguf::{Entry, GgufFile, write_f32};
use results::Metadata;
use safetensors::serialize;
use safetensors::tensor::{Dtype, TensorView};
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

/// The only vector of a file is one vector, whatever its shape, and of the layer that the pipeline
/// says.
#[test]
fn a_matrix_of_one_row_is_a_single_vector() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.npy");
    let numbers: Vec<u8> = [1.0f32, 2.0]
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect();
    fs_err::write(&path, npy(">f4", "False", "(1, 2)", &numbers)).unwrap();
    let read = read_vector(&path, "one", Some(2), 3, 2).unwrap();
    assert_eq!(read.rows, [None, None, Some(vec![1.0, 2.0])]);
    // A model of one layer leaves nothing open.
    let read = read_vector(&path, "one", None, 1, 2).unwrap();
    assert_eq!(read.rows, [Some(vec![1.0, 2.0])]);
}

/// As our own exports have it.
#[test]
fn rows_of_zeros_are_layers_without_a_vector() {
    let folder = tempfile::tempdir().unwrap();
    let mut some = vector();
    some.rows[0] = None;
    for format in [Format::Npy, Format::Safetensors, Format::Gguf] {
        let place = write_vector(folder.path(), format, &some, &origin()).unwrap();
        let read = read_vector(&place, "contrast", None, 3, 4).unwrap();
        assert_eq!(read, some, "{}", format.as_str());
    }
}

#[test]
fn tensors_are_of_the_layers_that_their_names_say() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("many.safetensors");
    let read = |names: [&str; 2], layer: Option<usize>| {
        let bytes = |value: f32| {
            [value, 0.5]
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect()
        };
        let (first, second): (Vec<u8>, Vec<u8>) = (bytes(1.0), bytes(2.0));
        let view = |bytes| TensorView::new(Dtype::F32, vec![2], bytes).unwrap();
        let tensors = [(names[0], view(&first)), (names[1], view(&second))];
        fs_err::write(&path, serialize(tensors, None).unwrap()).unwrap();
        read_vector(&path, "many", layer, 13, 2).unwrap().rows
    };
    for names in [
        ["3", "12"],
        ["layer_3", "layer_12"],
        ["layers.3", "layers.12"],
        ["model.layers.3.weight", "model.layers.12.weight"],
        ["blk.3", "blk.12"],
        ["blocks.3.hook_resid_post", "blocks.12.hook_resid_post"],
        ["direction.3", "direction.12"],
        ["refusal-L3", "refusal-L12"],
    ] {
        let rows = read(names, None);
        let present: Vec<usize> = (0..13).filter(|layer| rows[*layer].is_some()).collect();
        assert_eq!(present, [3, 12], "{names:?}");
        assert_eq!(rows[12], Some(vec![2.0, 0.5]), "{names:?}");
    }
}

#[test]
fn a_single_tensor_may_say_its_layer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.safetensors");
    let bytes: Vec<u8> = [1.0f32, 2.0]
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let view = TensorView::new(Dtype::F32, vec![1, 2], &bytes).unwrap();
    fs_err::write(&path, serialize([("layer_1", view)], None).unwrap()).unwrap();
    let read = read_vector(&path, "one", None, 3, 2).unwrap();
    assert_eq!(read.rows, [None, Some(vec![1.0, 2.0]), None]);
}

/// Of EasySteer, whose blocks are counted from 0; the key is one that it writes and llama.cpp's
/// tools don't.
#[test]
fn block_0_is_read_where_the_writer_has_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("steer.gguf");
    let text = |text: &str| Entry::Text(text.to_owned());
    let row = [1.0, 2.0];
    let tensors = [("direction.0".to_owned(), row.as_slice())];
    for entries in [
        vec![("general.architecture", text("steervector"))],
        vec![
            ("general.architecture", text("controlvector")),
            ("controlvector.method", text("diffmean")),
        ],
    ] {
        fs_err::write(&path, write_f32(&entries, &tensors)).unwrap();
        let read = read_vector(&path, "steer", None, 2, 2).unwrap();
        assert_eq!(read.rows, [Some(row.to_vec()), None]);
    }
}

#[test]
fn neuronpedia_is_told_its_own_name_of_the_model() {
    let id = |source: Option<&str>| {
        let folder = tempfile::tempdir().unwrap();
        let metadata = Metadata::default().with("model_name", "Gemma 2 9B (instruct)");
        let origin = Origin(match source {
            Some(source) => metadata.with("model_source", source),
            None => metadata,
        });
        let place = write_vector(folder.path(), Format::Neuronpedia, &vector(), &origin).unwrap();
        let text = fs_err::read_to_string(place.join("L0.json")).unwrap();
        let body: Value = serde_json::from_str(&text).unwrap();
        let id = body.get("modelId").map(|id| id.as_str().unwrap().to_owned());
        assert_eq!(id.is_none(), without_model_id(&origin).is_some());
        assert_eq!(
            body.get("note").map(|note| note.as_str().unwrap()),
            without_model_id(&origin).as_deref()
        );
        id
    };
    // As np_model_to_hf.json of hijohnnylin/neuronpedia has them.
    for (source, expected) in [
        ("google/gemma-2-9b-it", "gemma-2-9b-it"),
        ("google/gemma-3-270m", "gemma-3-270m"),
        ("google/gemma-3-4b-pt", "gemma-3-4b"),
        ("gemma-2-2b", "gemma-2-2b"),
        ("gemma-3-270m-q4_k_m.gguf", "gemma-3-270m"),
        (
            "bartowski/gemma-2-9b-it-GGUF/gemma-2-9b-it-Q4_K_M.gguf",
            "gemma-2-9b-it",
        ),
        ("Gemma-2-2b-it.IQ4_XS.gguf", "gemma-2-2b-it"),
    ] {
        assert_eq!(id(Some(source)).as_deref(), Some(expected), "{source}");
    }
    for source in [Some("tiny"), Some("someone/a-model"), None] {
        assert_eq!(id(source), None, "{source:?}");
    }
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
