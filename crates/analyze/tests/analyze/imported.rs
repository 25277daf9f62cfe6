//! Vectors from elsewhere: read for the model's shape, compared with ours, handed on to steering.

use exchange::{Format, Origin, Vector, write_vector};
use pipeline::{Pipeline, VectorKind};
use results::{Table, VectorComparison, VectorRow, read_contrast_vectors};

use crate::example::{Example, four_rows};

/// Two layers, and a file with one vector for layer 1: [0, 0, 2].
fn example(entry: &str) -> (Example, Pipeline) {
    let example = Example::new();
    example.write_layer(0, &four_rows());
    example.write_layer(1, &four_rows());
    let vector = Vector {
        name: "refusal".to_owned(),
        hidden_size: 3,
        rows: vec![None, Some(vec![0.0, 0.0, 2.0])],
    };
    let folder = example.out.with_file_name("files");
    let file = write_vector(&folder, Format::Gguf, &vector, &Origin::default()).unwrap();
    let pipeline = example.pipeline("normal", "swapped");
    let text = fs_err::read_to_string(&pipeline.path).unwrap();
    let entry = entry.replace("FILE", file.to_str().unwrap());
    fs_err::write(&pipeline.path, format!("{text}\n[[vectors]]\n{entry}\n")).unwrap();
    let pipeline = Pipeline::read(&pipeline.path, &[]).unwrap();
    (example, pipeline)
}

const ENTRY: &str = "name = \"refusal\"\nfile = \"FILE\"";

#[test]
fn it_is_compared_with_every_vector_of_its_layer() {
    let (example, pipeline) = example(ENTRY);
    analyze::run(&pipeline, &example.layout, &example.out).unwrap();
    let (rows, _) = VectorComparison::read(&example.out.join("comparisons.parquet")).unwrap();
    // mean(normal) = [2, 2, 0], mean(swapped) = [0, 2.5, 2]: the contrast is [2, -0.5, -2].
    let expected = [
        ("contrast", -2.0 / 8.25f64.sqrt()),
        ("mean.normal", 0.0),
        ("mean.swapped", 2.0 / 10.25f64.sqrt()),
    ];
    for (other, cosine) in expected {
        let of_other: Vec<&VectorComparison> = rows.iter().filter(|row| row.other_name == other).collect();
        assert_eq!(of_other.len(), 1, "{other}");
        assert_eq!(
            (of_other[0].vector_name.as_str(), of_other[0].layer),
            ("refusal", 1)
        );
        assert!(
            (of_other[0].cosine - cosine).abs() < 1e-7,
            "{other}: {}",
            of_other[0].cosine
        );
    }
    assert!(rows.iter().any(|row| row.other_name == "lda"));
    assert!(rows.iter().all(|row| row.other_name != "refusal"));
}

#[test]
fn steering_finds_it_where_its_file_has_it() {
    let (example, pipeline) = example(ENTRY);
    analyze::run(&pipeline, &example.layout, &example.out).unwrap();
    let vectors = read_contrast_vectors(&example.out.join("contrast.safetensors")).unwrap();
    assert_eq!(vectors.get("refusal", 1), Some([0.0, 0.0, 2.0].as_slice()));
    assert_eq!(vectors.get("refusal", 0), None);
    let (rows, _) = VectorRow::read(&example.out.join("vectors.parquet")).unwrap();
    let own = rows
        .iter()
        .filter(|row| row.vector_name == VectorKind::Imported("refusal".to_owned()));
    assert_eq!(
        own.map(|row| (row.layer, row.norm)).collect::<Vec<_>>(),
        [(1, 2.0)]
    );
}

#[test]
fn the_contrast_can_be_cleaned_of_it() {
    let (example, pipeline) = example(ENTRY);
    let set = ["contrast.project_out=[\"refusal\"]".to_owned()];
    let pipeline = Pipeline::read(&pipeline.path, &set).unwrap();
    analyze::run(&pipeline, &example.layout, &example.out).unwrap();
    let vectors = read_contrast_vectors(&example.out.join("contrast.safetensors")).unwrap();
    assert_eq!(
        vectors.get("contrast.cleaned", 0),
        Some([2.0, -0.5, -2.0].as_slice())
    );
    assert_eq!(
        vectors.get("contrast.cleaned", 1),
        Some([2.0, -0.5, 0.0].as_slice())
    );
}

#[test]
fn without_files_there_is_nothing_to_compare() {
    let example = Example::new();
    example.write_layer(0, &four_rows());
    analyze::run(
        &example.pipeline("normal", "swapped"),
        &example.layout,
        &example.out,
    )
    .unwrap();
    assert_eq!(
        VectorComparison::read(&example.out.join("comparisons.parquet"))
            .unwrap()
            .0,
        []
    );
}

#[test]
fn a_file_that_does_not_fit_ends_the_stage_before_anything_is_written() {
    let error_of = |entry: &str| {
        let (example, pipeline) = example(entry);
        let error = analyze::run(&pipeline, &example.layout, &example.out).unwrap_err();
        assert_eq!(fs_err::read_dir(&example.out).unwrap().count(), 0);
        error.to_string()
    };
    let found = error_of(&format!("{ENTRY}\nlayer = 1"));
    assert!(
        found.contains("refusal.gguf") && found.contains("leave out `layer`"),
        "{found}"
    );
    let found = error_of(&format!("{ENTRY}\nlayer = -3"));
    assert!(
        found.contains("vectors.refusal: there is no layer -3; the model has 2"),
        "{found}"
    );
}
