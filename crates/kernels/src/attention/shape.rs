/// Heads and scores of one layer.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; each serves `heads / groups` heads of queries.
    pub groups: usize,
    /// Numbers of a head.
    pub head_dim: usize,
    /// What scores are multiplied by, before the cap.
    pub scale: f32,
    /// The soft limit on scores, if there is one.
    pub soft_cap: Option<f32>,
}

impl AttentionShape {
    pub(super) fn heads_of_group(&self) -> usize {
        self.heads / self.groups
    }

    /// Numbers of a query of all heads.
    pub(super) fn width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// The same of the heads of one group.
    pub(super) fn group_width(&self) -> usize {
        self.heads_of_group() * self.head_dim
    }
}

/// What a query sees: a range of its text's positions, not empty.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The place of each position's key and value. Queries of one text are computed together if
    /// they have the very same slice.
    pub path: &'a [u32],
    /// The first position that is seen.
    pub first: usize,
    /// The position after the last.
    pub end: usize,
}
