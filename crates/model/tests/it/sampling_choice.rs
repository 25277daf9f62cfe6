//! The sampler's shortcuts against the plain way: the same token for every setting, however odd the
//! logits.

use model::{NotANumber, Sampler, Sampling};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A whole vocabulary, as large as the largest that a model has.
const VOCABULARY: usize = 256_000;

#[test]
fn shortcuts_choose_the_same_token() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for size in [1, 2, 7, 31, 50, 51, 63, 64, 65, 1000, 4099] {
        for kind in KINDS {
            for _ in 0..60 {
                let logits = logits(kind, size, &mut random);
                let (sampling, history) = settings(size, &mut random);
                compare(&logits, &history, &sampling, random.random());
            }
        }
    }
}

#[test]
fn shortcuts_choose_the_same_token_of_a_whole_vocabulary() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for kind in KINDS {
        for (top_k, top_p) in [(50, 1.0), (50, 0.9), (0, 1.0), (0, 0.9)] {
            let logits = logits(kind, VOCABULARY, &mut random);
            let (sampling, history) = settings(VOCABULARY, &mut random);
            let sampling = Sampling {
                greedy: false,
                top_k,
                top_p,
                ..sampling
            };
            compare(&logits, &history, &sampling, random.random());
        }
    }
}

#[test]
fn the_first_nan_is_named_even_if_it_is_suppressed() {
    let mut logits = vec![1.0; 300];
    logits[70] = f32::NAN;
    logits[299] = f32::NAN;
    for sampling in each_path() {
        let sampling = Sampling {
            suppress: vec![70],
            repetition_penalty: 1.1,
            ..sampling
        };
        let mut sampler = Sampler::new(sampling, 1);
        let chosen = sampler.next(&mut logits.clone(), &[70, 70, 3]);
        assert_eq!(chosen, Err(NotANumber { token: 70 }));
    }
}

#[test]
fn positive_infinity_is_the_most_likely_but_has_no_probability() {
    let mut logits = vec![f32::NEG_INFINITY; 300];
    logits[200] = f32::INFINITY;
    logits[201] = f32::INFINITY;
    for sampling in each_path() {
        let expected = if sampling.greedy {
            Ok(200)
        } else {
            Err(NotANumber { token: 200 })
        };
        assert_eq!(Sampler::new(sampling, 1).next(&mut logits.clone(), &[]), expected);
    }
}

/// One of each kind that the sampler handles separately.
fn each_path() -> Vec<Sampling> {
    let drawn = |top_k, top_p| Sampling {
        greedy: false,
        top_k,
        top_p,
        ..Sampling::greedy()
    };
    vec![Sampling::greedy(), drawn(50, 0.9), drawn(0, 1.0), drawn(0, 0.9)]
}

#[track_caller]
fn compare(logits: &[f32], history: &[u32], sampling: &Sampling, seed: u64) {
    let mut sampler = Sampler::new(sampling.clone(), seed);
    let mut plain = Sampler::new(sampling.clone(), seed);
    // Several times, since the sampler keeps memory and the random generator from one token to the
    // next.
    for step in 0..3 {
        let chosen = sampler.next(&mut logits.to_vec(), history);
        let expected = plain.next_plainly(&mut logits.to_vec(), history);
        assert_eq!(
            chosen,
            expected,
            "token {step} of {} logits, seed {seed}, {sampling:?}",
            logits.len()
        );
    }
}

#[derive(Clone, Copy)]
enum Kind {
    /// Few likely ones and a long tail, like a model's.
    Bell,
    /// Rounded to bfloat16, as a model in that precision gives them: many are equal.
    Rounded,
    FewValues,
    Equal,
    Rising,
    Falling,
    /// Zeros of both signs and the smallest numbers.
    AroundZero,
    /// Up to the largest numbers; a small temperature makes them infinite.
    Huge,
    /// Most are negative infinity.
    MostlyOut,
    Out,
    WithInfinity,
    WithNan,
}

const KINDS: [Kind; 12] = [
    Kind::Bell,
    Kind::Rounded,
    Kind::FewValues,
    Kind::Equal,
    Kind::Rising,
    Kind::Falling,
    Kind::AroundZero,
    Kind::Huge,
    Kind::MostlyOut,
    Kind::Out,
    Kind::WithInfinity,
    Kind::WithNan,
];

fn logits(kind: Kind, size: usize, random: &mut ChaCha8Rng) -> Vec<f32> {
    let spread = [0.01, 1.0, 5.0, 40.0][random.random_range(0..4)];
    let mut logits: Vec<f32> = (0..size).map(|_| spread * bell(random)).collect();
    let any = random.random_range(0..size);
    match kind {
        Kind::Bell => (),
        Kind::Rounded => change(&mut logits, |logit| f32::from_bits(logit.to_bits() & 0xffff_0000)),
        Kind::FewValues => change(&mut logits, |logit| (logit / spread).round()),
        Kind::Equal => logits.fill(spread),
        Kind::Rising => logits.sort_by(f32::total_cmp),
        Kind::Falling => logits.sort_by(|a, b| b.total_cmp(a)),
        Kind::AroundZero => change(&mut logits, |logit| (logit / spread).round() * f32::from_bits(1)),
        Kind::Huge => change(&mut logits, |logit| logit / spread * 1e38),
        Kind::MostlyOut => {
            let kept = random.random_range(0..size.min(80));
            logits[kept..].fill(f32::NEG_INFINITY);
            logits.rotate_right(any);
        }
        Kind::Out => logits.fill(f32::NEG_INFINITY),
        Kind::WithInfinity => {
            logits[any] = f32::INFINITY;
            logits[size / 2] = f32::INFINITY;
            logits[0] = f32::NEG_INFINITY;
        }
        Kind::WithNan => {
            logits[any] = f32::NAN;
            logits[size - 1] = f32::NAN;
        }
    }
    logits
}

fn change(logits: &mut [f32], function: impl Fn(f32) -> f32) {
    for logit in logits {
        *logit = function(*logit);
    }
}

/// Roughly a standard normal number.
fn bell(random: &mut ChaCha8Rng) -> f32 {
    (0..6).map(|_| random.random::<f32>() - 0.5).sum::<f32>() * 2f32.sqrt()
}

fn settings(size: usize, random: &mut ChaCha8Rng) -> (Sampling, Vec<u32>) {
    // Some tokens are not in the vocabulary, and some occur again.
    let mut tokens = |count: usize| -> Vec<u32> {
        (0..random.random_range(0..=count))
            .map(|_| random.random_range(0..size as u32 + 2))
            .collect()
    };
    let (history, suppress) = (tokens(200), tokens(5));
    let mut one_of = |values: &[f64]| values[random.random_range(0..values.len())];
    let sampling = Sampling {
        greedy: one_of(&[0.0, 0.0, 0.0, 0.0, 1.0]) == 1.0,
        temperature: one_of(&[0.7, 0.7, 1.0, 1.3, 0.01, 30.0]),
        top_k: one_of(&[0.0, 0.0, 1.0, 2.0, 7.0, 50.0, 50.0, 300.0, 1e6]) as usize,
        top_p: one_of(&[1.0, 1.0, 0.9, 0.9, 0.5, 0.25, 0.999, 1.0 - 1e-12, 1e-12]),
        repetition_penalty: one_of(&[1.0, 1.1, 1.1, 2.0, 0.5]),
        suppress,
    };
    (sampling, history)
}
