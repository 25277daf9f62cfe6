use burn::tensor::Tensor;
use terms::Site;

use crate::{Forks, Token};

/// The one way into the residual stream: reading it, changing it, and stopping the pass.
///
/// [`Network::forward`](crate::Network::forward) calls [`residual`](Self::residual) once after each
/// decoder layer, in order, with the layer's 0-based number and its output, before the final norm.
///
/// A pass runs on a thread of its own choice, which is why a tap must be [`Send`].
pub trait ResidualTap: Send {
    /// `h: [tokens, hidden]`, a residual for each of `tokens`: all of the batch, or those that are
    /// wanted after the last layer. What is returned takes its place.
    fn residual(&mut self, layer: usize, tokens: &[Token], h: Tensor<2>) -> Tensor<2>;

    /// Nothing after this layer is needed: the pass stops there.
    fn last_layer(&self) -> Option<usize> {
        None
    }

    /// Whether [`site`](Self::site) is to be called: the parts of a layer are computed separately
    /// only where they are read.
    fn wants_sites(&self) -> bool {
        false
    }

    /// What is at a site other than [`Site::ResidualPost`], which [`residual`](Self::residual) is
    /// called for, to be read: `x: [tokens, width]`, after [`change`](Self::change). The width is
    /// that of the residual stream; of [`Site::HeadOutputs`], that of all heads together.
    fn site(&mut self, _site: Site, _layer: usize, _tokens: &[Token], _x: &Tensor<2>) {}

    /// Whether [`change`](Self::change) is to be called for what is at this site of this layer:
    /// [`Site::AttentionOutput`], [`Site::FeedForwardOutput`] or [`Site::HeadOutputs`].
    fn changes(&self, _site: Site, _layer: usize) -> bool {
        false
    }

    /// `x: [tokens, width]` as in [`site`](Self::site); what is returned takes its place. Rows that are
    /// changed in different ways part before the layer.
    fn change(&mut self, _site: Site, _layer: usize, _tokens: &[Token], x: Tensor<2>) -> Tensor<2> {
        x
    }

    /// Whether [`hides`](Self::hides) is to be asked in this layer.
    fn hides_keys(&self, _layer: usize) -> bool {
        false
    }

    /// Whether a token's query doesn't see the key at an earlier position of its row, where it
    /// otherwise would: the softmax is over what is left. A query sees its own key in any case.
    fn hides(&self, _layer: usize, _query: &Token, _position: usize) -> bool {
        false
    }

    /// Where rows are first changed in different ways, so that what they have in common is computed
    /// once. The rows of a batch for this tap are those that it was asked about.
    fn forks(&self) -> Forks {
        Forks::default()
    }
}

/// The identity.
impl ResidualTap for () {
    fn residual(&mut self, _layer: usize, _tokens: &[Token], h: Tensor<2>) -> Tensor<2> {
        h
    }
}
