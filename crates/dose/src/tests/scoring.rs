use std::path::Path;

use model::{Batch, DeviceKind, ModelFiles, Network, Precision, open_device, read_numbers};
use steer::{Intervention, Steer};
use terms::Positions;

use crate::{Score, Sequence, divergences, log_probabilities, scores};

/// Sequences enough for several passes, scored by one thread and by three side by side.
#[test]
fn passes_side_by_side_give_the_same_bits() {
    let files = ModelFiles::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/tiny")).unwrap();
    let (config, device) = (files.config().unwrap(), open_device(DeviceKind::Cpu).unwrap());
    let checkpoint = files.checkpoint().unwrap();
    let network = Network::load(&config, &checkpoint, &device, Precision::F32, &mut |_| ()).unwrap();
    let text = |number: u32| -> Vec<u32> {
        (0..40)
            .map(|index| 5 + (number * 131 + index * index * 17) % 1400)
            .collect()
    };
    let sequences: Vec<Sequence> = (0..70)
        .map(|number| Sequence::new(&[2, 5], &text(number)))
        .collect();
    let few = &sequences[..3];
    let push = |number: usize| {
        let offset = vec![0.1 * number as f32; config.hidden_size];
        let push = Intervention::new(number % 6, Positions::All, interventions::Form::adding(offset));
        if number < few.len() { vec![] } else { vec![push] }
    };
    let changed: Vec<_> = (0..40 * few.len()).map(push).collect();
    let tap = Steer::new(&changed, config.layers.len(), config.hidden_size, &device).unwrap();
    let with_threads = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            assert_eq!(network.passes_at_once(), threads);
            let scores = scores(&network, &sequences, &direction(), "texts").unwrap();
            (scores, divergences(&network, few, 40, &tap, "answers").unwrap())
        })
    };
    let (scores, divergences) = with_threads(1);
    let log: Vec<Vec<f64>> = scores
        .iter()
        .map(|score| score.log_probabilities.clone())
        .collect();
    assert!(log.iter().flatten().all(|score| *score < 0.0));
    assert_eq!(log, log_probabilities(&network, &sequences, "texts").unwrap());
    assert_eq!(divergences[0], vec![vec![0.0; 40]; 3]);
    assert!(divergences[39].iter().flatten().all(|value| *value > 0.0));
    assert_eq!((scores, divergences), with_threads(3));
}

/// Of the embedded model.
const HIDDEN: usize = 128;

/// A direction that no weight has been tuned to.
fn direction() -> Vec<f32> {
    (0..HIDDEN)
        .map(|number| ((number * 37 % 11) as f32) - 5.0)
        .collect()
}

/// Against the residual streams themselves, a text at a time, without what sequences share.
#[test]
fn projections_are_means_over_the_texts_tokens_but_the_last() {
    let files = ModelFiles::at(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/tiny")).unwrap();
    let (config, device) = (files.config().unwrap(), open_device(DeviceKind::Cpu).unwrap());
    let checkpoint = files.checkpoint().unwrap();
    let network = Network::load(&config, &checkpoint, &device, Precision::F32, &mut |_| ()).unwrap();
    let prompt = [2, 5, 100, 77];
    let sequences = [vec![8, 900, 31, 12], vec![8, 900], vec![8]].map(|text| Sequence::new(&prompt, &text));
    let direction = direction();
    let length = direction
        .iter()
        .map(|value| f64::from(*value).powi(2))
        .sum::<f64>()
        .sqrt();
    let found: Vec<Score> = scores(&network, &sequences, &direction, "texts").unwrap();
    for (sequence, found) in sequences.iter().zip(&found) {
        let batch = Batch::of(std::slice::from_ref(&sequence.tokens)).unwrap();
        let h = read_numbers(network.forward(&batch, None, &mut ()).unwrap()).unwrap();
        let rows: Vec<&[f32]> = h.chunks(config.hidden_size).collect();
        // The only token of a text is predicted by the prompt's last one.
        let places = match sequence.text().len() {
            1 => 3..4,
            tokens => 4..4 + tokens - 1,
        };
        let reach = |row: &&[f32]| -> f64 {
            let products = row
                .iter()
                .zip(&direction)
                .map(|(a, b)| f64::from(*a) * f64::from(*b));
            products.sum::<f64>() / length
        };
        let expected = rows[places.clone()].iter().map(reach).sum::<f64>() / places.len() as f64;
        assert!(
            (found.projection - expected).abs() < 1e-4,
            "{} is not {expected}",
            found.projection
        );
    }
}
