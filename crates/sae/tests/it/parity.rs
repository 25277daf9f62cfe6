//! Every kind of folder, as SAELens and NumPy write it, against what they compute
//! (`reference/make_reference.py`).

use std::path::{Path, PathBuf};

use sae::{Active, Encoded};
use serde_json::Value;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn record() -> Value {
    serde_json::from_str(&fs_err::read_to_string(data().join("expected.json")).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_f64().unwrap())
        .collect()
}

fn rows(record: &Value) -> Vec<f32> {
    let rows = record["rows"].as_array().unwrap().iter();
    rows.flat_map(numbers).map(|value| value as f32).collect()
}

/// The largest difference over the largest number.
fn error(ours: &[f32], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs
        .iter()
        .fold(1e-9, |largest: f64, value| largest.max(value.abs()));
    let difference = |(ours, theirs): (&f32, &f64)| (f64::from(*ours) - theirs).abs();
    ours.iter().zip(theirs).map(difference).fold(0.0, f64::max) / largest
}

#[test]
fn features_and_decoded_rows_equal_those_of_the_programs_that_made_the_files() {
    let record = record();
    let rows = rows(&record);
    for (folder, expected) in record["folders"].as_object().unwrap() {
        let sae = sae::open(&data().join(folder), None).unwrap();
        assert_eq!(sae.description.place.to_string(), expected["place"], "{folder}");
        assert_eq!(
            sae.description.model.as_deref(),
            expected["model"].as_str(),
            "{folder}"
        );
        let encoded = sae.encode(&rows).unwrap();
        let active = expected["active"].as_array().unwrap();
        assert_eq!(encoded.len(), active.len());
        assert!(
            active.iter().any(|row| row.as_object().unwrap().len() > 3),
            "{folder}: too few"
        );
        for ((ours, theirs), decoded) in encoded
            .iter()
            .zip(active)
            .zip(expected["decoded"].as_array().unwrap())
        {
            let theirs = theirs.as_object().unwrap();
            let features: Vec<String> = ours
                .active
                .iter()
                .map(|active| active.feature.to_string())
                .collect();
            assert_eq!(features, theirs.keys().cloned().collect::<Vec<_>>(), "{folder}");
            let values: Vec<f32> = ours.active.iter().map(|active| active.value).collect();
            let theirs: Vec<f64> = theirs.values().map(|value| value.as_f64().unwrap()).collect();
            assert!(error(&values, &theirs) < 1e-5, "{folder}: {values:?} {theirs:?}");
            let reconstructed = sae.decode(ours).unwrap();
            assert!(error(&reconstructed, &numbers(decoded)) < 1e-5, "{folder}");
        }
    }
}

/// A decoded row is the sum of what its features add, and of the biases.
#[test]
fn directions_add_up_to_the_decoded_row() {
    let record = record();
    let rows = rows(&record);
    for folder in record["folders"].as_object().unwrap().keys() {
        let sae = sae::open(&data().join(folder), None).unwrap();
        for encoded in sae.encode(&rows).unwrap() {
            let nothing = Encoded {
                active: Vec::new(),
                ..encoded.clone()
            };
            let mut sum = sae.decode(&nothing).unwrap();
            for Active { feature, value } in &encoded.active {
                let direction = sae.direction(*feature).unwrap();
                sum.iter_mut()
                    .zip(direction)
                    .for_each(|(sum, part)| *sum += value * encoded.scale * part);
            }
            let decoded: Vec<f64> = sae.decode(&encoded).unwrap().into_iter().map(f64::from).collect();
            assert!(error(&sum, &decoded) < 1e-5, "{folder}");
        }
    }
}

#[test]
fn a_rows_features_do_not_depend_on_the_others() {
    let record = record();
    let rows = rows(&record);
    for folder in record["folders"].as_object().unwrap().keys() {
        let sae = sae::open(&data().join(folder), None).unwrap();
        let together = sae.encode(&rows).unwrap();
        let alone = rows
            .chunks(sae.hidden_size())
            .map(|row| sae.encode(row).unwrap().remove(0));
        assert_eq!(together, alone.collect::<Vec<_>>(), "{folder}");
    }
}

/// A feature alone has the activation that SAELens and NumPy give it among the others, active or not; those
/// that can't be told alone are refused by name.
#[test]
fn a_feature_read_alone_is_the_feature_among_all() {
    let record = record();
    let rows = rows(&record);
    let mut read = Vec::new();
    for (folder, expected) in record["folders"].as_object().unwrap() {
        let sae = sae::open(&data().join(folder), None).unwrap();
        let readers: Result<Vec<_>, String> = (0..sae.features())
            .map(|feature| sae.reader(feature).unwrap())
            .collect();
        let readers = match readers {
            Ok(readers) => readers,
            Err(why) => {
                let known = folder.starts_with("topk") && why.contains("top-k")
                    || folder.ends_with("norm") && why.contains("normalises");
                assert!(known, "{folder}: {why}");
                continue;
            }
        };
        read.push(folder.as_str());
        let active = expected["active"].as_array().unwrap();
        for (row, active) in rows.chunks(sae.hidden_size()).zip(active) {
            let value = |feature: usize| {
                active
                    .get(feature.to_string())
                    .map_or(0.0, |value| value.as_f64().unwrap())
            };
            let theirs: Vec<f64> = (0..sae.features()).map(value).collect();
            let dot = |e: &[f32]| e.iter().zip(row).map(|(e, x)| e * x).sum::<f32>();
            let ours: Vec<f32> = readers
                .iter()
                .map(|reader| reader.activation(dot(&reader.row)))
                .collect();
            assert!(error(&ours, &theirs) < 1e-5, "{folder}: {ours:?} {theirs:?}");
        }
    }
    for kind in ["standard", "jumprelu", "gated", "batchtopk"] {
        assert!(read.contains(&kind), "{kind} is not among {read:?}");
    }
    assert!(
        read.iter().any(|folder| folder.starts_with("gemma-scope")),
        "{read:?}"
    );
}
