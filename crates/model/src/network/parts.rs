use std::ops::Range;

use burn::tensor::Tensor;

use super::cpu;

/// Tokens that are computed at once where there are many: enough for products to be at their
/// fastest.
pub(super) const TOKENS_AT_ONCE: usize = 1024;

/// `each` of some rows of `x: [tokens, width]` after the other, so that what is between its
/// products is never there for all tokens. It gives as many rows as it takes.
pub(super) fn in_parts(
    x: Tensor<2>,
    mut each: impl FnMut(Range<usize>, Tensor<2>) -> Tensor<2>,
) -> Tensor<2> {
    let tokens = x.dims()[0];
    if tokens <= TOKENS_AT_ONCE {
        return each(0..tokens, x);
    }
    let mut part = |first: usize| {
        let range = first..tokens.min(first + TOKENS_AT_ONCE);
        let part = x.clone().narrow(0, first, range.len());
        each(range, part)
    };
    let first = part(0);
    let mut all = Tensor::zeros([tokens, first.dims()[1]], (&first.device(), first.dtype()));
    let later = (TOKENS_AT_ONCE..tokens).step_by(TOKENS_AT_ONCE);
    let parts = std::iter::once((0, first)).chain(later.map(|first| (first, part(first))));
    for (first, part) in parts {
        let [rows, width] = part.dims();
        let written = cpu::write_rows(all, first, &part);
        all = written.unwrap_or_else(|all| all.slice_assign([first..first + rows, 0..width], part));
    }
    all
}
