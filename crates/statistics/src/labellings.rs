//! Which labellings a test looks at.

use crate::draws::random_signs;

/// As many are drawn where there are too many to try all.
pub(crate) const DRAWS: usize = 9_999;
pub(crate) const MOST_PROMPTS_FOR_EXACT: usize = 14;

/// Ways to give a prompt's two rows their conditions.
pub(crate) struct Labellings {
    /// `[labellings][prompts]`: -1 where a prompt's two rows change places, else 1.
    pub signs: Vec<Vec<i8>>,
    /// How many there are, opposites counted.
    pub count: u64,
    /// Whether they are all.
    pub exact: bool,
}

impl Labellings {
    /// Only the labellings that keep the first prompt: the others are their opposites.
    pub fn of(prompts: usize, seed: u64) -> Self {
        if prompts == 0 {
            return Labellings {
                signs: Vec::new(),
                count: 0,
                exact: true,
            };
        }
        if prompts > MOST_PROMPTS_FOR_EXACT {
            return Labellings {
                signs: random_signs(prompts, DRAWS, seed),
                count: DRAWS as u64,
                exact: false,
            };
        }
        let sign = |number: u64, prompt: usize| if number >> prompt & 1 == 1 { -1 } else { 1 };
        let all = 1_u64 << prompts;
        let signs = (0..all)
            .step_by(2)
            .map(|number| (0..prompts).map(|prompt| sign(number, prompt)).collect());
        Labellings {
            signs: signs.collect(),
            count: all,
            exact: true,
        }
    }

    /// The p value of what is at least `least`. The observed labelling is added to drawn ones.
    pub fn p(&self, values: impl Iterator<Item = f64>, least: f64) -> f64 {
        let as_extreme = values.filter(|&value| value >= least).count();
        let observed = usize::from(!self.exact);
        (as_extreme + observed) as f64 / (self.signs.len() + observed) as f64
    }
}
