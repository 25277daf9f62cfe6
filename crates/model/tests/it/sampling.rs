use model::{Sampler, Sampling, process_logits};

use crate::support::{Golden, assert_close};

fn sampled() -> Sampling {
    Sampling {
        greedy: false,
        ..Sampling::greedy()
    }
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let values: Vec<f64> = logits
        .iter()
        .map(|logit| f64::from(logit - largest).exp())
        .collect();
    let sum: f64 = values.iter().sum();
    values.iter().map(|value| (value / sum) as f32).collect()
}

#[test]
fn processors_agree_with_the_reference() {
    let golden = Golden::read();
    let (history, raw) = (golden.input("long"), golden.tensor("sample.raw"));
    let run = |sampling: Sampling| {
        let mut logits = raw.to_vec();
        process_logits(&mut logits, &history, &sampling);
        logits
    };
    let penalty = Sampling {
        repetition_penalty: 1.1,
        ..sampled()
    };
    assert_close(
        "repetition penalty",
        &run(penalty.clone()),
        golden.tensor("sample.rep"),
        1e-6,
    );
    let warm = Sampling {
        temperature: 0.7,
        ..penalty
    };
    assert_close(
        "temperature",
        &run(warm.clone()),
        golden.tensor("sample.rep_temp"),
        1e-6,
    );
    assert_close(
        "no top-k",
        &softmax(&run(warm.clone())),
        golden.tensor("sample.probs_no_topk"),
        1e-5,
    );
    let top = run(Sampling { top_k: 50, ..warm });
    assert_eq!(top.iter().filter(|logit| logit.is_finite()).count(), 50);
    assert_close("top-k", &softmax(&top), golden.tensor("sample.probs_top50"), 1e-5);
}

fn check(sampling: Sampling, history: &[u32], logits: &[f32], expected: &[f32]) {
    let mut logits = logits.to_vec();
    process_logits(&mut logits, history, &sampling);
    assert_eq!(logits, expected);
}

const OUT: f32 = f32::NEG_INFINITY;

#[test]
fn repetition_penalty_counts_once_and_pushes_both_signs_down() {
    let sampling = Sampling {
        repetition_penalty: 2.0,
        ..sampled()
    };
    check(sampling, &[0, 0, 1], &[4.0, -4.0, 4.0], &[2.0, -8.0, 4.0]);
}

#[test]
fn suppressed_tokens_are_out_in_greedy_sets_too() {
    check(
        Sampling {
            suppress: vec![2],
            ..Sampling::greedy()
        },
        &[],
        &[1.0, 0.0, 9.0],
        &[1.0, 0.0, OUT],
    );
}

#[test]
fn top_k_keeps_ties_with_the_kth() {
    check(
        Sampling {
            top_k: 2,
            ..sampled()
        },
        &[],
        &[1.0, 3.0, 2.0, 2.0],
        &[OUT, 3.0, 2.0, 2.0],
    );
    check(
        Sampling {
            top_k: 9,
            ..sampled()
        },
        &[],
        &[1.0, 3.0],
        &[1.0, 3.0],
    );
}

#[test]
fn top_p_keeps_the_most_likely_that_reach_p_and_never_none() {
    // Probabilities 0.5, 0.3, 0.2.
    let logits = [0.5f32.ln(), 0.3f32.ln(), 0.2f32.ln()];
    check(
        Sampling {
            top_p: 0.75,
            ..sampled()
        },
        &[],
        &logits,
        &[logits[0], logits[1], OUT],
    );
    check(
        Sampling {
            top_p: 0.4,
            ..sampled()
        },
        &[],
        &logits,
        &[logits[0], OUT, OUT],
    );
    check(
        Sampling {
            top_p: 1e-9,
            ..sampled()
        },
        &[],
        &logits,
        &[logits[0], OUT, OUT],
    );
}

#[test]
fn draws_follow_the_probabilities() {
    let logits = [0.5f32.ln(), 0.3f32.ln(), 0.2f32.ln()];
    let mut sampler = Sampler::new(sampled(), 7);
    let mut counts = [0; 3];
    for _ in 0..20_000 {
        counts[sampler.next(&mut logits.to_vec(), &[]).unwrap() as usize] += 1;
    }
    // Five standard errors of a binomial count.
    for (count, probability) in counts.iter().zip([0.5, 0.3, 0.2]) {
        let error = (20_000.0 * probability * (1.0f64 - probability)).sqrt();
        assert!(
            (f64::from(*count) - 20_000.0 * probability).abs() < 5.0 * error,
            "{counts:?}"
        );
    }
}
