//! From moved log-odds to what a patch does.

use results::{PatchEffect, PatchedPrompt};
use statistics::{
    BOOTSTRAP_DRAWS, Interval, SignFlipTest, bootstrap_mean, bootstrap_statistic, sign_flip_tests,
};
use terms::Patch;

use crate::pairs::Pair;
use crate::patched::PatchedPair;
use crate::places::{Spot, patches};

/// A row for each spot and patch, in this order. With fewer than two prompts, intervals have no ends and are given
/// as the figure itself.
pub fn effects(spots: &[Spot], pairs: &[Pair], patched: &[PatchedPair], seed: u64) -> Vec<PatchEffect> {
    let mut keys = Vec::new();
    for spot in spots {
        keys.extend(patches(spot).iter().map(|patch| (spot, *patch)));
    }
    let moved =
        |number: usize| -> Vec<f64> { patched.iter().map(|pair| pair.moved[number].log_odds).collect() };
    let tests = tests(&keys, &moved, seed);
    let ways: Vec<f64> = patched
        .iter()
        .map(|pair| pair.log_odds[0] - pair.log_odds[1])
        .collect();
    let row = |(number, (spot, patch)): (usize, &(&Spot, Patch))| {
        let moved = moved(number);
        let (effect, interval) = share_of_way(&moved, &ways, seed);
        let own = mean(&moved);
        let of_moved = bootstrap_mean(&moved, BOOTSTRAP_DRAWS, seed);
        let of_moved = of_moved.unwrap_or(Interval { low: own, high: own });
        let text = |side: usize| {
            spot.from_end
                .map(|place| pairs[0].turn_texts[place][side].clone())
        };
        PatchEffect {
            patch: *patch,
            site: spot.place.site,
            layer: spot.place.layer,
            head: spot.place.head,
            positions: spot.positions,
            from_end: spot.from_end,
            token_positive: text(0),
            token_negative: text(1),
            prompts: patched.len(),
            effect,
            effect_low: interval.low,
            effect_high: interval.high,
            moved: own,
            moved_low: of_moved.low,
            moved_high: of_moved.high,
            kl: mean(
                &patched
                    .iter()
                    .map(|pair| pair.moved[number].kl.max(0.0))
                    .collect::<Vec<f64>>(),
            ),
            p: tests[number].map(|test| test.p),
            p_family: tests[number].map(|test| test.p_family),
        }
    };
    keys.iter().enumerate().map(row).collect()
}

/// What was put in against the control at the same spot, all spots together.
fn tests(keys: &[(&Spot, Patch)], moved: &dyn Fn(usize) -> Vec<f64>, seed: u64) -> Vec<Option<SignFlipTest>> {
    let (mut tested, mut differences) = (Vec::new(), Vec::new());
    for (number, (spot, patch)) in keys.iter().enumerate() {
        let control = keys.iter().position(|key| *key == (*spot, Patch::OtherPrompt));
        if let (Patch::PutIn, Some(control)) = (patch, control) {
            let pairs = moved(number).into_iter().zip(moved(control));
            differences.push(pairs.map(|(own, control)| own - control).collect());
            tested.push(number);
        }
    }
    let mut tests = vec![None; keys.len()];
    for (number, test) in tested.into_iter().zip(sign_flip_tests(&differences, seed)) {
        tests[number] = Some(test);
    }
    tests
}

/// `sum moved / sum way` over the prompts, and its interval; NaN where the conditions don't differ. The ratio
/// of sums gives prompts whose conditions hardly differ the little weight that they have.
pub fn share_of_way(moved: &[f64], ways: &[f64], seed: u64) -> (f64, Interval) {
    let share = |indices: &[usize]| {
        let sum = |values: &[f64]| indices.iter().map(|index| values[*index]).sum::<f64>();
        sum(moved) / sum(ways)
    };
    let all: Vec<usize> = (0..moved.len()).collect();
    let nothing = Interval {
        low: f64::NAN,
        high: f64::NAN,
    };
    // Where some draw of prompts has no way to speak of, the ratio has no distribution.
    if ways.iter().any(|way| *way <= 0.0) {
        let way: f64 = ways.iter().sum();
        return match way > 0.0 {
            true => (share(&all), nothing),
            false => (f64::NAN, nothing),
        };
    }
    let interval = bootstrap_statistic(moved.len(), BOOTSTRAP_DRAWS, seed, share);
    (share(&all), interval.unwrap_or(nothing))
}

/// A row for each prompt. `texts`: the scored tokens of both answers.
pub fn prompts(pairs: &[Pair], patched: &[PatchedPair], texts: &[[String; 2]]) -> Vec<PatchedPrompt> {
    let all = pairs.iter().zip(patched).zip(texts);
    let row =
        |((pair, patched), [positive, negative]): ((&Pair, &PatchedPair), &[String; 2])| PatchedPrompt {
            prompt_id: pair.id.clone(),
            prompt: pair.prompt.clone(),
            answer_positive: positive.clone(),
            answer_negative: negative.clone(),
            log_odds_positive: patched.log_odds[0],
            log_odds_negative: patched.log_odds[1],
            turn_tokens: pair.alignment.turn.len(),
            prompt_tokens: pair.alignment.prompt.len(),
            before_tokens: pair.alignment.before.len(),
        };
    all.map(row).collect()
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
