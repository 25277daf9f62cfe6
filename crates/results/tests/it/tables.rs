use std::path::Path;

use pipeline::VectorKind;
use results::{
    Activation, ActivationWriter, ContrastVectors, Generation, Metadata, Projection, RenderedPrompt,
    Similarity, Summary, Table, VectorRow, activation_layers, read_activation_batches, read_activations,
    read_contrast_vectors, write_activations, write_contrast_vectors,
};
use terms::{FinishReason, GenerationStyle, Pooling};

fn metadata() -> Metadata {
    Metadata::default()
        .with("hidden_size", 3)
        .with("pipeline", "tiny")
        .with("model_fingerprint", "ab12")
}

fn activations() -> Vec<Activation> {
    let row = |prompt: &str, position: Option<i32>| Activation {
        prompt_id: prompt.to_owned(),
        condition: "normal".to_owned(),
        pooling: if position.is_some() {
            Pooling::Newline
        } else {
            Pooling::Mean
        },
        position,
        token_id: position.map(|_| 6),
        token_text: position.map(|_| "\n".to_owned()),
        norm: 3.5,
        activation: vec![1.0, -0.0, f32::MIN_POSITIVE],
    };
    vec![row("who", Some(12)), row("who", None)]
}

#[test]
fn tables_read_back_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);

    write_activations(folder.path(), 7, &metadata(), &activations()).unwrap();
    let (rows, read) = read_activations(folder.path(), 7).unwrap();
    assert_eq!(rows, activations());
    assert_eq!(
        (read.get("layer"), read.get("schema"), read.get("pipeline")),
        (Some("7"), Some("activations"), Some("tiny"))
    );
    assert_eq!(read.inherited(), metadata());

    let summary = Summary {
        layer: 1,
        pooling: Pooling::Newline,
        avg_within_category: 0.1,
        avg_cross_category: 0.2,
        similarity_difference: -0.1,
        avg_within_positive: 0.3,
        avg_within_negative: 0.4,
        contrast_norm: 5.0,
        mean_residual_norm: 6.0,
    };
    Summary::write(&at("summary"), &metadata(), std::slice::from_ref(&summary)).unwrap();
    assert_eq!(Summary::read(&at("summary")).unwrap().0, [summary]);

    let text = |text: &str| text.to_owned();
    let similarity = Similarity {
        layer: 2,
        pooling: Pooling::Mean,
        condition_a: text("normal"),
        condition_b: text("swapped"),
        prompt_a: text("who"),
        prompt_b: text("life"),
        cosine: 0.25,
    };
    Similarity::write(
        &at("similarities"),
        &metadata(),
        std::slice::from_ref(&similarity),
    )
    .unwrap();
    assert_eq!(Similarity::read(&at("similarities")).unwrap().0, [similarity]);

    let projection = Projection {
        layer: 3,
        pooling: Pooling::Last,
        condition: text("normal"),
        prompt_id: text("who"),
        projection: -1.5,
    };
    Projection::write(&at("projections"), &metadata(), std::slice::from_ref(&projection)).unwrap();
    assert_eq!(Projection::read(&at("projections")).unwrap().0, [projection]);

    let vector = |kind| VectorRow {
        layer: 0,
        pooling: Pooling::Newline,
        vector_name: kind,
        norm: 2.0,
        vector: vec![1.0, 2.0, 3.0],
    };
    let vectors = [
        vector(VectorKind::Contrast),
        vector(VectorKind::Mean(text("normal"))),
    ];
    VectorRow::write(&at("vectors"), &metadata(), &vectors).unwrap();
    assert_eq!(VectorRow::read(&at("vectors")).unwrap().0, vectors);

    let prompt = RenderedPrompt {
        prompt_id: text("who"),
        prompt: text("Who are you?"),
        condition: text("normal"),
        text: text("<bos>…"),
        n_tokens: 3,
        token_ids: vec![2, 4, 99],
        token_texts: vec![text("<bos>"), text("▁Who"), String::new()],
        opening: 0,
    };
    RenderedPrompt::write(&at("prompts"), &metadata(), std::slice::from_ref(&prompt)).unwrap();
    assert_eq!(RenderedPrompt::read(&at("prompts")).unwrap().0, [prompt]);

    let generation = |coefficient| Generation {
        set: text("steered"),
        prompt_id: text("who"),
        prompt: text("Who are you?"),
        condition: text("normal"),
        coefficient,
        sample: 1,
        seed: u64::MAX - 3,
        text: text("I am a \"model\"\n<end_of_turn>"),
        n_tokens: 9,
        finish_reason: FinishReason::Length,
        interventions: text("addition"),
        decoding: match coefficient {
            None => GenerationStyle::Greedy,
            Some(_) => GenerationStyle::Sampled,
        },
    };
    let generations = [generation(Some(-0.7)), generation(None)];
    Generation::write(&at("generations"), &metadata(), &generations).unwrap();
    assert_eq!(Generation::read(&at("generations")).unwrap().0, generations);
}

/// Rows that differ, so that a wrong order shows.
fn many_activations(count: usize) -> Vec<Activation> {
    let row = |index: usize| Activation {
        prompt_id: format!("p{index}"),
        activation: vec![index as f32, 1.0, 2.0],
        ..activations()[index % 2].clone()
    };
    (0..count).map(row).collect()
}

#[test]
fn activations_may_be_written_piece_by_piece_and_read_in_batches() {
    let folder = tempfile::tempdir().unwrap();
    let rows = many_activations(1000);
    let mut writer = ActivationWriter::create(folder.path(), 3, 0, &metadata()).unwrap();
    for piece in rows.chunks(77) {
        for layer in [2, 0, 1] {
            writer.append(layer, piece).unwrap();
        }
    }
    writer.finish().unwrap();
    assert_eq!(activation_layers(folder.path()).unwrap(), [0, 1, 2]);
    for layer in 0..3 {
        let (read, footer) = read_activations(folder.path(), layer).unwrap();
        assert_eq!(read, rows);
        assert_eq!(footer.get("layer"), Some(layer.to_string().as_str()));
        assert_eq!(footer.inherited(), metadata());
        let (batches, same_footer) = read_activation_batches(folder.path(), layer).unwrap();
        let batches: Vec<Vec<Activation>> = batches.map(|batch| batch.unwrap()).collect();
        assert!(batches.iter().all(|batch| batch.len() <= 256));
        assert_eq!((batches.concat(), same_footer), (rows.clone(), footer));
    }
}

/// A group of rows this wide has several pages, whose bounds must not follow the pieces either.
#[test]
fn the_pieces_in_which_rows_come_leave_no_trace_in_the_file() {
    let width = 700;
    let rows: Vec<Activation> = (many_activations(1300).into_iter().zip(1..))
        .map(|(row, number)| Activation {
            activation: (0..width).map(|index| (number * 7 + index) as f32).collect(),
            ..row
        })
        .collect();
    let metadata = metadata().with("hidden_size", width);
    let written = |pieces: &[usize]| {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = ActivationWriter::create(folder.path(), 1, 0, &metadata).unwrap();
        let mut rest = rows.as_slice();
        for length in pieces.iter().cycle() {
            let (piece, later) = rest.split_at(rest.len().min(*length));
            writer.append(0, piece).unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        writer.finish().unwrap();
        std::fs::read(folder.path().join("layer=00/part-0.parquet")).unwrap()
    };
    let whole = written(&[1300]);
    for pieces in [&[1][..], &[77], &[512], &[511, 2], &[1024, 3], &[276, 291, 212]] {
        assert!(written(pieces) == whole, "pieces of {pieces:?} rows");
    }
    let at_once = tempfile::tempdir().unwrap();
    write_activations(at_once.path(), 0, &metadata, &rows).unwrap();
    assert!(std::fs::read(at_once.path().join("layer=00/part-0.parquet")).unwrap() == whole);
}

#[test]
fn files_that_were_not_finished_are_no_tables() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ActivationWriter::create(folder.path(), 2, 0, &metadata()).unwrap();
    writer.append(0, &many_activations(5000)).unwrap();
    drop(writer);
    assert!(folder.path().join("layer=00/part-0.parquet").exists());
    check_error(
        read_activations(folder.path(), 0),
        &["layer=00", "part-0.parquet"],
    );
    check_error(
        read_activations(folder.path(), 1),
        &["layer=01", "part-0.parquet"],
    );
}

#[test]
fn rows_that_fit_no_file_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = ActivationWriter::create(folder.path(), 2, 0, &metadata()).unwrap();
    check_error(
        writer.append(2, &activations()),
        &["no layer 2 among the 2 of this run"],
    );
    let mut rows = activations();
    rows[1].activation.push(1.0);
    check_error(
        writer.append(1, &rows),
        &["layer=01", "prompt \"who\": 4 numbers, but the hidden size is 3"],
    );
    let nameless = Metadata::default();
    check_error(
        ActivationWriter::create(folder.path(), 1, 0, &nameless).map(drop),
        &["hidden_size"],
    );
}

fn contrast() -> ContrastVectors {
    let mut contrast = ContrastVectors::new(metadata(), 2, 3);
    contrast.insert(&VectorKind::Contrast, vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    contrast.insert(&VectorKind::Mean("normal".to_owned()), vec![9.0; 6]);
    contrast
}

#[test]
fn contrast_vectors_read_back_by_layer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("contrast.safetensors");
    write_contrast_vectors(&path, &contrast()).unwrap();
    let read = read_contrast_vectors(&path).unwrap();
    assert_eq!(read, contrast());
    assert_eq!(read.get("contrast", 1), Some(&[3.0, 4.0, 5.0][..]));
    assert_eq!(
        (read.get("contrast", 2), read.get("mean.swapped", 0)),
        (None, None)
    );
}

/// Metadata goes through hash maps whose order differs from one map to the next, so once is not
/// enough.
#[test]
fn the_same_rows_give_the_same_bytes() {
    let bytes = || {
        let folder = tempfile::tempdir().unwrap();
        write_activations(folder.path(), 0, &metadata(), &activations()).unwrap();
        let path = folder.path().join("contrast.safetensors");
        write_contrast_vectors(&path, &contrast()).unwrap();
        (
            std::fs::read(folder.path().join("layer=00/part-0.parquet")).unwrap(),
            std::fs::read(path).unwrap(),
        )
    };
    let first = bytes();
    for _ in 0..20 {
        assert!(bytes() == first, "other bytes for the same rows");
    }
}

#[track_caller]
fn check_error<T: std::fmt::Debug>(result: results::Result<T>, parts: &[&str]) {
    let error = result.unwrap_err().to_string();
    assert!(parts.iter().all(|part| error.contains(part)), "{error}");
}

#[test]
fn wrong_and_broken_tables_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write_activations(folder.path(), 0, &metadata(), &activations()).unwrap();
    let file = folder.path().join("layer=00/part-0.parquet");
    check_error(
        Summary::read(&file),
        &["part-0.parquet", "activations", "summary"],
    );
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    check_error(read_activations(folder.path(), 0), &["part-0.parquet"]);
    check_error(read_activations(folder.path(), 1), &["layer=01"]);
    let path = folder.path().join("contrast.safetensors");
    std::fs::write(&path, b"{}").unwrap();
    check_error(
        read_contrast_vectors(&path),
        &["contrast.safetensors", "cargo xtask analyze"],
    );
}

#[test]
fn a_missing_layer_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    check_error(
        activation_layers(folder.path()),
        &["no layer", "cargo xtask extract"],
    );
    for layer in [0, 1, 3, 10] {
        write_activations(folder.path(), layer, &metadata(), &activations()).unwrap();
    }
    check_error(activation_layers(folder.path()), &["layer 2 is missing"]);
    write_activations(folder.path(), 2, &metadata(), &activations()).unwrap();
    for layer in 4..10 {
        write_activations(folder.path(), layer, &metadata(), &activations()).unwrap();
    }
    assert_eq!(
        activation_layers(folder.path()).unwrap(),
        (0..=10).collect::<Vec<_>>()
    );
    assert!(Path::new(&folder.path().join("layer=10")).exists());
}
