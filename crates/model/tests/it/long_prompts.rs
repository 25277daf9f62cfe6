//! A prompt that is longer than everything that is computed at once, and far longer than the windows
//! of its sliding layers.

use model::{Batch, Precision};

use crate::support::{KeepAll, load_nano, numbers};

const LENGTH: usize = 1500;

fn prompt() -> Vec<u32> {
    (0..LENGTH as u32)
        .map(|index| 3 + (index * 7919 + index * index * 31) % 50)
        .collect()
}

/// Each layer's output for all tokens, from passes that end at these positions.
fn layers(precision: Precision, ends: &[usize], with_cache: bool) -> Vec<Vec<u32>> {
    let (network, prompt) = (load_nano(precision), prompt());
    let mut cache = with_cache.then(|| network.cache());
    let mut layers = vec![Vec::new(); network.config().layers.len()];
    let mut start = 0;
    for end in ends {
        let mut batch = Batch::default();
        batch.push(0, start, &prompt[start..*end]).unwrap();
        let mut kept = KeepAll::default();
        network.forward(&batch, cache.as_mut(), &mut kept).unwrap();
        for (layer, h) in layers.iter_mut().zip(kept.0) {
            layer.extend(numbers(h).into_iter().map(f32::to_bits));
        }
        start = *end;
    }
    layers
}

#[test]
fn a_long_prompt_in_parts_is_the_same_to_the_last_bit() {
    let parts = [1, 8, 9, 300, 1400, 1499, LENGTH];
    let alone: Vec<usize> = (1..=40).chain([LENGTH]).collect();
    for precision in [Precision::F32, Precision::Bf16] {
        let whole = layers(precision, &[LENGTH], true);
        assert!(whole == layers(precision, &parts, true), "{precision:?}");
        assert!(
            whole == layers(precision, &alone, true),
            "{precision:?}, first tokens one by one"
        );
        // The cache of bf16 rounds keys and values.
        if precision == Precision::F32 {
            assert!(whole == layers(precision, &[LENGTH], false), "without a cache");
        }
    }
}

/// Beginnings of a prompt share its tokens, and see nothing of what follows them.
#[test]
fn a_beginning_is_the_same_alone() {
    let (network, prompt) = (load_nano(Precision::F32), prompt());
    let of = |rows: &[&[u32]]| {
        let batch = Batch::of(rows).unwrap();
        let place = *batch.places(0).last().unwrap();
        let h = network
            .forward(&batch.with_wanted(vec![place]), None, &mut ())
            .unwrap();
        numbers(h)
    };
    let beginning = &prompt[..1100];
    assert!(of(&[beginning]) == of(&[beginning, &prompt, &prompt[..20]]));
}
