use std::path::Path;

use model::{DeviceKind, ModelFiles, Network, Precision, open_device};
use steer::{Intervention, Steer};
use terms::Positions;

use crate::{Sequence, divergences, log_probabilities};

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
            let scores = log_probabilities(&network, &sequences, "texts").unwrap();
            (scores, divergences(&network, few, 40, &tap, "answers").unwrap())
        })
    };
    let (scores, divergences) = with_threads(1);
    assert!(scores.iter().flatten().all(|score| *score < 0.0));
    assert_eq!(divergences[0], vec![vec![0.0; 40]; 3]);
    assert!(divergences[39].iter().flatten().all(|value| *value > 0.0));
    assert_eq!((scores, divergences), with_threads(3));
}
