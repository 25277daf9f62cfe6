//! The attainable cosine against a simulation: two samples of noisy differences around one true
//! direction.

use diff::attainable_cosine;

/// A plain generator (Lehmer 1951, Park and Miller's constants), which is random enough for means
/// of thousands.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0 * 48271 % 2_147_483_647;
        self.0 as f64 / 2_147_483_647.0
    }

    /// Near enough to normal: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

const SIZE: usize = 200;

fn rows(random: &mut Random, prompts: usize, noise: f64) -> Vec<Vec<f64>> {
    let row = |random: &mut Random| (0..SIZE).map(|_| 1.0 + noise * random.normal()).collect();
    (0..prompts).map(|_| row(random)).collect()
}

fn mean(rows: &[Vec<f64>]) -> Vec<f64> {
    (0..SIZE)
        .map(|dimension| rows.iter().map(|row| row[dimension]).sum::<f64>() / rows.len() as f64)
        .collect()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn it_is_what_two_independent_runs_reach() {
    let mut random = Random(20_241_125);
    for (prompts_a, prompts_b, noise) in [(6, 6, 1.5), (6, 24, 3.0), (12, 40, 4.0)] {
        let (mut reached, mut halves) = (0.0, [0.0; 2]);
        let runs = 200;
        for _ in 0..runs {
            let samples = [prompts_a, prompts_b].map(|prompts| rows(&mut random, prompts, noise));
            for (half, rows) in halves.iter_mut().zip(&samples) {
                let (one, other) = rows.split_at(rows.len() / 2);
                *half += cosine(&mean(one), &mean(other)) / runs as f64;
            }
            reached += cosine(&mean(&samples[0]), &mean(&samples[1])) / runs as f64;
        }
        let attainable = attainable_cosine(halves[0], halves[1]).unwrap();
        assert!(reached < 0.95, "the case says something: {reached}");
        assert!(
            (reached - attainable).abs() < 0.01,
            "{reached} reached, {attainable} expected"
        );
    }
}

#[test]
fn halves_that_disagree_promise_nothing() {
    assert_eq!(attainable_cosine(-0.1, 0.9), None);
    assert_eq!(attainable_cosine(0.9, f64::NAN), None);
    assert_eq!(attainable_cosine(1.0, 1.0), Some(1.0));
}
