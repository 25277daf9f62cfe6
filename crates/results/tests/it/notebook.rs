use results::{Generation, NotebookDescription, python_float, write_steering_json, write_swapped_role_json};
use terms::{FinishReason, GenerationStyle};

#[test]
fn numbers_are_written_as_python_writes_them() {
    // The right column is what Python 3.11 prints for str(x).
    let cases = [
        (-3.0, "-3.0"),
        (3.0, "3.0"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (0.7, "0.7"),
        (-0.35, "-0.35"),
        (10.0, "10.0"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (0.000012345, "1.2345e-05"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1.5e300, "1.5e+300"),
        (1.0 / 3.0, "0.3333333333333333"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
    ];
    for (value, expected) in cases {
        assert_eq!(python_float(value), expected);
    }
}

fn row(prompt: &str, coefficient: f64, text: &str) -> Generation {
    Generation {
        set: "steered".to_owned(),
        prompt_id: prompt.to_owned(),
        prompt: prompt.to_owned(),
        condition: "normal".to_owned(),
        coefficient: Some(coefficient),
        sample: 0,
        seed: 0,
        text: text.to_owned(),
        n_tokens: 1,
        finish_reason: FinishReason::Stop,
        interventions: String::new(),
        decoding: GenerationStyle::Greedy,
    }
}

#[test]
fn the_notebooks_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        row("Why?", -3.0, "a"),
        row("Who?", -3.0, "b"),
        row("Why?", 3.0, "c\"<"),
        row("Why?", 3.0, "d"),
    ];
    let path = folder.path().join("steer.json");
    write_steering_json(&path, &rows).unwrap();
    let read = |path: &std::path::Path| {
        serde_json::from_slice::<serde_json::Value>(&std::fs::read(path).unwrap()).unwrap()
    };
    let texts = serde_json::json!({"Why?": {"-3.0": ["a"], "3.0": ["c\"<", "d"]}, "Who?": {"-3.0": ["b"]}});
    assert_eq!(read(&path), texts);
    let about = NotebookDescription {
        model_name: "google/gemma-2-9b-it".to_owned(),
        model_type: "gemma".to_owned(),
        layer: 20,
        feature: None,
    };
    write_swapped_role_json(&path, &about, &rows).unwrap();
    let value = read(&path);
    let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "feature_id",
            "group_name",
            "readable_group_name",
            "description",
            "metadata",
            "results"
        ]
    );
    assert_eq!(value["metadata"]["sae_layer"], 20);
    assert_eq!(
        (&value["feature_id"], &value["metadata"]["sae_trainer"]),
        (&serde_json::json!(-1), &serde_json::json!("131k-l0-114"))
    );
    assert_eq!(value["results"]["Why?"]["steering"], texts["Why?"]);
    let of_feature = NotebookDescription {
        feature: Some(("scope".to_owned(), 12_345)),
        ..about
    };
    write_swapped_role_json(&path, &of_feature, &rows).unwrap();
    let value = read(&path);
    assert_eq!(value["feature_id"], 12_345);
    assert_eq!(value["metadata"]["sae_trainer"], "scope");
    assert_eq!(value["readable_group_name"], "Feature 12345 of scope");
    assert_eq!(value["results"]["Why?"]["steering"], texts["Why?"]);
}
