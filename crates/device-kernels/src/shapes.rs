/// How a gate is bent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GateFunction {
    /// GELU, by its tanh approximation.
    GeluTanh,
    Silu,
}

/// What norms of queries and keys are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadNorms {
    None,
    /// Each head for itself.
    OfHeads,
    /// All heads of a token's queries together, and all of its keys.
    OfWidth,
}

/// The heads of a layer, and what is done to them before attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeadShape {
    /// Of the queries.
    pub heads: usize,
    /// Heads of keys, and of values; 0 in a layer that has queries alone.
    pub groups: usize,
    pub head_dim: usize,
    /// Pairs of numbers that the rotary embedding turns in each head; 0 where it turns nothing.
    pub pairs: usize,
    /// Of queries and keys.
    pub norms: HeadNorms,
    /// Whether values are what keys are before norm and rotation: then `qkv` has them once.
    pub shared_product: bool,
    /// Whether values have one, without a weight.
    pub value_norm: bool,
    /// Of the norms.
    pub epsilon: f32,
}

/// What attention has to know of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttendShape {
    pub heads: usize,
    pub groups: usize,
    pub head_dim: usize,
    pub scale: f32,
    /// The soft limit of scores.
    pub cap: Option<f32>,
    /// The most queries of a tile in this call.
    pub queries: usize,
}

/// Numbers of queries that a group of units keeps in the memory that it shares.
const SHARED: usize = 2048;

impl AttendShape {
    /// The most queries that a tile of whole prompts has: their heads that share keys read them once.
    pub fn queries_at_once(heads: usize, groups: usize, head_dim: usize) -> usize {
        (most_pairs(head_dim) / (heads / groups)).max(1)
    }

    /// Pairs of a query and a head that one group of units takes.
    pub(crate) fn pairs(&self) -> usize {
        most_pairs(self.head_dim).min(self.queries * (self.heads / self.groups))
    }

    /// How many groups of units share the pairs of a tile and of a head of keys.
    pub(crate) fn parts(&self) -> usize {
        (self.queries * (self.heads / self.groups)).div_ceil(self.pairs())
    }
}

fn most_pairs(head_dim: usize) -> usize {
    (SHARED / head_dim).clamp(1, 16)
}
