//! What rows of activations in two conditions say, with the uncertainty of saying it from few prompts.
//!
//! The data are `n` prompts, each with a row of `hidden` numbers in a plus condition and in a minus
//! condition: `a_i` and `b_i`, with the differences `d_i = a_i - b_i` and the midpoints
//! `m_i = (a_i + b_i) / 2`. The contrast is the mean of the `d_i`. A prompt is the unit everywhere: whatever
//! is resampled, swapped or left out, a prompt's two rows go together.
//!
//! Nearly everything here follows from the rows' inner products ([`PairedGram`]), so that `hidden`, which is
//! large, is paid for once. All arithmetic is in f64 and in a fixed order: the same rows and the same seed
//! give the same bits with any number of threads.
//!
//! Every function assumes sound input: at least one prompt, as many plus rows as minus rows, all
//! of one length of at least 1, only finite numbers. Nothing here panics or gives NaN on such input. A figure that is not
//! defined (with one prompt, for a contrast of zero, without any spread) is `None`, never a placeholder number;
//! its documentation says when. Cosines are within -1 and 1, and no p value is below [`smallest_p`].
//!
//! Six prompts in two conditions, at one layer of three dimensions:
//!
//! ```
//! use statistics::{PairedGram, PairedRows, bootstrap, label_swap_tests, similarity, split_half};
//!
//! let row = |prompt: usize, side: f32| vec![side, 1.0 + 0.1 * prompt as f32, 0.2 * (prompt % 3) as f32];
//! let rows = PairedRows {
//!     plus: (0..6).map(|prompt| row(prompt, 1.0)).collect(),
//!     minus: (0..6).map(|prompt| row(prompt, -1.0)).collect(),
//! };
//! let gram = PairedGram::of(&rows);
//! let figures = similarity(&gram).expect("two prompts or more, and no row of zeros");
//! assert!(figures.within > figures.cross);
//! let intervals = bootstrap(&gram, 0).expect("three prompts or more");
//! assert!(intervals.difference.low > 0.0);
//!
//! let tests = label_swap_tests(&[gram.clone()], 0);
//! assert_eq!(tests.tests[0].p, 2.0 / 64.0); // no smaller p exists with six prompts
//! assert!(split_half(&gram, 0).is_some_and(|halves| halves.cosine > 0.99));
//! ```

#![warn(missing_docs)]

mod bootstrap;
mod cholesky;
mod components;
mod directions;
mod draws;
mod effects;
mod eigen;
mod evenly;
mod gram;
mod label_swap;
mod labellings;
mod level;
mod logistic;
mod outliers;
mod products;
mod project_out;
mod quadratic;
mod rows;
mod separability;
mod shrinkage;
mod sign_flip;
mod similarity;
mod split_half;
mod sums;
mod whitening;

pub use bootstrap::{
    BOOTSTRAP_DRAWS, Bootstrap, Interval, ResampledFigures, bootstrap, bootstrap_mean, bootstrap_means,
    bootstrap_statistic, contrast_norm_unbiased, quantile, resampled,
};
pub use components::{PrincipalComponents, principal_components};
pub use directions::{Direction, logistic_probe, mean_difference, paired_difference_pca, shrinkage_lda};
pub use effects::{Cells, Effect, Effects, effects};
pub use evenly::evenly;
pub use gram::PairedGram;
pub use label_swap::{LabelSwapFamily, LabelSwapTest, label_swap_tests, prompts_for, smallest_p};
pub use level::interval_tail;
pub use outliers::{OutlierDimension, outlier_dimensions};
pub use project_out::project_out;
pub use rows::PairedRows;
pub use separability::{Separability, separability};
pub use sign_flip::{SignFlipTest, sign_flip_tests};
pub use similarity::{SimilarityFigures, similarity};
pub use split_half::{SplitHalf, split_half};
pub use whitening::{Whitened, whitened};
