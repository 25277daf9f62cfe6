use burn::tensor::Tensor;

/// The one way into the residual stream: reading it, changing it, and stopping the pass.
///
/// [`Gemma::forward`](crate::Gemma::forward) calls [`residual`](Self::residual) once after each decoder layer,
/// in order, with the layer's 0-based number and its output, before the final norm.
pub trait ResidualTap {
    /// `h: [batch, positions, hidden]`, in the order of the batch's rows. What is returned takes its place.
    fn residual(&mut self, layer: usize, h: Tensor<3>) -> Tensor<3>;

    /// Nothing after this layer is needed: the pass stops there.
    fn last_layer(&self) -> Option<usize> {
        None
    }
}

/// The identity.
impl ResidualTap for () {
    fn residual(&mut self, _layer: usize, h: Tensor<3>) -> Tensor<3> {
        h
    }
}
