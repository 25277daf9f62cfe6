use burn::tensor::Tensor;

use crate::Token;

/// The one way into the residual stream: reading it, changing it, and stopping the pass.
///
/// [`Gemma::forward`](crate::Gemma::forward) calls [`residual`](Self::residual) once after each decoder layer,
/// in order, with the layer's 0-based number and its output, before the final norm.
pub trait ResidualTap {
    /// `h: [tokens, hidden]`, a residual for each of `tokens`: all of the batch, or those that are wanted of the last
    /// layer. What is returned takes its place.
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2>;

    /// Nothing after this layer is needed: the pass stops there.
    fn last_layer(&self) -> Option<usize> {
        None
    }

    /// Whether [`site`](Self::site) is to be called: the parts of a layer are computed apart only where somebody reads them.
    fn wants_sites(&self) -> bool {
        false
    }

    /// What is at a place inside of a layer: `x: [tokens, hidden]`. It can be read and not changed.
    fn site(&mut self, _site: Site, _layer: usize, _tokens: &[Token], _x: &Tensor<2>) {}

    /// Rows of the same group are changed in the same way, so that what they begin with is computed once.
    fn group(&self, _row: usize) -> usize {
        0
    }
}

/// Where a pass can be read besides the residual stream after a layer. TransformerLens' names are in brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// The scaled embeddings, which are the residual stream before the first layer (`hook_embed`). Its layer is 0.
    Embedding,
    /// What attention adds to the residual stream, after its output norm (`blocks.N.hook_attn_out`).
    AttentionOutput,
    /// The residual stream between attention and feed-forward (`blocks.N.hook_resid_mid`).
    ResidualMid,
    /// What the feed-forward adds, after its output norm (`blocks.N.hook_mlp_out`).
    FeedForwardOutput,
}

/// The identity.
impl ResidualTap for () {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        h
    }
}
