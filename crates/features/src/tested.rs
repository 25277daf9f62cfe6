//! What each feature says about the two conditions: intervals and tests over prompts.

use rayon::prelude::*;
use sae::Encoded;
use statistics::{
    BOOTSTRAP_DRAWS, Interval, PairedGram, PairedRows, SignFlipTest, bootstrap_means, separability,
    sign_flip_tests,
};

/// The seed of resamples and labellings.
const SEED: u64 = 0;

/// One feature's.
pub struct Tested {
    pub interval: Option<Interval>,
    pub auc: f64,
    pub test: SignFlipTest,
}

/// For each of `features`, over prompts whose rows in the positive and the negative condition are
/// `[positive, negative]`: prompts that do not copy another, 256 at most.
pub fn test(features: &[usize], prompts: &[[&Encoded; 2]]) -> Vec<Tested> {
    let value = |row: &Encoded, feature: usize| {
        let place = row.active.binary_search_by_key(&feature, |active| active.feature);
        place.map_or(0.0, |place| row.active[place].value)
    };
    let pairs = |feature: usize| -> Vec<[f32; 2]> {
        let of_prompt =
            |[positive, negative]: &[&Encoded; 2]| [value(positive, feature), value(negative, feature)];
        prompts.iter().map(of_prompt).collect()
    };
    let pairs: Vec<Vec<[f32; 2]>> = features.par_iter().map(|feature| pairs(*feature)).collect();
    let difference = |pair: &[f32; 2]| f64::from(pair[0]) - f64::from(pair[1]);
    let differences: Vec<Vec<f64>> = pairs
        .iter()
        .map(|pairs| pairs.iter().map(difference).collect())
        .collect();
    let mut intervals = bootstrap_means(&differences, BOOTSTRAP_DRAWS, SEED);
    intervals.resize(features.len(), None);
    let tests = sign_flip_tests(&differences, SEED);
    let aucs: Vec<f64> = pairs.par_iter().map(|pairs| auc(pairs)).collect();
    let all = intervals.into_iter().zip(aucs).zip(tests);
    all.map(|((interval, auc), test)| Tested { interval, auc, test })
        .collect()
}

/// The AUC of [`separability`] for rows of one number. NaN with fewer than two prompts.
fn auc(pairs: &[[f32; 2]]) -> f64 {
    let side = |side: usize| pairs.iter().map(|pair| vec![pair[side]]).collect();
    let rows = PairedRows {
        plus: side(0),
        minus: side(1),
    };
    separability(&PairedGram::of(&rows)).map_or(f64::NAN, |separability| separability.auc)
}
