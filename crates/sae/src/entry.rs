use std::ops::Range;

use exchange::Float;

/// Where a tensor is in its file.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub kind: Float,
    pub shape: Vec<usize>,
    pub columns_first: bool,
    pub bytes: Range<usize>,
}
