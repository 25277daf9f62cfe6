use std::fs;

use gguf::{ALIGNMENT, BlockKind, Entry, GgufFile, NewTensor, Value, header};

use crate::build::{BOOL, Builder, LIST, U32, list, text};

const TINY: &[u8] = include_bytes!("../fixtures/tiny_gemma3.gguf");

#[test]
fn a_file_of_the_python_package_is_read() {
    let file = GgufFile::parse(TINY).unwrap();
    let metadata = file.metadata();
    assert_eq!(metadata.text("general.architecture").unwrap(), Some("gemma3"));
    assert_eq!(metadata.count("gemma3.block_count").unwrap(), Some(7));
    assert_eq!(metadata.number("gemma3.rope.freq_base").unwrap(), Some(1e6));
    assert_eq!(metadata.flag("tokenizer.ggml.add_bos_token").unwrap(), Some(true));
    assert_eq!(metadata.count("absent").unwrap(), None);
    let pair = Value::List(vec![Value::Signed(1), Value::Signed(2)]);
    let single = Value::List(vec![Value::Signed(3)]);
    assert_eq!(
        metadata.get("test.nested"),
        Some(&Value::List(vec![pair, single]))
    );

    let embedding = file.tensor("token_embd.weight").unwrap();
    let tokens = metadata.texts("tokenizer.ggml.tokens").unwrap().unwrap().len();
    assert_eq!(embedding.shape, [tokens, 32]);
    assert_eq!(embedding.blocks().unwrap().0, BlockKind::Q8_0);
    assert_eq!(file.tensors().len(), 2);
    let norm = file.tensor("output_norm.weight").unwrap();
    let (_, range) = norm.blocks().unwrap();
    assert_eq!(range.len(), 32 * 4);
    assert_eq!(TINY[range.start..range.start + 4], 0.5f32.to_le_bytes());
}

#[test]
fn a_file_on_disk_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.gguf");
    fs::write(&path, Builder::model("gemma2").bytes()).unwrap();
    let file = GgufFile::parse(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(
        file.metadata().count("gemma2.embedding_length").unwrap(),
        Some(64)
    );
}

#[test]
fn all_value_types_are_read() {
    let file = Builder::new()
        .entry("u8", 0, &[200])
        .entry("i8", 1, &[200])
        .entry("u16", 2, &40000u16.to_le_bytes())
        .entry("i16", 3, &(-5i16).to_le_bytes())
        .entry("u32", 4, &4_000_000_000u32.to_le_bytes())
        .entry("i32", 5, &(-7i32).to_le_bytes())
        .entry("f32", 6, &1e-6f32.to_le_bytes())
        .entry("bool", 7, &[1])
        .entry("u64", 10, &u64::MAX.to_le_bytes())
        .entry("i64", 11, &(-9i64).to_le_bytes())
        .entry("f64", 12, &0.1f64.to_le_bytes())
        .list("flags", BOOL, &[vec![0], vec![1]]);
    let file = GgufFile::parse(&file.bytes()).unwrap();
    let metadata = file.metadata();
    let expected = [
        ("u8", Value::Unsigned(200)),
        ("i8", Value::Signed(-56)),
        ("u16", Value::Unsigned(40000)),
        ("i16", Value::Signed(-5)),
        ("u32", Value::Unsigned(4_000_000_000)),
        ("i32", Value::Signed(-7)),
        ("f32", Value::F32(1e-6)),
        ("bool", Value::Bool(true)),
        ("u64", Value::Unsigned(u64::MAX)),
        ("i64", Value::Signed(-9)),
        ("f64", Value::F64(0.1)),
        ("flags", Value::List(vec![Value::Bool(false), Value::Bool(true)])),
    ];
    for (key, value) in expected {
        assert_eq!(metadata.get(key), Some(&value), "{key}");
    }
    assert_eq!(metadata.number("f32").unwrap(), Some(1e-6));
    assert_eq!(metadata.number("i32").unwrap(), Some(-7.0));
    for error in [
        metadata.count("i32").unwrap_err(),
        metadata.text("i32").unwrap_err(),
        metadata.texts("i32").unwrap_err(),
    ] {
        assert!(error.contains("`i32`"), "{error}");
    }
}

#[test]
fn version_2_is_read_and_others_are_refused() {
    let mut file = Builder::new();
    file.version = 2;
    GgufFile::parse(&file.bytes()).unwrap();
    file.version = 1;
    refuses(&file.bytes(), &["version 1", "versions 2 and 3"]);
    file.version = 4;
    refuses(&file.bytes(), &["version 4"]);
    file.version = 3u32.swap_bytes();
    refuses(&file.bytes(), &["big-endian"]);
    refuses(b"GGUF", &["ends within its version, after 4 bytes"]);
}

#[test]
fn other_files_are_told() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:abab\nsize 3343816\n";
    let safetensors = [&20u64.to_le_bytes()[..], b"{\"a\":{}}"].concat();
    let told: [(&[u8], &str); 13] = [
        (b"", "is empty; download it again"),
        (&[0; 64], "zeros only"),
        (
            pointer.as_bytes(),
            "is a pointer of Git LFS, not the model; run `git lfs pull`",
        ),
        (b"<!DOCTYPE html>\n<html>", "is a web page (HTML)"),
        (b"\n<html lang=\"en\">", "is a web page (HTML)"),
        (b"{\"error\":\"Not Found\"}", "is JSON"),
        (b"Entry not found", "an error of the Hugging Face hub"),
        (b"lmgg\x01\0\0\0", "GGML, GGMF, GGJT"),
        (b"tjgg\x03\0\0\0", "GGML, GGMF, GGJT"),
        (b"FUGG\0\0\0\x03", "big-endian"),
        (&safetensors, "is a safetensors file; give the folder"),
        (b"PK\x03\x04", "a checkpoint of PyTorch or a zip archive"),
        (b"GGML\x03\0\0\0", "does not begin with the letters GGUF"),
    ];
    for (bytes, words) in told {
        refuses(bytes, &[words, "; "]);
    }
}

#[test]
fn lying_counts_are_refused() {
    let file = Builder::new().count("key", 1);
    refuses(
        &file.bytes_claiming(u64::MAX, 1),
        &["list of tensors", "download it again"],
    );
    refuses(&file.bytes_claiming(1 << 40, 1), &["list of tensors"]);
    refuses(
        &file.bytes_claiming(0, u64::MAX),
        &["the metadata", "download it again"],
    );
    let lying = |kind, claimed| Builder::new().entry("key", LIST, &list(kind, claimed, &[]));
    refuses(
        &lying(U32, u64::MAX).bytes(),
        &["`key`", "more than the file could hold"],
    );
    refuses(&lying(U32, 20).data(32).bytes(), &["`key`", "ends within"]);
    // The file holds these, but they would take 32 times their bytes.
    refuses(
        &lying(BOOL, 9 << 20).data(10 << 20).bytes(),
        &["`key`", "list elements"],
    );
    let text = Builder::new().entry("key", 8, &u64::MAX.to_le_bytes());
    refuses(&text.bytes(), &["`key`", "more than the file could hold"]);
}

#[test]
fn broken_metadata_is_refused() {
    let file = Builder::new();
    refuses(
        &file.clone().count("key", 1).count("key", 2).bytes(),
        &["`key`", "twice"],
    );
    refuses(
        &file.clone().entry("key", 13, &[0; 8]).bytes(),
        &["`key`", "type 13"],
    );
    let bad_text = [&2u64.to_le_bytes()[..], &[0xff, 0xfe]].concat();
    refuses(
        &file.clone().entry("key", 8, &bad_text).bytes(),
        &["`key`", "UTF-8"],
    );
    let nested = (0..1000).fold(Vec::new(), |bytes, _| [list(LIST, 1, &[]), bytes].concat());
    refuses(
        &file.clone().entry("key", LIST, &nested).bytes(),
        &["`key`", "lists in lists"],
    );
    for alignment in [0, 24] {
        let file = file.clone().count("general.alignment", alignment);
        refuses(&file.bytes(), &["`general.alignment`", "power of two"]);
    }
    refuses(
        &file.text("general.alignment", "32").bytes(),
        &["`general.alignment`"],
    );
}

#[test]
fn broken_tensors_are_refused() {
    let file = Builder::new().data(64);
    let refused = |dimensions: &[u64], kind, offset, words: &[&str]| {
        let file = file.clone().tensor("odd.weight", dimensions, kind, offset);
        let words = [&["`odd.weight`"], words].concat();
        refuses(&file.bytes(), &words);
    };
    refused(&[], 0, 0, &["0 dimensions"]);
    refused(&[1; 5], 0, 0, &["5 dimensions"]);
    refused(&[4, 0], 0, 0, &["shape"]);
    refused(&[u64::MAX, 2], 0, 0, &["shape"]);
    refused(&[1 << 62, 1], 0, 0, &["past the end"]);
    refused(
        &[24],
        0,
        0,
        &["past the end", "160 bytes", "need 192", "download it again"],
    );
    refused(&[16], 0, 32, &["past the end"]);
    refused(&[1], 0, u64::MAX - 31, &["past the end"]);
    refused(&[1], 0, 4, &["multiple of 32"]);
    refused(&[31], 8, 0, &["31", "blocks of 32", "Q8_0"]);
    refused(&[128, 2], 14, 0, &["128", "blocks of 256", "Q6_K"]);
    let twice = file
        .clone()
        .tensor("odd.weight", &[1], 0, 0)
        .tensor("odd.weight", &[1], 0, 32);
    refuses(&twice.bytes(), &["`odd.weight`", "twice"]);
    let whole = file.tensor("odd.weight", &[8, 2], 0, 0);
    assert_eq!(
        GgufFile::parse(&whole.bytes()).unwrap().tensors()[0].shape,
        [2, 8]
    );
}

#[test]
fn the_alignment_of_the_file_counts() {
    let file = Builder::new()
        .count("general.alignment", 8)
        .tensor("a", &[1], 0, 8)
        .data(32);
    let file = GgufFile::parse(&file.bytes()).unwrap();
    let (_, range) = file.tensors()[0].blocks().unwrap();
    // 24 for the head, 33 for the entry and 33 for the tensor are 90; the data begins at 96.
    assert_eq!(range, 96 + 8..96 + 12);
}

#[test]
fn types_that_cannot_be_read_are_named_when_asked_for() {
    let file = Builder::new()
        .tensor("blk.0.attn_q.weight", &[256, 4], 15, 0)
        .tensor("b", &[4], 77, 0)
        .tensor("c", &[4], 1, 0)
        .data(32);
    let file = GgufFile::parse(&file.bytes()).unwrap();
    let error = file.tensors()[0].blocks().unwrap_err();
    let expected = "tensor `blk.0.attn_q.weight` is of type Q8_K, which Roleswap does not read; get a BF16, Q8_0 or Q4_K_M file of the model";
    assert_eq!(error, expected);
    let error = file.tensors()[1].blocks().unwrap_err();
    assert!(error.contains("`b`") && error.contains("number 77"), "{error}");
    assert_eq!(file.tensors()[2].blocks().unwrap().0, BlockKind::F16);
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let file = GgufFile::parse(TINY).unwrap();
    let ends = file.tensors().iter().map(|tensor| tensor.blocks().unwrap().1.end);
    let end = ends.max().unwrap();
    let head = file.tensors()[0].blocks().unwrap().1.start;
    // The bytes of tensors are all alike: a few places among them are enough.
    for length in (0..head).chain((head..end).step_by(101)).chain([end - 1]) {
        let error = GgufFile::parse(&TINY[..length]).unwrap_err();
        assert!(
            error.contains("again") || error.contains("right file"),
            "{length}: {error}"
        );
    }
    GgufFile::parse(&TINY[..end]).unwrap();
}

/// What comes out does not matter, as long as something does.
#[test]
fn changed_bytes_never_panic() {
    let head = GgufFile::parse(TINY).unwrap().tensors()[0]
        .blocks()
        .unwrap()
        .1
        .start;
    for place in 0..head {
        // The same changes for every run, and many different ones among all places.
        for change in [0xff, 1 << (place % 8)] {
            let mut bytes = TINY.to_vec();
            bytes[place] ^= change;
            let Ok(file) = GgufFile::parse(&bytes) else {
                continue;
            };
            for tensor in file.tensors() {
                let _ = tensor.blocks();
            }
        }
    }
}

#[test]
fn key_and_tensor_names_may_be_any_text() {
    let bytes = Builder::new()
        .count("", 1)
        .tensor("ключ", &[1], 0, 0)
        .data(32)
        .bytes();
    let file = GgufFile::parse(&bytes).unwrap();
    assert_eq!(file.metadata().count("").unwrap(), Some(1));
    assert_eq!(file.tensor("ключ").unwrap().name, "ключ");
    assert!(bytes.windows(16).any(|window| window == text("ключ")));
}

fn refuses(bytes: &[u8], words: &[&str]) {
    let error = GgufFile::parse(bytes).unwrap_err();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}

/// Of every type of entry, and a tensor of blocks behind one that is padded.
#[test]
fn what_is_written_is_read() {
    let entries = [
        ("a.count", Entry::U32(7)),
        ("a.number", Entry::F32(0.5)),
        ("a.flag", Entry::Bool(true)),
        ("a.text", Entry::Text("one\ntwo".to_owned())),
        ("a.integers", Entry::I32s(vec![-1, 2])),
        ("a.numbers", Entry::F32s(vec![1.5, -2.5])),
        ("a.texts", Entry::Texts(vec!["one".to_owned(), String::new()])),
    ];
    let tensor = |name: &str, shape: &[usize], kind| NewTensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        kind,
    };
    let tensors = [
        tensor("first", &[3], BlockKind::F32),
        tensor("second", &[2, 64], BlockKind::Q8_0),
    ];
    let mut bytes = header(&entries, &tensors);
    let start = bytes.len();
    assert!(start.is_multiple_of(ALIGNMENT));
    bytes.resize(start + ALIGNMENT + tensors[1].bytes(), 0);
    let file = GgufFile::parse(&bytes).unwrap();
    let metadata = file.metadata();
    assert_eq!(metadata.count("a.count").unwrap(), Some(7));
    assert_eq!(metadata.get("a.number").unwrap().as_number(), Some(0.5));
    assert_eq!(metadata.flag("a.flag").unwrap(), Some(true));
    assert_eq!(metadata.text("a.text").unwrap(), Some("one\ntwo"));
    for (key, length) in [("a.integers", 2), ("a.numbers", 2), ("a.texts", 2)] {
        assert_eq!(metadata.list(key).unwrap().unwrap().len(), length, "{key}");
    }
    let second = file.tensor("second").unwrap();
    assert_eq!(second.shape, [2, 64]);
    let place = start + ALIGNMENT..start + ALIGNMENT + 4 * 34;
    assert_eq!(second.blocks().unwrap(), (BlockKind::Q8_0, place));
}
