//! The memory of the device: what is stated is what is taken.

use model::{Footprint, GenerationRequest, Precision, Sampling, TextsAtOnce, generate, memory_in_use};
use testkit::root;

use crate::{both, device};

/// In a process of its own, since memory that was taken once is kept.
const ALONE: &str = "ROLESWAP_MEMORY_ALONE";

#[test]
fn weights_cache_and_work_take_no_more_than_is_stated() {
    if !crate::multiplies_in_f32() {
        return;
    }
    if std::env::var_os(ALONE).is_none() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "memory::weights_cache_and_work_take_no_more_than_is_stated",
                "--nocapture",
            ])
            .env(ALONE, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let before = memory_in_use(&device()).unwrap();
    let [_, gpu] = both(&root().join("data/tiny"));
    let loaded = memory_in_use(&device()).unwrap();
    let texts = TextsAtOnce {
        rows: 24,
        prompt: 120,
        tokens: 128,
    };
    let stated = Footprint::of(gpu.config(), Precision::F32, texts);
    let taken = loaded.tensors - before.tensors;
    println!("memory: weights {taken} of {} stated", stated.weights);
    assert!(taken.abs_diff(stated.weights) < stated.weights / 100);
    let request = |row: usize| GenerationRequest {
        prompt: (0..texts.prompt)
            .map(|at| 40 + ((at * 37 + row * 11) % 200) as u32)
            .collect(),
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let requests: Vec<GenerationRequest> = (0..texts.rows).map(request).collect();
    generate(&gpu, &requests, texts.tokens - texts.prompt, &mut (), &mut |_| ()).unwrap();
    let after = memory_in_use(&device()).unwrap();
    println!(
        "memory: {} taken of {} stated, {stated:?}",
        after.reserved,
        stated.total()
    );
    assert!(after.reserved <= stated.total() && after.reserved * 6 > stated.total());
}
