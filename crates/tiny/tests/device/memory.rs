//! The memory of the device: what is stated is what is taken.

use burn::tensor::Tensor;
use model::{
    Footprint, GenerationRequest, Precision, ResidualTap, Sampling, TextsAtOnce, Token, generate,
    memory_in_use,
};
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

/// The most rows that a pass had.
struct Rows(usize);

impl ResidualTap for Rows {
    fn residual(&mut self, _layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        let rows: std::collections::BTreeSet<usize> = tokens.iter().map(|token| token.row).collect();
        self.0 = self.0.max(rows.len());
        h
    }
}

#[test]
fn fewer_rows_are_generated_at_once_where_the_memory_is_small_and_texts_are_the_same() {
    const PROMPT: usize = 30;
    const TOKENS: usize = 12;
    let request = |row: usize| GenerationRequest {
        prompt: (0..PROMPT)
            .map(|at| 40 + ((at * 37 + row * 11) % 200) as u32)
            .collect(),
        sampling: Sampling {
            greedy: row % 2 == 0,
            top_k: 20,
            ..Sampling::greedy()
        },
        seed: row as u64,
    };
    let requests: Vec<GenerationRequest> = (0..24).map(request).collect();
    let of = |gpu: &model::Network| {
        let mut rows = Rows(0);
        let texts = generate(gpu, &requests, TOKENS, &mut rows, &mut |_| ()).unwrap();
        (rows.0, texts)
    };
    let [_, gpu] = both(&root().join("data/tiny"));
    let stated = |rows: usize| {
        let texts = TextsAtOnce {
            rows,
            prompt: PROMPT,
            tokens: PROMPT + TOKENS,
        };
        Footprint::of(gpu.config(), Precision::F32, texts).total()
    };
    let (five, one) = (stated(5), stated(1));
    let (all, texts) = of(&gpu);
    assert_eq!(all, 24);
    let gpu = gpu.within_memory(five);
    let (fewer, same) = of(&gpu);
    assert_eq!(fewer, 5);
    assert_eq!(same, texts);
    let gpu = gpu.within_memory(one - 1);
    let error = generate(&gpu, &requests, TOKENS, &mut (), &mut |_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("one text takes up to") && error.contains("take shorter prompts"),
        "{error}"
    );
}
