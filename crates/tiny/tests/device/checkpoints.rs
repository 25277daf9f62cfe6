//! Models that this test is given: every layer on the device against the CPU.
//! `ROLESWAP_CHECKPOINTS` has their folders or files, with a comma between them.

use std::path::Path;

use burn::tensor::Device as Tensors;
use model::{Batch, ModelFiles, Network, Precision};
use terms::Dtype;
use verify::{relative_error, tolerances};

use crate::{Kept, device, named, numbers};

/// Rows of unequal length, and of tokens that any vocabulary has.
fn rows(vocabulary: usize) -> Vec<Vec<u32>> {
    let token = |at: usize| (3 + (at * 7919 + at * at * 31) % (vocabulary.min(50_000) - 3)) as u32;
    (0..4)
        .map(|row| (0..9 + 5 * row).map(|at| token(at + 100 * row)).collect())
        .collect()
}

/// Each layer's output, and the logits of the last token of each row.
fn computed(place: &Path, device: &Tensors, precision: Precision) -> Vec<Vec<f32>> {
    let (config, checkpoint) = ModelFiles::at(place).unwrap().network().unwrap();
    let network = Network::load(&config, &checkpoint, device, precision, &mut |_| ()).unwrap();
    let batch = Batch::of(&rows(config.vocab_size)).unwrap();
    let mut kept = Kept((), Vec::new());
    network.forward(&batch, None, &mut kept).unwrap();
    let last: Vec<usize> = (0..4)
        .map(|row| batch.places(row).last().copied().unwrap())
        .collect();
    let h = network
        .forward(&batch.clone().with_wanted(last), None, &mut ())
        .unwrap();
    kept.1.push(network.head(h));
    kept.1.into_iter().map(numbers).collect()
}

#[test]
fn every_layer_of_given_checkpoints_is_the_cpus() {
    let Ok(places) = std::env::var("ROLESWAP_CHECKPOINTS") else {
        println!("skipped: ROLESWAP_CHECKPOINTS names no checkpoints");
        return;
    };
    for place in places.split(',').map(Path::new) {
        let (_, checkpoint) = ModelFiles::at(place).unwrap().network().unwrap();
        let arithmetic = model::arithmetic_of(&device());
        let precision = Dtype::Auto.on(checkpoint.stored_precision(), arithmetic).unwrap();
        let expected = computed(place, &Tensors::flex(), Precision::F32);
        let found = computed(place, &device(), precision);
        assert_eq!(found.len(), expected.len());
        let (limit, limit_after) = tolerances(precision);
        let errors: Vec<f64> = found
            .iter()
            .zip(&expected)
            .map(|(found, expected)| relative_error("layer", found, expected).unwrap().rms)
            .collect();
        let (logits, layers) = errors.split_last().unwrap();
        let worst = layers.iter().copied().fold(0.0, f64::max);
        println!(
            "parity {{\"checkpoint\": {:?}, \"device\": \"{}\", \"dtype\": \"{precision}\", \"layers\": {}, \"worst_layer\": {worst:e}, \
             \"logits\": {logits:e}, \"limit\": {limit:e}, \"limit_of_logits\": {limit_after:e}}}",
            place.display().to_string(),
            named(),
            layers.len()
        );
        assert!(worst <= limit && *logits <= limit_after, "{}", place.display());
    }
}
