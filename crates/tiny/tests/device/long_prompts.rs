//! A prompt far longer than the windows of the sliding layers, with the cache, in parts and token by token.

use model::{Batch, Network};
use testkit::{assert_close, golden_folder};

use crate::{Kept, TOLERANCE, both, numbers};

const LENGTH: usize = 600;

fn prompt() -> Vec<u32> {
    (0..LENGTH as u32)
        .map(|index| 3 + (index * 7919 + index * index * 31) % 50)
        .collect()
}

/// Each layer's output for all tokens, from passes that end at these positions.
fn layers(network: &Network, ends: &[usize]) -> Vec<Vec<f32>> {
    let (prompt, mut cache, mut start) = (prompt(), network.cache(), 0);
    let mut layers = vec![Vec::new(); network.config().layers.len()];
    for end in ends {
        let mut batch = Batch::default();
        batch.push(0, start, &prompt[start..*end]).unwrap();
        let mut kept = Kept((), Vec::new());
        network.forward(&batch, Some(&mut cache), &mut kept).unwrap();
        for (layer, h) in layers.iter_mut().zip(kept.1) {
            layer.extend(numbers(h));
        }
        start = *end;
    }
    layers
}

#[test]
fn parts_and_single_tokens_past_the_window_are_the_cpus() {
    if !crate::multiplies_in_f32() {
        return;
    }
    let [cpu, gpu] = both(&golden_folder().join("nano"));
    let windows = cpu.config().layers.iter().filter_map(|layer| layer.window);
    let widest = windows.max().unwrap();
    assert!(widest * 2 < LENGTH - 300, "{widest}");
    let expected = layers(&cpu, &[LENGTH]);
    let single: Vec<usize> = (1..=20).chain([300]).chain(LENGTH - 20..=LENGTH).collect();
    for ends in [&[LENGTH][..], &[1, 9, 200, 599, LENGTH], &single] {
        for (layer, (found, expected)) in layers(&gpu, ends).iter().zip(&expected).enumerate() {
            assert_close(
                &format!("layer {layer} in {} parts", ends.len()),
                found,
                expected,
                TOLERANCE,
            );
        }
    }
}

/// Rows that end leave, and others take their slots: the log of the cache is cleared out and moved.
#[test]
fn rows_that_come_and_go_move_in_the_cache() {
    if !crate::multiplies_in_f32() {
        return;
    }
    let [cpu, gpu] = both(&golden_folder().join("nano"));
    let prompt = prompt();
    let of = |network: &Network| {
        let mut cache = network.cache();
        let mut last = Vec::new();
        for row in 0..6 {
            let mut batch = Batch::default();
            batch.push(row, 0, &prompt[row..row + 90]).unwrap();
            if row > 1 {
                cache.remove(row - 2);
                batch.push(row - 1, 90, &prompt[row..row + 1]).unwrap();
            }
            last.extend(numbers(
                network.forward(&batch, Some(&mut cache), &mut ()).unwrap(),
            ));
        }
        last
    };
    assert_close("rows that come and go", &of(&gpu), &of(&cpu), TOLERANCE);
}
