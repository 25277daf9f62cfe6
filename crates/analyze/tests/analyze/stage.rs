use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use results::{Activation, Projection, Similarity, Summary, Table, VectorRow, read_contrast_vectors};
use terms::Pooling;

use crate::example::{Example, four_rows};

/// Both poolings; the second one mirrors the first.
fn two_poolings(scale: f32) -> Vec<Activation> {
    let mut rows = four_rows();
    for row in four_rows() {
        let mut activation: Vec<f32> = row.activation.iter().map(|value| value * scale).collect();
        activation.reverse();
        rows.push(Activation {
            pooling: Pooling::Mean,
            activation,
            ..row
        });
    }
    rows
}

fn example() -> Example {
    let example = Example::new();
    for layer in 0..3 {
        example.write_layer(layer, &two_poolings(layer as f32 + 2.0));
    }
    example
}

#[test]
fn tables_hold_every_layer_and_pooling() {
    let example = example();
    analyze::run(
        &example.pipeline("normal", "swapped"),
        &example.layout,
        &example.out,
    )
    .unwrap();
    let (summaries, metadata) = Summary::read(&example.out.join("summary.parquet")).unwrap();
    let keys: Vec<(usize, &str)> = summaries
        .iter()
        .map(|row| (row.layer, row.pooling.as_str()))
        .collect();
    assert_eq!(
        keys,
        [
            (0, "newline"),
            (0, "mean"),
            (1, "newline"),
            (1, "mean"),
            (2, "newline"),
            (2, "mean")
        ]
    );
    for (key, value) in [
        ("model_fingerprint", "an-example"),
        ("pipeline", "example"),
        ("positive", "normal"),
        ("negative", "swapped"),
        ("pooling", "newline"),
    ] {
        assert_eq!(metadata.get(key), Some(value), "{key}");
    }
    assert_eq!(metadata.get("layer"), None);
    assert_eq!(
        Similarity::read(&example.out.join("similarities.parquet"))
            .unwrap()
            .0
            .len(),
        6 * 3 * 4
    );
    assert_eq!(
        Projection::read(&example.out.join("projections.parquet"))
            .unwrap()
            .0
            .len(),
        6 * 4
    );
    assert_eq!(
        VectorRow::read(&example.out.join("vectors.parquet"))
            .unwrap()
            .0
            .len(),
        // The contrast, two means, and three other directions.
        6 * 6
    );
}

#[test]
fn the_vectors_to_steer_with_are_those_of_the_contrasts_pooling() {
    let example = example();
    analyze::run(
        &example.pipeline("normal", "swapped"),
        &example.layout,
        &example.out,
    )
    .unwrap();
    let contrast = read_contrast_vectors(&example.out.join("contrast.safetensors")).unwrap();
    assert_eq!((contrast.layers, contrast.hidden_size), (3, 3));
    for layer in 0..3 {
        assert_eq!(contrast.get("contrast", layer).unwrap(), [2.0, -0.5, -2.0]);
        assert_eq!(contrast.get("mean.normal", layer).unwrap(), [2.0, 2.0, 0.0]);
        assert_eq!(contrast.get("mean.swapped", layer).unwrap(), [0.0, 2.5, 2.0]);
    }
    assert_eq!(contrast.metadata.get("positive"), Some("normal"));
}

#[test]
fn the_printed_text_and_the_csv_show_the_contrasts_pooling() {
    let example = example();
    let text = analyze::run(
        &example.pipeline("normal", "swapped"),
        &example.layout,
        &example.out,
    )
    .unwrap();
    assert_eq!(
        fs_err::read_to_string(example.out.join("summary.txt")).unwrap(),
        text
    );
    let csv = fs_err::read_to_string(example.out.join("summary.csv")).unwrap();
    let header = "layer,avg_within_category,avg_cross_category,similarity_difference,avg_normal_normal,avg_swapped_swapped";
    assert_eq!(csv.lines().next(), Some(header));
    assert_eq!(csv.lines().count(), 4);
}

#[test]
fn the_same_activations_give_the_same_bytes() {
    let example = example();
    let pipeline = example.pipeline("normal", "swapped");
    let mut first: Option<BTreeMap<PathBuf, Vec<u8>>> = None;
    for _ in 0..10 {
        analyze::run(&pipeline, &example.layout, &example.out).unwrap();
        let mut files = BTreeMap::new();
        add_files(&example.out, &mut files);
        // Fourteen tables, and the contrast for other tools: GGUF, .npy, and a body for each of the
        // three layers.
        assert_eq!(files.len(), 19, "{:?}", files.keys());
        assert!(*first.get_or_insert_with(|| files.clone()) == files);
    }
}

fn add_files(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_files(&path, files);
        } else {
            files.insert(path.clone(), fs_err::read(path).unwrap());
        }
    }
}

#[test]
fn the_program_of_a_stage_refuses_what_it_does_not_understand() {
    for (arguments, part) in [
        (&["--pipeline", "p.toml"][..], "--results <FOLDER> must be given"),
        (
            &["--pipeline", "p.toml", "--results"],
            "--results <FOLDER> has no value",
        ),
        (&["--pipline", "p.toml"], "did you mean `--pipeline`?"),
    ] {
        let program = env!("CARGO_BIN_EXE_analyze");
        let output = std::process::Command::new(program)
            .args(arguments)
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.starts_with("error: ") && errors.contains(part), "{errors}");
    }
}
